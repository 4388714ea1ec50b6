// ScanDialect.cpp: registration and small helpers of the scan dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

#include "rnnc/Dialect/Scan/ScanDialect.cpp.inc"
#include "rnnc/Dialect/Scan/ScanEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "rnnc/Dialect/Scan/ScanAttrs.cpp.inc"

void ScanDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "rnnc/Dialect/Scan/ScanAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "rnnc/Dialect/Scan/Scan.cpp.inc"
      >();
}

RankedTensorType scan::getLengthsType(MLIRContext *context) {
  return RankedTensorType::get({ShapedType::kDynamic},
                               IntegerType::get(context, 32));
}

bool scan::isLengthsType(Type type) {
  return type == getLengthsType(type.getContext());
}

RankedTensorType scan::getKeyType(MLIRContext *context) {
  return RankedTensorType::get({2}, IntegerType::get(context, 64));
}

bool scan::isKeyType(Type type) {
  return type == getKeyType(type.getContext());
}

RankedTensorType scan::dropDim(RankedTensorType type, int64_t dim) {
  SmallVector<int64_t> shape(type.getShape());
  shape.erase(shape.begin() + dim);
  return RankedTensorType::get(shape, type.getElementType());
}

RankedTensorType scan::insertDim(RankedTensorType type, int64_t dim,
                                 int64_t size) {
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin() + dim, size);
  return RankedTensorType::get(shape, type.getElementType());
}

Value scan::splat(OpBuilder &builder, Location loc, RankedTensorType type,
                  ValueRange dynamicSizes, double number) {
  TypedAttr scalar;
  Type element = type.getElementType();
  if (isa<FloatType>(element))
    scalar = builder.getFloatAttr(element, number);
  else
    scalar = builder.getIntegerAttr(element, static_cast<int64_t>(number));
  if (type.hasStaticShape())
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(type, scalar));
  auto scalarType = RankedTensorType::get({}, element);
  Value constant = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(scalarType, scalar));
  return BroadcastOp::create(builder, loc, type, constant, dynamicSizes,
                             builder.getDenseI64ArrayAttr({}));
}

Value scan::splatLike(OpBuilder &builder, Location loc, Value like,
                      double number) {
  return splat(builder, loc, cast<RankedTensorType>(like.getType()),
               dynamicSizes(builder, loc, like), number);
}

std::optional<double> scan::getSplat(Value value) {
  while (isa_and_present<BroadcastOp, tensor::ExtractSliceOp,
                         tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
      value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return std::nullopt;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble();
  if (isa<IntegerType>(elements.getElementType()))
    return elements.getSplatValue<APInt>().getSExtValue();
  return std::nullopt;
}

Operation *ScanDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}
