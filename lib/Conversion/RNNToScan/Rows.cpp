// Rows.cpp: entries of time axes as rows of the batch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

using namespace mlir;

namespace rnnc::batch {

AroundAxis *AxisLengths::find(StringRef name) {
  auto *found = llvm::find_if(
      around, [&](AroundAxis &axis) { return axis.name == name; });
  return found == around.end() ? nullptr : found;
}

void TimeAxis::choose(ArrayRef<AxisLengths> some) {
  choices.clear();
  for (const AxisLengths &lengths : some) {
    choices.push_back(lengths);
    if (llvm::all_of(lengths.around,
                     [](const AroundAxis &axis) { return axis.since == 0; }))
      return;
  }
}

/// Whose entry an axis around a dimension has: of an axis left of it, else of
/// what encloses its binder.
static std::optional<Dim> entryAround(const Emitter &e, const AroundAxis &axis,
                                      Dim dim, ArrayRef<AxisInfo> axes) {
  std::optional<Dim> found;
  for (auto [i, frame] : llvm::enumerate(e.frames)) {
    if (dim.kind == Dim::Binder && frame.binder == dim.id)
      break;
    if (i >= axis.since && frame.axis.name == axis.name && frame.binder &&
        !frame.inRows)
      found = binderDim(*frame.binder);
  }
  for (unsigned i = 0; dim.kind == Dim::Axis && i < dim.id; ++i)
    if (axes[i].name == axis.name)
      found = axisDim(i);
  return found;
}

std::pair<Value, Dims> Emitter::findLengths(Dim dim,
                                            ArrayRef<AxisInfo> axes) const {
  auto time = times.find(infoOf(dim, axes).name);
  if (time == times.end())
    return {};
  for (const AxisLengths &lengths : time->second.choices) {
    Dims dims;
    bool isMeant = true;
    for (const AroundAxis &axis : lengths.around) {
      std::optional<Dim> found = entryAround(*this, axis, dim, axes);
      if (found)
        dims.push_back(*found);
      isMeant &= found || axis.since == 0;
    }
    if (isMeant)
      return {lengths.value, dims};
  }
  llvm_unreachable("the last needs no binder");
}

Dims Emitter::aroundOf(Dim dim, ArrayRef<AxisInfo> axes) const {
  return findLengths(dim, axes).second;
}

Value Emitter::lengthsAlong(const AxisInfo &axis) const {
  return axis.time ? findLengths(axisDim(0), axis).first : Value();
}

Batched Emitter::lengthsOf(Dim dim, ArrayRef<AxisInfo> axes) {
  Batched result;
  std::tie(result.value, result.dims) = findLengths(dim, axes);
  result.axes.assign(axes.begin(), axes.end());
  result.dims.push_back(batchDim());
  return result;
}

//===-- Rows
//-----------------------------------------------------------------===//

RowDims Emitter::makeRows(ArrayRef<Dim> outer, ArrayRef<AxisInfo> axes) {
  RowDims rows;
  rows.outer.assign(outer.begin(), outer.end());
  sort(rows.outer, axes);
  for (Dim dim : rows.outer)
    rows.sizes.push_back(sizeOf(dim, axes));
  rows.sizes.push_back(batch);
  rows.count = rows.sizes.front();
  for (Value size : ArrayRef(rows.sizes).drop_front())
    rows.count = b.createOrFold<arith::MulIOp>(loc, rows.count, size);
  return rows;
}

Batched Emitter::toRows(const Batched &x, const RowDims &rows) {
  bool depends = x.has(batchDim());
  for (Dim dim : rows.outer)
    depends |= x.has(dim);
  if (!depends)
    return x;
  auto isRow = [&](Dim dim) {
    return dim == batchDim() || llvm::is_contained(rows.outer, dim);
  };
  // Other times, rows, the rest.
  Dims before, after;
  for (Dim dim : x.dims)
    if (!isRow(dim))
      (isTime(dim, x.axes) ? before : after).push_back(dim);
  Dims order = before;
  llvm::append_range(order, rows.outer);
  order.push_back(batchDim());
  llvm::append_range(order, after);
  Batched result = x;
  SmallVector<ReassociationIndices> groups;
  result.dims.clear();
  for (auto [i, dim] : llvm::enumerate(order)) {
    bool joins = isRow(dim) && i > before.size();
    if (!joins)
      groups.emplace_back();
    groups.back().push_back(i);
    if (!joins)
      result.dims.push_back(isRow(dim) ? batchDim() : dim);
  }
  result.value =
      tensor::CollapseShapeOp::create(b, loc, align(x, order, x.axes), groups);
  return canonical(result);
}

Batched Emitter::fromRows(const Batched &x, const RowDims &rows) {
  if (!x.has(batchDim()))
    return x;
  Batched result = x;
  SmallVector<ReassociationIndices> groups;
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> sizes;
  result.dims.clear();
  auto type = cast<RankedTensorType>(x.value.getType());
  auto add = [&](Dim dim, Value size, int64_t known) {
    groups.back().push_back(result.dims.size());
    result.dims.push_back(dim);
    shape.push_back(known);
    sizes.push_back(size ? OpFoldResult(size) : b.getIndexAttr(known));
  };
  for (auto [dim, known] : llvm::zip_equal(x.dims, type.getShape())) {
    groups.emplace_back();
    if (!(dim == batchDim())) {
      bool isDynamic = ShapedType::isDynamic(known);
      add(dim, isDynamic ? sizeOf(dim, x.axes) : Value(), known);
      continue;
    }
    for (auto [outer, size] : llvm::zip(rows.outer, rows.sizes)) {
      std::optional<int64_t> fixed = getConstantIntValue(size);
      add(outer, fixed ? Value() : size, fixed.value_or(ShapedType::kDynamic));
    }
    add(batchDim(), rows.sizes.back(), ShapedType::kDynamic);
  }
  result.value = tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), x.value,
      groups, sizes);
  return canonical(result);
}

