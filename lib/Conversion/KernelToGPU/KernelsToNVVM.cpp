// KernelsToNVVM.cpp: from the gpu dialect to NVVM, without libdevice.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_CONVERTKERNELSTONVVM
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

namespace {

/// Intrinsics that the NVPTX back end has instructions for, in f32 and f64. Of
/// others it makes calls that nothing answers, or it stops.
bool hasInstruction(Operation *op) {
  return isa<LLVM::FMAOp, LLVM::FAbsOp, LLVM::FFloorOp, LLVM::FCeilOp,
             LLVM::FTruncOp, LLVM::RintOp, LLVM::RoundEvenOp, LLVM::SqrtOp,
             LLVM::CopySignOp, LLVM::MaximumOp, LLVM::MinimumOp, LLVM::MaxNumOp,
             LLVM::MinNumOp, LLVM::SMaxOp, LLVM::SMinOp, LLVM::UMaxOp,
             LLVM::UMinOp, LLVM::AbsOp, LLVM::IsFPClass>(op);
}

struct ConvertKernelsToNVVM
    : public impl::ConvertKernelsToNVVMBase<ConvertKernelsToNVVM> {
  using Base::Base;

  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    LLVMTypeConverter converter(context);
    configureGpuToNVVMTypeConverter(converter);
    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    // Those for the GPU make calls of the same ops.
    populateMathToLLVMConversionPatterns(converter, patterns,
                                         /*approximateLog1p=*/true,
                                         /*benefit=*/2);
    populateGpuToNVVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
    target.addLegalOp<gpu::GPUModuleOp, UnrealizedConversionCastOp>();
    target.addIllegalDialect<gpu::GPUDialect>();
    target.addLegalOp<gpu::GPUModuleOp>();
    if (failed(applyPartialConversion(module, target, std::move(patterns))) ||
        failed(check(module)))
      signalPassFailure();
  }

private:
  static LogicalResult check(gpu::GPUModuleOp module) {
    WalkResult result = module.walk([](Operation *op) {
      StringRef name = op->getName().getStringRef();
      bool isCall = isa<LLVM::CallOp, LLVM::CallIntrinsicOp>(op) ||
                    (name.starts_with("llvm.intr.") && !hasInstruction(op));
      bool isForeign =
          !isa<gpu::GPUModuleOp, UnrealizedConversionCastOp>(op) &&
          !isa<LLVM::LLVMDialect, NVVM::NVVMDialect>(op->getDialect());
      if (!isCall && !isForeign)
        return WalkResult::advance();
      op->emitOpError(isCall ? "would become a call that nothing answers"
                             : "is left in a kernel");
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }
};

} // namespace
} // namespace rnnc
