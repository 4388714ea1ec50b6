// ReadersTest.cpp: sentences, files side by side, piano rolls, calendars,
// holes. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Dataset.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Data/Tensor.h"
#include "rnnc/Data/Text.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::data;

namespace {
/// Files that are there while a test runs.
class Readers : public testing::Test {
protected:
  std::string file(const std::string &name, std::string_view content) {
    paths.push_back(testing::TempDir() + "rnnc-readers-" + name);
    EXPECT_TRUE(writeFileAtomically(paths.back(), content));
    return paths.back();
  }
  void TearDown() override {
    for (const std::string &path : paths)
      std::remove(path.c_str());
  }
  /// The message without the folder of its first file.
  std::string errorOf(const std::string &path, const Schema &schema,
                      const ReadOptions &options = {}) {
    Result<Dataset> data = readDataset({path}, schema, options);
    EXPECT_FALSE(data);
    if (data)
      return "";
    std::string message = data.error().message;
    std::string folder = testing::TempDir() + "rnnc-readers-";
    for (size_t at = message.find(folder); at != std::string::npos;
         at = message.find(folder))
      message.erase(at, folder.size());
    return message;
  }
  std::vector<std::string> paths;
};
} // namespace

static FieldSchema field(std::string name, FieldSchema::Kind kind,
                         std::vector<SchemaAxis> axes, bool output = false) {
  FieldSchema result;
  result.name = std::move(name);
  result.kind = kind;
  result.axis = result.isIndex() ? result.name + "s" : "";
  result.axes = std::move(axes);
  result.output = output;
  return result;
}

static const SchemaAxis time_{"T", true, -1};
constexpr auto Index = FieldSchema::Kind::Index;
constexpr auto Real = FieldSchema::Kind::Real;
constexpr auto Bit = FieldSchema::Kind::Bit;

/// Words, their letters, their labels.
static Schema tagger() {
  Schema schema;
  schema.model = "Tagger";
  schema.times = {"T"};
  schema.fields = {field("word", Index, {time_}),
                   field("letter", Index, {time_, {"L", false, 3}}),
                   field("tag", Index, {time_}, true)};
  return schema;
}

static Schema translator() {
  Schema schema;
  schema.model = "Translator";
  schema.times = {"S", "T"};
  schema.fields = {field("src", Index, {{"S", true, -1}}),
                   field("tgt", Index, {{"T", true, -1}}, true)};
  schema.fields[1].unfold = true;
  schema.fields[1].start = 0;
  schema.fields[1].stop = 1;
  return schema;
}

/// The symbols of an example of a field that are no indices yet.
static std::vector<std::string> symbols(const Dataset &data, size_t field,
                                        size_t example) {
  std::vector<std::string> result;
  const Column &column = data.columns[field];
  for (int64_t i = column.begin[example]; i < column.begin[example + 1]; ++i)
    result.push_back(
        data.symbols[static_cast<size_t>(column.ints[static_cast<size_t>(i)])]);
  return result;
}

using Strings = std::vector<std::string>;

static Dataset read(const std::string &path, const Schema &schema,
                    const ReadOptions &options = {}) {
  Result<Dataset> data = readDataset({path}, schema, options);
  EXPECT_TRUE(data) << data.error().message;
  return data ? *data : Dataset();
}

