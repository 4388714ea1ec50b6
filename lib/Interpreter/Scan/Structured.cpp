// Structured.cpp: shapes, slices, reductions, products and look-ups.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Evaluator.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace rnnc::interpreter {

void Evaluator::constant(arith::ConstantOp op) {
  Attribute value = op.getValue();
  if (auto number = dyn_cast<FloatAttr>(value))
    return set(op, Tensor::scalar(number.getValueAsDouble()));
  if (auto number = dyn_cast<IntegerAttr>(value))
    return set(op, Tensor::scalar(double(number.getValue().getSExtValue()) *
                                  (number.getType().isInteger(1) ? -1 : 1)));
  auto elements = cast<DenseElementsAttr>(value);
  Tensor result(elements.getType().getShape());
  if (isa<FloatType>(elements.getElementType())) {
    for (auto [place, number] :
         llvm::zip(result.data, elements.getValues<APFloat>())) {
      bool inexact;
      APFloat wide = number;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                   &inexact);
      place = wide.convertToDouble();
    }
  } else {
    bool bits = elements.getElementType().isInteger(1);
    for (auto [place, number] :
         llvm::zip(result.data, elements.getValues<APInt>()))
      place =
          bits ? double(number.getZExtValue()) : double(number.getSExtValue());
  }
  set(op, std::move(result));
}

void Evaluator::broadcast(scan::BroadcastOp op) {
  const Tensor &x = get(op.getInput());
  Tensor result(shapeOf(op.getType(), op.getSizes()));
  forEach(result.shape, [&](ArrayRef<int64_t> i) {
    result.at(i) = x.at(pick(i, op.getDims()));
  });
  set(op, std::move(result));
}

static double startOf(scan::ReduceKind kind) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case scan::ReduceKind::sum:
    return 0;
  case scan::ReduceKind::prod:
    return 1;
  case scan::ReduceKind::min:
    return infinity;
  case scan::ReduceKind::max:
  case scan::ReduceKind::logsumexp:
    return -infinity;
  }
  llvm_unreachable("all kinds are handled");
}

static double combine(scan::ReduceKind kind, double x, double y) {
  switch (kind) {
  case scan::ReduceKind::sum:
    return x + y;
  case scan::ReduceKind::prod:
    return x * y;
  case scan::ReduceKind::min:
    return std::isnan(y) || y < x ? y : x;
  case scan::ReduceKind::max:
    return std::isnan(y) || y > x ? y : x;
  case scan::ReduceKind::logsumexp: {
    double high = std::isnan(y) || y > x ? y : x, low = high == x ? y : x;
    return std::isinf(high) ? high : high + std::log1p(std::exp(low - high));
  }
  }
  llvm_unreachable("all kinds are handled");
}

void Evaluator::reduce(scan::ReduceOp op) {
  const Tensor &x = get(op.getInput());
  Index kept = drop(x.shape, op.getDims());
  Tensor result({kept.begin(), kept.end()}, startOf(op.getKind()));
  forEach(x.shape, [&](ArrayRef<int64_t> i) {
    double &sum = result.at(drop(i, op.getDims()));
    sum = combine(op.getKind(), sum, x.at(i));
  });
  set(op, std::move(result));
}

void Evaluator::argmax(scan::ArgmaxOp op) {
  const Tensor &x = get(op.getInput());
  int64_t dim = op.getDim();
  Index kept = drop(x.shape, {dim});
  Tensor result({kept.begin(), kept.end()});
  Tensor best(result.shape, -std::numeric_limits<double>::infinity());
  forEach(x.shape, [&](ArrayRef<int64_t> i) {
    Index place = drop(i, {dim});
    if (!(x.at(i) > best.at(place)))
      return;
    best.at(place) = x.at(i);
    result.at(place) = double(i[dim]);
  });
  set(op, std::move(result));
}

