// WarpTest.cpp: branches, calls, barriers, and what lanes do together.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Floats.h"
#include "Harness.h"

using namespace rnnc::ptx;
using namespace rnnc::ptx::test;

/// Each thread stores %d to its place at pd.
static std::string kernel(const std::string &code,
                          const std::string &before = "") {
  return before +
         ".visible .entry k(.param .u64 pd) {\n"
         ".reg .b32 %t, %d, %r<16>; .reg .b64 %x; .reg .pred %p, %q;\n"
         "mov.u32 %t, %tid.x; mov.u32 %r15, %ctaid.x;\n"
         "mov.u32 %r14, %ntid.x; mad.lo.s32 %r13, %r15, %r14, %t;\n"
         "ld.param.u64 %x, [pd]; mad.wide.u32 %x, %r13, 4, %x;\n" +
         code + "\nst.global.b32 [%x], %d; ret; }\n";
}

static std::vector<uint32_t> run(const std::string &body, unsigned threads = 32,
                                 unsigned blocks = 1, uint64_t seed = 0,
                                 bool isCooperative = false) {
  Machine machine(body);
  machine.options.seed = seed;
  Allocation *d = machine.memory.allocate(threads * blocks * 4, 256);
  EXPECT_EQ(
      machine.run({blocks, 1, 1}, {threads, 1, 1}, {d->base}, 0, isCooperative),
      0)
      << machine.fault.message;
  return machine.get<uint32_t>(d);
}

static void expectFault(const std::string &body, int code,
                        const std::string &message, unsigned threads = 32) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    Machine machine(body);
    machine.options.seed = seed;
    machine.options.limit = 100000;
    Allocation *d = machine.memory.allocate(threads * 4, 256);
    EXPECT_EQ(machine.run({1, 1, 1}, {threads, 1, 1}, {d->base}), code);
    EXPECT_NE(machine.fault.message.find(message), std::string::npos)
        << machine.fault.message;
  }
}

TEST(Warp, DivergingLoops) {
  // Collatz: every lane takes another number of rounds.
  std::string code = "mov.b32 %d, 0; add.s32 %r0, %t, 1;\n"
                     "$loop: setp.eq.s32 %p, %r0, 1; @%p bra $end;\n"
                     "add.s32 %d, %d, 1; and.b32 %r1, %r0, 1;\n"
                     "setp.ne.s32 %q, %r1, 0; @%q bra $odd;\n"
                     "shr.u32 %r0, %r0, 1; bra.uni $loop;\n"
                     "$odd: mad.lo.s32 %r0, %r0, 3, 1; bra.uni $loop;\n$end:";
  for (uint64_t seed = 0; seed < 5; ++seed) {
    std::vector<uint32_t> got = run(kernel(code), 70, 3, seed);
    for (uint32_t t = 0; t < 210; ++t) {
      uint32_t rounds = 0;
      for (uint32_t n = t % 70 + 1; n != 1; n = n & 1 ? 3 * n + 1 : n / 2)
        ++rounds;
      EXPECT_EQ(got[t], rounds);
    }
  }
}

TEST(Warp, Calls) {
  std::vector<uint32_t> got = run(kernel(
      "mov.b32 %d, %t; and.b32 %r0, %t, 1; setp.eq.s32 %p, %r0, 0;\n"
      "{ .param .b32 in; .param .b32 out; st.param.b32 [in], %t;\n"
      "@%p call.uni (out), twice, (in); @%p ld.param.b32 %d, [out]; }\n"
      "{ .param .b32 in; .param .b32 out; st.param.b32 [in+0], %d;\n"
      "call.uni (out), twice, (in); ld.param.b32 %d, [out+0]; }",
      ".func (.param .b32 r) twice(.param .b32 x)\n{\n.reg .b32 %a; .reg .pred "
      "%p; ld.param.b32 %a, [x]; setp.gt.u32 %p, %a, 40; @%p bra $big;\n"
      "shl.b32 %a, %a, 1; st.param.b32 [r+0], %a; ret;\n"
      "$big: st.param.b32 [r+0], 1000; ret;\n}\n"));
  for (uint32_t t = 0; t < 32; ++t) {
    auto twice = [](uint32_t x) { return x > 40 ? 1000 : 2 * x; };
    EXPECT_EQ(got[t], twice(t & 1 ? t : twice(t)));
  }
}

