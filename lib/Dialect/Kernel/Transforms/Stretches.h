// Stretches.h: who reads and writes which part of an arena.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_STRETCHES_H
#define RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_STRETCHES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace rnnc::kernel {

/// An op that reads or writes a stretch of an arena.
struct StretchUse {
  mlir::Operation *op;
  mlir::Value view;
  int64_t begin, end;

  bool overlaps(const StretchUse &other) const {
    return begin < other.end && other.begin < end;
  }
};

/// Parameters or the optimiser's memory, before an update and after it.
struct UpdatedArena {
  mlir::BlockArgument before, after;
};

/// Those of an update function.
llvm::SmallVector<UpdatedArena> updatedArenas(mlir::func::FuncOp function);

/// Accesses through views of stretches that are known. False: others, too.
bool findAccesses(mlir::Value view, int64_t begin, int64_t end,
                  llvm::SmallVectorImpl<StretchUse> &accesses);

} // namespace rnnc::kernel

#endif // RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_STRETCHES_H
