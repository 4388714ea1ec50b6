// MergeSums.cpp: sums over the same space become one reduction.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gradients of a scale and a bias are sums over time and examples of what
// is computed from the same tensors, element by element.

#include "rnnc/Conversion/ScanToKernel/Passes.h"

#include "Sizes.h"

#include "rnnc/Support/Work.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/CSE.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "kernel-merge-sums"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELMERGESUMS
#include "rnnc/Conversion/ScanToKernel/Passes.h.inc"

ALWAYS_ENABLED_STATISTIC(numMerged, "Sums that became a part of another");

namespace {

class SumMerger {
public:
  explicit SumMerger(func::FuncOp function)
      : sizes(function, function), block(function.getBody().front()) {}

  void run();

private:
  SmallVector<OpFoldResult> spaceOf(linalg::GenericOp op);
  bool mayMerge(linalg::GenericOp first, linalg::GenericOp second);
  linalg::GenericOp merge(linalg::GenericOp first, linalg::GenericOp second);

  Sizes sizes;
  Block &block;
};

/// Sums of several numbers each over several dimensions: those of everything
/// are added in another type, and those of rows are parts of phases.
bool isSum(linalg::GenericOp op) {
  bool isPlain = op.getNumReductionLoops() > 1 &&
                 op.getNumParallelLoops() > 0 && op.hasPureTensorSemantics() &&
                 op->getDiscardableAttrs().empty();
  return isPlain && llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &out) {
           return op.getMatchingIndexingMap(&out).getNumResults() ==
                  op.getNumParallelLoops();
         });
}

/// The number of turns of each loop; empty: not known.
SmallVector<OpFoldResult> SumMerger::spaceOf(linalg::GenericOp op) {
  SmallVector<OpFoldResult> space(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands())
    for (auto [dim, place] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(place);
          loop && !space[loop.getPosition()])
        space[loop.getPosition()] = sizes.get(operand.get(), dim);
  bool isKnown =
      llvm::all_of(space, [](OpFoldResult size) { return bool(size); });
  return isKnown ? space : SmallVector<OpFoldResult>();
}

/// A tensor with all loops that both read alike.
bool shareReading(linalg::GenericOp first, linalg::GenericOp second) {
  for (OpOperand *a : first.getDpsInputOperands())
    for (OpOperand *b : second.getDpsInputOperands()) {
      AffineMap map = first.getMatchingIndexingMap(a);
      if (a->get() == b->get() && map == second.getMatchingIndexingMap(b) &&
          map.getNumResults() == first.getNumLoops())
        return true;
    }
  return false;
}

bool SumMerger::mayMerge(linalg::GenericOp first, linalg::GenericOp second) {
  if (first.getIteratorTypesArray() != second.getIteratorTypesArray() ||
      first.getMatchingIndexingMap(first.getDpsInitOperand(0)) !=
          second.getMatchingIndexingMap(second.getDpsInitOperand(0)) ||
      first->getResultTypes().front() != second->getResultTypes().front() ||
      !shareReading(first, second))
    return false;
  SmallVector<OpFoldResult> space = spaceOf(first);
  if (space.empty() || space != spaceOf(second))
    return false;
  llvm::SetVector<Operation *> before;
  BackwardSliceOptions options;
  options.omitBlockArguments = true;
  options.omitUsesFromAbove = false; // what a loop reads is needed too
  options.filter = [&](Operation *op) { return op->getBlock() == &block; };
  return succeeded(getBackwardSlice(second.getOperation(), &before, options)) &&
         !before.contains(first);
}

/// What both read alike is read once.
linalg::GenericOp SumMerger::merge(linalg::GenericOp first,
                                   linalg::GenericOp second) {
  llvm::SetVector<std::pair<Value, AffineMap>> inputs;
  SmallVector<Value> outs;
  SmallVector<AffineMap> outMaps;
  SmallVector<unsigned> places; // of the inputs of each
  for (linalg::GenericOp op : {first, second}) {
    for (OpOperand *input : op.getDpsInputOperands()) {
      std::pair read(input->get(), op.getMatchingIndexingMap(input));
      inputs.insert(read);
      places.push_back(llvm::find(inputs, read) - inputs.begin());
    }
    for (OpOperand &out : op.getDpsInitsMutable()) {
      outs.push_back(out.get());
      outMaps.push_back(op.getMatchingIndexingMap(&out));
    }
  }
  SmallVector<Value> read(llvm::make_first_range(inputs));
  SmallVector<AffineMap> maps(llvm::make_second_range(inputs));
  llvm::append_range(maps, outMaps);
  auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    SmallVector<Value> results;
    ArrayRef<unsigned> left = places;
    ValueRange sums = arguments.drop_front(inputs.size());
    for (linalg::GenericOp op : {first, second}) {
      IRMapping values;
      for (BlockArgument argument : op.getRegionInputArgs()) {
        values.map(argument, arguments[left.front()]);
        left = left.drop_front();
      }
      values.map(op.getRegionOutputArgs(),
                 sums.take_front(op->getNumResults()));
      sums = sums.drop_front(op->getNumResults());
      for (Operation &inner : op.getBody()->without_terminator())
        b.clone(inner, values);
      for (Value result : op.getBody()->getTerminator()->getOperands())
        results.push_back(values.lookupOrDefault(result));
    }
    linalg::YieldOp::create(b, loc, results);
  };
  IRRewriter rewriter(second);
  auto both = linalg::GenericOp::create(
      rewriter, second.getLoc(), ValueRange(outs).getTypes(), read, outs, maps,
      first.getIteratorTypesArray(), body);
  unsigned own = first->getNumResults();
  first->replaceAllUsesWith(both->getResults().take_front(own));
  second->replaceAllUsesWith(both->getResults().drop_front(own));
  first.erase();
  second.erase();
  DominanceInfo dominance;
  eliminateCommonSubExpressions(rewriter, dominance, both);
  return both;
}

void SumMerger::run() {
  SmallVector<linalg::GenericOp> sums;
  for (auto op : block.getOps<linalg::GenericOp>())
    if (isSum(op))
      sums.push_back(op);
  for (size_t i = 0; i < sums.size(); ++i)
    for (size_t k = i + 1; k < sums.size();) {
      bool isFull = sums[i]->getNumResults() == 4;
      if (isFull || !mayMerge(sums[i], sums[k])) {
        ++k;
        continue;
      }
      workOn(sums[k].getLoc());
      ++numMerged;
      sums[i] = merge(sums[i], sums[k]);
      sums.erase(sums.begin() + k);
      sortTopologically(&block);
    }
}

struct KernelMergeSums : public impl::KernelMergeSumsBase<KernelMergeSums> {
  using Base::Base;

  void runOnOperation() override {
    if (!getOperation().isExternal())
      SumMerger(getOperation()).run();
  }
};

} // namespace

} // namespace rnnc
