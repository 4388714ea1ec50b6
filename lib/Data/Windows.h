// Windows.h: rows of time into examples.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_DATA_WINDOWS_H
#define RNNC_LIB_DATA_WINDOWS_H

#include "rnnc/Data/Dataset.h"

namespace rnnc::data {

/// Rows of one file.
struct RowRange {
  int64_t begin = 0, end = 0;
};

/// The files of a data set of rows.
std::vector<RowRange> fileRanges(const Dataset &rows);

/// Mean and deviation of every entry of the fields of real numbers.
std::map<std::string, std::vector<Scale>>
scalesOf(const Dataset &rows, const Schema &schema,
         const std::vector<RowRange> &ranges);

/// Windows over parts of the files: `ranges` has one part of each. A window of
/// an evaluation may reach back to the rows in front of its part.
Result<Dataset> windowsOf(const Dataset &rows, const Schema &schema,
                          const std::vector<RowRange> &ranges, WindowUse use);

} // namespace rnnc::data

#endif // RNNC_LIB_DATA_WINDOWS_H
