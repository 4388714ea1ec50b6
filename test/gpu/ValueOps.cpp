// ValueOps.cpp: predicates, conversions, and moves of parts.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Floats.h"
#include "Lanes.h"

#include <cmath>

using namespace rnnc::ptx;

#ifdef PTX_HAS_AVX2
namespace rnnc::ptx::avx2 {
Handler pickInteger(Op op, Type type);
Handler pickFloat(Op op, Type type);
Handler pickCompare(Compare compare, Type type);
Handler pickConvert(Type to, Type from);
} // namespace rnnc::ptx::avx2

static bool hasAvx2() {
  static const bool has =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}
#define PTX_PICK(CALL) (hasAvx2() ? avx2::CALL : basic::CALL)
#else
#define PTX_PICK(CALL) basic::CALL
#endif

Handler rnnc::ptx::pickInteger(Op op, Type type) {
  return PTX_PICK(pickInteger(op, type));
}

Handler rnnc::ptx::pickFloat(Op op, Type type) {
  return PTX_PICK(pickFloat(op, type));
}

template <Compare C, Type T> static void compareHalf(Warp &w, const Inst &i) {
  const uint16_t *a = w.in<uint16_t>(i.a), *b = w.in<uint16_t>(i.b);
  uint32_t bits = 0;
  for (unsigned l = 0; l < kLanes; ++l) {
    double x = toDouble(T, a[l]), y = toDouble(T, b[l]);
    bool none = x != x || y != y;
    bool ordered = C == Compare::Eq || C == Compare::Equ   ? x == y
                   : C == Compare::Ne || C == Compare::Neu ? x != y
                   : C == Compare::Lt || C == Compare::Ltu ? x < y
                   : C == Compare::Le || C == Compare::Leu ? x <= y
                   : C == Compare::Gt || C == Compare::Gtu ? x > y
                   : C == Compare::Ge || C == Compare::Geu ? x >= y
                                                           : C == Compare::Num;
    bool ifNone = C >= Compare::Equ && C != Compare::Num;
    bits |= uint32_t(none ? ifNone : ordered) << l;
  }
  w.writePredicate(i.d, bits);
  w.define(i.d, w.known(i.a) & w.known(i.b));
}

