// KernelToGPU.cpp: every op that works on buffers becomes a kernel, launched.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream maps scf.parallel to blocks and threads in several passes, of loops
// with as many dimensions as the op has, and gives a kernel all that it
// captures. Here each op is one loop over items: a kernel has blocks of one
// dimension, and takes a few addresses and sizes. What surrounds the ops, loops
// over time above all, stays on the host.

#include "LaunchWriter.h"
#include "Places.h"
#include "TileLaunch.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"
#include "rnnc/Dialect/Kernel/Transforms/SharedMemory.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/bit.h"

#include <map>

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_CONVERTKERNELTOGPU
#include "rnnc/Conversion/KernelToGPU/Passes.h.inc"

namespace {

/// One op: its kernel, and what the kernel is launched with.
class LaunchBuilder : public LaunchWriter {
public:
  LaunchBuilder(Operation *op, unsigned threads)
      : LaunchWriter(op, itemHasBlock(op) ? itemHasBlock(op) : threads),
        block(itemHasBlock(op)) {}

  /// The function, not yet in a module.
  gpu::GPUFuncOp build();
  /// `few` is 1 where this kernel is to run, else 0; null: it is.
  void launch(gpu::GPUFuncOp kernel, Value few = {});

private:
  void writeItem(gpu::GPUFuncOp kernel, ThreadCode &t);

  int64_t block; ///< threads of a block that has an item, or 0
  Value items;
};

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

gpu::GPUFuncOp LaunchBuilder::build() {
  IRMapping none;
  ThreadCode before(host, loc, none);
  items = itemsOf(op, before);
  for (Value value : usedBy(op))
    take(value);
  if (!block)
    given.push_back(items);
  gpu::GPUFuncOp kernel = makeKernel();
  auto phase = dyn_cast<kernel::PhaseOp>(op);
  if (isa<kernel::GemmOp>(op) || (phase && !phase.getLefts().empty()))
    allowRegisters(kernel);
  OpBuilder b = OpBuilder::atBlockBegin(&kernel.getBody().front());
  IRMapping inside;
  mapGiven(kernel, b, inside);
  ThreadCode t(b, loc, inside);
  writeItem(kernel, t);
  b.setInsertionPointToEnd(&kernel.getBody().front());
  gpu::ReturnOp::create(b, loc);
  return kernel;
}

void LaunchBuilder::launch(gpu::GPUFuncOp kernel, Value few) {
  IRMapping none;
  ThreadCode t(host, loc, none);
  Value blocks = items;
  if (!block)
    blocks = t.over(t.add(items, t.index(threads - 1)), t.index(threads));
  launchBlocks(kernel, few ? t.times(blocks, few) : blocks);
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
      dropRowLists(function);
      // Threads read all panels at the same time.
      function.walk([](kernel::PhaseOp op) { op.getTurnMutable().clear(); });
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
    convertGrids(function);
    unsigned number = 0;
    for (Operation *op : workOf(function)) {
      auto loop = dyn_cast<scf::ForOp>(op);
      LogicalResult done = loop ? convertLoop(loop, function, number++)
                                : convertOp(op, function, number++);
      if (failed(done))
        return failure();
    }
    return success();
  }

  /// What becomes a launch, in order: ops, and loops that have a block for some
  /// examples.
  SmallVector<Operation *> workOf(func::FuncOp function) {
    SmallVector<Operation *> work;
    function->walk<WalkOrder::PreOrder>([&](Operation *op) {
      auto loop = dyn_cast<scf::ForOp>(op);
      if (!isDeviceWork(op) && !(loop && runsInBlocks(loop)))
        return WalkResult::advance();
      work.push_back(op);
      return WalkResult::skip();
    });
    return work;
  }

  static bool hasPlan(scf::ForOp loop, kernel::LoopPlan plan) {
    auto schedule =
        loop->getAttrOfType<kernel::ScheduleAttr>(kernel::kSchedule);
    return schedule &&
           schedule.get(kernel::Decision::LoopPlan) == int64_t(plan);
  }

  /// The loops stay beside what they become.
  void convertGrids(func::FuncOp function) {
    SmallVector<scf::ForOp> all;
    function.walk([&](scf::ForOp loop) {
      if (hasPlan(loop, kernel::LoopPlan::Grid))
        all.push_back(loop);
    });
    unsigned number = 0;
    for (scf::ForOp loop : all) {
      hoistMemory(loop);
      GridLaunch launch = gridLaunch(loop);
      if (std::string why = launch.check(); !why.empty()) {
        remarkSteps(loop, why);
        continue;
      }
      declareRoom();
      launch.launch(named(launch.build(), function, number++, "grid"));
    }
  }

  void declareRoom() {
    ModuleOp module = getOperation();
    if (module.lookupSymbol(kGridRoom))
      return;
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    Type index = b.getIndexType();
    func::FuncOp::create(b, module.getLoc(), kGridRoom,
                         b.getFunctionType({index, index, index}, {index}))
        .setPrivate();
  }

