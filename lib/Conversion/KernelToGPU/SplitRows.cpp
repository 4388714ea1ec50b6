// SplitRows.cpp: products whose rows are combined become two phases.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A processor has the sums of a few rows in its first-level cache. The threads
// that multiply are not those that combine a row: what they exchange goes
// through memory that the device has for it.

#include "ThreadCode.h"

using namespace mlir;

namespace rnnc {

namespace {

/// One phase.
class RowSplit {
public:
  explicit RowSplit(kernel::PhaseOp op) : op(op), b(op), loc(op.getLoc()) {}
  void run();

private:
  void allocate();
  void multiply();
  void combine();

  kernel::PhaseOp op;
  OpBuilder b;
  Location loc;
  Values sums; ///< one buffer for each accumulator
};

void RowSplit::allocate() {
  IRMapping none;
  ThreadCode host(b, loc, none);
  Values rows = rowSizes(op, host, [](Value v) { return v; }), unknown;
  SmallVector<int64_t> shape;
  for (Value size : rows) {
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    if (ShapedType::isDynamic(shape.back()))
      unknown.push_back(size);
  }
  shape.push_back(op.getNumUnits());
  for (unsigned p = 0; p != op.getLefts().size(); ++p) {
    Type element =
        cast<MemRefType>(op.getLefts()[p].getType()).getElementType();
    for (size_t i = 0; i != op.columnsOf(p).size(); ++i)
      sums.push_back(memref::AllocOp::create(
          b, loc, MemRefType::get(shape, element), unknown));
  }
}

/// The products alone.
void RowSplit::multiply() {
  auto made = kernel::PhaseOp::create(
      b, loc, TypeRange(), op.getLefts(), op.getRights(), ValueRange(), sums,
      /*lengths=*/Value(), /*at=*/Value(), op.getValid(), /*turn=*/Value(),
      /*in_place=*/Value(), /*matrices=*/ValueRange(), op.getColumns(),
      b.getAffineMapArrayAttr({}), DenseI64ArrayAttr(), DenseI64ArrayAttr(),
      IntegerAttr(), op.getStoredBitsAttr(), b.getUnitAttr());
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(&made.getBody());
  for (Value sum : sums)
    body->addArgument(cast<MemRefType>(sum.getType()).getElementType(), loc);
  kernel::YieldOp::create(b, loc, body->getArguments());
}

/// The rest, which reads them.
void RowSplit::combine() {
  Values inputs(sums);
  llvm::append_range(inputs, op.getInputs());
  SmallVector<AffineMap> maps(sums.size(),
                              b.getMultiDimIdentityMap(op.getNumRowDims() + 1));
  for (unsigned i = 0; i != op.getInputs().size(); ++i)
    maps.push_back(op.mapOf(i));
  auto made = kernel::PhaseOp::create(
      b, loc, TypeRange(), ValueRange(), ValueRange(), inputs, op.getOuts(),
      /*lengths=*/Value(), /*at=*/Value(), op.getValid(), /*turn=*/Value(),
      /*in_place=*/Value(), /*matrices=*/ValueRange(), b.getArrayAttr({}),
      b.getAffineMapArrayAttr(maps), op.getPerRowAttr(), op.getZerosAttr(),
      op.getUnitsAttr(), DenseI64ArrayAttr(), UnitAttr());
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  made.getBody().takeBody(op.getBody());
}

void RowSplit::run() {
  allocate();
  multiply();
  combine();
  op.erase();
}

} // namespace

void splitRowProducts(Operation *function) {
  SmallVector<kernel::PhaseOp> phases;
  function->walk([&](kernel::PhaseOp op) {
    if (!op.getLefts().empty() && op.hasRowReductions())
      phases.push_back(op);
  });
  for (kernel::PhaseOp op : phases)
    RowSplit(op).run();
}

} // namespace rnnc
