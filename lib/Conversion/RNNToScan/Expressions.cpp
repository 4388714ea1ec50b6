// Expressions.cpp: products, look-ups, reductions and binders.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering.h"

#include "rnnc/Support/Work.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace rnnc::batch {

Batched dropAxis(Batched value, unsigned position) {
  value.axes.erase(value.axes.begin() + position);
  for (Dim &dim : value.dims)
    if (dim.kind == Dim::Axis && dim.id > position)
      --dim.id;
  return value;
}

static Dim lastAxis(const Batched &value) {
  return axisDim(value.axes.size() - 1);
}

AxisInfo Lowering::info(rnn::AxisAttr axis) {
  return {axis.getName().str(), axis.isTime() ? 0 : axis.getSize(),
          axis.isTime()};
}

Axes Lowering::axesOf(rnn::ValueType type) {
  return llvm::map_to_vector<0>(type.getAxes(), info);
}

FailureOr<Batched> Lowering::get(Value value) {
  auto found = values.find(value);
  if (found == values.end()) {
    mlir::emitError(e.loc, "this value has no place in the function made here");
    return failure();
  }
  const Batched &batched = found->second;
  if (!batched.binderIndex)
    return batched;
  const AxisInfo &axis = e.binders[*batched.binderIndex].axis;
  return e.rename(e.iota(axis), axisDim(0), binderDim(*batched.binderIndex),
                  {});
}

FailureOr<Batched> Lowering::expression(Operation *op) {
  using Result = FailureOr<Batched>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](rnn::ConstantOp op) { return constant(op); })
      .Case([&](rnn::UnaryOp op) { return unary(op); })
      .Case([&](rnn::BinaryOp op) { return binary(op); })
      .Case([&](rnn::CompareOp op) { return compare(op); })
      .Case([&](rnn::LogicOp op) { return logic(op); })
      .Case([&](rnn::NotOp op) { return negation(op); })
      .Case([&](rnn::SelectOp op) { return select(op); })
      .Case([&](rnn::ClampOp op) { return clamp(op); })
      .Case([&](rnn::MatchOp op) { return match(op); })
      .Case([&](rnn::JoinOp op) { return join(op); })
      .Case([&](rnn::LookupOp op) { return lookup(op); })
      .Case([&](rnn::LabelOp op) { return label(op); })
      .Case([&](rnn::ReduceLastOp op) { return reduceLast(op); })
      .Case([&](rnn::SequenceOp op) { return sequence(op); })
      .Case([&](rnn::ArgMaxOp op) { return argmax(op); })
      .Case([&](rnn::OneHotOp op) { return onehot(op); })
      .Case([&](rnn::DropoutOp op) { return dropout(op); })
      .Case([&](rnn::NoiseOp op) { return noise(op); })
      .Case([&](rnn::BindOp op) { return bind(op); })
      .Case([&](rnn::ToRealOp op) -> Result {
        auto x = get(op.getValue());
        return failed(x) ? x : Result(e.toReal(*x));
      })
      .Case([&](rnn::AsOp op) { return as(op); })
      .Case([&](rnn::TableOp op) { return table(op); })
      .Case([&](rnn::ListOp op) { return list(op); })
      .Case([&](rnn::SliceOp op) -> Result {
        auto x = get(op.getValue());
        if (failed(x))
          return x;
        Axes axes = axesOf(op.getType());
        Batched result = part(*x, op.getFrom(), axes[0].size);
        result.axes = std::move(axes);
        return result;
      })
      .Case([&](rnn::StopOp op) -> Result {
        auto x = get(op.getValue());
        if (succeeded(x))
          x->value = scan::StopOp::create(e.b, e.loc, x->value);
        return x;
      })
      .Case([&](rnn::ClipGradOp op) -> Result {
        // Each example and step has a gradient of its own to limit.
        auto x = get(op.getValue());
        // `step` has no gradient, and its time axes have no size.
        if (failed(x) || options.step)
          return x;
        Batched whole = e.full(*x, true);
        for (const Frame &frame : e.frames)
          if (frame.binder && !frame.inRows)
            whole = e.with(whole, {binderDim(*frame.binder)});
        whole.value = scan::ClipGradOp::create(e.b, e.loc, whole.value,
                                               op.getLimitAttr());
        return whole;
      })
      .Default([](Operation *op) -> Result {
        op->emitError("this op is not lowered to the scan level yet");
        return failure();
      });
}

