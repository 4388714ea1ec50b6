// LoopState.cpp: what the body of a reversed loop reads, and the tape.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopState.h"

#include "../ScanRows.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

LoopState::LoopState(LoopOp loop, ReverseState &parent, Block *block)
    : ReverseState(OpBuilder(loop.getContext()), parent.getActivity(),
                   parent.getRanges()),
      loop(loop), parent(parent), block(block) {
  builder.setInsertionPointToEnd(block);
  loc = loop.getLoc();
  brokenRule = parent.brokenRule;
  known[loop.getStep()] =
      block->addArgument(builder.getIndexType(), loop.getLoc());
}

bool LoopState::isInside(Value value) const {
  // What belongs to the loop that is being made stands in no region yet.
  Region *region = value.getParentRegion();
  return region && LoopOp(loop).getBody().isAncestor(region);
}

Value LoopState::addSource(Type type, Source source) {
  source.argument = block->addArgument(type, loop.getLoc());
  sources.push_back(source);
  return source.argument;
}

Value LoopState::addSlice(Value sequence) {
  for (Source &source : sources)
    if (source.outer == sequence)
      return source.argument;
  Source source;
  source.outer = sequence;
  return addSource(dropDim(cast<RankedTensorType>(sequence.getType()), 0),
                   source);
}

Value LoopState::value(Value value) {
  // Lengths may be those of what is being made.
  if (!value.getParentRegion())
    return value;
  if (!isInside(value))
    return parent.value(value);
  if (Value before = known.lookup(value))
    return before;
  Value found;
  if (auto argument = dyn_cast<BlockArgument>(value))
    found = fromArgument(argument);
  else
    found = fromOp(cast<OpResult>(value));
  known[value] = found;
  return found;
}

void LoopState::replaced(Value before, Value after) {
  // A loop that gives more now takes its copy's place when that is asked for.
  if (auto copy = repeated.find(before.getDefiningOp());
      copy != repeated.end()) {
    Operation *older = copy->second;
    repeated.erase(copy);
    repeated[after.getDefiningOp()] = older;
  }
  auto found = known.find(before);
  if (found == known.end())
    return;
  Value argument = found->second;
  known.erase(found);
  known[after] = argument;
}

void LoopState::sourceReplaced(Value before, Value after) {
  for (Source &source : sources)
    if (source.outer == before)
      source.outer = after;
}

Value LoopState::fromArgument(BlockArgument argument) {
  unsigned number = argument.getArgNumber() - 1;
  if (number < loop.getNumSlices())
    return addSlice(parent.value(loop.getSlices()[number]));
  return carryBefore(number - loop.getNumSlices());
}

// A carry as it is before a step. If the value it gets is stacked anyway, it
// is that sequence one step earlier.
Value LoopState::carryBefore(unsigned number) {
  Value carry = loop.getCarryArgs()[number];
  Value next = loop.getYield().getCarries()[number];
  OperandRange stacks = loop.getYield().getStacks();
  auto at = llvm::find(stacks, next);
  if (at == stacks.end())
    return fromTape(carry);
  unsigned stack = at - stacks.begin();
  if (loop.isMaskedStack(stack) != loop.isMaskedCarry(number))
    return fromTape(carry);
  Source source;
  source.stack = stack;
  source.fill = loop.getFirsts()[number];
  return addSource(carry.getType(), source);
}

Value LoopState::fromTape(Value value) {
  OperandRange stacks = loop.getYield().getStacks();
  Source source;
  source.stack = llvm::find(stacks, value) - stacks.begin();
  // The loop's results follow when the tape is complete.
  if (source.stack == stacks.size())
    loop.getYield().getStacksMutable().append(value);
  return addSource(value.getType(), source);
}

//===-- Computing again
//----------------------------------------------------===//

