// BodyPlan.h: how the body of a recurrence is cut into loops and what is around
// them. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_RNNTOSCAN_BODYPLAN_H
#define RNNC_LIB_CONVERSION_RNNTOSCAN_BODYPLAN_H

#include "rnnc/Dialect/RNN/RNN.h"
#include "llvm/ADT/DenseSet.h"

namespace rnnc::batch {

/// The values an op reads that are not made inside it.
llvm::SmallVector<mlir::Value> operandsOf(mlir::Operation *op);

/// What the planner has to know of a recurrence.
struct BodyShape {
  mlir::Block *body;
  llvm::StringRef axis; ///< it runs along
  /// Axes that have a length for each step: recurrences along them can be run
  /// for all steps at once.
  llvm::SmallVector<std::string> inner;
  llvm::SmallVector<mlir::Value> states, next, outs;
  /// Ops whose values of all steps are known.
  llvm::DenseSet<mlir::Operation *> known = {};
  /// States whose next value is to be made where they are.
  llvm::SmallVector<unsigned> pinned = {};
};

struct PlanOptions {
  /// Dropout and noise draw new numbers in each step that they are not tied
  /// along.
  bool training = false;
  /// Products and look-ups that need no state are done for all steps at once.
  bool hoist = true;
};

/// A body's ops, by where their code goes. In the order of execution:
/// `invariant`; for each group its `before` (for all steps at once) and its
/// loop with `inside`; `after` (for all steps at once).
///
/// States that need one another form a group. A group whose products need the
/// states of an earlier group has a loop of its own: those products are one
/// product for all steps then. This is how a stack of layers runs layer by
/// layer.
struct BodyPlan {
  struct Group {
    llvm::SmallVector<unsigned> states;
    llvm::DenseSet<mlir::Operation *> before, inside;
  };
  llvm::DenseSet<mlir::Operation *> invariant, after;
  llvm::SmallVector<Group> groups;

  BodyPlan(const BodyShape &shape, PlanOptions options);
};

} // namespace rnnc::batch

#endif // RNNC_LIB_CONVERSION_RNNTOSCAN_BODYPLAN_H
