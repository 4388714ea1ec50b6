// ExpandReductions.h: reductions that are made of simpler ones.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_EXPANDREDUCTIONS_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_EXPANDREDUCTIONS_H

namespace mlir {
class Operation;
}

namespace rnnc {

/// Writes `scan.reduce logsumexp` as a maximum, a sum and pointwise ops.
void expandReductions(mlir::Operation *root);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_EXPANDREDUCTIONS_H