void Evaluator::dot(scan::DotOp op) {
  const Tensor &x = get(op.getLhs()), &y = get(op.getRhs());
  SmallVector<int64_t> xFree = op.getLhsFree(), yFree = op.getRhsFree();
  Index shape = pick(x.shape, op.getLhsBatch());
  llvm::append_range(shape, pick(x.shape, xFree));
  llvm::append_range(shape, pick(y.shape, yFree));
  Tensor result({shape.begin(), shape.end()});
  Index inner = pick(x.shape, op.getLhsContract());
  size_t batch = op.getLhsBatch().size();
  forEach(result.shape, [&](ArrayRef<int64_t> i) {
    Index xi(x.shape.size()), yi(y.shape.size());
    for (auto [n, dim] : llvm::enumerate(op.getLhsBatch()))
      xi[dim] = i[n];
    for (auto [n, dim] : llvm::enumerate(op.getRhsBatch()))
      yi[dim] = i[n];
    for (auto [n, dim] : llvm::enumerate(xFree))
      xi[dim] = i[batch + n];
    for (auto [n, dim] : llvm::enumerate(yFree))
      yi[dim] = i[batch + xFree.size() + n];
    double sum = 0;
    forEach(inner, [&](ArrayRef<int64_t> k) {
      for (auto [n, dim] : llvm::enumerate(op.getLhsContract()))
        xi[dim] = k[n];
      for (auto [n, dim] : llvm::enumerate(op.getRhsContract()))
        yi[dim] = k[n];
      sum += x.at(xi) * y.at(yi);
    });
    result.at(i) = sum;
  });
  set(op, std::move(result));
}

/// Calls `body` with the place of an entry in the table and among the rows.
static void
forRows(const Tensor &table, const Tensor &rows, const Tensor &index,
        int64_t batch,
        llvm::function_ref<void(ArrayRef<int64_t>, ArrayRef<int64_t>)> body) {
  size_t rank = index.shape.size();
  forEach(rows.shape, [&](ArrayRef<int64_t> i) {
    Index place(i.take_front(batch));
    place.push_back(int64_t(index.at(i.take_front(rank))));
    llvm::append_range(place, i.drop_front(rank));
    body(place, i);
  });
}

void Evaluator::gather(scan::GatherOp op) {
  const Tensor &table = get(op.getTable()), &index = get(op.getIndices());
  int64_t batch = op.getBatchDims();
  std::vector<int64_t> shape = index.shape;
  shape.insert(shape.end(), table.shape.begin() + batch + 1, table.shape.end());
  Tensor result(shape);
  forRows(table, result, index, batch,
          [&](ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
            result.at(to) = table.at(from);
          });
  set(op, std::move(result));
}

void Evaluator::scatterAdd(scan::ScatterAddOp op) {
  const Tensor &rows = get(op.getUpdates()), &index = get(op.getIndices());
  int64_t batch = op.getBatchDims();
  std::vector<int64_t> shape(rows.shape.begin(), rows.shape.begin() + batch);
  int64_t size = cast<RankedTensorType>(op.getType()).getDimSize(batch);
  shape.push_back(ShapedType::isDynamic(size) ? integer(op.getSize()) : size);
  shape.insert(shape.end(), rows.shape.begin() + index.shape.size(),
               rows.shape.end());
  Tensor result(shape);
  forRows(result, rows, index, batch,
          [&](ArrayRef<int64_t> to, ArrayRef<int64_t> from) {
            result.at(to) += rows.at(from);
          });
  set(op, std::move(result));
}

//===-- Slices
//-------------------------------------------------------------===//

Index Evaluator::offsets(OffsetSizeAndStrideOpInterface op) {
  Index result;
  for (OpFoldResult offset : op.getMixedOffsets()) {
    if (auto attribute = dyn_cast<Attribute>(offset))
      result.push_back(cast<IntegerAttr>(attribute).getInt());
    else
      result.push_back(integer(cast<Value>(offset)));
  }
  return result;
}

/// The dimensions of `sizes` that a slice of this type keeps.
static llvm::SmallVector<int64_t> kept(const llvm::SmallBitVector &dropped) {
  llvm::SmallVector<int64_t> dims;
  for (unsigned i = 0; i < dropped.size(); ++i)
    if (!dropped[i])
      dims.push_back(i);
  return dims;
}

