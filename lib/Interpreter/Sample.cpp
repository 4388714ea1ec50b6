// Sample.cpp - drawing a sequence by feeding each draw back.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Batch.h"
#include "Choice.h"

#include <algorithm>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

namespace {

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
  bool readPrompt();
  std::optional<Array> step();
  Arrays results();

  rnn::ModuleOp module;
  Arrays inputs;
  RunOptions options;
  std::string &error;
  rnn::ObserveOp observe;
  rnn::UnfoldOp unfold;
  DrawChoice choice;
  int64_t steps = 0;
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
    row.done = steps == 0;
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

Arrays Sampler::results() {
  std::string axis = unfold.getAxis().getName().str();
  Arrays outputs;
  Array text({int64_t(rows.size()), steps});
  Array counts({int64_t(rows.size())});
  for (auto [b, row] : llvm::enumerate(rows)) {
    std::copy(row.drawn.begin(), row.drawn.end(),
              text.data.begin() + b * steps);
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
  choice = readChoice(module, "sample", inputs);
  auto length = options.lengths.find(unfold.getAxis().getName().str());
  steps = length == options.lengths.end() ? 0 : length->second;
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
      row.fed =
          chooseSymbol(choice, unfold, probabilities->data.data() + b * symbols,
                       symbols, drawNumbers(options.seed, b, now, 0)[0]);
      row.drawn.push_back(double(row.fed));
      row.done = unfold.getStop() == uint64_t(row.fed) ||
                 int64_t(row.drawn.size()) == steps;
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
