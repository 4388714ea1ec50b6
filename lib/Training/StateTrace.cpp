// StateTrace.cpp: norms of the loss's gradient at the states, by distance.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/StateTrace.h"
#include "rnnc/Training/Evaluate.h"

#include <algorithm>
#include <cmath>

using namespace rnnc;
using namespace rnnc::training;
using data::Tensor;

/// More distances than a picture has room for help nobody.
static constexpr int64_t mostDistances = 200;

Status StateTrace::prepare(data::Batch sample, uint64_t withSeed) {
  batch = std::move(sample);
  seed = withSeed;
  function = instance.module().find("state_grad");
  if (function >= 0)
    return {};
  return usageError(
      "{}: error: --trace-gradients needs the function `state_grad`: give the "
      "source, or write `export {}.state_grad` into it",
      instance.library().path(), instance.module().name);
}

namespace {
/// Sums of squares at equal distances.
class DistanceSums {
public:
  explicit DistanceSums(int64_t steps)
      : width((steps + mostDistances - 1) / mostDistances) {
    if (width > 0)
      sums.resize(static_cast<size_t>((steps + width - 1) / width));
  }

  void add(int64_t distance, double squares) {
    Sum &sum = sums[static_cast<size_t>(distance / width)];
    sum.squares += squares;
    sum.distances += static_cast<double>(distance);
    ++sum.count;
  }

  Json toJson() const {
    Json distances = Json::array(), norms = Json::array();
    for (const Sum &sum : sums) {
      if (sum.count == 0)
        continue;
      distances.push_back(std::round(sum.distances / sum.count));
      double norm = std::sqrt(sum.squares / sum.count);
      norms.push_back(jsonNumber(
          std::strtod(fmt::format("{:.4g}", norm).c_str(), nullptr)));
    }
    return {{"distance", distances}, {"norm", norms}};
  }

private:
  struct Sum {
    double squares = 0, distances = 0, count = 0;
  };
  int64_t width;
  std::vector<Sum> sums;
};
} // namespace

/// The gradient of a state, `[batch, steps, ...]`, by distance.
static Json byDistance(const Tensor &gradient, const int32_t *lengths,
                       bool backward) {
  int64_t rows = gradient.shape[0], steps = gradient.shape[1];
  int64_t inner = rows * steps > 0 ? gradient.count() / (rows * steps) : 0;
  DistanceSums sums(steps);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t length = lengths ? lengths[row] : steps;
    for (int64_t t = 0; t < length; ++t) {
      double squares = 0;
      for (int64_t i = 0; i < inner; ++i) {
        double value = gradient.number((row * steps + t) * inner + i);
        squares += value * value;
      }
      // The loss is a mean over the rows: each one's own is so much larger.
      double scale = static_cast<double>(rows);
      sums.add(backward ? t : length - 1 - t, squares * scale * scale);
    }
  }
  return sums.toJson();
}

Result<Json> StateTrace::measure() {
  const FunctionInfo &info =
      instance.module().functions[static_cast<size_t>(function)];
  ModelInstance::CallOptions call;
  call.seed = seed;
  call.hasSeed = true;
  Result<Arrays> results =
      instance.call(function, argumentsOf(info, batch), call);
  if (!results)
    return results.error();
  Json states = Json::object();
  for (const ArgInfo &arg : info.args) {
    std::string_view name = arg.name, prefix = "grad.state.";
    if (!name.starts_with(prefix))
      continue;
    name.remove_prefix(prefix.size());
    std::string_view suffix = ".backward";
    bool backward = name.ends_with(suffix);
    if (backward)
      name.remove_suffix(suffix.size());
    auto lengths = batch.arrays.find(arg.shape[1].time);
    states[std::string(name)] = byDistance(
        (*results)[arg.name],
        lengths == batch.arrays.end() ? nullptr : lengths->second.as<int32_t>(),
        backward);
  }
  return states;
}

std::string training::describeTrace(const Json &states) {
  std::string text;
  for (const auto &[name, trace] : states.items()) {
    const Json &distances = trace["distance"], &norms = trace["norm"];
    std::string line;
    for (size_t i = 0, next = 0; i < norms.size(); ++i) {
      if (i < next && i + 1 < norms.size())
        continue;
      line += fmt::format("  {}: {:.3g}", distances[i].get<int64_t>(),
                          norms[i].is_number() ? norms[i].get<double>() : NAN);
      next = i == 0 ? 1 : i * 10;
    }
    text += fmt::format("{}  {}{}", text.empty() ? "" : "\n", name, line);
  }
  return text;
}
