// Choice.cpp - how one element of a sequence is chosen.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Choice.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

/// What the export line of a function says about an option.
static std::optional<double>
defaultOf(rnn::ModuleOp module, const std::string &function, const char *name) {
  for (Attribute one : module.getExports()) {
    auto line = cast<DictionaryAttr>(one);
    auto of = line.getAs<StringAttr>("function");
    auto defaults = line.getAs<DictionaryAttr>("defaults");
    if (!of || of.getValue() != function || !defaults)
      continue;
    if (auto real = defaults.getAs<FloatAttr>(name))
      return real.getValueAsDouble();
    if (auto whole = defaults.getAs<IntegerAttr>(name))
      return double(whole.getInt());
  }
  return std::nullopt;
}

DrawChoice rnnc::interp::readChoice(rnn::ModuleOp module,
                                    const std::string &function,
                                    Arrays &inputs) {
  auto setting = [&](const char *name, double otherwise) {
    double value = defaultOf(module, function, name).value_or(otherwise);
    auto it = inputs.find(name);
    if (it == inputs.end())
      return value;
    if (!it->second.data.empty())
      value = it->second.data[0];
    inputs.erase(it);
    return value;
  };
  // The library takes real options as f32.
  auto real = [&](const char *name, float otherwise) {
    return double(float(setting(name, otherwise)));
  };
  DrawChoice choice;
  bool isSample = function == "sample";
  choice.never = int64_t(setting("never", -1));
  choice.temperature = isSample ? real("temperature", 1) : 0;
  choice.topK = isSample ? int64_t(setting("top_k", 0)) : 0;
  choice.topP = isSample ? real("top_p", 1) : 1;
  bool isBeam = function == "beam";
  if (isBeam) {
    choice.width = size_t(defaultOf(module, function, "width").value_or(5));
    choice.lengthPenalty = real("length_penalty", 0);
  }
  if (std::optional<double> paths =
          defaultOf(module, function, isBeam ? "best" : "paths"))
    choice.paths = int64_t(*paths);
  return choice;
}

std::array<double, 2> rnnc::interp::drawNumbers(uint32_t seed, int64_t row,
                                                int64_t step, int64_t entry,
                                                int64_t output) {
  std::array<uint32_t, 4> numbers =
      philox(seed, 0,
             {0x7fffffffu - uint32_t(output), uint32_t(row), uint32_t(step),
              uint32_t(entry)});
  std::array<double, 2> out;
  for (int i : {0, 1})
    out[i] = double(numbers[2 * i] >> 8) * 0x1p-24 +
             double(numbers[2 * i + 1] >> 8) * 0x1p-48;
  return out;
}

int64_t rnnc::interp::chooseSymbol(const DrawChoice &choice,
                                   rnn::UnfoldOp unfold,
                                   const double *probabilities, int64_t symbols,
                                   double number) {
  std::vector<std::pair<double, int64_t>> weights;
  double largest = 0;
  int64_t start = unfold ? int64_t(unfold.getStart().value_or(-1)) : -1;
  bool startStops = unfold && unfold.getStop() == uint64_t(start);
  for (int64_t k = symbols; k-- > 0;)
    if (k != choice.never && (k != start || startStops)) {
      weights.emplace_back(probabilities[k], k);
      largest = std::max(largest, probabilities[k]);
    }
  auto isBefore = [](const auto &a, const auto &b) {
    return a.first > b.first || (a.first == b.first && a.second < b.second);
  };
  if (weights.empty())
    return 0;
  if (largest > 0)
    std::erase_if(weights, [](const auto &one) { return one.first == 0; });
  double temperature = choice.temperature;
  if (temperature <= 0)
    return std::min_element(weights.begin(), weights.end(), isBefore)->second;
  if (temperature != 1)
    for (auto &[weight, symbol] : weights)
      weight = largest > 0 ? std::pow(weight / largest, 1 / temperature) : 1;
  bool isCut = choice.topK > 0 && choice.topK < int64_t(weights.size());
  if (isCut || choice.topP < 1)
    std::sort(weights.begin(), weights.end(), isBefore);
  if (isCut)
    weights.resize(choice.topK);
  double total = 0;
  for (auto &[weight, symbol] : weights)
    total += weight;
  if (choice.topP < 1) {
    double share = choice.topP * total;
    size_t count = 1;
    for (total = weights[0].first; count < weights.size() && total < share;
         ++count)
      total += weights[count].first;
    weights.resize(count);
  }
  double goal = number * total, sum = 0;
  for (auto &[weight, symbol] : weights)
    if (goal < (sum += weight))
      return symbol;
  return weights.front().second;
}
