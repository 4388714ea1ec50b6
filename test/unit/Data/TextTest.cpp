// TextTest.cpp: characters, words, tables, vocabularies.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Text.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Data/Random.h"
#include "rnnc/Data/Table.h"
#include "rnnc/Data/Vocabulary.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::data;
using Symbols = std::vector<std::string_view>;

TEST(Utf8, InvalidBytesHaveALine) {
  Status status = checkUtf8("one\ntwo\xFFthree", "a.txt");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "a.txt:2: error: not UTF-8: byte 0xFF");
  EXPECT_EQ(status.error().exitCode, ExitBadData);
}

TEST(Utf8, RefusesWhatIsNotACharacter) {
  for (const char *bad :
       {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xF0\x80\x80\x80", "\xE4\xB8", "\x80", "\xC3"})
    EXPECT_FALSE(checkUtf8(bad, "f")) << bad;
  for (const char *good : {"\xED\x9F\xBF", "\xF4\x8F\xBF\xBF", "中文", "é"})
    EXPECT_TRUE(checkUtf8(good, "f")) << good;
}

TEST(Text, Characters) {
  EXPECT_EQ(splitSymbols("a中b", Unit::Characters), (Symbols{"a", "中", "b"}));
  EXPECT_EQ(countCharacters("a中b"), 3);
}

TEST(Text, Words) {
  EXPECT_EQ(splitSymbols("  the\tcat\u3000sat ", Unit::Words),
            (Symbols{"the", "cat", "sat"}));
  EXPECT_TRUE(splitSymbols(" \t", Unit::Words).empty());
}

TEST(Text, LineEndsOfRunningText) {
  EXPECT_EQ(splitRunningText("a b\n\nc", Unit::Words),
            (Symbols{"a", "b", "<eos>", "<eos>", "c"}));
  EXPECT_EQ(splitRunningText("a\nb\n", Unit::Characters),
            (Symbols{"a", "\n", "b", "\n"}));
}

TEST(Text, JoinIsForReading) {
  EXPECT_EQ(joinSymbols({"a", "b", "<eos>", "c"}, Unit::Words), "a b\nc");
  EXPECT_EQ(joinSymbols({"今", "天"}, Unit::Characters), "今天");
}

TEST(Text, FilesAreCleaned) {
  std::string path = testing::TempDir() + "rnnc-text.txt";
  ASSERT_TRUE(writeFileAtomically(path, "\xEF\xBB\xBFone\r\ntwo\rx\n"));
  EXPECT_EQ(*readText(path), "one\ntwo\rx\n");
  ASSERT_TRUE(writeFileAtomically(path, ""));
  Result<std::string> empty = readText(path);
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().message, path + ":1: error: the file is empty");
}

static Result<Table> csv(std::string_view text) {
  return parseTable(text, TableFormat::CSV, 0, "f.csv");
}

TEST(Table, CsvQuoting) {
  Result<Table> table = csv("label,text\n1,\"a, \"\"b\"\"\nc\"\n0,d\n");
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_EQ(table->rows.size(), 3u);
  EXPECT_EQ(table->rows[1].cells[1], "a, \"b\"\nc");
  EXPECT_EQ(table->rows[1].line, 2);
  EXPECT_EQ(table->rows[2].line, 4); // the cell above has a line end inside
}

TEST(Table, CsvMistakesHaveALine) {
  Result<Table> open = csv("a,b\nc,\"d\n");
  ASSERT_FALSE(open);
  EXPECT_TRUE(open.error().message.starts_with("f.csv:2: error:"));
  Result<Table> behind = csv("a,b\n\"c\"d,e\n");
  ASSERT_FALSE(behind);
  EXPECT_TRUE(behind.error().message.starts_with("f.csv:2: error:"));
}

TEST(Table, ColumnCounts) {
  Result<Table> table = csv("a,b\n1,2\n3\n");
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().message,
            "f.csv:3: error: 1 column, but line 1 has 2");
  EXPECT_EQ(table.error().exitCode, ExitBadData);
}

TEST(Table, TsvQuotesAreOptional) {
  Result<Table> table = parseTable("x\t\"quoted\ty\"\nz\t\"he\" said\n",
                                   TableFormat::TSV, 0, "f");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->rows[0].cells[1], "quoted\ty");
  EXPECT_EQ(table->rows[1].cells[1], "\"he\" said");
}

