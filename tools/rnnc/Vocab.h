// Vocab.h: vocabularies and first weights of other trainings.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_VOCAB_H
#define RNNC_TOOLS_RNNC_VOCAB_H

#include "rnnc/Data/Dataset.h"
#include "rnnc/Training/Library.h"

namespace rnnc::tool {

/// The vocabularies that `--vocab` names: directories of trainings, or files,
/// each for an axis of the model. Pieces of words that a training had go into
/// `read`.
Result<data::Vocabularies>
givenVocabularies(const std::vector<std::string> &given,
                  const data::Schema &schema, data::ReadOptions &read);

/// `--init`: weights of a file or of another training's directory. Rows that
/// belong to symbols are taken by symbol; what that means is printed.
Status takeFirstWeights(const std::string &given,
                        training::ModelInstance &instance,
                        const data::Vocabularies &used);

/// `--vectors PARAMETER=FILE`: rows of the words of a vocabulary from a text
/// file.
Status takeWordVectors(const std::string &given,
                       training::ModelInstance &instance,
                       const data::Vocabularies &used);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_VOCAB_H
