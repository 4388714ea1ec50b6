// DataOpsTest.cpp: gathers, layouts, masks and steps on ragged batches.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Jit.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace rnnc::test;

namespace {

const int64_t kBatch = 3, kTime = 4, kWidth = 5;
const std::vector<int32_t> kLengths = {4, 0, 2};

std::vector<float> numbers(int64_t n) {
  std::vector<float> v(n);
  for (int64_t i = 0; i != n; ++i)
    v[i] = float(i + 1);
  return v;
}

/// A function `f` of lengths and two values, with one op as its body.
std::string source(const std::string &first, const std::string &firstShape,
                   const std::string &second, const std::string &secondShape,
                   const std::string &body) {
  return "func.func @f(%l: memref<?xi32> {rnnc.slot = #rnnc.slot<input \"\", "
         "[\"batch\"]>}, %x: " +
         first + " {rnnc.slot = #rnnc.slot<input \"\", " + firstShape +
         ">}, %y: " + second + " {rnnc.slot = #rnnc.slot<output \"\", " +
         secondShape +
         ">}) attributes {rnnc.function = #rnnc.function<\"\" \"f\", "
         "[\"batch\", \"T\"]>} {\n" +
         body + "\nreturn\n}";
}

const std::string kSeq = "memref<?x?x5xf32>";
const std::string kTimeMajor = "[\"T\", \"batch\", 5]";
const std::string kBatchMajor = "[\"batch\", \"T\", 5]";
const std::string kRow = "memref<?x5xf32>";
const std::string kRowShape = "[\"batch\", 5]";

std::vector<float> run(const std::string &text, std::vector<float> x,
                       std::vector<float> y) {
  std::vector<float> first;
  for (const JitTarget &target : jitTargets()) {
    Jit jit(text, target);
    EXPECT_TRUE(jit.ok()) << jit.message();
    if (!jit.ok())
      return {};
    std::vector<float> out = y;
    std::vector<int32_t> lengths = kLengths;
    jit.call("f", {lengths.data(), x.data(), out.data()}, {kBatch, kTime});
    if (!first.empty())
      EXPECT_EQ(first, out);
    first = out;
  }
  return first;
}

const int64_t kAll = kBatch * kTime * kWidth;

TEST(DataOps, EnterAndLeave) {
  std::vector<float> x = numbers(kAll);
  for (int64_t b = 0; b != kBatch; ++b)
    for (int64_t t = kLengths[b]; t != kTime; ++t)
      x[(b * kTime + t) * kWidth] = NAN; // padding is never read
  std::vector<float> inner =
      run(source(kSeq, kBatchMajor, kSeq, kTimeMajor,
                 "kernel.enter ins(%x : " + kSeq +
                     ") lengths(%l : memref<?xi32>) outs(%y : " + kSeq +
                     ") {perm = array<i64: 1, 0, 2>, time_dims = array<i64: "
                     "0>, batch_dim = 1 : i64}"),
          x, std::vector<float>(kAll, 9));
  std::vector<float> back =
      run(source(kSeq, kTimeMajor, kSeq, kBatchMajor,
                 "kernel.leave ins(%x : " + kSeq +
                     ") lengths(%l : memref<?xi32>) outs(%y : " + kSeq +
                     ") {perm = array<i64: 1, 0, 2>, time_dims = array<i64: "
                     "0>, batch_dim = 1 : i64}"),
          inner, std::vector<float>(kAll, 9));
  for (int64_t b = 0; b != kBatch; ++b)
    for (int64_t t = 0; t != kTime; ++t)
      for (int64_t j = 0; j != kWidth; ++j) {
        float want = t < kLengths[b] ? x[(b * kTime + t) * kWidth + j] : 0;
        EXPECT_EQ(inner[(t * kBatch + b) * kWidth + j], want);
        EXPECT_EQ(back[(b * kTime + t) * kWidth + j], want);
      }
}

TEST(DataOps, MaskRows) {
  std::string text = source(
      kRow, kRowShape, kRow, kRowShape,
      "%t = arith.constant 2 : index\nkernel.mask_rows outs(%y : " + kRow +
          ") lengths(%l : memref<?xi32>) at(%t) previous(%x : " + kRow +
          ") {batch_dim = 0 : i64}");
  std::vector<float> x = numbers(kBatch * kWidth);
  std::vector<float> y = run(text, x, std::vector<float>(x.size(), -1));
  for (int64_t b = 0; b != kBatch; ++b)
    for (int64_t j = 0; j != kWidth; ++j)
      EXPECT_EQ(y[b * kWidth + j], 2 < kLengths[b] ? -1 : x[b * kWidth + j]);

  text = source(kSeq, kTimeMajor, kSeq, kTimeMajor,
                "kernel.mask_rows outs(%y : " + kSeq +
                    ") lengths(%l : memref<?xi32>) {batch_dim = 1 : i64, "
                    "time_dim = 0 : i64}");
  y = run(text, numbers(kAll), numbers(kAll));
  for (int64_t t = 0; t != kTime; ++t)
    for (int64_t b = 0; b != kBatch; ++b)
      for (int64_t j = 0; j != kWidth; ++j) {
        int64_t at = (t * kBatch + b) * kWidth + j;
        EXPECT_EQ(y[at], t < kLengths[b] ? float(at + 1) : 0.0f);
      }
}

TEST(DataOps, ReverseValidPart) {
  std::vector<float> x = numbers(kAll);
  std::vector<float> y =
      run(source(kSeq, kTimeMajor, kSeq, kTimeMajor,
                 "kernel.reverse ins(%x : " + kSeq +
                     ") lengths(%l : memref<?xi32>) outs(%y : " + kSeq + ")"),
          x, std::vector<float>(kAll, 9));
  for (int64_t t = 0; t != kTime; ++t)
    for (int64_t b = 0; b != kBatch; ++b)
      for (int64_t j = 0; j != kWidth; ++j) {
        int64_t from = kLengths[b] - 1 - t;
        EXPECT_EQ(y[(t * kBatch + b) * kWidth + j],
                  from >= 0 ? x[(from * kBatch + b) * kWidth + j] : 0.0f);
      }
}

TEST(DataOps, PickAndPlaceStep) {
  for (bool last : {false, true}) {
    std::string flag = last ? "{last = true}" : "{last = false}";
    std::vector<float> x = numbers(kAll);
    std::vector<float> row =
        run(source(kSeq, kTimeMajor, kRow, kRowShape,
                   "kernel.pick_step ins(%x : " + kSeq +
                       ") lengths(%l : memref<?xi32>) outs(%y : " + kRow +
                       ") " + flag),
            x, std::vector<float>(kBatch * kWidth, 9));
    std::vector<float> placed =
        run(source(kRow, kRowShape, kSeq, kTimeMajor,
                   "kernel.place_step ins(%x : " + kRow +
                       ") lengths(%l : memref<?xi32>) outs(%y : " + kSeq +
                       ") " + flag),
            row, std::vector<float>(kAll, 9));
    for (int64_t b = 0; b != kBatch; ++b) {
      int64_t step = last ? kLengths[b] - 1 : 0;
      for (int64_t j = 0; j != kWidth; ++j) {
        float want = kLengths[b] ? x[(step * kBatch + b) * kWidth + j] : 0.0f;
        EXPECT_EQ(row[b * kWidth + j], want);
        for (int64_t t = 0; t != kTime; ++t)
          EXPECT_EQ(placed[(t * kBatch + b) * kWidth + j],
                    t == step && kLengths[b] ? want : 0.0f);
      }
    }
  }
}

TEST(DataOps, GatherAndScatterAdd) {
  std::string gather =
      "func.func @f(%t: memref<6x5xf32>, %i: memref<?x?xi32> {rnnc.slot = "
      "#rnnc.slot<input \"\", "
      "[\"T\", \"batch\"]>}, %y: memref<?x?x5xf32> {rnnc.slot = "
      "#rnnc.slot<input \"\", [\"T\", "
      "\"batch\", 5]>}) attributes {rnnc.function = #rnnc.function<\"\" \"f\", "
      "[\"batch\", \"T\"]>} {\n"
      "kernel.gather ins(%t, %i : memref<6x5xf32>, memref<?x?xi32>) outs(%y : "
      "memref<?x?x5xf32>)\nreturn\n}";
  std::string scatter =
      "func.func @f(%t: memref<6x5xf32>, %i: memref<?x?xi32> {rnnc.slot = "
      "#rnnc.slot<input \"\", "
      "[\"T\", \"batch\"]>}, %y: memref<?x?x5xf32> {rnnc.slot = "
      "#rnnc.slot<input \"\", [\"T\", "
      "\"batch\", 5]>}) attributes {rnnc.function = #rnnc.function<\"\" \"f\", "
      "[\"batch\", \"T\"]>} {\n"
      "kernel.scatter_add ins(%y, %i : memref<?x?x5xf32>, memref<?x?xi32>) "
      "outs(%t : memref<6x5xf32>)\nreturn\n}";
  std::vector<int32_t> indices = {0, 5, 2, 2, -1, 99, 3, 3, 0, 1, 1, 4};
  for (const JitTarget &target : jitTargets()) {
    Jit read(gather, target), add(scatter, target);
    ASSERT_TRUE(read.ok()) << read.message();
    ASSERT_TRUE(add.ok()) << add.message();
    std::vector<float> table = numbers(30), y(kAll), sums(30, 0.0f),
                       want(30, 0.0f);
    read.call("f", {table.data(), indices.data(), y.data()}, {kBatch, kTime});
    for (int64_t r = 0; r != kBatch * kTime; ++r) {
      int64_t i = indices[r] < 0 || indices[r] > 5 ? 0 : indices[r];
      for (int64_t j = 0; j != kWidth; ++j) {
        EXPECT_EQ(y[r * kWidth + j], table[i * kWidth + j]);
        want[i * kWidth + j] += y[r * kWidth + j];
      }
    }
    add.call("f", {sums.data(), indices.data(), y.data()}, {kBatch, kTime});
    EXPECT_EQ(sums, want);
  }
}

TEST(DataOps, ArgmaxTakesTheFirst) {
  std::string text =
      "func.func @f(%x: memref<?x5xf32> {rnnc.slot = #rnnc.slot<input \"\", "
      "[\"batch\", 5]>}, %y: "
      "memref<?xi32> {rnnc.slot = #rnnc.slot<input \"\", [\"batch\"]>}) "
      "attributes {rnnc.function = #rnnc.function<\"\" \"f\", "
      "[\"batch\"]>} {\nkernel.argmax ins(%x : memref<?x5xf32>) outs(%y : "
      "memref<?xi32>) {dim = 1 : i64}\nreturn\n}";
  std::vector<float> x = {1,  3,   2,         3,         0,         NAN, -1, -2,
                          -1, NAN, -INFINITY, -INFINITY, -INFINITY, -5,  -6};
  for (const JitTarget &target : jitTargets()) {
    Jit jit(text, target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    std::vector<int32_t> y(3, 7);
    jit.call("f", {x.data(), y.data()}, {3});
    EXPECT_EQ(y, (std::vector<int32_t>{1, 1, 3}));
  }
}

} // namespace
