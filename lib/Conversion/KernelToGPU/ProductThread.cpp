// ProductThread.cpp: products, a thread for some rows of a column.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads side by side have columns side by side. What `kernel.pack` makes lies
// so that they read it side by side, too: element (k, c, u) of the columns that
// begin at the entries c of `columns`, for `units` units u, is number
// (k * C + c) * units + u.

#include "ThreadCode.h"

#include "mlir/Dialect/SCF/Utils/Utils.h"

using namespace mlir;

namespace rnnc {

namespace {

/// The right operand of a product: a matrix, or what was packed of one.
struct Right {
  Value memref;
  bool packed = false, trans = false;
  int64_t groups = 1; ///< entries of `columns`
  Value units;        ///< columns of each

  Value load(ThreadCode &t, Value k, int64_t group, Value unit) const {
    if (!packed)
      return t.load(memref, trans ? ValueRange{unit, k} : ValueRange{k, unit});
    Value place = t.add(t.times(k, t.index(groups)), t.index(group));
    return t.load(memref, t.add(t.times(place, units), unit));
  }
};

/// The rows of a column that a thread has: those behind the last are read as
/// the last, and not written.
struct Rows {
  Value first, last, count;
  Values at;

  Rows(ThreadCode &t, Value tile, int64_t rows, Value count) : count(count) {
    first = t.times(tile, t.index(rows));
    last = t.b.createOrFold<arith::SubIOp>(t.loc, count, t.index(1));
    for (int64_t r = 0; r != rows; ++r)
      at.push_back(r ? t.least(t.add(first, t.index(r)), last) : first);
  }

