// MemoryTest.cpp: loads, stores, atomics, what is checked of them, and the weak
// mode. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Harness.h"

using namespace rnnc::ptx;
using namespace rnnc::ptx::test;

/// A kernel of parameters pa and pb with a thread's number in %t.
static std::string kernel(const std::string &code,
                          const std::string &variables = "") {
  return variables +
         ".visible .entry k(.param .u64 pa, .param .u64 pb) {\n"
         ".reg .b32 %t, %r<16>; .reg .b64 %a, %b, %x, %y, %l<8>;\n"
         ".reg .b16 %h<4>; .reg .pred %p, %q;\n"
         "mov.u32 %t, %tid.x; ld.param.u64 %a, [pa]; ld.param.u64 %b, [pb];\n"
         "mad.wide.u32 %x, %t, 4, %a; mad.wide.u32 %y, %t, 4, %b;\n" +
         code + "\nret; }\n";
}

static std::vector<uint32_t> iota(size_t count) {
  std::vector<uint32_t> made(count);
  for (size_t k = 0; k < count; ++k)
    made[k] = uint32_t(k);
  return made;
}

/// The status and the message of one run with 64 numbers at pa and at pb.
static int runOn(Machine &machine, unsigned threads,
                 std::vector<uint32_t> *result = nullptr, unsigned blocks = 1,
                 uint64_t shared = 0, bool isCooperative = false) {
  Allocation *a = machine.put(iota(64)), *b = machine.put(iota(64));
  int code = machine.run({blocks, 1, 1}, {threads, 1, 1}, {a->base, b->base},
                         shared, isCooperative);
  if (result)
    *result = machine.get<uint32_t>(b);
  return code;
}

static void expectFault(const std::string &body, int code,
                        const std::string &message, unsigned threads = 32) {
  Machine machine(body);
  EXPECT_EQ(runOn(machine, threads), code) << body;
  EXPECT_NE(machine.fault.message.find(message), std::string::npos)
      << machine.fault.message;
}

TEST(Memory, VectorsAndWidths) {
  Machine machine(kernel(
      "shl.b32 %r0, %t, 4; cvt.u64.u32 %l0, %r0; add.s64 %l1, %a, %l0;\n"
      "add.s64 %l2, %b, %l0;\n"
      "ld.global.v4.b32 {%r1, %r2, _, %r4}, [%l1]; add.s32 %r2, %r2, %r4;\n"
      "st.global.v2.b32 [%l2], {%r1, %r2}; ld.global.u8 %r5, [%l1+4];\n"
      "ld.global.s16 %r6, [%l1+8]; st.global.b32 [%l2+8], %r5;\n"
      "st.global.u8 [%l2+12], %r6;"));
  std::vector<uint32_t> got;
  ASSERT_EQ(runOn(machine, 16, &got), 0) << machine.fault.message;
  for (uint32_t t = 0; t < 16; ++t) {
    EXPECT_EQ(got[4 * t], 4 * t);
    EXPECT_EQ(got[4 * t + 1], 8 * t + 4);
    EXPECT_EQ(got[4 * t + 2], 4 * t + 1);
    EXPECT_EQ(got[4 * t + 3], 4 * t + 2);
  }
}

TEST(Memory, SpacesAndGenericAddresses) {
  Machine machine(kernel(
      "cvta.to.global.u64 %l0, %x; ld.global.b32 %r0, [%l0];\n"
      "mov.u32 %r1, s; mad.lo.s32 %r1, %t, 4, %r1; st.shared.b32 [%r1], %r0;\n"
      "bar.sync 0; xor.b32 %r2, %t, 1; mov.u64 %l1, s; cvta.shared.u64 %l1, "
      "%l1;\n"
      "mad.wide.u32 %l1, %r2, 4, %l1; ld.b32 %r3, [%l1];\n"
      "{ .local .align 4 .b8 d[8]; mov.u64 %l2, d; st.local.b32 [%l2+4], %r3;\n"
      "cvta.local.u64 %l3, %l2; ld.b32 %r4, [%l3+4]; }\n"
      "isspacep.shared %p, %l1; @%p add.s32 %r4, %r4, 100;\n"
      "isspacep.global %q, %l1; @%q add.s32 %r4, %r4, 1000;\n"
      "ld.const.b32 %r5, [c+4]; add.s32 %r4, %r4, %r5;\n"
      "ld.global.b64 %l4, [g]; ld.b32 %r6, [%l4]; add.s32 %r4, %r4, %r6;\n"
      "st.global.b32 [%y], %r4;",
      ".const .b32 c[2] = {1, 10000};\n.global .b32 v = 20000;\n"
      ".global .b64 g[1] = {v};\n.shared .align 4 .b8 s[256];\n"));
  std::vector<uint32_t> got;
  ASSERT_EQ(runOn(machine, 64, &got), 0) << machine.fault.message;
  for (uint32_t t = 0; t < 64; ++t)
    EXPECT_EQ(got[t], (t ^ 1) + 30100);
}

