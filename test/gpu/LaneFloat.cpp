// LaneFloat.cpp: arithmetic of f32 and f64, rounded to nearest, and
// comparisons. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lanes.h"

#include <cfloat>
#include <cmath>
#include <limits>

namespace rnnc::ptx::PTX_LANES {

namespace {

struct AddOp {
  template <typename T> PTX_INLINE static T of(T a, T b) { return a + b; }
};
struct SubOp {
  template <typename T> PTX_INLINE static T of(T a, T b) { return a - b; }
};
struct MulOp {
  template <typename T> PTX_INLINE static T of(T a, T b) { return a * b; }
};
struct DivOp {
  template <typename T> PTX_INLINE static T of(T a, T b) { return a / b; }
};
struct RcpOp {
  template <typename T> PTX_INLINE static T of(T a) { return T(1) / a; }
};
struct SqrtOp {
  PTX_INLINE static float of(float a) { return __builtin_sqrtf(a); }
  PTX_INLINE static double of(double a) { return __builtin_sqrt(a); }
};
struct FmaOp {
  PTX_INLINE static float of(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
  }
  PTX_INLINE static double of(double a, double b, double c) {
    return __builtin_fma(a, b, c);
  }
};
struct NegOp {
  template <typename T> PTX_INLINE static T of(T a) { return -a; }
};
struct AbsOp {
  PTX_INLINE static float of(float a) { return __builtin_fabsf(a); }
  PTX_INLINE static double of(double a) { return __builtin_fabs(a); }
};
/// The sign of the first, the size of the second.
struct CopysignOp {
  PTX_INLINE static float of(float a, float b) {
    return __builtin_copysignf(b, a);
  }
  PTX_INLINE static double of(double a, double b) {
    return __builtin_copysign(b, a);
  }
};
/// The other one if one is no number; -0 is less than 0.
template <bool Less, bool Propagate> struct Extremum {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    bool takeA = Less ? (a < b || (a == b && std::signbit(a)))
                      : (a > b || (a == b && !std::signbit(a)));
    T r = takeA ? a : b;
    r = b != b ? a : r;
    r = a != a ? b : r;
    bool none = Propagate ? a != a || b != b : a != a && b != b;
    return none ? std::numeric_limits<T>::quiet_NaN() : r;
  }
};
struct FlushOp {
  PTX_INLINE static float of(float a) {
    return __builtin_fabsf(a) < FLT_MIN ? __builtin_copysignf(0, a) : a;
  }
};
struct SaturateOp {
  template <typename T> PTX_INLINE static T of(T a) {
    T r = a > 0 ? a : 0;
    return r < 1 ? r : T(1);
  }
};
struct ReluOp {
  template <typename T> PTX_INLINE static T of(T a) { return a > 0 ? a : 0; }
};

template <typename T> Handler pick(Op op) {
  switch (op) {
  case Op::Add:
    return binary<T, T, T, AddOp>;
  case Op::Sub:
    return binary<T, T, T, SubOp>;
  case Op::Mul:
    return binary<T, T, T, MulOp>;
  case Op::Div:
    return binary<T, T, T, DivOp>;
  case Op::Fma:
    return ternary<T, T, T, T, FmaOp>;
  case Op::Rcp:
    return unary<T, T, RcpOp>;
  case Op::Sqrt:
    return unary<T, T, SqrtOp>;
  case Op::Neg:
    return unary<T, T, NegOp>;
  case Op::Abs:
    return unary<T, T, AbsOp>;
  case Op::Copysign:
    return binary<T, T, T, CopysignOp>;
  case Op::Min:
    return binary<T, T, T, Extremum<true, false>>;
  case Op::Max:
    return binary<T, T, T, Extremum<false, false>>;
  case Op::MinNan:
    return binary<T, T, T, Extremum<true, true>>;
  case Op::MaxNan:
    return binary<T, T, T, Extremum<false, true>>;
  case Op::Saturate:
    return unary<T, T, SaturateOp>;
  case Op::Relu:
    return unary<T, T, ReluOp>;
  case Op::FlushSubnormal:
    if constexpr (sizeof(T) == 4)
      return unary<T, T, FlushOp>;
    return nullptr;
  default:
    return nullptr;
  }
}

template <Compare C> struct CompareOp {
  template <typename T> PTX_INLINE static bool of(T a, T b) {
    switch (C) {
    case Compare::Eq:
      return a == b;
    case Compare::Ne:
      return a < b || a > b;
    case Compare::Lt:
      return a < b;
    case Compare::Le:
      return a <= b;
    case Compare::Gt:
      return a > b;
    case Compare::Ge:
      return a >= b;
    case Compare::Equ:
      return !(a < b || a > b);
    case Compare::Neu:
      return a != b;
    case Compare::Ltu:
      return !(a >= b);
    case Compare::Leu:
      return !(a > b);
    case Compare::Gtu:
      return !(a <= b);
    case Compare::Geu:
      return !(a < b);
    case Compare::Num:
      return a == a && b == b;
    case Compare::Nan:
      return a != a || b != b;
    }
    return false;
  }
};

template <typename T> Handler pickCompareOf(Compare compare) {
  switch (compare) {
#define CASE(NAME)                                                             \
  case Compare::NAME:                                                          \
    return PTX_LANES::compare<T, CompareOp<Compare::NAME>>;
    CASE(Eq)
    CASE(Ne)
    CASE(Lt)
    CASE(Le)
    CASE(Gt)
    CASE(Ge)
    CASE(Equ)
    CASE(Neu)
    CASE(Ltu)
    CASE(Leu)
    CASE(Gtu)
    CASE(Geu)
    CASE(Num)
    CASE(Nan)
#undef CASE
  }
  return nullptr;
}

template <typename To> struct CastOp {
  template <typename T> PTX_INLINE static To of(T a) { return To(a); }
};

} // namespace

