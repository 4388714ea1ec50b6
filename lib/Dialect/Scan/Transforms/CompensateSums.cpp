// CompensateSums.cpp: sums that stay in time loops keep what they would lose.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopEdit.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "scan-compensate-sums"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANCOMPENSATESUMS
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numCompensated, "Sums that keep what they lose");

namespace {
struct CompensateSums : scan::impl::ScanCompensateSumsBase<CompensateSums> {
  using Base::Base;

  // The addition that a carry is for and nothing else, or null. Segments are
  // few, and each adds up what it has before. In rows that
  // have ended both carries keep their value: one that is never masked is left
  // alone.
  static arith::AddFOp findSum(LoopOp loop, unsigned number) {
    Value carry = loop.getCarryArgs()[number];
    auto type = cast<RankedTensorType>(carry.getType());
    std::optional<ArrayRef<int64_t>> unmasked = loop.getUnmaskedCarries();
    if (!type.getElementType().isF32() || loop.getConstantTrip() ||
        loop.getRecompute() || !carry.hasOneUse() ||
        (unmasked && llvm::is_contained(*unmasked, int64_t(number))))
      return {};
    auto add = dyn_cast<arith::AddFOp>(*carry.getUsers().begin());
    if (!add || !add.getResult().hasOneUse() ||
        loop.getYield().getCarries()[number] != add.getResult())
      return {};
    return add;
  }

  // sum += term, as Kahan does it; `lost` is what the sum is too large by.
  void compensate(LoopEdit &edit, unsigned number, arith::AddFOp add) {
    LoopOp loop = edit.getLoop();
    Location loc = add.getLoc();
    Value sum = loop.getCarryArgs()[number];
    Value term = add.getLhs() == sum ? add.getRhs() : add.getLhs();
    OpBuilder outside(loop), b(add);
    unsigned place =
        edit.carry(splatLike(outside, loc, loop.getFirsts()[number], 0), term);
    Value lost = loop.getBodyBlock()->getArguments().back();
    Value x = arith::SubFOp::create(b, loc, term, lost);
    Value total = arith::AddFOp::create(b, loc, sum, x);
    Value added = arith::SubFOp::create(b, loc, total, sum);
    Value rest = arith::SubFOp::create(b, loc, added, x);
    add.replaceAllUsesWith(total);
    add.erase();
    loop.getYield().getCarriesMutable()[place].set(rest);
    ++numCompensated;
  }

  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation()->walk([&](LoopOp loop) { loops.push_back(loop); });
    for (LoopOp loop : loops) {
      LoopEdit edit(loop);
      for (unsigned number = 0, e = loop.getNumCarries(); number != e; ++number)
        if (arith::AddFOp add = findSum(loop, number))
          compensate(edit, number, add);
      edit.finish();
    }
  }
};
} // namespace
