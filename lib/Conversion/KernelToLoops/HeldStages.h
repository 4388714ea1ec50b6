// HeldStages.h: in how many loops a held loop goes through its steps.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_HELDSTAGES_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_HELDSTAGES_H

#include "HeldLoop.h"

#include "llvm/ADT/DenseMap.h"

#include <deque>

namespace rnnc {

/// What a step computes at a time: an op of a body, a copy, or what a body
/// yields as it got it.
struct HeldItem {
  mlir::Type type;                           ///< of an element
  const HeldLoop::Access *written = nullptr; ///< a place that others see
  llvm::SmallVector<HeldItem *> needs, users;
  int64_t level = -1; ///< how many recurrences stand before; -1: any
  unsigned stage = 0;

  /// The last stage that reads it.
  unsigned lastReader() const;
};

/// Layers of a stack are one loop, whose states may be more than there are
/// registers. A later layer needs of an earlier one what it computed in the
/// same step, no more; so each can go through some steps before the next does:
/// in a stage of its own, in which its states stay in registers. What one
/// leaves to another for some steps is on the stack, where nobody sees it
/// anyway.
class HeldStages {
public:
  HeldStages(const HeldLoop &held, kernel::TargetAttr target);

  unsigned getNumStages() const { return statesOf.size(); }
  /// Vectors of units that go through the steps side by side.
  int64_t getVectors() const { return vectors; }
  /// Steps that a stage does before the next one does them.
  int64_t getSteps() const { return steps; }
  /// Of an op of a body, or of a copy.
  HeldItem *itemOf(mlir::Operation *op) const { return byOp.lookup(op); }
  /// What is written as the `write`th of a part.
  HeldItem *writerOf(unsigned part, unsigned write) const {
    return writers[part][write];
  }
  /// What a part reads that the same step computes; else null.
  HeldItem *sourceOf(unsigned part, unsigned read) const {
    return sources[part][read];
  }
  /// Whether a stage reads it.
  bool reads(unsigned stage, unsigned part, unsigned read) const;
  unsigned stageOfCarry(unsigned carry) const { return makers[carry]->stage; }
  /// What a later stage reads and has no place in memory, by stages.
  llvm::ArrayRef<HeldItem *> getLeaving() const { return leaving; }

private:
  using Group = std::vector<HeldItem *>;
  /// What stands at a place at a time: what an item computed, or a carry.
  struct Known {
    const HeldLoop::Access *access;
    HeldItem *item;
    unsigned carry;
  };

  HeldItem *add(mlir::Type type);
  void findItems();
  void findSources(unsigned part, llvm::ArrayRef<Known> known);
  void findBody(unsigned part, mlir::linalg::GenericOp op);
  void need(HeldItem *item, unsigned part, unsigned read);
  void joinCarries();
  void findLevels();
  void findLevel(const Group &group);
  int64_t countStates(const Group &group) const;
  bool isSum(const Group &group) const;
  void makeStages();
  bool findLeaving();
  bool fitsStack();
  int64_t vectorsFor(int64_t states) const;
  void makeOne();

  const HeldLoop &held;
  kernel::TargetAttr target;
  std::deque<HeldItem> items;
  llvm::DenseMap<mlir::Operation *, HeldItem *> byOp;
  llvm::SmallVector<llvm::SmallVector<HeldItem *>, 0> writers, sources;
  /// What of a part's reads is a carry; -1 if none.
  llvm::SmallVector<llvm::SmallVector<int>, 0> carriesRead;
  llvm::SmallVector<HeldItem *> makers; ///< of each carry
  llvm::SmallVector<llvm::SmallVector<HeldItem *>, 0> readers; ///< of each
  llvm::SmallVector<HeldItem *> leaving;
  llvm::SmallVector<int64_t> statesOf; ///< each stage
  int64_t vectors = 1, steps = 1;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_HELDSTAGES_H
