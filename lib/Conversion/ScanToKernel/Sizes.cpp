// Sizes.cpp: the run-time sizes of tensors, as values at the top of a function.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "rnnc/Dialect/Kernel/Kernel.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

Sizes::Sizes(func::FuncOp source, func::FuncOp target)
    : source(source), target(target), top(target.getContext()) {
  // Every name is known before the first use, in the order of the arguments.
  for (auto [i, type] : llvm::enumerate(source.getArgumentTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      continue;
    for (int64_t dim = 0; dim < tensor.getRank(); ++dim)
      if (tensor.isDynamicDim(dim))
        ofArgument(i, dim);
  }
}

Value Sizes::ofArgument(unsigned number, int64_t dim) {
  StringAttr name = interface::sizeName(source, number, dim);
  if (!name)
    name = StringAttr::get(source.getContext(),
                           "arg" + Twine(number) + "." + Twine(dim));
  Value &value = named[name.getValue()];
  if (!value) {
    Value index = constant(dim);
    value = atTop([&](OpBuilder &b) -> Value {
      Value argument = target.getArgument(number);
      if (isa<RankedTensorType>(argument.getType()))
        return tensor::DimOp::create(b, source.getLoc(), argument, index);
      return memref::DimOp::create(b, source.getLoc(), argument, index);
    });
    dimNames.push_back(name);
  }
  return value;
}

Value Sizes::constant(int64_t number) {
  Value &value = constants[number];
  if (!value)
    value = atTop([&](OpBuilder &b) -> Value {
      return arith::ConstantIndexOp::create(b, source.getLoc(), number);
    });
  return value;
}

Value Sizes::plus(OpFoldResult a, int64_t b) {
  if (auto attr = dyn_cast<Attribute>(a))
    return constant(cast<IntegerAttr>(attr).getInt() + b);
  Value left = cast<Value>(a), right = constant(b);
  return atTop([&](OpBuilder &builder) -> Value {
    return arith::AddIOp::create(builder, source.getLoc(), left, right);
  });
}

Value Sizes::product(Value a, Value b) {
  Value &known = products[{a, b}];
  if (!known)
    known = atTop([&](OpBuilder &builder) -> Value {
      return builder.createOrFold<arith::MulIOp>(source.getLoc(), a, b);
    });
  return known;
}

OpFoldResult Sizes::get(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return top.getIndexAttr(type.getDimSize(dim));
  Value value = dynamic(tensor, dim);
  if (auto constant = value.getDefiningOp<arith::ConstantIndexOp>())
    return top.getIndexAttr(constant.value());
  return value;
}

SmallVector<OpFoldResult> Sizes::get(Value tensor) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0,
               rank = cast<RankedTensorType>(tensor.getType()).getRank();
       dim < rank; ++dim)
    sizes.push_back(get(tensor, dim));
  return sizes;
}

ArrayAttr Sizes::shapeAttr(Value tensor) {
  SmallVector<Attribute> shape;
  for (OpFoldResult size : get(tensor)) {
    if (std::optional<int64_t> number = getConstantIntValue(size)) {
      shape.push_back(top.getI64IntegerAttr(*number));
      continue;
    }
    Attribute name;
    for (Attribute known : dimNames)
      if (named.lookup(cast<StringAttr>(known).getValue()) == cast<Value>(size))
        name = known;
    if (!name)
      return {};
    shape.push_back(name);
  }
  return top.getArrayAttr(shape);
}

Value Sizes::index(Value value) {
  if (Value known = indices.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (auto segments = dyn_cast<scan::SegmentsOp>(op)) {
    addSegments(segments);
    return indices.lookup(value);
  }
  if (auto chunks = dyn_cast<scan::ChunksOp>(op)) {
    addChunks(chunks);
    return indices.lookup(value);
  }
  Value result;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> number = dim.getConstantIndex();
    if (!number)
      return {};
    OpFoldResult size = get(dim.getSource(), *number);
    auto attr = dyn_cast<Attribute>(size);
    result =
        attr ? constant(cast<IntegerAttr>(attr).getInt()) : cast<Value>(size);
  } else if (auto number = dyn_cast<arith::ConstantIndexOp>(op)) {
    result = constant(number.value());
  } else if (auto times = dyn_cast<arith::MulIOp>(op)) {
    Value left = index(times.getLhs()), right = index(times.getRhs());
    if (!left || !right)
      return {};
    result = product(left, right);
  } else {
    if (!isPure(op) || op->getNumRegions() || op->getNumResults() != 1)
      return {};
    IRMapping mapping;
    for (Value operand : op->getOperands()) {
      if (isa<ShapedType>(operand.getType()))
        return {};
      Value mapped = index(operand);
      if (!mapped)
        return {};
      mapping.map(operand, mapped);
    }
    result = atTop(
        [&](OpBuilder &b) { return b.clone(*op, mapping)->getResult(0); });
  }
  indices[value] = result;
  return result;
}

