// GridLaunch.cpp: all steps of a time loop in one launch of many blocks.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the weights do not fit one processor of a GPU they may fit all of them
// together: each block has its columns in shared memory, and works on these
// units of all examples. What the others made of theirs it gets through memory,
// so all blocks wait for each other before that is read, and have to be there
// at the same time. Whether there is room for that the device says when it
// runs: the loop whose steps are launched one by one stays beside the kernel.

#include "GridBody.h"
#include "LaunchWriter.h"

#include "rnnc/Conversion/KernelToGPU/KernelToGPU.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace rnnc {

/// Shared memory for weights: a block has 48 KB without asking, of which rows
/// that are combined need some; and what these need of what it asks for.
static constexpr int64_t kKeptBytes = 40 << 10, kOtherShared = 3 << 10;

static std::string named(Operation *op, StringRef why) {
  return ("`" + op->getName().getStringRef() + "` " + why).str();
}

/// Whether all that is read so is the count of a list, which its product reads
/// itself.
static bool readsCount(memref::LoadOp load) {
  return llvm::all_of(load->getUsers(), [&](Operation *user) {
    auto cast = dyn_cast<arith::IndexCastOp>(user);
    return cast && llvm::all_of(cast->getUsers(), [&](Operation *size) {
             auto view = dyn_cast<memref::SubViewOp>(size);
             return view && listOf(view) == load.getMemRef() &&
                    llvm::all_of(view->getUsers(), [](Operation *one) {
                      return isa<kernel::GemmOp>(one);
                    });
           });
  });
}

/// Why a grid cannot run the ops of a block, in words; empty: it can.
static std::string lookAt(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (isa<memref::StoreOp>(op))
      return named(&op, "is of one thread");
    if (isDeviceWork(&op))
      continue;
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      if (branch.getNumResults())
        return named(&op, "chooses a number");
      for (Region &region : branch->getRegions())
        for (Block &inner : region)
          if (std::string why = lookAt(inner); !why.empty())
            return why;
      continue;
    }
    auto load = dyn_cast<memref::LoadOp>(op);
    bool computes = isMemoryEffectFree(&op) && op.getNumRegions() == 0;
    if (!computes && !(load && readsCount(load)))
      return named(&op, "needs the host in each step");
  }
  return "";
}

std::string GridLaunch::check() {
  if (loop.getNumResults())
    return "it carries a number";
  return lookAt(*loop.getBody());
}

/// What fits, in the order in which it is read.
void GridLaunch::chooseKept() {
  int64_t room = std::max(most / perProcessor - kOtherShared, kKeptBytes);
  for (Operation *work : deviceWorkOf(loop))
    for (const KeptColumns &one : columnsOf(work, blocks)) {
      int64_t more =
          one.elements() * int64_t(one.element().getIntOrFloatBitWidth() / 8);
      if (llvm::is_contained(kept, one) ||
          !loop.isDefinedOutsideOfLoop(one.right) || keptBytes + more > room)
        continue;
      keptBytes += more;
      kept.push_back(one);
    }
}

/// The counter comes first; what it is called with is known when the kernel has
/// its name.
gpu::GPUFuncOp GridLaunch::build() {
  chooseKept();
  IRMapping none;
  ThreadCode t(host, loc, none);
  // More than there is without asking: all of it is asked for.
  if (keptBytes > kKeptBytes)
    for (const KeptColumns &one : kept)
      askedFor = sharedBehind(askedFor, one.elements(), one.element());
  room = func::CallOp::create(
      host, loc, kGridRoom, host.getIndexType(),
      ValueRange{t.index(blocks), t.index(threads), t.index(askedFor)});
  give(room.getResult(0));
  llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end());
  getUsedValuesDefinedAbove(loop.getRegion(), used);
  for (Value value : used)
    take(value);
  gpu::GPUFuncOp kernel = makeKernel();
  kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                  host.getI32IntegerAttr(int32_t(perProcessor)));
  OpBuilder b = OpBuilder::atBlockBegin(&kernel.getBody().front());
  IRMapping inside;
  mapGiven(kernel, b, inside);
  auto place = [&](Type element) { return shared(kernel, element); };
  GridBody body(b, loc, inside, threads, place, rows, loop);
  body.begin(inside.lookup(room.getResult(0)), blocks);
  int64_t taken = 0;
  for (const KeptColumns &one : kept) {
    int64_t count = one.elements();
    body.keep(one, askedFor ? addAskedFor(b, count, one.element(), taken)
                            : addShared(kernel, count, one.element()));
    taken = sharedBehind(taken, count, one.element());
  }
  body.waitForBlock();
  body.loop(loop);
  gpu::ReturnOp::create(b, loc);
  return kernel;
}

/// Where there is no room, the loop is left as it was.
void GridLaunch::launch(gpu::GPUFuncOp kernel) {
  auto name = SymbolRefAttr::get(
      host.getStringAttr(kKernels),
      {FlatSymbolRefAttr::get(host.getContext(), kernel.getName())});
  room->setAttr(kGridOf, name);
  IRMapping none;
  ThreadCode t(host, loc, none);
  Value fits = arith::CmpIOp::create(host, loc, arith::CmpIPredicate::ne,
                                     room.getResult(0), t.index(0));
  auto branch = scf::IfOp::create(host, loc, fits, /*withElseRegion=*/true);
  loop->moveBefore(branch.elseBlock()->getTerminator());
  host.setInsertionPoint(branch.thenBlock()->getTerminator());
  launchBlocks(kernel, t.index(blocks), askedFor)->setAttr(kGridOf, name);
}

} // namespace rnnc
