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
  Value first, count, list;
  int64_t begin;
  Values at;

  /// `list` has the numbers of the rows from entry `begin` on; null: all rows.
  Rows(ThreadCode &t, Value tile, int64_t rows, Value count, Value list,
       int64_t begin)
      : count(count), list(list), begin(begin) {
    first = t.times(tile, t.index(rows));
    Value last = t.minus(count, t.index(1));
    for (int64_t r = 0; r != rows; ++r) {
      Value row = r ? t.least(t.add(first, t.index(r)), last) : first;
      if (list)
        row = t.toIndex(t.load(list, t.add(row, t.index(begin))));
      at.push_back(row);
    }
  }

  /// Writes `body` once, for the rows that there are one after the other. It
  /// gets what each of them has in `sums`, which move up by one row a turn:
  /// registers have no numbers that a loop could choose.
  void forEachInTurn(ThreadCode &t, ArrayRef<Values> sums,
                     function_ref<void(Value, ValueRange)> body) {
    if (sums.size() == 1)
      return body(at[0], sums[0]);
    Values all;
    for (const Values &row : sums)
      llvm::append_range(all, row);
    size_t each = sums[0].size();
    t.loop(t.index(int64_t(sums.size())), all, [&](Value r, ValueRange left) {
      Value row = t.add(first, r);
      t.when(t.less(row, count), [&] {
        Value place =
            list ? t.toIndex(t.load(list, t.add(row, t.index(begin)))) : row;
        body(place, left.take_front(each));
      });
      Values next(left.drop_front(each));
      llvm::append_range(next, left.take_front(each));
      return next;
    });
  }

  /// Writes `body` for each row that there is.
  void forEach(ThreadCode &t, function_ref<void(unsigned, Value)> body) {
    body(0, at[0]);
    for (unsigned r = 1; r != at.size(); ++r)
      t.when(t.less(t.add(first, t.index(r)), count),
             [&, r] { body(r, at[r]); });
  }
};

/// A list of rows or of terms: how many, and where they begin in it.
struct List {
  Value list, count;
  int64_t begin = 0;

  /// Of the operand `valid` of a product, which is null where all count.
  List(ThreadCode &t, Value valid) {
    if (!valid)
      return;
    if (Value whole = listOf(valid)) {
      list = t.in(whole);
      count = t.toIndex(t.load(list, t.index(0)));
      begin = 1;
      return;
    }
    list = t.in(valid);
    count = t.size(list, 0);
  }
};