/// The sizes of segments. Within one function the op moves to the top; memory
/// has numbers for it.
void Sizes::addSegments(scan::SegmentsOp op) {
  Value trip = index(op.getTrip());
  if (!trip)
    return;
  auto [count, steps] = atTop([&](OpBuilder &b) -> std::pair<Value, Value> {
    if (source != target)
      return segments(b, op, trip);
    op->moveBefore(b.getInsertionBlock(), b.getInsertionPoint());
    op.getTripMutable().assign(trip);
    return {op.getCount(), op.getSteps()};
  });
  indices[op.getCount()] = count;
  indices[op.getSteps()] = steps;
}

/// What `scan::segmentsOf` says, as code.
std::pair<Value, Value> Sizes::segments(OpBuilder &b, scan::SegmentsOp op,
                                        Value trip) {
  Location loc = op.getLoc();
  scan::CheckpointAttr policy = op.getPolicy();
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  auto ceil = [&](Value a, Value by) -> Value {
    return arith::CeilDivUIOp::create(b, loc, a, by);
  };
  auto least1 = [&](Value value) -> Value {
    return arith::MaxUIOp::create(b, loc, value, number(1));
  };
  Value steps;
  if (policy.getKind() == scan::CheckpointKind::every) {
    steps = least1(
        arith::MinUIOp::create(b, loc, number(policy.getAmount()), trip));
  } else {
    Value count;
    if (policy.getKind() == scan::CheckpointKind::memory) {
      count = kernel::SegmentCountOp::create(
          b, loc, trip, b.getI64IntegerAttr(policy.getAmount()));
    } else {
      Type f64 = b.getF64Type(), i64 = b.getI64Type();
      Value real = arith::UIToFPOp::create(
          b, loc, f64, arith::IndexCastOp::create(b, loc, i64, trip));
      Value three = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(3));
      Value root = math::SqrtOp::create(
          b, loc, arith::MulFOp::create(b, loc, three, real));
      count = arith::IndexCastOp::create(
          b, loc, b.getIndexType(), arith::FPToSIOp::create(b, loc, i64, root));
    }
    steps = least1(ceil(trip, least1(count)));
  }
  return {ceil(trip, steps), steps};
}

/// The sizes of chunks, likewise.
void Sizes::addChunks(scan::ChunksOp op) {
  Value trip = index(op.getTrip()), rows = index(op.getRows());
  if (!trip || !rows)
    return;
  auto [count, steps] = atTop([&](OpBuilder &b) -> std::pair<Value, Value> {
    if (source != target)
      return chunks(b, op, trip, rows);
    op->moveBefore(b.getInsertionBlock(), b.getInsertionPoint());
    op.getTripMutable().assign(trip);
    op.getRowsMutable().assign(rows);
    return {op.getCount(), op.getSteps()};
  });
  indices[op.getCount()] = count;
  indices[op.getSteps()] = steps;
}

/// What `scan::chunksOf` says, as code. All targets share the memory: the
/// smallest chunk of theirs is everyone's.
std::pair<Value, Value> Sizes::chunks(OpBuilder &b, scan::ChunksOp op,
                                      Value trip, Value rows) {
  int64_t bytes = kernel::infoOf(kernel::Decision::ChunkBytes).most;
  for (kernel::ScheduleAttr one : kernel::schedulesOf(op))
    bytes = std::min(bytes, one.get(kernel::Decision::ChunkBytes));
  Location loc = op.getLoc();
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  auto ceil = [&](Value a, Value by) -> Value {
    return arith::CeilDivUIOp::create(b, loc, a, by);
  };
  auto least1 = [&](Value value) -> Value {
    return arith::MaxUIOp::create(b, loc, value, number(1));
  };
  Value inAll = number(std::max<int64_t>(1, bytes / op.getBytes()));
  Value most =
      op.getMost()
          ? number(*op.getMost())
          : least1(arith::DivUIOp::create(b, loc, inAll, least1(rows)));
  Value each = least1(ceil(trip, least1(ceil(trip, most))));
  return {ceil(trip, each), each};
}

