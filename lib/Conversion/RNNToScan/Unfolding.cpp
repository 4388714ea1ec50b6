// Unfolding.cpp: what sequences are drawn with.
//
// `begin` computes once for each sequence what does not change from step to
// step, and where the loop starts; `next` makes one step of it. The loop
// itself, which draws, is the runtime's.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BodyPlan.h"
#include "Functions.h"

#include "rnnc/Dialect/RNN/Transforms/OfSequence.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace rnnc::batch {

namespace {

/// Finds what `next` is given of the values outside of the steps.
class KeptFinder {
public:
  explicit KeptFinder(rnn::UnfoldOp op) : op(op), body(op.getBody().front()) {}

  void run(Unfolding &out) {
    BodyShape shape{&body, op.getAxis().getName(), {}, {}, {}, {}};
    llvm::append_range(shape.states, op.getStateArgs());
    llvm::append_range(shape.next, op.getYield().getNext());
    BodyPlan plan(shape, {});
    llvm::SetVector<Value> kept;
    for (Operation &inner : body) {
      bool isMade = plan.invariant.contains(&inner) &&
                    !isa<rnn::DistOp, rnn::LawOp>(inner);
      if (isMade)
        out.invariant.push_back(&inner);
      if (isMade && readsInput(&inner)) {
        out.madeBefore.insert(&inner);
        continue;
      }
      for (Value value : operandsOf(&inner)) {
        bool isSame =
            isOutside(value) || plan.invariant.contains(value.getDefiningOp());
        // Of a distribution what it is given waits, not itself.
        if (isSame && isa<rnn::ValueType>(value.getType()) && fromInput(value))
          kept.insert(value);
      }
    }
    llvm::SetVector<Value> captured;
    for (Operation &inner : body)
      for (Value value : operandsOf(&inner))
        if (isOutside(value))
          captured.insert(value);
    for (Value value : captured)
      (fromInput(value) ? out.capturedInputs : out.captured).push_back(value);
    out.kept = kept.takeVector();
  }

  /// Whether a value depends on what is given for each sequence.
  bool fromInput(Value value) {
    if (isa<BlockArgument>(value))
      return false;
    if (auto found = known.find(value); found != known.end())
      return found->second;
    bool found = readsInput(value.getDefiningOp());
    known[value] = found;
    return found;
  }

private:
  bool isOutside(Value value) const {
    return value.getParentBlock() == op->getBlock();
  }

  bool readsInput(Operation *maker) {
    return rnn::isOfSequence(maker) ||
           llvm::any_of(operandsOf(maker),
                        [&](Value value) { return fromInput(value); });
  }

  rnn::UnfoldOp op;
  Block &body;
  llvm::DenseMap<Value, bool> known;
};

bool hasTime(rnn::ValueType type, StringRef name) {
  return llvm::any_of(type.getAxes(), [&](rnn::AxisAttr axis) {
    return axis.isTime() && axis.getName() == name;
  });
}

} // namespace

std::optional<Unfolding> Unfolding::of(const ModuleInfo &info) {
  std::optional<Unfolding> found;
  for (rnn::ObserveOp one : info.observes) {
    rnn::ObserveOp observe = one;
    auto op = observe.getDist().getDefiningOp<rnn::UnfoldOp>();
    if (!op)
      continue;
    if (found)
      return std::nullopt; // two cannot be drawn together
    found.emplace();
    found->op = op;
    found->observe = observe;
  }
  if (!found)
    return found;
  KeptFinder finder(found->op);
  finder.run(*found);
  auto given = [&](Value value) { return finder.fromInput(value); };
  found->readsInputs =
      !found->kept.empty() || llvm::any_of(found->op->getOperands(), given);
  return found;
}

bool Unfolding::isSampled() const {
  rnn::LawOp one = law();
  return one && !one.getSample().empty();
}

rnn::LawOp Unfolding::law() const {
  return rnn::UnfoldOp(op).getYield().getOut()[0].getDefiningOp<rnn::LawOp>();
}

