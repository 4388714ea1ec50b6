// Kernel.cpp: the kernel dialect's ops and their verifiers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/Kernel.h"

using namespace mlir;

#include "rnnc/Dialect/Kernel/KernelDialect.cpp.inc"
#include "rnnc/Dialect/Kernel/KernelEnums.cpp.inc"

#define GET_OP_CLASSES
#include "rnnc/Dialect/Kernel/Kernel.cpp.inc"

namespace rnnc::kernel {

void KernelDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "rnnc/Dialect/Kernel/Kernel.cpp.inc"
      >();
}

namespace {

MemRefType typeOf(Value value) { return cast<MemRefType>(value.getType()); }

bool sameSize(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

/// Shapes agree where both are known.
bool sameShape(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return a.size() == b.size() && llvm::all_of(llvm::zip(a, b), [](auto pair) {
           return sameSize(std::get<0>(pair), std::get<1>(pair));
         });
}

LogicalResult checkDim(Operation *op, StringRef name, int64_t dim,
                       int64_t rank) {
  if (dim >= 0 && dim < rank)
    return success();
  return op->emitOpError() << name << " " << dim << " is outside of rank "
                           << rank;
}

LogicalResult checkElements(Operation *op, Value a, Value b) {
  if (typeOf(a).getElementType() == typeOf(b).getElementType())
    return success();
  return op->emitOpError() << "element types differ: "
                           << typeOf(a).getElementType() << " and "
                           << typeOf(b).getElementType();
}

SmallVector<int64_t> without(ArrayRef<int64_t> shape, int64_t dim) {
  SmallVector<int64_t> rest(shape);
  rest.erase(rest.begin() + dim);
  return rest;
}

LogicalResult checkShape(Operation *op, ArrayRef<int64_t> expected, Value out) {
  if (sameShape(expected, typeOf(out).getShape()))
    return success();
  auto diag = op->emitOpError() << "shape of the result should be [";
  llvm::interleaveComma(expected, diag, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      diag << "?";
    else
      diag << size;
  });
  return diag << "]";
}

/// Rows, columns of a matrix operand, exchanged when it is transposed.
std::pair<int64_t, int64_t> matrixSizes(Value value, bool trans) {
  ArrayRef<int64_t> shape = typeOf(value).getShape();
  return trans ? std::pair(shape[1], shape[0]) : std::pair(shape[0], shape[1]);
}

/// The common checks of kernel.enter and kernel.leave. `inner` is the operand
/// in the compiler's layout.
template <typename OpTy>
LogicalResult verifyLayoutChange(OpTy op, Value inner) {
  MemRefType source = typeOf(op.getSource());
  int64_t rank = source.getRank();
  ArrayRef<int64_t> perm = op.getPerm();
  SmallVector<int64_t> sorted(perm);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return op.emitOpError("perm is no permutation of the source's dimensions");
  if (op.getTimeDims().size() != op.getLengths().size())
    return op.emitOpError("needs one lengths operand for each time dimension");
  for (int64_t dim : op.getTimeDims())
    if (failed(checkDim(op, "time dimension", dim, typeOf(inner).getRank())))
      return failure();
  if (!op.getTimeDims().empty() &&
      failed(checkDim(op, "batch_dim", op.getBatchDim(), rank)))
    return failure();
  SmallVector<int64_t> expected;
  for (int64_t dim : perm)
    expected.push_back(source.getDimSize(dim));
  if (failed(checkElements(op, op.getSource(), op.getOut())))
    return failure();
  return checkShape(op, expected, op.getOut());
}

/// The common checks of ops over steps: `full` has the time dimension.
template <typename OpTy> LogicalResult verifySteps(OpTy op, Value full) {
  int64_t rank = typeOf(full).getRank();
  if (failed(checkDim(op, "time_dim", op.getTimeDim(), rank)))
    return failure();
  if (!op.getLengths())
    return success();
  if (op.getBatchDim() == op.getTimeDim())
    return op.emitOpError("batch_dim and time_dim are the same");
  return checkDim(op, "batch_dim", op.getBatchDim(), rank);
}

} // namespace

std::pair<int64_t, int64_t> PackOp::sizes() {
  auto [k, n] = matrixSizes(getSource(), getTrans());
  if (getColumns())
    n = int64_t(*getUnits()) * int64_t(getColumns()->size());
  return {k, n};
}

