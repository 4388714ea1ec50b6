// Functions.cpp: arguments, bodies and results of the functions of a module;
// those that do not train. SPDX-License-Identifier: Apache-2.0 WITH
// LLVM-exception

#include "Functions.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/RNN/Needed.h"

using namespace mlir;

namespace rnnc::batch {

//===-- Arguments
//----------------------------------------------------------===//

static Type elementOf(OpBuilder &b, FloatType real, rnn::ValueType type) {
  return type.isReal() ? Type(real) : Type(b.getI32Type());
}

/// Whether a first state's declared value is 0, so that a caller who gives
/// none may give zeros.
static bool isZero(Value value) {
  auto constant = value.getDefiningOp<rnn::ConstantOp>();
  return constant && constant.getValue().isZero();
}

Slot FunctionMaker::paramSlot(rnn::ParamOp op) {
  Slot slot{op.getName().str(), Role::Param, {}, {}, false};
  SmallVector<int64_t> sizes;
  for (rnn::AxisAttr axis : op.getType().getAxes()) {
    sizes.push_back(axis.getSize());
    slot.shape.push_back(b.getI64IntegerAttr(axis.getSize()));
  }
  slot.type = RankedTensorType::get(sizes, real);
  return slot;
}

Slot FunctionMaker::valueSlot(StringRef name, Role role, rnn::ValueType type,
                              bool step) {
  Slot slot{name.str(), role, {}, {b.getStringAttr("batch")}, false};
  SmallVector<int64_t> sizes = {ShapedType::kDynamic};
  for (rnn::AxisAttr axis : type.getAxes()) {
    if (axis.isTime() && step)
      continue;
    sizes.push_back(axis.isTime() ? ShapedType::kDynamic : axis.getSize());
    if (axis.isTime())
      slot.shape.push_back(b.getStringAttr(axis.getName()));
    else
      slot.shape.push_back(b.getI64IntegerAttr(axis.getSize()));
  }
  slot.type = RankedTensorType::get(sizes, elementOf(b, real, type));
  return slot;
}

Slot FunctionMaker::rowsSlot(StringRef name, Role role) {
  auto type = RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type());
  return {name.str(), role, type, {b.getStringAttr("batch")}, true};
}

Slot FunctionMaker::lengthsSlot(StringRef time) {
  Slot slot = rowsSlot(time, Role::Lengths);
  for (rnn::AxisAttr axis : info.nesting.around(time))
    slot.shape.push_back(b.getStringAttr(axis.getName()));
  SmallVector<int64_t> sizes(slot.shape.size(), ShapedType::kDynamic);
  slot.type = RankedTensorType::get(sizes, b.getI32Type());
  return slot;
}

Slot FunctionMaker::seedSlot() {
  auto type = RankedTensorType::get({2}, b.getI64Type());
  return {"seed", Role::Seed, type, {b.getI64IntegerAttr(2)}, !info.isModel()};
}

SmallVector<Slot> FunctionMaker::commonSlots(bool step) {
  SmallVector<Slot> slots;
  for (rnn::ParamOp param : info.params)
    slots.push_back(paramSlot(param));
  SmallVector<std::string> times;
  for (rnn::InputOp input : info.inputs)
    for (rnn::AxisAttr axis : input.getType().getAxes())
      if (axis.isTime() && !step && !llvm::is_contained(times, axis.getName()))
        times.push_back(axis.getName().str());
  for (const std::string &time : times)
    slots.push_back(lengthsSlot(time));
  for (rnn::InputOp input : info.inputs)
    slots.push_back(
        valueSlot(input.getName(), Role::Input, input.getType(), step));
  return slots;
}

std::string FunctionMaker::previousName(rnn::ObserveOp observe) const {
  unsigned unfolds = llvm::count_if(
      info.observes, [&](rnn::ObserveOp op) { return info.isUnfold(op); });
  return unfolds == 1 ? "prev" : ("prev." + observe.getName()).str();
}

