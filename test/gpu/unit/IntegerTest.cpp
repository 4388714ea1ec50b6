// IntegerTest.cpp: instructions on integers and bits against C++.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Harness.h"

using namespace rnnc::ptx;
using namespace rnnc::ptx::test;

using u16 = uint16_t;
using s16 = int16_t;
using u32 = uint32_t;
using s32 = int32_t;
using u64 = uint64_t;
using s64 = int64_t;
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;

TEST(Integer, Sums) {
  expectSame("add.s32 %d, %a, %b;", +[](u32 a, u32 b) { return a + b; });
  expectSame("sub.s64 %d, %a, %b;", +[](u64 a, u64 b) { return a - b; });
  expectSame("add.u16 %d, %a, %b;", +[](u16 a, u16 b) { return u16(a + b); });
  expectSame("neg.s32 %d, %a;", +[](u32 a) { return 0 - a; });
  expectSame(
      "abs.s64 %d, %a;",
      +[](s64 a) { return a < 0 ? u64(0) - u64(a) : u64(a); });
  expectSame(
      "sad.u32 %d, %a, %b, %c;",
      +[](u32 a, u32 b, u32 c) { return c + (a < b ? b - a : a - b); });
  expectSame(
      "add.cc.u32 %r0, %a, %c; addc.u32 %d, %b, %e;",
      +[](u32 a, u32 b, u32 c, u32 e) {
        return u32(((a | u64(b) << 32) + (c | u64(e) << 32)) >> 32);
      });
  expectSame(
      "sub.cc.u32 %r0, %a, %c; subc.u32 %d, %b, %e;",
      +[](u32 a, u32 b, u32 c, u32 e) {
        return u32(((a | u64(b) << 32) - (c | u64(e) << 32)) >> 32);
      });
}

TEST(Integer, Products) {
  expectSame("mul.lo.s32 %d, %a, %b;", +[](u32 a, u32 b) { return a * b; });
  expectSame(
      "mul.lo.u16 %d, %a, %b;", +[](u16 a, u16 b) { return u16(u32(a) * b); });
  expectSame(
      "mul.hi.u32 %d, %a, %b;",
      +[](u32 a, u32 b) { return u32((u64(a) * b) >> 32); });
  expectSame(
      "mul.hi.s32 %d, %a, %b;",
      +[](s32 a, s32 b) { return s32((s64(a) * b) >> 32); });
  expectSame(
      "mul.hi.u64 %d, %a, %b;",
      +[](u64 a, u64 b) { return u64((u128(a) * b) >> 64); });
  expectSame(
      "mul.hi.s64 %d, %a, %b;",
      +[](s64 a, s64 b) { return s64((s128(a) * b) >> 64); });
  expectSame(
      "mul.wide.s32 %d, %a, %b;", +[](s32 a, s32 b) { return s64(a) * b; });
  expectSame(
      "mul.wide.u16 %d, %a, %b;", +[](u16 a, u16 b) { return u32(a) * b; });
  expectSame(
      "mad.lo.s64 %d, %a, %b, %c;",
      +[](u64 a, u64 b, u64 c) { return a * b + c; });
  expectSame(
      "mad.wide.u32 %d, %a, %b, %c;",
      +[](u32 a, u32 b, u64 c) { return u64(a) * b + c; });
  expectSame(
      "mad.hi.u32 %d, %a, %b, %c;",
      +[](u32 a, u32 b, u32 c) { return u32((u64(a) * b) >> 32) + c; });
}

TEST(Integer, Quotients) {
  expectSame(
      "or.b32 %b, %b, 1; div.u32 %d, %a, %b;",
      +[](u32 a, u32 b) { return a / (b | 1); });
  expectSame(
      "or.b32 %b, %b, 1; rem.u32 %d, %a, %b;",
      +[](u32 a, u32 b) { return a % (b | 1); });
  expectSame(
      "or.b64 %b, %b, 1; div.s64 %d, %a, %b;", +[](s64 a, s64 b) {
        b |= 1;
        return b == -1 ? s64(0 - u64(a)) : a / b;
      });
  expectSame(
      "or.b32 %b, %b, 1; rem.s32 %d, %a, %b;", +[](s32 a, s32 b) {
        b |= 1;
        return b == -1 ? 0 : a % b;
      });
}

