// Lowering.h: one function's worth of the rnn level as scan level code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_RNNTOSCAN_LOWERING_H
#define RNNC_LIB_CONVERSION_RNNTOSCAN_LOWERING_H

#include "Emitter.h"

#include "mlir/IR/OwningOpRef.h"
#include "rnnc/Dialect/RNN/Feed.h"
#include "rnnc/Dialect/RNN/Transforms/FeedGrowth.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace rnnc::batch {

/// A distribution whose arguments are known. Leading axes are independent.
struct Distribution {
  rnn::DistKind kind;
  llvm::SmallVector<Batched, 2> args;
  double smooth = 0;
  /// One that is written in the language.
  rnn::LawOp law;
  /// Its arguments are those of all steps along this axis, in front of their
  /// own.
  std::optional<AxisInfo> steps;

  /// Of a `rnn.dist` or a `rnn.law`, without its arguments.
  static Distribution of(mlir::Operation *op);
  bool hasMode() { return !law || rnn::LawOp(law).hasMode(); }
};

/// What the function being made is for.
struct LoweringOptions {
  /// Dropout acts.
  bool training = false;
  /// The function is differentiated: keep infinite slopes out of the padding.
  bool differentiated = false;
  /// One valid step: time axes do not exist.
  bool step = false;
  /// One step of the `unfold`; what it reads along time axes is whole.
  bool unfoldStep = false;
  /// States come from `statesIn` where `reset` is 0, and go to `statesOut`.
  bool carried = false;
  /// Products that need no state are done for all steps at once.
  bool hoist = true;
  /// The gradient is cut every so many steps; 0: never.
  int64_t segment = 0;
  /// The loss of this step alone counts, where there is one for each step.
  std::optional<scan::StepKind> lossAt;
  /// The gradient keeps the states between segments of time only; null: all.
  scan::CheckpointAttr checkpoint;
  /// `loss` gives each of its terms too, if there are several.
  bool lossTerms = false;
};

/// Lowers ops of a module into the block at the builder's insertion point.
class Lowering {
public:
  Lowering(mlir::OpBuilder &builder, mlir::FloatType real,
           LoweringOptions options)
      : e(builder, real), options(options) {}

  Emitter e;
  const LoweringOptions options;
  /// The key of random numbers, and whether it may say "none" (negative seed).
  mlir::Value seed;
  bool seedOptional = false;
  /// Rows (bits, along the batch) that begin with the declared first states.
  Batched reset;
  llvm::StringMap<Batched> statesIn;
  llvm::MapVector<mlir::StringRef, Batched> statesOut;
  /// The element before the first of this call, and the last one, by output.
  llvm::StringMap<Batched> previousIn;
  llvm::MapVector<mlir::StringRef, Batched> previousOut;

  /// Zeros of all steps that are added to each next state of a recurrence over
  /// time, by the recurrence and the state's number: their gradient is that of
  /// the state.
  llvm::DenseMap<std::pair<mlir::Operation *, unsigned>, Batched> probes;

  /// Values of the steps of a recurrence that are wanted too, and what they are
  /// in all steps.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> watched;
  llvm::DenseMap<mlir::Value, Batched> watchedSteps;

  /// Of one step: elements of the sequences after `over`, by the arguments of
  /// the body; ops whose values are known.
  llvm::DenseMap<mlir::Value, Batched> stepsIn;
  llvm::DenseSet<mlir::Operation *> madeBefore;

  static AxisInfo info(rnn::AxisAttr axis);
  static Axes axesOf(rnn::ValueType type);

  void set(mlir::Value value, Batched batched) {
    values[value] = std::move(batched);
  }
  /// The tensor of a value that has been lowered.
  mlir::FailureOr<Batched> get(mlir::Value value);

  mlir::LogicalResult lower(mlir::Operation *op);
  /// The distribution of `data` that an observe op names.
  mlir::FailureOr<Distribution> distribution(rnn::ObserveOp observe);
  /// -log of the probability of the data, an entry for each draw.
  mlir::FailureOr<Batched> nll(const Distribution &dist, const Batched &data);
  /// What an unfold reads before anything is drawn.
  mlir::FailureOr<Batched> firstElement(rnn::UnfoldOp op, mlir::StringRef name);
  /// The first or the last valid element along the first axis.
  Batched pickStep(scan::StepKind kind, const Batched &x, unsigned along = 0);
  /// The mode of a distribution that has one, and its `.p` companion; a law has
  /// none.
  mlir::FailureOr<std::pair<Batched, std::optional<Batched>>>
  mode(const Distribution &dist);
  /// A draw of a law that has a line `sample`: its noise acts in every
  /// function.
  mlir::FailureOr<Batched> draw(const Distribution &dist);

private:
  /// A recurrence in the form that scan and unfold share.
  struct Recurrence;
  class GroupLoop;

