// Sequences.cpp: last, reverse, shift and cumsum along the first axis.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering.h"

using namespace mlir;

namespace rnnc::batch {

Batched Lowering::pickStep(scan::StepKind kind, const Batched &x,
                           unsigned along) {
  const AxisInfo &axis = x.axes[along];
  if (!axis.time) {
    assert(along == 0 && "only time axes lie inside of others");
    return stepAt(x, kind == scan::StepKind::first ? 0 : axis.size - 1);
  }
  if (options.step)
    return dropAxis(x, along);
  Dim steps = axisDim(along);
  Batched picked =
      e.inRows(e.with(x, {steps, batchDim()}), steps,
               [&](const Batched &whole, Value lengths, const RowDims *) {
                 Batched result = whole;
                 result.value = scan::PickStepOp::create(
                     e.b, e.loc, kind, whole.value, lengths,
                     whole.position(steps), whole.position(batchDim()));
                 llvm::erase(result.dims, steps);
                 return result;
               });
  return dropAxis(picked, along);
}

/// Running sums along the first axis, a fixed one: each round adds what lies
/// twice as far back.
Batched Lowering::cumulated(const Batched &x) {
  Batched sum = e.with(x, {axisDim(0)});
  int64_t size = x.axes[0].size, position = sum.position(axisDim(0));
  for (int64_t by = 1; by < size; by *= 2) {
    Batched none = e.constant(0), moved = sum;
    none.axes = sum.axes;
    none.axes[0].size = by;
    moved.value = tensor::ConcatOp::create(
        e.b, e.loc, cast<RankedTensorType>(sum.value.getType()), position,
        ValueRange{e.with(none, sum.dims).value,
                   part(sum, 0, size - by).value});
    sum = e.add(sum, moved);
  }
  return sum;
}

FailureOr<Batched> Lowering::sequence(rnn::SequenceOp op) {
  auto x = get(op.getValue());
  if (failed(x))
    return x;
  if (op.getKind() == rnn::SequenceKind::First)
    return pickStep(scan::StepKind::first, *x);
  if (op.getKind() == rnn::SequenceKind::Last)
    return pickStep(scan::StepKind::last, *x);
  if (op.getKind() == rnn::SequenceKind::CumSum)
    return cumulated(*x);
  if (op.getKind() == rnn::SequenceKind::Reverse)
    return reversed(*x);
  auto fill = get(op.getFill());
  if (failed(fill))
    return fill;
  return shifted(*x, *fill);
}

Batched Lowering::reversed(const Batched &x) {
  return e.inRows(e.with(x, {axisDim(0), batchDim()}), axisDim(0),
                  [&](const Batched &whole, Value lengths, const RowDims *) {
                    Batched result = whole;
                    result.value = scan::ReverseOp::create(
                        e.b, e.loc, whole.value.getType(), whole.value, lengths,
                        whole.position(axisDim(0)), whole.position(batchDim()));
                    return result;
                  });
}

/// One step later, behind `fill`.
Batched Lowering::shifted(const Batched &x, const Batched &fill) {
  Batched first = Emitter::suffix(fill, x.axes.size());
  first.axes = x.axes;
  Dims needed = {axisDim(0), batchDim()};
  llvm::append_range(needed, first.dims);
  return e.inRows(
      e.with(x, needed), axisDim(0),
      [&](const Batched &whole, Value lengths, const RowDims *rows) {
        Batched result = whole, front = first;
        if (rows)
          front = e.toRows(first, *rows);
        Dims step = whole.dims;
        llvm::erase(step, axisDim(0));
        result.value = scan::ShiftOp::create(
            e.b, e.loc, whole.value.getType(), whole.value,
            e.align(front, step, whole.axes), lengths, e.b.getI64IntegerAttr(1),
            e.b.getI64IntegerAttr(whole.position(axisDim(0))),
            e.b.getI64IntegerAttr(whole.position(batchDim())));
        return result;
      });
}

} // namespace rnnc::batch
