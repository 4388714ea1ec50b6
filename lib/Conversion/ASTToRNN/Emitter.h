// Emitter.h - the state of one elaboration, shared by the files of this folder.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_CONVERSION_ASTTORNN_EMITTER_H
#define RNNC_LIB_CONVERSION_ASTTORNN_EMITTER_H

#include "Sizes.h"

#include "rnnc/Dialect/RNN/RNN.h"
#include "rnnc/Frontend/Frontend.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

namespace rnnc::elab {

struct Instance;
struct Law;

/// What an expression gives. Default: nothing, an error was reported.
struct Thing {
  mlir::Value value;             ///< an !rnn.value or an !rnn.dist
  std::optional<double> literal; ///< a number that may become an index too
  Instance *instance = nullptr;  ///< a name of an instance, or a part of it
  std::string part;              ///< of an instance: path inside
  /// A state record: paths (relative to its cell) and values.
  std::vector<std::pair<std::string, mlir::Value>> fields;
  bool isRecord = false;

  explicit operator bool() const { return value || instance || isRecord; }
  bool isDist() const {
    return value && mlir::isa<rnn::DistType>(value.getType());
  }
  rnn::ValueType type() const {
    return value ? mlir::dyn_cast<rnn::ValueType>(value.getType())
                 : rnn::ValueType();
  }
};

/// A state while a step is emitted.
struct StateSlot {
  mlir::Value before, after;
};

/// States by their absolute instance paths, during one step.
using StateMap = std::map<std::string, StateSlot>;

struct GivenModule;

/// Names of a block. Blocks do not nest but for binders' indices.
struct Env {
  std::map<std::string, Size> sizes;
  std::map<std::string, double> numbers; ///< generics such as `p = 0.5`
  std::map<std::string, Thing> values;
  std::map<std::string, Instance *> instances;
  /// What stands for parameters that are layers or cells.
  std::map<std::string, std::shared_ptr<GivenModule>> modules;
  std::set<std::string> constants; ///< values that inner cells see
  std::map<std::string, std::string> statePaths; ///< own states: name -> path
  StateMap *states = nullptr;                    ///< inside a step
};

/// A layer or a cell among the sizes in brackets, and what the names in it
/// mean.
struct GivenModule {
  ast::Chain bare; ///< a name alone, which was read as a size
  const ast::Chain *chain = nullptr;
  Env env;
  rnn::ValueType reads; ///< says what `_` in it is
};

/// A layer, a cell or a chain of them with weights of its own.
struct Instance {
  std::string path;
  bool isCell = false;
  const ast::ModuleItem *module = nullptr; ///< null: a chain
  Env env;                                 ///< sizes, params, inner instances
  std::vector<Instance *> children;        ///< inner instances in order
  bool isRun = false; ///< by a recurrence in each step of the cell around it
  std::vector<Instance *> stages; ///< of a chain
  std::vector<std::string> stageNames;
  std::vector<std::string> freeTimes; ///< generic time axes, found at each use
};

/// A state of a cell: where it is declared.
struct StateRef {
  std::string path; ///< absolute
  const Instance *owner;
  const ast::StateStmt *decl;
};

/// What the names of one file stand for: its own ones, and those of the files
/// that it imports.
struct FileNames {
  std::map<std::string, const ast::Item *> items;
  Env env; ///< dims and axes; made anew for each module
};

/// Whether a region lies in another, or is it; either may be one that is being
/// made, in no op yet.
bool isWithin(mlir::Region *inner, mlir::Region *outer);

/// Counts the ops that are written out.
struct Growth : mlir::OpBuilder::Listener {
  int64_t ops = 0;
  void notifyOperationInserted(mlir::Operation *,
                               mlir::OpBuilder::InsertPoint) override {
    ++ops;
  }
};

class Emitter {
public:
  Emitter(const CheckedProgram &program, const SourceManager &sources,
          mlir::MLIRContext &context, Diagnostics &diags);

