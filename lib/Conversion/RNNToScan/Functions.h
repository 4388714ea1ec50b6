// Functions.h: the functions that a module becomes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_RNNTOSCAN_FUNCTIONS_H
#define RNNC_LIB_CONVERSION_RNNTOSCAN_FUNCTIONS_H

#include "Lowering.h"

#include "rnnc/Dialect/Interface/Interface.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "rnnc/Dialect/RNN/Nesting.h"

namespace rnnc::batch {

/// A recurrent state of a module: its instance path and its type.
struct StateInfo {
  std::string name;
  rnn::ValueType type;
  mlir::Location loc;
};

struct ModuleInfo;

/// The unfold of a module, and what its steps read: for the functions that
/// draw.
struct Unfolding {
  /// The only unfold of a module, if it has one.
  static std::optional<Unfolding> of(const ModuleInfo &info);

  rnn::UnfoldOp op;
  rnn::ObserveOp observe;
  /// What is drawn depends on more than what was drawn before.
  bool readsInputs = false;
  /// Values that are the same in all steps of a sequence and that the steps
  /// read; `begin` makes them.
  llvm::SmallVector<mlir::Value> kept;
  /// Values outside of the steps that these read: made of parameters alone,
  /// and the others.
  llvm::SmallVector<mlir::Value> captured, capturedInputs;
  /// Ops of a step that give the same in all of them, in order, and those that
  /// `begin` has made for `next`.
  llvm::SmallVector<mlir::Operation *> invariant;
  llvm::DenseSet<mlir::Operation *> madeBefore;

  /// What a step draws from, if that is written in the language.
  rnn::LawOp law() const;
  bool isSampled() const; ///< it has a line `sample`
  /// Why nothing can be drawn: an empty reason if it can.
  std::pair<mlir::Location, std::string>
  reasonAgainst(const ModuleInfo &info) const;
};

/// What a module consists of, read off its ops.
struct ModuleInfo {
  explicit ModuleInfo(rnn::ModuleOp module);

  rnn::ModuleOp module;
  /// Time axes that have a length for each element of others.
  rnn::Nesting nesting;
  llvm::SmallVector<rnn::ParamOp> params;
  llvm::SmallVector<rnn::InputOp> inputs;
  llvm::SmallVector<rnn::OutputOp> outputs;
  llvm::SmallVector<rnn::FirstStateOp> firstStates;
  llvm::SmallVector<rnn::ObserveOp> observes;
  llvm::SmallVector<rnn::LossOp> losses;
  llvm::SmallVector<rnn::ResultOp> results;
  llvm::SmallVector<rnn::FinalStateOp> finalStates;
  /// States of the recurrences over time that are not inside others.
  llvm::SmallVector<StateInfo> states;
  /// The recurrences over time that keep them, whether or not anything reads
  /// them.
  llvm::SmallVector<mlir::Operation *> recurrences;
  /// Time axes of inputs and outputs, in order of appearance.
  llvm::SmallVector<std::string> times;
  /// Dropout that acts in training.
  bool random = false;
  /// `bptt`: steps (0: none) and whether chunks carry their states on.
  int64_t bpttSteps = 0;
  bool bpttCarry = false;
  /// `checkpoint`; null: none.
  scan::CheckpointAttr checkpoint;
  bool perExample = false;
  /// The only unfold of a model.
  std::optional<Unfolding> unfolding;
  /// It is drawn from by `begin` and `next`: a step alone does not do.
  bool drawsFromInputs = false;

