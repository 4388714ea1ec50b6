// EmitSegments.cpp: sequences that lie in memory as their segments.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace rnnc {

/// Some steps of a sequence in the memory of its segments, which lie one behind
/// the other.
Buffer Emitter::stepsOfSegments(Location loc, const Buffer &segments,
                                OpFoldResult first, OpFoldResult count) {
  SmallVector<ReassociationIndices> groups = {{0, 1}};
  for (int64_t dim = 2; dim < segments.rank(); ++dim)
    groups.push_back({dim});
  return rowsOf(b, loc, collapse(b, loc, segments, groups), first, count);
}

/// What is split is computed where its segments lie, if it can be.
void Emitter::assignSplit(scan::SplitOp op) {
  if (takesDestination(op.getInput()))
    dests[op.getInput()].push_back(
        stepsOfSegments(op.getLoc(), buffers[op.getResult()], b.getIndexAttr(0),
                        sizes.get(op.getInput(), 0)));
}

/// Zeros behind the last step, and what could not be computed in place.
void Emitter::emitSplit(scan::SplitOp op) {
  Location loc = op.getLoc();
  Buffer segments = buffers[op.getResult()];
  OpFoldResult steps = sizes.get(op.getInput(), 0);
  Value all = arith::MulIOp::create(
      b, loc, indexValue(loc, sizes.get(op.getResult(), 0)),
      indexValue(loc, sizes.get(op.getResult(), 1)));
  Value left = arith::SubIOp::create(b, loc, all, indexValue(loc, steps));
  fill(loc, stepsOfSegments(loc, segments, steps, left), 0);
  if (!takesDestination(op.getInput()))
    write(loc, op.getInput(),
          stepsOfSegments(loc, segments, b.getIndexAttr(0), steps));
}

void Emitter::emitJoin(scan::JoinOp op) {
  buffers[op.getResult()] =
      stepsOfSegments(op.getLoc(), bufferFor(op.getInput()), b.getIndexAttr(0),
                      sizes.get(op.getResult(), 0));
}

void Emitter::emitPartLengths(scan::PartLengthsOp op) {
  Location loc = op.getLoc();
  Value from = scalar(op.getFrom()), steps = scalar(op.getSteps());
  pointwise(loc, {{bufferFor(op.getLengths()), {0}}}, buffers[op.getResult()],
            [&](OpBuilder &body, ValueRange in) -> Value {
              auto number = [&](Value index) -> Value {
                return arith::IndexCastOp::create(body, loc, body.getI32Type(),
                                                  index);
              };
              Value none = arith::ConstantOp::create(body, loc,
                                                     body.getI32IntegerAttr(0));
              Value left =
                  arith::SubIOp::create(body, loc, in[0], number(from));
              return arith::MinSIOp::create(
                  body, loc, arith::MaxSIOp::create(body, loc, left, none),
                  number(steps));
            });
}

} // namespace rnnc
