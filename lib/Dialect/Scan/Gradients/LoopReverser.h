// LoopReverser.h: builds the reversed loop of one loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_SCAN_GRADIENTS_LOOPREVERSER_H
#define RNNC_LIB_DIALECT_SCAN_GRADIENTS_LOOPREVERSER_H

#include "../ScanRows.h"
#include "LoopState.h"

namespace rnnc::scan {

/// Builds the reversed loop of one loop.
class LoopReverser {
public:
  LoopReverser(LoopOp loop, grad::ReverseState &parent)
      : loop(loop), parent(parent), block(new mlir::Block),
        state(loop, parent, block) {}

  llvm::LogicalResult run();

private:
  void findUsefulCarries();
  void findExamples();
  void findLimitedCarries();
  bool isLimited(mlir::Value value, llvm::DenseMap<mlir::Value, bool> &known);
  bool isLimited(mlir::OpOperand &use,
                 llvm::DenseMap<mlir::Value, bool> &known);
  grad::SupportRef limit(unsigned number);
  grad::SupportRef withSteps(mlir::Value value);
  grad::SupportRef examplesOf(mlir::Value value);
  grad::SupportRef examplesInside(mlir::Value value);
  bool hasExamples(mlir::Value value);
  bool spreadUse(llvm::DenseSet<mlir::Value> &useful);
  void seed();
  void finishBody();
  void finishOuterValue(mlir::Value value);
  void finishSlice(unsigned number, mlir::Value argument);
  LoopOp extendForward();
  LoopOp build(LoopOp forward);
  mlir::Value orZeros(mlir::Value tensor, mlir::Value like);
  mlir::Value maskRowsInside(mlir::Value like, mlir::Value tensor);

  // A value carried backwards: its first value outside, its argument and its
  // next value in the body.
  struct Carry {
    mlir::Value first, argument, next;
  };

  LoopOp loop;
  grad::ReverseState &parent;
  mlir::Block *block; // ends up in the reversed loop
  LoopState state;
  llvm::SmallVector<bool> usefulCarry;
  llvm::SmallVector<bool> limitedCarry; // its cotangent is limited by choices
  grad::SupportRef examples; // the only ones with a cotangent; null: all
  RowKind exampleRows = RowKind::Unknown; // what rows they are
  // States, where they are limited, then sums for values from outside.
  llvm::SmallVector<Carry> carries;
  llvm::SmallVector<unsigned> carryOf; // which state each of the first ones is
  llvm::SmallVector<std::pair<unsigned, Carry>> limits; // of which state
  llvm::DenseMap<unsigned, unsigned> limitOf; // which carry limits a state
  llvm::SmallVector<mlir::Value> stacks;

  // A cotangent that leaves the loop, as a stacked value or a last carry, and
  // where it may be other than zero: a result of the loop too, or a condition
  // from outside that no step changes.
  struct Leaving {
    mlir::Value value;
    unsigned slice = 0, result = 0;
    grad::SupportRef inside = nullptr;
    unsigned support = 0;
    mlir::Value always;
  };
  grad::SupportRef sliceSupport(const Leaving &leaving, LoopOp reversed);
  grad::SupportRef outerSupport(const Leaving &leaving, LoopOp reversed);
  grad::SupportRef limitSupport(unsigned carry, LoopOp reversed);
  llvm::SmallVector<Leaving> outer, sliced;
};

} // namespace rnnc::scan

#endif // RNNC_LIB_DIALECT_SCAN_GRADIENTS_LOOPREVERSER_H