  bool isModel() const { return rnn::ModuleOp(module).getKind() == "model"; }
  bool isUnfold(rnn::ObserveOp observe) const {
    return bool(observe.getDist().getDefiningOp<rnn::UnfoldOp>());
  }
  /// What reads data that is predicted, but for the prediction itself.
  llvm::SmallVector<mlir::Operation *> usersOfData() const;
  /// A time axis that the values run along, or what they are made from, and
  /// that no input has: nothing says how long it is. "" if there is none.
  llvm::StringRef unknownTime(mlir::ValueRange values) const;
  /// Why there is no `step`: an empty reason if there is one.
  std::pair<mlir::Location, std::string> reasonAgainstStep() const;
  /// Why there is no `predict_chunk`, which takes a sequence in parts.
  std::pair<mlir::Location, std::string> reasonAgainstParts() const;
  /// The same for chunks that carry their states on.
  std::pair<mlir::Location, std::string> reasonAgainstCarry() const;
};

using interface::Role;

/// An argument or a result of a generated function.
struct Slot {
  std::string name;
  Role role;
  mlir::Type type;
  llvm::SmallVector<mlir::Attribute> shape;
  bool optional = false;
};

/// Makes the functions of one module at the builder's insertion point.
class FunctionMaker {
public:
  FunctionMaker(mlir::OpBuilder &builder, const ModuleInfo &info,
                mlir::FloatType real, bool hoist)
      : b(builder), info(info), real(real), hoist(hoist) {}

  mlir::LogicalResult makeObjective();
  mlir::LogicalResult makeLoss(bool terms);
  /// The gradient of the objective: `grad` of a model, `vjp` of the others.
  mlir::LogicalResult makeGradient(mlir::StringRef name,
                                   bool isPrivate = false);
  /// Hessian times vector: the tangent of `grad` along a direction of the
  /// parameters.
  mlir::LogicalResult makeHvp();
  /// The gradient of the loss of the last step with respect to each state after
  /// each step; of recurrences that run backward, that of the first.
  mlir::LogicalResult makeStateGradient();
  /// The weights of each softmax over a time axis, at every step.
  mlir::LogicalResult makeAttention();
  /// Whether there is one.
  bool hasAttention();
  mlir::LogicalResult makePredict();
  /// `predict`, but what is of a distribution of one's own is drawn: the
  /// runtime draws the others from what it gives.
  mlir::LogicalResult makeSample();
  /// `predict` of the next part of sequences: states come in and go out.
  mlir::LogicalResult makePredictChunk();
  mlir::LogicalResult makeForward();
  mlir::LogicalResult makeStep();
  /// What is computed once for a sequence that is drawn, and one step of it.
  mlir::LogicalResult makeBegin(const Unfolding &unfolding);
  mlir::LogicalResult makeNext(const Unfolding &unfolding);
  /// `beam` of distributions whose lines search themselves.
  mlir::LogicalResult makeFound();
  bool canPredict() const { return followsFromInputs(/*isDraw=*/false); }
  /// Whether outputs that nothing is fed back from can be drawn.
  bool canSample() const { return followsFromInputs(/*isDraw=*/true); }

private:
  using BodyFn = llvm::function_ref<mlir::LogicalResult(Lowering &)>;

  Slot paramSlot(rnn::ParamOp op);
  Slot valueSlot(mlir::StringRef name, Role role, rnn::ValueType type,
                 bool step);
  Slot lengthsSlot(mlir::StringRef time);
  Slot rowsSlot(mlir::StringRef name, Role role);
  Slot seedSlot();
  llvm::SmallVector<Slot> commonSlots(bool step);
  llvm::SmallVector<Slot> lossSlots(bool carried);
  llvm::SmallVector<Slot> firstStateSlots();
  std::string previousName(rnn::ObserveOp observe) const;