TEST(Integer, Bits) {
  expectSame("and.b32 %d, %a, %b;", +[](u32 a, u32 b) { return a & b; });
  expectSame("or.b64 %d, %a, %b;", +[](u64 a, u64 b) { return a | b; });
  expectSame("xor.b16 %d, %a, %b;", +[](u16 a, u16 b) { return u16(a ^ b); });
  expectSame("not.b32 %d, %a;", +[](u32 a) { return ~a; });
  expectSame("cnot.b32 %d, %a;", +[](u32 a) { return u32(a == 0); });
  expectSame(
      "shl.b32 %d, %a, %b;", +[](u32 a, u32 b) { return b > 31 ? 0 : a << b; });
  expectSame(
      "shr.u64 %d, %a, %b;",
      +[](u64 a, u32 b) { return b > 63 ? u64(0) : a >> b; });
  expectSame(
      "shr.s32 %d, %a, %b;",
      +[](s32 a, u32 b) { return a >> (b > 31 ? 31 : b); });
  expectSame(
      "shr.s16 %d, %a, %b;",
      +[](s16 a, u32 b) { return s16(a >> (b > 15 ? 15 : b)); });
  expectSame(
      "clz.b32 %d, %a;", +[](u32 a) { return u32(std::countl_zero(a)); });
  expectSame(
      "clz.b64 %d, %a;", +[](u64 a) { return u32(std::countl_zero(a)); });
  expectSame("popc.b64 %d, %a;", +[](u64 a) { return u32(std::popcount(a)); });
  expectSame(
      "brev.b32 %d, %a;", +[](u32 a) {
        u32 r = 0;
        for (int k = 0; k < 32; ++k)
          r |= ((a >> k) & 1) << (31 - k);
        return r;
      });
  expectSame(
      "bfind.u32 %d, %a;",
      +[](u32 a) { return u32(31 - std::countl_zero(a)); });
  expectSame(
      "bfind.shiftamt.s32 %d, %a;", +[](s32 a) {
        u32 x = u32(a < 0 ? ~a : a);
        return x ? u32(std::countl_zero(x)) : ~0u;
      });
}

TEST(Integer, Fields) {
  expectSame(
      "and.b32 %b, %b, 31; and.b32 %c, %c, 31; bfe.u32 %d, %a, %b, %c;",
      +[](u32 a, u32 b, u32 c) {
        return (a >> (b & 31)) & ((1u << (c & 31)) - 1);
      });
  expectSame(
      "bfe.s32 %d, %a, 4, 8;", +[](u32 a) { return s32(a << 20) >> 24; });
  expectSame("bfe.s32 %d, %a, 28, 8;", +[](s32 a) { return a >> 28; });
  expectSame(
      "bfe.u64 %d, %a, 8, 16;", +[](u64 a) { return (a >> 8) & 0xffff; });
  expectSame(
      "and.b32 %c, %c, 31; bfi.b32 %d, %a, %b, %c, 7;",
      +[](u32 a, u32 b, u32 c) {
        u32 mask = 0x7fu << (c & 31);
        return (b & ~mask) | ((a << (c & 31)) & mask);
      });
  expectSame(
      "bfi.b64 %d, %a, %b, 32, 32;",
      +[](u64 a, u64 b) { return (b & 0xffffffff) | a << 32; });
  expectSame(
      "prmt.b32 %d, %a, %b, 0x5410;",
      +[](u32 a, u32 b) { return (a & 0xffff) | b << 16; });
  expectSame(
      "prmt.b32 %d, %a, %b, 0x0123;",
      +[](u32 a, u32) { return __builtin_bswap32(a); });
  expectSame(
      "prmt.b32 %d, %a, 0, 0x9180;", +[](u32 a) {
        auto sign = [&](int k) { return (a >> (8 * k + 7)) & 1 ? 0xffu : 0u; };
        return sign(0) << 8 | (a & 0xff) | ((a >> 8) & 0xff) << 16 |
               sign(1) << 24;
      });
  expectSame(
      "lop3.b32 %d, %a, %b, %c, 0xE8;",
      +[](u32 a, u32 b, u32 c) { return (a & b) | (a & c) | (b & c); });
  expectSame(
      "lop3.b32 %d, %a, %b, %c, 0x1E;",
      +[](u32 a, u32 b, u32 c) { return a ^ (b | c); });
  expectSame(
      "shf.l.wrap.b32 %d, %a, %b, %c;", +[](u32 a, u32 b, u32 c) {
        return u32(((a | u64(b) << 32) << (c & 31)) >> 32);
      });
  expectSame(
      "shf.r.clamp.b32 %d, %a, %b, %c;", +[](u32 a, u32 b, u32 c) {
        return u32((a | u64(b) << 32) >> (c < 32 ? c : 32));
      });
}

