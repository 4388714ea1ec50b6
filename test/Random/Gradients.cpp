// Gradients.cpp: compiled gradients against the interpreter's differences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Agree.h"

#include <cmath>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::agree;

// Relative to the larger of 1 and the largest entry of the gradient: what
// central differences in f64 with steps of 1e-4 can tell.
constexpr double gradientBound = 2e-7;

static double largestOf(const Results &gradients) {
  double largest = 1;
  for (const auto &[name, array] : gradients)
    if (name.rfind("grad.", 0) == 0)
      for (double g : array.data)
        largest = std::max(largest, std::fabs(g));
  return largest;
}

/// The loss; of layers and cells the sum of outputs times cotangents.
static std::optional<double> valueOf(rnn::ModuleOp module,
                                     const interp::Arrays &args,
                                     const interp::RunOptions &options,
                                     const interp::Arrays &cotangents) {
  std::string error;
  std::optional<interp::Arrays> outputs =
      interp::run(module, args, options, error);
  if (!outputs)
    return std::nullopt;
  if (options.function == "loss")
    return (*outputs)["loss"].data[0];
  double sum = 0;
  for (const auto &[name, array] : *outputs) {
    auto cotangent = cotangents.find("cot." + name);
    for (int64_t i = 0; cotangent != cotangents.end() && i < array.size(); ++i)
      if (cotangent->second.data[size_t(i)] != 0)
        sum += array.data[size_t(i)] * cotangent->second.data[size_t(i)];
  }
  return sum;
}

std::optional<Checker::Slope> Checker::slope(const Case &one,
                                             interp::RunOptions &options,
                                             const interp::Arrays &cotangents,
                                             const Direction &direction,
                                             const Results &gradients) {
  double norm = 0;
  Slope result{0, 0, false};
  for (const auto &[name, steps] : direction)
    for (double d : steps)
      norm += d * d;
  if (norm == 0)
    return result;
  norm = std::sqrt(norm);
  for (const auto &[name, steps] : direction)
    for (size_t i = 0; i < steps.size(); ++i)
      if (steps[i] != 0)
        result.given += steps[i] / norm * gradients.at("grad." + name).data[i];
  double slopes[3], bends[3];
  const double sizes[3] = {2e-4, 1e-4, 5e-5};
  interp::Arrays args = argumentsOf(options.function, one);
  std::optional<double> here =
      valueOf(subject.module, args, options, cotangents);
  if (!here)
    return std::nullopt;
  for (int k = 0; k < 3; ++k) {
    double ends[2];
    for (int side : {0, 1}) {
      for (const auto &[name, steps] : direction)
        for (size_t i = 0; i < steps.size(); ++i)
          args[name].data[i] = one.args.at(name).data[i] +
                               (side ? sizes[k] : -sizes[k]) * steps[i] / norm;
      std::optional<double> value =
          valueOf(subject.module, args, options, cotangents);
      if (!value)
        return std::nullopt;
      ends[side] = *value;
    }
    slopes[k] = (ends[1] - ends[0]) / (2 * sizes[k]);
    bends[k] = (ends[1] - 2 * *here + ends[0]) / sizes[k];
  }
  // Richardson: the error in h^2 goes away. Halved steps tell noise and
  // curvature from kinks.
  result.found = (4 * slopes[2] - slopes[1]) / 3;
  double coarse = (4 * slopes[1] - slopes[0]) / 3;
  double bound = gradientBound * largestOf(gradients);
  bool isOff = !(std::fabs(result.found - result.given) <= bound);
  result.isKink = isOff && !(std::fabs(result.found - coarse) <= bound / 4);
  // A kink nearer than all steps: the slopes of the two sides differ, and not
  // because the function is curved, which shows half as much at half the step.
  result.isKink |= isOff && std::fabs(2 * bends[2] - bends[1]) > bound / 2;
  return result;
}

/// Where every variable can move: not in the padding.
static std::map<std::string, std::vector<bool>>
variablesOf(const Subject &subject, const std::string &function,
            const Case &one, const Results &gradients) {
  std::map<std::string, std::vector<bool>> variables;
  const training::FunctionInfo &info =
      subject.info().functions[size_t(subject.info().find(function))];
  for (const training::ArgInfo &arg : info.args) {
    if (arg.role != training::ArgInfo::Role::Gradient)
      continue;
    std::string name = arg.name.substr(5);
    auto found = gradients.find(arg.name);
    if (!one.args.count(name) || found == gradients.end())
      continue;
    std::vector<bool> movable(found->second.data.size());
    for (size_t i = 0; i < movable.size(); ++i)
      movable[i] = isValid(one, arg.shape, int64_t(i));
    variables[name] = std::move(movable);
  }
  return variables;
}

