// Emitter.cpp: alignment, masks and reductions of batched values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

#include <limits>

using namespace mlir;

namespace rnnc::batch {

const AxisInfo &Emitter::infoOf(Dim dim, ArrayRef<AxisInfo> axes) const {
  return dim.kind == Dim::Binder ? binders[dim.id].axis : axes[dim.id];
}

bool Emitter::isTime(Dim dim, ArrayRef<AxisInfo> axes) const {
  return dim.kind != Dim::Batch && infoOf(dim, axes).time;
}

Value Emitter::sizeOf(Dim dim, ArrayRef<AxisInfo> axes) {
  if (dim.kind == Dim::Batch)
    return batch;
  const AxisInfo &axis = infoOf(dim, axes);
  if (axis.time)
    return times.lookup(axis.name).size;
  return arith::ConstantIndexOp::create(b, loc, axis.size);
}

int64_t Emitter::staticSize(Dim dim, ArrayRef<AxisInfo> axes) const {
  if (dim.kind == Dim::Batch || isTime(dim, axes))
    return ShapedType::kDynamic;
  return infoOf(dim, axes).size;
}

void Emitter::sort(Dims &dims, ArrayRef<AxisInfo> axes) const {
  auto key = [&](Dim dim) {
    bool time = isTime(dim, axes);
    int group = dim.kind == Dim::Batch ? 1 : time ? 0 : 2;
    // Inner time axes stand left: outer ones can be rows with the batch.
    int depth =
        time ? times.lookup(infoOf(dim, axes).name).own().around.size() : 0;
    return std::make_tuple(group, -depth, int(dim.kind), dim.id);
  };
  llvm::sort(dims, [&](Dim x, Dim y) { return key(x) < key(y); });
}

RankedTensorType Emitter::typeFor(ArrayRef<Dim> dims, ArrayRef<AxisInfo> axes,
                                  Type element) const {
  SmallVector<int64_t> shape;
  for (Dim dim : dims)
    shape.push_back(staticSize(dim, axes));
  return RankedTensorType::get(shape, element);
}

SmallVector<Value> Emitter::dynamicSizes(ArrayRef<Dim> dims,
                                         ArrayRef<AxisInfo> axes) {
  SmallVector<Value> sizes;
  for (Dim dim : dims)
    if (ShapedType::isDynamic(staticSize(dim, axes)))
      sizes.push_back(sizeOf(dim, axes));
  return sizes;
}

Batched Emitter::constant(double value) {
  auto type = RankedTensorType::get({}, real);
  bool inexact;
  APFloat number(value);
  number.convert(real.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                 &inexact);
  return {
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, number)),
      {},
      {},
      {}};
}

Batched Emitter::constantInt(int64_t value, Type type) {
  auto tensor = RankedTensorType::get({}, type);
  return {arith::ConstantOp::create(
              b, loc,
              DenseElementsAttr::get(tensor, b.getIntegerAttr(type, value))),
          {},
          {},
          {}};
}

/// A time axis is counted in a loop: how long it is is known when that runs.
static Value countSteps(OpBuilder &b, Location loc, Value trip, Type integer) {
  auto type = RankedTensorType::get({}, integer);
  auto constant = [&](OpBuilder &at, int32_t value) -> Value {
    return arith::ConstantOp::create(
        at, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(value)));
  };
  auto loop = scan::LoopOp::create(
      b, loc, trip, /*lengths=*/Value(), /*slices=*/ValueRange(),
      constant(b, 0), /*reverse=*/false,
      [&](OpBuilder &body, Location, Value, ValueRange, ValueRange carries) {
        Value next =
            arith::AddIOp::create(body, loc, carries[0], constant(body, 1));
        scan::YieldOp::create(body, loc, next, carries);
      });
  return loop.getStackResults()[0];
}

Batched Emitter::iota(const AxisInfo &axis) {
  if (axis.time) {
    Value trip = times.lookup(axis.name).size;
    return {countSteps(b, loc, trip, integer()), {axisDim(0)}, {axis}, {}};
  }
  SmallVector<int32_t> numbers(axis.size);
  for (int64_t i = 0; i < axis.size; ++i)
    numbers[i] = i;
  auto type = RankedTensorType::get({axis.size}, integer());
  Value value = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  return {value, {axisDim(0)}, {axis}, {}};
}

SmallVector<OpFoldResult> Emitter::mixedSizes(ArrayRef<Dim> dims,
                                              ArrayRef<AxisInfo> axes) {
  SmallVector<OpFoldResult> sizes;
  for (Dim dim : dims) {
    int64_t size = staticSize(dim, axes);
    sizes.push_back(ShapedType::isDynamic(size)
                        ? OpFoldResult(sizeOf(dim, axes))
                        : OpFoldResult(b.getIndexAttr(size)));
  }
  return sizes;
}

