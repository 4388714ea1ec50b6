// Batch.cpp - a module of the rnn level on a batch, one example after the
// other. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Batch.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

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
      fits =
          padded.try_emplace(axis.getName().str(), size).first->second == size;
    else
      fits = axis.getSize() == size;
  }
  if (!fits)
    error = "`" + name.str() + "` has another shape than " + rnn::spell(type) +
            (isParam ? "" : " for each example");
  return fits;
}

bool Batch::declare(StringRef name, rnn::ValueType type, bool isParam,
                    bool isOptional) {
  known.push_back(name.str());
  if (!inputs.count(name.str())) {
    if (!isOptional)
      error = "`" + name.str() + "` is not given";
    return isOptional;
  }
  (isParam ? params : data).emplace_back(name.str(), type);
  return shapes(name, type, isParam);
}

bool Batch::goesOn() const {
  return rnn::ModuleOp(module).getKind() == "model" && !drawn &&
         (options.carries || options.function == "step" ||
          options.function == "sample" || options.function == "predict_chunk");
}

std::vector<std::pair<std::string, rnn::ValueType>>
rnnc::interp::timeStates(rnn::ModuleOp module) {
  std::vector<std::pair<std::string, rnn::ValueType>> states;
  auto add = [&](ArrayAttr names, ValueRange init) {
    for (auto [name, first] :
         llvm::zip_equal(names.getAsRange<StringAttr>(), init))
      states.emplace_back(name.getValue().str(),
                          cast<rnn::ValueType>(first.getType()));
  };
  for (Operation &op : module.getBody().front()) {
    if (auto scan = dyn_cast<rnn::ScanOp>(op); scan && scan.getAxis().isTime())
      add(scan.getStates(), scan.getInit());
    else if (auto unfold = dyn_cast<rnn::UnfoldOp>(op))
      add(unfold.getStates(), unfold.getInit());
  }
  return states;
}

/// What a step or a part of a model goes on from.
bool Batch::declareStates() {
  if (!goesOn())
    return true;
  for (auto &[name, type] : timeStates(module))
    if (!declare("state." + name, type, false, true))
      return false;
  if (options.begins)
    return true;
  for (Operation &op : module.getBody().front())
    if (auto observe = dyn_cast<rnn::ObserveOp>(op))
      if (observe.getDist().getDefiningOp<rnn::UnfoldOp>() &&
          !declare(previousName(observe),
                   observe.getData().getType().dropFront(), false,
                   options.carries))
        return false;
  return true;
}

bool Batch::checkLengths() {
  for (auto &[name, size] : padded) {
    known.push_back(name);
    auto it = inputs.find(name);
    if (it != inputs.end() && !checkLength(name, it->second, size))
      return false;
  }
  return true;
}

bool Batch::checkLength(const std::string &name, const Array &given,
                        int64_t size) {
  Shape shape{batch};
  for (rnn::AxisAttr axis : nesting.around(name))
    shape.push_back(padded[axis.getName().str()]);
  if (given.shape != shape) {
    error = "the lengths `" + name + "` are not one for each example" +
            (shape.size() == 1 ? "" : " and each element around");
    return false;
  }
  for (int64_t row = 0; row < batch; ++row) {
    ExampleLengths lengths = lengthsOf(row);
    Array one = entry(given, row);
    int64_t i = 0;
    bool fine = true;
    forEachIndex(one.shape, [&](const Shape &index) {
      double length = one.data[i++];
      bool counts = true;
      for (size_t k = 0; k < index.size(); ++k)
        counts &= index[k] < lengths.lengthAt(nesting.around(name), k, index);
      fine &= !counts || (length >= 0 && length <= double(size));
    });
    if (!fine) {
      error = "a length of `" + name + "` is out of range";
      return false;
    }
  }
  return true;
}

/// Nothing that is given is left unread.
bool Batch::checkNames() {
  auto isKnown = [&](const std::string &name) {
    StringRef text(name);
    return llvm::is_contained(known, name) || name == "reset" ||
           (options.function == "vjp" && text.starts_with("cot.")) ||
           (options.function == "hvp" && text.starts_with("vec.")) ||
           (options.function == "train_step" && text.starts_with("optimizer."));
  };
  for (auto &[name, array] : inputs)
    if (!isKnown(name)) {
      error = "`" + name + "` is no argument of `" + options.function +
              "`, which takes `" + llvm::join(known, "`, `") + "`";
      return false;
    }
  return true;
}

/// Whether the outputs are given.
bool Batch::hasData() const {
  static const char *const functions[] = {"loss", "grad",       "train_step",
                                          "hvp",  "state_grad", "attention"};
  return llvm::is_contained(functions, options.function);
}

