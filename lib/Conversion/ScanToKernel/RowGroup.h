// RowGroup.h: phases that work on the same rows, and the one made of them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_ROWGROUP_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_ROWGROUP_H

#include "Sizes.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

namespace rnnc {

/// What a phase does with rows.
enum class RowWork {
  None,   ///< something else
  Point,  ///< every unit of a row by itself
  Reduce, ///< the units of a row combined
  Row     ///< a number of each row
};

RowWork rowWorkOf(mlir::linalg::GenericOp op);

/// Rows and units that phases share.
struct RowSpace {
  llvm::SmallVector<mlir::OpFoldResult> rows;
  int64_t units = 0; ///< 0: any

  bool fits(const RowSpace &other) const {
    return rows == other.rows &&
           (!units || !other.units || units == other.units);
  }
};

RowSpace rowSpaceOf(mlir::linalg::GenericOp op, RowWork work, Sizes &sizes);

/// Phases of a block on the same rows, none of which needs another one by way
/// of something that is none of them.
class RowGroup {
public:
  RowGroup(mlir::Block &block, Sizes &sizes) : block(block), sizes(sizes) {}

  /// Those that can be reached from `seed`, but for `taken`; false where that
  /// is nothing.
  bool grow(mlir::linalg::GenericOp seed,
            const llvm::DenseSet<mlir::Operation *> &taken);
  llvm::ArrayRef<mlir::Operation *> getMembers() const {
    return members.getArrayRef();
  }
  /// Finds what need not be computed past the end of examples.
  void findEnds();
  /// Whether it is worth being one phase.
  bool pays() const;
  /// Puts one phase in place of the members, whose results are replaced.
  kernel::PhaseOp form();

private:
  bool consider(mlir::Operation *op,
                const llvm::DenseSet<mlir::Operation *> &taken);
  void considerBeside(mlir::Value read,
                      const llvm::DenseSet<mlir::Operation *> &taken);
  void keepTogether();
  void dropPositions();
  bool isReadPlainly(mlir::OpOperand &use);
  mlir::Value lengthsOf(mlir::linalg::GenericOp op, mlir::Value condition);
  mlir::Value zeroBehind(mlir::OpResult result);
  mlir::Value beforeEnd(mlir::linalg::GenericOp op, mlir::Value value);
  mlir::AffineMap mapOf(mlir::OpOperand &use);
  void findOuts();
  void cloneMember(mlir::linalg::GenericOp op, mlir::OpBuilder &b,
                   mlir::IRMapping &values);

  mlir::Block &block;
  Sizes &sizes;
  RowSpace space;
  llvm::SetVector<mlir::Operation *> members; ///< in the order of the block
  mlir::Value lengths;
  llvm::SmallVector<mlir::OpResult> outs; ///< read by others
  llvm::SmallVector<std::pair<mlir::Value, mlir::AffineMap>> inputs;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_ROWGROUP_H
