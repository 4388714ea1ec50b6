// PastEnd.h: who sees what lies past the end of an example.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_PASTEND_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_PASTEND_H

#include "rnnc/Dialect/Kernel/Kernel.h"
#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseSet.h"

#include <optional>

namespace rnnc {

/// What a condition in a phase says: the step is below the length of the row.
struct RowMask {
  mlir::Value lengths;
  std::optional<unsigned> timeDim; ///< the step is an index of the phase,
  mlir::Value step;                ///< or it is this value
  unsigned rowDim = 0;
};

std::optional<RowMask> rowMaskOf(mlir::linalg::GenericOp op,
                                 mlir::Value condition);

/// Follows what is made of rows that lie past the end of their example, once
/// there are phases: rows of a tensor over time and examples, or of one step
/// in a loop, over examples.
class PastEnd {
public:
  /// Whether nobody sees these rows of `value`, whose first dimensions are
  /// time and examples (`leading` is 2) or examples (1).
  bool reachesNobody(mlir::Value value, unsigned leading);

  /// The lengths that end the rows, or null where nothing was followed to an
  /// end. All that is followed has the same.
  mlir::Value getLengths() const { return lengths; }
  bool agree(mlir::Value other) {
    if (!lengths)
      lengths = other;
    return other && lengths == other;
  }

private:
  bool ends(mlir::OpOperand &use, unsigned leading);
  bool endsInLoop(mlir::OpOperand &use, scan::LoopOp loop);
  bool endsInYield(unsigned operand, scan::LoopOp loop);
  bool endsInChunks(unsigned operand, scan::LoopOp loop);
  bool endsInMask(mlir::Value of, std::optional<uint64_t> time, uint64_t batch,
                  unsigned leading);
  bool endsInGeneric(mlir::OpOperand &use, unsigned leading);
  bool endsInPhase(mlir::OpOperand &use, unsigned leading);
  bool endsInDot(mlir::OpOperand &use, scan::DotOp dot, unsigned leading);

  mlir::Value lengths;
  llvm::DenseSet<std::pair<mlir::Value, unsigned>> seen;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_PASTEND_H
