// ScanFold.cpp: folders and canonicalisations of the scan dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType() && getSizes().empty())
    return getInput();
  auto elements = dyn_cast_or_null<DenseElementsAttr>(adaptor.getInput());
  if (elements && elements.isSplat() && getType().hasStaticShape())
    return elements.resizeSplat(getType());
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  ArrayRef<int64_t> perm = getPerm();
  if (llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())))
    return getInput();
  return {};
}

OpFoldResult ReduceOp::fold(FoldAdaptor) {
  return getDims().empty() ? OpFoldResult(getInput()) : OpFoldResult();
}

OpFoldResult MaskOp::fold(FoldAdaptor) {
  // A mask of the same mask changes nothing.
  auto inner = getInput().getDefiningOp<MaskOp>();
  if (inner && inner.getLengths() == getLengths() &&
      inner->getAttrDictionary() == (*this)->getAttrDictionary() &&
      inner.getAt() == getAt())
    return getInput();
  if (!getFill().isPosZero())
    return {};
  if (getSplat(getInput()) == 0.0)
    return getInput();
  // A sequence that is zero past its end already.
  if (getTimeDim() == 0 && getBatchDim() == 1) {
    if (auto enter = getInput().getDefiningOp<EnterOp>())
      if (enter.getLengths().size() == 1 &&
          enter.getLengths().front() == getLengths())
        return getInput();
    if (auto join = getInput().getDefiningOp<JoinOp>())
      if (join.getLengths() == getLengths())
        return getInput();
    auto loop = getInput().getDefiningOp<LoopOp>();
    if (!loop || loop.getLengths() != getLengths())
      return {};
    unsigned number = cast<OpResult>(getInput()).getResultNumber();
    if (number < loop.getNumStacks() && loop.isMaskedStack(number))
      return getInput();
  }
  return {};
}

// Behind the end a segment holds nothing that anybody reads.
OpFoldResult SplitOp::fold(FoldAdaptor) {
  auto join = getInput().getDefiningOp<JoinOp>();
  if (join && isSize(join.getInput(), 0, getCount()) &&
      isSize(join.getInput(), 1, getSteps()))
    return join.getInput();
  return {};
}

OpFoldResult JoinOp::fold(FoldAdaptor) {
  auto split = getInput().getDefiningOp<SplitOp>();
  if (split && !getLengths() && isSize(split.getInput(), 0, getSize()))
    return split.getInput();
  return {};
}

namespace {
// broadcast(broadcast(x)) is one broadcast.
struct MergeBroadcasts : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BroadcastOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<BroadcastOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> dims;
    for (int64_t dim : inner.getDims())
      dims.push_back(op.getDims()[dim]);
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), inner.getInput(),
                                             op.getSizes(), dims);
    return success();
  }
};

// Carries, slices and stacked values that nobody reads are dropped.
struct DropUnused : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LoopOp op,
                                PatternRewriter &rewriter) const override;
};

// What a loop stacks as it got it is there already.
struct ReadWhatIsThere : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LoopOp op,
                                PatternRewriter &rewriter) const override;
};
} // namespace

void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<MergeBroadcasts>(context);
}

void LoopOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropUnused, ReadWhatIsThere>(context);
}

// Whether nobody sees what a loop computes in rows past their end, not even in
// a product with zero.
static bool ignoresPastEnds(LoopOp loop) {
  for (unsigned number = 0; number < loop.getNumCarries(); ++number)
    if (!loop.isMaskedCarry(number))
      return false;
  for (unsigned number = 0; number < loop.getNumStacks(); ++number)
    if (!loop.isMaskedStack(number))
      return false;
  return llvm::all_of(
      loop.getBodyBlock()->without_terminator(),
      [](Operation &op) { return op.hasTrait<OpTrait::Elementwise>(); });
}

LogicalResult
ReadWhatIsThere::matchAndRewrite(LoopOp op, PatternRewriter &rewriter) const {
  bool changed = false;
  for (auto [number, result] : llvm::enumerate(op.getStackResults())) {
    auto argument = dyn_cast<BlockArgument>(op.getYield().getStacks()[number]);
    if (!argument || !llvm::is_contained(op.getSliceArgs(), argument))
      continue;
    Value there = op.getSlices()[argument.getArgNumber() - 1];
    if (there.getType() != result.getType())
      continue;
    bool isMasked = op.isMaskedStack(number);
    rewriter.replaceUsesWithIf(result, there, [&](OpOperand &use) {
      auto reader = dyn_cast<LoopOp>(use.getOwner());
      bool may =
          !isMasked || (reader && reader.getTrip() == op.getTrip() &&
                        reader.getLengths() == op.getLengths() &&
                        llvm::is_contained(reader.getSlices(), result) &&
                        !llvm::is_contained(reader.getFirsts(), result) &&
                        ignoresPastEnds(reader));
      changed |= may;
      return may;
    });
  }
  return success(changed);
}

