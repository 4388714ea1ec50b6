// Table.h: rows and columns of text: CSV, TSV, and words behind a label.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_TABLE_H
#define RNNC_DATA_TABLE_H

#include "rnnc/Data/Result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rnnc::data {

struct TableRow {
  int64_t line = 0; ///< where the row begins
  std::vector<std::string> cells;
};

struct Table {
  std::vector<TableRow> rows;
};

/// How cells are told apart.
enum class TableFormat {
  CSV,   ///< commas; quotes as in RFC 4180, also around line ends
  TSV,   ///< tabs; a cell may stand in quotes
  Space, ///< the first blanks of a line; the last cell is the rest
};

/// Splits a text. `columns` is used by Space only. Every row must have as many
/// cells as the first; blank lines are skipped.
Result<Table> parseTable(std::string_view text, TableFormat format,
                         size_t columns, const std::string &path);

/// What a row of one cell looks like, and what to do then; empty if nothing is
/// known.
std::string separatorHint(std::string_view row);

} // namespace rnnc::data

#endif // RNNC_DATA_TABLE_H
