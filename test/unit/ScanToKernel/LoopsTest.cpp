// LoopsTest.cpp: time loops, compiled and compared with plain C++.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScanJit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace rnnc::test;

namespace {

constexpr int kBatch = 5, kSteps = 7, kIn = 5, kHidden = 6;
const int32_t kLengths[kBatch] = {7, 3, 0, 1, 6};

float sigmoid(double x) { return float(1 / (1 + std::exp(-x))); }

const char *kLstm = R"(
func.func @lstm(
    %x: tensor<?x?x5xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", "T", 5]>},
    %len: tensor<?xi32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>},
    %h0: tensor<?x6xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 6]>},
    %W: tensor<4x6x5xf32>, %U: tensor<4x6x6xf32>, %b: tensor<4x6xf32>)
    -> (tensor<?x?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>) {
  %c0i = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0i : tensor<?x?x5xf32>
  %T = tensor.dim %x, %c1 : tensor<?x?x5xf32>
  %xs = scan.enter %x lengths(%len) : tensor<?x?x5xf32> -> tensor<?x?x5xf32>
  %xp = scan.dot %xs, %W batch = [[], []] contract = [[2], [2]] : tensor<?x?x5xf32>, tensor<4x6x5xf32> -> tensor<?x?x4x6xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %c0 = scan.broadcast %zero sizes(%batch) dims = [] : tensor<f32> -> tensor<?x6xf32>
  %ys, %hT, %cT = scan.loop trip(%T) lengths(%len)
      slices(%p = %xp : tensor<?x?x4x6xf32>)
      carry(%h = %h0 : tensor<?x6xf32>, %c = %c0 : tensor<?x6xf32>) step(%t) {
    %r = scan.dot %h, %U batch = [[], []] contract = [[1], [2]] : tensor<?x6xf32>, tensor<4x6x6xf32> -> tensor<?x4x6xf32>
    %z0 = arith.addf %p, %r : tensor<?x4x6xf32>
    %bb = scan.broadcast %b sizes(%batch) dims = [1, 2] : tensor<4x6xf32> -> tensor<?x4x6xf32>
    %z = arith.addf %z0, %bb : tensor<?x4x6xf32>
    %zi = tensor.extract_slice %z[0, 0, 0] [%batch, 1, 6] [1, 1, 1] : tensor<?x4x6xf32> to tensor<?x6xf32>
    %zf = tensor.extract_slice %z[0, 1, 0] [%batch, 1, 6] [1, 1, 1] : tensor<?x4x6xf32> to tensor<?x6xf32>
    %zg = tensor.extract_slice %z[0, 2, 0] [%batch, 1, 6] [1, 1, 1] : tensor<?x4x6xf32> to tensor<?x6xf32>
    %zo = tensor.extract_slice %z[0, 3, 0] [%batch, 1, 6] [1, 1, 1] : tensor<?x4x6xf32> to tensor<?x6xf32>
    %i = scan.sigmoid %zi : tensor<?x6xf32>
    %f = scan.sigmoid %zf : tensor<?x6xf32>
    %g = math.tanh %zg : tensor<?x6xf32>
    %o = scan.sigmoid %zo : tensor<?x6xf32>
    %fc = arith.mulf %f, %c : tensor<?x6xf32>
    %ig = arith.mulf %i, %g : tensor<?x6xf32>
    %c1n = arith.addf %fc, %ig : tensor<?x6xf32>
    %th = math.tanh %c1n : tensor<?x6xf32>
    %h1 = arith.mulf %o, %th : tensor<?x6xf32>
    scan.yield carry(%h1, %c1n : tensor<?x6xf32>, tensor<?x6xf32>) stack(%h1 : tensor<?x6xf32>)
  } -> (tensor<?x?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>)
  %out = scan.leave %ys lengths(%len) : tensor<?x?x6xf32> -> tensor<?x?x6xf32>
  return %out, %hT, %cT : tensor<?x?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>
})";

