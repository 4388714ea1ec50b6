// Loops.cpp: the time loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Evaluator.h"

using namespace mlir;

namespace rnnc::interpreter {

/// Step `t` of a stacked tensor.
static Tensor row(const Tensor &x, int64_t t) {
  Tensor result({x.shape.begin() + 1, x.shape.end()});
  auto from = x.data.begin() + t * result.size();
  std::copy(from, from + result.size(), result.data.begin());
  return result;
}

/// For rows that are over: `after` becomes `before`, or 0.
static void keepOver(Tensor &after, const Tensor *before, const Tensor &lengths,
                     int64_t t) {
  int64_t rows = after.shape[0], size = rows ? after.size() / rows : 0;
  for (int64_t b = 0; b < rows; ++b)
    if (double(t) >= lengths.data[b])
      for (int64_t i = b * size; i < (b + 1) * size; ++i)
        after.data[i] = before ? before->data[i] : 0;
}

static bool isBatched(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getRank() > 0 && tensor.isDynamicDim(0);
}

LogicalResult Evaluator::loop(scan::LoopOp op) {
  int64_t trip = integer(op.getTrip());
  std::vector<Tensor> carries, stacks(op.getNumStacks());
  for (Value init : op.getFirsts())
    carries.push_back(get(init));
  scan::YieldOp yield = op.getYield();
  for (int64_t n = 0; n < trip; ++n) {
    int64_t t = op.getReverse() ? trip - 1 - n : n;
    set(op.getStep(), Tensor::scalar(double(t)));
    for (auto [argument, slice] : llvm::zip(op.getSliceArgs(), op.getSlices()))
      set(argument, row(get(slice), t));
    for (auto [argument, carry] : llvm::zip(op.getCarryArgs(), carries))
      set(argument, carry);
    if (failed(run(*op.getBodyBlock())))
      return failure();
    for (auto [i, value] : llvm::enumerate(yield.getCarries())) {
      Tensor next = get(value);
      if (op.getLengths() && op.isMaskedCarry(i) && isBatched(value.getType()))
        keepOver(next, &carries[i], get(op.getLengths()), t);
      carries[i] = std::move(next);
    }
    for (auto [i, value] : llvm::enumerate(yield.getStacks())) {
      Tensor one = get(value);
      if (op.getLengths() && op.isMaskedStack(i) && isBatched(value.getType()))
        keepOver(one, nullptr, get(op.getLengths()), t);
      if (n == 0) {
        std::vector<int64_t> shape = one.shape;
        shape.insert(shape.begin(), trip);
        stacks[i] = Tensor(shape);
      }
      std::copy(one.data.begin(), one.data.end(),
                stacks[i].data.begin() + t * one.size());
    }
  }
  for (auto [i, result] : llvm::enumerate(op.getStackResults())) {
    // Without a step nothing says how large dynamic dimensions are, and
    // nothing is in them.
    if (trip == 0) {
      auto type = cast<RankedTensorType>(result.getType());
      std::vector<int64_t> shape(type.getShape());
      for (int64_t &size : shape)
        size = ShapedType::isDynamic(size) ? 0 : size;
      if (type.getRank() > 1 && type.isDynamicDim(1) && op.getLengths())
        shape[1] = get(op.getLengths()).size();
      stacks[i] = Tensor(shape);
    }
    set(result, std::move(stacks[i]));
  }
  for (auto [result, carry] : llvm::zip(op.getFinalResults(), carries))
    set(result, std::move(carry));
  return success();
}

} // namespace rnnc::interpreter
