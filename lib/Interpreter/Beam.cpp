// Beam.cpp - the most probable sequences, by beam search.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Batch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

namespace {

/// The beginning of a sequence, or one that is over.
struct Beginning {
  std::vector<double> symbols;
  double logp = 0;
  double score = 0; ///< of what is over
  std::vector<Array> states;
};

/// A beginning and what may come next.
struct Continuation {
  double logp;
  size_t parent;
  int64_t symbol;
};

} // namespace

/// Puts one where it belongs among the `most` that are best; of equals the one
/// that was found first is better.
template <typename T, typename KeyFn>
static void keepBest(std::vector<T> &best, size_t most, T one, KeyFn key) {
  auto place = llvm::find_if(
      best, [&](const T &other) { return key(one) > key(other); });
  best.insert(place, std::move(one));
  if (best.size() > most)
    best.pop_back();
}

/// log p of each symbol after a beginning, whose states go on.
bool Example::continueBeginning(rnn::UnfoldOp unfold, Array previous,
                                std::vector<Array> &states, Array &logp) {
  set(unfold.getPrevious(), std::move(previous));
  if (!advance(unfold, states))
    return false;
  const Dist &dist = dists[unfold.getYield().getOut().front()];
  logp = dist.args[0];
  double norm = logSumExp(logp.data.data(), logp.size());
  for (double &x : logp.data)
    x -= norm;
  return true;
}

bool Example::searchUnfold(rnn::ObserveOp op, rnn::UnfoldOp unfold) {
  size_t width = drawn->width;
  int64_t most = shapeOf(op.getData().getType())[0];
  auto norm = [&](size_t count) {
    return std::pow((5.0 + double(count)) / 6, drawn->lengthPenalty);
  };
  auto mayDraw = [&](int64_t k) {
    bool starts =
        unfold.getStart() == uint64_t(k) && unfold.getStop() != uint64_t(k);
    return k != drawn->never && !starts;
  };
  std::vector<Beginning> open(1), over;
  open[0].states =
      firstStates(unfold.getInit(), unfold.getStates(), unfold.getAxis());
  frames.push_back({unfold.getAxis(), 0, true});
  for (int64_t t = 0; t < most && !open.empty(); ++t) {
    for (auto [xs, x] : llvm::zip(unfold.getOver(), unfold.getElements()))
      set(x, element(get(xs), t, x));
    std::vector<Continuation> next;
    for (auto [i, one] : llvm::enumerate(open)) {
      Array logp, previous = t ? Array::scalar(one.symbols.back())
                               : firstElement(unfold);
      if (!continueBeginning(unfold, previous, one.states, logp))
        return false;
      for (int64_t k = 0; k < logp.size(); ++k)
        if (mayDraw(k) && std::exp(logp.data[k]) > 0)
          keepBest(next, 2 * width, Continuation{one.logp + logp.data[k], i, k},
                   [](const Continuation &one) { return one.logp; });
    }
    std::vector<Beginning> after;
    for (size_t i = 0; i < next.size() && after.size() < width; ++i) {
      Beginning now = open[next[i].parent];
      now.symbols.push_back(double(next[i].symbol));
      now.logp = next[i].logp;
      bool stops = unfold.getStop() == uint64_t(next[i].symbol);
      if (!stops && t + 1 < most) {
        after.push_back(std::move(now));
      } else if (i < width || t + 1 == most) {
        now.score = now.logp / norm(now.symbols.size());
        keepBest(over, width, std::move(now),
                 [](const Beginning &one) { return one.score; });
      }
    }
    open = std::move(after);
    if (open.empty() || over.size() < width)
      continue;
    // No beginning can end better than what is over already.
    double best = open[0].logp;
    if (std::max(best / norm(size_t(t) + 2), best / norm(size_t(most))) <=
        over.back().score)
      break;
  }
  frames.pop_back();
  Array whole(shapeOf(op.getData().getType()));
  size_t which = size_t(row % drawn->paths.value_or(1));
  bool found = which < over.size();
  if (found)
    std::copy(over[which].symbols.begin(), over[which].symbols.end(),
              whole.data.begin());
  std::string name = op.getName().str();
  result->outputs[name] = std::move(whole);
  result->outputs[name + ".score"] =
      Array::scalar(found ? over[which].score : -HUGE_VAL);
  if (unfold.getAxis().isTime())
    result->outputs[unfold.getAxis().getName().str()] =
        Array::scalar(found ? double(over[which].symbols.size()) : 0);
  return true;
}
