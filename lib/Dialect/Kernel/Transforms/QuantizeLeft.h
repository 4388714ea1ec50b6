// QuantizeLeft.h: left operands of products as integers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_QUANTIZELEFT_H
#define RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_QUANTIZELEFT_H

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace rnnc::kernel {

/// Why a product with the panel cannot be one of integers; "": it can.
llvm::StringRef whyNotIntegers(mlir::Operation *product, mlir::Value panel);

/// Puts `kernel.quantize` before the product, for each left operand of the
/// panel. Buffers are made where the function begins.
void quantizeLeft(mlir::Operation *product, mlir::Value panel);

} // namespace rnnc::kernel

#endif // RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_QUANTIZELEFT_H
