// SumWeightGradients.cpp: sums over time leave time loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopEdit.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "scan-sum-weight-gradients"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANSUMWEIGHTGRADIENTS
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numSums, "Sums made at once behind their loop");

namespace {
// A carry that adds up `term`. `form` is the op that also sums over time when
// it is applied to the sequences; null: the one sequence is summed.
struct Sum {
  unsigned carry;
  Value term;
  Operation *form;
  SmallVector<Sequence> sequences;
};

struct SumWeightGradients
    : scan::impl::ScanSumWeightGradientsBase<SumWeightGradients> {
  using Base::Base;

  // What a carry adds up, if that is all it is used for.
  static Value findTerm(LoopOp loop, unsigned number) {
    Value carry = loop.getCarryArgs()[number];
    if (!carry.hasOneUse())
      return {};
    auto add = dyn_cast<arith::AddFOp>(*carry.getUsers().begin());
    if (!add || !add.getResult().hasOneUse() ||
        loop.getYield().getCarries()[number] != add.getResult())
      return {};
    return add.getLhs() == carry ? add.getRhs() : add.getLhs();
  }

  // Whether there is a sequence of the value already.
  static bool isKept(LoopEdit &edit, Value value) {
    value = withoutRowMask(edit.getLoop(), value);
    return edit.isStacked(value) || edit.findStackedPart(value) ||
           llvm::is_contained(edit.getLoop().getSliceArgs(), value);
  }

  // Chooses how to sum. Products come first: what they stack serves others.
  std::optional<Sum> plan(LoopEdit &edit, unsigned number, bool wantProduct) {
    LoopOp loop = edit.getLoop();
    Value term = findTerm(loop, number);
    if (!term || static_cast<bool>(term.getDefiningOp<DotOp>()) != wantProduct)
      return std::nullopt;
    auto missed = [&](StringRef why) {
      remark::missed(
          loop.getLoc(),
          remark::RemarkOpts::name("sum-stays").category(getArgument()))
          << ("a sum is made step by step in this time loop: " + why).str();
      return std::nullopt;
    };
    if (!edit.isInside(term))
      return missed("what is added is the same in every step");
    Sum sum{number, term, term.getDefiningOp(), {}};
    if (auto dot = term.getDefiningOp<DotOp>()) {
      if (!edit.isInside(dot.getLhs()) || !edit.isInside(dot.getRhs()))
        return missed("one factor is the same in every step");
      sum.sequences = {sequenceOf(edit, dot.getLhs()),
                       sequenceOf(edit, dot.getRhs())};
      return sum;
    }
    if (products)
      return missed("it is no product");
    auto scatter = term.getDefiningOp<ScatterAddOp>();
    if (scatter && scatter.getBatchDims() == 0 &&
        edit.isInside(scatter.getUpdates()) &&
        edit.isInside(scatter.getIndices())) {
      sum.sequences = {sequenceOf(edit, scatter.getUpdates()),
                       sequenceOf(edit, scatter.getIndices())};
      return sum;
    }
    auto reduce = term.getDefiningOp<ReduceOp>();
    if (reduce && reduce.getKind() == ReduceKind::sum &&
        isKept(edit, reduce.getInput())) {
      sum.sequences = {sequenceOf(edit, reduce.getInput())};
      return sum;
    }
    // Keeping it only for the sum would cost more than adding it up.
    if (!isKept(edit, term))
      return missed("what is added is not kept for all steps");
    if (loop.isMaskedCarry(number) !=
        (loop.getLengths() &&
         cast<RankedTensorType>(term.getType()).getNumDynamicDims() == 1))
      return missed("its rows are not masked");
    sum.form = nullptr;
    sum.sequences = {sequenceOf(edit, term)};
    // A row that has ended adds nothing: its carry keeps its value.
    sum.sequences[0].masked |= loop.isMaskedCarry(number);
    return sum;
  }

  // Whether a sequence holds 0 past the end of each row.
  static bool endsInZeros(Value sequence, LoopOp loop) {
    Operation *op = sequence.getDefiningOp();
    if (auto enter = dyn_cast_or_null<EnterOp>(op))
      return !enter.getLengths().empty() &&
             enter.getLengths().front() == loop.getLengths();
    if (auto mask = dyn_cast_or_null<MaskOp>(op))
      return mask.getLengths() == loop.getLengths() && mask.getTimeDim() == 0 &&
             mask.getFill().isPosZero();
    auto other = dyn_cast_or_null<LoopOp>(op);
    return other && other.getLengths() == loop.getLengths() &&
           llvm::is_contained(other.getStackResults(), sequence);
  }

  // A sequence from outside gets the mask that the body had.
  static Value sequenceOfSum(OpBuilder &builder, LoopOp loop,
                             const Sequence &sequence) {
    Value value = sequence.get(loop);
    if (!sequence.outer || !sequence.masked || !loop.getLengths() ||
        endsInZeros(value, loop))
      return value;
    return MaskOp::create(builder, loop.getLoc(), value, loop.getLengths(),
                          /*at=*/Value(), builder.getI64IntegerAttr(0),
                          builder.getI64IntegerAttr(1),
                          builder.getF64FloatAttr(0));
  }

  // The sum of the terms of all steps.
  static Value total(OpBuilder &builder, LoopOp loop, const Sum &sum) {
    Location loc = sum.term.getLoc();
    // In a product one factor of 0 is enough.
    bool stacked = llvm::any_of(sum.sequences, [](const Sequence &sequence) {
      return !sequence.outer;
    });
    Value first = stacked ? sum.sequences[0].get(loop)
                          : sequenceOfSum(builder, loop, sum.sequences[0]);
    if (auto dot = dyn_cast_or_null<DotOp>(sum.form)) {
      SmallVector<int64_t> left = plusOne(dot.getLhsContract());
      SmallVector<int64_t> right = plusOne(dot.getRhsContract());
      left.insert(left.begin(), 0);
      right.insert(right.begin(), 0);
      return DotOp::create(builder, loc, first, sum.sequences[1].get(loop),
                           plusOne(dot.getLhsBatch()),
                           plusOne(dot.getRhsBatch()), left, right);
    }
    if (auto scatter = dyn_cast_or_null<ScatterAddOp>(sum.form))
      return ScatterAddOp::create(builder, loc, scatter.getType(), first,
                                  sum.sequences[1].get(loop), scatter.getSize(),
                                  0);
    SmallVector<int64_t> dims = {0};
    if (auto reduce = dyn_cast_or_null<ReduceOp>(sum.form))
      llvm::append_range(dims, plusOne(reduce.getDims()));
    return ReduceOp::create(builder, loc, ReduceKind::sum, first, dims);
  }

  void runOnLoop(LoopOp loop) {
    LoopEdit edit(loop);
    SmallVector<Sum> sums;
    for (bool wantProduct : {true, false})
      for (unsigned number = 0; number < loop.getNumCarries(); ++number)
        if (std::optional<Sum> sum = plan(edit, number, wantProduct))
          sums.push_back(*sum);
    if (sums.empty())
      return;
    numSums += sums.size();
    loop = edit.finish();
    OpBuilder builder(loop->getContext());
    builder.setInsertionPointAfter(loop);
    for (const Sum &sum : sums) {
      Value result = total(builder, loop, sum);
      Value first = loop.getFirsts()[sum.carry];
      if (getSplat(first) != 0.0)
        result = arith::AddFOp::create(builder, loop.getLoc(), first, result);
      loop.getFinalResults()[sum.carry].replaceAllUsesWith(result);
      // Nobody reads the carry any more; canonicalisation drops it.
      loop.getYield().getCarriesMutable()[sum.carry].set(
          loop.getCarryArgs()[sum.carry]);
    }
    remark::passed(
        loop.getLoc(),
        remark::RemarkOpts::name("sum-moved").category(getArgument()))
        << std::to_string(sums.size()) +
               (sums.size() == 1
                    ? " sum over the steps of this time loop is"
                    : " sums over the steps of this time loop are") +
               " made at once, behind it";
  }

  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation()->walk([&](LoopOp loop) { loops.push_back(loop); });
    // What a loop would have to keep for a sum of all its steps is what one
    // that is computed again does not keep.
    for (LoopOp loop : loops)
      if (!loop.getRecompute())
        runOnLoop(loop);
  }
};
} // namespace