/// The loop over the terms of the products, written out a few at a time.
Values unrolled(ThreadCode &t, Operation *op, scf::ForOp loop) {
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

/// Adds the products of some rows with a column of each group to `sums`, which
/// has the groups of one row, then those of the next. `steps` is the number of
/// terms where the type says it.
class Multiply {
public:
  Multiply(ThreadCode &t, Operation *op, const Rows &rows, const Right &right,
           Value unit, function_ref<Value(Value, Value)> left)
      : t(t), op(op), rows(rows), right(right), unit(unit), left(left) {}

  Values run(Value steps, std::optional<int64_t> known, ValueRange sums,
             const List &terms) {
    list = &terms;
    if (known && *known <= 2 * kPartTerms)
      return part(t.index(0), steps, sums);
    Value length = t.index(kPartTerms);
    Value parts = t.over(t.add(steps, t.index(kPartTerms - 1)), length);
    auto loop = t.loop(parts, sums, [&](Value p, ValueRange total) {
      Value first = t.times(p, length);
      Values zeros;
      for (Value sum : total)
        zeros.push_back(t.zero(sum.getType()));
      Value count = t.least(length, t.minus(steps, first));
      Values next = part(first, count, zeros);
      for (auto [sum, before] : llvm::zip_equal(next, total))
        sum = arith::AddFOp::create(t.b, t.loc, before, sum);
      return next;
    });
    return Values(loop.getResults());
  }

private:
  Values part(Value first, Value count, ValueRange sums) {
    auto loop = t.loop(count, sums, [&](Value i, ValueRange carried) {
      Value k = t.add(first, i);
      if (list->list)
        k = t.toIndex(t.load(list->list, t.add(k, t.index(list->begin))));
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
    return unrolled(t, op, loop);
  }

  ThreadCode &t;
  Operation *op;
  const Rows &rows;
  const Right &right;
  Value unit;
  function_ref<Value(Value, Value)> left;
  const List *list = nullptr;
};

/// The size of a dimension, where the type says it.
std::optional<int64_t> knownSize(Value memref, int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (type.isDynamicDim(dim))
    return std::nullopt;
  return type.getDimSize(dim);
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
  int64_t height = decided(op, kernel::Decision::TileRows);
  Value rows, columns;
  if (gemm) {
    rows = host.size(gemm.getC(), 0);
    columns = host.size(gemm.getC(), 1);
  } else {
    rows = host.product(rowSizes(phase, host, [](Value v) { return v; }));
    columns = host.index(phase.getNumUnits());
  }
  Value more = host.add(rows, host.index(height - 1));
  return host.times(host.over(more, host.index(height)), columns);
}

/// The number that column `unit` has where it is read: the block may have some.
static Value ownColumn(ThreadCode &t, unsigned product, Right &right,
                       Value unit) {
  if (product >= t.own.size() || !t.own[product].memref)
    return unit;
  const OwnColumns &own = t.own[product];
  right.memref = own.memref;
  right.units = t.index(own.count);
  return t.minus(unit, own.first);
}

/// The products of the rows, row by row, product by product.
static SmallVector<Values> accumulatorsOf(kernel::PhaseOp op, ThreadCode &t,
                                          const Rows &rows, Value unit) {
  SmallVector<Values> accumulators(rows.at.size());
  List none(t, Value());
  for (unsigned p = 0; p != op.getLefts().size(); ++p) {
    Value left = t.in(op.getLefts()[p]);
    Right right{t.in(op.getRights()[p]), /*packed=*/true, /*trans=*/false,
                int64_t(op.columnsOf(p).size()), t.index(op.getNumUnits())};
    Value column = ownColumn(t, p, right, unit);
    Type element = cast<MemRefType>(left.getType()).getElementType();
    Values sums(rows.at.size() * right.groups, t.zero(element));
    auto load = [&](Value row, Value k) { return t.load(left, {row, k}); };
    sums =
        Multiply(t, op, rows, right, column, load)
            .run(t.size(left, 1), knownSize(op.getLefts()[p], 1), sums, none);
    for (auto [r, all] : llvm::enumerate(accumulators))
      llvm::append_range(all,
                         ArrayRef(sums).slice(r * right.groups, right.groups));
  }
  return accumulators;
}

void emitPhase(kernel::PhaseOp op, ThreadCode &t, Value item) {
  if (op.getLefts().empty())
    return emitRow(op, t, item);
  Value units = t.index(op.getNumUnits()), unit = t.rest(item, units);
  int64_t height = decided(op, kernel::Decision::TileRows);
  Values sizes = rowSizes(op, t, [&](Value v) { return t.in(v); });
  Value valid = op.getValid() ? t.in(op.getValid()) : Value();
  Value count = valid ? t.toIndex(t.load(valid, t.index(0))) : t.product(sizes);
  Value tile = t.over(item, units);
  auto emit = [&] {
    Rows rows(t, tile, height, count, valid, /*begin=*/1);
    SmallVector<Values> accumulators = accumulatorsOf(op, t, rows, unit);
    rows.forEachInTurn(t, accumulators, [&](Value row, ValueRange sums) {
      Values arguments(sums), at = t.split(row, sizes);
      at.push_back(unit);
      for (auto [i, input] : llvm::enumerate(op.getInputs()))
        arguments.push_back(t.load(t.in(input), t.apply(op.mapOf(i), at)));
      Values results = t.compute(op.getBody().front(), arguments);
      for (auto [value, to] : llvm::zip_equal(results, op.getOuts()))
        t.store(value, t.in(to), at);
    });
  };
  if (!valid)
    return emit();
  t.when(t.less(t.times(tile, t.index(height)), count), emit);
}

void emitGemm(kernel::GemmOp op, ThreadCode &t, Value item) {
  Value a = t.in(op.getA()), c = t.in(op.getC());
  Value columns = t.size(c, 1), column = t.rest(item, columns);
  int64_t height = decided(op, kernel::Decision::TileRows);
  bool trans = op.getTransA();
  // Numbers are those of rows where B is packed, else those of terms.
  Value valid = op.getValid();
  List some(t, op.getPackedB() ? valid : Value());
  List terms(t, op.getPackedB() ? Value() : valid);
  Right right{t.in(op.getB()), op.getPackedB(), op.getTransB(), 1, columns};
  Value place = ownColumn(t, 0, right, column);
  Value count = some.list ? some.count : t.size(c, 0);
  Value tile = t.over(item, columns);
  unsigned dim = trans ? 0 : 1;
  auto emit = [&] {
    Rows rows(t, tile, height, count, some.list, some.begin);
    Values sums;
    for (Value row : rows.at)
      sums.push_back(
          op.getAccumulate()
              ? t.load(c, {row, column})
              : t.zero(cast<MemRefType>(c.getType()).getElementType()));
    auto load = [&](Value row, Value k) {
      return t.load(a, trans ? ValueRange{k, row} : ValueRange{row, k});
    };
    auto known = terms.list ? std::nullopt : knownSize(op.getA(), dim);
    sums =
        Multiply(t, op, rows, right, place, load)
            .run(terms.list ? terms.count : t.size(a, dim), known, sums, terms);
    rows.forEach(
        t, [&](unsigned r, Value row) { t.store(sums[r], c, {row, column}); });
  };
  if (!some.list)
    return emit();
  t.when(t.less(t.times(tile, t.index(height)), count), emit);
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
