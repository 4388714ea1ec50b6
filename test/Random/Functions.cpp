// Functions.cpp: calls the functions of a module, compiled and interpreted.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Agree.h"

#include "Interpreter/Batch.h"

#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::agree;
using training::ArgInfo;
using training::FunctionInfo;

// Of the arguments that code in this precision cannot tell apart.
constexpr double roundingOf64 = 1e-13, roundingOf32 = 4e-7;
constexpr double toleranceOf64 = 1e-10, toleranceOf32 = 4e-5;

void Checker::differs(const std::string &function, const Case &one,
                      std::string what) {
  report.differences.push_back(
      {fmt::format("{}.{}", subject.info().name, function),
       fmt::format("{} ({}, batch {})", what, one.name, one.batch)});
}

/// What the interpreter is given for a function: no data for what is predicted.
interp::Arrays Checker::argumentsOf(const std::string &function,
                                    const Case &one) const {
  interp::Arrays args;
  bool needsData = function == "loss" || function == "attention";
  for (const auto &[name, array] : one.args) {
    bool isCotangent = name.rfind("cot.", 0) == 0;
    bool isOutput = false;
    for (const training::PortInfo &port : subject.info().ports)
      isOutput |= port.output && port.name == name;
    if (!isCotangent && name != "reset" && (needsData || !isOutput))
      args[name] = array;
  }
  return args;
}

interp::RunOptions Checker::runOptions(const std::string &function,
                                       const Case &one,
                                       bool withDropout) const {
  interp::RunOptions options;
  options.function = function;
  options.dropout = withDropout;
  options.seed = seed;
  options.batch = one.batch;
  options.lengths = one.padded;
  options.carries = one.before != nullptr;
  return options;
}

/// The interpreter's values of a function; of gradients only what is
/// differentiated.
std::optional<interp::Arrays> Checker::interpret(const std::string &function,
                                                 const Case &one,
                                                 bool withDropout,
                                                 std::string &error,
                                                 unsigned mantissaBits) {
  std::string name = function == "grad" || function == "train_step" ? "loss"
                     : function == "vjp"                            ? "forward"
                     : function == "predict_chunk"                  ? "predict"
                                                                    : function;
  interp::RunOptions options = runOptions(name, one, withDropout);
  options.mantissaBits = mantissaBits;
  return interp::run(subject.module, argumentsOf(name, one), options, error);
}

data::TensorFile agree::weightsOf(const Subject &of, const Case &one) {
  data::TensorFile weights;
  for (const training::ParameterInfo &param : of.info().parameters)
    weights.add(param.name, toTensor(one.args.at(param.name),
                                     of.library->manifest().real()));
  return weights;
}

training::Arrays agree::tensorsFor(const FunctionInfo &function,
                                   const Case &one) {
  training::Arrays args;
  for (const ArgInfo &arg : function.args) {
    auto it = one.args.find(arg.name);
    if (!arg.isOutput() && it != one.args.end())
      args[arg.name] = toTensor(it->second, arg.dtype);
  }
  return args;
}

std::map<std::string, int32_t> agree::lengthsFor(const FunctionInfo &function,
                                                 const Case &one) {
  std::map<std::string, int32_t> lengths;
  for (const std::string &time : function.times)
    if (auto size = one.padded.find(time); size != one.padded.end())
      lengths[time] = int32_t(size->second);
  return lengths;
}

/// Makes the result wrong that the command line names.
void Checker::spoil(const std::string &function, Results &results) const {
  auto found = results.find(plant.result);
  if (function == plant.function && found != results.end() &&
      !found->second.data.empty())
    found->second.data.back() += 0.01;
}

/// Calls `loss` on the chunk before, which leaves its states in the carry.
static bool goOnFrom(training::ModelInstance &instance, const Subject &of,
                     const Case &before,
                     training::ModelInstance::CallOptions options,
                     std::string &error) {
  int place = of.info().find("loss");
  const FunctionInfo &info = of.info().functions[size_t(place)];
  options.lengths = lengthsFor(info, before);
  auto found = instance.call(place, tensorsFor(info, before), options);
  if (!found)
    error = found.error().message;
  return bool(found);
}