/// Two directions through everything; where a kink is near, each variable on
/// its own, and then entry by entry.
void Checker::followDirections(const std::string &function, const Case &one,
                               const Results &gradients,
                               interp::RunOptions &options,
                               const interp::Arrays &cotangents) {
  auto variables = variablesOf(subject, function, one, gradients);
  Draw draw(seed + 17);
  // False: leave the search, something differs or fails.
  auto follow = [&](const Direction &direction, const std::string &what,
                    bool &isKink) {
    std::optional<Slope> found =
        slope(one, options, cotangents, direction, gradients);
    if (!found) {
      differs(function, one, "the interpreter fails beside the point");
      return false;
    }
    isKink = found->isKink;
    if (isKink)
      return true;
    ++report.directions;
    if (std::fabs(found->given - found->found) <=
        gradientBound * largestOf(gradients))
      return true;
    differs(
        function, one,
        fmt::format("the gradient along {} is {:.12g}, the difference {:.12g}",
                    what, found->given, found->found));
    return false;
  };
  auto randomly = [&](const std::string &only) {
    Direction direction;
    for (const auto &[name, movable] : variables) {
      if (!only.empty() && name != only)
        continue;
      std::vector<double> &steps = direction[name];
      for (bool moves : movable)
        steps.push_back(moves ? draw.direction() : 0);
    }
    return direction;
  };
  bool isKink = false;
  for (int k = 0; k < 2 && !isKink; ++k)
    if (!follow(randomly(""), "all variables", isKink))
      break;
  bool differing = !report.differences.empty();
  if (!isKink && !differing)
    return;
  // Where it differs too: whose gradient is it?
  for (const auto &[name, movable] : variables) {
    isKink = false;
    if (!follow(randomly(name), "`" + name + "`", isKink) || !isKink)
      continue;
    for (size_t k = 0; k < std::min<size_t>(movable.size(), 12); ++k) {
      size_t i = size_t(draw.below(int64_t(movable.size())));
      if (!movable[i])
        continue;
      Direction direction;
      direction[name].resize(movable.size());
      direction[name][i] = 1;
      if (!follow(direction, fmt::format("`{}`[{}]", name, i), isKink))
        break;
      report.kinks += isKink;
    }
  }
}

/// The gradient of the loss of one step with respect to what is added to the
/// states after each step.
void Checker::checkStateGradients(const Case &plain) {
  std::optional<Results> results = callOnThreads("state_grad", plain, true);
  if (!results)
    return;
  checkPadding("state_grad", plain, *results);
  if (reference)
    return checkSinglePrecision("state_grad", plain, *results, true);
  for (interp::LossOf step :
       {interp::LossOf::LastStep, interp::LossOf::FirstStep}) {
    Case one = plain;
    Results gradients;
    for (const interp::StateProbe &probe : interp::findProbes(subject.module)) {
      auto found = results->find("grad.state." + probe.name);
      if (probe.backward != (step == interp::LossOf::FirstStep))
        continue;
      if (found == results->end())
        return differs("state_grad", one, "there is no " + probe.name);
      gradients[found->first] = found->second;
      one.args["state." + probe.name] = interp::Array(found->second.shape);
      for (double g : found->second.data)
        if (!std::isfinite(g)) {
          ++report.notFinite;
          return;
        }
    }
    std::vector<interp::Array> stopped;
    interp::RunOptions options = runOptions("loss", one, true);
    options.lossOf = step;
    options.stopped = &stopped;
    if (!gradients.empty())
      followDirections("state_grad", one, gradients, options, {});
  }
}

void Checker::checkGradients(const std::string &function, const Case &one,
                             const Results &results) {
  Results gradients = results;
  std::vector<interp::Array> stopped;
  interp::RunOptions options =
      runOptions(function == "vjp" ? "forward" : "loss", one,
                 function == "grad" || one.batch != 1);
  options.stopped = &stopped;
  std::string error;
  // The first run fixes what `stop` holds.
  std::optional<interp::Arrays> base = interp::run(
      subject.module, argumentsOf(options.function, one), options, error);
  if (!base)
    return differs(function, one, "the interpreter fails: " + error);
  interp::Arrays cotangents;
  Case given = one;
  bool isFinite = true, changed = false;
  if (function == "grad")
    isFinite = std::isfinite(base->at("loss").data[0]);
  else
    for (auto &[name, array] : *base) {
      auto it = given.args.find("cot." + name);
      if (it == given.args.end())
        continue;
      for (size_t i = 0; i < array.data.size(); ++i)
        if (!std::isfinite(array.data[i])) {
          it->second.data[i] = 0; // no derivative to speak of
          changed = true;
        }
      cotangents["cot." + name] = it->second;
      for (double &c : cotangents["cot." + name].data)
        if (!std::isfinite(c))
          c = 0; // padding
    }
  if (!isFinite) {
    ++report.notFinite;
    return;
  }
  if (changed) {
    auto again = call(subject, function, given, 1, one.batch != 1, error);
    if (!again)
      return differs(function, one, "the call fails: " + error);
    gradients = *again;
  }
  for (const auto &[name, array] : gradients)
    for (double g : array.data)
      if (name.rfind("grad.", 0) == 0 && !std::isfinite(g)) {
        if (changed)
          ++report.notFinite; // 0 times infinity
        else
          differs(function, one, fmt::format("`{}` holds {}", name, g));
        return;
      }
  followDirections(function, given, gradients, options, cotangents);
}
