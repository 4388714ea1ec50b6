// Loop.cpp: the gradient of a time loop is a time loop in the other direction.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopState.h"
#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;
using grad::ForwardState;
using grad::ReverseState;

namespace {
// Builds the reversed loop of one loop.
class LoopReverser {
public:
  LoopReverser(LoopOp loop, ReverseState &parent)
      : loop(loop), parent(parent), block(new Block),
        state(loop, parent, block) {}

  LogicalResult run();

private:
  void findUsefulCarries();
  bool spreadUse(llvm::DenseSet<Value> &useful);
  void seed();
  void finishBody();
  void finishOuter();
  LoopOp extendForward();
  LoopOp build(LoopOp forward);
  Value orZeros(Value tensor, Value like);
  Value maskRowsInside(Value like, Value tensor);

  // A value carried backwards: its first value outside, its argument and its
  // next value in the body.
  struct Carry {
    Value first, argument, next;
  };

  LoopOp loop;
  ReverseState &parent;
  Block *block; // ends up in the reversed loop
  LoopState state;
  SmallVector<bool> usefulCarry;
  SmallVector<Carry> carries; // states, then sums for values from outside
  SmallVector<unsigned> carryOf; // which state each of the first ones is
  SmallVector<Value> outer;      // what each of the others is the sum for
  SmallVector<unsigned> sliceOf; // which slice each stacked value belongs to
  SmallVector<Value> stacks;
};
} // namespace

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
      if (!useful.contains(carry) && !parent.cotangent(loop.getFinalResults()[i]))
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

// The loop itself masks rows only where the batch leads.
Value LoopReverser::maskRowsInside(Value like, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  unsigned dynamic = type.getNumDynamicDims();
  bool leads = dynamic == 1 && type.isDynamicDim(0);
  return dynamic == 0 || leads ? tensor : state.maskRows(like, tensor);
}

// The cotangents that come from outside and from later steps.
void LoopReverser::seed() {
  YieldOp yield = loop.getYield();
  unsigned stacksBefore = loop.getNumStacks();
  for (unsigned k = 0; k < stacksBefore; ++k)
    if (Value g = parent.cotangent(loop.getStackResults()[k]))
      state.accumulate(yield.getStacks()[k], state.addSlice(g));
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
    state.accumulate(yield.getCarries()[i], carry.argument);
  }
}

// What the body yields: cotangents of the carries before the step, sums for
// values from outside, cotangents of the slices.
void LoopReverser::finishBody() {
  for (auto [carry, number] : llvm::zip_equal(carries, carryOf)) {
    Value argument = loop.getCarryArgs()[number];
    carry.next = orZeros(state.cotangent(argument), argument);
  }
  OpBuilder &builder = state.getBuilder();
  for (Value value : state.outerValues()) {
    auto type = cast<RankedTensorType>(value.getType());
    Carry carry;
    carry.first = parent.zeros(value);
    carry.argument = block->addArgument(type, loop.getLoc());
    Value g = state.cotangent(value);
    g = maskRowsInside(value, g);
    carry.next =
        arith::AddFOp::create(builder, loop.getLoc(), carry.argument, g);
    carries.push_back(carry);
    outer.push_back(value);
  }
  for (auto [number, argument] : llvm::enumerate(loop.getSliceArgs()))
    if (Value g = state.cotangent(argument)) {
      g = maskRowsInside(argument, g);
      sliceOf.push_back(number);
      stacks.push_back(g);
    }
}

// The forward loop again, with the results that the tape asks for.
LoopOp LoopReverser::extendForward() {
  unsigned before = loop.getNumStacks();
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
  for (unsigned k = 0; k < before; ++k)
    loop.getStackResults()[k].replaceAllUsesWith(extended.getStackResults()[k]);
  unsigned finals = loop.getNumResults() - before;
  for (unsigned i = 0; i < finals; ++i)
    loop.getResult(before + i).replaceAllUsesWith(
        extended.getFinalResults()[i]);
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
  return reversed;
}

LogicalResult LoopReverser::run() {
  findUsefulCarries();
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
  SmallVector<Value> slices(loop.getSlices()), firsts(loop.getFirsts());
  LoopOp forward = extendForward();
  LoopOp reversed = build(forward);
  if (forward != loop)
    loop.erase();
  delete block;
  for (auto [number, slice] : llvm::enumerate(sliceOf))
    parent.accumulate(slices[slice], reversed.getStackResults()[number]);
  for (auto [number, carry] : llvm::enumerate(carryOf))
    parent.accumulate(firsts[carry], reversed.getFinalResults()[number]);
  for (auto [number, value] : llvm::enumerate(outer))
    parent.accumulate(value,
                      reversed.getFinalResults()[carryOf.size() + number]);
  return success();
}

namespace {
struct LoopRule : Rule<LoopRule, LoopOp> {
  static LogicalResult vjpRule(LoopOp op, OpBuilder &, ReverseState &state) {
    return LoopReverser(op, state).run();
  }

