// Analyser.h - the checker of names and types.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pass over the files in import order. A value that failed to type has the
// error type and is silent from then on.
#ifndef RNNC_LIB_FRONTEND_ANALYSER_H
#define RNNC_LIB_FRONTEND_ANALYSER_H

#include "Scope.h"
#include "Sema.h"

namespace rnnc {

class Analyser {
public:
  Analyser(CheckedProgram &program, const SourceManager &sources,
           const FrontendOptions &options, Diagnostics &diags)
      : program(program), sources(sources), options(options), diags(diags) {}

  void run();

private:
  // Items (AnalyseItems.cpp).
  void item(const ast::Item &item);
  void checkGivenDims();
  void declare(const ast::Name &name, Entity entity);
  void dimItem(const ast::DimItem &item);
  void axisItem(const ast::Name &name, const std::vector<ast::Name> &labels);
  const Axis *makeLabelled(const ast::Name &name,
                           const std::vector<ast::Name> &labels);
  Axis *newAxis(const ast::Name &name, Axis::Kind kind);
  Signature *newSignature(Signature::Kind kind, const ast::Name &name);
  void beginBlock(BlockScope::Kind kind);
  void noModules(const std::vector<ast::Generic> &generics, const char *what);
  void declareModule(const ast::Generic &generic, GenericInfo &info);
  std::vector<GenericInfo>
  declareGenerics(const std::vector<ast::Generic> &generics);
  std::vector<Port> declarePorts(const std::vector<ast::Field> &fields,
                                 Local::Kind kind);
  void fnItem(const ast::FnItem &item);
  void moduleItem(const ast::ModuleItem &item);
  void distItem(const ast::DistItem &item);
  void distParts(const ast::DistItem &item, const Ty &drawn);
  void searchParts(const ast::DistItem &item, const Ty &drawn);
  void readsDrawn(const ast::DistItem &item);
  bool fitsDrawn(const Ty &value, const Ty &drawn, SourceRange range);
  Ty lawType(const ast::Type &node, const Signature &signature,
             std::vector<Poly> axes);
  Ty lawCall(const ast::Call &node, const Signature &signature);
  bool drawsOf(const std::vector<const ast::Expr *> &args,
               const std::vector<std::vector<Poly>> &fronts,
               const Signature &signature, std::vector<Poly> &front);
  void modelSizes(const ModelInfo &model);
  std::optional<int64_t> givenDim(const GenericInfo &generic) const;
  void modelItem(const ast::ModelItem &item);
  void finishCell(Signature &signature, const ast::ModuleItem &item);
  void warnOldState();
  void finishModule(Signature &signature, const ast::ModuleItem &item);
  void finishOut(const ast::Name &name);
  void finishParams();
  void finishModel(ModelInfo &model);
  void statesOf(Signature &signature);
  void gateWarningFacts(Signature &signature, const ast::Block &body);

  // Statements (AnalyseStmts.cpp).
  void block(const ast::Block &body);
  void statement(const ast::Stmt &stmt);
  bool allowed(const ast::Stmt &stmt);
  void prescan(const ast::Block &body);
  Local *declareLocal(const ast::Name &name, Local::Kind kind, Ty type);
  void timeStmt(const ast::TimeStmt &stmt);
  void dimStmt(const ast::DimStmt &stmt);
  void paramStmt(const ast::ParamStmt &stmt);
  void initialiser(const ast::Initialiser &init);
  void stateStmt(const ast::StateStmt &stmt);
  void useStmt(const ast::UseStmt &stmt);
  void fieldsStmt(const std::vector<ast::Field> &fields, Local::Kind kind,
                  SourceRange statement);
  void defineStmt(const ast::DefineStmt &stmt);
  void nextStmt(const ast::NextStmt &stmt);
  std::string distOfSteps(const ast::Recur &recur);
  void observeStmt(const ast::ObserveStmt &stmt);
  void observedTypes(const ast::ObserveStmt &stmt, Local &output,
                     const Ty &type);
  void outStmt(const ast::OutStmt &stmt);
  bool followsFromData(const ast::Expr &value) const;
  bool isFixed(const ast::Expr &value) const;
  bool isGivenByCall(const Local &local) const;
  Ty fixedExpr(const ast::Expr &value);
  Ty notFixed(SourceRange range, SourceRange decl);
  void lossStmt(const ast::LossStmt &stmt);
  void firstValue(const ast::Expr &value, const Ty &type, const char *code,
                  BlockScope::Rule rule);
  void recordValue(const ast::Record &record, const Ty &type, const char *code);

