// ErfTrig.cpp: the error function, sine and cosine.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MathEmitter.h"

using namespace mlir;

namespace rnnc {

/// 1 - erf(x) for x from about 1 on: exp of a polynomial, the logarithm of
/// erfc being smooth.
Value MathEmitter::erfc(Value x) {
  if (!wide) {
    // log(erfc(2.375 + t)) on [0.84, 4].
    Value t = sub(atMost(x, 4.0), c(2.375));
    return exp(poly(t, {0x1.b67b73611e6cbp-20, -0x1.f4b90bf57d257p-17,
                        0x1.77f1484a0f47dp-14, -0x1.fa2c280d4c198p-12,
                        0x1.40bca35f5115bp-9, -0x1.898a6e59821f7p-7,
                        -0x1.e1149aaf5b74cp-1, -0x1.4780c1c231fcdp+2,
                        -0x1.c9c1da0bdad0ap+2}));
  }
  // log(erfc(1.75 + t)) on [1, 2.5], log(erfc(4.25 + t)) on [2.5, 6].
  Value near = sub(atMost(x, 2.5), c(1.75));
  Value p = poly(
      near,
      {0x1.f55034f5579ffp-34, -0x1.795b3252d2fe4p-32, 0x1.026264afc2b81p-32,
       0x1.8963dd3206fdbp-29, -0x1.8c69e7f1eaf53p-26, 0x1.e5c8821d792f7p-24,
       -0x1.af917e9f231f3p-22, 0x1.de471948c8548p-21, 0x1.bc45682a40e97p-21,
       -0x1.8e50cf40ec5aep-16, 0x1.6e005b590a5e8p-13, -0x1.f9772156aead9p-11,
       0x1.2f19753d2bf4ap-8, -0x1.508223ef29b5fp-6, -0x1.d1e3ad70d72ecp-1,
       -0x1.fad487adf079ep+1, -0x1.1457e04194ecdp+2});
  Value far = sub(atLeast(atMost(x, 6.0), 2.5), c(4.25));
  Value q = poly(
      far,
      {-0x1.0be60e20f0773p-40, 0x1.885e5521fa077p-42, 0x1.a1ab0b287abeep-35,
       -0x1.0942c4da54a4dp-31, 0x1.15ea9a6170fe1p-28, -0x1.0eb1fe312e3e2p-25,
       0x1.ee5d02abe4315p-23, -0x1.af5091c3ea351p-20, 0x1.6d0c02e35c023p-17,
       -0x1.2f953a3fdb76cp-14, 0x1.f7def4cfdce68p-12, -0x1.abc915f31000fp-9,
       -0x1.f3c15b8b82aa6p-1, -0x1.17292bb079b24p+3, -0x1.41b96ceea4e37p+4});
  return exp(select(less(x, c(2.5)), p, q));
}

Value MathEmitter::erf(Value x) {
  Value magnitude = abs(x);
  Value z = mul(atMost(magnitude, 1.0), atMost(magnitude, 1.0));
  // erf(x) / x in x^2.
  Value p = wide ? poly(z, {0x1.05ffd737fb32ep-34, -0x1.389d4f2641625p-30,
                            0x1.f7b4bf3b13964p-27, -0x1.5f1ecb6f0764cp-23,
                            0x1.b9df224ca4b97p-20, -0x1.f4d1e3183f7aep-17,
                            0x1.f9a321d5b8e1ep-14, -0x1.c02db3dac435fp-11,
                            0x1.565bcd0dbaa38p-8, -0x1.b82ce31284e00p-6,
                            0x1.ce2f21a042b30p-4, -0x1.812746b0379e6p-2,
                            0x1.20dd750429b6dp+0})
                 : poly(z, {-0x1.6d6d0e65f302cp-17, 0x1.e6ddecd60ffedp-14,
                            -0x1.bec89207ae7dfp-11, 0x1.564ceb45ee2dbp-8,
                            -0x1.b82c35926b50ap-6, 0x1.ce2f1dbb1f04ep-4,
                            -0x1.812746a7aa6f2p-2, 0x1.20dd750426a07p+0});
  Value small = mul(x, p);
  Value large = copysign(sub(c(1), erfc(magnitude)), x);
  Value result = select(less(magnitude, c(wide ? 1.0 : 0.85)), small, large);
  return select(isNaN(x), x, result);
}

/// f32 works in f64; f64 takes off multiples of pi/2 in four pieces, the first
/// three short enough that their products are exact up to 2^20.
Value MathEmitter::sinCos(Value x, bool cosine) {
  if (!wide) {
    MathEmitter w = widened();
    return truncate(w.sinCos(extend(x), cosine));
  }
  double inf = std::numeric_limits<double>::infinity();
  auto [n, i] = nearest(mul(x, c(0x1.45f306dc9c883p-1)));
  Value minus = neg(n);
  Value t = add(x, mul(minus, c(0x1.921fb54400000p+0)));
  t = add(t, mul(minus, c(0x1.0b4611a600000p-34)));
  Double2 r = twoSum(t, mul(minus, c(0x1.3198a2e000000p-69)));
  r = twoSum(r.hi, mad(minus, c(0x1.b839a252049c1p-104), r.lo));
  // The polynomials hold a little beyond pi/4; an argument that was too large
  // to be reduced gives a number of [-1, 1] all the same.
  Value a = atLeast(atMost(r.hi, 0.8), -0.8);
  Value z = mul(a, a);
  Value s = poly(z, {-0x1.ab066192d3e8fp-41, 0x1.612161267019ep-33,
                     -0x1.ae6453ecab5c4p-26, 0x1.71de3a544a6cep-19,
                     -0x1.a01a01a019880p-13, 0x1.1111111111110p-7,
                     -0x1.5555555555555p-3});
  Value sine = add(a, mad(mul(z, a), s, r.lo));
  Value k = poly(z, {0x1.ab68d5c08a457p-45, -0x1.93949f74df9adp-37,
                     0x1.1eed8ddaa5390p-29, -0x1.27e4fb7708fb2p-22,
                     0x1.a01a01a019cb8p-16, -0x1.6c16c16c16c16p-10,
                     0x1.5555555555555p-5});
  // 1 - z/2 with the rounding of the difference given back.
  Value half = mul(z, c(0.5));
  Value w = sub(c(1), half);
  Value back = sub(sub(c(1), w), half);
  Value cosineValue = add(w, add(back, sub(mul(mul(z, z), k), mul(a, r.lo))));
  Value quadrant = cosine ? iadd(i, ic(1)) : i;
  auto bit = [&](int64_t which) -> Value {
    Value masked = iand(quadrant, ic(which));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, masked,
                                 ic(0));
  };
  Value result = select(bit(1), cosineValue, sine);
  result = select(bit(2), neg(result), result);
  Value bad =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UEQ, abs(x), c(inf));
  return select(bad, c(std::numeric_limits<double>::quiet_NaN()), result);
}

Value MathEmitter::sin(Value x) {
  // Minus zero would come out of the sums as zero.
  return select(equal(x, c(0)), x, sinCos(x, /*cosine=*/false));
}
Value MathEmitter::cos(Value x) { return sinCos(x, /*cosine=*/true); }

} // namespace rnnc
