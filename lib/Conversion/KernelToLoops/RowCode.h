// RowCode.h: one row of a phase.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row is computed in stages: a reduction of the row needs all units of what
// it combines, and what needs the reduction comes in the next stage. A stage is
// one linalg.generic over the units, and scalars for what all units have in
// common. What is cheap is computed again in the stage that needs it; functions
// are kept in a row of scratch memory, which is in the first-level cache.

#ifndef RNNC_LIB_CONVERSION_KERNELTOLOOPS_ROWCODE_H
#define RNNC_LIB_CONVERSION_KERNELTOLOOPS_ROWCODE_H

#include "Lowering.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace rnnc {

/// Writes the rows of a phase on memrefs.
class RowCode {
public:
  /// `b` stands before all loops: scratch memory is made there.
  RowCode(kernel::PhaseOp op, mlir::OpBuilder &b);

  /// Computes the row at these indices; `sums` is the memory of each
  /// accumulator, all units of the row.
  void emit(mlir::ValueRange at, mlir::ValueRange sums);
  /// The indices of row number `row`.
  llvm::SmallVector<mlir::Value> indicesOf(mlir::Value row);
  /// How many rows there are.
  mlir::Value getCount() const { return count; }

private:
  using Value = mlir::Value;

  void findStages();
  void keepFunctions(unsigned stage);
  void collect(Value value, unsigned stage,
               llvm::SetVector<mlir::Operation *> &ops,
               llvm::SetVector<Value> &read);
  llvm::SmallVector<Value> resultsOf(unsigned stage);
  bool isKept(Value value, unsigned stage);
  Value rowOf(Value memref, mlir::AffineMap map, mlir::ValueRange at);
  Value elementOf(Value memref, mlir::AffineMap map, mlir::ValueRange at);
  void scalars(unsigned stage, mlir::IRMapping &values);
  void points(unsigned stage, mlir::ValueRange at, mlir::IRMapping &values,
              const llvm::DenseMap<Value, Value> &memory);
  unsigned stageOf(Value value) const { return stages.lookup(value); }

  kernel::PhaseOp op;
  mlir::OpBuilder &b;
  mlir::Location loc;
  int64_t units;
  llvm::SmallVector<Value> sizes; ///< of the dimensions of rows
  Value count;
  unsigned numStages = 1;
  llvm::DenseSet<Value> varying;
  llvm::DenseMap<Value, unsigned> stages;
  /// Functions that a later stage reads: their rows.
  llvm::MapVector<Value, Value> kept;
  /// Of each reduction: where it is added up.
  llvm::MapVector<mlir::Operation *, Value> cells;
  Value anyRow; ///< only says how many units there are
};

/// A phase whose rows have one dimension, where memory allows to see them so.
kernel::PhaseOp withOneRowDim(kernel::PhaseOp op);

/// Lowers a phase without products: a loop over rows.
void lowerRows(kernel::PhaseOp op);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOLOOPS_ROWCODE_H
