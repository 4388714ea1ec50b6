// Batch.h - a module of the rnn level on a batch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_INTERPRETER_BATCH_H
#define RNNC_LIB_INTERPRETER_BATCH_H

#include "Example.h"

namespace rnnc::interp {

/// One example after the other, each with its valid part only.
class Batch {
public:
  Batch(rnn::ModuleOp module, const Arrays &inputs, const RunOptions &options,
        std::string &error)
      : module(module), nesting(module), inputs(inputs), options(options),
        error(error) {}

  /// Finds the sizes, and checks the arguments.
  bool prepare();
  std::optional<Arrays> evaluate();
  void drawBy(const DrawChoice &choice) { drawn = &choice; }
  /// What `grad` and `vjp` differentiate.
  std::optional<double> objective();
  /// What gradients are asked for.
  std::vector<std::string> variables();

  Array &input(const std::string &name) { return inputs[name]; }
  int64_t size() const { return batch; }
  /// Of a value that is not a parameter, after `prepare`.
  Shape shapeOf(rnn::ValueType type) const;
  /// True if no example was observed when the batch was evaluated last.
  bool isEmpty() const { return observesNothing; }

private:
  bool declare(llvm::StringRef name, rnn::ValueType type, bool isParam,
               bool isOptional);
  bool declareStates();
  bool shapes(llvm::StringRef name, rnn::ValueType type, bool isParam);
  bool checkLengths();
  bool checkNames();
  bool goesOn() const;
  bool isGiven(const std::string &axis) const;
  bool checkLength(const std::string &name, const Array &given, int64_t size);
  ExampleLengths lengthsOf(int64_t row);
  Array pick(const Array &array, rnn::ValueType type, int64_t row,
             const ExampleLengths &lengths);
  double lossOf(const std::vector<ExampleResult> &examples);
  bool hasData() const;
  Arrays collect(const std::vector<ExampleResult> &examples);
  void give(Arrays &outputs, const std::string &name, rnn::ValueType type,
            const std::vector<ExampleResult> &examples);

  rnn::ModuleOp module;
  rnn::Nesting nesting;
  Arrays inputs;
  const RunOptions &options;
  std::string &error;
  const DrawChoice *drawn = nullptr;
  std::vector<StateProbe> probes;
  std::vector<Look> looks;
  int64_t batch = -1;
  bool observesNothing = false;
  std::map<std::string, int64_t> padded; ///< of each time axis
  std::vector<std::pair<std::string, rnn::ValueType>> data;
  std::vector<std::pair<std::string, rnn::ValueType>> params;
  std::vector<std::string> known; ///< names an argument may have
};

/// The state names and types of all recurrences over time of a model.
std::vector<std::pair<std::string, rnn::ValueType>>
timeStates(rnn::ModuleOp module);

/// `sample`: draws an unfold's sequences by feeding each draw back.
std::optional<Arrays> sample(rnn::ModuleOp module, const Arrays &inputs,
                             const RunOptions &options, std::string &error);

/// `sample` and `predict` of an unfold that depends on inputs, or whose steps
/// draw from a distribution of one's own: whole sequences.
std::optional<Arrays> drawWhole(rnn::ModuleOp module, const Arrays &inputs,
                                const RunOptions &options, std::string &error);

/// `train_step`: clipping and update by the gradients in `results`, which gets
/// the norm, the new parameters and the optimiser's new memory. An empty batch
/// leaves them as they were.
bool update(rnn::ModuleOp module, const Arrays &inputs, bool isEmpty,
            Arrays &results, std::string &error);

} // namespace rnnc::interp

#endif // RNNC_LIB_INTERPRETER_BATCH_H
