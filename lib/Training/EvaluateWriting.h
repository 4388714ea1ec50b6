// EvaluateWriting.h: what a model writes from its inputs, against the truth.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TRAINING_EVALUATEWRITING_H
#define RNNC_LIB_TRAINING_EVALUATEWRITING_H

#include "rnnc/Training/Evaluate.h"

namespace rnnc::training {

/// Writes every example and compares; one entry for each output that is a
/// sequence of symbols, written element by element.
Result<std::vector<Writing>> evaluateWriting(ModelInstance &instance,
                                             const data::Schema &schema,
                                             const data::Dataset &data,
                                             const EvaluateOptions &options);

} // namespace rnnc::training

#endif // RNNC_LIB_TRAINING_EVALUATEWRITING_H
