// LaneInteger.cpp: arithmetic of integers and bits. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Lanes.h"

#include <bit>
#include <type_traits>

namespace rnnc::ptx::PTX_LANES {

namespace {

template <typename T> using Unsigned = std::make_unsigned_t<T>;
template <typename T> constexpr unsigned bitsOf = sizeof(T) * 8;

/// Arithmetic that wraps, also of what C++ would promote to int.
template <typename T> PTX_INLINE uint64_t wrap(T a) {
  return uint64_t(Unsigned<T>(a));
}

struct AddOp {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    return T(Unsigned<T>(a) + Unsigned<T>(b));
  }
};
struct SubOp {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    return T(Unsigned<T>(a) - Unsigned<T>(b));
  }
};
struct MulLoOp {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    if constexpr (sizeof(T) == 2)
      return T(uint32_t(Unsigned<T>(a)) * uint32_t(Unsigned<T>(b)));
    else
      return T(Unsigned<T>(a) * Unsigned<T>(b));
  }
};
/// The type with twice the bits.
template <typename T> struct Wider;
template <> struct Wider<uint16_t> {
  using type = uint32_t;
};
template <> struct Wider<int16_t> {
  using type = int32_t;
};
template <> struct Wider<uint32_t> {
  using type = uint64_t;
};
template <> struct Wider<int32_t> {
  using type = int64_t;
};
__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 WideSigned;
template <> struct Wider<uint64_t> {
  using type = Wide;
};
template <> struct Wider<int64_t> {
  using type = WideSigned;
};
template <typename T> using WiderT = typename Wider<T>::type;

