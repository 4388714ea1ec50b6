// LoopsTest.cpp: gradients of time loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CheckGradient.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace rnnc::test;

static constexpr double kTolerance = 1e-6;

// What the schedule does with gradients.
static const char *const kPasses =
    "scan-sum-weight-gradients,canonicalize,cse,scan-hoist,"
    "scan-merge-products,scan-simplify{forget-gradients=true},canonicalize,cse";

// An LSTM whose gates are parts of one product; bias from outside.
static std::string lstm(bool reverse) {
  return std::string(R"(
func.func @f(%xs: tensor<?x?x3xf64>, %h0: tensor<?x2xf64>, %c0: tensor<?x2xf64>, %len: tensor<?xi32>,
    %w: tensor<4x2x3xf64>, %u: tensor<4x2x2xf64>, %b: tensor<4x2xf64>)
    -> (tensor<?x?x2xf64>, tensor<?x2xf64>, tensor<?x2xf64>) {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %x0 = scan.enter %xs lengths(%len) : tensor<?x?x3xf64> -> tensor<?x?x3xf64>
  %T = tensor.dim %x0, %0 : tensor<?x?x3xf64>
  %B = tensor.dim %x0, %1 : tensor<?x?x3xf64>
  %ys, %hT, %cT = scan.loop trip(%T) lengths(%len) )") +
         (reverse ? "reverse" : "") + R"( slices(%x = %x0 : tensor<?x?x3xf64>)
      carry(%h = %h0 : tensor<?x2xf64>, %c = %c0 : tensor<?x2xf64>) step(%t) {
    %wx = scan.dot %x, %w batch = [[], []] contract = [[1], [2]] : tensor<?x3xf64>, tensor<4x2x3xf64> -> tensor<?x4x2xf64>
    %uh = scan.dot %h, %u batch = [[], []] contract = [[1], [2]] : tensor<?x2xf64>, tensor<4x2x2xf64> -> tensor<?x4x2xf64>
    %s = arith.addf %wx, %uh : tensor<?x4x2xf64>
    %b1 = scan.broadcast %b sizes(%B) dims = [1, 2] : tensor<4x2xf64> -> tensor<?x4x2xf64>
    %z = arith.addf %s, %b1 : tensor<?x4x2xf64>
    %zi = tensor.extract_slice %z[0, 0, 0] [%B, 1, 2] [1, 1, 1] : tensor<?x4x2xf64> to tensor<?x2xf64>
    %zf = tensor.extract_slice %z[0, 1, 0] [%B, 1, 2] [1, 1, 1] : tensor<?x4x2xf64> to tensor<?x2xf64>
    %zg = tensor.extract_slice %z[0, 2, 0] [%B, 1, 2] [1, 1, 1] : tensor<?x4x2xf64> to tensor<?x2xf64>
    %zo = tensor.extract_slice %z[0, 3, 0] [%B, 1, 2] [1, 1, 1] : tensor<?x4x2xf64> to tensor<?x2xf64>
    %i = scan.sigmoid %zi : tensor<?x2xf64>
    %f = scan.sigmoid %zf : tensor<?x2xf64>
    %g = math.tanh %zg : tensor<?x2xf64>
    %o = scan.sigmoid %zo : tensor<?x2xf64>
    %fc = arith.mulf %f, %c : tensor<?x2xf64>
    %ig = arith.mulf %i, %g : tensor<?x2xf64>
    %c1 = arith.addf %fc, %ig : tensor<?x2xf64>
    %tc = math.tanh %c1 : tensor<?x2xf64>
    %h1 = arith.mulf %o, %tc : tensor<?x2xf64>
    scan.yield carry(%h1, %c1 : tensor<?x2xf64>, tensor<?x2xf64>) stack(%h1 : tensor<?x2xf64>)
  } -> (tensor<?x?x2xf64>, tensor<?x2xf64>, tensor<?x2xf64>)
  %y = scan.leave %ys lengths(%len) : tensor<?x?x2xf64> -> tensor<?x?x2xf64>
  return %y, %hT, %cT : tensor<?x?x2xf64>, tensor<?x2xf64>, tensor<?x2xf64>
})";
}

