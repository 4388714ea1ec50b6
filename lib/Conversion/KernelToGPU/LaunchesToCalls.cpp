// LaunchesToCalls.cpp: what is left on the host talks to the runtime.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers are on the device: the host computes addresses in them, and reads or
// writes none. What it needs to know of their contents it asks for.

#include "Places.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Conversion/KernelToLoops/BufferAt.h"
#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_GPULAUNCHESTOCALLS
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

namespace {

/// Most parameters of a kernel: those of the runtime's own array.
constexpr unsigned kMostParameters = 256;

/// One function on the host.
class HostRewriter {
public:
  HostRewriter(func::FuncOp function, LLVMTypeConverter &converter,
               const llvm::StringMap<int64_t> &kernels, int64_t &scratch)
      : function(function), converter(converter), kernels(kernels),
        scratch(scratch), b(function.getContext()), loc(function.getLoc()),
        ptr(LLVM::LLVMPointerType::get(function.getContext())),
        i64(b.getI64Type()), i32(b.getI32Type()) {}

  LogicalResult run();

private:
  LogicalResult rewrite(gpu::LaunchFuncOp launch);
  void rewrite(func::CallOp room);
  void rewrite(memref::LoadOp load);
  void rewrite(memref::AllocOp alloc);
  LogicalResult rewrite(memref::GetGlobalOp global);

  void at(Operation *op) {
    b.setInsertionPoint(op);
    loc = op->getLoc();
    context = contextOf(op);
  }
  Value number(Type type, int64_t value) {
    return LLVM::ConstantOp::create(b, loc, type,
                                    b.getIntegerAttr(type, value));
  }
  Value toI64(Value index) {
    return b.createOrFold<arith::IndexCastOp>(loc, i64, index);
  }
  Value addressOf(Value memref, ValueRange indices);
  Value toPointer(Value address) {
    return LLVM::IntToPtrOp::create(b, loc, ptr, address);
  }
  Value call(StringRef name, Type result, ValueRange arguments);
  Value bytesFor(memref::AllocOp alloc);

