// EmitOps.cpp: structured ops as their kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

void Emitter::emitGather(scan::GatherOp op) {
  kernel::GatherOp::create(b, op.getLoc(), bufferFor(op.getTable()).memref,
                           bufferFor(op.getIndices()).memref,
                           buffers[op.getResult()].memref, op.getBatchDims());
}

void Emitter::emitRandom(scan::RandomOp op) {
  Value at = op.getAt() ? scalar(op.getAt()) : Value();
  kernel::RandomOp::create(b, op.getLoc(), bufferFor(op.getKey()).memref,
                           buffers[op.getResult()].memref, at, op.getSiteAttr(),
                           op.getTimeDimAttr(), op.getBatchDimAttr());
}

/// Whether a shift is the stack of a loop with its first value, which lie in
/// one place: nothing is to be done then.
bool Emitter::shiftIsStack(scan::ShiftOp op) {
  int carry = carryBefore(op);
  if (carry < 0)
    return false;
  auto loop = op.getInput().getDefiningOp<scan::LoopOp>();
  const LoopMemory &memory = loops[loop];
  unsigned stack = cast<OpResult>(op.getInput()).getResultNumber();
  if (memory.stackCarry[stack] == carry && !memory.stackBefore[stack]) {
    buffers[op.getResult()] = rowsOf(
        b, op.getLoc(), memory.carries[carry].storage,
        b.getIndexAttr(loop.getReverse() ? 1 : 0), sizes.get(op.getInput(), 0));
    return true;
  }
  place(op.getResult());
  return false;
}

/// Moves the steps of a sequence by one and puts the fill where none is left.
void Emitter::moveSteps(scan::ShiftOp op, const Buffer &from,
                        const Buffer &out) {
  Location loc = op.getLoc();
  int64_t dim = op.getTimeDim();
  bool later = op.getByAttr().getInt() > 0;
  Value last; // the number of the last step, where there are several
  if (out.type().getDimSize(dim) != 1) {
    Value steps = indexValue(loc, sizes.get(op.getInput(), dim));
    last = arith::SubIOp::create(b, loc, steps, sizes.constant(1));
    auto part = [&](const Buffer &buffer, bool second) {
      return stepsOf(b, loc, buffer, dim, b.getIndexAttr(second ? 1 : 0), last,
                     false);
    };
    copy(loc, part(from, !later), part(out, later));
  }
  Buffer edge = stepsOf(b, loc, out, dim,
                        later || !last ? OpFoldResult(b.getIndexAttr(0))
                                       : OpFoldResult(last),
                        b.getIndexAttr(1), true);
  if (op.getFill())
    copy(loc, bufferFor(op.getFill()), edge);
  else
    fill(loc, edge, 0);
}

/// A sequence moved by one step: two copies, then what lengths ask for.
void Emitter::emitShift(scan::ShiftOp op) {
  Location loc = op.getLoc();
  if (shiftIsStack(op))
    return;
  Buffer from = bufferFor(op.getInput()), out = buffers[op.getResult()];
  int64_t dim = op.getTimeDim();
  Value steps = indexValue(loc, sizes.get(op.getInput(), dim));
  Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, steps,
                                     sizes.constant(0));
  auto guardOp = scf::IfOp::create(b, loc, some);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(guardOp.thenBlock()->getTerminator());
  moveSteps(op, from, out);
  if (!op.getLengths())
    return;
  if (op.getByAttr().getInt() < 0)
    return fillPastEnd(op, out);
  Value lengths = bufferFor(op.getLengths()).memref;
  kernel::MaskRowsOp::create(b, loc, out.memref, lengths, Value(), Value(),
                             op.getBatchDim(), b.getI64IntegerAttr(dim));
}