struct MulHiOp {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    return T((WiderT<T>(a) * WiderT<T>(b)) >> bitsOf<T>);
  }
};
struct MulWideOp {
  template <typename T> PTX_INLINE static WiderT<T> of(T a, T b) {
    return WiderT<T>(a) * WiderT<T>(b);
  }
};
struct MadLoOp {
  template <typename T> PTX_INLINE static T of(T a, T b, T c) {
    return AddOp::of(MulLoOp::of(a, b), c);
  }
};
struct MadHiOp {
  template <typename T> PTX_INLINE static T of(T a, T b, T c) {
    return AddOp::of(MulHiOp::of(a, b), c);
  }
};
struct MadWideOp {
  template <typename T> PTX_INLINE static WiderT<T> of(T a, T b, WiderT<T> c) {
    return AddOp::of(MulWideOp::of(a, b), c);
  }
};
/// What a division by zero gives is not specified: all ones here.
struct DivOp {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    if (b == 0)
      return T(-1);
    if constexpr (std::is_signed_v<T>)
      if (b == T(-1))
        return T(Unsigned<T>(0) - Unsigned<T>(a));
    return T(a / b);
  }
};
struct RemOp {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    if (b == 0)
      return a;
    if constexpr (std::is_signed_v<T>)
      if (b == T(-1))
        return 0;
    return T(a % b);
  }
};
struct MinOp {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    return a < b ? a : b;
  }
};
struct MaxOp {
  template <typename T> PTX_INLINE static T of(T a, T b) {
    return a > b ? a : b;
  }
};
struct AndOp {
  template <typename T> PTX_INLINE static T of(T a, T b) { return T(a & b); }
};
struct OrOp {
  template <typename T> PTX_INLINE static T of(T a, T b) { return T(a | b); }
};
struct XorOp {
  template <typename T> PTX_INLINE static T of(T a, T b) { return T(a ^ b); }
};
struct ShlOp {
  template <typename T> PTX_INLINE static T of(T a, uint32_t b) {
    return b < bitsOf<T> ? T(wrap(a) << b) : T(0);
  }
};
struct ShrOp {
  template <typename T> PTX_INLINE static T of(T a, uint32_t b) {
    uint32_t most = bitsOf<T> - 1;
    if constexpr (std::is_signed_v<T>)
      return T(a >> (b < most ? b : most));
    return b <= most ? T(a >> b) : T(0);
  }
};
struct NotOp {
  template <typename T> PTX_INLINE static T of(T a) { return T(~a); }
};
struct CnotOp {
  template <typename T> PTX_INLINE static T of(T a) { return a == 0; }
};
struct NegOp {
  template <typename T> PTX_INLINE static T of(T a) {
    return T(Unsigned<T>(0) - Unsigned<T>(a));
  }
};
struct AbsOp {
  template <typename T> PTX_INLINE static T of(T a) {
    return a < 0 ? NegOp::of(a) : a;
  }
};
struct ClzOp {
  template <typename T> PTX_INLINE static uint32_t of(T a) {
    return uint32_t(std::countl_zero(Unsigned<T>(a)));
  }
};
struct PopcOp {
  template <typename T> PTX_INLINE static uint32_t of(T a) {
    return uint32_t(std::popcount(Unsigned<T>(a)));
  }
};
struct BrevOp {
  template <typename T> PTX_INLINE static T of(T a) {
    Unsigned<T> left = Unsigned<T>(a), r = 0;
    for (unsigned k = 0; k < bitsOf<T>; ++k, left >>= 1)
      r = Unsigned<T>(Unsigned<T>(r << 1) | (left & 1));
    return T(r);
  }
};
/// The highest bit that is not the sign's; all ones if there is none.
struct BfindOp {
  template <typename T> PTX_INLINE static uint32_t of(T a) {
    if constexpr (std::is_signed_v<T>)
      a = a < 0 ? T(~a) : a;
    return uint32_t(int(bitsOf<T>) - 1 - std::countl_zero(Unsigned<T>(a)));
  }
};
struct BfindShiftOp {
  template <typename T> PTX_INLINE static uint32_t of(T a) {
    uint32_t at = BfindOp::of(a);
    return at == ~0u ? at : uint32_t(bitsOf<T>) - 1 - at;
  }
};
/// `c` bits from bit `b` on; beyond the top of a signed number is its sign.
struct BfeOp {
  template <typename T> PTX_INLINE static T of(T a, uint32_t b, uint32_t c) {
    unsigned pos = b & 0xff, len = c & 0xff, most = bitsOf<T> - 1;
    if (!len)
      return 0;
    bool sign = false;
    if constexpr (std::is_signed_v<T>) {
      unsigned at = pos + len - 1;
      sign = (wrap(a) >> (at < most ? at : most)) & 1;
    }
    uint64_t field = pos <= most ? wrap(a) >> pos : 0;
    unsigned have = pos <= most ? bitsOf<T> - pos : 0;
    unsigned keep = len < have ? len : have;
    uint64_t low = keep >= 64 ? ~uint64_t(0) : (uint64_t(1) << keep) - 1;
    return T((field & low) | (sign ? ~low : 0));
  }
};
/// Bits `kind`… of b get the low bits of a.
template <typename T> void bfi(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.a), *b = w.in<T>(i.b);
  const uint32_t *c = w.in<uint32_t>(i.c), *e = w.in<uint32_t>(i.e);
  T r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l) {
    unsigned pos = c[l] & 0xff, len = e[l] & 0xff;
    T field = len >= bitsOf<T> ? T(~T(0)) : T((T(1) << len) - 1);
    T mask = pos >= bitsOf<T> ? T(0) : T(field << pos);
    T moved = pos >= bitsOf<T> ? T(0) : T(a[l] << pos);
    r[l] = T((b[l] & ~mask) | (moved & mask));
  }
  w.write(i.d, r);
  w.define(i.d, w.known(i.a) & w.known(i.b) & w.known(i.c) & w.known(i.e));
}
void lop3(Warp &w, const Inst &i) {
  const uint32_t *a = w.in<uint32_t>(i.a), *b = w.in<uint32_t>(i.b),
                 *c = w.in<uint32_t>(i.c);
  uint32_t r[kLanes] = {};
  for (unsigned k = 0; k < 8; ++k) {
    if (!((i.imm >> k) & 1))
      continue;
    uint32_t na = k & 4 ? 0 : ~0u, nb = k & 2 ? 0 : ~0u, nc = k & 1 ? 0 : ~0u;
    for (unsigned l = 0; l < kLanes; ++l)
      r[l] |= (a[l] ^ na) & (b[l] ^ nb) & (c[l] ^ nc);
  }
  w.write(i.d, r);
  defineResult(w, i);
}
struct PrmtOp {
  PTX_INLINE static uint32_t of(uint32_t a, uint32_t b, uint32_t c) {
    uint64_t all = a | uint64_t(b) << 32;
    uint32_t r = 0;
    for (unsigned k = 0; k < 4; ++k) {
      unsigned pick = (c >> (4 * k)) & 15;
      uint32_t byte = uint32_t(all >> (8 * (pick & 7))) & 0xff;
      if (pick & 8)
        byte = byte & 0x80 ? 0xff : 0;
      r |= byte << (8 * k);
    }
    return r;
  }
};
/// The upper half of b:a, shifted left; kind: by at most 32, else modulo 32.
template <bool Left> void funnel(Warp &w, const Inst &i) {
  const uint32_t *a = w.in<uint32_t>(i.a), *b = w.in<uint32_t>(i.b),
                 *c = w.in<uint32_t>(i.c);
  uint32_t r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l) {
    uint64_t both = a[l] | uint64_t(b[l]) << 32;
    unsigned n = i.kind ? (c[l] < 32 ? c[l] : 32) : c[l] & 31;
    r[l] = uint32_t(Left ? (both << n) >> 32 : both >> n);
  }
  w.write(i.d, r);
  defineResult(w, i);
}
struct SadOp {
  template <typename T> PTX_INLINE static T of(T a, T b, T c) {
    return AddOp::of(c, a < b ? SubOp::of(b, a) : SubOp::of(a, b));
  }
};
template <typename T, bool Subtract> void withCarry(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.a), *b = w.in<T>(i.b);
  T r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l) {
    bool in = (i.kind & 1) && w.carry[l];
    T y = Subtract ? T(~b[l]) : b[l];
    bool one = Subtract ? (i.kind & 1 ? in : true) : in;
    T sum = T(a[l] + y), total = T(sum + one);
    r[l] = total;
    if ((i.kind & 2) && ((w.mask >> l) & 1))
      w.carry[l] = sum < y || total < sum;
  }
  w.write(i.d, r);
  defineResult(w, i);
}
struct MovOp {
  template <typename T> PTX_INLINE static T of(T a) { return a; }
};
template <typename T> void selp(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.a), *b = w.in<T>(i.b);
  uint32_t p = w.predicate(i.c);
  T r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    r[l] = (p >> l) & 1 ? a[l] : b[l];
  w.write(i.d, r);
  w.define(i.d, w.known(i.c) & ((p & w.known(i.a)) | (~p & w.known(i.b))));
}
template <typename T> void slct(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.a), *b = w.in<T>(i.b);
  const int32_t *c = w.in<int32_t>(i.c);
  const float *f = w.in<float>(i.c);
  T r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    r[l] = (i.kind ? f[l] >= 0 : c[l] >= 0) ? a[l] : b[l];
  w.write(i.d, r);
  defineResult(w, i);
}

