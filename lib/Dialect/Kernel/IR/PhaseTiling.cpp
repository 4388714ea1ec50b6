// PhaseTiling.cpp: kernel.phase in tiles of rows and of units.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace rnnc::kernel {

namespace {

using Sizes = SmallVector<OpFoldResult>;

/// A part of an operand, of unit strides.
Value partOf(OpBuilder &b, Location loc, Value whole, const Sizes &offsets,
             const Sizes &sizes) {
  Sizes strides(offsets.size(), b.getIndexAttr(1));
  if (offsets.empty())
    return whole;
  if (isa<MemRefType>(whole.getType()))
    return memref::SubViewOp::create(b, loc, whole, offsets, sizes, strides);
  return tensor::ExtractSliceOp::create(b, loc, whole, offsets, sizes, strides);
}

/// Writes one tile of a phase.
class PhaseTiler {
public:
  PhaseTiler(PhaseOp op, OpBuilder &b, ArrayRef<OpFoldResult> offsets,
             ArrayRef<OpFoldResult> sizes)
      : op(op), b(b), loc(op.getLoc()), offsets(offsets), sizes(sizes),
        rows(op.getNumRowDims()) {
    if (this->sizes.size() == rows) { // rows are combined: all units
      this->offsets.push_back(b.getIndexAttr(0));
      this->sizes.push_back(b.getIndexAttr(op.getNumUnits()));
    }
  }

  FailureOr<TilingResult> run();

private:
  bool hasAllUnits() {
    return isConstantIntValue(offsets[rows], 0) &&
           isConstantIntValue(sizes[rows], op.getNumUnits());
  }
  LogicalResult check();
  Value part(Value whole, AffineMap map);
  Value part(Value whole, const Sizes &at, const Sizes &extents);
  void products();
  void someUnits(unsigned p);
  void rowsThatCount();

  PhaseOp op;
  OpBuilder &b;
  Location loc;
  Sizes offsets, sizes; ///< of (rows..., unit)
  unsigned rows;
  SmallVector<Operation *> parts;
  SmallVector<Value> lefts, rights, inputs, outs;
  SmallVector<Attribute> columns;
  Value lengths, at;
};

LogicalResult PhaseTiler::check() {
  if (!getConstantIntValue(sizes[rows]))
    return op.emitOpError("is cut into tiles whose number of units is not "
                          "known: it has ")
           << op.getNumUnits();
  if (op.getValid())
    return op.emitOpError("has a list of rows: it is not cut into tiles");
  if (op.getInPlace())
    return op.emitOpError("may read weights where they lie: it is not cut into "
                          "tiles");
  bool isMatrix = op.isOnMemory() && !op.getLefts().empty();
  if (isMatrix && (rows > 1 || !hasAllUnits()))
    return op.emitOpError("has packed operands: it is cut along one dimension "
                          "of rows alone");
  return success();
}

Value PhaseTiler::part(Value whole, const Sizes &at, const Sizes &extents) {
  Value result = partOf(b, loc, whole, at, extents);
  if (result != whole)
    parts.push_back(result.getDefiningOp());
  return result;
}

Value PhaseTiler::part(Value whole, AffineMap map) {
  Sizes own, extents;
  for (AffineExpr expr : map.getResults()) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    own.push_back(offsets[dim]);
    extents.push_back(sizes[dim]);
  }
  return part(whole, own, extents);
}

/// Some units of a product: its columns lie apart, so each is a product of its
/// own with a part of the matrix.
void PhaseTiler::someUnits(unsigned p) {
  Value right = op.getRights()[p], left = lefts.back();
  auto type = cast<RankedTensorType>(right.getType());
  int64_t k = 1, dim = type.getRank();
  for (int64_t size :
       cast<ShapedType>(left.getType()).getShape().drop_front(rows))
    k *= size;
  for (int64_t seen = 1; seen != k || dim == type.getRank();)
    seen *= type.getDimSize(--dim);
  auto range = [](int64_t from, int64_t to) {
    return ReassociationIndices(llvm::to_vector<2>(llvm::seq(from, to)));
  };
  Value matrix = tensor::CollapseShapeOp::create(
      b, loc, right,
      SmallVector<ReassociationIndices>{range(0, dim),
                                        range(dim, type.getRank())});
  lefts.pop_back();
  for (int64_t first : op.columnsOf(p)) {
    AffineExpr d0 = b.getAffineDimExpr(0);
    OpFoldResult from = affine::makeComposedFoldedAffineApply(
        b, loc, AffineMap::get(1, 0, d0 + first), {offsets[rows]});
    lefts.push_back(left);
    rights.push_back(part(matrix, {from, b.getIndexAttr(0)},
                          {sizes[rows], b.getIndexAttr(k)}));
    columns.push_back(b.getDenseI64ArrayAttr({0}));
  }
}

void PhaseTiler::products() {
  for (unsigned p = 0; p != op.getLefts().size(); ++p) {
    Value left = op.getLefts()[p];
    auto type = cast<ShapedType>(left.getType());
    Sizes own(ArrayRef(offsets).take_front(rows)),
        extents(ArrayRef(sizes).take_front(rows));
    for (int64_t size : type.getShape().drop_front(rows)) {
      own.push_back(b.getIndexAttr(0));
      extents.push_back(b.getIndexAttr(size));
    }
    lefts.push_back(part(left, own, extents));
    if (!hasAllUnits()) {
      someUnits(p);
      continue;
    }
    rights.push_back(op.getRights()[p]);
    columns.push_back(op.getColumns()[p]);
  }
}

