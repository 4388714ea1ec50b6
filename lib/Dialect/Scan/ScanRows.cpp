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

/// What a dimension is that of, one op back; or how many axes it is.
class RowTracer {
public:
  unsigned countOf(Dimension at);

private:
  unsigned ofSize(Value size);
  unsigned ofFactor(Value size) { return std::max(1u, ofSize(size)); }
  unsigned ofArgument(BlockArgument argument, int64_t dim);
  unsigned ofLoop(LoopOp loop, unsigned result, int64_t dim);
  unsigned ofCollapsed(tensor::CollapseShapeOp op, int64_t dim);
  unsigned ofBroadcast(BroadcastOp op, int64_t dim);
  unsigned ofOperands(Operation *op, Value result, int64_t dim);

  /// How many values are still looked at: an op may have several operands, and
  /// what is far away says no more.
  unsigned left = 256;
};

unsigned RowTracer::ofSize(Value size) {
  if (auto product = size.getDefiningOp<arith::MulIOp>())
    return ofFactor(product.getLhs()) + ofFactor(product.getRhs());
  if (auto dim = size.getDefiningOp<tensor::DimOp>())
    if (std::optional<int64_t> index = dim.getConstantIndex())
      return countOf({dim.getSource(), *index});
  return 0;
}

unsigned RowTracer::ofArgument(BlockArgument argument, int64_t dim) {
  Operation *parent = argument.getOwner()->getParentOp();
  auto loop = dyn_cast_or_null<LoopOp>(parent);
  if (!loop)
    return isa_and_present<func::FuncOp>(parent) ? 1 : 0;
  if (argument.getArgNumber() == 0) // the step
    return 0;
  unsigned number = argument.getArgNumber() - 1, slices = loop.getNumSlices();
  if (number < slices)
    return countOf({loop.getSlices()[number], dim + 1});
  return countOf({loop.getFirsts()[number - slices], dim});
}

unsigned RowTracer::ofLoop(LoopOp loop, unsigned result, int64_t dim) {
  if (result >= loop.getNumStacks())
    return countOf({loop.getFirsts()[result - loop.getNumStacks()], dim});
  if (dim == 0)
    return 1;
  return countOf({loop.getYield().getStacks()[result], dim - 1});
}

unsigned RowTracer::ofCollapsed(tensor::CollapseShapeOp op, int64_t dim) {
  SmallVector<int64_t> joined;
  SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
  llvm::copy_if(groups[dim], std::back_inserter(joined),
                [&](int64_t from) { return isDynamic(op.getSrc(), from); });
  if (joined.size() == 1)
    return countOf({op.getSrc(), joined.front()});
  unsigned count = 0;
  for (int64_t from : joined)
    count += std::max(1u, countOf({op.getSrc(), from}));
  return count;
}

unsigned RowTracer::ofBroadcast(BroadcastOp op, int64_t dim) {
  ArrayRef<int64_t> dims = op.getDims();
  const auto *from = llvm::find(dims, dim);
  if (from != dims.end() && isDynamic(op.getInput(), from - dims.begin()))
    return countOf({op.getInput(), from - dims.begin()});
  unsigned number = 0;
  for (int64_t d = 0; d != dim; ++d)
    number += isDynamic(op.getResult(), d);
  return number < op.getSizes().size() ? ofSize(op.getSizes()[number]) : 0;
}

/// Of an op that has the rows of its operands: those of its type, else those
/// with one dynamic dimension.
unsigned RowTracer::ofOperands(Operation *op, Value result, int64_t dim) {
  auto type = cast<RankedTensorType>(result.getType());
  auto shapeOf = [](Value value) {
    auto tensor = dyn_cast<RankedTensorType>(value.getType());
    return tensor ? tensor.getShape() : ArrayRef<int64_t>();
  };
  bool alike = op->hasTrait<OpTrait::Elementwise>() ||
               op->hasTrait<OpTrait::SameOperandsAndResultShape>() ||
               isa<MaskOp>(op);
  unsigned found = 0;
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
    unsigned count = countOf(next);
    if (count > 1 || alike)
      return count;
    found = std::max(found, count);
  }
  return found;
}

unsigned RowTracer::countOf(Dimension at) {
  auto type = at.tensor ? dyn_cast<RankedTensorType>(at.tensor.getType())
                        : RankedTensorType();
  if (left == 0 || !type || at.dim >= type.getRank())
    return 0;
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
               : 0;
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return countOf({dps.getDpsInits()[result], at.dim});
  return ofOperands(op, at.tensor, at.dim);
}

} // namespace

unsigned countJoinedAxes(Value tensor, int64_t dim) {
  return RowTracer().countOf({tensor, dim});
}

} // namespace rnnc::scan
