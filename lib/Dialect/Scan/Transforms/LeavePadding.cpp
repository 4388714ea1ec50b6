// LeavePadding.cpp: products outside of time loops leave padding alone.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SegmentLoop.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/Statistic.h"
#include "llvm/ADT/TypeSwitch.h"

#define DEBUG_TYPE "scan-leave-padding"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANLEAVEPADDING
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numRows,
                         "Products whose rows past an end are not computed");
ALWAYS_ENABLED_STATISTIC(numTerms, "Sums that leave out what is past an end");

/// Whether the first dimensions of a part are whole.
static bool isWhole(OffsetSizeAndStrideOpInterface part, RankedTensorType type,
                    unsigned leading) {
  for (unsigned i = 0; i != leading; ++i) {
    if (part.isDynamicOffset(i) || part.getStaticOffset(i) != 0 ||
        part.isDynamicStride(i) || part.getStaticStride(i) != 1)
      return false;
    if (!type.isDynamicDim(i) &&
        (part.isDynamicSize(i) || part.getStaticSize(i) != type.getDimSize(i)))
      return false;
  }
  return true;
}

Value rnnc::scan::zeroBehind(Value value) {
  if (auto part = value.getDefiningOp<tensor::ExtractSliceOp>())
    return isWhole(part, part.getSourceType(), 2) &&
                   part.getDroppedDims().none()
               ? zeroBehind(part.getSource())
               : Value();
  if (auto enter = value.getDefiningOp<EnterOp>())
    return enter.getLengths().size() == 1 ? enter.getLengths()[0] : Value();
  if (auto mask = value.getDefiningOp<MaskOp>())
    return mask.getTimeDim() == 0 && mask.getBatchDim() == 1 &&
                   mask.getFill().isZero()
               ? mask.getLengths()
               : Value();
  if (auto join = value.getDefiningOp<JoinOp>())
    return join.getLengths();
  if (auto slice = dyn_cast<BlockArgument>(value)) {
    Value whole = splitSequence(slice);
    Value lengths = whole ? zeroBehind(whole) : Value();
    return lengths ? partLengths(slice, lengths) : Value();
  }
  auto loop = value.getDefiningOp<LoopOp>();
  unsigned number = loop ? cast<OpResult>(value).getResultNumber() : 0;
  return loop && number < loop.getNumStacks() && loop.isMaskedStack(number)
             ? loop.getLengths()
             : Value();
}

namespace {

/// Follows what is made of rows that lie past the end of their example: of a
/// tensor over time and examples, or of one step in a loop, over examples.
class PaddingUses {
public:
  /// The lengths past which nobody sees what `value` holds, or null.
  static Value lengthsOf(Value value) {
    PaddingUses uses;
    return uses.end(value, /*leading=*/2) ? uses.lengths : Value();
  }

private:
  bool end(Value value, unsigned leading);
  bool ends(OpOperand &use, unsigned leading);
  bool endsInLoop(OpOperand &use, LoopOp loop);
  bool endsInYield(unsigned operand, LoopOp loop);
  bool endsInSegments(unsigned operand, LoopOp loop);
  bool endsInMask(Value of, std::optional<uint64_t> time, uint64_t batch,
                  unsigned leading);
  /// All that is masked is masked by the same lengths.
  bool agree(Value other) {
    if (!lengths)
      lengths = other;
    return other && lengths == other;
  }