TEST(Memory, Atomics) {
  Machine machine(kernel(
      "atom.global.add.u32 %r0, [%b], 2; red.global.max.s32 [%b+4], %t;\n"
      "red.global.and.b32 [%b+8], %t; atom.global.inc.u32 %r1, [%b+12], 9;\n"
      "mov.b32 %r3, 0f3F800000; atom.global.add.f32 %r4, [%b+16], %r3;\n"
      "atom.global.cas.b32 %r5, [%b+20], 5, %t;\n"
      "atom.add.release.gpu.u32 %r6, [%b+24], 1; mov.b64 %l0, 3;\n"
      "red.global.add.u64 [%b+32], %l0; atom.global.exch.b32 %r7, [%b+40], 7;\n"
      "red.relaxed.gpu.global.dec.u32 [%b+44], 100;"));
  std::vector<uint32_t> got;
  ASSERT_EQ(runOn(machine, 32, &got), 0) << machine.fault.message;
  EXPECT_EQ(got[0], 64u);
  EXPECT_EQ(got[1], 31u);
  EXPECT_EQ(got[2], 0u);
  EXPECT_EQ(got[3], (3u + 32) % 10);
  EXPECT_EQ(std::bit_cast<float>(got[4]), 32.0f);
  EXPECT_NE(got[5], 5u);
  EXPECT_EQ(got[6], 38u);
  EXPECT_EQ(got[8], 8u + 96);
  EXPECT_EQ(got[10], 7u);
  EXPECT_EQ(got[11], 11u + 101 - 32);
}

TEST(Memory, Faults) {
  expectFault(kernel("ld.global.b32 %r0, [%x];"), 700,
              "line 9 (ld.global.b32): block (0, 0, 0) thread (64, 0, 0): a "
              "load of 4 bytes at",
              96);
  expectFault(kernel("ld.global.b32 %r0, [%a+-4];"), 700,
              "4 bytes before an allocation of 256");
  expectFault(kernel("mov.b64 %l0, 0; st.global.b32 [%l0], %t;"), 700,
              "nowhere near");
  expectFault(kernel("ld.global.b32 %r0, [%a+2];"), 716, "not aligned to 4");
  expectFault(kernel("ld.global.v2.b32 {%r0, %r1}, [%a+4];"), 716,
              "not aligned to 8");
  expectFault(kernel("st.global.b32 [%a], %r9;"), 719,
              "a value that was never");
  expectFault(kernel("setp.eq.s32 %p, %r9, 0; @%p st.global.b32 [%a], %t;"),
              719, "its predicate was never set");
  expectFault(kernel("ld.shared.b32 %r0, [s]; st.global.b32 [%a], %r0;",
                     ".shared .align 4 .b8 s[16];\n"),
              719, "a value that was never set");
  expectFault(kernel("mov.b32 %r0, s; st.shared.b32 [%r0+16], %t;",
                     ".shared .align 4 .b8 s[16];\n.shared .b8 z[16];\n"),
              700, "beyond the");
  expectFault(kernel("mov.b32 %r0, s; mov.b32 %r1, z; st.shared.b32 [%r0+16], "
                     "%t;",
                     ".shared .align 4 .b8 s[16];\n.shared .b8 z[16];\n"),
              700, "between the variables of shared memory");
  expectFault(kernel("st.global.b32 [c], %t;", ".global .b32 c;\n"), 0, "");
  expectFault(kernel("mov.u64 %l0, c; st.b32 [%l0], %t;", ".const .b32 c;\n"),
              700, "constant memory");
  expectFault(kernel("st.global.b32 [%a], %t; ld.global.nc.b32 %r0, [%a];"),
              719, "ld.global.nc and writes it");
  expectFault(kernel("ld.global.nc.b32 %r0, [%x]; st.global.b32 [%y], %r0;"), 0,
              "");
  // Aligned as the text says and no better (N8).
  expectFault(kernel("ld.shared.v4.b32 {%r0, %r1, %r2, %r3}, [s];",
                     ".shared .align 2 .b8 s[64];\n"),
              716, "not aligned to 16");
}

TEST(Memory, AfterFree) {
  Machine machine(kernel("ld.global.b32 %r0, [%a];"));
  Allocation *a = machine.put(iota(4));
  ASSERT_TRUE(machine.memory.release(a->base));
  EXPECT_EQ(machine.run({1, 1, 1}, {1, 1, 1}, {a->base, 0}), 700);
  EXPECT_NE(machine.fault.message.find("freed"), std::string::npos);
  EXPECT_FALSE(machine.memory.release(a->base));
}

/// A value that nobody needs may be anything: a select drops it.
TEST(Memory, UnsetValuesThatAreDropped) {
  Machine machine(kernel("setp.lt.u32 %p, %t, 99; selp.b32 %r0, %t, %r9, %p;\n"
                         "ld.shared.b32 %r1, [s]; and.b32 %r2, %r1, 0;\n"
                         "st.global.b32 [%y], %r0;",
                         ".shared .align 4 .b8 s[16];\n"));
  EXPECT_EQ(runOn(machine, 32), 0) << machine.fault.message;
}

