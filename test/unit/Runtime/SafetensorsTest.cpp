// SafetensorsTest.cpp: weights from a file in memory, whole or not at all.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

class LoadTest : public testing::Test {
protected:
  LoadTest() : params(rnnc_rt_params_size(kToy)) {
    EXPECT_EQ(rnnc_rt_params_init(kToy, par(), params.size, 1, nullptr),
              RNNC_OK);
    first.assign(params.data, params.data + params.size);
    for (int i = 0; i < 12; ++i) {
      float value = float(i) + 0.5f;
      body.append(reinterpret_cast<const char *>(&value), 4);
    }
  }
  rnnc_params *par() { return params.as<rnnc_params>(); }

  static std::string file(const std::string &header, const std::string &data) {
    uint64_t size = header.size();
    std::string out(reinterpret_cast<const char *>(&size), 8);
    return out + header + data;
  }
  int32_t load(const std::string &bytes) {
    return rnnc_rt_params_load(kToy, par(), bytes.data(), bytes.size(), &error);
  }
  /// Loads; what was refused has changed nothing.
  std::string refused(const std::string &bytes) {
    EXPECT_EQ(load(bytes), RNNC_ERR_WEIGHTS);
    EXPECT_EQ(memcmp(params.data, first.data(), params.size), 0);
    return error.message;
  }
  float at(int parameter, int i) {
    return static_cast<float *>(rnnc_rt_params_data(kToy, par(), parameter))[i];
  }

  const std::string w =
      R"("a.w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})";
  const std::string b =
      R"("a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[24,48]})";
  Memory params;
  std::vector<unsigned char> first;
  std::string body;
  rnnc_error error = {};
};

TEST_F(LoadTest, Whole) {
  ASSERT_EQ(load(file("{" + w + "," + b + "}", body)), RNNC_OK)
      << error.message;
  EXPECT_EQ(at(0, 0), 0.5f);
  EXPECT_EQ(at(1, 5), 11.5f);
}

TEST_F(LoadTest, FieldsInAnyOrderAndSpaces) {
  std::string header =
      "{ \"__metadata__\" : {\"a\":\"}\\\"{\", \"n\": \"[\"} ,\n" + b +
      R"(, "a.w" : { "data_offsets" : [ 0 , 24 ] , "shape" : [ 2 , 3 ] , "dtype" : "F32" } }  )";
  ASSERT_EQ(load(file(header, body)), RNNC_OK) << error.message;
  EXPECT_EQ(at(0, 3), 3.5f);
}

TEST_F(LoadTest, CutAnywhere) {
  std::string whole = file("{" + w + "," + b + "}", body);
  for (size_t n = 0; n < whole.size(); ++n)
    refused(whole.substr(0, n));
  EXPECT_EQ(rnnc_rt_params_load(kToy, par(), nullptr, 100, &error),
            RNNC_ERR_WEIGHTS);
}

TEST_F(LoadTest, Foreign) {
  EXPECT_NE(refused("PK\3\4 a zip archive, say").find("safetensors"),
            std::string::npos);
  std::string huge = file("{}", "");
  memset(huge.data(), 0xff, 8);
  refused(huge);
  refused(file("[]", body));
  refused(file("{" + w + "," + b + "", body));
  refused(file("{" + w + "," + b + "}}x", body).substr(0, 40));
}