bool Batch::prepare() {
  bool isSample = options.function == "sample" && !drawn;
  for (Operation &op : module.getBody().front()) {
    bool ok = true;
    if (auto param = dyn_cast<rnn::ParamOp>(op))
      ok = declare(param.getName(), param.getResult().getType(), true, false);
    else if (auto input = dyn_cast<rnn::InputOp>(op))
      ok = declare(input.getName(), input.getResult().getType(), false,
                   isSample);
    else if (auto output = dyn_cast<rnn::OutputOp>(op))
      ok = declare(output.getName(), output.getResult().getType(), false,
                   !hasData());
    else if (auto state = dyn_cast<rnn::FirstStateOp>(op))
      ok = declare(state.getName(), state.getResult().getType(), false, true);
    if (!ok)
      return false;
  }
  if (!declareStates())
    return false;
  if (options.lossOf != LossOf::AllSteps)
    probes = findProbes(module);
  for (StateProbe &probe : probes)
    if (!declare("state." + probe.name, probe.type, false, true))
      return false;
  if (options.function == "attention")
    looks = findLooks(module);
  for (auto &[name, size] : options.lengths)
    padded.try_emplace(name, size);
  if (batch < 0)
    batch = options.batch;
  return checkLengths() && checkNames();
}

ExampleLengths Batch::lengthsOf(int64_t row) {
  ExampleLengths lengths{nesting, padded, {}};
  for (auto &[name, size] : padded) {
    auto it = inputs.find(name);
    llvm::ArrayRef<rnn::AxisAttr> around = nesting.around(name);
    if (around.empty()) {
      if (it != inputs.end())
        lengths.padded[name] = int64_t(it->second.data[row]);
      continue;
    }
    Shape shape;
    for (rnn::AxisAttr axis : around)
      shape.push_back(padded[axis.getName().str()]);
    lengths.inner[name] = it != inputs.end() ? entry(it->second, row)
                                             : Array(shape, double(size));
  }
  return lengths;
}

/// The valid part of one example: padding is never read.
Array Batch::pick(const Array &array, rnn::ValueType type, int64_t row,
                  const ExampleLengths &lengths) {
  Array all = entry(array, row);
  Shape shape;
  for (rnn::AxisAttr axis : type.getAxes())
    shape.push_back(lengths.roomFor(axis));
  Array valid(shape);
  int64_t i = 0;
  forEachIndex(shape, [&](const Shape &index) {
    double &place = valid.data[i++];
    if (lengths.isValid(type.getAxes(), index))
      place = at(all, index);
  });
  return valid;
}

Shape Batch::shapeOf(rnn::ValueType type) const {
  Shape shape{batch};
  for (rnn::AxisAttr axis : type.getAxes()) {
    auto size = padded.find(axis.getName().str());
    shape.push_back(!axis.isTime()         ? axis.getSize()
                    : size == padded.end() ? 0
                                           : size->second);
  }
  return shape;
}

/// Puts the examples' parts into one array, zero in the padding. A step has no
/// time axes.
void Batch::give(Arrays &outputs, const std::string &name, rnn::ValueType type,
                 const std::vector<ExampleResult> &examples) {
  bool isStep =
      options.function == "step" || (options.function == "sample" && !drawn);
  Shape shape = shapeOf(type), outer{batch};
  for (auto [i, axis] : llvm::enumerate(type.getAxes()))
    if (!axis.isTime() || !isStep)
      outer.push_back(shape[i + 1]);
  Array array(shape);
  for (auto [row, example] : llvm::enumerate(examples)) {
    auto it = example.outputs.find(name);
    if (it == example.outputs.end())
      return;
    int64_t i = 0;
    ExampleLengths lengths = lengthsOf(int64_t(row));
    forEachIndex(it->second.shape, [&](const Shape &index) {
      double value = it->second.data[i++];
      if (lengths.isValid(type.getAxes(), index))
        at(array, pushFront(int64_t(row), index)) = value;
    });
  }
  array.shape = outer;
  outputs[name] = std::move(array);
}

/// Means over what was observed in the whole batch, or over the examples.
/// The loss of a batch without observed elements is 0.
double Batch::lossOf(const std::vector<ExampleResult> &examples) {
  double loss = 0;
  auto observesOne = [](const ExampleResult &example) {
    return example.observed.empty() ||
           llvm::any_of(example.observed,
                        [](const Observed &one) { return one.count > 0; });
  };
  observesNothing = llvm::none_of(examples, observesOne);
  if (observesNothing)
    return loss;
  auto per = module.getTrain().getAs<StringAttr>("per");
  bool countsRows = (per && per.getValue() == "example") ||
                    options.lossOf != LossOf::AllSteps;
  for (size_t i = 0; i < examples[0].observed.size(); ++i) {
    Observed all;
    for (const ExampleResult &example : examples) {
      all.sum += example.observed[i].sum;
      all.count += example.observed[i].count;
    }
    // Labels that are none in all examples have a probability, too.
    loss +=
        all.sum / double(countsRows ? batch : std::max<int64_t>(all.count, 1));
  }
  for (const ExampleResult &example : examples)
    loss += example.loss / double(batch);
  return loss;
}

