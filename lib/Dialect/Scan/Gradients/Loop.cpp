// Loop.cpp: the gradient of a time loop is a time loop in the other direction.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopReverser.h"
#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

// Adds the operands of ops with a useful result; returns whether any is new.
bool LoopReverser::spreadUse(llvm::DenseSet<Value> &useful) {
  bool changed = false;
  for (Operation &op : llvm::reverse(loop.getBodyBlock()->without_terminator()))
    if (llvm::any_of(op.getResults(),
                     [&](Value result) { return useful.contains(result); })) {
      op.walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          if (state.isActive(operand))
            changed |= useful.insert(operand).second;
      });
    }
  return changed;
}

// A carry has a cotangent if its last value has one, or if it reaches a value
// that has one, in any step.
void LoopReverser::findUsefulCarries() {
  YieldOp yield = loop.getYield();
  llvm::DenseSet<Value> useful;
  for (auto [stack, result] :
       llvm::zip_equal(yield.getStacks(), loop.getStackResults()))
    if (parent.cotangent(result))
      useful.insert(stack);
  usefulCarry.assign(loop.getNumCarries(), false);
  bool again = true;
  while (again) {
    again = false;
    for (unsigned i = 0; i < loop.getNumCarries(); ++i) {
      Value carry = loop.getCarryArgs()[i];
      if (usefulCarry[i] || !state.isActive(carry))
        continue;
      if (!useful.contains(carry) &&
          !parent.cotangent(loop.getFinalResults()[i]))
        continue;
      usefulCarry[i] = again = true;
      useful.insert(yield.getCarries()[i]);
    }
    again |= spreadUse(useful);
  }
}

Value LoopReverser::orZeros(Value tensor, Value like) {
  return tensor ? tensor : state.zeros(like);
}

// The loop itself masks rows only where the batch leads, alone.
Value LoopReverser::maskRowsInside(Value like, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  unsigned dynamic = type.getNumDynamicDims();
  bool leads =
      dynamic == 1 && type.isDynamicDim(0) &&
      (!loop.getLengths() ||
       mayBeSameRows(rowKindOf(like, 0), rowKindOf(loop.getLengths(), 0)));
  return dynamic == 0 || leads ? tensor : state.maskRows(like, tensor);
}

// The cotangents that come from outside and from later steps.
void LoopReverser::seed() {
  YieldOp yield = loop.getYield();
  unsigned stacksBefore = loop.getNumStacks();
  for (unsigned k = 0; k < stacksBefore; ++k)
    if (Value g = parent.cotangent(loop.getStackResults()[k])) {
      Value stack = yield.getStacks()[k];
      grad::SupportRef step =
          state.sliceOf(parent.supportOf(loop.getStackResults()[k]));
      state.accumulate(stack, state.addSlice(g),
                       state.both(step, examplesInside(stack)));
    }
  for (unsigned i = 0; i < loop.getNumCarries(); ++i) {
    if (!usefulCarry[i])
      continue;
    Value final = loop.getFinalResults()[i];
    Value g = parent.cotangent(final);
    Carry carry;
    carry.first = g ? g : parent.zeros(loop.getFirsts()[i]);
    carry.argument = block->addArgument(final.getType(), loop.getLoc());
    carryOf.push_back(i);
    carries.push_back(carry);
    Value next = yield.getCarries()[i];
    grad::SupportRef here = examplesInside(next);
    if (limitedCarry[i])
      here = state.both(here, limit(i));
    state.accumulate(next, carry.argument, here);
  }
}

// What the body yields: cotangents of the carries before the step, sums for
// values from outside, cotangents of the slices.
void LoopReverser::finishBody() {
  for (auto [carry, number] : llvm::zip_equal(carries, carryOf)) {
    Value argument = loop.getCarryArgs()[number];
    carry.next = orZeros(state.cotangent(argument), argument);
  }
  for (auto &[number, carry] : limits) {
    Value argument = loop.getCarryArgs()[number];
    grad::SupportRef support = state.supportOf(argument);
    bool isZero = !state.cotangent(argument);
    carry.next = support
                     ? support->get()
                     : splat(state.getBuilder(), loop.getLoc(),
                             cast<RankedTensorType>(carry.argument.getType()),
                             state.sizes(argument), isZero ? 0 : 1);
    limitOf[number] = carries.size();
    carries.push_back(carry);
  }
  for (Value value : state.outerValues())
    finishOuterValue(value);
  for (auto [number, argument] : llvm::enumerate(loop.getSliceArgs()))
    if (state.cotangent(argument))
      finishSlice(number, argument);
}

// What is added up is zero where it is in all steps.
void LoopReverser::finishOuterValue(Value value) {
  auto addUp = [&](Value g) -> unsigned {
    Carry carry;
    carry.first = parent.zeros(value);
    carry.argument = block->addArgument(value.getType(), loop.getLoc());
    carry.next = arith::AddFOp::create(state.getBuilder(), loop.getLoc(),
                                       carry.argument, g);
    carries.push_back(carry);
    return carries.size() - 1;
  };
  Leaving leaving;
  leaving.value = value;
  leaving.result = addUp(maskRowsInside(value, state.cotangent(value)));
  grad::SupportRef inside = state.supportOf(value);
  if (parent.mayNeed(inside, value)) {
    Type element = cast<RankedTensorType>(value.getType()).getElementType();
    leaving.inside = inside;
    leaving.support = addUp(state.toReal(inside->get(), value, element));
  }
  outer.push_back(leaving);
}

