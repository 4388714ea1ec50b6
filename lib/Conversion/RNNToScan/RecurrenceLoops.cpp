// RecurrenceLoops.cpp: the time loops of a scan, a fold or an unfold.
//
// BodyPlan.cpp cuts a body into what does not change from step to step, loops,
// and what is done for all steps at once, where the steps are one more
// dimension of the values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BodyPlan.h"
#include "Recurrence.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace rnnc::batch {

/// Turns the value of one step into that of all steps, stacked in front.
static Batched stackedSteps(Batched one, Value stacked, Dim steps) {
  one.value = stacked;
  one.dims.insert(one.dims.begin(), steps);
  return one;
}

/// The loop of one group of states. What it reads of the steps of other
/// values are its slices; what others read of it is stacked.
class Lowering::GroupLoop {
public:
  GroupLoop(Lowering &lowering, Recurrence &recurrence,
            const BodyPlan::Group &group, Dim steps)
      : l(lowering), e(lowering.e), r(recurrence), group(group), steps(steps) {}

  LogicalResult run() {
    findSlices();
    findStacks();
    SmallVector<Value> slices, inits;
    for (Value value : sliced) {
      Batched &all = allSteps.emplace_back(l.values[value]);
      Dims order = {steps};
      for (Dim dim : all.dims)
        if (!(dim == steps))
          order.push_back(dim);
      all.value = e.align(all, order, all.axes);
      all.dims = order;
      slices.push_back(all.value);
    }
    for (unsigned state : group.states)
      inits.push_back(r.inits[state].value);
    addProbes(slices);
    sliceLengths(slices);
    bool time = r.axis.time;
    Value trip = time ? e.times.lookup(r.axis.name).size
                      : arith::ConstantIndexOp::create(e.b, e.loc, r.axis.size);
    Value lengths = e.lengthsAlong(r.axis);
    LogicalResult built = success();
    auto loop = scan::LoopOp::create(
        e.b, e.loc, trip, lengths, slices, inits, r.reverse,
        [&](OpBuilder &builder, Location, Value step, ValueRange elements,
            ValueRange carries) {
          OpBuilder::InsertionGuard guard(e.b);
          e.b.setInsertionPoint(builder.getInsertionBlock(),
                                builder.getInsertionPoint());
          e.loops.push_back({r.axis, step, lengths});
          l.e.frames.push_back({r.axis, true, std::nullopt, step});
          llvm::StringMap<TimeAxis> times = e.times;
          takeLengths(elements.take_back(lengthSlices.size()));
          built = body(elements.drop_back(lengthSlices.size()), carries);
          e.times = std::move(times);
          if (failed(built))
            scan::YieldOp::create(e.b, e.loc, carries, ValueRange());
          l.e.frames.pop_back();
          e.loops.pop_back();
        });
    if (failed(built))
      return failure();
    if (l.options.segment && time && !l.inLaw)
      loop.setSegment(l.options.segment);
    if (l.options.checkpoint && time)
      loop.setCheckpointAttr(l.options.checkpoint);
    finish(loop);
    return success();
  }

private:
  /// What is added to states is read like any sequence.
  void addProbes(SmallVectorImpl<Value> &slices) {
    for (unsigned state : group.states) {
      auto found = l.probes.find({r.op, state});
      if (found == l.probes.end())
        continue;
      Batched all = withoutFront(found->second);
      Dims order = {steps};
      llvm::append_range(order, all.dims);
      all.dims.insert(all.dims.begin() + found->second.position(axisDim(0)),
                      steps);
      all.value = e.align(all, order, all.axes);
      all.dims = order;
      probed.push_back(state);
      allSteps.push_back(all);
      slices.push_back(all.value);
    }
  }

  /// Adds what is added to the state whose next value this is: whatever reads
  /// it from here on reads the sum. A second state that takes the same value is
  /// moved on its own.
  void perturb(Value next) {
    for (auto [state, probe] : llvm::zip(probed, probes))
      if (r.next[state] == next) {
        isDone.insert(state);
        l.values[next] = e.add(l.values[next], probe);
        return;
      }
  }

