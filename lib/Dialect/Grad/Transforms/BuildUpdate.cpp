// BuildUpdate.cpp: the update function from the settings of `train`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/Grad/Update.h"
#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Scan/Scan.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;
using interface::Role;

int64_t grad::unitSize(ArrayRef<int64_t> shape, ArrayRef<bool> labelled) {
  size_t dim = 0, plain = llvm::count(labelled, false);
  if (plain <= 1)
    return 1;
  while (labelled[dim])
    ++dim;
  int64_t size = 1;
  for (int64_t later : shape.drop_front(dim + 1))
    size *= later;
  return size;
}

static double numberOf(DictionaryAttr settings, StringRef name,
                       double otherwise) {
  Attribute value = settings ? settings.get(name) : Attribute();
  if (auto real = dyn_cast_or_null<FloatAttr>(value))
    return real.getValueAsDouble();
  if (auto integer = dyn_cast_or_null<IntegerAttr>(value))
    return integer.getValue().getSExtValue();
  return otherwise;
}

static DictionaryAttr optimizerOf(DictionaryAttr train) {
  return train ? train.getAs<DictionaryAttr>("optimize") : DictionaryAttr();
}

static StringRef nameOf(DictionaryAttr optimizer) {
  auto name = optimizer ? optimizer.getAs<StringAttr>("name") : StringAttr();
  return name ? name.getValue() : StringRef("adam");
}

static SmallVector<StringRef> slotsOfMethod(DictionaryAttr train) {
  DictionaryAttr optimizer = optimizerOf(train);
  StringRef name = nameOf(optimizer);
  bool momentum = numberOf(optimizer, "momentum", 0) != 0;
  if (name == "adam" || name == "adamw")
    return {"exp_avg", "exp_avg_sq"};
  if (name == "adagrad")
    return {"sum"};
  SmallVector<StringRef> slots;
  if (name == "rmsprop")
    slots.push_back("square_avg");
  if (momentum)
    slots.push_back("momentum_buffer");
  return slots;
}

// The setting `decay`, else the optimiser's own argument.
static double decayOf(DictionaryAttr train) {
  return numberOf(train, "decay", numberOf(optimizerOf(train), "decay", 0));
}

// The setting `average`; 0: none is kept.
static double averageOf(DictionaryAttr train) {
  return numberOf(train, "average", 0);
}

SmallVector<StringRef> grad::optimizerSlots(DictionaryAttr train) {
  SmallVector<StringRef> slots = slotsOfMethod(train);
  if (averageOf(train) > 0)
    slots.push_back("average");
  return slots;
}

// What a gradient becomes at most by the optimiser's division; 0: unknown. An
// entry of Adam's average is at most 1 / (1 - beta1) times as large after the
// correction, and the root that divides it is at least 0.
static double unitOf(DictionaryAttr optimizer) {
  StringRef name = nameOf(optimizer);
  auto liesIn = [&](StringRef key, double otherwise, double least,
                    double most) {
    double value = numberOf(optimizer, key, otherwise);
    return value >= least && value <= most;
  };
  if (!liesIn("momentum", 0, 0, 1))
    return 0;
  if (name == "sgd")
    return 1;
  double eps = numberOf(optimizer, "eps", name == "adagrad" ? 1e-10 : 1e-8);
  if (!(eps > 0))
    return 0;
  if (name == "rmsprop")
    return liesIn("alpha", 0.99, 0, 1) ? 1 / eps : 0;
  if (name == "adagrad")
    return numberOf(optimizer, "lr_decay", 0) >= 0 ? 1 / eps : 0;
  double beta1 = numberOf(optimizer, "beta1", 0.9);
  bool averages = beta1 >= 0 && beta1 < 1 && liesIn("beta2", 0.999, 0, 1);
  return averages ? 1 / (eps * (1 - beta1)) : 0;
}

