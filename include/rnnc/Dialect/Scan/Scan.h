// Scan.h: the scan dialect: time loops over batched tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_SCAN_SCAN_H
#define RNNC_DIALECT_SCAN_SCAN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Scan/ScanDialect.h.inc"
#include "rnnc/Dialect/Scan/ScanEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "rnnc/Dialect/Scan/ScanAttrs.h.inc"

namespace rnnc::scan {
class YieldOp;

/// The type of the lengths of a time axis, tensor<?xi32>.
mlir::RankedTensorType getLengthsType(mlir::MLIRContext *context);
bool isLengthsType(mlir::Type type);

/// The type of a random key, tensor<2xi64>: seed and update number.
mlir::RankedTensorType getKeyType(mlir::MLIRContext *context);
bool isKeyType(mlir::Type type);

/// The type of `type` without its dimension `dim`.
mlir::RankedTensorType dropDim(mlir::RankedTensorType type, int64_t dim);

/// The type of `type` with a dimension of size `size` put in at `dim`.
mlir::RankedTensorType insertDim(mlir::RankedTensorType type, int64_t dim,
                                 int64_t size);

/// A dimension of a value.
struct Dim {
  mlir::Value value;
  int64_t number;
};

/// A dimension of an operand (or of a value outside the loop) that has the same
/// size as this one, one step back; nothing where there is none.
std::optional<Dim> sameSizeBefore(Dim dim);

/// The operand of an op, an index value, that is the size of this dimension,
/// which is dynamic; null where it has none.
mlir::Value sizeOperand(Dim dim);

/// The size of a dimension of `value` as an index value. It is found by going
/// back to where the size comes from, so `value` itself need not be available
/// where it is asked for; what it is made from outside of all loops must be.
mlir::Value sizeOf(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value value, int64_t dim);

/// Whether a dimension of `value` is known to have the size `size`, an index
/// value.
bool isSize(mlir::Value value, int64_t dim, mlir::Value size);

/// Whether `sizeOf` would ask `value` itself.
bool isSizeRoot(mlir::Value value, int64_t dim);

/// Whether a dimension of `value` is known to be the batch, which `lengths` has
/// as its only dimension.
bool isBatch(mlir::Value value, int64_t dim, mlir::Value lengths);

/// The sizes of the dynamic dimensions of `value`, in order, as by `sizeOf`.
llvm::SmallVector<mlir::Value>
dynamicSizes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);

/// The lengths that say how far a value is valid.
struct Ragged {
  mlir::Value lengths;
  int64_t timeDim;
  int64_t batchDim;
};

/// The lengths of a value with a time and a batch dimension, found by going
/// back to what it is made from.
std::optional<Ragged> findLengths(mlir::Value value);

/// The same for one dimension of several that may be time.
std::optional<Ragged> findLengthsAlong(mlir::Value value, int64_t timeDim);

/// The lengths and the batch dimension of a value that is infinite or no number
/// for every example without steps, where it is made of the largest or smallest
/// of nothing. Its time dimension is gone: -1.
std::optional<Ragged> findEmptyRows(mlir::Value value);

/// Whether a value is surely finite past each example's end if it is finite
/// before. Not so a logarithm or a quotient of what is zero there.
bool isFinitePastEnd(mlir::Value value);

/// In a loop over segments of time, of a slice that is one of them: how many of
/// its steps each example has, where the whole sequence has these lengths. Null
/// where nothing in the loop asks for that.
mlir::Value partLengths(mlir::BlockArgument slice, mlir::Value lengths);

/// The sequence whose segments an argument of a loop's body is; null: it is
/// something else.
mlir::Value splitSequence(mlir::BlockArgument slice);

/// How many segments a sequence of so many steps has, and of how many steps
/// each but the last is. `memory` has no answer here: the workspace decides.
std::pair<int64_t, int64_t> segmentsOf(CheckpointAttr policy, int64_t steps);

/// The same for chunks that hold a number of bytes, where a step takes so many.
std::pair<int64_t, int64_t> chunksOf(int64_t chunkBytes, int64_t stepBytes,
                                     int64_t steps);

/// A tensor of the type and sizes filled with one number.
mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::RankedTensorType type, mlir::ValueRange dynamicSizes,
                  double number);

/// A tensor shaped like `like` filled with one number.
mlir::Value splatLike(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value like, double number);

/// The one number every entry of `value` has (through broadcasts), if known.
std::optional<double> getSplat(mlir::Value value);
} // namespace rnnc::scan

#define GET_OP_CLASSES
#include "rnnc/Dialect/Scan/Scan.h.inc"

#endif // RNNC_DIALECT_SCAN_SCAN_H
