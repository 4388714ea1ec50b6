// GridWaits.cpp: where the blocks of a grid have to wait for each other.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block has some units of all examples. What an op reads of its own units
// alone, and of the same element that it writes, the block made itself, if it
// was made in units, too: then its threads wait for each other, and no other
// block. A product reads all units: before it all blocks wait, once for all
// that was written since they last did.

#include "GridWaits.h"
#include "ThreadCode.h"

#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

Root rootOf(Value memref) {
  while (Operation *from = memref.getDefiningOp()) {
    if (auto view = dyn_cast<memref::ViewOp>(from))
      return {view.getSource(), view.getByteShift()};
    auto view = dyn_cast<ViewLikeOpInterface>(from);
    if (!view)
      break;
    memref = view.getViewSource();
  }
  return {memref, Value()};
}

/// Whether two places are one: constants may be written down twice.
static bool isSame(const Root &x, const Root &y) {
  if (x.first != y.first)
    return false;
  if (x.second == y.second)
    return true;
  std::optional<int64_t> one, other;
  if (x.second && y.second) {
    one = getConstantIntValue(x.second);
    other = getConstantIntValue(y.second);
  }
  return one && one == other;
}

/// The last size, if it is known.
static int64_t lastSize(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (type.getRank() == 0 || type.isDynamicDim(type.getRank() - 1))
    return 0;
  return type.getShape().back();
}

/// Whether an element's number in its place, divided by `units`, leaves its
/// last index: then the same unit is the same in all such views.
static bool isInUnits(Value memref, int64_t units) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type.getRank() == 0 ||
      failed(type.getStridesAndOffset(strides, offset)) || strides.back() != 1)
    return false;
  Operation *from = memref.getDefiningOp();
  if (auto view = dyn_cast_or_null<memref::SubViewOp>(from)) {
    OpFoldResult last = view.getMixedOffsets().back();
    bool isPlain = llvm::all_of(view.getMixedStrides(), [](OpFoldResult one) {
      return getConstantIntValue(one) == 1;
    });
    std::optional<int64_t> begin = getConstantIntValue(last);
    return isPlain && begin && *begin % units == 0 &&
           !view.getDroppedDims().test(view.getSourceType().getRank() - 1) &&
           isInUnits(view.getSource(), units);
  }
  if (auto cast = dyn_cast_or_null<memref::CastOp>(from))
    return isInUnits(cast.getSource(), units);
  int64_t last = lastSize(memref);
  if (!last || last % units)
    return false;
  if (auto shape = dyn_cast_or_null<memref::CollapseShapeOp>(from))
    return isInUnits(shape.getSrc(), units);
  if (auto shape = dyn_cast_or_null<memref::ExpandShapeOp>(from))
    return isInUnits(shape.getSrc(), units);
  return type.getLayout().isIdentity();
}

/// The part of a sequence that a view is of, which is another one in every
/// step: null where that is not known.
static memref::SubViewOp stepOf(Value memref, scf::ForOp loop) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>()) {
    auto part = dyn_cast<memref::SubViewOp>(view.getOperation());
    Value source = view.getViewSource();
    if (!part || !loop.isDefinedOutsideOfLoop(source)) {
      memref = source;
      continue;
    }
    auto at = dyn_cast<Value>(part.getMixedOffsets().front());
    if (!at || getConstantIntValue(part.getMixedSizes().front()) != 1)
      return {};
    // t, t + n and n - t for an n that stays.
    while (at != loop.getInductionVar()) {
      Operation *sum = at.getDefiningOp();
      if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp>(sum))
        return {};
      bool isLeft = !loop.isDefinedOutsideOfLoop(sum->getOperand(0));
      bool isRight = !loop.isDefinedOutsideOfLoop(sum->getOperand(1));
      if (isLeft == isRight)
        return {};
      at = sum->getOperand(isLeft ? 0 : 1);
    }
    return part;
  }
  return {};
}

namespace {

/// What an op reads or writes of a buffer.
struct GridAccess {
  Value memref;
  bool writes = false;
  int64_t units = 0;     ///< own units alone, of so many; 0: of any
  Operation *op;         ///< whose it is
  bool isBefore = false; ///< in a step before this one
};

using GridAccesses = SmallVector<GridAccess>;

/// One op's accesses.
class AccessFinder {
public:
  explicit AccessFinder(Operation *op) : op(op) {}

