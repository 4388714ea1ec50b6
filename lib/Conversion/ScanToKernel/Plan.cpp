// Plan.cpp: which tensors get memory, and the phases of a block.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Plan.h"

#include "rnnc/Dialect/Kernel/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace rnnc {

static scan::LoopOp loopOfSlice(Value value) {
  auto arg = dyn_cast<BlockArgument>(value);
  if (!arg || arg.getArgNumber() == 0)
    return {};
  auto loop = dyn_cast_or_null<scan::LoopOp>(arg.getOwner()->getParentOp());
  if (!loop || arg.getArgNumber() > loop.getNumSlices())
    return {};
  return loop;
}

/// Only says what a reduction starts from.
static bool isStart(Operation *op) {
  return isa<linalg::FillOp>(op) &&
         llvm::all_of(op->getUses(), [](OpOperand &use) {
           auto user = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
           return user && user.isDpsInit(&use);
         });
}

Kind kindOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return loopOfSlice(value) ? Kind::View : Kind::Memory;
  if (isa<scan::BroadcastOp, scan::TransposeOp, tensor::ExtractSliceOp>(op))
    return Kind::View;
  if (isa<tensor::InsertSliceOp, tensor::ConcatOp>(op))
    return Kind::Composite;
  if (isa<tensor::SplatOp, tensor::EmptyOp>(op) || isStart(op))
    return Kind::Constant;
  if (isa<tensor::FromElementsOp>(op))
    return op->getNumOperands() == 1 ? Kind::Constant : Kind::Barrier;
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue()) ? Kind::Constant
                                                       : Kind::Barrier;
  if (auto enter = dyn_cast<scan::EnterOp>(op))
    return enter.getLengths().empty() ? Kind::Pointwise : Kind::Barrier;
  if (auto leave = dyn_cast<scan::LeaveOp>(op))
    return leave.getLengths().empty() ? Kind::Pointwise : Kind::Barrier;
  if (isa<scan::StopOp, scan::ClipGradOp, scan::MaskOp>(op) ||
      OpTrait::hasElementwiseMappableTraits(op))
    return Kind::Pointwise;
  return Kind::Barrier;
}

bool isLazy(Value value) {
  Kind kind = kindOf(value);
  return kind == Kind::Pointwise || kind == Kind::View ||
         kind == Kind::Constant;
}

Value viewSource(Value view) {
  if (scan::LoopOp loop = loopOfSlice(view))
    return loop.getSlices()[cast<BlockArgument>(view).getArgNumber() - 1];
  Operation *op = view.getDefiningOp();
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return slice.getSource();
  return op->getOperand(0);
}

SmallVector<scan::LoopOp> loopsBeside(scan::LoopOp loop) {
  Attribute number = loop->getAttr(kernel::kBeside);
  if (!number)
    return {loop};
  SmallVector<scan::LoopOp> all;
  for (auto other : loop->getBlock()->getOps<scan::LoopOp>())
    if (other->getAttr(kernel::kBeside) == number)
      all.push_back(other);
  return all;
}

View viewOfSource(Value value, const View &view) {
  if (scan::LoopOp loop = loopOfSlice(value)) {
    View result(1, Access{-1, 0, 1, loop.getBodyBlock()->getArgument(0)});
    result.append(view.begin(), view.end());
    return result;
  }
  Operation *op = value.getDefiningOp();
  if (auto broadcast = dyn_cast<scan::BroadcastOp>(op)) {
    View result;
    for (int64_t dim : broadcast.getDims())
      result.push_back(view[dim]);
    return result;
  }
  if (auto transpose = dyn_cast<scan::TransposeOp>(op)) {
    View result(view.size());
    for (auto [i, dim] : llvm::enumerate(transpose.getPerm()))
      result[dim] = view[i];
    return result;
  }
  auto slice = cast<tensor::ExtractSliceOp>(op);
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  View result;
  unsigned next = 0;
  for (int64_t i = 0, e = slice.getSourceType().getRank(); i < e; ++i) {
    Access access = dropped.test(i) ? Access{} : view[next++];
    int64_t stride = slice.getStaticStride(i);
    if (slice.isDynamicOffset(i)) // of a dropped dimension
      access.index = slice.getDynamicOffset(i);
    else
      access.offset = slice.getStaticOffset(i) + access.offset * stride;
    access.stride *= stride;
    result.push_back(access);
  }
  return result;
}