UpdateReach grad::updateReach(DictionaryAttr train) {
  DictionaryAttr optimizer = optimizerOf(train);
  double rate = std::fabs(numberOf(optimizer, "lr", 1e-3)), factor = 1;
  if (auto rates = train ? train.getAs<DictionaryAttr>("rates") : train)
    for (NamedAttribute own : rates)
      factor = std::max(factor, numberOf(rates, own.getName(), 1));
  bool isApart = nameOf(optimizer) == "adamw";
  double decay = decayOf(train);
  return {rate * factor, isApart ? 0 : decay, isApart ? decay : 0,
          unitOf(optimizer)};
}

static StringRef kindOf(Attribute clip) {
  auto kind = cast<DictionaryAttr>(clip).getAs<StringAttr>("kind");
  return kind ? kind.getValue() : StringRef();
}

static std::string quoted(StringRef name) { return ("`" + name + "`").str(); }

// Why the optimiser moves what has no gradient; empty: it does not. What is not
// known to be safe counts as moving.
static std::string reasonToMove(DictionaryAttr train,
                                ArrayRef<ParameterPlace> parameters) {
  DictionaryAttr optimizer = optimizerOf(train);
  StringRef name = nameOf(optimizer);
  if (name != "sgd" && name != "adagrad")
    return quoted(name);
  for (StringRef key : {"momentum", "decay"})
    if (numberOf(optimizer, key, 0) != 0 || numberOf(train, key, 0) != 0)
      return quoted(key);
  // 0 / (sqrt(0) + eps) has to be 0.
  if (name == "adagrad" && !(numberOf(optimizer, "eps", 1e-10) > 0))
    return quoted("eps");
  // -0 - -0 is +0.
  bool isNegative = !(numberOf(optimizer, "lr", 1e-3) >= 0);
  for (const ParameterPlace &place : parameters)
    isNegative |= !(place.rate >= 0);
  return isNegative ? "a negative rate" : "";
}

// Why rows without a gradient cannot be left out, whatever the optimiser does
// with them; empty: they can.
static std::string reasonToVisit(DictionaryAttr train) {
  if (averageOf(train) != 0)
    return quoted("average");
  // The batches of an update read other rows each.
  if (numberOf(train, "accumulate", 1) != 1)
    return quoted("accumulate");
  auto clips = train ? train.getAs<ArrayAttr>("clip") : ArrayAttr();
  for (Attribute setting : clips ? clips.getValue() : ArrayRef<Attribute>())
    if (auto clip = dyn_cast<DictionaryAttr>(setting);
        !clip || kindOf(clip) == "adaptive" ||
        !(numberOf(clip, "limit", 0) > 0))
      return quoted(clip && kindOf(clip) == "adaptive" ? "clip adaptive"
                                                       : "clip");
  return "";
}

namespace {
/// A part of the arena whose entries are all treated alike.
struct Stretch {
  int64_t begin, end;
  double rate = 1;             ///< factor on the rate
  int64_t unit = 1;            ///< for adaptive clipping
  bool stays = false;          ///< no parameter of it moves
  bool isGap = false;          ///< between parameters: zeros
  bool lazy = false;           ///< what has no gradient stays
  SmallVector<Value> old = {}; ///< parameters, then the optimiser's memory
  SmallVector<Value> now = {}; ///< the same after the update
  Value grads = {}, unclipped = {};
};

class UpdateBuilder {
public:
  UpdateBuilder(OpBuilder &builder, Location loc, StringRef module,
                DictionaryAttr train, ArrayRef<ParameterPlace> parameters,
                int64_t total, FloatType real)
      : builder(builder), loc(loc), module(module), train(train),
        parameters(parameters), arena(RankedTensorType::get({total}, real)) {}

