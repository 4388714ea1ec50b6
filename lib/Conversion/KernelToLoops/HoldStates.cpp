// HoldStates.cpp: time loops that keep their states in registers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where no unit of a recurrence reads another, a unit can go through all steps
// before the next one begins: its states stay in registers, and a step is
// arithmetic between loads and stores, not a call that finds its operands
// again. Rows of a step that lie far apart would each be read from a page of
// their own; so this is done where a step is small, which is known when the
// program runs.

#include "HeldLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELHOLDSTATES
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

namespace {

struct KernelHoldStates : public impl::KernelHoldStatesBase<KernelHoldStates> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    target = module->getAttrOfType<kernel::TargetAttr>(kernel::kTarget);
    if (!target)
      return;
    SmallVector<scf::ForOp> loops;
    module.walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      hold(loop);
  }

private:
  void hold(scf::ForOp loop) {
    HeldLoop held(loop);
    if (!held.match())
      return;
    int64_t bytes =
        held.getUnits() * held.getElement().getIntOrFloatBitWidth() / 8;
    int64_t most = held.hasFunctions() ? mostBytes / 4 : mostBytes;
    int64_t rows = bytes ? most / bytes : 0;
    if (!rows)
      return;
    ++numHeld;
    hoistViews(loop);
    OpBuilder b(loop);
    Location loc = loop.getLoc();
    Value isSmall = arith::CmpIOp::create(
        b, loc, arith::CmpIPredicate::sle, held.countRows(b),
        arith::ConstantIndexOp::create(b, loc, rows));
    auto branch = scf::IfOp::create(b, loc, isSmall, /*withElseRegion=*/true);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    writeHeldLoop(held, target, b);
    loop->moveBefore(branch.elseBlock()->getTerminator());
  }

  /// Views that are the same in every step.
  static void hoistViews(scf::ForOp loop) {
    for (auto view : llvm::make_early_inc_range(
             loop.getBody()->getOps<memref::SubViewOp>()))
      if (llvm::all_of(view->getOperands(), [&](Value operand) {
            return loop.isDefinedOutsideOfLoop(operand);
          }))
        loop.moveOutOfLoop(view);
  }

  kernel::TargetAttr target;
};

} // namespace
} // namespace rnnc