static std::vector<rnnc::interpreter::Tensor> lstmArgs() {
  return {numbers({4, 5, 3}), numbers({4, 2}),
          numbers({4, 2}),    integers({4}, {5, 0, 3, 1}),
          numbers({4, 2, 3}), numbers({4, 2, 2}),
          numbers({4, 2})};
}

TEST(Loops, RaggedForward) {
  EXPECT_LT(gradientError(lstm(false), lstmArgs()), kTolerance);
}

TEST(Loops, RaggedBackward) {
  EXPECT_LT(gradientError(lstm(true), lstmArgs()), kTolerance);
}

// The same by segments of time, which the reversed loop computes again.
TEST(Loops, Checkpoints) {
  for (const char *policy : {"sqrt", "every, 1", "every, 2", "every, 9"})
    for (bool reverse : {false, true}) {
      std::string text = lstm(reverse);
      const char *const end =
          "} -> (tensor<?x?x2xf64>, tensor<?x2xf64>, tensor<?x2xf64>)\n";
      size_t place = text.find(end) + strlen(end) - 1;
      ASSERT_LT(place, text.size());
      text.insert(place, std::string(" {checkpoint = #scan.checkpoint<") +
                             policy + ">}");
      CheckOptions options;
      options.before = "scan-checkpoint";
      EXPECT_LT(gradientError(text, lstmArgs(), options), kTolerance);
      options.passes = kPasses;
      EXPECT_LT(gradientError(text, lstmArgs(), options), kTolerance);
    }
}

TEST(Loops, ScheduledForward) {
  CheckOptions options;
  options.passes = kPasses;
  EXPECT_LT(gradientError(lstm(false), lstmArgs(), options), kTolerance);
}

TEST(Loops, ScheduledBackward) {
  CheckOptions options;
  options.passes = kPasses;
  EXPECT_LT(gradientError(lstm(true), lstmArgs(), options), kTolerance);
}

TEST(Loops, BrokenRulesAreCaughtInside) {
  for (const char *op : {"scan.dot", "scan.sigmoid", "math.tanh", "arith.mulf",
                         "tensor.extract_slice", "scan.broadcast"}) {
    CheckOptions options;
    options.brokenRule = op;
    EXPECT_GT(gradientError(lstm(false), lstmArgs(), options), 100 * kTolerance)
        << op;
  }
}

// A value from outside that has rows, used in each step; what is stacked is
// used twice; a logarithm of what is zero past the end.
static const char *const kOuter = R"(
func.func @f(%xs: tensor<?x?x2xf64>, %v: tensor<?x2xf64>, %len: tensor<?xi32>, %w: tensor<3x2xf64>) -> (tensor<f64>, tensor<?x2xf64>) {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<f64>
  %x0 = scan.enter %xs lengths(%len) : tensor<?x?x2xf64> -> tensor<?x?x2xf64>
  %T = tensor.dim %x0, %0 : tensor<?x?x2xf64>
  %B = tensor.dim %x0, %1 : tensor<?x?x2xf64>
  %h0 = scan.broadcast %zero sizes(%B) dims = [] : tensor<f64> -> tensor<?x2xf64>
  %ys, %hT = scan.loop trip(%T) lengths(%len) slices(%x = %x0 : tensor<?x?x2xf64>)
      carry(%h = %h0 : tensor<?x2xf64>) step(%t) {
    %a = arith.mulf %x, %v : tensor<?x2xf64>
    %b = arith.addf %a, %h : tensor<?x2xf64>
    %c = math.tanh %b : tensor<?x2xf64>
    scan.yield carry(%c : tensor<?x2xf64>) stack(%b : tensor<?x2xf64>)
  } -> (tensor<?x?x2xf64>, tensor<?x2xf64>)
  %sq = arith.mulf %ys, %ys : tensor<?x?x2xf64>
  %lg = math.log %sq : tensor<?x?x2xf64>
  %p = scan.dot %lg, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf64>, tensor<3x2xf64> -> tensor<?x?x3xf64>
  %l = scan.reduce logsumexp %p dims = [2] : tensor<?x?x3xf64> -> tensor<?x?xf64>
  %m = scan.mask %l lengths(%len) {time_dim = 0, batch_dim = 1} : tensor<?x?xf64>
  %s = scan.reduce sum %m dims = [0, 1] : tensor<?x?xf64> -> tensor<f64>
  return %s, %hT : tensor<f64>, tensor<?x2xf64>
})";