SmallVector<Slot> FunctionMaker::lossSlots(bool carried) {
  SmallVector<Slot> slots;
  for (rnn::ParamOp param : info.params)
    slots.push_back(paramSlot(param));
  for (const std::string &time : info.times)
    slots.push_back(lengthsSlot(time));
  for (rnn::InputOp input : info.inputs)
    slots.push_back(
        valueSlot(input.getName(), Role::Input, input.getType(), false));
  for (rnn::OutputOp output : info.outputs)
    slots.push_back(
        valueSlot(output.getName(), Role::Input, output.getType(), false));
  if (!carried)
    return slots;
  for (const StateInfo &state : info.states)
    slots.push_back(valueSlot(state.name, Role::StateIn, state.type, false));
  for (rnn::ObserveOp observe : info.observes)
    if (info.isUnfold(observe)) {
      auto type = cast<rnn::ValueType>(observe.getData().getType());
      slots.push_back(valueSlot(previousName(observe), Role::Prev,
                                type.dropFront(), false));
    }
  slots.push_back(rowsSlot("reset", Role::Reset));
  return slots;
}

SmallVector<Slot> FunctionMaker::firstStateSlots() {
  SmallVector<Slot> slots;
  for (rnn::FirstStateOp state : info.firstStates) {
    slots.push_back(
        valueSlot(state.getName(), Role::StateIn, state.getType(), false));
    slots.back().optional = true;
    if (isZero(state.getValue()))
      continue;
    // Whether the caller gave it: else it begins as declared.
    slots.push_back({("given." + state.getName()).str(),
                     Role::Given,
                     RankedTensorType::get({}, b.getI32Type()),
                     {},
                     false});
  }
  return slots;
}

Value FunctionMaker::argument(StringRef name, Role role) {
  for (auto [slot, value] : llvm::zip(args, function.getArguments()))
    if (slot.name == name && slot.role == role)
      return value;
  return {};
}

//===-- Frame of a function
//------------------------------------------------===//

void FunctionMaker::bindSizes(Lowering &lowering) {
  Emitter &e = lowering.e;
  for (auto [slot, value] : llvm::zip(args, function.getArguments()))
    for (auto [i, size] : llvm::enumerate(slot.shape)) {
      auto name = dyn_cast<StringAttr>(size);
      if (!name)
        continue;
      Value &place =
          name.getValue() == "batch" ? e.batch : e.times[name.getValue()].size;
      if (!place)
        place = tensor::DimOp::create(b, e.loc, value, i);
    }
  if (!e.batch)
    e.batch = arith::ConstantIndexOp::create(b, e.loc, 1);
  SmallVector<StringRef> names(e.times.keys());
  llvm::sort(names, [&](StringRef x, StringRef y) {
    size_t outer = info.nesting.around(x).size();
    size_t inner = info.nesting.around(y).size();
    return std::make_pair(outer, x) < std::make_pair(inner, y);
  });
  for (StringRef name : names)
    bindLengths(lowering, name);
}

/// Lengths of an axis inside of others come after theirs.
void FunctionMaker::bindLengths(Lowering &lowering, StringRef time) {
  Emitter &e = lowering.e;
  AxisLengths place;
  Batched lengths;
  lengths.value = argument(time, Role::Lengths);
  lengths.dims = {batchDim()};
  Dims order;
  for (rnn::AxisAttr axis : info.nesting.around(time)) {
    place.around.push_back({axis.getName().str()});
    order.push_back(axisDim(lengths.axes.size()));
    lengths.axes.push_back(Lowering::info(axis));
  }
  if (lengths.value && !order.empty()) {
    llvm::append_range(lengths.dims, order);
    order.push_back(batchDim());
    lengths = bindNested(lowering, lengths);
    lengths.value = e.align(lengths, order, lengths.axes);
  }
  place.value = lengths.value;
  e.times[time].choices = {place};
}

/// A value along axes inside of others, as the caller has it: zeros past the
/// ends.
Batched FunctionMaker::bindNested(Lowering &lowering, Batched value) {
  Emitter &e = lowering.e;
  value = e.canonical(value);
  for (unsigned i = 0; i < value.axes.size(); ++i)
    value = e.maskDim(value, axisDim(i));
  return value;
}