// Ops that cost less than reading their result from memory.
bool LoopState::isCheap(Operation *op) {
  return isa<arith::ConstantOp, arith::AddFOp, arith::SubFOp, arith::MulFOp,
             arith::NegFOp, arith::SelectOp, arith::CmpFOp, arith::CmpIOp,
             arith::SIToFPOp, BroadcastOp, MaskOp, StopOp, ClipGradOp, RandomOp,
             tensor::ExtractSliceOp, tensor::CastOp>(op);
}

// Numbers of a value. Sizes that are known when the program runs count as many.
static double numbersOf(Value value) {
  double numbers = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
    numbers *= ShapedType::isDynamic(size) ? 32 : size;
  return numbers;
}

// How many numbers the tape has to get for a value: for it or, where it is
// cheap to compute again, for what it is made of.
double LoopState::tapeFor(Value value, unsigned depth) {
  if (!isInside(value) || known.contains(value) ||
      !isa<RankedTensorType>(value.getType()) ||
      llvm::is_contained(loop.getYield().getStacks(), value))
    return 0;
  double own = numbersOf(value);
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getArgNumber() <= loop.getNumSlices() ? 0 : own;
  Operation *op = value.getDefiningOp();
  return depth > 0 && isCheap(op)
             ? std::min(own, tapeForOperands(op, depth - 1))
             : own;
}

double LoopState::tapeForOperands(Operation *op, unsigned depth) {
  double numbers = 0;
  for (Value operand : op->getOperands())
    numbers += tapeFor(operand, depth);
  return numbers;
}

Value LoopState::fromOp(OpResult result) {
  Operation *op = result.getOwner();
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    if (std::optional<int64_t> number = dim.getConstantIndex())
      return sizeOf(builder, op->getLoc(), dim.getSource(), *number);
  if (loop.getRecompute())
    return repeat(result);
  // Numbers that are no tensors are always computed again.
  bool scalar = !isa<RankedTensorType>(result.getType());
  bool stacked = llvm::is_contained(loop.getYield().getStacks(), result);
  bool again = !scalar && isCheap(op) &&
               tapeForOperands(op, /*depth=*/6) < numbersOf(result);
  if (!scalar && (stacked ? op->getNumOperands() != 0 : !again))
    return fromTape(result);
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, value(operand));
  return builder.clone(*op, mapping)->getResult(result.getResultNumber());
}

// The op once more, with all that it needs.
Value LoopState::repeat(OpResult result) {
  Operation *op = result.getOwner();
  llvm::SetVector<Value> needed(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), needed);
  IRMapping mapping;
  for (Value operand : needed)
    mapping.map(operand, value(operand));
  OpBuilder::InsertionGuard guard(builder);
  Operation *older = repeated.lookup(op);
  if (older)
    builder.setInsertionPoint(older);
  Operation *copy = builder.clone(*op, mapping);
  if (older)
    takePlace(older, copy);
  if (isa<LoopOp>(op))
    repeated[op] = copy;
  for (auto [before, after] :
       llvm::zip_equal(op->getResults(), copy->getResults()))
    known[before] = after;
  return copy->getResult(result.getResultNumber());
}

// A copy of a loop that gives less had been made; nobody needs it any more.
void LoopState::takePlace(Operation *older, Operation *copy) {
  auto least = cast<LoopOp>(older), all = cast<LoopOp>(copy);
  SmallVector<Value> now(
      all.getStackResults().take_front(least.getNumStacks()));
  llvm::append_range(now, all.getFinalResults());
  older->replaceAllUsesWith(now);
}

//===-- Past the end
//-------------------------------------------------------===//

Value LoopState::maskRows(Value like, Value tensor) {
  if (Value before = masked.lookup(tensor))
    return before;
  Value result =
      maskOverRows(builder, like, ReverseState::maskRows(like, tensor));
  masked[tensor] = result;
  return result;
}

// Where sizes do not say it: time axes stand before the batch, fixed ones
// behind it. A product puts what both operands have first: the batch is there,
// or only one of them has it.
static int64_t batchDimension(Value value, Value lengths) {
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t dim = type.getRank(); dim-- != 0;)
    if (isBatch(value, dim, lengths))
      return dim;
  auto lastDynamic = [&](int64_t end) {
    while (end > 0 && !type.isDynamicDim(end - 1))
      --end;
    return end - 1;
  };
  if (auto dot = value.getDefiningOp<DotOp>())
    if (int64_t batch = lastDynamic(dot.getLhsBatch().size()); batch >= 0)
      return batch;
  return lastDynamic(type.getRank());
}

