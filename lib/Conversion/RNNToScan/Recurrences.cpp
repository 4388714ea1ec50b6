// Recurrences.cpp: scan, fold and unfold as time loops.
//
// A body is cut into what does not change from step to step (before the
// loop), what the next states need (in the loop), and products that only the
// output needs, with all that follows them (after the loop, for all steps at
// once).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace rnnc::batch {

struct Lowering::Recurrence {
  Operation *op;
  Block *body;
  AxisInfo axis;
  bool reverse = false;
  /// Sequences with the axis in front, and the body's arguments for them.
  SmallVector<Batched> sequences;
  SmallVector<Value> elements;
  SmallVector<Batched> inits;
  SmallVector<Value> states;
  SmallVector<StringRef> names;
  /// What the body yields.
  SmallVector<Value> next, outs;
  /// What comes of it: sequences, and states after the last step.
  SmallVector<Batched> results, finals;
};

/// Which part of the code an op of a body goes to.
struct Lowering::Phases {
  llvm::DenseSet<Operation *> before, after;
};

namespace {

/// The values an op reads that are not made inside it.
SmallVector<Value> operandsOf(Operation *op) {
  llvm::SetVector<Value> operands;
  op->walk([&](Operation *inner) {
    for (Value value : inner->getOperands()) {
      Operation *owner = value.getParentBlock()->getParentOp();
      if (owner != op && !op->isProperAncestor(owner))
        operands.insert(value);
    }
  });
  return operands.takeVector();
}

bool holds(Operation *op, llvm::function_ref<bool(Operation *)> test) {
  return op->walk([&](Operation *inner) {
             return test(inner) ? WalkResult::interrupt() : WalkResult::advance();
           }).wasInterrupted();
}

bool isHeavy(Operation *op) {
  return holds(op, [](Operation *inner) { return isa<rnn::MatchOp>(inner); });
}

bool isRecurrent(Operation *op) {
  return holds(op, [](Operation *inner) { return isa<rnn::ScanOp>(inner); });
}

bool isRandom(Operation *op) {
  return holds(op, [](Operation *inner) { return isa<rnn::DropoutOp>(inner); });
}

/// Cuts a body into phases.
class PhaseFinder {
public:
  PhaseFinder(Block *body, ArrayRef<Value> next, ArrayRef<Value> outs,
              bool training)
      : body(body), training(training) {
    for (Value value : outs)
      outputs.insert(value);
    findInvariants();
    findNeeded(next);
    findAfter();
  }

  llvm::DenseSet<Operation *> before, after;

private:
  /// The op of the body that makes a value, if one does.
  Operation *maker(Value value) {
    Operation *op = value.getDefiningOp();
    return op && op->getBlock() == body ? op : nullptr;
  }

  bool varies(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getOwner() == body;
    Operation *op = maker(value);
    return op && !before.contains(op);
  }

  void findInvariants() {
    for (Operation &op : body->without_terminator()) {
      bool same = !(training && isRandom(&op));
      for (Value value : operandsOf(&op))
        same &= !varies(value);
      if (same)
        before.insert(&op);
    }
  }

  void findNeeded(ArrayRef<Value> next) {
    SmallVector<Value> work(next);
    for (Operation &op : body->without_terminator())
      if (isRecurrent(&op) && !before.contains(&op)) {
        needed.insert(&op);
        llvm::append_range(work, operandsOf(&op));
      }
    while (!work.empty()) {
      Operation *op = maker(work.pop_back_val());
      if (op && needed.insert(op).second)
        llvm::append_range(work, operandsOf(op));
    }
  }

  void findAfter() {
    for (Operation &op : body->without_terminator()) {
      if (before.contains(&op) || needed.contains(&op))
        continue;
      bool follows = llvm::any_of(operandsOf(&op), [&](Value value) {
        return after.contains(maker(value));
      });
      if (follows || isHeavy(&op))
        after.insert(&op);
    }
    // What only they read, and itself reads one value: it is that value that
    // gets stacked then.
    for (Operation &op : llvm::reverse(body->without_terminator())) {
      if (before.contains(&op) || needed.contains(&op) || after.contains(&op))
        continue;
      unsigned reads = llvm::count_if(
          operandsOf(&op), [&](Value value) { return varies(value); });
      bool only = reads <= 1 && !op.use_empty();
      for (Operation *user : op.getUsers())
        only &= after.contains(body->findAncestorOpInBlock(*user));
      for (Value result : op.getResults())
        only &= !outputs.contains(result);
      if (only)
        after.insert(&op);
    }
  }