Batched FunctionMaker::bindValue(Lowering &lowering, Value argument,
                                 rnn::ValueType type) {
  Emitter &e = lowering.e;
  Batched value;
  value.axes = Lowering::axesOf(type);
  value.value = argument;
  value.dims = {batchDim()};
  Dims times, fixed;
  SmallVector<Value> lengths;
  bool nested = false;
  for (auto [i, axis] : llvm::enumerate(value.axes)) {
    if (axis.time && lowering.options.step)
      continue;
    value.dims.push_back(axisDim(i));
    (axis.time ? times : fixed).push_back(axisDim(i));
    nested |= axis.time && !e.times[axis.name].own().around.empty();
    if (axis.time)
      lengths.push_back(e.times[axis.name].own().value);
  }
  if (nested) {
    value = bindNested(lowering, value);
  } else if (!times.empty()) {
    Dims order = {batchDim()};
    llvm::append_range(order, times);
    llvm::append_range(order, fixed);
    Value aligned = e.align(value, order, value.axes);
    value.value = scan::EnterOp::create(b, e.loc, aligned, lengths);
    value.dims = times;
    value.dims.push_back(batchDim());
    llvm::append_range(value.dims, fixed);
  }
  if (type.getKind() == rnn::ValueKind::Bit)
    return e.compare(arith::CmpIPredicate::ne, value,
                     e.constantInt(0, e.integer()));
  return value;
}

LogicalResult FunctionMaker::bindArguments(Lowering &lowering) {
  for (rnn::ParamOp param : info.params) {
    Batched value;
    value.value = argument(param.getName(), Role::Param);
    value.axes = Lowering::axesOf(param.getType());
    for (unsigned i = 0; i < value.axes.size(); ++i)
      value.dims.push_back(axisDim(i));
    lowering.set(param.getResult(), value);
  }
  for (rnn::InputOp input : info.inputs)
    if (Value value = argument(input.getName(), Role::Input))
      lowering.set(input.getResult(),
                   bindValue(lowering, value, input.getType()));
  for (rnn::OutputOp output : info.outputs)
    if (Value value = argument(output.getName(), Role::Input))
      lowering.set(output.getResult(),
                   bindValue(lowering, value, output.getType()));
  if (Value rows = argument("reset", Role::Reset))
    lowering.reset = lowering.e.compare(
        arith::CmpIPredicate::ne, {rows, {batchDim()}, {}, {}},
        lowering.e.constantInt(0, b.getI32Type()));
  if (info.isModel())
    for (const StateInfo &state : info.states)
      if (Value value = argument(state.name, Role::StateIn))
        lowering.statesIn[state.name] = bindValue(lowering, value, state.type);
  for (rnn::ObserveOp observe : info.observes) {
    if (!info.isUnfold(observe))
      continue;
    auto type = cast<rnn::ValueType>(observe.getData().getType());
    if (Value value = argument(previousName(observe), Role::Prev))
      lowering.previousIn[observe.getName()] =
          bindValue(lowering, value, type.dropFront());
  }
  lowering.seed = argument("seed", Role::Seed);
  lowering.seedOptional = lowering.seed && !info.isModel();
  return success();
}

/// Says which function this is.
void FunctionMaker::name(StringRef name, ArrayAttr dims) {
  rnn::ModuleOp module = info.module;
  function->setAttr(interface::kFunction,
                    interface::FunctionAttr::get(b.getContext(),
                                                 module.getSymNameAttr(),
                                                 b.getStringAttr(name), dims,
                                                 /*results=*/0));
}

LogicalResult FunctionMaker::make(StringRef name, ArrayRef<Slot> slots,
                                  LoweringOptions options, BodyFn body,
                                  bool isPrivate) {
  OpBuilder::InsertionGuard guard(b);
  Location loc = rnn::ModuleOp(info.module).getLoc();
  args.assign(slots.begin(), slots.end());
  results.clear();
  returned.clear();
  declare(name, isPrivate);
  options.hoist = hoist;
  Lowering lowering(b, real, options);
  lowering.e.loc = loc;
  bindSizes(lowering);
  if (failed(bindArguments(lowering)) || failed(body(lowering))) {
    function.erase();
    return failure();
  }
  func::ReturnOp::create(b, loc, returned);
  finish(name);
  return success();
}