void PhaseTiler::rowsThatCount() {
  if (!op.getLengths())
    return;
  lengths = part(op.getLengths(), {offsets[rows - 1]}, {sizes[rows - 1]});
  at = op.getAt();
  if (rows < 2)
    return;
  AffineExpr sum = b.getAffineDimExpr(0) + b.getAffineDimExpr(1);
  at = getValueOrCreateConstantIndexOp(
      b, loc,
      affine::makeComposedFoldedAffineApply(b, loc, AffineMap::get(2, 0, sum),
                                            {OpFoldResult(at), offsets[0]}));
}

FailureOr<TilingResult> PhaseTiler::run() {
  if (failed(check()))
    return failure();
  products();
  for (auto [i, input] : llvm::enumerate(op.getInputs()))
    inputs.push_back(part(input, op.mapOf(i)));
  SmallVector<Type> types;
  bool allPerRow = true;
  for (auto [i, out] : llvm::enumerate(op.getOuts())) {
    outs.push_back(part(out, op.mapOfOut(i)));
    allPerRow &= op.isPerRow(i);
    if (!op.isOnMemory())
      types.push_back(outs.back().getType());
  }
  rowsThatCount();
  auto tile = PhaseOp::create(
      b, loc, types, lefts, rights, inputs, outs, lengths, at,
      /*valid=*/Value(), /*turn=*/Value(), /*in_place=*/Value(),
      /*matrices=*/ValueRange(), b.getArrayAttr(columns), op.getMaps(),
      op.getPerRowAttr(), op.getZerosAttr(),
      allPerRow ? b.getI64IntegerAttr(*getConstantIntValue(sizes[rows]))
                : IntegerAttr(),
      op.getStoredBitsAttr(), op.getPackedAttr());
  tile->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  IRMapping mapping;
  op.getBody().cloneInto(&tile.getBody(), mapping);
  return TilingResult{
      {tile}, SmallVector<Value>(tile->getResults()), std::move(parts)};
}

} // namespace

/// A row that is combined is computed as a whole.
SmallVector<utils::IteratorType> PhaseOp::getLoopIteratorTypes() {
  return SmallVector<utils::IteratorType>(getNumRowDims() +
                                              (hasRowReductions() ? 0 : 1),
                                          utils::IteratorType::parallel);
}

SmallVector<Range> PhaseOp::getIterationDomain(OpBuilder &b) {
  SmallVector<Range> domain;
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  Value out = getOuts().front();
  for (unsigned dim = 0; dim != getNumRowDims(); ++dim) {
    OpFoldResult size = isOnMemory()
                            ? memref::getMixedSize(b, getLoc(), out, dim)
                            : tensor::getMixedSize(b, getLoc(), out, dim);
    domain.push_back({zero, size, one});
  }
  if (!hasRowReductions())
    domain.push_back({zero, b.getIndexAttr(getNumUnits()), one});
  return domain;
}

FailureOr<TilingResult>
PhaseOp::getTiledImplementation(OpBuilder &b, ArrayRef<OpFoldResult> offsets,
                                ArrayRef<OpFoldResult> sizes) {
  return PhaseTiler(*this, b, offsets, sizes).run();
}

LogicalResult PhaseOp::getResultTilePosition(
    OpBuilder &b, unsigned number, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
    SmallVector<OpFoldResult> &resultSizes) {
  unsigned rows = getNumRowDims();
  resultOffsets.assign(offsets.begin(), offsets.begin() + rows);
  resultSizes.assign(sizes.begin(), sizes.begin() + rows);
  if (isPerRow(number))
    return success();
  bool cut = offsets.size() > rows;
  resultOffsets.push_back(cut ? offsets[rows] : b.getIndexAttr(0));
  resultSizes.push_back(cut ? sizes[rows] : b.getIndexAttr(getNumUnits()));
  return success();
}

LogicalResult PhaseOp::getIterationDomainTileFromResultTile(
    OpBuilder &b, unsigned number, ArrayRef<OpFoldResult> resultOffsets,
    ArrayRef<OpFoldResult> resultSizes, SmallVectorImpl<OpFoldResult> &offsets,
    SmallVectorImpl<OpFoldResult> &sizes) {
  unsigned rows = getNumRowDims();
  offsets.assign(resultOffsets.begin(), resultOffsets.end());
  sizes.assign(resultSizes.begin(), resultSizes.end());
  if (isPerRow(number) && !hasRowReductions()) {
    offsets.push_back(b.getIndexAttr(0));
    sizes.push_back(b.getIndexAttr(getNumUnits()));
  }
  if (isPerRow(number) || !hasRowReductions())
    return success();
  offsets.truncate(rows);
  sizes.truncate(rows);
  return success(isConstantIntValue(resultOffsets[rows], 0) &&
                 isConstantIntValue(resultSizes[rows], getNumUnits()));
}

FailureOr<TilingResult>
PhaseOp::generateResultTileValue(OpBuilder &b, unsigned number,
                                 ArrayRef<OpFoldResult> resultOffsets,
                                 ArrayRef<OpFoldResult> resultSizes) {
  SmallVector<OpFoldResult> offsets, sizes;
  if (failed(getIterationDomainTileFromResultTile(b, number, resultOffsets,
                                                  resultSizes, offsets, sizes)))
    return failure();
  FailureOr<TilingResult> tile = getTiledImplementation(b, offsets, sizes);
  if (failed(tile))
    return failure();
  Value wanted = tile->tiledValues[number];
  tile->tiledValues = {wanted};
  return tile;
}

} // namespace rnnc::kernel
