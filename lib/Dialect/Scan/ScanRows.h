// ScanRows.h: whether a dimension is the batch, or rows of several axes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_SCAN_SCANROWS_H
#define RNNC_LIB_DIALECT_SCAN_SCANROWS_H

#include "rnnc/Dialect/Scan/Scan.h"

namespace rnnc::scan {

/// What a dynamic dimension is made of.
enum class RowKind {
  Unknown,
  Single, ///< one axis: the batch, or time
  Joined  ///< several axes joined to one: sequences inside of a sequence
};

RowKind rowKindOf(mlir::Value tensor, int64_t dim);

/// Whether rows of these kinds may be the same ones.
inline bool mayBeSameRows(RowKind rows, RowKind others) {
  return rows == RowKind::Unknown || others == RowKind::Unknown ||
         rows == others;
}

} // namespace rnnc::scan

#endif // RNNC_LIB_DIALECT_SCAN_SCANROWS_H
