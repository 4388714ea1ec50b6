// Rounded.cpp: arithmetic in the other modes of rounding. This file is compiled
// with -frounding-math. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Floats.h"
#include "Ops.h"

#include <cfenv>
#include <cmath>

using namespace rnnc::ptx;

static int environmentOf(Rounding rounding) {
  switch (rounding) {
  case Rounding::Zero:
    return FE_TOWARDZERO;
  case Rounding::Down:
    return FE_DOWNWARD;
  case Rounding::Up:
    return FE_UPWARD;
  default:
    return FE_TONEAREST;
  }
}

template <typename T> [[gnu::noinline]] static T compute(Op op, T a, T b, T c) {
  switch (op) {
  case Op::Add:
    return a + b;
  case Op::Sub:
    return a - b;
  case Op::Mul:
    return a * b;
  case Op::Div:
    return a / b;
  case Op::Rcp:
    return T(1) / a;
  case Op::Sqrt:
    return std::sqrt(a);
  default:
    return std::fma(a, b, c);
  }
}

template <typename T, Op O> static void rounded(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.a), *b = w.in<T>(i.b), *c = w.in<T>(i.c);
  bool isUnary = O == Op::Rcp || O == Op::Sqrt;
  T r[kLanes] = {};
  std::fesetround(environmentOf(Rounding(i.kind)));
  for (unsigned l = 0; l < kLanes; ++l)
    if ((w.mask >> l) & 1)
      r[l] = compute<T>(O, a[l], isUnary ? T(0) : b[l],
                        O == Op::Fma ? c[l] : T(0));
  std::fesetround(FE_TONEAREST);
  w.write(i.d, r);
  w.define(i.d, w.known(i.a) & w.known(i.b) & w.known(i.c));
}

template <Op O> static Handler of(Type type) {
  return type == Type::F32   ? rounded<float, O>
         : type == Type::F64 ? rounded<double, O>
                             : Handler(nullptr);
}

Handler rnnc::ptx::pickRounded(Op op, Type type) {
  switch (op) {
  case Op::Add:
    return of<Op::Add>(type);
  case Op::Sub:
    return of<Op::Sub>(type);
  case Op::Mul:
    return of<Op::Mul>(type);
  case Op::Div:
    return of<Op::Div>(type);
  case Op::Rcp:
    return of<Op::Rcp>(type);
  case Op::Sqrt:
    return of<Op::Sqrt>(type);
  case Op::Fma:
    return of<Op::Fma>(type);
  default:
    return nullptr;
  }
}
