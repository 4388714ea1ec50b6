// Elementwise.cpp: elementwise ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering.h"

#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace rnnc::batch {

FailureOr<Batched> Lowering::constant(rnn::ConstantOp op) {
  double number = op.getValue().convertToDouble();
  Batched result;
  switch (op.getType().getKind()) {
  case rnn::ValueKind::Real:
    result = e.constant(number);
    break;
  case rnn::ValueKind::Bit:
    result = e.constantInt(number != 0, e.bit());
    break;
  default:
    result = e.constantInt(int64_t(number), e.integer());
  }
  result.axes = axesOf(op.getType());
  return result;
}

Batched Lowering::sanitized(const Batched &x) {
  return options.differentiated ? e.maskAll(x, 1) : x;
}

/// A step function: its derivative is 0 wherever it has one.
template <typename OpTy> static Batched steps(Emitter &e, const Batched &x) {
  Batched fixed = x;
  fixed.value = scan::StopOp::create(e.b, e.loc, x.value);
  return mapUnary<OpTy>(e, fixed);
}

/// 1, -1, or what is neither: 0 and what is no number.
static Batched signOf(Emitter &e, const Batched &x) {
  Batched fixed = x, zero = e.constant(0);
  fixed.value = scan::StopOp::create(e.b, e.loc, x.value);
  Batched below = e.compare(arith::CmpFPredicate::OLT, fixed, zero);
  Batched above = e.compare(arith::CmpFPredicate::OGT, fixed, zero);
  return e.select(above, e.constant(1), e.select(below, e.constant(-1), fixed));
}

Batched Lowering::apply(rnn::UnaryKind kind, const Batched &x) {
  switch (kind) {
  case rnn::UnaryKind::Neg:
    return mapUnary<arith::NegFOp>(e, x);
  case rnn::UnaryKind::Exp:
    return e.exp(x);
  case rnn::UnaryKind::Log:
    return e.log(sanitized(x));
  case rnn::UnaryKind::Sqrt:
    return mapUnary<math::SqrtOp>(e, sanitized(x));
  case rnn::UnaryKind::Abs:
    return mapUnary<math::AbsFOp>(e, x);
  case rnn::UnaryKind::Sigmoid:
    return mapUnary<scan::SigmoidOp>(e, x);
  case rnn::UnaryKind::Tanh:
    return mapUnary<math::TanhOp>(e, x);
  case rnn::UnaryKind::Relu: {
    // By selection: the derivative at 0 is 0, and what is no number stays so.
    Batched zero = e.constant(0);
    return e.select(e.compare(arith::CmpFPredicate::OLE, x, zero), zero, x);
  }
  case rnn::UnaryKind::Softplus:
    return mapUnary<scan::SoftplusOp>(e, x);
  case rnn::UnaryKind::Sin:
    return mapUnary<math::SinOp>(e, x);
  case rnn::UnaryKind::Cos:
    return mapUnary<math::CosOp>(e, x);
  case rnn::UnaryKind::Erf:
    return mapUnary<math::ErfOp>(e, x);
  case rnn::UnaryKind::Gelu: {
    Batched scaled = e.mul(x, e.constant(M_SQRT1_2));
    Batched phi = e.add(mapUnary<math::ErfOp>(e, scaled), e.constant(1));
    return e.mul(e.mul(x, e.constant(0.5)), phi);
  }
  case rnn::UnaryKind::Floor:
    return steps<math::FloorOp>(e, x);
  case rnn::UnaryKind::Ceil:
    return steps<math::CeilOp>(e, x);
  case rnn::UnaryKind::Round:
    return steps<math::RoundEvenOp>(e, x);
  case rnn::UnaryKind::Sign:
    return signOf(e, x);
  }
  llvm_unreachable("all kinds are handled");
}

FailureOr<Batched> Lowering::unary(rnn::UnaryOp op) {
  auto x = get(op.getValue());
  if (failed(x))
    return x;
  return apply(op.getKind(), *x);
}

/// x^y; small whole exponents become products.
Batched Lowering::power(const Batched &x, const Batched &y, Value exponent) {
  auto literal = exponent.getDefiningOp<rnn::ConstantOp>();
  double n = literal ? literal.getValue().convertToDouble() : NAN;
  if (n == 0.5) {
    // Unlike a root, a power is infinite at -infinity.
    Batched safe = sanitized(x);
    Batched infinity = e.constant(std::numeric_limits<double>::infinity());
    Batched lowest = e.constant(-std::numeric_limits<double>::infinity());
    Batched root = mapUnary<math::SqrtOp>(e, safe);
    return e.select(e.compare(arith::CmpFPredicate::OEQ, safe, lowest),
                    infinity, root);
  }
  if (n >= 1 && n <= 4 && n == std::floor(n)) {
    Batched square = n >= 2 ? e.mul(x, x) : x;
    return n == 3 ? e.mul(square, x) : n == 4 ? e.mul(square, square) : square;
  }
  if (n == -1 || n == -2) {
    Batched safe = sanitized(x);
    return e.div(e.constant(1), n == -2 ? e.mul(safe, safe) : safe);
  }
  return e.elementwise({sanitized(x), y}, [&](ValueRange v) -> Value {
    return math::PowFOp::create(e.b, e.loc, v[0], v[1]);
  });
}

