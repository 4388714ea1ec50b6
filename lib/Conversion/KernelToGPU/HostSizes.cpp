// HostSizes.cpp: numbers of the host as expressions of dimensions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HostSizes.h"

#include "rnnc/Dialect/Interface/Interface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

std::optional<Expression> HostSizes::of(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return Expression{std::to_string(*constant), *constant < 0};
  return of(cast<Value>(value));
}

/// The functions that give the bytes of a workspace take the dimensions.
std::optional<Expression> HostSizes::argument(BlockArgument value) {
  if (!value.getType().isIndex() || value.getArgNumber() >= dims.size())
    return std::nullopt;
  return Expression{cast<StringAttr>(dims[value.getArgNumber()]).str()};
}

static std::optional<Expression> multiplied(std::optional<Expression> x,
                                            std::optional<Expression> y) {
  if (!x || !y)
    return std::nullopt;
  if (x->text == "1" || y->text == "1")
    return x->text == "1" ? y : x;
  return Expression{x->factor() + " * " + y->factor()};
}

/// The size of a buffer, through its views.
std::optional<Expression> HostSizes::dimension(Value buffer, int64_t number) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type || number < 0 || number >= type.getRank())
    return std::nullopt;
  if (!type.isDynamicDim(number))
    return Expression{std::to_string(type.getDimSize(number))};
  if (auto argument = dyn_cast<BlockArgument>(buffer)) {
    StringAttr name =
        interface::sizeName(function, argument.getArgNumber(), number);
    return name ? std::optional(Expression{name.str()}) : std::nullopt;
  }
  using Result = std::optional<Expression>;
  return llvm::TypeSwitch<Operation *, Result>(buffer.getDefiningOp())
      .Case([&](memref::ViewOp view) {
        return of(view.getSizes()[type.getDynamicDimIndex(number)]);
      })
      .Case([&](memref::SubViewOp view) -> Result {
        // Dimensions that were dropped have one entry.
        llvm::SmallBitVector dropped = view.getDroppedDims();
        int64_t at = -1;
        for (auto [i, size] : llvm::enumerate(view.getMixedSizes()))
          if (!dropped.test(i) && ++at == number)
            return of(size);
        return std::nullopt;
      })
      .Case([&](memref::CollapseShapeOp shape) -> Result {
        Result product = Expression{"1"};
        SmallVector<ReassociationIndices> groups =
            shape.getReassociationIndices();
        for (int64_t i : groups[number])
          product = multiplied(product, dimension(shape.getSrc(), i));
        return product;
      })
      .Case([&](memref::ExpandShapeOp shape) {
        return of(shape.getMixedOutputShape()[number]);
      })
      .Case([&](memref::CastOp cast) {
        return dimension(cast.getSource(), number);
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Expression> HostSizes::joined(Operation *op, StringRef sign,
                                            bool isSum) {
  std::optional<Expression> x = of(op->getOperand(0)),
                            y = of(op->getOperand(1));
  if (!x || !y)
    return std::nullopt;
  if (sign == " + " && x->text == "0")
    return y;
  if (sign == " + " && y->text == "0")
    return x;
  // Only sums may stand in a sum as they are.
  std::string left = sign == " + " ? x->text : x->factor();
  bool divides = sign == " / " || sign == " % ";
  std::string right = sign == " + " ? y->text : y->factor();
  if (divides && !llvm::all_of(y->text, llvm::isAlnum))
    right = "(" + y->text + ")";
  return Expression{left + sign.str() + right, isSum};
}

std::optional<Expression> HostSizes::of(Value value) {
  if (auto constant = getConstantIntValue(value))
    return of(OpFoldResult(value));
  if (auto block = dyn_cast<BlockArgument>(value))
    return argument(block);
  using Result = std::optional<Expression>;
  return llvm::TypeSwitch<Operation *, Result>(value.getDefiningOp())
      .Case([&](memref::DimOp op) {
        return dimension(op.getSource(), op.getConstantIndex().value_or(-1));
      })
      .Case([&](arith::IndexCastOp op) { return of(op.getIn()); })
      .Case([&](arith::AddIOp op) { return joined(op, " + ", true); })
      .Case([&](arith::SubIOp op) { return joined(op, " - ", true); })
      .Case([&](arith::MulIOp op) { return joined(op, " * ", false); })
      .Case([&](arith::AndIOp op) -> Result {
        Result both = joined(op, " & ", true);
        if (both) // binds less than a sum
          both = Expression{"(" + both->text + ")"};
        return both;
      })
      .Case<arith::DivUIOp, arith::DivSIOp>(
          [&](auto op) { return joined(op, " / ", false); })
      .Default([](Operation *) { return std::nullopt; });
}

} // namespace rnnc