/// What cp.async brings is there after a wait, and not before.
TEST(Memory, CopyAsync) {
  std::string start = "mov.u32 %r0, s; shl.b32 %r1, %t, 4; add.s32 %r2, %r0, "
                      "%r1; cvt.u64.u32 %l0, %r1; add.s64 %l0, %a, %l0;\n"
                      "cp.async.cg.shared.global [%r2], [%l0], 16;\n"
                      "cp.async.commit_group;\n";
  std::string end = "ld.shared.b32 %r3, [%r2+4]; st.global.b32 [%y], %r3;";
  std::string variables = ".shared .align 16 .b8 s[256];\n";
  Machine machine(kernel(start + "cp.async.wait_group 0;\n" + end, variables));
  std::vector<uint32_t> got;
  ASSERT_EQ(runOn(machine, 16, &got), 0) << machine.fault.message;
  EXPECT_EQ(got[3], 13u);
  Machine without(kernel(start + end, variables));
  EXPECT_EQ(runOn(without, 16), 719);
  Machine one(kernel(start + "cp.async.wait_group 1;\n" + end, variables));
  EXPECT_EQ(runOn(one, 16), 719);
  // Fewer bytes: zeros behind them.
  Machine zeros(
      kernel("mov.u32 %r0, s; cp.async.ca.shared.global [%r0], [%a+4], 8, 4;\n"
             "cp.async.wait_all; ld.shared.v2.b32 {%r1, %r2}, [%r0];\n"
             "st.global.b32 [%b], %r1; st.global.b32 [%b+4], %r2;",
             variables));
  EXPECT_EQ(runOn(zeros, 1), 716); // the source is not aligned to 8
}

/// Two blocks: one writes a value and then a flag, one waits for the flag. A
/// fence on both sides is what makes it right.
static std::string message(const std::string &fenceBefore,
                           const std::string &fenceAfter) {
  return kernel(
      "mov.u32 %r0, %ctaid.x; setp.eq.s32 %p, %r0, 1; ld.global.b32 %r9, "
      "[%a];\n"
      "@%p bra $wait;\n"
      "st.global.b32 [%a], 77; " +
      fenceBefore +
      " st.relaxed.gpu.global.b32 [%a+128], 1; ret;\n"
      "$wait: ld.relaxed.gpu.global.b32 %r1, [%a+128]; setp.ne.s32 %p, %r1, "
      "1;\n@%p bra $wait; " +
      fenceAfter + " ld.global.b32 %r2, [%a]; st.global.b32 [%b], %r2;");
}

static unsigned wrongMessages(const std::string &body, bool weak) {
  unsigned wrong = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Machine machine(body);
    machine.options.seed = seed;
    machine.options.weak = weak;
    std::vector<uint32_t> got;
    EXPECT_EQ(runOn(machine, 1, &got, 2, 0, true), 0) << machine.fault.message;
    wrong += got[0] != 77;
  }
  return wrong;
}

static int codeOfBlocks(const std::string &body, bool races,
                        bool isCooperative = false) {
  Machine machine(kernel(body));
  machine.options.races = races;
  return runOn(machine, 32, nullptr, 2, 0, isCooperative);
}

TEST(Memory, BlocksThatMeet) {
  // Both write the same; one writes what both read; each has its own.
  std::string same = "st.global.b32 [%y], %t;";
  std::string other =
      "mov.u32 %r1, %ctaid.x; setp.eq.s32 %p, %r1, 1;\n"
      "ld.global.b32 %r2, [%b+4]; @%p st.global.b32 [%b+4], %r2;";
  std::string own = "mov.u32 %r1, %ctaid.x; mul.wide.u32 %l0, %r1, 128;\n"
                    "add.s64 %l1, %y, %l0; ld.global.b32 %r2, [%l1];\n"
                    "ld.global.b32 %r3, [%x]; st.global.b32 [%l1], %r3;";
  EXPECT_EQ(codeOfBlocks(same, true), 719);
  EXPECT_EQ(codeOfBlocks(other, true), 719);
  EXPECT_EQ(codeOfBlocks(own, true), 0);
  EXPECT_EQ(codeOfBlocks(same, false), 0);
  EXPECT_EQ(codeOfBlocks(same, true, true), 0);
  EXPECT_EQ(codeOfBlocks("atom.global.add.u32 %r1, [%b], 1;", true), 0);
}

TEST(Memory, WeakMode) {
  std::string fence = "fence.acq_rel.gpu;";
  EXPECT_EQ(wrongMessages(message(fence, fence), true), 0u);
  EXPECT_EQ(wrongMessages(message("membar.gl;", "membar.gl;"), true), 0u);
  EXPECT_EQ(wrongMessages(message("", ""), false), 0u);
  EXPECT_GT(wrongMessages(message("", fence), true), 0u);
  EXPECT_GT(wrongMessages(message(fence, ""), true), 0u);
  EXPECT_GT(wrongMessages(message("fence.acq_rel.cta;", fence), true), 0u);
}
