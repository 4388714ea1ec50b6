// GradCheck.cpp - gradients against finite differences of the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Interpreter/GradCheck.h"

#include "rnnc/Dialect/RNN/Nesting.h"

#include "Dense.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

namespace {

/// Numbers that are the same on every machine.
class Draw {
public:
  explicit Draw(uint32_t seed) : engine(seed) {}
  double between(double low, double high) {
    return low + (high - low) * (engine() >> 8) * (1.0 / 16777216.0);
  }
  int64_t below(int64_t n) { return n > 0 ? int64_t(engine() % n) : 0; }

private:
  std::mt19937 engine;
};

/// One derivative to compare: of an entry, or along a direction that is drawn.
struct Probe {
  int64_t entry; ///< -1: a direction
  Draw draw;     ///< where its numbers begin
};

class Checker {
public:
  Checker(rnn::ModuleOp module, const Arrays &arguments,
          const RunOptions &options, std::string &error)
      : module(module), options(options), error(error) {
    for (const auto &[name, array] : arguments)
      (name.compare(0, 4, "cot.") ? this->arguments : cotangents)[name] = array;
    this->options.function = module.getKind() == "model" ? "loss" : "forward";
    this->options.stopped = &stopped;
  }

  std::optional<double> objective();
  bool check(const Array &gradient, const Probe &probe, TensorCheck &out);
  bool hasShape(const std::string &name, const Array &gradient) {
    return arguments[name].shape == gradient.shape;
  }

private:
  bool compare(Array &variable, const std::vector<double> &direction,
               double gradient, int64_t entry, TensorCheck &out);

  rnn::ModuleOp module;
  Arrays arguments, cotangents;
  RunOptions options;
  std::string &error;
  std::vector<Array> stopped;
};

} // namespace

// Kinks are rare among random numbers: where most entries seem to have one,
// nothing has been shown.
bool TensorCheck::passed() const {
  bool isEmpty = volume(shape) == 0;
  return worst <= gradientTolerance && (isEmpty || checked > kinks);
}

/// The loss, or the sum of outputs times their cotangents.
std::optional<double> Checker::objective() {
  std::optional<Arrays> outputs = run(module, arguments, options, error);
  if (!outputs)
    return std::nullopt;
  if (options.function == "loss")
    return (*outputs)["loss"].data[0];
  double sum = 0;
  for (const auto &[name, value] : *outputs) {
    auto cotangent = cotangents.find("cot." + name);
    if (cotangent == cotangents.end())
      continue;
    for (int64_t i = 0; i < value.size(); ++i)
      sum += value.data[i] * cotangent->second.data[i];
  }
  return sum;
}

/// Compares the derivative along a direction. False: the module did not run.
bool Checker::compare(Array &variable, const std::vector<double> &direction,
                      double gradient, int64_t entry, TensorCheck &out) {
  std::vector<double> before = variable.data;
  double slopes[3];
  // Halved steps tell noise and curvature (which shrink) from kinks.
  const double steps[3] = {2e-4, 1e-4, 5e-5};
  for (int k = 0; k < 3; ++k) {
    double ends[2];
    for (int side : {0, 1}) {
      for (size_t i = 0; i < before.size(); ++i)
        variable.data[i] =
            before[i] + (side ? steps[k] : -steps[k]) * direction[i];
      std::optional<double> value = objective();
      if (!value)
        return false;
      ends[side] = *value;
    }
    slopes[k] = (ends[1] - ends[0]) / (2 * steps[k]);
  }
  variable.data = before;
  // Richardson: the error in h^2 goes away.
  double fine = (4 * slopes[2] - slopes[1]) / 3;
  double coarse = (4 * slopes[1] - slopes[0]) / 3;
  double scale = std::max(1.0, out.largest);
  double off = std::fabs(gradient - fine) / scale;
  bool isKink = std::fabs(fine - coarse) > gradientTolerance / 4 * scale;
  if (isKink && off > gradientTolerance) {
    ++out.kinks;
    return true;
  }
  ++out.checked;
  if (!(off <= out.worst)) {
    out.worst = off;
    out.entry = entry;
    out.gradient = gradient;
    out.difference = fine;
  }
  return true;
}

bool Checker::check(const Array &gradient, const Probe &probe,
                    TensorCheck &out) {
  Array &variable = arguments[out.name];
  std::vector<double> direction(gradient.data.size());
  if (probe.entry >= 0) {
    direction[size_t(probe.entry)] = 1;
    return compare(variable, direction, gradient.data[size_t(probe.entry)],
                   probe.entry, out);
  }
  Draw draw = probe.draw;
  double norm = 0, slope = 0;
  for (double &x : direction) {
    x = draw.between(-1, 1);
    norm += x * x;
  }
  for (size_t i = 0; i < direction.size(); ++i) {
    direction[i] /= std::sqrt(norm);
    slope += direction[i] * gradient.data[i];
  }
  return compare(variable, direction, slope, -1, out);
}

