// ScanOps.cpp: verifiers of the scan dialect's plain ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

#define GET_OP_CLASSES
#include "rnnc/Dialect/Scan/Scan.cpp.inc"

namespace {
bool sameSize(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

LogicalResult checkSizes(Operation *op, RankedTensorType type,
                         OperandRange sizes) {
  if (type.getNumDynamicDims() == sizes.size())
    return success();
  return op->emitOpError("has ")
         << sizes.size() << " sizes for the " << type.getNumDynamicDims()
         << " dynamic dimensions of " << type;
}

LogicalResult checkDim(Operation *op, StringRef name, int64_t dim,
                       RankedTensorType type) {
  if (dim >= 0 && dim < type.getRank())
    return success();
  return op->emitOpError() << name << " = " << dim << " is no dimension of "
                           << type;
}

// time_dim always, batch_dim when there are lengths.
LogicalResult checkSequence(Operation *op, RankedTensorType type, int64_t time,
                            int64_t batch, bool ragged) {
  if (failed(checkDim(op, "time_dim", time, type)))
    return failure();
  if (!ragged)
    return success();
  if (failed(checkDim(op, "batch_dim", batch, type)))
    return failure();
  if (time == batch)
    return op->emitOpError("time_dim and batch_dim are the same");
  return success();
}
} // namespace

LogicalResult StopOp::verify() {
  if (static_cast<bool>(getAt()) != getPeriod().has_value())
    return emitOpError("needs at(step) and period together");
  if (getPeriod() && static_cast<int64_t>(*getPeriod()) < 1)
    return emitOpError("period must be positive");
  return success();
}

LogicalResult ClipGradOp::verify() {
  if (getLimit().isNegative() || getLimit().isNaN())
    return emitOpError("limit must not be negative");
  return success();
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType input = getInput().getType(), result = getResult().getType();
  if (input.getElementType() != result.getElementType())
    return emitOpError("changes the element type");
  if (static_cast<int64_t>(getDims().size()) != input.getRank())
    return emitOpError("needs one entry in dims for each dimension of ")
           << input;
  int64_t before = -1;
  for (auto [from, to] : llvm::enumerate(getDims())) {
    if (failed(checkDim(*this, "dims", to, result)))
      return failure();
    if (to <= before)
      return emitOpError("dims must increase");
    if (!sameSize(input.getDimSize(from), result.getDimSize(to)))
      return emitOpError("dimension ")
             << from << " of " << input << " does not fit dimension " << to
             << " of " << result;
    before = to;
  }
  return checkSizes(*this, result, getSizes());
}

LogicalResult ScatterAddOp::verify() {
  RankedTensorType updates = getUpdates().getType();
  RankedTensorType indices = getIndices().getType();
  RankedTensorType result = getResult().getType();
  int64_t batch = getBatchDims();
  if (batch < 0 || batch > indices.getRank() || batch >= result.getRank() ||
      updates.getRank() - indices.getRank() != result.getRank() - batch - 1)
    return emitOpError("ranks do not fit batch_dims = ") << batch;
  if (updates.getElementType() != result.getElementType())
    return emitOpError("changes the element type");
  auto compatible = [](ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
    return a.size() == b.size() && llvm::all_of_zip(a, b, sameSize);
  };
  ArrayRef<int64_t> shape = updates.getShape();
  if (!compatible(shape.take_front(indices.getRank()), indices.getShape()) ||
      !compatible(shape.drop_front(indices.getRank()),
                  result.getShape().drop_front(batch + 1)) ||
      !compatible(shape.take_front(batch), result.getShape().take_front(batch)))
    return emitOpError("shapes of ")
           << updates << ", " << indices << " and " << result << " do not fit";
  if (result.isDynamicDim(batch) != static_cast<bool>(getSize()))
    return emitOpError("needs the size exactly where it is dynamic");
  return success();
}

bool DotOp::sumsOverExamples() {
  auto isFirstTwo = [](ArrayRef<int64_t> dims) {
    return dims.size() == 2 && dims[0] == 0 && dims[1] == 1;
  };
  return isFirstTwo(getLhsContract()) && isFirstTwo(getRhsContract());
}

unsigned DotOp::getLeading() {
  return !sumsOverExamples() && getLhsFree().size() == 1 ? 1 : 2;
}

LogicalResult DotOp::verify() {
  if (!getLengths() || sumsOverExamples())
    return success();
  SmallVector<int64_t> rows = getLhsFree();
  if (!getLhsBatch().empty() || rows.empty() || rows.size() > 2 ||
      rows[0] != 0 || rows.back() != int64_t(rows.size()) - 1)
    return emitOpError(
        "with lengths goes over rows of time and example, or adds "
        "them up: the first two dimensions");
  auto loop = dyn_cast<LoopOp>((*this)->getParentOp());
  if (rows.size() == 1 && (!loop || loop.getLengths() != getLengths()))
    return emitOpError("over examples alone wants the lengths of the loop "
                       "around it");
  return success();
}

LogicalResult MaskOp::verify() {
  RankedTensorType type = getInput().getType();
  if (failed(checkDim(*this, "batch_dim", getBatchDim(), type)))
    return failure();
  if (static_cast<bool>(getAt()) == getTimeDim().has_value())
    return emitOpError("needs either time_dim or at(step)");
  if (!getTimeDim())
    return success();
  return checkSequence(*this, type, *getTimeDim(), getBatchDim(), true);
}

LogicalResult ReverseOp::verify() {
  return checkSequence(*this, getInput().getType(), getTimeDim(), getBatchDim(),
                       static_cast<bool>(getLengths()));
}

LogicalResult ShiftOp::verify() {
  int64_t by = getBy();
  if (by != 1 && by != -1)
    return emitOpError("by must be 1 or -1");
  RankedTensorType type = getInput().getType();
  if (failed(checkSequence(*this, type, getTimeDim(), getBatchDim(),
                           static_cast<bool>(getLengths()))))
    return failure();
  if (getFill() && getFill().getType() != dropDim(type, getTimeDim()))
    return emitOpError("fill must be ") << dropDim(type, getTimeDim());
  return success();
}

LogicalResult PlaceStepOp::verify() {
  RankedTensorType result = getResult().getType();
  if (failed(checkSequence(*this, result, getTimeDim(), getBatchDim(),
                           static_cast<bool>(getLengths()))))
    return failure();
  if (getInput().getType() != dropDim(result, getTimeDim()))
    return emitOpError("operand must be ") << dropDim(result, getTimeDim());
  if (result.isDynamicDim(getTimeDim()) != static_cast<bool>(getSize()))
    return emitOpError("needs the size exactly where it is dynamic");
  return success();
}

LogicalResult RandomOp::verify() {
  RankedTensorType type = getResult().getType();
  if (getTimeDim() && failed(checkDim(*this, "time_dim", *getTimeDim(), type)))
    return failure();
  if (getBatchDim() &&
      failed(checkDim(*this, "batch_dim", *getBatchDim(), type)))
    return failure();
  if (getTimeDim() && getBatchDim() && *getTimeDim() == *getBatchDim())
    return emitOpError("time_dim and batch_dim are the same");
  return checkSizes(*this, type, getSizes());
}

//===-- Segments of time
//---------------------------------------------------===//

LogicalResult
CheckpointAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                       CheckpointKind kind, int64_t amount) {
  if (kind == CheckpointKind::sqrt ? amount == 0 : amount > 0)
    return success();
  if (kind == CheckpointKind::sqrt)
    return emitError() << "sqrt takes no number";
  return emitError() << "needs a positive number";
}

