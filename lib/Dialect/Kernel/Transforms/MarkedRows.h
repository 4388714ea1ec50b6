// MarkedRows.h: gradients of tables of which a batch reads some rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_MARKEDROWS_H
#define RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_MARKEDROWS_H

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"

namespace rnnc::kernel {

/// A parameter whose gradient is zeros to which rows are added.
struct RowTable {
  mlir::BlockArgument gradient;
  llvm::StringRef name; ///< of the parameter
  int64_t rows = 0, width = 0;
  int64_t offset = 0; ///< of its first number in the arenas
  mlir::linalg::FillOp fill;
  mlir::Operation *adds = nullptr; ///< what adds the rows
  ScatterAddOp scatter;            ///< in it, or it itself

  int64_t size() const { return rows * width; }
  int64_t end() const { return offset + size(); }
};

/// The tables among the parameters of a `grad` function that hold at least
/// `least` numbers.
llvm::SmallVector<RowTable> findTables(mlir::func::FuncOp function,
                                       int64_t least);

/// One number for each row: not zero if it is written. The next one is zero. If
/// the last one is not zero, rows without a mark are left alone.
mlir::MemRefType marksType(mlir::MLIRContext *context, const RowTable &table);
inline int64_t placeOfEnd(const RowTable &table) { return table.rows; }
inline int64_t placeOfChoice(const RowTable &table) { return table.rows + 1; }

/// Gives a function the marks of a table, as an argument before its results.
mlir::Value addMarks(mlir::func::FuncOp function, const RowTable &table);

/// Makes the gradient mark rows, and leave others alone if it is told so.
void markRows(const RowTable &table);

} // namespace rnnc::kernel

#endif // RNNC_LIB_DIALECT_KERNEL_TRANSFORMS_MARKEDROWS_H
