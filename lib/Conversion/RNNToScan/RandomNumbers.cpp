// RandomNumbers.cpp: dropout and noise.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering.h"

#include "llvm/Support/SaveAndRestore.h"

#include <cmath>

using namespace mlir;

namespace rnnc::batch {

/// Uniform numbers in [0, 1), one for each entry of a value with these axes
/// that is not along `tied`.
FailureOr<Batched> Lowering::uniform(Operation *op, const Axes &axes,
                                     int64_t site, StringRef tied) {
  // The step that the numbers count: that of the innermost loop or time
  // binder, else the value's first time axis.
  Dims dims = {batchDim()};
  Value at;
  std::optional<Dim> time;
  for (const Frame &frame : llvm::reverse(e.frames)) {
    if (!frame.step || frame.axis.name == tied)
      continue;
    at = frame.at;
    if (frame.binder)
      time = binderDim(*frame.binder);
    break;
  }
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis.name == tied)
      continue;
    dims.push_back(axisDim(i));
    if (axis.time && !at && !time)
      time = axisDim(i);
  }
  if (time && !llvm::is_contained(dims, *time))
    dims.push_back(*time);
  // Another time axis counts elements, before all else: so the numbers do not
  // depend on how long it is.
  std::optional<Dim> other;
  for (Dim dim : dims) {
    if (dim.kind != Dim::Axis || !axes[dim.id].time || time == dim)
      continue;
    if (other) {
      StringRef name = axes[dim.id].name;
      op->emitError() << "[E142] random numbers are drawn along two time axes: "
                         "`tied = "
                      << name << "` keeps the same ones along `" << name << "`";
      return failure();
    }
    other = dim;
  }
  // Every entry of a fixed axis around draws for itself.
  for (const Frame &frame : e.frames)
    if (!frame.step && frame.binder && frame.axis.name != tied)
      dims.push_back(binderDim(*frame.binder));
  e.sort(dims, axes);
  // Times and the row stand first, as in all tensors, what else counts the
  // elements behind them.
  for (std::optional<Dim> first : {std::optional(batchDim()), other, time})
    if (first) {
      Dim *place = llvm::find(dims, *first);
      std::rotate(dims.begin(), place, place + 1);
    }
  // Entries of time axes that are rows have the numbers of their example.
  llvm::SaveAndRestore<Value> outside(
      e.batch, e.rows.empty() ? e.batch : e.rows.front().sizes.back());
  Batched number;
  number.dims = dims;
  number.axes = axes;
  auto place = [&](std::optional<Dim> dim) {
    return dim ? e.b.getI64IntegerAttr(number.position(*dim)) : IntegerAttr();
  };
  number.value = scan::RandomOp::create(
      e.b, e.loc, e.typeFor(dims, axes, e.real), seed,
      e.dynamicSizes(dims, axes), at, e.b.getI64IntegerAttr(site), place(time),
      place(batchDim()));
  number = e.canonical(number);
  for (const RowDims &rows : e.rows) {
    e.batch = rows.sizes.back();
    number = e.toRows(number, rows);
  }
  return number;
}

/// A bit: whether no seed was given, which is said by a negative one.
Batched Lowering::noSeed() {
  auto scalar = RankedTensorType::get({}, e.b.getI64Type());
  Value number = tensor::ExtractSliceOp::create(
      e.b, e.loc, scalar, seed, ArrayRef<OpFoldResult>{e.b.getIndexAttr(0)},
      ArrayRef<OpFoldResult>{e.b.getIndexAttr(1)},
      ArrayRef<OpFoldResult>{e.b.getIndexAttr(1)});
  return e.compare(arith::CmpIPredicate::slt, {number, {}, {}, {}},
                   e.constantInt(0, e.b.getI64Type()));
}

FailureOr<Batched> Lowering::dropout(rnn::DropoutOp op) {
  auto x = get(op.getValue());
  double p = op.getP().convertToDouble();
  if (failed(x) || !options.training || p == 0)
    return x;
  auto number = uniform(op, x->axes, op.getSite(),
                        op.getTied() ? op.getTied()->getName() : "");
  if (failed(number))
    return failure();
  Batched rate = e.constant(p), scale = e.constant(1 / (1 - p));
  if (p == 1)
    scale = e.constant(0);
  if (seedOptional) {
    Batched none = noSeed(); // Keep everything.
    rate = e.select(none, e.constant(0), rate);
    scale = e.select(none, e.constant(1), scale);
  }
  Batched keep = e.compare(arith::CmpFPredicate::OGE, *number, rate);
  return e.select(keep, e.mul(*x, scale), e.constant(0));
}

FailureOr<Batched> Lowering::noise(rnn::NoiseOp op) {
  auto x = get(op.getValue()), a = get(op.getA()), b = get(op.getB());
  if (failed(x) || failed(a) || failed(b) || !drawsNoise())
    return x;
  StringRef tied = op.getTied() ? op.getTied()->getName() : "";
  auto number = uniform(op, x->axes, op.getSite(), tied);
  if (failed(number))
    return failure();
  Batched drawn, width = *b;
  if (op.getKind() == rnn::NoiseKind::Uniform) {
    drawn = *number;
    width = e.sub(*b, *a);
  } else {
    // Box and Muller's transform.
    auto angle = uniform(op, x->axes, op.getSite() + 1, tied);
    if (failed(angle))
      return failure();
    Batched radius = e.log(e.sub(e.constant(1), *number));
    radius = mapUnary<math::SqrtOp>(e, e.mul(radius, e.constant(-2)));
    drawn = e.mul(
        radius, mapUnary<math::CosOp>(e, e.mul(*angle, e.constant(2 * M_PI))));
  }
  Batched added = e.add(*a, e.mul(width, drawn));
  if (seedOptional)
    added = e.select(noSeed(), e.constant(0), added);
  return e.add(*x, added);
}

} // namespace rnnc::batch
