// MergeProducts.cpp: one product instead of several that share an operand.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopEdit.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "scan-merge-products"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANMERGEPRODUCTS
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numMerged, "Products that became a part of another");

// A phase takes in at most 12 sums a unit (`kernel-fuse-products`): products of
// more gates stay apart, so that each may become a part of one.
static constexpr int64_t kMostGates = 12;

namespace {
struct MergeProducts : scan::impl::ScanMergeProductsBase<MergeProducts> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    if (least >= 2)
      return success();
    return emitError(UnknownLoc::get(context))
           << getArgument() << ": least must be at least 2";
  }

  // x Wᵀ with the last dimension of x and a matrix W, or several, the gates.
  static bool isCandidate(DotOp dot) {
    int64_t last = dot.getLhs().getType().getRank() - 1;
    int64_t rank = dot.getRhs().getType().getRank();
    return dot.getLhsBatch().empty() && (rank == 2 || rank == 3) &&
           dot.getRhs().getType().hasStaticShape() &&
           dot.getLhsContract() == ArrayRef<int64_t>{last} &&
           dot.getRhsContract() == ArrayRef<int64_t>{rank - 1};
  }

  static bool isOneMatrix(DotOp dot) {
    return dot.getRhs().getType().getRank() == 2;
  }

  // What a product is a part of the steps of: the time loop around it, one that
  // reads it step by step and nobody else does, a function that is a step.
  static Operation *stepsOf(DotOp dot) {
    Value value = dot.getResult();
    auto reader = value.hasOneUse()
                      ? dyn_cast<LoopOp>(*value.getUsers().begin())
                      : LoopOp();
    if (reader && llvm::is_contained(reader.getSlices(), value))
      return reader;
    if (auto loop = dot->getParentOfType<LoopOp>())
      return loop;
    auto function = dot->getParentOfType<func::FuncOp>();
    return function && isStep(function) ? function.getOperation() : nullptr;
  }

  // Whether all are parts of the same steps, with matrices of one size from
  // outside.
  static bool areGates(ArrayRef<DotOp> dots) {
    if (dots.empty())
      return false;
    DotOp first = dots.front();
    int64_t number = 0;
    for (DotOp dot : dots)
      number += share(dot, /*gates=*/true);
    if (number > kMostGates)
      return false;
    Operation *steps = stepsOf(first);
    auto size = [](DotOp dot) {
      return dot.getRhs().getType().getShape().take_back(2);
    };
    return steps && llvm::all_of(dots, [&](DotOp dot) {
             Operation *owner = dot.getRhs().getParentBlock()->getParentOp();
             auto around = dot->getParentOfType<LoopOp>();
             return stepsOf(dot) == steps && size(dot) == size(first) &&
                    !(isa<LoopOp>(steps) && steps->isAncestor(owner)) &&
                    !(around && around->isAncestor(owner));
           });
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
      remark::missed(
          dot.getLoc(),
          remark::RemarkOpts::name("not-merged").category(getArgument()))
          << "this product is not merged with others of the same value: its "
             "matrix is computed after the first of them";
    }
    return result;
  }

  // How many rows of the merged matrix come from a product: gates, or units.
  static int64_t share(DotOp dot, bool gates) {
    return gates && isOneMatrix(dot) ? 1 : dot.getRhs().getType().getDimSize(0);
  }

  // The matrices in one, below each other or as gates.
  static Value together(OpBuilder &builder, ArrayRef<DotOp> dots, bool gates) {
    DotOp first = dots.front();
    Location loc = first.getLoc();
    if (!gates) {
      auto matrices = llvm::map_to_vector(
          dots, [](DotOp dot) -> Value { return dot.getRhs(); });
      return tensor::ConcatOp::create(builder, loc, /*dim=*/0, matrices);
    }
    RankedTensorType one = first.getRhs().getType();
    SmallVector<int64_t> shape = {0};
    llvm::append_range(shape, one.getShape().take_back(2));
    for (DotOp dot : dots)
      shape[0] += share(dot, gates);
    Value all =
        splat(builder, loc, RankedTensorType::get(shape, one.getElementType()),
              {}, 0);
    auto offsets = SmallVector<OpFoldResult>(3, builder.getIndexAttr(0));
    auto strides = SmallVector<OpFoldResult>(3, builder.getIndexAttr(1));
    auto sizes = getAsIndexOpFoldResult(builder.getContext(), shape);
    int64_t offset = 0;
    for (DotOp dot : dots) {
      offsets[0] = builder.getIndexAttr(offset);
      sizes[0] = builder.getIndexAttr(share(dot, gates));
      offset += share(dot, gates);
      all = tensor::InsertSliceOp::create(builder, dot.getLoc(), dot.getRhs(),
                                          all, offsets, sizes, strides);
    }
    return all;
  }

  // Gates of a step are in the order in which it reads them, also those that
  // are computed for all steps.
  static SmallVector<DotOp> inOrderOfSteps(ArrayRef<DotOp> dots) {
    SmallVector<DotOp> result(dots);
    DotOp first = dots.front();
    auto loop = dyn_cast<LoopOp>(stepsOf(first));
    if (!loop || first->getParentOfType<LoopOp>() == loop)
      return result;
    auto reader = [&](DotOp dot) -> Operation * {
      auto place = llvm::find(loop.getSlices(), dot.getResult());
      Value slice =
          loop.getSliceArgs()[std::distance(loop.getSlices().begin(), place)];
      Operation *earliest = nullptr;
      for (Operation *user : slice.getUsers()) {
        Operation *here = loop.getBodyBlock()->findAncestorOpInBlock(*user);
        if (!earliest || here->isBeforeInBlock(earliest))
          earliest = here;
      }
      return earliest;
    };
    llvm::sort(result, [&](DotOp a, DotOp b) {
      Operation *readsA = reader(a), *readsB = reader(b);
      if (readsA == readsB)
        return a->isBeforeInBlock(b);
      return readsA && (!readsB || readsA->isBeforeInBlock(readsB));
    });
    return result;
  }

  void merge(ArrayRef<DotOp> found, bool gates) {
    numMerged += found.size() - 1;
    DotOp first = found.front();
    SmallVector<DotOp> dots =
        gates ? inOrderOfSteps(found) : SmallVector<DotOp>(found);
    OpBuilder builder(placeFor(first, dots));
    Value all = together(builder, dots, gates);
    builder.setInsertionPoint(first);
    int64_t last = cast<RankedTensorType>(all.getType()).getRank() - 1;
    auto merged = DotOp::create(builder, first.getLoc(), first.getLhs(), all,
                                first.getLhsBatch(), first.getRhsBatch(),
                                first.getLhsContract(), {last});
    RankedTensorType type = merged.getType();
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      sizes.push_back(type.isDynamicDim(dim)
                          ? OpFoldResult(sizeOf(builder, first.getLoc(),
                                                first.getLhs(), dim))
                          : builder.getIndexAttr(type.getDimSize(dim)));
    SmallVector<tensor::ExtractSliceOp> parts;
    int64_t cut = type.getRank() - (gates ? 2 : 1), offset = 0;
    for (DotOp dot : dots) {
      int64_t size = share(dot, gates);
      offsets[cut] = builder.getIndexAttr(offset);
      sizes[cut] = builder.getIndexAttr(size);
      offset += size;
      auto part =
          tensor::ExtractSliceOp::create(builder, dot.getLoc(), dot.getType(),
                                         merged, offsets, sizes, strides);
      dot.getResult().replaceAllUsesWith(part);
      parts.push_back(part);
    }
    for (DotOp dot : dots)
      dot.erase();
    if (gates)
      readInSteps(merged, parts);
  }

  // Parts that a loop reads step by step are taken in the step, of one slice.
  static void readInSteps(Value merged,
                          ArrayRef<tensor::ExtractSliceOp> parts) {
    tensor::ExtractSliceOp first = parts.front();
    auto loop = first->use_empty()
                    ? LoopOp()
                    : dyn_cast<LoopOp>(*first->getUsers().begin());
    if (!loop || !llvm::is_contained(loop.getSlices(), first.getResult()))
      return;
    LoopEdit edit(loop);
    Value step = edit.slice(merged);
    OpBuilder inside = OpBuilder::atBlockBegin(loop.getBodyBlock());
    for (tensor::ExtractSliceOp part : parts) {
      auto place = llvm::find(loop.getSlices(), part.getResult());
      Value old =
          loop.getSliceArgs()[std::distance(loop.getSlices().begin(), place)];
      auto sizes = part.getMixedSizes();
      old.replaceAllUsesWith(tensor::ExtractSliceOp::create(
          inside, part.getLoc(), cast<RankedTensorType>(old.getType()), step,
          ArrayRef(part.getMixedOffsets()).drop_front(),
          ArrayRef(sizes).drop_front(),
          ArrayRef(part.getMixedStrides()).drop_front()));
    }
    edit.finish();
  }

  bool isEnough(ArrayRef<DotOp> dots) const {
    return static_cast<int64_t>(dots.size()) >= least;
  }

  // Merges those whose matrices are there, if they are enough.
  bool mergeIfThere(ArrayRef<DotOp> dots, bool gates) {
    DominanceInfo dominance(getOperation());
    SmallVector<DotOp> chosen = mergeable(dots, dominance);
    if (!isEnough(chosen))
      return false;
    merge(chosen, gates);
    return true;
  }

  void runOnOperation() override {
    using Key = std::pair<Block *, Value>;
    llvm::MapVector<Key, SmallVector<DotOp>> groups;
    getOperation()->walk([&](DotOp dot) {
      if (isCandidate(dot))
        groups[{dot->getBlock(), dot.getLhs()}].push_back(dot);
    });
    for (auto &[key, dots] : groups) {
      llvm::MapVector<Operation *, SmallVector<DotOp>> bySteps;
      for (DotOp dot : dots)
        bySteps[stepsOf(dot)].push_back(dot);
      SmallVector<DotOp> others;
      for (auto &[steps, gates] : bySteps)
        if (!isEnough(gates) || !areGates(gates) ||
            !mergeIfThere(gates, /*gates=*/true))
          llvm::append_range(others, gates);
      llvm::erase_if(others, [](DotOp dot) { return !isOneMatrix(dot); });
      // The merged product stands in front of the first of them in the block.
      llvm::sort(others,
                 [](DotOp a, DotOp b) { return a->isBeforeInBlock(b); });
      if (isEnough(others))
        mergeIfThere(others, /*gates=*/false);
    }
  }
};
} // namespace