  Block *body;
  bool training;
  llvm::DenseSet<Operation *> needed;
  llvm::DenseSet<Value> outputs;
};

/// A value of one step as one of all steps: the axis stands in front.
Batched inFront(const Emitter &e, Batched value, const AxisInfo &axis) {
  for (Dim &dim : value.dims)
    if (dim.kind == Dim::Axis)
      ++dim.id;
  value.axes.insert(value.axes.begin(), axis);
  return value;
}

/// The reverse of `inFront` for a value that has no such dimension.
Batched withoutFront(Batched value) {
  value.axes.erase(value.axes.begin());
  llvm::erase(value.dims, axisDim(0));
  for (Dim &dim : value.dims)
    if (dim.kind == Dim::Axis)
      --dim.id;
  return value;
}

} // namespace

Batched Lowering::firstState(StringRef name, const Batched &declared) {
  auto given = statesIn.find(name);
  if (given == statesIn.end())
    return declared;
  if (!reset.value)
    return given->second;
  return e.select(reset, declared, given->second);
}

LogicalResult Lowering::scan(rnn::ScanOp op) {
  Recurrence r;
  r.op = op;
  r.body = &op.getBody().front();
  r.axis = info(op.getAxis());
  r.reverse = op.getReverse();
  for (auto [value, element] : llvm::zip(op.getOver(), op.getElements())) {
    auto sequence = get(value);
    if (failed(sequence))
      return failure();
    r.sequences.push_back(*sequence);
    r.elements.push_back(element);
  }
  bool carried = r.axis.time && frames.empty();
  for (auto [value, state, name] :
       llvm::zip(op.getInit(), op.getStateArgs(),
                 op.getStates().getAsRange<StringAttr>())) {
    auto init = get(value);
    if (failed(init))
      return failure();
    r.inits.push_back(carried ? firstState(name.getValue(), *init) : *init);
    r.states.push_back(state);
    r.names.push_back(name.getValue());
  }
  llvm::append_range(r.next, op.getYield().getNext());
  llvm::append_range(r.outs, op.getYield().getOut());
  if (failed(runRecurrence(r)))
    return failure();
  for (auto [value, result] : llvm::zip(op.getOuts(), r.results))
    values[value] = result;
  for (auto [value, result] : llvm::zip(op.getFinals(), r.finals))
    values[value] = result;
  return success();
}

Batched Lowering::firstElement(rnn::UnfoldOp op, Type type, StringRef name) {
  Batched start = isa<FloatType>(type) ? e.constant(op.getStart())
                                       : e.constantInt(op.getStart(), type);
  auto given = previousIn.find(name);
  if (given == previousIn.end())
    return start;
  return reset.value ? e.select(reset, start, given->second) : given->second;
}

/// The true elements of the step before.
Batched Lowering::previousElements(rnn::UnfoldOp op, const Batched &data,
                                   StringRef name) {
  Batched y = e.with(data, {axisDim(0), batchDim()});
  auto type = cast<RankedTensorType>(y.value.getType()).getElementType();
  Value lengths = e.times.lookup(y.axes[0].name).lengths;
  Batched first = firstElement(op, type, name);
  first.axes.assign(y.axes.begin() + 1, y.axes.end());
  Batched fill = Emitter::suffix(e.full(first, true), y.axes.size());
  if (options.carried) {
    Batched none = e.compare(arith::CmpIPredicate::sle,
                             {lengths, {batchDim()}, {}, {}},
                             e.constantInt(0, e.integer()));
    previousOut[name] =
        e.select(none, first, pickStep(scan::StepKind::last, y));
  }
  Batched result = y;
  result.value = scan::ShiftOp::create(
      e.b, e.loc, y.value.getType(), y.value, fill.value, lengths,
      e.b.getI64IntegerAttr(1), e.b.getI64IntegerAttr(y.position(axisDim(0))),
      e.b.getI64IntegerAttr(y.position(batchDim())));
  return result;
}