template <typename T, typename F> Handler of2() { return binary<T, T, T, F>; }

template <typename T> Handler pickSized(Op op) {
  using U = Unsigned<T>;
  switch (op) {
  case Op::Add:
    return of2<U, AddOp>();
  case Op::Sub:
    return of2<U, SubOp>();
  case Op::MulLo:
    return of2<U, MulLoOp>();
  case Op::MulHi:
    return of2<T, MulHiOp>();
  case Op::MadLo:
    return ternary<U, U, U, U, MadLoOp>;
  case Op::MadHi:
    return ternary<T, T, T, T, MadHiOp>;
  case Op::Div:
    return of2<T, DivOp>();
  case Op::Rem:
    return of2<T, RemOp>();
  case Op::Min:
    return of2<T, MinOp>();
  case Op::Max:
    return of2<T, MaxOp>();
  case Op::And:
    return of2<U, AndOp>();
  case Op::Or:
    return of2<U, OrOp>();
  case Op::Xor:
    return of2<U, XorOp>();
  case Op::Shl:
    return binary<U, U, uint32_t, ShlOp>;
  case Op::Shr:
    return binary<T, T, uint32_t, ShrOp>;
  case Op::Not:
    return unary<U, U, NotOp>;
  case Op::Cnot:
    return unary<U, U, CnotOp>;
  case Op::Neg:
    return unary<U, U, NegOp>;
  case Op::Abs:
    return unary<T, T, AbsOp>;
  case Op::Sad:
    return ternary<T, T, T, T, SadOp>;
  case Op::Mov:
    return unary<U, U, MovOp>;
  case Op::Selp:
    return selp<U>;
  case Op::Slct:
    return slct<U>;
  case Op::MulWide:
    if constexpr (sizeof(T) < 8)
      return binary<WiderT<T>, T, T, MulWideOp>;
    return nullptr;
  case Op::MadWide:
    if constexpr (sizeof(T) < 8)
      return ternary<WiderT<T>, T, T, WiderT<T>, MadWideOp>;
    return nullptr;
  default:
    return nullptr;
  }
}