  mlir::FailureOr<Batched> expression(mlir::Operation *op);
  mlir::FailureOr<Batched> constant(rnn::ConstantOp op);
  mlir::FailureOr<Batched> unary(rnn::UnaryOp op);
  mlir::FailureOr<Batched> binary(rnn::BinaryOp op);
  mlir::FailureOr<Batched> compare(rnn::CompareOp op);
  mlir::FailureOr<Batched> logic(rnn::LogicOp op);
  mlir::FailureOr<Batched> negation(rnn::NotOp op);
  mlir::FailureOr<Batched> select(rnn::SelectOp op);
  mlir::FailureOr<Batched> clamp(rnn::ClampOp op);
  mlir::FailureOr<Batched> match(rnn::MatchOp op);
  mlir::FailureOr<Batched> join(rnn::JoinOp op);
  mlir::FailureOr<Batched> lookup(rnn::LookupOp op);
  mlir::FailureOr<Batched> label(rnn::LabelOp op);
  mlir::FailureOr<Batched> table(rnn::TableOp op);
  mlir::FailureOr<Batched> list(rnn::ListOp op);
  mlir::FailureOr<Batched> as(rnn::AsOp op);
  mlir::FailureOr<Batched> reduceLast(rnn::ReduceLastOp op);
  mlir::FailureOr<Batched> sequence(rnn::SequenceOp op);
  mlir::FailureOr<Batched> argmax(rnn::ArgMaxOp op);
  mlir::FailureOr<Batched> onehot(rnn::OneHotOp op);
  mlir::FailureOr<Batched> uniform(mlir::Operation *op, const Axes &axes,
                                   int64_t site, mlir::StringRef tied);
  Batched noSeed();
  mlir::FailureOr<Batched> dropout(rnn::DropoutOp op);
  mlir::FailureOr<Batched> noise(rnn::NoiseOp op);
  mlir::FailureOr<Batched> bind(rnn::BindOp op);

  Batched apply(rnn::UnaryKind kind, const Batched &x);
  Batched power(const Batched &x, const Batched &y, mlir::Value exponent);
  Batched remainder(const Batched &x, const Batched &y);
  Batched cumulated(const Batched &x);
  Batched extreme(mlir::arith::CmpFPredicate before, const Batched &x,
                  const Batched &y);
  Batched layerNorm(const Batched &x, Dim last, double eps);
  Batched sanitized(const Batched &x);
  Batched dot(const Batched &x, const Batched &y);
  Batched gather(const Batched &table, const Batched &index);
  Batched part(const Batched &x, int64_t from, int64_t size);
  Batched stepAt(const Batched &x, int64_t index);
  Batched reversed(const Batched &x);
  Batched shifted(const Batched &x, const Batched &fill);

  mlir::FailureOr<Batched> lawPart(const Distribution &dist, mlir::Region &part,
                                   const Batched *data);
  mlir::LogicalResult scan(rnn::ScanOp op);
  mlir::LogicalResult unfold(rnn::UnfoldOp op);
  mlir::LogicalResult unfoldSequences(rnn::UnfoldOp op, Recurrence &recurrence,
                                      rnn::ObserveOp observe);
  mlir::FailureOr<Batched>
  previousElements(rnn::UnfoldOp op, const Batched &data, mlir::StringRef name);
  /// The unfold, or one whose steps read its own draws.
  mlir::FailureOr<rnn::UnfoldOp> withFeed(rnn::UnfoldOp op);
  Batched shareOfDraws(const rnn::FeedGrowth &growth);
  Batched firstState(mlir::StringRef name, const Batched &declared);
  mlir::LogicalResult runRecurrence(Recurrence &recurrence);
  mlir::LogicalResult runStep(Recurrence &recurrence);
  void keepWatched(const Recurrence &recurrence);
  mlir::LogicalResult runLoop(Recurrence &recurrence);
  mlir::LogicalResult runForEach(Recurrence &recurrence, const Dims &outer);
  mlir::LogicalResult lowerAll(mlir::Block *body,
                               const llvm::DenseSet<mlir::Operation *> &ops);
  bool isRegisters(const Recurrence &recurrence);
  llvm::SmallVector<Batched, 0> lastElements(const Batched &element,
                                             const Batched &init,
                                             const Recurrence &recurrence,
                                             Dim steps, int64_t count);
  Batched lastHeld(const Batched &all, const Batched &init, Dim steps,
                   const Recurrence &recurrence);
  /// Values of states that are registers, for all steps.
  void holdAll(Recurrence &recurrence, Dim steps);
  Dims bindersOfBody(const Recurrence &recurrence);
  Dims carriedBinders(const Recurrence &recurrence);
  llvm::SmallVector<std::string> innerAxes(const AxisInfo &axis);
  mlir::LogicalResult lookUpBefore(Recurrence &recurrence, const Dims &outer,
                                   llvm::SmallVectorImpl<mlir::Value> &read);

  llvm::DenseMap<mlir::Value, Batched> values;
  /// What unfolds that were lowered draw from.
  llvm::DenseMap<mlir::Value, Distribution> unfolded;
  /// Inside of a law: its recurrences are no states of the model.
  bool inLaw = false;
  /// Inside of its line `sample`.
  bool inSample = false;
  bool drawsNoise() const { return options.training || inSample; }
  /// Unfolds made by `withFeed`: `values` has keys in them.
  llvm::SmallVector<mlir::OwningOpRef<rnn::UnfoldOp>> fed;
};

/// A value of one step as one of all steps: the axis stands in front.
Batched inFront(const Emitter &e, Batched value, const AxisInfo &axis);
/// Without the axis at `position`, which is no dimension of the value.
Batched dropAxis(Batched value, unsigned position);
/// The reverse of `inFront` for a value that has no such dimension.
Batched withoutFront(Batched value);

/// An op of one operand, element by element.
template <typename OpTy> Batched mapUnary(Emitter &e, const Batched &x) {
  return e.elementwise({x}, [&](mlir::ValueRange v) -> mlir::Value {
    return OpTy::create(e.b, e.loc, v[0]);
  });
}

} // namespace rnnc::batch

#endif // RNNC_LIB_CONVERSION_RNNTOSCAN_LOWERING_H
