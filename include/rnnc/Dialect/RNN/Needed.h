// Needed.h: what a function of a module has to compute.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_RNN_NEEDED_H
#define RNNC_DIALECT_RNN_NEEDED_H

#include "rnnc/Dialect/RNN/RNN.h"

#include "llvm/ADT/DenseSet.h"

namespace rnnc::rnn {

/// The top level ops of a module that these values depend on.
llvm::DenseSet<mlir::Operation *> neededFor(ModuleOp module,
                                            llvm::ArrayRef<mlir::Value> roots);

/// What a step of a model computes: what outputs are drawn from, and all states
/// of recurrences over time, those too that no output depends on. What only a
/// `loss` reads is no part of it.
llvm::SmallVector<mlir::Value> rootsOfStep(ModuleOp module);

} // namespace rnnc::rnn

#endif // RNNC_DIALECT_RNN_NEEDED_H
