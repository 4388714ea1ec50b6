// EmitScatter.cpp: rows added to the rows of a table that indices name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A table's row may be named by every step of every example: added one by one
// in f32, a million rows lose digits. So many rows are first sorted by the row
// they go to, which keeps their order, and then added up as columns are.

#include "Emitter.h"

#include "rnnc/Dialect/Kernel/Tables.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace rnnc {
namespace {

/// i32 numbers in loops over one buffer.
class Counter {
public:
  Counter(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  Value index(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value load(const Buffer &buffer, Value at) {
    Value v = memref::LoadOp::create(b, loc, buffer.memref, at);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), v);
  }
  void store(const Buffer &buffer, Value at, Value number) {
    Value v = arith::IndexCastOp::create(b, loc, b.getI32Type(), number);
    memref::StoreOp::create(b, loc, v, buffer.memref, at);
  }
  Value plus(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  /// An index outside of [0, size) counts as 0, as where one row is added.
  Value safe(Value i, Value size) {
    Value fits =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, i, size);
    return arith::SelectOp::create(b, loc, fits, i, index(0));
  }
  void loop(Value count, function_ref<void(Value)> body) {
    auto op = scf::ForOp::create(b, loc, index(0), count, index(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(op.getBody()->getTerminator());
    body(op.getInductionVar());
  }

private:
  OpBuilder &b;
  Location loc;
};

/// A value as a matrix whose rows are its first `count` dimensions.
Buffer rowsAndRest(OpBuilder &b, Location loc, const Buffer &buffer,
                   int64_t count) {
  ReassociationIndices rows, rest;
  for (int64_t i = 0; i < buffer.rank(); ++i)
    (i < count ? rows : rest).push_back(i);
  if (rest.empty() || rows.empty())
    return {};
  return collapse(b, loc, buffer, {rows, rest});
}

} // namespace

/// The product of sizes, at the top of the function, where memory is made.
OpFoldResult Emitter::productOfSizes(Location loc, Value tensor, int64_t begin,
                                     int64_t end) {
  int64_t number = 1;
  Value dynamic;
  for (int64_t i = begin; i < end; ++i) {
    OpFoldResult size = sizes.get(tensor, i);
    if (std::optional<int64_t> known = getConstantIntValue(size)) {
      number *= *known;
      continue;
    }
    Value next = cast<Value>(size);
    dynamic = dynamic ? sizes.atTop([&](OpBuilder &top) -> Value {
      return arith::MulIOp::create(top, loc, dynamic, next);
    })
                      : next;
  }
  if (!dynamic)
    return b.getIndexAttr(number);
  if (number == 1)
    return dynamic;
  Value factor = sizes.constant(number);
  return sizes.atTop([&](OpBuilder &top) -> Value {
    return arith::MulIOp::create(top, loc, dynamic, factor);
  });
}

void Emitter::emitScatterAdd(scan::ScatterAddOp op) {
  Location loc = op.getLoc();
  Buffer out = buffers[op.getResult()];
  Buffer updates = bufferFor(op.getUpdates()),
         indices = bufferFor(op.getIndices());
  fill(loc, out, 0);
  auto direct = [&] {
    kernel::ScatterAddOp::create(b, loc, updates.memref, indices.memref,
                                 out.memref, op.getBatchDims());
  };
  int64_t rank = indices.rank();
  bool many = op.getBatchDims() == 0 && !outermostLoop && rank > 0 &&
              !indices.type().hasStaticShape() &&
              updates.type().getElementType().isF32();
  Buffer rows = many ? rowsAndRest(b, loc, updates, rank) : Buffer();
  Buffer table = rows ? rowsAndRest(b, loc, out, 1) : Buffer();
  ReassociationIndices all(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  Buffer numbers = table ? collapse(b, loc, indices, {all}) : Buffer();
  if (!numbers)
    return direct();
  OpFoldResult count = productOfSizes(loc, op.getIndices(), 0, rank);
  OpFoldResult width =
      productOfSizes(loc, op.getUpdates(), rank, updates.rank());
  Operation *scheduled = op;
  if (!op->hasAttr(kernel::kSchedules))
    scheduled = op->getParentOfType<ModuleOp>();
  if (!isScheduled(scheduled))
    return;
  directRows = 1;
  for (kernel::ScheduleAttr one : kernel::schedulesOf(scheduled))
    directRows = std::max(directRows, one.get(kernel::Decision::DirectRows));
  sortedScatter(loc, rows, numbers, table, {count, width},
                sizes.get(op.getResult(), 0), direct);
}

/// `shape` is that of `rows`, `size` the rows of `table`: values at the top.
void Emitter::sortedScatter(Location loc, const Buffer &rows,
                            const Buffer &numbers, const Buffer &table,
                            ArrayRef<OpFoldResult> shape, OpFoldResult size,
                            function_ref<void()> direct) {
  OpFoldResult count = shape[0];
  Value n = indexValue(loc, count), v = indexValue(loc, size);
  // In `next` the rows of the table before a row's own, then before the next.
  Buffer next = alloc(loc, b.getI32Type(), {size});
  Buffer order = alloc(loc, b.getI32Type(), {count});
  Buffer sorted = alloc(loc, b.getF32Type(), shape);
  Counter c(b, loc);
  Value few = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, n,
                                    sizes.constant(directRows));
  auto choice = scf::IfOp::create(b, loc, few, /*withElseRegion=*/true);
  choice->setAttr(kernel::kAddsRows, b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(choice.thenBlock()->getTerminator());
  direct();
  b.setInsertionPoint(choice.elseBlock()->getTerminator());
  auto target = [&](Value i) { return c.safe(c.load(numbers, i), v); };
  fill(loc, next, 0);
  c.loop(n, [&](Value i) {
    Value row = target(i);
    c.store(next, row, c.plus(c.load(next, row), c.index(1)));
  });
  // Where the rows of each begin: the sum of the counts before.
  auto starts = scf::ForOp::create(b, loc, c.index(0), v, c.index(1),
                                   ValueRange{c.index(0)});
  {
    OpBuilder::InsertionGuard inside(b);
    b.setInsertionPointToStart(starts.getBody());
    Value row = starts.getInductionVar(), before = starts.getRegionIterArg(0);
    Value after = c.plus(before, c.load(next, row));
    c.store(next, row, before);
    scf::YieldOp::create(b, loc, after);
  }
  c.loop(n, [&](Value i) {
    Value row = target(i);
    Value place = c.load(next, row);
    c.store(order, place, i);
    c.store(next, row, c.plus(place, c.index(1)));
  });
  kernel::GatherOp::create(b, loc, rows.memref, order.memref, sorted.memref,
                           /*batch_dims=*/0);
  // Now `next` says where the rows of each end, which is where the next begin.
  auto sums = scf::ForOp::create(b, loc, c.index(0), v, c.index(1),
                                 ValueRange{c.index(0)});
  b.setInsertionPointToStart(sums.getBody());
  Value row = sums.getInductionVar(), from = sums.getRegionIterArg(0);
  Value to = c.load(next, row);
  Value some =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, to, from);
  auto present = scf::IfOp::create(b, loc, some);
  scf::YieldOp::create(b, loc, to);
  b.setInsertionPoint(present.thenBlock()->getTerminator());
  Value length = arith::SubIOp::create(b, loc, to, from);
  addRows(loc, rowsOf(b, loc, sorted, from, length), rowOf(b, loc, table, row));
}

/// sum += each row of `rows`.
void Emitter::addRows(Location loc, const Buffer &rows, const Buffer &sum) {
  AffineExpr column = b.getAffineDimExpr(1);
  linalg::GenericOp::create(
      b, loc, ValueRange{rows.memref}, ValueRange{sum.memref},
      ArrayRef<AffineMap>{b.getMultiDimIdentityMap(2),
                          AffineMap::get(2, 0, column)},
      ArrayRef<utils::IteratorType>{utils::IteratorType::reduction,
                                    utils::IteratorType::parallel},
      [](OpBuilder &body, Location at, ValueRange args) {
        Value total = arith::AddFOp::create(body, at, args[1], args[0]);
        linalg::YieldOp::create(body, at, total);
      });
}

} // namespace rnnc
