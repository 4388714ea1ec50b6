// Manifest.cpp: the static part of a module's manifest.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Functions.h"

#include "rnnc/Dialect/Grad/Update.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
namespace json = llvm::json;

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

/// Attributes of the train block and of initialisers as JSON.
static json::Value toJson(Attribute attribute) {
  if (auto text = dyn_cast<StringAttr>(attribute))
    return json::Value(text.getValue());
  if (auto flag = dyn_cast<BoolAttr>(attribute))
    return json::Value(flag.getValue());
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return json::Value(number.getInt());
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return json::Value(number.getValueAsDouble());
  if (auto list = dyn_cast<ArrayAttr>(attribute)) {
    json::Array array;
    for (Attribute element : list)
      array.push_back(toJson(element));
    return json::Value(std::move(array));
  }
  if (auto dictionary = dyn_cast<DictionaryAttr>(attribute)) {
    json::Object object;
    for (NamedAttribute entry : dictionary)
      object[entry.getName().getValue()] = toJson(entry.getValue());
    return json::Value(std::move(object));
  }
  return json::Value(isa<UnitAttr>(attribute) ? json::Value(true)
                                              : json::Value(nullptr));
}

static json::Value nameOf(rnn::AxisAttr axis) { return axis.getName().str(); }

static json::Value sizeOf(rnn::AxisAttr axis) {
  if (axis.isTime())
    return axis.getName().str();
  return axis.getSize();
}

static json::Array listOf(rnn::ValueType type,
                          json::Value (*field)(rnn::AxisAttr)) {
  json::Array array;
  for (rnn::AxisAttr axis : type.getAxes())
    array.push_back(field(axis));
  return array;
}

static json::Object describeValue(StringRef name, rnn::ValueType type) {
  json::Object object{{"name", name.str()},
                      {"kind", rnn::stringifyValueKind(type.getKind()).str()},
                      {"axes", listOf(type, nameOf)},
                      {"shape", listOf(type, sizeOf)}};
  if (type.isIndex()) {
    object["axis"] = type.getIndexAxis().getName().str();
    object["size"] = sizeOf(type.getIndexAxis());
  }
  return object;
}

static json::Array describeAxes(const ModuleInfo &info) {
  json::Array axes;
  llvm::StringSet<> seen;
  DictionaryAttr labels = rnn::ModuleOp(info.module).getAxes();
  auto add = [&](rnn::AxisAttr axis) {
    if (axis.isTime() || !seen.insert(axis.getName()).second)
      return;
    json::Object object{{"name", axis.getName().str()}, {"size", axis.getSize()}};
    if (Attribute names = labels.get(axis.getName()))
      object["labels"] = toJson(names);
    axes.push_back(std::move(object));
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
  return axes;
}

static json::Array describeParameters(const ModuleInfo &info, FloatType real) {
  json::Array list;
  SmallVector<int64_t> offsets = layOutParameters(info, real).first;
  for (auto [param, offset] : llvm::zip(info.params, offsets)) {
    rnn::ParamOp op = param;
    json::Object object{{"name", op.getName().str()},
                        {"shape", listOf(op.getType(), sizeOf)},
                        {"axes", listOf(op.getType(), nameOf)},
                        {"trainable", !op.getFrozen()},
                        {"offset", offset},
                        {"bytes", bytesOf(op.getType(), real)}};
    // The kind alone, and all its numbers.
    if (auto kind = op.getInit().getAs<StringAttr>("kind"))
      object["init"] = kind.getValue().str();
    object["init_args"] = toJson(op.getInit());
    list.push_back(std::move(object));
  }
  return list;
}

static json::Object describeOutput(const ModuleInfo &info, rnn::OutputOp op) {
  json::Object object = describeValue(op.getName(), op.getType());
  for (rnn::ObserveOp observe : info.observes) {
    if (observe.getData() != op.getResult())
      continue;
    Operation *dist = observe.getDist().getDefiningOp();
    auto unfold = dyn_cast<rnn::UnfoldOp>(dist);
    if (unfold) {
      auto number = [](std::optional<uint64_t> value) -> json::Value {
        return value ? json::Value(int64_t(*value)) : json::Value(nullptr);
      };
      object["unfold"] = json::Object{{"start", number(unfold.getStart())},
                                      {"stop", number(unfold.getStop())},
                                      {"max", number(unfold.getMax())}};
      if (!unfold.getAxis().isTime())
        object.getObject("unfold")->insert(
            {"steps", unfold.getAxis().getSize()});
      dist = unfold.getYield().getOut()[0].getDefiningOp();
    }
    if (auto plain = dyn_cast_or_null<rnn::DistOp>(dist))
      object["distribution"] = rnn::stringifyDistKind(plain.getKind()).str();
  }
  return object;
}

/// Time axes that must have a step: there is no index to give over nothing.
static json::Array nonempty(rnn::ModuleOp module) {
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
  json::Array out;
  for (StringRef name : names)
    out.push_back(name.str());
  return out;
}

json::Value describeModule(const ModuleInfo &info, FloatType real) {
  rnn::ModuleOp module = info.module;
  json::Object object{{"name", module.getSymName().str()},
                      {"kind", module.getKind().str()},
                      {"source", module.getSource().str()},
                      {"axes", describeAxes(info)},
                      {"times", json::Array(info.times)},
                      {"nonempty", nonempty(info.module)},
                      {"parameters", describeParameters(info, real)},
                      {"train", toJson(module.getTrain())},
                      {"exports", toJson(module.getExports())},
                      {"random", info.random}};
  json::Array inputs, outputs, states;
  for (rnn::InputOp op : info.inputs)
    inputs.push_back(describeValue(op.getName(), op.getType()));
  for (rnn::OutputOp op : info.outputs)
    outputs.push_back(describeOutput(info, op));
  auto addState = [&](StringRef name, rnn::ValueType type) {
    states.push_back(json::Object{{"name", name.str()},
                                  {"shape", listOf(type, sizeOf)}});
  };
  // What spans a time axis belongs to one call: nothing goes on from it.
  auto isTime = [](rnn::AxisAttr axis) { return axis.isTime(); };
  if (info.isModel())
    for (const StateInfo &state : info.states)
      if (llvm::none_of(state.type.getAxes(), isTime))
        addState(state.name, state.type);
  for (rnn::FirstStateOp op : info.firstStates)
    addState(op.getName(), op.getType());
  if (info.isModel()) {
    json::Array names;
    for (StringRef slot : grad::optimizerSlots(module.getTrain()))
      names.push_back(slot.str());
    object["optimizer"] = json::Object{{"slots", int64_t(names.size())},
                                       {"slot_names", std::move(names)}};
  }
  object["inputs"] = std::move(inputs);
  object["outputs"] = std::move(outputs);
  object["states"] = std::move(states);
  return object;
}

} // namespace rnnc::batch
