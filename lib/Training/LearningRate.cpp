// LearningRate.cpp: schedules, as the runtime of a library follows them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/LearningRate.h"

#include "rnnc/Runtime/Schedules.h"

using namespace rnnc;
using namespace rnnc::training;

static double settingOf(const Json &settings, const char *name,
                        double otherwise) {
  auto found = settings.find(name);
  return found != settings.end() && found->is_number() ? found->get<double>()
                                                       : otherwise;
}

double training::learningRate(const Json &train,
                              const rnnc_optimizer_counters &counters) {
  double rate = 1e-3;
  if (train.contains("optimize") && train["optimize"].is_object())
    rate = settingOf(train["optimize"], "lr", rate);
  double now = rate * counters.rate_scale;
  if (!train.contains("schedule") || !train["schedule"].is_object())
    return now;
  const Json &schedule = train["schedule"];
  auto kind = schedule.find("kind");
  if (kind == schedule.end())
    return now;
  auto t = static_cast<double>(counters.updates);
  auto total = static_cast<double>(counters.total_steps);
  if (*kind == "cosine")
    return now * rt::cosineFactor(settingOf(schedule, "warmup", 0), t, total);
  if (*kind == "linear")
    return now * rt::linearFactor(settingOf(schedule, "hold", 0),
                                  settingOf(schedule, "to", 0), t, total);
  if (*kind == "onecycle") {
    double peak = rate > 0 ? settingOf(schedule, "peak", rate) / rate : 1;
    return now * rt::oneCycleFactor(peak, t, total);
  }
  if (*kind != "step")
    return now;
  return now * rt::stepFactor(settingOf(schedule, "every", 1),
                              settingOf(schedule, "by", 0.1),
                              settingOf(schedule, "after", 0),
                              static_cast<double>(counters.epoch));
}
