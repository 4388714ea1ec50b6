// Formats.h: the readers of the kinds of files, and how one is chosen.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_DATA_FORMATS_H
#define RNNC_LIB_DATA_FORMATS_H

#include "DatasetBuilder.h"
#include "rnnc/Data/Table.h"

namespace rnnc::data {

/// Arrays by name: npz, safetensors.
Status readArrays(DatasetBuilder &builder, const Schema &schema,
                  const std::string &path);

/// A token a line, a blank line behind each sentence.
Status readSentences(DatasetBuilder &builder, const Schema &schema,
                     const ReadOptions &options, const std::string &path);

/// What sounds in a step: numbers on a line, a blank line behind each piece.
Status readRolls(DatasetBuilder &builder, const Schema &schema,
                 const ReadOptions &options, const std::string &path);

/// Whether `path` names several files that stand side by side, such as
/// `src=train.de,tgt=train.en`.
bool isSideBySide(const std::string &path);
Status readSideBySide(DatasetBuilder &builder, const Schema &schema,
                      const ReadOptions &options, const std::string &path);

/// The columns of a table that has a header, or is numbered.
struct TableColumns {
  std::vector<size_t> of; ///< each field's
  bool header = false;
};
/// `fields`: which fields the table is to have.
Result<TableColumns> findTableColumns(const TableRow &first,
                                      const Schema &schema,
                                      const ReadOptions &options,
                                      const std::vector<size_t> &fields,
                                      const std::string &path);

/// The format of a file by its ending.
std::string formatOf(const std::string &path, const Schema &schema);

/// What kinds of files suit a model: "`Tagger` reads a label for each word:
/// ...".
std::string suitableFormats(const Schema &schema);

/// `word=0,tags=1` as an example of what to type.
std::string columnsExample(const Schema &schema);

} // namespace rnnc::data

#endif // RNNC_LIB_DATA_FORMATS_H