  // Sizes, types and names (AnalyseTypes.cpp).
  std::optional<Poly> size(const ast::Size &size);
  std::optional<Poly> sizeName(const ast::Size &size);
  bool checkSize(const Poly &poly, SourceRange range);
  Ty type(const ast::Type &type);
  Ty distType(const ast::Type &type);
  bool noTimeIn(const ast::Type &type, const std::string &name);
  const Entity *findEntity(const std::string &name) const;
  Local *findLocal(const std::string &name) const;
  bool declaredLater(const std::string &name, SourceRange range);
  std::string similar(const std::string &name,
                      const std::vector<std::string> &candidates) const;
  bool tooManyErrors() const;
  std::vector<std::string> valueNames() const;
  std::vector<std::string> functionNames() const;
  std::vector<std::string> moduleNames() const;
  bool importsStd() const;
  std::string freshName(std::initializer_list<const char *> names) const;

  // Instances (AnalyseInstances.cpp).
  bool instance(const ast::Chain &chain, const Ty *left, Instance &result);
  bool refInstance(const ast::Chain &chain, const Ty *left, Instance &result);
  bool sequenceInstance(const ast::Chain &chain, const Ty *left,
                        Instance &result);
  bool repeatInstance(const ast::Chain &chain, const Ty *left,
                      Instance &result);
  const Signature *findModule(const ast::Name &name);
  void madeOf(const Signature &inner);
  void finishLevels(Signature &signature, const ast::Name &name);
  bool bindGenerics(const Signature &signature,
                    const std::vector<ast::Given> &given, SourceRange range,
                    const Ty *left, Bindings &bindings,
                    std::vector<const Axis *> &inferred, GivenModules &modules);
  void implyConstants(const std::vector<Port> &ports, size_t first,
                      SourceRange range, std::vector<const ast::Expr *> &args);
  bool bindModule(const Signature &signature, const GenericInfo &generic,
                  const ast::Given &given, const Ty *left, Bindings &bindings,
                  Instance &made);
  bool fitsModule(const Signature &signature, const GenericInfo &generic,
                  const ast::Given &given, const Instance &made,
                  Bindings &bindings);
  std::optional<Ty> readsBehind(const Signature &signature,
                                const GenericInfo &generic, const Ty *left,
                                Bindings bindings) const;
  bool bindRest(const Signature &signature, SourceRange range,
                Bindings &bindings);
  bool bindSizes(const Signature &signature,
                 const std::vector<ast::SizePtr> &sizes, SourceRange range,
                 Bindings &bindings);
  bool follow(Instance &link, const Ty &left, SourceRange range,
              std::vector<const Axis *> &inferred);
  void instantiate(const Signature &signature, const Bindings &bindings,
                   const GivenModules &modules, Instance &result);

  // Parts of values (AnalyseParts.cpp).
  Ty index(const ast::Index &index);
  bool hasAxis(const ast::Expr &base, const Ty &type, const ast::Expr &index,
               size_t at);
  Ty sliceOnce(const ast::Expr &base, Ty type, const ast::Slice &node,
               size_t at);
  Ty indexOnce(const ast::Expr &base, const Ty &baseType,
               const ast::Expr &index, size_t at);
  Ty member(const ast::Member &member);
  Ty namedRecord(const ast::Record &record);
  Ty stateMember(const std::vector<StateField> &states,
                 const std::vector<ast::Name> &path, const std::string &owner);
  Ty stateOrLabel(const std::vector<StateField> &states,
                  const std::vector<ast::Name> &path, const std::string &owner,
                  const ast::Member &node);
  Ty labelled(Ty value, const std::vector<ast::Name> &labels, SourceRange root);