  /// Empty where the last dimension of what is written is no unit.
  GridAccesses run();
  int64_t units = 0;

private:
  bool find();
  bool findPhase(kernel::PhaseOp phase);
  bool findGemm(kernel::GemmOp gemm);
  bool findGeneric(linalg::LinalgOp generic);
  bool setUnits(Value out);
  bool write(Value out);
  void read(Value memref, bool isOwn);
  void findAny();

  Operation *op;
  GridAccesses all;
};

} // namespace

bool AccessFinder::setUnits(Value out) {
  units = lastSize(out);
  return units > 0;
}

/// What is written may have been there before, and be read.
bool AccessFinder::write(Value out) {
  if (lastSize(out) != units || !isInUnits(out, units))
    return false;
  all.push_back({out, /*writes=*/true, units, op});
  return true;
}

void AccessFinder::read(Value memref, bool isOwn) {
  if (!isa<MemRefType>(memref.getType()))
    return;
  isOwn = isOwn && lastSize(memref) == units && isInUnits(memref, units);
  all.push_back({memref, /*writes=*/false, isOwn ? units : 0, op});
}

bool AccessFinder::findPhase(kernel::PhaseOp phase) {
  if (phase.getLefts().empty())
    return false;
  units = phase.getNumUnits();
  for (Value out : phase.getOuts())
    if (!write(out))
      return false;
  for (Value left : phase.getLefts())
    read(left, false);
  for (auto [i, input] : llvm::enumerate(phase.getInputs())) {
    AffineMap map = phase.mapOf(i);
    unsigned unit = map.getNumDims() - 1, last = map.getNumResults();
    read(input, last && map.getResult(last - 1) ==
                            getAffineDimExpr(unit, phase.getContext()));
  }
  if (phase.getValid())
    read(phase.getValid(), false);
  return true;
}

bool AccessFinder::findGemm(kernel::GemmOp gemm) {
  if (!setUnits(gemm.getC()) || !write(gemm.getC()))
    return false;
  read(gemm.getA(), false);
  read(gemm.getB(), false);
  if (gemm.getValid())
    read(gemm.getValid(), false);
  return true;
}

/// Items run through the parallel loops, the last of them fastest.
bool AccessFinder::findGeneric(linalg::LinalgOp generic) {
  if (genericBlock(generic) || generic.getNumDpsInits() == 0)
    return false;
  std::optional<unsigned> last;
  for (auto [i, kind] : llvm::enumerate(generic.getIteratorTypesArray()))
    if (kind == utils::IteratorType::parallel)
      last = i;
  if (!last || !setUnits(generic.getDpsInits()[0]))
    return false;
  auto isUnit = [&](OpOperand *operand) {
    AffineMap map = generic.getMatchingIndexingMap(operand);
    return map.getNumResults() &&
           map.getResults().back() == getAffineDimExpr(*last, op->getContext());
  };
  for (OpOperand &out : generic.getDpsInitsMutable())
    if (!isUnit(&out) || !write(out.get()))
      return false;
  for (OpOperand *input : generic.getDpsInputOperands())
    read(input->get(), isUnit(input));
  return true;
}

bool AccessFinder::find() {
  if (auto phase = dyn_cast<kernel::PhaseOp>(op))
    return findPhase(phase);
  if (auto gemm = dyn_cast<kernel::GemmOp>(op))
    return findGemm(gemm);
  if (auto generic = dyn_cast<linalg::LinalgOp>(op))
    return findGeneric(generic);
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    bool isOwn = setUnits(copy.getTarget()) && write(copy.getTarget());
    if (isOwn)
      read(copy.getSource(), true);
    return isOwn;
  }
  auto mask = dyn_cast<kernel::MaskRowsOp>(op);
  if (!mask || !setUnits(mask.getOut()) || !write(mask.getOut()))
    return false;
  if (mask.getPrevious())
    read(mask.getPrevious(), true);
  read(mask.getLengths(), false);
  return true;
}