void LoopReverser::finishSlice(unsigned number, Value argument) {
  Leaving leaving;
  leaving.value = loop.getSlices()[number];
  leaving.slice = number;
  leaving.result = stacks.size();
  stacks.push_back(maskRowsInside(argument, state.cotangent(argument)));
  grad::SupportRef inside = state.supportOf(argument);
  if (parent.mayNeed(inside, leaving.value)) {
    leaving.inside = inside;
    if (inside->get().getParentBlock() == block) {
      leaving.support = stacks.size();
      stacks.push_back(inside->get());
    } else {
      leaving.always = inside->get();
    }
  }
  sliced.push_back(leaving);
}

// The forward loop again, with the results that the tape asks for.
LoopOp LoopReverser::extendForward() {
  unsigned before = loop.getNumStacks();
  unsigned finals = loop.getNumResults() - before;
  OperandRange stacked = loop.getYield().getStacks();
  if (stacked.size() == before)
    return loop;
  SmallVector<Type> types(loop.getStackResults().getTypes());
  int64_t steps = loop.getConstantTrip().value_or(ShapedType::kDynamic);
  for (Value value : stacked.drop_front(before))
    types.push_back(
        insertDim(cast<RankedTensorType>(value.getType()), 0, steps));
  llvm::append_range(types, loop.getFinalResults().getTypes());
  OpBuilder builder(loop);
  OperationState description(loop.getLoc(), LoopOp::getOperationName(),
                             loop->getOperands(), types, {});
  description.addRegion()->takeBody(loop.getBody());
  description.propertiesAttr = loop->getPropertiesAsAttribute();
  auto extended = cast<LoopOp>(builder.create(description));
  SmallVector<Value> now(extended.getStackResults().take_front(before));
  llvm::append_range(now, extended.getFinalResults().take_back(finals));
  for (auto [old, result] : llvm::zip_equal(loop.getResults(), now)) {
    parent.replaced(old, result);
    state.sourceReplaced(old, result);
    for (Carry &carry : carries)
      if (carry.first == old)
        carry.first = result;
    old.replaceAllUsesWith(result);
  }
  return extended;
}

LoopOp LoopReverser::build(LoopOp forward) {
  SmallVector<Value> firsts, nexts, arguments = state.getSliceArgs();
  for (Carry &carry : carries) {
    firsts.push_back(carry.first);
    nexts.push_back(carry.next);
    arguments.push_back(carry.argument);
  }
  Value lengths = forward.getLengths();
  Value step = block->getArgument(0);
  auto reversed = LoopOp::create(
      parent.getBuilder(), loop.getLoc(), parent.value(forward.getTrip()),
      lengths ? parent.value(lengths) : Value(), state.sequences(forward),
      firsts, !forward.getReverse(),
      [&](OpBuilder &builder, Location loc, Value newStep, ValueRange slices,
          ValueRange states) {
        step.replaceAllUsesWith(newStep);
        SmallVector<Value> now(slices);
        llvm::append_range(now, states);
        for (auto [before, after] : llvm::zip_equal(arguments, now)) {
          before.replaceAllUsesWith(after);
          llvm::replace(nexts, before, after);
          llvm::replace(stacks, before, after);
        }
        Block *body = builder.getInsertionBlock();
        body->getOperations().splice(body->end(), block->getOperations());
        builder.setInsertionPointToEnd(body);
        YieldOp::create(builder, loc, nexts, stacks);
      });
  reversed.setUnrollAttr(forward.getUnrollAttr());
  reversed.setRecompute(forward.getRecompute());
  return reversed;
}

LogicalResult LoopReverser::run() {
  findUsefulCarries();
  findExamples();
  findLimitedCarries();
  SmallVector<Operation *> ops;
  for (Operation &op : loop.getBodyBlock()->without_terminator())
    ops.push_back(&op);
  seed();
  if (failed(state.reverse(ops))) {
    block->dropAllDefinedValueUses();
    block->dropAllReferences();
    delete block;
    return failure();
  }
  finishBody();
  SmallVector<Value> firsts(loop.getFirsts());
  SmallVector<bool> ofExamples =
      llvm::map_to_vector(loop.getSliceArgs(), [&](Value argument) {
        return hasExamples(argument);
      });
  SmallVector<grad::SupportRef> steps = llvm::map_to_vector(
      outer, [&](Leaving &leaving) { return withSteps(leaving.value); });
  LoopOp forward = extendForward();
  LoopOp reversed = build(forward);
  if (forward != loop)
    loop.erase();
  delete block;
  for (Leaving &leaving : sliced)
    parent.accumulate(leaving.value, reversed.getStackResults()[leaving.result],
                      parent.both(sliceSupport(leaving, reversed),
                                  ofExamples[leaving.slice]
                                      ? examplesOf(leaving.value)
                                      : grad::SupportRef()));
  for (auto [number, carry] : llvm::enumerate(carryOf))
    parent.accumulate(
        firsts[carry], reversed.getFinalResults()[number],
        parent.both(examplesOf(firsts[carry]), limitSupport(carry, reversed)));
  for (auto [leaving, withSteps] : llvm::zip_equal(outer, steps))
    parent.accumulate(
        leaving.value, reversed.getFinalResults()[leaving.result],
        parent.both(outerSupport(leaving, reversed),
                    parent.both(examplesOf(leaving.value), withSteps)));
  return success();
}

namespace {
struct LoopRule : Rule<LoopRule, LoopOp> {
  static LogicalResult vjpRule(LoopOp op, OpBuilder &, ReverseState &state) {
    return LoopReverser(op, state).run();
  }
  static LogicalResult jvpRule(LoopOp op, OpBuilder &, ForwardState &state) {
    return extendByTangents(op, state);
  }
};
} // namespace

void scan::attachLoopRules(MLIRContext *context) {
  LoopOp::attachInterface<LoopRule>(*context);
}
