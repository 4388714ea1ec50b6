// DataThread.cpp: movement of data, a thread for each element that is written.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ThreadCode.h"

using namespace mlir;

namespace rnnc {

void emitCopy(memref::CopyOp op, ThreadCode &t, Value item) {
  Value source = t.in(op.getSource()), target = t.in(op.getTarget());
  Values at = t.split(item, t.sizes(target));
  t.store(t.load(source, at), target, at);
}

/// An index outside of the table reads row 0.
void emitGather(kernel::GatherOp op, ThreadCode &t, Value item) {
  Value table = t.in(op.getTable()), indices = t.in(op.getIndices());
  Value out = t.in(op.getOut());
  unsigned batch = op.getBatchDims();
  unsigned ranks = cast<MemRefType>(indices.getType()).getRank();
  Values at = t.split(item, t.sizes(out));
  Value asked = t.load(indices, ArrayRef(at).take_front(ranks));
  Value row = arith::IndexCastOp::create(t.b, t.loc, t.b.getIndexType(), asked);
  // As unsigned numbers those below zero are large.
  Value inside = t.less(row, t.size(table, batch));
  row = arith::SelectOp::create(t.b, t.loc, inside, row, t.index(0));
  Values from(ArrayRef(at).take_front(batch));
  from.push_back(row);
  llvm::append_range(from, ArrayRef(at).drop_front(ranks));
  t.store(t.load(table, from), out, at);
}

/// NaN is never greater: it counts as smaller than anything.
void emitArgmax(kernel::ArgmaxOp op, ThreadCode &t, Value item) {
  Value source = t.in(op.getSource()), out = t.in(op.getOut());
  unsigned dim = op.getDim();
  auto element =
      cast<FloatType>(cast<MemRefType>(source.getType()).getElementType());
  Value lowest = arith::ConstantOp::create(
      t.b, t.loc,
      t.b.getFloatAttr(element, APFloat::getInf(element.getFloatSemantics(),
                                                /*Negative=*/true)));
  Values at = t.split(item, t.sizes(out));
  auto loop = t.loop(
      t.size(source, dim), {lowest, t.index(0)},
      [&](Value i, ValueRange best) -> Values {
        Values from(at);
        from.insert(from.begin() + dim, i);
        Value x = t.load(source, from);
        Value greater = arith::CmpFOp::create(
            t.b, t.loc, arith::CmpFPredicate::OGT, x, best[0]);
        return {arith::SelectOp::create(t.b, t.loc, greater, x, best[0]),
                arith::SelectOp::create(t.b, t.loc, greater, i, best[1])};
      });
  Value found = arith::IndexCastOp::create(t.b, t.loc, t.b.getI32Type(),
                                           loop.getResult(1));
  t.store(found, out, at);
}

/// `perm` says which dimension of `source` is dimension i of `out`. `inner` is
/// what the lengths are said of: its dimension d is dimension `inOut(d)` of
/// `out`.
template <typename OpT>
static void emitLayoutOf(OpT op, ThreadCode &t, Value item,
                         function_ref<int64_t(int64_t)> inOut) {
  Value source = t.in(op.getSource()), out = t.in(op.getOut()), valid;
  Values at = t.split(item, t.sizes(out)), from(at.size());
  for (auto [i, dim] : llvm::enumerate(op.getPerm()))
    from[dim] = at[i];
  for (auto [dim, lengths] :
       llvm::zip_equal(op.getTimeDims(), op.getLengths())) {
    Value length =
        t.toIndex(t.load(t.in(lengths), at[inOut(op.getBatchDim())]));
    valid = t.both(valid, t.below(at[inOut(dim)], length));
  }
  if (!valid)
    return t.store(t.load(source, from), out, at);
  Type type = cast<MemRefType>(out.getType()).getElementType();
  Value value = t.choose(
      valid, type, [&] { return t.load(source, from); },
      [&] { return t.zero(type); });
  t.store(value, out, at);
}

void emitLayout(kernel::EnterOp op, ThreadCode &t, Value item) {
  emitLayoutOf(op, t, item, [](int64_t dim) { return dim; });
}

void emitLayout(kernel::LeaveOp op, ThreadCode &t, Value item) {
  ArrayRef<int64_t> perm = op.getPerm();
  emitLayoutOf(op, t, item, [&](int64_t dim) -> int64_t {
    return llvm::find(perm, dim) - perm.begin();
  });
}

/// Rows of a table are shared out by their numbers: a thread has all rows whose
/// number, divided by this, leaves the same rest. It adds in the order of the
/// indices, whatever the others do, so that the sums have the same bits in
/// every run; there are no atomic additions.
static constexpr int64_t kTableShares = 16;

/// What stands in a row: the dimensions of the updates behind the indices.
static Values restOf(kernel::ScatterAddOp op, ThreadCode &t, Value updates) {
  unsigned ranks = cast<MemRefType>(op.getIndices().getType()).getRank();
  Values sizes = t.sizes(updates);
  return Values(ArrayRef(sizes).drop_front(ranks));
}

static Values batchOf(kernel::ScatterAddOp op, ThreadCode &t, Value indices) {
  Values sizes = t.sizes(indices);
  return Values(ArrayRef(sizes).take_front(op.getBatchDims()));
}

Value scatterItems(kernel::ScatterAddOp op, ThreadCode &host) {
  Value rest = host.product(restOf(op, host, op.getUpdates()));
  Value batch = host.product(batchOf(op, host, op.getIndices()));
  return host.times(host.times(batch, host.index(kTableShares)), rest);
}

void emitScatter(kernel::ScatterAddOp op, ThreadCode &t, Value item) {
  Value updates = t.in(op.getUpdates()), indices = t.in(op.getIndices());
  Value out = t.in(op.getOut());
  unsigned batch = op.getBatchDims();
  Values sizes = batchOf(op, t, indices), rest = restOf(op, t, updates);
  Values all(sizes);
  all.push_back(t.index(kTableShares));
  llvm::append_range(all, rest);
  Values place = t.split(item, all);
  Value share = place[batch];
  ArrayRef<Value> example = ArrayRef(place).take_front(batch);
  ArrayRef<Value> inRow = ArrayRef(place).drop_front(batch + 1);
  Values more = t.sizes(indices);
  more.erase(more.begin(), more.begin() + batch);
  t.loop(t.product(more), {}, [&](Value number, ValueRange) -> Values {
    Values at(example), from;
    llvm::append_range(at, t.split(number, more));
    Value row = t.toIndex(t.load(indices, at));
    row = arith::SelectOp::create(t.b, t.loc, t.less(row, t.size(out, batch)),
                                  row, t.index(0));
    Value mine =
        arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::eq,
                              t.rest(row, t.index(kTableShares)), share);
    t.when(mine, [&] {
      Values to(example);
      to.push_back(row);
      llvm::append_range(to, inRow);
      llvm::append_range(at, inRow);
      Value sum = arith::AddFOp::create(t.b, t.loc, t.load(out, to),
                                        t.load(updates, at));
      t.store(sum, out, to);
    });
    return {};
  });
}

} // namespace rnnc
