// StateTrace.h: how far back in time the gradient of the loss reaches.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_STATETRACE_H
#define RNNC_TRAINING_STATETRACE_H

#include "rnnc/Data/Batches.h"
#include "rnnc/Training/Library.h"

namespace rnnc::training {

/// Measures the norm of the loss's gradient with respect to the states, by
/// their distance in time from the loss, always on the same batch. Changes
/// nothing of the model.
class StateTrace {
public:
  explicit StateTrace(ModelInstance &instance) : instance(instance) {}

  /// Refuses a library that has no function for it.
  Status prepare(data::Batch sample, uint64_t seed);

  /// Of each state `{"distance": [...], "norm": [...]}`. A norm is the root of
  /// the mean square over the examples, each with the loss of it alone: it does
  /// not depend on the size of the batch. Long sequences are summed up to some
  /// hundred distances.
  Result<Json> measure();

private:
  ModelInstance &instance;
  data::Batch batch;
  uint64_t seed = 0;
  int function = -1;
};

/// A line a state: `net.h  0: 0.31  10: 0.0012  99: 3.1e-09`.
std::string describeTrace(const Json &states);

} // namespace rnnc::training

#endif // RNNC_TRAINING_STATETRACE_H