LogicalResult PackOp::verify() {
  MemRefType source = typeOf(getSource()), packed = typeOf(getPacked());
  if (source.getRank() != 2 || packed.getRank() != 1)
    return emitOpError("packs a matrix into a flat buffer");
  if (failed(checkElements(*this, getSource(), getPacked())))
    return failure();
  auto [k, n] = matrixSizes(getSource(), getTrans());
  if (getColumns().has_value() != getUnits().has_value())
    return emitOpError("columns and units come together");
  if (getColumns()) {
    int64_t units = *getUnits();
    ArrayRef<int64_t> columns = *getColumns();
    for (int64_t first : columns)
      if (units < 1 || first < 0 || first + units > n)
        return emitOpError() << "columns " << first << " to " << first + units
                             << " are outside of the matrix";
    n = units * int64_t(columns.size());
  }
  if (ShapedType::isDynamic(k) || ShapedType::isDynamic(n) ||
      packed.isDynamicDim(0))
    return emitOpError("sizes must be known");
  int64_t size = packedSize(k, n, getStoredBits().value_or(0));
  if (packed.getDimSize(0) < size)
    return emitOpError() << "needs a buffer of " << size << " elements";
  return success();
}

LogicalResult QuantizeOp::verify() {
  MemRefType source = typeOf(getSource()), out = typeOf(getOut());
  if (source.getRank() != 2 || out.getRank() != 2 ||
      !source.getElementType().isF32() || !out.getElementType().isF32() ||
      source.isDynamicDim(1) || !source.isLastDimUnitStride() ||
      !out.isLastDimUnitStride())
    return emitOpError("makes rows of f32 of such, whose elements lie side by "
                       "side");
  int64_t k = source.getDimSize(1);
  if (k > kMostQuantizedSteps)
    return emitOpError() << "has rows of at most " << kMostQuantizedSteps;
  return checkShape(*this, {source.getDimSize(0), quantizedSize(k)}, getOut());
}

/// Elements from one row of A to the next, if its rows lie so.
static std::optional<int64_t> rowStrideOfA(GemmOp op) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (op.getTransA() ||
      failed(typeOf(op.getA()).getStridesAndOffset(strides, offset)) ||
      strides[1] != 1)
    return std::nullopt;
  return strides[0];
}

bool GemmOp::hasRowsOfA() { return rowStrideOfA(*this).has_value(); }

bool GemmOp::readsAInPlace(int64_t farRowBytes) {
  std::optional<int64_t> stride = rowStrideOfA(*this);
  int64_t bytes = typeOf(getA()).getElementTypeBitWidth() / 8;
  return stride && !ShapedType::isDynamic(*stride) &&
         *stride * bytes < farRowBytes;
}

LogicalResult GemmOp::verify() {
  if (typeOf(getA()).getRank() != 2 || typeOf(getC()).getRank() != 2)
    return emitOpError("works on matrices");
  if (failed(checkElements(*this, getA(), getC())) ||
      failed(checkElements(*this, getB(), getC())))
    return failure();
  if (Value valid = getValid()) {
    MemRefType numbers = typeOf(valid);
    if (numbers.getRank() != 1 || !numbers.getElementType().isInteger(64) ||
        !numbers.isLastDimUnitStride())
      return emitOpError(
          "wants the numbers of what counts side by side, as i64");
    if (getTransA() && getPackedB())
      return emitOpError("counts rows of an operand that is not transposed");
  }
  if (getInPlace() &&
      (getPackedB() || !hasRowsOfA() || !typeOf(getB()).isLastDimUnitStride()))
    return emitOpError("reads operands where they lie, rows of A and B not "
                       "packed");
  auto [m, k] = matrixSizes(getA(), getTransA());
  auto [rows, columns] = matrixSizes(getC(), false);
  if (!sameSize(m, rows))
    return emitOpError() << "A has " << m << " rows, C has " << rows;
  MemRefType b = typeOf(getB());
  unsigned stored = getStoredBits().value_or(0);
  if (stored && !getPackedB())
    return emitOpError("stored_bits is said of a packed operand");
  if (!getPackedB()) {
    if (b.getRank() != 2)
      return emitOpError("works on matrices");
    auto [bk, n] = matrixSizes(getB(), getTransB());
    if (!sameSize(k, bk))
      return emitOpError() << "A has " << k << " columns, B has " << bk
                           << " rows";
    if (!sameSize(n, columns))
      return emitOpError() << "B has " << n << " columns, C has " << columns;
    return success();
  }
  if (getTransB())
    return emitOpError("a packed operand is not transposed");
  if (b.getRank() != 1 || ShapedType::isDynamic(k) ||
      ShapedType::isDynamic(columns) ||
      b.getDimSize(0) < packedSize(stepsOf(k, stored), columns, stored))
    return emitOpError("the packed operand does not fit K and N");
  return success();
}