TEST(Loops, OuterValuesAndLogarithmsOfPadding) {
  EXPECT_LT(gradientError(kOuter,
                          {numbers({3, 4, 2}, 0.5, 1), numbers({3, 2}, 0.5, 1),
                           integers({3}, {4, 2, 1}), numbers({3, 2})}),
            kTolerance);
}

// A loop over a fixed axis inside a time loop, its sequence from the slice, its
// first state from the outer carry.
static const char *const kNested = R"(
func.func @f(%xs: tensor<?x3x?x2xf64>, %h0: tensor<?x2xf64>, %len: tensor<?xi32>, %u: tensor<2x2xf64>) -> (tensor<?x?x2xf64>, tensor<?x2xf64>) {
  %0 = arith.constant 0 : index
  %3 = arith.constant 3 : index
  %T = tensor.dim %xs, %0 : tensor<?x3x?x2xf64>
  %ys, %hT = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x3x?x2xf64>)
      carry(%h = %h0 : tensor<?x2xf64>) step(%t) {
    %zs, %gT = scan.loop trip(%3) slices(%xi = %x : tensor<3x?x2xf64>) carry(%g = %h : tensor<?x2xf64>) step(%k) {
      %r = scan.dot %g, %u batch = [[], []] contract = [[1], [1]] : tensor<?x2xf64>, tensor<2x2xf64> -> tensor<?x2xf64>
      %s = arith.addf %r, %xi : tensor<?x2xf64>
      %n = math.tanh %s : tensor<?x2xf64>
      scan.yield carry(%n : tensor<?x2xf64>) stack(%r : tensor<?x2xf64>)
    } -> (tensor<3x?x2xf64>, tensor<?x2xf64>)
    %q = scan.reduce sum %zs dims = [0] : tensor<3x?x2xf64> -> tensor<?x2xf64>
    %y = arith.mulf %q, %gT : tensor<?x2xf64>
    scan.yield carry(%gT : tensor<?x2xf64>) stack(%y : tensor<?x2xf64>)
  } -> (tensor<?x?x2xf64>, tensor<?x2xf64>)
  return %ys, %hT : tensor<?x?x2xf64>, tensor<?x2xf64>
})";

TEST(Loops, Nested) {
  auto args = [] {
    return std::vector<rnnc::interpreter::Tensor>{
        numbers({4, 3, 2, 2}), numbers({2, 2}), integers({2}, {4, 2}),
        numbers({2, 2})};
  };
  EXPECT_LT(gradientError(kNested, args()), kTolerance);
  CheckOptions options;
  options.passes = kPasses;
  EXPECT_LT(gradientError(kNested, args(), options), kTolerance);
  options.passes = "scan-unroll{factor=0},canonicalize,cse";
  EXPECT_LT(gradientError(kNested, args(), options), kTolerance);
}