/// One LSTM layer in plain C++.
void lstm(const std::vector<float> &x, const std::vector<float> &h0,
          const std::vector<float> &W, const std::vector<float> &U,
          const std::vector<float> &b, std::vector<float> &out,
          std::vector<float> &h, std::vector<float> &c) {
  h = h0;
  c.assign(h0.size(), 0);
  out.assign(kBatch * kSteps * kHidden, 0);
  for (int row = 0; row < kBatch; ++row)
    for (int t = 0; t < kLengths[row]; ++t) {
      double z[4][kHidden];
      for (int k = 0; k < 4 * kHidden; ++k) {
        double sum = b[k];
        for (int i = 0; i < kIn; ++i)
          sum += double(W[k * kIn + i]) * x[(row * kSteps + t) * kIn + i];
        for (int i = 0; i < kHidden; ++i)
          sum += double(U[k * kHidden + i]) * h[row * kHidden + i];
        z[k / kHidden][k % kHidden] = sum;
      }
      for (int j = 0; j < kHidden; ++j) {
        float &state = c[row * kHidden + j];
        state =
            sigmoid(z[1][j]) * state + sigmoid(z[0][j]) * std::tanh(z[2][j]);
        float y = sigmoid(z[3][j]) * std::tanh(state);
        h[row * kHidden + j] = y;
        out[(row * kSteps + t) * kHidden + j] = y;
      }
    }
}

TEST(Loops, LstmWithLengths) {
  ScanJit jit(kLstm);
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto x = numbers(kBatch * kSteps * kIn, 1), h0 = numbers(kBatch * kHidden, 2);
  auto W = numbers(4 * kHidden * kIn, 3), U = numbers(4 * kHidden * kHidden, 4);
  auto b = numbers(4 * kHidden, 5);
  // Padding is never read.
  for (int row = 0; row < kBatch; ++row)
    for (int t = kLengths[row]; t < kSteps; ++t)
      for (int i = 0; i < kIn; ++i)
        x[(row * kSteps + t) * kIn + i] =
            std::numeric_limits<float>::quiet_NaN();
  std::vector<int32_t> lengths(kLengths, kLengths + kBatch);
  std::vector<float> out(kBatch * kSteps * kHidden, 9), h(kBatch * kHidden, 9),
      c(kBatch * kHidden, 9);
  jit.call("lstm",
           {x.data(), lengths.data(), h0.data(), W.data(), U.data(), b.data(),
            out.data(), h.data(), c.data()},
           {kBatch, kSteps});
  EXPECT_TRUE(jit.intact());
  std::vector<float> outRef, hRef, cRef;
  lstm(x, h0, W, U, b, outRef, hRef, cRef);
  EXPECT_LT(distance(out, outRef), 1e-6);
  EXPECT_LT(distance(h, hRef), 1e-6);
  EXPECT_LT(distance(c, cRef), 1e-6);
}

TEST(Loops, NoSteps) {
  ScanJit jit(kLstm);
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto h0 = numbers(kBatch * kHidden, 2);
  auto W = numbers(4 * kHidden * kIn, 3), U = numbers(4 * kHidden * kHidden, 4);
  auto b = numbers(4 * kHidden, 5);
  std::vector<float> x(1), out(1), h(kBatch * kHidden, 9),
      c(kBatch * kHidden, 9);
  std::vector<int32_t> lengths(kBatch, 0);
  jit.call("lstm",
           {x.data(), lengths.data(), h0.data(), W.data(), U.data(), b.data(),
            out.data(), h.data(), c.data()},
           {kBatch, 0});
  EXPECT_TRUE(jit.intact());
  EXPECT_EQ(distance(h, h0), 0);
  EXPECT_EQ(distance(c, std::vector<float>(kBatch * kHidden, 0)), 0);
  // No rows at all.
  jit.call("lstm",
           {x.data(), lengths.data(), h0.data(), W.data(), U.data(), b.data(),
            out.data(), h.data(), c.data()},
           {0, kSteps});
  EXPECT_TRUE(jit.intact());
}