void Evaluator::extract(tensor::ExtractSliceOp op) {
  const Tensor &x = get(op.getSource());
  Index first = offsets(op);
  auto dims = kept(op.getDroppedDims());
  std::vector<int64_t> shape;
  for (int64_t dim : dims) {
    OpFoldResult size = op.getMixedSizes()[dim];
    auto attribute = dyn_cast<Attribute>(size);
    shape.push_back(attribute ? cast<IntegerAttr>(attribute).getInt()
                              : integer(cast<Value>(size)));
  }
  Tensor result(shape);
  forEach(shape, [&](ArrayRef<int64_t> i) {
    Index from = first;
    for (auto [dim, number] : llvm::zip(dims, i))
      from[dim] += number * op.getStaticStrides()[dim];
    result.at(i) = x.at(from);
  });
  set(op, std::move(result));
}

void Evaluator::insert(tensor::InsertSliceOp op) {
  const Tensor &x = get(op.getSource());
  Tensor result = get(op.getDest());
  Index first = offsets(op);
  auto dims = kept(op.getDroppedDims());
  forEach(x.shape, [&](ArrayRef<int64_t> i) {
    Index to = first;
    for (auto [dim, number] : llvm::zip(dims, i))
      to[dim] += number * op.getStaticStrides()[dim];
    result.at(to) = x.at(i);
  });
  set(op, std::move(result));
}

void Evaluator::concat(tensor::ConcatOp op) {
  int64_t dim = op.getDim(), begin = 0;
  std::vector<int64_t> shape = get(op.getInputs()[0]).shape;
  shape[dim] = 0;
  for (Value input : op.getInputs())
    shape[dim] += get(input).shape[dim];
  Tensor result(shape);
  for (Value input : op.getInputs()) {
    const Tensor &x = get(input);
    forEach(x.shape, [&](ArrayRef<int64_t> i) {
      Index to(i);
      to[dim] += begin;
      result.at(to) = x.at(i);
    });
    begin += x.shape[dim];
  }
  set(op, std::move(result));
}

void Evaluator::collapse(tensor::CollapseShapeOp op) {
  Tensor result = get(op.getSrc());
  std::vector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    shape.push_back(1);
    for (int64_t dim : group)
      shape.back() *= result.shape[dim];
  }
  result.shape = std::move(shape);
  set(op, std::move(result));
}

bool Evaluator::slices(Operation &op) {
  return llvm::TypeSwitch<Operation *, bool>(&op)
      .Case([&](tensor::ExtractSliceOp op) { return extract(op), true; })
      .Case([&](tensor::InsertSliceOp op) { return insert(op), true; })
      .Case([&](tensor::ConcatOp op) { return concat(op), true; })
      .Case([&](tensor::CollapseShapeOp op) { return collapse(op), true; })
      .Case([&](tensor::ExpandShapeOp op) {
        Tensor result = get(op.getSrc());
        result.shape = shapeOf(op.getType(), op.getOutputShape());
        set(op, std::move(result));
        return true;
      })
      .Case([&](tensor::CastOp op) {
        set(op, Tensor(get(op.getSource())));
        return true;
      })
      .Case([&](tensor::EmptyOp op) {
        set(op, Tensor(shapeOf(op.getType(), op.getDynamicSizes())));
        return true;
      })
      .Case([&](tensor::DimOp op) {
        int64_t dim = integer(op.getIndex());
        set(op, Tensor::scalar(double(get(op.getSource()).shape[dim])));
        return true;
      })
      .Default([](Operation *) { return false; });
}

bool Evaluator::structured(Operation &op) {
  return llvm::TypeSwitch<Operation *, bool>(&op)
      .Case([&](arith::ConstantOp op) { return constant(op), true; })
      .Case([&](scan::BroadcastOp op) { return broadcast(op), true; })
      .Case([&](scan::ReduceOp op) { return reduce(op), true; })
      .Case([&](scan::ArgmaxOp op) { return argmax(op), true; })
      .Case([&](scan::DotOp op) { return dot(op), true; })
      .Case([&](scan::GatherOp op) { return gather(op), true; })
      .Case([&](scan::ScatterAddOp op) { return scatterAdd(op), true; })
      .Case([&](scan::TransposeOp op) {
        const Tensor &x = get(op.getInput());
        Index shape = pick(x.shape, op.getPerm());
        Tensor result({shape.begin(), shape.end()});
        forEach(x.shape, [&](ArrayRef<int64_t> i) {
          result.at(pick(i, op.getPerm())) = x.at(i);
        });
        set(op, std::move(result));
        return true;
      })
      .Default([](Operation *) { return false; });
}

} // namespace rnnc::interpreter