Batched Emitter::withUnit(const Batched &x, Dim dim) {
  Batched result = x;
  result.dims.push_back(dim);
  sort(result.dims, result.axes);
  int64_t place = result.position(dim);
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < int64_t(result.dims.size()); ++i)
    if (i == std::max<int64_t>(place, 1))
      groups.back().push_back(i);
    else
      groups.push_back({i});
  Type element = cast<RankedTensorType>(x.value.getType()).getElementType();
  result.value = tensor::ExpandShapeOp::create(
      b, loc, typeFor(result.dims, result.axes, element), x.value, groups,
      mixedSizes(result.dims, result.axes));
  return result;
}

/// What `withUnit` made, with that dimension at another place: no code. Null
/// where anything else is to be moved.
static Value moveUnit(OpBuilder &b, Location loc, Value value,
                      ArrayRef<int64_t> perm) {
  auto op = value.getDefiningOp<tensor::ExpandShapeOp>();
  if (!op || op.getResultType().getRank() != op.getSrcType().getRank() + 1)
    return {};
  int64_t unit = -1;
  for (const ReassociationIndices &group : op.getReassociationIndices())
    for (int64_t i : group)
      if (group.size() == 2 && op.getResultType().getDimSize(i) == 1)
        unit = i;
  SmallVector<int64_t> others, shape;
  SmallVector<ReassociationIndices> groups;
  SmallVector<OpFoldResult> sizes, before = op.getMixedOutputShape();
  int64_t place = llvm::find(perm, unit) - perm.begin();
  for (auto [i, from] : llvm::enumerate(perm)) {
    if (from != unit)
      others.push_back(from);
    shape.push_back(op.getResultType().getDimSize(from));
    sizes.push_back(before[from]);
    if (int64_t(i) == std::max<int64_t>(place, 1))
      groups.back().push_back(i);
    else
      groups.push_back({int64_t(i)});
  }
  if (unit < 0 || !llvm::is_sorted(others))
    return {};
  return tensor::ExpandShapeOp::create(b, loc, op.getResultType().clone(shape),
                                       op.getSrc(), groups, sizes);
}

/// Transposes; of what is put together from units, such as a window, the parts
/// are put together in another order at once.
static Value transposed(OpBuilder &b, Location loc, Value value,
                        ArrayRef<int64_t> perm) {
  if (Value moved = moveUnit(b, loc, value, perm))
    return moved;
  auto concat = value.getDefiningOp<tensor::ConcatOp>();
  SmallVector<Value> parts;
  if (concat)
    for (Value input : concat.getInputs())
      if (Value part = moveUnit(b, loc, input, perm))
        parts.push_back(part);
  if (!concat || parts.size() != concat.getInputs().size())
    return scan::TransposeOp::create(b, loc, value, perm);
  int64_t dim = llvm::find(perm, int64_t(concat.getDim())) - perm.begin();
  return tensor::ConcatOp::create(b, loc, dim, parts);
}

Value Emitter::align(const Batched &value, ArrayRef<Dim> dims,
                     ArrayRef<AxisInfo> axes) {
  // The value's own dimensions in the order of the target.
  SmallVector<int64_t> perm, places;
  for (auto [place, dim] : llvm::enumerate(dims)) {
    if (!value.has(dim))
      continue;
    perm.push_back(value.position(dim));
    places.push_back(place);
  }
  Value result = value.value;
  if (!llvm::is_sorted(perm))
    result = transposed(b, loc, result, perm);
  if (perm.size() == dims.size())
    return result;
  auto element = cast<RankedTensorType>(result.getType()).getElementType();
  return scan::BroadcastOp::create(b, loc, typeFor(dims, axes, element), result,
                                   dynamicSizes(dims, axes), places);
}

Batched Emitter::with(const Batched &value, ArrayRef<Dim> more) {
  Batched result = value;
  for (Dim dim : more)
    if (!result.has(dim))
      result.dims.push_back(dim);
  sort(result.dims, result.axes);
  result.value = align(value, result.dims, result.axes);
  return result;
}

Batched Emitter::full(const Batched &value, bool batched) {
  Dims more;
  if (batched)
    more.push_back(batchDim());
  for (unsigned i = 0; i < value.axes.size(); ++i)
    more.push_back(axisDim(i));
  return with(value, more);
}

Batched Emitter::canonical(Batched value) { return with(value, {}); }

Batched Emitter::suffix(Batched value, size_t rank) {
  unsigned by = rank - value.axes.size();
  for (Dim &dim : value.dims)
    if (dim.kind == Dim::Axis)
      dim.id += by;
  return value;
}

