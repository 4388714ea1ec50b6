// Feed.h - what an unfold reads in training.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DIALECT_RNN_FEED_H
#define RNNC_DIALECT_RNN_FEED_H

#include "rnnc/Dialect/RNN/RNN.h"

namespace rnnc::rnn {

/// `feed sampled p`: with this probability a step of an unfold reads a draw
/// from the distribution of the step before instead of the true element. Three
/// sites number the random draws: which steps read a draw, and what is drawn
/// (two of them).
struct SampledFeed {
  double p;
  int64_t site;
};

/// What the settings of its model say of an unfold; none if it reads the truth.
std::optional<SampledFeed> sampledFeed(UnfoldOp op);

} // namespace rnnc::rnn

#endif // RNNC_DIALECT_RNN_FEED_H