TEST(Warp, IndexedBranches) {
  std::vector<uint32_t> got =
      run(kernel("and.b32 %r0, %t, 3; mov.b32 %d, 5;\n"
                 "$table: .branchtargets $a, $b, $c, $b;\n"
                 "brx.idx %r0, $table;\n$a: mov.b32 %d, 10; bra $c;\n"
                 "$b: mov.b32 %d, 20;\n$c: add.s32 %d, %d, %t;"));
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(got[t], t + (t % 4 == 0 ? 10 : t % 4 == 2 ? 5 : 20));
}

TEST(Warp, Shuffles) {
  auto shuffle = [](const std::string &how, const std::string &by,
                    const std::string &clamp) {
    return run(kernel("shfl.sync." + how + ".b32 %r0|%p, %t, " + by + ", " +
                      clamp + ", -1; selp.b32 %d, %r0, 99, %p;"));
  };
  std::vector<uint32_t> up = shuffle("up", "3", "0"),
                        down = shuffle("down", "3", "31"),
                        bfly = shuffle("bfly", "5", "31"),
                        index = shuffle("idx", "7", "31"),
                        segments = shuffle("down", "1", "0x1c03");
  for (uint32_t t = 0; t < 32; ++t) {
    EXPECT_EQ(up[t], t < 3 ? 99 : t - 3);
    EXPECT_EQ(down[t], t + 3 > 31 ? 99 : t + 3);
    EXPECT_EQ(bfly[t], t ^ 5);
    EXPECT_EQ(index[t], 7u);
    EXPECT_EQ(segments[t], t % 4 == 3 ? 99 : t + 1);
  }
  // A sum by butterflies in a part of the warp.
  std::string sum = "mov.b32 %d, %t; setp.ge.u32 %p, %t, 16; @%p bra $end;\n";
  for (int by : {8, 4, 2, 1})
    sum += "shfl.sync.bfly.b32 %r0, %d, " + std::to_string(by) +
           ", 31, 0xffff; add.s32 %d, %d, %r0;\n";
  EXPECT_EQ(run(kernel(sum + "$end:"))[5], 120u);
}

TEST(Warp, VotesAndMatches) {
  std::vector<uint32_t> got = run(kernel(
      "and.b32 %r0, %t, 3; setp.eq.s32 %p, %r0, 1;\n"
      "vote.sync.ballot.b32 %r1, %p, -1; vote.sync.any.pred %q, %p, -1;\n"
      "selp.b32 %r2, 1, 0, %q; vote.sync.all.pred %q, !%p, -1;\n"
      "selp.b32 %r3, 1, 0, %q; match.any.sync.b32 %r4, %r0, -1;\n"
      "match.all.sync.b32 %r5|%q, %r2, -1; selp.b32 %r6, 1, 0, %q;\n"
      "redux.sync.add.s32 %r7, %t, -1; redux.sync.max.u32 %r8, %t, -1;\n"
      "redux.sync.xor.b32 %r9, %t, -1; activemask.b32 %r10;\n"
      "xor.b32 %d, %r1, %r4; add.s32 %d, %d, %r2; add.s32 %d, %d, %r3;\n"
      "add.s32 %d, %d, %r5; add.s32 %d, %d, %r6; add.s32 %d, %d, %r7;\n"
      "add.s32 %d, %d, %r8; add.s32 %d, %d, %r9; add.s32 %d, %d, %r10;"));
  for (uint32_t t = 0; t < 32; ++t) {
    uint32_t same = 0x11111111u << (t % 4);
    EXPECT_EQ(got[t],
              (0x22222222u ^ same) + 1 + 0 + ~0u + 1 + 496 + 31 + 0 + ~0u);
  }
}

