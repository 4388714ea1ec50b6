// LintTest.cpp: what PTX may contain, and what is refused.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/NVPTX/PTX.h"

#include "gtest/gtest.h"

using namespace rnnc::target;

namespace {

/// A kernel of these lines, with what comes before it.
std::string kernel(const std::string &lines, const std::string &before = "",
                   const std::string &after = ".reqntid 128, 1, 1\n") {
  return ".version 7.0\n.target sm_80\n.address_size 64\n" + before +
         ".visible .entry k(\n\t.param .u64 k_param_0\n)\n" + after + "{\n" +
         lines + "\tret;\n}\n";
}

/// What is said of a text; empty: nothing.
std::string said(const std::string &text) {
  llvm::Error error = nvptx::checkPTX(text, **nvptx::chipFor(""));
  return error ? llvm::toString(std::move(error)) : "";
}

void expectSaid(const std::string &text, const std::string &words) {
  EXPECT_NE(said(text).find(words), std::string::npos) << said(text) << text;
}

TEST(Lint, TakesWhatIsMeant) {
  EXPECT_EQ(said(kernel("\tld.global.b32 %r1, [%rd1];\n"
                        "\tst.global.b32 [%rd2], %r1;\n")),
            "");
  EXPECT_EQ(said(kernel("\t.shared .align 4 .b8 place[49152];\n"
                        "\tbar.sync 0;\n")),
            "");
  EXPECT_EQ(said(kernel("\tld.global.nc.b32 %r1, [%rd1];\n")), "");
  EXPECT_EQ(said(kernel("\tfence.acq_rel.gpu;\n"
                        "\tatom.global.add.u32 %r1, [%rd1], 1;\n"
                        "\tld.acquire.gpu.global.b32 %r2, [%rd1];\n")),
            "");
  EXPECT_EQ(said(kernel("\t.shared .align 16 .b8 place[64];\n"
                        "\tld.shared.v4.b32 {%r1, %r2, %r3, %r4}, [place+32];\n"
                        "\tst.shared.b64 [place+8], %rd1;\n")),
            "");
}

TEST(Lint, WhatNoDriverLoads) {
  expectSaid(kernel("", ".extern .func (.param .b32 r) __nv_expf\n"),
             "needs what is defined nowhere");
  expectSaid(kernel("", ".extern .global .b8 table[];\n"),
             "needs what is defined nowhere");
  expectSaid(kernel("", ".extern .shared .align 4 .b8 place[];\n"),
             "needs what is defined nowhere");
  expectSaid(kernel("\tcall.uni (r), f, (x);\n"), "calls a function");
  expectSaid(kernel("", ".func f()\n"), "is no kernel");
  expectSaid(kernel("", "", ""), "how many threads");
  expectSaid(kernel("\t.shared .align 4 .b8 place[49156];\n"),
             "49156 bytes of shared memory");
  expectSaid(".version 7.0\n.target sm_75\n", "another chip");
  expectSaid(".target sm_80\n", "no .version");
}

TEST(Lint, WhatRunsOtherwise) {
  expectSaid(kernel("\t.local .align 8 .b8 depot[16];\n"), "local memory");
  expectSaid(kernel("\tld.global.nc.b32 %r1, [%rd1];\n"
                    "\tst.global.b32 [%rd2], %r1;\n"),
             "as if nobody wrote it");
  expectSaid(kernel("\tatom.global.add.u32 %r1, [%rd1], 1;\n"),
             "without a fence");
  expectSaid(kernel("\tfence.acq_rel.gpu;\n"
                    "\tatom.global.add.u64 %rd2, [%rd1], 1;\n"
                    "\tld.relaxed.gpu.global.b64 %rd3, [%rd1];\n"),
             "nobody waits");
  expectSaid(kernel("\t.shared .align 4 .b8 place[64];\n"
                    "\tld.shared.v4.b32 {%r1, %r2, %r3, %r4}, [place+32];\n"),
             "`ld.shared.v4.b32` at `place`, which is aligned to 4 bytes");
  expectSaid(kernel("\t.shared .align 8 .b8 place[64];\n"
                    "\tst.shared.v2.b32 [place+4], {%r1, %r2};\n"),
             "`st.shared.v2.b32` at `place`");
  expectSaid(kernel("\t@%p1 red.global.add.f32 [%rd1], %f1;\n"), "atomically");
  expectSaid(kernel("\ttanh.approx.f32 %f1, %f2;\n"), "not exact");
}

/// Factors are rounded where the kernel's name says so, and as it says.
TEST(Lint, MatricesThatWereAskedFor) {
  auto named = [](const std::string &name, const std::string &types) {
    std::string text = kernel("\tmma.sync.aligned." + types +
                              "\n\t\t{%r1, %r2, %r3, %r4},\n\t\t{%r5, %r6, "
                              "%r7, %r8},\n\t\t{%r9, %r10},\n\t\t{%r1, %r2, "
                              "%r3, %r4};\n");
    return text.replace(text.find("entry k"), 7, "entry " + name);
  };
  std::string tf32 = "m16n8k8.row.col.f32.tf32.tf32.f32";
  std::string bf16 = "m16n8k16.row.col.f32.bf16.bf16.f32";
  EXPECT_EQ(said(named("f_0_tiles_tf32", tf32)), "");
  EXPECT_EQ(said(named("f_0_tiles_bf16", bf16)), "");
  expectSaid(named("f_0_tiles", tf32), "nobody asked for it");
  expectSaid(named("f_0_tiles_tf32", bf16), "nobody asked for it");
  expectSaid(named("f_0_tiles_bf16", "m16n8k16.row.col.f16.bf16.bf16.f16"),
             "nobody asked for it");
}

TEST(Chips, Names) {
  EXPECT_EQ((*nvptx::chipFor(""))->capability(), 80);
  EXPECT_EQ((*nvptx::chipFor("sm_120"))->capability(), 120);
  EXPECT_TRUE(nvptx::isTriple("nvptx64"));
  EXPECT_FALSE(nvptx::isTriple("cpu,nvptx64"));
  auto old = nvptx::chipFor("sm_75");
  ASSERT_FALSE(bool(old));
  EXPECT_NE(llvm::toString(old.takeError()).find("sm_80, sm_86"),
            std::string::npos);
}

} // namespace
