// Elaborated.h - a source at the rnn level, for what asks the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_ELABORATED_H
#define RNNC_TOOLS_RNNC_ELABORATED_H

#include "Model.h"

#include "rnnc/Interpreter/Run.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace rnnc::tool {

/// A program at the rnn level.
struct Elaborated {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  std::vector<rnn::ModuleOp> modules();
};

/// Reads `options.model`, a `.rnn` file. What is wrong with it is printed, but
/// for `quiet`; the error is empty then.
Result<std::unique_ptr<Elaborated>> elaborate(const ModelOptions &options,
                                              bool quiet = false);

/// Arrays of files and calls as arrays of the interpreter, and back (in f64).
interp::Array toArray(const data::Tensor &tensor);
data::Tensor toTensor(const interp::Array &array, data::DType type);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_ELABORATED_H
