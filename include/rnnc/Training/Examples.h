// Examples.h: what a trained model makes of a few examples, to be looked at.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_EXAMPLES_H
#define RNNC_TRAINING_EXAMPLES_H

#include "rnnc/Training/Evaluate.h"

namespace rnnc::training {

struct ExampleOptions {
  int32_t count = 12;     ///< examples
  int64_t symbols = 300;  ///< of each text that is drawn
  int64_t forecast = 400; ///< rows of a series
  const data::Vocabularies *vocabularies = nullptr;
  data::Unit unit = data::Unit::Words;
};

/// A few examples of a part with what is true and what is predicted, as they
/// stand in `examples.json`:
///   examples  [{place, inputs {NAME: value}, outputs {NAME: {truth, predicted,
///             scale, probabilities}}, attention {NAME: rows of weights}}]
///   forecast  of series, row by row: {NAME: {truth, predicted, scale}}
///   samples   texts that a language model draws
/// A value is a symbol, a number or a list of them.
Result<Json> recordExamples(ModelInstance &instance, const data::Schema &schema,
                            const data::Dataset &data,
                            const ExampleOptions &options);

} // namespace rnnc::training

#endif // RNNC_TRAINING_EXAMPLES_H