static SmallVector<Type> typesOf(ArrayRef<Slot> slots) {
  return llvm::map_to_vector(slots, [](const Slot &slot) { return slot.type; });
}

void FunctionMaker::declare(StringRef name, bool isPrivate) {
  rnn::ModuleOp module = info.module;
  function = func::FuncOp::create(
      b, module.getLoc(), (module.getSymName() + "." + name).str(),
      b.getFunctionType(typesOf(args), typesOf(results)));
  if (isPrivate)
    function.setPrivate();
  this->name(name);
  b.setInsertionPointToStart(function.addEntryBlock());
}

void FunctionMaker::finish(StringRef name) {
  function.setFunctionType(b.getFunctionType(typesOf(args), typesOf(results)));
  SmallVector<Attribute> dims;
  auto describe = [&](const Slot &slot) {
    for (Attribute size : slot.shape)
      if (isa<StringAttr>(size) && !llvm::is_contained(dims, size))
        dims.push_back(size);
    return interface::attributesOf(
        interface::SlotAttr::get(b.getStringAttr(slot.name), slot.role,
                                 b.getArrayAttr(slot.shape), slot.optional));
  };
  auto argAttributes = llvm::map_to_vector(args, describe);
  auto resultAttributes = llvm::map_to_vector(results, describe);
  function.setAllArgAttrs(argAttributes);
  function.setAllResultAttrs(resultAttributes);
  this->name(name, b.getArrayAttr(dims));
  IRRewriter rewriter(b);
  (void)runRegionDCE(rewriter, function->getRegions());
}

LogicalResult FunctionMaker::lowerFor(Lowering &lowering,
                                      ArrayRef<Value> roots) {
  llvm::DenseSet<Operation *> needed =
      rnn::neededFor(rnn::ModuleOp(info.module), roots);
  for (Operation &op : info.module->getRegion(0).front()) {
    if (!needed.contains(&op) ||
        isa<rnn::ParamOp, rnn::InputOp, rnn::OutputOp>(op))
      continue;
    auto first = dyn_cast<rnn::FirstStateOp>(op);
    if (!first) {
      if (failed(lowering.lower(&op)))
        return failure();
      continue;
    }
    Emitter &e = lowering.e;
    e.loc = op.getLoc();
    Batched state = bindValue(
        lowering, argument(first.getName(), Role::StateIn), first.getType());
    if (Value given =
            argument(("given." + first.getName()).str(), Role::Given)) {
      auto declared = lowering.get(first.getValue());
      if (failed(declared))
        return failure();
      Batched is = e.compare(arith::CmpIPredicate::ne, {given, {}, {}, {}},
                             e.constantInt(0, e.integer()));
      state = e.select(is, state, *declared);
    }
    lowering.set(first.getResult(), state);
  }
  return success();
}

/// Zeros past the ends, before the caller's layout.
static Batched leave(Lowering &lowering, const Batched &value) {
  Emitter &e = lowering.e;
  Batched whole = value;
  SmallVector<Value> lengths;
  Dims left = {batchDim()};
  bool nested = false;
  for (Dim dim : whole.dims)
    if (e.isTime(dim, whole.axes)) {
      const TimeAxis &time = e.times[e.infoOf(dim, whole.axes).name];
      nested |= !time.own().around.empty();
      lengths.push_back(time.own().value);
      left.push_back(dim);
    }
  if (nested) {
    for (Dim dim : ArrayRef(left).drop_front())
      whole = e.maskDim(whole, dim);
    return whole;
  }
  if (lengths.empty())
    return whole;
  for (Dim dim : whole.dims)
    if (!llvm::is_contained(left, dim))
      left.push_back(dim);
  whole.value = scan::LeaveOp::create(e.b, e.loc, whole.value, lengths);
  whole.dims = left;
  return whole;
}

