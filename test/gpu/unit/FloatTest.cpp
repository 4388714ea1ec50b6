// FloatTest.cpp: instructions on floating numbers against C++.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Floats.h"
#include "Harness.h"

#include <cfenv>

using namespace rnnc::ptx;
using namespace rnnc::ptx::test;

using u16 = uint16_t;
using u32 = uint32_t;
using s32 = int32_t;
using u64 = uint64_t;
using s64 = int64_t;

TEST(Float, ToNearest) {
  expectSame("add.rn.f32 %d, %a, %b;", +[](float a, float b) { return a + b; });
  expectSame("sub.f64 %d, %a, %b;", +[](double a, double b) { return a - b; });
  expectSame("mul.rn.f32 %d, %a, %b;", +[](float a, float b) { return a * b; });
  expectSame("div.rn.f32 %d, %a, %b;", +[](float a, float b) { return a / b; });
  expectSame(
      "fma.rn.f32 %d, %a, %b, %c;",
      +[](float a, float b, float c) { return std::fma(a, b, c); });
  expectSame(
      "fma.rn.f64 %d, %a, %b, %c;",
      +[](double a, double b, double c) { return std::fma(a, b, c); });
  expectSame(
      "mul.rn.f32 %d, %a, %b; add.rn.f32 %d, %d, %c;",
      +[](float a, float b, float c) {
        volatile float product = a * b;
        return product + c;
      });
  expectSame("sqrt.rn.f64 %d, %a;", +[](double a) { return std::sqrt(a); });
  expectSame("rcp.rn.f32 %d, %a;", +[](float a) { return 1 / a; });
  expectSame("neg.f32 %d, %a;", +[](float a) { return -a; });
  expectSame("abs.f64 %d, %a;", +[](double a) { return std::fabs(a); });
  expectSame(
      "copysign.f32 %d, %a, %b;",
      +[](float a, float b) { return std::copysign(b, a); });
  expectSame("add.rn.f32 %d, %a, 0f3F800000;", +[](float a) { return a + 1; });
}

TEST(Float, ChoicesAndComparisons) {
  expectSame(
      "min.f32 %d, %a, %b;", +[](float a, float b) {
        if (a == b)
          return std::signbit(a) ? a : b;
        return std::fmin(a, b);
      });
  expectSame(
      "max.NaN.f64 %d, %a, %b;", +[](double a, double b) {
        if (a != a || b != b)
          return std::nan("");
        return a == b ? (std::signbit(a) ? b : a) : std::fmax(a, b);
      });
  expectSame(
      "setp.lt.f32 %p, %a, %b; selp.b32 %d, 1, 0, %p;",
      +[](float a, float b) { return u32(a < b); });
  expectSame(
      "setp.neu.f32 %p, %a, %b; selp.b32 %d, 1, 0, %p;",
      +[](float a, float b) { return u32(a != b); });
  expectSame(
      "setp.ne.f64 %p, %a, %b; selp.b32 %d, 1, 0, %p;",
      +[](double a, double b) { return u32(a < b || a > b); });
  expectSame(
      "setp.geu.f64 %p, %a, %b; selp.b32 %d, 1, 0, %p;",
      +[](double a, double b) { return u32(!(a < b)); });
  expectSame(
      "setp.nan.f32 %p, %a, %b; selp.b32 %d, 1, 0, %p;",
      +[](float a, float b) { return u32(a != a || b != b); });
  expectSame(
      "testp.finite.f32 %p, %a; selp.b32 %d, 1, 0, %p;",
      +[](float a) { return u32(std::isfinite(a)); });
  expectSame(
      "testp.subnormal.f64 %p, %a; selp.b32 %d, 1, 0, %p;",
      +[](double a) { return u32(std::fpclassify(a) == FP_SUBNORMAL); });
  expectSame(
      "selp.f32 %r0, %a, %b, 1; mov.b32 %d, %r0;",
      +[](float a, float) { return a; });
}

/// In another mode of rounding, which the compiler must not look through.
template <int Mode, typename F> static auto inMode(F f) {
  std::fesetround(Mode);
  auto result = f();
  std::fesetround(FE_TONEAREST);
  return result;
}

