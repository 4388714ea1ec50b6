// PastEnd.cpp: who sees what lies past the end of an example.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PastEnd.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

std::optional<RowMask> rowMaskOf(linalg::GenericOp op, Value condition) {
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare || compare.getPredicate() != arith::CmpIPredicate::slt)
    return std::nullopt;
  auto step = compare.getLhs().getDefiningOp<arith::IndexCastOp>();
  auto length = dyn_cast<BlockArgument>(compare.getRhs());
  if (!step || !length || length.getOwner() != op.getBody() ||
      length.getArgNumber() >= op.getNumDpsInputs())
    return std::nullopt;
  OpOperand *of = op.getDpsInputOperand(length.getArgNumber());
  AffineMap map = op.getMatchingIndexingMap(of);
  if (map.getNumResults() != 1 || !isa<AffineDimExpr>(map.getResult(0)) ||
      !scan::isLengthsType(of->get().getType()))
    return std::nullopt;
  RowMask mask;
  mask.lengths = of->get();
  mask.rowDim = map.getDimPosition(0);
  if (auto index = step.getIn().getDefiningOp<linalg::IndexOp>())
    mask.timeDim = index.getDim();
  else if (step.getIn().getParentBlock() != op.getBody())
    mask.step = step.getIn();
  else
    return std::nullopt;
  return mask;
}

bool PastEnd::reachesNobody(Value value, unsigned leading) {
  if (!seen.insert({value, leading}).second)
    return true;
  return llvm::all_of(value.getUses(),
                      [&](OpOperand &use) { return ends(use, leading); });
}

bool PastEnd::endsInMask(Value of, std::optional<uint64_t> time, uint64_t batch,
                         unsigned leading) {
  bool fits = leading == 2 ? time == 0 && batch == 1 : !time && batch == 0;
  return fits && agree(of);
}

bool PastEnd::endsInLoop(OpOperand &use, scan::LoopOp loop) {
  for (auto [slice, argument] :
       llvm::zip_equal(loop.getSlicesMutable(), loop.getSliceArgs()))
    if (&slice == &use)
      return agree(loop.getLengths()) && reachesNobody(argument, /*leading=*/1);
  return false;
}

/// Carries come first, then what is stacked.
bool PastEnd::endsInYield(unsigned operand, scan::LoopOp loop) {
  unsigned carries = loop.getNumCarries();
  return agree(loop.getLengths()) &&
         (operand < carries ? loop.isMaskedCarry(operand)
                            : loop.isMaskedStack(operand - carries));
}

/// What is stacked chunk by chunk ends where the sequence of them does.
bool PastEnd::endsInChunks(unsigned operand, scan::LoopOp loop) {
  unsigned carries = loop.getNumCarries();
  if (!loop.getRecompute() || operand < carries)
    return false;
  PastEnd outside;
  Value stack = loop.getStackResults()[operand - carries];
  if (!llvm::all_of(stack.getUsers(), [&](Operation *user) {
        return isa<scan::JoinOp>(user) &&
               outside.reachesNobody(user->getResult(0), /*leading=*/2);
      }))
    return false;
  Value whole = outside.getLengths();
  for (auto part : loop.getBodyBlock()->getOps<scan::PartLengthsOp>())
    if (whole && part.getLengths() == whole)
      return agree(part);
  return false;
}

/// The dimensions that the first results of a map are; none where they are
/// read in another way.
static SmallVector<unsigned> leadingDims(AffineMap map, unsigned leading) {
  SmallVector<unsigned> dims;
  if (map.getNumResults() < leading || !map.isProjectedPermutation())
    return dims;
  for (unsigned i = 0; i != leading; ++i)
    dims.push_back(map.getDimPosition(i));
  return dims;
}

/// What is computed of an element past the end is seen but where a mask takes
/// something else.
bool PastEnd::endsInGeneric(OpOperand &use, unsigned leading) {
  auto op = cast<linalg::GenericOp>(use.getOwner());
  BlockArgument read = op.getMatchingBlockArgument(&use);
  if (read.use_empty())
    return true;
  SmallVector<unsigned> dims =
      leadingDims(op.getMatchingIndexingMap(&use), leading);
  if (dims.empty() || op.isDpsInit(&use))
    return false;
  auto masks = [&](Value condition) {
    std::optional<RowMask> mask = rowMaskOf(op, condition);
    if (!mask || mask->rowDim != dims.back())
      return false;
    auto loop = dyn_cast<scan::LoopOp>(op->getParentOp());
    bool atStep = leading == 2 ? mask->timeDim == dims.front()
                               : loop && mask->step == loop.getStep();
    return atStep && agree(mask->lengths);
  };
  llvm::DenseSet<Value> holds = {read};
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (llvm::none_of(inner.getOperands(),
                      [&](Value v) { return holds.contains(v); }))
      continue;
    auto select = dyn_cast<arith::SelectOp>(inner);
    if (select && !holds.contains(select.getCondition()) &&
        !holds.contains(select.getFalseValue()) && masks(select.getCondition()))
      continue;
    holds.insert(inner.result_begin(), inner.result_end());
  }
  for (OpResult result : op.getResults()) {
    Value value =
        op.getBody()->getTerminator()->getOperand(result.getResultNumber());
    if (holds.contains(value) &&
        (leadingDims(op.getIndexingMapMatchingResult(result), leading) !=
             dims ||
         !reachesNobody(result, leading)))
      return false;
  }
  return true;
}