  // Expressions (AnalyseExprs.cpp).
  Ty expr(const ast::Expr &expr);
  Ty nameRef(const ast::NameRef &ref);
  Ty localRef(const ast::NameRef &ref, Local &local);
  Ty prime(const ast::Prime &prime);
  Ty list(const ast::List &node);
  Ty power(const ast::Power &power);
  Ty asType(const ast::As &as);
  Ty neg(const ast::Neg &neg);
  Ty ifExpr(const ast::If &node);
  Ty bind(const ast::Bind &bind);
  Ty reduce(const ast::Bind &bind, const Poly &axis, Ty body);

  // Operators (AnalyseOperators.cpp).
  Ty binary(const ast::Binary &binary);
  std::string turnedHelp(const ast::Binary &node, const Ty &lhs,
                         const Ty &rhs) const;
  Ty matchOp(const ast::Binary &binary, const Ty &lhs, const Ty &rhs);
  Ty joinOp(const ast::Binary &binary, const Ty &lhs, const Ty &rhs);
  Ty compareOp(const ast::Binary &binary, const Ty &lhs, const Ty &rhs);
  Ty elementwise(const std::string &op, SourceRange opRange,
                 const ast::Expr &whole, const ast::Expr &lhs, const Ty &l,
                 const ast::Expr &rhs, const Ty &r);
  void shapeError(const std::string &op, SourceRange opRange,
                  const ast::Expr &whole, const ast::Expr &lhs, const Ty &l,
                  const ast::Expr &rhs, const Ty &r);
  bool number(const ast::Expr &expr, const Ty &type, const std::string &op);
  bool condition(const ast::Expr &expr, const Ty &type, const std::string &op);
  Ty logicOp(const ast::Binary &binary, const Ty &lhs, const Ty &rhs);
  std::string asNumber(const ast::Expr &expr, const Ty &type) const;
  bool comparable(const ast::Binary &node, const Ty &lhs, const Ty &rhs);
  bool fitsIndex(const Ty &type, const Poly &axis, SourceRange range);
  bool standsFor(const ast::Expr &node, const Ty &type);

  // Calls (AnalyseCalls.cpp, AnalyseBuiltins.cpp).
  Ty call(const ast::Call &call);
  Ty instanceCall(const ast::Call &call, Local &local);
  Ty layerCall(const ast::Call &call, Instance &instance);
  Ty stepCall(const ast::Call &call, Instance &instance);
  Ty signatureCall(const ast::Call &call, const Signature &signature);
  std::vector<const ast::Expr *>
  assign(const std::string &callee, SourceRange range,
         const std::vector<ast::Arg> &args, const std::vector<Port> &ports,
         size_t required, bool &ok, size_t constantsFrom = SIZE_MAX);
  bool argument(const std::string &callee, const Instance *instance,
                const ast::Expr &arg, const Ty &actual, const Port &formal,
                const std::vector<const Axis *> &free, Bindings &bindings,
                std::vector<Poly> *front);
  void argumentError(const std::string &callee, const Instance *instance,
                     const ast::Expr &arg, const Ty &actual, const Ty &formal,
                     SourceRange formalRange);
  void indexError(SourceRange indexRange, const Ty &index,
                  SourceRange baseRange, const std::string &baseLabel,
                  const Poly &wanted);
  Ty builtinCall(const ast::Call &call, bool &found);
  Ty lastAxisCall(const ast::Call &call, const ast::Expr &x, const Ty &type);
  Ty firstAxisCall(const ast::Call &call, const ast::Expr &x, const Ty &type,
                   const ast::Expr *extra);
  Ty distCall(const ast::Call &call,
              const std::vector<const ast::Expr *> &args);
  bool tiedAlong(const ast::Call &call, const Ty &x, const ast::Expr &value,
                 const ast::Expr *tied);
  Ty noiseCall(const ast::Call &call, const Ty &x, const ast::Expr &value,
               const ast::Expr &from, const ast::Expr *tied);
  Ty fixedArg(const ast::Call &call, const ast::Expr *arg, const char *name);
  Ty scalarArg(const ast::Call &call, const ast::Expr &given, Ty type,
               const char *name);
  bool needNumber(const ast::Call &call, const ast::Expr &arg, const Ty &type);
  void needAxis(const ast::Call &call, const ast::Expr &arg, const char *which);
  void seesFuture(SourceRange range);

