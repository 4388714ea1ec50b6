// BufferAt.h: buffers at addresses that a caller gives.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_KERNELTOLOOPS_BUFFERAT_H
#define RNNC_CONVERSION_KERNELTOLOOPS_BUFFERAT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir {
class LLVMTypeConverter;
} // namespace mlir

namespace rnnc {

/// The buffer of the type `type` at `pointer`, an LLVM pointer. Sizes and
/// strides (i64) that the type does not know are given; strides of an identity
/// layout follow from the sizes.
mlir::Value memrefAt(mlir::OpBuilder &b, mlir::Location loc,
                     const mlir::LLVMTypeConverter &converter,
                     mlir::MemRefType type, mlir::Value pointer,
                     llvm::ArrayRef<mlir::Value> sizes,
                     llvm::ArrayRef<mlir::Value> strides);

} // namespace rnnc

#endif // RNNC_CONVERSION_KERNELTOLOOPS_BUFFERAT_H
