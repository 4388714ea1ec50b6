// ASTToRNN.h - elaborates a checked program into the rnn dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_CONVERSION_ASTTORNN_ASTTORNN_H
#define RNNC_CONVERSION_ASTTORNN_ASTTORNN_H

#include "rnnc/Frontend/Frontend.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace rnnc {

/// Makes one `rnn.module` for each model of the main file and for each layer or
/// cell that it exports: generics are instantiated, `fn`, layers and cells
/// inlined at each use, parameters flattened under their instance paths.
/// Returns null, with errors in `diags`, if something cannot be compiled.
mlir::OwningOpRef<mlir::ModuleOp> emitRNN(const CheckedProgram &program,
                                          const SourceManager &sources,
                                          mlir::MLIRContext &context,
                                          Diagnostics &diags);

} // namespace rnnc

#endif // RNNC_CONVERSION_ASTTORNN_ASTTORNN_H
