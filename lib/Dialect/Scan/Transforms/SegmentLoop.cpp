// SegmentLoop.cpp: a loop over segments of time around loops over their steps.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SegmentLoop.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

SegmentLoop::SegmentLoop(LoopOp first)
    : first(first), reverse(first.getReverse()), taken({first}),
      b(first.getContext()) {
  noteNeeds();
}

SegmentLoop::SegmentLoop(LoopOp axis, ArrayRef<Value> moved,
                         ArrayRef<Operation *> sums)
    : first(axis), reverse(false), taken(sums),
      fixed(moved.begin(), moved.end()), b(axis.getContext()) {
  noteNeeds();
}

//===-- What can be taken
//--------------------------------------------------===//

// Steps along the first dimension.
bool SegmentLoop::isSequence(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() > 0 && type.isDynamicDim(0) &&
         isSize(value, 0, first.getTrip());
}

// The ops of the block that need something that was taken, themselves taken or
// not. The block is sorted.
void SegmentLoop::noteNeeds() {
  parts.clear();
  needing.clear();
  needing.insert(taken.begin(), taken.end());
  for (Value value : fixed)
    needing.insert(value.getDefiningOp());
  for (Operation &op : *first->getBlock()) {
    SetVector<Value> needed(op.operand_begin(), op.operand_end());
    getUsedValuesDefinedAbove(op.getRegions(), needed);
    if (llvm::any_of(needed, [&](Value value) { return needsMade(value); }))
      needing.insert(&op);
  }
}

bool SegmentLoop::needsMade(Value value) {
  Operation *op = value.getDefiningOp();
  return op && needing.contains(op);
}

// Whether a part of a tensor has all of its steps.
static bool hasAllSteps(OffsetSizeAndStrideOpInterface part,
                        const llvm::SmallBitVector &dropped) {
  return !part.isDynamicOffset(0) && part.getStaticOffset(0) == 0 &&
         part.isDynamicSize(0) && part.getStaticStride(0) == 1 &&
         !dropped.test(0);
}

static bool isFirstAlone(ArrayRef<ReassociationIndices> groups) {
  return !groups.empty() && groups.front().size() == 1;
}

std::optional<SmallVector<unsigned>> rnnc::scan::operandsByStep(Operation *op,
                                                                Value lengths) {
  using Numbers = SmallVector<unsigned>;
  using Result = std::optional<Numbers>;
  auto iff = [](bool condition, Numbers numbers) {
    return condition ? Result(numbers) : Result();
  };
  auto all = llvm::to_vector(llvm::seq<unsigned>(0, op->getNumOperands()));
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](ClipGradOp) { return Result(Numbers{0}); })
      .Case([&](StopOp o) { return iff(!o.getAt(), {0}); })
      .Case([&](DotOp o) {
        if (o.getLhsBatch().empty())
          return iff(llvm::is_contained(o.getLhsFree(), 0), {0});
        return iff(o.getLhsBatch()[0] == 0 && o.getRhsBatch()[0] == 0, {0, 1});
      })
      .Case([&](BroadcastOp o) {
        bool repeats = o.getDims().empty() || o.getDims().front() != 0;
        return Result(repeats ? Numbers{} : Numbers{0});
      })
      .Case([&](TransposeOp o) { return iff(o.getPerm().front() == 0, {0}); })
      .Case([&](ReduceOp o) {
        return iff(!llvm::is_contained(o.getDims(), 0), {0});
      })
      .Case([&](ArgmaxOp o) { return iff(o.getDim() != 0, {0}); })
      // A look-up in a table has a sparse gradient: one sum for all steps.
      .Case<GatherOp, ScatterAddOp>(
          [&](auto o) { return iff(o.getBatchDims() > 0, {0, 1}); })
      .Case([&](MaskOp o) {
        bool inTime = o.getTimeDim() == 0;
        return iff(!o.getAt() && o.getBatchDim() != 0 &&
                       (!inTime || o.getLengths() == lengths),
                   {0});
      })
      .Case([&](tensor::ExtractSliceOp o) {
        return iff(hasAllSteps(o, o.getDroppedDims()), {0});
      })
      .Case([&](tensor::InsertSliceOp o) {
        return iff(hasAllSteps(o, o.getDroppedDims()), {0, 1});
      })
      .Case([&](tensor::ConcatOp o) { return iff(o.getDim() != 0, all); })
      .Case([&](tensor::CollapseShapeOp o) {
        return iff(isFirstAlone(o.getReassociationIndices()), {0});
      })
      .Case([&](tensor::ExpandShapeOp o) {
        return iff(isFirstAlone(o.getReassociationIndices()), {0});
      })
      .Case([&](RandomOp o) { return iff(o.getTimeDim() == 0, {}); })
      .Default([&](Operation *o) {
        bool tensors =
            llvm::all_of(o->getOperandTypes(), llvm::IsaPred<RankedTensorType>);
        return iff(o->hasTrait<OpTrait::Elementwise>() && tensors &&
                       o->getNumResults() == 1 && o->getNumOperands() > 0,
                   all);
      });
}

