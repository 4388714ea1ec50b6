// StepThread.cpp: steps of examples that end at different times.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ThreadCode.h"

using namespace mlir;

namespace rnnc {

static Type elementOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

static Value lengthOf(ThreadCode &t, Value lengths, Value example) {
  return t.toIndex(t.load(t.in(lengths), example));
}

void emitMask(kernel::MaskRowsOp op, ThreadCode &t, Value item) {
  Value out = t.in(op.getOut());
  Values at = t.split(item, t.sizes(out));
  Value step = op.getAt() ? t.in(op.getAt()) : at[*op.getTimeDim()];
  Value length = lengthOf(t, op.getLengths(), at[op.getBatchDim()]);
  Value past = arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::sge,
                                     step, length);
  t.when(past, [&] {
    Value value = op.getPrevious() ? t.load(t.in(op.getPrevious()), at)
                                   : t.zero(elementOf(out));
    t.store(value, out, at);
  });
}

void emitReverse(kernel::ReverseOp op, ThreadCode &t, Value item) {
  Value source = t.in(op.getSource()), out = t.in(op.getOut());
  int64_t time = op.getTimeDim();
  Values at = t.split(item, t.sizes(out)), from(at);
  Value length = op.getLengths()
                     ? lengthOf(t, op.getLengths(), at[op.getBatchDim()])
                     : t.size(out, time);
  from[time] = t.minus(t.minus(length, t.index(1)), at[time]);
  Type type = elementOf(out);
  Value value = t.choose(
      t.below(at[time], length), type, [&] { return t.load(source, from); },
      [&] { return t.zero(type); });
  t.store(value, out, at);
}

/// The step that is picked, and whether there is one. `example` is the index of
/// the example; `whole` is the size of time.
template <typename OpT>
static std::pair<Value, Value> stepOf(OpT op, ThreadCode &t, Value example,
                                      Value whole) {
  Value length =
      op.getLengths() ? lengthOf(t, op.getLengths(), example) : whole;
  Value step = op.getLast() ? t.minus(length, t.index(1)) : t.index(0);
  return {step, t.below(t.index(0), length)};
}

void emitPick(kernel::PickStepOp op, ThreadCode &t, Value item) {
  Value source = t.in(op.getSource()), out = t.in(op.getOut());
  int64_t time = op.getTimeDim(), batch = op.getBatchDim();
  Values at = t.split(item, t.sizes(out)), from(at);
  Value example =
      op.getLengths() ? at[batch > time ? batch - 1 : batch] : Value();
  auto [step, exists] = stepOf(op, t, example, t.size(source, time));
  from.insert(from.begin() + time, step);
  Type type = elementOf(out);
  Value value = t.choose(
      exists, type, [&] { return t.load(source, from); },
      [&] { return t.zero(type); });
  t.store(value, out, at);
}

void emitPlace(kernel::PlaceStepOp op, ThreadCode &t, Value item) {
  Value source = t.in(op.getSource()), out = t.in(op.getOut());
  int64_t time = op.getTimeDim();
  Values at = t.split(item, t.sizes(out)), from(at);
  Value example = op.getLengths() ? at[op.getBatchDim()] : Value();
  auto [step, exists] = stepOf(op, t, example, t.size(out, time));
  from.erase(from.begin() + time);
  Value here =
      t.both(exists, arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::eq,
                                           at[time], step));
  Type type = elementOf(out);
  Value value = t.choose(
      here, type, [&] { return t.load(source, from); },
      [&] { return t.zero(type); });
  t.store(value, out, at);
}

/// Each entry finds its own place, and one more item counts them all.
Value validItems(Operation *op, ThreadCode &host) {
  Value lengths = op->getOperand(0), examples = host.size(lengths, 0);
  auto places = dyn_cast<kernel::ValidPlacesOp>(op);
  Value entries = places ? host.times(examples, places.getSteps()) : examples;
  return host.add(entries, host.index(1));
}

/// How many of the first `count` examples have a step number `at`.
static Value countOf(ThreadCode &t, Value lengths, Value count, Value at) {
  auto loop =
      t.loop(count, {t.index(0)}, [&](Value e, ValueRange sum) -> Values {
        Value is = t.below(at, lengthOf(t, lengths, e));
        Value next = t.add(sum[0], t.index(1));
        return {arith::SelectOp::create(t.b, t.loc, is, next, sum[0])};
      });
  return loop.getResult(0);
}

void emitValid(kernel::ValidRowsOp op, ThreadCode &t, Value item) {
  Value lengths = t.in(op.getLengths()), out = t.in(op.getOut());
  Value at = t.in(op.getAt()), rows = t.size(lengths, 0);
  Value before = countOf(t, op.getLengths(), item, at);
  Type type = elementOf(out);
  Value last =
      arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::eq, item, rows);
  t.when(last, [&] { t.store(t.fromIndex(before, type), out, t.index(0)); });
  t.when(t.less(item, rows), [&] {
    t.when(t.below(at, lengthOf(t, op.getLengths(), item)), [&] {
      t.store(t.fromIndex(item, type), out, t.add(before, t.index(1)));
    });
  });
}

/// How many places there are before step number `step`.
static Value placesBefore(ThreadCode &t, Value lengths, Value step) {
  Value zero = t.index(0);
  auto loop = t.loop(t.size(t.in(lengths), 0), {zero},
                     [&](Value e, ValueRange sum) -> Values {
                       Value length = t.most(lengthOf(t, lengths, e), zero);
                       return {t.add(sum[0], t.least(length, step))};
                     });
  return loop.getResult(0);
}

void emitValid(kernel::ValidPlacesOp op, ThreadCode &t, Value item) {
  Value lengths = t.in(op.getLengths()), out = t.in(op.getOut());
  Value examples = t.size(lengths, 0), steps = t.in(op.getSteps());
  Value step = t.over(item, examples), example = t.rest(item, examples);
  Type type = elementOf(out);
  Value number = t.times(steps, examples);
  Value last =
      arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::eq, item, number);
  t.when(last, [&] {
    Value all = placesBefore(t, op.getLengths(), steps);
    t.store(t.fromIndex(all, type), out, t.index(0));
  });
  t.when(t.less(item, number), [&] {
    t.when(t.below(step, lengthOf(t, op.getLengths(), example)), [&] {
      Value before = t.add(placesBefore(t, op.getLengths(), step),
                           countOf(t, op.getLengths(), example, step));
      t.store(t.fromIndex(item, type), out, t.add(before, t.index(1)));
    });
  });
}

} // namespace rnnc
