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

using kernel::Decision;

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
    // Sizes are divided by what is at least 1.
    bool isSafe = isPure(op) || isa<arith::DivUIOp>(op);
    if (!isSafe || op->getNumRegions() || op->getNumResults() != 1)
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

/// Steps of a chunk where parts of a loop work a chunk apart, at most: few
/// enough for some chunks, and enough for a product.
static Value stepsApart(OpBuilder &b, scan::ChunksOp op, Value trip,
                        Value rows) {
  Location loc = op.getLoc();
  int64_t chunks = 1, least = kernel::infoOf(Decision::ChunkRows).most;
  for (kernel::ScheduleAttr one : kernel::schedulesOf(op)) {
    chunks = std::max(chunks, one.get(Decision::LeastChunks));
    least = std::min(least, one.get(Decision::ChunkRows));
  }
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  auto share = [&](Value all, Value by) -> Value {
    return arith::CeilDivUIOp::create(b, loc, all,
                                      arith::MaxUIOp::create(b, loc, by, one));
  };
  return arith::MaxUIOp::create(
      b, loc, share(trip, arith::ConstantIndexOp::create(b, loc, chunks)),
      share(arith::ConstantIndexOp::create(b, loc, least), rows));
}

/// What `scan::chunksOf` says, as code. All targets share the memory: the
/// smallest chunk of theirs is everyone's.
std::pair<Value, Value> Sizes::chunks(OpBuilder &b, scan::ChunksOp op,
                                      Value trip, Value rows) {
  int64_t bytes = kernel::infoOf(Decision::ChunkBytes).most;
  for (kernel::ScheduleAttr one : kernel::schedulesOf(op))
    bytes = std::min(bytes, one.get(Decision::ChunkBytes));
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
  if (op.getStages())
    most = arith::MinUIOp::create(b, loc, most, stepsApart(b, op, trip, rows));
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
    result = dynamicOfResult(cast<OpResult>(tensor), dim);
  }
  memo[{tensor, dim}] = result;
  return result;
}

Value Sizes::valueOf(Value tensor, int64_t dim) {
  OpFoldResult size = get(tensor, dim);
  if (auto attr = dyn_cast<Attribute>(size))
    return constant(cast<IntegerAttr>(attr).getInt());
  return cast<Value>(size);
}

/// The rules are those of the scan dialect; here they are followed to what the
/// function has been made of so far.
Value Sizes::dynamicOfResult(OpResult result, int64_t dim) {
  if (auto before = scan::sameSizeBefore({result, dim}))
    return valueOf(before->value, before->number);
  if (Value size = scan::sizeOperand({result, dim}))
    return index(size);
  return llvm::TypeSwitch<Operation *, Value>(result.getOwner())
      .Case([&](tensor::CollapseShapeOp op) {
        Value size;
        ReassociationIndices group = op.getReassociationIndices()[dim];
        for (int64_t d : group) {
          Value one = valueOf(op.getSrc(), d);
          size = size ? product(size, one) : one;
        }
        return size;
      })
      .Case([&](DestinationStyleOpInterface op) {
        return valueOf(op.getDpsInits()[result.getResultNumber()], dim);
      })
      .Default([](Operation *) { return Value(); });
}

} // namespace rnnc
