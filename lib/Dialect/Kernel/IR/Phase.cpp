// Phase.cpp: kernel.phase, products and what is computed from them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace rnnc::kernel {

ArrayRef<int64_t> PhaseOp::columnsOf(unsigned product) {
  return cast<DenseI64ArrayAttr>(getColumns()[product]).asArrayRef();
}

unsigned PhaseOp::getNumAccumulators() {
  unsigned number = 0;
  for (unsigned p = 0; p != getLefts().size(); ++p)
    number += columnsOf(p).size();
  return number;
}

int64_t PhaseOp::getUnits() {
  return cast<ShapedType>(getOuts().front().getType()).getDimSize(1);
}

AffineMap PhaseOp::mapOf(unsigned input) {
  return cast<AffineMapAttr>(getMaps()[input]).getValue();
}

void PhaseOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

LogicalResult PhaseOp::reifyResultShapes(OpBuilder &b,
                                         ReifiedRankedShapedTypeDims &shapes) {
  for (Value out : getOuts())
    shapes.push_back(tensor::getMixedSizes(b, getLoc(), out));
  return success();
}

/// Columns of a right operand `[N..., K...]` whose K has `steps` entries.
static std::optional<int64_t> columnsOfMatrix(ShapedType type, int64_t steps) {
  if (!type.hasStaticShape() || steps < 1)
    return std::nullopt;
  int64_t k = 1, dim = type.getRank();
  while (dim > 0 && k < steps)
    k *= type.getDimSize(--dim);
  if (k != steps)
    return std::nullopt;
  int64_t n = 1;
  while (dim > 0)
    n *= type.getDimSize(--dim);
  return n;
}

static LogicalResult verifyProduct(PhaseOp op, unsigned p) {
  auto left = cast<ShapedType>(op.getLefts()[p].getType());
  auto right = cast<ShapedType>(op.getRights()[p].getType());
  auto columns = dyn_cast<DenseI64ArrayAttr>(op.getColumns()[p]);
  if (!columns || columns.empty())
    return op.emitOpError("a product has columns, an array of numbers");
  if (left.getRank() < 2 || left.getElementType() != right.getElementType() ||
      !isa<FloatType>(left.getElementType()))
    return op.emitOpError("a left operand is [rows, K] of the right's numbers");
  int64_t k = 1, units = op.getUnits();
  for (int64_t size : left.getShape().drop_front())
    k *= ShapedType::isDynamic(size) ? 0 : size;
  if (op.getPacked()) {
    int64_t n = units * columns.size();
    if (left.getRank() != 2 || k < 1 || right.getRank() != 1 ||
        right.isDynamicDim(0) || right.getDimSize(0) < packedSize(k, n))
      return op.emitOpError("a packed operand is flat, with room for K of the "
                            "left operand and all columns");
    return success();
  }
  std::optional<int64_t> n = columnsOfMatrix(right, k);
  if (!n)
    return op.emitOpError("a right operand is [N, K] with the K of the left");
  for (int64_t first : columns.asArrayRef())
    if (first < 0 || first + units > *n)
      return op.emitOpError() << "columns from " << first
                              << " on are outside of the right operand";
  return success();
}

static LogicalResult verifyRegion(PhaseOp op) {
  SmallVector<Type> expected;
  for (unsigned p = 0; p != op.getLefts().size(); ++p)
    expected.append(op.columnsOf(p).size(),
                    getElementTypeOrSelf(op.getLefts()[p].getType()));
  for (Value input : op.getInputs())
    expected.push_back(getElementTypeOrSelf(input.getType()));
  if (op.getBody().front().getArgumentTypes() != TypeRange(expected))
    return op.emitOpError("the region takes the accumulators, then an element "
                          "of each input");
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  if (yield.getNumOperands() != op.getOuts().size())
    return op.emitOpError("the region yields one value for each of outs");
  for (auto [value, out] : llvm::zip_equal(yield.getValues(), op.getOuts()))
    if (value.getType() != getElementTypeOrSelf(out.getType()))
      return op.emitOpError("the region yields elements of outs");
  return success();
}

LogicalResult PhaseOp::verify() {
  if (getLefts().empty() || getLefts().size() != getRights().size() ||
      getColumns().size() != getLefts().size())
    return emitOpError("has a left and a right operand and columns for each "
                       "product");
  if (getMaps().size() != getInputs().size())
    return emitOpError("has a map for each input");
  for (Value out : getOuts()) {
    auto type = cast<ShapedType>(out.getType());
    if (type.getRank() != 2 || type.isDynamicDim(1) ||
        type.getDimSize(1) != getUnits())
      return emitOpError("outs are [rows, units], with units known");
  }
  if (getOuts().empty())
    return emitOpError("has results");
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    AffineMap map = mapOf(i);
    if (map.getNumDims() != 2 || !map.isProjectedPermutation() ||
        map.getNumResults() != cast<ShapedType>(input.getType()).getRank())
      return emitOpError() << "input " << i
                           << " has no projected permutation of (row, unit)";
  }
  for (unsigned p = 0; p != getLefts().size(); ++p)
    if (failed(verifyProduct(*this, p)))
      return failure();
  if (bool(getLengths()) != bool(getAt()))
    return emitOpError("has lengths and a step, or neither");
  if (getPacked() ? bool(getLengths()) : bool(getValid()))
    return emitOpError("has lengths on tensors, and valid rows on memrefs");
  bool onMemory = isa<MemRefType>(getOuts().front().getType());
  if (onMemory != bool(getPacked()))
    return emitOpError("is packed on memrefs, and there alone");
  return verifyRegion(*this);
}

} // namespace rnnc::kernel
