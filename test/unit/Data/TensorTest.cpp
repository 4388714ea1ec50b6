// TensorTest.cpp: files of arrays.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Tensor.h"
#include "rnnc/Data/Files.h"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::data;

static Tensor floats(std::vector<int64_t> shape, std::vector<float> values) {
  return Tensor::copyOf(DType::F32, std::move(shape), values.data());
}

static TensorFile sampleFile() {
  TensorFile file;
  file.metadata["vocabulary"] = "[\"a\",\"中\"]";
  file.add("rnn.W", floats({2, 3}, {1, 2, 3, 4, 5, 6}));
  std::vector<int64_t> counts = {1, -5};
  file.add("counts", Tensor::copyOf(DType::I64, {2}, counts.data()));
  file.add("empty", Tensor(DType::F64, {0, 4}));
  file.add("scalar", floats({}, {0.5f}));
  return file;
}

static void expectEqual(const TensorFile &a, const TensorFile &b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].first, b.tensors[i].first);
    const Tensor &x = a.tensors[i].second, &y = b.tensors[i].second;
    EXPECT_EQ(x.type, y.type);
    EXPECT_EQ(x.shape, y.shape);
    ASSERT_EQ(x.bytes.size(), y.bytes.size());
    EXPECT_EQ(std::memcmp(x.bytes.data(), y.bytes.data(), x.bytes.size()), 0);
  }
}

TEST(Safetensors, RoundTrip) {
  TensorFile file = sampleFile();
  Result<TensorFile> back = parseSafetensors(printSafetensors(file), "f");
  ASSERT_TRUE(back) << back.error().message;
  expectEqual(file, *back);
  EXPECT_EQ(back->metadata, file.metadata);
}

TEST(Safetensors, EveryPrefixIsRefused) {
  std::string bytes = printSafetensors(sampleFile());
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(parseSafetensors(bytes.substr(0, n), "f")) << n;
}

TEST(Safetensors, NoByteCrashes) {
  std::string bytes = printSafetensors(sampleFile());
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int value : {0, 0x22, 0x39, 0x7b, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(value);
      (void)parseSafetensors(changed, "f");
    }
}

TEST(Safetensors, HugeShapesAreRefused) {
  std::string header = R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],)"
                       R"("data_offsets":[0,0]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  EXPECT_FALSE(parseSafetensors(bytes + header, "f"));
}

TEST(Npz, RoundTrip) {
  TensorFile file = sampleFile();
  Result<TensorFile> back = parseNpz(printNpz(file), "f");
  ASSERT_TRUE(back) << back.error().message;
  expectEqual(file, *back);
}

TEST(Npz, EveryPrefixIsRefused) {
  std::string bytes = printNpz(sampleFile());
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(parseNpz(bytes.substr(0, n), "f")) << n;
}

TEST(Npz, NoByteCrashes) {
  std::string bytes = printNpz(sampleFile());
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int value : {0, 0x28, 0x39, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(value);
      (void)parseNpz(changed, "f");
    }
}

TEST(Npz, NoByteIsUnpackedTwice) {
  TensorFile file;
  file.add("a", floats({4}, {1, 2, 3, 4}));
  file.add("b", floats({4}, {5, 6, 7, 8}));
  file.add("c", floats({4}, {5, 6, 7, 8}));
  std::string bytes = printNpz(file);
  // Every entry of the directory points at the first array.
  for (size_t at = bytes.find("PK\1\2"); at != std::string::npos;
       at = bytes.find("PK\1\2", at + 4))
    bytes.replace(at + 42, 4, 4, '\0');
  EXPECT_TRUE(parseNpz(bytes, "m.npz")); // harmless
  size_t begin = bytes.find("PK\1\2"), end = bytes.rfind("PK\5\6");
  std::string directory = bytes.substr(begin, end - begin);
  std::string bomb = bytes.substr(0, end);
  for (int i = 0; i < 9; ++i)
    bomb += directory;
  bomb += bytes.substr(end);
  for (size_t at : {8, 10})
    bomb[bomb.rfind("PK\5\6") + at] = 30;
  Result<TensorFile> refused = parseNpz(bomb, "m.npz");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("bytes of another array"),
            std::string::npos);
}

TEST(Npy, ColumnMajorBecomesRowMajor) {
  std::string bytes = printNpy(floats({2, 3}, {1, 4, 2, 5, 3, 6}));
  size_t at = bytes.find("False");
  bytes.replace(at, 5, "True ");
  Result<Tensor> tensor = parseNpy(bytes, "f");
  ASSERT_TRUE(tensor);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(tensor->as<float>()[i], i + 1);
}

TEST(Convert, ExactOnly) {
  std::vector<double> values = {1, 0.5, 3};
  Tensor doubles = Tensor::copyOf(DType::F64, {3}, values.data());
  ASSERT_TRUE(convertExact(doubles, DType::F32, "x"));
  Result<Tensor> ints = convertExact(doubles, DType::I32, "x");
  ASSERT_FALSE(ints);
  EXPECT_EQ(ints.error().message,
            "`x`: element 1 is 0.5, which i32 cannot hold exactly");
  doubles.as<double>()[1] = 0.1;
  EXPECT_FALSE(convertExact(doubles, DType::F32, "x"));
}

TEST(Convert, LimitsOfIntegers) {
  std::vector<int64_t> values = {INT64_MAX};
  Tensor big = Tensor::copyOf(DType::I64, {1}, values.data());
  EXPECT_FALSE(convertExact(big, DType::F64, "x"));
  EXPECT_FALSE(convertExact(big, DType::I32, "x"));
  std::vector<double> floats = {9.3e18, -1};
  Tensor wide = Tensor::copyOf(DType::F64, {2}, floats.data());
  EXPECT_FALSE(convertExact(wide, DType::I64, "x"));
  wide.as<double>()[0] = 7;
  EXPECT_TRUE(convertExact(wide, DType::I64, "x"));
  EXPECT_FALSE(convertExact(wide, DType::U8, "x"));
}

TEST(Convert, NaNStaysNaN) {
  Tensor nan = floats({1}, {std::nanf("")});
  Result<Tensor> wide = convertExact(nan, DType::F64, "x");
  ASSERT_TRUE(wide);
  EXPECT_TRUE(std::isnan(wide->as<double>()[0]));
  EXPECT_FALSE(convertExact(nan, DType::I32, "x"));
}

TEST(Files, AtomicWriteReplaces) {
  std::string directory = testing::TempDir() + "rnnc-files";
  ASSERT_TRUE(makeDirectory(directory));
  std::string path = directory + "/a";
  ASSERT_TRUE(writeFileAtomically(path, "one"));
  ASSERT_TRUE(writeFileAtomically(path, "two"));
  EXPECT_EQ(*readFile(path), "two");
  // No temporary file is left.
  int entries = 0;
  for (auto &entry : std::filesystem::directory_iterator(directory))
    entries += entry.is_regular_file();
  EXPECT_EQ(entries, 1);
  EXPECT_FALSE(writeFileAtomically(directory + "/no/such", "x"));
  std::filesystem::remove_all(directory);
}