// Where an op is told how many steps its result has.
static OpOperand *stepsOf(Operation *op) {
  using Result = OpOperand *;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<BroadcastOp, RandomOp, tensor::ExtractSliceOp,
            tensor::InsertSliceOp>(
          [](auto o) { return &o.getSizesMutable()[0]; })
      .Case(
          [](tensor::ExpandShapeOp o) { return &o.getOutputShapeMutable()[0]; })
      .Default([](Operation *) { return nullptr; });
}

// Whether the op can be done segment by segment. What it reads whole must not
// be made here.
bool SegmentLoop::canMove(Operation *op) {
  auto byStep = operandsByStep(op, first.getLengths());
  if (!byStep)
    return false;
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    return llvm::is_contained(*byStep, operand.getOperandNumber())
               ? isSequence(operand.get()) &&
                     partOf(operand.get()) != Part::None
               : !needsMade(operand.get());
  });
}

// How a segment of a sequence comes to be.
SegmentLoop::Part SegmentLoop::partOf(Value sequence) {
  if (auto known = parts.find(sequence); known != parts.end())
    return known->second;
  Operation *op = sequence.getDefiningOp();
  Part part = needsMade(sequence) ? Part::None : Part::Whole;
  if (isFixed()) {
    part = fixed.contains(sequence) ? Part::Moved : part;
  } else if (op && llvm::is_contained(taken, op)) {
    auto loop = dyn_cast<LoopOp>(op);
    bool stacked = loop && cast<OpResult>(sequence).getResultNumber() <
                               loop.getNumStacks();
    part = stacked ? Part::Made : Part::None;
  } else if (op && op->getBlock() == first->getBlock() && canMove(op)) {
    part = Part::Moved;
  }
  return parts[sequence] = part;
}

bool SegmentLoop::readsMade(Value sequence) {
  return partOf(sequence) == Part::Made ||
         (partOf(sequence) == Part::Moved && needsMade(sequence));
}

bool SegmentLoop::take(LoopOp loop) {
  if (loop.getTrip() != first.getTrip() ||
      loop.getLengths() != first.getLengths() ||
      loop.getReverse() != first.getReverse() ||
      loop.getCheckpointAttr() != first.getCheckpointAttr())
    return false;
  SetVector<Value> needed(loop.getFirsts().begin(), loop.getFirsts().end());
  getUsedValuesDefinedAbove(loop->getRegions(), needed);
  bool fits =
      llvm::none_of(needed, [&](Value value) { return needsMade(value); }) &&
      llvm::all_of(loop.getSlices(),
                   [&](Value slice) { return partOf(slice) != Part::None; });
  if (!fits)
    return false;
  taken.push_back(loop);
  noteNeeds();
  return true;
}

bool SegmentLoop::take(ReduceOp sum) {
  if (sum.getKind() != ReduceKind::sum ||
      !llvm::is_contained(sum.getDims(), 0) || !isSequence(sum.getInput()) ||
      !readsMade(sum.getInput()))
    return false;
  taken.push_back(sum);
  noteNeeds();
  return true;
}

bool SegmentLoop::isFed(LoopOp loop) {
  return llvm::any_of(loop.getSlices(), [&](Value slice) {
    return isSequence(slice) && readsMade(slice);
  });
}

//===-- What others read too
//-----------------------------------------------===//

// What is computed segment by segment for one of the loops.
llvm::SetVector<Value> SegmentLoop::movedFor(LoopOp loop) {
  SetVector<Value> moved;
  SmallVector<Value> open(loop.getSlices());
  while (!open.empty()) {
    Value value = open.pop_back_val();
    if (partOf(value) != Part::Moved || !moved.insert(value))
      continue;
    Operation *op = value.getDefiningOp();
    auto numbers = operandsByStep(op, first.getLengths());
    for (unsigned number : *numbers)
      open.push_back(op->getOperand(number));
  }
  return moved;
}

bool SegmentLoop::isReadElsewhere(Value value, const SetVector<Value> &moved) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    bool isMoved =
        user->getNumResults() == 1 && moved.contains(user->getResult(0));
    return !isMoved && !llvm::is_contained(taken, user);
  });
}