/// Shift back: step len - 1 holds step len of the operand, which is past the
/// end; it becomes the fill, and later steps zero.
void Emitter::fillPastEnd(scan::ShiftOp op, Buffer out) {
  Location loc = op.getLoc();
  int64_t dim = op.getTimeDim();
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, out.rank()));
  SmallVector<int64_t> without(all);
  without.erase(without.begin() + dim);
  SmallVector<std::pair<Buffer, SmallVector<int64_t>>> inputs = {
      {out, all}, {bufferFor(op.getLengths()), {int64_t(op.getBatchDim())}}};
  if (op.getFill())
    inputs.push_back({bufferFor(op.getFill()), without});
  pointwise(loc, inputs, out, [&](OpBuilder &body, ValueRange in) -> Value {
    Value nothing =
        arith::ConstantOp::create(body, loc, body.getZeroAttr(in[0].getType()));
    Value last = in.size() > 3 ? in[2] : nothing; // the result comes last
    Value one = arith::ConstantOp::create(body, loc, body.getI32IntegerAttr(1));
    Value t = arith::IndexCastOp::create(
        body, loc, body.getI32Type(), linalg::IndexOp::create(body, loc, dim));
    Value next = arith::AddIOp::create(body, loc, t, one);
    auto is = [&](arith::CmpIPredicate how) -> Value {
      return arith::CmpIOp::create(body, loc, how, next, in[1]);
    };
    Value other = arith::SelectOp::create(
        body, loc, is(arith::CmpIPredicate::eq), last, nothing);
    return arith::SelectOp::create(body, loc, is(arith::CmpIPredicate::slt),
                                   in[0], other);
  });
}

/// Numbers that differ: a global of the module.
void Emitter::emitConstant(arith::ConstantOp op) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getType());
  auto attr = cast<DenseElementsAttr>(op.getValue());
  Type element = storedType(type.getElementType());
  if (element != type.getElementType()) {
    SmallVector<APInt> bytes;
    for (const APInt &bit : attr.getValues<APInt>())
      bytes.push_back(bit.zext(8));
    attr = DenseElementsAttr::get(type.clone(element), bytes);
  }
  auto module = target->getParentOfType<ModuleOp>();
  SymbolTable symbols(module);
  auto memory = MemRefType::get(type.getShape(), element);
  memref::GlobalOp global;
  for (auto other : module.getOps<memref::GlobalOp>())
    if (other.getInitialValue() == attr)
      global = other;
  if (!global) {
    OpBuilder top(module.getBodyRegion());
    global = memref::GlobalOp::create(
        top, loc, "rnnc.constant", top.getStringAttr("private"), memory, attr,
        /*constant=*/true, /*alignment=*/IntegerAttr());
    symbols.insert(global);
  }
  StringRef name = global.getSymName();
  buffers[op.getResult()] =
      wholeBuffer(sizes.atTop([&](OpBuilder &top) -> Value {
        return memref::GetGlobalOp::create(top, loc, memory, name);
      }));
}

/// The same numbers in other dimensions: copied through a view of the result.

/// Memory of the operand of a change of shape as that of its result, or `back`;
/// null where it does not lie so.
Buffer Emitter::reshaped(Operation *op, const Buffer &buffer, bool back) {
  auto collapses = dyn_cast<tensor::CollapseShapeOp>(op);
  SmallVector<ReassociationIndices> groups =
      collapses ? collapses.getReassociationIndices()
                : cast<tensor::ExpandShapeOp>(op).getReassociationIndices();
  if (groups.empty())
    return {};
  if (!collapses == back)
    return collapse(b, op->getLoc(), buffer, groups);
  return expand(b, op->getLoc(), buffer, groups,
                sizes.get(back ? op->getOperand(0) : op->getResult(0)));
}

/// A tensor of another shape: the same memory where that is possible.
void Emitter::emitReshape(Operation *op) {
  if (inPlace.contains(op))
    return;
  Value value = op->getResult(0);
  Buffer from = bufferFor(op->getOperand(0));
  if (!buffers.contains(value)) {
    if (Buffer same = reshaped(op, from, /*back=*/false)) {
      buffers[value] = same;
      return;
    }
    place(value);
  }
  copyReshaped(op, from, buffers[value]);
}

