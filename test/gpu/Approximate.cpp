// Approximate.cpp: ex2.approx and its kind. They are as near as f32 can be, or,
// if asked, as far off as the manual of PTX allows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Floats.h"
#include "Ops.h"

#include <bit>
#include <cmath>

using namespace rnnc::ptx;

static double valueOf(Op op, double a, double b) {
  switch (op) {
  case Op::ApproxDiv:
    return a / b;
  case Op::ApproxRcp:
    return 1 / a;
  case Op::ApproxSqrt:
    return std::sqrt(a);
  case Op::ApproxRsqrt:
    return 1 / std::sqrt(a);
  case Op::Ex2:
    return std::exp2(a);
  case Op::Lg2:
    return std::log2(a);
  case Op::Sin:
    return std::sin(a);
  case Op::Cos:
    return std::cos(a);
  default:
    return std::tanh(a);
  }
}

/// How far off an instruction on f32 may be, as the manual states it.
static double errorOf(Op op, double a, double result) {
  double ulp = std::ldexp(1.0, std::ilogb(result == 0 ? 1e-38 : result) - 23);
  switch (op) {
  case Op::ApproxDiv:
    return 2 * ulp;
  case Op::ApproxRcp:
    return ulp;
  case Op::ApproxSqrt:
    return std::fabs(result) * 0x1p-23;
  case Op::ApproxRsqrt:
    return std::fabs(result) * std::exp2(-22.9);
  case Op::Ex2:
    return 2 * ulp;
  case Op::Lg2:
    return a > 0.5 && a < 2 ? 0x1p-22 : std::fabs(result) * 0x1p-22;
  case Op::Sin:
  case Op::Cos:
    return std::exp2(-20.5);
  default:
    return std::fabs(result) * 0x1p-11;
  }
}

/// The same operand always gets the same error.
static double perturbed(Op op, double a, double b, double exact,
                        uint64_t seed) {
  if (!std::isfinite(exact) || exact == 0)
    return exact;
  uint64_t dice = Random::mix(
      std::bit_cast<uint64_t>(a) ^
      Random::mix(std::bit_cast<uint64_t>(b) + seed + uint64_t(op)));
  double part = double(int64_t(dice)) * 0x1p-63;
  // Half an ulp is left for the rounding to f32.
  double ulp = std::ldexp(1.0, std::ilogb(exact) - 24);
  double room = std::fmax(errorOf(op, a, exact) - ulp, 0);
  return exact + part * room;
}

template <Op O> static void single(Warp &w, const Inst &i) {
  const float *a = w.in<float>(i.a), *b = w.in<float>(i.b);
  const Options &options = w.launch().options;
  float r[kLanes] = {};
  for (unsigned l = 0; l < kLanes; ++l) {
    if (!((w.mask >> l) & 1))
      continue;
    double y = O == Op::ApproxDiv ? double(b[l]) : 1;
    double exact = valueOf(O, double(a[l]), y);
    r[l] = float(options.perturb
                     ? perturbed(O, double(a[l]), y, exact, options.seed)
                     : exact);
  }
  w.write(i.d, r);
  w.define(i.d, w.known(i.a) & w.known(i.b));
}

/// rcp.approx.ftz.f64 and rsqrt.approx.f64 look at and make the upper words.
template <Op O> static void upperWord(Warp &w, const Inst &i) {
  const uint64_t *a = w.in<uint64_t>(i.a);
  uint64_t r[kLanes] = {};
  for (unsigned l = 0; l < kLanes; ++l) {
    double x = std::bit_cast<double>(a[l] >> 32 << 32);
    r[l] = std::bit_cast<uint64_t>(valueOf(O, x, 1)) >> 32 << 32;
  }
  w.write(i.d, r);
  w.define(i.d, w.known(i.a));
}

template <Op O, Type T, bool Pair> static void half(Warp &w, const Inst &i) {
  using Word = std::conditional_t<Pair, uint32_t, uint16_t>;
  const Word *a = w.in<Word>(i.a);
  auto one = [](uint16_t bits) {
    return uint16_t(fromDouble(T, valueOf(O, toDouble(T, bits), 1)));
  };
  Word r[kLanes] = {};
  for (unsigned l = 0; l < kLanes; ++l) {
    r[l] = one(uint16_t(a[l]));
    if constexpr (Pair)
      r[l] |= uint32_t(one(uint16_t(a[l] >> 16))) << 16;
  }
  w.write(i.d, r);
  w.define(i.d, w.known(i.a));
}

template <Op O> static Handler halfOf(Type type) {
  switch (type) {
  case Type::F16:
    return half<O, Type::F16, false>;
  case Type::F16x2:
    return half<O, Type::F16, true>;
  case Type::BF16:
    return half<O, Type::BF16, false>;
  case Type::BF16x2:
    return half<O, Type::BF16, true>;
  default:
    return nullptr;
  }
}

Handler rnnc::ptx::pickApproximate(Op op, Type type) {
  if (type == Type::F64)
    return op == Op::ApproxRcp     ? upperWord<Op::ApproxRcp>
           : op == Op::ApproxRsqrt ? upperWord<Op::ApproxRsqrt>
                                   : Handler(nullptr);
  if (type != Type::F32)
    return op == Op::Ex2    ? halfOf<Op::Ex2>(type)
           : op == Op::Tanh ? halfOf<Op::Tanh>(type)
                            : nullptr;
  switch (op) {
  case Op::ApproxDiv:
    return single<Op::ApproxDiv>;
  case Op::ApproxRcp:
    return single<Op::ApproxRcp>;
  case Op::ApproxSqrt:
    return single<Op::ApproxSqrt>;
  case Op::ApproxRsqrt:
    return single<Op::ApproxRsqrt>;
  case Op::Ex2:
    return single<Op::Ex2>;
  case Op::Lg2:
    return single<Op::Lg2>;
  case Op::Sin:
    return single<Op::Sin>;
  case Op::Cos:
    return single<Op::Cos>;
  case Op::Tanh:
    return single<Op::Tanh>;
  default:
    return nullptr;
  }
}
