// ExpLog.cpp: exp, log and what is made of them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All coefficients are our own: fits of the function named beside them, of the
// least largest error, made with 60 digits.

#include "MathEmitter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace rnnc {

static constexpr double kLog2OfE = 0x1.71547652b82fep+0;
/// ln 2 in two parts, so that n * the first is exact.
static double lnTwo(bool wide) {
  return wide ? 0x1.62e42fee00000p-1 : 0.693359375;
}
static double restOfLnTwo(bool wide) {
  return wide ? 0x1.a39ef35793c76p-33 : -2.12194440054690583e-4;
}

/// x = n ln 2 + r with |r| <= ln 2 / 2, or a rounding more.
MathEmitter::Reduced MathEmitter::reduceExp(Value x) {
  auto [nf, n] = nearest(x, kLog2OfE);
  Value minus = neg(nf);
  Value r = mad(minus, c(lnTwo(wide)), x);
  r = mad(minus, c(restOfLnTwo(wide)), r);
  return {r, n, nf};
}

/// -x = n ln 2 - r. `rough`: with ln 2 as one number, for what is added to 1
/// with a factor 2^n.
MathEmitter::Reduced MathEmitter::reduceExpOfMinus(Value x, bool rough) {
  auto [nf, n] = nearest(x, -kLog2OfE);
  if (rough)
    return {mad(nf, c(llvm::numbers::ln2), x), n, nf};
  Value r = mad(nf, c(lnTwo(wide)), x);
  r = mad(nf, c(restOfLnTwo(wide)), r);
  return {r, n, nf};
}

/// (exp(r) - 1 - r) / r^2, or (exp(-r) - 1 + r) / r^2.
Value MathEmitter::expPoly(Value r, Value square, bool ofMinus) {
  SmallVector<double> k;
  // As many terms as make no difference to the last digit; fast: 1.1e-7.
  if (wide)
    k = {0x1.ad1f66466c31fp-26, 0x1.289fe11fa47d1p-22,
         0x1.71df565834ab4p-19, 0x1.a019aadd2e8a1p-16,
         0x1.a01a011b646e0p-13, 0x1.6c16c17cda5f7p-10,
         0x1.1111111128b45p-7,  0x1.55555555531c5p-5,
         0x1.5555555555500p-3,  0.5};
  else if (fast)
    k = {0x1.1062224252e08p-7, 0x1.572adb6dab2e0p-5, 0x1.5557b0d282b92p-3,
         0x1.fffdfa7430646p-2};
  else
    k = {0x1.6b6dee75fd3b8p-10, 0x1.123009cf2a798p-7, 0x1.55568918c7f88p-5,
         0x1.5554a2a7d4ebbp-3, 0.5};
  for (size_t power = 1; ofMinus && power < k.size(); power += 2)
    k[k.size() - 1 - power] *= -1;
  return polyInPairs(r, square, k);
}

Value MathEmitter::exp(Value x) {
  // Beyond these the result is 0 or infinite, and the scaling says so.
  x = atMost(x, wide ? 710.0 : 89.0);
  x = atLeast(x, fast ? (wide ? -708.0 : -87.0) : (wide ? -746.0 : -104.0));
  Reduced a = reduceExp(x);
  Value square = mul(a.r, a.r);
  Value p = mad(square, expPoly(a.r, square), a.r);
  p = add(p, c(1));
  if (!fast)
    return scale(p, a.n);
  // n may be one above the range of a single factor.
  Value doubled = add(p, p);
  return mul(doubled, pow2(isub(a.n, ic(1))));
}

/// With E = exp(-2|x|): (1 - E) / (1 + E), where neither waits for the other.
/// One formula for small and large, and a denominator between 1 and 2.
Value MathEmitter::tanh(Value x) {
  Value magnitude = abs(x);
  Value t = atMost(add(magnitude, magnitude), wide ? 44.0 : 20.0);
  // exp(-t) is nowhere alone: what is left out is n 2^n of the last digit.
  Reduced a = reduceExpOfMinus(t, /*rough=*/hasFma);
  Value square = mul(a.r, a.r);
  Value p = mad(square, expPoly(a.r, square, /*ofMinus=*/true), neg(a.r));
  Value s = pow2(a.n);
  // Not negative, so that a sign can be put on it.
  Value above = mad(neg(s), p, sub(c(1), s));
  return div(withSign(above, x), mad(s, p, add(s, c(1))));
}