TEST(Loops, ReverseStackBeforeAndAfter) {
  ScanJit jit(R"(
func.func @f(%h0: tensor<?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 3]>}, %len: tensor<?xi32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>}, %xs: tensor<?x?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 3]>})
    -> (tensor<?x?x3xf32>, tensor<?x?x3xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x3xf32>
  %r:2 = scan.loop trip(%T) lengths(%len) reverse slices(%x = %xs : tensor<?x?x3xf32>) carry(%h = %h0 : tensor<?x3xf32>) step(%t) {
    %0 = arith.addf %x, %h : tensor<?x3xf32>
    scan.yield carry(%0 : tensor<?x3xf32>) stack(%0 : tensor<?x3xf32>)
  } -> (tensor<?x?x3xf32>, tensor<?x3xf32>)
  %p = scan.shift %r#0 fill(%h0 : tensor<?x3xf32>) {by = -1 : i64} : tensor<?x?x3xf32>
  %d = arith.subf %r#0, %p : tensor<?x?x3xf32>
  %y = arith.negf %r#0 : tensor<?x?x3xf32>
  return %y, %d, %r#1 : tensor<?x?x3xf32>, tensor<?x?x3xf32>, tensor<?x3xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto h0 = numbers(kBatch * 3, 1), xs = numbers(kSteps * kBatch * 3, 2);
  std::vector<int32_t> lengths(kLengths, kLengths + kBatch);
  std::vector<float> y(xs.size(), 9), d(xs.size(), 9), last(h0.size(), 9);
  jit.call(
      "f",
      {h0.data(), lengths.data(), xs.data(), y.data(), d.data(), last.data()},
      {kBatch, kSteps});
  EXPECT_TRUE(jit.intact());
  std::vector<float> yRef(xs.size(), 0), hRef = h0;
  for (int t = kSteps - 1; t >= 0; --t)
    for (int row = 0; row < kBatch; ++row)
      for (int j = 0; j < 3; ++j) {
        if (t >= kLengths[row])
          continue;
        size_t at = (t * kBatch + row) * 3 + j;
        hRef[row * 3 + j] += xs[at];
        yRef[at] = -hRef[row * 3 + j];
      }
  EXPECT_LT(distance(y, yRef), 1e-6);
  EXPECT_LT(distance(last, hRef), 1e-6);
  for (int row = 0; row < kBatch; ++row)
    for (int t = 0; t < kLengths[row]; ++t) {
      size_t at = (t * kBatch + row) * 3;
      // What is shifted is the stack, with zeros past the end.
      bool atEnd = t + 1 == kLengths[row] && t + 1 < kSteps;
      EXPECT_NEAR(d[at], atEnd ? -y[at] : xs[at], 1e-6)
          << "step " << t << " row " << row;
    }
}

TEST(Loops, SwappedCarriesAndSums) {
  ScanJit jit(R"(
func.func @f(%a: tensor<?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 3]>}, %b: tensor<?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 3]>}, %len: tensor<?xi32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>}, %xs: tensor<?x?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 3]>})
    -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<3xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x3xf32>
  %z = arith.constant dense<0.0> : tensor<3xf32>
  %r:3 = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x3xf32>) carry(%p = %a : tensor<?x3xf32>, %q = %b : tensor<?x3xf32>, %s = %z : tensor<3xf32>) step(%t) {
    %m = scan.mask %x lengths(%len) at(%t) {batch_dim = 0} : tensor<?x3xf32>
    %0 = scan.reduce sum %m dims = [0] : tensor<?x3xf32> -> tensor<3xf32>
    %1 = arith.addf %s, %0 : tensor<3xf32>
    scan.yield carry(%q, %p, %1 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<3xf32>)
  } -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<3xf32>)
  return %r#0, %r#1, %r#2 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<3xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto a = numbers(kBatch * 3, 1), b = numbers(kBatch * 3, 2),
       xs = numbers(kSteps * kBatch * 3, 3);
  std::vector<int32_t> lengths(kLengths, kLengths + kBatch);
  std::vector<float> p(a.size()), q(a.size()), s(3), sRef(3, 0);
  jit.call("f",
           {a.data(), b.data(), lengths.data(), xs.data(), p.data(), q.data(),
            s.data()},
           {kBatch, kSteps});
  EXPECT_TRUE(jit.intact());
  for (int row = 0; row < kBatch; ++row)
    for (int j = 0; j < 3; ++j) {
      bool odd = kLengths[row] % 2;
      EXPECT_EQ(p[row * 3 + j], (odd ? b : a)[row * 3 + j]);
      EXPECT_EQ(q[row * 3 + j], (odd ? a : b)[row * 3 + j]);
      for (int t = 0; t < kLengths[row]; ++t)
        sRef[j] += xs[(t * kBatch + row) * 3 + j];
    }
  EXPECT_LT(distance(s, sRef), 1e-5);
}

