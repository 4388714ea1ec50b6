// KernelToGPU.cpp: every op that works on buffers becomes a kernel, launched.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream maps scf.parallel to blocks and threads in several passes, of loops
// with as many dimensions as the op has, and gives a kernel all that it
// captures. Here each op is one loop over items: a kernel has blocks of one
// dimension, and takes a few addresses and sizes. What surrounds the ops, loops
// over time above all, stays on the host.

#include "Places.h"
#include "ThreadCode.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_CONVERTKERNELTOGPU
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

namespace {

/// One op: its kernel, and what the kernel is launched with.
class LaunchBuilder {
public:
  LaunchBuilder(Operation *op, unsigned threads)
      : op(op), block(itemHasBlock(op)), threads(block ? block : threads),
        host(op), loc(op->getLoc()) {}

  /// The function, not yet in a module.
  gpu::GPUFuncOp build();
  void launch(gpu::GPUFuncOp kernel);

private:
  SetVector<Value> findUsed();
  void give(Value value);
  void chooseArguments();
  void writeBody(gpu::GPUFuncOp kernel);
  void writeItem(gpu::GPUFuncOp kernel, ThreadCode &t);
  Value shared(gpu::GPUFuncOp kernel, Type element);

  Operation *op;
  int64_t block; ///< threads of a block that has an item, or 0
  unsigned threads;
  OpBuilder host;
  Location loc;
  Values given, constants; ///< of what the op uses
  Value items;
  llvm::SmallDenseMap<Type, Value> places; ///< in shared memory
};

/// What the code of the op reads that is made outside of it.
SetVector<Value> LaunchBuilder::findUsed() {
  SetVector<Value> used;
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

/// A buffer is followed by the sizes and strides that its type does not hold.
void LaunchBuilder::give(Value value) {
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

void LaunchBuilder::chooseArguments() {
  for (Value value : findUsed()) {
    Operation *from = value.getDefiningOp();
    if (from && from->hasTrait<OpTrait::ConstantLike>())
      constants.push_back(value);
    else
      give(value);
  }
  if (!block)
    given.push_back(items);
}

/// Shared memory for a number of each thread.
Value LaunchBuilder::shared(gpu::GPUFuncOp kernel, Type element) {
  Value &place = places[element];
  if (!place) {
    auto space = gpu::AddressSpaceAttr::get(op->getContext(),
                                            gpu::AddressSpace::Workgroup);
    auto type =
        MemRefType::get({threads}, element, MemRefLayoutAttrInterface(), space);
    place = kernel.addWorkgroupAttribution(type, loc);
  }
  return place;
}

void LaunchBuilder::writeItem(gpu::GPUFuncOp kernel, ThreadCode &t) {
  Value number = gpu::BlockIdOp::create(t.b, loc, gpu::Dimension::x);
  Value thread = gpu::ThreadIdOp::create(t.b, loc, gpu::Dimension::x);
  if (block) {
    auto place = [&](Type element) { return shared(kernel, element); };
    t.lane = thread;
    t.threads = threads;
    t.shared = place;
    return emitItem(op, t, number);
  }
  Value item = t.add(t.times(number, t.index(threads)), thread);
  Value all = kernel.getArguments().back();
  t.when(t.less(item, all), [&] { emitItem(op, t, item); });
}

void LaunchBuilder::writeBody(gpu::GPUFuncOp kernel) {
  Block &body = kernel.getBody().front();
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  IRMapping inside;
  // The same size may be given more than once.
  for (auto [value, argument] : llvm::zip(given, kernel.getArguments()))
    if (!inside.contains(value))
      inside.map(value, argument);
  for (Value constant : constants)
    b.clone(*constant.getDefiningOp(), inside);
  ThreadCode t(b, loc, inside);
  writeItem(kernel, t);
  b.setInsertionPointToEnd(&body);
  gpu::ReturnOp::create(b, loc);
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
  for (auto [size, stride] :
       llvm::reverse(llvm::zip_equal(buffer.getShape(), strides))) {
    isDense &= !ShapedType::isDynamic(expected) && stride == expected;
    expected = ShapedType::isDynamic(size) || ShapedType::isDynamic(expected)
                   ? ShapedType::kDynamic
                   : expected * size;
  }
  MemRefLayoutAttrInterface layout;
  if (!isDense)
    layout = StridedLayoutAttr::get(type.getContext(), 0, strides);
  return MemRefType::get(buffer.getShape(), buffer.getElementType(), layout);
}

gpu::GPUFuncOp LaunchBuilder::build() {
  IRMapping none;
  ThreadCode before(host, loc, none);
  items = itemsOf(op, before);
  chooseArguments();
  auto types = llvm::map_to_vector(given, [](Value value) {
    return plainType(value.getType());
  });
  auto type = host.getFunctionType(types, {});
  OpBuilder detached(op->getContext());
  auto kernel = gpu::GPUFuncOp::create(detached, loc, "kernel", type);
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), host.getUnitAttr());
  kernel->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                  host.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
  writeBody(kernel);
  return kernel;
}

void LaunchBuilder::launch(gpu::GPUFuncOp kernel) {
  IRMapping none;
  ThreadCode t(host, loc, none);
  Value blocks = items;
  if (!block)
    blocks = t.over(t.add(items, t.index(threads - 1)), t.index(threads));
  Value one = t.index(1);
  gpu::KernelDim3 grid{blocks, one, one};
  gpu::KernelDim3 size{t.index(threads), one, one};
  gpu::LaunchFuncOp::create(host, loc, kernel, grid, size,
                            /*dynamicSharedMemorySize=*/Value(), given);
}

struct ConvertKernelToGPU
    : public impl::ConvertKernelToGPUBase<ConvertKernelToGPU> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = module->getAttrOfType<kernel::TargetAttr>(kernel::kTarget);
    if (!target || !target.getGpu()) {
      module.emitError("is not for a GPU: kernel-choose-target names one that "
                       "has `gpu`");
      return signalPassFailure();
    }
    if (failed(checkSupported(module)))
      return signalPassFailure();
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    UnitAttr::get(&getContext()));
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    kernels = gpu::GPUModuleOp::create(b, module.getLoc(), kKernels);
    known.clear();
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      splitRowProducts(function);
      inlineBeside(function);
      if (failed(convert(function)))
        return signalPassFailure();
    }
  }

