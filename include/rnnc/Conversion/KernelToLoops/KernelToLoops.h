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

/// What the loops are made for.
struct LoopTarget {
  unsigned vectorBits = 256; ///< width of a vector register
  bool fma = true;           ///< has fused multiply-add
  int64_t l1 = 32 << 10;     ///< bytes of the first-level data cache
  int64_t l2 = 1 << 20;      ///< bytes of the second-level cache
  bool fastMath = false;     ///< faster, less exact elementary functions
};

/// Lowers one linalg.generic on memrefs to vector loops and erases it.
mlir::LogicalResult lowerGenericToLoops(mlir::linalg::GenericOp op,
                                        const LoopTarget &target);

/// Options of the pipeline from the kernel level to the LLVM dialect.
struct KernelToLLVMOptions
    : public mlir::PassPipelineOptions<KernelToLLVMOptions> {
  Option<unsigned> vectorBits{*this, "vector-bits",
                              llvm::cl::desc("width of a vector register"),
                              llvm::cl::init(256)};
  Option<bool> fma{*this, "fma", llvm::cl::desc("fused multiply-add exists"),
                   llvm::cl::init(true)};
  Option<int64_t> l1{*this, "l1", llvm::cl::desc("first-level cache, bytes"),
                     llvm::cl::init(32 << 10)};
  Option<int64_t> l2{*this, "l2", llvm::cl::desc("second-level cache, bytes"),
                     llvm::cl::init(1 << 20)};
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

/// What the pipeline needs to know of the dialects it ends in.
void registerKernelToLLVMConversions(mlir::DialectRegistry &registry);

/// Registers the pipeline `lower-kernel-to-llvm`.
void registerKernelToLLVMPipeline();

#define GEN_PASS_REGISTRATION
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

} // namespace rnnc

#endif // RNNC_CONVERSION_KERNELTOLOOPS_KERNELTOLOOPS_H