TEST(Loops, LoopInALoop) {
  ScanJit jit(R"(
func.func @f(%xs: tensor<?x?x4xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 4]>}, %W: tensor<3x4x4xf32>, %len: tensor<?xi32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>}) -> (tensor<?x3x?x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x4xf32>
  %B = tensor.dim %xs, %c1 : tensor<?x?x4xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %z = scan.broadcast %zero sizes(%B) dims = [] : tensor<f32> -> tensor<?x4xf32>
  %r:2 = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %z : tensor<?x4xf32>) step(%t) {
    %s = arith.addf %x, %h : tensor<?x4xf32>
    %i:2 = scan.loop trip(%c3) slices(%w = %W : tensor<3x4x4xf32>) carry(%g = %s : tensor<?x4xf32>) step(%k) {
      %0 = scan.dot %g, %w batch = [[], []] contract = [[1], [1]] : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
      %1 = math.tanh %0 : tensor<?x4xf32>
      %2 = arith.addf %1, %x : tensor<?x4xf32>
      scan.yield carry(%1 : tensor<?x4xf32>) stack(%2 : tensor<?x4xf32>)
    } -> (tensor<3x?x4xf32>, tensor<?x4xf32>)
    scan.yield carry(%i#1 : tensor<?x4xf32>) stack(%i#0 : tensor<3x?x4xf32>)
  } -> (tensor<?x3x?x4xf32>, tensor<?x4xf32>) {unmasked_stacks = array<i64: 0>}
  return %r#0 : tensor<?x3x?x4xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto xs = numbers(kSteps * kBatch * 4, 1), W = numbers(48, 2);
  std::vector<int32_t> lengths(kLengths, kLengths + kBatch);
  std::vector<float> out(kSteps * 3 * kBatch * 4, 9);
  jit.call("f", {xs.data(), W.data(), lengths.data(), out.data()},
           {kSteps, kBatch});
  EXPECT_TRUE(jit.intact());
  for (int row = 0; row < kBatch; ++row) {
    double h[4] = {0, 0, 0, 0};
    for (int t = 0; t < kLengths[row]; ++t) {
      double g[4];
      for (int j = 0; j < 4; ++j)
        g[j] = h[j] + xs[(t * kBatch + row) * 4 + j];
      for (int k = 0; k < 3; ++k) {
        double next[4];
        for (int j = 0; j < 4; ++j) {
          double sum = 0;
          for (int i = 0; i < 4; ++i)
            sum += g[i] * W[(k * 4 + j) * 4 + i];
          next[j] = std::tanh(sum);
          EXPECT_NEAR(out[((t * 3 + k) * kBatch + row) * 4 + j],
                      next[j] + xs[(t * kBatch + row) * 4 + j], 1e-6);
        }
        std::copy(next, next + 4, g);
      }
      std::copy(g, g + 4, h);
    }
  }
}

// A first value that is read in the loop and after it as well.
TEST(Loops, FirstValueReadElsewhere) {
  ScanJit jit(R"(
func.func @f(%a: tensor<?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 3]>}, %len: tensor<?xi32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>}, %xs: tensor<?x?x3xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 3]>})
    -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x3xf32>
  %h0 = arith.addf %a, %a : tensor<?x3xf32>
  %r = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x3xf32>) carry(%h = %h0 : tensor<?x3xf32>) step(%t) {
    %0 = arith.mulf %h, %h0 : tensor<?x3xf32>
    %1 = arith.addf %0, %x : tensor<?x3xf32>
    scan.yield carry(%1 : tensor<?x3xf32>)
  } -> (tensor<?x3xf32>)
  %y = arith.addf %h0, %a : tensor<?x3xf32>
  return %r, %y : tensor<?x3xf32>, tensor<?x3xf32>
})");
  ASSERT_TRUE(jit.ok()) << jit.message();
  auto a = numbers(kBatch * 3, 1), xs = numbers(kSteps * kBatch * 3, 2);
  std::vector<int32_t> lengths(kLengths, kLengths + kBatch);
  std::vector<float> h(a.size()), y(a.size()), hRef(a.size()), yRef(a.size());
  jit.call("f", {a.data(), lengths.data(), xs.data(), h.data(), y.data()},
           {kBatch, kSteps});
  EXPECT_TRUE(jit.intact());
  for (size_t i = 0; i < a.size(); ++i) {
    float h0 = 2 * a[i];
    hRef[i] = h0;
    yRef[i] = h0 + a[i];
    for (int t = 0; t < kLengths[i / 3]; ++t)
      hRef[i] = hRef[i] * h0 + xs[t * a.size() + i];
  }
  EXPECT_LT(distance(h, hRef), 1e-5);
  EXPECT_LT(distance(y, yRef), 1e-6);
}

} // namespace
