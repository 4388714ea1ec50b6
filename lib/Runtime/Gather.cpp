// Gather.cpp: `accumulate k`: an update of the mean gradient of k batches.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A batch's gradient is that of a mean over what the batch counts. It is added
// to the sum behind the optimiser's slots, times that number; the last batch of
// an update divides by the sum of the numbers.
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

int32_t checkGathering(const Call &call) {
  auto &counters = *rnnc_rt_optimizer_counters(call.module, call.c->optimizer);
  if (counters.accumulate >= 1 && counters.accumulate <= call.m->accumulate)
    return RNNC_OK;
  return fail(call.c->error, RNNC_ERR_ARGUMENT, -1, "optimizer", -1, -1,
              counters.accumulate,
              "the optimiser's `accumulate` is %d: it lies from 1 to %d, the "
              "number in `train`",
              counters.accumulate, call.m->accumulate);
}

bool lastOfUpdate(const Call &call) {
  auto &counters = *rnnc_rt_optimizer_counters(call.module, call.c->optimizer);
  return counters.gathered + 1 >= counters.accumulate;
}

int64_t numberOfBatch(const Call &call) {
  auto &c = *rnnc_rt_optimizer_counters(call.module, call.c->optimizer);
  return (c.updates + c.skipped) * call.m->accumulate + c.gathered + c.empty;
}

/// What this batch counts in the mean.
static double weightOf(const Call &call) {
  if (call.nothing)
    return 0;
  bool examples = call.m->perExample || call.f->numObserved == 0;
  return examples
             ? double(call.batch)
             : double(countObserved(call, call.f->args[call.f->observed[0]]));
}

template <typename Real>
static void addTo(char *sum, const char *gradient, int64_t count, double weight,
                  bool first) {
  auto *to = reinterpret_cast<Real *>(sum);
  auto *from = reinterpret_cast<const Real *>(gradient);
  if (first)
    for (int64_t i = 0; i < count; ++i)
      to[i] = Real(weight) * from[i];
  else
    for (int64_t i = 0; i < count; ++i)
      to[i] += Real(weight) * from[i];
}

void gather(const Call &call) {
  auto &counters = *rnnc_rt_optimizer_counters(call.module, call.c->optimizer);
  char *sum = gatheredArena(call.module, call.c->optimizer);
  if (double weight = weightOf(call); weight > 0) {
    auto add = rnnc_rt_library.real == F64 ? addTo<double> : addTo<float>;
    add(sum, call.gradArena, call.m->arena, weight, counters.weight == 0);
    counters.weight += weight;
  }
  ++counters.gathered;
}

template <typename Real>
static void divide(char *gradient, const char *sum, int64_t count, double by) {
  auto *to = reinterpret_cast<Real *>(gradient);
  auto *from = reinterpret_cast<const Real *>(sum);
  for (int64_t i = 0; i < count; ++i)
    to[i] = from[i] / Real(by);
}

bool takeGathered(const Call &call) {
  auto &counters = *rnnc_rt_optimizer_counters(call.module, call.c->optimizer);
  double weight = counters.weight;
  counters.weight = 0;
  counters.gathered = 0;
  if (weight == 0)
    return false;
  auto mean = rnnc_rt_library.real == F64 ? divide<double> : divide<float>;
  mean(call.gradArena, gatheredArena(call.module, call.c->optimizer),
       call.m->arena, weight);
  return true;
}

} // namespace rnnc::rt
