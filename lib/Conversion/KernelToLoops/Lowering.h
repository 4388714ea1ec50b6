// Lowering.h: what the files of this folder share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_LOWERING_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_LOWERING_H

#include "rnnc/Conversion/KernelToLoops/BufferAt.h"
#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"
#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/Kernel/Schedule.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace rnnc {

class GemmLibrary;

/// On an scf.for: its trips may run in any order, or at once.
inline constexpr const char *kIndependentTrips = "rnnc.independent";
/// On a loop right inside of one with independent trips: its trips are
/// independent too, and there are two ways to cut the work. From as many trips
/// on as the attribute says they are what is cut.
inline constexpr const char *kCutFrom = "rnnc.cut_from";

/// On a function: one of several parts that may run at the same time; with
/// `kHasContext` its last argument is the context of the call, or null where
/// its kernels are not to be cut.
inline constexpr const char *kPart = "rnnc.part";
inline constexpr const char *kHasContext = "rnnc.context";

/// On a call of a routine: about how many vector ops it stands for.
inline constexpr const char *kCallCost = "rnnc.cost";

/// Lowers one linalg.generic on memrefs to vector loops and erases it.
mlir::LogicalResult lowerGenericToLoops(mlir::linalg::GenericOp op,
                                        kernel::TargetAttr target);

/// A loop; `body` gets the index and the values carried, and gives their next
/// values.
mlir::scf::ForOp
buildLoop(mlir::OpBuilder &b, mlir::Location loc, mlir::Value from,
          mlir::Value to, mlir::Value step, mlir::ValueRange init,
          llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                            mlir::ValueRange)>
              body);

/// Runs code where a condition (i1) holds, and other code where not.
void buildIf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value condition,
             llvm::function_ref<void()> yes, llvm::function_ref<void()> no);

/// The lanes below `left` (an index or i64, at most 2^31), of none to all.
mlir::Value laneMask(mlir::OpBuilder &b, mlir::Location loc, unsigned lanes,
                     mlir::Value left);

/// The same in all lanes, if it is no vector yet.
mlir::Value widened(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v,
                    int64_t lanes);

/// Clones an op of a region: on vectors where one of its operands is one.
void cloneOnLanes(mlir::OpBuilder &b, mlir::Location loc,
                  mlir::Operation &inner, mlir::IRMapping &map, int64_t lanes);

/// Whether a reshape joins such dimensions and still knows how far apart the
/// elements of the last one lie: of a single row of any length it would not.
bool joinsDims(mlir::MemRefType type,
               llvm::ArrayRef<mlir::ReassociationIndices> groups);

/// Groups of a reshape that joins dimensions `first` and `first + 1`.
llvm::SmallVector<mlir::ReassociationIndices> reassociationFor(unsigned rank,
                                                               unsigned first);

/// The address of the first element of a (strided) memref.
mlir::Value pointerOf(mlir::OpBuilder &b, mlir::Location loc,
                      mlir::Value memref);

/// The runtime's parallel-for (include/rnnc/Runtime/Kernels.h), declared once.
mlir::LLVM::LLVMFuncOp parallelFor(mlir::ModuleOp module);

/// The runtime's loop in parts, declared once.
mlir::LLVM::LLVMFuncOp cutLoop(mlir::ModuleOp module);

/// The runtime's number of threads that help, declared once.
mlir::LLVM::LLVMFuncOp membersFunction(mlir::ModuleOp module);

/// Puts the parts one after the other.
void inlineParts(kernel::BesideOp op);

/// Lowers the data movement ops of the kernel dialect (gather, enter, masks,
/// random numbers, …) to loops over rows; what moves a row is a linalg op
/// again.
mlir::LogicalResult lowerDataOps(mlir::ModuleOp module,
                                 kernel::TargetAttr target);

/// Lowers products and packing to calls of generated routines.
mlir::LogicalResult lowerProducts(mlir::ModuleOp module,
                                  kernel::TargetAttr target,
                                  GemmLibrary &library);

/// Lowers phases with products to tiles of them, each with a linalg.generic
/// for its region.
mlir::LogicalResult lowerPhases(mlir::ModuleOp module,
                                kernel::TargetAttr target,
                                GemmLibrary &library);

/// On the choice of a panel in such loops: where the step goes backward.
inline constexpr const char *kTurns = "rnnc.turns";

/// Finishes loops over panels whose order turns: their trips have to be known.
void turnPanels(mlir::ModuleOp module);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_LOWERING_H