  // Recurrences (AnalyseRecurrences.cpp).
  Ty recur(const ast::Recur &recur);
  Instance *recurCell(const ast::Recur &recur, Instance &storage);
  Ty recurOver(const ast::Recur &recur, Instance &cell, Ty element);
  Ty recurTimes(const ast::Recur &recur, Instance &cell);
  bool overInputs(const ast::Recur &recur, Instance &cell, size_t firstInput,
                  Bindings &bindings, Poly &time);
  bool overType(const ast::Recur &recur, const Instance &cell,
                const ast::Expr &over, const Ty &type, const Port &input,
                Bindings &bindings);
  void lengthError(const ast::Recur &recur, const ast::Expr &over,
                   const Ty &type, const Ty &firstType);
  bool recurConstants(const ast::Recur &recur, Instance &cell,
                      Bindings &bindings);
  void fromClause(const ast::Recur &recur, const Instance &cell,
                  const Bindings &bindings);
  void fromField(const ast::Recur &recur, const Instance &cell,
                 const std::vector<StateField> &states,
                 const ast::Record::Field &field);
  void finalClause(const ast::Recur &recur, const Instance &cell,
                   const Bindings &bindings);
  Ty unfold(const ast::Recur &recur, Instance &cell);
  bool unfoldCloses(const ast::Recur &recur, const Instance &cell);
  void unfoldClauses(const ast::Recur &recur, const Ty &drawn);
  Ty stateRecord(const Instance &cell, const Bindings &bindings) const;

  // Training and exports (AnalyseTrain.cpp, AnalyseExports.cpp).
  void trainItem(const ast::TrainItem &item);
  void exportItem(const ast::ExportItem &item);
  void exportEntry(const ast::ExportEntry &entry);
  bool exportArgs(const ast::ExportEntry &entry,
                  const std::vector<const char *> &names,
                  ExportRequest &request);
  bool exportModelSizes(const ast::ExportEntry &entry, const ModelInfo &model,
                        ExportRequest &request);
  bool exportSizes(const ast::ExportEntry &entry, const Signature &signature,
                   ExportRequest &request);

  std::string text(SourceRange range) const {
    return std::string(sources.text(range));
  }
  unsigned line(SourceRange range) const {
    return sources.lineColumn(range.file, range.begin).line;
  }
  SourceRange firstLine(SourceRange range) const;

  CheckedProgram &program;
  const SourceManager &sources;
  const FrontendOptions &options;
  Diagnostics &diags;

  std::deque<Axis> axes;
  std::deque<Signature> signatures;
  std::deque<ModelInfo> models;
  std::vector<ast::ExprPtr> implied; ///< arguments that nobody wrote
  std::deque<FileScope> files;
  std::map<std::string, const FileScope *> modules; ///< by import name
  FileScope *scope = nullptr;
  std::unique_ptr<BlockScope> blockScope; ///< null outside of blocks
  bool inMain = false;

  friend class TrainAnalyser;
};

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_ANALYSER_H