/// Adds a result in the caller's layout.
void FunctionMaker::give(Lowering &lowering, StringRef name, Role role,
                         const Batched &value) {
  Emitter &e = lowering.e;
  bool scalar = role == Role::Loss;
  Slot slot{name.str(), role, {}, {}, false};
  Batched whole = value;
  auto type = cast<RankedTensorType>(value.value.getType());
  if (type.getElementType().isInteger(1)) {
    Batched one = e.constantInt(1, e.integer()),
            zero = e.constantInt(0, e.integer());
    whole = e.select(value, one, zero);
    whole.axes = value.axes;
  }
  if (!scalar) {
    Dims order = {batchDim()};
    slot.shape.push_back(b.getStringAttr("batch"));
    for (auto [i, axis] : llvm::enumerate(whole.axes)) {
      if (axis.time && lowering.options.step)
        continue;
      order.push_back(axisDim(i));
      if (axis.time)
        slot.shape.push_back(b.getStringAttr(axis.name));
      else
        slot.shape.push_back(b.getI64IntegerAttr(axis.size));
    }
    whole = leave(lowering, e.with(whole, order));
    whole.value = e.align(whole, order, whole.axes);
  }
  slot.type = whole.value.getType();
  results.push_back(slot);
  returned.push_back(whole.value);
}

void FunctionMaker::giveStates(Lowering &lowering, bool previous) {
  for (const StateInfo &state : info.states) {
    auto last = lowering.statesOut.find(StringRef(state.name));
    if (last != lowering.statesOut.end())
      give(lowering, "state." + state.name, Role::StateOut, last->second);
  }
  for (rnn::ObserveOp observe : info.observes) {
    auto last = lowering.previousOut.find(observe.getName());
    if (previous && last != lowering.previousOut.end())
      give(lowering, previousName(observe), Role::Prev, last->second);
  }
}

//===-- Predictions, forward runs, steps
//-----------------------------------===//

/// What a function gives of an output that is not fed back, its mode or a draw
/// of it; null if its distribution does not say.
static rnn::ValueType givenType(rnn::ObserveOp observe, bool isDraw) {
  auto law = observe.getDist().getDefiningOp<rnn::LawOp>();
  if (!law)
    return observe.getData().getType();
  Region &part = isDraw ? law.getSample() : law.getMode();
  if (part.empty())
    return {};
  return cast<rnn::ValueType>(rnn::LawOp::yielded(part).getType());
}

bool FunctionMaker::followsFromInputs(bool isDraw) const {
  SmallVector<StringRef> given;
  for (rnn::InputOp op : info.inputs)
    for (rnn::AxisAttr axis : rnn::InputOp(op).getType().getAxes())
      given.push_back(axis.getName());
  bool any = false;
  for (rnn::ObserveOp op : info.observes) {
    rnn::ObserveOp observe = op;
    if (info.isUnfold(observe))
      continue;
    rnn::ValueType type = givenType(observe, isDraw);
    if (!type)
      return false;
    any = true;
    if (!info.unknownTime(observe.getDist()).empty())
      return false;
    for (rnn::AxisAttr axis : type.getAxes())
      if (axis.isTime() && !llvm::is_contained(given, axis.getName()))
        return false;
  }
  return any && info.usersOfData().empty();
}

LogicalResult FunctionMaker::giveModes(Lowering &lowering, bool drawsOwn) {
  for (rnn::ObserveOp observe : info.observes) {
    bool unfold = info.isUnfold(observe);
    if (unfold && !lowering.options.step)
      continue;
    auto dist = lowering.distribution(observe);
    if (failed(dist))
      return failure();
    if (drawsOwn && dist->law) {
      auto drawn = lowering.draw(*dist);
      if (failed(drawn))
        return failure();
      give(lowering, observe.getName(), Role::Output, *drawn);
      continue;
    }
    if (!dist->hasMode())
      continue;
    auto mode = lowering.mode(*dist);
    if (failed(mode))
      return failure();
    auto [best, scale] = *mode;
    std::string name = observe.getName().str();
    if (!unfold || dist->kind != rnn::DistKind::Categorical)
      give(lowering, name, Role::Output, best);
    if (scale)
      give(lowering, name + ".p", Role::Probability, *scale);
  }
  return success();
}

