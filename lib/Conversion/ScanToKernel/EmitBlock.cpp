// EmitBlock.cpp: the phases of a block in order, and where values live.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

#include "rnnc/Support/Work.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

Type storedType(Type element) {
  return element.isInteger(1) ? IntegerType::get(element.getContext(), 8)
                              : element;
}

Emitter::Emitter(func::FuncOp source, func::FuncOp target)
    : source(source), target(target), sizes(source, target),
      b(target.getContext()) {}

LogicalResult Emitter::run() {
  Block &from = source.getBody().front(), &to = target.getBody().front();
  b.setInsertionPointToEnd(&to);
  Operation *end = func::ReturnOp::create(b, source.getLoc());
  b.setInsertionPoint(end);
  for (BlockArgument arg : from.getArguments())
    if (isa<RankedTensorType>(arg.getType()))
      buffers[arg] = wholeBuffer(to.getArgument(arg.getArgNumber()));
  SmallVector<std::pair<Value, Buffer>> outputs;
  unsigned first = from.getNumArguments();
  for (auto [i, value] : llvm::enumerate(from.getTerminator()->getOperands()))
    outputs.push_back({value, wholeBuffer(to.getArgument(first + i))});
  emitBlock(from, outputs);
  giveScratch();
  nameShapes();
  return failure(failed);
}

/// Callers learn the sizes of arguments from their slots.
void Emitter::nameShapes() {
  Block &from = source.getBody().front();
  SmallVector<Value> tensors(from.getArguments());
  llvm::append_range(tensors, from.getTerminator()->getOperands());
  for (auto [i, tensor] : llvm::enumerate(tensors)) {
    if (interface::slotOf(target, i))
      continue;
    auto role = i < from.getNumArguments() ? interface::Role::Input
                                           : interface::Role::Output;
    if (ArrayAttr shape = sizes.shapeAttr(tensor))
      target.setArgAttr(
          i, interface::kSlot,
          interface::SlotAttr::get(StringAttr::get(target.getContext(), ""),
                                   role, shape));
  }
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Buffer Emitter::alloc(Location loc, Type element,
                      ArrayRef<OpFoldResult> shape) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> staticShape;
  for (OpFoldResult size : shape) {
    if (std::optional<int64_t> number = getConstantIntValue(size)) {
      staticShape.push_back(*number);
      continue;
    }
    staticShape.push_back(ShapedType::kDynamic);
    dynamic.push_back(cast<Value>(size));
  }
  auto type = MemRefType::get(staticShape, storedType(element));
  return wholeBuffer(sizes.atTop([&](OpBuilder &top) -> Value {
    return memref::AllocOp::create(top, loc, type, dynamic);
  }));
}

Buffer Emitter::allocLike(Value tensor) {
  return alloc(tensor.getLoc(), getElementTypeOrSelf(tensor.getType()),
               sizes.get(tensor));
}

void Emitter::copy(Location loc, const Buffer &from, const Buffer &to) {
  if (from.memref != to.memref)
    memref::CopyOp::create(b, loc, from.memref, to.memref);
}

/// Copies a value that has memory; fills in one that is a number everywhere.
void Emitter::write(Location loc, Value value, const Buffer &to) {
  if (plan->hasBuffer(value))
    return copy(loc, bufferFor(value), to);
  if (std::optional<double> splat = scan::getSplat(value))
    return fill(loc, to, *splat);
  emitError(loc, "a value that is wanted in memory is made in no phase");
  failed = true;
}

void Emitter::copyToOthers(Value value) {
  ArrayRef<Buffer> all = dests[value];
  Buffer own = buffers[value];
  for (const Buffer &dest : all)
    if (dest.memref != own.memref)
      copy(value.getLoc(), own, dest);
}

/// The memory of a value that has some; views are made where they are needed.
Buffer Emitter::bufferFor(Value value) {
  auto it = buffers.find(value);
  if (it != buffers.end())
    return it->second;
  if (!plan->isAlias(value)) {
    emitError(value.getLoc(), "no memory for a value that is read as it lies");
    failed = true;
    return allocLike(value);
  }
  Value base = viewSource(value);
  Buffer memory = bufferFor(base);
  auto type = cast<RankedTensorType>(value.getType());
  View view = viewOfSource(value, identityView(type.getRank()));
  SmallVector<OpFoldResult> offsets, extents, strides, own = sizes.get(value);
  SmallVector<bool> dropped;
  for (const Access &access : view) {
    dropped.push_back(access.iter < 0);
    extents.push_back(access.iter < 0 ? OpFoldResult(b.getIndexAttr(1))
                                      : own[access.iter]);
    strides.push_back(b.getIndexAttr(access.iter < 0 ? 1 : access.stride));
    offsets.push_back(access.index ? OpFoldResult(scalar(access.index))
                                   : b.getIndexAttr(access.offset));
  }
  return subBuffer(b, value.getLoc(), memory, offsets, extents, strides,
                   dropped);
}

