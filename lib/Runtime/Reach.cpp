// Reach.cpp: how large parameters and an optimiser's memory are at most.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An update that is not finite leaves everything as it was. New values beside
// the old ones can be looked at first, but that takes more than twice the
// memory traffic of an update over the old ones, of which it must be known
// before that it is finite. It is, if no value is large and no gradient is: how
// large values are is measured after an update beside the old values, and
// reckoned on with each one over them, until it reaches a limit or somebody
// else may have written values. Both are rare, so that nearly all updates are
// made over the old values. Each object says it of its own values.
#include "Runtime.h"

#include <math.h>

namespace rnnc::rt {

/// Below it no result of an update's arithmetic is infinite, in f32 too.
constexpr double kMostValue = 0x1p120;

static double &mostOf(rnnc_params *params) {
  return reinterpret_cast<Header *>(params)->most;
}
static double &mostOf(rnnc_optimizer *optimizer) {
  return reinterpret_cast<Header *>(optimizer)->most;
}

/// grad::UpdateReach has the formulas.
bool reachNext(const Call &call, Reach &reach) {
  const ModuleDesc &m = *call.m;
  reach = {mostOf(call.c->params), mostOf(call.c->optimizer)};
  if (m.unit == 0 || reach.params == 0 || reach.slots == 0)
    return false;
  double gradient = kMostNorm + m.decay * reach.params;
  reach.slots += gradient * gradient + m.unit * gradient;
  double direction = 2 * m.unit * (reach.slots + gradient);
  reach.params +=
      m.rate * fabs(call.scalars[0]) * (direction + m.shrink * reach.params);
  return direction + reach.params + reach.slots < kMostValue;
}

/// Never 0, which says nothing; what is no number stays one.
static double known(double most) { return most < 1 ? 1 : most; }

void keepReach(const Call &call, const Reach &reach) {
  mostOf(call.c->params) = known(reach.params);
  mostOf(call.c->optimizer) = known(reach.slots);
}

void forgetReach(rnnc_params *params) { mostOf(params) = 0; }
void forgetReach(rnnc_optimizer *optimizer) { mostOf(optimizer) = 0; }

} // namespace rnnc::rt
