// Draw.cpp - what a step of an unfold reads in training under `feed sampled`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Example.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

/// Whether step `t` reads what the step before drew.
bool Example::readsDraw(const rnn::SampledFeed &feed, int64_t t) {
  return t > 0 && uniform(options.seed, update, feed.site, row, t, 0) < feed.p;
}

/// By the line `sample`, whose noise acts in every function.
bool Example::drawOwn(const Dist &dist, Array &out) {
  auto law = cast<rnn::LawOp>(dist.op);
  if (law.getSample().empty())
    return fail(*law, "`" + law.getName().str() + "` has no line `sample`");
  bool outside = std::exchange(inSample, true);
  bool ok = lawPart(dist, law.getSample(), nullptr, out);
  inSample = outside;
  return ok;
}

/// One element, drawn from the distribution of the step that is evaluated.
bool Example::draw(const Dist &dist, rnn::ValueType type,
                   const rnn::SampledFeed &feed, Array &out) {
  if (isa<rnn::LawOp>(dist.op))
    return drawOwn(dist, out);
  auto op = cast<rnn::DistOp>(dist.op);
  out = Array(shapeOf(type));
  const Array &first = dist.args[0];
  auto number = [&](int64_t which, int64_t step, int64_t element) {
    return uniform(options.seed, update, feed.site + which, row, step, element);
  };
  if (op.getKind() == rnn::DistKind::Categorical) {
    Array moved = first; // by Gumbel numbers
    forEachDraw(cast<rnn::ValueType>(op.getArgs()[0].getType()), moved.shape,
                {}, [&](int64_t i, int64_t step, int64_t element) {
                  moved.data[i] -=
                      std::log(-std::log(number(1, step, element)));
                });
    int64_t n = moved.shape.back();
    for (int64_t i = 0; i < out.size(); ++i)
      out.data[i] = double(argMax(moved.data.data() + i * n, n));
    return true;
  }
  forEachDraw(
      type, out.shape, {}, [&](int64_t i, int64_t step, int64_t element) {
        double place = first.data[i % first.size()];
        double u = number(1, step, element);
        if (op.getKind() == rnn::DistKind::Bernoulli) {
          out.data[i] = u < sigmoid(place);
          return;
        }
        double scale = dist.args[1].data[i % dist.args[1].size()];
        double v = number(2, step, element);
        if (op.getKind() == rnn::DistKind::Laplace)
          out.data[i] = place + scale * (v < 0.5 ? 1 : -1) * std::log(1 - u);
        else // Box and Muller's transform
          out.data[i] = place + scale * std::sqrt(-2 * std::log(1 - u)) *
                                    std::cos(2 * M_PI * v);
      });
  return true;
}