private:
  /// Parts that need not each other follow each other.
  static void inlineBeside(func::FuncOp function) {
    SmallVector<kernel::BesideOp> all;
    function.walk([&](kernel::BesideOp op) { all.push_back(op); });
    for (kernel::BesideOp op : all) {
      for (Region &part : op.getParts())
        op->getBlock()->getOperations().splice(op->getIterator(),
                                               part.front().getOperations());
      op.erase();
    }
  }

  LogicalResult convert(func::FuncOp function) {
    unsigned number = 0;
    for (Operation *op : deviceWorkOf(function)) {
      int64_t threads = decided(op, kernel::Decision::BlockThreads);
      auto phase = dyn_cast<kernel::PhaseOp>(op);
      bool multiplies =
          phase ? !phase.getLefts().empty() : isa<kernel::GemmOp>(op);
      if (threads < 1 ||
          (multiplies && decided(op, kernel::Decision::TileRows) < 1))
        return op->emitError("has no decision about threads or rows: "
                             "kernel-select-schedule makes them");
      LaunchBuilder builder(op, threads);
      gpu::GPUFuncOp kernel = named(builder.build(), function, number++, op);
      builder.launch(kernel);
      op->erase();
    }
    return success();
  }

  /// The kernel in the module, or one that is the same.
  gpu::GPUFuncOp named(gpu::GPUFuncOp made, func::FuncOp function,
                       unsigned number, Operation *op) {
    std::string text;
    llvm::raw_string_ostream(text) << OpWithFlags(
        made, OpPrintingFlags().useLocalScope().assumeVerified());
    gpu::GPUFuncOp &kernel = known[text];
    if (kernel) {
      made.erase();
      return kernel;
    }
    std::string name;
    for (char c : function.getName())
      name += llvm::isAlnum(c) ? c : '_';
    made.setName((name + "_" + Twine(number) + "_" + kindOf(op)).str());
    SymbolTable(kernels).insert(made);
    kernel = made;
    return kernel;
  }

  gpu::GPUModuleOp kernels;
  llvm::StringMap<gpu::GPUFuncOp> known;
};

} // namespace
} // namespace rnnc