  Value lengths;
  llvm::DenseSet<std::pair<Value, unsigned>> seen;
};

bool PaddingUses::end(Value value, unsigned leading) {
  if (!seen.insert({value, leading}).second)
    return true;
  return llvm::all_of(value.getUses(),
                      [&](OpOperand &use) { return ends(use, leading); });
}

bool PaddingUses::endsInMask(Value of, std::optional<uint64_t> time,
                             uint64_t batch, unsigned leading) {
  bool fits = leading == 2 ? time == 0 && batch == 1 : !time && batch == 0;
  return fits && agree(of);
}

bool PaddingUses::endsInLoop(OpOperand &use, LoopOp loop) {
  for (auto [slice, argument] :
       llvm::zip_equal(loop.getSlicesMutable(), loop.getSliceArgs()))
    if (&slice == &use)
      return agree(loop.getLengths()) && end(argument, /*leading=*/1);
  return false;
}

/// Carries come first, then what is stacked.
bool PaddingUses::endsInYield(unsigned operand, LoopOp loop) {
  unsigned carries = loop.getNumCarries();
  return agree(loop.getLengths()) &&
         (operand < carries ? loop.isMaskedCarry(operand)
                            : loop.isMaskedStack(operand - carries));
}

/// What is stacked by segments ends where the sequence of them does.
bool PaddingUses::endsInSegments(unsigned operand, LoopOp loop) {
  unsigned carries = loop.getNumCarries();
  if (!loop.getRecompute() || operand < carries)
    return false;
  Value stack = loop.getStackResults()[operand - carries];
  return llvm::all_of(stack.getUsers(), [&](Operation *user) {
    auto join = dyn_cast<JoinOp>(user);
    Value whole = join ? lengthsOf(join) : Value();
    for (auto part : loop.getBodyBlock()->getOps<PartLengthsOp>())
      if (whole && part.getLengths() == whole)
        return agree(part);
    return false;
  });
}

bool PaddingUses::ends(OpOperand &use, unsigned leading) {
  Operation *op = use.getOwner();
  if (op->getBlock() != use.get().getParentBlock())
    return false;
  auto behind = [&](ArrayRef<int64_t> dims) {
    return llvm::all_of(dims, [&](int64_t d) { return d >= int64_t(leading); });
  };
  auto takesAll = [&](auto slice, RankedTensorType of) {
    return isWhole(slice, of, leading) &&
           llvm::none_of(llvm::seq<unsigned>(0, leading), [&](unsigned i) {
             return slice.getDroppedDims().test(i);
           });
  };
  auto goesOn = [&] {
    return llvm::all_of(op->getResults(),
                        [&](Value result) { return end(result, leading); });
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](LoopOp o) { return leading == 2 && endsInLoop(use, o); })
      .Case([&](YieldOp o) {
        auto loop = cast<LoopOp>(o->getParentOp());
        return leading == 1 ? endsInYield(use.getOperandNumber(), loop)
                            : endsInSegments(use.getOperandNumber(), loop);
      })
      .Case([&](MaskOp o) {
        return endsInMask(o.getLengths(), o.getTimeDim(), o.getBatchDim(),
                          leading);
      })
      .Case([&](LeaveOp o) {
        return leading == 2 && o.getLengths().size() == 1 &&
               agree(o.getLengths()[0]);
      })
      .Case<PickStepOp, ReverseOp>([&](auto o) {
        return endsInMask(o.getLengths(), o.getTimeDim(), o.getBatchDim(),
                          leading);
      })
      .Case([&](DotOp o) {
        if (o.getLengths() && o.sumsOverExamples())
          return leading == 2 && agree(o.getLengths());
        return use.getOperandNumber() == 0 && o.getLhsBatch().empty() &&
               behind(o.getLhsContract()) && goesOn();
      })
      .Case([&](ReduceOp o) { return behind(o.getDims()) && goesOn(); })
      .Case([&](ArgmaxOp o) { return behind(int64_t(o.getDim())) && goesOn(); })
      .Case([&](GatherOp o) {
        return use.getOperandNumber() == 0 && o.getBatchDims() >= leading &&
               goesOn();
      })
      .Case([&](BroadcastOp o) {
        ArrayRef<int64_t> dims = o.getDims();
        return llvm::equal(dims.take_front(leading),
                           llvm::seq<int64_t>(0, leading)) &&
               goesOn();
      })
      .Case([&](tensor::ExtractSliceOp o) {
        return takesAll(o, o.getSourceType()) && goesOn();
      })
      .Case([&](tensor::InsertSliceOp o) {
        return takesAll(o, o.getDestType()) && goesOn();
      })
      .Case(
          [&](tensor::ConcatOp o) { return o.getDim() >= leading && goesOn(); })
      .Case<StopOp, ClipGradOp>([&](auto) { return goesOn(); })
      .Default([&](Operation *o) {
        return OpTrait::hasElementwiseMappableTraits(o) && goesOn();
      });
}

struct LeavePadding : scan::impl::ScanLeavePaddingBase<LeavePadding> {
  using Base::Base;

  /// Sums first: what they leave out may then hold anything.
  void runOnOperation() override {
    SmallVector<DotOp> dots;
    // Segments of time are as sequences are.
    auto hasSequences = [](Operation *op) {
      auto loop = dyn_cast<LoopOp>(op);
      return isa<func::FuncOp>(op) || (loop && loop.getRecompute());
    };
    getOperation()->walk([&](DotOp dot) {
      if (hasSequences(dot->getParentOp()) && !dot.getLengths())
        dots.push_back(dot);
    });
    for (DotOp dot : dots)
      if (dot.isMatrixProduct() && dot.sumsOverExamples())
        leaveTerms(dot);
    for (DotOp dot : dots)
      if (dot.isMatrixProduct() &&
          dot.getLhsFree() == SmallVector<int64_t>{0, 1})
        leaveRows(dot);
    for (DotOp dot : dots)
      if (!dot.getLengths())
        maskFactor(dot);
  }

private:
  void leaveTerms(DotOp dot) {
    Value lengths = zeroBehind(dot.getLhs());
    if (!lengths)
      lengths = zeroBehind(dot.getRhs());
    if (!lengths)
      return;
    dot.getLengthsMutable().assign(lengths);
    ++numTerms;
  }

  /// A sum over time, examples and more, or one that is no product of matrices,
  /// has all terms: zero times what the other factor holds past an end, which
  /// may be infinite (a number over such a zero is).
  void maskFactor(DotOp dot) {
    auto isOverExamples = [](ArrayRef<int64_t> dims) {
      return dims.size() >= 2 && dims[0] == 0 && dims[1] == 1;
    };
    if (!isOverExamples(dot.getLhsContract()) ||
        !isOverExamples(dot.getRhsContract()))
      return;
    Value left = zeroBehind(dot.getLhs()), right = zeroBehind(dot.getRhs());
    if (bool(left) == bool(right))
      return;
    OpBuilder b(dot);
    OpOperand &other = left ? dot.getRhsMutable() : dot.getLhsMutable();
    other.set(MaskOp::create(b, dot.getLoc(), other.get(), left ? left : right,
                             /*at=*/Value(), b.getI64IntegerAttr(0),
                             b.getI64IntegerAttr(1), b.getF64FloatAttr(0)));
  }

  void leaveRows(DotOp dot) {
    Value lengths = PaddingUses::lengthsOf(dot.getResult());
    if (!lengths)
      return;
    dot.getLengthsMutable().assign(lengths);
    ++numRows;
  }
};

} // namespace