void Emitter::copyReshaped(Operation *op, const Buffer &from,
                           const Buffer &out) {
  Location loc = op->getLoc();
  if (Buffer wide = reshaped(op, out, /*back=*/true))
    return copy(loc, from, wide);
  if (Buffer narrow = reshaped(op, from, /*back=*/false))
    return copy(loc, narrow, out);
  // Through memory that lies densely.
  Buffer dense = allocLike(op->getOperand(0));
  Buffer flat = reshaped(op, dense, /*back=*/false);
  if (!flat) {
    op->emitError("this change of shape is not supported on buffers");
    failed = true;
    return;
  }
  copy(loc, from, dense);
  copy(loc, flat, out);
}

static SmallVector<Value> memrefs(ArrayRef<Buffer> buffers) {
  SmallVector<Value> values;
  for (const Buffer &buffer : buffers)
    values.push_back(buffer.memref);
  return values;
}

/// From the caller's layout, which has the batch first, to ours, which has
/// the time first, or back.
template <typename KernelOp, typename ScanOp>
void Emitter::emitLayout(ScanOp op, bool enters) {
  int64_t n = op.getLengths().size();
  Buffer out = buffers[op.getResult()];
  SmallVector<int64_t> perm;
  for (int64_t i = 0; i < out.rank(); ++i)
    perm.push_back(i > n    ? i
                   : enters ? (i < n ? i + 1 : 0)
                            : (i == 0 ? n : i - 1));
  SmallVector<Value> lengths = memrefs(llvm::map_to_vector(
      op.getLengths(), [&](Value value) { return bufferFor(value); }));
  KernelOp::create(b, op.getLoc(), bufferFor(op.getInput()).memref, lengths,
                   out.memref, perm, llvm::to_vector(llvm::seq<int64_t>(0, n)),
                   n);
}

void Emitter::emitElements(tensor::FromElementsOp op) {
  Buffer out = buffers[op.getResult()];
  SmallVector<int64_t> shape(out.type().getShape());
  for (auto [i, element] : llvm::enumerate(op.getElements())) {
    SmallVector<Value> at;
    int64_t rest = i;
    for (int64_t size : llvm::reverse(shape)) {
      at.insert(at.begin(), sizes.constant(rest % size));
      rest /= size;
    }
    memref::StoreOp::create(b, op.getLoc(), scalar(element), out.memref, at);
  }
}

void Emitter::emitOther(Operation *op) {
  Location loc = op->getLoc();
  auto lengthsOf = [&](Value lengths) {
    return lengths ? bufferFor(lengths).memref : Value();
  };
  Buffer out = op->getNumResults() ? buffers[op->getResult(0)] : Buffer();
  auto isLast = [](auto o) { return o.getWhich() == scan::StepKind::last; };
  llvm::TypeSwitch<Operation *>(op)
      .Case<scan::EnterOp>(
          [&](auto o) { emitLayout<kernel::EnterOp>(o, /*enters=*/true); })
      .Case<scan::LeaveOp>(
          [&](auto o) { emitLayout<kernel::LeaveOp>(o, /*enters=*/false); })
      .Case<scan::ReverseOp>([&](auto o) {
        kernel::ReverseOp::create(b, loc, bufferFor(o.getInput()).memref,
                                  lengthsOf(o.getLengths()), out.memref,
                                  o.getTimeDim(), o.getBatchDim());
      })
      .Case<scan::PickStepOp>([&](auto o) {
        kernel::PickStepOp::create(b, loc, bufferFor(o.getInput()).memref,
                                   lengthsOf(o.getLengths()), out.memref,
                                   isLast(o), o.getTimeDim(), o.getBatchDim());
      })
      .Case<scan::PlaceStepOp>([&](auto o) {
        kernel::PlaceStepOp::create(b, loc, bufferFor(o.getInput()).memref,
                                    lengthsOf(o.getLengths()), out.memref,
                                    isLast(o), o.getTimeDim(), o.getBatchDim());
      })
      .Case<scan::ArgmaxOp>([&](auto o) {
        kernel::ArgmaxOp::create(b, loc, bufferFor(o.getInput()).memref,
                                 out.memref, o.getDim());
      })
      .Case<tensor::FromElementsOp>([&](auto o) { emitElements(o); })
      .Default([&](Operation *other) {
        other->emitOpError("has no form on buffers");
        failed = true;
      });
}

} // namespace rnnc