  /// Writes `body` for each row that there is.
  void forEach(ThreadCode &t, function_ref<void(unsigned, Value)> body) {
    for (unsigned r = 0; r != at.size(); ++r) {
      if (r == 0) {
        body(0, first);
        continue;
      }
      Value row = t.add(first, t.index(r));
      t.when(t.less(row, count), [&] { body(r, row); });
    }
  }
};

/// Adds the products of some rows with a column of each group to `sums`, which
/// has the groups of one row, then those of the next.
Values multiply(ThreadCode &t, Operation *op, Value steps, ValueRange sums,
                function_ref<Value(Value, Value)> left, const Rows &rows,
                const Right &right, Value unit) {
  auto loop = t.loop(steps, sums, [&](Value k, ValueRange carried) {
    Values columns, next;
    for (int64_t g = 0; g != right.groups; ++g)
      columns.push_back(right.load(t, k, g, unit));
    for (auto [r, row] : llvm::enumerate(rows.at)) {
      Value x = left(row, k);
      for (auto [g, column] : llvm::enumerate(columns))
        next.push_back(t.fma(x, column, carried[r * right.groups + g]));
    }
    return next;
  });
  Values results(loop.getResults());
  int64_t unroll = decided(op, kernel::Decision::Unroll);
  if (unroll < 2)
    return results;
  // The loop is replaced; whoever reads its results comes later, so they are
  // read through something that stays.
  Values kept;
  SmallVector<Operation *> holders;
  for (Value result : results) {
    auto holder = UnrealizedConversionCastOp::create(t.b, t.loc,
                                                     result.getType(), result);
    holders.push_back(holder);
  }
  (void)loopUnrollByFactor(loop, unroll);
  for (Operation *holder : holders) {
    kept.push_back(holder->getOperand(0));
    holder->erase();
  }
  return kept;
}

} // namespace

/// Tiles of rows times columns.
Value productItems(Operation *op, ThreadCode &host) {
  if (auto pack = dyn_cast<kernel::PackOp>(op)) {
    unsigned k = pack.getTrans();
    Value units = pack.getUnits() ? host.index(*pack.getUnits())
                                  : host.size(pack.getSource(), 1 - k);
    return host.times(host.size(pack.getSource(), k), units);
  }
  auto gemm = dyn_cast<kernel::GemmOp>(op);
  auto phase = dyn_cast<kernel::PhaseOp>(op);
  if (phase && phase.getLefts().empty())
    return rowItems(phase, host);
  Value out = gemm ? gemm.getC() : phase.getOuts().front();
  int64_t rows = decided(op, kernel::Decision::TileRows);
  Value more = host.add(host.size(out, 0), host.index(rows - 1));
  return host.times(host.over(more, host.index(rows)), host.size(out, 1));
}

void emitPhase(kernel::PhaseOp op, ThreadCode &t, Value item) {
  if (op.getLefts().empty())
    return emitRow(op, t, item);
  Value out = t.in(op.getOuts().front()), units = t.index(op.getNumUnits());
  Value unit = t.rest(item, units);
  int64_t height = decided(op, kernel::Decision::TileRows);
  Rows rows(t, t.over(item, units), height, t.size(out, 0));
  SmallVector<Values> accumulators(height); // of each row, product by product
  for (unsigned p = 0; p != op.getLefts().size(); ++p) {
    Value left = t.in(op.getLefts()[p]);
    Right right{t.in(op.getRights()[p]), /*packed=*/true, /*trans=*/false,
                int64_t(op.columnsOf(p).size()), units};
    Type element = cast<MemRefType>(left.getType()).getElementType();
    Values sums(height * right.groups, t.zero(element));
    sums = multiply(
        t, op, t.size(left, 1), sums,
        [&](Value row, Value k) { return t.load(left, {row, k}); }, rows, right,
        unit);
    for (int64_t r = 0; r != height; ++r)
      llvm::append_range(accumulators[r],
                         ArrayRef(sums).slice(r * right.groups, right.groups));
  }
  rows.forEach(t, [&](unsigned r, Value row) {
    Values arguments = accumulators[r];
    for (auto [i, input] : llvm::enumerate(op.getInputs()))
      arguments.push_back(
          t.load(t.in(input), t.apply(op.mapOf(i), {row, unit})));
    Values results = t.compute(op.getBody().front(), arguments);
    for (auto [value, to] : llvm::zip_equal(results, op.getOuts()))
      t.store(value, t.in(to), {row, unit});
  });
}

void emitGemm(kernel::GemmOp op, ThreadCode &t, Value item) {
  Value a = t.in(op.getA()), c = t.in(op.getC());
  Value columns = t.size(c, 1), column = t.rest(item, columns);
  int64_t height = decided(op, kernel::Decision::TileRows);
  Rows rows(t, t.over(item, columns), height, t.size(c, 0));
  bool trans = op.getTransA();
  Right right{t.in(op.getB()), op.getPackedB(), op.getTransB(), 1, columns};
  Values sums;
  for (Value row : rows.at)
    sums.push_back(
        op.getAccumulate()
            ? t.load(c, {row, column})
            : t.zero(cast<MemRefType>(c.getType()).getElementType()));
  sums = multiply(
      t, op, t.size(a, trans ? 0 : 1), sums,
      [&](Value row, Value k) {
        return t.load(a, trans ? ValueRange{k, row} : ValueRange{row, k});
      },
      rows, right, column);
  rows.forEach(
      t, [&](unsigned r, Value row) { t.store(sums[r], c, {row, column}); });
}

void emitPack(kernel::PackOp op, ThreadCode &t, Value item) {
  Value source = t.in(op.getSource()), packed = t.in(op.getPacked());
  unsigned trans = op.getTrans();
  Value units =
      op.getUnits() ? t.index(*op.getUnits()) : t.size(source, 1 - trans);
  int64_t whole = 0;
  ArrayRef<int64_t> columns =
      op.getColumns() ? *op.getColumns() : ArrayRef(whole);
  Value k = t.over(item, units), unit = t.rest(item, units);
  for (auto [group, first] : llvm::enumerate(columns)) {
    Value column = t.add(unit, t.index(first));
    Value value =
        t.load(source, trans ? ValueRange{column, k} : ValueRange{k, column});
    Value place = t.add(t.times(k, t.index(columns.size())), t.index(group));
    t.store(value, packed, t.add(t.times(place, units), unit));
  }
}

} // namespace rnnc
