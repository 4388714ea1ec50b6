// State.h: what rules of differentiation read and write.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_STATE_H
#define RNNC_DIALECT_GRAD_STATE_H

#include "rnnc/Dialect/Grad/Support.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace rnnc::scan {
struct Ragged;
}

namespace rnnc::grad {

/// The values that depend on what is differentiated by, in all nested loops.
class Activity {
public:
  /// Marks `seeds` and all real values of the block that depend on them.
  void analyze(mlir::Block &block, mlir::ValueRange seeds);

  bool contains(mlir::Value value) const { return active.contains(value); }

private:
  bool visit(mlir::Operation &op);
  bool mark(mlir::Value value);

  llvm::DenseSet<mlir::Value> active;
};

/// Reverse mode over one block: the cotangents gathered so far and the access
/// to values of the forward computation. The function's own state gives the
/// values themselves; a time loop has a state of its own, which keeps what is
/// needed on a tape.
class ReverseState {
public:
  ReverseState(mlir::OpBuilder builder, const Activity &activity,
               const Ranges &ranges)
      : builder(builder), activity(activity), ranges(ranges) {}
  virtual ~ReverseState() = default;

  /// Whether the value depends on what is differentiated by.
  bool isActive(mlir::Value value) const { return activity.contains(value); }

  /// The cotangent of a value of the forward computation; null if zero.
  mlir::Value cotangent(mlir::Value value);

  /// Adds to the cotangent of a value. Nothing happens if it is not active. The
  /// contribution of an elementwise op is zero where the cotangent of its
  /// result is, and kept so where its slope may be infinite.
  void accumulate(mlir::Value value, mlir::Value contribution);

  /// The same for a contribution that is zero outside of `support`.
  void accumulate(mlir::Value value, mlir::Value contribution,
                  SupportRef support);

  /// Adds to the part of the source's cotangent that the slice was taken from.
  /// Disjoint parts are never added up as padded tensors.
  void accumulateSlice(mlir::tensor::ExtractSliceOp op,
                       mlir::Value contribution);

  /// Where the cotangent of a value may be other than zero; null: everywhere.
  SupportRef supportOf(mlir::Value value);

  /// `tensor`, shaped like a forward value, with zeros outside of `support`.
  mlir::Value keepWhere(SupportRef support, mlir::Value like,
                        mlir::Value tensor);

  /// A value of the forward computation as the other factor of a product with
  /// the cotangent that `support` belongs to: only infinities and what is no
  /// number need be kept out of it.
  mlir::Value factorWhere(SupportRef support, mlir::Value like,
                          mlir::Value factor);

  /// The support of what `adjoint`, linear and without negative factors, makes
  /// of the cotangent of `result`. `picks`: it fills up with zeros.
  SupportRef through(mlir::Value result,
                     std::function<mlir::Value(mlir::Value)> adjoint,
                     bool picks = false);

  /// Only examples with a step have a cotangent after the dimensions `summed`
  /// of `tensor`, shaped like the forward value `like`, were added up, if time
  /// is among them. `dims`: which dimension of `like` each one of the operand
  /// is, or -1.
  SupportRef whereSteps(mlir::Value operand, mlir::Value like,
                        mlir::Value tensor, llvm::ArrayRef<int64_t> summed,
                        llvm::ArrayRef<int64_t> dims);

  /// Examples with a step, if for the others the forward value `factor`, shaped
  /// like `like`, is made of the largest of nothing: infinite, so that what it
  /// is multiplied with can only get zero or no number.
  SupportRef whereNotEmpty(mlir::Value factor, mlir::Value like);

  /// `product`, a contribution shaped like the forward value `like`, with zeros
  /// where it is no number although the cotangent it is made from is zero:
  /// where that met what is infinite for an example without steps. To be asked
  /// of the numbers, as such a zero may come from a slope.
  mlir::Value keepZeros(mlir::Value cotangent, mlir::Value like,
                        mlir::Value product);

  /// Where a cotangent is other than zero, or no number.
  SupportRef whereNotZero(mlir::Value cotangent, mlir::Value like);

  /// A value of the forward computation that may be infinite for examples
  /// without steps as the other factor of a product with a cotangent: with
  /// zeros where it is not finite, but within `support`.
  mlir::Value finiteOrWhere(SupportRef support, mlir::Value like,
                            mlir::Value factor);

  /// Of a condition, repeated along the other dimensions of the forward value
  /// `like`.
  mlir::Value widen(mlir::Value condition, mlir::Value like,
                    llvm::ArrayRef<int64_t> dims);

  /// The entries of the kept dimensions for which any entry is set, of a
  /// condition shaped like the forward value `like`.
  mlir::Value anyOver(mlir::Value condition, mlir::Value like,
                      llvm::ArrayRef<int64_t> dims);

  /// Whether each example has a step.
  mlir::Value isPositive(mlir::Value lengths);