/// Those of 32 and 64 bits only.
template <typename T> Handler pickWide(Op op) {
  using U = Unsigned<T>;
  switch (op) {
  case Op::Clz:
    return unary<uint32_t, T, ClzOp>;
  case Op::Popc:
    return unary<uint32_t, T, PopcOp>;
  case Op::Brev:
    return unary<U, U, BrevOp>;
  case Op::Bfind:
    return unary<uint32_t, T, BfindOp>;
  case Op::BfindShift:
    return unary<uint32_t, T, BfindShiftOp>;
  case Op::Bfe:
    return ternary<T, T, uint32_t, uint32_t, BfeOp>;
  case Op::Bfi:
    return bfi<U>;
  case Op::AddCarry:
    return withCarry<U, false>;
  case Op::SubCarry:
    return withCarry<U, true>;
  default:
    return pickSized<T>(op);
  }
}

/// Those of 32 bits only.
Handler pickWord(Op op) {
  switch (op) {
  case Op::Lop3:
    return lop3;
  case Op::Prmt:
    return ternary<uint32_t, uint32_t, uint32_t, uint32_t, PrmtOp>;
  case Op::FunnelLeft:
    return funnel<true>;
  case Op::FunnelRight:
    return funnel<false>;
  default:
    return nullptr;
  }
}

} // namespace

Handler pickInteger(Op op, Type type) {
  if (bytesOf(type) == 4)
    if (Handler found = pickWord(op))
      return found;
  switch (type) {
  case Type::S16:
    return pickSized<int16_t>(op);
  case Type::S32:
    return pickWide<int32_t>(op);
  case Type::S64:
    return pickWide<int64_t>(op);
  default:
    break;
  }
  switch (bytesOf(type)) {
  case 1:
    return op == Op::Mov    ? unary<uint8_t, uint8_t, MovOp>
           : op == Op::Selp ? selp<uint8_t>
                            : nullptr;
  case 2:
    return pickSized<uint16_t>(op);
  case 4:
    return pickWide<uint32_t>(op);
  case 8:
    return pickWide<uint64_t>(op);
  default:
    return nullptr;
  }
}

} // namespace rnnc::ptx::PTX_LANES