// The same mask in both directions.
static const char *const kDropout = R"(
func.func @f(%xs: tensor<?x?x4xf64>, %h0: tensor<?x4xf64>, %len: tensor<?xi32>, %key: tensor<2xi64>) -> tensor<?x4xf64> {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %half = arith.constant dense<0.5> : tensor<f64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %T = tensor.dim %xs, %0 : tensor<?x?x4xf64>
  %B = tensor.dim %xs, %1 : tensor<?x?x4xf64>
  %p = scan.broadcast %half sizes(%B) dims = [] : tensor<f64> -> tensor<?x4xf64>
  %z = scan.broadcast %zero sizes(%B) dims = [] : tensor<f64> -> tensor<?x4xf64>
  %hT = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf64>)
      carry(%h = %h0 : tensor<?x4xf64>) step(%t) {
    %r = scan.random %key sizes(%B) at(%t) {site = 3, batch_dim = 0} : tensor<?x4xf64>
    %c = arith.cmpf olt, %r, %p : tensor<?x4xf64>
    %d = arith.select %c, %x, %z : tensor<?x4xi1>, tensor<?x4xf64>
    %a = arith.mulf %d, %h : tensor<?x4xf64>
    %s = math.sin %a : tensor<?x4xf64>
    %n = arith.addf %s, %x : tensor<?x4xf64>
    scan.yield carry(%n : tensor<?x4xf64>)
  } -> tensor<?x4xf64>
  return %hT : tensor<?x4xf64>
})";

TEST(Loops, DropoutKeepsItsMask) {
  EXPECT_LT(gradientError(kDropout,
                          {numbers({4, 3, 4}), numbers({3, 4}),
                           integers({3}, {4, 2, 0}), integers({2}, {7, 1})}),
            kTolerance);
}

// Hand-written gates share an operand and are merged; values agree.
static const char *const kGates = R"(
func.func @f(%xs: tensor<?x?x3xf64>, %h0: tensor<?x2xf64>, %a: tensor<2x2xf64>, %b: tensor<2x2xf64>) -> tensor<?x2xf64> {
  %0 = arith.constant 0 : index
  %T = tensor.dim %xs, %0 : tensor<?x?x3xf64>
  %hT = scan.loop trip(%T) carry(%h = %h0 : tensor<?x2xf64>) step(%t) {
    %p = scan.dot %h, %a batch = [[], []] contract = [[1], [1]] : tensor<?x2xf64>, tensor<2x2xf64> -> tensor<?x2xf64>
    %q = scan.dot %h, %b batch = [[], []] contract = [[1], [1]] : tensor<?x2xf64>, tensor<2x2xf64> -> tensor<?x2xf64>
    %s = scan.sigmoid %p : tensor<?x2xf64>
    %n = math.tanh %q : tensor<?x2xf64>
    %m = arith.mulf %s, %n : tensor<?x2xf64>
    scan.yield carry(%m : tensor<?x2xf64>)
  } -> tensor<?x2xf64>
  return %hT : tensor<?x2xf64>
})";

TEST(Loops, MergedProducts) {
  CheckOptions options;
  options.wrt = {1, 2, 3};
  options.passes = kPasses;
  EXPECT_LT(gradientError(kGates,
                          {numbers({3, 2, 3}), numbers({2, 2}), numbers({2, 2}),
                           numbers({2, 2})},
                          options),
            kTolerance);
}

// Length and batch 0.
TEST(Loops, Empty) {
  auto args = lstmArgs();
  args[0] = numbers({4, 0, 3});
  args[3] = integers({4}, {0, 0, 0, 0});
  EXPECT_LT(gradientError(lstm(false), args), kTolerance);
  args[0] = numbers({0, 3, 3});
  args[1] = args[2] = numbers({0, 2});
  args[3] = integers({0}, {});
  EXPECT_LT(gradientError(lstm(false), args), kTolerance);
}

//===-- What changes a gradient on purpose
//-------------------------------------===//

// h' = clipgrad(2 h) from 1, four steps: each step back would double the
// cotangent, which is limited to 3 before.
TEST(Loops, LimitedInside) {
  const char *text = R"(
func.func @f(%h0: tensor<1xf64>) -> tensor<1xf64> {
  %4 = arith.constant 4 : index
  %two = arith.constant dense<2.0> : tensor<1xf64>
  %hT = scan.loop trip(%4) carry(%h = %h0 : tensor<1xf64>) step(%t) {
    %d = arith.mulf %h, %two : tensor<1xf64>
    %n = scan.clipgrad %d {limit = 3.0 : f64} : tensor<1xf64>
    scan.yield carry(%n : tensor<1xf64>)
  } -> tensor<1xf64>
  return %hT : tensor<1xf64>
})";
  // 1 -> 2 -> 4, limited to 3, -> 6 -> 3 -> 6.
  EXPECT_EQ(gradientOf(text, {numbers({1})}, {1}).data.at(0), 6);
  EXPECT_EQ(gradientOf(text, {numbers({1})}, {-0.1}).data.at(0), -1.6);
}

