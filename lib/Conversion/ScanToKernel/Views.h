// Views.h: buffers, and how an iteration reads a tensor.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_VIEWS_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_VIEWS_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"

namespace rnnc {

/// Where one dimension of a tensor is read: `index + offset + stride * i`, i
/// being the iteration's dimension `iter`; a fixed place when `iter` is -1.
struct Access {
  int iter = -1;
  int64_t offset = 0;
  int64_t stride = 1;
  mlir::Value index = {};

  bool operator==(const Access &o) const {
    return iter == o.iter && offset == o.offset && stride == o.stride &&
           index == o.index;
  }
};

/// How an iteration reads a tensor, one access a dimension.
using View = llvm::SmallVector<Access>;

/// Reads a tensor of the iteration's own shape.
View identityView(int64_t rank);

/// Memory, and which neighbouring dimensions lie so that they can be taken
/// as one (`merge[i]`: dimension i steps over exactly all of dimension i + 1).
/// The flag knows more than the type does when strides are dynamic.
struct Buffer {
  mlir::Value memref;
  llvm::SmallVector<bool> merge;

  explicit operator bool() const { return static_cast<bool>(memref); }
  mlir::MemRefType type() const {
    return mlir::cast<mlir::MemRefType>(memref.getType());
  }
  int64_t rank() const { return type().getRank(); }
};

/// A buffer that owns all of its memory.
Buffer wholeBuffer(mlir::Value memref);

/// The part of `buffer` at `offsets`, `sizes`, `strides`; dimensions in
/// `dropped` (of size 1) vanish.
Buffer subBuffer(mlir::OpBuilder &b, mlir::Location loc, const Buffer &buffer,
                 llvm::ArrayRef<mlir::OpFoldResult> offsets,
                 llvm::ArrayRef<mlir::OpFoldResult> sizes,
                 llvm::ArrayRef<mlir::OpFoldResult> strides,
                 llvm::ArrayRef<bool> dropped);

/// Steps `first` to `first + count` of a buffer along `dim`; `drop`: it is one
/// step and its dimension vanishes.
Buffer stepsOf(mlir::OpBuilder &b, mlir::Location loc, const Buffer &buffer,
               int64_t dim, mlir::OpFoldResult first, mlir::OpFoldResult count,
               bool drop);

/// Row `index` of `buffer` along dimension 0.
Buffer rowOf(mlir::OpBuilder &b, mlir::Location loc, const Buffer &buffer,
             mlir::OpFoldResult index);

/// `count` rows of `buffer` from `first` on.
Buffer rowsOf(mlir::OpBuilder &b, mlir::Location loc, const Buffer &buffer,
              mlir::OpFoldResult first, mlir::OpFoldResult count);

/// Merges the dimensions of each group; null when memory does not allow it.
Buffer collapse(mlir::OpBuilder &b, mlir::Location loc, const Buffer &buffer,
                llvm::ArrayRef<mlir::ReassociationIndices> groups);

/// Whether memory can be given these groups of dimensions: MLIR computes one
/// unknown size of each.
bool canExpand(llvm::ArrayRef<int64_t> shape,
               llvm::ArrayRef<mlir::ReassociationIndices> groups);

/// The reverse: each dimension as those of its group, of these sizes; null
/// where that cannot be.
Buffer expand(mlir::OpBuilder &b, mlir::Location loc, const Buffer &buffer,
              llvm::ArrayRef<mlir::ReassociationIndices> groups,
              llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// Splits the dimensions of `buffer` after the first `count` into a matrix;
/// null when memory does not allow it.
Buffer asMatrix(mlir::OpBuilder &b, mlir::Location loc, const Buffer &buffer,
                int64_t count);

/// All sizes of a buffer.
llvm::SmallVector<mlir::OpFoldResult>
sizesOf(mlir::OpBuilder &b, mlir::Location loc, const Buffer &buffer);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_VIEWS_H
