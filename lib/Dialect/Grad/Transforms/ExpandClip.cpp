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

namespace {
struct ExpandNorm : OpRewritePattern<NormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(NormOp op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, Arena(rewriter, op.getLoc()).norm(op.getGrads(), 0));
    return success();
  }
};

struct ExpandClipValue : OpRewritePattern<ClipValueOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClipValueOp op,
                                PatternRewriter &rewriter) const override {
    Arena arena(rewriter, op.getLoc());
    double limit = op.getLimit().convertToDouble();
    rewriter.replaceOp(op,
                       arena.max(arena.min(op.getGrads(), limit), -limit));
    return success();
  }
};

struct ExpandClipGlobalNorm : OpRewritePattern<ClipGlobalNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClipGlobalNormOp op,
                                PatternRewriter &rewriter) const override {
    Arena arena(rewriter, op.getLoc());
    Value grads = op.getGrads();
    Value scale = scaleFor(arena, arena.norm(grads, 0),
                           op.getLimit().convertToDouble());
    rewriter.replaceOp(op, arena.mul(grads, arena.spread(scale, grads)));
    return success();
  }
};

struct ExpandClipNorm : OpRewritePattern<ClipNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClipNormOp op,
                                PatternRewriter &rewriter) const override {
    Arena arena(rewriter, op.getLoc());
    Value grads = op.getGrads();
    for (auto [offset, size] : llvm::zip_equal(op.getOffsets(), op.getSizes())) {
      Value part = arena.extract(op.getGrads(), offset, size);
      Value scale = scaleFor(arena, arena.norm(part, 0),
                             op.getLimit().convertToDouble());
      grads = arena.insert(arena.mul(part, arena.spread(scale, part)), grads,
                           offset, size);
    }
    rewriter.replaceOp(op, grads);
    return success();
  }
};

struct ExpandClipAdaptive : OpRewritePattern<ClipAdaptiveOp> {
  using OpRewritePattern::OpRewritePattern;

  // One tensor, as rows of its units.
  static Value clipRows(PatternRewriter &rewriter, ClipAdaptiveOp op,
                        Value grads, Value params) {
    Arena arena(rewriter, op.getLoc());
    Value most = arena.mul(arena.max(arena.norm(params, 1), kLeastWeightNorm),
                           op.getLimit().convertToDouble());
    Value norm = arena.norm(grads, 1);
    Value above = arith::CmpFOp::create(rewriter, op.getLoc(),
                                        arith::CmpFPredicate::OGT, norm, most);
    Value scale = arith::SelectOp::create(
        rewriter, op.getLoc(), above,
        arena.div(most, arena.max(norm, kLeastGradNorm)),
        arena.number(1, norm));
    return arena.mul(grads, arena.spread(scale, grads, 0));
  }

  LogicalResult matchAndRewrite(ClipAdaptiveOp op,
                                PatternRewriter &rewriter) const override {
    Arena arena(rewriter, op.getLoc());
    Type real = op.getGrads().getType().getElementType();
    Value grads = op.getGrads();
    SmallVector<ReassociationIndices> rowsOf = {{0, 1}};
    for (auto [offset, size, row] :
         llvm::zip_equal(op.getOffsets(), op.getSizes(), op.getRows())) {
      auto matrix = RankedTensorType::get({size / row, row}, real);
      auto asRows = [&](Value arenaOf) -> Value {
        return tensor::ExpandShapeOp::create(
            rewriter, op.getLoc(), matrix,
            arena.extract(arenaOf, offset, size), rowsOf);
      };
      Value clipped = clipRows(rewriter, op, asRows(op.getGrads()),
                               asRows(op.getParams()));
      Value flat = tensor::CollapseShapeOp::create(rewriter, op.getLoc(),
                                                   clipped, rowsOf);
      grads = arena.insert(flat, grads, offset, size);
    }
    rewriter.replaceOp(op, grads);
    return success();
  }
};

struct ExpandClip : grad::impl::GradExpandClipBase<ExpandClip> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandNorm, ExpandClipValue, ExpandClipGlobalNorm,
                 ExpandClipNorm, ExpandClipAdaptive>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
