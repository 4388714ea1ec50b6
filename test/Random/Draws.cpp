// Draws.cpp: sequences that are drawn or searched, whole and step by step.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Agree.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::agree;
using training::ArgInfo;
using training::FunctionInfo;

/// The case with options of a draw, and a prompt where one can be given.
static Case withOptions(const FunctionInfo &info, const Case &plain,
                        Draw &draw) {
  Case one = plain;
  auto set = [&](const std::string &name, std::vector<double> values) {
    one.args.erase(name);
    bool isKnown = info.findInput(name) >= 0;
    int64_t which = draw.below(int64_t(values.size()) + 1);
    if (isKnown && which > 0)
      one.args[name] = interp::Array::scalar(values[size_t(which) - 1]);
  };
  // Exact in f32, as options are.
  set("temperature", {0, 0.625, 1.75});
  set("top_k", {1, 2, 3});
  set("top_p", {0.25, 0.75});
  set("never", {0});
  set("length_penalty", {0.5, 1});
  int place = info.findInput("prompt");
  if (place < 0)
    return one;
  const ArgInfo &prompt = info.args[size_t(place)];
  int64_t most = draw.below(3);
  const std::string &axis = prompt.shape[1].time;
  interp::Array symbols({one.batch, most}), lengths({one.batch});
  for (double &x : symbols.data)
    x = double(draw.below(prompt.size));
  for (double &x : lengths.data)
    x = double(draw.below(most + 1));
  one.args["prompt"] = std::move(symbols);
  one.args[axis] = std::move(lengths);
  one.padded[axis] = most;
  return one;
}

/// Takes away what a function gives, or does not know.
static void keepInputs(const FunctionInfo &info, const Subject &subject,
                       Case &one) {
  for (auto it = one.args.begin(); it != one.args.end();) {
    bool isWeight = false;
    for (const training::ParameterInfo &param : subject.info().parameters)
      isWeight |= param.name == it->first;
    bool isInput = info.findInput(it->first) >= 0;
    it = isWeight || isInput ? std::next(it) : one.args.erase(it);
  }
}

/// `predict`, `sample` and `beam` of sequences that are fed back.
void Checker::checkDraws(const std::string &function, const Case &plain) {
  if (reference)
    return; // a rounding may make another draw
  const FunctionInfo &info =
      subject.info().functions[size_t(subject.info().find(function))];
  Draw draw(seed + 41);
  for (int trial = 0; trial < 2; ++trial) {
    Case one = withOptions(info, plain, draw);
    keepInputs(info, subject, one);
    std::optional<Results> results = callOnThreads(function, one, false);
    if (!results)
      return;
    std::string error;
    std::optional<interp::Arrays> theirs =
        interpret(function, one, false, error);
    if (!theirs)
      return differs(function, one, "the interpreter fails: " + error);
    compareAll(function, one, *results, *theirs, false);
  }
}

/// What `begin` gives, for the step `t`.
static training::Arrays stepArguments(const FunctionInfo &info,
                                      const training::Arrays &begun,
                                      const interp::Array &fed, int64_t t) {
  training::Arrays args;
  for (const ArgInfo &arg : info.args) {
    auto it = begun.find(arg.name);
    if (arg.isOutput() || it == begun.end())
      continue;
    bool isSequence = arg.name.rfind("over.", 0) == 0;
    bool isFed = arg.name == "prev" || arg.name.rfind("prev.", 0) == 0;
    interp::Array array = toArray(it->second);
    if (isSequence) {
      std::vector<int64_t> shape(array.shape.begin() + 1, array.shape.end());
      interp::Array step(shape);
      std::copy_n(array.data.begin() + t * step.size(), step.size(),
                  step.data.begin());
      array = std::move(step);
    } else if (isFed && t > 0) {
      array = fed;
    }
    args[arg.name] = toTensor(array, arg.dtype);
  }
  return args;
}

/// Step `t` of `[batch, T, ...]`.
static interp::Array stepOf(const interp::Array &all, int64_t t) {
  std::vector<int64_t> shape = all.shape;
  shape.erase(shape.begin() + 1);
  interp::Array one(shape);
  int64_t inner = 1;
  for (size_t d = 2; d < all.shape.size(); ++d)
    inner *= all.shape[d];
  for (int64_t row = 0; row < all.shape[0]; ++row)
    std::copy_n(all.data.begin() + (row * all.shape[1] + t) * inner, inner,
                one.data.begin() + row * inner);
  return one;
}

/// `begin`, and `step` by hand, are fed what the interpreter's `predict` draws.
void Checker::checkBegin(const Case &plain) {
  const FunctionInfo &info =
      subject.info().functions[size_t(subject.info().find("begin"))];
  const FunctionInfo &next =
      subject.info().functions[size_t(subject.info().find("step"))];
  Case one = plain;
  keepInputs(info, subject, one);
  std::string error;
  std::optional<interp::Arrays> first = interpret("begin", one, false, error);
  if (!first)
    return differs("begin", one, "the interpreter fails: " + error);
  auto instance =
      training::ModelInstance::create(subject.library, subject.index, 1);
  if (!instance ||
      !(*instance)->setParameters(weightsOf(subject, one), "random") ||
      !(*instance)->initialiseStream(int32_t(one.batch)))
    return differs("begin", one, "no stream can be made");
  training::ModelInstance::CallOptions options;
  options.batch = int32_t(one.batch);
  options.useStream = true;
  options.usePrepared = seed % 2;
  options.lengths = lengthsFor(info, one);
  auto begun = (*instance)->call(subject.info().find("begin"),
                                 tensorsFor(info, one), options);
  if (!begun)
    return differs("begin", one, "the call fails: " + begun.error().message);
  Results mine;
  for (auto &[name, tensor] : *begun)
    if (name.rfind("kept.", 0) != 0 && name.rfind("over.", 0) != 0)
      mine[name] = toArray(tensor);
  addStates(**instance, one, mine);
  spoil("begin", mine);
  ++report.functions["begin"];
  compareAll("begin", one, mine, *first, false);
  options.lengths = lengthsFor(next, one);
  followSteps(**instance, one, *begun, options);
}

