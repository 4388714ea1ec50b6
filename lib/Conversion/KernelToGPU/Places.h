// Places.h: where in the caller's buffers a view begins.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_PLACES_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_PLACES_H

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace rnnc {

/// The first element of a buffer: so many bytes from the start of an argument.
struct Place {
  mlir::BlockArgument buffer;
  /// A sum of numbers, each times so many bytes.
  llvm::SmallVector<std::pair<mlir::OpFoldResult, int64_t>> offset;
};

/// Nothing where a view is not one of those that functions without loops have.
std::optional<Place> placeOf(mlir::Value memref);

/// What a kernel is given of a buffer beside its address: sizes, then strides,
/// that its type does not hold.
unsigned numUnknownSizes(mlir::MemRefType type);

/// What a launch was given, behind the type that its kernel has for it.
mlir::Value givenOf(mlir::Value operand);

/// Bytes of an element in memory.
int64_t bytesOf(mlir::Type element);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_PLACES_H
