// Transfer.h: the symbols that weights belong to.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_TRANSFER_H
#define RNNC_TRAINING_TRANSFER_H

#include "rnnc/Data/Dataset.h"
#include "rnnc/Training/Manifest.h"

namespace rnnc::training {

/// The vocabularies that a file of weights was trained with: `rnnc train`
/// stores them in its metadata. Empty for other files.
Result<data::Vocabularies> vocabulariesOf(const data::TensorFile &weights,
                                          const std::string &path);

/// Refuses weights that belong to other symbols than those in `used`, or to
/// the same in another order.
Status checkVocabularies(const data::TensorFile &weights,
                         const std::string &path,
                         const data::Vocabularies &used);

/// The same where only the model is known: its labels, and, where shapes do not
/// fit, how many symbols its axes have. Lines for a message, empty if all fits.
std::string vocabularyProblems(const data::TensorFile &weights,
                               const ModuleInfo &module, bool misfit);

/// Weights of another training as first values of this one.
struct Transfer {
  data::TensorFile weights;
  std::vector<std::string> notes; ///< for the user
};

/// Maps the rows of the parameters along the axes of vocabularies by symbol;
/// what is new keeps its value in `first`.
Result<Transfer> transferWeights(const data::TensorFile &weights,
                                 const std::string &path,
                                 const ModuleInfo &module,
                                 const data::TensorFile &first,
                                 const data::Vocabularies &used);

} // namespace rnnc::training

#endif // RNNC_TRAINING_TRANSFER_H