Batched Emitter::elementwise(ArrayRef<Batched> operands, BuildFn build) {
  Batched result;
  for (const Batched &operand : operands)
    if (operand.axes.size() >= result.axes.size())
      result.axes = operand.axes;
  SmallVector<Batched> shifted;
  for (const Batched &operand : operands) {
    shifted.push_back(suffix(operand, result.axes.size()));
    for (Dim dim : shifted.back().dims)
      if (!result.has(dim))
        result.dims.push_back(dim);
  }
  sort(result.dims, result.axes);
  SmallVector<Value> values;
  for (const Batched &operand : shifted)
    values.push_back(align(operand, result.dims, result.axes));
  result.value = build(values);
  return result;
}

Batched Emitter::add(const Batched &x, const Batched &y) {
  return elementwise({x, y}, [&](ValueRange v) -> Value {
    return arith::AddFOp::create(b, loc, v[0], v[1]);
  });
}

Batched Emitter::sub(const Batched &x, const Batched &y) {
  return elementwise({x, y}, [&](ValueRange v) -> Value {
    return arith::SubFOp::create(b, loc, v[0], v[1]);
  });
}

Batched Emitter::mul(const Batched &x, const Batched &y) {
  return elementwise({x, y}, [&](ValueRange v) -> Value {
    return arith::MulFOp::create(b, loc, v[0], v[1]);
  });
}

Batched Emitter::div(const Batched &x, const Batched &y) {
  return elementwise({x, y}, [&](ValueRange v) -> Value {
    return arith::DivFOp::create(b, loc, v[0], v[1]);
  });
}

Batched Emitter::exp(const Batched &x) {
  return elementwise({x}, [&](ValueRange v) -> Value {
    return math::ExpOp::create(b, loc, v[0]);
  });
}

Batched Emitter::log(const Batched &x) {
  return elementwise({x}, [&](ValueRange v) -> Value {
    return math::LogOp::create(b, loc, v[0]);
  });
}

Batched Emitter::select(const Batched &c, const Batched &x, const Batched &y) {
  return elementwise({c, x, y}, [&](ValueRange v) -> Value {
    return arith::SelectOp::create(b, loc, v[0], v[1], v[2]);
  });
}

Batched Emitter::compare(arith::CmpFPredicate p, const Batched &x,
                         const Batched &y) {
  return elementwise({x, y}, [&](ValueRange v) -> Value {
    return arith::CmpFOp::create(b, loc, p, v[0], v[1]);
  });
}

Batched Emitter::compare(arith::CmpIPredicate p, const Batched &x,
                         const Batched &y) {
  return elementwise({x, y}, [&](ValueRange v) -> Value {
    return arith::CmpIOp::create(b, loc, p, v[0], v[1]);
  });
}

Batched Emitter::toReal(const Batched &x) {
  auto type = cast<RankedTensorType>(x.value.getType());
  if (isa<FloatType>(type.getElementType()))
    return x;
  if (type.getElementType().isInteger(1))
    return select(x, constant(1), constant(0));
  Batched result = x;
  result.value = arith::SIToFPOp::create(
      b, loc, RankedTensorType::get(type.getShape(), real), x.value);
  return result;
}

bool Emitter::isRagged(Dim dim, ArrayRef<AxisInfo> axes) {
  return isTime(dim, axes) && times.lookup(infoOf(dim, axes).name).own().value;
}

Batched Emitter::maskDim(const Batched &x, Dim dim, double fill) {
  if (!isRagged(dim, x.axes))
    return x;
  return inRows(with(x, {dim, batchDim()}), dim,
                [&](const Batched &whole, Value lengths, const RowDims *) {
                  Batched result = whole;
                  result.value = scan::MaskOp::create(
                      b, loc, whole.value.getType(), whole.value, lengths,
                      Value(), b.getI64IntegerAttr(whole.position(dim)),
                      b.getI64IntegerAttr(whole.position(batchDim())),
                      b.getF64FloatAttr(fill));
                  return result;
                });
}

Batched Emitter::maskAll(const Batched &x, double fill) {
  Batched result = x;
  for (Dim dim : x.dims)
    result = maskDim(result, dim, fill);
  for (const LoopInfo &loop : loops) {
    if (!loop.lengths || !result.has(batchDim()))
      continue;
    result.value = scan::MaskOp::create(
        b, loc, result.value.getType(), result.value, loop.lengths, loop.step,
        IntegerAttr(), b.getI64IntegerAttr(result.position(batchDim())),
        b.getF64FloatAttr(fill));
  }
  return result;
}

