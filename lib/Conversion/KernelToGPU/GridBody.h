// GridBody.h: the code of a grid that runs all steps of a time loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_GRIDBODY_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_GRIDBODY_H

#include "GridWaits.h"
#include "LoopCode.h"

namespace rnnc {

/// What blocks keep of a packed right operand: of element (k, group, unit), so
/// many units each.
struct KeptColumns {
  mlir::Value right; ///< outside of the kernel
  int64_t terms, groups, units, count;

  bool operator==(const KeptColumns &other) const {
    return right == other.right && terms == other.terms &&
           groups == other.groups && units == other.units;
  }
  int64_t elements() const { return terms * groups * count; }
  mlir::Type element() const;
};

/// What can be kept of the right operands of a product, where there are so
/// many blocks; nothing where its sizes are not known. One for each product.
llvm::SmallVector<KeptColumns> columnsOf(mlir::Operation *op, int64_t blocks);

/// Writes the kernel: all threads of all blocks share what becomes a launch
/// elsewhere, and wait for each other where they need what others made.
class GridBody : public LoopCode {
public:
  /// A thread has `rows` rows of a column, at most.
  GridBody(mlir::OpBuilder &b, mlir::Location loc, mlir::IRMapping &inside,
           int64_t threads, llvm::function_ref<mlir::Value(mlir::Type)> shared,
           int64_t rows, mlir::scf::ForOp loop)
      : LoopCode(b, loc, inside, threads, shared), rows(rows), waits(loop) {}

  /// `counter` is an address: of the blocks that arrived so far, of all times.
  void begin(mlir::Value counter, int64_t blocks);
  /// Copies the columns of this block to shared memory.
  void keep(const KeptColumns &columns, mlir::Value place);

private:
  void writeWork(mlir::Operation *op) override;
  void runOwn(mlir::Operation *made, int64_t units, int64_t count,
              llvm::ArrayRef<OwnColumns> own);
  void waitForGrid();

  mlir::Value block, counter;
  int64_t rows, blocks = 1;
  GridWaits waits;
  llvm::SmallVector<std::pair<KeptColumns, OwnColumns>> kept;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_GRIDBODY_H
