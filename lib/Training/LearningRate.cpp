// LearningRate.cpp: schedules, as the runtime of a library follows them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/LearningRate.h"

#include <cmath>

using namespace rnnc;
using namespace rnnc::training;

static double settingOf(const Json &settings, const char *name,
                        double otherwise) {
  auto found = settings.find(name);
  return found != settings.end() && found->is_number() ? found->get<double>()
                                                       : otherwise;
}

static double halfCosine(double from, double to, double progress) {
  double share = 0.5 * (1 + std::cos(std::acos(-1.0) * progress));
  return to + (from - to) * share;
}

static double oneCycle(double peak, double t, double total) {
  if (total <= 0)
    return 1;
  double top = 0.3 * total - 1, last = total - 1;
  if (t < top)
    return halfCosine(1, peak, t / top);
  double progress = last > top ? (t - top) / (last - top) : 1;
  return halfCosine(peak, 1e-4, std::min(progress, 1.0));
}

static double cosine(double warmup, double t, double total) {
  if (t < warmup)
    return (t + 1) / warmup;
  if (total <= warmup)
    return 1;
  return halfCosine(1, 0, t < total ? (t - warmup) / (total - warmup) : 1);
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
    return now * cosine(settingOf(schedule, "warmup", 0), t, total);
  if (*kind == "onecycle")
    return now *
           oneCycle(rate > 0 ? settingOf(schedule, "peak", rate) / rate : 1, t,
                    total);
  double over =
      static_cast<double>(counters.epoch) - settingOf(schedule, "after", 0);
  double every = settingOf(schedule, "every", 1);
  if (*kind != "step" || over <= 0 || every <= 0)
    return now;
  return now *
         std::pow(settingOf(schedule, "by", 0.1), std::floor(over / every));
}
