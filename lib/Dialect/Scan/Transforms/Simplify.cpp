// Simplify.cpp: removes what gradients leave behind.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANSIMPLIFY
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

namespace {
// x + 0. The sign of a zero is not kept, nor does any rule ask for it.
struct AddZero : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::AddFOp op,
                                PatternRewriter &rewriter) const override {
    if (getSplat(op.getLhs()) == 0.0)
      rewriter.replaceOp(op, op.getRhs());
    else if (getSplat(op.getRhs()) == 0.0)
      rewriter.replaceOp(op, op.getLhs());
    else
      return failure();
    return success();
  }
};

struct MultiplyOne : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op,
                                PatternRewriter &rewriter) const override {
    if (getSplat(op.getLhs()) == 1.0)
      rewriter.replaceOp(op, op.getRhs());
    else if (getSplat(op.getRhs()) == 1.0)
      rewriter.replaceOp(op, op.getLhs());
    else
      return failure();
    return success();
  }
};

// Sizes are asked of where they come from, so that no value lives on for its
// size alone.
struct RootSize : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<int64_t> number = op.getConstantIndex();
    if (!number || !isa<RankedTensorType>(op.getSource().getType()) ||
        isSizeRoot(op.getSource(), *number))
      return failure();
    rewriter.replaceOp(op, sizeOf(rewriter, op.getLoc(), op.getSource(),
                                  *number));
    return success();
  }
};

template <typename OpTy> struct Forget : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};

struct Simplify : scan::impl::ScanSimplifyBase<Simplify> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<AddZero, MultiplyOne, RootSize>(&getContext());
    if (forgetGradients)
      patterns.add<Forget<StopOp>, Forget<ClipGradOp>>(&getContext());
    LoopOp::getCanonicalizationPatterns(patterns, &getContext());
    BroadcastOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
