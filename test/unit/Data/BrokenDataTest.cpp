// BrokenDataTest.cpp: data that does not fit itself is an error with its place.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Dataset.h"
#include "rnnc/Data/Files.h"

#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::data;

namespace {

FieldSchema field(std::string name, FieldSchema::Kind kind,
                  std::vector<SchemaAxis> axes) {
  FieldSchema field;
  field.name = std::move(name);
  field.kind = kind;
  field.axes = std::move(axes);
  if (kind == FieldSchema::Kind::Index)
    field.axis = "V";
  return field;
}

/// x : [T, inner] of the kind, and y : real.
Schema schemaOf(FieldSchema::Kind kind, SchemaAxis inner) {
  Schema schema;
  schema.model = "M";
  schema.times = {"T"};
  schema.fields = {field("x", kind, {{"T", true, -1}, std::move(inner)}),
                   field("y", FieldSchema::Kind::Real, {})};
  schema.fields[1].output = true;
  return schema;
}

Schema numbers() { return schemaOf(FieldSchema::Kind::Real, {"", false, 2}); }
Schema symbols() { return schemaOf(FieldSchema::Kind::Index, {"", false, 2}); }

/// What reading says, without the file's name; empty if nothing is wrong.
std::string complaint(const std::string &name, const std::string &content,
                      const Schema &schema) {
  std::string path = testing::TempDir() + "rnnc-" + name;
  EXPECT_TRUE(writeFileAtomically(path, content));
  Result<Dataset> data = readDataset({path}, schema, {});
  std::remove(path.c_str());
  if (data)
    return "";
  EXPECT_EQ(data.error().exitCode, ExitBadData);
  EXPECT_TRUE(data.error().message.starts_with(path));
  return data.error().message.substr(path.size());
}

TEST(BrokenData, SymbolsAndNumbersInOneColumn) {
  const char *mixed = ":2: error: `x` is given by symbols in some examples and "
                      "by numbers in others";
  EXPECT_EQ(complaint("a.jsonl",
                      "{\"x\":\"a b\",\"y\":1}\n{\"x\":[500000,2],\"y\":1}\n",
                      symbols()),
            mixed);
  EXPECT_EQ(complaint("a.jsonl",
                      "{\"x\":[500000,2],\"y\":1}\n{\"x\":\"a b\",\"y\":1}\n",
                      symbols()),
            mixed);
}

TEST(BrokenData, StepsThatAreNotWhole) {
  EXPECT_EQ(complaint("b.tsv", "x\ty\na b c\t1\n", symbols()),
            ":2: error: `x` has 3 symbols, expected a multiple of 2");
  EXPECT_EQ(complaint("b.tsv", "x\ty\n1 2 3\t1\n", numbers()),
            ":2: error: `x` has 3 numbers, expected a multiple of 2");
  EXPECT_EQ(complaint("b.jsonl", "{\"x\":[\"a\"],\"y\":1}\n", symbols()),
            ":1: error: `x` has 1 symbols, expected a multiple of 2");
  EXPECT_EQ(complaint("b.tsv", "x\ty\na b\t1\n", symbols()), "");
}

TEST(BrokenData, NumbersWithoutASeparator) {
  for (const char *cell : {"1.2.3 4", "1-2 3", "1 2x", "0x10 1"})
    EXPECT_EQ(
        complaint("c.tsv", "x\ty\n" + std::string(cell) + "\t1\n", numbers()),
        ":2: error: `x`: \"" + std::string(cell) +
            "\" is not a list of numbers");
  EXPECT_EQ(complaint("c.tsv", "x\ty\n+1;-2e3, 4 5\t1\n", numbers()), "");
}

TEST(BrokenData, IndicesBeyondEveryAxis) {
  EXPECT_EQ(
      complaint("d.jsonl", "{\"x\":[[2147483647,0]],\"y\":1}\n", symbols()),
      ":1: error: `x`: 2147483647 is not an index");
  EXPECT_EQ(complaint("d.jsonl", "{\"x\":[[1e300,0]],\"y\":1}\n", symbols()),
            ":1: error: `x`: 1e+300 is not an index");
}

TEST(BrokenData, ListsThatAreTooDeep) {
  size_t depth = 100000;
  std::string list = std::string(depth, '[') + "1" + std::string(depth, ']');
  EXPECT_EQ(complaint("e.jsonl", "{\"x\":" + list + ",\"y\":1}\n", numbers()),
            ":1: error: `x` is not a text, a number or a list of these");
}

TEST(BrokenData, ManyExamplesOfNothing) {
  // The shape of 2^40 examples takes no more bytes than another one.
  TensorFile file;
  file.add("text", Tensor(DType::I32, {int64_t(1) << 40, 0}));
  Schema schema;
  schema.model = "M";
  schema.times = {"T"};
  schema.fields = {field("text", FieldSchema::Kind::Index, {{"T", true, -1}})};
  EXPECT_EQ(complaint("g.npz", printNpz(file), schema),
            ": error: `text` is [1099511627776, 0]: there is nothing in the "
            "examples");
}

std::string arrays(std::vector<int64_t> x, std::vector<int64_t> z) {
  TensorFile file;
  file.add("x", Tensor(DType::F64, std::move(x)));
  file.add("z", Tensor(DType::F64, std::move(z)));
  file.add("y", Tensor(DType::F64, {3}));
  return printNpz(file);
}

TEST(BrokenData, ArraysThatDisagreeAboutAnAxis) {
  Schema schema = schemaOf(FieldSchema::Kind::Real, {"F", false, -1});
  schema.fields.push_back(
      field("z", FieldSchema::Kind::Real, {{"F", false, -1}}));
  EXPECT_EQ(complaint("f.npz", arrays({3, 4, 5}, {3, 5}), schema), "");
  EXPECT_EQ(complaint("f.npz", arrays({3, 4, 5}, {3, 6}), schema),
            ": error: `z` is [3, 6]: axis `F` has size 6, in another array 5");
  EXPECT_EQ(complaint("f.npz", arrays({3, 4, 0}, {3, 0}), schema),
            ": error: `x` is [3, 4, 0]: axis `F` has size 0");
  EXPECT_NE(complaint("f.npz", arrays({}, {}), schema), "");
}

/// The validation file is read before anyone knows the size of the axis.
TEST(BrokenData, FilesThatDisagreeAboutAnAxis) {
  Schema schema = schemaOf(FieldSchema::Kind::Real, {"F", false, -1});
  std::string path = testing::TempDir() + "rnnc-g.tsv";
  ASSERT_TRUE(writeFileAtomically(path, "x\ty\n1 2 3\t1\n4 5 6 7\t1\n"));
  Result<Dataset> data = readDataset({path}, schema, {});
  std::remove(path.c_str());
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_TRUE(checkExtents(*data, schema));
  schema.bind({{"F", 5}});
  Status status = checkExtents(*data, schema);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message,
            path + ":2: error: `x` has 3 entries, expected 15");
  EXPECT_EQ(applyVocabularies(*data, schema, {}, Unit::Words).error().message,
            status.error().message);
}

TEST(BrokenData, SharesThatAreNoNumbers) {
  for (const char *shares : {"nan/1", "1/inf", "inf/inf", "1e999/1", "-1/2"}) {
    Result<Split> split = Split::parse(shares, 0);
    ASSERT_FALSE(split) << shares;
    EXPECT_EQ(split.error().exitCode, ExitUsage);
  }
}

} // namespace