  FailureOr<func::FuncOp> build();

private:
  func::FuncOp makeFunction();
  void describe(func::FuncOp function);
  void describeRest(func::FuncOp function);
  ArrayRef<Attribute> clips() const;
  bool clipsEach() const;
  SmallVector<Stretch> findStretches() const;
  Value partOf(Value whole, const Stretch &stretch);
  SmallVector<Stretch> takeApart(Block &body);
  LogicalResult clip(MutableArrayRef<Stretch> stretches,
                     DictionaryAttr setting);
  FailureOr<SmallVector<Value>>
  update(Value params, Value grads, ValueRange slots, Value rate, Value step);
  LogicalResult update(Stretch &stretch, Value rate, Value step);
  void keepUnless(Value finite, Stretch &stretch);
  void keepWithoutGradient(Stretch &stretch);
  Value scalarAt(Value scalars, int64_t place);
  Value average(Value before, Value params);
  Value together(ArrayRef<Stretch> stretches, size_t place);

  OpBuilder &builder;
  Location loc;
  StringRef module;
  DictionaryAttr train;
  ArrayRef<ParameterPlace> parameters;
  RankedTensorType arena;
};
} // namespace

func::FuncOp UpdateBuilder::makeFunction() {
  MLIRContext *context = builder.getContext();
  size_t slots = optimizerSlots(train).size();
  SmallVector<Type> inputs(2 + slots, arena), results(1 + slots, arena);
  inputs.push_back(RankedTensorType::get({4}, Float64Type::get(context)));
  results.push_back(RankedTensorType::get({}, arena.getElementType()));
  results.push_back(RankedTensorType::get({}, IntegerType::get(context, 32)));
  return func::FuncOp::create(builder, loc, (module + ".update").str(),
                              builder.getFunctionType(inputs, results));
}

// The attributes that the following levels and the library read.
void UpdateBuilder::describe(func::FuncOp function) {
  function->setAttr(interface::kFunction,
                    interface::FunctionAttr::get(
                        builder.getContext(), builder.getStringAttr(module),
                        builder.getStringAttr("update"), /*dims=*/{},
                        /*results=*/0));
  auto attributes = [&](const Twine &name, Role role, Type type) {
    return interface::attributesOf(interface::SlotAttr::get(
        builder.getStringAttr(name), role,
        builder.getI64ArrayAttr(cast<RankedTensorType>(type).getShape())));
  };
  SmallVector<StringRef> slots = optimizerSlots(train);
  unsigned argument = 0, result = 0;
  auto addArgument = [&](const Twine &name, Role role) {
    function.setArgAttrs(
        argument,
        attributes(name, role, function.getArgumentTypes()[argument]));
    ++argument;
  };
  auto addResult = [&](const Twine &name, Role role) {
    function.setResultAttrs(
        result, attributes(name, role, function.getResultTypes()[result]));
    ++result;
  };
  addArgument("params", Role::Params);
  addArgument("grads", Role::Grads);
  for (StringRef slot : slots)
    addArgument(slot, Role::Slot);
  addArgument("scalars", Role::Scalars);
  addResult("params", Role::Params);
  for (StringRef slot : slots)
    addResult(slot, Role::Slot);
  addResult("norm", Role::Norm);
  addResult("finite", Role::Finite);
  describeRest(function);
}

// Which parts of the arenas stay as they are without a gradient.
void UpdateBuilder::describeRest(func::FuncOp function) {
  std::string visits = reasonToVisit(train);
  std::string moves = visits.empty() ? reasonToMove(train, parameters) : visits;
  SmallVector<int64_t> still;
  if (moves.empty()) {
    still = {0, arena.getDimSize(0)};
  } else {
    function->setAttr(kMovesAll, builder.getStringAttr(moves));
    for (const ParameterPlace &place : parameters)
      if (visits.empty() && place.lazy)
        still.append({place.offset, place.offset + place.size});
  }
  function->setAttr(kKeepsStill, builder.getDenseI64ArrayAttr(still));
}

Value UpdateBuilder::scalarAt(Value scalars, int64_t place) {
  SmallVector<OpFoldResult> offset = {builder.getIndexAttr(place)};
  SmallVector<OpFoldResult> one = {builder.getIndexAttr(1)};
  return tensor::ExtractSliceOp::create(builder, loc,
                                        getScalarType(builder.getContext()),
                                        scalars, offset, one, one);
}

