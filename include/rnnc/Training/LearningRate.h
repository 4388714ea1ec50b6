// LearningRate.h: the rate that an update is made with.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_LEARNINGRATE_H
#define RNNC_TRAINING_LEARNINGRATE_H

#include "rnnc/Runtime/ABI.h"
#include "rnnc/Training/Manifest.h"

namespace rnnc::training {

/// The learning rate of the update that comes next, as the library computes it
/// from a model's `train` block and the optimiser's counters; for the log.
double learningRate(const Json &train, const rnnc_optimizer_counters &counters);

} // namespace rnnc::training

#endif // RNNC_TRAINING_LEARNINGRATE_H
