// EmitScratch.cpp: memory for what products pack for themselves.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One buffer for all products of a function, as large as the largest need: they
// run one after another. Those of loops that run side by side have one of their
// own for each loop. It is an upper bound for every instruction set.

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace rnnc {
namespace {

/// Sizes beyond this change nothing, whatever was decided: blocks hold fewer
/// elements, and work of as many terms is always cut into tasks.
constexpr int64_t kMost = int64_t(1) << 30;

/// Arithmetic on sizes at the top of a function. Sizes are cut off at kMost, so
/// that no product of theirs wraps.
class Bytes {
public:
  Bytes(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  Value number(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value size(OpFoldResult size) {
    return least(getValueOrCreateConstantIndexOp(b, loc, size), kMost);
  }
  Value least(Value v, int64_t limit) {
    return b.createOrFold<arith::MinUIOp>(loc, v, number(limit));
  }
  Value times(Value x, Value y) {
    return b.createOrFold<arith::MulIOp>(loc, x, y);
  }
  Value plus(Value x, int64_t y) {
    return b.createOrFold<arith::AddIOp>(loc, x, number(y));
  }
  Value plus(Value x, Value y) {
    return b.createOrFold<arith::AddIOp>(loc, x, y);
  }
  Value lines(Value bytes) {
    return b.createOrFold<arith::AndIOp>(loc, plus(bytes, 63), number(-64));
  }
  /// `yes` if x < limit, for a size that was cut off.
  Value ifLess(Value x, int64_t limit, Value yes, Value no) {
    Value less = b.createOrFold<arith::CmpIOp>(
        loc, arith::CmpIPredicate::ult, x, number(std::min(limit, kMost)));
    return b.createOrFold<arith::SelectOp>(loc, less, yes, no);
  }

private:
  OpBuilder &b;
  Location loc;
};

/// The product of some sizes.
Value product(Bytes &bytes, ArrayRef<OpFoldResult> sizes) {
  Value result = bytes.number(1);
  for (OpFoldResult size : sizes)
    result = bytes.least(bytes.times(result, bytes.size(size)), kMost);
  return result;
}

/// What the schedules of a product say, so that it is enough for each target.
struct Needs {
  int64_t rows = 1, steps = 1, left = 1, right = 1, tasks = 1;
  int64_t far = INT64_MAX, few = INT64_MAX, flat = INT64_MAX, worth = INT64_MAX;

  explicit Needs(ArrayRef<kernel::ScheduleAttr> schedules) {
    using kernel::Decision;
    for (kernel::ScheduleAttr s : schedules) {
      if (!s.get(Decision::BlockSteps))
        continue; // threads of a GPU read the operands where they lie
      rows = std::max(rows, s.get(Decision::TileRows));
      steps = std::max(steps, s.get(Decision::BlockSteps));
      left = std::max(
          left, s.get(Decision::BlockSteps) *
                    (s.get(Decision::BlockRows) + s.get(Decision::TileRows)));
      right = std::max(right, s.get(Decision::BlockSteps) *
                                  s.get(Decision::BlockColumns));
      tasks = std::max(tasks, s.get(Decision::Tasks));
      far = std::min(far, s.get(Decision::FarRowBytes));
      few = std::min(few, s.get(Decision::FewColumns));
      flat = std::min(flat, s.get(Decision::FlatRows));
      worth = std::min(worth, s.get(Decision::WorthTasks));
    }
  }
};

} // namespace

/// Bytes that the product packs at a time, for each of its tasks.
void Emitter::needScratch(kernel::GemmOp gemm, scan::DotOp op) {
  kernel::copySchedules(op, gemm);
  if (kernel::isForGPU(op) || gemm.getInPlace())
    return; // the operands are read where they lie
  Needs needs(kernel::schedulesOf(op));
  // Terms that are left out are so where operands are packed.
  bool packs = gemm.getValid() && !gemm.getPackedB();
  bool inPlace = !packs && gemm.readsAInPlace(needs.far);
  if (inPlace && gemm.getPackedB())
    return;
  int64_t element =
      cast<MemRefType>(gemm.getA().getType()).getElementTypeBitWidth() / 8;
  SmallVector<OpFoldResult> shape = sizes.get(op.getResult()), steps;
  for (int64_t dim : op.getLhsContract())
    steps.push_back(sizes.get(op.getLhs(), dim));
  unsigned numRows = op.getLhsFree().size();
  Value need = sizes.atTop([&](OpBuilder &top) -> Value {
    Bytes bytes(top, gemm.getLoc());
    Value rows = product(bytes, ArrayRef(shape).take_front(numRows));
    Value columns = product(bytes, ArrayRef(shape).drop_front(numRows));
    Value k = product(bytes, steps);
    Value step =
        bytes.times(bytes.least(k, needs.steps), bytes.number(element));
    Value zero = bytes.number(0), forA = zero, forB = zero;
    if (!inPlace) {
      forA = bytes.least(bytes.times(bytes.plus(rows, needs.rows - 1), step),
                         needs.left * element);
      if (!packs && gemm.hasRowsOfA()) {
        forA = bytes.ifLess(rows, needs.flat, zero, forA);
        forA = bytes.ifLess(columns, needs.few + 1, zero, forA);
      }
    }
    if (!gemm.getPackedB())
      forB = bytes.lines(bytes.plus(
          bytes.least(bytes.times(columns, step), needs.right * element),
          kernel::kPanelSlack * element));
    Value one = bytes.plus(bytes.lines(forA), forB);
    Value work = bytes.times(bytes.least(bytes.times(rows, columns), kMost), k);
    return bytes.ifLess(work, needs.worth, one,
                        bytes.times(one, bytes.number(needs.tasks)));
  });
  // Code that packs is there even where so few rows or columns never need it.
  if (getConstantIntValue(need) == 0)
    need = sizes.atTop([&](OpBuilder &top) -> Value {
      return arith::ConstantIndexOp::create(top, gemm.getLoc(), 64);
    });
  scratchNeeds.push_back({gemm, need});
}

/// The part of a `kernel.beside` around an op, or null.
static Region *partOf(Operation *op) {
  for (Region *region = op->getParentRegion(); region;
       region = region->getParentRegion())
    if (isa<kernel::BesideOp>(region->getParentOp()))
      return region;
  return nullptr;
}

void Emitter::giveScratch() {
  llvm::MapVector<Region *, SmallVector<std::pair<kernel::GemmOp, Value>>>
      byPart;
  for (auto &[gemm, need] : scratchNeeds)
    byPart[partOf(gemm)].push_back({gemm, need});
  for (auto &[part, needs] : byPart) {
    Location loc = needs.front().first.getLoc();
    Value most = sizes.atTop([&, &needs = needs](OpBuilder &top) -> Value {
      Value most = needs.front().second;
      for (auto [gemm, need] : ArrayRef(needs).drop_front())
        most = top.createOrFold<arith::MaxUIOp>(loc, most, need);
      return most;
    });
    Buffer scratch = alloc(loc, b.getI8Type(), {OpFoldResult(most)});
    for (auto &[gemm, need] : needs)
      gemm.getScratchMutable().assign(scratch.memref);
  }
}

} // namespace rnnc
