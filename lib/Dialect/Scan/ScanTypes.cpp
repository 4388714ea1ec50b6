// ScanTypes.cpp: result types of the scan dialect's ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Scan.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace {
RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

// The numbers in `dims` must be different dimensions of `type`.
LogicalResult checkDims(std::optional<Location> loc, ArrayRef<int64_t> dims,
                        RankedTensorType type) {
  llvm::SmallBitVector seen(type.getRank());
  for (int64_t dim : dims) {
    if (dim < 0 || dim >= type.getRank())
      return emitOptionalError(loc, "dimension ", dim, " is not one of ", type);
    if (seen.test(dim))
      return emitOptionalError(loc, "dimension ", dim, " is named twice");
    seen.set(dim);
  }
  return success();
}

bool sameSize(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

SmallVector<int64_t> freeDims(RankedTensorType type, ArrayRef<int64_t> batch,
                              ArrayRef<int64_t> contract) {
  SmallVector<int64_t> dims;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (!llvm::is_contained(batch, dim) && !llvm::is_contained(contract, dim))
      dims.push_back(dim);
  return dims;
}

// [batch, t1..tn, ...] to [t1..tn, batch, ...], or back.
FailureOr<RankedTensorType> exchangeTime(std::optional<Location> loc,
                                         RankedTensorType type, size_t times,
                                         bool enter) {
  SmallVector<int64_t> shape(type.getShape());
  if (shape.size() < times + 1)
    return emitOptionalError(loc, type, " has no room for batch and ", times,
                             " time dimensions");
  auto begin = shape.begin(), end = shape.begin() + times + 1;
  std::rotate(begin, enter ? begin + 1 : end - 1, end);
  return RankedTensorType::get(shape, type.getElementType());
}
} // namespace

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> loc,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType input = tensorOf(adaptor.getInput());
  if (static_cast<int64_t>(adaptor.getPerm().size()) != input.getRank())
    return emitOptionalError(loc, "perm must name each dimension of ", input);
  if (failed(checkDims(loc, adaptor.getPerm(), input)))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t dim : adaptor.getPerm())
    shape.push_back(input.getDimSize(dim));
  types.push_back(RankedTensorType::get(shape, input.getElementType()));
  return success();
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType input = tensorOf(adaptor.getInput());
  if (failed(checkDims(loc, adaptor.getDims(), input)))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t dim = 0; dim < input.getRank(); ++dim)
    if (!llvm::is_contained(adaptor.getDims(), dim))
      shape.push_back(input.getDimSize(dim));
  types.push_back(RankedTensorType::get(shape, input.getElementType()));
  return success();
}

LogicalResult ArgmaxOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType input = tensorOf(adaptor.getInput());
  int64_t dim = adaptor.getDim();
  if (failed(checkDims(loc, dim, input)))
    return failure();
  types.push_back(RankedTensorType::get(dropDim(input, dim).getShape(),
                                        IntegerType::get(context, 32)));
  return success();
}

LogicalResult DotOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  RankedTensorType lhs = tensorOf(adaptor.getLhs());
  RankedTensorType rhs = tensorOf(adaptor.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return emitOptionalError(loc, "operands have different element types");
  ArrayRef<int64_t> lhsBatch = adaptor.getLhsBatch();
  ArrayRef<int64_t> rhsBatch = adaptor.getRhsBatch();
  ArrayRef<int64_t> lhsContract = adaptor.getLhsContract();
  ArrayRef<int64_t> rhsContract = adaptor.getRhsContract();
  if (lhsBatch.size() != rhsBatch.size() ||
      lhsContract.size() != rhsContract.size())
    return emitOptionalError(loc, "both lists of a pair must be equally long");
  SmallVector<int64_t> left(lhsBatch), right(rhsBatch);
  llvm::append_range(left, lhsContract);
  llvm::append_range(right, rhsContract);
  if (failed(checkDims(loc, left, lhs)) || failed(checkDims(loc, right, rhs)))
    return failure();
  for (auto [l, r] : llvm::zip_equal(left, right))
    if (!sameSize(lhs.getDimSize(l), rhs.getDimSize(r)))
      return emitOptionalError(loc, "dimension ", l, " of ", lhs,
                               " does not fit dimension ", r, " of ", rhs);
  SmallVector<int64_t> shape;
  for (auto [l, r] : llvm::zip_equal(lhsBatch, rhsBatch)) {
    int64_t size = lhs.getDimSize(l);
    shape.push_back(ShapedType::isDynamic(size) ? rhs.getDimSize(r) : size);
  }
  for (int64_t dim : freeDims(lhs, lhsBatch, lhsContract))
    shape.push_back(lhs.getDimSize(dim));
  for (int64_t dim : freeDims(rhs, rhsBatch, rhsContract))
    shape.push_back(rhs.getDimSize(dim));
  types.push_back(RankedTensorType::get(shape, lhs.getElementType()));
  return success();
}

SmallVector<int64_t> DotOp::getLhsFree() {
  return freeDims(getLhs().getType(), getLhsBatch(), getLhsContract());
}

SmallVector<int64_t> DotOp::getRhsFree() {
  return freeDims(getRhs().getType(), getRhsBatch(), getRhsContract());
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType table = tensorOf(adaptor.getTable());
  RankedTensorType indices = tensorOf(adaptor.getIndices());
  int64_t batch = adaptor.getBatchDims();
  if (batch < 0 || batch >= table.getRank() || batch > indices.getRank())
    return emitOptionalError(loc, "batch_dims = ", batch, " does not fit ",
                             table, " and ", indices);
  for (int64_t dim = 0; dim < batch; ++dim)
    if (!sameSize(table.getDimSize(dim), indices.getDimSize(dim)))
      return emitOptionalError(loc, "batch dimension ", dim, " of ", table,
                               " does not fit ", indices);
  SmallVector<int64_t> shape(indices.getShape());
  llvm::append_range(shape, table.getShape().drop_front(batch + 1));
  types.push_back(RankedTensorType::get(shape, table.getElementType()));
  return success();
}

LogicalResult PickStepOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  RankedTensorType input = tensorOf(adaptor.getInput());
  int64_t time = adaptor.getTimeDim();
  if (failed(checkDims(loc, time, input)))
    return failure();
  if (adaptor.getLengths() &&
      failed(checkDims(loc, {time, static_cast<int64_t>(adaptor.getBatchDim())},
                       input)))
    return failure();
  types.push_back(dropDim(input, time));
  return success();
}

LogicalResult EnterOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto type = exchangeTime(loc, tensorOf(adaptor.getInput()),
                           adaptor.getLengths().size(), true);
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

LogicalResult LeaveOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto type = exchangeTime(loc, tensorOf(adaptor.getInput()),
                           adaptor.getLengths().size(), false);
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}
