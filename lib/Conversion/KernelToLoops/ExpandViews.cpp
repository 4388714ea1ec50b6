// ExpandViews.cpp: views of buffers become addresses and sizes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELEXPANDVIEWS
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

namespace {

/// What the patterns rewrite or look through, and what asks for sizes.
bool isView(Operation *op) {
  return isa<memref::SubViewOp, memref::ExpandShapeOp, memref::CollapseShapeOp,
             memref::ReinterpretCastOp, memref::CastOp, memref::DimOp,
             memref::ExtractStridedMetadataOp,
             memref::ExtractAlignedPointerAsIndexOp>(op);
}

/// A size is a part of the buffer's metadata, which other patterns resolve.
struct ReadSize : OpRewritePattern<memref::DimOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(memref::DimOp op,
                                PatternRewriter &b) const override {
    std::optional<int64_t> index = op.getConstantIndex();
    if (!index || !isa<MemRefType>(op.getSource().getType()))
      return failure();
    auto metadata = memref::ExtractStridedMetadataOp::create(b, op.getLoc(),
                                                             op.getSource());
    b.replaceOp(op, metadata.getSizes()[*index]);
    return success();
  }
};

struct KernelExpandViews
    : public impl::KernelExpandViewsBase<KernelExpandViews> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<Operation *> views;
    getOperation().walk([&](Operation *op) {
      if (isView(op))
        views.push_back(op);
    });
    RewritePatternSet patterns(&getContext());
    memref::populateExpandStridedMetadataPatterns(patterns);
    patterns.add<ReadSize>(&getContext());
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    config.setScope(&getOperation().getBodyRegion());
    if (failed(applyOpPatternsGreedily(views, std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
} // namespace rnnc