Handler pickFloat(Op op, Type type) {
  return type == Type::F32   ? pick<float>(op)
         : type == Type::F64 ? pick<double>(op)
                             : nullptr;
}

Handler pickCompare(Compare compare, Type type) {
  switch (type) {
  case Type::S16:
    return pickCompareOf<int16_t>(compare);
  case Type::S32:
    return pickCompareOf<int32_t>(compare);
  case Type::S64:
    return pickCompareOf<int64_t>(compare);
  case Type::F32:
    return pickCompareOf<float>(compare);
  case Type::F64:
    return pickCompareOf<double>(compare);
  case Type::B16:
  case Type::U16:
    return pickCompareOf<uint16_t>(compare);
  case Type::B32:
  case Type::U32:
    return pickCompareOf<uint32_t>(compare);
  case Type::B64:
  case Type::U64:
    return pickCompareOf<uint64_t>(compare);
  default:
    return nullptr;
  }
}

template <typename From> static Handler pickConvertFrom(Type to) {
  switch (to) {
  case Type::F32:
    return unary<float, From, CastOp<float>>;
  case Type::F64:
    return unary<double, From, CastOp<double>>;
  default:
    break;
  }
  if constexpr (std::is_integral_v<From>)
    switch (bytesOf(to)) {
    case 1:
      return unary<uint8_t, From, CastOp<uint8_t>>;
    case 2:
      return unary<uint16_t, From, CastOp<uint16_t>>;
    case 4:
      return unary<uint32_t, From, CastOp<uint32_t>>;
    case 8:
      return unary<uint64_t, From, CastOp<uint64_t>>;
    default:
      break;
    }
  return nullptr;
}

/// Those that are casts of C++ in the mode to nearest.
Handler pickConvert(Type to, Type from) {
  if (isFloat(to) && to != Type::F32 && to != Type::F64)
    return nullptr;
  switch (from) {
  case Type::B8:
  case Type::U8:
    return pickConvertFrom<uint8_t>(to);
  case Type::S8:
    return pickConvertFrom<int8_t>(to);
  case Type::B16:
  case Type::U16:
    return pickConvertFrom<uint16_t>(to);
  case Type::S16:
    return pickConvertFrom<int16_t>(to);
  case Type::B32:
  case Type::U32:
    return pickConvertFrom<uint32_t>(to);
  case Type::S32:
    return pickConvertFrom<int32_t>(to);
  case Type::B64:
  case Type::U64:
    return pickConvertFrom<uint64_t>(to);
  case Type::S64:
    return pickConvertFrom<int64_t>(to);
  case Type::F32:
    return pickConvertFrom<float>(to);
  case Type::F64:
    return pickConvertFrom<double>(to);
  default:
    return nullptr;
  }
}

} // namespace rnnc::ptx::PTX_LANES