  mlir::OwningOpRef<mlir::ModuleOp> run();

private:
  // Modules.cpp
  void collectItems();
  const ast::Item *findItem(const ast::Name &name) const;
  template <typename T> const T *find(const ast::Name &name) const {
    const ast::Item *item = findItem(name);
    return item ? ast::dynAs<T>(*item) : nullptr;
  }
  Env fileEnv(const ast::Name &name);
  std::vector<const ast::ModelItem *> wantedModels() const;
  const ast::TrainItem *trainOf(const ast::ModelItem &model) const;
  bool declareSizes(const ast::ModelItem &model, Env &env);
  bool emitModel(const ast::ModelItem &model);
  bool makeFileScope();
  bool emitStatement(const ast::Stmt &stmt, Env &env);
  bool emitExport(const ast::ExportEntry &entry,
                  llvm::ArrayRef<const ast::ExportEntry *> same);
  void keepAxisNamesApart(const Instance &instance);
  bool emitExportedCell(Instance &instance, SourceRange range);
  bool emitExportedLayer(Instance &instance, SourceRange range);
  bool declareData(const std::vector<ast::Field> &fields, bool isOutput,
                   Env &env);
  bool observe(const ast::ObserveStmt &stmt, Env &env);
  rnn::ModuleOp beginModule(SourceRange range, std::string name,
                            llvm::StringRef kind, std::string source);
  bool endModule(rnn::ModuleOp module, mlir::DictionaryAttr train,
                 llvm::ArrayRef<mlir::Attribute> exports);
  mlir::Attribute exportAttr(const ast::ExportEntry &entry);

  // Train.cpp
  mlir::DictionaryAttr choiceAttr(const ast::Expr &node,
                                  llvm::StringRef setting, Env &env);
  bool addSetting(const ast::Setting &setting, mlir::NamedAttrList &list,
                  llvm::SmallVectorImpl<mlir::Attribute> &clips, Env &env);
  mlir::DictionaryAttr trainSettings(const ast::TrainItem *train, Env &env);
  std::optional<mlir::Attribute> settingValue(const ast::Expr &expr, Env &env);
  llvm::SmallVector<rnn::ParamOp> paramsBelow(const ast::Setting &setting,
                                              rnn::ModuleOp module);
  std::optional<mlir::DictionaryAttr> ratesOf(const ast::TrainItem &train,
                                              rnn::ModuleOp module, Env &env);
  std::optional<mlir::ArrayAttr> lazyParams(const ast::TrainItem &train,
                                            rnn::ModuleOp module);
  bool overrideInit(const ast::TrainItem &train, rnn::ModuleOp module,
                    Env &env);

