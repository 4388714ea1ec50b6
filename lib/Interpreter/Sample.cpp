// Sample.cpp - drawing a sequence by feeding each draw back.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Batch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

namespace {

/// The options of `sample`.
struct Settings {
  double temperature = 1, topP = 1;
  int64_t topK = 0, steps = 0;
  int64_t never = -1; ///< a symbol that is not drawn
};

/// One example's sequence.
struct Row {
  std::vector<double> prompt, drawn;
  int64_t fed = 0; ///< what the next step reads
  bool done = false;
};

class Sampler {
public:
  Sampler(rnn::ModuleOp module, const Arrays &inputs, const RunOptions &options,
          std::string &error)
      : module(module), inputs(inputs), options(options), error(error) {}

  std::optional<Arrays> run();

private:
  bool findUnfold();
  void readSettings();
  bool readPrompt();
  std::optional<Array> step();
  int64_t draw(const double *probabilities, int64_t symbols, int64_t row,
               int64_t step);
  double uniform48(int64_t row, int64_t step);
  Arrays results();

  rnn::ModuleOp module;
  Arrays inputs;
  RunOptions options;
  std::string &error;
  rnn::ObserveOp observe;
  rnn::UnfoldOp unfold;
  Settings settings;
  std::vector<Row> rows;
};

} // namespace

bool Sampler::findUnfold() {
  for (Operation &op : module.getBody().front())
    if (auto found = dyn_cast<rnn::ObserveOp>(op))
      if (auto drawn = found.getDist().getDefiningOp<rnn::UnfoldOp>()) {
        observe = found;
        unfold = drawn;
        return true;
      }
  error = "`" + module.getSymName().str() + "` has no `unfold` to draw from";
  return false;
}

/// From the arguments, else from the export line.
void Sampler::readSettings() {
  auto setting = [&](const char *name, double otherwise) {
    for (Attribute one : module.getExports()) {
      auto line = cast<DictionaryAttr>(one);
      auto function = line.getAs<StringAttr>("function");
      auto defaults = line.getAs<DictionaryAttr>("defaults");
      if (!function || function.getValue() != "sample" || !defaults)
        continue;
      if (auto real = defaults.getAs<FloatAttr>(name))
        otherwise = real.getValueAsDouble();
      else if (auto whole = defaults.getAs<IntegerAttr>(name))
        otherwise = double(whole.getInt());
    }
    auto it = inputs.find(name);
    double value = it == inputs.end() || it->second.data.empty()
                       ? otherwise
                       : it->second.data[0];
    if (it != inputs.end())
      inputs.erase(it);
    return value;
  };
  settings.temperature = setting("temperature", 1);
  settings.topK = int64_t(setting("top_k", 0));
  settings.topP = setting("top_p", 1);
  settings.never = int64_t(setting("never", -1));
  auto length = options.lengths.find(unfold.getAxis().getName().str());
  settings.steps = length == options.lengths.end() ? 0 : length->second;
}

bool Sampler::readPrompt() {
  Array prompt, lengths;
  if (auto it = inputs.find("prompt"); it != inputs.end())
    prompt = it->second;
  std::string axis = unfold.getAxis().getName() == "P" ? "P.2" : "P";
  if (auto it = inputs.find(axis); it != inputs.end())
    lengths = it->second;
  inputs.erase("prompt");
  inputs.erase(axis);
  int64_t count = options.batch;
  for (auto &[name, type] : timeStates(module))
    if (auto it = inputs.find("state." + name);
        it != inputs.end() && !it->second.shape.empty())
      count = it->second.shape[0];
  if (!prompt.shape.empty())
    count = prompt.shape[0];
  rows.resize(count);
  bool fits = prompt.shape.empty() || prompt.shape.size() == 2;
  fits &= lengths.shape.empty() || lengths.shape == Shape{count};
  for (int64_t b = 0; fits && b < count; ++b) {
    Row &row = rows[b];
    row.fed = int64_t(unfold.getStart().value_or(0));
    row.done = settings.steps == 0;
    if (prompt.shape.empty())
      continue;
    int64_t all = prompt.shape[1];
    int64_t length = lengths.shape.empty() ? all : int64_t(lengths.data[b]);
    fits = length >= 0 && length <= all;
    if (fits)
      row.prompt.assign(prompt.data.begin() + b * all,
                        prompt.data.begin() + b * all + length);
  }
  if (!fits)
    error = "`prompt` or its lengths `" + axis + "` do not fit: [batch, " +
            axis + "] and [batch]";
  return fits;
}

