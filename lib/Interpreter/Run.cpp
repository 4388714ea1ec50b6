// Run.cpp - a module of the rnn level on a batch, one example after the other.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Example.h"

#include <algorithm>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

namespace {

class Batch {
public:
  Batch(rnn::ModuleOp module, const Arrays &inputs, const RunOptions &options,
        std::string &error)
      : module(module), inputs(inputs), options(options), error(error) {}

  std::optional<Arrays> evaluate();
  std::optional<double> objective();
  bool prepare();
  std::vector<std::string> variables();
  void replace(const Arrays &other) { inputs = other; }

private:
  bool declare(StringRef name, rnn::ValueType type, bool isParam,
               bool isOptional);
  bool shapes(StringRef name, rnn::ValueType type, bool isParam);
  Array pick(const Array &array, rnn::ValueType type, int64_t row);
  int64_t lengthOf(rnn::AxisAttr axis, int64_t row);
  void give(Arrays &outputs, const std::string &name, rnn::ValueType type,
            const std::vector<ExampleResult> &examples);

  rnn::ModuleOp module;
  Arrays inputs;
  const RunOptions &options;
  std::string &error;
  int64_t batch = -1;
  std::map<std::string, int64_t> padded; ///< of each time axis
  std::vector<std::pair<std::string, rnn::ValueType>> data;
  std::vector<std::pair<std::string, rnn::ValueType>> params;
};

} // namespace

/// Learns batch size and padded lengths from an array, and checks its shape.
bool Batch::shapes(StringRef name, rnn::ValueType type, bool isParam) {
  const Array &array = inputs.find(name.str())->second;
  Shape want;
  bool fits = array.shape.size() == size_t(type.getRank()) + !isParam;
  if (fits && !isParam) {
    if (batch < 0)
      batch = array.shape[0];
    fits = array.shape[0] == batch;
  }
  for (size_t i = 0; fits && i < size_t(type.getRank()); ++i) {
    rnn::AxisAttr axis = type.getAxes()[i];
    int64_t size = array.shape[i + !isParam];
    if (axis.isTime())
      fits = padded.try_emplace(axis.getName().str(), size).first->second == size;
    else
      fits = axis.getSize() == size;
  }
  if (!fits)
    error = "`" + name.str() + "` has another shape than " +
            rnn::spell(type) + (isParam ? "" : " for each example");
  return fits;
}

bool Batch::declare(StringRef name, rnn::ValueType type, bool isParam,
                    bool isOptional) {
  if (!inputs.count(name.str())) {
    if (!isOptional)
      error = "`" + name.str() + "` is not given";
    return isOptional;
  }
  (isParam ? params : data).emplace_back(name.str(), type);
  return shapes(name, type, isParam);
}

bool Batch::prepare() {
  bool needsOutputs = options.function == "loss" || options.function == "grad";
  for (Operation &op : module.getBody().front()) {
    bool ok = true;
    if (auto param = dyn_cast<rnn::ParamOp>(op))
      ok = declare(param.getName(), param.getResult().getType(), true, false);
    else if (auto input = dyn_cast<rnn::InputOp>(op))
      ok = declare(input.getName(), input.getResult().getType(), false, false);
    else if (auto output = dyn_cast<rnn::OutputOp>(op))
      ok = declare(output.getName(), output.getResult().getType(), false,
                   !needsOutputs);
    else if (auto state = dyn_cast<rnn::FirstStateOp>(op))
      ok = declare(state.getName(), state.getResult().getType(), false, true);
    if (!ok)
      return false;
  }
  if (batch < 0)
    batch = 1;
  for (auto &[name, size] : padded) {
    auto it = inputs.find(name);
    if (it == inputs.end())
      continue;
    if (it->second.shape != Shape{batch}) {
      error = "the lengths `" + name + "` are not one for each example";
      return false;
    }
    for (double length : it->second.data)
      if (length < 0 || length > double(size)) {
        error = "a length of `" + name + "` is out of range";
        return false;
      }
  }
  return true;
}