Batched Emitter::inRows(const Batched &x, Dim dim, RowsFn fn) {
  Batched lengths = lengthsOf(dim, x.axes);
  Dims outer(ArrayRef<Dim>(lengths.dims).drop_back());
  if (outer.empty())
    return fn(x, lengths.value, nullptr);
  RowDims rows = makeRows(outer, x.axes);
  Batched whole = toRows(with(x, {batchDim()}), rows);
  Value eachRow = toRows(lengths, rows).value, examples = batch;
  batch = rows.count;
  Batched result = fn(whole, eachRow, &rows);
  batch = examples;
  return fromRows(result, rows);
}

//===-- While they are rows
//-----------------------------------------------------===//

/// Lengths with the entries of `outer` as rows, where such a one is named;
/// other axes around stay.
AxisLengths RowScope::lengthsInRows(const AxisLengths &time,
                                    const RowDims &rows,
                                    ArrayRef<std::optional<Dim>> outer) {
  AxisLengths result;
  Batched lengths{time.value, {}, {}, {}};
  for (auto [axis, row] : llvm::zip_equal(time.around, outer)) {
    if (!row)
      result.around.push_back(axis);
    lengths.dims.push_back(row.value_or(axisDim(lengths.axes.size())));
    lengths.axes.push_back({axis.name, 0, true});
  }
  lengths.dims.push_back(batchDim());
  Dims all;
  for (Dim dim : rows.outer)
    if (!lengths.has(dim))
      all.push_back(dim);
  lengths = e.with(lengths, all);
  // Rows past the end of an example are empty.
  for (Dim dim : all)
    lengths = e.maskDim(lengths, dim);
  lengths = e.toRows(lengths, rows);
  Dims order;
  for (Dim dim : lengths.dims)
    if (dim.kind == Dim::Axis)
      order.push_back(dim);
  llvm::sort(order, [](Dim x, Dim y) { return x.id < y.id; });
  order.push_back(batchDim());
  result.value = e.align(lengths, order, lengths.axes);
  return result;
}

/// Which of the rows is an entry of an axis around, and its frame.
static std::optional<std::pair<Dim, size_t>>
rowOf(const Emitter &e, const AroundAxis &axis, const RowDims &rows) {
  std::optional<std::pair<Dim, size_t>> found;
  for (auto [i, frame] : llvm::enumerate(e.frames))
    if (i >= axis.since && frame.axis.name == axis.name && frame.binder &&
        llvm::is_contained(rows.outer, binderDim(*frame.binder)))
      found = std::make_pair(binderDim(*frame.binder), i);
  return found;
}

/// Lengths are those of the rows, but where a binder inside of what makes the
/// rows names others.
TimeAxis RowScope::lengthsInRows(const TimeAxis &time, const RowDims &rows) {
  if (!time.own().value)
    return time;
  SmallVector<AxisLengths> some;
  for (const AxisLengths &lengths : time.choices) {
    AxisLengths whole = lengths;
    SmallVector<std::optional<Dim>> entered(lengths.around.size());
    SmallVector<unsigned> inRows;
    for (auto [i, axis] : llvm::enumerate(whole.around))
      if (auto row = rowOf(e, axis, rows)) {
        entered[i] = row->first;
        axis.since = row->second + 1;
        inRows.push_back(i);
      }
    for (unsigned these = 0; these >> inRows.size() == 0; ++these) {
      SmallVector<std::optional<Dim>> outer = entered;
      for (auto [bit, i] : llvm::enumerate(inRows))
        if (!(these >> bit & 1))
          outer[i] = std::nullopt;
      some.push_back(lengthsInRows(whole, rows, outer));
    }
  }
  TimeAxis result = time;
  result.choose(some);
  return result;
}

Value RowScope::validRows(const RowDims &rows) {
  bool ragged = false;
  for (Dim dim : rows.outer)
    ragged |= e.isRagged(dim, {});
  if (!ragged)
    return {};
  Batched one = e.with(e.constantInt(1, e.integer()), {batchDim()});
  one = e.with(one, rows.outer);
  for (Dim dim : rows.outer)
    one = e.maskDim(one, dim);
  return e.toRows(one, rows).value;
}

RowScope::RowScope(Emitter &emitter, const RowDims &rows)
    : e(emitter), batch(e.batch), times(e.times), loops(e.loops),
      frames(e.frames) {
  llvm::StringMap<TimeAxis> inRows;
  for (const auto &time : times)
    inRows[time.first()] = lengthsInRows(time.second, rows);
  SmallVector<LoopInfo> around;
  for (const LoopInfo &loop : loops) {
    around.push_back(loop);
    if (loop.lengths) {
      Batched lengths{loop.lengths, {batchDim()}, {}, {}};
      around.back().lengths = e.toRows(lengths, rows).value;
    }
  }
  if (Value valid = validRows(rows))
    around.push_back(
        {{}, arith::ConstantIndexOp::create(e.b, e.loc, 0), valid});
  e.times = std::move(inRows);
  e.loops = std::move(around);
  for (Frame &frame : e.frames)
    frame.inRows |= frame.binder &&
                    llvm::is_contained(rows.outer, binderDim(*frame.binder));
  e.batch = rows.count;
  e.rows.push_back(rows);
}

RowScope::~RowScope() {
  e.rows.pop_back();
  e.batch = batch;
  e.times = std::move(times);
  e.loops = std::move(loops);
  e.frames = std::move(frames);
}

} // namespace rnnc::batch
