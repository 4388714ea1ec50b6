// Looks.h - what can be seen of a run beside its results.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_INTERPRETER_LOOKS_H
#define RNNC_LIB_INTERPRETER_LOOKS_H

#include "rnnc/Interpreter/Run.h"

namespace rnnc::interp {

/// A softmax over a time axis, and the recurrence in whose steps it stands.
struct Look {
  std::string name; ///< of what `attention` gives
  mlir::Value weights;
  mlir::Operation *recurrence; ///< null: it is computed once
  rnn::ValueType type;         ///< of all steps
};

/// In the order of the source; those inside of binders are left out.
std::vector<Look> findLooks(rnn::ModuleOp module);

} // namespace rnnc::interp

#endif // RNNC_LIB_INTERPRETER_LOOKS_H
