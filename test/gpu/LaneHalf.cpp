// LaneHalf.cpp: arithmetic of f16 and bf16, alone and in pairs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Floats.h"
#include "Ops.h"

#include <cmath>

using namespace rnnc::ptx;

static double binaryOf(Op op, double a, double b) {
  switch (op) {
  case Op::Add:
    return addOdd(a, b);
  case Op::Sub:
    return addOdd(a, -b);
  case Op::Mul:
    return a * b;
  default:
    break;
  }
  bool isNan = op == Op::MinNan || op == Op::MaxNan ? a != a || b != b
                                                    : a != a && b != b;
  if (isNan)
    return NAN;
  if (a != a || b != b)
    return a != a ? b : a;
  bool less = op == Op::Min || op == Op::MinNan;
  if (a == b)
    return std::signbit(a) == less ? a : b;
  return (a < b) == less ? a : b;
}

/// One number of `type`; signs are changed in the bits, NaN keeps its own.
template <Op O, Type T>
static uint16_t apply(uint16_t a, uint16_t b, uint16_t c) {
  if constexpr (O == Op::Neg)
    return a ^ 0x8000;
  if constexpr (O == Op::Abs)
    return a & 0x7fff;
  double x = toDouble(T, a), y = toDouble(T, b), r;
  if constexpr (O == Op::Fma)
    r = fmaOdd(x, y, toDouble(T, c));
  else if constexpr (O == Op::Saturate)
    r = x > 0 ? std::fmin(x, 1) : 0;
  else if constexpr (O == Op::Relu)
    r = x != x ? x : std::fmax(x, 0);
  else
    r = binaryOf(O, x, y);
  return uint16_t(fromDouble(T, r));
}

template <Op O, Type T, bool Pair> static void half(Warp &w, const Inst &i) {
  using Word = std::conditional_t<Pair, uint32_t, uint16_t>;
  const Word *a = w.in<Word>(i.a), *b = w.in<Word>(i.b), *c = w.in<Word>(i.c);
  bool hasB =
      !(O == Op::Neg || O == Op::Abs || O == Op::Saturate || O == Op::Relu);
  Word r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l) {
    if (!((w.mask >> l) & 1))
      continue;
    Word x = a[l], y = hasB ? b[l] : Word(0), z = O == Op::Fma ? c[l] : Word(0);
    r[l] = apply<O, T>(uint16_t(x), uint16_t(y), uint16_t(z));
    if constexpr (Pair)
      r[l] |= uint32_t(apply<O, T>(uint16_t(x >> 16), uint16_t(y >> 16),
                                   uint16_t(z >> 16)))
              << 16;
  }
  w.write(i.d, r);
  w.define(i.d, w.known(i.a) & w.known(i.b) & w.known(i.c));
}

template <Op O> static Handler of(Type type) {
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

Handler rnnc::ptx::pickHalf(Op op, Type type) {
  switch (op) {
  case Op::Add:
    return of<Op::Add>(type);
  case Op::Sub:
    return of<Op::Sub>(type);
  case Op::Mul:
    return of<Op::Mul>(type);
  case Op::Fma:
    return of<Op::Fma>(type);
  case Op::Min:
    return of<Op::Min>(type);
  case Op::Max:
    return of<Op::Max>(type);
  case Op::MinNan:
    return of<Op::MinNan>(type);
  case Op::MaxNan:
    return of<Op::MaxNan>(type);
  case Op::Neg:
    return of<Op::Neg>(type);
  case Op::Abs:
    return of<Op::Abs>(type);
  case Op::Saturate:
    return of<Op::Saturate>(type);
  case Op::Relu:
    return of<Op::Relu>(type);
  default:
    return nullptr;
  }
}
