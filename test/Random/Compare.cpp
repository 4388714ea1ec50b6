// Compare.cpp: when two arrays are the same.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Agree.h"

#include <cmath>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::agree;

static bool isSame(double x, double y) {
  return x == y || (std::isnan(x) && std::isnan(y));
}

/// How far a result moves when its arguments are rounded, or all that is
/// computed from them: what no code that rounds can be asked to keep. Infinite
/// where a jump lies that close.
static std::vector<double> movements(const interp::Array &theirs,
                                     const Bound &bound) {
  std::vector<double> most(theirs.data.size(), 0.0);
  auto compare = [&](const std::optional<interp::Array> &other) {
    if (!other || other->shape != theirs.shape)
      return false;
    for (size_t i = 0; i < most.size(); ++i)
      if (!isSame(other->data[i], theirs.data[i]))
        most[i] =
            std::max(most[i], std::isfinite(other->data[i] - theirs.data[i])
                                  ? std::fabs(other->data[i] - theirs.data[i])
                                  : HUGE_VAL);
    return true;
  };
  for (int trial = 0; trial < 6; ++trial)
    if (!compare(bound.moved(trial)))
      return {};
  for (const auto &rounded : bound.rounded)
    compare(rounded());
  return most;
}

bool agree::compareArrays(const interp::Array &mine,
                          const interp::Array &theirs, const Bound &bound,
                          Report &report, std::string &what) {
  if (mine.shape != theirs.shape) {
    what =
        fmt::format("has the shape {}, expected {}",
                    data::shapeText(mine.shape), data::shapeText(theirs.shape));
    return false;
  }
  double largest = 1;
  for (double x : theirs.data)
    if (std::isfinite(x))
      largest = std::max(largest, std::fabs(x));
  std::vector<double> moves;
  bool asked = false;
  for (size_t i = 0; i < mine.data.size(); ++i) {
    double x = mine.data[i], y = theirs.data[i];
    if (isSame(x, y) || std::fabs(x - y) <= bound.tolerance * largest)
      continue;
    if (!asked && bound.moved)
      moves = movements(theirs, bound);
    asked = true;
    if (!moves.empty()) {
      // Another entry of the same tensor may be the one whose jump is near.
      double most = *std::max_element(moves.begin(), moves.end());
      if (std::fabs(x - y) <= 100 * moves[i] || most == HUGE_VAL ||
          std::fabs(x - y) <= 10 * most) {
        ++report.illConditioned;
        continue;
      }
    }
    what = fmt::format("[{}] of {} is {:.17g}, expected {:.17g}", i,
                       data::shapeText(mine.shape), x, y);
    return false;
  }
  return true;
}

Case agree::moved(const Case &one, const Subject &subject, double size,
                  int trial) {
  Case other = one;
  Draw draw(uint64_t(trial) + 1);
  rnn::ModuleOp module = subject.module;
  auto shake = [&](const std::string &name, mlir::Value value) {
    auto it = other.args.find(name);
    bool isReal = llvm::cast<rnn::ValueType>(value.getType()).getKind() ==
                  rnn::ValueKind::Real;
    if (isReal && it != other.args.end())
      for (double &x : it->second.data)
        x *= 1 + size * draw.direction();
  };
  for (mlir::Operation &op : module.getBody().front()) {
    if (auto param = llvm::dyn_cast<rnn::ParamOp>(op))
      shake(param.getName().str(), param.getResult());
    else if (auto input = llvm::dyn_cast<rnn::InputOp>(op))
      shake(input.getName().str(), input.getResult());
    else if (auto state = llvm::dyn_cast<rnn::FirstStateOp>(op))
      shake(state.getName().str(), state.getResult());
  }
  return other;
}