/// Feeds all rows; gives the probabilities and keeps the states.
std::optional<Array> Sampler::step() {
  std::string prev = previousName(observe);
  inputs[prev] = Array({int64_t(rows.size())});
  for (auto [b, row] : llvm::enumerate(rows))
    inputs[prev].data[b] = double(row.fed);
  Batch batch(module, inputs, options, error);
  if (!batch.prepare())
    return std::nullopt;
  std::optional<Arrays> outputs = batch.evaluate();
  if (!outputs)
    return std::nullopt;
  for (auto &[name, type] : timeStates(module))
    inputs["state." + name] = (*outputs)["state." + name];
  return (*outputs)[observe.getName().str() + ".p"];
}

double Sampler::uniform48(int64_t row, int64_t step) {
  std::array<uint32_t, 4> numbers =
      philox(options.seed, 0, {0x7fffffffu, uint32_t(row), uint32_t(step), 0});
  return double(numbers[0] >> 8) * 0x1p-24 + double(numbers[1] >> 8) * 0x1p-48;
}

/// Temperature first, then the k largest, then the fewest that hold a share of
/// p. The start symbol is never drawn, nor is `never`.
int64_t Sampler::draw(const double *probabilities, int64_t symbols, int64_t row,
                      int64_t step) {
  std::vector<std::pair<double, int64_t>> weights;
  double largest = 0;
  int64_t start = int64_t(unfold.getStart().value_or(-1));
  bool startStops = unfold.getStop() == uint64_t(start);
  for (int64_t k = symbols; k-- > 0;)
    if (k != settings.never && (k != start || startStops)) {
      weights.emplace_back(probabilities[k], k);
      largest = std::max(largest, probabilities[k]);
    }
  auto isBefore = [](const auto &a, const auto &b) {
    return a.first > b.first || (a.first == b.first && a.second < b.second);
  };
  if (weights.empty())
    return 0;
  double temperature = settings.temperature;
  if (temperature <= 0)
    return std::min_element(weights.begin(), weights.end(), isBefore)->second;
  if (temperature != 1)
    for (auto &[weight, symbol] : weights)
      weight = largest > 0 ? std::pow(weight / largest, 1 / temperature) : 1;
  bool isCut = settings.topK > 0 && settings.topK < int64_t(weights.size());
  if (isCut || settings.topP < 1)
    std::sort(weights.begin(), weights.end(), isBefore);
  if (isCut)
    weights.resize(settings.topK);
  double total = 0;
  for (auto &[weight, symbol] : weights)
    total += weight;
  if (settings.topP < 1) {
    double share = settings.topP * total;
    size_t count = 1;
    for (total = weights[0].first; count < weights.size() && total < share;
         ++count)
      total += weights[count].first;
    weights.resize(count);
  }
  double goal = uniform48(row, step) * total, sum = 0;
  for (auto &[weight, symbol] : weights)
    if (goal < (sum += weight))
      return symbol;
  return weights.front().second;
}

Arrays Sampler::results() {
  std::string axis = unfold.getAxis().getName().str();
  Arrays outputs;
  Array text({int64_t(rows.size()), settings.steps});
  Array counts({int64_t(rows.size())});
  for (auto [b, row] : llvm::enumerate(rows)) {
    std::copy(row.drawn.begin(), row.drawn.end(),
              text.data.begin() + b * settings.steps);
    counts.data[b] = double(row.drawn.size());
  }
  outputs[observe.getName().str()] = std::move(text);
  outputs[axis] = std::move(counts);
  for (auto &[name, type] : timeStates(module))
    if (auto it = inputs.find("state." + name); it != inputs.end())
      outputs[it->first] = it->second;
  return outputs;
}

std::optional<Arrays> Sampler::run() {
  if (!findUnfold())
    return std::nullopt;
  readSettings();
  if (!readPrompt())
    return std::nullopt;
  auto isOpen = [](const Row &row) { return !row.done; };
  for (int64_t now = 0; llvm::any_of(rows, isOpen); ++now) {
    std::optional<Array> probabilities = step();
    if (!probabilities)
      return std::nullopt;
    int64_t symbols = probabilities->shape.back();
    for (auto [b, row] : llvm::enumerate(rows)) {
      if (now < int64_t(row.prompt.size())) {
        row.fed = int64_t(row.prompt[now]);
        continue;
      }
      if (row.done)
        continue;
      row.fed = draw(probabilities->data.data() + b * symbols, symbols,
                     int64_t(b), now);
      row.drawn.push_back(double(row.fed));
      row.done = unfold.getStop() == uint64_t(row.fed) ||
                 int64_t(row.drawn.size()) == settings.steps;
    }
  }
  return results();
}

std::optional<Arrays> rnnc::interp::sample(rnn::ModuleOp module,
                                           const Arrays &inputs,
                                           const RunOptions &options,
                                           std::string &error) {
  return Sampler(module, inputs, options, error).run();
}
