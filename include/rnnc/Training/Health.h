// Health.h: whether updates do anything, and how large gradients are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_HEALTH_H
#define RNNC_TRAINING_HEALTH_H

#include "rnnc/Training/Manifest.h"

namespace rnnc::training {

/// What is known of the updates of a training.
class Health {
public:
  explicit Health(const ModuleInfo &module) : module(module) {}

  /// One update: `fault` says what was not finite, empty if nothing was.
  void add(int64_t step, std::string fault, const std::vector<double> &norms);

  /// The first of the updates without a break up to now in which something was
  /// not finite; 0: all is well.
  int64_t faultySince() const { return since; }
  /// A checkpoint goes on with what it knew at `step`. Where training had been
  /// given up it gets another chance: the rate may be another one.
  void resume(int64_t faultySince, std::string fault, int64_t step,
              int64_t perEpoch);
  const std::string &fault() const { return lastFault; }
  /// Updates in that row.
  int64_t faulty(int64_t step) const { return since ? step - since + 1 : 0; }
  /// Nothing will ever change again: after about an epoch without an update.
  bool hopeless(int64_t step, int64_t perEpoch) const;
  /// The training ended in such a row, or consists of it.
  bool failed(int64_t firstStep, int64_t step) const;

  /// Norm of the gradient by parameter: of the last update, and of all.
  Json lastNorms() const;
  Json allNorms() const;

private:
  struct Norm {
    double last = 0, sum = 0, largest = 0;
    int64_t count = 0;
  };
  const ModuleInfo &module;
  int64_t since = 0;
  std::string lastFault;
  std::vector<Norm> gradients; ///< of each parameter; empty before an update
};

} // namespace rnnc::training

#endif // RNNC_TRAINING_HEALTH_H
