// Recurrences.cpp: scan, fold and unfold: what they read and give; one step of
// them. RecurrenceLoops.cpp makes their loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BodyPlan.h"
#include "Recurrence.h"

using namespace mlir;

namespace rnnc::batch {

Batched inFront(const Emitter &e, Batched value, const AxisInfo &axis) {
  for (Dim &dim : value.dims)
    if (dim.kind == Dim::Axis)
      ++dim.id;
  value.axes.insert(value.axes.begin(), axis);
  return value;
}

Batched withoutFront(Batched value) {
  value.axes.erase(value.axes.begin());
  llvm::erase(value.dims, axisDim(0));
  for (Dim &dim : value.dims)
    if (dim.kind == Dim::Axis)
      --dim.id;
  return value;
}

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
  bool carried = r.axis.time && e.frames.empty() && !inLaw;
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

FailureOr<Batched> Lowering::firstElement(rnn::UnfoldOp op, StringRef name) {
  auto given = previousIn.find(name);
  if (given != previousIn.end() && !reset.value)
    return given->second;
  FailureOr<Batched> start = op.getFirst()
                                 ? get(op.getFirst())
                                 : FailureOr<Batched>(e.constantInt(
                                       op.getStart().value_or(0), e.integer()));
  if (failed(start) || given == previousIn.end())
    return start;
  return e.select(reset, e.full(*start, true), given->second);
}

/// The true elements of the step before.
FailureOr<Batched> Lowering::previousElements(rnn::UnfoldOp op,
                                              const Batched &data,
                                              StringRef name) {
  Batched y = e.full(data, true);
  Value lengths = e.lengthsAlong(y.axes[0]);
  FailureOr<Batched> start = firstElement(op, name);
  if (failed(start))
    return failure();
  Batched first = e.full(*start, true);
  Batched fill = Emitter::suffix(first, y.axes.size());
  if (options.carried) {
    Batched none =
        e.compare(arith::CmpIPredicate::sle, {lengths, {batchDim()}, {}, {}},
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

/// An argument of a distribution, of all steps, with all axes of what is drawn:
/// `normal(m, 1)` has one scale for all.
static Batched ofEachStep(Batched arg, const Axes &axes) {
  if (arg.axes.size() >= axes.size())
    return arg;
  unsigned by = axes.size() - arg.axes.size();
  for (Dim &dim : arg.dims)
    if (dim.kind == Dim::Axis && dim.id > 0)
      dim.id += by;
  arg.axes = axes;
  return arg;
}

/// The sequences that the steps read: what was drawn before, and those after
/// `over`.
LogicalResult Lowering::unfoldSequences(rnn::UnfoldOp op, Recurrence &r,
                                        rnn::ObserveOp observe) {
  r.elements.push_back(op.getPrevious());
  FailureOr<Batched> previous = failure();
  if (options.step || options.unfoldStep) {
    previous = firstElement(op, observe.getName());
    if (succeeded(previous))
      previous = inFront(e, *previous, r.axis);
  } else if (auto data = get(observe.getData()); succeeded(data)) {
    previous = previousElements(op, *data, observe.getName());
  }
  if (failed(previous))
    return failure();
  r.sequences.push_back(*previous);
  for (auto [value, element] : llvm::zip(op.getOver(), op.getElements())) {
    r.elements.push_back(element);
    if (auto one = stepsIn.find(element); one != stepsIn.end()) {
      r.sequences.push_back(inFront(e, one->second, r.axis));
      continue;
    }
    auto sequence = get(value);
    if (failed(sequence))
      return failure();
    r.sequences.push_back(*sequence);
  }
  return success();
}

LogicalResult Lowering::unfold(rnn::UnfoldOp op) {
  auto observe = cast<rnn::ObserveOp>(*op.getResult().user_begin());
  FailureOr<rnn::UnfoldOp> made = withFeed(op);
  if (failed(made))
    return failure();
  rnn::UnfoldOp run = *made;
  // What is added to the states of one that reads its draws, too.
  for (unsigned i = 0; run != op && i != op.getInit().size(); ++i)
    if (auto probe = probes.find({op, i}); probe != probes.end())
      probes[{run, i}] = Batched(probe->second);
  Recurrence r;
  r.op = run;
  r.body = &run.getBody().front();
  r.axis = info(op.getAxis());
  if (failed(unfoldSequences(run, r, observe)))
    return failure();
  for (auto [value, state, path] :
       llvm::zip(op.getInit(), run.getStateArgs(),
                 op.getStates().getAsRange<StringAttr>())) {
    bool isGiven = !reset.value && statesIn.count(path.getValue());
    auto init =
        isGiven ? FailureOr<Batched>(statesIn[path.getValue()]) : get(value);
    if (failed(init))
      return failure();
    r.inits.push_back(firstState(path.getValue(), *init));
    r.states.push_back(state);
    r.names.push_back(path.getValue());
  }
  if (run != op) { // nothing is drawn before the first step
    auto first = firstElement(op, observe.getName());
    if (failed(first))
      return failure();
    r.inits.push_back(*first);
    r.states.push_back(run.getStateArgs().back());
  }
  llvm::append_range(r.next, run.getYield().getNext());
  Operation *dist = run.getYield().getOut()[0].getDefiningOp();
  if (!isa_and_present<rnn::DistOp, rnn::LawOp>(dist)) {
    op.emitError("the step of this `unfold` does not end with a distribution");
    return failure();
  }
  llvm::append_range(r.outs, dist->getOperands());
  if (failed(runRecurrence(r)))
    return failure();
  Distribution result = Distribution::of(dist);
  result.steps = r.axis;
  Axes drawn = axesOf(op.getResult().getType().getValue());
  size_t own = dist->getNumOperands();
  for (const Batched &arg : ArrayRef(r.results).take_front(own))
    // Those of a law keep their axes: its lines say what they do with them.
    result.args.push_back(isa<rnn::LawOp>(dist) ? arg : ofEachStep(arg, drawn));
  unfolded[op.getResult()] = std::move(result);
  for (auto [value, last] : llvm::zip(op.getFinals(), r.finals))
    values[value] = last;
  return success();
}

/// What is watched stands behind the other results.
void Lowering::keepWatched(const Recurrence &r) {
  auto found = watched.find(r.op);
  if (found == watched.end())
    return;
  size_t own = r.results.size() - found->second.size();
  for (auto [i, value] : llvm::enumerate(found->second))
    watchedSteps[value] = r.results[own + i];
}

LogicalResult Lowering::runRecurrence(Recurrence &r) {
  bool steps = r.axis.time || isa<rnn::UnfoldOp>(r.op);
  bool outermost = steps && e.frames.empty() && !inLaw;
  bool isOne = (options.step && steps) ||
               (options.unfoldStep && isa<rnn::UnfoldOp>(r.op));
  if (auto found = watched.find(r.op); found != watched.end())
    llvm::append_range(r.outs, found->second);
  if (failed(isOne ? runStep(r) : runLoop(r)))
    return failure();
  keepWatched(r);
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
    if (!madeBefore.contains(&op) && failed(lower(&op)))
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

/// Binders around the recurrence whose entries differ by what its body does.
Dims Lowering::bindersOfBody(const Recurrence &r) {
  auto holds = [&](auto wanted) {
    return r.body
        ->walk([&](Operation *op) {
          return wanted(op) ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  };
  // What is drawn inside is drawn for each entry of a fixed axis, and a
  // gradient that is limited inside is one of each.
  auto draws = [](Operation *op) {
    rnn::AxisAttr tied;
    return rnn::draws(op, tied);
  };
  bool drawn = drawsNoise() && holds(draws);
  bool limited = !options.step && holds(llvm::IsaPred<rnn::ClipGradOp>);
  // Numbers that stay the same along this one count the steps around it.
  auto staysTheSame = [&](Operation *op) {
    rnn::AxisAttr tied;
    return rnn::draws(op, tied) && tied && tied.getName() == r.axis.name;
  };
  const Frame *counted = nullptr;
  if (drawn && holds(staysTheSame))
    for (const Frame &frame : e.frames)
      if (frame.step && frame.axis.name != r.axis.name)
        counted = &frame;
  Dims binders;
  for (const Frame &frame : e.frames) {
    bool differs = (drawn && !frame.step) || (limited && !frame.inRows) ||
                   (&frame == counted && !frame.inRows);
    if (frame.binder && differs)
      binders.push_back(binderDim(*frame.binder));
  }
  return binders;
}

/// Binders around the recurrence that its values depend on: its states have
/// their dimensions too.
Dims Lowering::carriedBinders(const Recurrence &r) {
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
  for (const Frame &frame : e.frames)
    if (frame.binder)
      inside = std::max(inside, *frame.binder + 1);
  for (Value value : operandsOf(r.op))
    if (auto found = values.find(value); found != values.end())
      visit(found->second);
  for (Dim dim : bindersOfBody(r))
    if (!llvm::is_contained(binders, dim))
      binders.push_back(dim);
  // Lengths of their own come from them, too.
  if (r.axis.time)
    for (Dim dim : e.aroundOf(axisDim(0), r.axis))
      if (!llvm::is_contained(binders, dim))
        binders.push_back(dim);
  return binders;
}

} // namespace rnnc::batch
