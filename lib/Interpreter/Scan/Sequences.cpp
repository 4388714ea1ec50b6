// Sequences.cpp: ops that know of steps and lengths, and random numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Evaluator.h"

using namespace mlir;

namespace rnnc::interpreter {

int64_t Evaluator::lengthOf(Value lengths, int64_t row, int64_t steps) {
  return lengths ? int64_t(get(lengths).data[row]) : steps;
}

void Evaluator::mask(scan::MaskOp op) {
  Tensor result = get(op.getInput());
  const Tensor &lengths = get(op.getLengths());
  double fill = op.getFill().convertToDouble();
  forEach(result.shape, [&](ArrayRef<int64_t> i) {
    int64_t step = op.getAt() ? integer(op.getAt()) : i[*op.getTimeDim()];
    if (double(step) >= lengths.data[i[op.getBatchDim()]])
      result.at(i) = fill;
  });
  set(op, std::move(result));
}

// How many steps of the sequence at `index` are valid.
template <typename OpTy>
int64_t Evaluator::validSteps(OpTy op, ArrayRef<int64_t> shape,
                              ArrayRef<int64_t> index) {
  if (!op.getLengths())
    return shape[op.getTimeDim()];
  return lengthOf(op.getLengths(), index[op.getBatchDim()], 0);
}

void Evaluator::reverse(scan::ReverseOp op) {
  const Tensor &x = get(op.getInput());
  Tensor result(x.shape);
  int64_t time = op.getTimeDim();
  forEach(x.shape, [&](ArrayRef<int64_t> i) {
    int64_t length = validSteps(op, x.shape, i);
    if (i[time] >= length)
      return;
    Index from(i);
    from[time] = length - 1 - i[time];
    result.at(i) = x.at(from);
  });
  set(op, std::move(result));
}

void Evaluator::shift(scan::ShiftOp op) {
  const Tensor &x = get(op.getInput());
  Tensor result(x.shape);
  int64_t time = op.getTimeDim();
  forEach(x.shape, [&](ArrayRef<int64_t> i) {
    int64_t length = validSteps(op, x.shape, i);
    if (i[time] >= length)
      return;
    Index from(i);
    from[time] -= op.getBy();
    if (from[time] >= 0 && from[time] < length)
      result.at(i) = x.at(from);
    else if (op.getFill())
      result.at(i) = get(op.getFill()).at(drop(i, {time}));
  });
  set(op, std::move(result));
}

void Evaluator::pickStep(scan::PickStepOp op) {
  const Tensor &x = get(op.getInput());
  int64_t time = op.getTimeDim();
  Index shape = drop(x.shape, {time});
  Tensor result({shape.begin(), shape.end()});
  forEach(x.shape, [&](ArrayRef<int64_t> i) {
    int64_t length = validSteps(op, x.shape, i);
    int64_t step = op.getWhich() == scan::StepKind::first ? 0 : length - 1;
    if (i[time] == step && step < length)
      result.at(drop(i, {time})) = x.at(i);
  });
  set(op, std::move(result));
}

void Evaluator::placeStep(scan::PlaceStepOp op) {
  const Tensor &x = get(op.getInput());
  int64_t time = op.getTimeDim();
  std::vector<int64_t> shape = x.shape;
  int64_t size = cast<RankedTensorType>(op.getType()).getDimSize(time);
  shape.insert(shape.begin() + time,
               ShapedType::isDynamic(size) ? integer(op.getSize()) : size);
  Tensor result(shape);
  forEach(shape, [&](ArrayRef<int64_t> i) {
    int64_t length = validSteps(op, shape, i);
    int64_t step = op.getWhich() == scan::StepKind::first ? 0 : length - 1;
    if (i[time] == step && step < length)
      result.at(i) = x.at(drop(i, {time}));
  });
  set(op, std::move(result));
}

/// Where memory decides, a few segments: results do not depend on it.
void Evaluator::segments(scan::SegmentsOp op) {
  int64_t trip = integer(op.getTrip());
  scan::CheckpointAttr policy = op.getPolicy();
  if (policy.getKind() == scan::CheckpointKind::memory)
    policy = scan::CheckpointAttr::get(op.getContext(),
                                       scan::CheckpointKind::sqrt, 0);
  auto [count, steps] = scan::segmentsOf(policy, trip);
  set(op.getCount(), Tensor::scalar(double(count)));
  set(op.getSteps(), Tensor::scalar(double(steps)));
}

/// A few chunks: results do not depend on it.
void Evaluator::chunks(scan::ChunksOp op) {
  auto [count, steps] = scan::chunksOf(3, 1, integer(op.getTrip()));
  set(op.getCount(), Tensor::scalar(double(count)));
  set(op.getSteps(), Tensor::scalar(double(steps)));
}

void Evaluator::split(scan::SplitOp op) {
  const Tensor &x = get(op.getInput());
  std::vector<int64_t> shape = x.shape;
  shape[0] = integer(op.getSteps());
  shape.insert(shape.begin(), integer(op.getCount()));
  Tensor result(shape);
  std::copy(x.data.begin(), x.data.end(), result.data.begin());
  set(op, std::move(result));
}

void Evaluator::join(scan::JoinOp op) {
  const Tensor &x = get(op.getInput());
  std::vector<int64_t> shape(x.shape.begin() + 1, x.shape.end());
  shape[0] = integer(op.getSize());
  // Without a segment nothing says how large the other dimensions are.
  if (shape[0] == 0 && shape.size() > 1 && op.getLengths())
    shape[1] = get(op.getLengths()).size();
  Tensor result(shape);
  if (shape[0] > 0)
    std::copy_n(x.data.begin(), result.data.size(), result.data.begin());
  set(op, std::move(result));
}

void Evaluator::partLengths(scan::PartLengthsOp op) {
  Tensor result = get(op.getLengths());
  double from = double(integer(op.getFrom()));
  double steps = double(integer(op.getSteps()));
  for (double &length : result.data)
    length = std::clamp(length - from, 0.0, steps);
  set(op, std::move(result));
}

void Evaluator::relayout(Operation &op, bool entering) {
  const Tensor &x = get(op.getOperand(0));
  ValueRange lengths = op.getOperands().drop_front();
  int64_t count = lengths.size();
  // Inside, the time axes stand before the batch.
  Index inside;
  for (int64_t i = 1; i <= count; ++i)
    inside.push_back(i);
  inside.push_back(0);
  for (int64_t i = count + 1; i < int64_t(x.shape.size()); ++i)
    inside.push_back(i);
  Tensor result(x.shape);
  if (entering) {
    Index shape = pick(x.shape, inside);
    result.shape.assign(shape.begin(), shape.end());
  } else {
    for (auto [i, dim] : llvm::enumerate(inside))
      result.shape[dim] = x.shape[i];
  }
  const std::vector<int64_t> &outer = entering ? x.shape : result.shape;
  forEach(outer, [&](ArrayRef<int64_t> i) {
    bool valid = true;
    for (int64_t n = 0; n < count; ++n)
      valid &= double(i[n + 1]) < get(lengths[n]).data[i[0]];
    Index in = pick(i, inside);
    if (entering)
      result.at(in) = valid ? x.at(i) : 0;
    else
      result.at(i) = valid ? x.at(in) : 0;
  });
  set(op.getResult(0), std::move(result));
}

//===-- Random numbers
//-----------------------------------------------------===//

/// Number `element` of Philox4x32-10 at a place.
static double uniform(uint32_t k0, uint32_t k1, uint32_t site, uint32_t row,
                      uint32_t step, int64_t element) {
  uint32_t c[4] = {site, row, step, uint32_t(element / 4)};
  for (int round = 0; round < 10; ++round) {
    uint64_t left = uint64_t(c[0]) * 0xD2511F53u;
    uint64_t right = uint64_t(c[2]) * 0xCD9E8D57u;
    uint32_t next[4] = {uint32_t(right >> 32) ^ c[1] ^ k0, uint32_t(right),
                        uint32_t(left >> 32) ^ c[3] ^ k1, uint32_t(left)};
    std::copy(next, next + 4, c);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return double(c[element % 4] >> 8) / 16777216.0;
}

void Evaluator::random(scan::RandomOp op) {
  const Tensor &key = get(op.getKey());
  Tensor result(shapeOf(op.getType(), op.getSizes()));
  SmallVector<int64_t> special;
  if (op.getTimeDim())
    special.push_back(*op.getTimeDim());
  if (op.getBatchDim())
    special.push_back(*op.getBatchDim());
  Index rest = drop(result.shape, special);
  forEach(result.shape, [&](ArrayRef<int64_t> i) {
    int64_t element = 0;
    for (auto [size, number] : llvm::zip(rest, drop(i, special)))
      element = element * size + number;
    int64_t step = (op.getTimeDim() ? i[*op.getTimeDim()] : 0) +
                   (op.getAt() ? integer(op.getAt()) : 0);
    int64_t row = op.getBatchDim() ? i[*op.getBatchDim()] : 0;
    result.at(i) =
        uniform(uint32_t(int64_t(key.data[0])), uint32_t(int64_t(key.data[1])),
                op.getSite(), row, step, element);
  });
  set(op, std::move(result));
}

bool Evaluator::sequences(Operation &op) {
  return llvm::TypeSwitch<Operation *, bool>(&op)
      .Case([&](scan::MaskOp op) { return mask(op), true; })
      .Case([&](scan::ReverseOp op) { return reverse(op), true; })
      .Case([&](scan::ShiftOp op) { return shift(op), true; })
      .Case([&](scan::PickStepOp op) { return pickStep(op), true; })
      .Case([&](scan::PlaceStepOp op) { return placeStep(op), true; })
      .Case([&](scan::SegmentsOp op) { return segments(op), true; })
      .Case([&](scan::ChunksOp op) { return chunks(op), true; })
      .Case([&](scan::SplitOp op) { return split(op), true; })
      .Case([&](scan::JoinOp op) { return join(op), true; })
      .Case([&](scan::PartLengthsOp op) { return partLengths(op), true; })
      .Case([&](scan::EnterOp op) { return relayout(*op, true), true; })
      .Case([&](scan::LeaveOp op) { return relayout(*op, false), true; })
      .Case([&](scan::RandomOp op) { return random(op), true; })
      .Default([](Operation *) { return false; });
}

} // namespace rnnc::interpreter
