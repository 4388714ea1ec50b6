// Chunk.cpp: loops and what they read go through time together.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SegmentLoop.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "scan-chunk"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANCHUNK
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numChunked, "Loops over chunks of time");

namespace {

int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.hasStaticShape()
             ? type.getNumElements() * type.getElementTypeBitWidth() / 8
             : 0;
}

// Bytes of a step of one example; 0 where that is not known.
int64_t bytesOfStep(Value sequence) {
  auto type = cast<RankedTensorType>(sequence.getType());
  return unitsOfStep(sequence) * type.getElementTypeBitWidth() / 8;
}

struct Chunk : scan::impl::ScanChunkBase<Chunk> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    if (steps >= 0)
      return success();
    return emitError(UnknownLoc::get(context))
           << getArgument() << ": steps must not be negative";
  }

  static bool canBeCut(LoopOp loop) {
    return loop.getLengths() && !loop.getConstantTrip() &&
           !loop.getRecompute() && loop.getNumCarries() > 0;
  }

  // A group of loops, each fed by those before it.
  struct Group {
    SegmentLoop loop;
    LoopOp first;
    int64_t bytes = 0;   ///< of a step of the largest sequence
    int64_t weights = 0; ///< of the largest right operand
  };

  // What is made of a whole sequence, and used up by the loops alone.
  static std::optional<Group> groupOf(LoopOp first, Block &block,
                                      DenseSet<Operation *> &seen) {
    Group group{SegmentLoop(first), first};
    for (auto loop : block.getOps<LoopOp>())
      if (loop != first && canBeCut(loop) && !seen.contains(loop) &&
          group.loop.isFed(loop) && group.loop.take(loop))
        seen.insert(loop);
    group.loop.leaveShared();
    // Where more is kept than passes by, little would be won.
    int64_t weights = 0, passing = 0, kept = 0;
    for (Value value : group.loop.passingSequences()) {
      if (auto dot = value.getDefiningOp<DotOp>())
        weights = std::max(weights, bytesOf(dot.getRhs()));
      passing += bytesOfStep(value);
      group.bytes = std::max(group.bytes, bytesOfStep(value));
    }
    for (Value value : group.loop.keptSequences())
      kept += bytesOfStep(value);
    if (weights == 0 || passing <= kept)
      return std::nullopt;
    group.weights = weights;
    return group;
  }

  void runOnFunction(func::FuncOp function) {
    Block &block = function.getBody().front();
    DenseSet<Operation *> seen;
    while (true) {
      LoopOp first;
      for (auto loop : block.getOps<LoopOp>())
        if (!first && canBeCut(loop) && seen.insert(loop).second)
          first = loop;
      if (!first)
        return;
      std::optional<Group> group = groupOf(first, block, seen);
      if (!group)
        continue;
      build(*group);
      tidyAfterSegments(block);
      ++numChunked;
    }
  }

  void build(Group &group) {
    LoopOp first = group.first;
    OpBuilder b(first);
    Location loc = first.getLoc();
    Value rows = sizeOf(b, loc, first.getLengths(), 0);
    auto sizes = ChunksOp::create(
        b, loc, first.getTrip(), rows, b.getI64IntegerAttr(group.bytes),
        b.getI64IntegerAttr(group.weights),
        steps ? b.getI64IntegerAttr(steps) : IntegerAttr(),
        /*stages=*/IntegerAttr(), /*sums=*/UnitAttr());
    group.loop.build(sizes.getCount(), sizes.getSteps());
  }

  void runOnOperation() override {
    forEachFunction(getOperation(),
                    [&](func::FuncOp function) { runOnFunction(function); });
  }
};
} // namespace