TEST(Integer, Choices) {
  expectSame(
      "min.s32 %d, %a, %b;", +[](s32 a, s32 b) { return std::min(a, b); });
  expectSame(
      "max.u64 %d, %a, %b;", +[](u64 a, u64 b) { return std::max(a, b); });
  expectSame(
      "min.u16 %d, %a, %b;", +[](u16 a, u16 b) { return std::min(a, b); });
  expectSame(
      "setp.lt.s32 %p, %a, %b; selp.b32 %d, %a, %b, %p;",
      +[](s32 a, s32 b) { return a < b ? a : b; });
  expectSame(
      "setp.hi.u32 %p, %a, %b; selp.u32 %d, 7, 9, %p;",
      +[](u32 a, u32 b) { return a > b ? 7u : 9u; });
  expectSame(
      "setp.ge.s64 %p|%q, %a, %b; selp.b64 %l0, 1, 0, %p;"
      "selp.b64 %l1, 2, 0, %q; or.b64 %d, %l0, %l1;",
      +[](s64 a, s64 b) { return s64(a >= b ? 1 : 2); });
  expectSame(
      "setp.eq.s32 %q, %c, %b; setp.lt.or.s32 %p, %a, %b, !%q;"
      "selp.b32 %d, 1, 0, %p;",
      +[](s32 a, s32 b, s32 c) { return s32(a < b || c != b); });
  expectSame(
      "setp.eq.s32 %q, %c, %b; setp.gt.u32 %p, %a, %b;"
      "xor.pred %p, %p, %q; not.pred %q, %p; selp.b32 %d, 1, 0, %q;",
      +[](u32 a, u32 b, u32 c) { return u32(!((a > b) != (c == b))); });
  expectSame(
      "set.lt.u32.s32 %d, %a, %b;",
      +[](s32 a, s32 b) { return a < b ? ~0u : 0u; });
  expectSame(
      "slct.s32.s32 %d, %a, %b, %c;",
      +[](s32 a, s32 b, s32 c) { return c >= 0 ? a : b; });
  // A guard, and what it leaves.
  expectSame(
      "setp.gt.s32 %p, %a, 0; mov.b32 %d, 5; @%p mov.b32 %d, %b;"
      "@!%p add.s32 %d, %d, %a;",
      +[](u32 a, u32 b) { return s32(a) > 0 ? b : 5 + a; });
}

TEST(Integer, MovesAndWidths) {
  expectSame(
      "mov.b64 %d, {%a, %b};", +[](u32 a, u32 b) { return a | u64(b) << 32; });
  expectSame(
      "mov.b64 {%r0, %r1}, %a; xor.b32 %d, %r0, %r1;",
      +[](u64 a) { return u32(a) ^ u32(a >> 32); });
  expectSame(
      "mov.b32 {%h0, _}, %a; mov.b32 {_, %h1}, %a; mov.b32 %d, {%h1, "
      "%h0};",
      +[](u32 a) { return a >> 16 | a << 16; });
  expectSame("cvt.s64.s32 %d, %a;", +[](s32 a) { return s64(a); });
  expectSame("cvt.u64.u16 %d, %a;", +[](u16 a) { return u64(a); });
  expectSame("cvt.u32.u64 %d, %a;", +[](u64 a) { return u32(a); });
  expectSame("cvt.s32.s8 %d, %a;", +[](u32 a) { return s32(int8_t(a)); });
  expectSame("cvt.u16.u8 %d, %a;", +[](u16 a) { return u16(uint8_t(a)); });
  expectSame(
      "cvt.sat.u8.s32 %d, %a;",
      +[](s32 a) { return u32(std::clamp(a, 0, 255)); });
  expectSame(
      "cvt.sat.s16.s32 %d, %a;",
      +[](s32 a) { return s16(std::clamp(a, -32768, 32767)); });
}
