// Update.cpp - clipping and optimisers, by PyTorch's formulas.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Batch.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

namespace {

double numberOf(DictionaryAttr settings, StringRef name, double otherwise) {
  Attribute value = settings ? settings.get(name) : Attribute();
  if (auto real = dyn_cast_or_null<FloatAttr>(value))
    return real.getValueAsDouble();
  if (auto whole = dyn_cast_or_null<IntegerAttr>(value))
    return double(whole.getInt());
  return otherwise;
}

StringRef wordOf(DictionaryAttr settings, StringRef name, StringRef otherwise) {
  auto word = settings ? settings.getAs<StringAttr>(name) : StringAttr();
  return word ? word.getValue() : otherwise;
}

double normOf(const double *x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += x[i] * x[i];
  return std::sqrt(sum);
}

struct Weight {
  std::string name;
  Array value, gradient;
  int64_t unit = 1; ///< numbers of one unit, for adaptive clipping
  bool isTrained = true;
};

/// The first update of a module from the settings of its `train`.
class Updater {
public:
  Updater(rnn::ModuleOp module, const Arrays &inputs, Arrays &results)
      : train(module.getTrain()), inputs(inputs), results(results) {
    optimizer = train.getAs<DictionaryAttr>("optimize");
    for (Operation &op : module.getBody().front())
      if (auto param = dyn_cast<rnn::ParamOp>(op))
        add(param, module.getAxes());
  }

  double norm();
  const Weight *notFinite();
  const Weight *overflown();
  void run();
  /// Gives back what was given.
  void undo();

private:
  void add(rnn::ParamOp param, DictionaryAttr labels);
  void scaleAll(double factor);
  void clip(DictionaryAttr setting);
  void clipAdaptive(Weight &weight, double limit);
  double rate(const Weight &weight);
  Array &slot(StringRef name, const Weight &weight);
  void step(Weight &weight);
  void move(Weight &weight);
  void keepStill(Weight &weight);
  void sgd(Weight &weight);
  void adam(Weight &weight, bool decoupled);
  void rmsprop(Weight &weight);
  void adagrad(Weight &weight);
  void average(const Weight &weight);
  double setting(StringRef name, double otherwise) {
    return numberOf(optimizer, name, otherwise);
  }
  double decay() { return numberOf(train, "decay", setting("decay", 0)); }

  DictionaryAttr train, optimizer;
  const Arrays &inputs;
  Arrays &results;
  std::vector<Weight> weights;
};

} // namespace

/// What stands behind the first axis without labels is one unit.
static int64_t unitOf(rnn::ValueType type, DictionaryAttr labels) {
  int64_t plain = 0, unit = 1;
  for (rnn::AxisAttr axis : type.getAxes()) {
    if (plain > 0)
      unit *= axis.getSize();
    plain += !labels.contains(axis.getName());
  }
  return plain > 1 ? unit : 1;
}

void Updater::add(rnn::ParamOp param, DictionaryAttr labels) {
  std::string name = param.getName().str();
  const Array &value = inputs.find(name)->second;
  results[name] = value;
  auto gradient = results.find("grad." + name);
  bool isTrained = !param.getFrozen() && gradient != results.end();
  weights.push_back({name, value,
                     isTrained ? gradient->second : Array(value.shape),
                     unitOf(param.getResult().getType(), labels), isTrained});
}

double Updater::norm() {
  double sum = 0;
  for (const Weight &weight : weights)
    sum += std::pow(normOf(weight.gradient.data.data(), weight.gradient.size()),
                    2);
  return std::sqrt(sum);
}

const Weight *Updater::notFinite() {
  double sum = 0;
  for (const Weight &weight : weights) {
    sum += std::pow(normOf(weight.gradient.data.data(), weight.gradient.size()),
                    2);
    if (!std::isfinite(sum))
      return &weight;
  }
  return nullptr;
}

/// The parameter that an optimiser's slot belongs to; empty: it is no slot.
static std::string parameterOf(const std::string &name) {
  const std::string prefix = "optimizer.";
  if (!StringRef(name).starts_with(prefix))
    return "";
  return name.substr(name.find('.', prefix.size()) + 1);
}