FailureOr<Distribution> Lowering::unfold(rnn::UnfoldOp op, const Batched &data,
                                         StringRef name) {
  e.loc = op.getLoc();
  Recurrence r;
  r.op = op;
  r.body = &op.getBody().front();
  r.axis = info(op.getAxis());
  r.elements.push_back(op.getPrevious());
  if (options.step) {
    Batched first = firstElement(op, e.integer(), name);
    r.sequences.push_back(inFront(e, first, r.axis));
  } else {
    r.sequences.push_back(previousElements(op, data, name));
  }
  for (auto [value, state, path] :
       llvm::zip(op.getInit(), op.getStateArgs(),
                 op.getStates().getAsRange<StringAttr>())) {
    auto init = get(value);
    if (failed(init))
      return failure();
    r.inits.push_back(firstState(path.getValue(), *init));
    r.states.push_back(state);
    r.names.push_back(path.getValue());
  }
  llvm::append_range(r.next, op.getYield().getNext());
  auto dist = op.getYield().getOut()[0].getDefiningOp<rnn::DistOp>();
  if (!dist) {
    op.emitError("the step of this `unfold` ends with a distribution that is "
                 "not supported yet");
    return failure();
  }
  llvm::append_range(r.outs, dist.getArgs());
  if (failed(runRecurrence(r)))
    return failure();
  Distribution result;
  result.kind = dist.getKind();
  result.smooth = dist.getSmooth().convertToDouble();
  llvm::append_range(result.args, r.results);
  return result;
}

LogicalResult Lowering::runRecurrence(Recurrence &r) {
  bool outermost = r.axis.time && frames.empty();
  if (failed(options.step && r.axis.time ? runStep(r) : runLoop(r)))
    return failure();
  if (outermost)
    for (auto [name, last] : llvm::zip(r.names, r.finals))
      statesOut[name] = last;
  return success();
}

/// One step, without a loop.
LogicalResult Lowering::runStep(Recurrence &r) {
  for (auto [element, sequence] : llvm::zip(r.elements, r.sequences))
    values[element] = withoutFront(sequence);
  for (auto [state, init] : llvm::zip(r.states, r.inits))
    values[state] = init;
  for (Operation &op : r.body->without_terminator())
    if (failed(lower(&op)))
      return failure();
  e.loc = r.op->getLoc();
  for (Value value : r.outs) {
    auto out = get(value);
    if (failed(out))
      return failure();
    r.results.push_back(inFront(e, *out, r.axis));
  }
  for (Value value : r.next) {
    auto next = get(value);
    if (failed(next))
      return failure();
    r.finals.push_back(*next);
  }
  return success();
}

/// Binders around the recurrence that its values depend on: its states have
/// their dimensions too.
FailureOr<Dims> Lowering::carriedBinders(const Recurrence &r) {
  Dims binders;
  auto visit = [&](const Batched &value) {
    for (Dim dim : value.dims)
      if (dim.kind == Dim::Binder && !llvm::is_contained(binders, dim))
        binders.push_back(dim);
    if (value.binderIndex &&
        !llvm::is_contained(binders, binderDim(*value.binderIndex)))
      binders.push_back(binderDim(*value.binderIndex));
  };
  for (const Batched &sequence : r.sequences)
    visit(sequence);
  for (const Batched &init : r.inits)
    visit(init);
  // Binders inside the body are no concern of the states.
  unsigned inside = e.binders.size();
  for (const Frame &frame : frames)
    if (frame.binder)
      inside = std::max(inside, *frame.binder + 1);
  for (Value value : operandsOf(r.op))
    if (auto found = values.find(value); found != values.end())
      visit(found->second);
  for (Dim dim : binders) {
    if (!e.binders[dim.id].axis.time && !e.binders[dim.id].step)
      continue;
    r.op->emitError() << "a recurrence for each element of the axis "
                      << e.binders[dim.id].axis.name
                      << " is not supported yet";
    return failure();
  }
  return binders;
}

/// Emits the body's middle part; stacks what `used` names.
LogicalResult Lowering::loopBody(Recurrence &r, const Phases &phases,
                                 ArrayRef<Value> used,
                                 SmallVectorImpl<Batched> &stacks, Value step,
                                 ValueRange slices, ValueRange carries) {
  unsigned given = 0;
  for (auto [element, sequence] : llvm::zip(r.elements, r.sequences)) {
    Batched one = withoutFront(sequence);
    if (sequence.has(axisDim(0)))
      one.value = slices[given++];
    values[element] = one;
  }
  SmallVector<Batched> states;
  for (auto [state, init, carry] : llvm::zip(r.states, r.inits, carries)) {
    Batched before = init;
    before.value = carry;
    states.push_back(before);
    values[state] = before;
  }
  for (Operation &op : r.body->without_terminator())
    if (!phases.before.contains(&op) && !phases.after.contains(&op))
      if (failed(lower(&op)))
        return failure();
  e.loc = r.op->getLoc();
  SmallVector<Value> next, stacked;
  for (auto [value, state] : llvm::zip(r.next, states)) {
    auto one = get(value);
    if (failed(one))
      return failure();
    next.push_back(e.align(*one, state.dims, state.axes));
  }
  for (Value value : used) {
    auto one = get(value);
    if (failed(one))
      return failure();
    stacks.push_back(e.with(*one, {batchDim()}));
    stacked.push_back(stacks.back().value);
  }
  scan::YieldOp::create(e.b, e.loc, next, stacked);
  return success();
}