static bool onlyFeedsItself(Value argument, YieldOp yield, unsigned number) {
  return llvm::all_of(argument.getUses(), [&](OpOperand &use) {
    return use.getOwner() == yield && use.getOperandNumber() == number;
  });
}

// The entries of `numbers` that are kept, renumbered.
static DenseI64ArrayAttr renumber(Builder &builder,
                                  std::optional<ArrayRef<int64_t>> numbers,
                                  ArrayRef<unsigned> kept) {
  SmallVector<int64_t> result;
  for (auto [now, before] : llvm::enumerate(kept))
    if (numbers && llvm::is_contained(*numbers, before))
      result.push_back(now);
  return result.empty() ? DenseI64ArrayAttr()
                        : builder.getDenseI64ArrayAttr(result);
}

LogicalResult DropUnused::matchAndRewrite(LoopOp op,
                                          PatternRewriter &rewriter) const {
  YieldOp yield = op.getYield();
  SmallVector<unsigned> slices, carries, stacks;
  for (auto [number, argument] : llvm::enumerate(op.getSliceArgs()))
    if (!argument.use_empty())
      slices.push_back(number);
  for (auto [number, argument] : llvm::enumerate(op.getCarryArgs()))
    if (!op.getFinalResults()[number].use_empty() ||
        !onlyFeedsItself(argument, yield, number))
      carries.push_back(number);
  for (unsigned number = 0; number < op.getNumStacks(); ++number)
    if (!op.getStackResults()[number].use_empty())
      stacks.push_back(number);
  if (slices.size() == op.getNumSlices() &&
      carries.size() == op.getNumCarries() &&
      stacks.size() == op.getNumStacks())
    return failure();

  auto pick = [](auto range, ArrayRef<unsigned> numbers) {
    SmallVector<Value> values;
    for (unsigned number : numbers)
      values.push_back(range[number]);
    return values;
  };
  auto slicesKept = pick(op.getSlices(), slices);
  auto carriesKept = pick(op.getFirsts(), carries);
  auto loop = LoopOp::create(
      rewriter, op.getLoc(), op.getTrip(), op.getLengths(), slicesKept,
      carriesKept, op.getReverse(),
      [&](OpBuilder &, Location, Value step, ValueRange sliceArgs,
          ValueRange carryArgs) {
        SmallVector<Value> arguments = {step};
        // Whatever is dropped has no use but its own yield, dropped as well.
        unsigned next = 0;
        for (unsigned number = 0; number < op.getNumSlices(); ++number)
          arguments.push_back(llvm::is_contained(slices, number)
                                  ? sliceArgs[next++]
                                  : op.getSlices()[number]);
        next = 0;
        for (unsigned number = 0; number < op.getNumCarries(); ++number)
          arguments.push_back(llvm::is_contained(carries, number)
                                  ? carryArgs[next++]
                                  : op.getFirsts()[number]);
        Block *block = rewriter.getInsertionBlock();
        rewriter.inlineBlockBefore(op.getBodyBlock(), block, block->end(),
                                   arguments);
        rewriter.setInsertionPoint(yield);
        rewriter.replaceOpWithNewOp<YieldOp>(yield,
                                             pick(yield.getCarries(), carries),
                                             pick(yield.getStacks(), stacks));
      });
  loop.setUnrollAttr(op.getUnrollAttr());
  loop.setSegmentAttr(op.getSegmentAttr());
  loop.setCheckpointAttr(op.getCheckpointAttr());
  loop.setRecompute(op.getRecompute());
  loop.setUnmaskedCarriesAttr(
      renumber(rewriter, op.getUnmaskedCarries(), carries));
  loop.setUnmaskedStacksAttr(
      renumber(rewriter, op.getUnmaskedStacks(), stacks));
  for (auto [now, before] : llvm::enumerate(stacks)) {
    loop.getStackResults()[now].setType(op.getStackResults()[before].getType());
    rewriter.replaceAllUsesWith(op.getStackResults()[before],
                                loop.getStackResults()[now]);
  }
  for (auto [now, before] : llvm::enumerate(carries))
    rewriter.replaceAllUsesWith(op.getFinalResults()[before],
                                loop.getFinalResults()[now]);
  rewriter.eraseOp(op);
  return success();
}