Value Emitter::indexValue(Location loc, OpFoldResult size) {
  if (auto attr = dyn_cast<Attribute>(size))
    return sizes.constant(cast<IntegerAttr>(attr).getInt());
  return cast<Value>(size);
}

/// A scalar of the old function (an index, a number) in the new one.
Value Emitter::scalar(Value value) {
  if (value.getType().isIndex())
    if (Value top = sizes.index(value))
      return top;
  if (auto arg = dyn_cast<BlockArgument>(value))
    return steps.lookup(arg.getOwner()->getParentOp());
  Operation *op = value.getDefiningOp();
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    if (isa<ShapedType>(operand.getType()) || op->getNumRegions()) {
      op->emitOpError("is not supported on buffers");
      failed = true;
      return arith::ConstantOp::create(b, op->getLoc(),
                                       b.getZeroAttr(value.getType()));
    }
    mapping.map(operand, scalar(operand));
  }
  return b.clone(*op, mapping)
      ->getResult(cast<OpResult>(value).getResultNumber());
}

//===----------------------------------------------------------------------===//
// Where values live
//===----------------------------------------------------------------------===//

/// Values whose memory is known only once they are made.
static bool isLate(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto loop = dyn_cast_or_null<scan::LoopOp>(op))
    return cast<OpResult>(value).getResultNumber() >= loop.getNumStacks();
  if (isa_and_nonnull<scan::JoinOp>(op))
    return true; // a part of its segments
  if (auto shift = dyn_cast_or_null<scan::ShiftOp>(op))
    return carryBefore(shift) >= 0;
  return isa_and_nonnull<arith::ConstantOp>(op) &&
         kindOf(value) == Kind::Barrier;
}

/// The value is made in this block and can be written where it is wanted.
bool Emitter::takesDestination(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !plan->hasBuffer(value) || plan->isAlias(value))
    return false;
  return plan->contains(value) &&
         (kindOf(value) == Kind::Barrier || kindOf(value) == Kind::Composite);
}

void Emitter::assignComposite(Value value) {
  const Composite composite = plan->getComposite(value);
  Buffer whole = buffers[value];
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> all = sizes.get(value);
  if (composite.base && !composite.direct)
    pieceCopies[value].push_back({composite.base, whole});
  for (const Piece &piece : composite.pieces) {
    SmallVector<OpFoldResult> offsets, extents,
        strides(type.getRank(), b.getIndexAttr(1));
    for (int64_t i = 0; i < type.getRank(); ++i) {
      offsets.push_back(b.getIndexAttr(piece.offsets[i]));
      extents.push_back(ShapedType::isDynamic(piece.sizes[i])
                            ? all[i]
                            : b.getIndexAttr(piece.sizes[i]));
    }
    Buffer part = subBuffer(b, value.getLoc(), whole, offsets, extents, strides,
                            piece.dropped);
    if (reused.contains(whole.memref))
      reused.insert(part.memref);
    if (composite.direct && takesDestination(piece.source))
      dests[piece.source].push_back(part);
    else
      pieceCopies[value].push_back({piece.source, part});
  }
}

/// The first of the wanted places that keeps the value, or memory of its own.
void Emitter::place(Value value) {
  SmallVector<Buffer> &wanted = dests[value];
  auto keeps = [&](const Buffer &buffer) {
    return value.hasOneUse() || !reused.contains(buffer.memref);
  };
  auto *it = llvm::find_if(wanted, keeps);
  if (it != wanted.end())
    std::swap(*it, wanted.front());
  else
    wanted.insert(wanted.begin(), allocLike(value));
  buffers[value] = wanted.front();
}

/// A change of shape: its operand is made where the result is wanted, or the
/// result lies where the operand does; false where it needs a place.
bool Emitter::assignReshape(Operation *op) {
  if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
    return false;
  Value value = op->getResult(0), operand = op->getOperand(0);
  bool isMade = takesDestination(operand) && !isLate(operand) &&
                !operand.getDefiningOp<scan::LoopOp>();
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    isMade &= canExpand(collapse.getSrcType().getShape(),
                        collapse.getReassociationIndices());
  if (!isMade)
    return dests[value].empty();
  place(value);
  Buffer whole = buffers[value];
  Buffer other = reshaped(op, whole, /*back=*/true);
  if (!other)
    return true;
  if (reused.contains(whole.memref))
    reused.insert(other.memref);
  dests[operand].push_back(other);
  inPlace.insert(op);
  return true;
}