bool isExpensive(Operation *op) {
  if (isa<arith::DivFOp, scan::SigmoidOp, scan::SoftplusOp>(op))
    return true;
  return isa<math::MathDialect>(op->getDialect()) && !isa<math::AbsFOp>(op);
}

//===----------------------------------------------------------------------===//
// Composites
//===----------------------------------------------------------------------===//

static bool overlap(const Piece &a, const Piece &b) {
  for (auto [ao, as, bo, bs] :
       llvm::zip(a.offsets, a.sizes, b.offsets, b.sizes)) {
    if (ShapedType::isDynamic(as) || ShapedType::isDynamic(bs))
      continue;
    if (ao + as <= bo || bo + bs <= ao)
      return false;
  }
  return true;
}

static int64_t staticVolume(ArrayRef<int64_t> shape) {
  int64_t volume = 1;
  for (int64_t size : shape)
    volume *= ShapedType::isDynamic(size) ? 1 : size;
  return volume;
}

static bool hasUnitStrides(tensor::InsertSliceOp insert) {
  return llvm::all_of(insert.getStaticStrides(),
                      [](int64_t stride) { return stride == 1; });
}

static Piece pieceOf(tensor::InsertSliceOp insert) {
  Piece piece{insert.getSource(),
              llvm::to_vector(insert.getStaticOffsets()),
              llvm::to_vector(insert.getStaticSizes()),
              {}};
  llvm::SmallBitVector dropped = insert.getDroppedDims();
  for (unsigned i = 0; i < piece.sizes.size(); ++i) {
    piece.dropped.push_back(dropped.test(i));
    if (insert.getDestType().isDynamicDim(i)) {
      piece.offsets[i] = 0;
      piece.sizes[i] = ShapedType::kDynamic;
    }
  }
  return piece;
}

Composite takeApart(Value value) {
  Composite result;
  auto type = cast<RankedTensorType>(value.getType());
  if (auto concat = value.getDefiningOp<tensor::ConcatOp>()) {
    int64_t dim = concat.getDim(), at = 0;
    for (Value input : concat.getInputs()) {
      auto inputType = cast<RankedTensorType>(input.getType());
      SmallVector<int64_t> offsets(type.getRank(), 0);
      offsets[dim] = at;
      at += inputType.getDimSize(dim);
      result.pieces.push_back({input, offsets,
                               llvm::to_vector(inputType.getShape()),
                               SmallVector<bool>(type.getRank(), false)});
    }
    result.direct = true;
    return result;
  }
  Value base = value;
  bool disjoint = true;
  while (auto insert = base.getDefiningOp<tensor::InsertSliceOp>()) {
    // An inner link that others read too is a composite of its own.
    if (base != value && !base.hasOneUse())
      break;
    if (base != value && base.getParentBlock() != value.getParentBlock())
      break;
    Piece piece = pieceOf(insert);
    for (const Piece &other : result.pieces)
      disjoint &= !overlap(piece, other);
    disjoint &= hasUnitStrides(insert);
    result.pieces.insert(result.pieces.begin(), piece);
    base = insert.getDest();
  }
  int64_t covered = 0;
  for (const Piece &piece : result.pieces)
    covered += staticVolume(piece.sizes);
  if (!disjoint || covered != staticVolume(type.getShape()))
    result.base = base;
  result.direct =
      disjoint && (!result.base || kindOf(result.base) == Kind::Constant ||
                   scan::getSplat(result.base));
  return result;
}

//===----------------------------------------------------------------------===//
// Demands
//===----------------------------------------------------------------------===//

BlockPlan::BlockPlan(Block &block, Sizes &sizes,
                     std::function<bool(Value)> outerBuffers, Purpose purpose)
    : block(block), sizes(sizes), outerBuffers(std::move(outerBuffers)),
      purpose(purpose) {
  findDemands();
  do
    makeGroups();
  while (addRepeated());
}

