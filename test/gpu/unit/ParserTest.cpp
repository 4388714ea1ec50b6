// ParserTest.cpp: what is not understood is refused, with its line.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Harness.h"

using namespace rnnc::ptx;
using namespace rnnc::ptx::test;

/// `body` is line 4 and on.
static void expectRefusal(const std::string &body, int line,
                          const std::string &reason) {
  Machine machine(body);
  EXPECT_FALSE(machine.module) << body;
  EXPECT_EQ(machine.refusal.line, line) << body;
  EXPECT_NE(machine.refusal.reason.find(reason), std::string::npos)
      << machine.refusal.reason;
}

static void expectRefused(const std::string &code, const std::string &reason) {
  expectRefusal(".visible .entry k(.param .u64 p)\n{\n"
                ".reg .b32 %r<4>; .reg .b64 %rd<4>; .reg .pred %p<2>;\n" +
                    code + "\n}\n",
                7, reason);
}

TEST(Parser, RefusesInstructions) {
  expectRefused("frobnicate.b32 %r1, %r2;", "`frobnicate.b32`: is not known");
  expectRefused("add.wrong.s32 %r1, %r2, 1;", "`.wrong` is not known here");
  expectRefused("add.s32 %r1, %r9, 1;", "%r9 is not declared");
  expectRefused("add.s32 %r1, %rd1, 1;", "a register of type .b64");
  expectRefused("add.s32 %rd1, %r1, 1;", "for a result of .s32");
  expectRefused("add.s32 %r1, 1;", "so many operands: 2");
  expectRefused("bra $nowhere;", "there is no label $nowhere");
  expectRefused("@%r1 bra $nowhere;", "%r1 is no predicate");
  expectRefused("fma.f32 %r1, %r1, %r1, %r1;", "no mode of rounding");
  expectRefused("cvt.f32.f64 %r1, %rd1;", "no mode of rounding");
  expectRefused("cvt.tf32.f32 %r1, %r2;", "no mode of rounding");
  expectRefused("tex.1d.v4.f32.s32 {%r1,%r1,%r1,%r1}, [t, {%r1}];",
                "expected `]`, found `,`");
  expectRefused("shfl.bfly.b32 %r1, %r1, 1, 31;", "is not known here");
  expectRefused("wgmma.fence.sync.aligned;", "is not known here");
  expectRefused("ld.shared::cluster.b32 %r1, [%r2];",
                "`.shared::cluster` is not known here");
  expectRefused("ld.param.b32 %r1, [q];", "q is not declared");
  expectRefused("ld.param.b64 %rd1, [p+8];", "beyond the parameter p");
  expectRefused("st.param.b64 [p], %rd1;", "a store to a parameter");
  expectRefused("ld.global.v4.b64 {%rd1,%rd1,%rd1,%rd1}, [%rd2];",
                "elements of so many bits");
  expectRefused("call.uni helper, ();", "nothing gives that function");
  expectRefused("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%r1},{%r1},"
                "{%r1},{%r1};",
                "is not known here");
  expectRefused("mov.u32 %r1, %nothing;", "%nothing is not declared");
  expectRefused("add.s32 %r1, %r2 1;", "expected `,`");
}

TEST(Parser, RefusesModules) {
  expectRefusal(".extern .func (.param .b32 r) __nv_expf(.param .b32 x);\n", 4,
                "nothing gives `.extern .func` __nv_expf");
  expectRefusal(".extern .func f(.param .b32 x)\n.visible .entry k() { }\n", 4,
                "nothing gives `.extern .func` f");
  expectRefusal(".global .texref t;\n", 4, "`.texref` is not known here");
  expectRefusal(".extern .global .b8 x[];\n", 4, "nothing gives `.extern` x");
  expectRefusal(".visible .entry k()\n.explicitcluster\n{\nret;\n}\n", 5,
                "directive `.explicitcluster`");
  expectRefusal(".visible .entry k()\n{\nret;\n}\n.entry k()\n{\nret;\n}\n", 8,
                "k is there twice");
  expectRefusal(".visible .entry k()\n{\n.shared .b8 x[49153];\nret;\n}\n", 4,
                "more than 48 KB");
  expectRefusal(".visible .entry k()\n{\nret;\n", 7, "the text ends");
  expectRefusal(".func f()\n{\ncall f, ();\nret;\n}\n.entry k()\n{\ncall f, "
                "();\nret;\n}\n",
                4, "f calls itself");
  DeviceMemory memory;
  Refusal refusal;
  EXPECT_FALSE(loadModule("", memory, refusal));
  EXPECT_EQ(refusal.reason, "there is no .version");
  EXPECT_FALSE(loadModule(".version 7.0\n.address_size 32", memory, refusal));
  EXPECT_EQ(refusal.reason, ".address_size is not 64");
  EXPECT_FALSE(loadModule(".version 99.0\n", memory, refusal));
  EXPECT_EQ(refusal.reason, "version 99.0 of PTX is not known here");
}

/// Any text is refused or taken: no prefix of one ends the program.
TEST(Parser, Prefixes) {
  std::string text =
      ".version 7.0\n.target sm_80\n.address_size 64\n"
      ".global .align 4 .u32 g[2] = {1, 0x2};\n.extern .shared .b8 s[];\n"
      ".func (.param .b32 r) f(.param .b32 x) { .reg .b32 %a; ld.param.b32 %a, "
      "[x]; st.param.b32 [r+0], %a; ret; }\n"
      ".visible .entry k(.param .u64 .ptr .global .align 8 p) .reqntid 32, 1, "
      "1 { .reg .b32 %r<3>; .reg .pred %p; { .param .b32 q; .param .b32 z; "
      "st.param.b32 [q], %r1; call.uni (z), f, (q); } $L: @!%p bra.uni $L; "
      "shfl.sync.idx.b32 %r1|%p, %r2, 0f3F800000, -1, 0x1f; ret; }\n";
  for (size_t length = 0; length <= text.size(); ++length) {
    DeviceMemory memory;
    Refusal refusal;
    auto module = loadModule(text.substr(0, length), memory, refusal);
    EXPECT_TRUE(module || !refusal.reason.empty());
  }
  for (size_t at = 0; at < text.size(); ++at) {
    DeviceMemory memory;
    Refusal refusal;
    std::string broken = text;
    broken[at] = ";%{[(.,0\n"[at % 9];
    auto module = loadModule(broken, memory, refusal);
    EXPECT_TRUE(module || !refusal.reason.empty());
  }
}