// The steps of a segment stand for the first dimension of the sequence.
static LogicalResult checkSegments(Operation *op, RankedTensorType whole,
                                   RankedTensorType parts) {
  if (whole.getRank() > 0 && whole.isDynamicDim(0) && parts.getRank() > 1 &&
      parts.isDynamicDim(0) && dropDim(parts, 0) == whole)
    return success();
  return op->emitOpError("has ") << parts << " for the segments of " << whole;
}

void SplitOp::build(OpBuilder &builder, OperationState &state, Value input,
                    Value count, Value steps) {
  build(builder, state,
        insertDim(cast<RankedTensorType>(input.getType()), 0,
                  ShapedType::kDynamic),
        input, count, steps);
}

LogicalResult SplitOp::verify() {
  return checkSegments(*this, getInput().getType(), getResult().getType());
}

void JoinOp::build(OpBuilder &builder, OperationState &state, Value input,
                   Value lengths, Value size) {
  build(builder, state, dropDim(cast<RankedTensorType>(input.getType()), 0),
        input, lengths, size);
}

LogicalResult JoinOp::verify() {
  return checkSegments(*this, getResult().getType(), getInput().getType());
}

std::pair<int64_t, int64_t> scan::segmentsOf(CheckpointAttr policy,
                                             int64_t steps) {
  assert(policy.getKind() != CheckpointKind::memory && "not known here");
  if (policy.getKind() == CheckpointKind::every) {
    int64_t each =
        std::clamp<int64_t>(policy.getAmount(), 1, std::max<int64_t>(steps, 1));
    return {llvm::divideCeil(steps, each), each};
  }
  int64_t count = std::max<int64_t>(1, std::sqrt(3.0 * double(steps)));
  int64_t each = std::max<int64_t>(1, llvm::divideCeil(steps, count));
  return {llvm::divideCeil(steps, each), each};
}

std::pair<int64_t, int64_t> scan::chunksOf(int64_t chunkBytes,
                                           int64_t stepBytes, int64_t steps) {
  int64_t most =
      std::max<int64_t>(1, chunkBytes / std::max<int64_t>(stepBytes, 1));
  int64_t count = llvm::divideCeil(steps, most);
  int64_t each = llvm::divideCeil(steps, std::max<int64_t>(count, 1));
  each = std::max<int64_t>(each, 1);
  return {llvm::divideCeil(steps, each), each};
}