std::pair<Location, std::string>
Unfolding::reasonAgainst(const ModuleInfo &info) const {
  rnn::UnfoldOp unfold = op;
  Location loc = unfold.getLoc();
  for (Value init : unfold.getInit())
    for (rnn::AxisAttr axis : cast<rnn::ValueType>(init.getType()).getAxes())
      if (axis.isTime())
        return {loc,
                "a state of it is as long as `" + axis.getName().str() + "`"};
  if (!info.usersOfData().empty())
    return {loc, "it reads the data of an output"};
  if (rnn::LawOp one = law(); one && !one.hasMode() && one.getSample().empty())
    return {loc, "`" + one.getName().str() +
                     "` has neither a line `mode = ...` nor `sample = ...`"};
  SmallVector<Value> first(unfold->getOperands());
  llvm::append_range(first, captured);
  llvm::append_range(first, capturedInputs);
  if (StringRef time = info.unknownTime(first); !time.empty())
    return {loc,
            ("nothing that is given says how long `" + time + "` is").str()};
  std::string drawn = unfold.getAxis().getName().str();
  std::string why;
  auto isKnown = [&](StringRef time) {
    return llvm::any_of(kept, [&](Value value) {
      return hasTime(cast<rnn::ValueType>(value.getType()), time);
    });
  };
  auto runsAlong = [&](rnn::AxisAttr axis) {
    if (axis.isTime() && !isKnown(axis.getName()))
      why = "a step runs along `" + axis.getName().str() +
            "` and reads nothing of it";
  };
  unfold.getBody().walk([&](Operation *inner) {
    if (auto bind = dyn_cast<rnn::BindOp>(inner))
      runsAlong(bind.getAxis());
    for (Type type : inner->getOperandTypes())
      if (auto value = dyn_cast<rnn::ValueType>(type))
        llvm::for_each(value.getAxes(), runsAlong);
  });
  for (Value value : kept)
    if (unfold.getAxis().isTime() &&
        hasTime(cast<rnn::ValueType>(value.getType()), drawn))
      why = "a step reads all of `" + drawn + "`, along which it draws";
  return {loc, why};
}

//===-- Values that wait from `begin` to `next`
//----------------------------===//

/// In the order of the tensors inside of a function: times, batch, fixed axes;
/// of what is read step by step the steps stand first.
Dims FunctionMaker::keptOrder(Lowering &lowering, const Axes &axes,
                              bool bySteps) {
  Dims dims = {batchDim()};
  for (unsigned i = 0; i < axes.size(); ++i)
    dims.push_back(axisDim(i));
  lowering.e.sort(dims, axes);
  if (bySteps) {
    llvm::erase(dims, axisDim(0));
    dims.insert(dims.begin(), axisDim(0));
  }
  return dims;
}

Attribute FunctionMaker::sizeAttr(Dim dim, const Axes &axes) {
  if (dim == batchDim())
    return b.getStringAttr("batch");
  const AxisInfo &axis = axes[dim.id];
  return axis.time ? Attribute(b.getStringAttr(axis.name))
                   : Attribute(b.getI64IntegerAttr(axis.size));
}

void FunctionMaker::giveKept(Lowering &lowering, StringRef name, Role role,
                             const Batched &value, bool bySteps) {
  Emitter &e = lowering.e;
  Batched whole = value;
  auto type = cast<RankedTensorType>(value.value.getType());
  if (type.getElementType().isInteger(1)) {
    whole = e.select(value, e.constantInt(1, e.integer()),
                     e.constantInt(0, e.integer()));
    whole.axes = value.axes;
  }
  Dims order = keptOrder(lowering, whole.axes, bySteps);
  Slot slot{name.str(), role, {}, {}, false};
  for (Dim dim : order)
    slot.shape.push_back(sizeAttr(dim, whole.axes));
  Value aligned = e.align(whole, order, whole.axes);
  slot.type = aligned.getType();
  results.push_back(slot);
  returned.push_back(aligned);
}

