// LoopDependence.h: what the values of a time loop's body need.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_SCAN_TRANSFORMS_LOOPDEPENDENCE_H
#define RNNC_LIB_DIALECT_SCAN_TRANSFORMS_LOOPDEPENDENCE_H

#include "rnnc/Dialect/Scan/Scan.h"

namespace rnnc::scan {

/// Tells the values of a loop's body apart: those that need the step before,
/// those that can be computed for all steps at once, and the rest.
class LoopDependence {
public:
  explicit LoopDependence(LoopOp loop) : loop(loop) {}

  bool isInside(mlir::Value value) const;

  /// Whether the value of a step depends on a carry.
  bool needsCarry(mlir::Value value);
  bool needsCarry(mlir::Operation *op);

  /// Whether the value can be computed for all steps at once.
  bool isFree(mlir::Value value);

  /// The op that keeps a value that needs no carry from being free.
  mlir::Operation *obstacle(mlir::Value value);

  /// Of a number that is the loop's step plus one from outside: the latter,
  /// null if it is the step itself. Nothing if it is neither.
  std::optional<mlir::Value> firstStep(mlir::Value at);

private:
  bool canHoist(mlir::Operation *op);
  bool isFreeOperand(mlir::Value operand);

  LoopOp loop;
  llvm::DenseMap<mlir::Operation *, bool> carried, freedom;
};

} // namespace rnnc::scan

#endif // RNNC_LIB_DIALECT_SCAN_TRANSFORMS_LOOPDEPENDENCE_H