  // Instances.cpp
  Instance *instantiate(const ast::Chain &chain, std::string path, Env &env,
                        rnn::ValueType left);
  Instance *instantiateModule(const ast::ModuleItem &module,
                              const std::vector<ast::Given> &given,
                              SourceRange range, std::string path, Env &outer,
                              rnn::ValueType left);
  Instance *instantiateCall(const ast::ModuleItem &module,
                            const std::vector<ast::SizePtr> &sizes,
                            SourceRange range, std::string path, Env &outer,
                            llvm::ArrayRef<mlir::Value> inputs);
  bool bindGenerics(const ast::ModuleItem &module,
                    const std::vector<ast::Given> &given, SourceRange range,
                    Env &outer, rnn::ValueType left, Instance &instance);
  bool bindModule(const ast::ModuleItem &module, const ast::Generic &generic,
                  const ast::Given &given, Env &outer, rnn::ValueType left,
                  Instance &instance);
  std::pair<rnn::ValueType, rnn::ValueType>
  portsOf(const ast::Chain &chain, Env &env, rnn::ValueType left);
  bool recurConstants(const ast::Recur &node, Instance &cell,
                      const ast::ModuleItem &module, Env &env,
                      std::map<std::string, Thing> &constants);
  mlir::Value stored(const ast::StateStmt &decl, mlir::Value value);
  mlir::Value readState(const ast::StateStmt &decl, mlir::Value value);
  void implyConstants(Instance &instance, const Env &env,
                      std::map<std::string, Thing> &constants);
  bool declareBody(Instance &instance);
  bool declareParam(const ast::ParamStmt &stmt, const std::string &path,
                    Env &env);
  bool declareUses(const ast::UseStmt &stmt, const std::string &path, Env &env,
                   std::vector<Instance *> *children);
  bool declareAxis(const ast::Name &name, const std::vector<ast::Name> &labels,
                   Env &env);
  bool declareDims(const std::vector<ast::DimEntry> &entries, Env &env,
                   const std::map<std::string, int64_t> *known);
  void declareTime(const std::string &name, Env &env);
  mlir::DictionaryAttr firstValues(const ast::ParamStmt &stmt,
                                   rnn::ValueType type, Env &env);
  mlir::DictionaryAttr listedValues(const ast::List &list, rnn::ValueType type,
                                    Env &env);
  mlir::DictionaryAttr labelledValues(const ast::Record &record,
                                      rnn::ValueType type, Env &env);
  mlir::DictionaryAttr tableOf(const ast::Expr &node, rnn::ValueType type,
                               Env &env);
  mlir::DictionaryAttr initialiser(const ast::Initialiser &init, Env &env);
  rnn::ValueType resultType(Instance &instance, rnn::ValueType input);
  void collectStates(Instance &instance, std::vector<StateRef> &states);

  // Calls.cpp
  bool matchType(const ast::Type &formal, rnn::ValueType actual, size_t lead,
                 Env &env, const std::set<std::string> &open);
  bool matchSize(const ast::Size &formal, const Size &actual, Env &env,
                 const std::set<std::string> &open);
  Thing callFunction(const ast::FnItem &fn, const ast::Call &call, Env &env);
  Thing callInstance(Instance &instance, std::vector<Thing> inputs,
                     std::map<std::string, Thing> constants, StateMap *states,
                     SourceRange range);
  Thing callLayer(Instance &instance, const std::vector<Thing> &inputs,
                  const std::map<std::string, Thing> &constants,
                  SourceRange range);
  Thing emitBody(Instance &instance, const std::vector<Thing> &inputs,
                 const std::map<std::string, Thing> &constants,
                 StateMap *states, SourceRange range);
  Thing runBlock(const ast::Block &block, Env &env);
  bool declareSizes(const ast::Block &block, Env &env);
  std::set<std::string> openSizes(const std::vector<ast::Generic> &generics,
                                  const std::vector<ast::SizePtr> &given,
                                  Env &caller, Env &env);
  bool sortArguments(const std::vector<ast::Arg> &args,
                     const std::vector<ast::Field> &fields, SourceRange range,
                     Env &env, std::map<std::string, Thing> &result);
  bool callArguments(Instance &instance, const ast::Call &call, Env &env,
                     std::vector<Thing> &inputs,
                     std::map<std::string, Thing> &constants);
  const ast::ModuleItem *inputModule(Instance &instance);
  Thing inlineFunction(const ast::FnItem &fn, const ast::Call &call,
                       Env &caller, std::map<std::string, Thing> given);
  Thing bindOver(rnn::BindKind kind, rnn::AxisAttr axis, SourceRange range,
                 llvm::function_ref<Thing(mlir::Value)> body);

