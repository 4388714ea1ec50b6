// InitAll.cpp: registers all dialects, extensions and passes of the project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/InitAll.h"

#include "rnnc/Conversion/ExpandMath/ExpandMath.h"
#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"
#include "rnnc/Conversion/RNNToScan/RNNToScan.h"
#include "rnnc/Conversion/ScanToKernel/Passes.h"
#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/Grad/Transforms/Passes.h"
#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/Kernel/Transforms/Passes.h"
#include "rnnc/Dialect/RNN/RNN.h"
#include "rnnc/Dialect/Scan/Gradients.h"
#include "rnnc/Dialect/Scan/Scan.h"
#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/AllExtensions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/InlinerInterfaceImpl.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

namespace rnnc {

void registerAllDialects(mlir::DialectRegistry &registry) {
  registry
      .insert<interface::InterfaceDialect, rnn::RNNDialect, scan::ScanDialect,
              grad::GradDialect, kernel::KernelDialect>();
  registry.insert<mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect,
                  mlir::func::FuncDialect, mlir::gpu::GPUDialect,
                  mlir::LLVM::LLVMDialect, mlir::nvgpu::NVGPUDialect,
                  mlir::NVVM::NVVMDialect, mlir::linalg::LinalgDialect,
                  mlir::math::MathDialect, mlir::memref::MemRefDialect,
                  mlir::scf::SCFDialect, mlir::tensor::TensorDialect,
                  mlir::vector::VectorDialect>();
  mlir::func::registerAllExtensions(registry);
  scan::registerGradients(registry);
  mlir::LLVM::registerInlinerInterface(registry);
  registerKernelToLLVMConversions(registry);
}

void registerAllPasses() {
  mlir::registerTransformsPasses();
  registerConvertRNNToScan();
  registerScanToKernelPasses();
  grad::registerGradPasses();
  registerKernelToGPUPasses();
  registerKernelToLoopsPasses();
  registerExpandMathPasses();
  registerKernelToLLVMPipeline();
  kernel::registerKernelPasses();
  scan::registerScanPasses();
}

} // namespace rnnc
