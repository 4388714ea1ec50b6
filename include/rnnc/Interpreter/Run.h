// Run.h - the reference interpreter: slow, obvious, in f64.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluates the rnn level one example at a time. It shares no code with the
// compiler's conversions, gradients or kernels, so it can be asked whether they
// are right.
#ifndef RNNC_INTERPRETER_RUN_H
#define RNNC_INTERPRETER_RUN_H

#include "rnnc/Dialect/RNN/RNN.h"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rnnc::interp {

/// A row-major array. Numbers of every kind are kept in f64, which holds all
/// indices and lengths exactly.
struct Array {
  std::vector<int64_t> shape;
  std::vector<double> data;

  Array() = default;
  Array(std::vector<int64_t> shape, double fill = 0);
  static Array scalar(double value) { return Array({}, value); }
  int64_t size() const { return static_cast<int64_t>(data.size()); }
};

using Arrays = std::map<std::string, Array>;

/// Which steps of the outputs a loss is of. That of one step is a sum, divided
/// by the number of rows.
enum class LossOf { AllSteps, FirstStep, LastStep };

/// How a module of the rnn level is run.
struct RunOptions {
  /// Of models those that `export` knows; of layers and cells `forward`, `vjp`;
  /// of cells also `step`.
  std::string function = "loss";
  /// Of `loss`; with one step also `state.PROBE` is read, which is added to the
  /// states after each step.
  LossOf lossOf = LossOf::AllSteps;
  /// Dropout acts, with the key (seed, update number).
  bool dropout = false;
  uint32_t seed = 0;
  uint32_t update = 0;
  /// Rows, and the padded lengths of time axes, where no argument shows them.
  int64_t batch = 1;
  std::map<std::string, int64_t> lengths;
  /// Of `step`: all rows begin, with `start` in place of `prev`.
  bool begins = false;
  /// Of `loss`: a chunk that goes on from `state.PATH` and `prev`, as those
  /// with `bptt k carry` do; it gives the states that the next goes on from.
  bool carries = false;
  /// Every real value is rounded to so many bits when it is made (f32 has 24):
  /// what they cannot tell apart is equal. 0: as it is computed.
  unsigned mantissaBits = 0;
  /// Of sequences that are drawn also `NAME.p`, what each element is drawn
  /// from.
  bool showsDraws = false;
  /// Values of `stop(...)`, in the order in which they are computed: filled by
  /// a run if empty, else used by it. So differences do not pass through them.
  std::vector<Array> *stopped = nullptr;
};

/// Runs a function of a module. `inputs` holds parameters by their paths (as
/// declared), inputs and outputs with a batch dimension in front, lengths under
/// the name of their time axis (`[batch]`, absent: all full), first states of
/// cells by their names, cotangents as `cot.NAME`; for `step` and `sample` also
/// `state.PATH` and `prev`; for `sample` `prompt`, its lengths `P`, and the
/// options; for `train_step` `optimizer.SLOT.PATH`. Results: `loss`, outputs,
/// `NAME.p`, `state.PATH`, `grad.NAME` and `hvp.NAME` (by central differences),
/// what an update changes under its name. `begin` gives what is fed first and
/// first states. On failure returns nothing and says why in `error`.
std::optional<Arrays> run(rnn::ModuleOp module, const Arrays &inputs,
                          const RunOptions &options, std::string &error);

/// Whether a function draws whole sequences, as long as `lengths` says: its
/// steps need more than a stream keeps.
bool drawsWhole(rnn::ModuleOp module, const std::string &function);

/// A state of real numbers of a recurrence over time, for `state_grad`.
struct StateProbe {
  /// Its path; of a second use of an instance PATH.2; with `.backward` behind
  /// it where the recurrence runs backward.
  std::string name;
  mlir::Operation *recurrence;
  unsigned state;
  mlir::Value next;
  bool backward;
  rnn::ValueType type; ///< of all steps
};
std::vector<StateProbe> findProbes(rnn::ModuleOp module);

/// The first values of all parameters, as a compiled library draws them.
Arrays firstValues(rnn::ModuleOp module, uint64_t seed);

/// Four numbers of Philox4x32-10.
std::array<uint32_t, 4> philox(uint32_t seed, uint32_t update,
                               std::array<uint32_t, 4> counter);

/// Numbers in [0, 1), as the language reference says.
double uniform(uint32_t seed, uint32_t update, int64_t site, int64_t row,
               int64_t step, int64_t element);

} // namespace rnnc::interp

#endif // RNNC_INTERPRETER_RUN_H