/// The one of two values that `before` puts first. By selection: at a tie the
/// first gets the whole gradient; what is no number stays so.
Batched Lowering::extreme(arith::CmpFPredicate before, const Batched &x,
                          const Batched &y) {
  return e.elementwise({x, y}, [&](ValueRange v) -> Value {
    Value first = arith::CmpFOp::create(e.b, e.loc, before, v[0], v[1]);
    Value none = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNO,
                                       v[0], v[0]);
    Value taken = arith::OrIOp::create(e.b, e.loc, first, none);
    return arith::SelectOp::create(e.b, e.loc, taken, v[0], v[1]);
  });
}

/// x - y floor(x / y): between 0 and y.
Batched Lowering::remainder(const Batched &x, const Batched &y) {
  // As in a division, no slope of what is no number past the end.
  bool varies = y.has(batchDim());
  Batched a = varies ? sanitized(x) : x, b = varies ? sanitized(y) : y;
  return e.sub(a, e.mul(b, steps<math::FloorOp>(e, e.div(a, b))));
}

FailureOr<Batched> Lowering::binary(rnn::BinaryOp op) {
  auto x = get(op.getLhs()), y = get(op.getRhs());
  if (failed(x) || failed(y))
    return failure();
  switch (op.getKind()) {
  case rnn::BinaryKind::Add:
    return e.add(*x, *y);
  case rnn::BinaryKind::Sub:
    return e.sub(*x, *y);
  case rnn::BinaryKind::Mul:
    return e.mul(*x, *y);
  case rnn::BinaryKind::Div:
    // A denominator of zeros past the end would give the numerator a slope of
    // infinity times the zero that comes back.
    return y->has(batchDim()) ? e.div(sanitized(*x), sanitized(*y))
                              : e.div(*x, *y);
  case rnn::BinaryKind::Min:
    return extreme(arith::CmpFPredicate::OLE, *x, *y);
  case rnn::BinaryKind::Max:
    return extreme(arith::CmpFPredicate::OGE, *x, *y);
  case rnn::BinaryKind::Pow:
    return power(*x, *y, op.getRhs());
  case rnn::BinaryKind::Mod:
    return remainder(*x, *y);
  }
  llvm_unreachable("all kinds are handled");
}

FailureOr<Batched> Lowering::compare(rnn::CompareOp op) {
  auto x = get(op.getLhs()), y = get(op.getRhs());
  if (failed(x) || failed(y))
    return failure();
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  std::pair<F, I> predicate;
  switch (op.getKind()) {
  case rnn::CompareKind::Lt:
    predicate = {F::OLT, I::slt};
    break;
  case rnn::CompareKind::Gt:
    predicate = {F::OGT, I::sgt};
    break;
  case rnn::CompareKind::Le:
    predicate = {F::OLE, I::sle};
    break;
  case rnn::CompareKind::Ge:
    predicate = {F::OGE, I::sge};
    break;
  case rnn::CompareKind::Eq:
    predicate = {F::OEQ, I::eq};
    break;
  case rnn::CompareKind::Ne:
    predicate = {F::UNE, I::ne};
    break;
  }
  auto type = cast<RankedTensorType>(x->value.getType());
  if (isa<FloatType>(type.getElementType()))
    return e.compare(predicate.first, *x, *y);
  if (matchPattern(x->value, m_Constant()) ||
      matchPattern(y->value, m_Constant()) ||
      type.getElementType().isInteger(1))
    return e.compare(predicate.second, *x, *y);
  // MLIR folds the comparison of a value with itself to a constant, and a
  // constant of a dynamic shape is nothing that can be stored. Extended in two
  // ways (indices are not negative) they are never one value. Only here: the
  // scan dialect has no such integers.
  return e.elementwise({*x, *y}, [&](ValueRange v) -> Value {
    auto wide = cast<RankedTensorType>(v[0].getType()).clone(e.b.getI64Type());
    Value a = arith::ExtSIOp::create(e.b, e.loc, wide, v[0]);
    Value b = arith::ExtUIOp::create(e.b, e.loc, wide, v[1]);
    return arith::CmpIOp::create(e.b, e.loc, predicate.second, a, b);
  });
}

FailureOr<Batched> Lowering::logic(rnn::LogicOp op) {
  auto x = get(op.getLhs()), y = get(op.getRhs());
  if (failed(x) || failed(y))
    return failure();
  return e.elementwise({*x, *y}, [&](ValueRange v) -> Value {
    if (op.getKind() == rnn::LogicKind::And)
      return arith::AndIOp::create(e.b, e.loc, v[0], v[1]);
    return arith::OrIOp::create(e.b, e.loc, v[0], v[1]);
  });
}

FailureOr<Batched> Lowering::negation(rnn::NotOp op) {
  auto x = get(op.getValue());
  if (failed(x))
    return x;
  return e.select(*x, e.constantInt(0, e.bit()), e.constantInt(1, e.bit()));
}

FailureOr<Batched> Lowering::select(rnn::SelectOp op) {
  auto c = get(op.getCondition()), x = get(op.getLhs()), y = get(op.getRhs());
  if (failed(c) || failed(x) || failed(y))
    return failure();
  return e.select(*c, *x, *y);
}

FailureOr<Batched> Lowering::clamp(rnn::ClampOp op) {
  auto x = get(op.getValue()), low = get(op.getLow()), high = get(op.getHigh());
  if (failed(x) || failed(low) || failed(high))
    return failure();
  Batched below = e.compare(arith::CmpFPredicate::OLT, *x, *low);
  Batched raised = e.select(below, *low, *x);
  Batched above = e.compare(arith::CmpFPredicate::OGT, raised, *high);
  return e.select(above, *high, raised);
}

} // namespace rnnc::batch
