// Hessian.cpp: `hvp` against differences of the compiled gradient.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Agree.h"

#include <cmath>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::agree;

// Relative to the larger of 1 and the largest entry: what differences of a
// gradient in f64 can tell.
constexpr double hessianBound = 1e-6;

/// The case with its parameters moved along the vectors of `hvp`.
static Case movedAlong(const Case &one, double step) {
  Case now = one;
  for (const auto &[name, vector] : one.args) {
    auto parameter =
        now.args.find(name.substr(std::min<size_t>(name.size(), 4)));
    if (name.rfind("vec.", 0) != 0 || parameter == now.args.end())
      continue;
    for (size_t i = 0; i < vector.data.size(); ++i)
      parameter->second.data[i] += step * vector.data[i];
  }
  return now;
}

/// Central differences of the gradient with steps of this size.
std::optional<Results> Checker::bend(const Case &one, double step) {
  std::string error;
  auto low = call(subject, "grad", movedAlong(one, -step), 1, true, error);
  auto high = call(subject, "grad", movedAlong(one, step), 1, true, error);
  if (!low || !high)
    return std::nullopt;
  for (auto &[name, array] : *high)
    for (size_t i = 0; i < array.data.size(); ++i)
      array.data[i] = (array.data[i] - low->at(name).data[i]) / (2 * step);
  return high;
}

/// One entry: Richardson's differences, and how far they are from settled.
static std::pair<double, double> settle(double coarse, double middle,
                                        double fine) {
  double found = (4 * fine - middle) / 3;
  return {found, std::fabs(found - (4 * middle - coarse) / 3)};
}

/// The case with a vector for each parameter.
Case Checker::withVectors(const Case &one) const {
  Case now = one;
  Draw draw(seed + 29);
  const training::FunctionInfo &info =
      subject.info().functions[size_t(subject.info().find("hvp"))];
  for (const training::ArgInfo &arg : info.args) {
    if (arg.isOutput() || arg.name.rfind("vec.", 0) != 0)
      continue;
    interp::Array vector(one.args.at(arg.name.substr(4)).shape);
    for (double &x : vector.data)
      x = draw.number(0.05, 1) * (draw.below(2) ? 1 : -1);
    now.args[arg.name] = std::move(vector);
  }
  return now;
}

/// Loss and gradient are those of `grad`; the rest how the gradient changes.
void Checker::checkHessian(const Case &plain) {
  Case one = withVectors(plain);
  std::optional<Results> results = callOnThreads("hvp", one, true);
  if (!results)
    return;
  checkPadding("hvp", one, *results);
  if (reference)
    return checkSinglePrecision("hvp", one, *results, true);
  std::string error;
  std::optional<Results> gradient = call(subject, "grad", one, 1, true, error);
  if (!gradient)
    return differs("hvp", one, "nothing to compare with: " + error);
  for (const auto &[name, array] : *gradient) {
    std::string what;
    for (double g : array.data)
      if (!std::isfinite(g)) {
        ++report.notFinite;
        return;
      }
    auto mine = results->find(name);
    if (mine != results->end() &&
        !compareArrays(mine->second, array, {1e-9, nullptr}, report, what))
      return differs("hvp", one, "`" + name + "` " + what);
  }
  std::optional<Results> bends[3];
  for (int k : {0, 1, 2})
    if (!(bends[k] = bend(one, 2e-4 / (1 << k))))
      return differs("hvp", one, "`grad` fails beside the point");
  for (const auto &[name, array] : *results) {
    if (name.rfind("hvp.", 0) != 0)
      continue;
    std::string gradientName = "grad." + name.substr(4);
    double largest = 1;
    for (double h : array.data)
      largest = std::max(largest, std::fabs(h));
    for (size_t i = 0; i < array.data.size(); ++i) {
      auto [found, doubt] = settle(bends[0]->at(gradientName).data[i],
                                   bends[1]->at(gradientName).data[i],
                                   bends[2]->at(gradientName).data[i]);
      double bound = hessianBound * largest;
      if (std::fabs(found - array.data[i]) <= bound)
        continue;
      if (!(doubt <= bound / 4)) { // a kink or a jump nearby
        ++report.kinks;
        continue;
      }
      return differs("hvp", one,
                     fmt::format("`{}`[{}] is {:.12g}, the difference {:.12g}",
                                 name, i, array.data[i], found));
    }
    ++report.directions;
  }
}