/// Gives every value its memory, users first: they say where they want it.
void Emitter::assign(Block &block) {
  for (Operation &op : llvm::reverse(block)) {
    if (auto loop = dyn_cast<scan::LoopOp>(op)) {
      planLoop(loop);
      continue;
    }
    for (Value value : op.getResults()) {
      if (!isa<RankedTensorType>(value.getType()) || !takesDestination(value) ||
          isLate(value) || assignReshape(&op))
        continue;
      place(value);
      if (kindOf(value) == Kind::Composite)
        assignComposite(value);
      if (auto split = dyn_cast<scan::SplitOp>(op))
        assignSplit(split);
    }
  }
}

//===----------------------------------------------------------------------===//
// Phases in order
//===----------------------------------------------------------------------===//

void Emitter::emitBlock(Block &block, Outputs outputs) {
  BlockPlan ownPlan(
      block, sizes, [this](Value value) { return buffers.contains(value); },
      BlockPlan::Purpose::Memory);
  BlockPlan *outer = plan;
  plan = &ownPlan;
  SmallVector<std::pair<Value, Buffer>> copies;
  for (auto [value, buffer] : outputs) {
    if (takesDestination(value))
      dests[value].push_back(buffer);
    else
      copies.push_back({value, buffer});
  }
  assign(block);
  // What pieces leave uncovered is filled first.
  for (Operation *op : plan->getComposites()) {
    const Composite composite = plan->getComposite(op->getResult(0));
    if (!composite.base || !composite.direct)
      continue;
    fill(op->getLoc(), buffers[op->getResult(0)],
         scan::getSplat(composite.base).value_or(0));
  }
  for (int level = 0; level < plan->numLevels(); ++level)
    emitLevel(block, level);
  for (auto [value, buffer] : copies)
    write(value.getLoc(), value, buffer);
  plan = outer;
}

void Emitter::emitLevel(Block &block, int level) {
  for (Operation &op : block) {
    if (op.getNumResults() == 0 ||
        !isa<RankedTensorType>(op.getResult(0).getType()))
      continue;
    Value value = op.getResult(0);
    Kind kind = kindOf(value);
    if (kind == Kind::Composite && plan->hasBuffer(value) &&
        plan->exec(&op) == level) {
      for (auto [piece, buffer] : pieceCopies[value])
        write(op.getLoc(), piece, buffer);
      // Pieces written in place are complete one level later at the latest,
      // so other destinations wait for the end of the level.
      continue;
    }
    // Loops that run side by side are written with the first.
    auto loop = dyn_cast<scan::LoopOp>(op);
    if (loop && loopsBeside(loop).front() != loop)
      continue;
    if (kind == Kind::Barrier && plan->exec(&op) == level)
      emitBarrier(&op);
  }
  for (Operation *op : plan->getComposites())
    if (plan->ready(op->getResult(0)) == level + 1)
      copyToOthers(op->getResult(0));
}

void Emitter::emitBarrier(Operation *op) {
  workOn(op->getLoc());
  if (auto loop = dyn_cast<scan::LoopOp>(op))
    return emitLoops(loopsBeside(loop));
  llvm::TypeSwitch<Operation *>(op)
      .Case<scan::DotOp>([&](auto o) { emitDot(o); })
      .Case<scan::GatherOp>([&](auto o) { emitGather(o); })
      .Case<scan::ScatterAddOp>([&](auto o) { emitScatterAdd(o); })
      .Case<scan::ShiftOp>([&](auto o) { emitShift(o); })
      .Case<scan::RandomOp>([&](auto o) { emitRandom(o); })
      .Case<scan::SplitOp>([&](auto o) { emitSplit(o); })
      .Case<scan::JoinOp>([&](auto o) { emitJoin(o); })
      .Case<scan::PartLengthsOp>([&](auto o) { emitPartLengths(o); })
      .Case<linalg::GenericOp>([&](auto o) { emitGeneric(o); })
      .Case<linalg::FillOp>([&](auto o) { emitFill(o); })
      .Case<kernel::PhaseOp>([&](auto o) { emitPhase(o); })
      .Case<arith::ConstantOp>([&](auto o) { emitConstant(o); })
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
          [&](auto o) { emitReshape(o); })
      .Default([&](Operation *o) { emitOther(o); });
  if (isa<linalg::LinalgOp, kernel::PhaseOp>(op))
    return; // it writes to all places itself
  for (Value value : op->getResults())
    if (buffers.contains(value))
      copyToOthers(value);
}

} // namespace rnnc
