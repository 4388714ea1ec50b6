// LaunchWriter.cpp: what kernels are given, and how they are launched.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LaunchWriter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace rnnc {

/// A buffer is followed by the sizes and strides that its type does not hold.
void LaunchWriter::give(Value value) {
  given.push_back(value);
  auto type = dyn_cast<MemRefType>(value.getType());
  if (!type)
    return;
  for (int64_t i = 0; i != type.getRank(); ++i)
    if (type.isDynamicDim(i))
      given.push_back(host.createOrFold<memref::DimOp>(loc, value, i));
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type.getLayout().isIdentity() ||
      failed(type.getStridesAndOffset(strides, offset)) ||
      llvm::none_of(strides, ShapedType::isDynamic))
    return;
  auto known = memref::ExtractStridedMetadataOp::create(host, loc, value);
  for (auto [i, stride] : llvm::enumerate(strides))
    if (ShapedType::isDynamic(stride))
      given.push_back(known.getStrides()[i]);
}

llvm::SetVector<Value> LaunchWriter::usedBy(Operation *op) {
  llvm::SetVector<Value> used;
  if (auto store = dyn_cast<memref::StoreOp>(op)) {
    auto numbers = numbersOf(store).value_or(SmallVector<Operation *>());
    auto use = [&](Value value) {
      if (!llvm::is_contained(numbers, value.getDefiningOp()))
        used.insert(value);
    };
    llvm::for_each(store->getOperands(), use);
    for (Operation *number : numbers)
      llvm::for_each(number->getOperands(), use);
    return used;
  }
  auto gemm = dyn_cast<kernel::GemmOp>(op);
  for (OpOperand &operand : op->getOpOperands()) {
    Value list = gemm && operand.get() == gemm.getValid()
                     ? listOf(operand.get())
                     : Value();
    used.insert(list ? list : operand.get());
  }
  // What products need on a processor is of no use here.
  if (gemm && gemm.getScratch())
    used.remove(gemm.getScratch());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  return used;
}

void LaunchWriter::take(Value value) {
  Operation *from = value.getDefiningOp();
  if (from && from->hasTrait<OpTrait::ConstantLike>())
    constants.push_back(value);
  else
    give(value);
}

/// Where a buffer begins is in its address, and strides that follow from sizes
/// need not be said: kernels that differ in nothing else are the same.
static Type plainType(Type type) {
  auto buffer = dyn_cast<MemRefType>(type);
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!buffer || buffer.getLayout().isIdentity() ||
      failed(buffer.getStridesAndOffset(strides, offset)))
    return type;
  int64_t expected = 1;
  bool isDense = true;
  for (int64_t i = buffer.getRank(); i-- > 0;) {
    isDense &= !ShapedType::isDynamic(expected) && strides[i] == expected;
    bool unknown = buffer.isDynamicDim(i) || ShapedType::isDynamic(expected);
    expected = unknown ? ShapedType::kDynamic : expected * buffer.getDimSize(i);
  }
  MemRefLayoutAttrInterface layout;
  if (!isDense)
    layout = StridedLayoutAttr::get(type.getContext(), 0, strides);
  return MemRefType::get(buffer.getShape(), buffer.getElementType(), layout);
}

gpu::GPUFuncOp LaunchWriter::makeKernel() {
  auto types = llvm::map_to_vector(
      given, [](Value value) { return plainType(value.getType()); });
  auto type = host.getFunctionType(types, {});
  OpBuilder detached(op->getContext());
  auto kernel = gpu::GPUFuncOp::create(detached, loc, "kernel", type);
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), host.getUnitAttr());
  kernel->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                  host.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
  return kernel;
}

/// Left to itself NVIDIA's assembler may give a thread so few that some are
/// spilled, so that many threads fit. It may give as many as there are, and so
/// many blocks fit then.
static constexpr unsigned kRegistersOfThread = 255, kRegisters = 65536;

void LaunchWriter::allowRegisters(gpu::GPUFuncOp kernel) {
  unsigned blocks = kRegisters / (kRegistersOfThread * threads);
  if (blocks)
    kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    host.getI32IntegerAttr(int32_t(blocks)));
}

void LaunchWriter::mapGiven(gpu::GPUFuncOp kernel, OpBuilder &b,
                            IRMapping &inside) {
  // The same size may be given more than once.
  for (auto [value, argument] : llvm::zip(given, kernel.getArguments()))
    if (!inside.contains(value))
      inside.map(value, argument);
  for (Value constant : constants)
    b.clone(*constant.getDefiningOp(), inside);
}

/// LLVM reads four numbers at a time where it finds them side by side, and does
/// not see to it that they begin there.
static constexpr int64_t kSharedAlign = 16;

Value LaunchWriter::addShared(gpu::GPUFuncOp kernel, int64_t count,
                              Type element) {
  auto space = gpu::AddressSpaceAttr::get(op->getContext(),
                                          gpu::AddressSpace::Workgroup);
  auto type =
      MemRefType::get({count}, element, MemRefLayoutAttrInterface(), space);
  Value place = kernel.addWorkgroupAttribution(type, loc);
  kernel.setWorkgroupAttributionAttr(
      int(kernel.getNumWorkgroupAttributions()) - 1,
      host.getStringAttr(LLVM::LLVMDialect::getAlignAttrName()),
      host.getI64IntegerAttr(kSharedAlign));
  return place;
}

Value LaunchWriter::shared(gpu::GPUFuncOp kernel, Type element) {
  Value &place = places[element];
  if (!place)
    place = addShared(kernel, threads, element);
  return place;
}

int64_t LaunchWriter::sharedBehind(int64_t bytes, int64_t count, Type element) {
  int64_t more = count * int64_t(element.getIntOrFloatBitWidth() / 8);
  return bytes + int64_t(llvm::alignTo(more, kSharedAlign));
}

Value LaunchWriter::addAskedFor(OpBuilder &b, int64_t count, Type element,
                                int64_t bytes) {
  auto space = gpu::AddressSpaceAttr::get(op->getContext(),
                                          gpu::AddressSpace::Workgroup);
  auto typeOf = [&](int64_t size, Type of) {
    return MemRefType::get({size}, of, MemRefLayoutAttrInterface(), space);
  };
  Value all = gpu::DynamicSharedMemoryOp::create(
      b, loc, typeOf(ShapedType::kDynamic, b.getI8Type()));
  Value begin = arith::ConstantIndexOp::create(b, loc, bytes);
  return memref::ViewOp::create(b, loc, typeOf(count, element), all, begin,
                                ValueRange());
}

gpu::LaunchFuncOp LaunchWriter::launchBlocks(gpu::GPUFuncOp kernel,
                                             Value blocks, int64_t shared) {
  IRMapping none;
  ThreadCode t(host, loc, none);
  // Types that differ in where a buffer begins are one to a kernel.
  Values operands;
  for (auto [value, argument] :
       llvm::zip_equal(given, kernel.getArguments().take_front(given.size())))
    operands.push_back(value.getType() == argument.getType()
                           ? value
                           : UnrealizedConversionCastOp::create(
                                 host, loc, argument.getType(), value)
                                 .getResult(0));
  Value one = t.index(1);
  gpu::KernelDim3 grid{blocks, one, one};
  gpu::KernelDim3 size{t.index(threads), one, one};
  Value bytes;
  if (shared)
    bytes = arith::ConstantIntOp::create(host, loc, shared, 32);
  return gpu::LaunchFuncOp::create(host, loc, kernel, grid, size, bytes,
                                   operands);
}

} // namespace rnnc
