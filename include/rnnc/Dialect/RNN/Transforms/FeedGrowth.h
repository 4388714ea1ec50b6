// FeedGrowth.h - how the share of draws that an unfold reads grows in training.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DIALECT_RNN_TRANSFORMS_FEEDGROWTH_H
#define RNNC_DIALECT_RNN_TRANSFORMS_FEEDGROWTH_H

#include "rnnc/Dialect/RNN/RNN.h"

namespace rnnc::rnn {

/// The probability of `feed sampled`, by n, the number of batches before.
struct FeedGrowth {
  enum class Kind {
    Linear,      ///< 0 up to `after`, then straight up to `to` at `until`
    Exponential, ///< 1 - k^n
    Sigmoid,     ///< 1 - k / (k + exp(n / k))
  };
  Kind kind = Kind::Linear;
  double to = 1, until = 1, after = 0, k = 1;
};

/// What the settings of its model say of an unfold; none if the probability
/// stays what it is.
std::optional<FeedGrowth> feedGrowth(UnfoldOp op);

} // namespace rnnc::rnn

#endif // RNNC_DIALECT_RNN_TRANSFORMS_FEEDGROWTH_H
