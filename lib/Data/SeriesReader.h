// SeriesReader.h: tables whose rows are steps of time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_DATA_SERIESREADER_H
#define RNNC_LIB_DATA_SERIESREADER_H

#include "Calendar.h"
#include "DatasetBuilder.h"

#include "rnnc/Data/Table.h"

namespace rnnc::data {

/// Whether rows of a table may be steps of time for this model: it reads or
/// predicts numbers along a time axis.
bool mayBeSeries(const Schema &schema);

/// The time axis of what is read, and the one of what comes after it (-1 if
/// there is none), as positions in the schema's `times`.
struct SeriesTimes {
  int past = -1, future = -1;
};
Result<SeriesTimes> seriesTimes(const Schema &schema);

/// A column of a table: its numbers, or the sine and cosine of a cycle.
struct SeriesColumn {
  size_t at = 0;
  Cycle cycle = {};
  bool operator==(const SeriesColumn &) const = default;
  int64_t entries() const { return cycle.kind == Cycle::Kind::None ? 1 : 2; }
};

/// Collects rows of time from tables.
class SeriesReader {
public:
  SeriesReader(const Schema &schema, const ReadOptions &options);

  /// Adds a table; false if its cells hold whole sequences, so that its rows
  /// are examples.
  Result<bool> add(const Table &table, const std::string &path);
  Result<Dataset> take();

private:
  bool holdsSequences(const Table &table) const;
  Status findColumns(const Table &table, const std::string &path);
  Status addWanted(size_t field, const std::string &wanted,
                   const std::string &path);
  Status choose(size_t field, const std::string &path);
  Error unclear(size_t field, const std::string &path) const;
  Status addRow(const TableRow &row, const std::string &path);
  Status addCells(size_t field, const TableRow &row, const std::string &path);
  std::string nameOf(size_t column) const;
  std::string specOf(size_t field) const;
  int64_t wantedCount(size_t field) const;
  bool sharesColumns(size_t output) const;
  int64_t entriesOf(size_t field) const;
  Status addCycle(const SeriesColumn &column, const TableRow &row,
                  const std::string &path, std::vector<double> &numbers) const;
  Status fill(int64_t firstRow, const std::string &path);

  const Schema &schema;
  ReadOptions options;
  Schema rowSchema; ///< a row as an example: no time
  DatasetBuilder builder;
  bool header = false;
  std::vector<std::string> names;                 ///< the header's
  std::vector<size_t> numeric;                    ///< columns of numbers
  std::vector<std::vector<SeriesColumn>> columns; ///< of each field
  std::vector<std::vector<bool>> filled;          ///< by field and row
  int64_t firstLine = 1;
};

} // namespace rnnc::data

#endif // RNNC_LIB_DATA_SERIESREADER_H