void SegmentLoop::leaveShared() {
  bool changed = true;
  while (changed) {
    changed = false;
    SetVector<Value> moved = allMoved();
    for (Value value : moved) {
      if (needsMade(value) || !isReadElsewhere(value, moved))
        continue;
      parts[value] = Part::Whole;
      changed = true;
    }
  }
}

SetVector<Value> SegmentLoop::allMoved() {
  SetVector<Value> moved;
  for (Operation *op : taken)
    if (auto loop = dyn_cast<LoopOp>(op))
      moved.insert_range(movedFor(loop));
  return moved;
}

SetVector<Value> SegmentLoop::keptSequences() {
  SetVector<Value> moved = allMoved(), kept;
  for (Operation *op : taken)
    if (auto loop = dyn_cast<LoopOp>(op))
      for (Value stack : loop.getStackResults())
        if (isReadElsewhere(stack, moved))
          kept.insert(stack);
  return kept;
}

SetVector<Value> SegmentLoop::passingSequences() {
  SetVector<Value> moved = allMoved(), passing = moved;
  for (Operation *op : taken)
    if (auto loop = dyn_cast<LoopOp>(op))
      for (Value stack : loop.getStackResults())
        if (!isReadElsewhere(stack, moved))
          passing.insert(stack);
  return passing;
}

//===-- The loop over segments
//---------------------------------------------===//

// A carry of the loop over segments; `nexts` says what follows on it.
Value SegmentLoop::addCarry(Value first) {
  nexts.push_back({edit->carry(first, first), Value()});
  return edit->getLoop().getBodyBlock()->getArguments().back();
}

Value SegmentLoop::segment(Value sequence) {
  if (Value known = segments.lookup(sequence))
    return known;
  Value result;
  if (partOf(sequence) == Part::Moved) {
    result = move(sequence.getDefiningOp());
  } else {
    OpBuilder outside(edit->getLoop());
    Value split =
        SplitOp::create(outside, sequence.getLoc(), sequence, count, steps);
    result = edit->slice(split);
  }
  return segments[sequence] = result;
}

// The op for a segment alone: its steps are the first dimension of the result
// and of what it reads step by step.
Value SegmentLoop::move(Operation *op) {
  SmallVector<std::pair<unsigned, Value>> operands;
  auto numbers = operandsByStep(op, first.getLengths());
  for (unsigned number : *numbers)
    operands.push_back({number, segment(op->getOperand(number))});
  Operation *copy = b.clone(*op);
  for (auto [number, operand] : operands)
    copy->setOperand(number, operand);
  if (OpOperand *size = stepsOf(copy))
    size->set(steps);
  if (auto mask = dyn_cast<MaskOp>(copy); mask && mask.getTimeDim() == 0)
    mask.getLengthsMutable().assign(lengths);
  if (auto random = dyn_cast<RandomOp>(copy))
    random.getAtMutable().assign(begin);
  return copy->getResult(0);
}

// One loop over the steps of a segment.
LoopOp SegmentLoop::buildInner(LoopOp loop, ValueRange slices,
                               ValueRange firsts) {
  auto inner = LoopOp::create(
      b, loop.getLoc(), steps, lengths, slices, firsts, loop.getReverse(),
      [&](OpBuilder &body, Location loc, Value step, ValueRange sliceArgs,
          ValueRange carryArgs) {
        IRMapping mapping;
        mapping.map(loop.getSliceArgs(), sliceArgs);
        mapping.map(loop.getCarryArgs(), carryArgs);
        Value inTime = arith::AddIOp::create(body, loc, begin, step);
        mapping.map(loop.getStep(), inTime);
        for (Operation &op : *loop.getBodyBlock()) {
          Operation *copy = body.clone(op, mapping);
          auto mask = dyn_cast<MaskOp>(copy);
          if (!mask || mask.getAt() != inTime ||
              mask.getLengths() != loop.getLengths())
            continue;
          mask.getAtMutable().assign(step);
          mask.getLengthsMutable().assign(lengths);
        }
      });
  inner.setUnrollAttr(loop.getUnrollAttr());
  inner.setUnmaskedCarriesAttr(loop.getUnmaskedCarriesAttr());
  inner.setUnmaskedStacksAttr(loop.getUnmaskedStacksAttr());
  return inner;
}

