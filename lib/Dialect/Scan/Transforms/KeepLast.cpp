// KeepLast.cpp: what is only read at its last step is not kept for all steps.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopEdit.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANKEEPLAST
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

namespace {
// Whether `pick` takes the step of a stack that the loop does last.
bool picksLast(LoopOp loop, Operation *user) {
  auto pick = dyn_cast<PickStepOp>(user);
  StepKind last = loop.getReverse() ? StepKind::first : StepKind::last;
  return pick && pick.getWhich() == last &&
         pick.getLengths() == loop.getLengths() && pick.getTimeDim() == 0 &&
         pick.getBatchDim() == 1;
}
} // namespace

// Rows without a step have the zeros that picking gives them.
void scan::keepLast(LoopOp loop) {
  LoopEdit edit(loop);
  OpBuilder builder(loop);
  SmallVector<std::pair<Operation *, unsigned>> picks;
  SmallVector<Value> stacked(loop.getYield().getStacks());
  for (auto [value, result] :
       llvm::zip_equal(stacked, loop.getStackResults())) {
    auto type = cast<RankedTensorType>(value.getType());
    // Values with another time axis are not kept still past a row's end.
    bool rows = type.getRank() > 0 && type.isDynamicDim(0) &&
                type.getNumDynamicDims() == 1;
    if (!rows || result.use_empty() ||
        !llvm::all_of(result.getUsers(),
                      [&](Operation *user) { return picksLast(loop, user); }))
      continue;
    Location loc = result.getLoc();
    Value batch = sizeOf(builder, loc, result, 1);
    Value zero = arith::ConstantOp::create(
        builder, loc,
        builder.getZeroAttr(RankedTensorType::get({}, type.getElementType())));
    Value zeros = BroadcastOp::create(builder, loc, type, zero,
                                      ValueRange{batch}, ArrayRef<int64_t>());
    unsigned number = edit.carry(zeros, value);
    for (Operation *user : result.getUsers())
      picks.push_back({user, number});
  }
  if (picks.empty())
    return;
  loop = edit.finish();
  for (auto [pick, number] : picks) {
    pick->getResult(0).replaceAllUsesWith(loop.getFinalResults()[number]);
    pick->erase();
  }
}

namespace {
struct KeepLast : scan::impl::ScanKeepLastBase<KeepLast> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation()->walk([&](LoopOp loop) { loops.push_back(loop); });
    for (LoopOp loop : loops)
      keepLast(loop);
  }
};
} // namespace
