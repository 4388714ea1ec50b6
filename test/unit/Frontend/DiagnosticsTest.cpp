// DiagnosticsTest.cpp - how diagnostics are printed and ordered.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Support/Diagnostics.h"

#include <gtest/gtest.h>

using namespace rnnc;

namespace {

TEST(Diagnostics, Columns) {
  SourceManager sources;
  uint32_t file = sources.addText("t.rnn", "ab\n\u00e9x\n");
  EXPECT_EQ(sources.lineColumn(file, 0).column, 1u);
  EXPECT_EQ(sources.lineColumn(file, 5).line, 2u);
  EXPECT_EQ(sources.lineColumn(file, 5).column, 2u); // one character, two bytes
  EXPECT_EQ(sources.lineColumn(file, 1000).line, 3u);
  EXPECT_EQ(sources.lineText(file, 3), "");
}

TEST(Diagnostics, WideAndBrokenCharacters) {
  SourceManager sources;
  uint32_t file = sources.addText("t.rnn", "\u5b57 x \xff y\tz");
  Diagnostics diags(sources);
  diags.error("E000", {file, 4, 5}, "m").label("here");
  EXPECT_EQ(diags.render(), "error[E000]: m\n"
                            " --> t.rnn:1:3\n"
                            "  |\n"
                            "1 | \u5b57 x \uFFFD y z\n"
                            "  |    ^ here\n");
}

TEST(Diagnostics, OrderAndRepetition) {
  SourceManager sources;
  uint32_t file = sources.addText("t.rnn", "a b c\n");
  Diagnostics diags(sources);
  diags.error("E002", {file, 4, 5}, "second");
  diags.warning("W001", {file, 2, 3}, "middle");
  diags.error("E001", {file, 0, 1}, "first");
  diags.error("E001", {file, 0, 1}, "first");
  diags.error("E003", {}, "nowhere");
  diags.sort();
  ASSERT_EQ(diags.all().size(), 4u);
  EXPECT_EQ(diags.all()[0].message, "first");
  EXPECT_EQ(diags.all()[1].message, "middle");
  EXPECT_EQ(diags.all()[2].message, "second");
  EXPECT_EQ(diags.all()[3].message, "nowhere");
  EXPECT_EQ(diags.errorCount(), 3u);
  EXPECT_EQ(diags.render(diags.all()[3]), "error[E003]: nowhere\n");
}

TEST(Diagnostics, OtherFilesAndLongRanges) {
  SourceManager sources;
  uint32_t a = sources.addText("a.rnn", "one\ntwo\n");
  uint32_t b = sources.addText("b.rnn", "three\n");
  Diagnostics diags(sources);
  diags.error("E000", {a, 1, 7}, "m").also({b, 0, 5}, "there").note("n");
  EXPECT_EQ(diags.render(), "error[E000]: m\n"
                            " --> a.rnn:1:2\n"
                            "  |\n"
                            "1 | one\n"
                            "  |  ^^\n"
                            " ::: b.rnn:1:1\n"
                            "1 | three\n"
                            "  | ----- there\n"
                            "  |\n"
                            "  = note: n\n");
}

TEST(Diagnostics, Color) {
  SourceManager sources;
  uint32_t file = sources.addText("t.rnn", "x\n");
  Diagnostics diags(sources);
  diags.error("E000", {file, 0, 1}, "m");
  EXPECT_NE(diags.render(true).find("\033[1;31merror[E000]\033[0m"),
            std::string::npos);
  EXPECT_EQ(diags.render(false).find('\033'), std::string::npos);
}

} // namespace
