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

// The first argument of a function that has a size by the name which that size
// of `value` has, and its dimension: they are the same number in every call.
static std::optional<std::pair<Value, int64_t>> firstOfName(Value value,
                                                            int64_t dim) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto function =
      argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
               : func::FuncOp();
  if (!function)
    return std::nullopt;
  StringAttr name = interface::sizeName(function, argument.getArgNumber(), dim);
  if (!name)
    return std::nullopt;
  for (BlockArgument other : function.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(other.getType());
    for (int64_t d = 0; type && d < type.getRank(); ++d)
      if (type.isDynamicDim(d) &&
          interface::sizeName(function, other.getArgNumber(), d) == name)
        return std::pair<Value, int64_t>(other, d);
  }
  return std::nullopt;
}

// Sizes are asked of where they come from, so that no value lives on for its
// size alone, and the same size is one value.
struct RootSize : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<int64_t> number = op.getConstantIndex();
    if (!number || !isa<RankedTensorType>(op.getSource().getType()))
      return failure();
    if (isSizeRoot(op.getSource(), *number)) {
      auto first = firstOfName(op.getSource(), *number);
      if (!first ||
          *first == std::pair<Value, int64_t>(op.getSource(), *number))
        return failure();
      rewriter.replaceOpWithNewOp<tensor::DimOp>(op, first->first,
                                                 first->second);
      return success();
    }
    rewriter.replaceOp(op,
                       sizeOf(rewriter, op.getLoc(), op.getSource(), *number));
    return success();
  }
};

// What is read of a tensor beside what was put into it was there before.
struct ReadBeside : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op,
                                PatternRewriter &rewriter) const override {
    auto insert = op.getSource().getDefiningOp<tensor::InsertSliceOp>();
    if (!insert || !op.hasUnitStride() || !insert.hasUnitStride())
      return failure();
    for (auto [ro, rs, wo, ws] :
         llvm::zip_equal(op.getStaticOffsets(), op.getStaticSizes(),
                         insert.getStaticOffsets(), insert.getStaticSizes())) {
      if (ShapedType::isDynamic(ro) || ShapedType::isDynamic(rs) ||
          ShapedType::isDynamic(wo) || ShapedType::isDynamic(ws) ||
          (ro + rs > wo && wo + ws > ro))
        continue;
      rewriter.modifyOpInPlace(
          op, [&] { op.getSourceMutable().assign(insert.getDest()); });
      return success();
    }
    return failure();
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
    patterns.add<AddZero, MultiplyOne, ReadBeside, RootSize>(&getContext());
    if (forgetGradients)
      patterns.add<Forget<StopOp>, Forget<ClipGradOp>>(&getContext());
    LoopOp::getCanonicalizationPatterns(patterns, &getContext());
    BroadcastOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
