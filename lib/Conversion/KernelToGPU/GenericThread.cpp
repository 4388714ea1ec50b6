// GenericThread.cpp: linalg ops, a thread for each point of the parallel loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ThreadCode.h"

using namespace mlir;

namespace rnnc {

/// The size of each loop, read off the operands. `get` finds an operand on the
/// side, host or thread, where the code is written.
static Values loopSizes(linalg::LinalgOp op, ThreadCode &t,
                        function_ref<Value(Value)> get) {
  Values sizes(op.getNumLoops());
  SmallVector<bool> known(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || known[dim.getPosition()])
        continue;
      known[dim.getPosition()] = !type.isDynamicDim(i);
      if (!sizes[dim.getPosition()] || known[dim.getPosition()])
        sizes[dim.getPosition()] = t.size(get(operand.get()), i);
    }
  }
  return sizes;
}

static Values only(ArrayRef<Value> values, ArrayRef<unsigned> which) {
  Values some;
  for (unsigned i : which)
    some.push_back(values[i]);
  return some;
}

static SmallVector<unsigned> loopsOf(linalg::LinalgOp op, bool parallel) {
  SmallVector<unsigned> dims;
  for (auto [i, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if ((kind == utils::IteratorType::parallel) == parallel)
      dims.push_back(i);
  return dims;
}

Value genericItems(linalg::LinalgOp op, ThreadCode &host) {
  Values sizes = loopSizes(op, host, [](Value v) { return v; });
  return host.product(only(sizes, loopsOf(op, /*parallel=*/true)));
}

namespace {

/// One op in one thread.
class GenericThread {
public:
  GenericThread(linalg::LinalgOp op, ThreadCode &t) : op(op), t(t) {}
  void run(Value item);

private:
  bool isSum(OpOperand &out) {
    AffineMap map = op.getMatchingIndexingMap(&out);
    return llvm::none_of(reduced,
                         [&](unsigned d) { return map.isFunctionOfDim(d); });
  }
  Value load(OpOperand &operand);
  Values reduce(unsigned depth, ValueRange sums);
  Values point(ValueRange sums);

  linalg::LinalgOp op;
  ThreadCode &t;
  Values sizes, at;
  SmallVector<unsigned> reduced;
  SmallVector<OpOperand *> sums; ///< outputs that stay in registers
};

Value GenericThread::load(OpOperand &operand) {
  Value value = t.in(operand.get());
  if (!isa<MemRefType>(value.getType()))
    return value;
  return t.load(value, t.apply(op.getMatchingIndexingMap(&operand), at));
}

/// Computes the region at one point; elements are stored, sums are returned.
Values GenericThread::point(ValueRange carried) {
  Values arguments;
  Block &region = op->getRegion(0).front();
  for (OpOperand &operand : op->getOpOperands()) {
    const auto *sum = llvm::find(sums, &operand);
    if (sum != sums.end())
      arguments.push_back(carried[sum - sums.begin()]);
    else // what is not used is removed later
      arguments.push_back(load(operand));
  }
  Values results = t.compute(region, arguments, at), next;
  for (auto [out, value] : llvm::zip_equal(op.getDpsInitsMutable(), results)) {
    if (llvm::is_contained(sums, &out))
      next.push_back(value);
    else
      t.store(value, t.in(out.get()),
              t.apply(op.getMatchingIndexingMap(&out), at));
  }
  return next;
}

Values GenericThread::reduce(unsigned depth, ValueRange carried) {
  if (depth == reduced.size())
    return point(carried);
  scf::ForOp loop =
      t.loop(sizes[reduced[depth]], carried, [&](Value i, ValueRange inner) {
        at[reduced[depth]] = i;
        return reduce(depth + 1, inner);
      });
  return Values(loop.getResults());
}

void GenericThread::run(Value item) {
  sizes = loopSizes(op, t, [&](Value v) { return t.in(v); });
  at.assign(sizes.size(), Value());
  reduced = loopsOf(op, /*parallel=*/false);
  SmallVector<unsigned> parallel = loopsOf(op, /*parallel=*/true);
  Values place = t.split(item, only(sizes, parallel));
  for (auto [d, value] : llvm::zip_equal(parallel, place))
    at[d] = value;
  Values start;
  if (!reduced.empty())
    for (OpOperand &out : op.getDpsInitsMutable())
      if (isSum(out)) {
        sums.push_back(&out);
        start.push_back(load(out));
      }
  Values totals = reduce(0, start);
  for (auto [out, total] : llvm::zip_equal(sums, totals))
    t.store(total, t.in(out->get()),
            t.apply(op.getMatchingIndexingMap(out), at));
}

} // namespace

void emitGeneric(linalg::LinalgOp op, ThreadCode &t, Value item) {
  GenericThread(op, t).run(item);
}

} // namespace rnnc