Slot FunctionMaker::keptSlot(Lowering &sizes, StringRef name, Role role,
                             rnn::ValueType type) {
  Axes axes = Lowering::axesOf(type);
  Slot slot{name.str(), role, {}, {}, false};
  SmallVector<int64_t> shape;
  for (Dim dim : keptOrder(sizes, axes, false)) {
    slot.shape.push_back(sizeAttr(dim, axes));
    auto size = dyn_cast<IntegerAttr>(slot.shape.back());
    shape.push_back(size ? size.getInt() : ShapedType::kDynamic);
  }
  Type element = type.isReal() ? Type(real) : Type(b.getI32Type());
  slot.type = RankedTensorType::get(shape, element);
  return slot;
}

Batched FunctionMaker::bindKept(Lowering &lowering, Value argument,
                                rnn::ValueType type) {
  Batched value;
  value.value = argument;
  value.axes = Lowering::axesOf(type);
  value.dims = keptOrder(lowering, value.axes, false);
  if (type.getKind() == rnn::ValueKind::Bit)
    return lowering.e.compare(arith::CmpIPredicate::ne, value,
                              lowering.e.constantInt(0, b.getI32Type()));
  return value;
}

//===-- The two functions
//--------------------------------------------------===//

static std::string keptName(size_t i) { return "kept." + std::to_string(i); }
static std::string overName(size_t i) { return "over." + std::to_string(i); }

LogicalResult FunctionMaker::makeBegin(const Unfolding &unfolding) {
  rnn::UnfoldOp op = unfolding.op;
  SmallVector<Value> roots(op->getOperands());
  llvm::append_range(roots, unfolding.captured);
  llvm::append_range(roots, unfolding.capturedInputs);
  SmallVector<Slot> slots = commonSlots(false);
  if (info.inputs.empty()) // nothing else says how many sequences are drawn
    slots.push_back(rowsSlot("reset", Role::Reset));
  return make("begin", slots, {}, [&](Lowering &lowering) {
    if (failed(lowerFor(lowering, roots)))
      return failure();
    for (Operation *invariant : unfolding.invariant)
      if (failed(lowering.lower(invariant)))
        return failure();
    lowering.e.loc = op.getLoc();
    auto give = [&](Value from, const std::string &name, Role role,
                    bool bySteps) -> LogicalResult {
      auto value = lowering.get(from);
      if (succeeded(value))
        giveKept(lowering, name, role, *value, bySteps);
      return value;
    };
    for (auto [i, value] : llvm::enumerate(unfolding.kept))
      if (failed(give(value, keptName(i), Role::Kept, false)))
        return failure();
    for (auto [i, value] : llvm::enumerate(op.getOver()))
      if (failed(give(value, overName(i), Role::Steps, true)))
        return failure();
    for (auto [value, name] :
         llvm::zip(op.getInit(), op.getStates().getAsRange<StringAttr>()))
      if (failed(give(value, "state." + name.getValue().str(), Role::StateOut,
                      false)))
        return failure();
    auto first = lowering.firstElement(op, "");
    if (succeeded(first))
      giveKept(lowering, "prev", Role::Start, *first, false);
    return LogicalResult(first);
  });
}