  /// The lengths of axes inside of this one are those of the step.
  void sliceLengths(SmallVectorImpl<Value> &slices) {
    for (const std::string &name : l.innerAxes(r.axis)) {
      TimeAxis &time = e.times[name];
      if (!time.own().value || !reads(name))
        continue;
      inner.push_back(name);
      for (AxisLengths &lengths : time.choices)
        if (AroundAxis *axis = lengths.find(r.axis.name))
          lengthSlices.push_back(
              inFront(lengths.value, axis - lengths.around.begin()));
    }
    llvm::append_range(slices, lengthSlices);
  }

  /// Lengths with one of their dimensions in front.
  Value inFront(Value lengths, int64_t place) {
    if (place == 0)
      return lengths;
    auto rank = cast<RankedTensorType>(lengths.getType()).getRank();
    SmallVector<int64_t> perm = {place};
    for (int64_t i = 0; i != rank; ++i)
      if (i != place)
        perm.push_back(i);
    return scan::TransposeOp::create(e.b, e.loc, lengths, perm);
  }

  /// Inside, what no binder over the axis encloses has the lengths of the step.
  void takeLengths(ValueRange elements) {
    for (const std::string &name : inner) {
      TimeAxis &time = e.times[name];
      SmallVector<AxisLengths> some;
      for (AxisLengths whole : ArrayRef(time.choices)) {
        AroundAxis *axis = whole.find(r.axis.name);
        AxisLengths one = whole;
        if (axis) {
          axis->since = e.frames.size();
          some.push_back(whole);
          one.around.erase(one.find(r.axis.name));
          one.value = elements.front();
          elements = elements.drop_front();
        }
        some.push_back(one);
      }
      time.choose(some);
    }
  }

  /// Whether the loop has to do with a time axis.
  bool reads(StringRef name) {
    auto isOf = [&](Value value) {
      auto type = dyn_cast<rnn::ValueType>(value.getType());
      return type && llvm::any_of(type.getAxes(), [&](rnn::AxisAttr axis) {
               return axis.getName() == name;
             });
    };
    auto found = [&](Operation *op) {
      bool is = llvm::any_of(op->getOperands(), isOf) ||
                llvm::any_of(op->getResults(), isOf);
      if (auto bind = dyn_cast<rnn::BindOp>(op))
        is |= bind.getAxis().getName() == name;
      if (auto scan = dyn_cast<rnn::ScanOp>(op))
        is |= scan.getAxis().getName() == name;
      return is ? WalkResult::interrupt() : WalkResult::advance();
    };
    return llvm::any_of(group.inside, [&](Operation *op) {
      return op->walk(found).wasInterrupted();
    });
  }

  bool isLocal(Value value) { return value.getParentBlock() == r.body; }

  bool isOwn(Value value) {
    if (Operation *op = value.getDefiningOp())
      return group.inside.contains(op);
    return llvm::any_of(
        group.states, [&](unsigned state) { return r.states[state] == value; });
  }

  /// Values of all steps that the body reads.
  void findSlices() {
    auto read = [&](Value value) {
      if (isLocal(value) && !isOwn(value) && l.values.count(value) &&
          l.values[value].has(steps))
        sliced.insert(value);
    };
    for (Operation &op : r.body->without_terminator())
      if (group.inside.contains(&op))
        llvm::for_each(operandsOf(&op), read);
    for (unsigned state : group.states)
      read(r.next[state]);
  }

  /// Own values that something outside of the loop reads.
  void findStacks() {
    auto read = [&](Value value) {
      if (isLocal(value) && isOwn(value))
        stacked.insert(value);
    };
    for (Operation &op : r.body->without_terminator())
      if (!group.inside.contains(&op))
        llvm::for_each(operandsOf(&op), read);
    for (auto [state, next] : llvm::enumerate(r.next))
      if (!llvm::is_contained(group.states, state))
        read(next);
    llvm::for_each(r.outs, read);
  }