  /// The dimension of the examples in what a loop reads and gives: the last one
  /// whose size is not known; -1 if there is none.
  static int64_t batchDimOf(mlir::Value value);

  /// Numbers of type `element`, 1 where the condition, shaped like the forward
  /// value `like`, holds; and where such numbers are above 0.
  mlir::Value toReal(mlir::Value condition, mlir::Value like,
                     mlir::Type element);
  mlir::Value toCondition(mlir::Value real);

  /// Whether a slope behind the value may be such that zeros of its cotangent,
  /// of this support, have to be kept.
  bool mayNeed(SupportRef support, mlir::Value value) const;

  /// Both, and either of two. Null is everywhere.
  SupportRef both(SupportRef a, SupportRef b);
  SupportRef either(SupportRef a, SupportRef b);

  /// A value of the forward computation for use in the adjoint code.
  virtual mlir::Value value(mlir::Value value) { return value; }

  /// A result of the forward computation has been replaced by another, and its
  /// op is about to be erased.
  virtual void replaced(mlir::Value before, mlir::Value after) {}

  /// `tensor`, shaped like the forward value `like`, with zeros past each
  /// example's end: for use before time or batch is summed over.
  virtual mlir::Value maskRows(mlir::Value like, mlir::Value tensor);

  /// The same along all time dimensions among those that are summed over.
  mlir::Value maskSummed(mlir::Value like, mlir::Value tensor,
                         llvm::ArrayRef<int64_t> summed);

  /// Zeros in the rows of examples that are over at the current step of the
  /// loops around, built at the builder's place.
  virtual mlir::Value maskOverRows(mlir::OpBuilder &, mlir::Value like,
                                   mlir::Value tensor) {
    return tensor;
  }

  /// The forward value `like` itself for use as the other factor of such a
  /// sum: with zeros past the end unless it is surely finite there.
  mlir::Value finiteRows(mlir::Value like, llvm::ArrayRef<int64_t> summed);

  /// Zeros shaped like a forward value.
  mlir::Value zeros(mlir::Value like);

  /// The number `number` shaped like a forward value.
  mlir::Value splat(mlir::Value like, double number);

  /// Sizes of dynamic dimensions of a forward value.
  llvm::SmallVector<mlir::Value> sizes(mlir::Value like);

  /// Runs the rules of the ops, last first. An op without a rule is an error.
  llvm::LogicalResult reverse(llvm::ArrayRef<mlir::Operation *> ops);

  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::Location getLoc() const { return loc; }
  const Activity &getActivity() const { return activity; }
  const Ranges &getRanges() const { return ranges; }

  /// For tests: contributions of the ops of this name are doubled.
  llvm::StringRef brokenRule;

protected:
  struct Part {
    mlir::tensor::ExtractSliceOp place;
    mlir::Value cotangent;
  };
  struct Pending {
    mlir::Value sum;
    llvm::SmallVector<Part> parts;
    SupportRef support; // of the sum without parts
    bool everywhere = false;
    llvm::SmallVector<std::pair<mlir::tensor::ExtractSliceOp, SupportRef>>
        slices; // all parts there ever were
  };

  mlir::OpBuilder builder;
  mlir::Location loc = builder.getUnknownLoc();
  mlir::Operation *current = nullptr;
  const Activity &activity;
  const Ranges &ranges;
  llvm::DenseMap<mlir::Value, Pending> pending;
  llvm::SmallVector<mlir::Value> order; // keys as they came

private:
  Pending &entryOf(mlir::Value value);
  mlir::Value mask(const scan::Ragged &ragged, mlir::Value tensor);
  mlir::Value broken(mlir::Value contribution);
  mlir::Value insertParts(mlir::Value like, Pending &entry);
  SupportRef ofSlices(mlir::Value value, Pending &entry);
};

/// Forward mode: the tangents of the values of the computation.
class ForwardState {
public:
  explicit ForwardState(const Activity &activity) : activity(activity) {}

  bool isActive(mlir::Value value) const { return activity.contains(value); }

  /// The tangent of a value; null if zero.
  mlir::Value tangent(mlir::Value value) const {
    return tangents.lookup(value);
  }
  void setTangent(mlir::Value value, mlir::Value tangent) {
    tangents[value] = tangent;
  }

  /// Runs the rules of the block's ops in order. An op without a rule is an
  /// error.
  llvm::LogicalResult run(llvm::ArrayRef<mlir::Operation *> ops);

  /// For tests: tangents of the ops of this name are doubled.
  llvm::StringRef brokenRule;

private:
  const Activity &activity;
  llvm::DenseMap<mlir::Value, mlir::Value> tangents;
};

/// Whether a type has a gradient: a tensor of real numbers.
bool isReal(mlir::Type type);

} // namespace rnnc::grad

#endif // RNNC_DIALECT_GRAD_STATE_H
