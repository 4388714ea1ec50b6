// Update.h: the function that updates a model's parameters.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_UPDATE_H
#define RNNC_DIALECT_GRAD_UPDATE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace rnnc::grad {

/// A parameter's place in the arenas, counted in numbers.
struct ParameterPlace {
  int64_t offset;
  int64_t size;
  /// Numbers of one unit, for adaptive clipping; see `unitSize`.
  int64_t unit = 1;
  bool trainable = true;
  double rate = 1; ///< factor on the rate of the optimiser
  /// What has no gradient keeps its value and the optimiser's memory of it.
  bool lazy = false;
};

/// How many numbers of a parameter belong to one unit: what stands behind its
/// first axis that is not labelled. A vector's units are its entries.
int64_t unitSize(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<bool> labelled);

/// Names of the memory that the optimiser of a `train` dictionary keeps for
/// each parameter, such as `exp_avg`.
llvm::SmallVector<llvm::StringRef> optimizerSlots(mlir::DictionaryAttr train);

/// What bounds how far one update goes, from the largest entries P of all
/// parameters and S of the optimiser's memory before it, if no gradient is
/// larger than L:
///
///   G  = L + decay * P                  a gradient with weight decay
///   S' = S + G * G + unit * G
///   D  = 2 * unit * (S' + G)            a direction
///   P' = P + rate * factor * (D + shrink * P)
///
/// `rate` is the largest of all parameters, `factor` the schedule's, `shrink` a
/// decay that is no part of gradients. All that an update computes lies below
/// 2 * (D + P' + S'). `unit` is 0 where nothing is known.
struct UpdateReach {
  double rate = 0, decay = 0, shrink = 0, unit = 0;
};
UpdateReach updateReach(mlir::DictionaryAttr train);

/// Of an update function: begin and end of parts of the arenas, one behind the
/// other. There a gradient of +0 adds nothing to a norm, and what has one keeps
/// its value and the optimiser's memory of it bit for bit, as long as all
/// numbers are finite and the factor on the rate is not negative.
inline constexpr llvm::StringLiteral kKeepsStill = "grad.keeps_still";
/// Why that is not so elsewhere, for people.
inline constexpr llvm::StringLiteral kMovesAll = "grad.moves_all";

/// Makes `@"<module>.update"` at the builder's place:
///
///   (params, grads, slots..., scalars: tensor<4xf64>)
///     -> (new params, new slots..., norm, finite: tensor<i32>)
///
/// on arenas of `total` numbers of type `real`. scalars = (factor on the
/// rate from the schedule, number of this update from 1, what the norm must be
/// less than, unused). The norm is the gradient's before clipping. If it is not
/// less (nor is infinity less than infinity), finite is 0 and parameters and
/// memory stay as they are. Settings read from `train`: `optimize`, `clip`,
/// `decay`. Gradients of parameters that are not trained must be zero in the
/// arena.
mlir::FailureOr<mlir::func::FuncOp>
buildUpdateFunction(mlir::OpBuilder &builder, mlir::Location loc,
                    llvm::StringRef module, mlir::DictionaryAttr train,
                    llvm::ArrayRef<ParameterPlace> parameters, int64_t total,
                    mlir::FloatType real);

} // namespace rnnc::grad

#endif // RNNC_DIALECT_GRAD_UPDATE_H
