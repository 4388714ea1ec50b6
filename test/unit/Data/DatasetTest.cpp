// DatasetTest.cpp: files into examples, parts, indices, batches.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Batches.h"
#include "rnnc/Data/Files.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::data;

namespace {
/// A file that is there while the test runs.
struct TemporaryFile {
  std::string path;
  TemporaryFile(const std::string &name, std::string_view content)
      : path(testing::TempDir() + "rnnc-" + name) {
    EXPECT_TRUE(writeFileAtomically(path, content));
  }
  ~TemporaryFile() { std::remove(path.c_str()); }
};
} // namespace

static FieldSchema index(std::string name, std::string axis, bool sequence,
                         bool output) {
  FieldSchema field;
  field.name = std::move(name);
  field.kind = FieldSchema::Kind::Index;
  field.axis = std::move(axis);
  field.output = output;
  if (sequence)
    field.axes.push_back({"T", true, -1});
  return field;
}

static Schema classifier() {
  Schema schema;
  schema.model = "M";
  schema.times = {"T"};
  schema.fields = {index("words", "V", true, false),
                   index("mood", "C", false, true)};
  return schema;
}

static Schema languageModel(std::optional<int64_t> chunk,
                            std::optional<int64_t> stop) {
  Schema schema;
  schema.model = "LM";
  schema.times = {"T"};
  schema.fields = {index("text", "V", true, true)};
  schema.fields[0].unfold = true;
  schema.fields[0].start = 0;
  schema.fields[0].stop = stop;
  schema.chunk = chunk;
  return schema;
}

static Dataset read(const TemporaryFile &file, const Schema &schema,
                    const ReadOptions &options = {}) {
  Result<Dataset> data = readDataset({file.path}, schema, options);
  EXPECT_TRUE(data) << data.error().message;
  return data ? *data : Dataset();
}

static std::string errorOf(const TemporaryFile &file, const Schema &schema,
                           const ReadOptions &options = {}) {
  Result<Dataset> data = readDataset({file.path}, schema, options);
  EXPECT_FALSE(data);
  if (data)
    return "";
  EXPECT_EQ(data.error().exitCode, ExitBadData);
  std::string message = data.error().message;
  EXPECT_TRUE(message.starts_with(file.path)) << message;
  return message.substr(file.path.size());
}

