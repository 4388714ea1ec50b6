// LibraryTest.cpp: a library by hand, called by name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Library.h"

#include <fstream>
#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::training;
using data::DType;
using data::Tensor;
using data::TensorFile;

static Tensor ints(std::vector<int64_t> shape, std::vector<int32_t> values) {
  return Tensor::copyOf(DType::I32, std::move(shape), values.data());
}

static std::unique_ptr<ModelInstance> open(const char *path) {
  Result<std::shared_ptr<Library>> library = Library::open(path);
  EXPECT_TRUE(library) << library.error().message;
  Result<std::unique_ptr<ModelInstance>> instance =
      ModelInstance::create(*library, 0, 1);
  EXPECT_TRUE(instance);
  return std::move(*instance);
}

TEST(Library, FindsFunctions) {
  Result<std::shared_ptr<Library>> library = Library::open(TABLE_LM);
  ASSERT_TRUE(library) << library.error().message;
  for (const char *name : {"loss", "Table.loss", "Table_loss"})
    EXPECT_TRUE((*library)->find(name)) << name;
  Result<Library::Place> missing = (*library)->find("Table.beam");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exitCode, ExitUsage);
  EXPECT_NE(missing.error().message.find("Table.train_step"),
            std::string::npos);
}

TEST(Library, RenamedFileIsStillFound) {
  EXPECT_TRUE(Library::open(TABLE_CLASSIFIER));
}

TEST(Library, ForeignFilesAreRefused) {
  EXPECT_FALSE(Library::open("/no/such/file.so"));
  std::string path = testing::TempDir() + "rnnc-no-library.so";
  std::ofstream(path) << "not a library";
  Result<std::shared_ptr<Library>> text = Library::open(path);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().exitCode, ExitToolFailure);
}

TEST(Manifest, DamageIsNamed) {
  Result<Manifest> manifest =
      parseManifest(fmt::format("{{\"abi\":{}}}", RNNC_ABI_VERSION), "lib.so");
  ASSERT_FALSE(manifest);
  EXPECT_NE(manifest.error().message.find("`library` is missing"),
            std::string::npos);
  EXPECT_FALSE(parseManifest("[1", "lib.so"));
  EXPECT_FALSE(parseManifest("{\"abi\":99}", "lib.so"));
}

TEST(Call, ListsWhatDoesNotFit) {
  auto instance = open(TABLE_LM);
  Arrays args;
  args["txt"] = ints({2, 3}, {1, 2, 3, 4, 5, 6});
  Result<Arrays> result = instance->call(0, args, {});
  ASSERT_FALSE(result);
  const std::string &message = result.error().message;
  EXPECT_NE(message.find("missing: `text`, i32 [batch, T]"), std::string::npos);
  EXPECT_NE(message.find("unknown: `txt` [2, 3]"), std::string::npos);
  EXPECT_EQ(result.error().exitCode, ExitBadData);
}

TEST(Call, ShapesMustAgree) {
  auto instance = open(TABLE_LM);
  Arrays args;
  args["text"] = ints({2, 3}, {1, 2, 3, 4, 5, 6});
  args["T"] = ints({3}, {1, 2, 3});
  Result<Arrays> result = instance->call(0, args, {});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("`text`: expected i32 [batch, T], "
                                        "found i32 [2, 3]; batch is 3 in `T`"),
            std::string::npos)
      << result.error().message;
}

TEST(Call, IndexErrorsHaveAPlace) {
  auto instance = open(TABLE_LM);
  Arrays args;
  args["text"] = ints({2, 2}, {1, 2, 3, 12});
  Result<Arrays> result = instance->call(0, args, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exitCode, ExitBadData);
  EXPECT_NE(result.error().message.find("`text`, example 1, step 1, value 12"),
            std::string::npos)
      << result.error().message;
}

TEST(Call, ConvertsExactly) {
  auto instance = open(TABLE_LM);
  std::vector<int64_t> wide = {1, 2, 3, 4};
  std::vector<double> broken = {1, 2, 3, 4.5};
  Arrays args;
  args["text"] = Tensor::copyOf(DType::I64, {2, 2}, wide.data());
  Result<Arrays> result = instance->call(0, args, {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_NEAR((*result)["loss"].as<float>()[0], std::log(12.0), 0.1);
  args["text"] = Tensor::copyOf(DType::F64, {2, 2}, broken.data());
  EXPECT_FALSE(instance->call(0, args, {}));
}

TEST(Call, LengthsLimitWhatCounts) {
  auto instance = open(TABLE_LM);
  Arrays args;
  args["text"] = ints({1, 3}, {1, 2, 99});
  args["T"] = ints({1}, {2});
  Result<Arrays> shorter = instance->call(0, args, {});
  ASSERT_TRUE(shorter) << shorter.error().message;
  Arrays whole;
  whole["text"] = ints({1, 2}, {1, 2});
  Result<Arrays> exact = instance->call(0, whole, {});
  ASSERT_TRUE(exact);
  EXPECT_EQ((*shorter)["loss"].as<float>()[0], (*exact)["loss"].as<float>()[0]);
}

TEST(Weights, MustFit) {
  auto instance = open(TABLE_LM);
  TensorFile file = instance->parameters();
  ASSERT_EQ(file.tensors.size(), 1u);
  EXPECT_TRUE(instance->setParameters(file, "w"));
  file.tensors[0].second = Tensor(DType::F32, {3, 3});
  file.add("extra", Tensor(DType::F32, {1}));
  Status status = instance->setParameters(file, "w");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("`lm.W`: expected [12, 12], found "
                                        "[3, 3]"),
            std::string::npos);
  EXPECT_NE(status.error().message.find("unknown: `extra`"), std::string::npos);
}

TEST(Weights, OptimizerStateRoundTrip) {
  auto instance = open(TABLE_LM);
  ASSERT_TRUE(instance->initialiseOptimizer());
  Arrays args;
  args["text"] = ints({1, 4}, {1, 2, 3, 4});
  ModelInstance::CallOptions options;
  options.useOptimizer = true;
  ASSERT_TRUE(instance->call(2, args, options));
  EXPECT_EQ(instance->counters()->updates, 1);
  TensorFile state = instance->optimizerState();
  ASSERT_EQ(state.tensors.size(), 1u);
  EXPECT_EQ(state.tensors[0].first, "optimizer.momentum.lm.W");
  EXPECT_TRUE(instance->setOptimizerState(state, "c"));
  state.tensors.clear();
  EXPECT_FALSE(instance->setOptimizerState(state, "c"));
}