  /// A function with these arguments; results are added by `give`.
  mlir::LogicalResult make(mlir::StringRef name, llvm::ArrayRef<Slot> args,
                           LoweringOptions options, BodyFn body,
                           bool isPrivate = false);
  void bindSizes(Lowering &lowering);
  mlir::LogicalResult bindArguments(Lowering &lowering);
  void bindLengths(Lowering &lowering, mlir::StringRef time);
  Batched bindValue(Lowering &lowering, mlir::Value argument,
                    rnn::ValueType type);
  Batched bindNested(Lowering &lowering, Batched value);
  mlir::Value argument(mlir::StringRef name, Role role);
  /// Lowers the top level ops that these values depend on.
  mlir::LogicalResult lowerFor(Lowering &lowering,
                               llvm::ArrayRef<mlir::Value> roots);
  void give(Lowering &lowering, mlir::StringRef name, Role role,
            const Batched &value);
  void giveStates(Lowering &lowering, bool previous);
  mlir::LogicalResult bodyOfLoss(Lowering &lowering);
  mlir::LogicalResult bodyOfForward(Lowering &lowering);
  bool followsFromInputs(bool isDraw) const;
  mlir::LogicalResult makeFromInputs(mlir::StringRef name,
                                     llvm::ArrayRef<Slot> slots, bool drawsOwn);
  mlir::LogicalResult giveModes(Lowering &lowering, bool drawsOwn = false);
  Dims keptOrder(Lowering &lowering, const Axes &axes, bool bySteps);
  mlir::Attribute sizeAttr(Dim dim, const Axes &axes);
  void giveKept(Lowering &lowering, mlir::StringRef name, Role role,
                const Batched &value, bool bySteps);
  Slot keptSlot(Lowering &sizes, mlir::StringRef name, Role role,
                rnn::ValueType type);
  Batched bindKept(Lowering &lowering, mlir::Value argument,
                   rnn::ValueType type);
  llvm::SmallVector<Slot> nextSlots(const Unfolding &unfolding);
  mlir::LogicalResult giveDraws(Lowering &lowering, const Unfolding &unfolding);
  mlir::LogicalResult bodyOfNext(Lowering &lowering,
                                 const Unfolding &unfolding);
  mlir::FailureOr<Batched> observedTerm(Lowering &lowering,
                                        rnn::ObserveOp observe);
  Batched observedCount(Lowering &lowering, rnn::ObserveOp observe);
  Batched sumOfBatch(Lowering &lowering, const Batched &value);
  Batched batchCount(Lowering &lowering);
  /// A softmax over time, and the recurrence whose steps have it; null: none.
  struct Look {
    mlir::Value weights;
    mlir::Operation *recurrence;
  };
  llvm::SmallVector<Look> findLooks();
  /// A state of a recurrence, and the argument that is added to it.
  struct Probe {
    mlir::Operation *recurrence;
    unsigned state;
    bool backward;
    rnn::ValueType type;
    std::string name;
  };
  llvm::SmallVector<Probe, 0> findProbes();
  mlir::LogicalResult makeProbedObjective(llvm::ArrayRef<Probe> probes,
                                          scan::StepKind step);
  Batched ofSomeExample(Lowering &lowering, const Batched &value);
  /// A function of the arguments and results that are known; its block is where
  /// the builder goes on.
  void declare(mlir::StringRef name, bool isPrivate);
  void name(mlir::StringRef name, mlir::ArrayAttr dims = {});
  void finish(mlir::StringRef name);

  mlir::OpBuilder &b;
  const ModuleInfo &info;
  mlir::FloatType real;
  bool hoist;

  // Of the function being made.
  mlir::func::FuncOp function;
  llvm::SmallVector<Slot> args, results;
  llvm::SmallVector<mlir::Value> returned;
  // Of the objective, for its gradient, and of that, for its own.
  llvm::SmallVector<Slot> objectiveArgs, objectiveResults;
  llvm::SmallVector<Slot> gradientArgs, gradientResults;
};

/// What a module offers.
interface::ModuleAttr describeModule(const ModuleInfo &info,
                                     mlir::FloatType real);

/// Bytes at which every parameter starts, and the size of the arena.
std::pair<llvm::SmallVector<int64_t>, int64_t>
layOutParameters(const ModuleInfo &info, mlir::FloatType real);

} // namespace rnnc::batch

#endif // RNNC_LIB_CONVERSION_RNNTOSCAN_FUNCTIONS_H