TEST(Read, ColumnsByHeaderInEitherOrder) {
  TemporaryFile file("a.tsv", "x\tmood\twords\n-\tgood\ta b\n-\tbad\tc\n");
  Dataset data = read(file, classifier());
  ASSERT_EQ(data.size(), 2);
  EXPECT_EQ(data.lengths[0], (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(data.columns[0].ints.size(), 3u);
  EXPECT_EQ(data.symbols[static_cast<size_t>(data.columns[1].ints[1])], "bad");
  EXPECT_EQ(data.place(1), file.path + ":3");
}

TEST(Read, ColumnsByNumber) {
  TemporaryFile file("b.csv", "good,\"a, b\"\nbad,c\n");
  ReadOptions options;
  options.columns = {{"mood", "0"}, {"words", "1"}};
  Dataset data = read(file, classifier(), options);
  ASSERT_EQ(data.size(), 2);
  EXPECT_EQ(data.symbols[0], "a,");
}

TEST(Read, LabelBeforeABlank) {
  TemporaryFile file("c.txt", "1 a b\n0 c\n");
  ReadOptions options;
  options.format = "space";
  options.columns = {{"mood", "0"}, {"words", "1"}};
  EXPECT_EQ(read(file, classifier(), options).size(), 2);
}

TEST(Read, MistakesNameTheirPlace) {
  Schema schema = classifier();
  EXPECT_EQ(errorOf({"d.tsv", ""}, schema), ":1: error: the file is empty");
  EXPECT_EQ(errorOf({"d.tsv", "mood\twords\n"}, schema),
            ":1: error: there is no row below the header");
  EXPECT_EQ(errorOf({"d.tsv", "mood\twords\ngood\n"}, schema),
            ":2: error: 1 column, but line 1 has 2");
  EXPECT_EQ(errorOf({"d.tsv", "mood\twords\n \ta\n"}, schema),
            ":2: error: `mood` is empty");
  EXPECT_EQ(
      errorOf({"d.tsv", "mood\twords\ngood\ta\xFF\n"}, schema),
      ":2: error: not UTF-8: byte 0xFF; give its encoding, such as --encoding "
      "latin-1");
  EXPECT_TRUE(errorOf({"d.tsv", "label\twords\ngood\ta\n"}, schema)
                  .starts_with(":1: error: there is no column `mood`"));
  EXPECT_EQ(
      errorOf({"d.jsonl", "{\"mood\":\"x\",\"words\":\"a\"}\n[\n"}, schema),
      ":2: error: not a JSON object; each line is to be one, such as "
      "{\"words\": ..., \"mood\": ...}");
  EXPECT_EQ(errorOf({"d.jsonl", "{\"mood\":\"x\"}\n"}, schema),
            ":1: error: `words` is missing");
}

TEST(Read, NumbersInCells) {
  Schema schema = classifier();
  schema.fields[0].kind = FieldSchema::Kind::Real;
  schema.fields[0].axes.push_back({"I", false, 2});
  TemporaryFile file("e.tsv", "mood\twords\na\t1 2; -3 4e-1\nb\t0.5 +6\n");
  Dataset data = read(file, schema);
  EXPECT_EQ(data.columns[0].reals,
            (std::vector<double>{1, 2, -3, 0.4, 0.5, 6}));
  EXPECT_EQ(data.lengths[0], (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(errorOf({"e.tsv", "mood\twords\na\t1 2 3\n"}, schema),
            ":2: error: `words` has 3 numbers, expected a multiple of 2");
  EXPECT_EQ(errorOf({"e.tsv", "mood\twords\na\t1 x\n"}, schema),
            ":2: error: `words`: \"1 x\" is not a list of numbers");
}

TEST(Read, JsonLines) {
  TemporaryFile file(
      "f.jsonl", "{\"words\": [\"new york\", \"b\"], \"mood\": \"good\"}\n");
  Dataset data = read(file, classifier());
  EXPECT_EQ(data.symbols[0], "new york");
  EXPECT_EQ(data.lengths[0][0], 2);
}

TEST(Read, ArraysWithLengths) {
  Schema schema = classifier();
  schema.fields[0].kind = FieldSchema::Kind::Real;
  schema.fields[0].axes.push_back({"I", false, -1});
  TensorFile file;
  std::vector<float> x(2 * 3 * 2);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i);
  std::vector<int32_t> mood = {1, 0}, lengths = {1, 3};
  file.add("words", Tensor::copyOf(DType::F32, {2, 3, 2}, x.data()));
  file.add("mood", Tensor::copyOf(DType::I32, {2}, mood.data()));
  file.add("T", Tensor::copyOf(DType::I32, {2}, lengths.data()));
  TemporaryFile npz("g.npz", printNpz(file));
  Dataset data = read(npz, schema);
  EXPECT_EQ(data.columns[0].reals,
            (std::vector<double>{0, 1, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(data.lengths[0], lengths);
  EXPECT_EQ(data.axisSizes.at("I"), 2);
  file.tensors[2].second.as<int32_t>()[0] = 4;
  EXPECT_EQ(errorOf({"g.npz", printNpz(file)}, schema),
            ":1: error: the length 4 is not between 0 and 3");
}

TEST(Read, RunningTextAndLines) {
  TemporaryFile file("h.txt", "ab\n\nc\n");
  Dataset running = read(file, languageModel(5, std::nullopt));
  ASSERT_EQ(running.size(), 1);
  EXPECT_EQ(running.lengths[0][0], 6);
  Dataset lines = read(file, languageModel(std::nullopt, 1));
  ASSERT_EQ(lines.size(), 2);
  EXPECT_EQ(lines.lengths[0], (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(lines.places[1].line, 3);
  // Without `stop` the end of the line is a symbol.
  Dataset open = read(file, languageModel(std::nullopt, std::nullopt));
  EXPECT_EQ(open.lengths[0], (std::vector<int32_t>{3, 2}));
}

TEST(Read, SeveralFilesAreOneText) {
  TemporaryFile a("i.txt", "ab"), b("j.txt", "cd");
  Result<Dataset> data = readDataset(
      {a.path, b.path}, languageModel(5, std::nullopt), ReadOptions());
  ASSERT_TRUE(data);
  EXPECT_EQ(data->size(), 1);
  EXPECT_EQ(data->lengths[0][0], 4);
}

TEST(Split, Shares) {
  EXPECT_FALSE(Split::parse("80", 0));
  EXPECT_FALSE(Split::parse("80/x", 0));
  EXPECT_FALSE(Split::parse("0/50/50", 0));
  EXPECT_FALSE(Split::parse("80/20", 3));
  EXPECT_FALSE(Split::parse("", 1));
  TemporaryFile file("k.txt", "0123456789");
  Schema schema = languageModel(2, std::nullopt);
  Result<Parts> parts =
      splitDataset(read(file, schema), schema, *Split::parse("50/30/20", 0));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->train.lengths[0][0], 5);
  EXPECT_EQ(parts->valid.lengths[0][0], 3);
  EXPECT_EQ(parts->test.lengths[0][0], 2);
  EXPECT_EQ(
      parts->test.symbols[static_cast<size_t>(parts->test.columns[0].ints[0])],
      "8");
}

static std::string labelled(int count) {
  std::string text = "mood\twords\n";
  for (int i = 0; i < count; ++i)
    text += fmt::format("{}\tw{}\n", i < count / 2 ? "good" : "bad", i);
  return text;
}

TEST(Split, EveryExampleInOnePart) {
  TemporaryFile file("l.tsv", labelled(50));
  Schema schema = classifier();
  Result<Parts> parts =
      splitDataset(read(file, schema), schema, *Split::parse("80/10/10", 0));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->train.size(), 40);
  std::set<int64_t> lines;
  for (const Dataset *part : {&parts->train, &parts->valid, &parts->test})
    for (const Dataset::Place &place : part->places)
      EXPECT_TRUE(lines.insert(place.line).second);
  EXPECT_EQ(lines.size(), 50u);
  Result<Parts> modulus =
      splitDataset(read(file, schema), schema, *Split::parse("", 10));
  ASSERT_TRUE(modulus);
  EXPECT_EQ(modulus->train.size(), 45);
  ASSERT_EQ(modulus->test.size(), 5);
  EXPECT_EQ(modulus->test.places[0].line, 11); // the tenth row, under a header
}

TEST(Vocabularies, SetOpenSizes) {
  TemporaryFile file("m.tsv", "mood\twords\ngood\ta b\nbad\ta\n");
  Schema schema = classifier();
  Dataset data = read(file, schema);
  Result<Learned> learned = learnVocabularies(data, schema, ReadOptions());
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->dims,
            (std::map<std::string, int64_t>{{"V", 3}, {"C", 2}}));
  EXPECT_EQ(learned->vocabularies.at("C").all(),
            (std::vector<std::string>{"bad", "good"}));
  schema.bind(learned->dims);
  ASSERT_TRUE(
      applyVocabularies(data, schema, learned->vocabularies, Unit::Words));
  EXPECT_EQ(data.columns[0].ints, (std::vector<int32_t>{1, 2, 1}));
  EXPECT_EQ(data.columns[1].ints, (std::vector<int32_t>{1, 0}));
}

TEST(Vocabularies, FixedSizes) {
  TemporaryFile file("n.tsv", "mood\twords\ngood\ta b\nbad\ta\n");
  Schema schema = classifier();
  schema.fields[0].size = 10;
  Dataset data = read(file, schema);
  Result<Learned> learned = learnVocabularies(data, schema, ReadOptions());
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->warnings.size(), 1u);
  schema.fields[0].size = 2;
  Result<Learned> tooMany = learnVocabularies(data, schema, ReadOptions());
  ASSERT_FALSE(tooMany);
  EXPECT_EQ(tooMany.error().exitCode, ExitBadData);
  ReadOptions options;
  options.maxVocabulary = 2;
  EXPECT_TRUE(learnVocabularies(data, schema, options));
}

TEST(Vocabularies, UnknownLabelsHaveAPlace) {
  TemporaryFile train("o.tsv", "mood\twords\ngood\ta\nbad\ta\n");
  TemporaryFile other("p.tsv", "mood\twords\ngood\tz\nawful\ta\n");
  Schema schema = classifier();
  Dataset data = read(train, schema), test = read(other, schema);
  Result<Learned> learned = learnVocabularies(data, schema, ReadOptions());
  ASSERT_TRUE(learned);
  Status status =
      applyVocabularies(test, schema, learned->vocabularies, Unit::Words);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message,
            other.path + ":3: error: `mood`: the label `awful` is unknown; "
                         "the model has bad, good");
}

TEST(Vocabularies, NoPlacesFarBehindTheData) {
  TemporaryFile file("g.txt", "to be\n");
  Schema schema = languageModel(20, std::nullopt);
  schema.fields[0].start = 2000000000; // would be filled up with <unused1> ...
  Result<Learned> learned = learnVocabularies(read(file, schema), schema, {});
  ASSERT_FALSE(learned);
  EXPECT_EQ(
      learned.error().message,
      "rnnc: error: the model has <start> of `V` at place 2000000000, but "
      "the data has 6 different symbols; give a place next to them in the "
      "source");
  schema.fields[0].start = 9; // a few are
  learned = learnVocabularies(read(file, schema), schema, {});
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->dims.at("V"), 10);
}

TEST(Vocabularies, StopIsAppended) {
  TemporaryFile file("q.txt", "ab\nc\n");
  Schema schema = languageModel(std::nullopt, 1);
  Dataset data = read(file, schema);
  Result<Learned> learned = learnVocabularies(data, schema, ReadOptions());
  ASSERT_TRUE(learned);
  EXPECT_EQ(
      learned->vocabularies.at("V").all(),
      (std::vector<std::string>{"<start>", "<stop>", "<unk>", "a", "b", "c"}));
  ASSERT_TRUE(
      applyVocabularies(data, schema, learned->vocabularies, Unit::Characters));
  EXPECT_EQ(data.columns[0].ints, (std::vector<int32_t>{3, 4, 1, 5, 1}));
  EXPECT_EQ(data.lengths[0], (std::vector<int32_t>{3, 2}));
  EXPECT_EQ(data.characters, (std::vector<int64_t>{2, 1}));
}

TEST(Vocabularies, WordsCountWithTheirBlank) {
  TemporaryFile file("r.txt", "the cat\nsat\n");
  Schema schema = languageModel(4, std::nullopt);
  ReadOptions options;
  options.tokens = "words";
  Dataset data = read(file, schema, options);
  Result<Learned> learned = learnVocabularies(data, schema, options);
  ASSERT_TRUE(learned);
  ASSERT_TRUE(
      applyVocabularies(data, schema, learned->vocabularies, Unit::Words));
  EXPECT_EQ(data.characters, (std::vector<int64_t>{12}));
}

/// Running text of the numbers 0 .. n-1.
static Dataset numbers(int n) {
  Dataset data;
  data.columns.resize(1);
  for (int i = 0; i < n; ++i)
    data.columns[0].ints.push_back(i);
  data.columns[0].begin = {0, n};
  data.lengths = {{n}};
  data.files = {"f"};
  data.places = {{0, 1}};
  return data;
}

TEST(Batches, RunningTextIsContiguous) {
  Schema schema = languageModel(3, std::nullopt);
  Dataset data = numbers(17);
  BatchPlan::Options options;
  options.batch = 2;
  options.chunk = 3;
  BatchPlan plan(data, schema, options);
  ASSERT_EQ(plan.count(), 3); // 8 symbols a row: 3 + 3 + 2
  Batch first = plan.make(0), second = plan.make(1), last = plan.make(2);
  const int32_t *text = first.arrays["text"].as<int32_t>();
  EXPECT_EQ(std::vector<int32_t>(text, text + 6),
            (std::vector<int32_t>{0, 1, 2, 8, 9, 10}));
  EXPECT_EQ(first.arrays["reset"].as<int32_t>()[1], 1);
  EXPECT_EQ(second.arrays["reset"].as<int32_t>()[1], 0);
  EXPECT_EQ(second.arrays["text"].as<int32_t>()[0], 3);
  EXPECT_EQ(last.arrays["text"].shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(last.elements, 4);
}

TEST(Batches, EvaluationLeavesNothingOut) {
  Schema schema = languageModel(3, std::nullopt);
  Dataset data = numbers(17);
  BatchPlan::Options options;
  options.batch = 4;
  options.chunk = 3;
  options.shuffle = false;
  BatchPlan plan(data, schema, options);
  int64_t elements = 0;
  for (int64_t i = 0; i < plan.count(); ++i)
    elements += plan.make(i).elements;
  EXPECT_EQ(elements, 17);
}

/// n examples; example i has the length i % 7 and the symbols i.
static Dataset ragged(int n) {
  Dataset data;
  data.columns.resize(2);
  data.lengths.resize(1);
  data.files = {"f"};
  for (int i = 0; i < n; ++i) {
    data.columns[0].ints.insert(data.columns[0].ints.end(),
                                static_cast<size_t>(i % 7), i);
    data.columns[0].begin.push_back(
        static_cast<int64_t>(data.columns[0].ints.size()));
    data.columns[1].ints.push_back(i);
    data.columns[1].begin.push_back(i + 1);
    data.lengths[0].push_back(i % 7);
    data.places.push_back({0, i + 1});
  }
  return data;
}

TEST(Batches, EveryExampleOnceAndBucketed) {
  Schema schema = classifier();
  Dataset data = ragged(103);
  BatchPlan::Options options;
  options.batch = 10;
  BatchPlan plan(data, schema, options);
  EXPECT_EQ(plan.count(), 11);
  std::set<int32_t> seen;
  int64_t padded = 0, steps = 0;
  for (int64_t b = 0; b < plan.count(); ++b) {
    Batch batch = plan.make(b);
    const Tensor &words = batch.arrays["words"];
    padded += words.count();
    steps += batch.steps;
    for (int32_t r = 0; r < batch.rows; ++r) {
      int32_t example = batch.examples[static_cast<size_t>(r)];
      EXPECT_TRUE(seen.insert(example).second);
      EXPECT_EQ(batch.arrays["mood"].as<int32_t>()[r], example);
      for (int t = 0; t < example % 7; ++t)
        EXPECT_EQ(words.as<int32_t>()[r * words.shape[1] + t], example);
    }
  }
  EXPECT_EQ(seen.size(), 103u);
  EXPECT_EQ(steps, std::count_if(data.columns[0].ints.begin(),
                                 data.columns[0].ints.end(),
                                 [](int) { return true; }));
  EXPECT_LT(padded, steps * 13 / 10); // sorted by length: little padding
}

TEST(Batches, MixedHoldAnyLengths) {
  Schema schema = classifier();
  Dataset data = ragged(700);
  BatchPlan::Options options;
  options.batch = 70;
  options.mixed = true;
  BatchPlan plan(data, schema, options);
  ASSERT_EQ(plan.count(), 10);
  std::set<int32_t> seen;
  for (int64_t b = 0; b < plan.count(); ++b) {
    std::set<int32_t> lengths;
    for (int32_t example : plan.make(b).examples) {
      EXPECT_TRUE(seen.insert(example).second);
      lengths.insert(example % 7);
    }
    EXPECT_EQ(lengths.size(), 7u); // all but surely, and the same in every run
  }
  EXPECT_EQ(seen.size(), 700u);
}

TEST(Batches, OrderIsAFunctionOfSeedAndEpoch) {
  Schema schema = classifier();
  Dataset data = ragged(103);
  auto order = [&](uint64_t seed, uint64_t epoch) {
    BatchPlan::Options options;
    options.batch = 10;
    options.seed = seed;
    options.epoch = epoch;
    BatchPlan plan(data, schema, options);
    std::vector<int32_t> examples;
    for (int64_t b = 0; b < plan.count(); ++b)
      for (int32_t example : plan.make(b).examples)
        examples.push_back(example);
    return examples;
  };
  EXPECT_EQ(order(1, 1), order(1, 1));
  EXPECT_NE(order(1, 1), order(1, 2));
  EXPECT_NE(order(1, 1), order(2, 1));
}

TEST(Batches, ChunksOfExamplesEndWithThem) {
  Schema schema = languageModel(3, 1);
  Dataset data = ragged(20);
  data.columns.resize(1);
  BatchPlan::Options options;
  options.batch = 4;
  options.chunk = 3;
  BatchPlan plan(data, schema, options);
  int64_t elements = 0, resets = 0;
  for (int64_t b = 0; b < plan.count(); ++b) {
    Batch batch = plan.make(b);
    elements += batch.elements;
    for (int32_t r = 0; r < 4; ++r)
      resets += batch.arrays["reset"].as<int32_t>()[r];
  }
  EXPECT_EQ(elements, static_cast<int64_t>(data.columns[0].ints.size()));
  EXPECT_GE(resets, 17); // examples of length 0 need no row of their own
}