/// What `next` reads.
SmallVector<Slot> FunctionMaker::nextSlots(const Unfolding &unfolding) {
  rnn::UnfoldOp op = unfolding.op;
  Lowering sizes(b, real, {});
  for (const std::string &time : info.times)
    for (rnn::AxisAttr axis : info.nesting.around(time))
      sizes.e.times[time].choices.back().around.push_back(
          {axis.getName().str()});
  SmallVector<Slot> slots;
  for (rnn::ParamOp param : info.params)
    slots.push_back(paramSlot(param));
  SmallVector<std::string> times;
  for (Value value : unfolding.kept)
    for (rnn::AxisAttr axis : cast<rnn::ValueType>(value.getType()).getAxes())
      if (axis.isTime() && !llvm::is_contained(times, axis.getName()))
        times.push_back(axis.getName().str());
  for (const std::string &time : times)
    slots.push_back(lengthsSlot(time));
  auto add = [&](const std::string &name, Role role, Type type) {
    slots.push_back(keptSlot(sizes, name, role, cast<rnn::ValueType>(type)));
  };
  for (auto [i, value] : llvm::enumerate(unfolding.kept))
    add(keptName(i), Role::Kept, value.getType());
  for (auto [i, element] : llvm::enumerate(op.getElements()))
    add(overName(i), Role::Step, element.getType());
  add("prev", Role::Prev, op.getPrevious().getType());
  for (auto [value, name] :
       llvm::zip(op.getInit(), op.getStates().getAsRange<StringAttr>()))
    add(name.getValue().str(), Role::StateIn, value.getType());
  if (unfolding.isSampled())
    slots.push_back(seedSlot());
  return slots;
}

/// The most probable element and what draws are made of; of a distribution of
/// one's own the draw itself, since only it knows how.
LogicalResult FunctionMaker::giveDraws(Lowering &lowering,
                                       const Unfolding &unfolding) {
  rnn::ObserveOp observe = unfolding.observe;
  auto dist = lowering.distribution(observe);
  if (failed(dist))
    return failure();
  dist->steps.reset();
  for (Batched &arg : dist->args)
    arg = withoutFront(arg);
  std::string name = observe.getName().str();
  if (dist->hasMode()) {
    auto mode = lowering.mode(*dist);
    if (failed(mode))
      return failure();
    auto [best, more] = *mode;
    if (dist->kind != rnn::DistKind::Categorical)
      giveKept(lowering, name, Role::Output, best, false);
    if (more)
      giveKept(lowering, name + ".p", Role::Probability, *more, false);
  }
  if (!unfolding.isSampled())
    return success();
  auto drawn = lowering.draw(*dist);
  if (succeeded(drawn))
    giveKept(lowering, name + ".draw", Role::Probability, *drawn, false);
  return LogicalResult(drawn);
}

LogicalResult FunctionMaker::bodyOfNext(Lowering &lowering,
                                        const Unfolding &unfolding) {
  rnn::UnfoldOp op = unfolding.op;
  rnn::ObserveOp observe = unfolding.observe;
  if (failed(lowerFor(lowering, unfolding.captured)))
    return failure();
  auto bound = [&](const std::string &name, Role role, Type type) {
    return bindKept(lowering, argument(name, role), cast<rnn::ValueType>(type));
  };
  for (auto [i, value] : llvm::enumerate(unfolding.kept))
    lowering.set(value, bound(keptName(i), Role::Kept, value.getType()));
  for (auto [i, element] : llvm::enumerate(op.getElements()))
    lowering.stepsIn[element] =
        bound(overName(i), Role::Step, element.getType());
  lowering.previousIn[observe.getName()] =
      bound("prev", Role::Prev, op.getPrevious().getType());
  for (auto [value, name] :
       llvm::zip(op.getInit(), op.getStates().getAsRange<StringAttr>()))
    lowering.statesIn[name.getValue()] =
        bound(name.getValue().str(), Role::StateIn, value.getType());
  lowering.madeBefore = unfolding.madeBefore;
  if (failed(lowering.lower(op)))
    return failure();
  if (failed(giveDraws(lowering, unfolding)))
    return failure();
  for (StringAttr state : op.getStates().getAsRange<StringAttr>())
    giveKept(lowering, "state." + state.getValue().str(), Role::StateOut,
             lowering.statesOut[state.getValue()], false);
  return success();
}

LogicalResult FunctionMaker::makeNext(const Unfolding &unfolding) {
  LoweringOptions options;
  options.unfoldStep = true;
  return make("next", nextSlots(unfolding), options, [&](Lowering &lowering) {
    return bodyOfNext(lowering, unfolding);
  });
}

} // namespace rnnc::batch