Value Sizes::dynamic(Value tensor, int64_t dim) {
  if (Value known = memo.lookup({tensor, dim}))
    return known;
  Value result;
  if (auto arg = dyn_cast<BlockArgument>(tensor)) {
    if (arg.getOwner() == &source.getBody().front()) {
      result = ofArgument(arg.getArgNumber(), dim);
    } else {
      auto loop = cast<scan::LoopOp>(arg.getOwner()->getParentOp());
      unsigned number = arg.getArgNumber() - 1;
      result =
          number < loop.getNumSlices()
              ? dynamic(loop.getSlices()[number], dim + 1)
              : dynamic(loop.getFirsts()[number - loop.getNumSlices()], dim);
    }
  } else {
    OpFoldResult size;
    auto opResult = cast<OpResult>(tensor);
    result = dynamicOfResult(opResult, dim);
  }
  memo[{tensor, dim}] = result;
  return result;
}

/// The operand in `sizes` (one for each dynamic dimension) for `dim`.
Value Sizes::sizeOperand(Value tensor, int64_t dim, ValueRange sizes) {
  auto type = cast<RankedTensorType>(tensor.getType());
  unsigned number = 0;
  for (int64_t i = 0; i < dim; ++i)
    number += type.isDynamicDim(i);
  return index(sizes[number]);
}

/// Which dimension of an operand the dimension `dim` of a result is, where
/// some dimensions `gone` are left out.
template <typename Gone> static int64_t dimWithout(int64_t dim, Gone gone) {
  int64_t d = 0;
  for (int64_t left = dim;; ++d)
    if (!gone(d) && left-- == 0)
      return d;
}

Value Sizes::valueOf(Value tensor, int64_t dim) {
  OpFoldResult size = get(tensor, dim);
  if (auto attr = dyn_cast<Attribute>(size))
    return constant(cast<IntegerAttr>(attr).getInt());
  return cast<Value>(size);
}

Value Sizes::ofProduct(scan::DotOp dot, int64_t dim) {
  if (dim < static_cast<int64_t>(dot.getLhsBatch().size()))
    return valueOf(dot.getLhs(), dot.getLhsBatch()[dim]);
  dim -= dot.getLhsBatch().size();
  SmallVector<int64_t> lhsFree = dot.getLhsFree();
  if (dim < static_cast<int64_t>(lhsFree.size()))
    return valueOf(dot.getLhs(), lhsFree[dim]);
  return valueOf(dot.getRhs(), dot.getRhsFree()[dim - lhsFree.size()]);
}

/// Of ops of the scan dialect that move data; nothing for others.
std::optional<Value> Sizes::ofMovement(Operation *op, OpResult result,
                                       int64_t dim) {
  return llvm::TypeSwitch<Operation *, std::optional<Value>>(op)
      .Case<scan::GatherOp>([&](auto g) {
        int64_t rank = cast<ShapedType>(g.getIndices().getType()).getRank();
        if (dim < rank)
          return valueOf(g.getIndices(), dim);
        return valueOf(g.getTable(), dim - rank + g.getBatchDims() + 1);
      })
      .Case<scan::ScatterAddOp>([&](auto s) {
        int64_t n = s.getBatchDims();
        int64_t rank = cast<ShapedType>(s.getIndices().getType()).getRank();
        if (dim < n)
          return valueOf(s.getUpdates(), dim);
        if (dim == n)
          return index(s.getSize());
        return valueOf(s.getUpdates(), dim - n - 1 + rank);
      })
      .Case<scan::PickStepOp>([&](auto p) {
        int64_t time = p.getTimeDim();
        return valueOf(p.getInput(), dim < time ? dim : dim + 1);
      })
      .Case<scan::PlaceStepOp>([&](auto p) {
        int64_t time = p.getTimeDim();
        if (dim == time)
          return index(p.getSize());
        return valueOf(p.getInput(), dim < time ? dim : dim - 1);
      })
      .Case<scan::SplitOp>([&](auto s) {
        if (dim == 0)
          return index(s.getCount());
        return dim == 1 ? index(s.getSteps()) : valueOf(s.getInput(), dim - 1);
      })
      .Case<scan::JoinOp>([&](auto j) {
        return dim == 0 ? index(j.getSize()) : valueOf(j.getInput(), dim + 1);
      })
      .Case<scan::PartLengthsOp>(
          [&](auto p) { return valueOf(p.getLengths(), dim); })
      .Case<scan::EnterOp>([&](auto e) {
        int64_t n = e.getLengths().size();
        return valueOf(e.getInput(), dim < n ? dim + 1 : dim == n ? 0 : dim);
      })
      .Case<scan::LeaveOp>([&](auto e) {
        int64_t n = e.getLengths().size();
        return valueOf(e.getInput(), dim == 0 ? n : dim <= n ? dim - 1 : dim);
      })
      .Case<scan::LoopOp>([&](auto loop) {
        unsigned number = result.getResultNumber();
        if (number >= loop.getNumStacks())
          return valueOf(loop.getFirsts()[number - loop.getNumStacks()], dim);
        if (dim == 0)
          return index(loop.getTrip());
        return valueOf(loop.getYield().getStacks()[number], dim - 1);
      })
      .Default([](Operation *) { return std::nullopt; });
}