std::optional<Results> Checker::call(const Subject &of,
                                     const std::string &function,
                                     const Case &one, int threadCount,
                                     bool withDropout, std::string &error) {
  auto instance =
      training::ModelInstance::create(of.library, of.index, threadCount);
  if (!instance) {
    error = instance.error().message;
    return std::nullopt;
  }
  if (Status status = (*instance)->setParameters(weightsOf(of, one), "random");
      !status) {
    error = status.error().message;
    return std::nullopt;
  }
  int place = of.info().find(function);
  if (place < 0) {
    error = "the library has no function `" + function + "`";
    return std::nullopt;
  }
  training::ModelInstance::CallOptions options;
  options.batch = int32_t(one.batch);
  options.lengths = lengthsFor(of.info().functions[size_t(place)], one);
  options.seed = seed;
  options.hasSeed = withDropout || function != "vjp";
  options.useOptimizer = function == "train_step";
  options.useCarry = of.info().carry;
  // Packed or not by the seed; what trains packs itself.
  options.usePrepared = seed % 2 && function != "vjp" && function != "grad" &&
                        function != "train_step";
  if (options.useOptimizer && !(*instance)->initialiseOptimizer())
    return std::nullopt;
  if (options.useCarry && !(*instance)->initialiseCarry(options.batch))
    return std::nullopt;
  options.useStream = function == "predict_chunk";
  if (options.useStream && !(*instance)->initialiseStream(options.batch))
    return std::nullopt;
  if (one.before && !goOnFrom(**instance, of, *one.before, options, error))
    return std::nullopt;
  auto found = (*instance)->call(
      place, tensorsFor(of.info().functions[size_t(place)], one), options);
  if (!found) {
    error = found.error().message;
    return std::nullopt;
  }
  Results results;
  for (auto &[name, tensor] : *found)
    results[name] = toArray(tensor);
  if (options.useOptimizer) {
    for (auto &[name, tensor] : (*instance)->parameters().tensors)
      results[name] = toArray(tensor);
    results["counter.empty"] =
        interp::Array::scalar(double((*instance)->counters()->empty));
  }
  spoil(function, results);
  return results;
}

/// Calls a function on every number of threads: the bits are the same.
std::optional<Results> Checker::callOnThreads(const std::string &function,
                                              const Case &one,
                                              bool withDropout) {
  std::optional<Results> first;
  for (int count : threads) {
    std::string error;
    std::optional<Results> results =
        call(subject, function, one, count, withDropout, error);
    if (!results) {
      differs(function, one, "the call fails: " + error);
      return std::nullopt;
    }
    if (!first) {
      first = std::move(results);
      continue;
    }
    for (const auto &[name, array] : *results)
      if (array.data.size() &&
          std::memcmp(array.data.data(), first->at(name).data.data(),
                      array.data.size() * sizeof(double)) != 0) {
        differs(function, one,
                fmt::format("`{}` has other bits on {} threads", name, count));
        return std::nullopt;
      }
  }
  ++report.functions[function];
  return first;
}

Bound Checker::boundFor(const std::string &function, const std::string &result,
                        const Case &one, bool withDropout) {
  auto rounded = [=, this, &one](unsigned bits) {
    return [=, this, &one]() -> std::optional<interp::Array> {
      std::string error;
      auto results = interpret(function, one, withDropout, error, bits);
      if (!results || !results->count(result))
        return std::nullopt;
      return results->at(result);
    };
  };
  if (reference)
    return {toleranceOf32,
            [=, this, &one](int trial) -> std::optional<interp::Array> {
              std::string error;
              std::optional<Results> results =
                  call(*reference, function,
                       moved(one, subject, roundingOf32, trial), 1, withDropout,
                       error);
              if (!results || !results->count(result))
                return std::nullopt;
              return results->at(result);
            },
            {rounded(24)}};
  return {toleranceOf64,
          [=, this, &one](int trial) -> std::optional<interp::Array> {
            std::string error;
            std::optional<interp::Arrays> results =
                interpret(function, moved(one, subject, roundingOf64, trial),
                          withDropout, error);
            if (!results || !results->count(result))
              return std::nullopt;
            return results->at(result);
          },
          {rounded(51), rounded(50), rounded(49), rounded(48), rounded(47)}};
}