/// Whoever does it, any block may have made what it reads.
void AccessFinder::findAny() {
  all.clear();
  units = 0;
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  for (Value operand : op->getOperands()) {
    if (!isa<MemRefType>(operand.getType()))
      continue;
    bool writes =
        !effects || effects.getEffectOnValue<MemoryEffects::Write>(operand);
    all.push_back({operand, writes, 0, op});
  }
}

GridAccesses AccessFinder::run() {
  if (!find())
    findAny();
  return all;
}

namespace {

/// Goes through the ops of a loop with what was accessed since all blocks last
/// waited.
class WaitFinder {
public:
  explicit WaitFinder(scf::ForOp loop) : loop(loop) {}

  void run(Block &block, GridAccesses &open);
  llvm::DenseMap<Operation *, WaitFor> waits;
  llvm::DenseMap<Operation *, int64_t> units;

private:
  bool areApart(const GridAccess &before, const GridAccess &now);
  bool areBesideInAnOp(Value read, Value written, Operation *op);
  WaitFor waitBetween(const GridAccess &before, const GridAccess &now);
  void visit(Operation *op, GridAccesses &open);

  scf::ForOp loop;
};

} // namespace

/// An op reads one and writes the other while its threads wait for nothing:
/// they do not overlap.
bool WaitFinder::areBesideInAnOp(Value read, Value written, Operation *op) {
  GridAccesses all = AccessFinder(op).run();
  auto isOf = [&](Value memref, bool writes) {
    return llvm::any_of(all, [&](const GridAccess &one) {
      return one.memref == memref && one.writes == writes && one.units > 0;
    });
  };
  auto isReadByAll = llvm::any_of(all, [&](const GridAccess &one) {
    return one.memref == read && !one.writes && one.units == 0;
  });
  return isReadByAll && isOf(written, true);
}

bool WaitFinder::areApart(const GridAccess &before, const GridAccess &now) {
  if (!isSame(rootOf(before.memref), rootOf(now.memref)))
    return true;
  if (before.isBefore) {
    memref::SubViewOp one = stepOf(before.memref, loop);
    return one && one == stepOf(now.memref, loop);
  }
  return (!before.writes &&
          areBesideInAnOp(before.memref, now.memref, before.op)) ||
         (before.writes &&
          areBesideInAnOp(now.memref, before.memref, before.op));
}

WaitFor WaitFinder::waitBetween(const GridAccess &before,
                                const GridAccess &now) {
  if ((!before.writes && !now.writes) || areApart(before, now))
    return WaitFor::None;
  bool isOwn = before.units && before.units == now.units;
  return isOwn ? WaitFor::Block : WaitFor::Grid;
}

void WaitFinder::visit(Operation *op, GridAccesses &open) {
  AccessFinder finder(op);
  GridAccesses all = finder.run();
  WaitFor wait = waits.lookup(op);
  for (const GridAccess &now : all)
    for (const GridAccess &before : open)
      wait = std::max(wait, waitBetween(before, now));
  waits[op] = wait;
  units[op] = finder.units;
  if (wait == WaitFor::Grid)
    open.clear();
  llvm::append_range(open, all);
}

/// Behind a branch there is what either side left.
void WaitFinder::run(Block &block, GridAccesses &open) {
  for (Operation &op : block.without_terminator()) {
    if (isDeviceWork(&op)) {
      visit(&op, open);
      continue;
    }
    auto branch = dyn_cast<scf::IfOp>(op);
    if (!branch)
      continue;
    GridAccesses other = open;
    run(*branch.thenBlock(), open);
    if (branch.elseBlock())
      run(*branch.elseBlock(), other);
    llvm::append_range(open, other);
  }
}

/// Twice: what a step leaves is there in the next one.
GridWaits::GridWaits(scf::ForOp loop) {
  WaitFinder finder(loop);
  GridAccesses open;
  finder.run(*loop.getBody(), open);
  for (GridAccess &access : open)
    access.isBefore = true;
  finder.run(*loop.getBody(), open);
  waits = std::move(finder.waits);
  units = std::move(finder.units);
}

} // namespace rnnc
