// Pipeline.cpp: from the kernel level to the LLVM dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/ExpandMath/ExpandMath.h"
#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace rnnc {

void buildKernelToLLVMPipeline(OpPassManager &pm,
                               const KernelToLLVMOptions &options) {
  ConvertKernelToLoopsOptions loops;
  loops.vectorBits = options.vectorBits;
  loops.fma = options.fma;
  loops.l1 = options.l1;
  loops.l2 = options.l2;
  loops.threads = options.threads;
  pm.addPass(createConvertKernelToLoops(loops));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());

  KernelExpandMathOptions math;
  math.fma = options.fma;
  math.fastMath = options.fastMath;
  pm.addPass(createKernelExpandMath(math));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());

  pm.addPass(createKernelMakeEntries());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  // Before arith: it looks for constant dimensions.
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createKernelVerifyLLVM());
}

void registerKernelToLLVMPipeline() {
  PassPipelineRegistration<KernelToLLVMOptions>(
      "lower-kernel-to-llvm", "From the kernel level to the LLVM dialect",
      [](OpPassManager &pm, const KernelToLLVMOptions &options) {
        buildKernelToLLVMPipeline(pm, options);
      });
}

} // namespace rnnc
