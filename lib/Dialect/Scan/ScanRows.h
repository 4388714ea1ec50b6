// ScanRows.h: whether a dimension is the batch, or rows of several axes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_SCAN_SCANROWS_H
#define RNNC_LIB_DIALECT_SCAN_SCANROWS_H

#include "rnnc/Dialect/Scan/Scan.h"

namespace rnnc::scan {

/// How many axes a dynamic dimension is made of: 1 for the batch, or time;
/// more where several are joined to rows, as those of sequences inside of a
/// sequence are. 0: unknown.
unsigned countJoinedAxes(mlir::Value tensor, int64_t dim);

/// Whether rows counted so may be the same ones. How many axes are joined is
/// not always seen, whether several are is.
inline bool mayBeSameRows(unsigned axes, unsigned others) {
  return !axes || !others || (axes > 1) == (others > 1);
}

} // namespace rnnc::scan

#endif // RNNC_LIB_DIALECT_SCAN_SCANROWS_H