LogicalResult Lowering::lower(Operation *op) {
  e.loc = op->getLoc();
  workOn(e.loc);
  if (madeBefore.contains(op))
    return success();
  if (auto loop = dyn_cast<rnn::ScanOp>(op))
    return scan(loop);
  if (auto drawn = dyn_cast<rnn::UnfoldOp>(op))
    return unfold(drawn);
  // Distributions are read where they are observed.
  if (isa<rnn::DistOp, rnn::LawOp>(op))
    return success();
  FailureOr<Batched> result = expression(op);
  if (failed(result))
    return failure();
  values[op->getResult(0)] = std::move(*result);
  return success();
}

/// The product over x's last and y's first axis.
Batched Lowering::dot(const Batched &x, const Batched &y) {
  unsigned inner = x.axes.size() - 1;
  Batched a = e.maskDim(e.with(x, {axisDim(inner)}), axisDim(inner));
  Batched b = e.maskDim(e.with(y, {axisDim(0)}), axisDim(0));
  Batched result;
  result.axes.assign(a.axes.begin(), a.axes.end() - 1);
  result.axes.append(b.axes.begin() + 1, b.axes.end());
  // y's own axes in the numbering of the result.
  auto renumbered = [&](Dim dim) {
    return dim.kind == Dim::Axis ? axisDim(dim.id - 1 + inner) : dim;
  };
  SmallVector<int64_t> aBatch, bBatch;
  Dims shared, aFree, bFree;
  for (auto [i, dim] : llvm::enumerate(a.dims)) {
    if (dim == axisDim(inner))
      continue;
    if (dim.kind == Dim::Axis || !b.has(dim)) {
      aFree.push_back(dim);
      continue;
    }
    shared.push_back(dim);
    aBatch.push_back(i);
    bBatch.push_back(b.position(dim));
  }
  for (Dim dim : b.dims)
    if (dim != axisDim(0) && (dim.kind == Dim::Axis || !a.has(dim)))
      bFree.push_back(renumbered(dim));
  SmallVector<int64_t> aContract = {a.position(axisDim(inner))};
  SmallVector<int64_t> bContract = {b.position(axisDim(0))};
  // The operand with the leading dimensions stands first: the result mostly
  // has its canonical order then, and its rows are time and batch.
  auto order = [&](const Dims &first, const Dims &second) {
    Dims dims = shared;
    llvm::append_range(dims, first);
    llvm::append_range(dims, second);
    return dims;
  };
  Dims wanted = order(aFree, bFree);
  e.sort(wanted, result.axes);
  Dims turned = order(bFree, aFree);
  bool leads = !wanted.empty() && turned.front() == wanted.front();
  if (leads && (aFree.empty() || order(aFree, bFree) != wanted)) {
    result.dims = turned;
    result.value = scan::DotOp::create(e.b, e.loc, b.value, a.value, bBatch,
                                       aBatch, bContract, aContract);
  } else {
    result.dims = order(aFree, bFree);
    result.value = scan::DotOp::create(e.b, e.loc, a.value, b.value, aBatch,
                                       bBatch, aContract, bContract);
  }
  return e.canonical(result);
}

FailureOr<Batched> Lowering::match(rnn::MatchOp op) {
  auto x = get(op.getLhs()), y = get(op.getRhs());
  if (failed(x) || failed(y))
    return failure();
  return dot(*x, *y);
}

FailureOr<Batched> Lowering::join(rnn::JoinOp op) {
  auto x = get(op.getLhs()), y = get(op.getRhs());
  if (failed(x) || failed(y))
    return failure();
  if (x->axes.back().time || y->axes.back().time) {
    op.emitError("[E127] `++` cannot join along a time axis");
    return failure();
  }
  Dims all = {lastAxis(*x)};
  for (const Batched *side : {&*x, &*y})
    for (Dim dim : side->dims)
      if (!llvm::is_contained(all, dim))
        all.push_back(dim);
  Batched a = e.with(*x, all), b = e.with(*y, all), result = a;
  result.axes = axesOf(op.getType());
  result.value = tensor::ConcatOp::create(
      e.b, e.loc, e.typeFor(result.dims, result.axes, e.real),
      a.position(lastAxis(a)), ValueRange{a.value, b.value});
  return result;
}