/// Where one tensor is looked at: all entries of a small one, else 64 of them
/// and 3 directions.
static std::vector<Probe> probesOf(int64_t size, Draw &draw) {
  std::vector<Probe> probes;
  bool isSmall = size <= 64;
  for (int64_t k = 0; k < std::min<int64_t>(size, 64); ++k)
    probes.push_back({isSmall ? k : draw.below(size), draw});
  for (int k = 0; k < 3 && !isSmall; ++k) {
    probes.push_back({-1, draw});
    for (int64_t i = 0; i < size; ++i)
      draw.between(-1, 1);
  }
  return probes;
}

static Array randomValue(rnn::ValueType type, Shape shape, Draw &draw) {
  Array array(std::move(shape));
  for (double &x : array.data)
    switch (type.getKind()) {
    case rnn::ValueKind::Real:
      x = draw.between(-1, 1);
      break;
    case rnn::ValueKind::Index:
      x = double(
          draw.below(std::max<int64_t>(type.getIndexAxis().getSize(), 1)));
      break;
    case rnn::ValueKind::Int:
    case rnn::ValueKind::Bit:
      x = double(draw.below(2));
      break;
    }
  return array;
}

Arrays rnnc::interp::randomArguments(rnn::ModuleOp module, int64_t batch,
                                     int64_t steps, uint32_t seed) {
  Draw draw(seed);
  rnn::Nesting nesting(module);
  Arrays arguments;
  auto shapeOf = [&](rnn::ValueType type, bool isData) {
    Shape shape;
    if (isData)
      shape.push_back(batch);
    for (rnn::AxisAttr axis : type.getAxes()) {
      shape.push_back(axis.isTime() ? steps : axis.getSize());
      if (!axis.isTime() || arguments.count(axis.getName().str()))
        continue;
      Shape each{batch};
      each.resize(1 + nesting.around(axis).size(), steps);
      Array lengths(each, double(steps));
      int64_t full = lengths.size() / std::max<int64_t>(batch, 1);
      for (int64_t i = each.size() > 1 ? 1 : full; i < lengths.size(); ++i)
        lengths.data[i] = double(1 + draw.below(steps));
      arguments[axis.getName().str()] = lengths;
    }
    return shape;
  };
  for (Operation &op : module.getBody().front()) {
    std::string name;
    rnn::ValueType type;
    if (auto param = dyn_cast<rnn::ParamOp>(op)) {
      type = param.getResult().getType();
      Array weights = randomValue(type, shapeOf(type, false), draw);
      for (double &x : weights.data)
        x *= 0.5;
      arguments[param.getName().str()] = std::move(weights);
      continue;
    }
    if (auto input = dyn_cast<rnn::InputOp>(op))
      name = input.getName(), type = input.getResult().getType();
    else if (auto output = dyn_cast<rnn::OutputOp>(op))
      name = output.getName(), type = output.getResult().getType();
    else if (auto state = dyn_cast<rnn::FirstStateOp>(op))
      name = state.getName(), type = state.getResult().getType();
    else if (auto result = dyn_cast<rnn::ResultOp>(op);
             result && module.getKind() != "model")
      name = "cot." + result.getName().str(),
      type = result.getValue().getType();
    else if (auto state = dyn_cast<rnn::FinalStateOp>(op))
      name = "cot.state." + state.getName().str(),
      type = state.getValue().getType();
    if (type)
      arguments[name] = randomValue(type, shapeOf(type, true), draw);
  }
  return arguments;
}

std::optional<std::vector<TensorCheck>> rnnc::interp::checkGradients(
    rnn::ModuleOp module, const Arrays &arguments, const Arrays &gradients,
    const RunOptions &options, std::string &error,
    const std::function<bool(int64_t done, int64_t all)> &goOn) {
  Checker checker(module, arguments, options, error);
  // The first run fixes what `stop` holds.
  if (!checker.objective())
    return std::nullopt;
  Draw draw(options.seed + 1);
  std::vector<TensorCheck> checks;
  std::vector<const Array *> values;
  std::vector<std::vector<Probe>> probes;
  int64_t done = 0, all = 0;
  for (const auto &[name, gradient] : gradients) {
    if (name.compare(0, 5, "grad.") != 0)
      continue;
    std::string variable = name.substr(5);
    if (!arguments.count(variable)) {
      error = "`" + name + "` is the gradient of nothing that was given";
      return std::nullopt;
    }
    if (!checker.hasShape(variable, gradient)) {
      error = "`" + name + "` has another shape than `" + variable + "`";
      return std::nullopt;
    }
    TensorCheck check;
    check.name = variable;
    check.shape = gradient.shape;
    for (double g : gradient.data)
      check.largest = std::max(check.largest, std::fabs(g));
    probes.push_back(probesOf(gradient.size(), draw));
    check.left = int64_t(probes.back().size());
    all += check.left;
    checks.push_back(std::move(check));
    values.push_back(&gradient);
  }
  for (size_t turn = 0; done < all; ++turn)
    for (size_t t = 0; t < checks.size(); ++t) {
      if (turn >= probes[t].size())
        continue;
      if (goOn && !goOn(done, all))
        return checks;
      if (!checker.check(*values[t], probes[t][turn], checks[t]))
        return std::nullopt;
      --checks[t].left;
      ++done;
    }
  return checks;
}