  func::FuncOp function;
  LLVMTypeConverter &converter;
  const llvm::StringMap<int64_t> &kernels;
  int64_t &scratch; ///< buffers of the module so far
  OpBuilder b;
  Location loc;
  Type ptr, i64, i32;
  Value context;
  LLVM::AllocaOp parameters; ///< room for those of any launch
  unsigned mostParameters = 0;
};

/// The address of an element, as a number.
Value HostRewriter::addressOf(Value memref, ValueRange indices) {
  auto type = cast<MemRefType>(memref.getType());
  auto data = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(
      b, loc, data.getBaseBuffer());
  Value offset = data.getOffset();
  for (auto [index, stride] : llvm::zip(indices, data.getStrides()))
    offset = b.createOrFold<arith::AddIOp>(
        loc, offset, b.createOrFold<arith::MulIOp>(loc, index, stride));
  Value bytes =
      arith::ConstantIndexOp::create(b, loc, bytesOf(type.getElementType()));
  offset = b.createOrFold<arith::MulIOp>(loc, offset, bytes);
  return toI64(b.createOrFold<arith::AddIOp>(loc, base, offset));
}

Value HostRewriter::call(StringRef name, Type result, ValueRange arguments) {
  auto module = function->getParentOfType<ModuleOp>();
  auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  Type given = result ? result : LLVM::LLVMVoidType::get(b.getContext());
  if (!callee) {
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    callee = LLVM::LLVMFuncOp::create(
        top, module.getLoc(), name,
        LLVM::LLVMFunctionType::get(given,
                                    llvm::to_vector(arguments.getTypes())));
  }
  auto made = LLVM::CallOp::create(b, loc, callee, arguments);
  return result ? made.getResult() : Value();
}

/// Every parameter has eight bytes, of which it may need the first few.
LogicalResult HostRewriter::rewrite(gpu::LaunchFuncOp launch) {
  at(launch);
  SmallVector<Value> values;
  for (Value operand : llvm::map_range(launch.getKernelOperands(), givenOf)) {
    Type type = operand.getType();
    if (isa<MemRefType>(type))
      values.push_back(addressOf(operand, {}));
    else
      values.push_back(type.isIndex() ? toI64(operand) : operand);
  }
  if (values.size() > kMostParameters)
    return launch.emitError("has too many parameters: ") << values.size();
  mostParameters = std::max<unsigned>(mostParameters, values.size());
  for (auto [i, value] : llvm::enumerate(values)) {
    Value place = LLVM::GEPOp::create(b, loc, ptr, i64, parameters,
                                      ArrayRef<LLVM::GEPArg>{int32_t(i)});
    LLVM::StoreOp::create(b, loc, value, place);
  }
  int64_t kernel = kernels.lookup(launch.getKernelName().getValue());
  SmallVector<Value> arguments = {context,
                                  number(i32, kernel),
                                  toI64(launch.getGridSizeX()),
                                  toI64(launch.getBlockSizeX()),
                                  parameters,
                                  number(i32, int64_t(values.size()))};
  bool isGrid = launch->hasAttr(kGridOf);
  if (isGrid) {
    Value shared = launch.getDynamicSharedMemorySize();
    arguments.push_back(shared ? shared : number(i32, 0));
  }
  call(isGrid ? "rnnc_rt_gpu_launch_grid" : "rnnc_rt_gpu_launch", Type(),
       arguments);
  launch.erase();
  return success();
}

/// Whether there is room for all blocks of a kernel.
void HostRewriter::rewrite(func::CallOp room) {
  at(room);
  auto of = room->getAttrOfType<SymbolRefAttr>(kGridOf);
  int64_t kernel = kernels.lookup(of.getLeafReference().getValue());
  Value counter = call(kGridRoom, i64,
                       {context, number(i32, kernel), toI64(room.getOperand(0)),
                        toI64(room.getOperand(1)), toI64(room.getOperand(2))});
  room.getResult(0).replaceAllUsesWith(
      arith::IndexCastOp::create(b, loc, b.getIndexType(), counter));
  room.erase();
}

static bool asksForRoom(Operation *op) {
  return isa<func::CallOp>(op) && op->hasAttr(kGridOf);
}

/// Waits for the device.
void HostRewriter::rewrite(memref::LoadOp load) {
  at(load);
  Type type = load.getType();
  unsigned bits = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  Value address = addressOf(load.getMemRef(), load.getIndices());
  Value value = call("rnnc_rt_gpu_read", i64,
                     {context, address, number(i64, bytesOf(type))});
  Type whole = b.getIntegerType(bits);
  if (bits < 64)
    value = LLVM::TruncOp::create(b, loc, whole, value);
  if (isa<FloatType>(type))
    value = LLVM::BitcastOp::create(b, loc, type, value);
  else if (type.isIndex())
    value = arith::IndexCastOp::create(b, loc, type, value);
  load.replaceAllUsesWith(value);
  load.erase();
}

Value HostRewriter::bytesFor(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  int64_t known = bytesOf(type.getElementType());
  for (int64_t size : type.getShape())
    known *= ShapedType::isDynamic(size) ? 1 : size;
  Value bytes = number(i64, known);
  for (Value size : alloc.getDynamicSizes())
    bytes = LLVM::MulOp::create(b, loc, bytes, toI64(size));
  return bytes;
}

void HostRewriter::rewrite(memref::AllocOp alloc) {
  at(alloc);
  Value address = call("rnnc_rt_gpu_scratch", i64,
                       {context, number(i64, scratch++), bytesFor(alloc)});
  MemRefType type = alloc.getType();
  SmallVector<Value> sizes(type.getRank()), strides(type.getRank());
  auto next = alloc.getDynamicSizes().begin();
  for (int64_t i = 0; i != type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes[i] = toI64(*next++);
  Value memref =
      memrefAt(b, loc, converter, type, toPointer(address), sizes, strides);
  alloc.replaceAllUsesWith(memref);
  alloc.erase();
}

/// A table of constants is copied once.
LogicalResult HostRewriter::rewrite(memref::GetGlobalOp global) {
  at(global);
  b.setInsertionPointAfter(global);
  MemRefType type = global.getType();
  if (!type.hasStaticShape())
    return global.emitError("has a size that is not known");
  Value host =
      toI64(memref::ExtractAlignedPointerAsIndexOp::create(b, loc, global));
  int64_t bytes = type.getNumElements() * bytesOf(type.getElementType());
  Value address =
      call("rnnc_rt_gpu_constant", i64, {context, host, number(i64, bytes)});
  SmallVector<Value> none(type.getRank());
  Value memref =
      memrefAt(b, loc, converter, type, toPointer(address), none, none);
  Operation *first = host.getDefiningOp();
  while (!isa<memref::ExtractAlignedPointerAsIndexOp>(first))
    first = first->getOperand(0).getDefiningOp();
  global.getResult().replaceUsesWithIf(
      memref, [&](OpOperand &use) { return use.getOwner() != first; });
  return success();
}

LogicalResult HostRewriter::run() {
  SmallVector<Operation *> work;
  function.walk([&](Operation *op) {
    if (isa<gpu::LaunchFuncOp, memref::LoadOp, memref::AllocOp,
            memref::GetGlobalOp>(op) ||
        asksForRoom(op))
      work.push_back(op);
  });
  if (work.empty())
    return success();
  b.setInsertionPointToStart(&function.getBody().front());
  parameters = LLVM::AllocaOp::create(b, loc, ptr, i64, number(i64, 1));
  for (Operation *op : work) {
    LogicalResult done =
        llvm::TypeSwitch<Operation *, LogicalResult>(op)
            .Case<gpu::LaunchFuncOp, memref::GetGlobalOp>(
                [&](auto o) { return rewrite(o); })
            .Case<memref::LoadOp, memref::AllocOp, func::CallOp>([&](auto o) {
              rewrite(o);
              return success();
            });
    if (failed(done))
      return failure();
  }
  b.setInsertionPoint(parameters);
  parameters.getArraySizeMutable().assign(
      number(i64, std::max(1u, mostParameters)));
  return success();
}

struct GPULaunchesToCalls
    : public impl::GPULaunchesToCallsBase<GPULaunchesToCalls> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto kernels = module.lookupSymbol<gpu::GPUModuleOp>(kKernels);
    if (!kernels) {
      module.emitError("has no kernels: convert-kernel-to-gpu makes them");
      return signalPassFailure();
    }
    llvm::StringMap<int64_t> numbers;
    for (StringRef name : kernelNames(module))
      numbers.insert({name, int64_t(numbers.size())});
    kernels.erase();
    // The runtime's function has the context, too.
    if (auto room = module.lookupSymbol<func::FuncOp>(kGridRoom))
      room.erase();
    module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
    addContext(module);
    LLVMTypeConverter converter(&getContext());
    int64_t scratch = 0;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() &&
          failed(HostRewriter(function, converter, numbers, scratch).run()))
        return signalPassFailure();
  }
};

} // namespace

SmallVector<StringRef> kernelNames(ModuleOp module) {
  SmallVector<StringRef> names;
  if (auto kernels = module.lookupSymbol<gpu::GPUModuleOp>(kKernels))
    for (auto kernel : kernels.getOps<gpu::GPUFuncOp>())
      names.push_back(kernel.getName());
  return names;
}

} // namespace rnnc
