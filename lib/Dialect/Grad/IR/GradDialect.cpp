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

static void printSameTypes(OpAsmPrinter &printer, Operation *, TypeRange given,
                           TypeRange) {
  llvm::interleaveComma(given, printer);
}

static ParseResult parseSameTypes(OpAsmParser &parser,
                                  SmallVectorImpl<Type> &given,
                                  SmallVectorImpl<Type> &results) {
  if (parser.parseTypeList(given))
    return failure();
  results.assign(given.begin(), given.end());
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

LogicalResult ClipValueOp::verify() { return verifyLimit(*this, getLimit()); }

LogicalResult ClipNormOp::verify() {
  if (getGrads().getTypes() != getClipped().getTypes())
    return emitOpError("gives other types than it is given");
  return verifyLimit(*this, getLimit());
}

LogicalResult ClipAdaptiveOp::verify() {
  RankedTensorType type = getGrads().getType();
  if (getRow() < 1 ||
      (!type.isDynamicDim(0) && type.getDimSize(0) % getRow() != 0))
    return emitOpError("rows of ") << getRow() << " do not divide " << type;
  return verifyLimit(*this, getLimit());
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