/// Whether an input runs along a time axis.
bool Batch::isGiven(const std::string &axis) const {
  auto has = [&](rnn::InputOp input) {
    return llvm::any_of(input.getType().getAxes(), [&](rnn::AxisAttr one) {
      return one.isTime() && one.getName() == axis;
    });
  };
  return llvm::any_of(rnn::ModuleOp(module).getBody().getOps<rnn::InputOp>(),
                      has);
}

Arrays Batch::collect(const std::vector<ExampleResult> &examples) {
  Arrays outputs;
  for (const Look &look : looks)
    give(outputs, look.name, look.type, examples);
  if (!looks.empty())
    return outputs;
  rnn::ValueType number = rnn::ValueType::real(module.getContext());
  auto predictions = [&](const std::string &name, rnn::DistOp dist,
                         rnn::ValueType type) {
    give(outputs, name, type, examples);
    bool isCategorical = dist.getKind() == rnn::DistKind::Categorical;
    give(outputs, name + ".p",
         isCategorical ? cast<rnn::ValueType>(dist.getArgs()[0].getType())
                       : type,
         examples);
  };
  auto ofLaw = [&](const std::string &name, rnn::LawOp law) {
    bool isDraw = drawn && options.function == "sample";
    Region &part = isDraw ? law.getSample() : law.getMode();
    if (!part.empty())
      give(outputs, name,
           cast<rnn::ValueType>(rnn::LawOp::yielded(part).getType()), examples);
  };
  // Of a model, what a search found; nothing else then.
  bool isModel = rnn::ModuleOp(module).getKind() == "model";
  bool isFound =
      isModel && options.function == "beam" &&
      !rnn::ModuleOp(module).getBody().getOps<rnn::ResultOp>().empty();
  for (Operation &op : module.getBody().front()) {
    auto result = dyn_cast<rnn::ResultOp>(op);
    if (result && isModel == isFound)
      give(outputs, result.getName().str(), result.getValue().getType(),
           examples);
    if (auto state = dyn_cast<rnn::FinalStateOp>(op))
      give(outputs, "state." + state.getName().str(),
           state.getValue().getType(), examples);
    auto observe = dyn_cast<rnn::ObserveOp>(op);
    if (!observe || isFound)
      continue;
    rnn::ValueType type = observe.getData().getType();
    Operation *dist = observe.getDist().getDefiningOp();
    auto unfold = dyn_cast<rnn::UnfoldOp>(dist);
    if (unfold && options.function == "begin") {
      give(outputs, previousName(observe), type.dropFront(), examples);
      for (auto [name, first] : llvm::zip_equal(
               unfold.getStates().getAsRange<StringAttr>(), unfold.getInit()))
        give(outputs, "state." + name.getValue().str(),
             cast<rnn::ValueType>(first.getType()), examples);
      continue;
    }
    if (unfold && drawn) {
      give(outputs, observe.getName().str(), type, examples);
      if (auto shown = shownType(observe, unfold); shown && options.showsDraws)
        give(outputs, observe.getName().str() + ".p", *shown, examples);
      if (drawn->width)
        give(outputs, observe.getName().str() + ".score", number, examples);
      // How long it became, where no input says so.
      std::string axis = unfold.getAxis().getName().str();
      if (!isGiven(axis))
        give(outputs, axis, number, examples);
      continue;
    }
    if (unfold) {
      dist = unfold.getYield().getOut().front().getDefiningOp();
      type = type.dropFront();
    }
    if (auto plain = dyn_cast_or_null<rnn::DistOp>(dist))
      predictions(observe.getName().str(), plain, type);
    else if (auto law = dyn_cast_or_null<rnn::LawOp>(dist))
      ofLaw(observe.getName().str(), law);
  }
  if (goesOn())
    for (auto &[name, type] : timeStates(module))
      give(outputs, "state." + name, type, examples);
  return outputs;
}

std::optional<Arrays> Batch::evaluate() {
  std::vector<ExampleResult> examples(batch);
  size_t stopCount = 0;
  for (int64_t row = 0; row < batch; ++row) {
    Arrays values;
    ExampleLengths lengths = lengthsOf(row);
    for (auto &[name, type] : params)
      values[name] = inputs[name];
    for (auto &[name, type] : data)
      values[name] = pick(inputs[name], type, row, lengths);
    Example example(values, lengths, row, options, stopCount);
    if (drawn)
      example.drawBy(*drawn);
    example.watch(probes, looks);
    if (!example.run(module, examples[row])) {
      error = "example " + std::to_string(row) + ": " + example.error();
      return std::nullopt;
    }
  }
  Arrays outputs = collect(examples);
  outputs["loss"] = Array::scalar(lossOf(examples));
  return outputs;
}

/// What `grad` and `vjp` differentiate: the loss, or the sum of outputs times
/// their cotangents over the valid part.
std::optional<double> Batch::objective() {
  std::optional<Arrays> outputs = evaluate();
  if (!outputs)
    return std::nullopt;
  if (options.function != "vjp")
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
