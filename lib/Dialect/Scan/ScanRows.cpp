// ScanRows.cpp: whether a dimension is the batch, or rows of several axes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a sequence stands inside of another, its elements are rows: time and
// batch joined to one dimension. Such a tensor has the type of a batch, but
// other rows than an outer loop's lengths.

#include "ScanRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

namespace rnnc::scan {
namespace {

struct Dimension {
  Value tensor;
  int64_t dim;
};

bool isDynamic(Value tensor, int64_t dim) {
  return cast<RankedTensorType>(tensor.getType()).isDynamicDim(dim);
}

/// What a dimension is that of, one op back; or what it is.
class RowTracer {
public:
  RowKind kindOf(Dimension at);

private:
  RowKind ofSize(Value size);
  RowKind ofArgument(BlockArgument argument, int64_t dim);
  RowKind ofLoop(LoopOp loop, unsigned result, int64_t dim);
  RowKind ofCollapsed(tensor::CollapseShapeOp op, int64_t dim);
  RowKind ofBroadcast(BroadcastOp op, int64_t dim);
  RowKind ofOperands(Operation *op, Value result, int64_t dim);

  /// How many values are still looked at: an op may have several operands, and
  /// what is far away says no more.
  unsigned left = 256;
};

RowKind RowTracer::ofSize(Value size) {
  if (size.getDefiningOp<arith::MulIOp>())
    return RowKind::Joined;
  if (auto dim = size.getDefiningOp<tensor::DimOp>())
    if (std::optional<int64_t> index = dim.getConstantIndex())
      return kindOf({dim.getSource(), *index});
  return RowKind::Unknown;
}

RowKind RowTracer::ofArgument(BlockArgument argument, int64_t dim) {
  Operation *parent = argument.getOwner()->getParentOp();
  auto loop = dyn_cast_or_null<LoopOp>(parent);
  if (!loop)
    return isa_and_present<func::FuncOp>(parent) ? RowKind::Single
                                                 : RowKind::Unknown;
  if (argument.getArgNumber() == 0) // the step
    return RowKind::Unknown;
  unsigned number = argument.getArgNumber() - 1, slices = loop.getNumSlices();
  if (number < slices)
    return kindOf({loop.getSlices()[number], dim + 1});
  return kindOf({loop.getFirsts()[number - slices], dim});
}

RowKind RowTracer::ofLoop(LoopOp loop, unsigned result, int64_t dim) {
  if (result >= loop.getNumStacks())
    return kindOf({loop.getFirsts()[result - loop.getNumStacks()], dim});
  if (dim == 0)
    return RowKind::Single;
  return kindOf({loop.getYield().getStacks()[result], dim - 1});
}

RowKind RowTracer::ofCollapsed(tensor::CollapseShapeOp op, int64_t dim) {
  std::optional<int64_t> only;
  SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
  for (int64_t from : groups[dim]) {
    if (!isDynamic(op.getSrc(), from))
      continue;
    if (only)
      return RowKind::Joined;
    only = from;
  }
  return only ? kindOf({op.getSrc(), *only}) : RowKind::Unknown;
}

RowKind RowTracer::ofBroadcast(BroadcastOp op, int64_t dim) {
  ArrayRef<int64_t> dims = op.getDims();
  const auto *from = llvm::find(dims, dim);
  if (from != dims.end() && isDynamic(op.getInput(), from - dims.begin()))
    return kindOf({op.getInput(), from - dims.begin()});
  unsigned number = 0;
  for (int64_t d = 0; d != dim; ++d)
    number += isDynamic(op.getResult(), d);
  return number < op.getSizes().size() ? ofSize(op.getSizes()[number])
                                       : RowKind::Unknown;
}

/// Of an op that has the rows of its operands: those of its type, else those
/// with one dynamic dimension.
RowKind RowTracer::ofOperands(Operation *op, Value result, int64_t dim) {
  auto type = cast<RankedTensorType>(result.getType());
  auto shapeOf = [](Value value) {
    auto tensor = dyn_cast<RankedTensorType>(value.getType());
    return tensor ? tensor.getShape() : ArrayRef<int64_t>();
  };
  bool alike = op->hasTrait<OpTrait::Elementwise>() ||
               op->hasTrait<OpTrait::SameOperandsAndResultShape>() ||
               isa<MaskOp>(op);
  RowKind found = RowKind::Unknown;
  for (Value operand : op->getOperands()) {
    if (!isa<RankedTensorType>(operand.getType()))
      continue;
    Dimension next{operand, dim};
    if (!alike || shapeOf(operand) != type.getShape()) {
      auto from = cast<RankedTensorType>(operand.getType());
      if (alike || type.getNumDynamicDims() != 1 ||
          from.getNumDynamicDims() != 1)
        continue;
      next.dim = llvm::find(from.getShape(), ShapedType::kDynamic) -
                 from.getShape().begin();
    }
    RowKind kind = kindOf(next);
    if (kind == RowKind::Joined || alike)
      return kind;
    if (kind != RowKind::Unknown)
      found = kind;
  }
  return found;
}

RowKind RowTracer::kindOf(Dimension at) {
  auto type = at.tensor ? dyn_cast<RankedTensorType>(at.tensor.getType())
                        : RankedTensorType();
  if (left == 0 || !type || at.dim >= type.getRank())
    return RowKind::Unknown;
  --left;
  if (auto argument = dyn_cast<BlockArgument>(at.tensor))
    return ofArgument(argument, at.dim);
  Operation *op = at.tensor.getDefiningOp();
  unsigned result = cast<OpResult>(at.tensor).getResultNumber();
  if (auto loop = dyn_cast<LoopOp>(op))
    return ofLoop(loop, result, at.dim);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return ofCollapsed(collapse, at.dim);
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return ofBroadcast(broadcast, at.dim);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return empty.getType().isDynamicDim(at.dim)
               ? ofSize(empty.getDynamicSize(at.dim))
               : RowKind::Unknown;
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return kindOf({dps.getDpsInits()[result], at.dim});
  return ofOperands(op, at.tensor, at.dim);
}

} // namespace

RowKind rowKindOf(Value tensor, int64_t dim) {
  return RowTracer().kindOf({tensor, dim});
}

} // namespace rnnc::scan