/// Consecutive entries along a dimension of what was put together along it, if
/// they are whole parts; else null.
static Value wholeParts(OpBuilder &b, Location loc, Value value, int64_t dim,
                        int64_t from, int64_t size) {
  auto concat = value.getDefiningOp<tensor::ConcatOp>();
  if (!concat || int64_t(concat.getDim()) != dim)
    return {};
  SmallVector<Value> parts;
  int64_t at = 0, covered = 0;
  for (Value input : concat.getInputs()) {
    int64_t extent = cast<RankedTensorType>(input.getType()).getDimSize(dim);
    if (at >= from && at + extent <= from + size) {
      parts.push_back(input);
      covered += extent;
    }
    at += extent;
  }
  if (covered != size || parts.empty())
    return {};
  return parts.size() == 1 ? parts.front()
                           : tensor::ConcatOp::create(b, loc, dim, parts);
}

/// Consecutive entries of the first (fixed) axis.
Batched Lowering::part(const Batched &x, int64_t from, int64_t size) {
  Batched result = x;
  result.axes[0].size = size;
  if (!x.has(axisDim(0)))
    return result;
  int64_t position = x.position(axisDim(0));
  result.value = wholeParts(e.b, e.loc, x.value, position, from, size);
  if (result.value)
    return result;
  auto type = cast<RankedTensorType>(x.value.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), e.b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), e.b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = e.mixedSizes(x.dims, result.axes);
  offsets[position] = e.b.getIndexAttr(from);
  result.value = tensor::ExtractSliceOp::create(
      e.b, e.loc, e.typeFor(x.dims, result.axes, type.getElementType()),
      x.value, offsets, sizes, strides);
  return result;
}

FailureOr<Batched> Lowering::table(rnn::TableOp op) {
  Batched result;
  result.axes = axesOf(op.getType());
  SmallVector<APFloat> numbers;
  for (double value : op.getValues()) {
    bool inexact;
    APFloat &number = numbers.emplace_back(value);
    number.convert(e.real.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &inexact);
  }
  for (unsigned i = 0; i < result.axes.size(); ++i)
    result.dims.push_back(axisDim(i));
  auto type = e.typeFor(result.dims, result.axes, e.real);
  result.value = arith::ConstantOp::create(
      e.b, e.loc, DenseElementsAttr::get(type, ArrayRef<APFloat>(numbers)));
  return result;
}

/// Each value as a row of its own, one after the other.
FailureOr<Batched> Lowering::list(rnn::ListOp op) {
  SmallVector<Batched, 0> rows;
  Dims all = {axisDim(0)};
  for (Value item : op.getItems()) {
    auto x = get(item);
    if (failed(x))
      return x;
    Batched row = *x;
    for (Dim &dim : row.dims)
      if (dim.kind == Dim::Axis)
        ++dim.id;
    row.axes.insert(row.axes.begin(), AxisInfo{"1", 1, false});
    for (Dim dim : row.dims)
      if (!llvm::is_contained(all, dim))
        all.push_back(dim);
    rows.push_back(std::move(row));
  }
  SmallVector<Value> values;
  for (Batched &row : rows) {
    row = e.with(row, all);
    values.push_back(row.value);
  }
  Batched result = rows.front();
  result.axes = axesOf(op.getType());
  auto type = cast<RankedTensorType>(values.front().getType());
  result.value = tensor::ConcatOp::create(
      e.b, e.loc, e.typeFor(result.dims, result.axes, type.getElementType()),
      result.position(axisDim(0)), values);
  return result;
}

/// Other names take no code; products of axes are split and joined in memory,
/// which has them in this order.
FailureOr<Batched> Lowering::as(rnn::AsOp op) {
  auto x = get(op.getValue());
  if (failed(x))
    return x;
  auto groups =
      rnn::regroup(op.getValue().getType().getAxes(), op.getType().getAxes());
  Batched result = *x;
  result.axes = axesOf(op.getType());
  if (llvm::all_of(*groups, [](rnn::AxisGroup group) {
        return group.from == 1 && group.to == 1;
      }))
    return result;
  // Of each axis: the group that it begins, and its first axes on both sides.
  struct Place {
    rnn::AxisGroup group;
    unsigned from, to;
  };
  SmallVector<Place> places;
  Dims needed;
  unsigned from = 0, to = 0;
  for (rnn::AxisGroup group : *groups) {
    for (unsigned k = 0; k < group.from; ++k) {
      places.push_back({group, from, to});
      bool moves = group.from > 1 || group.to > 1;
      if (moves)
        needed.push_back(axisDim(from + k));
    }
    from += group.from, to += group.to;
  }
  Batched whole = e.with(*x, needed);
  SmallVector<ReassociationIndices> joined, split;
  result.dims.clear();
  int64_t next = 0;
  for (auto [i, dim] : llvm::enumerate(whole.dims)) {
    const Place *place = dim.kind == Dim::Axis ? &places[dim.id] : nullptr;
    if (place && dim.id != place->from) {
      joined.back().push_back(i);
      continue;
    }
    joined.push_back({int64_t(i)});
    split.emplace_back();
    unsigned parts = place ? place->group.to : 1;
    for (unsigned k = 0; k < parts; ++k) {
      result.dims.push_back(place ? axisDim(place->to + k) : dim);
      split.back().push_back(next++);
    }
  }
  result.value = whole.value;
  if (joined.size() < whole.dims.size())
    result.value =
        tensor::CollapseShapeOp::create(e.b, e.loc, result.value, joined);
  if (split.size() < result.dims.size()) {
    auto type = cast<RankedTensorType>(result.value.getType());
    result.value = tensor::ExpandShapeOp::create(
        e.b, e.loc, e.typeFor(result.dims, result.axes, type.getElementType()),
        result.value, split, e.mixedSizes(result.dims, result.axes));
  }
  return result;
}