// The same without a limit, cut before every second step: two factors are left.
TEST(Loops, CutInside) {
  const char *text = R"(
func.func @f(%x: tensor<?x1xf64>) -> tensor<1xf64> {
  %0 = arith.constant 0 : index
  %two = arith.constant dense<2.0> : tensor<1xf64>
  %zero = arith.constant dense<0.0> : tensor<1xf64>
  %T = tensor.dim %x, %0 : tensor<?x1xf64>
  %hT = scan.loop trip(%T) slices(%xt = %x : tensor<?x1xf64>) carry(%h = %zero : tensor<1xf64>) step(%t) {
    %s = scan.stop %h at(%t) {period = 2} : tensor<1xf64>
    %d = arith.mulf %s, %two : tensor<1xf64>
    %n = arith.addf %d, %xt : tensor<1xf64>
    scan.yield carry(%n : tensor<1xf64>)
  } -> tensor<1xf64>
  return %hT : tensor<1xf64>
})";
  EXPECT_EQ(gradientOf(text, {numbers({4, 1})}, {1}).data,
            (std::vector<double>{0, 0, 2, 1}));
  EXPECT_EQ(gradientOf(text, {numbers({3, 1})}, {1}).data,
            (std::vector<double>{0, 0, 1}));
}

//===-- Once more
//----------------------------------------------------------===//

// The gradient and the tangents of a loop are loops that are differentiated in
// both modes.
static void expectSecondGradients(const std::string &text,
                                  std::vector<rnnc::interpreter::Tensor> args) {
  for (bool reverse : {true, false})
    EXPECT_LT(secondGradientError(text, args, reverse), kTolerance)
        << (reverse ? "of the gradient" : "of the tangents");
}

TEST(LoopsAgain, RaggedForward) {
  expectSecondGradients(lstm(false), lstmArgs());
}

TEST(LoopsAgain, RaggedBackward) {
  expectSecondGradients(lstm(true), lstmArgs());
}

TEST(LoopsAgain, OuterValuesAndLogarithmsOfPadding) {
  expectSecondGradients(kOuter,
                        {numbers({3, 4, 2}, 0.5, 1), numbers({3, 2}, 0.5, 1),
                         integers({3}, {4, 2, 1}), numbers({3, 2})});
}

TEST(LoopsAgain, Nested) {
  expectSecondGradients(kNested, {numbers({4, 3, 2, 2}), numbers({2, 2}),
                                  integers({2}, {4, 2}), numbers({2, 2})});
}

TEST(LoopsAgain, Dropout) {
  expectSecondGradients(kDropout,
                        {numbers({4, 3, 4}), numbers({3, 4}),
                         integers({3}, {4, 2, 0}), integers({2}, {7, 1})});
}

TEST(LoopsAgain, Empty) {
  auto args = lstmArgs();
  args[0] = numbers({4, 0, 3});
  args[3] = integers({4}, {0, 0, 0, 0});
  expectSecondGradients(lstm(false), args);
  args[0] = numbers({0, 3, 3});
  args[1] = args[2] = numbers({0, 2});
  args[3] = integers({0}, {});
  expectSecondGradients(lstm(false), args);
}

// A third time: the rules of what the rules of the reversed loop build.
TEST(LoopsAgain, Thrice) {
  std::string gradient = derivativeOf(kGates, true);
  expectSecondGradients(gradient,
                        {numbers({3, 2, 3}), numbers({2, 2}), numbers({2, 2}),
                         numbers({2, 2}), numbers({2, 2})});
}
