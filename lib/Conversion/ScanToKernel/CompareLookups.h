// CompareLookups.h: look-ups along rows that are walked anyway.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_COMPARELOOKUPS_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_COMPARELOOKUPS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace rnnc {

/// An entry of every row that is looked up, where the row is combined too, is a
/// sum of its entries of which all but one count as zero; a row of zeros with
/// one entry in it, where it is read element by element, is that entry where
/// the index is. Neither needs the rows in memory then.
void compareLookups(mlir::func::FuncOp function);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_COMPARELOOKUPS_H