  LogicalResult body(ValueRange elements, ValueRange carries) {
    for (auto [i, element] : llvm::enumerate(elements)) {
      Batched one = allSteps[i];
      one.value = element;
      llvm::erase(one.dims, steps);
      if (i < sliced.size())
        l.values[sliced[i]] = one;
      else
        probes.push_back(one);
    }
    for (auto [state, carry] : llvm::zip(group.states, carries)) {
      Batched before = r.inits[state];
      before.value = carry;
      l.values[r.states[state]] = before;
    }
    for (Operation &op : r.body->without_terminator()) {
      if (!group.inside.contains(&op))
        continue;
      if (failed(l.lower(&op)))
        return failure();
      e.loc = r.op->getLoc();
      llvm::for_each(op.getResults(), [&](Value value) { perturb(value); });
    }
    e.loc = r.op->getLoc();
    SmallVector<Value> next, stacks;
    for (unsigned state : group.states) {
      auto one = l.get(r.next[state]);
      if (failed(one))
        return failure();
      // A next value that no op of the loop makes, or that is another state's.
      for (auto [other, probe] : llvm::zip(probed, probes))
        if (other == state && !isDone.contains(state))
          one = e.add(*one, probe);
      next.push_back(keptPastEnd(state, *one));
    }
    for (Value value : stacked) {
      auto one = l.get(value);
      if (failed(one))
        return failure();
      ones.push_back(e.with(*one, {batchDim()}));
      stacks.push_back(ones.back().value);
    }
    scan::YieldOp::create(e.b, e.loc, next, stacks);
    return success();
  }

  /// The next value of a state. The loop keeps rows that are over by itself,
  /// but for states that have time axes of their own.
  Value keptPastEnd(unsigned state, const Batched &next) {
    const Batched &before = l.values[r.states[state]];
    Value after = e.align(next, before.dims, before.axes);
    const LoopInfo &loop = e.loops.back();
    auto type = cast<RankedTensorType>(after.getType());
    if (!loop.lengths || type.getNumDynamicDims() == 1)
      return after;
    Batched valid = e.with(e.constantInt(1, e.bit()), {batchDim()});
    valid = e.maskAll(valid);
    Value keep = e.align(valid, before.dims, before.axes);
    return arith::SelectOp::create(e.b, e.loc, keep, after, before.value);
  }

  /// Leaves the loop: values stand for all steps again.
  void finish(scan::LoopOp loop) {
    for (auto [value, all] : llvm::zip(sliced, allSteps))
      l.values[value] = all;
    for (auto [value, one, stack] :
         llvm::zip(stacked, ones, loop.getStackResults()))
      l.values[value] = stackedSteps(one, stack, steps);
    for (auto [state, last] : llvm::zip(group.states, loop.getFinalResults())) {
      r.finals[state] = r.inits[state];
      r.finals[state].value = last;
    }
  }

  Lowering &l;
  Emitter &e;
  Recurrence &r;
  const BodyPlan::Group &group;
  Dim steps;
  llvm::SetVector<Value> sliced, stacked;
  /// States that something is added to, what, and whether it has been.
  SmallVector<unsigned> probed;
  SmallVector<Batched, 0> probes;
  llvm::DenseSet<unsigned> isDone;
  /// Axes whose lengths are sliced, and these lengths.
  SmallVector<std::string> inner;
  SmallVector<Value> lengthSlices;
  SmallVector<Batched, 0> allSteps, ones;
};

/// Time axes that have a length for each step along this one.
SmallVector<std::string> Lowering::innerAxes(const AxisInfo &axis) {
  SmallVector<std::string> inner;
  for (auto &time : e.times)
    if (axis.time && llvm::any_of(time.second.choices, [&](AxisLengths &some) {
          return some.find(axis.name);
        }))
      inner.push_back(time.first().str());
  return inner;
}

/// What a body looks up by the index of a binder whose entries become rows, in
/// values from outside: known before.
LogicalResult Lowering::lookUpBefore(Recurrence &r, const Dims &outer,
                                     SmallVectorImpl<Value> &read) {
  LogicalResult result = success();
  r.body->walk([&](rnn::LookupOp lookup) {
    auto index = values.find(lookup.getIndex());
    Value table = lookup.getTable();
    if (failed(result) || index == values.end() || !index->second.binderIndex ||
        !values.count(table) ||
        r.body->findAncestorOpInBlock(*lookup) == nullptr ||
        !llvm::is_contained(outer, binderDim(*index->second.binderIndex)))
      return;
    Operation *maker = table.getDefiningOp();
    if (maker ? r.op->isProperAncestor(maker)
              : r.op->isAncestor(
                    cast<BlockArgument>(table).getOwner()->getParentOp()))
      return;
    result = lower(lookup);
    madeBefore.insert(lookup);
    read.push_back(lookup.getResult());
  });
  return result;
}

