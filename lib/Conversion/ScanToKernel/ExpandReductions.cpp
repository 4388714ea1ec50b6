// ExpandReductions.cpp: reductions that are made of simpler ones.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ExpandReductions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "rnnc/Dialect/Scan/Scan.h"

using namespace mlir;

namespace rnnc {

/// log(sum(exp(x - m))) + m with m the largest entry, or 0 where that is not
/// finite: then the sum alone gives the right infinity or NaN.
static void expandLogSumExp(scan::ReduceOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value x = op.getInput();
  Value largest =
      scan::ReduceOp::create(b, loc, scan::ReduceKind::max, x, op.getDims());
  Value magnitude = math::AbsFOp::create(b, loc, largest);
  Value infinity =
      scan::splatLike(b, loc, largest, std::numeric_limits<double>::infinity());
  Value finite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT,
                                       magnitude, infinity);
  Value shift = arith::SelectOp::create(b, loc, finite, largest,
                                        scan::splatLike(b, loc, largest, 0));
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> kept;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (!llvm::is_contained(op.getDims(), i))
      kept.push_back(i);
  Value wide = scan::BroadcastOp::create(b, loc, type, shift,
                                         scan::dynamicSizes(b, loc, x), kept);
  Value terms =
      math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, x, wide));
  Value sum = scan::ReduceOp::create(b, loc, scan::ReduceKind::sum, terms,
                                     op.getDims());
  Value result =
      arith::AddFOp::create(b, loc, math::LogOp::create(b, loc, sum), shift);
  op.replaceAllUsesWith(result);
  op.erase();
}

void expandReductions(Operation *root) {
  SmallVector<scan::ReduceOp> work;
  root->walk([&](scan::ReduceOp op) {
    if (op.getKind() == scan::ReduceKind::logsumexp)
      work.push_back(op);
  });
  for (scan::ReduceOp op : work)
    expandLogSumExp(op);
}

} // namespace rnnc
