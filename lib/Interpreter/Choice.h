// Choice.h - how one element of a sequence is chosen.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_INTERPRETER_CHOICE_H
#define RNNC_LIB_INTERPRETER_CHOICE_H

#include "rnnc/Interpreter/Run.h"

namespace rnnc::interp {

/// The options of `sample` and `beam`; `predict` has temperature 0.
struct DrawChoice {
  double temperature = 1, topP = 1;
  double lengthPenalty = 0;
  size_t width = 0; ///< of a search; 0: elements are drawn
  int64_t topK = 0;
  int64_t never = -1;           ///< a symbol that is not drawn
  std::optional<int64_t> paths; ///< of a search: how many are shown
};

/// From the arguments, which are taken out of `inputs`, else from the export
/// line.
DrawChoice readChoice(rnn::ModuleOp module, const std::string &function,
                      Arrays &inputs);

/// Two numbers in [0, 1) for an entry of a row's step.
std::array<double, 2> drawNumbers(uint32_t seed, int64_t row, int64_t step,
                                  int64_t entry, int64_t output = 0);

/// Temperature first, then the k largest, then the fewest that hold a share of
/// p. The start symbol is never drawn, nor is `never`. `number` is in [0, 1).
int64_t chooseSymbol(const DrawChoice &choice, rnn::UnfoldOp unfold,
                     const double *probabilities, int64_t symbols,
                     double number);

} // namespace rnnc::interp

#endif // RNNC_LIB_INTERPRETER_CHOICE_H
