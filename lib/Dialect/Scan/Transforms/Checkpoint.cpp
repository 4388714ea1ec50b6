// Checkpoint.cpp: gradients compute segments of time again instead of keeping
// them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SegmentLoop.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "scan-checkpoint"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANCHECKPOINT
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numSegmented, "Loops over segments of time");

namespace {
struct Checkpoint : scan::impl::ScanCheckpointBase<Checkpoint> {
  using Base::Base;

  // Loops of the function's own block that are to be cut, in order.
  static SmallVector<LoopOp> loopsOf(Block &block) {
    SmallVector<LoopOp> loops;
    for (auto loop : block.getOps<LoopOp>())
      if (loop.getCheckpoint())
        loops.push_back(loop);
    return loops;
  }

  // Loops that have no segments.
  void refuse(func::FuncOp function) {
    function.walk([&](LoopOp loop) {
      bool fixed = loop.getConstantTrip() || !loop.getLengths();
      if (!loop.getCheckpoint() || (!fixed && loop->getParentOp() == function))
        return;
      loop.removeCheckpointAttr();
      remark::missed(loop.getLoc(),
                     remark::RemarkOpts::name("kept").category(getArgument()))
          << (fixed ? "the gradient keeps all steps of this loop: their number "
                      "is fixed"
                    : "the gradient keeps all steps of this loop for one step "
                      "of the loop around it");
    });
  }

  // The sums of what the loops give come with them.
  static void takeSums(SegmentLoop &segments, Block &block) {
    SmallVector<ReduceOp> sums(block.getOps<ReduceOp>());
    for (ReduceOp sum : sums)
      segments.take(sum);
  }

  void runOnFunction(func::FuncOp function) {
    refuse(function);
    Block &block = function.getBody().front();
    // Their bodies stay what they are.
    SmallVector<Block *> bodies;
    for (LoopOp loop : loopsOf(block))
      bodies.push_back(loop.getBodyBlock());
    for (Block *body : bodies)
      keepLast(cast<LoopOp>(body->getParentOp()));
    while (true) {
      SmallVector<LoopOp> loops = loopsOf(block);
      if (loops.empty())
        return;
      OpBuilder b(loops.front());
      SegmentLoop segments(loops.front());
      for (LoopOp loop : ArrayRef<LoopOp>(loops).drop_front())
        segments.take(loop);
      takeSums(segments, block);
      LoopOp first = loops.front();
      auto sizes = SegmentsOp::create(b, first.getLoc(), first.getTrip(),
                                      first.getCheckpointAttr());
      segments.build(sizes.getCount(), sizes.getSteps());
      tidyAfterSegments(block);
      ++numSegmented;
    }
  }

  void runOnOperation() override {
    forEachFunction(getOperation(),
                    [&](func::FuncOp function) { runOnFunction(function); });
  }
};
} // namespace
