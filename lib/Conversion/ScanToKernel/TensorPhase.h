// TensorPhase.h: one phase on tensors, being written.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_TENSORPHASE_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_TENSORPHASE_H

#include "Plan.h"
#include "Sizes.h"
#include "Views.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace rnnc {

/// What a phase is written from and into.
struct PhaseContext {
  PhaseContext(mlir::OpBuilder &b, Sizes &sizes) : b(b), sizes(sizes) {}

  mlir::OpBuilder &b; ///< where the op will stand
  Sizes &sizes;
  BlockPlan *plan = nullptr;
  /// What was made in place of a value.
  llvm::DenseMap<mlir::Value, mlir::Value> made;
  /// Values that are tensors of their own, not computed where they are read.
  llvm::DenseSet<mlir::Value> materialized;

  mlir::Value current(mlir::Value value) const {
    mlir::Value other = made.lookup(value);
    return other ? other : value;
  }
};

/// Collects scalar code for every point of a space, and makes one
/// `linalg.generic` of it. Pointwise values are computed where they are read,
/// views become indexing maps.
class TensorPhase {
public:
  /// Values with memory are read if they are ready at `level` of the plan.
  TensorPhase(PhaseContext &context, mlir::Location loc, int level,
              llvm::ArrayRef<mlir::OpFoldResult> space);
  ~TensorPhase();

  /// The scalar of `value` at the current point, read through `view`.
  mlir::Value eval(mlir::Value value, const View &view);
  /// Stores a scalar at every point: a new result.
  void store(mlir::Value scalar);
  /// Combines a scalar along `reduced`, from `neutral` on: a new result.
  void reduce(mlir::Value scalar, llvm::ArrayRef<int64_t> reduced,
              double neutral,
              llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Value,
                                             mlir::Value)>
                  combine);
  /// Whether what was read so far has every dimension of the space: a
  /// reduction learns the sizes from what it reads.
  bool readsAllDims() const;
  /// Reads a tensor.
  mlir::Value leaf(mlir::Value tensor, const View &view);
  /// Makes the op.
  mlir::linalg::GenericOp finish();
  mlir::OpBuilder &body() { return inner; }

private:
  bool isRead(mlir::Value value);
  mlir::Value evalPointwise(mlir::Value value, const View &view);
  mlir::Value evalConstant(mlir::Value value);
  mlir::Value evalMask(scan::MaskOp op, const View &view);
  mlir::Value position(const Access &access);
  mlir::Value partOf(mlir::Value tensor, const View &view,
                     llvm::SmallVectorImpl<mlir::AffineExpr> &dims);
  mlir::Value empty(llvm::ArrayRef<mlir::OpFoldResult> shape,
                    mlir::Type element);
  mlir::Value indexConstant(int64_t number);

  PhaseContext &context;
  mlir::Location loc;
  int level;
  llvm::SmallVector<mlir::OpFoldResult> space;
  mlir::Block *block;
  mlir::OpBuilder inner;
  std::vector<std::tuple<mlir::Value, View, mlir::Value>> memo, leaves;
  llvm::SmallVector<mlir::Value> inputs, outputs, results, sums;
  llvm::SmallVector<mlir::AffineMap> inputMaps, outputMaps;
  llvm::SmallVector<mlir::utils::IteratorType> iterators;
};

/// `number` everywhere, as a tensor of the given sizes.
mlir::Value filled(mlir::OpBuilder &b, mlir::Location loc,
                   llvm::ArrayRef<mlir::OpFoldResult> shape, mlir::Type element,
                   double number);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_TENSORPHASE_H