TEST(Float, OtherModes) {
  expectSame(
      "add.rz.f32 %d, %a, %b;", +[](float a, float b) {
        volatile float x = a, y = b;
        return inMode<FE_TOWARDZERO>([&]() -> float {
          volatile float sum = x + y;
          return sum;
        });
      });
  expectSame(
      "mul.rm.f64 %d, %a, %b;", +[](double a, double b) {
        volatile double x = a, y = b;
        return inMode<FE_DOWNWARD>([&]() -> double {
          volatile double product = x * y;
          return product;
        });
      });
  expectSame(
      "fma.rp.f32 %d, %a, %b, %c;", +[](float a, float b, float c) {
        volatile float x = a, y = b, z = c;
        return inMode<FE_UPWARD>([&]() -> float {
          volatile float r = std::fma(float(x), float(y), float(z));
          return r;
        });
      });
  expectSame(
      "div.rz.f64 %d, %a, %b;", +[](double a, double b) {
        volatile double x = a, y = b;
        return inMode<FE_TOWARDZERO>([&]() -> double {
          volatile double r = x / y;
          return r;
        });
      });
}

static float flush(float a) {
  return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a;
}

TEST(Float, FlushAndSaturate) {
  expectSame(
      "mul.ftz.f32 %d, %a, %b;",
      +[](float a, float b) { return flush(flush(a) * flush(b)); });
  expectSame(
      "add.sat.f32 %d, %a, %b;", +[](float a, float b) {
        float sum = a + b;
        return sum > 0 ? std::fmin(sum, 1.0f) : 0.0f;
      });
  expectSame(
      "setp.eq.ftz.f32 %p, %a, 0f00000000; selp.b32 %d, 1, 0, %p;",
      +[](float a) { return u32(flush(a) == 0); });
}

TEST(Float, Approximate) {
  expectSame(
      "ex2.approx.f32 %d, %a;", +[](float a) { return std::exp2(a); }, 0x1p-22);
  expectSame(
      "rsqrt.approx.f32 %d, %a;",
      +[](float a) { return float(1 / std::sqrt(double(a))); }, 0x1p-22);
  expectSame(
      "div.full.f32 %d, %a, %b;", +[](float a, float b) { return a / b; },
      0x1p-22);
  expectSame(
      "tanh.approx.f32 %d, %a;", +[](float a) { return std::tanh(a); },
      0x1p-11);
  expectSame(
      "and.b32 %a, %a, 0x3fffffff; cos.approx.f32 %d, %a;",
      +[](float a) {
        u32 bits = std::bit_cast<u32>(a) & 0x3fffffff;
        return std::cos(std::bit_cast<float>(bits));
      },
      0x1p-18);
}

/// Perturbed results differ from exact ones, but not by more than they may.
TEST(Float, Perturbed) {
  Machine machine(".visible .entry k(.param .u64 pa, .param .u64 pd) {\n"
                  ".reg .b32 %t; .reg .b64 %x<4>; .reg .f32 %f<2>;\n"
                  "mov.u32 %t, %tid.x; ld.param.u64 %x0, [pa];\n"
                  "ld.param.u64 %x1, [pd]; mad.wide.u32 %x2, %t, 4, %x0;\n"
                  "mad.wide.u32 %x3, %t, 4, %x1; ld.global.f32 %f0, [%x2];\n"
                  "tanh.approx.f32 %f1, %f0; st.global.f32 [%x3], %f1; ret; }");
  std::vector<float> in;
  for (int k = 0; k < 1024; ++k)
    in.push_back(float(k) * 0.01f - 5);
  uint64_t from = machine.put(in)->base;
  Allocation *to = machine.memory.allocate(4096, 256);
  machine.options.perturb = true;
  machine.options.seed = 5;
  ASSERT_EQ(machine.run({1, 1, 1}, {1024, 1, 1}, {from, to->base}), 0);
  std::vector<float> got = machine.get<float>(to);
  double worst = 0;
  for (size_t k = 0; k < in.size(); ++k)
    if (in[k] != 0)
      worst = std::fmax(
          worst, std::fabs(double(got[k]) / std::tanh(double(in[k])) - 1));
  EXPECT_GT(worst, 0x1p-12);
  EXPECT_LE(worst, 0x1p-11);
}