void Checker::compareAll(const std::string &function, const Case &one,
                         const Results &mine, const interp::Arrays &theirs,
                         bool withDropout) {
  for (const auto &[name, array] : mine) {
    bool isOwn = name == "norm" || name == "counter.empty";
    for (const training::ParameterInfo &param : subject.info().parameters)
      isOwn |= param.name == name; // what an update left
    if (name.rfind("grad.", 0) == 0 || isOwn)
      continue;
    auto other = theirs.find(name);
    std::string what;
    if (other == theirs.end())
      differs(function, one, "the interpreter gives no `" + name + "`");
    else if (!compareArrays(array, other->second,
                            boundFor(function, name, one, withDropout), report,
                            what))
      differs(function, one, "`" + name + "` " + what);
  }
}

/// Gradients of what lies behind the end of a row are 0.
void Checker::checkPadding(const std::string &function, const Case &one,
                           const Results &results) {
  const FunctionInfo &info =
      subject.info().functions[size_t(subject.info().find(function))];
  for (const ArgInfo &arg : info.args) {
    auto it = results.find(arg.name);
    if (!arg.isOutput() || it == results.end())
      continue;
    for (int64_t i = 0; i < it->second.size(); ++i)
      if (it->second.data[size_t(i)] != 0 && !isValid(one, arg.shape, i)) {
        differs(function, one,
                fmt::format("`{}`[{}] lies in the padding and is {}", arg.name,
                            i, it->second.data[size_t(i)]));
        break;
      }
  }
}

void Checker::checkValues(const std::string &function, const Case &one) {
  bool withDropout =
      function == "grad" || (function == "vjp" && one.batch != 1);
  std::optional<Results> results = callOnThreads(function, one, withDropout);
  if (!results)
    return;
  checkPadding(function, one, *results);
  if (reference)
    return checkSinglePrecision(function, one, *results, withDropout);
  std::string error;
  std::optional<interp::Arrays> theirs =
      interpret(function, one, withDropout, error);
  if (!theirs)
    return differs(function, one, "the interpreter fails: " + error);
  int64_t jumps = report.illConditioned;
  compareAll(function, one, *results, *theirs, withDropout);
  // Beside a jump each has the gradient of the side that its rounding is on.
  bool isOneSide = report.illConditioned == jumps;
  if (isOneSide && (function == "grad" || function == "vjp"))
    checkGradients(function, one, *results);
}

/// In f32 all results are compared with those in f64, which hold.
void Checker::checkSinglePrecision(const std::string &function, const Case &one,
                                   const Results &results, bool withDropout) {
  std::string error;
  std::optional<Results> expected =
      call(*reference, function, one, 1, withDropout, error);
  if (!expected)
    return;
  for (const auto &[name, array] : results) {
    bool isWeight = false; // an update of Adam is a sign: nothing to compare
    for (const training::ParameterInfo &param : subject.info().parameters)
      isWeight |= param.name == name;
    std::string what;
    if (!isWeight && !compareArrays(array, expected->at(name),
                                    boundFor(function, name, one, withDropout),
                                    report, what))
      differs(function, one, "in f32 `" + name + "` " + what);
  }
}