TEST(Warp, WrongMasks) {
  expectFault(kernel("shfl.sync.bfly.b32 %d, %t, 1, 31, 0xffff;"), 719,
              "not in its own mask");
  expectFault(kernel("setp.lt.u32 %p, %t, 16; @%p bra $low; mov.b32 %d, 0; "
                     "bar.warp.sync 0xffff0000; bra $end;\n$low:\n"
                     "shfl.sync.idx.b32 %d, %t, 20, 31, 0xffff;\n$end:"),
              719, "a value that was never set");
  // Half of the lanes never come.
  expectFault(kernel("mov.b32 %d, 0; setp.lt.u32 %p, %t, 16; @%p bra $low;\n"
                     "$wait: bra $wait;\n$low:\n"
                     "shfl.sync.idx.b32 %d, %t, 0, 31, -1;"),
              702, "deadlock");
  expectFault(kernel("setp.lt.u32 %p, %t, 16; @%p bra $low; bar.sync 0;\n"
                     "$low: vote.sync.ballot.b32 %d, %p, -1;"),
              702, "deadlock");
}

TEST(Warp, Barriers) {
  // Each warp writes for the next one, again and again.
  std::string code =
      "mov.b32 %r0, s; mad.lo.s32 %r1, %t, 4, %r0; add.s32 %r2, %t, 32;\n"
      "rem.u32 %r2, %r2, 128; mad.lo.s32 %r2, %r2, 4, %r0; mov.b32 %d, %t;\n"
      "mov.b32 %r3, 0;\n$loop: st.shared.b32 [%r1], %d; bar.sync 0;\n"
      "ld.shared.b32 %d, [%r2]; add.s32 %d, %d, 1; bar.sync 0;\n"
      "add.s32 %r3, %r3, 1; setp.lt.s32 %p, %r3, 10; @%p bra $loop;";
  std::string shared = ".shared .align 4 .b8 s[512];\n";
  for (uint64_t seed = 0; seed < 10; ++seed) {
    std::vector<uint32_t> got = run(kernel(code, shared), 128, 2, seed);
    for (uint32_t t = 0; t < 256; ++t)
      EXPECT_EQ(got[t], (t + 320) % 128 + 10);
  }
  // A reduction at a barrier, and one of some warps.
  std::vector<uint32_t> got = run(
      kernel("setp.lt.u32 %p, %t, 50; barrier.red.popc.aligned.u32 %d, 1, "
             "%p; bar.red.and.pred %q, 0, %p; @%q add.s32 %d, %d, 1000;\n"
             "setp.ge.u32 %p, %t, 64; @%p bra $end; bar.sync 2, 64;\n$end:"),
      96);
  EXPECT_EQ(got[7], 50u);
}

TEST(Warp, WrongBarriers) {
  expectFault(kernel("setp.lt.u32 %p, %t, 32; @%p bra $low; bar.sync 0; bra "
                     "$end;\n$low: bar.sync 0;\n$end: mov.b32 %d, 0;"),
              719, "divergence at a barrier", 64);
  expectFault(kernel("setp.lt.u32 %p, %t, 32; @%p bra $low; bar.sync 1;\n"
                     "$low: bar.sync 0; mov.b32 %d, 0;"),
              702, "waits at a barrier", 64);
  expectFault(kernel("bar.sync 0, 40; mov.b32 %d, 0;"), 715,
              "not a number of warps", 64);
  // Threads that have ended are not waited for.
  run(kernel("mov.b32 %d, 0; st.global.b32 [%x], %d; setp.lt.u32 %p, %t, 40; "
             "@%p ret; bar.sync 0;"),
      96);
}