  // Expressions.cpp
  Thing expr(const ast::Expr &node, Env &env);
  mlir::Value real(const ast::Expr &node, Env &env);
  mlir::Value asReal(Thing thing, SourceRange range);
  mlir::Value asIndex(Thing thing, rnn::AxisAttr axis, SourceRange range);
  mlir::Value asType(Thing thing, rnn::ValueType type, SourceRange range);
  mlir::Value exprAs(const ast::Expr &node, rnn::ValueType type, Env &env);
  mlir::Value broadcast(mlir::Value value, rnn::ValueType type,
                        SourceRange range);
  mlir::Value perEntry(
      rnn::ValueType type, unsigned position, SourceRange range,
      llvm::function_ref<mlir::Value(mlir::Value index, rnn::ValueType rest)>
          entry);
  mlir::Value constant(double value, rnn::ValueType type, SourceRange range);
  std::optional<double> number(const ast::Expr &node, Env &env);

  // FixedValues.cpp
  std::optional<std::vector<double>> fixedValue(const ast::Expr &node,
                                                rnn::ValueType type, Env &env);
  std::optional<double> fixedNumber(const ast::Expr &node, Env &env);
  Thing notFixed(SourceRange range, const std::string &what);

  Thing nameRef(const ast::NameRef &node, Env &env);
  Thing member(const ast::Member &node, Env &env);
  Thing memberOf(const Thing &base, const ast::Name &name);
  Thing label(mlir::Value value, const std::string &name, SourceRange range);
  Thing index(const ast::Index &node, Env &env);
  Thing indexRest(Thing base, llvm::ArrayRef<ast::ExprPtr> indices,
                  SourceRange range, Env &env);
  Thing indexOne(const Thing &base, const ast::Expr &one, SourceRange range,
                 Env &env);
  mlir::Value slice(mlir::Value value, const ast::Slice &node, Env &env);
  bool numbersOf(const ast::List &node, Env &env,
                 llvm::SmallVectorImpl<double> &numbers,
                 llvm::SmallVectorImpl<int64_t> &shape, size_t depth);
  Thing list(const ast::List &node, Env &env);
  Thing binary(const ast::Binary &node, Env &env);
  Thing compare(const ast::Binary &node, Env &env);
  Thing ifExpr(const ast::If &node, Env &env);
  bool isPlace(mlir::Value value) const;
  mlir::Value chosenAs(const ast::Expr &node, rnn::ValueType type, Env &env);
  mlir::Value besideNumber(const ast::If &node, mlir::Value condition,
                           Env &env);
  Thing bind(const ast::Bind &node, Env &env);
  Thing record(const ast::Record &node, Env &env);
  Thing as(const ast::As &node, Env &env);
  Thing join(mlir::Value lhs, mlir::Value rhs, SourceRange range);

  // Builtins.cpp
  Thing call(const ast::Call &node, Env &env);
  Thing builtin(const ast::Call &node, Env &env);
  mlir::Value shiftedIn(const ast::Call &node, Thing &sequence, Env &env);
  Thing cumsum(mlir::Value value, SourceRange range);
  mlir::Value stepNumbers(rnn::AxisAttr axis, SourceRange range);
  bool isPlaceInTime(const Thing &thing) const;
  Thing onehotOfPlace(mlir::Value place, SourceRange range);
  Thing settled(Thing thing, SourceRange range);
  Thing dropout(const ast::Call &node, Env &env);
  Thing noise(const ast::Call &node, Env &env);
  rnn::AxisAttr tiedAlong(const ast::Expr &node, Env &env);
  const ast::Expr *argument(const ast::Call &call, size_t position,
                            llvm::StringRef name);