bool BlockPlan::inside(Value value) const {
  return value.getParentBlock() == &block;
}

const Composite &BlockPlan::getComposite(Value value) {
  auto it = parts.find(value);
  if (it == parts.end())
    it = parts.try_emplace(value, takeApart(value)).first;
  return it->second;
}

bool BlockPlan::isAlias(Value value) {
  if (kindOf(value) != Kind::View || roots.contains(value))
    return false;
  if (isa_and_nonnull<scan::BroadcastOp, scan::TransposeOp>(
          value.getDefiningOp()))
    return false;
  return hasBuffer(viewSource(value));
}

bool BlockPlan::hasBuffer(Value value) {
  if (!inside(value))
    return outerBuffers(value) || isAlias(value);
  switch (kindOf(value)) {
  case Kind::Memory:
  case Kind::Barrier:
    return true;
  case Kind::Composite:
    return demandedComposites.contains(value);
  case Kind::View:
    return roots.contains(value) || isAlias(value);
  default:
    return roots.contains(value);
  }
}

/// Once phases are formed, whatever is computed is the result of one.
void BlockPlan::addRoot(Value value) {
  if (purpose == Purpose::Phases)
    roots.insert(value);
}

void BlockPlan::demand(Value value) {
  if (!inside(value) || !isa<RankedTensorType>(value.getType()))
    return;
  switch (kindOf(value)) {
  case Kind::Memory:
  case Kind::Barrier:
    return;
  case Kind::Composite: {
    if (!demandedComposites.insert(value).second)
      return;
    const Composite composite = getComposite(value);
    for (const Piece &piece : composite.pieces)
      demand(piece.source);
    if (composite.base && !composite.direct)
      demand(composite.base);
    return;
  }
  case Kind::View:
    if (!isa_and_nonnull<scan::BroadcastOp, scan::TransposeOp>(
            value.getDefiningOp())) {
      Value source = viewSource(value);
      if (kindOf(source) == Kind::Composite)
        demand(source);
      if (hasBuffer(source))
        return;
    }
    addRoot(value);
    return;
  default:
    addRoot(value);
  }
}

/// Ops that read operands as they lie in memory; the others compute what they
/// read.
static bool readsMemory(Operation *op) {
  return op->getNumResults() == 1 && !isa<scan::LoopOp, scan::ReduceOp>(op) &&
         isa<RankedTensorType>(op->getResult(0).getType()) &&
         kindOf(op->getResult(0)) == Kind::Barrier;
}

/// What an op that reads memory wants there: a product reads a transposed
/// operand as it lies.
static Value wantedInMemory(Operation *op, Value operand) {
  if (isa<scan::DotOp>(op))
    while (auto transpose = operand.getDefiningOp<scan::TransposeOp>())
      operand = transpose.getInput();
  return operand;
}

/// Says only where a result goes and what it starts from.
static bool isInit(OpOperand &use) {
  auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
  return op && op.isDpsInit(&use);
}

/// `value` is read inside of a nested loop.
void BlockPlan::demandCapture(Value value) {
  if (!inside(value) || !isa<RankedTensorType>(value.getType()))
    return;
  switch (kindOf(value)) {
  case Kind::Constant:
    return;
  case Kind::View:
    if (!roots.contains(value))
      demandCapture(viewSource(value));
    return;
  default:
    demand(value);
  }
}

