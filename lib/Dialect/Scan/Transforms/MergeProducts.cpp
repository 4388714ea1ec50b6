// MergeProducts.cpp: one product instead of several that share an operand.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANMERGEPRODUCTS
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

namespace {
struct MergeProducts : scan::impl::ScanMergeProductsBase<MergeProducts> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    if (least >= 2)
      return success();
    return emitError(UnknownLoc::get(context))
           << getArgument() << ": least must be at least 2";
  }

  // x Wᵀ with a matrix W and the last dimension of x.
  static bool isCandidate(DotOp dot) {
    int64_t last = dot.getLhs().getType().getRank() - 1;
    return dot.getLhsBatch().empty() && dot.getRhs().getType().getRank() == 2 &&
           dot.getRhs().getType().hasStaticShape() &&
           dot.getLhsContract() == ArrayRef<int64_t>{last} &&
           dot.getRhsContract() == ArrayRef<int64_t>{1};
  }

  // The outermost loop around the op that all matrices come from outside of,
  // or the op itself.
  static Operation *placeFor(Operation *op, ArrayRef<DotOp> dots) {
    Operation *place = op;
    for (auto loop = op->getParentOfType<LoopOp>(); loop;
         loop = loop->getParentOfType<LoopOp>()) {
      bool outside = llvm::all_of(dots, [&](DotOp dot) {
        Operation *owner = dot.getRhs().getParentBlock()->getParentOp();
        return !loop->isAncestor(owner);
      });
      if (!outside)
        break;
      place = loop;
    }
    return place;
  }

  // Those whose matrices are there at the first product.
  SmallVector<DotOp> mergeable(ArrayRef<DotOp> dots, DominanceInfo &dominance) {
    SmallVector<DotOp> result;
    for (DotOp dot : dots) {
      if (dominance.properlyDominates(dot.getRhs(), dots.front())) {
        result.push_back(dot);
        continue;
      }
      remark::missed(dot.getLoc(), remark::RemarkOpts::name("not-merged")
                                       .category(getArgument()))
          << "this product is not merged with others of the same value: its "
             "matrix is computed after the first of them";
    }
    return result;
  }

  void merge(ArrayRef<DotOp> dots) {
    DotOp first = dots.front();
    OpBuilder builder(placeFor(first, dots));
    auto matrices =
        llvm::map_to_vector(dots, [](DotOp dot) { return dot.getRhs(); });
    SmallVector<Value> inputs(matrices.begin(), matrices.end());
    Value all =
        tensor::ConcatOp::create(builder, first.getLoc(), /*dim=*/0, inputs);
    builder.setInsertionPoint(first);
    auto merged = DotOp::create(builder, first.getLoc(), first.getLhs(), all,
                                first.getLhsBatch(), first.getRhsBatch(),
                                first.getLhsContract(), first.getRhsContract());
    RankedTensorType type = merged.getType();
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      sizes.push_back(type.isDynamicDim(dim)
                          ? OpFoldResult(sizeOf(builder, first.getLoc(),
                                                first.getLhs(), dim))
                          : builder.getIndexAttr(type.getDimSize(dim)));
    int64_t offset = 0;
    for (DotOp dot : dots) {
      int64_t size = dot.getRhs().getType().getDimSize(0);
      offsets.back() = builder.getIndexAttr(offset);
      sizes.back() = builder.getIndexAttr(size);
      offset += size;
      Value part = tensor::ExtractSliceOp::create(
          builder, dot.getLoc(), dot.getType(), merged, offsets, sizes,
          strides);
      dot.getResult().replaceAllUsesWith(part);
    }
    for (DotOp dot : dots)
      dot.erase();
  }

  void runOnOperation() override {
    using Key = std::pair<Block *, Value>;
    llvm::MapVector<Key, SmallVector<DotOp>> groups;
    getOperation()->walk([&](DotOp dot) {
      if (isCandidate(dot))
        groups[{dot->getBlock(), dot.getLhs()}].push_back(dot);
    });
    DominanceInfo dominance(getOperation());
    for (auto &[key, dots] : groups) {
      if (static_cast<int64_t>(dots.size()) < least)
        continue;
      SmallVector<DotOp> chosen = mergeable(dots, dominance);
      if (static_cast<int64_t>(chosen.size()) >= least)
        merge(chosen);
    }
  }
};
} // namespace
