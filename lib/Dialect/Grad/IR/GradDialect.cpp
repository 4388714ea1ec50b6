// GradDialect.cpp: registration of the grad dialect, clipping and update ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/Grad.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

RankedTensorType grad::getScalarType(MLIRContext *context) {
  return RankedTensorType::get({}, Float64Type::get(context));
}

bool grad::isScalarType(Type type) {
  return type == getScalarType(type.getContext());
}

// Parameters, gradients and every slot have one type, printed once.
static void printArenaTypes(OpAsmPrinter &printer, Operation *, OperandRange,
                            Type params, Type, TypeRange, Type, TypeRange) {
  printer << params;
}

static ParseResult
parseArenaTypes(OpAsmParser &parser,
                ArrayRef<OpAsmParser::UnresolvedOperand> slots, Type &params,
                Type &grads, SmallVectorImpl<Type> &slotTypes, Type &newParams,
                SmallVectorImpl<Type> &newSlots) {
  if (parser.parseType(params))
    return failure();
  grads = newParams = params;
  slotTypes.assign(slots.size(), params);
  newSlots.assign(slots.size(), params);
  return success();
}

#include "rnnc/Dialect/Grad/GradDialect.cpp.inc"
#define GET_OP_CLASSES
#include "rnnc/Dialect/Grad/Grad.cpp.inc"

void GradDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "rnnc/Dialect/Grad/Grad.cpp.inc"
      >();
}

//===-- Clipping
//-----------------------------------------------------------===//

static LogicalResult verifyLimit(Operation *op, const APFloat &limit) {
  if (limit.isNaN() || limit.isNegative())
    return op->emitOpError("limit must not be negative");
  return success();
}

// The tensors must lie in the arena.
static LogicalResult verifyPlaces(Operation *op, RankedTensorType arena,
                                  ArrayRef<int64_t> offsets,
                                  ArrayRef<int64_t> sizes) {
  if (offsets.size() != sizes.size())
    return op->emitOpError("needs one size for each offset");
  for (auto [offset, size] : llvm::zip_equal(offsets, sizes))
    if (offset < 0 || size < 0 ||
        (!arena.isDynamicDim(0) && offset + size > arena.getDimSize(0)))
      return op->emitOpError("tensor at ")
             << offset << " of size " << size << " is not inside " << arena;
  return success();
}

LogicalResult ClipValueOp::verify() { return verifyLimit(*this, getLimit()); }

LogicalResult ClipGlobalNormOp::verify() {
  return verifyLimit(*this, getLimit());
}

LogicalResult ClipNormOp::verify() {
  if (failed(verifyLimit(*this, getLimit())))
    return failure();
  return verifyPlaces(*this, getGrads().getType(), getOffsets(), getSizes());
}

LogicalResult ClipAdaptiveOp::verify() {
  if (failed(verifyLimit(*this, getLimit())) ||
      failed(
          verifyPlaces(*this, getGrads().getType(), getOffsets(), getSizes())))
    return failure();
  if (getRows().size() != getSizes().size())
    return emitOpError("needs one row length for each tensor");
  for (auto [size, row] : llvm::zip_equal(getSizes(), getRows()))
    if (row < 1 || size % row != 0)
      return emitOpError("rows of ") << row << " do not divide " << size;
  return success();
}

//===-- Updates
//------------------------------------------------------------===//

template <typename OpTy>
static LogicalResult verifyUpdate(OpTy op, unsigned least, unsigned most) {
  Type type = op.getParams().getType();
  unsigned slots = op.getSlots().size();
  if (slots < least || slots > most)
    return op.emitOpError("has ") << slots << " slots, needs " << least
                                  << (least == most ? "" : " or one more");
  if (op.getNewSlots().size() != slots)
    return op.emitOpError("gives ")
           << op.getNewSlots().size() << " of " << slots << " slots";
  auto same = [&](Value value) { return value.getType() == type; };
  if (!same(op.getGrads()) || !same(op.getNewParams()) ||
      !llvm::all_of(op.getSlots(), same) ||
      !llvm::all_of(op.getNewSlots(), same))
    return op.emitOpError("parameters, gradients and slots differ in type");
  return success();
}

LogicalResult SgdOp::verify() {
  if (getSlots().empty() && !getMomentum().isZero())
    return emitOpError("momentum needs a slot");
  if (getNesterov() && getMomentum().isZero())
    return emitOpError("nesterov needs momentum");
  return verifyUpdate(*this, 0, 1);
}

LogicalResult AdamOp::verify() { return verifyUpdate(*this, 2, 2); }

LogicalResult RmspropOp::verify() {
  if (getSlots().size() < 2 && !getMomentum().isZero())
    return emitOpError("momentum needs a second slot");
  return verifyUpdate(*this, 1, 2);
}

LogicalResult AdagradOp::verify() { return verifyUpdate(*this, 1, 1); }
