// ExpandClip.cpp: clipping as arithmetic, with PyTorch's formulas.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Arena.h"

#include "rnnc/Dialect/Grad/Transforms/Passes.h"

#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

namespace rnnc::grad {
#define GEN_PASS_DEF_GRADEXPANDCLIP
#include "rnnc/Dialect/Grad/Transforms/Passes.h.inc"
} // namespace rnnc::grad

// What clip_grad_norm_ adds to the norm.
static constexpr double kNormEpsilon = 1e-6;
// The least weight norm and gradient norm that adaptive clipping reckons with.
static constexpr double kLeastWeightNorm = 1e-3, kLeastGradNorm = 1e-6;

// min(1, limit / (norm + 1e-6))
static Value scaleFor(Arena &arena, Value norm, double limit) {
  Value quotient =
      arena.div(arena.number(limit, norm), arena.add(norm, kNormEpsilon));
  return arena.min(quotient, 1.0);
}

// Of all entries of all tensors.
static Value normOf(Arena &arena, ValueRange tensors) {
  if (tensors.size() == 1)
    return arena.norm(tensors.front(), 0);
  Value sum;
  for (Value one : tensors) {
    Value squares = arena.squares(one, 0);
    sum = sum ? arena.add(sum, squares) : squares;
  }
  return arena.sqrt(sum);
}

static SmallVector<Value> expandNorm(NormOp op, Arena &arena) {
  return {normOf(arena, op.getGrads())};
}

static SmallVector<Value> expandClipValue(ClipValueOp op, Arena &arena) {
  double limit = op.getLimit().convertToDouble();
  return {arena.max(arena.min(op.getGrads(), limit), -limit)};
}

static SmallVector<Value> expandClipNorm(ClipNormOp op, Arena &arena) {
  Value scale = scaleFor(arena, normOf(arena, op.getGrads()),
                         op.getLimit().convertToDouble());
  return llvm::map_to_vector(op.getGrads(), [&](Value grads) {
    return arena.mul(grads, arena.spread(scale, grads));
  });
}

// One tensor, as rows of its units.
static Value clipRows(Arena &arena, double limit, Value grads, Value params) {
  Value most =
      arena.mul(arena.max(arena.norm(params, 1), kLeastWeightNorm), limit);
  Value norm = arena.norm(grads, 1);
  OpBuilder &builder = arena.getBuilder();
  Value above = arith::CmpFOp::create(builder, arena.getLoc(),
                                      arith::CmpFPredicate::OGT, norm, most);
  Value scale = arith::SelectOp::create(
      builder, arena.getLoc(), above,
      arena.div(most, arena.max(norm, kLeastGradNorm)), arena.number(1, norm));
  return arena.mul(grads, arena.spread(scale, grads, 0));
}

static SmallVector<Value> expandClipAdaptive(ClipAdaptiveOp op, Arena &arena) {
  RankedTensorType type = op.getGrads().getType();
  OpBuilder &builder = arena.getBuilder();
  int64_t row = op.getRow();
  SmallVector<ReassociationIndices> rowsOf = {{0, 1}};
  auto matrix = RankedTensorType::get({type.getDimSize(0) / row, row},
                                      type.getElementType());
  auto asRows = [&](Value flat) -> Value {
    return tensor::ExpandShapeOp::create(builder, op.getLoc(), matrix, flat,
                                         rowsOf);
  };
  Value clipped = clipRows(arena, op.getLimit().convertToDouble(),
                           asRows(op.getGrads()), asRows(op.getParams()));
  return {
      tensor::CollapseShapeOp::create(builder, op.getLoc(), clipped, rowsOf)};
}

namespace {
struct ExpandClip : grad::impl::GradExpandClipBase<ExpandClip> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<Expansion<NormOp>>(context, expandNorm);
    patterns.add<Expansion<ClipValueOp>>(context, expandClipValue);
    patterns.add<Expansion<ClipNormOp>>(context, expandClipNorm);
    patterns.add<Expansion<ClipAdaptiveOp>>(context, expandClipAdaptive);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
