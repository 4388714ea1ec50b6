// KernelToGPU.cpp: every op that works on buffers becomes a kernel, launched.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream maps scf.parallel to blocks and threads in several passes, of loops
// with as many dimensions as the op has, and gives a kernel all that it
// captures. Here each op is one loop over items: a kernel has blocks of one
// dimension, and takes a few addresses and sizes.

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
      : op(op), threads(threads), host(op), loc(op->getLoc()) {}

  /// The function, not yet in a module.
  gpu::GPUFuncOp build();
  void launch(gpu::GPUFuncOp kernel);

private:
  void chooseArguments();
  void writeBody(gpu::GPUFuncOp kernel);
  /// The number of the thread among those of all blocks.
  Value threadNumber(ThreadCode &t);

  Operation *op;
  unsigned threads;
  OpBuilder host;
  Location loc;
  Values given, constants; ///< of what the op uses
  Value items;
};

void LaunchBuilder::chooseArguments() {
  SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  for (Value value : used) {
    Operation *from = value.getDefiningOp();
    if (from && from->hasTrait<OpTrait::ConstantLike>()) {
      constants.push_back(value);
      continue;
    }
    given.push_back(value);
    auto type = dyn_cast<MemRefType>(value.getType());
    for (int64_t i = 0; type && i != type.getRank(); ++i)
      if (type.isDynamicDim(i))
        given.push_back(host.createOrFold<memref::DimOp>(loc, value, i));
  }
  given.push_back(items);
}

Value LaunchBuilder::threadNumber(ThreadCode &t) {
  Value block = gpu::BlockIdOp::create(t.b, loc, gpu::Dimension::x);
  Value thread = gpu::ThreadIdOp::create(t.b, loc, gpu::Dimension::x);
  return t.add(t.times(block, t.index(threads)), thread);
}

void LaunchBuilder::writeBody(gpu::GPUFuncOp kernel) {
  Block &body = kernel.getBody().front();
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  IRMapping inside;
  // The same size may be given more than once.
  for (auto [value, argument] : llvm::zip_equal(given, body.getArguments()))
    if (!inside.contains(value))
      inside.map(value, argument);
  for (Value constant : constants)
    b.clone(*constant.getDefiningOp(), inside);
  ThreadCode t(b, loc, inside);
  Value item = threadNumber(t);
  Value number = body.getArguments().back();
  t.when(t.less(item, number), [&] { emitItem(op, t, item); });
  b.setInsertionPointToEnd(&body);
  gpu::ReturnOp::create(b, loc);
}

gpu::GPUFuncOp LaunchBuilder::build() {
  IRMapping none;
  ThreadCode before(host, loc, none);
  items = itemsOf(op, before);
  chooseArguments();
  auto type = host.getFunctionType(ValueRange(given).getTypes(), {});
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
  Value more = t.add(items, t.index(threads - 1));
  Value one = t.index(1);
  gpu::KernelDim3 grid{t.over(more, t.index(threads)), one, one};
  gpu::KernelDim3 block{t.index(threads), one, one};
  gpu::LaunchFuncOp::create(host, loc, kernel, grid, block,
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
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() && interface::hasDims(function) &&
          failed(convert(function)))
        return signalPassFailure();
  }

private:
  LogicalResult convert(func::FuncOp function) {
    SmallVector<Operation *> work;
    for (Operation &op : function.getBody().front())
      if (isDeviceWork(&op))
        work.push_back(&op);
    unsigned number = 0;
    for (Operation *op : work) {
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