/// Of ops of the tensor dialect; nothing for others.
std::optional<Value> Sizes::ofReshape(Operation *op, OpResult result,
                                      int64_t dim) {
  return llvm::TypeSwitch<Operation *, std::optional<Value>>(op)
      .Case<tensor::SplatOp>(
          [&](auto s) { return sizeOperand(result, dim, s.getDynamicSizes()); })
      .Case<tensor::EmptyOp>(
          [&](auto e) { return sizeOperand(result, dim, e.getDynamicSizes()); })
      .Case<DestinationStyleOpInterface>([&](DestinationStyleOpInterface op) {
        return valueOf(op.getDpsInits()[result.getResultNumber()], dim);
      })
      .Case<tensor::InsertSliceOp>(
          [&](auto i) { return valueOf(i.getDest(), dim); })
      .Case<tensor::ConcatOp>(
          [&](auto c) { return valueOf(c.getInputs().front(), dim); })
      .Case<tensor::ExtractSliceOp>([&](tensor::ExtractSliceOp e) {
        // Slices are full on dynamic dimensions.
        llvm::SmallBitVector dropped = e.getDroppedDims();
        return valueOf(e.getSource(), dimWithout(dim, [&](int64_t d) {
                         return dropped.test(d);
                       }));
      })
      .Case<tensor::CollapseShapeOp>([&](tensor::CollapseShapeOp c) {
        Value size;
        ReassociationIndices group = c.getReassociationIndices()[dim];
        for (int64_t d : group) {
          Value one = valueOf(c.getSrc(), d);
          size = size ? product(size, one) : one;
        }
        return size;
      })
      .Case<tensor::ExpandShapeOp>([&](tensor::ExpandShapeOp e) {
        OpFoldResult size = e.getMixedOutputShape()[dim];
        return index(cast<Value>(size));
      })
      .Default([](Operation *) { return std::nullopt; });
}

Value Sizes::dynamicOfResult(OpResult result, int64_t dim) {
  Operation *op = result.getOwner();
  if (std::optional<Value> size = ofMovement(op, result, dim))
    return *size;
  if (std::optional<Value> size = ofReshape(op, result, dim))
    return *size;
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<scan::BroadcastOp>([&](auto b) {
        for (auto [i, to] : llvm::enumerate(b.getDims()))
          if (to == dim)
            return valueOf(b.getInput(), i);
        return sizeOperand(result, dim, b.getSizes());
      })
      .Case<scan::RandomOp>(
          [&](auto r) { return sizeOperand(result, dim, r.getSizes()); })
      .Case<scan::TransposeOp>(
          [&](auto t) { return valueOf(t.getInput(), t.getPerm()[dim]); })
      .Case<scan::ReduceOp>([&](auto r) {
        return valueOf(r.getInput(), dimWithout(dim, [&](int64_t d) {
                         return llvm::is_contained(r.getDims(), d);
                       }));
      })
      .Case<scan::ArgmaxOp>([&](auto a) {
        int64_t gone = a.getDim();
        return valueOf(a.getInput(), dim < gone ? dim : dim + 1);
      })
      .Case<scan::DotOp>([&](auto d) { return ofProduct(d, dim); })
      .Default([&](Operation *other) -> Value {
        // Elementwise: the first tensor operand of the same rank.
        for (Value operand : other->getOperands())
          if (auto type = dyn_cast<RankedTensorType>(operand.getType()))
            if (type.getRank() ==
                cast<RankedTensorType>(result.getType()).getRank())
              return valueOf(operand, dim);
        return {};
      });
}

} // namespace rnnc
