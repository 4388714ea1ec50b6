// Registers.cpp: states that hold the last elements of a sequence need no loop.
//
// A window of a convolution is such a state: `kept' = shift(kept, x)`. What it
// holds after each step is the sequence, the sequence one step later, and so
// on, side by side.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Recurrence.h"

using namespace mlir;

namespace rnnc::batch {

/// More elements than this are kept for all steps only where that is asked for.
constexpr int64_t fewElements = 4;

/// The shift that is all there is to the next value of a state.
static rnn::SequenceOp shiftOf(Value state, Value next) {
  auto op = next.getDefiningOp<rnn::SequenceOp>();
  bool shifts =
      op && op.getKind() == rnn::SequenceKind::Shift && op.getValue() == state;
  return shifts && next.getType() == state.getType() ? op : rnn::SequenceOp();
}

static Type elementOf(const Batched &x) {
  return cast<RankedTensorType>(x.value.getType()).getElementType();
}

/// Whether the recurrence is nothing but registers of what it reads, and no
/// option asks for its loop.
bool Lowering::isRegisters(const Recurrence &r) {
  bool cut = r.axis.time && (options.segment || options.checkpoint);
  if (!isa<rnn::ScanOp>(r.op) || r.states.empty() || !options.hoist || cut)
    return false;
  for (auto [i, state] : llvm::enumerate(r.states)) {
    rnn::SequenceOp shift = shiftOf(state, r.next[i]);
    if (!shift || r.inits[i].axes.front().time || probes.count({r.op, i}))
      return false;
    bool few = r.inits[i].axes.front().size <= fewElements ||
               llvm::is_contained(r.outs, r.next[i]);
    const auto *element = llvm::find(r.elements, shift.getFill());
    if (!few || element == r.elements.end() ||
        elementOf(r.sequences[element - r.elements.begin()]) !=
            elementOf(r.inits[i]))
      return false;
  }
  return true;
}

/// The sequence one step later, or earlier in a reversed recurrence, behind
/// `fill`.
static Batched moved(Emitter &e, const Batched &x, const Batched &fill,
                     Dim steps, const AxisInfo &axis, bool reverse) {
  Dims step = x.dims;
  llvm::erase(step, steps);
  Value lengths = e.lengthsAlong(axis);
  Batched result = x;
  result.value = scan::ShiftOp::create(
      e.b, e.loc, x.value.getType(), x.value, e.align(fill, step, x.axes),
      lengths, e.b.getI64IntegerAttr(reverse ? -1 : 1),
      e.b.getI64IntegerAttr(x.position(steps)),
      e.b.getI64IntegerAttr(x.position(batchDim())));
  return result;
}

/// The element of each step, of the step before and so on, `count` of them.
SmallVector<Batched, 0> Lowering::lastElements(const Batched &element,
                                               const Batched &init,
                                               const Recurrence &r, Dim steps,
                                               int64_t count) {
  // Everything in the numbering of the register's axes.
  auto inside = [&](const Batched &x) {
    Batched result = Emitter::suffix(x, init.axes.size());
    result.axes = init.axes;
    result.axes.front() = AxisInfo{"1", 1, false};
    return result;
  };
  Dims all = {steps, batchDim()};
  for (unsigned i = 1; i < init.axes.size(); ++i)
    all.push_back(axisDim(i));
  for (Dim dim : init.dims)
    if (!(dim == axisDim(0)) && !llvm::is_contained(all, dim))
      all.push_back(dim);
  SmallVector<Batched, 0> elements = {
      e.maskDim(e.with(inside(element), all), steps)};
  for (int64_t k = 1; k < count; ++k)
    elements.push_back(moved(e, elements.back(), inside(stepAt(init, k - 1)),
                             steps, r.axis, r.reverse));
  return elements;
}

/// Elements side by side, as a register with these axes.
static Batched together(Emitter &e, ArrayRef<Batched> elements,
                        const Batched &init) {
  Batched result;
  SmallVector<Value> values;
  for (const Batched &one : elements) {
    result = e.withUnit(one, axisDim(0));
    values.push_back(result.value);
  }
  result.axes = init.axes;
  result.value = tensor::ConcatOp::create(
      e.b, e.loc, e.typeFor(result.dims, result.axes, elementOf(init)),
      result.position(axisDim(0)), values);
  return result;
}

/// The last value of a register, its first one where there is no step.
Batched Lowering::lastHeld(const Batched &all, const Batched &init, Dim steps,
                           const Recurrence &r) {
  Batched sequence = e.inFront(all, steps, r.axis);
  Batched last = pickStep(
      r.reverse ? scan::StepKind::first : scan::StepKind::last, sequence);
  Value lengths = e.lengthsAlong(r.axis);
  if (!lengths)
    return last;
  Batched none =
      e.compare(arith::CmpIPredicate::sle, {lengths, {batchDim()}, {}, {}},
                e.constantInt(0, e.integer()));
  return e.select(none, init, last);
}

/// What registers hold after each step: the elements of the step, the one
/// before, and so on; before each step they hold the same, one further.
void Lowering::holdAll(Recurrence &r, Dim steps) {
  for (auto [i, state] : llvm::enumerate(r.states)) {
    rnn::SequenceOp shift = shiftOf(state, r.next[i]);
    const Batched &init = r.inits[i];
    int64_t size = init.axes.front().size;
    bool before = !state.hasOneUse();
    auto elements = lastElements(values[shift.getFill()], init, r, steps,
                                 before ? size + 1 : size);
    Batched all = together(e, ArrayRef(elements).take_front(size), init);
    values[r.next[i]] = all;
    if (before)
      values[state] = together(e, ArrayRef(elements).take_back(size), init);
    r.finals[i] = lastHeld(all, init, steps, r);
  }
}

} // namespace rnnc::batch
