// Lowering.h: what the files of this folder share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_LOWERING_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_LOWERING_H

#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace rnnc {

/// Groups of a reshape that joins dimensions `first` and `first + 1`.
llvm::SmallVector<mlir::ReassociationIndices> reassociationFor(unsigned rank,
                                                               unsigned first);

/// The address of the first element of a (strided) memref.
mlir::Value pointerOf(mlir::OpBuilder &b, mlir::Location loc,
                      mlir::Value memref);

/// The runtime's parallel-for (include/rnnc/Runtime/Kernels.h), declared once.
mlir::LLVM::LLVMFuncOp parallelFor(mlir::ModuleOp module);

/// The context argument of the function around `op`, or null.
mlir::Value contextOf(mlir::Operation *op);

/// Lowers the data movement ops of the kernel dialect (gather, enter, masks,
/// random numbers, …) to loops over rows; what moves a row is a linalg op
/// again.
mlir::LogicalResult lowerDataOps(mlir::ModuleOp module,
                                 const LoopTarget &target);

/// Lowers products and packing to calls of generated routines.
mlir::LogicalResult lowerProducts(mlir::ModuleOp module,
                                  const LoopTarget &target);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_LOWERING_H