TEST(Float, Conversions) {
  expectSame("cvt.rn.f32.s32 %d, %a;", +[](s32 a) { return float(a); });
  expectSame("cvt.rn.f32.u64 %d, %a;", +[](u64 a) { return float(a); });
  expectSame("cvt.rn.f64.s64 %d, %a;", +[](s64 a) { return double(a); });
  expectSame("cvt.f64.f32 %d, %a;", +[](float a) { return double(a); });
  expectSame("cvt.rn.f32.f64 %d, %a;", +[](double a) { return float(a); });
  expectSame(
      "cvt.rzi.s32.f32 %d, %a;", +[](float a) {
        return a != a         ? 0
               : a >= 0x1p31f ? std::numeric_limits<s32>::max()
               : a < -0x1p31f ? std::numeric_limits<s32>::min()
                              : s32(a);
      });
  expectSame(
      "cvt.rni.s32.f32 %d, %a;", +[](float a) {
        return a != a         ? 0
               : a >= 0x1p31f ? std::numeric_limits<s32>::max()
               : a < -0x1p31f ? std::numeric_limits<s32>::min()
                              : s32(std::nearbyint(a));
      });
  expectSame(
      "cvt.rmi.u64.f64 %d, %a;", +[](double a) {
        return a != a        ? u64(1) << 63
               : a <= 0      ? u64(0)
               : a >= 0x1p64 ? ~u64(0)
                             : u64(std::floor(a));
      });
  expectSame("cvt.rpi.f32.f32 %d, %a;", +[](float a) { return std::ceil(a); });
  expectSame(
      "cvt.sat.f32.f32 %d, %a;",
      +[](float a) { return a > 0 ? std::fmin(a, 1.0f) : 0.0f; });
  expectSame(
      "cvt.rz.f32.f64 %d, %a;", +[](double a) {
        volatile double x = a;
        return inMode<FE_TOWARDZERO>([&]() -> float {
          volatile float r = float(x);
          return r;
        });
      });
  expectSame(
      "cvt.rp.f32.s64 %d, %a;", +[](s64 a) {
        volatile s64 x = a;
        return inMode<FE_UPWARD>([&]() -> float {
          volatile float r = float(x);
          return r;
        });
      });
}

/// bf16 by hand: the upper half, ties to even.
static u16 toBf16(float a) {
  u32 bits = std::bit_cast<u32>(a);
  if (a != a)
    return 0x7fff;
  return u16((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static float fromBf16(u16 a) { return std::bit_cast<float>(u32(a) << 16); }

TEST(Float, Halves) {
  expectSame("cvt.rn.bf16.f32 %d, %a;", toBf16);
  expectSame("cvt.f32.bf16 %d, %a;", fromBf16);
  expectSame(
      "cvt.rn.bf16x2.f32 %d, %a, %b;",
      +[](float a, float b) { return u32(toBf16(a)) << 16 | toBf16(b); });
  expectSame(
      "cvt.rna.tf32.f32 %d, %a;", +[](float a) {
        u32 bits = std::bit_cast<u32>(a);
        if (a != a)
          return 0x7fffffffu;
        if (std::isinf(a))
          return bits;
        return (bits + 0x1000) & ~0x1fffu;
      });
  // Every f16 is itself after the way to f32 and back.
  expectSame(
      "cvt.f32.f16 %r0, %a; cvt.rn.f16.f32 %d, %r0;", +[](u16 a) {
        bool isNan = (a & 0x7c00) == 0x7c00 && (a & 0x3ff);
        return isNan ? u16(0x7fff) : a;
      });
  // Sums and products of two f16 are exact in f32 but for one rounding.
  expectSame(
      "cvt.f32.f16 %r0, %a; cvt.f32.f16 %r1, %b; add.rn.f32 %r2, %r0, "
      "%r1; cvt.rn.f16.f32 %h0, %r2; add.f16 %h1, %a, %b; xor.b16 %d, "
      "%h0, %h1;",
      +[](u16, u16) { return u16(0); });
  expectSame(
      "mul.bf16 %d, %a, %b;",
      +[](u16 a, u16 b) { return toBf16(fromBf16(a) * fromBf16(b)); });
  expectSame(
      "fma.rn.bf16 %d, %a, %b, %c;", +[](u16 a, u16 b, u16 c) {
        // The product is exact in f64; a sum to f80 is near enough to be exact.
        long double sum = static_cast<long double>(fromBf16(a)) * fromBf16(b) +
                          static_cast<long double>(fromBf16(c));
        u64 bits = std::bit_cast<u64>(double(sum));
        return u16(fromDouble(Type::BF16, std::bit_cast<double>(bits)));
      });
  expectSame(
      "sub.rn.f32.bf16 %d, %a, %b;",
      +[](u16 a, float b) { return fromBf16(a) - b; });
  expectSame("neg.bf16x2 %d, %a;", +[](u32 a) { return a ^ 0x80008000; });
  expectSame(
      "setp.gt.f16 %p, %a, %b; selp.b32 %d, 1, 0, %p;", +[](u16 a, u16 b) {
        return u32(toDouble(Type::F16, a) > toDouble(Type::F16, b));
      });
}
