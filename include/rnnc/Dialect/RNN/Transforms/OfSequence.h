// OfSequence.h - what differs from sequence to sequence.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DIALECT_RNN_TRANSFORMS_OFSEQUENCE_H
#define RNNC_DIALECT_RNN_TRANSFORMS_OFSEQUENCE_H

#include "rnnc/Dialect/RNN/RNN.h"

namespace rnnc::rnn {

/// Whether each sequence that is drawn has a value of its own here: what is
/// given for it, and what steps or binds along a time axis, of which it has its
/// own number.
bool isOfSequence(mlir::Operation *op);

} // namespace rnnc::rnn

#endif // RNNC_DIALECT_RNN_TRANSFORMS_OFSEQUENCE_H