int64_t Batch::lengthOf(rnn::AxisAttr axis, int64_t row) {
  if (!axis.isTime())
    return axis.getSize();
  auto it = inputs.find(axis.getName().str());
  if (it != inputs.end())
    return int64_t(it->second.data[row]);
  auto size = padded.find(axis.getName().str());
  return size == padded.end() ? 0 : size->second;
}

/// The valid part of one example: padding is never read.
Array Batch::pick(const Array &array, rnn::ValueType type, int64_t row) {
  Array all = entry(array, row);
  Shape shape;
  for (rnn::AxisAttr axis : type.getAxes())
    shape.push_back(lengthOf(axis, row));
  Array valid(shape);
  int64_t i = 0;
  forEachIndex(shape,
               [&](const Shape &index) { valid.data[i++] = at(all, index); });
  return valid;
}

/// Puts the examples' parts into one array, zero in the padding.
void Batch::give(Arrays &outputs, const std::string &name, rnn::ValueType type,
                 const std::vector<ExampleResult> &examples) {
  Shape shape{batch};
  for (rnn::AxisAttr axis : type.getAxes()) {
    auto size = padded.find(axis.getName().str());
    shape.push_back(!axis.isTime() ? axis.getSize()
                    : size == padded.end() ? 0
                                           : size->second);
  }
  Array array(shape);
  for (auto [row, example] : llvm::enumerate(examples)) {
    auto it = example.outputs.find(name);
    if (it == example.outputs.end())
      return;
    int64_t i = 0;
    forEachIndex(it->second.shape, [&](const Shape &index) {
      at(array, pushFront(int64_t(row), index)) = it->second.data[i++];
    });
  }
  outputs[name] = std::move(array);
}

std::optional<Arrays> Batch::evaluate() {
  std::vector<ExampleResult> examples(batch);
  size_t stopCount = 0;
  for (int64_t row = 0; row < batch; ++row) {
    Arrays values;
    std::map<std::string, int64_t> lengths;
    for (auto &[name, size] : padded) {
      auto it = inputs.find(name);
      lengths[name] = it == inputs.end() ? size : int64_t(it->second.data[row]);
    }
    for (auto &[name, type] : params)
      values[name] = inputs[name];
    for (auto &[name, type] : data)
      values[name] = pick(inputs[name], type, row);
    Example example(values, lengths, row, options, stopCount);
    if (!example.run(module, examples[row])) {
      error = "example " + std::to_string(row) + ": " + example.error();
      return std::nullopt;
    }
  }
  Arrays outputs;
  double loss = 0;
  if (batch) {
    // Means over what was observed in the whole batch, or over the examples.
    auto per = module.getTrain().getAs<StringAttr>("per");
    bool perExample = per && per.getValue() == "example";
    for (size_t i = 0; i < examples[0].observed.size(); ++i) {
      Observed all;
      for (const ExampleResult &example : examples) {
        all.sum += example.observed[i].sum;
        all.count += example.observed[i].count;
      }
      if (all.count)
        loss += all.sum / double(perExample ? batch : all.count);
    }
    for (const ExampleResult &example : examples)
      loss += example.loss / double(batch);
  }
  outputs["loss"] = Array::scalar(loss);
  module.walk([&](Operation *op) {
    if (auto result = dyn_cast<rnn::ResultOp>(op))
      give(outputs, result.getName().str(), result.getValue().getType(), examples);
    if (auto state = dyn_cast<rnn::FinalStateOp>(op))
      give(outputs, "state." + state.getName().str(), state.getValue().getType(),
           examples);
    auto observe = dyn_cast<rnn::ObserveOp>(op);
    auto dist = observe ? observe.getDist().getDefiningOp<rnn::DistOp>() : nullptr;
    if (!dist)
      return;
    std::string name = observe.getName().str();
    give(outputs, name, observe.getData().getType(), examples);
    bool isCategorical = dist.getKind() == rnn::DistKind::Categorical;
    give(outputs, name + ".p",
         isCategorical ? cast<rnn::ValueType>(dist.getArgs()[0].getType())
                       : observe.getData().getType(),
         examples);
  });
  return outputs;
}

