// InPlace.h: what may lie in the place of what it is made of.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_INPLACE_H
#define RNNC_DIALECT_KERNEL_INPLACE_H

#include "mlir/IR/Operation.h"

namespace rnnc::kernel {

/// Of an update function on buffers: each new value may lie where the old one
/// is. `kernel-update-in-place` sets it.
inline constexpr llvm::StringLiteral kInPlace = "kernel.in_place";

/// Whether the op makes each number of `to` of the one at its place in `from`,
/// which it then needs no more.
bool makesInPlace(mlir::Operation *op, mlir::Value from, mlir::Value to);

/// Ops that read or write the memory of `value`, through views.
void collectAccesses(mlir::Value value,
                     llvm::SmallVectorImpl<mlir::Operation *> &accesses);

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_INPLACE_H
