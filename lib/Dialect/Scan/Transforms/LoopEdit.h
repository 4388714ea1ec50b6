// LoopEdit.h: adding slices and stacked values to a time loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_SCAN_TRANSFORMS_LOOPEDIT_H
#define RNNC_LIB_DIALECT_SCAN_TRANSFORMS_LOOPEDIT_H

#include "rnnc/Dialect/Scan/Scan.h"

namespace rnnc::scan {

/// Gathers additions to a loop; `finish` makes the loop that has them. In
/// between the loop does not verify.
class LoopEdit {
public:
  explicit LoopEdit(LoopOp loop) : loop(loop) {}

  /// The argument that is step t of a sequence from outside.
  mlir::Value slice(mlir::Value sequence);

  /// The number of the stacked result of a value of the body.
  unsigned stack(mlir::Value value);
  bool isStacked(mlir::Value value);

  /// Where a value is put into one that is stacked, and left there; or null.
  mlir::tensor::InsertSliceOp findStackedPart(mlir::Value value);

  /// The number of a new carry that begins as `first`, from outside, and whose
  /// next value is `next`.
  unsigned carry(mlir::Value first, mlir::Value next);

  /// Replaces the loop if anything was added.
  LoopOp finish();

  LoopOp getLoop() { return loop; }
  bool isInside(mlir::Value value) const;

private:
  LoopOp loop;
  llvm::SmallVector<mlir::Value> newSlices, newFirsts;
};

/// What each step of a loop reads from one sequence: a slice of the outside,
/// or a value of the body that is (or gets) stacked.
struct Sequence {
  mlir::Value outer;
  unsigned stacked = 0;
  /// The body masks the rows that have ended. What is stacked is 0 there; a
  /// sequence from outside may hold anything.
  bool masked = false;
  /// The body value is this part of what is stacked.
  mlir::tensor::InsertSliceOp part = {};

  /// The sequence itself. A part is taken behind the loop.
  mlir::Value get(LoopOp loop) const;
};

/// The sequence of a body value, without a mask that stacking makes needless.
Sequence sequenceOf(LoopEdit &edit, mlir::Value value);

/// The value under such a mask.
mlir::Value withoutRowMask(LoopOp loop, mlir::Value value);

/// Carries stacked values of which only the last step is read. The loop is
/// replaced then, its body is not.
void keepLast(LoopOp loop);

/// Each number plus one.
llvm::SmallVector<int64_t> plusOne(llvm::ArrayRef<int64_t> dims);

} // namespace rnnc::scan

#endif // RNNC_LIB_DIALECT_SCAN_TRANSFORMS_LOOPEDIT_H