ArrayRef<Attribute> UpdateBuilder::clips() const {
  auto all = train ? train.getAs<ArrayAttr>("clip") : ArrayAttr();
  return all ? all.getValue() : ArrayRef<Attribute>();
}

// Each parameter's gradient is limited for itself.
bool UpdateBuilder::clipsEach() const {
  return llvm::any_of(clips(), [](Attribute clip) {
    return kindOf(clip) == "norm" || kindOf(clip) == "adaptive";
  });
}

// All of the arena, in order. Between parameters there are zeros.
SmallVector<Stretch> UpdateBuilder::findStretches() const {
  bool each = clipsEach();
  SmallVector<Stretch> stretches;
  auto add = [&](Stretch stretch) {
    if (!stretches.empty() && stretches.back().stays == stretch.stays &&
        stretches.back().isGap == stretch.isGap &&
        stretches.back().lazy == stretch.lazy &&
        stretches.back().rate == stretch.rate && (!each || stretch.stays))
      stretches.back().end = stretch.end;
    else if (stretch.begin != stretch.end)
      stretches.push_back(std::move(stretch));
  };
  for (auto [i, place] : llvm::enumerate(parameters)) {
    int64_t end = place.offset + place.size;
    int64_t next = i + 1 == parameters.size() ? arena.getDimSize(0)
                                              : parameters[i + 1].offset;
    // Without a gradient only weight decay could move a parameter.
    bool stays = !place.trainable && (each || decayOf(train) != 0);
    Stretch own{place.offset, each ? end : next, place.rate, place.unit, stays};
    own.lazy = place.lazy;
    add(own);
    if (each)
      add({end, next, 1, 1, true, true});
  }
  if (stretches.empty())
    stretches.push_back({0, arena.getDimSize(0)});
  return stretches;
}

Value UpdateBuilder::partOf(Value whole, const Stretch &stretch) {
  if (stretch.begin == 0 && stretch.end == arena.getDimSize(0))
    return whole;
  SmallVector<OpFoldResult> offset = {builder.getIndexAttr(stretch.begin)};
  SmallVector<OpFoldResult> size = {
      builder.getIndexAttr(stretch.end - stretch.begin)};
  SmallVector<OpFoldResult> one = {builder.getIndexAttr(1)};
  return tensor::ExtractSliceOp::create(builder, loc, whole, offset, size, one);
}

SmallVector<Stretch> UpdateBuilder::takeApart(Block &body) {
  SmallVector<Stretch> stretches = findStretches();
  for (Stretch &stretch : stretches) {
    stretch.old.push_back(partOf(body.getArgument(0), stretch));
    for (Value slot : ValueRange(body.getArguments()).drop_front(2).drop_back())
      stretch.old.push_back(partOf(slot, stretch));
    stretch.grads = stretch.unclipped = partOf(body.getArgument(1), stretch);
  }
  return stretches;
}

// Whether the gradients of a stretch are part of a norm of all: those of what
// moves, or, where nothing does, zeros.
static bool isCounted(const Stretch &stretch, ArrayRef<Stretch> stretches) {
  return !stretch.stays || llvm::all_of(stretches, [](const Stretch &other) {
    return other.stays;
  });
}

static SmallVector<Value> gradsOf(ArrayRef<Stretch> stretches) {
  SmallVector<Value> grads;
  for (const Stretch &stretch : stretches)
    if (isCounted(stretch, stretches))
      grads.push_back(stretch.grads);
  return grads;
}

