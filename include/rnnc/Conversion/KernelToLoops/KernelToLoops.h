// KernelToLoops.h: from the kernel dialect to loops and to the LLVM dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_KERNELTOLOOPS_KERNELTOLOOPS_H
#define RNNC_CONVERSION_KERNELTOLOOPS_KERNELTOLOOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <memory>

namespace rnnc {

#define GEN_PASS_DECL
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

/// Options of the pipeline from the kernel level to the LLVM dialect.
struct KernelToLLVMOptions
    : public mlir::PassPipelineOptions<KernelToLLVMOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("which of the module's targets; none: the last"),
      llvm::cl::init("")};
  Option<bool> threads{*this, "threads",
                       llvm::cl::desc("tasks for the context's threads"),
                       llvm::cl::init(true)};
  Option<bool> fastMath{*this, "fast-math",
                        llvm::cl::desc("faster elementary functions"),
                        llvm::cl::init(false)};
};

/// Everything from the kernel level (memory planned) to the LLVM dialect.
void buildKernelToLLVMPipeline(mlir::OpPassManager &pm,
                               const KernelToLLVMOptions &options);

/// The end of it, for any functions on the host: from loops over buffers to the
/// LLVM dialect, with the entry points.
void buildLoopsToLLVMPipeline(mlir::OpPassManager &pm, bool fastMath);

/// What the pipeline needs to know of the dialects it ends in.
void registerKernelToLLVMConversions(mlir::DialectRegistry &registry);

/// Every function that works on buffers learns the context of the call, as its
/// last argument.
void addContext(mlir::ModuleOp module);
/// The context of the call, where the function around `op` has it.
mlir::Value contextOf(mlir::Operation *op);

/// Registers the pipeline `lower-kernel-to-llvm`.
void registerKernelToLLVMPipeline();

#define GEN_PASS_REGISTRATION
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

} // namespace rnnc

#endif // RNNC_CONVERSION_KERNELTOLOOPS_KERNELTOLOOPS_H
