// GridWaits.h: where the blocks of a grid have to wait for each other.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_GRIDWAITS_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_GRIDWAITS_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseMap.h"

namespace rnnc {

/// Who has to be done before an op: nobody else, the threads of the block, or
/// all blocks.
enum class WaitFor { None, Block, Grid };

/// Of a time loop whose units are shared out among blocks: which ops a block
/// can do for its units alone, and where it needs what the others made.
class GridWaits {
public:
  explicit GridWaits(mlir::scf::ForOp loop);

  WaitFor before(mlir::Operation *op) const { return waits.lookup(op); }
  /// How many units the items of `op` run through, the last dimension of what
  /// it writes; 0 where they are not units.
  int64_t unitsOf(mlir::Operation *op) const { return units.lookup(op); }

private:
  llvm::DenseMap<mlir::Operation *, WaitFor> waits;
  llvm::DenseMap<mlir::Operation *, int64_t> units;
};

/// Where a buffer lies: one that the function has, or a place in the workspace,
/// which is a number of bytes. Different places do not overlap.
using Root = std::pair<mlir::Value, mlir::Value>;
Root rootOf(mlir::Value memref);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_GRIDWAITS_H
