// MathEmitter.cpp: arithmetic on floats of one shape, the parts.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MathEmitter.h"

using namespace mlir;

namespace rnnc {

/// A scalar of every element of `type`.
static Value splat(OpBuilder &b, Location loc, Type type, Attribute scalar) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    scalar = DenseElementsAttr::get(shaped, scalar);
  return arith::ConstantOp::create(b, loc, cast<TypedAttr>(scalar));
}

Value MathEmitter::c(double v) {
  return splat(b, loc, type, b.getFloatAttr(getElementTypeOrSelf(type), v));
}

Type MathEmitter::intType() {
  Type element = b.getIntegerType(wide ? 64 : 32);
  if (auto shaped = dyn_cast<ShapedType>(type))
    return shaped.clone(element);
  return element;
}

Value MathEmitter::ic(int64_t v) {
  Type integer = intType();
  return splat(b, loc, integer,
               b.getIntegerAttr(getElementTypeOrSelf(integer), v));
}

Value MathEmitter::mad(Value x, Value y, Value z) {
  if (hasFma)
    return math::FmaOp::create(b, loc, x, y, z);
  return add(mul(x, y), z);
}

Value MathEmitter::poly(Value x, ArrayRef<double> coefficients) {
  Value sum = c(coefficients.front());
  for (double k : coefficients.drop_front())
    sum = mad(sum, x, c(k));
  return sum;
}

Value MathEmitter::polyInPairs(Value x, Value square,
                               ArrayRef<double> coefficients) {
  Value sum;
  // An odd number of them leaves the first alone.
  if (coefficients.size() % 2) {
    sum = c(coefficients.front());
    coefficients = coefficients.drop_front();
  }
  for (; !coefficients.empty(); coefficients = coefficients.drop_front(2)) {
    Value pair = mad(c(coefficients[0]), x, c(coefficients[1]));
    sum = sum ? mad(sum, square, pair) : pair;
  }
  return sum;
}

Value MathEmitter::copysign(Value magnitude, Value sign) {
  int64_t top = wide ? int64_t(1) << 63 : int64_t(1) << 31;
  Value signBit = iand(bits(sign), ic(wide ? top : int32_t(top)));
  Value rest = iand(bits(magnitude), ic(wide ? ~top : 0x7fffffff));
  return fromBits(ior(signBit, rest));
}

Value MathEmitter::withSign(Value x, Value sign) {
  int64_t top = wide ? int64_t(1) << 63 : int64_t(1) << 31;
  Value signBit = iand(bits(sign), ic(wide ? top : int32_t(top)));
  return fromBits(ior(signBit, bits(x)));
}

Value MathEmitter::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}
Value MathEmitter::atMost(Value x, double bound) {
  Value limit = c(bound);
  return select(less(limit, x), limit, x);
}
Value MathEmitter::atLeast(Value x, double bound) {
  Value limit = c(bound);
  return select(less(x, limit), limit, x);
}

/// Adding 1.5 * 2^p leaves the integer in the low bits: no conversion, which
/// would be undefined for NaN and slow for 64 bits.
static double magic(bool wide) { return wide ? 0x1.8p52 : 0x1.8p23; }
static int64_t magicBits(bool wide) {
  return wide ? llvm::bit_cast<int64_t>(0x1.8p52)
              : int64_t(llvm::bit_cast<int32_t>(0x1.8p23f));
}

Value MathEmitter::toFloat(Value i) {
  return sub(fromBits(iadd(i, ic(magicBits(wide)))), c(magic(wide)));
}

std::pair<Value, Value> MathEmitter::nearest(Value x) {
  return fromShifted(add(x, c(magic(wide))));
}

std::pair<Value, Value> MathEmitter::nearest(Value x, double factor) {
  return fromShifted(mad(x, c(factor), c(magic(wide))));
}

std::pair<Value, Value> MathEmitter::fromShifted(Value shifted) {
  return {sub(shifted, c(magic(wide))),
          isub(bits(shifted), ic(magicBits(wide)))};
}

Value MathEmitter::pow2(Value n) {
  int64_t bias = wide ? 1023 : 127, mantissa = wide ? 52 : 23;
  return fromBits(shl(iadd(n, ic(bias)), mantissa));
}

Value MathEmitter::scale(Value x, Value n) {
  Value half = ashr(n, 1);
  return mul(mul(x, pow2(half)), pow2(isub(n, half)));
}

Double2 MathEmitter::twoSum(Value x, Value y) {
  Value s = add(x, y);
  Value yy = sub(s, x);
  Value xx = sub(s, yy);
  return {s, add(sub(x, xx), sub(y, yy))};
}

Double2 MathEmitter::fastTwoSum(Value x, Value y) {
  Value s = add(x, y);
  return {s, sub(y, sub(s, x))};
}

Double2 MathEmitter::twoProd(Value x, Value y) {
  Value p = mul(x, y);
  if (hasFma)
    return {p, math::FmaOp::create(b, loc, x, y, neg(p))};
  auto split = [&](Value v) -> Double2 {
    Value t = mul(v, c(wide ? 0x1.0000002p27 : 4097.0));
    Value hi = sub(t, sub(t, v));
    return {hi, sub(v, hi)};
  };
  Double2 a = split(x), d = split(y);
  Value e = sub(mul(a.hi, d.hi), p);
  e = add(add(e, mul(a.hi, d.lo)), mul(a.lo, d.hi));
  return {p, add(e, mul(a.lo, d.lo))};
}

MathEmitter MathEmitter::widened() {
  Type f64 = b.getF64Type();
  if (auto shaped = dyn_cast<ShapedType>(type))
    return MathEmitter(b, loc, shaped.clone(f64), hasFma, fast);
  return MathEmitter(b, loc, f64, hasFma, fast);
}
Value MathEmitter::extend(Value x) {
  return arith::ExtFOp::create(b, loc, widened().type, x);
}
Value MathEmitter::truncate(Value x) {
  return arith::TruncFOp::create(b, loc, type, x);
}

} // namespace rnnc