void SegmentLoop::buildLoop(LoopOp loop) {
  SmallVector<Value> slices, firsts;
  for (Value slice : loop.getSlices())
    slices.push_back(segment(slice));
  size_t place = nexts.size();
  for (Value first : loop.getFirsts())
    firsts.push_back(addCarry(first));
  LoopOp inner = buildInner(loop, slices, firsts);
  for (auto [number, final] : llvm::enumerate(inner.getFinalResults())) {
    auto &[carry, next] = nexts[place + number];
    next = final;
    results.push_back({loop.getFinalResults()[number], carry, false});
  }
  for (auto [number, stack] : llvm::enumerate(inner.getStackResults())) {
    Value before = loop.getStackResults()[number];
    segments[before] = stack;
    results.push_back(
        {before, edit->stack(stack), true, loop.isMaskedStack(number)});
  }
}

// A sum over all steps is the sum of those of the segments. Of a product both
// operands are sequences.
void SegmentLoop::buildSum(Operation *sum) {
  Location loc = sum->getLoc();
  SmallVector<Value> inputs;
  for (Value operand : sum->getOperands())
    inputs.push_back(segment(operand));
  OpBuilder outside(edit->getLoop());
  Value before = addCarry(splatLike(outside, loc, sum->getResult(0), 0));
  Operation *part = b.clone(*sum);
  part->setOperands(inputs);
  nexts.back().second =
      arith::AddFOp::create(b, loc, before, part->getResult(0));
  results.push_back({sum->getResult(0), nexts.back().first, false});
}

// What others read of all segments.
void SegmentLoop::buildKept(Value value) {
  Value all = zeroBehind(value);
  results.push_back({value, edit->stack(segment(value)), true,
                     all && all == first.getLengths()});
}

void SegmentLoop::build(Value segments, Value stepsOfEach) {
  count = segments;
  steps = stepsOfEach;
  SmallVector<Operation *> all(taken);
  for (Value value : fixed)
    all.push_back(value.getDefiningOp());
  Operation *last = all.front();
  for (Operation *op : all)
    if (last->isBeforeInBlock(op))
      last = op;
  Location loc = last->getLoc();
  if (!isFixed())
    loc = first.getLoc();
  b.setInsertionPoint(last);
  auto outer = LoopOp::create(
      b, loc, count, /*lengths=*/Value(), ValueRange(), ValueRange(), reverse,
      [&](OpBuilder &body, Location loc, Value step, ValueRange, ValueRange) {
        begin = arith::MulIOp::create(body, loc, step, steps);
        lengths =
            PartLengthsOp::create(body, loc, first.getLengths(), begin, steps);
        YieldOp::create(body, loc, ValueRange(), ValueRange());
      });
  outer.setRecompute(true);
  edit.emplace(outer);
  b.setInsertionPoint(outer.getYield());
  for (Operation *op : taken)
    if (auto loop = dyn_cast<LoopOp>(op))
      buildLoop(loop);
    else
      buildSum(op);
  for (Value value : kept)
    buildKept(value);
  for (auto [carry, next] : nexts)
    edit->getLoop().getYield().getCarriesMutable()[carry].set(next);
  replace();
}

void SegmentLoop::replace() {
  LoopOp outer = edit->finish();
  Value trip = first.getTrip(), all = first.getLengths();
  b.setInsertionPointAfter(outer);
  for (const Result &result : results) {
    Value now = result.isStack
                    ? JoinOp::create(b, result.before.getLoc(),
                                     outer.getStackResults()[result.number],
                                     result.isMasked ? all : Value(), trip)
                          .getResult()
                    : Value(outer.getFinalResults()[result.number]);
    Value(result.before).replaceAllUsesWith(now);
  }
  for (Operation *op : taken)
    op->erase();
}

//===-- What passes have in common
//-----------------------------------------===//

int64_t rnnc::scan::unitsOfStep(Value sequence) {
  auto type = dyn_cast<RankedTensorType>(sequence.getType());
  if (!type || type.getRank() < 2 ||
      type.isDynamicDim(0) != type.isDynamicDim(1))
    return 0;
  int64_t units = 1;
  for (int64_t size : type.getShape().drop_front(2)) {
    if (ShapedType::isDynamic(size))
      return 0;
    units *= size;
  }
  return units;
}

void rnnc::scan::forEachFunction(Operation *top,
                                 function_ref<void(func::FuncOp)> body) {
  SmallVector<func::FuncOp> functions;
  top->walk([&](func::FuncOp function) {
    if (!function.isExternal())
      functions.push_back(function);
  });
  for (func::FuncOp function : functions)
    body(function);
}

void rnnc::scan::tidyAfterSegments(Block &block) {
  sortTopologically(&block);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}
