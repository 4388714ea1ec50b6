// Loop.cpp: the gradient of a time loop is a time loop in the other direction.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopState.h"
#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

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
  void findExamples();
  grad::SupportRef withSteps(Value value);
  grad::SupportRef examplesOf(Value value);
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
  grad::SupportRef examples; // the only ones with a cotangent; null: all
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

// If a condition of the program says that no result of some examples counts,
// nothing in the loop does.
void LoopReverser::findExamples() {
  SmallVector<std::pair<Value, grad::SupportRef>> supports;
  for (auto [number, result] : llvm::enumerate(loop.getResults())) {
    if (!parent.cotangent(result))
      continue;
    grad::SupportRef support = parent.supportOf(result);
    // What is the same for all examples does not say which ones count.
    Value step = number < loop.getNumStacks()
                     ? loop.getYield().getStacks()[number]
                     : result;
    if (!support || !support->isChosen() || parent.batchDimOf(step) < 0)
      return;
    supports.emplace_back(result, support);
  }
  if (supports.empty())
    return;
  // Made at once: the results are about to be replaced.
  Value any;
  for (auto &[result, support] : supports) {
    SmallVector<int64_t> others;
    auto type = cast<RankedTensorType>(result.getType());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (dim != parent.batchDimOf(result))
        others.push_back(dim);
    Value here = parent.anyOver(support->get(), result, others);
    any = any ? arith::OrIOp::create(parent.getBuilder(), loop.getLoc(), any,
                                     here)
              : here;
  }
  examples = std::make_shared<grad::Support>(true, [any] { return any; });
}

// For a value outside of the loop.
grad::SupportRef LoopReverser::examplesOf(Value value) {
  int64_t dim = parent.batchDimOf(value);
  if (!examples || dim < 0)
    return {};
  return std::make_shared<grad::Support>(
      true, [value, dim, examples = examples, outside = &parent] {
        return outside->widen(examples->get(), value, dim);
      });
}

// For one that all steps read: examples without steps do not.
grad::SupportRef LoopReverser::withSteps(Value value) {
  int64_t dim = parent.batchDimOf(value);
  Value lengths = loop.getLengths();
  if (!lengths || dim < 0)
    return {};
  return std::make_shared<grad::Support>(
      false, [value, dim, lengths = parent.value(lengths), outside = &parent] {
        return outside->widen(outside->isPositive(lengths), value, dim);
      });
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
    if (Value g = parent.cotangent(loop.getStackResults()[k])) {
      Value stack = yield.getStacks()[k];
      grad::SupportRef step =
          state.sliceOf(parent.supportOf(loop.getStackResults()[k]));
      state.accumulate(stack, state.addSlice(g),
                       state.both(step, state.ofExamples(examples, stack)));
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
    state.accumulate(yield.getCarries()[i], carry.argument,
                     state.ofExamples(examples, yield.getCarries()[i]));
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
  return reversed;
}

LogicalResult LoopReverser::run() {
  findUsefulCarries();
  findExamples();
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
  SmallVector<bool> hasExamples =
      llvm::map_to_vector(loop.getSliceArgs(), [&](Value argument) {
        return parent.batchDimOf(argument) >= 0;
      });
  SmallVector<grad::SupportRef> steps = llvm::map_to_vector(
      outer, [&](Value value) { return withSteps(value); });
  LoopOp forward = extendForward();
  LoopOp reversed = build(forward);
  if (forward != loop)
    loop.erase();
  delete block;
  for (auto [number, slice] : llvm::enumerate(sliceOf))
    parent.accumulate(slices[slice], reversed.getStackResults()[number],
                      hasExamples[slice] ? examplesOf(slices[slice])
                                         : grad::SupportRef());
  for (auto [number, carry] : llvm::enumerate(carryOf))
    parent.accumulate(firsts[carry], reversed.getFinalResults()[number],
                      examplesOf(firsts[carry]));
  for (auto [number, value] : llvm::enumerate(outer))
    parent.accumulate(value,
                      reversed.getFinalResults()[carryOf.size() + number],
                      parent.both(examplesOf(value), steps[number]));
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
