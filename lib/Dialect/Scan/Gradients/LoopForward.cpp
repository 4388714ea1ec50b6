// LoopForward.cpp: a time loop that carries the tangents beside the values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace {
// Takes the place of one loop. New arguments of the body come last until the
// new loop is built, so that the others keep their meaning.
class LoopExtender {
public:
  LoopExtender(LoopOp loop, ForwardState &state)
      : loop(loop), state(state), builder(loop), loc(loop.getLoc()),
        body(loop.getBodyBlock()), slices(loop.getSlices()),
        firsts(loop.getFirsts()) {}

  LogicalResult run();

private:
  void addSliceTangents();
  void addCarryTangents();
  void yieldTangents();
  LoopOp build();
  void maskAlike(LoopOp extended);
  void replaceBy(LoopOp extended);
  SmallVector<Value> argumentsInOrder();

  LoopOp loop;
  ForwardState &state;
  OpBuilder builder;
  Location loc;
  Block *body;
  SmallVector<Value> slices, firsts;               // of the new loop
  SmallVector<Value> sliceTangents, carryTangents; // arguments of the body
  SmallVector<unsigned> movingCarries, movingStacks;
};
} // namespace

void LoopExtender::addSliceTangents() {
  for (auto [slice, argument] :
       llvm::zip_equal(loop.getSlices(), llvm::to_vector(loop.getSliceArgs())))
    if (Value tangent = state.tangent(slice)) {
      slices.push_back(tangent);
      sliceTangents.push_back(body->addArgument(argument.getType(), loc));
      state.setTangent(argument, sliceTangents.back());
    }
}

void LoopExtender::addCarryTangents() {
  SmallVector<Value> arguments(body->getArguments().slice(
      1 + loop.getNumSlices(), loop.getNumCarries()));
  for (auto [number, argument] : llvm::enumerate(arguments)) {
    if (!state.isActive(argument))
      continue;
    Value first = loop.getFirsts()[number];
    Value tangent = state.tangent(first);
    firsts.push_back(tangent ? tangent : splatLike(builder, loc, first, 0));
    movingCarries.push_back(number);
    carryTangents.push_back(body->addArgument(argument.getType(), loc));
    state.setTangent(argument, carryTangents.back());
  }
}

void LoopExtender::yieldTangents() {
  YieldOp yield = loop.getYield();
  OpBuilder inner(yield);
  SmallVector<Value> nexts(yield.getCarries()), stacks(yield.getStacks());
  auto tangentOf = [&](Value value) {
    Value tangent = state.tangent(value);
    return tangent ? tangent : splatLike(inner, loc, value, 0);
  };
  for (unsigned i : movingCarries)
    nexts.push_back(tangentOf(yield.getCarries()[i]));
  for (unsigned k : movingStacks)
    stacks.push_back(tangentOf(yield.getStacks()[k]));
  YieldOp::create(inner, loc, nexts, stacks);
  yield.erase();
}

// Old arguments, in the order of the new loop's.
SmallVector<Value> LoopExtender::argumentsInOrder() {
  ValueRange old = body->getArguments();
  unsigned beforeCarries = 1 + loop.getNumSlices();
  SmallVector<Value> order(old.take_front(beforeCarries));
  llvm::append_range(order, sliceTangents);
  llvm::append_range(order, old.slice(beforeCarries, loop.getNumCarries()));
  llvm::append_range(order, carryTangents);
  return order;
}

LoopOp LoopExtender::build() {
  auto extended = LoopOp::create(
      builder, loc, loop.getTrip(), loop.getLengths(), slices, firsts,
      loop.getReverse(),
      [&](OpBuilder &, Location, Value step, ValueRange, ValueRange) {
        Block *target = step.getParentBlock();
        for (auto [before, after] :
             llvm::zip_equal(argumentsInOrder(), target->getArguments()))
          before.replaceAllUsesWith(after);
        target->getOperations().splice(target->end(), body->getOperations());
      });
  extended.setUnrollAttr(loop.getUnrollAttr());
  extended.setRecompute(loop.getRecompute());
  maskAlike(extended);
  return extended;
}

// Tangents are masked as their values are.
void LoopExtender::maskAlike(LoopOp extended) {
  auto extend = [](ArrayRef<int64_t> numbers, ArrayRef<unsigned> moving,
                   unsigned first) {
    SmallVector<int64_t> result(numbers);
    for (auto [number, value] : llvm::enumerate(moving))
      if (llvm::is_contained(numbers, value))
        result.push_back(first + number);
    return result;
  };
  if (auto numbers = loop.getUnmaskedCarries())
    extended.setUnmaskedCarries(
        extend(*numbers, movingCarries, loop.getNumCarries()));
  if (auto numbers = loop.getUnmaskedStacks())
    extended.setUnmaskedStacks(extend(
        *numbers, movingStacks, extended.getNumStacks() - movingStacks.size()));
}

void LoopExtender::replaceBy(LoopOp extended) {
  ValueRange stacks = extended.getStackResults();
  ValueRange finals = extended.getFinalResults();
  unsigned numCarries = finals.size() - movingCarries.size();
  unsigned numStacks = stacks.size() - movingStacks.size();
  for (auto [number, k] : llvm::enumerate(movingStacks))
    state.setTangent(stacks[k], stacks[numStacks + number]);
  for (auto [number, i] : llvm::enumerate(movingCarries))
    state.setTangent(finals[i], finals[numCarries + number]);
  SmallVector<Value> now(stacks.take_front(numStacks));
  llvm::append_range(now, finals.take_front(numCarries));
  loop->replaceAllUsesWith(now);
  loop.erase();
}

LogicalResult LoopExtender::run() {
  SmallVector<Operation *> ops;
  for (Operation &op : body->without_terminator())
    ops.push_back(&op);
  addSliceTangents();
  addCarryTangents();
  // Before loops in the body are replaced: activity is known of the old ones.
  for (auto [number, value] : llvm::enumerate(loop.getYield().getStacks()))
    if (state.isActive(value))
      movingStacks.push_back(number);
  if (failed(state.run(ops)))
    return failure();
  yieldTangents();
  replaceBy(build());
  return success();
}

LogicalResult scan::extendByTangents(LoopOp loop, ForwardState &state) {
  return LoopExtender(loop, state).run();
}
