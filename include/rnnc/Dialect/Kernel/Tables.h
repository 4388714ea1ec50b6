// Tables.h: tables of which a batch reads some rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_TABLES_H
#define RNNC_DIALECT_KERNEL_TABLES_H

#include "llvm/ADT/StringRef.h"

namespace rnnc::kernel {

/// Of an op that holds a `kernel.scatter_add` and other code that does the same
/// in another way: what it writes of the table are rows that the scatter's
/// indices name.
inline constexpr llvm::StringLiteral kAddsRows = "kernel.adds_rows";

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_TABLES_H