/// The first path of each row, where there are several.
static void dropPaths(interp::Array &array, size_t rank) {
  if (array.shape.size() == rank)
    return;
  int64_t rows = array.shape[0], paths = array.shape[1];
  int64_t inner = rows * paths ? array.size() / (rows * paths) : 0;
  array.shape.erase(array.shape.begin() + 1);
  for (int64_t row = 0; row < rows; ++row)
    std::copy_n(array.data.begin() + row * paths * inner, inner,
                array.data.begin() + row * inner);
  array.data.resize(size_t(rows * inner));
}

/// Rows that are over are not drawn any more: nothing is expected of them.
static void leaveOut(const Case &one, const interp::Arrays &drawn,
                     const training::PortInfo &output, int64_t step,
                     interp::Array &mine, interp::Array &theirs) {
  const std::string &axis = output.shape.front().time;
  const interp::Array &sequence = drawn.at(output.name);
  int64_t steps = sequence.shape[1];
  auto ends = [&](const interp::Arrays &of, int64_t row) {
    auto lengths = of.find(axis);
    return lengths != of.end() && step >= lengths->second.data[size_t(row)];
  };
  auto stopped = [&](int64_t row) {
    auto first = sequence.data.begin() + row * steps;
    return output.stop && sequence.shape.size() == 2 &&
           std::find(first, first + step, double(*output.stop)) != first + step;
  };
  int64_t inner = one.batch ? theirs.size() / one.batch : 0;
  for (int64_t i = 0; i < theirs.size(); ++i) {
    int64_t row = i / inner;
    if (ends(drawn, row) || ends(one.args, row) || stopped(row))
      mine.data[size_t(i)] = theirs.data[size_t(i)] = 0;
  }
}

/// The distribution of each step is that of the interpreter's, or its mode.
void Checker::followSteps(training::ModelInstance &instance, const Case &one,
                          const training::Arrays &begun,
                          const training::ModelInstance::CallOptions &options) {
  const FunctionInfo &next =
      subject.info().functions[size_t(subject.info().find("step"))];
  std::string error;
  // Without chance `sample` is `predict`, which gives other outputs of a model
  // that has any.
  Case still = one;
  still.args["temperature"] = interp::Array::scalar(0);
  interp::RunOptions asked = runOptions("sample", still, false);
  asked.showsDraws = true;
  std::optional<interp::Arrays> drawn =
      interp::run(subject.module, argumentsOf("sample", still), asked, error);
  const training::PortInfo *output = nullptr;
  for (const training::PortInfo &port : subject.info().ports)
    if (port.unfold)
      output = &port;
  if (!output)
    return differs("begin", one, "the interpreter draws nothing");
  size_t rank = output->shape.size() + 1;
  // A distribution of the program's own shows its mode, which is fed then; it
  // may say nothing of draws.
  bool isOwn = !drawn || !drawn->count(output->name + ".p");
  if (isOwn) {
    error.clear();
    drawn = interp::run(subject.module, argumentsOf("predict", one),
                        runOptions("predict", one, false), error);
    if (!drawn)
      return differs("begin", one,
                     "the interpreter predicts nothing: " + error);
    // Of a model with other outputs `predict` gives these instead.
    auto mode = drawn->find(output->name);
    if (mode == drawn->end() || mode->second.shape.size() < rank)
      return;
  }
  const std::string what = output->name + (isOwn ? "" : ".p");
  const std::string &axis = output->shape.front().time;
  bool isIndex = output->kind == training::PortInfo::Kind::Index;
  dropPaths(drawn->at(output->name), rank);
  if (!isOwn)
    dropPaths(drawn->at(what), rank + isIndex);
  if (drawn->count(axis))
    dropPaths(drawn->at(axis), 1);
  const interp::Array &sequence = drawn->at(output->name);
  const interp::Array &shown = drawn->at(what);
  interp::Array fed;
  for (int64_t t = 0; t < sequence.shape[1]; ++t) {
    training::Arrays args = stepArguments(next, begun, fed, t);
    for (const auto &[name, tensor] : tensorsFor(next, one))
      args.try_emplace(name, tensor);
    auto found = instance.call(subject.info().find("step"), args, options);
    if (!found)
      return differs("step", one, "the call fails: " + found.error().message);
    ++report.functions["step"];
    interp::Array mine = toArray(found->at(what));
    interp::Array theirs = stepOf(shown, t);
    leaveOut(one, *drawn, *output, t, mine, theirs);
    std::string how;
    if (!compareArrays(mine, theirs, {1e-10, nullptr}, report, how))
      return differs("step", one,
                     fmt::format("`{}` of step {} {}", what, t, how));
    fed = stepOf(sequence, t);
  }
}
