// Manifest.cpp: what a module offers, as an attribute.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Functions.h"

#include "rnnc/Dialect/Grad/Update.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace rnnc::batch {

/// Parameters start at multiples of a cache line.
static constexpr int64_t alignment = 64;

static int64_t bytesOf(rnn::ValueType type, FloatType real) {
  int64_t bytes = real.getWidth() / 8;
  for (rnn::AxisAttr axis : type.getAxes())
    bytes *= axis.getSize();
  return bytes;
}

std::pair<SmallVector<int64_t>, int64_t>
layOutParameters(const ModuleInfo &info, FloatType real) {
  SmallVector<int64_t> offsets;
  int64_t end = 0;
  for (rnn::ParamOp param : info.params) {
    offsets.push_back(end);
    end = llvm::alignTo(end + bytesOf(param.getType(), real), alignment);
  }
  return {offsets, end};
}

static Attribute nameOf(Builder &b, rnn::AxisAttr axis) {
  return b.getStringAttr(axis.getName());
}

static Attribute sizeOf(Builder &b, rnn::AxisAttr axis) {
  return axis.isTime() ? nameOf(b, axis) : b.getI64IntegerAttr(axis.getSize());
}

static ArrayAttr listOf(Builder &b, rnn::ValueType type,
                        Attribute (*field)(Builder &, rnn::AxisAttr)) {
  return b.getArrayAttr(llvm::map_to_vector(
      type.getAxes(), [&](rnn::AxisAttr axis) { return field(b, axis); }));
}

static interface::PortAttr describeValue(Builder &b, StringRef name,
                                         rnn::ValueType type,
                                         DictionaryAttr output = {}) {
  rnn::AxisAttr of = type.isIndex() ? type.getIndexAxis() : rnn::AxisAttr();
  return interface::PortAttr::get(
      b.getContext(), b.getStringAttr(name),
      b.getStringAttr(rnn::stringifyValueKind(type.getKind())),
      listOf(b, type, nameOf), listOf(b, type, sizeOf),
      of ? b.getStringAttr(of.getName()) : StringAttr(),
      of ? sizeOf(b, of) : Attribute(), output);
}

static Attribute describeAxes(Builder &b, const ModuleInfo &info) {
  SmallVector<Attribute> axes;
  llvm::StringSet<> seen;
  DictionaryAttr labels = rnn::ModuleOp(info.module).getAxes();
  auto add = [&](rnn::AxisAttr axis) {
    if (axis.isTime() || !seen.insert(axis.getName()).second)
      return;
    SmallVector<NamedAttribute> known = {
        b.getNamedAttr("name", nameOf(b, axis)),
        b.getNamedAttr("size", sizeOf(b, axis))};
    if (Attribute names = labels.get(axis.getName()))
      known.push_back(b.getNamedAttr("labels", names));
    axes.push_back(b.getDictionaryAttr(known));
  };
  auto addType = [&](rnn::ValueType type) {
    llvm::for_each(type.getAxes(), add);
    if (type.isIndex())
      add(type.getIndexAxis());
  };
  for (rnn::ParamOp op : info.params)
    addType(op.getType());
  for (rnn::InputOp op : info.inputs)
    addType(op.getType());
  for (rnn::OutputOp op : info.outputs)
    addType(op.getType());
  return b.getArrayAttr(axes);
}

static ArrayAttr describeParameters(Builder &b, const ModuleInfo &info,
                                    FloatType real) {
  SmallVector<Attribute> list;
  SmallVector<int64_t> offsets = layOutParameters(info, real).first;
  for (auto [param, offset] : llvm::zip(info.params, offsets)) {
    rnn::ParamOp op = param;
    list.push_back(interface::ParameterAttr::get(
        b.getContext(), op.getNameAttr(), listOf(b, op.getType(), sizeOf),
        listOf(b, op.getType(), nameOf), op.getInit(), op.getFrozen(), offset));
  }
  return b.getArrayAttr(list);
}

