// Pipeline.cpp: from the kernel level to the LLVM dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/ExpandMath/ExpandMath.h"
#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace rnnc {

void buildLoopsToLLVMPipeline(OpPassManager &pm, bool fastMath) {
  KernelExpandMathOptions math;
  math.fastMath = fastMath;
  pm.addPass(createKernelExpandMath(math));
  pm.addPass(createKernelMakeEntries());
  pm.addPass(createKernelExpandViews());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  // All dialects at once: one after the other takes three times as long. What
  // cannot be converted ends the compilation, so nothing need be taken back.
  ConvertToLLVMPassOptions convert;
  convert.allowPatternRollback = false;
  pm.addPass(createConvertToLLVMPass(convert));
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createKernelFoldDescriptors());
  pm.addPass(createKernelVerifyLLVM());
}

void buildKernelToLLVMPipeline(OpPassManager &pm,
                               const KernelToLLVMOptions &options) {
  kernel::KernelChooseTargetOptions choose;
  choose.target = options.target;
  pm.addPass(kernel::createKernelChooseTarget(choose));
  pm.addPass(createKernelHoldStates());
  pm.addPass(createKernelOutline());
  ConvertKernelToLoopsOptions loops;
  loops.threads = options.threads;
  pm.addPass(createConvertKernelToLoops(loops));
  // Once, over what is left when nothing is there twice: a second round finds
  // nothing that LLVM would not, and takes as long.
  pm.addPass(createCSEPass());
  GreedyRewriteConfig once;
  once.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  once.setMaxIterations(1);
  pm.addPass(createCanonicalizerPass(once));
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());

  // From here on LLVM cleans up, in a tenth of the time.
  buildLoopsToLLVMPipeline(pm, options.fastMath);
}

void registerKernelToLLVMConversions(DialectRegistry &registry) {
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  registerConvertMemRefToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}

void registerKernelToLLVMPipeline() {
  PassPipelineRegistration<KernelToLLVMOptions>(
      "lower-kernel-to-llvm", "From the kernel level to the LLVM dialect",
      [](OpPassManager &pm, const KernelToLLVMOptions &options) {
        buildKernelToLLVMPipeline(pm, options);
      });
}

} // namespace rnnc
