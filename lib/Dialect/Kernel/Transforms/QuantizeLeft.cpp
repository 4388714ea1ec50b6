// QuantizeLeft.cpp: left operands of products as integers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows become integers right before the product that reads them, in a buffer of
// their own. Its size must be known where the function begins, since that is
// where memory is planned: it is followed through views to what sizes of
// arguments it is made of; where a view's own size is known later only, what it
// is a view of has enough rows.

#include "QuantizeLeft.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace rnnc::kernel {

namespace {

/// Makes sizes of buffers again at the beginning of a function.
class SizeBuilder {
public:
  SizeBuilder(func::FuncOp function)
      : block(&function.getBody().front()), b(OpBuilder::atBlockBegin(block)) {}

  /// At least as much as there is, or nothing.
  Value atLeast(Value memref, unsigned dim) {
    return dimOf(memref, dim, /*exact=*/false);
  }
  OpBuilder &builder() { return b; }

private:
  Value constant(Location loc, int64_t n) {
    return arith::ConstantIndexOp::create(b, loc, n);
  }
  Value dimOf(Value memref, unsigned dim, bool exact);
  Value dimOfView(memref::SubViewOp view, unsigned dim, bool exact);
  Value joined(memref::CollapseShapeOp op, unsigned dim, bool exact);
  Value again(Value size);

  Block *block;
  OpBuilder b;
  IRMapping known;
};

Value SizeBuilder::dimOfView(memref::SubViewOp view, unsigned dim, bool exact) {
  llvm::SmallBitVector dropped = view.getDroppedDims();
  unsigned source = 0;
  for (unsigned left = dim;; ++source) {
    if (dropped.test(source))
      continue;
    if (left-- == 0)
      break;
  }
  OpFoldResult size = view.getMixedSizes()[source];
  if (std::optional<int64_t> number = getConstantIntValue(size))
    return constant(view.getLoc(), *number);
  if (Value same = again(cast<Value>(size)))
    return same;
  return exact ? Value() : dimOf(view.getSource(), source, exact);
}

Value SizeBuilder::joined(memref::CollapseShapeOp op, unsigned dim,
                          bool exact) {
  Value product;
  for (int64_t part : op.getReassociationIndices()[dim]) {
    Value size = dimOf(op.getSrc(), unsigned(part), exact);
    if (!size)
      return {};
    product =
        product ? arith::MulIOp::create(b, op.getLoc(), product, size) : size;
  }
  return product;
}

Value SizeBuilder::dimOf(Value memref, unsigned dim, bool exact) {
  auto type = cast<MemRefType>(memref.getType());
  Location loc = memref.getLoc();
  if (!type.isDynamicDim(dim))
    return constant(loc, type.getDimSize(dim));
  if (auto argument = dyn_cast<BlockArgument>(memref))
    return argument.getOwner() == block
               ? Value(memref::DimOp::create(b, loc, memref, dim))
               : Value();
  Operation *op = memref.getDefiningOp();
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return again(alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)]);
  if (auto view = dyn_cast<memref::SubViewOp>(op))
    return dimOfView(view, dim, exact);
  if (auto cast = dyn_cast<memref::CastOp>(op))
    return dimOf(cast.getSource(), dim, exact);
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op))
    return joined(collapse, dim, exact);
  return {};
}

/// The same number, computed where the function begins.
Value SizeBuilder::again(Value size) {
  if (Value same = known.lookupOrNull(size))
    return same;
  Operation *op = size.getDefiningOp();
  if (!op || op->getNumRegions() || !isMemoryEffectFree(op))
    return {};
  Value same;
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    std::optional<int64_t> number = dim.getConstantIndex();
    if (!number || !isa<MemRefType>(dim.getSource().getType()))
      return {};
    same = dimOf(dim.getSource(), unsigned(*number), /*exact=*/true);
    if (!same)
      return {};
  } else {
    for (Value operand : op->getOperands())
      if (!again(operand))
        return {};
    same =
        b.clone(*op, known)->getResult(cast<OpResult>(size).getResultNumber());
  }
  known.map(size, same);
  return same;
}

/// Left operands of the products that read a panel, but those that are integers
/// already.
SmallVector<OpOperand *> leftsOf(Operation *product, Value panel) {
  SmallVector<OpOperand *> lefts;
  auto gemm = dyn_cast<GemmOp>(product);
  if (gemm && gemm.getStoredBits() != 8)
    lefts.push_back(&gemm.getAMutable());
  if (auto phase = dyn_cast<PhaseOp>(product))
    for (auto [p, left] : llvm::enumerate(phase.getLeftsMutable()))
      if (phase.getRights()[p] == panel && phase.storedBitsOf(p) != 8)
        lefts.push_back(&left);
  return lefts;
}

} // namespace

StringRef whyNotIntegers(Operation *product, Value panel) {
  auto gemm = dyn_cast<GemmOp>(product);
  if (gemm && gemm.getTransA())
    return "its left operand is transposed";
  SizeBuilder sizes(product->getParentOfType<func::FuncOp>());
  for (OpOperand *left : leftsOf(product, panel)) {
    auto type = cast<MemRefType>(left->get().getType());
    if (type.getRank() != 2 || type.isDynamicDim(1) ||
        !type.isLastDimUnitStride() || !type.getElementType().isF32())
      return "rows of its left operand are not side by side";
    if (type.getDimSize(1) < 1 || type.getDimSize(1) > kMostQuantizedSteps)
      return "its sums are too long for 32 bits";
    if (!sizes.atLeast(left->get(), 0))
      return "nothing says how many rows there are before it begins";
  }
  return "";
}

void quantizeLeft(Operation *product, Value panel) {
  Location loc = product->getLoc();
  SizeBuilder sizes(product->getParentOfType<func::FuncOp>());
  for (OpOperand *left : leftsOf(product, panel)) {
    auto type = cast<MemRefType>(left->get().getType());
    int64_t words = quantizedSize(type.getDimSize(1));
    OpBuilder b(product);
    OpFoldResult rows = memref::getMixedSize(b, loc, left->get(), 0);
    SmallVector<int64_t> shape = {type.getDimSize(0), words};
    SmallVector<Value> dynamic;
    if (type.isDynamicDim(0))
      dynamic.push_back(sizes.atLeast(left->get(), 0));
    Value all = memref::AllocOp::create(
        sizes.builder(), loc, MemRefType::get(shape, type.getElementType()),
        dynamic);
    SmallVector<OpFoldResult> offsets(2, b.getIndexAttr(0)),
        strides(2, b.getIndexAttr(1)), extents = {rows, b.getIndexAttr(words)};
    Value some =
        memref::SubViewOp::create(b, loc, all, offsets, extents, strides);
    QuantizeOp::create(b, loc, left->get(), some);
    left->set(some);
  }
}

} // namespace rnnc::kernel
