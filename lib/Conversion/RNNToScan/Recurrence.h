// Recurrence.h: what a scan, a fold or an unfold reads and gives.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_CONVERSION_RNNTOSCAN_RECURRENCE_H
#define RNNC_LIB_CONVERSION_RNNTOSCAN_RECURRENCE_H

#include "Lowering.h"

namespace rnnc::batch {

struct Lowering::Recurrence {
  mlir::Operation *op;
  mlir::Block *body;
  AxisInfo axis;
  bool reverse = false;
  /// Sequences with the axis in front, and the body's arguments for them.
  llvm::SmallVector<Batched> sequences;
  llvm::SmallVector<mlir::Value> elements;
  llvm::SmallVector<Batched> inits;
  llvm::SmallVector<mlir::Value> states;
  llvm::SmallVector<mlir::StringRef> names;
  /// What the body yields.
  llvm::SmallVector<mlir::Value> next, outs;
  /// What comes of it: sequences, and states after the last step.
  llvm::SmallVector<Batched> results, finals;
};

} // namespace rnnc::batch

#endif // RNNC_LIB_CONVERSION_RNNTOSCAN_RECURRENCE_H
