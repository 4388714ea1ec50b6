// RowThread.cpp: phases without products, a block for a row or a thread for a
// point.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where rows are combined a block has a row: it goes through it once for each
// reduction and once for what is written, and computes again what it needs.

#include "ThreadCode.h"

using namespace mlir;

namespace rnnc {

Values rowSizes(kernel::PhaseOp op, ThreadCode &t,
                function_ref<Value(Value)> get) {
  Values sizes;
  for (unsigned dim = 0; dim != op.getNumRowDims(); ++dim)
    sizes.push_back(t.size(get(op.getOuts().front()), dim));
  return sizes;
}

/// Threads of a block that has a row.
static constexpr int64_t kRowThreads = 128, kWarp = 32;

int64_t rowBlock(kernel::PhaseOp op) {
  if (!op.hasRowReductions())
    return 0;
  int64_t threads = kWarp;
  while (threads < kRowThreads && threads < op.getNumUnits())
    threads *= 2;
  return threads;
}

Value rowItems(kernel::PhaseOp op, ThreadCode &host) {
  Values sizes = rowSizes(op, host, [](Value v) { return v; });
  if (!op.hasRowReductions())
    sizes.push_back(host.index(op.getNumUnits()));
  return host.product(sizes);
}

namespace {

/// One row, or one point of it.
class RowThread {
public:
  RowThread(kernel::PhaseOp op, ThreadCode &t, Values at)
      : op(op), t(t), body(op.getBody().front()), at(std::move(at)) {}

  void combine();
  void writeRow();
  void writePoint(Value unit);

private:
  DenseMap<Value, Value> knownAt(Value unit);
  Value combined(kernel::RowKind kind, Value x, Value y);
  Value neutral(kernel::ReduceRowOp op);

  kernel::PhaseOp op;
  ThreadCode &t;
  Block &body;
  Values at;
  DenseMap<Value, Value> totals;
};

Value RowThread::combined(kernel::RowKind kind, Value x, Value y) {
  switch (kind) {
  case kernel::RowKind::sum:
    return arith::AddFOp::create(t.b, t.loc, x, y);
  case kernel::RowKind::prod:
    return arith::MulFOp::create(t.b, t.loc, x, y);
  case kernel::RowKind::max:
    return arith::MaximumFOp::create(t.b, t.loc, x, y);
  case kernel::RowKind::min:
    return arith::MinimumFOp::create(t.b, t.loc, x, y);
  }
}

Value RowThread::neutral(kernel::ReduceRowOp op) {
  double infinity = std::numeric_limits<double>::infinity(), value = 0;
  if (op.getKind() == kernel::RowKind::prod)
    value = 1;
  if (op.getKind() == kernel::RowKind::max)
    value = -infinity;
  if (op.getKind() == kernel::RowKind::min)
    value = infinity;
  return arith::ConstantOp::create(t.b, t.loc,
                                   t.b.getFloatAttr(op.getType(), value));
}

/// What is known at a unit before anything is computed; without one, what all
/// have in common.
DenseMap<Value, Value> RowThread::knownAt(Value unit) {
  DenseMap<Value, Value> known(totals);
  Values place(at);
  if (unit)
    place.push_back(unit);
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    BlockArgument argument = body.getArgument(i);
    AffineMap map = op.mapOf(i);
    if (argument.use_empty() || (!unit && map.isFunctionOfDim(at.size())))
      continue;
    if (!unit)
      map = AffineMap::get(at.size(), 0, map.getResults(), map.getContext());
    known[argument] = t.load(t.in(input), t.apply(map, place));
  }
  return known;
}

/// Each reduction, in order: later ones may read earlier ones.
void RowThread::combine() {
  for (auto reduce : body.getOps<kernel::ReduceRowOp>()) {
    bool widens = reduce.getKind() == kernel::RowKind::sum &&
                  reduce.getType().isF32() && op.getNumUnits() > kManyTerms;
    Value start = neutral(reduce);
    if (widens)
      start = arith::ExtFOp::create(t.b, t.loc, t.b.getF64Type(), start);
    auto add = [&](Value x, Value y) {
      return combined(reduce.getKind(), x, y);
    };
    auto loop = t.turns(
        t.index(op.getNumUnits()), start,
        [&](Value unit, ValueRange carried) -> Values {
          Value value =
              t.compute(body, knownAt(unit), reduce.getInput()).front();
          if (widens)
            value = arith::ExtFOp::create(t.b, t.loc, t.b.getF64Type(), value);
          return {add(carried.front(), value)};
        });
    Value total = t.combine(loop.getResult(0), add);
    if (widens)
      total = arith::TruncFOp::create(t.b, t.loc, reduce.getType(), total);
    totals[reduce.getResult()] = total;
  }
}

void RowThread::writePoint(Value unit) {
  Values wanted, place(at);
  SmallVector<unsigned> numbers;
  place.push_back(unit);
  for (auto [i, value] : llvm::enumerate(body.getTerminator()->getOperands()))
    if (!op.isPerRow(i)) {
      wanted.push_back(value);
      numbers.push_back(i);
    }
  for (auto [i, value] :
       llvm::zip_equal(numbers, t.compute(body, knownAt(unit), wanted)))
    t.store(value, t.in(op.getOuts()[i]), place);
}

/// What is one number a row, then the units.
void RowThread::writeRow() {
  DenseMap<Value, Value> known = knownAt(Value());
  t.once([&] {
    for (auto [i, value] : llvm::enumerate(body.getTerminator()->getOperands()))
      if (op.isPerRow(i))
        t.store(t.compute(body, known, value).front(), t.in(op.getOuts()[i]),
                at);
  });
  if (op.getUnits())
    return; // there are no others
  t.turns(t.index(op.getNumUnits()), {}, [&](Value unit, ValueRange) -> Values {
    writePoint(unit);
    return {};
  });
}

} // namespace

/// The indices of row number `row` of those that are computed.
Values rowAt(kernel::PhaseOp op, ThreadCode &t, Value row) {
  if (Value valid = op.getValid())
    row = t.toIndex(t.load(t.in(valid), t.add(row, t.index(1))));
  return t.split(row, rowSizes(op, t, [&](Value v) { return t.in(v); }));
}

void emitRow(kernel::PhaseOp op, ThreadCode &t, Value item) {
  auto whole = [&] {
    RowThread thread(op, t, rowAt(op, t, item));
    thread.combine();
    thread.writeRow();
  };
  auto point = [&](Value row, Value unit) {
    RowThread(op, t, rowAt(op, t, row)).writePoint(unit);
  };
  Value units = t.index(op.getNumUnits());
  Value row = t.lane ? item : t.over(item, units);
  auto emit = [&] {
    if (t.lane)
      whole();
    else
      point(row, t.rest(item, units));
  };
  if (!op.getValid())
    return emit();
  // All threads of a block have the same row.
  Value count = t.toIndex(t.load(t.in(op.getValid()), t.index(0)));
  t.when(t.less(row, count), emit);
}

} // namespace rnnc