/// Whether nothing is predicted: `train_step` then does nothing.
bool Checker::observesNothing(const Case &one) const {
  bool predicts = false;
  const FunctionInfo &info =
      subject.info().functions[size_t(subject.info().find("train_step"))];
  for (const training::PortInfo &port : subject.info().ports) {
    int place = info.findInput(port.name);
    if (!port.output || place < 0)
      continue;
    predicts = true;
    for (int64_t i = 0; i < one.args.at(port.name).size(); ++i)
      if (isValid(one, info.args[size_t(place)].shape, i))
        return false;
  }
  return predicts || one.batch == 0;
}

/// `train_step` is `grad`, and then the update by PyTorch's formulas.
void Checker::checkTrainStep(const Case &one) {
  std::optional<Results> results = callOnThreads("train_step", one, true);
  if (!results)
    return;
  if (reference)
    return checkSinglePrecision("train_step", one, *results, true);
  bool isEmpty = observesNothing(one);
  if (isEmpty != (results->at("counter.empty").data[0] == 1))
    return differs("train_step", one, "is counted as empty, or is not");
  if (isEmpty)
    return checkUnchanged(one, *results);
  std::string error;
  std::optional<Results> gradients;
  if (subject.info().find("grad") >= 0)
    gradients = call(subject, "grad", one, 1, true, error);
  std::optional<interp::Arrays> theirs =
      interpret("train_step", one, true, error);
  if (!gradients || !theirs)
    return differs("train_step", one, "nothing to compare with: " + error);
  compareAll("train_step", one, *results, *theirs, true);
  for (const auto &[name, array] : *gradients)
    for (double g : array.data)
      if (!std::isfinite(g))
        return; // skipped, as it has to be
  interp::Arrays updated = *gradients;
  if (!interp::update(subject.module, one.args, false, updated, error))
    return differs("train_step", one, error);
  for (const auto &[name, array] : updated) {
    auto mine = results->find(name);
    if (mine == results->end() || name == "loss")
      continue;
    std::string what;
    if (!compareArrays(mine->second, array, {1e-9, nullptr}, report, what))
      differs("train_step", one, "after the update `" + name + "` " + what);
  }
}

/// Nothing observed: nothing is changed, not by weight decay either.
void Checker::checkUnchanged(const Case &one, const Results &results) {
  if (results.at("loss").data[0] != 0)
    differs("train_step", one, "without an observed element `loss` is not 0");
  for (const training::ParameterInfo &param : subject.info().parameters) {
    std::string what;
    if (!compareArrays(results.at(param.name), one.args.at(param.name),
                       {0, nullptr}, report, what))
      differs("train_step", one,
              "without an observed element `" + param.name + "` " + what);
  }
}

/// Arguments for one step: without time axes.
Case Checker::stepCase(const FunctionInfo &info, const Case &one, Draw &draw) {
  Case now;
  now.name = one.name;
  now.batch = one.batch;
  for (const training::ParameterInfo &param : subject.info().parameters)
    now.args[param.name] = one.args.at(param.name);
  for (const ArgInfo &arg : info.args) {
    if (arg.isOutput())
      continue;
    std::vector<int64_t> shape;
    for (const training::Dim &dim : arg.shape)
      shape.push_back(dim.kind == training::Dim::Kind::Fixed ? dim.size
                      : dim.kind == training::Dim::Kind::Batch
                          ? one.batch
                          : one.padded.at(dim.time));
    interp::Array array(shape);
    // What does not change with time stays as it is.
    auto same = one.args.find(arg.name);
    bool isConstant = same != one.args.end() && same->second.shape == shape;
    for (size_t i = 0; i < array.data.size(); ++i)
      array.data[i] = draw.number(0.05, 1.5) * (draw.below(2) ? 1 : -1);
    if (arg.dtype == data::DType::I32 || arg.dtype == data::DType::U8) {
      int64_t size = 2;
      for (const training::PortInfo &port : subject.info().ports)
        if (port.name == arg.name || (port.unfold && arg.name == "prev"))
          size = port.kind == training::PortInfo::Kind::Index ? port.size : 2;
      for (double &x : array.data)
        x = double(draw.below(size));
    }
    for (const auto &[name, size] : one.padded)
      if (std::any_of(
              arg.shape.begin(), arg.shape.end(),
              [&](const training::Dim &dim) { return dim.time == name; }))
        now.padded[name] = size;
    now.args[arg.name] = isConstant ? same->second : array;
  }
  return now;
}

