// Arena.h: arithmetic on one-dimensional tensors, for clipping and updates.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_GRAD_TRANSFORMS_ARENA_H
#define RNNC_LIB_DIALECT_GRAD_TRANSFORMS_ARENA_H

#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/IR/PatternMatch.h"

namespace rnnc::grad {

/// Builds arithmetic on values of equal type; numbers take the type of what
/// they are combined with, and f64 scalars are brought to it.
class Arena {
public:
  Arena(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value sqrt(mlir::Value a);
  mlir::Value exp(mlir::Value a);
  /// A number in the shape of `like`.
  mlir::Value number(double x, mlir::Value like);
  mlir::Value mul(mlir::Value a, double x) { return mul(a, number(x, a)); }
  mlir::Value add(mlir::Value a, double x) { return add(a, number(x, a)); }
  mlir::Value min(mlir::Value a, double x) { return min(a, number(x, a)); }
  mlir::Value max(mlir::Value a, double x) { return max(a, number(x, a)); }

  /// A scalar (or one number a row) in the precision and shape of `like`.
  mlir::Value spread(mlir::Value scalar, mlir::Value like,
                     llvm::ArrayRef<int64_t> dims = {});

  /// The sum of squares over the given dimensions, accumulated in f64.
  mlir::Value squares(mlir::Value tensor, llvm::ArrayRef<int64_t> dims);
  /// The 2-norm over the given dimensions, accumulated in f64.
  mlir::Value norm(mlir::Value tensor, llvm::ArrayRef<int64_t> dims);

  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::Location getLoc() const { return loc; }

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// Replaces an op by the values that a function makes of it.
template <typename OpTy> struct Expansion : mlir::OpRewritePattern<OpTy> {
  using Build = llvm::SmallVector<mlir::Value> (*)(OpTy, Arena &);

  Expansion(mlir::MLIRContext *context, Build build)
      : mlir::OpRewritePattern<OpTy>(context), build(build) {}

  llvm::LogicalResult
  matchAndRewrite(OpTy op, mlir::PatternRewriter &rewriter) const override {
    Arena arena(rewriter, op.getLoc());
    rewriter.replaceOp(op, build(op, arena));
    return llvm::success();
  }

private:
  Build build;
};

} // namespace rnnc::grad

#endif // RNNC_LIB_DIALECT_GRAD_TRANSFORMS_ARENA_H
