// Pipeline.cpp: from the kernel level to kernels, and to the NVVM dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/ExpandMath/ExpandMath.h"
#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace rnnc {

void buildKernelToGPUPipeline(OpPassManager &pm, StringRef target) {
  kernel::KernelChooseTargetOptions choose;
  choose.target = target.str();
  pm.addPass(kernel::createKernelChooseTarget(choose));
  pm.addPass(createConvertKernelToGPU());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void buildGPUHostPipeline(OpPassManager &pm, bool fastMath) {
  pm.addPass(createGPULaunchesToCalls());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  buildLoopsToLLVMPipeline(pm, fastMath);
}

void buildGPUToNVVMPipeline(OpPassManager &pm, bool fastMath) {
  pm.addPass(createGPUKeepKernels());
  KernelExpandMathOptions math;
  math.fastMath = fastMath;
  pm.addPass(createKernelExpandMath(math));
  pm.addPass(createKernelExpandViews());
  OpPassManager &device = pm.nest<gpu::GPUModuleOp>();
  device.addPass(createLowerAffinePass());
  device.addPass(createSCFToControlFlowPass());
  device.addPass(createConvertKernelsToNVVM());
  device.addPass(createCanonicalizerPass());
  device.addPass(createCSEPass());
  device.addPass(createReconcileUnrealizedCastsPass());
}

} // namespace rnnc
