// Gradients.h: rules of differentiation of all ops of the scan level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_SCAN_GRADIENTS_H
#define RNNC_DIALECT_SCAN_GRADIENTS_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace rnnc::scan {
/// Attaches rules to the ops of the scan, arith, math and tensor dialects.
void registerGradients(mlir::DialectRegistry &registry);
} // namespace rnnc::scan

#endif // RNNC_DIALECT_SCAN_GRADIENTS_H
