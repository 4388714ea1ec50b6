// GenericCombine.cpp: the ops that reductions add up with.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GenericLowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

/// The op that adds to output `o`, if it is one we can combine out of order.
static Operation *combinerOf(linalg::GenericOp op, unsigned o) {
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  Operation *def = yield.getOperand(o).getDefiningOp();
  BlockArgument acc = op.getBody()->getArgument(op.getNumDpsInputs() + o);
  if (!def || def->getNumOperands() != 2 || !acc.hasOneUse() ||
      !llvm::is_contained(def->getOperands(), acc))
    return nullptr;
  if (isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp,
          arith::MaxNumFOp, arith::MinNumFOp, arith::AddIOp, arith::MulIOp,
          arith::AndIOp, arith::OrIOp, arith::MaxSIOp, arith::MinSIOp>(def))
    return def;
  return nullptr;
}

bool GenericLowering::combinersKnown() {
  return llvm::all_of(accumulated,
                      [&](unsigned o) { return combinerOf(op, o) != nullptr; });
}

bool GenericLowering::isSum(unsigned output) {
  return isa_and_nonnull<arith::AddFOp>(combinerOf(op, output));
}

static arith::AtomicRMWKind kindOf(Operation *combiner) {
  using Kind = arith::AtomicRMWKind;
  return llvm::TypeSwitch<Operation *, Kind>(combiner)
      .Case<arith::AddFOp>([](auto) { return Kind::addf; })
      .Case<arith::MulFOp>([](auto) { return Kind::mulf; })
      .Case<arith::MaximumFOp>([](auto) { return Kind::maximumf; })
      .Case<arith::MinimumFOp>([](auto) { return Kind::minimumf; })
      .Case<arith::MaxNumFOp>([](auto) { return Kind::maxnumf; })
      .Case<arith::MinNumFOp>([](auto) { return Kind::minnumf; })
      .Case<arith::AddIOp>([](auto) { return Kind::addi; })
      .Case<arith::MulIOp>([](auto) { return Kind::muli; })
      .Case<arith::AndIOp>([](auto) { return Kind::andi; })
      .Case<arith::OrIOp>([](auto) { return Kind::ori; })
      .Case<arith::MaxSIOp>([](auto) { return Kind::maxs; })
      .Default([](auto) { return Kind::mins; });
}

/// The value that changes nothing: of a maximum minus infinity, not the least
/// number as upstream has it, and 0 for a sum, not -0.
static TypedAttr neutralOf(OpBuilder &b, Location loc, Operation *combiner,
                           Type element) {
  using Kind = arith::AtomicRMWKind;
  Kind kind = kindOf(combiner);
  auto infinity = [&](bool negative) {
    const auto &semantics = cast<FloatType>(element).getFloatSemantics();
    return b.getFloatAttr(element, APFloat::getInf(semantics, negative));
  };
  switch (kind) {
  case Kind::addf:
    return b.getFloatAttr(element, 0.0);
  case Kind::maximumf:
  case Kind::maxnumf:
    return infinity(/*negative=*/true);
  case Kind::minimumf:
  case Kind::minnumf:
    return infinity(/*negative=*/false);
  default:
    return arith::getIdentityValueAttr(kind, element, b, loc);
  }
}

Value GenericLowering::neutral(unsigned output, Type type) {
  TypedAttr value =
      neutralOf(b, loc, combinerOf(op, output), getElementTypeOrSelf(type));
  Value scalar = arith::ConstantOp::create(b, loc, value);
  if (isa<VectorType>(type))
    return vector::BroadcastOp::create(b, loc, type, scalar);
  return scalar;
}

Value GenericLowering::combine(unsigned output, Value x, Value y) {
  OperationState state(loc, combinerOf(op, output)->getName());
  state.addOperands({x, y});
  state.addTypes(x.getType());
  return b.create(state)->getResult(0);
}

/// Folds the lanes of a vector: halves onto halves.
Value GenericLowering::combineLanes(Value vec, unsigned output) {
  for (unsigned width = lanes; width > 1; width /= 2) {
    SmallVector<int64_t> low, high;
    for (unsigned i = 0; i != width / 2; ++i) {
      low.push_back(i);
      high.push_back(i + width / 2);
    }
    Value l = vector::ShuffleOp::create(b, loc, vec, vec, low);
    Value h = vector::ShuffleOp::create(b, loc, vec, vec, high);
    vec = combine(output, l, h);
  }
  return vector::ExtractOp::create(b, loc, vec, 0);
}

} // namespace rnnc