/// A recurrence for each entry of time axes around it: their entries are rows
/// of the batch, as are the examples, and one loop runs them all.
LogicalResult Lowering::runForEach(Recurrence &r, const Dims &outer) {
  SmallVector<Value> read = operandsOf(r.op);
  if (failed(lookUpBefore(r, outer, read)))
    return failure();
  e.loc = r.op->getLoc();
  RowDims rows = e.makeRows(outer, {});
  llvm::DenseMap<Value, Batched> outside;
  for (Value value : read)
    if (auto found = values.find(value);
        found != values.end() && !found->second.binderIndex &&
        outside.try_emplace(value, found->second).second)
      found->second = e.toRows(found->second, rows);
  for (Batched &sequence : r.sequences)
    sequence = e.toRows(sequence, rows);
  for (Batched &init : r.inits)
    init = e.toRows(init, rows);
  LogicalResult result = success();
  {
    RowScope scope(e, rows);
    result = runLoop(r);
  }
  for (auto &[value, batched] : outside)
    values[value] = batched;
  if (failed(result))
    return failure();
  for (Batched &sequence : r.results)
    sequence = e.fromRows(sequence, rows);
  for (Batched &last : r.finals)
    last = e.fromRows(last, rows);
  return success();
}

LogicalResult Lowering::lowerAll(Block *body,
                                 const llvm::DenseSet<Operation *> &ops) {
  for (Operation &op : body->without_terminator())
    if (ops.contains(&op) && failed(lower(&op)))
      return failure();
  return success();
}

LogicalResult Lowering::runLoop(Recurrence &r) {
  e.loc = r.op->getLoc();
  Dims binders = carriedBinders(r), outer;
  llvm::copy_if(binders, std::back_inserter(outer), [&](Dim dim) {
    return e.binders[dim.id].axis.time || e.binders[dim.id].step;
  });
  for (unsigned i = 0; i < outer.size(); ++i)
    for (Dim dim : e.aroundOf(outer[i], {}))
      if (!llvm::is_contained(outer, dim))
        outer.push_back(dim);
  if (!outer.empty())
    return runForEach(r, outer);
  BodyShape shape{r.body,   r.axis.name, innerAxes(r.axis),
                  r.states, r.next,      r.outs};
  for (unsigned i = 0; i != r.states.size(); ++i)
    if (probes.count({r.op, i}))
      shape.pinned.push_back(i);
  bool registers = isRegisters(r);
  if (registers) {
    for (Value next : r.next)
      shape.known.insert(next.getDefiningOp());
    shape.states.clear();
    shape.next.clear();
    shape.pinned.clear();
  }
  BodyPlan plan(shape, {drawsNoise(), options.hoist});
  if (failed(lowerAll(r.body, plan.invariant)))
    return failure();
  e.loc = r.op->getLoc();
  for (Batched &init : r.inits)
    init = e.with(e.full(init, true), binders);
  r.finals = r.inits;

  // Outside of the loops, the steps are a dimension.
  unsigned id = e.binders.size();
  e.binders.push_back({r.axis, true});
  Dim steps = binderDim(id);
  for (auto [element, sequence] : llvm::zip(r.elements, r.sequences)) {
    Batched all = withoutFront(sequence);
    if (sequence.has(axisDim(0)))
      all.dims.insert(all.dims.begin() + sequence.position(axisDim(0)), steps);
    values[element] = all;
  }
  if (registers)
    holdAll(r, steps);
  auto allAtOnce = [&](const llvm::DenseSet<Operation *> &ops) {
    e.frames.push_back({r.axis, true, id, Value()});
    LogicalResult result = lowerAll(r.body, ops);
    e.frames.pop_back();
    e.loc = r.op->getLoc();
    return result;
  };
  for (const BodyPlan::Group &group : plan.groups)
    if (failed(allAtOnce(group.before)) ||
        failed(GroupLoop(*this, r, group, steps).run()))
      return failure();
  if (failed(allAtOnce(plan.after)))
    return failure();
  for (Value value : r.outs) {
    auto out = get(value);
    if (failed(out))
      return failure();
    Batched all = inFront(e, *out, r.axis);
    r.results.push_back(e.rename(all, steps, axisDim(0), all.axes));
  }
  return success();
}

} // namespace rnnc::batch