TEST_F(Readers, SentencesOfTokens) {
  std::string path = file("a.conll", "\nNew NNP B-LOC\nYork NNP I-LOC\n \n\n"
                                     "it PRP O\n");
  ReadOptions options;
  options.columns = {{"word", "0"}, {"letter", "0"}, {"tag", "2"}};
  Dataset data = read(path, tagger(), options);
  ASSERT_EQ(data.size(), 2);
  EXPECT_EQ(data.lengths[0], (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(symbols(data, 0, 0), (Strings{"New", "York"}));
  EXPECT_EQ(symbols(data, 1, 0), (Strings{"N", "e", "w", "Y", "o", "r"}));
  EXPECT_EQ(symbols(data, 1, 1), (Strings{"i", "t", "<pad>"}));
  EXPECT_EQ(symbols(data, 2, 1), (Strings{"O"}));
  EXPECT_EQ(data.place(1), path + ":6");
}

TEST_F(Readers, SmallLettersAreForWords) {
  ReadOptions options;
  options.lower = true;
  options.columns = {{"word", "0"}, {"letter", "0"}, {"tag", "1"}};
  Dataset data = read(file("b.conll", "Ab B-X\n"), tagger(), options);
  EXPECT_EQ(symbols(data, 0, 0), (Strings{"ab"}));
  EXPECT_EQ(symbols(data, 1, 0), (Strings{"A", "b", "<pad>"}));
  EXPECT_EQ(symbols(data, 2, 0), (Strings{"B-X"}));
}

TEST_F(Readers, CommentsAndRangesOfCoNLLU) {
  Schema schema = tagger();
  schema.fields.erase(schema.fields.begin() + 1);
  ReadOptions options;
  options.columns = {{"word", "1"}, {"tag", "3"}};
  std::string rest = "\t_\t_\t_\t_\t_\t_\n";
  Dataset data = read(
      file("c.conllu", "# text = vámonos #1\n1-2\tvámonos\t_\t_" + rest +
                           "1\tvamos\tir\tVERB" + rest + "2\tnos\tnos\tPRON" +
                           rest + "2.1\tx\tx\tX" + rest),
      schema, options);
  ASSERT_EQ(data.size(), 1);
  EXPECT_EQ(symbols(data, 0, 0), (Strings{"vamos", "nos"}));
}

TEST_F(Readers, PairsOfSymbols) {
  Schema schema = tagger();
  schema.fields[1].axes = {time_};
  ReadOptions options;
  options.columns = {{"word", "0"}, {"letter", "0:pair"}, {"tag", "1"}};
  Dataset data = read(file("d.bmes", "高 B\n勇 E\n： O\n"), schema, options);
  EXPECT_EQ(symbols(data, 1, 0), (Strings{"高勇", "勇：", "："}));
}

TEST_F(Readers, MistakesInSentences) {
  ReadOptions options;
  options.columns = {{"word", "0"}, {"letter", "0"}, {"tag", "1"}};
  EXPECT_EQ(errorOf(file("e.conll", "a O\n\nb\n"), tagger(), options),
            "e.conll:3: error: 1 column, but the lines above have 2");
  EXPECT_TRUE(errorOf(file("e.conll", "a\tO\nb\t\n"), tagger(), options)
                  .starts_with("e.conll:2: error: `tag` is empty: there is "
                               "nothing between the tabs of column 1"));
  options.columns["tag"] = "2";
  EXPECT_EQ(errorOf(file("e.conll", "a O\n"), tagger(), options),
            "e.conll:1: error: `tag` should be column 2, but there are 2 "
            "columns (counted from 0)");
  options.columns["tag"] = "last";
  EXPECT_TRUE(errorOf(file("e.conll", "a O\n"), tagger(), options)
                  .starts_with("e.conll:1: error: which column is `tag`?"));
  EXPECT_EQ(errorOf(file("e.conll", "a O\n"), tagger()),
            "e.conll:1: error: 2 columns, but `Tagger` has 3 inputs and "
            "outputs; say which is which (counted from 0), as in --columns "
            "word=0,letter=1,tag=2");
  EXPECT_EQ(errorOf(file("e.conll", "a b\n"), translator()),
            "e.conll: error: lines of tokens (--format conll) are for models "
            "whose inputs and outputs have a value for each token; "
            "`Translator` reads one sequence and writes another: texts side "
            "by side (--data src=FILE,tgt=FILE), or a table with a column for "
            "each (.tsv, .csv) would fit");
}

TEST_F(Readers, TextsSideBySide) {
  std::string de = file("x.de", "ein Hund\nzwei\n"),
              en = file("x.en", "a dog\ntwo of them\n");
  Dataset data = read("src=" + de + ",tgt=" + en, translator());
  ASSERT_EQ(data.size(), 2);
  EXPECT_EQ(symbols(data, 0, 0), (Strings{"ein", "Hund"}));
  EXPECT_EQ(symbols(data, 1, 1), (Strings{"two", "of", "them"}));
  EXPECT_EQ(data.lengths[1], (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(data.place(1), de + ":2");
  // Units of their own.
  ReadOptions options;
  options.units = {{"src", "bytes"}, {"tgt", "chars"}};
  data = read("src=" + file("y.de", "aé\n") + ",tgt=" + file("y.en", "é\n"),
              translator(), options);
  EXPECT_EQ(symbols(data, 0, 0), (Strings{"a", "<0xC3>", "<0xA9>"}));
  EXPECT_EQ(symbols(data, 1, 0), (Strings{"é"}));
}

TEST_F(Readers, MistakesSideBySide) {
  std::string de = file("x.de", "a\nb\n"), en = file("x.en", "a\n");
  EXPECT_EQ(errorOf("src=" + de + ",tgt=" + en, translator()),
            "x.en: error: there are 1 rows, but 2 in x.de");
  EXPECT_EQ(errorOf("src=" + de + ",tgd=" + en, translator()),
            "rnnc: error: --data src=x.de,tgd=x.en: model `Translator` has no "
            "input or output `tgd`, or it was named before");
  EXPECT_EQ(errorOf("src=" + de, translator()),
            "rnnc: error: --data src=x.de: where is `tgt`? Write it as "
            "tgt=FILE, or name a table without a field");
  ReadOptions options;
  options.units = {{"sorce", "chars"}};
  EXPECT_EQ(errorOf("src=" + de + ",tgt=" + de, translator(), options),
            "rnnc: error: --unit: model `Translator` has no input or output "
            "`sorce`");
  options.units.clear();
  options.format = "text";
  EXPECT_TRUE(errorOf(de, translator(), options)
                  .starts_with("x.de: error: plain text is for language "
                               "models; `Translator` reads one sequence"));
}

/// Pictures of two by one, and a word for each.
static Schema captioner() {
  Schema schema;
  schema.model = "Captioner";
  schema.times = {"T"};
  schema.fields = {field("img", Real, {{"Y", false, 2}, {"X", false, 1}}),
                   field("cap", Index, {time_}, true)};
  schema.fields[1].unfold = true;
  return schema;
}

TEST_F(Readers, PicturesAndCaptions) {
  std::string one = file("1.u8", std::string("\x00\xFF\x33\x66", 4)),
              two = file("2.u8", std::string("\xFF\x00", 2)),
              captions = file("c.tsv", "img\tcap\n2\tblack\n0\tdark sky\n"
                                       "2\tnight\n");
  Dataset data = read("img=" + one + "+" + two + "," + captions, captioner());
  ASSERT_EQ(data.size(), 3);
  EXPECT_EQ(data.columns[0].reals, (std::vector<double>{1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(symbols(data, 1, 1), (Strings{"dark", "sky"}));
  // Row by row where the table does not say which.
  data = read("img=" + one + "," + file("d.tsv", "cap\na\nb\n"), captioner());
  EXPECT_NEAR(data.columns[0].reals[2], 0.2, 1e-12);
  // Only the inputs.
  Schema inputs = captioner();
  inputs.absent = {inputs.fields.back()};
  inputs.fields.pop_back();
  inputs.times.clear();
  EXPECT_EQ(read("img=" + one, inputs).size(), 2);
  EXPECT_EQ(errorOf("img=" + one + "," + captions, captioner()),
            "c.tsv:2: error: `img` is number 2, but 1.u8 has 2");
  EXPECT_EQ(errorOf("img=" + file("3.u8", "abc") + "," + captions, captioner()),
            "3.u8: error: 3 numbers do not make whole examples of `img`, "
            "which has 2 each");
}

TEST_F(Readers, AxesOfPictures) {
  auto array = [&](std::vector<int64_t> shape) {
    return file("p.npy", printNpy(Tensor(DType::U8, std::move(shape))));
  };
  std::string captions = file("c.tsv", "cap\na\nb\nc\n");
  for (std::vector<int64_t> shape :
       {std::vector<int64_t>{3, 2, 1}, {3, 2}, {6}, {6, 1}})
    EXPECT_EQ(read("img=" + array(shape) + "," + captions, captioner()).size(),
              3);
  EXPECT_EQ(errorOf("img=" + array({3, 1, 2}) + "," + captions, captioner()),
            "p.npy: error: the array is [3, 1, 2], but `img` needs [examples, "
            "2, 1]; bring its axes into that order");
  EXPECT_TRUE(errorOf("img=" + array({2, 1, 3}) + "," + captions, captioner())
                  .starts_with("p.npy: error: the array is [2, 1, 3]"));
}

/// A model that writes is compared with the file, not with what it can say.
TEST_F(Readers, WhatStoodInTheFileStays) {
  std::string path = file("t.tsv", "src\ttgt\na b\tx new\nb\tother\n");
  Dataset data = read(path, translator());
  Vocabularies known;
  known.emplace("srcs", Vocabulary({"<unk>", "a", "b"}));
  known.emplace("tgts", Vocabulary({"<start>", "<stop>", "<unk>", "x"}));
  ASSERT_TRUE(applyVocabularies(data, translator(), known, Unit::Words));
  const Column &column = data.columns[1];
  EXPECT_EQ(column.ints, (std::vector<int32_t>{3, 2, 1, 2, 1}));
  EXPECT_EQ(column.begin, (std::vector<int64_t>{0, 3, 5}));
  EXPECT_EQ(column.writtenBegin, (std::vector<int64_t>{0, 2, 3}));
  Strings written;
  for (int32_t symbol : column.written)
    written.push_back(data.symbols[static_cast<size_t>(symbol)]);
  EXPECT_EQ(written, (Strings{"x", "new", "other"}));
}

static Schema piano(int64_t keys) {
  Schema schema;
  schema.model = "Piano";
  schema.times = {"T"};
  schema.fields = {field("keys", Bit, {time_, {"P", false, keys}}, true)};
  return schema;
}

TEST_F(Readers, PianoRolls) {
  Dataset data = read(file("a.roll", "21 108\n-\n\n60\n"), piano(88));
  ASSERT_EQ(data.size(), 2);
  EXPECT_EQ(data.lengths[0], (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(data.columns[0].ints[0], 1);
  EXPECT_EQ(data.columns[0].ints[87], 1);
  EXPECT_EQ(data.columns[0].ints[2 * 88 + 60 - 21], 1);
  EXPECT_EQ(read(file("b.roll", "0 2\n"), piano(3)).columns[0].ints,
            (std::vector<int32_t>{1, 0, 1}));
  EXPECT_EQ(errorOf(file("c.roll", "20\n"), piano(88)),
            "c.roll:1: error: the key 20 is not among 21 to 108");
  EXPECT_TRUE(errorOf(file("c.roll", "30\nc\n"), piano(88))
                  .starts_with("c.roll:2: error: \"c\" is not the number"));
}

/// Reads numbers along time and predicts the next.
static Schema forecaster(int64_t inputs) {
  Schema schema;
  schema.model = "Forecaster";
  schema.times = {"T"};
  schema.fields = {field("x", Real, {time_, {"I", false, inputs}}),
                   field("y", Real, {}, true)};
  return schema;
}

TEST_F(Readers, CyclesOfDatesAndNumbers) {
  ReadOptions options;
  options.columns = {{"x", "v+when:year+when:day+hour:24"}, {"y", "v"}};
  Dataset data = read(file("a.csv", "when,hour,v\n2016-01-01 06:00,6,1\n"
                                    "2016/07/02T12:00,12,2\n2016-07-03,18,3\n"),
                      forecaster(7), options);
  const std::vector<double> &x = data.columns[0].reals;
  ASSERT_EQ(x.size(), 21u);
  EXPECT_NEAR(x[1], std::sin(2 * M_PI * 0.25 / 366), 1e-12); // of the year
  EXPECT_NEAR(x[3], 1, 1e-12); // six is a quarter of the day
  EXPECT_NEAR(x[4], 0, 1e-12);
  EXPECT_NEAR(x[5], 1, 1e-12);
  EXPECT_NEAR(x[7 + 2], -1, 1e-3); // the middle of the year
  EXPECT_NEAR(x[7 + 4], -1, 1e-12);
  EXPECT_NEAR(x[14 + 4], 1, 1e-12); // no time of the day: midnight
  EXPECT_EQ(data.seriesColumns["x"], "v+when:year+when:day+hour:24");
  options.columns["x"] = "v+when:month";
  EXPECT_TRUE(errorOf(paths.back(), forecaster(3), options)
                  .find("behind the colon stands year, week, day") !=
              std::string::npos);
  options.columns["x"] = "v+v:year";
  EXPECT_EQ(errorOf(paths.back(), forecaster(3), options),
            "a.csv:2: error: column `v`: \"1\" is not a date such as "
            "2016-07-01 13:00");
}

TEST_F(Readers, MissingValues) {
  std::string path = file("b.csv", "v,w\nNA,0\n1,0\n,0\nnan,0\n4,0\n?,0\n");
  Schema schema = forecaster(1);
  ReadOptions options;
  options.columns = {{"x", "v"}, {"y", "v"}};
  EXPECT_EQ(errorOf(path, schema, options),
            "b.csv:2: error: column `v` has \"NA\"; say what becomes of "
            "missing values with --missing last or --missing linear, or leave "
            "such rows out");
  options.series.missing = "last";
  Dataset data = read(path, schema, options);
  EXPECT_EQ(data.columns[0].reals, (std::vector<double>{1, 1, 1, 1, 4, 4}));
  options.series.missing = "linear";
  options.series.window = 1;
  data = read(path, schema, options);
  EXPECT_EQ(data.columns[0].reals, (std::vector<double>{1, 1, 2, 3, 4, 4}));
  // Of five windows two predict what was there.
  Result<Dataset> windows = cutWindows(data, schema, WindowUse::Train);
  ASSERT_TRUE(windows);
  EXPECT_EQ(windows->columns[1].reals, (std::vector<double>{1, 4}));
}

TEST(Units, BytesAreSymbols) {
  std::vector<std::string_view> bytes = splitSymbols("aé\n", Unit::Bytes);
  EXPECT_EQ(Strings(bytes.begin(), bytes.end()),
            (Strings{"a", "<0xC3>", "<0xA9>", "\n"}));
  EXPECT_EQ(joinSymbols({"a", "<0xC3>", "<0xA9>", "<unk>"}, Unit::Bytes),
            "aé<unk>");
  EXPECT_EQ(charactersOf("<0xC3>", Unit::Bytes), 1);
  EXPECT_EQ(charactersOf("<0xA9>", Unit::Bytes), 0);
  EXPECT_EQ(charactersOf("word", Unit::Words), 5);
  EXPECT_EQ(parseUnit("bytes"), Unit::Bytes);
  EXPECT_FALSE(parseUnit("byte"));
}