// Lengths for each row where the examples stand innermost in the rows.
static Value repeatForRows(OpBuilder &b, Location loc, Value lengths,
                           Value rows) {
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value examples = tensor::DimOp::create(b, loc, lengths, 0);
  Value each = arith::DivUIOp::create(
      b, loc, rows, arith::MaxUIOp::create(b, loc, examples, one));
  auto type = RankedTensorType::get(
      {ShapedType::kDynamic, ShapedType::kDynamic},
      cast<RankedTensorType>(lengths.getType()).getElementType());
  Value wide = BroadcastOp::create(b, loc, type, lengths,
                                   ValueRange{each, examples}, {1});
  return tensor::CollapseShapeOp::create(
      b, loc, wide, SmallVector<ReassociationIndices>{{0, 1}});
}

Value LoopState::maskOverRows(OpBuilder &at, Value like, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!loop.getLengths() || type.getNumDynamicDims() == 0)
    return parent.maskOverRows(at, like, tensor);
  int64_t batch = batchDimension(like, loop.getLengths());
  RowKind rows = rowKindOf(like, batch);
  bool areOthers = !mayBeSameRows(rows, rowKindOf(loop.getLengths(), 0));
  if (areOthers && rows == RowKind::Single)
    return parent.maskOverRows(at, like, tensor);
  Value lengths = parent.value(loop.getLengths());
  if (areOthers)
    lengths = repeatForRows(at, loc, lengths, sizeOf(at, loc, like, batch));
  tensor = MaskOp::create(at, loc, tensor, lengths, value(loop.getStep()),
                          IntegerAttr(), at.getI64IntegerAttr(batch),
                          at.getF64FloatAttr(0));
  return parent.maskOverRows(at, like, tensor);
}

//===-- Supports
//-----------------------------------------------------------===//

grad::SupportRef LoopState::sliceOf(grad::SupportRef sequence) {
  if (!sequence)
    return {};
  return std::make_shared<grad::Support>(
      sequence->isChosen(),
      [this, sequence] { return addSlice(sequence->get()); });
}

grad::SupportRef LoopState::ofExamples(grad::SupportRef examples, Value like) {
  if (!examples || batchDimOf(like) < 0)
    return {};
  return std::make_shared<grad::Support>(
      examples->isChosen(), [this, examples, like] {
        return widen(examples->get(), like, batchDimOf(like));
      });
}

//===-- The loop's ends
//----------------------------------------------------===//

SmallVector<Value> LoopState::outerValues() const {
  SmallVector<Value> values;
  for (Value value : order)
    if (pending.contains(value) && !isInside(value))
      values.push_back(value);
  return values;
}

SmallVector<Value> LoopState::getSliceArgs() const {
  return llvm::map_to_vector(
      sources, [](const Source &source) { return source.argument; });
}

SmallVector<Value> LoopState::sequences(LoopOp forward) {
  OpBuilder &outer = parent.getBuilder();
  SmallVector<Value> result;
  for (Source &source : sources) {
    if (source.outer) {
      result.push_back(source.outer);
      continue;
    }
    Value sequence = parent.value(forward.getStackResults()[source.stack]);
    if (source.fill) {
      // The step before a reversed loop's step is the one after it in time.
      bool back = forward.getReverse();
      sequence = ShiftOp::create(
          outer, loc, sequence.getType(), sequence, parent.value(source.fill),
          back && forward.getLengths() ? parent.value(forward.getLengths())
                                       : Value(),
          outer.getI64IntegerAttr(back ? -1 : 1), outer.getI64IntegerAttr(0),
          outer.getI64IntegerAttr(1));
    }
    result.push_back(sequence);
  }
  return result;
}
