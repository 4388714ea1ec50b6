// LoopRows.h: which operands of an op have a row for each example.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_LOOPROWS_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_LOOPROWS_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <optional>

namespace rnnc {

/// The buffers of an op that have a row for each example, which is their first
/// dimension: numbers of operands. Every row of what it writes depends on the
/// same row of what it reads, and on the other operands. Nothing where that is
/// not so. The first is one that is written.
std::optional<llvm::SmallVector<unsigned>> rowOperands(mlir::Operation *op);

/// A size of a buffer as a value that others have, too; null if there is none.
mlir::Value sizeValue(mlir::Value memref, unsigned dim);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_LOOPROWS_H