void BlockPlan::findDemands() {
  // Users first: a slice of a pointwise root is a view of its memory.
  for (Operation &op : llvm::reverse(block)) {
    if (auto loop = dyn_cast<scan::LoopOp>(op)) {
      for (Value slice : loop.getSlices())
        demandCapture(slice);
      for (Value init : loop.getFirsts())
        demand(init);
      loop.getBody().walk([&](Operation *nested) {
        for (Value operand : nested->getOperands())
          if (readsMemory(nested))
            demand(wantedInMemory(nested, operand));
          else
            demandCapture(operand);
      });
      continue;
    }
    bool lazy = op.getNumResults() == 1 &&
                isa<RankedTensorType>(op.getResult(0).getType()) &&
                isLazy(op.getResult(0));
    bool composite = op.getNumResults() == 1 &&
                     isa<tensor::InsertSliceOp, tensor::ConcatOp>(op);
    if (composite || isa<tensor::DimOp>(op))
      continue;
    for (OpOperand &use : op.getOpOperands()) {
      Value operand = use.get();
      if (!isa<RankedTensorType>(operand.getType()) || isInit(use))
        continue;
      operand = wantedInMemory(&op, operand);
      // A reduction computes its operand itself.
      if ((lazy || isa<scan::ReduceOp>(op)) &&
          kindOf(operand) != Kind::Composite)
        continue;
      demand(operand);
    }
  }
  for (Operation &op : block)
    if (op.getNumResults() == 1 && demandedComposites.contains(op.getResult(0)))
      composites.push_back(&op);
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

void BlockPlan::forget() {
  levelMemo.clear();
  readyMemo.clear();
  execMemo.clear();
}

/// First level at which `value` can be read by an op of another shape.
int BlockPlan::dependence(Value value) {
  if (isLazy(value) && !hasBuffer(value))
    return level(value);
  return ready(value);
}

int BlockPlan::captureReady(Value value) {
  if (!isa<RankedTensorType>(value.getType()))
    return 0;
  if (hasBuffer(value))
    return ready(value);
  switch (kindOf(value)) {
  case Kind::View:
    return captureReady(viewSource(value));
  default:
    return 0;
  }
}

int BlockPlan::level(Value value) {
  if (!inside(value) && !isLazy(value))
    return 0;
  auto it = levelMemo.find(value);
  if (it != levelMemo.end())
    return it->second;
  int result = 0;
  if (kindOf(value) == Kind::View) {
    result = dependence(viewSource(value));
  } else if (kindOf(value) == Kind::Pointwise) {
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands()) {
      if (!isa<RankedTensorType>(operand.getType()))
        continue;
      bool same = cast<RankedTensorType>(operand.getType()).getShape() ==
                  cast<RankedTensorType>(value.getType()).getShape();
      if (same && inside(operand) && isLazy(operand) && !isAlias(operand))
        result = std::max(result, level(operand));
      else
        result = std::max(result, dependence(operand));
    }
  }
  return levelMemo[value] = result;
}

int BlockPlan::ready(Value value) {
  if (!inside(value))
    return 0;
  auto it = readyMemo.find(value);
  if (it != readyMemo.end())
    return it->second;
  int result = 0;
  switch (kindOf(value)) {
  case Kind::Memory:
    break;
  case Kind::Barrier:
    result = exec(value.getDefiningOp()) + 1;
    break;
  case Kind::Composite: {
    result = exec(value.getDefiningOp());
    const Composite composite = getComposite(value);
    for (const Piece &piece : composite.pieces)
      result = std::max(result, ready(piece.source));
    result += 1;
    break;
  }
  default:
    result = isRoot(value)                 ? level(value) + 1
             : kindOf(value) == Kind::View ? ready(viewSource(value))
                                           : level(value);
  }
  return readyMemo[value] = result;
}

int BlockPlan::loopReady(scan::LoopOp loop) {
  int result = 0;
  for (Value operand : loop->getOperands())
    result = std::max(result, captureReady(operand));
  loop.getBody().walk([&](Operation *nested) {
    for (Value operand : nested->getOperands())
      if (inside(operand))
        result = std::max(result, captureReady(operand));
  });
  return result;
}

int BlockPlan::exec(Operation *op) {
  auto it = execMemo.find(op);
  if (it != execMemo.end())
    return it->second;
  int result = 0;
  if (isa<tensor::InsertSliceOp, tensor::ConcatOp>(op)) {
    const Composite composite = getComposite(op->getResult(0));
    for (const Piece &piece : composite.pieces)
      result = std::max(result, ready(piece.source));
    if (composite.base && !composite.direct)
      result = std::max(result, ready(composite.base));
  } else if (auto loop = dyn_cast<scan::LoopOp>(op)) {
    for (scan::LoopOp one : loopsBeside(loop))
      result = std::max(result, loopReady(one));
  } else {
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        result = std::max(result, dependence(operand));
  }
  return execMemo[op] = result;
}