/// What `grad` and `vjp` differentiate: the loss, or the sum of outputs times
/// their cotangents over the valid part.
std::optional<double> Batch::objective() {
  std::optional<Arrays> outputs = evaluate();
  if (!outputs)
    return std::nullopt;
  if (options.function == "grad")
    return (*outputs)["loss"].data[0];
  double sum = 0;
  for (auto &[name, value] : *outputs) {
    auto cot = inputs.find("cot." + name);
    if (cot == inputs.end())
      continue;
    if (cot->second.shape != value.shape) {
      error = "`cot." + name + "` has another shape than `" + name + "`";
      return std::nullopt;
    }
    // Outputs are 0 in the padding, whatever the cotangent holds there.
    for (int64_t i = 0; i < value.size(); ++i)
      if (value.data[i] != 0)
        sum += value.data[i] * cot->second.data[i];
  }
  return sum;
}

/// What gradients are asked for: parameters that are trained; in `vjp` all, and
/// real inputs and first states.
std::vector<std::string> Batch::variables() {
  std::vector<std::string> names;
  bool isVJP = options.function == "vjp";
  for (Operation &op : module.getBody().front()) {
    if (auto param = dyn_cast<rnn::ParamOp>(op))
      if (isVJP || !param.getFrozen())
        names.push_back(param.getName().str());
    if (auto input = dyn_cast<rnn::InputOp>(op))
      if (isVJP && input.getResult().getType().isReal())
        names.push_back(input.getName().str());
    if (auto state = dyn_cast<rnn::FirstStateOp>(op))
      if (isVJP && inputs.count(state.getName().str()))
        names.push_back(state.getName().str());
  }
  return names;
}

static bool isKnown(StringRef kind, StringRef function) {
  if (kind == "model")
    return function == "loss" || function == "grad" || function == "predict";
  return function == "forward" || function == "vjp" ||
         (kind == "cell" && function == "step");
}

/// One step of a cell is its scan over a sequence of length 1.
static Arrays asSequences(rnn::ModuleOp module, Arrays inputs) {
  for (Operation &op : module.getBody().front())
    if (auto input = dyn_cast<rnn::InputOp>(op)) {
      auto it = inputs.find(input.getName().str());
      bool hasTime = input.getResult().getType().hasTimeAxis();
      if (it != inputs.end() && hasTime && !it->second.shape.empty())
        it->second.shape.insert(it->second.shape.begin() + 1, 1);
    }
  return inputs;
}

std::optional<Arrays> rnnc::interp::run(rnn::ModuleOp module,
                                        const Arrays &inputs,
                                        const RunOptions &options,
                                        std::string &error) {
  if (!isKnown(module.getKind(), options.function)) {
    error = "the interpreter has no `" + options.function + "` of a " +
            module.getKind().str();
    return std::nullopt;
  }
  bool isStep = options.function == "step";
  RunOptions own = options;
  bool differentiates =
      options.function == "grad" || options.function == "vjp";
  std::vector<Array> stopped;
  if (differentiates && !own.stopped)
    own.stopped = &stopped;
  Batch batch(module, isStep ? asSequences(module, inputs) : inputs, own, error);
  if (!batch.prepare())
    return std::nullopt;
  std::optional<Arrays> outputs = batch.evaluate();
  if (!outputs)
    return std::nullopt;
  if (module.getKind() != "model")
    outputs->erase("loss");
  if (isStep)
    for (auto &[name, array] : *outputs)
      if (name.compare(0, 6, "state.") != 0)
        array.shape.erase(array.shape.begin() + 1);
  if (!differentiates)
    return outputs;
  Arrays moved = inputs;
  for (const std::string &name : batch.variables()) {
    Array gradient(inputs.find(name)->second.shape);
    for (int64_t i = 0; i < gradient.size(); ++i) {
      double &x = moved[name].data[i], before = x;
      double h = 1e-5 * std::max(1.0, std::fabs(before));
      double ends[2];
      for (int side : {0, 1}) {
        x = before + (side ? h : -h);
        batch.replace(moved);
        std::optional<double> value = batch.objective();
        if (!value)
          return std::nullopt;
        ends[side] = *value;
      }
      x = before;
      gradient.data[i] = (ends[1] - ends[0]) / (2 * h);
    }
    (*outputs)["grad." + name] = std::move(gradient);
  }
  return outputs;
}
