// Segment.cpp: gradients end at the borders of segments of time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANSEGMENT
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

namespace {
struct Segment : scan::impl::ScanSegmentBase<Segment> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    if (steps >= 0)
      return success();
    return emitError(UnknownLoc::get(context))
           << getArgument() << ": steps must not be negative";
  }

  static Value stop(OpBuilder &builder, LoopOp loop, Value carry,
                    int64_t period) {
    return StopOp::create(builder, loop.getLoc(), carry.getType(), carry,
                          loop.getStep(), builder.getI64IntegerAttr(period));
  }

  static bool isReal(Value value) {
    return isa<FloatType>(
        cast<RankedTensorType>(value.getType()).getElementType());
  }

  // Forward, a border lies before a step that is a multiple of the period, so
  // the carry is cut as it enters. Backwards that border is left with the
  // value the step hands on.
  static void cut(LoopOp loop, int64_t period) {
    OpBuilder builder = OpBuilder::atBlockBegin(loop.getBodyBlock());
    if (!loop.getReverse()) {
      for (Value carry : loop.getCarryArgs()) {
        if (!isReal(carry))
          continue;
        Value stopped = stop(builder, loop, carry, period);
        carry.replaceAllUsesExcept(stopped, stopped.getDefiningOp());
      }
      return;
    }
    YieldOp yield = loop.getYield();
    builder.setInsertionPoint(yield);
    for (OpOperand &next : yield.getCarriesMutable())
      if (isReal(next.get()))
        next.set(stop(builder, loop, next.get(), period));
  }

  void runOnOperation() override {
    getOperation()->walk([&](LoopOp loop) {
      int64_t period = loop.getSegment() ? *loop.getSegment() : steps;
      if (period < 1 || loop.getNumCarries() == 0)
        return;
      loop.removeSegmentAttr();
      std::optional<int64_t> trip = loop.getConstantTrip();
      if (trip && *trip <= period) {
        remark::missed(
            loop.getLoc(),
            remark::RemarkOpts::name("not-cut").category(getArgument()))
            << "`bptt` cuts nothing in this time loop: it has no more steps "
               "than "
               "a piece";
        return;
      }
      cut(loop, period);
    });
  }
};
} // namespace