TEST_F(LoadTest, NamesWhatIsWrong) {
  auto with = [&](const std::string &entry) {
    return file("{" + w + "," + entry + "}", body);
  };
  EXPECT_EQ(refused(file("{" + w + "}", body)),
            "the file has no parameter `a.b`");
  EXPECT_EQ(refused(file("{}", body)), "the file has no parameter `a.w`");
  EXPECT_EQ(
      refused(
          file("{" + w + "," + b +
                   R"(,"c":{"dtype":"F32","shape":[],"data_offsets":[48,52]}})",
               body + "1234")),
      "the model has no parameter `c`");
  EXPECT_EQ(
      refused(with(
          R"("a.b":{"dtype":"I32","shape":[2,3],"data_offsets":[24,48]})")),
      "parameter `a.b` is stored as I32, not F32 or F64");
  EXPECT_EQ(refused(with(
                R"("a.b":{"dtype":"F32","shape":[6],"data_offsets":[24,48]})")),
            "parameter `a.b` has 2 axes, the file has 1");
  EXPECT_EQ(
      refused(with(
          R"("a.b":{"dtype":"F32","shape":[3,2],"data_offsets":[24,48]})")),
      "an axis of parameter `a.b` has size 2, in the file 3");
  EXPECT_EQ(
      refused(with(
          R"("a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[24,44]})")),
      "the data of parameter `a.b` should have 24 bytes, the file has 20");
  refused(
      with(R"("a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[30,54]})"));
  refused(
      with(R"("a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[48,24]})"));
  refused(with(R"("a.b":{"dtype":"F32","shape":[2,3]})"));
  refused(with(
      R"("a.b":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[24,48]})"));
  refused(with(
      R"("a.b":{"dtype":"F32","shape":[1,1,1,1,1,1,1,2,3],"data_offsets":[24,48]})"));
}

TEST_F(LoadTest, EachByteBelongsToOneTensor) {
  std::string header = "{" + w + "," + b + "}";
  EXPECT_EQ(refused(file(header, body + "abc")),
            "the file is damaged: 3 bytes follow the last tensor");
  EXPECT_EQ(refused(file(header, body.substr(0, 40))),
            "the file is cut off: 8 bytes are missing");
  EXPECT_EQ(refused(file(header, body).substr(0, 50)),
            "the file is cut off: " + std::to_string(header.size() - 42) +
                " bytes of its header are missing");
  auto with = [&](const std::string &entry, const std::string &data) {
    return refused(file("{" + w + "," + entry + "}", data));
  };
  std::string damaged = "the file is damaged: tensors overlap, or there are "
                        "bytes that belong to none";
  EXPECT_EQ(
      with(R"("a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[20,44]})",
           body),
      damaged);
  EXPECT_EQ(with(R"("a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})",
                 body),
            damaged);
  EXPECT_EQ(
      with(R"("a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[28,52]})",
           body + "1234"),
      damaged);
  EXPECT_EQ(refused(file("{" + w + "," + b + "," + b + "}", body)),
            "the file names parameter `a.b` twice");
  // The format wants the brace first, and nothing but blanks behind the last.
  refused(file(" " + header, body));
  refused(file(header + "{}", body));
  refused(file(R"({"__metadata__":{"a":1},)" + header.substr(1), body));
  ASSERT_EQ(load(file("{" + b + "," + w + "}   ", body)), RNNC_OK)
      << error.message;
}

TEST_F(LoadTest, WideNumbersMustBeExact) {
  std::string wide;
  for (int i = 0; i < 12; ++i) {
    double value = i == 7 ? 0.1 : i;
    wide.append(reinterpret_cast<const char *>(&value), 8);
  }
  std::string header =
      R"({"a.w":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]},)"
      R"("a.b":{"dtype":"F64","shape":[2,3],"data_offsets":[48,96]}})";
  EXPECT_EQ(refused(file(header, wide)),
            "entry 1 of parameter `a.b` is not exact in f32");
  double exact = 0.25;
  memcpy(wide.data() + 56, &exact, 8);
  ASSERT_EQ(load(file(header, wide)), RNNC_OK) << error.message;
  EXPECT_EQ(at(1, 1), 0.25f);
}

TEST_F(LoadTest, OnlyIntoParameters) {
  Memory raw(params.size);
  std::string whole = file("{" + w + "," + b + "}", body);
  EXPECT_EQ(rnnc_rt_params_load(kToy, raw.as<rnnc_params>(), whole.data(),
                                whole.size(), &error),
            RNNC_ERR_STATE);
  EXPECT_EQ(
      rnnc_rt_params_load(kToy, nullptr, whole.data(), whole.size(), nullptr),
      RNNC_ERR_ARGUMENT);
}

} // namespace
