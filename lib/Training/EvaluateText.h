// EvaluateText.h: the surprise of a running text, whatever the batch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TRAINING_EVALUATETEXT_H
#define RNNC_LIB_TRAINING_EVALUATETEXT_H

#include "rnnc/Data/Batches.h"
#include "rnnc/Training/Library.h"

namespace rnnc::training {

/// The surprise in nats of a text that is read once from its first to its last
/// symbol, the states carried.
///
/// Long texts are read in several rows at a time. Every row first reads what
/// stands before its part; afterwards the states with which it began are
/// compared with those in which the row before it ended. Where they differ, the
/// rows are read once more from those states; a model that remembers for longer
/// than this helps reads the text in one row. How a text is cut depends on its
/// length alone.
Result<double> readText(ModelInstance &instance, const data::Schema &schema,
                        const data::Dataset &data);

} // namespace rnnc::training

#endif // RNNC_LIB_TRAINING_EVALUATETEXT_H