LogicalResult Lowering::runLoop(Recurrence &r) {
  e.loc = r.op->getLoc();
  FailureOr<Dims> binders = carriedBinders(r);
  if (failed(binders))
    return failure();
  PhaseFinder finder(r.body, r.next, r.outs, options.training);
  Phases phases{finder.before, finder.after};
  for (Operation &op : r.body->without_terminator())
    if (phases.before.contains(&op) && failed(lower(&op)))
      return failure();
  e.loc = r.op->getLoc();

  // Sequences with time in front; states with the batch and all axes.
  SmallVector<Value> slices, inits;
  for (Batched &sequence : r.sequences) {
    if (!sequence.has(axisDim(0)))
      continue;
    Dims order = {axisDim(0)};
    for (Dim dim : sequence.dims)
      if (!(dim == axisDim(0)))
        order.push_back(dim);
    sequence.value = e.align(sequence, order, sequence.axes);
    sequence.dims = order;
    slices.push_back(sequence.value);
  }
  for (Batched &init : r.inits) {
    init = e.with(e.full(init, true), *binders);
    inits.push_back(init.value);
  }

  // What the output and the ops after the loop read.
  llvm::SetVector<Value> used;
  auto use = [&](Value value) {
    bool local = value.getParentBlock() == r.body;
    Operation *op = value.getDefiningOp();
    if (local && !llvm::is_contained(r.elements, value) &&
        !phases.before.contains(op) && !phases.after.contains(op))
      used.insert(value);
  };
  for (Operation &op : r.body->without_terminator())
    if (phases.after.contains(&op))
      llvm::for_each(operandsOf(&op), use);
  llvm::for_each(r.outs, use);

  Value trip = r.axis.time
                   ? e.times.lookup(r.axis.name).size
                   : arith::ConstantIndexOp::create(e.b, e.loc, r.axis.size);
  Value lengths = r.axis.time ? e.times.lookup(r.axis.name).lengths : Value();
  SmallVector<Batched> stacks;
  LogicalResult built = success();
  auto loop = scan::LoopOp::create(
      e.b, e.loc, trip, lengths, slices, inits, r.reverse,
      [&](OpBuilder &builder, Location, Value step, ValueRange elements,
          ValueRange carries) {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPoint(builder.getInsertionBlock(),
                              builder.getInsertionPoint());
        e.loops.push_back({r.axis, step, lengths});
        frames.push_back({r.axis, true, std::nullopt, step});
        built = loopBody(r, phases, used.getArrayRef(), stacks, step, elements,
                         carries);
        if (failed(built))
          scan::YieldOp::create(e.b, e.loc, carries, ValueRange());
        frames.pop_back();
        e.loops.pop_back();
      });
  if (failed(built))
    return failure();
  if (options.segment && r.axis.time)
    loop.setSegment(options.segment);

  // From here on the steps are a dimension.
  unsigned id = e.binders.size();
  e.binders.push_back({r.axis, true});
  Dim steps = binderDim(id);
  auto allSteps = [&](Batched value, Value stacked) {
    value.value = stacked;
    value.dims.insert(value.dims.begin(), steps);
    return e.canonical(value);
  };
  for (auto [value, one, stacked] :
       llvm::zip(used, stacks, loop.getStackResults()))
    values[value] = allSteps(one, stacked);
  for (auto [element, sequence] : llvm::zip(r.elements, r.sequences)) {
    Batched all = sequence.has(axisDim(0))
                      ? allSteps(withoutFront(sequence), sequence.value)
                      : withoutFront(sequence);
    values[element] = all;
  }
  for (auto [init, last] : llvm::zip(r.inits, loop.getFinalResults())) {
    r.finals.push_back(init);
    r.finals.back().value = last;
  }
  frames.push_back({r.axis, true, id, Value()});
  for (Operation &op : r.body->without_terminator())
    if (phases.after.contains(&op) && failed(lower(&op)))
      return failure();
  frames.pop_back();
  e.loc = r.op->getLoc();
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