LogicalResult UpdateBuilder::clip(MutableArrayRef<Stretch> stretches,
                                  DictionaryAttr setting) {
  FloatAttr limit = builder.getF64FloatAttr(numberOf(setting, "limit", 0));
  StringRef kind = kindOf(setting);
  auto together = [&](ValueRange grads) {
    return ClipNormOp::create(builder, loc, grads.getTypes(), grads, limit)
        .getClipped();
  };
  if (kind == "global_norm") {
    SmallVector<Value> clipped(together(gradsOf(stretches)));
    for (Stretch &stretch : llvm::reverse(stretches))
      if (isCounted(stretch, stretches))
        stretch.grads = clipped.pop_back_val();
    return success();
  }
  for (Stretch &stretch : stretches) {
    if (stretch.stays)
      continue;
    if (kind == "value")
      stretch.grads = ClipValueOp::create(builder, loc, stretch.grads, limit);
    else if (kind == "norm")
      stretch.grads = together(stretch.grads).front();
    else if (kind == "adaptive")
      stretch.grads = ClipAdaptiveOp::create(
          builder, loc, stretch.grads, stretch.old.front(), limit,
          builder.getI64IntegerAttr(stretch.unit));
    else
      return emitError(loc) << "there is no clipping by `" << kind << "`";
  }
  return success();
}

FailureOr<SmallVector<Value>> UpdateBuilder::update(Value params, Value grads,
                                                    ValueRange slots,
                                                    Value rate, Value step) {
  DictionaryAttr optimizer = optimizerOf(train);
  StringRef name = nameOf(optimizer);
  auto setting = [&](StringRef key, double otherwise) {
    return builder.getF64FloatAttr(numberOf(optimizer, key, otherwise));
  };
  Type type = params.getType();
  SmallVector<Type> slotTypes(slots.size(), type);
  FloatAttr decay = builder.getF64FloatAttr(decayOf(train));
  FloatAttr momentum = setting("momentum", 0);
  auto flag = [&](bool on) { return on ? builder.getUnitAttr() : UnitAttr(); };
  Operation *op;
  if (name == "sgd") {
    bool nesterov = numberOf(optimizer, "nesterov", 0) != 0;
    if (nesterov && slots.empty())
      return emitError(loc, "nesterov needs a momentum");
    op = SgdOp::create(builder, loc, type, slotTypes, params, grads, slots,
                       rate, step, momentum, flag(nesterov), decay);
  } else if (name == "adam" || name == "adamw") {
    op = AdamOp::create(builder, loc, type, slotTypes, params, grads, slots,
                        rate, step, setting("beta1", 0.9),
                        setting("beta2", 0.999), setting("eps", 1e-8), decay,
                        flag(name == "adamw"));
  } else if (name == "rmsprop") {
    op = RmspropOp::create(builder, loc, type, slotTypes, params, grads, slots,
                           rate, step, setting("alpha", 0.99),
                           setting("eps", 1e-8), momentum, decay);
  } else if (name == "adagrad") {
    op = AdagradOp::create(builder, loc, type, slotTypes, params, grads, slots,
                           rate, step, setting("lr_decay", 0),
                           setting("eps", 1e-10), decay);
  } else {
    return emitError(loc) << "there is no optimiser `" << name << "`";
  }
  return SmallVector<Value>(op->getResults());
}

LogicalResult UpdateBuilder::update(Stretch &stretch, Value rate, Value step) {
  bool isAveraged = averageOf(train) > 0;
  stretch.now = stretch.old;
  ValueRange slots = ValueRange(stretch.old).drop_front().drop_back(isAveraged);
  if (!stretch.isGap && (!stretch.stays || !slots.empty())) {
    if (stretch.rate != 1)
      rate = arith::MulFOp::create(
          builder, loc, rate,
          scan::splat(builder, loc, cast<RankedTensorType>(rate.getType()), {},
                      stretch.rate));
    auto updated =
        update(stretch.old.front(), stretch.grads, slots, rate, step);
    if (failed(updated))
      return failure();
    llvm::copy(*updated, stretch.now.begin());
    if (stretch.stays)
      stretch.now.front() = stretch.old.front();
    if (stretch.lazy)
      keepWithoutGradient(stretch);
  }
  if (isAveraged)
    stretch.now.back() = average(stretch.old.back(), stretch.now.front());
  return success();
}

