// GradCheck.h - gradients against finite differences of the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_INTERPRETER_GRADCHECK_H
#define RNNC_INTERPRETER_GRADCHECK_H

#include "rnnc/Interpreter/Run.h"

#include <functional>

namespace rnnc::interp {

/// What was found about one tensor.
struct TensorCheck {
  std::string name;
  std::vector<int64_t> shape;
  double largest = 0;    ///< of the gradient
  double worst = 0;      ///< |g - d| / max(1, largest)
  int64_t entry = -1;    ///< where; -1: along a direction
  double gradient = 0;   ///< there
  double difference = 0; ///< there
  int64_t checked = 0;
  int64_t kinks = 0; ///< skipped: the function is not smooth there
  int64_t left = 0;  ///< not looked at: time was up

  /// Whether what was checked agrees, and enough was.
  bool passed() const;
};

/// The bound of `TensorCheck::worst`.
constexpr double gradientTolerance = 1e-6;

/// Random arguments for a module: small parameters, data of `batch` examples
/// of at most `steps` steps, ragged, the first one full; of layers and cells
/// also cotangents.
Arrays randomArguments(rnn::ModuleOp module, int64_t batch, int64_t steps,
                       uint32_t seed);

/// Compares `gradients` (by `grad.NAME`) with central differences: every entry
/// of a tensor of up to 64, else 64 entries and 3 directions. Dropout masks
/// and values of `stop` stay as they are.
/// The tensors take turns, so that a check that is cut short has seen of all.
/// `goOn` hears how many derivatives are compared of how many, and ends the
/// check by returning false; the rest is counted as left.
/// Returns nothing, and says why in `error`, if the module cannot be run.
std::optional<std::vector<TensorCheck>>
checkGradients(rnn::ModuleOp module, const Arrays &arguments,
               const Arrays &gradients, const RunOptions &options,
               std::string &error,
               const std::function<bool(int64_t done, int64_t all)> &goOn = {});

} // namespace rnnc::interp

#endif // RNNC_INTERPRETER_GRADCHECK_H
