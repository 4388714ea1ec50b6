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

bool PhaseOp::isPerRow(unsigned out) {
  return getPerRow() && llvm::is_contained(*getPerRow(), int64_t(out));
}

bool PhaseOp::isZeroPastEnd(unsigned out) {
  return getZeros() && llvm::is_contained(*getZeros(), int64_t(out));
}

int64_t PhaseOp::getNumUnits() {
  for (auto [i, out] : llvm::enumerate(getOuts()))
    if (!isPerRow(i))
      return cast<ShapedType>(out.getType()).getShape().back();
  return getUnits().value_or(0);
}

unsigned PhaseOp::getNumRowDims() {
  int64_t rank = cast<ShapedType>(getOuts().front().getType()).getRank();
  return std::max<int64_t>(0, isPerRow(0) ? rank : rank - 1);
}

bool PhaseOp::hasRowReductions() {
  return !getBody().front().getOps<ReduceRowOp>().empty();
}

bool PhaseOp::isOnMemory() {
  return isa<MemRefType>(getOuts().front().getType());
}

DenseSet<Value> PhaseOp::findUnitValues() {
  DenseSet<Value> varying;
  Block &block = getBody().front();
  unsigned accumulators = getNumAccumulators(), unit = getNumRowDims();
  for (BlockArgument argument : block.getArguments()) {
    unsigned number = argument.getArgNumber();
    if (number < accumulators ||
        mapOf(number - accumulators).isFunctionOfDim(unit))
      varying.insert(argument);
  }
  for (Operation &op : block.without_terminator())
    if (!isa<ReduceRowOp>(op) && llvm::any_of(op.getOperands(), [&](Value v) {
          return varying.contains(v);
        }))
      varying.insert(op.result_begin(), op.result_end());
  return varying;
}

AffineMap PhaseOp::mapOf(unsigned input) {
  return cast<AffineMapAttr>(getMaps()[input]).getValue();
}

