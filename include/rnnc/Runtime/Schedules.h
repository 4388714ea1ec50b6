// Schedules.h: factors on the learning rate, of libraries and of who trains.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_RUNTIME_SCHEDULES_H
#define RNNC_RUNTIME_SCHEDULES_H

#include <math.h>

namespace rnnc::rt {

/// From one value to another along half a cosine.
inline double halfCosine(double from, double to, double progress) {
  double share = 0.5 * (1 + cos(3.14159265358979323846 * progress));
  return to + (from - to) * share;
}

/// `step(every, by, after)`: by ^ floor(max(0, epochs over - after) / every).
inline double stepFactor(double every, double by, double after, double epochs) {
  double over = epochs - after;
  return over <= 0 || every <= 0 ? 1 : pow(by, floor(over / every));
}

/// `cosine(warmup)` after `t` of `total` updates: (t + 1) / warmup for the
/// first ones, then (1 + cos(pi (t - warmup) / (total - warmup))) / 2; 1 after
/// the warm-up while the total is not known.
inline double cosineFactor(double warmup, double t, double total) {
  if (t < warmup)
    return (t + 1) / warmup;
  if (total <= warmup)
    return 1;
  return halfCosine(1, 0, t < total ? (t - warmup) / (total - warmup) : 1);
}

/// `onecycle(peak)`, the peak as a multiple of the rate: from 1 to it over the
/// first 0.3 of the total, then to 1e-4, both along half a cosine; 1 while the
/// total is not known. (Smith 2018; the numbers are those of PyTorch's
/// OneCycleLR with div_factor = peak / rate)
inline double oneCycleFactor(double peak, double t, double total) {
  if (total <= 0)
    return 1;
  double top = 0.3 * total - 1, last = total - 1;
  if (t < top)
    return halfCosine(1, peak, t / top);
  double progress = last > top ? (t - top) / (last - top) : 1;
  return halfCosine(peak, 1e-4, progress < 1 ? progress : 1);
}

/// `linear(hold, to)`: 1 for the share `hold` of the total, then straight to
/// `to` at its end; 1 while the total is not known.
inline double linearFactor(double hold, double to, double t, double total) {
  if (total <= 0 || t <= hold * total)
    return 1;
  double progress = t < total ? (t / total - hold) / (1 - hold) : 1;
  return 1 + (to - 1) * progress;
}

} // namespace rnnc::rt

#endif // RNNC_RUNTIME_SCHEDULES_H
