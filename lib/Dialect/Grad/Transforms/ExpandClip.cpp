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

static SmallVector<Value> expandNorm(NormOp op, Arena &arena) {
  return {arena.norm(op.getGrads(), 0)};
}

static SmallVector<Value> expandClipValue(ClipValueOp op, Arena &arena) {
  double limit = op.getLimit().convertToDouble();
  return {arena.max(arena.min(op.getGrads(), limit), -limit)};
}

static SmallVector<Value> expandClipGlobalNorm(ClipGlobalNormOp op,
                                               Arena &arena) {
  Value grads = op.getGrads();
  Value scale =
      scaleFor(arena, arena.norm(grads, 0), op.getLimit().convertToDouble());
  return {arena.mul(grads, arena.spread(scale, grads))};
}

static SmallVector<Value> expandClipNorm(ClipNormOp op, Arena &arena) {
  Value grads = op.getGrads();
  for (auto [offset, size] : llvm::zip_equal(op.getOffsets(), op.getSizes())) {
    Value part = arena.extract(op.getGrads(), offset, size);
    Value scale =
        scaleFor(arena, arena.norm(part, 0), op.getLimit().convertToDouble());
    grads = arena.insert(arena.mul(part, arena.spread(scale, part)), grads,
                         offset, size);
  }
  return {grads};
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
  Type real = op.getGrads().getType().getElementType();
  OpBuilder &builder = arena.getBuilder();
  Value grads = op.getGrads();
  SmallVector<ReassociationIndices> rowsOf = {{0, 1}};
  for (auto [offset, size, row] :
       llvm::zip_equal(op.getOffsets(), op.getSizes(), op.getRows())) {
    auto matrix = RankedTensorType::get({size / row, row}, real);
    auto asRows = [&](Value arenaOf) -> Value {
      return tensor::ExpandShapeOp::create(builder, op.getLoc(), matrix,
                                           arena.extract(arenaOf, offset, size),
                                           rowsOf);
    };
    Value clipped = clipRows(arena, op.getLimit().convertToDouble(),
                             asRows(op.getGrads()), asRows(op.getParams()));
    Value flat =
        tensor::CollapseShapeOp::create(builder, op.getLoc(), clipped, rowsOf);
    grads = arena.insert(flat, grads, offset, size);
  }
  return {grads};
}

namespace {
struct ExpandClip : grad::impl::GradExpandClipBase<ExpandClip> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<Expansion<NormOp>>(context, expandNorm);
    patterns.add<Expansion<ClipValueOp>>(context, expandClipValue);
    patterns.add<Expansion<ClipGlobalNormOp>>(context, expandClipGlobalNorm);
    patterns.add<Expansion<ClipNormOp>>(context, expandClipNorm);
    patterns.add<Expansion<ClipAdaptiveOp>>(context, expandClipAdaptive);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
