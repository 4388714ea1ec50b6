// KeepKernels.cpp: the host goes, and kernels take addresses.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Places.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Conversion/KernelToLoops/BufferAt.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_GPUKEEPKERNELS
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

namespace {

/// The number of LLVM for memory that the host gives.
constexpr unsigned kGlobalSpace = 1;

/// The arguments of one kernel.
class ArgumentRewriter {
public:
  ArgumentRewriter(gpu::GPUFuncOp kernel, LLVMTypeConverter &converter)
      : kernel(kernel), converter(converter),
        b(OpBuilder::atBlockBegin(&kernel.getBody().front())) {}

  LogicalResult run();

private:
  LogicalResult makeAddress(BlockArgument buffer);
  void makeNumber(BlockArgument argument);

  gpu::GPUFuncOp kernel;
  LLVMTypeConverter &converter;
  OpBuilder b;
};

void ArgumentRewriter::makeNumber(BlockArgument argument) {
  argument.setType(b.getI64Type());
  auto cast = arith::IndexCastOp::create(b, kernel.getLoc(), b.getIndexType(),
                                         argument);
  argument.replaceAllUsesExcept(cast, cast);
}

/// Views of memory are where it is.
static void spreadSpace(Value memref) {
  for (Operation *user : memref.getUsers()) {
    bool isView = isa<ViewLikeOpInterface>(user) && user->getNumResults() == 1;
    if (!isView && !isa<memref::ExtractStridedMetadataOp>(user))
      continue;
    Value view = user->getResult(0);
    auto type = dyn_cast<MemRefType>(view.getType());
    if (!type || type.getMemorySpace())
      continue;
    view.setType(MemRefType::get(
        type.getShape(), type.getElementType(), type.getLayout(),
        cast<MemRefType>(memref.getType()).getMemorySpace()));
    spreadSpace(view);
  }
}

/// The address is that of the first element, so the offset is none; elements
/// are read and written as before.
LogicalResult ArgumentRewriter::makeAddress(BlockArgument buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  unsigned first = buffer.getArgNumber() + 1;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return kernel.emitError("has a buffer without strides");
  unsigned number = numUnknownSizes(type);
  if (first + number > kernel.getNumArguments())
    return kernel.emitError("has a buffer that is not followed by its sizes");
  SmallVector<Value> sizes;
  for (BlockArgument size : kernel.getArguments().slice(first, number))
    if (size.getType().isIndex() || size.getType().isInteger(64))
      sizes.push_back(size);
  if (sizes.size() != number)
    return kernel.emitError("has a buffer that is not followed by its sizes");
  MemRefLayoutAttrInterface layout;
  if (!type.getLayout().isIdentity())
    layout = StridedLayoutAttr::get(kernel.getContext(), 0, strides);
  auto inner = MemRefType::get(type.getShape(), type.getElementType(), layout,
                               b.getI64IntegerAttr(kGlobalSpace));
  Type pointer = LLVM::LLVMPointerType::get(kernel.getContext(), kGlobalSpace);
  Location loc = kernel.getLoc();
  for (Value &size : sizes)
    if (size.getType().isIndex())
      size = arith::IndexCastOp::create(b, loc, b.getI64Type(), size);
  Value address = UnrealizedConversionCastOp::create(b, loc, TypeRange{pointer},
                                                     ValueRange{buffer})
                      .getResult(0);
  // By dimension, none where the type knows.
  SmallVector<Value> sizeOf(type.getRank()), strideOf(type.getRank());
  const Value *next = sizes.begin();
  for (int64_t i = 0; i != type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizeOf[i] = *next++;
  for (int64_t i = 0; layout && i != type.getRank(); ++i)
    if (ShapedType::isDynamic(strides[i]))
      strideOf[i] = *next++;
  Value memref = memrefAt(b, loc, converter, inner, address, sizeOf, strideOf);
  Operation *cast = address.getDefiningOp();
  buffer.replaceAllUsesExcept(memref, cast);
  spreadSpace(memref);
  buffer.setType(pointer);
  address.replaceAllUsesWith(buffer);
  cast->erase();
  return success();
}

/// Shared memory follows the arguments, and stays.
LogicalResult ArgumentRewriter::run() {
  auto arguments = kernel.getArguments().take_front(kernel.getNumArguments());
  for (BlockArgument argument : arguments)
    if (isa<MemRefType>(argument.getType()) && failed(makeAddress(argument)))
      return failure();
  b.setInsertionPointToStart(&kernel.getBody().front());
  for (BlockArgument argument : arguments)
    if (argument.getType().isIndex())
      makeNumber(argument);
  kernel.setFunctionType(
      b.getFunctionType(ValueRange(arguments).getTypes(), {}));
  return success();
}

struct GPUKeepKernels : public impl::GPUKeepKernelsBase<GPUKeepKernels> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto kernels = module.lookupSymbol<gpu::GPUModuleOp>(kKernels);
    if (!kernels) {
      module.emitError("has no kernels: convert-kernel-to-gpu makes them");
      return signalPassFailure();
    }
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      function.erase();
    LLVMTypeConverter converter(&getContext());
    for (auto kernel : kernels.getOps<gpu::GPUFuncOp>())
      if (failed(ArgumentRewriter(kernel, converter).run()))
        return signalPassFailure();
  }
};

} // namespace
} // namespace rnnc