Batched Emitter::fillFor(scan::ReduceKind kind, const Batched &x, Dim dim) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case scan::ReduceKind::sum:
    return maskDim(x, dim, 0);
  case scan::ReduceKind::prod:
    return maskDim(x, dim, 1);
  case scan::ReduceKind::min:
    return maskDim(x, dim, infinity);
  case scan::ReduceKind::max:
  case scan::ReduceKind::logsumexp:
    return maskDim(x, dim, -infinity);
  }
  llvm_unreachable("all kinds are handled");
}

/// Whether elements that an example does not have are computed beside those
/// that it has, each of length 0.
static bool hasEmptyElements(const Emitter &e, Dim dim,
                             ArrayRef<AxisInfo> axes) {
  return e.isTime(dim, axes) &&
         (!e.rows.empty() || !e.aroundOf(dim, axes).empty());
}

/// What is infinite over nothing is 0 for such elements: 0 times infinity would
/// reach the gradients of weights.
static Batched withoutElements(Emitter &e, const Batched &x, Dim dim) {
  Batched result = x;
  for (Dim around : e.aroundOf(dim, x.axes))
    result = e.maskDim(result, around);
  for (const LoopInfo &loop : e.loops)
    if (loop.axis.name.empty() && result.has(batchDim()))
      result.value = scan::MaskOp::create(
          e.b, e.loc, result.value.getType(), result.value, loop.lengths,
          loop.step, IntegerAttr(),
          e.b.getI64IntegerAttr(result.position(batchDim())),
          e.b.getF64FloatAttr(0));
  return result;
}

Batched Emitter::reduce(scan::ReduceKind kind, const Batched &x, Dim dim) {
  Batched operand = fillFor(kind, with(x, {dim}), dim);
  Batched result = operand;
  result.value = scan::ReduceOp::create(b, loc, kind, operand.value,
                                        {operand.position(dim)});
  llvm::erase(result.dims, dim);
  bool finite = kind == scan::ReduceKind::sum || kind == scan::ReduceKind::prod;
  if (finite || !hasEmptyElements(*this, dim, x.axes))
    return result;
  return withoutElements(*this, result, dim);
}

Batched Emitter::count(Dim dim, ArrayRef<AxisInfo> axes) {
  const AxisInfo &axis = infoOf(dim, axes);
  if (!axis.time)
    return constant(axis.size);
  return canonical(toReal(lengthsOf(dim, axes)));
}

Batched Emitter::mean(const Batched &x, Dim dim) {
  Batched sum = reduce(scan::ReduceKind::sum, x, dim);
  if (!isTime(dim, x.axes))
    return mul(sum, constant(1.0 / infoOf(dim, x.axes).size));
  // The mean over nothing is 0: divide by at least one.
  Batched n = count(dim, x.axes), one = constant(1);
  n = select(compare(arith::CmpFPredicate::OGT, n, one), n, one);
  return div(sum, n);
}

Batched Emitter::softmax(const Batched &x, Dim dim) {
  Batched masked = fillFor(scan::ReduceKind::max, with(x, {dim}), dim);
  Batched norm = masked;
  norm.value = scan::ReduceOp::create(b, loc, scan::ReduceKind::logsumexp,
                                      masked.value, {masked.position(dim)});
  llvm::erase(norm.dims, dim);
  if (hasEmptyElements(*this, dim, x.axes)) {
    Batched some =
        compare(arith::CmpFPredicate::OGT, count(dim, x.axes), constant(0));
    norm = select(some, norm, constant(0));
  }
  return exp(sub(masked, norm));
}

Batched Emitter::argmax(const Batched &x, Dim dim) {
  Batched masked = fillFor(scan::ReduceKind::max, with(x, {dim}), dim);
  Batched result = masked;
  result.value =
      scan::ArgmaxOp::create(b, loc, masked.value, masked.position(dim));
  llvm::erase(result.dims, dim);
  return result;
}

Batched Emitter::stepOf(const Batched &x, Dim binder) {
  Batched result = x;
  llvm::replace(result.dims, axisDim(0), binder);
  result.axes.erase(result.axes.begin());
  for (Dim &dim : result.dims)
    if (dim.kind == Dim::Axis)
      --dim.id;
  return canonical(result);
}

Batched Emitter::inFront(Batched x, Dim binder, const AxisInfo &axis) {
  for (Dim &dim : x.dims)
    if (dim.kind == Dim::Axis)
      ++dim.id;
  x.axes.insert(x.axes.begin(), axis);
  Axes axes = x.axes;
  return rename(std::move(x), binder, axisDim(0), std::move(axes));
}

Batched Emitter::rename(Batched x, Dim from, Dim to, Axes axes) {
  for (Dim &dim : x.dims)
    if (dim == from)
      dim = to;
  x.axes = std::move(axes);
  return canonical(x);
}

} // namespace rnnc::batch
