// Sizes.h: the run-time sizes of tensors, as values at the top of a function.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_SIZES_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_SIZES_H

#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <optional>

namespace rnnc {

/// Finds, for each dimension of each tensor of an old function, its size as a
/// value at the top of the new function (which may be the old one). Equal sizes
/// are equal values, so sizes can be compared. Everything is derived from the
/// dimensions of the arguments; dimensions of arguments with one name
/// (`rnnc.slot`) are one.
class Sizes {
public:
  /// `target` has one argument, a memref or tensor, for each argument of
  /// `source`, first.
  Sizes(mlir::func::FuncOp source, mlir::func::FuncOp target);

  /// Size of a dimension: an attribute when static, else a value at the top.
  mlir::OpFoldResult get(mlir::Value tensor, int64_t dim);
  llvm::SmallVector<mlir::OpFoldResult> get(mlir::Value tensor);

  /// The index value `index` of the old function at the top of the new one;
  /// null when it depends on a step of a loop.
  mlir::Value index(mlir::Value index);

  /// A constant index at the top.
  mlir::Value constant(int64_t value);

  /// `a + b` at the top, for b static.
  mlir::Value plus(mlir::OpFoldResult a, int64_t b);

  /// A builder whose insertion point is the end of the prologue; whatever it
  /// makes belongs to the prologue.
  template <typename Fn> auto atTop(Fn fn) {
    if (last)
      top.setInsertionPointAfter(last);
    else
      top.setInsertionPointToStart(&target.getBody().front());
    auto result = fn(top);
    // The insertion point stands behind what was made last.
    mlir::Block::iterator it = top.getInsertionPoint();
    if (it != top.getInsertionBlock()->begin())
      last = &*std::prev(it);
    return result;
  }

  /// What `rnnc.slot` says of a tensor: numbers and names of dimensions. A
  /// size that is no dimension of an argument has no name: a null attribute.
  mlir::ArrayAttr shapeAttr(mlir::Value tensor);

  /// Names of the dynamic dimensions in order of appearance.
  llvm::ArrayRef<mlir::Attribute> getDimNames() const { return dimNames; }

private:
  mlir::Value ofArgument(unsigned number, int64_t dim);
  mlir::Value dynamic(mlir::Value tensor, int64_t dim);
  mlir::Value dynamicOfResult(mlir::OpResult result, int64_t dim);
  void addSegments(scan::SegmentsOp op);
  std::pair<mlir::Value, mlir::Value>
  segments(mlir::OpBuilder &b, scan::SegmentsOp op, mlir::Value trip);
  void addChunks(scan::ChunksOp op);
  std::pair<mlir::Value, mlir::Value> chunks(mlir::OpBuilder &b,
                                             scan::ChunksOp op,
                                             mlir::Value trip,
                                             mlir::Value rows);
  /// The product of two sizes.
  mlir::Value product(mlir::Value a, mlir::Value b);
  /// A size as a value at the top.
  mlir::Value valueOf(mlir::Value tensor, int64_t dim);

  mlir::func::FuncOp source, target;
  mlir::OpBuilder top;
  mlir::Operation *last = nullptr;
  llvm::StringMap<mlir::Value> named;
  llvm::SmallVector<mlir::Attribute> dimNames;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> memo;
  llvm::DenseMap<mlir::Value, mlir::Value> indices;
  llvm::DenseMap<int64_t, mlir::Value> constants;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Value>, mlir::Value> products;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_SIZES_H
