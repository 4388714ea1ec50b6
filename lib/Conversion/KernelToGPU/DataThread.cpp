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

/// `perm` says which dimension of `source` is dimension i of `out`.
void emitLayout(Value source, Value out, ArrayRef<int64_t> perm, ThreadCode &t,
                Value item) {
  source = t.in(source);
  out = t.in(out);
  Values at = t.split(item, t.sizes(out)), from(at.size());
  for (auto [i, dim] : llvm::enumerate(perm))
    from[dim] = at[i];
  t.store(t.load(source, from), out, at);
}

} // namespace rnnc