TEST(Warp, GridBarrier) {
  std::string code =
      "mov.b32 %d, 0; mov.b32 %r4, %nctaid.x;\n"
      "$step: bar.sync 0; setp.ne.s32 %p, %t, 0; @%p bra $met;\n"
      "add.s32 %r0, %d, 1; mul.lo.s32 %r0, %r0, %r4; fence.acq_rel.gpu;\n"
      "atom.global.add.u32 %r1, [n], 1;\n$spin: ld.acquire.gpu.global.b32 "
      "%r2, [n]; setp.lt.s32 %p, %r2, %r0; @%p bra $spin;\n"
      "$met: bar.sync 0; add.s32 %d, %d, 1; setp.lt.s32 %p, %d, 5; @%p bra "
      "$step;\nld.volatile.global.b32 %d, [n];";
  for (uint64_t seed = 0; seed < 5; ++seed)
    for (uint32_t value :
         run(kernel(code, ".global .b32 n;\n"), 64, 8, seed, true))
      EXPECT_EQ(value, 40u);
}

TEST(Warp, Endless) {
  expectFault(kernel("mov.b32 %d, 0; $loop: bra $loop;"), 702, "deadlock");
  expectFault(kernel("trap; mov.b32 %d, 0;"), 710, "trap");
}

static uint32_t pair(float low, float high) {
  auto half = [](float x) {
    return uint32_t(fromDouble(Type::BF16, double(x)));
  };
  return half(low) | half(high) << 16;
}

/// A 16 × 16 by B 16 × 8, loaded by ldmatrix, as a plain product.
TEST(Warp, Matrices) {
  Machine machine(
      ".shared .align 16 .b8 sa[512];\n.shared .align 16 .b8 sb[256];\n"
      ".visible .entry k(.param .u64 pa, .param .u64 pb, .param .u64 pd) {\n"
      ".reg .b32 %t, %r<16>, %c<4>, %d<4>; .reg .b64 %x<4>;\n"
      "mov.u32 %t, %tid.x; ld.param.u64 %x0, [pa]; mad.wide.u32 %x0, %t, 16, "
      "%x0;\nshl.b32 %r0, %t, 4; mov.u32 %r1, sa; add.s32 %r2, %r1, %r0;\n"
      "cp.async.cg.shared.global [%r2], [%x0], 16;\n"
      "ld.param.u64 %x1, [pb]; mad.wide.u32 %x1, %t, 8, %x1;\n"
      "shl.b32 %r3, %t, 3; mov.u32 %r4, sb; add.s32 %r5, %r4, %r3;\n"
      "cp.async.ca.shared.global [%r5], [%x1], 8; cp.async.wait_all;\n"
      "bar.warp.sync -1;\n"
      // Rows of 32 bytes: matrices (0,0) (8,0) (0,8) (8,8).
      "and.b32 %r6, %t, 15; shr.u32 %r7, %t, 4; shl.b32 %r6, %r6, 5;\n"
      "shl.b32 %r7, %r7, 4; add.s32 %r6, %r6, %r7; add.s32 %r6, %r6, %r1;\n"
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r8, %r9, %r10, %r11}, "
      "[%r6];\n"
      "and.b32 %r7, %t, 15; shl.b32 %r7, %r7, 4; add.s32 %r7, %r7, %r4;\n"
      "ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r12, %r13}, [%r7];\n"
      "mov.b32 %c0, 0f3F800000; mov.b32 %c1, %c0; mov.b32 %c2, %c0; mov.b32 "
      "%c3, %c0;\n"
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%d0,%d1,%d2,%d3}, "
      "{%r8,%r9,%r10,%r11}, {%r12,%r13}, {%c0,%c1,%c2,%c3};\n"
      "ld.param.u64 %x2, [pd]; shr.u32 %r0, %t, 2; and.b32 %r1, %t, 3;\n"
      "shl.b32 %r0, %r0, 5; shl.b32 %r1, %r1, 3; add.s32 %r0, %r0, %r1;\n"
      "cvt.u64.u32 %x3, %r0; add.s64 %x3, %x3, %x2;\n"
      "st.global.v2.b32 [%x3], {%d0, %d1}; st.global.v2.b32 [%x3+256], {%d2, "
      "%d3}; ret; }\n");
  std::vector<uint32_t> a, b;
  float left[16][16], right[16][8];
  Random random(3);
  auto any = [&] { return float(int(random.below(17)) - 8); };
  for (auto &row : left) {
    for (float &x : row)
      x = any();
    for (int k = 0; k < 16; k += 2)
      a.push_back(pair(row[k], row[k + 1]));
  }
  for (auto &row : right) {
    for (float &x : row)
      x = any();
    for (int k = 0; k < 8; k += 2)
      b.push_back(pair(row[k], row[k + 1]));
  }
  Allocation *d = machine.memory.allocate(512, 256);
  ASSERT_EQ(machine.run({1, 1, 1}, {32, 1, 1},
                        {machine.put(a)->base, machine.put(b)->base, d->base}),
            0)
      << machine.fault.message;
  std::vector<float> got = machine.get<float>(d);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 8; ++j) {
      float sum = 1;
      for (int k = 0; k < 16; ++k)
        sum += left[i][k] * right[k][j];
      EXPECT_EQ(got[size_t(i * 8 + j)], sum) << i << ", " << j;
    }
}

