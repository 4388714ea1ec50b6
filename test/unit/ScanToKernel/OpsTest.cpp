// OpsTest.cpp: ops outside of loops, compiled and compared with plain C++.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScanJit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace rnnc::test;

namespace {

constexpr int kBatch = 5, kSteps = 4;

TEST(Ops, SoftmaxAndLogSumExp) {
  ScanJit jit(R"(
func.func @f(%x: tensor<?x9xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 9]>}) -> (tensor<?x9xf32>, tensor<?xf32>, tensor<f32>) {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %x, %c0 : tensor<?x9xf32>
  %0 = scan.reduce logsumexp %x dims = [1] : tensor<?x9xf32> -> tensor<?xf32>
  %1 = scan.broadcast %0 sizes(%B) dims = [0] : tensor<?xf32> -> tensor<?x9xf32>
  %2 = arith.subf %x, %1 : tensor<?x9xf32>
  %3 = math.exp %2 : tensor<?x9xf32>
  %4 = scan.reduce sum %0 dims = [0] : tensor<?xf32> -> tensor<f32>
  return %3, %0, %4 : tensor<?x9xf32>, tensor<?xf32>, tensor<f32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto x = numbers(kBatch * 9, 1);
  for (float &value : x)
    value *= 100;
  std::vector<float> y(x.size()), l(kBatch), s(1), yRef(x.size()), lRef(kBatch);
  jit.call("f", {x.data(), y.data(), l.data(), s.data()}, {kBatch});
  EXPECT_TRUE(jit.intact());
  double total = 0;
  for (int row = 0; row < kBatch; ++row) {
    double largest = -1e9, sum = 0;
    for (int j = 0; j < 9; ++j)
      largest = std::max<double>(largest, x[row * 9 + j]);
    for (int j = 0; j < 9; ++j)
      sum += std::exp(x[row * 9 + j] - largest);
    lRef[row] = float(largest + std::log(sum));
    total += lRef[row];
    for (int j = 0; j < 9; ++j)
      yRef[row * 9 + j] = float(std::exp(x[row * 9 + j] - largest) / sum);
  }
  EXPECT_LT(distance(y, yRef), 1e-5);
  EXPECT_LT(distance(l, lRef), 1e-5);
  EXPECT_NEAR(s[0], total, 1e-4);
}

// Infinities: all -inf gives -inf, one +inf gives +inf.
TEST(Ops, LogSumExpOfInfinities) {
  ScanJit jit(R"(
func.func @f(%x: tensor<?x2xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 2]>}) -> tensor<?xf32> {
  %0 = scan.reduce logsumexp %x dims = [1] : tensor<?x2xf32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  float inf = std::numeric_limits<float>::infinity();
  std::vector<float> x = {-inf, -inf, -inf, 3, inf, 1}, y(3);
  jit.call("f", {x.data(), y.data()}, {3});
  EXPECT_EQ(y[0], -inf);
  EXPECT_NEAR(y[1], 3, 1e-6);
  EXPECT_EQ(y[2], inf);
}

TEST(Ops, PiecesOfAProduct) {
  ScanJit jit(R"(
func.func @f(%a: tensor<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 8]>}, %b: tensor<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 8]>}, %U: tensor<2x8x3xf32>) -> (tensor<?x3xf32>, tensor<2x8xf32>, tensor<2x8x3xf32>) {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %a, %c0 : tensor<?x8xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %z = scan.broadcast %zero sizes(%B) dims = [] : tensor<f32> -> tensor<?x2x8xf32>
  %0 = arith.mulf %a, %b : tensor<?x8xf32>
  %1 = arith.addf %0, %b : tensor<?x8xf32>
  %2 = tensor.insert_slice %0 into %z[0, 0, 0] [%B, 1, 8] [1, 1, 1] : tensor<?x8xf32> into tensor<?x2x8xf32>
  %3 = tensor.insert_slice %1 into %2[0, 1, 0] [%B, 1, 8] [1, 1, 1] : tensor<?x8xf32> into tensor<?x2x8xf32>
  %4 = scan.dot %3, %U batch = [[], []] contract = [[1, 2], [0, 1]] : tensor<?x2x8xf32>, tensor<2x8x3xf32> -> tensor<?x3xf32>
  %5 = scan.reduce sum %3 dims = [0] : tensor<?x2x8xf32> -> tensor<2x8xf32>
  %6 = scan.dot %3, %4 batch = [[], []] contract = [[0], [0]] : tensor<?x2x8xf32>, tensor<?x3xf32> -> tensor<2x8x3xf32>
  return %4, %5, %6 : tensor<?x3xf32>, tensor<2x8xf32>, tensor<2x8x3xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto a = numbers(kBatch * 8, 1), b = numbers(kBatch * 8, 2),
       U = numbers(48, 3);
  std::vector<float> y(kBatch * 3), s(16), w(48);
  std::vector<float> yRef(kBatch * 3, 0), sRef(16, 0), wRef(48, 0);
  jit.call("f", {a.data(), b.data(), U.data(), y.data(), s.data(), w.data()},
           {kBatch});
  EXPECT_TRUE(jit.intact());
  for (int row = 0; row < kBatch; ++row) {
    float v[16];
    for (int k = 0; k < 8; ++k) {
      v[k] = a[row * 8 + k] * b[row * 8 + k];
      v[8 + k] = v[k] + b[row * 8 + k];
    }
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 16; ++k)
        yRef[row * 3 + j] += v[k] * U[k * 3 + j];
    for (int k = 0; k < 16; ++k) {
      sRef[k] += v[k];
      for (int j = 0; j < 3; ++j)
        wRef[k * 3 + j] += v[k] * yRef[row * 3 + j];
    }
  }
  EXPECT_LT(distance(y, yRef), 1e-5);
  EXPECT_LT(distance(s, sRef), 1e-5);
  EXPECT_LT(distance(w, wRef), 1e-5);
}