void BlockPlan::makeGroups() {
  forget();
  groups.clear();
  // A space is the list of sizes; dynamic ones are compared as values.
  SmallVector<std::pair<int, SmallVector<OpFoldResult>>> keys;
  for (Operation &op : block) {
    if (op.getNumResults() != 1 || !roots.contains(op.getResult(0)))
      continue;
    Value root = op.getResult(0);
    std::pair<int, SmallVector<OpFoldResult>> key(level(root), sizes.get(root));
    auto *it = llvm::find(keys, key);
    if (it == keys.end()) {
      keys.push_back(key);
      groups.push_back({key.first, {root}});
    } else {
      groups[it - keys.begin()].roots.push_back(root);
    }
  }
  for (Value root : roots)
    if (isa<BlockArgument>(root))
      groups.push_back({level(root), {root}});
  levels = 0;
  for (const Group &group : groups)
    levels = std::max(levels, group.level + 1);
  for (Operation &op : block) {
    if (op.getNumResults() == 0 ||
        !isa<RankedTensorType>(op.getResult(0).getType()))
      continue;
    bool runs = kindOf(op.getResult(0)) == Kind::Barrier ||
                demandedComposites.contains(op.getResult(0));
    if (runs)
      levels = std::max(levels, exec(&op) + 1);
  }
}

//===----------------------------------------------------------------------===//
// Values computed more than once
//===----------------------------------------------------------------------===//

/// Counts what computing `value` at `view` costs in a phase of `root`'s space.
void BlockPlan::count(Value value, const View &view, Value root) {
  if (!isa<RankedTensorType>(value.getType()))
    return;
  bool same = value == root;
  if (!isLazy(value) ||
      (!same && hasBuffer(value) &&
       ready(value) <=
           (isRoot(root) ? level(root) : exec(root.getDefiningOp()))))
    return;
  if (llvm::is_contained(seen, std::pair(value, view)))
    return;
  seen.push_back({value, view});
  switch (kindOf(value)) {
  case Kind::View: {
    count(viewSource(value), viewOfSource(value, view), root);
    return;
  }
  case Kind::Pointwise: {
    // Share of the value's elements that this place computes.
    auto type = cast<RankedTensorType>(value.getType());
    auto space = cast<RankedTensorType>(
        isRoot(root) ? root.getType()
                     : root.getDefiningOp()->getOperand(0).getType());
    Work &entry = work[value];
    ++entry.places;
    entry.share += double(staticVolume(space.getShape())) /
                   std::max<int64_t>(1, staticVolume(type.getShape()));
    if (space.getNumDynamicDims() > type.getNumDynamicDims())
      entry.share += 1e9;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands()) {
      auto operandType = dyn_cast<RankedTensorType>(operand.getType());
      if (!operandType ||
          (isa<scan::MaskOp>(op) && operand != op->getOperand(0)))
        continue;
      count(operand, operandType.getRank() == type.getRank() ? view : View(),
            root);
    }
    return;
  }
  default:
    return;
  }
}

/// Gives memory to what would be computed again at great cost. True when
/// there was some.
bool BlockPlan::addRepeated() {
  work.clear();
  auto start = [&](Value root, int64_t rank) {
    count(root, identityView(rank), root);
  };
  for (const Group &group : groups) {
    seen.clear();
    for (Value root : group.roots)
      start(root, cast<RankedTensorType>(root.getType()).getRank());
  }
  for (auto reduce : block.getOps<scan::ReduceOp>()) {
    seen.clear();
    auto type = cast<RankedTensorType>(reduce.getInput().getType());
    count(reduce.getInput(), identityView(type.getRank()), reduce.getResult());
  }
  bool changed = false;
  for (auto &[value, entry] : work) {
    if (entry.share <= 1.001 || roots.contains(value) || !inside(value))
      continue;
    Operation *op = value.getDefiningOp();
    if (!isExpensive(op) && entry.places <= 4)
      continue;
    if (isa<scan::MaskOp, scan::StopOp, scan::ClipGradOp>(op))
      continue;
    changed |= roots.insert(value);
  }
  return changed;
}

} // namespace rnnc
