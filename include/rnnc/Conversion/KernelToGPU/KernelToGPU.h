// KernelToGPU.h: from the kernel dialect to kernels of a GPU.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_KERNELTOGPU_KERNELTOGPU_H
#define RNNC_CONVERSION_KERNELTOGPU_KERNELTOGPU_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

#include <memory>

namespace rnnc {

#define GEN_PASS_DECL
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

/// On a module: what a caller has to launch, a dictionary for each function.
inline constexpr llvm::StringLiteral kLaunches = "rnnc.launches";
/// The module of the kernels.
inline constexpr llvm::StringLiteral kKernels = "kernels";

/// Asks whether a device has room for so many blocks, of so many threads, of
/// the kernel that `kGridOf` names, at a time: the address of the counter by
/// which they wait for each other, or 0. The launch has the attribute, too.
inline constexpr llvm::StringLiteral kGridRoom = "rnnc_rt_gpu_grid";
inline constexpr llvm::StringLiteral kGridOf = "rnnc.grid";

/// From the kernel level (memory planned) to kernels and their launches, for
/// the target of this name; "": the last.
void buildKernelToGPUPipeline(mlir::OpPassManager &pm, llvm::StringRef target);

/// The kernels, by the number that the host knows them by.
llvm::SmallVector<llvm::StringRef> kernelNames(mlir::ModuleOp module);

/// The host, in the LLVM dialect: it computes sizes and addresses and calls the
/// runtime; the kernels are left behind.
void buildGPUHostPipeline(mlir::OpPassManager &pm, bool fastMath);

/// From there to the NVVM dialect; the host is left behind.
void buildGPUToNVVMPipeline(mlir::OpPassManager &pm, bool fastMath);

#define GEN_PASS_REGISTRATION
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

} // namespace rnnc

#endif // RNNC_CONVERSION_KERNELTOGPU_KERNELTOGPU_H