/// 1 / (1 + exp(-x)): one form for either sign. Far below zero, where a result
/// has no full mantissa, it stays at exp(-88) (f64: exp(-709)).
Value MathEmitter::sigmoid(Value x) {
  x = atMost(x, wide ? 708.0 : 87.0);    // 2^n is a normal number
  x = atLeast(x, wide ? -709.0 : -88.0); // and finite
  Reduced a = reduceExpOfMinus(x);
  Value square = mul(a.r, a.r);
  Value p = mad(square, expPoly(a.r, square, /*ofMinus=*/true), neg(a.r));
  Value s = pow2(a.n);
  return div(c(1), mad(p, s, add(s, c(1))));
}

Value MathEmitter::softplus(Value x) {
  Value e = exp(neg(abs(x)));
  // max(x, 0), NaN kept.
  Value positive = select(less(x, c(0)), c(0), x);
  return add(positive, log1p(e));
}

/// x = m 2^e with m in [sqrt(1/2), sqrt(2)); gives (m, e as a float). Only for
/// positive finite x.
std::pair<Value, Value> MathEmitter::splitForLog(Value x) {
  double tiny = wide ? 0x1p-1022 : 0x1p-126;
  double up = wide ? 0x1p54 : 0x1p25;
  Value denormal = less(x, c(tiny));
  Value scaled = select(denormal, mul(x, c(up)), x);
  Value correction = select(denormal, c(wide ? -54.0 : -25.0), c(0));
  // Bits above those of sqrt(1/2), cut to the exponent.
  int64_t origin = wide ? llvm::bit_cast<int64_t>(0x1.6a09e667f3bcdp-1)
                        : int64_t(llvm::bit_cast<int32_t>(0x1.6a09e6p-1f));
  int64_t mantissa = wide ? 52 : 23;
  Value i = bits(scaled);
  Value e = ashr(isub(i, ic(origin)), mantissa);
  Value m = fromBits(isub(i, shl(e, mantissa)));
  return {m, add(toFloat(e), correction)};
}

Value MathEmitter::logPositive(Value x) {
  auto [m, e] = splitForLog(x);
  Value f = sub(m, c(1));
  Value half = mul(mul(f, f), c(0.5));
  if (wide) {
    // log(1 + f) = f - (h - s (h + R)), h = f^2 / 2, s = f / (2 + f).
    Value s = div(f, add(f, c(2)));
    Value z = mul(s, s);
    Value r = mul(z, poly(z, {0x1.0c0aff044a970p-3, 0x1.0fbde0f4ad17bp-3,
                              0x1.3b1c3c1c81c8fp-3, 0x1.745cf8e4bba1bp-3,
                              0x1.c71c7201a55d7p-3, 0x1.2492492476a1ap-2,
                              0x1.9999999999a39p-2, 0x1.5555555555555p-1}));
    Value low = mad(e, c(0x1.a39ef35793c76p-33), mul(s, add(half, r)));
    return mad(e, c(0x1.62e42fee00000p-1), sub(f, sub(half, low)));
  }
  // log(1 + f) = f - f^2 / 2 + f^3 P(f).
  Value p = poly(
      f, {0x1.1d8ea50b3f8a0p-4, -0x1.d635bbe618494p-4, 0x1.dea28241d30a8p-4,
          -0x1.fcf4c673064efp-4, 0x1.23d2196ef7977p-3, -0x1.555b4994ad12bp-3,
          0x1.999d5a430bf46p-3, -0x1.fffffbeac287ap-3, 0x1.555553e3660dap-2});
  Value cube = mul(mul(f, f), mul(f, p));
  Value low = mad(e, c(-2.12194440054690583e-4), sub(cube, half));
  return mad(e, c(0.693359375), add(f, low));
}

Value MathEmitter::log(Value x) {
  double inf = std::numeric_limits<double>::infinity();
  Value result = logPositive(x);
  result = select(equal(x, c(inf)), x, result);
  result = select(equal(x, c(0)), c(-inf), result);
  result = select(less(x, c(0)), c(std::numeric_limits<double>::quiet_NaN()),
                  result);
  return select(isNaN(x), x, result);
}

/// log(u) with u = 1 + x rounded, plus what the rounding took off.
Value MathEmitter::log1p(Value x) {
  double inf = std::numeric_limits<double>::infinity();
  Value one = c(1);
  Value u = add(x, one);
  // The exact error of the sum, whichever operand is larger.
  Value error = twoSum(one, x).lo;
  Value result = add(logPositive(u), div(error, u));
  result = select(equal(u, one), x, result);
  result = select(equal(x, c(inf)), x, result);
  result = select(equal(x, c(-1)), c(-inf), result);
  result = select(less(x, c(-1)), c(std::numeric_limits<double>::quiet_NaN()),
                  result);
  return select(isNaN(x), x, result);
}

} // namespace rnnc
