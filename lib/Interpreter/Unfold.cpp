// Unfold.cpp - sequences that depend on inputs, drawn element by element.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Batch.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

/// Whether it depends on data that were not given.
bool Example::isLeftOut(Operation *op) {
  return op
      ->walk([&](Operation *inner) {
        bool lacks = llvm::any_of(inner->getOperands(), [&](Value value) {
          return missing.count(value);
        });
        return lacks ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// How far from its middle a distribution of scale 1 is drawn.
static double distance(rnn::DistKind kind, std::array<double, 2> u) {
  if (kind == rnn::DistKind::Normal)
    return std::sqrt(-2 * std::log(1 - u[0])) * std::cos(2 * M_PI * u[1]);
  double size = -std::log(1 - 2 * std::fabs(u[0] - 0.5));
  return u[0] < 0.5 ? -size : size;
}

static bool drawBit(double p, double temperature, double u) {
  if (temperature != 1 && p > 0 && p < 1)
    p = 1 / (1 + std::pow((1 - p) / p, 1 / temperature));
  return u < p;
}

/// One element from the distribution of the step that is evaluated.
bool Example::drawElement(rnn::UnfoldOp unfold, int64_t step, Array &out) {
  const Dist &dist = dists[unfold.getYield().getOut().front()];
  bool isMode = options.function == "predict";
  if (auto law = dyn_cast<rnn::LawOp>(dist.op)) {
    update = uint32_t(step);
    if (!isMode)
      return drawOwn(dist, out);
    return law.hasMode() ? lawPart(dist, law.getMode(), nullptr, out)
                         : fail(*law, "it has no line `mode`");
  }
  auto op = cast<rnn::DistOp>(dist.op);
  predict("drawn", op, dist,
          cast<rnn::ValueType>(unfold.getPrevious().getType()), true);
  out = std::move(result->outputs["drawn"]);
  Array more = result->outputs["drawn.p"];
  result->outputs.erase("drawn");
  double temperature = drawn->temperature;
  for (int64_t i = 0, n = out.size(); i < n; ++i) {
    if (op.getKind() == rnn::DistKind::Categorical) {
      int64_t symbols = more.shape.back();
      out.data[i] = double(
          chooseSymbol(*drawn, unfold, more.data.data() + i * symbols, symbols,
                       drawNumbers(options.seed, row * n + i, step, 0)[0]));
      continue;
    }
    if (temperature <= 0)
      continue;
    std::array<double, 2> u = drawNumbers(options.seed, row, step, i);
    double p = more.data[i];
    if (op.getKind() == rnn::DistKind::Bernoulli)
      out.data[i] = drawBit(p, temperature, u[0]);
    else
      out.data[i] += temperature * p * distance(op.getKind(), u);
  }
  return true;
}

std::optional<rnn::ValueType> rnnc::interp::shownType(rnn::ObserveOp observe,
                                                      rnn::UnfoldOp unfold) {
  auto dist = unfold.getYield().getOut().front().getDefiningOp<rnn::DistOp>();
  if (!dist)
    return std::nullopt;
  if (dist.getKind() != rnn::DistKind::Categorical)
    return observe.getData().getType();
  return cast<rnn::ValueType>(dist.getArgs()[0].getType())
      .pushFront(unfold.getAxis());
}

bool Example::drawUnfold(rnn::ObserveOp op, rnn::UnfoldOp unfold) {
  std::vector<Array> states =
      firstStates(unfold.getInit(), unfold.getStates(), unfold.getAxis());
  Array whole(shapeOf(op.getData().getType()));
  Array element = firstElement(unfold);
  std::optional<Array> shown;
  if (auto type = shownType(op, unfold))
    shown = Array(shapeOf(*type));
  // Random numbers of a step count from 0: its key counts the steps.
  frames.push_back({unfold.getAxis(), 0, true});
  int64_t t = 0;
  for (bool stops = false; t < whole.shape[0] && !stops; ++t) {
    set(unfold.getPrevious(), element);
    for (auto [xs, x] : llvm::zip(unfold.getOver(), unfold.getElements()))
      set(x, entry(get(xs), t));
    if (!advance(unfold, states) || !drawElement(unfold, t, element))
      return false;
    setEntry(whole, t, element);
    if (shown)
      setEntry(*shown, t, result->outputs["drawn.p"]);
    stops = unfold.getStop() && element.size() == 1 &&
            element.data[0] == double(*unfold.getStop());
  }
  frames.pop_back();
  result->outputs[op.getName().str()] = std::move(whole);
  result->outputs.erase("drawn.p");
  if (shown)
    result->outputs[op.getName().str() + ".p"] = std::move(*shown);
  if (unfold.getAxis().isTime())
    result->outputs[unfold.getAxis().getName().str()] =
        Array::scalar(double(t));
  return true;
}

/// The modes of an output that is not fed back become draws; one of a
/// distribution of the model's own is drawn by its line `sample`. The steps of
/// its first time axis are counted; those of a second one, then all other axes
/// count entries.
bool Example::drawEach(rnn::ObserveOp op, const Dist &dist, int64_t output) {
  auto plain = dyn_cast<rnn::DistOp>(dist.op);
  if (!plain)
    return drawOwn(dist, result->outputs[op.getName().str()]);
  Array &values = result->outputs[op.getName().str()];
  const Array &more = result->outputs[op.getName().str() + ".p"];
  ArrayRef<rnn::AxisAttr> axes = op.getDist().getType().getValue().getAxes();
  rnn::DistKind kind = plain.getKind();
  double temperature = drawn->temperature;
  int64_t i = 0;
  forEachIndex(values.shape, [&](const Shape &index) {
    int64_t step = 0, entry = 0, times = 0;
    for (bool isTime : {true, false})
      for (auto [axis, at] : llvm::zip_equal(axes, index)) {
        if (axis.isTime() != isTime)
          continue;
        if (!isTime)
          entry = entry * axis.getSize() + at;
        else if (times++ == 0)
          step = at;
        else
          entry = at;
      }
    double &value = values.data[i];
    std::array<double, 2> u =
        drawNumbers(options.seed, row, step, entry, output);
    if (kind == rnn::DistKind::Categorical) {
      // What has no probability is not drawn: the mode stays.
      int64_t symbols = more.shape.back();
      const double *probabilities = more.data.data() + i * symbols;
      int64_t symbol = chooseSymbol(*drawn, {}, probabilities, symbols, u[0]);
      if (symbol < symbols && probabilities[symbol] > 0)
        value = double(symbol);
    } else if (temperature > 0) {
      value = kind == rnn::DistKind::Bernoulli
                  ? drawBit(more.data[i], temperature, u[0])
                  : value + temperature * more.data[i] * distance(kind, u);
    }
    ++i;
  });
  return true;
}

/// What `begin` gives: what is fed first, and the first states.
void Example::beginUnfold(rnn::ObserveOp op, rnn::UnfoldOp unfold) {
  result->outputs[previousName(op)] = firstElement(unfold);
  for (auto [name, first] : llvm::zip_equal(
           unfold.getStates().getAsRange<StringAttr>(), unfold.getInit()))
    result->outputs["state." + name.getValue().str()] = get(first);
}

/// As many rows as there are paths, for each row of the arguments.
static Array repeated(const Array &array, int64_t paths) {
  Array out(array.shape);
  out.shape[0] *= paths;
  out.data.clear();
  int64_t size = array.shape[0] ? array.size() / array.shape[0] : 0;
  for (int64_t i = 0; i < out.shape[0]; ++i) {
    auto from = array.data.begin() + i / paths * size;
    out.data.insert(out.data.end(), from, from + size);
  }
  return out;
}

std::optional<Arrays> rnnc::interp::drawWhole(rnn::ModuleOp module,
                                              const Arrays &inputs,
                                              const RunOptions &options,
                                              std::string &error) {
  Arrays given = inputs;
  DrawChoice choice = readChoice(module, options.function, given);
  int64_t paths = choice.paths.value_or(1);
  llvm::StringMap<bool> isParam;
  for (auto param : module.getBody().getOps<rnn::ParamOp>())
    isParam[param.getName()] = true;
  for (auto &[name, array] : given)
    if (!isParam.count(name) && !array.shape.empty())
      array = repeated(array, paths);
  RunOptions own = options;
  own.batch *= paths;
  Batch batch(module, given, own, error);
  batch.drawBy(choice);
  if (!batch.prepare())
    return std::nullopt;
  std::optional<Arrays> outputs = batch.evaluate();
  if (!outputs || !choice.paths)
    return outputs;
  for (auto &[name, array] : *outputs)
    if (!array.shape.empty()) {
      array.shape[0] /= paths;
      array.shape.insert(array.shape.begin() + 1, paths);
    }
  return outputs;
}
