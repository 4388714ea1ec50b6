// Places.cpp: where in the caller's buffers a view begins.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Places.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace rnnc {

int64_t bytesOf(Type element) {
  return element.isIndex()
             ? 8
             : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

unsigned numUnknownSizes(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  unsigned number = type.getNumDynamicDims();
  if (!type.getLayout().isIdentity() &&
      succeeded(type.getStridesAndOffset(strides, offset)))
    number += llvm::count_if(strides, ShapedType::isDynamic);
  return number;
}

Value givenOf(Value operand) {
  // What is made of an address has a descriptor behind it, which is no place.
  while (auto cast = operand.getDefiningOp<UnrealizedConversionCastOp>()) {
    if (!isa<MemRefType>(cast.getOperand(0).getType()))
      break;
    operand = cast.getOperand(0);
  }
  return operand;
}

static std::optional<Place> placeOf(memref::SubViewOp view) {
  std::optional<Place> place = placeOf(view.getSource());
  MemRefType type = view.getSourceType();
  SmallVector<int64_t> strides;
  int64_t start;
  if (!place || failed(type.getStridesAndOffset(strides, start)))
    return std::nullopt;
  int64_t bytes = bytesOf(type.getElementType());
  for (auto [offset, stride] :
       llvm::zip_equal(view.getMixedOffsets(), strides)) {
    if (getConstantIntValue(offset) == 0)
      continue;
    if (ShapedType::isDynamic(stride))
      return std::nullopt;
    place->offset.emplace_back(offset, stride * bytes);
  }
  return place;
}

std::optional<Place> placeOf(Value memref) {
  if (auto argument = dyn_cast<BlockArgument>(memref))
    return Place{argument, {}};
  Operation *op = memref.getDefiningOp();
  if (auto view = dyn_cast<memref::SubViewOp>(op))
    return placeOf(view);
  if (auto view = dyn_cast<memref::ViewOp>(op)) {
    std::optional<Place> place = placeOf(view.getSource());
    if (place)
      place->offset.emplace_back(getAsOpFoldResult(view.getByteShift()), 1);
    return place;
  }
  if (isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(op))
    return placeOf(op->getOperand(0));
  return std::nullopt;
}

} // namespace rnnc
