// LoopRows.cpp: which operands of an op have a row for each example.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopRows.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

using RowNumbers = std::optional<SmallVector<unsigned>>;

/// How a map reads dimension `dim` of a loop nest.
enum class RowUse { None, First, Other };

static RowUse useOf(AffineMap map, unsigned dim) {
  if (!map.isFunctionOfDim(dim))
    return RowUse::None;
  auto first = dyn_cast<AffineDimExpr>(map.getResult(0));
  if (!first || first.getPosition() != dim)
    return RowUse::Other;
  return map.getSubMap(
                llvm::to_vector(llvm::seq<unsigned>(1, map.getNumResults())))
                 .isFunctionOfDim(dim)
             ? RowUse::Other
             : RowUse::First;
}

static bool hasRows(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  return type && type.getRank() > 0 && type.isDynamicDim(0);
}

static RowNumbers phaseRows(kernel::PhaseOp op) {
  // Rows that several dimensions number are examples along the first.
  bool isPlain = op.getLefts().empty() && !op.getValid();
  if (op.getNumRowDims() != 1 && !isPlain)
    return std::nullopt;
  SmallVector<unsigned> numbers;
  auto add = [&](MutableOperandRange range, unsigned i) {
    numbers.push_back(range.slice(i, 1)[0].getOperandNumber());
  };
  for (unsigned i = 0; i != op.getOuts().size(); ++i)
    add(op.getOutsMutable(), i);
  for (unsigned i = 0; i != op.getLefts().size(); ++i)
    add(op.getLeftsMutable(), i);
  for (unsigned i = 0; i != op.getInputs().size(); ++i) {
    RowUse use = useOf(op.mapOf(i), 0);
    if (use == RowUse::Other)
      return std::nullopt;
    if (use == RowUse::First)
      add(op.getInputsMutable(), i);
  }
  return numbers;
}

static RowNumbers genericRows(linalg::LinalgOp op) {
  SmallVector<unsigned> numbers;
  std::optional<unsigned> rows;
  for (OpOperand &out : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&out);
    if (map.getNumResults() == 0)
      return std::nullopt;
    auto first = dyn_cast<AffineDimExpr>(map.getResult(0));
    if (!first || (rows && *rows != first.getPosition()))
      return std::nullopt;
    rows = first.getPosition();
    if (useOf(map, *rows) != RowUse::First)
      return std::nullopt;
    numbers.push_back(out.getOperandNumber());
  }
  if (!rows ||
      op.getIteratorTypesArray()[*rows] != utils::IteratorType::parallel)
    return std::nullopt;
  // What a row is must not depend on its number.
  bool counts = false;
  op->walk([&](linalg::IndexOp index) { counts |= index.getDim() == *rows; });
  if (counts)
    return std::nullopt;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (!isa<MemRefType>(input->get().getType()))
      continue;
    RowUse use = useOf(op.getMatchingIndexingMap(input), *rows);
    if (use == RowUse::Other)
      return std::nullopt;
    if (use == RowUse::First)
      numbers.push_back(input->getOperandNumber());
  }
  return numbers;
}

static RowNumbers gemmRows(kernel::GemmOp op) {
  if (op.getTransA() || op.getValid())
    return std::nullopt;
  return SmallVector<unsigned>{op.getCMutable().getOperandNumber(),
                               op.getAMutable().getOperandNumber()};
}

static RowNumbers gatherRows(kernel::GatherOp op) {
  if (op.getBatchDims() != 0)
    return std::nullopt;
  return SmallVector<unsigned>{op.getOutMutable().getOperandNumber(),
                               op.getIndicesMutable().getOperandNumber()};
}

static RowNumbers maskRows(kernel::MaskRowsOp op) {
  if (op.getTimeDim() || op.getBatchDim() != 0)
    return std::nullopt;
  SmallVector<unsigned> numbers = {op.getOutMutable().getOperandNumber(),
                                   op.getLengthsMutable().getOperandNumber()};
  if (op.getPrevious())
    numbers.push_back(op.getPreviousMutable()[0].getOperandNumber());
  return numbers;
}

RowNumbers rowOperands(Operation *op) {
  RowNumbers numbers =
      llvm::TypeSwitch<Operation *, RowNumbers>(op)
          .Case([](kernel::PhaseOp o) { return phaseRows(o); })
          .Case([](linalg::LinalgOp o) { return genericRows(o); })
          .Case([](kernel::GemmOp o) { return gemmRows(o); })
          .Case([](kernel::GatherOp o) { return gatherRows(o); })
          .Case([](kernel::MaskRowsOp o) { return maskRows(o); })
          .Case([](memref::CopyOp o) {
            return SmallVector<unsigned>{
                o.getTargetMutable().getOperandNumber(),
                o.getSourceMutable().getOperandNumber()};
          })
          .Default([](Operation *) { return RowNumbers(); });
  if (!numbers || numbers->empty())
    return std::nullopt;
  for (unsigned number : *numbers)
    if (!hasRows(op->getOperand(number)))
      return std::nullopt;
  return numbers;
}

Value sizeValue(Value memref, unsigned dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return {};
  if (auto cast = memref.getDefiningOp<memref::CastOp>())
    return sizeValue(cast.getSource(), dim);
  if (auto view = memref.getDefiningOp<memref::SubViewOp>()) {
    // The dimension of the result, among those that were not dropped.
    llvm::SmallBitVector dropped = view.getDroppedDims();
    unsigned at = 0;
    for (unsigned seen = 0; at != dropped.size(); ++at)
      if (!dropped[at] && seen++ == dim)
        break;
    return dyn_cast<Value>(view.getMixedSizes()[at]);
  }
  if (auto view = memref.getDefiningOp<memref::ViewOp>())
    return view.getSizes()[type.getDynamicDimIndex(dim)];
  if (auto alloc = memref.getDefiningOp<memref::AllocOp>())
    return alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)];
  if (auto collapse = memref.getDefiningOp<memref::CollapseShapeOp>()) {
    ReassociationIndices from = collapse.getReassociationIndices()[dim];
    return from.size() == 1 ? sizeValue(collapse.getSrc(), from[0]) : Value();
  }
  // Launches add more of them.
  memref::DimOp first;
  for (Operation *user : memref.getUsers()) {
    auto size = dyn_cast<memref::DimOp>(user);
    if (!size || size.getConstantIndex() != int64_t(dim))
      continue;
    if (!first ||
        (size->getBlock() == first->getBlock() && size->isBeforeInBlock(first)))
      first = size;
  }
  return first ? Value(first) : Value();
}

} // namespace rnnc