LogicalResult GatherOp::verify() {
  MemRefType table = typeOf(getTable()), indices = typeOf(getIndices());
  int64_t n = getBatchDims();
  if (!indices.getElementType().isInteger(32))
    return emitOpError("indices must be i32");
  if (n < 0 || n >= table.getRank() || n > indices.getRank())
    return emitOpError("batch_dims does not fit the operands");
  if (failed(checkElements(*this, getTable(), getOut())))
    return failure();
  SmallVector<int64_t> expected(indices.getShape());
  llvm::append_range(expected, table.getShape().drop_front(n + 1));
  return checkShape(*this, expected, getOut());
}

LogicalResult ScatterAddOp::verify() {
  MemRefType out = typeOf(getOut()), indices = typeOf(getIndices());
  int64_t n = getBatchDims();
  if (!indices.getElementType().isInteger(32))
    return emitOpError("indices must be i32");
  if (n < 0 || n >= out.getRank() || n > indices.getRank())
    return emitOpError("batch_dims does not fit the operands");
  if (failed(checkElements(*this, getUpdates(), getOut())))
    return failure();
  SmallVector<int64_t> expected(indices.getShape());
  llvm::append_range(expected, out.getShape().drop_front(n + 1));
  if (!sameShape(expected, typeOf(getUpdates()).getShape()))
    return emitOpError("the updates' shape does not fit indices and table");
  return success();
}

LogicalResult RandomOp::verify() {
  MemRefType key = typeOf(getKey());
  int64_t rank = typeOf(getOut()).getRank();
  if (key.getRank() != 1 || key.getDimSize(0) != 2 ||
      !key.getElementType().isInteger(64))
    return emitOpError("the key is a memref<2xi64>");
  if (getTimeDim() && failed(checkDim(*this, "time_dim", *getTimeDim(), rank)))
    return failure();
  if (getBatchDim())
    return checkDim(*this, "batch_dim", *getBatchDim(), rank);
  return success();
}

LogicalResult EnterOp::verify() { return verifyLayoutChange(*this, getOut()); }

LogicalResult LeaveOp::verify() {
  return verifyLayoutChange(*this, getSource());
}

LogicalResult MaskRowsOp::verify() {
  MemRefType out = typeOf(getOut());
  if (!getAt() == !getTimeDim())
    return emitOpError("needs one of `at` and `time_dim`");
  if (getTimeDim() &&
      failed(checkDim(*this, "time_dim", *getTimeDim(), out.getRank())))
    return failure();
  if (failed(checkDim(*this, "batch_dim", getBatchDim(), out.getRank())))
    return failure();
  if (!getPrevious())
    return success();
  if (failed(checkElements(*this, getPrevious(), getOut())))
    return failure();
  if (!sameShape(typeOf(getPrevious()).getShape(), out.getShape()))
    return emitOpError("`previous` and the result differ in shape");
  return success();
}

LogicalResult ReverseOp::verify() {
  if (failed(verifySteps(*this, getSource())) ||
      failed(checkElements(*this, getSource(), getOut())))
    return failure();
  return checkShape(*this, typeOf(getSource()).getShape(), getOut());
}

LogicalResult PickStepOp::verify() {
  if (failed(verifySteps(*this, getSource())) ||
      failed(checkElements(*this, getSource(), getOut())))
    return failure();
  return checkShape(
      *this, without(typeOf(getSource()).getShape(), getTimeDim()), getOut());
}

LogicalResult PlaceStepOp::verify() {
  if (failed(verifySteps(*this, getOut())) ||
      failed(checkElements(*this, getSource(), getOut())))
    return failure();
  if (!sameShape(without(typeOf(getOut()).getShape(), getTimeDim()),
                 typeOf(getSource()).getShape()))
    return emitOpError("source and result do not fit");
  return success();
}

LogicalResult ArgmaxOp::verify() {
  MemRefType source = typeOf(getSource());
  if (!typeOf(getOut()).getElementType().isInteger(32))
    return emitOpError("the result must be i32");
  if (failed(checkDim(*this, "dim", getDim(), source.getRank())))
    return failure();
  return checkShape(*this, without(source.getShape(), getDim()), getOut());
}

} // namespace rnnc::kernel