// The setting `lazy`. What is not a number counts as a gradient.
void UpdateBuilder::keepWithoutGradient(Stretch &stretch) {
  auto type = cast<RankedTensorType>(stretch.unclipped.getType());
  Value moves = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE,
                                      stretch.unclipped,
                                      scan::splat(builder, loc, type, {}, 0));
  for (auto [old, now] : llvm::zip_equal(stretch.old, stretch.now))
    if (old != now)
      now = arith::SelectOp::create(builder, loc, moves, now, old);
}

// Nothing changes if a gradient is not finite, or larger than is asked for.
void UpdateBuilder::keepUnless(Value finite, Stretch &stretch) {
  Type type =
      RankedTensorType::get({stretch.end - stretch.begin}, builder.getI1Type());
  Value everywhere =
      scan::BroadcastOp::create(builder, loc, type, finite, ValueRange(),
                                builder.getDenseI64ArrayAttr({}));
  for (auto [old, now] : llvm::zip_equal(stretch.old, stretch.now))
    if (old != now)
      now = arith::SelectOp::create(builder, loc, everywhere, now, old);
}

// average + (1 - decay) (params - average). It begins with zeros: who reads it
// divides by 1 - decay^updates.
Value UpdateBuilder::average(Value before, Value params) {
  Value share =
      scan::splat(builder, loc, cast<RankedTensorType>(params.getType()), {},
                  1 - averageOf(train));
  Value change = arith::SubFOp::create(builder, loc, params, before);
  return arith::AddFOp::create(
      builder, loc, before, arith::MulFOp::create(builder, loc, share, change));
}

// The arena that the stretches are.
Value UpdateBuilder::together(ArrayRef<Stretch> stretches, size_t place) {
  SmallVector<Value> parts;
  for (const Stretch &stretch : stretches)
    parts.push_back(stretch.now[place]);
  if (parts.size() == 1)
    return parts.front();
  return tensor::ConcatOp::create(builder, loc, arena, 0, parts);
}

FailureOr<func::FuncOp> UpdateBuilder::build() {
  func::FuncOp function = makeFunction();
  describe(function);
  OpBuilder::InsertionGuard guard(builder);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  Value scalars = body->getArguments().back();
  SmallVector<Stretch> stretches = takeApart(*body);

  RankedTensorType scalar = getScalarType(builder.getContext());
  double lr = numberOf(optimizerOf(train), "lr", 1e-3);
  Value factor = scan::splat(builder, loc, scalar, {}, lr);
  Value rate =
      arith::MulFOp::create(builder, loc, scalarAt(scalars, 0), factor);
  Value step = scalarAt(scalars, 1);
  Value norm = NormOp::create(builder, loc, gradsOf(stretches));

  for (Attribute setting : clips())
    if (failed(clip(stretches, cast<DictionaryAttr>(setting))))
      return failure();
  Value finite = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT,
                                       norm, scalarAt(scalars, 2));
  for (Stretch &stretch : stretches) {
    if (failed(update(stretch, rate, step)))
      return failure();
    keepUnless(finite, stretch);
  }
  SmallVector<Value> results;
  for (size_t place = 0; place != stretches.front().now.size(); ++place)
    results.push_back(together(stretches, place));
  if (arena.getElementType().isF64())
    results.push_back(norm);
  else
    results.push_back(arith::TruncFOp::create(
        builder, loc, RankedTensorType::get({}, arena.getElementType()), norm));
  auto flagType = RankedTensorType::get({}, builder.getI32Type());
  results.push_back(arith::SelectOp::create(
      builder, loc, finite, scan::splat(builder, loc, flagType, {}, 1),
      scan::splat(builder, loc, flagType, {}, 0)));
  func::ReturnOp::create(builder, loc, results);
  return function;
}

FailureOr<func::FuncOp> grad::buildUpdateFunction(
    OpBuilder &builder, Location loc, StringRef module, DictionaryAttr train,
    ArrayRef<ParameterPlace> parameters, int64_t total, FloatType real) {
  return UpdateBuilder(builder, loc, module, train, parameters, total, real)
      .build();
}
