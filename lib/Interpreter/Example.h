// Example.h - evaluates one module of the rnn level for one example.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_INTERPRETER_EXAMPLE_H
#define RNNC_LIB_INTERPRETER_EXAMPLE_H

#include "Choice.h"
#include "ExampleLengths.h"
#include "Looks.h"

#include "rnnc/Dialect/RNN/Feed.h"

namespace rnnc::interp {

/// Sum of -log p over the observed entries of one output, and their number.
struct Observed {
  double sum = 0;
  int64_t count = 0;
};

/// The argument of `step` for what was fed last to an unfold.
std::string previousName(rnn::ObserveOp observe);

/// The type of what the elements of a drawn sequence are drawn from: of all
/// steps the probabilities, scales or the like. None of a distribution of one's
/// own.
std::optional<rnn::ValueType> shownType(rnn::ObserveOp observe,
                                        rnn::UnfoldOp unfold);

/// What one example gives.
struct ExampleResult {
  std::vector<Observed> observed; ///< one for each rnn.observe
  double loss = 0;                ///< of all rnn.loss
  Arrays outputs;                 ///< results, last states, predictions
};

class Example {
public:
  /// `values` holds the arrays of this example by name, without a batch
  /// dimension; `lengths` its time axes.
  Example(const Arrays &values, const ExampleLengths &lengths, int64_t row,
          const RunOptions &options, size_t &stopCount)
      : given(values), lengths(lengths), row(row), options(options),
        stopCount(stopCount), update(options.update) {}

  bool run(rnn::ModuleOp module, ExampleResult &result);
  /// Sequences that depend on inputs are drawn, element by element.
  void drawBy(const DrawChoice &choice) { drawn = &choice; }
  /// States that are moved, and softmaxes that are shown.
  void watch(const std::vector<StateProbe> &states,
             const std::vector<Look> &weights);
  const std::string &error() const { return message; }

private:
  struct Dist {
    mlir::Operation *op; ///< a rnn.dist or a rnn.law
    std::vector<Array> args;
  };
  /// A loop or binder around the op that is evaluated.
  struct Frame {
    rnn::AxisAttr axis;
    int64_t index;
    bool isStep; ///< a recurrence, or a binder along time
  };

  bool evaluate(mlir::Operation &op);
  bool evaluateBlock(mlir::Block &block);
  bool declaration(mlir::Operation &op);
  bool elementwise(mlir::Operation &op);
  bool alongAxes(mlir::Operation &op);
  bool lookup(rnn::LookupOp op);
  bool match(rnn::MatchOp op);
  bool join(rnn::JoinOp op);
  bool reduceLast(rnn::ReduceLastOp op);
  bool sequence(rnn::SequenceOp op);
  void forEachDraw(rnn::ValueType type, const Shape &shape, rnn::AxisAttr tied,
                   llvm::function_ref<void(int64_t, int64_t, int64_t)> use);
  bool dropout(rnn::DropoutOp op);
  bool noise(rnn::NoiseOp op);
  bool stop(rnn::StopOp op);
  bool bind(rnn::BindOp op);
  bool scan(rnn::ScanOp op);
  bool observe(rnn::ObserveOp op);
  Array firstElement(rnn::UnfoldOp op);
  Array firstTrue(rnn::UnfoldOp op);
  bool readsDraw(const rnn::SampledFeed &feed, int64_t t);
  bool draw(const Dist &dist, rnn::ValueType type, const rnn::SampledFeed &feed,
            Array &out);
  bool drawOwn(const Dist &dist, Array &out);
  bool isLeftOut(mlir::Operation *op);
  bool drawUnfold(rnn::ObserveOp op, rnn::UnfoldOp unfold);
  bool drawEach(rnn::ObserveOp op, const Dist &dist, int64_t output);
  bool drawElement(rnn::UnfoldOp unfold, int64_t step, Array &out);
  bool searchUnfold(rnn::ObserveOp op, rnn::UnfoldOp unfold);
  bool continueBeginning(rnn::UnfoldOp unfold, Array previous,
                         std::vector<Array> &states, Array &logp);
  void beginUnfold(rnn::ObserveOp op, rnn::UnfoldOp unfold);
  bool observeUnfold(rnn::UnfoldOp op, Array data, Observed &result);
  bool stepUnfold(rnn::ObserveOp op, rnn::UnfoldOp unfold);
  Array nll(const Dist &dist, const Array &data, bool &ok);
  Array nll(rnn::DistOp op, const Dist &dist, const Array &data, bool &ok);
  bool lawPart(const Dist &dist, mlir::Region &part, const Array *data,
               Array &value);
  bool predict(const std::string &name, const Dist &dist, rnn::ValueType type,
               bool givesMode);
  void predict(const std::string &name, rnn::DistOp op, const Dist &dist,
               rnn::ValueType type, bool givesMode);
  std::vector<Array> firstStates(mlir::ValueRange init, mlir::ArrayAttr names,
                                 rnn::AxisAttr axis);
  void giveStates(mlir::ArrayAttr names, const std::vector<Array> &states,
                  rnn::AxisAttr axis);
  template <typename OpTy> bool advance(OpTy op, std::vector<Array> &states);
  Array heldStill(Array value);
  Array moved(Array next, const StateProbe &probe);
  Array nextState(mlir::Operation *recurrence, unsigned state,
                  mlir::Value next);
  void lookAt(mlir::Operation &op);
  bool isAtStep(llvm::ArrayRef<rnn::AxisAttr> axes, const Shape &index);
  void cut(std::vector<Array> &states, int64_t step);

  /// One step only, of which `sample` makes many.
  /// States come from the caller and go back to it.
  bool goesOn() const {
    return isStep() || options.carries || options.function == "predict_chunk";
  }
  bool isStep() const {
    return options.function == "step" ||
           (options.function == "sample" && !drawn);
  }
  bool fail(mlir::Operation &op, std::string text);
  const Array &get(mlir::Value value) { return values[value]; }
  void set(mlir::Value value, Array array);
  int64_t sizeOf(rnn::AxisAttr axis);
  Shape shapeOf(rnn::ValueType type);
  /// An element of the first axis, as its type says.
  Array element(const Array &array, int64_t i, mlir::Value like);
  /// Valid entries of the last axis of a value, for each row of the others.
  std::vector<int64_t> lastLengths(rnn::ValueType type, const Shape &shape);

  const Arrays &given;
  const ExampleLengths &lengths;
  int64_t row;
  const RunOptions &options;
  size_t &stopCount;
  uint32_t update; ///< of the key of random numbers
  const DrawChoice *drawn = nullptr;
  llvm::DenseMap<mlir::Value, Array> values;
  llvm::DenseMap<mlir::Value, Dist> dists;
  /// outputs without data, and what follows
  llvm::DenseSet<mlir::Value> missing;
  std::vector<Frame> frames;
  llvm::DenseMap<std::pair<mlir::Operation *, unsigned>, const StateProbe *>
      probes;
  /// Where an op of the step makes the next value of a state.
  llvm::DenseMap<mlir::Value, const StateProbe *> owners;
  llvm::DenseMap<mlir::Value, const Look *> looks;
  ExampleResult *result = nullptr;
  int64_t period = 0;    ///< of `bptt`; 0: the gradient is not cut
  bool inLaw = false;    ///< its recurrences are no states of the model
  bool inSample = false; ///< its noise acts
  std::string message;
};

} // namespace rnnc::interp

#endif // RNNC_LIB_INTERPRETER_EXAMPLE_H
