// EmitDot.cpp: products as matrix products, or as reductions where they are
// none. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;

namespace rnnc {

/// Looks through transposes; `dims` follow.
static Value stripTransposes(Value tensor, SmallVectorImpl<int64_t> &a,
                             SmallVectorImpl<int64_t> &b) {
  while (auto transpose = tensor.getDefiningOp<scan::TransposeOp>()) {
    for (int64_t &dim : a)
      dim = transpose.getPerm()[dim];
    for (int64_t &dim : b)
      dim = transpose.getPerm()[dim];
    tensor = transpose.getInput();
  }
  return tensor;
}

static bool isRun(ArrayRef<int64_t> first, ArrayRef<int64_t> second) {
  SmallVector<int64_t> all(first);
  all.append(second.begin(), second.end());
  return llvm::equal(all, llvm::seq<int64_t>(0, all.size()));
}

/// Splits the dimensions of `buffer` after the first `count` into a matrix;
/// null when memory does not allow it.
Buffer asMatrix(OpBuilder &b, Location loc, const Buffer &buffer,
                int64_t count) {
  int64_t rank = buffer.rank();
  if (count > 0 && count < rank) {
    ReassociationIndices rows, columns;
    for (int64_t i = 0; i < rank; ++i)
      (i < count ? rows : columns).push_back(i);
    return collapse(b, loc, buffer, {rows, columns});
  }
  // A vector is a matrix of one row or column.
  ReassociationIndices all(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  Buffer flat = rank == 0 ? buffer : collapse(b, loc, buffer, {all});
  if (!flat)
    return {};
  SmallVector<OpFoldResult> shape;
  OpFoldResult size = rank == 0 ? OpFoldResult(b.getIndexAttr(1))
                                : memref::getMixedSize(b, loc, flat.memref, 0);
  OpFoldResult one = b.getIndexAttr(1);
  if (count == 0)
    shape = {one, size};
  else
    shape = {size, one};
  SmallVector<ReassociationIndices> groups;
  if (rank > 0)
    groups.push_back({0, 1});
  SmallVector<int64_t> staticShape;
  for (OpFoldResult s : shape)
    staticShape.push_back(
        getConstantIntValue(s).value_or(ShapedType::kDynamic));
  auto type = memref::ExpandShapeOp::computeExpandedType(flat.type(),
                                                         staticShape, groups);
  if (mlir::failed(type))
    return {};
  Value matrix =
      memref::ExpandShapeOp::create(b, loc, *type, flat.memref, groups, shape);
  return {matrix, {true}};
}

/// `tensor` as a matrix with the dimensions `rows` and `columns`, transposed
/// when it lies so; copied when it lies in neither way.
Emitter::Matrix Emitter::matrix(Location loc, Value tensor,
                                ArrayRef<int64_t> rows,
                                ArrayRef<int64_t> columns) {
  Buffer memory = bufferFor(tensor);
  bool unit = memory.rank() == 0 || memory.type().isLastDimUnitStride();
  if (unit && isRun(rows, columns))
    if (Buffer buffer = asMatrix(b, loc, memory, rows.size()))
      return {buffer, false};
  if (unit && isRun(columns, rows))
    if (Buffer buffer = asMatrix(b, loc, memory, columns.size()))
      return {buffer, true};
  SmallVector<OpFoldResult> shape, all = sizes.get(tensor);
  SmallVector<int64_t> places(all.size());
  int64_t next = 0;
  for (ArrayRef<int64_t> dims : {rows, columns})
    for (int64_t dim : dims) {
      shape.push_back(all[dim]);
      places[dim] = next++;
    }
  Buffer dense = alloc(loc, memory.type().getElementType(), shape);
  pointwise(loc, {{memory, places}}, dense,
            [](OpBuilder &, ValueRange in) { return in[0]; });
  return {asMatrix(b, loc, dense, rows.size()), false};
}

/// A packed copy of the right operand, made once before all loops; null where
/// the operand changes or its sizes are not known. It is not made where
/// `unless` holds, if that is said.
Buffer Emitter::packed(Location loc, Value tensor, const Matrix &right,
                       ArrayRef<int64_t> free, ArrayRef<int64_t> contract,
                       Columns columns, Value unless) {
  if (!right.buffer.type().hasStaticShape() ||
      tensor.getParentBlock() != &source.getBody().front())
    return {};
  Buffer &known = packs[{tensor.getAsOpaquePointer(), contract.vec(),
                         free.vec(), right.trans, columns.firsts.vec(),
                         columns.units, columns.layouts.getAsOpaquePointer(),
                         unless.getAsOpaquePointer()}];
  if (known)
    return known;
  ArrayRef<int64_t> shape = right.buffer.type().getShape();
  int64_t k = right.trans ? shape[1] : shape[0];
  int64_t n = columns.units ? columns.units * int64_t(columns.firsts.size())
              : right.trans ? shape[0]
                            : shape[1];
  Buffer target = alloc(loc, right.buffer.type().getElementType(),
                        {b.getIndexAttr(kernel::packedSize(k, n))});
  OpBuilder::InsertionGuard guard(b);
  if (outermostLoop)
    b.setInsertionPoint(outermostLoop);
  Matrix there = matrix(loc, tensor, contract, free);
  if (unless) {
    auto either = scf::IfOp::create(b, loc, unless, /*withElseRegion=*/true);
    b.setInsertionPoint(either.elseBlock()->getTerminator());
  }
  kernel::PackOp::create(
      b, loc, there.buffer.memref, target.memref, there.trans,
      columns.units ? b.getDenseI64ArrayAttr(columns.firsts)
                    : DenseI64ArrayAttr(),
      columns.units ? b.getI64IntegerAttr(columns.units) : IntegerAttr(),
      /*stored_bits=*/IntegerAttr())
      ->setAttr(kernel::kSchedules, columns.layouts);
  return known = target;
}

void Emitter::emitDot(scan::DotOp op) {
  Location loc = op.getLoc();
  if (!isScheduled(op))
    return;
  Buffer out = buffers[op.getResult()];
  SmallVector<int64_t> lhsFree = op.getLhsFree(), rhsFree = op.getRhsFree();
  SmallVector<int64_t> lhsContract(op.getLhsContract()),
      rhsContract(op.getRhsContract());
  Buffer result = asMatrix(b, loc, out, lhsFree.size());
  // The last dimension may be of size 1, and the columns another one.
  bool hasRows = result && (result.type().getDimSize(1) == 1 ||
                            result.type().isLastDimUnitStride());
  if (!hasRows || !out.type().isLastDimUnitStride()) {
    // A place the product cannot be written to as a matrix: copy it there.
    out = allocLike(op.getResult());
    result = asMatrix(b, loc, out, lhsFree.size());
  }
  Value lhs = stripTransposes(op.getLhs(), lhsFree, lhsContract);
  Value rhs = stripTransposes(op.getRhs(), rhsFree, rhsContract);
  Matrix left = matrix(loc, lhs, lhsFree, lhsContract);
  Matrix right = matrix(loc, rhs, rhsContract, rhsFree);
  Value inPlace = readsInPlace(op, left, rhsFree, rhsContract);
  Buffer panels = packed(loc, rhs, right, rhsFree, rhsContract,
                         {{}, 0, kernel::layoutsOf(op)}, inPlace);
  Value valid = validPlaces(op, panels && !left.trans);
  auto one = [&](bool accumulate, bool isPacked) {
    needScratch(kernel::GemmOp::create(
                    b, loc, left.buffer.memref,
                    isPacked ? panels.memref : right.buffer.memref,
                    result.memref,
                    /*scratch=*/Value(), valid, left.trans,
                    isPacked ? false : right.trans, accumulate,
                    /*packed_b=*/isPacked, /*in_place=*/panels && !isPacked,
                    /*stored_bits=*/IntegerAttr()),
                op);
  };
  auto product = [&](bool accumulate) {
    if (!panels || !inPlace)
      return one(accumulate, bool(panels));
    auto either = scf::IfOp::create(b, loc, inPlace, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    for (bool isPacked : {false, true}) {
      Block *block = isPacked ? either.elseBlock() : either.thenBlock();
      b.setInsertionPoint(block->getTerminator());
      one(accumulate, isPacked);
    }
  };
  if (added.contains(op))
    addProduct(op, product);
  else if (panels || !isLongSum(left, right, result))
    product(/*accumulate=*/false);
  else
    longProduct(op, left, right, result, valid);
  if (out.memref != buffers[op.getResult()].memref)
    copy(loc, out, buffers[op.getResult()]);
}

/// A product that a step of a loop adds to what those before have added: the
/// first has nothing to read.
void Emitter::addProduct(scan::DotOp op, function_ref<void(bool)> product) {
  Value isFirst = this->isFirst.lookup(op->getParentOp());
  if (!isFirst)
    return product(/*accumulate=*/true);
  auto either =
      scf::IfOp::create(b, op.getLoc(), isFirst, /*withElseRegion=*/true);
  for (bool accumulate : {false, true}) {
    OpBuilder::InsertionGuard guard(b);
    Block *block = accumulate ? either.elseBlock() : either.thenBlock();
    b.setInsertionPoint(block->getTerminator());
    product(accumulate);
  }
}

/// The list of the places that count in a product over all steps and examples,
/// or of the rows that do in one step; null where all do. Rows may be computed
/// all the same, terms have to be left out.
Value Emitter::validPlaces(scan::DotOp op, bool canLeaveRows) {
  Value lengths = op.getLengths();
  if (!lengths || (!canLeaveRows && !op.sumsOverExamples()))
    return {};
  Location loc = op.getLoc();
  Value list = op.getLeading() == 1
                   ? productRows.lookup(op->getParentOp())
                   : listOfPlaces(loc, lengths, sizes.get(op.getLhs(), 0));
  Value count = memref::LoadOp::create(b, loc, list, sizes.constant(0));
  count = arith::IndexCastOp::create(b, loc, b.getIndexType(), count);
  return rowsOf(b, loc, wholeBuffer(list), b.getIndexAttr(1), count).memref;
}

/// The list itself, its length first.
Value Emitter::listOfPlaces(Location loc, Value lengths, OpFoldResult steps) {
  Value list = outermostLoop ? Value() : places.lookup(lengths);
  if (list)
    return list;
  OpFoldResult examples = sizes.get(lengths, 0);
  Value size = sizes.atTop([&](OpBuilder &top) -> Value {
    Value all = arith::MulIOp::create(
        top, loc, getValueOrCreateConstantIndexOp(top, loc, steps),
        getValueOrCreateConstantIndexOp(top, loc, examples));
    return arith::AddIOp::create(top, loc, all,
                                 arith::ConstantIndexOp::create(top, loc, 1));
  });
  list = alloc(loc, b.getI64Type(), {OpFoldResult(size)}).memref;
  kernel::ValidPlacesOp::create(b, loc, bufferFor(lengths).memref, list,
                                indexValue(loc, steps));
  if (!outermostLoop)
    places[lengths] = list;
  return list;
}

/// How something is packed, and how much room a product needs, was decided
/// before.
bool Emitter::isScheduled(Operation *op) {
  if (!kernel::schedulesOf(op).empty())
    return true;
  op->emitOpError("has no schedules: kernel-select-schedule decides");
  failed = true;
  return false;
}

//===----------------------------------------------------------------------===//
// Long sums
//===----------------------------------------------------------------------===//

/// Steps of K that one product adds up without losing digits: some 16 visits of
/// the result with some 500 steps each.
static constexpr int64_t kLongBlock = 8192;

/// Whether K has no known limit, the numbers are narrow, and the result is one
/// of parameters: memory of its size can be made at the top of the function.
bool Emitter::isLongSum(const Matrix &left, const Matrix &right,
                        const Buffer &result) {
  return !outermostLoop && result.type().getElementType().isF32() &&
         result.type().hasStaticShape() &&
         left.buffer.type().isDynamicDim(left.trans ? 0 : 1) &&
         right.buffer.type().isDynamicDim(right.trans ? 1 : 0);
}

/// Memory like the result, for products of so many steps; none for fewer.
Buffer Emitter::allocForLongSum(scan::DotOp op, const Buffer &result) {
  Location loc = op.getLoc();
  MemRefType like = result.type();
  Value rows = sizes.atTop([&](OpBuilder &top) -> Value {
    auto number = [&](int64_t n) -> Value {
      return arith::ConstantIndexOp::create(top, loc, n);
    };
    Value steps = number(1);
    for (int64_t dim : op.getLhsContract())
      steps = arith::MulIOp::create(top, loc, steps,
                                    getValueOrCreateConstantIndexOp(
                                        top, loc, sizes.get(op.getLhs(), dim)));
    Value isLong = arith::CmpIOp::create(top, loc, arith::CmpIPredicate::ugt,
                                         steps, number(kLongBlock));
    return arith::SelectOp::create(top, loc, isLong, number(like.getDimSize(0)),
                                   number(0));
  });
  Buffer some = alloc(loc, like.getElementType(),
                      {OpFoldResult(rows), b.getIndexAttr(like.getDimSize(1))});
  auto type = MemRefType::get(like.getShape(), like.getElementType());
  return wholeBuffer(memref::CastOp::create(b, loc, type, some.memref));
}

/// A product over more steps than one adds up well: blocks of them, each added
/// to the result together with what the additions before have lost.
void Emitter::longProduct(scan::DotOp op, const Matrix &left,
                          const Matrix &right, const Buffer &result,
                          Value valid) {
  Location loc = op.getLoc();
  Buffer term = allocForLongSum(op, result);
  Buffer lost = allocForLongSum(op, result);
  Value steps = getValueOrCreateConstantIndexOp(
      b, loc,
      valid ? memref::getMixedSize(b, loc, valid, 0)
            : memref::getMixedSize(b, loc, left.buffer.memref,
                                   left.trans ? 0 : 1));
  Value block = sizes.constant(kLongBlock);
  auto product = [&](Value from, Value count, const Buffer &to) {
    auto part = [&](const Buffer &buffer, int64_t dim) {
      return valid ? buffer.memref
                   : stepsOf(b, loc, buffer, dim, from, count, false).memref;
    };
    Value some = valid ? rowsOf(b, loc, wholeBuffer(valid), from, count).memref
                       : Value();
    auto gemm = kernel::GemmOp::create(
        b, loc, part(left.buffer, left.trans ? 0 : 1),
        part(right.buffer, right.trans ? 1 : 0), to.memref,
        /*scratch=*/Value(), some, left.trans, right.trans,
        /*accumulate=*/false, /*packed_b=*/false, /*in_place=*/false,
        /*stored_bits=*/IntegerAttr());
    needScratch(gemm, op);
  };
  Value zero = sizes.constant(0);
  product(zero, arith::MinUIOp::create(b, loc, steps, block), result);
  Value more =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, steps, block);
  auto guardOp = scf::IfOp::create(b, loc, more);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(guardOp.thenBlock()->getTerminator());
  fill(loc, lost, 0);
  auto loopOp = scf::ForOp::create(b, loc, block, steps, block);
  b.setInsertionPoint(loopOp.getBody()->getTerminator());
  Value from = loopOp.getInductionVar();
  Value rest = arith::SubIOp::create(b, loc, steps, from);
  product(from, arith::MinUIOp::create(b, loc, rest, block), term);
  addKeepingLost(loc, term, lost, result);
}

/// sum += term, as Kahan does it: `lost` is what the sum is too large by.
void Emitter::addKeepingLost(Location loc, const Buffer &term,
                             const Buffer &lost, const Buffer &sum) {
  AffineMap identity = b.getMultiDimIdentityMap(2);
  linalg::GenericOp::create(
      b, loc, ValueRange{term.memref}, ValueRange{sum.memref, lost.memref},
      ArrayRef<AffineMap>(SmallVector<AffineMap>(3, identity)),
      SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
      [](OpBuilder &body, Location at, ValueRange args) {
        Value x = arith::SubFOp::create(body, at, args[0], args[2]);
        Value total = arith::AddFOp::create(body, at, args[1], x);
        Value added = arith::SubFOp::create(body, at, total, args[1]);
        Value rest = arith::SubFOp::create(body, at, added, x);
        linalg::YieldOp::create(body, at, ValueRange{total, rest});
      });
}

} // namespace rnnc