/// One element of the first (fixed) axis.
Batched Lowering::stepAt(const Batched &x, int64_t index) {
  if (!x.has(axisDim(0)))
    return dropAxis(x, 0);
  Batched result = x;
  llvm::erase(result.dims, axisDim(0));
  auto type = cast<RankedTensorType>(x.value.getType());
  auto element = e.typeFor(result.dims, x.axes, type.getElementType());
  int64_t position = x.position(axisDim(0));
  // What was put there as an entry of its own.
  if (Value entry = wholeParts(e.b, e.loc, x.value, position, index, 1))
    if (auto unit = entry.getDefiningOp<tensor::ExpandShapeOp>();
        unit && unit.getSrcType() == element) {
      result.value = unit.getSrc();
      return dropAxis(result, 0);
    }
  SmallVector<OpFoldResult> offsets(type.getRank(), e.b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), e.b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = e.mixedSizes(x.dims, x.axes);
  offsets[position] = e.b.getIndexAttr(index);
  sizes[position] = e.b.getIndexAttr(1);
  result.value = tensor::ExtractSliceOp::create(e.b, e.loc, element, x.value,
                                                offsets, sizes, strides);
  return dropAxis(result, 0);
}

FailureOr<Batched> Lowering::label(rnn::LabelOp op) {
  auto x = get(op.getValue());
  if (failed(x))
    return x;
  // Slice the labelled axis as if it were the first, then number back.
  unsigned position = op.getPosition();
  auto moved = [&](unsigned id) {
    return id == position ? 0 : id < position ? id + 1 : id;
  };
  Batched first = *x;
  std::rotate(first.axes.begin(), first.axes.begin() + position,
              first.axes.begin() + position + 1);
  for (Dim &dim : first.dims)
    if (dim.kind == Dim::Axis)
      dim.id = moved(dim.id);
  return stepAt(first, op.getLabel());
}

Batched Lowering::gather(const Batched &table, const Batched &index) {
  Batched source = e.with(table, {axisDim(0)});
  unsigned rank = index.axes.size();
  Dims shared, rest, more;
  for (Dim dim : source.dims) {
    if (dim == axisDim(0))
      continue;
    bool both = dim.kind != Dim::Axis && index.has(dim);
    (both ? shared : rest).push_back(dim);
  }
  for (Dim dim : index.dims)
    if (!llvm::is_contained(shared, dim))
      more.push_back(dim);
  Dims sourceOrder = shared, indexOrder = shared;
  sourceOrder.push_back(axisDim(0));
  llvm::append_range(sourceOrder, rest);
  llvm::append_range(indexOrder, more);
  Batched result;
  result.axes = index.axes;
  result.axes.append(source.axes.begin() + 1, source.axes.end());
  result.dims = indexOrder;
  for (Dim dim : rest)
    result.dims.push_back(dim.kind == Dim::Axis ? axisDim(dim.id - 1 + rank)
                                                : dim);
  result.value = scan::GatherOp::create(
      e.b, e.loc, e.align(source, sourceOrder, source.axes),
      e.align(index, indexOrder, index.axes), shared.size());
  return e.canonical(result);
}