  // Distributions.cpp
  Thing dist(const ast::Call &node, Env &env);
  Thing law(const ast::DistItem &item, const ast::Call &node, Env &env,
            rnn::ValueType data);
  bool lawArguments(const ast::Call &node, Env &env, Law &law);
  bool lawRegion(const Law &law, const std::string &part, mlir::Region &region);
  Thing lawPart(const Law &law, const std::string &part,
                llvm::ArrayRef<mlir::Value> values);
  llvm::SmallVector<mlir::Value> changingArgs(mlir::Operation *dist,
                                              mlir::Region &body);
  Thing bindDist(rnn::AxisAttr axis, mlir::Region &body, mlir::Value dist,
                 SourceRange range);
  Thing distAlong(rnn::AxisAttr axis, mlir::Operation *dist,
                  llvm::ArrayRef<mlir::Value> args, SourceRange range);
  Thing lawAlong(rnn::AxisAttr axis, rnn::LawOp law,
                 llvm::ArrayRef<mlir::Value> args, SourceRange range);
  void lawPartAlong(rnn::AxisAttr axis, mlir::Region &part,
                    llvm::ArrayRef<mlir::Type> types, mlir::Region &result,
                    SourceRange range);
  Thing
  forEachDraw(llvm::ArrayRef<rnn::AxisAttr> lead, llvm::ArrayRef<int64_t> ranks,
              llvm::ArrayRef<mlir::Value> values, SourceRange range,
              llvm::function_ref<Thing(llvm::ArrayRef<mlir::Value>)> body);

  // Recurrences.cpp
  Thing recur(const ast::Recur &node, Env &env);
  SourceRange ownPlace(SourceRange range) const;
  bool overValues(const ast::Recur &node, Env &env,
                  llvm::SmallVectorImpl<mlir::Value> &over,
                  rnn::AxisAttr &axis);
  /// With what an unfold begins, and where it ends.
  struct UnfoldEnds {
    mlir::IntegerAttr start, stop, max;
    mlir::Value first;
  };
  bool unfoldEnds(const ast::Recur &node, rnn::ValueType element, Env &env,
                  UnfoldEnds &ends);
  bool unfoldBody(const ast::Recur &node, Instance &cell,
                  rnn::ValueType sequence, llvm::ArrayRef<mlir::Value> over,
                  const std::map<std::string, Thing> &constants,
                  llvm::ArrayRef<StateRef> states,
                  llvm::ArrayRef<mlir::Value> init, mlir::Region &region);
  Thing unfold(const ast::Recur &node, rnn::ValueType sequence, Env &env);
  Instance *recurCell(const ast::Recur &node, Env &env,
                      llvm::ArrayRef<mlir::Value> elements);
  bool firstStates(const ast::Recur &node, Instance &cell,
                   const std::map<std::string, Thing> &constants, Env &env,
                   std::vector<StateRef> &states,
                   llvm::SmallVectorImpl<mlir::Value> &init);
  bool prepareStates(const std::map<std::string, Thing> &constants,
                     llvm::ArrayRef<StateRef> states,
                     llvm::SmallVectorImpl<mlir::Value> &init);
  Thing emitStep(Instance &cell, llvm::ArrayRef<mlir::Value> elements,
                 const std::map<std::string, Thing> &constants,
                 llvm::ArrayRef<StateRef> states,
                 llvm::ArrayRef<mlir::Value> before,
                 llvm::SmallVectorImpl<mlir::Value> &after, SourceRange range);
  Thing repeatStep(const ast::Recur &node, Env &env);
  bool timesArguments(const ast::Recur &node, const ast::ModuleItem &module,
                      Env &env, llvm::SmallVectorImpl<mlir::Value> &held,
                      std::map<std::string, Thing> &constants);
  Thing runCell(const ast::Recur &node, Instance &cell, rnn::AxisAttr axis,
                llvm::ArrayRef<mlir::Value> over,
                llvm::ArrayRef<mlir::Value> held,
                const std::map<std::string, Thing> &constants,
                llvm::ArrayRef<StateRef> states,
                llvm::ArrayRef<mlir::Value> init, Env &env);
  /// `over` is read step by step, `held` is the same in all steps.
  Thing scanCell(Instance &cell, rnn::AxisAttr axis,
                 llvm::ArrayRef<mlir::Value> over,
                 llvm::ArrayRef<mlir::Value> held,
                 const std::map<std::string, Thing> &constants,
                 llvm::ArrayRef<StateRef> states,
                 llvm::ArrayRef<mlir::Value> init, bool reverse,
                 SourceRange range, Thing &finals);