/// The first parameter whose new value or optimiser state is not finite.
const Weight *Updater::overflown() {
  auto isFinite = [&](const std::string &name) {
    const Array &array = results.find(name)->second;
    return std::all_of(array.data.begin(), array.data.end(),
                       [](double x) { return std::isfinite(x); });
  };
  for (const auto &[name, array] : results) {
    std::string slotOf = parameterOf(name);
    const std::string &of = slotOf.empty() ? name : slotOf;
    for (const Weight &weight : weights)
      if (weight.name == of && weight.isTrained && !isFinite(name))
        return &weight;
  }
  return nullptr;
}

void Updater::scaleAll(double factor) {
  for (Weight &weight : weights)
    for (double &g : weight.gradient.data)
      g *= factor;
}

void Updater::clipAdaptive(Weight &weight, double limit) {
  for (int64_t at = 0; at < weight.gradient.size(); at += weight.unit) {
    double *g = weight.gradient.data.data() + at;
    double most =
        limit *
        std::max(normOf(weight.value.data.data() + at, weight.unit), 1e-3);
    double size = normOf(g, weight.unit);
    if (size > most)
      for (int64_t i = 0; i < weight.unit; ++i)
        g[i] *= most / std::max(size, 1e-6);
  }
}

void Updater::clip(DictionaryAttr setting) {
  StringRef kind = wordOf(setting, "kind", "");
  double limit = numberOf(setting, "limit", 0);
  if (kind == "global_norm")
    return scaleAll(std::min(1.0, limit / (norm() + 1e-6)));
  for (Weight &weight : weights) {
    Array &g = weight.gradient;
    double factor =
        std::min(1.0, limit / (normOf(g.data.data(), g.size()) + 1e-6));
    for (double &x : g.data)
      if (kind == "value")
        x = std::min(std::max(x, -limit), limit);
      else if (kind == "norm")
        x *= factor;
    if (kind == "adaptive")
      clipAdaptive(weight, limit);
  }
}

/// The schedule's factor is 1 at the first update, but for a warm-up.
double Updater::rate(const Weight &weight) {
  auto schedule = train.getAs<DictionaryAttr>("schedule");
  double warmup = wordOf(schedule, "kind", "") == "cosine"
                      ? numberOf(schedule, "warmup", 0)
                      : 0;
  double own = numberOf(train.getAs<DictionaryAttr>("rates"), weight.name, 1);
  return own * setting("lr", 1e-3) * (warmup > 1 ? 1 / warmup : 1);
}

Array &Updater::slot(StringRef name, const Weight &weight) {
  std::string path = "optimizer." + name.str() + "." + weight.name;
  auto given = inputs.find(path);
  return results[path] =
             given == inputs.end() ? Array(weight.value.shape) : given->second;
}

void Updater::sgd(Weight &weight) {
  double momentum = setting("momentum", 0);
  Array *buffer = momentum ? &slot("momentum_buffer", weight) : nullptr;
  for (int64_t i = 0; i < weight.value.size(); ++i) {
    double &x = weight.value.data[i];
    double g = weight.gradient.data[i] + decay() * x;
    if (buffer) {
      double &b = buffer->data[i];
      b = momentum * b + g;
      g = setting("nesterov", 0) ? g + momentum * b : b;
    }
    x -= rate(weight) * g;
  }
}

void Updater::adam(Weight &weight, bool decoupled) {
  double beta1 = setting("beta1", 0.9), beta2 = setting("beta2", 0.999);
  Array &first = slot("exp_avg", weight), &second = slot("exp_avg_sq", weight);
  for (int64_t i = 0; i < weight.value.size(); ++i) {
    double &x = weight.value.data[i], g = weight.gradient.data[i];
    double &m = first.data[i], &v = second.data[i];
    if (decoupled)
      x -= rate(weight) * decay() * x;
    else
      g += decay() * x;
    m += (1 - beta1) * (g - m);
    v = beta2 * v + (1 - beta2) * g * g;
    x -= rate(weight) / (1 - beta1) * m /
         (std::sqrt(v) / std::sqrt(1 - beta2) + setting("eps", 1e-8));
  }
}