template <Type T> static Handler pickCompareHalf(Compare compare) {
  switch (compare) {
#define CASE(NAME)                                                             \
  case Compare::NAME:                                                          \
    return compareHalf<Compare::NAME, T>;
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

Handler rnnc::ptx::pickCompare(Compare compare, Type type) {
  if (type == Type::F16)
    return pickCompareHalf<Type::F16>(compare);
  if (type == Type::BF16)
    return pickCompareHalf<Type::BF16>(compare);
  return PTX_PICK(pickCompare(compare, type));
}

static uint64_t laneBits(const Warp &w, const Slot &slot, unsigned bytes,
                         unsigned lane) {
  uint64_t bits = 0;
  std::memcpy(&bits, w.in<uint8_t>(slot) + lane * bytes, bytes);
  return bits;
}

static uint64_t integral(Type type, uint64_t bits, Rounding rounding) {
  double x = toDouble(type, bits);
  switch (rounding) {
  case Rounding::Nearest:
    x = std::nearbyint(x);
    break;
  case Rounding::Zero:
    x = std::trunc(x);
    break;
  case Rounding::Down:
    x = std::floor(x);
    break;
  default:
    x = std::ceil(x);
    break;
  }
  return fromDouble(type, x);
}

/// cvt in general: through the exact number. `type` is the result's, `bytes` is
/// the operand's Type.
static uint64_t convertBits(const Inst &i, uint64_t bits) {
  Type from = Type(i.bytes), to = i.type;
  Rounding rounding = Rounding(i.kind);
  if ((i.imm & kToInteger) && isFloat(to))
    bits = integral(from, bits, rounding);
  Exact value = decompose(from, bits);
  if (!isFloat(to)) {
    bool isLong = from == Type::F64 || bytesOf(to) == 8;
    if (value.isNan && isFloat(from) && isLong)
      return uint64_t(1) << (bytesOf(to) * 8 - 1);
    return toInteger(to, value, rounding);
  }
  if ((i.imm & kSaturate) && (value.isNan || value.negative))
    return 0;
  if ((i.imm & kRelu) && value.negative && !value.isNan)
    return 0;
  uint64_t result = compose(to, value, rounding);
  uint64_t one = compose(to, {false, false, false, 1, 0}, Rounding::Nearest);
  return (i.imm & kSaturate) && result > one ? one : result;
}

void rnnc::ptx::convert(Warp &w, const Inst &i) {
  unsigned from = bytesOf(Type(i.bytes)), to = bytesOf(i.type);
  uint8_t *out = w.out<uint8_t>(i.d);
  uint64_t results[kLanes] = {};
  for (unsigned l = 0; l < kLanes; ++l)
    if ((w.mask >> l) & 1)
      results[l] = convertBits(i, laneBits(w, i.a, from, l));
  for (unsigned l = 0; l < kLanes; ++l)
    if ((w.mask >> l) & 1)
      std::memcpy(out + l * to, &results[l], to);
  w.define(i.d, w.known(i.a));
}

Handler rnnc::ptx::pickCast(Type to, Type from) {
  return PTX_PICK(pickConvert(to, from));
}

void rnnc::ptx::combinePredicates(Warp &w, const Inst &i) {
  uint32_t a = w.predicate(i.a), b = w.predicate(i.b);
  a = i.imm & 1 ? ~a : a;
  b = i.imm & 2 ? ~b : b;
  uint32_t known = w.known(i.a) & w.known(i.b), r;
  switch (Op(i.kind)) {
  case Op::And:
    r = a & b;
    known |= (w.known(i.a) & ~a) | (w.known(i.b) & ~b);
    break;
  case Op::Or:
    r = a | b;
    known |= (w.known(i.a) & a) | (w.known(i.b) & b);
    break;
  case Op::Xor:
    r = a ^ b;
    break;
  default:
    r = a;
    known = w.known(i.a);
    break;
  }
  w.writePredicate(i.d, r);
  w.define(i.d, known);
}

void rnnc::ptx::selectPredicate(Warp &w, const Inst &i) {
  uint32_t c = w.predicate(i.c);
  w.writePredicate(i.d, (c & w.predicate(i.a)) | (~c & w.predicate(i.b)));
  w.define(i.d, w.known(i.c) & ((c & w.known(i.a)) | (~c & w.known(i.b))));
}

void rnnc::ptx::testProperty(Warp &w, const Inst &i) {
  uint32_t bits = 0;
  for (unsigned l = 0; l < kLanes; ++l) {
    Exact value = decompose(i.type, laneBits(w, i.a, bytesOf(i.type), l));
    bool isNumber = !value.isNan && !value.isInfinite;
    bool isSubnormal = value.mantissa >> (i.type == Type::F64 ? 52 : 23) == 0 &&
                       value.mantissa;
    bool is = false;
    switch (Property(i.kind)) {
    case Property::Finite:
      is = isNumber;
      break;
    case Property::Infinite:
      is = value.isInfinite;
      break;
    case Property::Number:
      is = !value.isNan;
      break;
    case Property::NotANumber:
      is = value.isNan;
      break;
    case Property::Normal:
      is = isNumber && !isSubnormal && value.mantissa;
      break;
    case Property::Subnormal:
      is = isNumber && isSubnormal;
      break;
    }
    bits |= uint32_t(is) << l;
  }
  w.writePredicate(i.d, bits);
  w.define(i.d, w.known(i.a));
}

/// `set`: all ones or 1.0 for true.
void rnnc::ptx::predicateToValue(Warp &w, const Inst &i) {
  uint32_t p = w.predicate(i.a), r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    r[l] = (p >> l) & 1 ? uint32_t(i.imm) : 0;
  w.write(i.d, r);
  w.define(i.d, w.known(i.a));
}

/// Parts side by side: the first one lowest.
void rnnc::ptx::pack(Warp &w, const Inst &i) {
  unsigned part = i.bytes, whole = part * unsigned(i.list.size());
  uint8_t r[kLanes * 16];
  uint32_t known = ~0u;
  for (size_t k = 0; k < i.list.size(); ++k) {
    const uint8_t *from = w.in<uint8_t>(i.list[k]);
    known &= w.known(i.list[k]);
    for (unsigned l = 0; l < kLanes; ++l)
      std::memcpy(r + l * whole + k * part, from + l * part, part);
  }
  uint8_t *to = w.out<uint8_t>(i.d);
  for (unsigned l = 0; l < kLanes; ++l)
    if ((w.mask >> l) & 1)
      std::memcpy(to + l * whole, r + l * whole, whole);
  w.define(i.d, known);
}

/// A part that nobody wants has offset ~0.
void rnnc::ptx::unpack(Warp &w, const Inst &i) {
  unsigned part = i.bytes, whole = part * unsigned(i.list.size());
  uint8_t from[kLanes * 16];
  std::memcpy(from, w.in<uint8_t>(i.a), kLanes * whole);
  uint32_t known = w.known(i.a);
  for (size_t k = 0; k < i.list.size(); ++k) {
    if (i.list[k].offset == ~0u)
      continue;
    uint8_t *to = w.out<uint8_t>(i.list[k]);
    for (unsigned l = 0; l < kLanes; ++l)
      if ((w.mask >> l) & 1)
        std::memcpy(to + l * part, from + l * whole + k * part, part);
    w.define(i.list[k], known);
  }
}

/// Counts instructions: time goes on, and is the same in every run.
void rnnc::ptx::readClock(Warp &w, const Inst &i) {
  uint64_t now = w.launch().instructions + w.launch().random.below(64);
  if (i.bytes == 8) {
    uint64_t r[kLanes];
    for (uint64_t &lane : r)
      lane = now;
    w.write(i.d, r);
  } else {
    uint32_t r[kLanes];
    for (uint32_t &lane : r)
      lane = uint32_t(now >> (i.kind ? 32 : 0));
    w.write(i.d, r);
  }
  w.define(i.d, ~0u);
}