  /// Reports, once, a program that grows without measure when it is written
  /// out: `what`, at `range`, would be written out next. (Emitter.cpp)
  bool isTooLarge(SourceRange range, const std::string &what);
  SourceRange placeOf(mlir::Operation *op) const;
  bool checkNesting();

  // Sizes and types (Emitter.cpp)
  std::optional<Size> size(const ast::Size &node, Env &env);
  rnn::AxisAttr axis(const Size &size, SourceRange range);
  rnn::ValueType type(const ast::Type &node, Env &env);
  Size sizeOf(rnn::AxisAttr axis);
  AxisInfo *newAxis(const std::string &name);

  // Ops (Emitter.cpp)
  mlir::Location loc(SourceRange range);
  Thing error(const char *code, SourceRange range, std::string message,
              std::string label);
  /// What the check should have refused.
  Thing contradiction(SourceRange range, std::string what);
  template <typename Op, typename... Args>
  Thing make(SourceRange range, Args &&...args);

  const CheckedProgram &program;
  const SourceManager &sources;
  Diagnostics &diags;
  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> top;

  std::map<uint32_t, FileNames> files; ///< by their ids
  std::map<std::string, SourceRange> dimPlaces;

  std::set<std::string> moduleNames;

  // Of the module that is emitted.
  std::deque<AxisInfo> axes;
  std::set<std::string> axisNames;
  std::deque<Instance> instances;
  llvm::DenseMap<mlir::Attribute, Size> axisSizes;
  /// What the search of a distribution finds, for the function `beam`.
  struct Found {
    mlir::Value best, scores;
  };
  bool findsBest = false; ///< the model exports it
  llvm::DenseMap<mlir::Operation *, Found> found;
  mlir::Block *moduleBlock = nullptr;
  mlir::Operation *lastParam = nullptr;
  int64_t sites = 0, sums = 0;
  llvm::DenseMap<mlir::Attribute, mlir::Value> counted; ///< steps of time axes
  Growth growth;
  bool grewTooLarge = false;
  /// The calls and binders around what is emitted, the outermost first.
  std::vector<SourceRange> uses;
  llvm::DenseSet<mlir::Value> places; ///< indices of binders
  std::vector<rnn::AxisAttr> runs;    ///< axes of the recurrences around
  /// Where the recurrences were written, in a file of the author.
  llvm::DenseMap<mlir::Operation *, SourceRange> recurrences;
};

/// Makes an expression op after its typing rule was tried, so that nothing that
/// slipped through is fatal.
template <typename Op, typename... Args>
Thing Emitter::make(SourceRange range, Args &&...args) {
  mlir::MLIRContext *context = builder.getContext();
  mlir::OperationState state(loc(range), Op::getOperationName());
  mlir::Type unknown = rnn::ValueType::real(context);
  Op::build(builder, state, mlir::TypeRange(unknown),
            std::forward<Args>(args)...);
  state.types.clear();
  std::string message = "these types do not fit";
  llvm::SmallVector<mlir::Type, 1> types;
  mlir::LogicalResult fits = mlir::failure();
  {
    mlir::ScopedDiagnosticHandler handler(
        context, [&](mlir::Diagnostic &diag) { message = diag.str(); });
    fits = Op::inferReturnTypes(context, state.location, state.operands,
                                state.attributes.getDictionary(context),
                                state.getRawProperties(), state.regions, types);
  }
  if (mlir::failed(fits))
    return error("E999", range, message, "found while compiling");
  state.addTypes(types);
  Thing result;
  result.value = builder.create(state)->getResult(0);
  return result;
}

} // namespace rnnc::elab

#endif // RNNC_LIB_CONVERSION_ASTTORNN_EMITTER_H