TEST(Ops, ShiftsWithLengths) {
  ScanJit jit(R"(
func.func @f(%x: tensor<?x?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 3]>}, %k: tensor<?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 3]>}, %len: tensor<?xi32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>})
    -> (tensor<?x?x3xf32>, tensor<?x?x3xf32>, tensor<?x?x3xf32>) {
  %0 = scan.shift %x fill(%k : tensor<?x3xf32>) lengths(%len) {by = 1 : i64} : tensor<?x?x3xf32>
  %1 = scan.shift %x fill(%k : tensor<?x3xf32>) lengths(%len) {by = -1 : i64} : tensor<?x?x3xf32>
  %2 = scan.shift %x lengths(%len) {by = -1 : i64} : tensor<?x?x3xf32>
  return %0, %1, %2 : tensor<?x?x3xf32>, tensor<?x?x3xf32>, tensor<?x?x3xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto x = numbers(kSteps * kBatch * 3, 1), k = numbers(kBatch * 3, 2);
  std::vector<int32_t> lengths = {4, 0, 1, 2, 3};
  std::vector<float> out[3], ref[3];
  for (int i = 0; i < 3; ++i) {
    out[i].assign(x.size(), 9);
    ref[i].assign(x.size(), 0);
  }
  jit.call("f",
           {x.data(), k.data(), lengths.data(), out[0].data(), out[1].data(),
            out[2].data()},
           {kSteps, kBatch});
  EXPECT_TRUE(jit.intact());
  for (int t = 0; t < kSteps; ++t)
    for (int c = 0; c < kBatch * 3; ++c) {
      int length = lengths[c / 3];
      if (t >= length)
        continue;
      size_t at = t * kBatch * 3 + c;
      ref[0][at] = t == 0 ? k[c] : x[at - kBatch * 3];
      ref[1][at] = t + 1 == length ? k[c] : x[at + kBatch * 3];
      ref[2][at] = t + 1 == length ? 0 : x[at + kBatch * 3];
    }
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(distance(out[i], ref[i]), 0) << i;
}

