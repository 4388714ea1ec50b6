// ProductType.h: what large products on a GPU multiply.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_TRANSFORMS_PRODUCTTYPE_H
#define RNNC_DIALECT_KERNEL_TRANSFORMS_PRODUCTTYPE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace rnnc::kernel {

/// What factors of f32 are rounded to before tensor cores multiply them; sums
/// stay f32. F32: nothing is rounded, and threads multiply.
enum class ProductType { F32, TF32, BF16 };

/// On a module: the word for it; without it, F32.
inline constexpr llvm::StringLiteral kProductType = "kernel.product_type";

std::optional<ProductType> productTypeNamed(llvm::StringRef name);
llvm::StringRef nameOf(ProductType type);
/// Of the module around `op`.
ProductType productTypeOf(mlir::Operation *op);

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_TRANSFORMS_PRODUCTTYPE_H