AffineMap PhaseOp::mapOfOut(unsigned out) {
  unsigned rows = getNumRowDims();
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(rows + 1, getContext());
  return isPerRow(out) ? identity.dropResult(rows) : identity;
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

unsigned PhaseOp::storedBitsOf(unsigned product) {
  auto bits = getStoredBits();
  return bits ? unsigned((*bits)[product]) : 0;
}

static LogicalResult verifyStoredBits(PhaseOp op) {
  auto bits = op.getStoredBits();
  if (!bits)
    return success();
  if (!op.getPacked() || bits->size() != op.getLefts().size() ||
      llvm::any_of(*bits,
                   [](int64_t n) { return n != 0 && n != 8 && n != 16; }))
    return op.emitOpError("stored_bits says 0, 8 or 16 for each product, whose "
                          "right operand is packed");
  return success();
}

static LogicalResult verifyProduct(PhaseOp op, unsigned p) {
  auto left = cast<ShapedType>(op.getLefts()[p].getType());
  auto right = cast<ShapedType>(op.getRights()[p].getType());
  auto columns = dyn_cast<DenseI64ArrayAttr>(op.getColumns()[p]);
  if (!columns || columns.empty())
    return op.emitOpError("a product has columns, an array of numbers");
  int64_t rowDims = op.isOnMemory() ? 1 : op.getNumRowDims();
  if (left.getRank() <= rowDims ||
      left.getElementType() != right.getElementType() ||
      !isa<FloatType>(left.getElementType()))
    return op.emitOpError("a left operand is [rows, K] of the right's numbers");
  int64_t k = 1, units = op.getNumUnits();
  for (int64_t size : left.getShape().drop_front(rowDims))
    k *= ShapedType::isDynamic(size) ? 0 : size;
  if (op.getPacked()) {
    int64_t n = units * columns.size();
    unsigned stored = op.storedBitsOf(p);
    if (left.getRank() != 2 || k < 1 || right.getRank() != 1 ||
        right.isDynamicDim(0) ||
        right.getDimSize(0) < packedSize(stepsOf(k, stored), n, stored))
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

/// What stands beside panels that are not always made.
static LogicalResult verifyInPlace(PhaseOp op) {
  if (bool(op.getInPlace()) == op.getMatrices().empty())
    return op.emitOpError("says when matrices are read in place, or has none");
  if (!op.getInPlace())
    return success();
  if (!op.getPacked() || op.getStoredBits() ||
      op.getMatrices().size() != op.getLefts().size())
    return op.emitOpError("has a matrix for each packed operand, of numbers as "
                          "they are");
  for (auto [p, matrix] : llvm::enumerate(op.getMatrices())) {
    auto type = cast<MemRefType>(matrix.getType());
    auto left = cast<MemRefType>(op.getLefts()[p].getType());
    if (type.getRank() != 2 || !type.hasStaticShape() ||
        !type.isLastDimUnitStride() ||
        type.getDimSize(1) != left.getDimSize(1) ||
        type.getElementType() != left.getElementType())
      return op.emitOpError(
          "a matrix is [N, K], with the K of the left operand "
          "side by side");
    for (int64_t first : op.columnsOf(p))
      if (first < 0 || first + op.getNumUnits() > type.getDimSize(0))
        return op.emitOpError()
               << "columns from " << first << " on are outside of the matrix";
  }
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
  DenseSet<Value> varying = op.findUnitValues();
  for (auto [i, value, out] :
       llvm::enumerate(yield.getValues(), op.getOuts())) {
    if (value.getType() != getElementTypeOrSelf(out.getType()))
      return op.emitOpError("the region yields elements of outs");
    if (op.isPerRow(i) && varying.contains(value))
      return op.emitOpError("what is yielded per row differs between units");
  }
  return success();
}

static LogicalResult verifyOuts(PhaseOp op) {
  if (op.getOuts().empty())
    return op.emitOpError("has results");
  int64_t count = op.getOuts().size();
  for (std::optional<ArrayRef<int64_t>> numbers :
       {op.getPerRow(), op.getZeros()})
    for (int64_t number : numbers.value_or(ArrayRef<int64_t>()))
      if (number < 0 || number >= count)
        return op.emitOpError() << "has no number " << number << " of outs";
  bool allPerRow = true;
  int64_t rows = op.getNumRowDims(), units = op.getNumUnits();
  for (auto [i, out] : llvm::enumerate(op.getOuts())) {
    auto type = cast<ShapedType>(out.getType());
    allPerRow &= op.isPerRow(i);
    int64_t rank = op.isPerRow(i) ? rows : rows + 1;
    if (rows < 1 || type.getRank() != rank ||
        (!op.isPerRow(i) &&
         (type.isDynamicDim(rows) || type.getDimSize(rows) != units)))
      return op.emitOpError("outs are [rows, units], with units known, or "
                            "[rows] where they are per row");
  }
  if (allPerRow != op.getUnits().has_value() || units < 1)
    return op.emitOpError("says the number of units where all outs are per "
                          "row, and there alone");
  return success();
}

static LogicalResult verifyInputs(PhaseOp op) {
  if (op.getMaps().size() != op.getInputs().size())
    return op.emitOpError("has a map for each input");
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    AffineMap map = op.mapOf(i);
    if (map.getNumDims() != op.getNumRowDims() + 1 ||
        !map.isProjectedPermutation() ||
        map.getNumResults() != cast<ShapedType>(input.getType()).getRank())
      return op.emitOpError()
             << "input " << i << " has no projected permutation of (row, unit)";
  }
  return success();
}

static LogicalResult verifyRows(PhaseOp op) {
  if (bool(op.getLengths()) != bool(op.getAt()))
    return op.emitOpError("has lengths and a step, or neither");
  if (op.isOnMemory() ? bool(op.getLengths()) : bool(op.getValid()))
    return op.emitOpError("has lengths on tensors, and valid rows on memrefs");
  if (op.getLengths() && op.getNumRowDims() > 2)
    return op.emitOpError("has lengths for rows of examples, or of time and "
                          "examples");
  if (op.getTurn() &&
      (!op.isOnMemory() || op.getLefts().empty() || op.getNumRowDims() != 1))
    return op.emitOpError("turns, but is no product of one step on memrefs");
  if (op.getZeros() && !op.getLengths())
    return op.emitOpError("has zeros past an end, but no lengths");
  return success();
}

LogicalResult PhaseOp::verify() {
  if (getLefts().size() != getRights().size() ||
      getColumns().size() != getLefts().size())
    return emitOpError("has a left and a right operand and columns for each "
                       "product");
  if (failed(verifyOuts(*this)) || failed(verifyInputs(*this)) ||
      failed(verifyStoredBits(*this)))
    return failure();
  for (unsigned p = 0; p != getLefts().size(); ++p)
    if (failed(verifyProduct(*this, p)))
      return failure();
  if (failed(verifyRows(*this)) || failed(verifyInPlace(*this)))
    return failure();
  if (getPacked() != (isOnMemory() && !getLefts().empty()))
    return emitOpError("is packed on memrefs, and there alone");
  return verifyRegion(*this);
}

} // namespace rnnc::kernel