TEST(Table, LabelBeforeABlank) {
  Result<Table> table =
      parseTable("0 one two\n\n1 three\n", TableFormat::Space, 2, "f");
  ASSERT_TRUE(table);
  ASSERT_EQ(table->rows.size(), 2u);
  EXPECT_EQ(table->rows[0].cells[1], "one two");
  EXPECT_EQ(table->rows[1].line, 3);
  EXPECT_FALSE(parseTable("alone\n", TableFormat::Space, 2, "f"));
}

TEST(Vocabulary, ReservedFirstThenUnknownThenByCount) {
  Vocabulary::Plan plan;
  plan.reserved = {{0, "<start>"}, {2, "<stop>"}};
  Vocabulary v =
      Vocabulary::build({{"a", 1}, {"b", 5}, {"c", 5}, {"<unk>", 9}}, plan);
  EXPECT_EQ(v.all(), (std::vector<std::string>{"<start>", "<unk>", "<stop>",
                                               "b", "c", "a"}));
  EXPECT_EQ(v.find("nothing"), 1);
  EXPECT_EQ(v.find("a"), 5);
}

TEST(Vocabulary, GapsBelowReservedIndices) {
  Vocabulary::Plan plan;
  plan.reserved = {{3, "<stop>"}};
  Vocabulary v = Vocabulary::build({{"a", 1}}, plan);
  EXPECT_EQ(v.all(),
            (std::vector<std::string>{"<unk>", "a", "<unused2>", "<stop>"}));
}

TEST(Vocabulary, Limits) {
  Vocabulary::Plan plan;
  plan.minCount = 2;
  Vocabulary rare = Vocabulary::build({{"a", 1}, {"b", 2}}, plan);
  EXPECT_EQ(rare.all(), (std::vector<std::string>{"<unk>", "b"}));
  plan.minCount = 1;
  plan.maxSize = 2;
  Vocabulary few = Vocabulary::build({{"a", 1}, {"b", 2}, {"c", 3}}, plan);
  EXPECT_EQ(few.all(), (std::vector<std::string>{"<unk>", "c"}));
}

TEST(Vocabulary, LabelsAreSortedAndClosed) {
  Vocabulary::Plan plan;
  plan.unknown = false;
  Vocabulary numbers =
      Vocabulary::build({{"10", 1}, {"9", 9}, {"-1", 2}}, plan);
  EXPECT_EQ(numbers.all(), (std::vector<std::string>{"-1", "9", "10"}));
  Vocabulary words = Vocabulary::build({{"pos", 1}, {"neg", 9}}, plan);
  EXPECT_EQ(words.all(), (std::vector<std::string>{"neg", "pos"}));
  EXPECT_EQ(words.find("other"), -1);
}

TEST(Vocabulary, JsonRoundTrip) {
  Vocabulary v({"<unk>", "\n", "\"", "中"});
  Result<Vocabulary> back = Vocabulary::fromJson(v.toJson(), "v.json");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->all(), v.all());
  EXPECT_EQ(back->unknown(), 0);
  EXPECT_FALSE(Vocabulary::fromJson("{}", "v.json"));
  EXPECT_FALSE(Vocabulary::fromJson("[1]", "v.json"));
}

TEST(Random, KnownPhiloxNumbers) {
  // The first test vectors of the authors' Random123.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c,
                                     0x9b00dbd8}));
  uint32_t f = 0xffffffff;
  EXPECT_EQ(philox({f, f, f, f}, {f, f}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6,
                                     0x6d5451fd}));
}

TEST(Random, Permutations) {
  std::vector<int32_t> a = permutation(100, 1, 2), b = permutation(100, 1, 2);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, permutation(100, 1, 3));
  EXPECT_NE(a, permutation(100, 2, 2));
  std::sort(a.begin(), a.end());
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(a[static_cast<size_t>(i)], i);
}

TEST(Random, BelowStaysBelow) {
  Random random(7, 0);
  int seen[3] = {};
  for (int i = 0; i < 3000; ++i)
    ++seen[random.below(3)];
  for (int count : seen)
    EXPECT_NEAR(count, 1000, 120);
}