/// tf32: thread t has A(g, t), A(g + 8, t), A(g, t + 4), A(g + 8, t + 4) and
/// B(t, g), B(t + 4, g). Here A(i, k) = i + k, B(k, j) = k − j.
TEST(Warp, MatricesOfTf32) {
  Machine machine(
      ".visible .entry k(.param .u64 pd) {\n.reg .b32 %t, %g, %k, %r<8>, "
      "%d<4>; .reg .f32 %a<4>, %b<2>, %z; .reg .b64 %x<2>;\n"
      "mov.u32 %t, %tid.x; shr.u32 %g, %t, 2; and.b32 %k, %t, 3;\n"
      "add.s32 %r0, %g, %k; cvt.rn.f32.s32 %a0, %r0; add.s32 %r1, %r0, 8;\n"
      "cvt.rn.f32.s32 %a1, %r1; add.s32 %r1, %r0, 4; cvt.rn.f32.s32 %a2, %r1;\n"
      "add.s32 %r1, %r0, 12; cvt.rn.f32.s32 %a3, %r1; sub.s32 %r0, %k, %g;\n"
      "cvt.rn.f32.s32 %b0, %r0; add.s32 %r0, %r0, 4; cvt.rn.f32.s32 %b1, %r0;\n"
      "mov.f32 %z, 0f00000000;\n"
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%d0,%d1,%d2,%d3}, "
      "{%a0,%a1,%a2,%a3}, {%b0,%b1}, {%z,%z,%z,%z};\n"
      "ld.param.u64 %x0, [pd]; shl.b32 %g, %g, 5; shl.b32 %k, %k, 3; add.s32 "
      "%g, %g, %k; cvt.u64.u32 %x1, %g; add.s64 %x0, %x0, %x1;\n"
      "st.global.v2.b32 [%x0], {%d0, %d1}; st.global.v2.b32 [%x0+256], {%d2, "
      "%d3}; ret; }\n");
  Allocation *d = machine.memory.allocate(512, 256);
  ASSERT_EQ(machine.run({1, 1, 1}, {32, 1, 1}, {d->base}), 0)
      << machine.fault.message;
  std::vector<float> got = machine.get<float>(d);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 8; ++j) {
      float sum = 0;
      for (int k = 0; k < 8; ++k)
        sum += float(i + k) * float(k - j);
      EXPECT_EQ(got[size_t(i * 8 + j)], sum) << i << ", " << j;
    }
}
