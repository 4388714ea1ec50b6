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
// made over the old values.
#include "Runtime.h"

#include <math.h>
#include <string.h>

namespace rnnc::rt {

/// Below it no result of an update's arithmetic is infinite, in f32 too.
constexpr double kMostValue = 0x1p120;

static char *placeOf(const Call &call) {
  return reinterpret_cast<char *>(call.c->optimizer) + kReach;
}

/// Stands for the parameters as they are. Never 0, which a new optimiser has.
static uint64_t keyOf(const rnnc_params *params) {
  auto *header = reinterpret_cast<const Header *>(params);
  uint64_t of = uint64_t(reinterpret_cast<uintptr_t>(params));
  return (header->stamp ^ of ^ header->given * 0x9E3779B97F4A7C15ull) | 1;
}

/// grad::UpdateReach has the formulas.
bool reachNext(const Call &call, Reach &reach) {
  const ModuleDesc &m = *call.m;
  memcpy(&reach, placeOf(call), sizeof(reach));
  if (m.unit == 0 || reach.key != keyOf(call.c->params))
    return false;
  double gradient = kMostNorm + m.decay * reach.params;
  reach.slots += gradient * gradient + m.unit * gradient;
  reach.params +=
      m.rate * fabs(call.scalars[0]) *
      (2 * m.unit * (reach.slots + gradient) + m.shrink * reach.params);
  return reach.params + reach.slots < kMostValue;
}

void keepReach(const Call &call, Reach reach) {
  reach.key = keyOf(call.c->params);
  memcpy(placeOf(call), &reach, sizeof(reach));
}

void forgetReach(rnnc_optimizer *optimizer) {
  memset(reinterpret_cast<char *>(optimizer) + kReach, 0, sizeof(Reach));
}

} // namespace rnnc::rt