  /// Whether it was decided so, and its examples do not need each other.
  bool runsInBlocks(scf::ForOp loop) {
    if (!hasPlan(loop, kernel::LoopPlan::Block))
      return false;
    hoistMemory(loop);
    LoopLaunch launch = loopLaunch(loop);
    std::string why = launch.check();
    if (why.empty()) {
      loops.insert({loop, launch});
      return true;
    }
    remarkSteps(loop, why);
    return false;
  }

  void remarkSteps(scf::ForOp loop, StringRef why) {
    auto name = loop->getAttrOfType<StringAttr>(kernel::kDecisionName);
    remark::analysis(loop.getLoc(),
                     remark::RemarkOpts::name("loop").category(getArgument()))
        << "`" + (name ? name.str() : std::string("loop")) +
               "`: each step is launched by itself after all: " + why.str();
  }

  /// Rows that are combined want a power of two of threads.
  static LoopLaunch loopLaunch(scf::ForOp loop) {
    auto schedule =
        loop->getAttrOfType<kernel::ScheduleAttr>(kernel::kSchedule);
    int64_t rows = schedule.get(kernel::Decision::LoopRows);
    int64_t threads = schedule.get(kernel::Decision::BlockThreads);
    return LoopLaunch(loop, std::max<int64_t>(rows, 1),
                      llvm::bit_floor(uint32_t(std::max<int64_t>(threads, 1))));
  }

  /// As many blocks as were decided share the processors of the target.
  GridLaunch gridLaunch(scf::ForOp loop) {
    using kernel::Decision;
    auto schedule =
        loop->getAttrOfType<kernel::ScheduleAttr>(kernel::kSchedule);
    auto positive = [&](Decision decision) {
      return std::max<int64_t>(schedule.get(decision), 1);
    };
    auto target =
        getOperation()->getAttrOfType<kernel::TargetAttr>(kernel::kTarget);
    kernel::GPUAttr gpu = target.getGpu();
    int64_t blocks = positive(Decision::LoopBlocks);
    int64_t threads =
        llvm::bit_floor(uint32_t(positive(Decision::BlockThreads)));
    int64_t most = std::max<int64_t>(gpu.getBlock() / threads, 1);
    int64_t perProcessor = llvm::divideCeil(blocks, gpu.getProcessors());
    return GridLaunch(loop, positive(Decision::LoopRows), unsigned(threads),
                      blocks, std::min(perProcessor, most),
                      kernel::mostSharedOf(target));
  }

  LogicalResult convertLoop(scf::ForOp loop, func::FuncOp function,
                            unsigned number) {
    LoopLaunch launch = loops.at(loop);
    loops.erase(loop);
    launch.launch(named(launch.build(), function, number, "loop"));
    loop.erase();
    return success();
  }

  LogicalResult convertOp(Operation *op, func::FuncOp function,
                          unsigned number) {
    int64_t threads = decided(op, kernel::Decision::BlockThreads);
    auto phase = dyn_cast<kernel::PhaseOp>(op);
    bool multiplies =
        phase ? !phase.getLefts().empty() : isa<kernel::GemmOp>(op);
    if (threads < 1 ||
        (multiplies && decided(op, kernel::Decision::TileRows) < 1))
      return op->emitError("has no decision about threads or rows: "
                           "kernel-select-schedule makes them");
    auto gemm = dyn_cast<kernel::GemmOp>(op);
    std::optional<TileShape> tile =
        gemm ? TileShape::of(gemm) : std::optional<TileShape>();
    Value few = tile ? convertTiles(gemm, *tile, function, number) : Value();
    if (!tile || few) {
      LaunchBuilder builder(op, threads);
      builder.launch(named(builder.build(), function, number, kindOf(op)), few);
    }
    op->erase();
    return success();
  }

  /// A result with enough rows is made in tiles; 1 where it has too few of
  /// them, else 0, which follows from sizes without a branch. Null: it has
  /// enough.
  Value convertTiles(kernel::GemmOp op, TileShape tile, func::FuncOp function,
                     unsigned number) {
    OpBuilder b(op);
    IRMapping none;
    ThreadCode t(b, op.getLoc(), none);
    int64_t least = decided(op, kernel::Decision::FlatRows);
    Value one = t.index(1), few;
    if (least > 1 && cast<MemRefType>(op.getC().getType()).isDynamicDim(0)) {
      Value times = t.over(t.size(op.getC(), 0), t.index(least));
      few = t.over(one, t.add(times, one));
    }
    TileLaunch launch(op, tile);
    gpu::GPUFuncOp kernel =
        named(launch.build(), function, number, launch.kind());
    launch.launch(kernel, few ? t.minus(one, few) : one);
    return few;
  }

  /// The kernel in the module, or one that is the same.
  gpu::GPUFuncOp named(gpu::GPUFuncOp made, func::FuncOp function,
                       unsigned number, StringRef kind) {
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
    made.setName((name + "_" + Twine(number) + "_" + kind).str());
    SymbolTable(kernels).insert(made);
    kernel = made;
    return kernel;
  }

  gpu::GPUModuleOp kernels;
  std::map<Operation *, LoopLaunch> loops; ///< of the function
  llvm::StringMap<gpu::GPUFuncOp> known;
};

} // namespace
} // namespace rnnc