FailureOr<Batched> Lowering::lookup(rnn::LookupOp op) {
  auto table = get(op.getTable());
  if (failed(table))
    return table;
  if (auto literal = op.getIndex().getDefiningOp<rnn::ConstantOp>();
      literal && literal.getType().getRank() == 0 && !table->axes[0].time)
    return stepAt(*table, int64_t(literal.getValue().convertToDouble()));
  auto found = values.find(op.getIndex());
  if (found != values.end() && found->second.binderIndex) {
    Dim binder = binderDim(*found->second.binderIndex);
    if (!table->has(axisDim(0)))
      return dropAxis(*table, 0);
    // Looking up by the binder's own index takes no code.
    if (!table->has(binder)) {
      Batched result = *table;
      llvm::replace(result.dims, axisDim(0), binder);
      return e.canonical(dropAxis(result, 0));
    }
  }
  auto index = get(op.getIndex());
  if (failed(index))
    return index;
  return gather(*table, *index);
}

/// (x - mean) / sqrt(variance + eps) along the last axis.
Batched Lowering::layerNorm(const Batched &x, Dim last, double eps) {
  Batched centred = e.sub(x, e.mean(x, last));
  Batched variance = e.mean(e.mul(centred, centred), last);
  Batched scale = mapUnary<math::RsqrtOp>(e, e.add(variance, e.constant(eps)));
  return e.mul(centred, scale);
}

FailureOr<Batched> Lowering::reduceLast(rnn::ReduceLastOp op) {
  auto x = get(op.getValue());
  if (failed(x))
    return x;
  Dim last = lastAxis(*x);
  Batched result;
  switch (op.getKind()) {
  case rnn::ReduceKind::Softmax:
    return e.softmax(*x, last);
  case rnn::ReduceKind::LayerNorm:
    return layerNorm(*x, last, op.getEps().convertToDouble());
  case rnn::ReduceKind::Sum:
    result = e.reduce(scan::ReduceKind::sum, *x, last);
    break;
  case rnn::ReduceKind::Mean:
    result = e.mean(*x, last);
    break;
  case rnn::ReduceKind::LogSumExp:
    result = e.reduce(scan::ReduceKind::logsumexp, *x, last);
    break;
  }
  result.axes.pop_back();
  return result;
}

FailureOr<Batched> Lowering::argmax(rnn::ArgMaxOp op) {
  auto x = get(op.getValue());
  if (failed(x))
    return x;
  Batched result = e.argmax(*x, lastAxis(*x));
  result.axes.pop_back();
  return result;
}

/// Ones put into rows of zeros: no table of the axis' size squared.
FailureOr<Batched> Lowering::onehot(rnn::OneHotOp op) {
  auto index = get(op.getIndex());
  if (failed(index))
    return index;
  Batched result = *index;
  result.axes = axesOf(op.getType());
  Batched ones = e.constant(1);
  ones.axes = index->axes;
  Value updates = e.align(ones, index->dims, index->axes);
  Dim last = lastAxis(result);
  Value size = result.axes.back().time ? e.sizeOf(last, result.axes) : Value();
  result.dims.push_back(last);
  result.value = scan::ScatterAddOp::create(
      e.b, e.loc, e.typeFor(result.dims, result.axes, e.real), updates,
      index->value, size, index->dims.size());
  return e.canonical(result);
}

FailureOr<Batched> Lowering::bind(rnn::BindOp op) {
  AxisInfo axis = info(op.getAxis());
  unsigned id = e.binders.size();
  e.binders.push_back({axis, axis.time});
  e.frames.push_back({axis, axis.time && !options.step, id, Value()});
  Batched index;
  index.binderIndex = id;
  values[op.getIndex()] = index;
  for (Operation &inner : op.getBody().front().without_terminator())
    if (failed(lower(&inner)))
      return failure();
  e.loc = op.getLoc();
  e.frames.pop_back();
  auto body = get(op.getYielded());
  if (failed(body))
    return body;
  Dim binder = binderDim(id);
  switch (op.getKind()) {
  case rnn::BindKind::For:
    return e.inFront(*body, binder, axis);
  case rnn::BindKind::Softmax:
    return e.inFront(e.softmax(*body, binder), binder, axis);
  case rnn::BindKind::Sum:
    return e.reduce(scan::ReduceKind::sum, *body, binder);
  case rnn::BindKind::Mean:
    return e.mean(*body, binder);
  case rnn::BindKind::Max:
    return e.reduce(scan::ReduceKind::max, *body, binder);
  case rnn::BindKind::Min:
    return e.reduce(scan::ReduceKind::min, *body, binder);
  case rnn::BindKind::Prod:
    return e.reduce(scan::ReduceKind::prod, *body, binder);
  case rnn::BindKind::LogSumExp:
    return e.reduce(scan::ReduceKind::logsumexp, *body, binder);
  case rnn::BindKind::ArgMax:
    return e.argmax(*body, binder);
  }
  llvm_unreachable("all kinds are handled");
}

} // namespace rnnc::batch