TEST(Ops, ProductsThatAreReductions) {
  ScanJit jit(R"(
func.func @f(%m: tensor<?x?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 8]>}, %q: tensor<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 8]>}, %v: tensor<8xf32>)
    -> (tensor<?x?xf32>, tensor<?x8xf32>, tensor<?x?xf32>) {
  %0 = scan.dot %m, %q batch = [[1], [0]] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<?x8xf32> -> tensor<?x?xf32>
  %1 = scan.dot %0, %m batch = [[0], [1]] contract = [[1], [0]] : tensor<?x?xf32>, tensor<?x?x8xf32> -> tensor<?x8xf32>
  %2 = scan.dot %m, %v batch = [[], []] contract = [[2], [0]] : tensor<?x?x8xf32>, tensor<8xf32> -> tensor<?x?xf32>
  return %0, %1, %2 : tensor<?x?xf32>, tensor<?x8xf32>, tensor<?x?xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto m = numbers(kSteps * kBatch * 8, 1), q = numbers(kBatch * 8, 2),
       v = numbers(8, 3);
  std::vector<float> e(kBatch * kSteps), a(kBatch * 8), n(kSteps * kBatch);
  std::vector<float> eRef(e.size(), 0), aRef(a.size(), 0), nRef(n.size(), 0);
  jit.call("f", {m.data(), q.data(), v.data(), e.data(), a.data(), n.data()},
           {kSteps, kBatch});
  EXPECT_TRUE(jit.intact());
  for (int t = 0; t < kSteps; ++t)
    for (int row = 0; row < kBatch; ++row)
      for (int k = 0; k < 8; ++k) {
        float x = m[(t * kBatch + row) * 8 + k];
        eRef[row * kSteps + t] += x * q[row * 8 + k];
        nRef[t * kBatch + row] += x * v[k];
      }
  for (int t = 0; t < kSteps; ++t)
    for (int row = 0; row < kBatch; ++row)
      for (int k = 0; k < 8; ++k)
        aRef[row * 8 + k] +=
            eRef[row * kSteps + t] * m[(t * kBatch + row) * 8 + k];
  EXPECT_LT(distance(e, eRef), 1e-5);
  EXPECT_LT(distance(a, aRef), 1e-5);
  EXPECT_LT(distance(n, nRef), 1e-5);
}

TEST(Ops, JoinsSlicesAndTransposes) {
  ScanJit jit(R"(
func.func @f(%a: tensor<?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 3]>}, %b: tensor<?x5xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 5]>}, %W: tensor<4x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x4xf32>, tensor<3x?xf32>) {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %a, %c0 : tensor<?x3xf32>
  %t = math.absf %a : tensor<?x3xf32>
  %0 = tensor.concat dim(1) %t, %b : (tensor<?x3xf32>, tensor<?x5xf32>) -> tensor<?x8xf32>
  %w = scan.transpose %W perm = [1, 0] : tensor<4x8xf32> -> tensor<8x4xf32>
  %1 = scan.dot %0, %w batch = [[], []] contract = [[1], [0]] : tensor<?x8xf32>, tensor<8x4xf32> -> tensor<?x4xf32>
  %2 = tensor.extract_slice %0[0, 2] [%B, 3] [1, 1] : tensor<?x8xf32> to tensor<?x3xf32>
  %3 = arith.addf %2, %a : tensor<?x3xf32>
  %4 = scan.transpose %3 perm = [1, 0] : tensor<?x3xf32> -> tensor<3x?xf32>
  return %0, %1, %4 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<3x?xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto a = numbers(kBatch * 3, 1), b = numbers(kBatch * 5, 2),
       W = numbers(32, 3);
  std::vector<float> j(kBatch * 8), y(kBatch * 4), s(3 * kBatch);
  std::vector<float> jRef(j.size()), yRef(y.size(), 0), sRef(s.size());
  jit.call("f", {a.data(), b.data(), W.data(), j.data(), y.data(), s.data()},
           {kBatch});
  EXPECT_TRUE(jit.intact());
  for (int row = 0; row < kBatch; ++row) {
    for (int k = 0; k < 8; ++k)
      jRef[row * 8 + k] =
          k < 3 ? std::fabs(a[row * 3 + k]) : b[row * 5 + k - 3];
    for (int n = 0; n < 4; ++n)
      for (int k = 0; k < 8; ++k)
        yRef[row * 4 + n] += jRef[row * 8 + k] * W[n * 8 + k];
    for (int k = 0; k < 3; ++k)
      sRef[k * kBatch + row] = jRef[row * 8 + 2 + k] + a[row * 3 + k];
  }
  EXPECT_EQ(distance(j, jRef), 0);
  EXPECT_LT(distance(y, yRef), 1e-5);
  EXPECT_LT(distance(s, sRef), 1e-6);
}

TEST(Ops, RefusesWhatItDoesNotKnow) {
  std::string errors;
  EXPECT_EQ(toKernels(R"(
func.func private @g(tensor<?xf32>) -> tensor<?xf32>
func.func @f(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = func.call @g(%a) : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
})",
                      errors),
            "");
  EXPECT_NE(errors.find("has no form on buffers"), std::string::npos);
}

} // namespace
