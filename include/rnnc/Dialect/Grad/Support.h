// Support.h: where a cotangent may be other than zero.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_SUPPORT_H
#define RNNC_DIALECT_GRAD_SUPPORT_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <functional>
#include <memory>

namespace mlir {
class Block;
class Operation;
} // namespace mlir

namespace rnnc::grad {

/// The entries of a cotangent that are not zero by construction. A branch that
/// was not taken, a row without steps, an entry that nobody looked up gets a
/// zero that must stay one, whatever the slope it is multiplied by: 0 times
/// infinity is not a number. The code that says where is made only if a slope
/// that may be infinite turns up behind.
class Support {
public:
  /// Makes a tensor of bits shaped like the cotangent.
  using Build = std::function<mlir::Value()>;

  /// `chosen`: a condition that the program wrote, so that even inputs and
  /// parameters may be meant to be not numbers where it does not hold.
  Support(bool chosen, Build build) : chosen(chosen), build(std::move(build)) {}

  bool isChosen() const { return chosen; }
  mlir::Value get();

private:
  bool chosen;
  Build build;
  mlir::Value made;
};

/// Null: everywhere.
using SupportRef = std::shared_ptr<Support>;

/// How large the entries of a value can become if parameters and inputs are
/// ordinary numbers, later ones including the ones before.
enum class Growth {
  Bounded, ///< between numbers that are known
  Tame,    ///< sums of such numbers
  Data,    ///< sums of arguments, which may hold what is not a number
  Product, ///< products, which overflow early
  Wild,    ///< infinite or not a number for ordinary arguments: log, 1 / x
};

/// The ranges of all values of a function, in all nested loops.
class Ranges {
public:
  void analyze(mlir::Block &block);
  Growth of(mlir::Value value) const { return ranges.lookup(value); }

  /// Whether the slope of an elementwise op may be infinite or no number.
  bool hasWildSlope(mlir::Operation *op, bool chosen) const;

  /// Whether the value is made from the largest or smallest of the steps of an
  /// example, or their logsumexp: infinite if the example has none, and then
  /// maybe no number in what is made from it.
  bool isOfSteps(mlir::Value value) const { return ofSteps.contains(value); }

private:
  bool visit(mlir::Operation &op);
  bool raise(mlir::Value value, Growth range);
  bool handOn(mlir::Value from, mlir::Value to);
  bool isOfSteps(mlir::Operation &op) const;
  Growth result(mlir::Operation &op) const;
  Growth largestOperand(mlir::Operation &op) const;

  llvm::DenseMap<mlir::Value, Growth> ranges;
  llvm::DenseSet<mlir::Value> ofSteps;
};

} // namespace rnnc::grad

#endif // RNNC_DIALECT_GRAD_SUPPORT_H
