// KernelsToNVVM.cpp: from the gpu dialect to NVVM, without libdevice.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"

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

/// What all kernels call the shared memory that launches ask for.
constexpr llvm::StringLiteral kAskedFor = "rnnc_shared";

/// Upstream's is a variable of no size that the module has itself, which LLVM
/// gives a place that overlaps others. This one is defined nowhere: its size is
/// that of the launch.
struct AskedForShared
    : public ConvertOpToLLVMPattern<gpu::DynamicSharedMemoryOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(gpu::DynamicSharedMemoryOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto module = op->getParentOfType<gpu::GPUModuleOp>();
    auto global = module.lookupSymbol<LLVM::GlobalOp>(kAskedFor);
    if (!global) {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(module.getBody());
      global = LLVM::GlobalOp::create(
          rewriter, loc, LLVM::LLVMArrayType::get(rewriter.getI8Type(), 0),
          /*isConstant=*/false, LLVM::Linkage::External, kAskedFor, Attribute(),
          /*alignment=*/16, unsigned(NVVM::NVVMMemorySpace::Shared));
    }
    Value base = LLVM::AddressOfOp::create(rewriter, loc, global);
    Type type = getTypeConverter()->convertType(op.getType());
    auto memref = MemRefDescriptor::poison(rewriter, loc, type);
    memref.setAllocatedPtr(rewriter, loc, base);
    memref.setAlignedPtr(rewriter, loc, base);
    memref.setConstantOffset(rewriter, loc, 0);
    memref.setConstantSize(rewriter, loc, 0, 0);
    memref.setConstantStride(rewriter, loc, 0, 1);
    rewriter.replaceOp(op, Value(memref));
    return success();
  }
};

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
    patterns.add<AskedForShared>(converter, /*benefit=*/2);
    // Copies that go on while their threads do: nothing needs their tokens.
    converter.addConversion([&](nvgpu::DeviceAsyncTokenType type) {
      return converter.convertType(IntegerType::get(type.getContext(), 32));
    });
    populateNVGPUToNVVMConversionPatterns(converter, patterns);
    // What is loaded for tensor cores comes in vectors.
    populateVectorToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
    target.addLegalOp<gpu::GPUModuleOp, UnrealizedConversionCastOp>();
    target.addIllegalDialect<gpu::GPUDialect, nvgpu::NVGPUDialect>();
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