void Updater::rmsprop(Weight &weight) {
  double alpha = setting("alpha", 0.99), momentum = setting("momentum", 0);
  Array &squares = slot("square_avg", weight);
  Array *buffer = momentum ? &slot("momentum_buffer", weight) : nullptr;
  for (int64_t i = 0; i < weight.value.size(); ++i) {
    double &x = weight.value.data[i], &v = squares.data[i];
    double g = weight.gradient.data[i] + decay() * x;
    v = alpha * v + (1 - alpha) * g * g;
    double direction = g / (std::sqrt(v) + setting("eps", 1e-8));
    if (buffer)
      direction = buffer->data[i] = momentum * buffer->data[i] + direction;
    x -= rate(weight) * direction;
  }
}

void Updater::adagrad(Weight &weight) {
  Array &sums = slot("sum", weight);
  for (int64_t i = 0; i < weight.value.size(); ++i) {
    double &x = weight.value.data[i], &sum = sums.data[i];
    double g = weight.gradient.data[i] + decay() * x;
    sum += g * g;
    x -= rate(weight) * g / (std::sqrt(sum) + setting("eps", 1e-10));
  }
}

/// The setting `average`: begins with zeros, so that it is too small by the
/// factor 1 - decay^updates.
void Updater::average(const Weight &weight) {
  double share = 1 - numberOf(train, "average", 0);
  Array &mean = slot("average", weight);
  const Array &value = results[weight.name];
  for (int64_t i = 0; i < value.size(); ++i)
    mean.data[i] += share * (value.data[i] - mean.data[i]);
}

void Updater::move(Weight &weight) {
  StringRef name = wordOf(optimizer, "name", "adam");
  if (name == "sgd")
    sgd(weight);
  else if (name == "rmsprop")
    rmsprop(weight);
  else if (name == "adagrad")
    adagrad(weight);
  else
    adam(weight, name == "adamw");
}

/// The setting `lazy`: what has no gradient stays as it was, with the
/// optimiser's memory of it.
void Updater::keepStill(Weight &weight) {
  auto lazy = train.getAs<ArrayAttr>("lazy");
  auto name = StringAttr::get(train.getContext(), weight.name);
  if (!lazy || !weight.isTrained || !llvm::is_contained(lazy, name))
    return;
  const Array &gradient = results.find("grad." + weight.name)->second;
  auto keep = [&](Array &now, const Array &before) {
    for (int64_t i = 0; i < gradient.size(); ++i)
      if (gradient.data[i] == 0)
        now.data[i] = before.data[i];
  };
  keep(weight.value, inputs.find(weight.name)->second);
  for (auto &[slot, array] : results) {
    if (parameterOf(slot) != weight.name)
      continue;
    auto given = inputs.find(slot);
    keep(array, given == inputs.end() ? Array(array.shape) : given->second);
  }
}

void Updater::step(Weight &weight) {
  move(weight);
  keepStill(weight);
  if (weight.isTrained)
    results[weight.name] = weight.value;
  if (numberOf(train, "average", 0) > 0)
    average(weight);
}

void Updater::run() {
  if (auto clips = train.getAs<ArrayAttr>("clip"))
    for (Attribute setting : clips)
      clip(cast<DictionaryAttr>(setting));
  for (Weight &weight : weights)
    step(weight);
}

void Updater::undo() {
  for (Weight &weight : weights)
    results[weight.name] = inputs.find(weight.name)->second;
  for (auto &[name, value] : results)
    if (StringRef(name).starts_with("optimizer.")) {
      auto given = inputs.find(name);
      value = given == inputs.end() ? Array(value.shape) : given->second;
    }
}

bool rnnc::interp::update(rnn::ModuleOp module, const Arrays &inputs,
                          bool isEmpty, Arrays &results, std::string &error) {
  Updater updater(module, inputs, results);
  // The first of several batches only waits for the others.
  bool waits = numberOf(module.getTrain(), "accumulate", 1) > 1;
  const Weight *bad = waits ? nullptr : updater.notFinite();
  if (bad) {
    error = "the gradient of `" + bad->name + "` is not finite";
    return false;
  }
  results["norm"] = Array::scalar(waits ? 0 : updater.norm());
  updater.run();
  if (isEmpty || waits) {
    updater.undo();
  } else if (const Weight *weight = updater.overflown()) {
    error = "the update of `" + weight->name + "` is not finite";
    return false;
  }
  for (auto it = results.begin(); it != results.end();)
    it = StringRef(it->first).starts_with("grad.") ? results.erase(it)
                                                   : std::next(it);
  return true;
}
