// LoopState.h: reverse mode inside the body of a time loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_SCAN_GRADIENTS_LOOPSTATE_H
#define RNNC_LIB_DIALECT_SCAN_GRADIENTS_LOOPSTATE_H

#include "rnnc/Dialect/Grad/State.h"
#include "rnnc/Dialect/Scan/Scan.h"

namespace rnnc::scan {

/// The state of reverse mode in a loop's body. Adjoint code is built in a block
/// of its own. Values of the forward body come from the loop's own slices,
/// from outside, from computing them again where that is cheap, or from the
/// tape: more stacked values of the forward loop. Of a loop that is to be
/// computed again only carries are on the tape.
class LoopState : public grad::ReverseState {
public:
  LoopState(LoopOp loop, grad::ReverseState &parent, mlir::Block *block);

  mlir::Value value(mlir::Value value) override;
  void replaced(mlir::Value before, mlir::Value after) override;
  mlir::Value maskRows(mlir::Value like, mlir::Value tensor) override;
  mlir::Value maskOverRows(mlir::OpBuilder &builder, mlir::Value like,
                           mlir::Value tensor) override;

  /// Adds a sequence of the outside to the reversed loop's slices.
  mlir::Value addSlice(mlir::Value sequence);

  /// A result of the loop itself that is read as such a sequence has been
  /// replaced.
  void sourceReplaced(mlir::Value before, mlir::Value after);

  /// Where the cotangent of the parent's sequence, of which a step is added as
  /// a slice, may be other than zero in that step.
  grad::SupportRef sliceOf(grad::SupportRef sequence);

  /// A condition of the examples, from outside, for a value of the body.
  grad::SupportRef ofExamples(grad::SupportRef examples, mlir::Value like);

  /// Values defined outside of the loop that have a cotangent.
  llvm::SmallVector<mlir::Value> outerValues() const;

  /// Sequences that the reversed loop reads, in the order of the block's slice
  /// arguments; those on the tape are looked up in the forward loop `forward`,
  /// which now stacks them.
  llvm::SmallVector<mlir::Value> sequences(LoopOp forward);
  llvm::SmallVector<mlir::Value> getSliceArgs() const;

  bool isInside(mlir::Value value) const;

private:
  // A sequence the reversed loop reads.
  struct Source {
    mlir::Value argument; // in the reversed body
    mlir::Value outer;    // the sequence itself, or null:
    unsigned stack = 0;   // number of a stacked value of the forward loop
    mlir::Value fill;     // not null: that value one step before, this first
    mlir::Value operand;  // forward loop's operand, to find equal requests
  };

  mlir::Value fromArgument(mlir::BlockArgument argument);
  mlir::Value fromOp(mlir::OpResult result);
  mlir::Value repeat(mlir::OpResult result);
  void takePlace(mlir::Operation *older, mlir::Operation *copy);
  mlir::Value fromTape(mlir::Value value);
  mlir::Value carryBefore(unsigned number);
  mlir::Value addSource(mlir::Type type, Source source);
  double tapeFor(mlir::Value value, unsigned depth);
  double tapeForOperands(mlir::Operation *op, unsigned depth);
  bool isCheap(mlir::Operation *op);

  LoopOp loop;
  grad::ReverseState &parent;
  mlir::Block *block;
  llvm::SmallVector<Source> sources;
  llvm::DenseMap<mlir::Value, mlir::Value> known;
  /// Loops of the forward body that are in this one, too.
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> repeated;
  llvm::DenseMap<mlir::Value, mlir::Value> masked;
};

} // namespace rnnc::scan

#endif // RNNC_LIB_DIALECT_SCAN_GRADIENTS_LOOPSTATE_H