  // The loop carries the tangents beside the values.
  static LogicalResult jvpRule(LoopOp op, OpBuilder &builder,
                               ForwardState &state);
};
} // namespace

LogicalResult LoopRule::jvpRule(LoopOp loop, OpBuilder &,
                                ForwardState &state) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  Block *body = loop.getBodyBlock();
  SmallVector<Operation *> ops;
  for (Operation &op : body->without_terminator())
    ops.push_back(&op);
  unsigned numSlices = loop.getNumSlices(), numCarries = loop.getNumCarries();
  SmallVector<Value> slices(loop.getSlices()), firsts(loop.getFirsts());

  // New arguments come last for now: the others keep their meaning.
  SmallVector<Value> sliceTangents, carryTangents;
  for (unsigned i = 0; i < numSlices; ++i)
    if (Value tangent = state.tangent(loop.getSlices()[i])) {
      Value argument = body->getArgument(1 + i);
      slices.push_back(tangent);
      sliceTangents.push_back(body->addArgument(argument.getType(), loc));
      state.setTangent(argument, sliceTangents.back());
    }
  SmallVector<unsigned> moving;
  for (unsigned i = 0; i < numCarries; ++i) {
    Value argument = body->getArgument(1 + numSlices + i);
    if (!state.isActive(argument))
      continue;
    Value tangent = state.tangent(loop.getFirsts()[i]);
    firsts.push_back(tangent
                         ? tangent
                         : splatLike(builder, loc, loop.getFirsts()[i], 0));
    moving.push_back(i);
    carryTangents.push_back(body->addArgument(argument.getType(), loc));
    state.setTangent(argument, carryTangents.back());
  }
  if (failed(state.run(ops)))
    return failure();

  YieldOp yield = loop.getYield();
  OpBuilder inner(yield);
  SmallVector<Value> nexts(yield.getCarries()), stacks(yield.getStacks());
  auto tangentOf = [&](Value value) {
    Value tangent = state.tangent(value);
    return tangent ? tangent : splatLike(inner, loc, value, 0);
  };
  for (unsigned i : moving)
    nexts.push_back(tangentOf(yield.getCarries()[i]));
  SmallVector<unsigned> stackedTangents;
  for (auto [k, value] : llvm::enumerate(yield.getStacks()))
    if (state.isActive(value)) {
      stackedTangents.push_back(k);
      stacks.push_back(tangentOf(value));
    }
  YieldOp::create(inner, loc, nexts, stacks);
  yield.erase();

  auto extended = LoopOp::create(
      builder, loc, loop.getTrip(), loop.getLengths(), slices, firsts,
      loop.getReverse(),
      [&](OpBuilder &, Location, Value step, ValueRange sliceArgs,
          ValueRange carryArgs) {
        Block *target = step.getParentBlock();
        ValueRange olds = body->getArguments();
        SmallVector<Value> order(olds.take_front(1 + numSlices));
        llvm::append_range(order, sliceTangents);
        llvm::append_range(order, olds.slice(1 + numSlices, numCarries));
        llvm::append_range(order, carryTangents);
        for (auto [before, after] :
             llvm::zip_equal(order, target->getArguments()))
          before.replaceAllUsesWith(after);
        target->getOperations().splice(target->end(), body->getOperations());
      });
  extended.setUnrollAttr(loop.getUnrollAttr());
  // Tangents are masked as their values are.
  auto extend = [&](std::optional<ArrayRef<int64_t>> numbers,
                    ArrayRef<unsigned> followers, unsigned first) {
    SmallVector<int64_t> result;
    if (numbers)
      llvm::append_range(result, *numbers);
    for (auto [number, follower] : llvm::enumerate(followers))
      if (numbers && llvm::is_contained(*numbers, follower))
        result.push_back(first + number);
    return result;
  };
  if (auto numbers = loop.getUnmaskedCarries())
    extended.setUnmaskedCarries(extend(numbers, moving, numCarries));
  unsigned numStacks = stacks.size() - stackedTangents.size();
  if (auto numbers = loop.getUnmaskedStacks())
    extended.setUnmaskedStacks(extend(numbers, stackedTangents, numStacks));

  for (auto [number, k] : llvm::enumerate(stackedTangents))
    state.setTangent(extended.getStackResults()[k],
                     extended.getStackResults()[numStacks + number]);
  for (auto [number, i] : llvm::enumerate(moving))
    state.setTangent(extended.getFinalResults()[i],
                     extended.getFinalResults()[numCarries + number]);
  unsigned before = numStacks;
  for (unsigned k = 0; k < before; ++k) {
    state.setTangent(loop.getResult(k),
                     state.tangent(extended.getStackResults()[k]));
    loop.getResult(k).replaceAllUsesWith(extended.getStackResults()[k]);
  }
  for (unsigned i = 0; i < numCarries; ++i)
    loop.getResult(before + i).replaceAllUsesWith(
        extended.getFinalResults()[i]);
  loop.erase();
  return success();
}

void scan::attachLoopRules(MLIRContext *context) {
  LoopOp::attachInterface<LoopRule>(*context);
}
