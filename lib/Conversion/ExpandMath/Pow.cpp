// Pow.cpp: powers, by a logarithm in two pieces.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MathEmitter.h"

using namespace mlir;

namespace rnnc {

/// log2 of a positive finite f64 with about 65 good bits. With s = f / (2 + f)
/// it is s (c0 + c1 z + z^2 Q(z)), z = s^2; all but the last term in two
/// pieces.
Double2 MathEmitter::log2Positive(Value x) {
  auto [m, e] = splitForLog(x);
  Value f = sub(m, c(1));
  Double2 d = twoSum(m, c(1));
  Value high = div(f, d.hi);
  Double2 back = twoProd(high, d.hi);
  Value rest = sub(sub(sub(f, back.hi), back.lo), mul(high, d.lo));
  Value low = div(rest, d.hi);
  // z = (high + low)^2.
  Double2 z = twoProd(high, high);
  z.lo = add(z.lo, mul(mul(c(2), high), low));
  Value q = poly(z.hi, {0x1.7d954b4cb89fdp-3, 0x1.888cad6a7d451p-3,
                        0x1.c6969d799b242p-3, 0x1.0c9a7af1eec9dp-2,
                        0x1.484b13e3ebdf3p-2, 0x1.a61762a7a82e9p-2,
                        0x1.2776c50ef9c02p-1});
  Double2 p = fastTwoSum(c(0x1.ec709dc3a03fdp-1),
                         mad(z.hi, q, c(0x1.d27f05548af0cp-55)));
  Double2 u = twoProd(z.hi, p.hi);
  u.lo = add(u.lo, add(mul(z.hi, p.lo), mul(z.lo, p.hi)));
  Double2 v = fastTwoSum(c(0x1.71547652b82fep+1), u.hi);
  v.lo = add(v.lo, add(u.lo, c(0x1.777d0ffda0d24p-55)));
  Double2 l = twoProd(high, v.hi);
  l.lo = add(l.lo, add(mul(high, v.lo), mul(low, v.hi)));
  Double2 sum = twoSum(e, l.hi);
  return fastTwoSum(sum.hi, add(sum.lo, l.lo));
}

/// x^y for positive finite x and finite y, in f64.
Value MathEmitter::powPositive(Value x, Value y) {
  Double2 l = log2Positive(x);
  // Exponents beyond this give 0 or infinity whatever the rest is; a larger y
  // would break the exact product.
  y = atLeast(atMost(y, 0x1p65), -0x1p65);
  Double2 p = twoProd(y, l.hi);
  p.lo = mad(y, l.lo, p.lo);
  Value inside = less(abs(p.hi), c(1100));
  Value high = atLeast(atMost(p.hi, 1100), -1100);
  Value low = select(inside, p.lo, c(0));
  auto [nf, n] = nearest(high);
  Value r = add(sub(high, nf), low);
  // (2^r - 1) / r.
  Value q = poly(
      r, {0x1.c4a2aaa2b01d9p-36, 0x1.e9ec3d7558475p-32, 0x1.e4cf10d1896bep-28,
          0x1.b524ebc089f66p-24, 0x1.62c02242bb0bdp-20, 0x1.ffcbfc6dad6adp-17,
          0x1.430912f86b7d4p-13, 0x1.5d87fe78a3f8cp-10, 0x1.3b2ab6fba4e79p-7,
          0x1.c6b08d704a0c6p-5, 0x1.ebfbdff82c58fp-3, 0x1.62e42fefa39efp-1});
  return scale(mad(r, q, c(1)), n);
}

Value MathEmitter::pow(Value x, Value y) {
  if (!wide) {
    MathEmitter w = widened();
    return truncate(w.pow(extend(x), extend(y)));
  }
  double inf = std::numeric_limits<double>::infinity();
  double nan = std::numeric_limits<double>::quiet_NaN();
  auto both = [&](Value p, Value q) -> Value {
    return arith::AndIOp::create(b, loc, p, q);
  };
  auto either = [&](Value p, Value q) -> Value {
    return arith::OrIOp::create(b, loc, p, q);
  };
  auto negate = [&](Value p) -> Value {
    Value yes =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, c(0), c(0));
    return arith::XOrIOp::create(b, loc, p, yes);
  };
  Value magnitude = abs(x), size = abs(y);
  Value one = c(1), zero = c(0);
  // Whether y is an integer, and an odd one. From 2^52 on all are integers,
  // from 2^53 on all are even.
  auto isInteger = [&](Value v) -> Value {
    Value a = abs(v);
    Value rounded = sub(add(a, c(0x1p52)), c(0x1p52));
    return either(equal(rounded, a), negate(less(a, c(0x1p52))));
  };
  Value integer = isInteger(y);
  Value halved = mul(y, c(0.5));
  Value odd =
      both(both(integer, negate(isInteger(halved))), less(size, c(0x1p53)));
  Value negative = less(x, zero);
  Value result = powPositive(magnitude, y);
  // Bases and exponents without a logarithm or a product.
  Value down = less(y, zero);
  Value grows = select(down, zero, c(inf)),
        shrinks = select(down, c(inf), zero);
  result = select(equal(magnitude, zero), shrinks, result);
  result = select(equal(magnitude, c(inf)), grows, result);
  Value infiniteY = equal(size, c(inf));
  Value atInfinity = select(less(magnitude, one), shrinks, grows);
  result = select(infiniteY, atInfinity, result);
  result = select(both(infiniteY, equal(magnitude, one)), one, result);
  // Signs: minus zero counts as negative for odd exponents.
  result = select(odd, copysign(result, x), result);
  Value finiteX = less(magnitude, c(inf));
  Value undefined = both(both(negative, finiteX), negate(integer));
  result = select(undefined, c(nan), result);
  result = select(either(isNaN(x), isNaN(y)), c(nan), result);
  return select(either(equal(y, zero), equal(x, one)), one, result);
}

} // namespace rnnc
