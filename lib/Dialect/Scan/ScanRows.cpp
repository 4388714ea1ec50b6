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

bool isOfFunction(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument &&
         isa_and_present<func::FuncOp>(argument.getOwner()->getParentOp());
}

RowKind kindOfSize(Value size, unsigned left);

/// `left`: how many values are still looked at; what is far away says no more.
RowKind kindOf(Dim at, unsigned left) {
  auto type = dyn_cast<RankedTensorType>(at.value.getType());
  if (left == 0 || !type || at.number >= type.getRank() ||
      !type.isDynamicDim(at.number))
    return RowKind::Unknown;
  if (isOfFunction(at.value))
    return RowKind::Single;
  if (std::optional<Dim> before = sameSizeBefore(at))
    return kindOf(*before, left - 1);
  if (Value size = sizeOperand(at))
    return kindOfSize(size, left - 1);
  Operation *op = at.value.getDefiningOp();
  if (auto collapse = dyn_cast_if_present<tensor::CollapseShapeOp>(op)) {
    auto dims = llvm::to_vector(llvm::make_filter_range(
        collapse.getReassociationIndices()[at.number],
        [&](int64_t dim) { return collapse.getSrcType().isDynamicDim(dim); }));
    return dims.size() > 1
               ? RowKind::Joined
               : kindOf({collapse.getSrc(), dims.front()}, left - 1);
  }
  if (auto dps = dyn_cast_if_present<DestinationStyleOpInterface>(op)) {
    unsigned result = cast<OpResult>(at.value).getResultNumber();
    return kindOf({dps.getDpsInits()[result], at.number}, left - 1);
  }
  return RowKind::Unknown;
}

RowKind kindOfSize(Value size, unsigned left) {
  if (size.getDefiningOp<arith::MulIOp>())
    return RowKind::Joined;
  if (auto dim = size.getDefiningOp<tensor::DimOp>())
    if (std::optional<int64_t> number = dim.getConstantIndex())
      return kindOf({dim.getSource(), *number}, left);
  return RowKind::Unknown;
}

} // namespace

RowKind rowKindOf(Value tensor, int64_t dim) {
  return kindOf({tensor, dim}, 256);
}

} // namespace rnnc::scan