/// What the stream holds after a step.
void Checker::addStates(training::ModelInstance &instance, const Case &one,
                        Results &results) {
  for (size_t s = 0; s < subject.info().states.size(); ++s) {
    std::vector<int64_t> shape = subject.info().states[s].shape;
    shape.insert(shape.begin(), one.batch);
    results["state." + subject.info().states[s].name] =
        toArray(data::Tensor::copyOf(subject.library->manifest().real(), shape,
                                     instance.streamState(int(s))));
  }
}

/// Step by step: a model's states are in a stream, a cell's are arguments.
void Checker::checkSteps(const Case &one) {
  bool isModel = subject.info().kind == "model";
  const FunctionInfo &info =
      subject.info().functions[size_t(subject.info().find("step"))];
  auto instance =
      training::ModelInstance::create(subject.library, subject.index, 1);
  if (!instance ||
      !(*instance)->setParameters(weightsOf(subject, one), "random") ||
      (isModel && !(*instance)->initialiseStream(int32_t(one.batch))))
    return differs("step", one, "no stream can be made");
  Draw draw(seed);
  interp::Arrays states;
  for (int step = 0; step < (isModel ? 3 : 1); ++step) {
    Case now = stepCase(info, one, draw);
    training::ModelInstance::CallOptions options;
    options.batch = int32_t(one.batch);
    options.seed = seed;
    options.useStream = isModel;
    options.usePrepared = seed % 2;
    for (const auto &[name, size] : now.padded)
      options.lengths[name] = int32_t(size);
    auto found = (*instance)->call(subject.info().find("step"),
                                   tensorsFor(info, now), options);
    if (!found)
      return differs("step", one, "the call fails: " + found.error().message);
    Results mine;
    for (auto &[name, tensor] : *found)
      mine[name] = toArray(tensor);
    if (isModel)
      addStates(**instance, one, mine);
    spoil("step", mine);
    ++report.functions["step"];
    for (auto &[name, array] : states)
      now.args[name] = array;
    std::string error;
    interp::RunOptions theirOptions = runOptions("step", now, false);
    theirOptions.begins = isModel && step == 0;
    if (theirOptions.begins)
      for (auto it = now.args.begin(); it != now.args.end();) {
        bool isBefore = it->first == "prev" || it->first.rfind("prev.", 0) == 0;
        it = isBefore ? now.args.erase(it) : std::next(it);
      }
    std::optional<interp::Arrays> theirs =
        interp::run(subject.module, now.args, theirOptions, error);
    if (!theirs)
      return differs("step", one, "the interpreter fails: " + error);
    size_t before = report.differences.size();
    compareAll("step", now, mine, *theirs, false);
    if (report.differences.size() != before)
      return;
    for (auto &[name, array] : *theirs)
      if (name.rfind("state.", 0) == 0)
        states[name] = array;
  }
}

void Checker::run(const Case &one) {
  checkCarry(one);
  for (const FunctionInfo &function : subject.info().functions) {
    bool draws =
        function.draws || function.name == "sample" || function.name == "beam";
    // Its steps go on from what `begin` gives.
    bool isBegun = function.name == "step" && subject.info().find("begin") >= 0;
    if (draws)
      checkDraws(function.name, one);
    else if (function.name == "begin" && !reference)
      checkBegin(one);
    else if (function.name == "begin" || isBegun)
      continue;
    else if (function.name == "state_grad")
      checkStateGradients(one);
    else if (function.name == "train_step")
      checkTrainStep(one);
    else if (function.name == "hvp")
      checkHessian(one);
    else if (function.name == "step" && !reference)
      checkSteps(one);
    else if (function.name != "step") // of one precision: steps add up
      checkValues(function.name, one);
  }
}