bool PastEnd::endsInPhase(OpOperand &use, unsigned leading) {
  auto op = cast<kernel::PhaseOp>(use.getOwner());
  unsigned number = use.getOperandNumber();
  unsigned lefts = op.getLefts().size();
  if (op.getNumRowDims() != leading ||
      (number >= lefts && number < 2 * lefts) || op.isDpsInit(&use))
    return false;
  if (number >= lefts) {
    AffineMap map = op.mapOf(number - 2 * lefts);
    if (!llvm::equal(leadingDims(map, leading),
                     llvm::seq<unsigned>(0, leading)))
      return false;
  }
  if (op.getLengths()) // it does not read them
    return agree(op.getLengths());
  return llvm::all_of(op.getResults(), [&](Value result) {
    return reachesNobody(result, leading);
  });
}

bool PastEnd::endsInDot(OpOperand &use, scan::DotOp dot, unsigned leading) {
  if (dot.getLengths() && leading == dot.getLeading())
    if (dot.sumsOverExamples() || use.getOperandNumber() == 0)
      return agree(dot.getLengths());
  return use.getOperandNumber() == 0 && dot.getLhsBatch().empty() &&
         llvm::all_of(dot.getLhsContract(),
                      [&](int64_t d) { return d >= int64_t(leading); }) &&
         reachesNobody(dot.getResult(), leading);
}

/// Whether the first dimensions of a part are whole, and stay.
static bool keepsRows(OffsetSizeAndStrideOpInterface part,
                      RankedTensorType type,
                      const llvm::SmallBitVector &dropped, unsigned leading) {
  for (unsigned i = 0; i != leading; ++i) {
    if (dropped.test(i) || part.isDynamicOffset(i) ||
        part.getStaticOffset(i) != 0 || part.isDynamicStride(i) ||
        part.getStaticStride(i) != 1)
      return false;
    if (!type.isDynamicDim(i) &&
        (part.isDynamicSize(i) || part.getStaticSize(i) != type.getDimSize(i)))
      return false;
  }
  return true;
}

bool PastEnd::ends(OpOperand &use, unsigned leading) {
  Operation *op = use.getOwner();
  if (op->getBlock() != use.get().getParentBlock())
    return false;
  auto goesOn = [&] {
    return llvm::all_of(op->getResults(), [&](Value result) {
      return reachesNobody(result, leading);
    });
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](scan::LoopOp o) { return leading == 2 && endsInLoop(use, o); })
      .Case([&](scan::YieldOp o) {
        auto loop = cast<scan::LoopOp>(o->getParentOp());
        return leading == 1 ? endsInYield(use.getOperandNumber(), loop)
                            : endsInChunks(use.getOperandNumber(), loop);
      })
      .Case([&](scan::LeaveOp o) {
        return leading == 2 && o.getLengths().size() == 1 &&
               agree(o.getLengths()[0]);
      })
      .Case<scan::PickStepOp, scan::ReverseOp>([&](auto o) {
        return endsInMask(o.getLengths(), o.getTimeDim(), o.getBatchDim(),
                          leading);
      })
      .Case([&](scan::DotOp o) { return endsInDot(use, o, leading); })
      .Case([&](scan::ArgmaxOp o) {
        return int64_t(o.getDim()) >= int64_t(leading) && goesOn();
      })
      .Case([&](scan::GatherOp o) {
        return use.getOperandNumber() == 0 && o.getBatchDims() >= leading &&
               goesOn();
      })
      .Case([&](tensor::ExtractSliceOp o) {
        return keepsRows(o, o.getSourceType(), o.getDroppedDims(), leading) &&
               goesOn();
      })
      .Case([&](tensor::InsertSliceOp o) {
        return keepsRows(o, o.getDestType(), o.getDroppedDims(), leading) &&
               goesOn();
      })
      .Case(
          [&](tensor::ConcatOp o) { return o.getDim() >= leading && goesOn(); })
      .Case([&](linalg::GenericOp) { return endsInGeneric(use, leading); })
      .Case([&](kernel::PhaseOp) { return endsInPhase(use, leading); })
      .Default([](Operation *) { return false; });
}

} // namespace rnnc
