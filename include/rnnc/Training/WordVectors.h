// WordVectors.h: vectors of words from text files as first values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_WORDVECTORS_H
#define RNNC_TRAINING_WORDVECTORS_H

#include "rnnc/Training/Transfer.h"

namespace rnnc::training {

/// First values of the rows of one parameter, [V, E], from a text file: a line
/// for each word, the word and E numbers with blanks between them, as GloVe
/// (Pennington et al. 2014) and word2vec (Mikolov et al. 2013, its text format,
/// whose first line tells how many there are) write it. Rows of words that the
/// file does not have keep their value in `first`. An error names the line.
Result<Transfer> readWordVectors(const std::string &path,
                                 const std::string &parameter,
                                 const ModuleInfo &module,
                                 const data::TensorFile &first,
                                 const data::Vocabularies &used);

} // namespace rnnc::training

#endif // RNNC_TRAINING_WORDVECTORS_H