LogicalResult FunctionMaker::makePredict() {
  return makeFromInputs("predict", commonSlots(false), /*drawsOwn=*/false);
}

LogicalResult FunctionMaker::makeSample() {
  SmallVector<Slot> slots = commonSlots(false);
  slots.push_back(seedSlot());
  return makeFromInputs("sample", slots, /*drawsOwn=*/true);
}

LogicalResult FunctionMaker::makeFound() {
  return make("beam", commonSlots(false), {},
              [&](Lowering &lowering) { return bodyOfForward(lowering); });
}

LogicalResult FunctionMaker::makeFromInputs(StringRef name,
                                            ArrayRef<Slot> slots,
                                            bool drawsOwn) {
  SmallVector<Value> roots;
  for (rnn::ObserveOp observe : info.observes)
    if (!info.isUnfold(observe))
      roots.push_back(observe.getDist());
  return make(name, slots, {}, [&](Lowering &lowering) {
    if (failed(lowerFor(lowering, roots)))
      return failure();
    return giveModes(lowering, drawsOwn);
  });
}

LogicalResult FunctionMaker::makePredictChunk() {
  LoweringOptions options;
  options.carried = true;
  SmallVector<Slot> slots = commonSlots(false);
  for (const StateInfo &state : info.states)
    slots.push_back(valueSlot(state.name, Role::StateIn, state.type, false));
  slots.push_back(rowsSlot("reset", Role::Reset));
  SmallVector<Value> roots;
  for (rnn::ObserveOp observe : info.observes)
    roots.push_back(observe.getDist());
  return make("predict_chunk", slots, options, [&](Lowering &lowering) {
    if (failed(lowerFor(lowering, roots)) || failed(giveModes(lowering)))
      return failure();
    giveStates(lowering, false);
    return success();
  });
}

LogicalResult FunctionMaker::bodyOfForward(Lowering &lowering) {
  SmallVector<Value> roots;
  for (rnn::ResultOp result : info.results)
    roots.push_back(result.getValue());
  for (rnn::FinalStateOp state : info.finalStates)
    roots.push_back(state.getValue());
  if (failed(lowerFor(lowering, roots)))
    return failure();
  for (rnn::ResultOp result : info.results) {
    auto value = lowering.get(result.getValue());
    if (failed(value))
      return failure();
    bool isScore = result.getName().ends_with(".score");
    give(lowering, result.getName(), isScore ? Role::Probability : Role::Output,
         *value);
  }
  for (rnn::FinalStateOp state : info.finalStates) {
    auto value = lowering.get(state.getValue());
    if (failed(value))
      return failure();
    give(lowering, ("state." + state.getName()).str(), Role::StateOut, *value);
  }
  return success();
}

LogicalResult FunctionMaker::makeForward() {
  SmallVector<Slot> slots = commonSlots(false);
  llvm::append_range(slots, firstStateSlots());
  return make("forward", slots, {},
              [&](Lowering &lowering) { return bodyOfForward(lowering); });
}

LogicalResult FunctionMaker::makeStep() {
  LoweringOptions options;
  options.step = true;
  SmallVector<Slot> slots = commonSlots(true);
  if (!info.isModel()) {
    llvm::append_range(slots, firstStateSlots());
    return make("step", slots, options,
                [&](Lowering &lowering) { return bodyOfForward(lowering); });
  }
  for (rnn::ObserveOp observe : info.observes)
    if (info.isUnfold(observe)) {
      auto type = cast<rnn::ValueType>(observe.getData().getType());
      slots.push_back(
          valueSlot(previousName(observe), Role::Prev, type.dropFront(), true));
    }
  for (const StateInfo &state : info.states)
    slots.push_back(valueSlot(state.name, Role::StateIn, state.type, true));
  slots.push_back(rowsSlot("reset", Role::Reset));
  return make("step", slots, options, [&](Lowering &lowering) {
    if (failed(
            lowerFor(lowering, rnn::rootsOfStep(rnn::ModuleOp(info.module)))) ||
        failed(giveModes(lowering)))
      return failure();
    giveStates(lowering, false);
    return success();
  });
}

} // namespace rnnc::batch
