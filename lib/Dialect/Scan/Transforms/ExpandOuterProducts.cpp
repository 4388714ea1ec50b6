// ExpandOuterProducts.cpp: products without a sum are products of numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Scan.h"
#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANEXPANDOUTERPRODUCTS
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

// The value repeated to a type: its dimension i is the dimension to[i] there.
static Value repeat(OpBuilder &builder, Location loc, Value value,
                    RankedTensorType type, ValueRange sizes,
                    ArrayRef<int64_t> to) {
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, to.size()));
  llvm::sort(perm, [&](int64_t a, int64_t b) { return to[a] < to[b]; });
  value = builder.createOrFold<TransposeOp>(loc, value, perm);
  auto dims = llvm::map_to_vector(perm, [&](int64_t dim) { return to[dim]; });
  return BroadcastOp::create(builder, loc, type, value, sizes, dims);
}

namespace {
struct ExpandDot : OpRewritePattern<DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DotOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getLhsContract().empty())
      return failure();
    Location loc = op.getLoc();
    SmallVector<int64_t> left(op.getLhs().getType().getRank());
    SmallVector<int64_t> right(op.getRhs().getType().getRank());
    SmallVector<Value> sizes;
    int64_t next = 0;
    auto place = [&](Value operand, int64_t dim) {
      if (op.getType().isDynamicDim(next))
        sizes.push_back(sizeOf(rewriter, loc, operand, dim));
      return next++;
    };
    for (auto [l, r] : llvm::zip_equal(op.getLhsBatch(), op.getRhsBatch()))
      left[l] = right[r] = place(op.getLhs(), l);
    for (int64_t dim : op.getLhsFree())
      left[dim] = place(op.getLhs(), dim);
    for (int64_t dim : op.getRhsFree())
      right[dim] = place(op.getRhs(), dim);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(
        op, repeat(rewriter, loc, op.getLhs(), op.getType(), sizes, left),
        repeat(rewriter, loc, op.getRhs(), op.getType(), sizes, right));
    return success();
  }
};

// Numbers that are repeated stand in another order for nothing, so that what is
// computed of them need not be there before it is put in that order.
struct TransposeRepeated : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    Operation *made = op.getInput().getDefiningOp();
    if (!made || !made->hasOneUse() ||
        !made->hasTrait<OpTrait::Elementwise>() || made->getNumResults() != 1)
      return failure();
    bool repeated = llvm::all_of(made->getOperands(), [](Value operand) {
      return operand.getDefiningOp<BroadcastOp>() != nullptr;
    });
    if (!repeated)
      return failure();
    SmallVector<Value> operands;
    for (Value operand : made->getOperands())
      operands.push_back(
          inOrder(operand.getDefiningOp<BroadcastOp>(), op, rewriter));
    OperationState state(made->getLoc(), made->getName().getStringRef(),
                         operands, op.getType(), made->getAttrs());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }

  static Value inOrder(BroadcastOp repeated, TransposeOp order,
                       OpBuilder &builder) {
    Location loc = repeated.getLoc();
    RankedTensorType from = repeated.getType();
    auto type = RankedTensorType::get(order.getType().getShape(),
                                      from.getElementType());
    SmallVector<Value> sizes;
    for (int64_t dim : order.getPerm())
      if (from.isDynamicDim(dim))
        sizes.push_back(repeated.getSizes()[from.getDynamicDimIndex(dim)]);
    SmallVector<int64_t> inverse = invertPermutationVector(order.getPerm());
    auto to = llvm::map_to_vector(repeated.getDims(),
                                  [&](int64_t dim) { return inverse[dim]; });
    return repeat(builder, loc, repeated.getInput(), type, sizes, to);
  }
};

struct ExpandOuterProducts
    : scan::impl::ScanExpandOuterProductsBase<ExpandOuterProducts> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandDot, TransposeRepeated>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