/// How an output is distributed; of an `unfold`, where it starts and stops.
static DictionaryAttr describePrediction(Builder &b, rnn::ObserveOp observe) {
  SmallVector<NamedAttribute> known;
  Operation *dist = observe.getDist().getDefiningOp();
  if (auto unfold = dyn_cast<rnn::UnfoldOp>(dist)) {
    SmallVector<NamedAttribute> limits;
    auto add = [&](StringRef name, std::optional<uint64_t> value) {
      if (value)
        limits.push_back(
            b.getNamedAttr(name, b.getI64IntegerAttr(int64_t(*value))));
    };
    add("start", unfold.getStart());
    add("stop", unfold.getStop());
    add("max", unfold.getMax());
    if (!unfold.getAxis().isTime())
      add("steps", unfold.getAxis().getSize());
    known.push_back(b.getNamedAttr("unfold", b.getDictionaryAttr(limits)));
    dist = unfold.getYield().getOut()[0].getDefiningOp();
  }
  if (auto plain = dyn_cast_or_null<rnn::DistOp>(dist))
    known.push_back(b.getNamedAttr(
        "distribution",
        b.getStringAttr(rnn::stringifyDistKind(plain.getKind()))));
  if (auto law = dyn_cast_or_null<rnn::LawOp>(dist))
    known.push_back(b.getNamedAttr("distribution", law.getNameAttr()));
  return b.getDictionaryAttr(known);
}

static Attribute describeOutput(Builder &b, const ModuleInfo &info,
                                rnn::OutputOp op) {
  DictionaryAttr predicted;
  for (rnn::ObserveOp observe : info.observes)
    if (observe.getData() == op.getResult())
      predicted = describePrediction(b, observe);
  return describeValue(b, op.getName(), op.getType(), predicted);
}

static ArrayAttr describeStates(Builder &b, const ModuleInfo &info) {
  SmallVector<Attribute> states;
  // What spans a time axis belongs to one call: nothing goes on from it.
  auto isTime = [](rnn::AxisAttr axis) { return axis.isTime(); };
  if (info.isModel())
    for (const StateInfo &state : info.states)
      if (llvm::none_of(state.type.getAxes(), isTime))
        states.push_back(describeValue(b, state.name, state.type));
  for (rnn::FirstStateOp op : info.firstStates)
    states.push_back(describeValue(b, op.getName(), op.getType()));
  return b.getArrayAttr(states);
}

/// Time axes that must have a step: there is no index to give over nothing.
static Attribute nonempty(Builder &b, rnn::ModuleOp module) {
  SmallVector<StringRef> names;
  auto add = [&](rnn::AxisAttr axis) {
    if (axis.isTime() && !llvm::is_contained(names, axis.getName()))
      names.push_back(axis.getName());
  };
  module.walk([&](rnn::BindOp op) {
    if (op.getKind() == rnn::BindKind::ArgMax)
      add(op.getAxis());
  });
  module.walk([&](rnn::ArgMaxOp op) {
    auto type = cast<rnn::ValueType>(op->getOperand(0).getType());
    add(type.getAxes().back());
  });
  return b.getStrArrayAttr(names);
}

static DictionaryAttr describeSettings(Builder &b, const ModuleInfo &info) {
  rnn::ModuleOp module = info.module;
  SmallVector<StringRef> times(info.times.begin(), info.times.end());
  SmallVector<NamedAttribute> settings = {
      b.getNamedAttr("axes", describeAxes(b, info)),
      b.getNamedAttr("times", b.getStrArrayAttr(times)),
      b.getNamedAttr("nonempty", nonempty(b, module)),
      b.getNamedAttr("train", module.getTrain()),
      b.getNamedAttr("random", b.getBoolAttr(info.random))};
  if (info.isModel())
    settings.push_back(b.getNamedAttr(
        "slot_names",
        b.getStrArrayAttr(grad::optimizerSlots(module.getTrain()))));
  return b.getDictionaryAttr(settings);
}

interface::ModuleAttr describeModule(const ModuleInfo &info, FloatType real) {
  rnn::ModuleOp module = info.module;
  Builder b(module.getContext());
  SmallVector<Attribute> inputs, outputs;
  for (rnn::InputOp op : info.inputs)
    inputs.push_back(describeValue(b, op.getName(), op.getType()));
  for (rnn::OutputOp op : info.outputs)
    outputs.push_back(describeOutput(b, info, op));
  return interface::ModuleAttr::get(
      b.getContext(), module.getSymNameAttr(), module.getKindAttr(),
      module.getSourceAttr(), describeParameters(b, info, real),
      b.getArrayAttr(inputs), b.getArrayAttr(outputs), describeStates(b, info),
      module.getExports(), describeSettings(b, info));
}

} // namespace rnnc::batch
