// EdgesTest.cpp: what was not taken does not reach a gradient, however steep.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CheckGradient.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace rnnc::test;
using rnnc::interpreter::Tensor;

static constexpr double kTolerance = 1e-6;

namespace {
Tensor of(std::vector<int64_t> shape, std::vector<double> data) {
  Tensor tensor(shape);
  llvm::copy(data, tensor.data.begin());
  return tensor;
}

/// A function of x [4] and w [4], of which only the rows with a positive y
/// count; `body` computes %r from %x and %w, which it may use in a way that has
/// no gradient where y is negative.
std::string chosen(const std::string &body) {
  return "func.func @f(%x: tensor<4xf64>, %w: tensor<4xf64>, %y: "
         "tensor<4xf64>) -> tensor<4xf64> {\n"
         "  %zero = arith.constant dense<0.0> : tensor<4xf64>\n"
         "  %c = arith.cmpf ogt, %y, %zero : tensor<4xf64>\n" +
         body +
         "  %s = arith.select %c, %r, %w : tensor<4xi1>, tensor<4xf64>\n"
         "  %p = arith.mulf %s, %w : tensor<4xf64>\n"
         "  return %p : tensor<4xf64>\n}";
}

std::vector<Tensor> argumentsOf(std::vector<double> x) {
  return {of({4}, x), numbers({4}, 0.5, 1), of({4}, {1, -1, 1, -1})};
}

/// In both modes, and once more over each.
void agrees(const std::string &text, std::vector<Tensor> args) {
  EXPECT_LT(gradientError(text, args), kTolerance) << text;
  for (bool reverse : {true, false})
    EXPECT_LT(secondGradientError(text, args, reverse), kTolerance)
        << (reverse ? "gradient of " : "tangent of ") << text;
}

std::string unary(const char *op, const char *operand = "%x",
                  const char *result = "%r") {
  return std::string("  ") + result + " = " + op + " " + operand +
         " : tensor<4xf64>\n";
}
} // namespace

TEST(Edges, SteepFunctionsOfABranch) {
  for (const char *op : {"math.log", "math.sqrt", "math.rsqrt"})
    agrees(chosen(unary(op)), argumentsOf({2, 0, 1.5, -3}));
  agrees(chosen(unary("math.log1p")), argumentsOf({2, -1, 1.5, -3}));
  agrees(chosen(unary("math.exp")), argumentsOf({1, 800, -1, INFINITY}));
  agrees(chosen("  %r = arith.divf %w, %x : tensor<4xf64>\n"),
         argumentsOf({2, 0, 1.5, -0.0}));
  agrees(chosen("  %r = math.powf %x, %w : tensor<4xf64>\n"),
         argumentsOf({2, 0, 1.5, -3}));
}

TEST(Edges, ArgumentsThatAreNotFinite) {
  agrees(chosen(unary("math.sin")), argumentsOf({1, INFINITY, -1, NAN}));
  agrees(chosen("  %r = arith.mulf %x, %w : tensor<4xf64>\n"),
         argumentsOf({2, INFINITY, 1.5, NAN}));
}

TEST(Edges, ChainsInABranch) {
  // 0 * inf arises in the middle: x^8 overflows, its logarithm is steep.
  agrees(chosen("  %2 = arith.mulf %x, %x : tensor<4xf64>\n"
                "  %4 = arith.mulf %2, %2 : tensor<4xf64>\n"
                "  %8 = arith.mulf %4, %4 : tensor<4xf64>\n" +
                unary("math.log", "%8")),
         argumentsOf({1.1, 1e200, -0.9, 0}));
  agrees(chosen(unary("math.sqrt", "%x", "%a") +
                unary("math.tanh", "%a", "%b") +
                "  %r = arith.divf %b, %a : tensor<4xf64>\n"),
         argumentsOf({1.1, 0, 0.9, -1}));
}

// One value in two branches, of which neither is taken everywhere.
TEST(Edges, SharedByBranches) {
  std::string text = R"(
func.func @f(%x: tensor<4xf64>, %y: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>) {
  %zero = arith.constant dense<0.0> : tensor<4xf64>
  %one = arith.constant dense<1.0> : tensor<4xf64>
  %a = arith.cmpf ogt, %y, %one : tensor<4xf64>
  %b = arith.cmpf ogt, %y, %zero : tensor<4xf64>
  %s = math.sqrt %x : tensor<4xf64>
  %d = arith.addf %s, %s : tensor<4xf64>
  %0 = arith.select %b, %d, %x : tensor<4xi1>, tensor<4xf64>
  %1 = arith.select %a, %s, %0 : tensor<4xi1>, tensor<4xf64>
  return %1, %0 : tensor<4xf64>, tensor<4xf64>
})";
  agrees(text, {of({4}, {4, 0, 2, 0}), of({4}, {2, -1, 0.5, -2})});
}

// A value that is used outside of the branch too keeps its infinity.
TEST(Edges, WhatIsTakenIsNotHidden) {
  std::string text = R"(
func.func @f(%x: tensor<2xf64>, %y: tensor<2xf64>) -> tensor<2xf64> {
  %zero = arith.constant dense<0.0> : tensor<2xf64>
  %c = arith.cmpf ogt, %y, %zero : tensor<2xf64>
  %s = math.sqrt %x : tensor<2xf64>
  %0 = arith.select %c, %s, %x : tensor<2xi1>, tensor<2xf64>
  %1 = arith.mulf %0, %zero : tensor<2xf64>
  return %1 : tensor<2xf64>
})";
  std::vector<Tensor> args = {of({2}, {0, 0}), of({2}, {1, -1})};
  Tensor gradient = gradientOf(text, args, {1, 1});
  EXPECT_TRUE(std::isnan(gradient.data[0]));
  EXPECT_EQ(gradient.data[1], 0);
}

// Sums over examples: a product within the branch, and reductions.
TEST(Edges, ProductsInABranch) {
  std::string text = R"(
func.func @f(%x: tensor<?x3xf64>, %w: tensor<3x2xf64>, %y: tensor<?xf64>) -> tensor<?x2xf64> {
  %i = arith.constant 0 : index
  %n = tensor.dim %x, %i : tensor<?x3xf64>
  %z = arith.constant dense<0.0> : tensor<f64>
  %zeros = scan.broadcast %z sizes(%n) dims = [] : tensor<f64> -> tensor<?xf64>
  %none = scan.broadcast %z sizes(%n) dims = [] : tensor<f64> -> tensor<?x2xf64>
  %c = arith.cmpf ogt, %y, %zeros : tensor<?xf64>
  %wide = scan.broadcast %c sizes(%n) dims = [0] : tensor<?xi1> -> tensor<?x2xi1>
  %l = math.log %x : tensor<?x3xf64>
  %d = scan.dot %l, %w batch = [[], []] contract = [[1], [0]] : tensor<?x3xf64>, tensor<3x2xf64> -> tensor<?x2xf64>
  %t = math.tanh %d : tensor<?x2xf64>
  %r = arith.select %wide, %t, %none : tensor<?x2xi1>, tensor<?x2xf64>
  return %r : tensor<?x2xf64>
})";
  agrees(text, {of({3, 3}, {1, 2, 3, 0, -1, 2, 2, 1, 0.5}),
                numbers({3, 2}, 0.5, 1), of({3}, {1, -1, 1})});
}

TEST(Edges, EntriesThatNobodyLookedAt) {
  // The largest entry; one step; a part; entries of a table.
  agrees(R"(
func.func @f(%x: tensor<2x3xf64>) -> (tensor<2xf64>, tensor<2xf64>) {
  %0 = math.exp %x : tensor<2x3xf64>
  %1 = scan.reduce min %0 dims = [1] : tensor<2x3xf64> -> tensor<2xf64>
  %2 = math.log %x : tensor<2x3xf64>
  %3 = tensor.extract_slice %2[0, 1] [2, 1] [1, 1] : tensor<2x3xf64> to tensor<2xf64>
  return %1, %3 : tensor<2xf64>, tensor<2xf64>
})",
         {of({2, 3}, {800, 4, 1, 0, 3, 900})});
  agrees(R"(
func.func @f(%x: tensor<?x?x1xf64>, %len: tensor<?xi32>, %e: tensor<3x1xf64>, %i: tensor<2xi32>) -> (tensor<?x1xf64>, tensor<2x1xf64>) {
  %0 = math.log %x : tensor<?x?x1xf64>
  %1 = scan.pick_step last %0 lengths(%len) : tensor<?x?x1xf64> -> tensor<?x1xf64>
  %2 = math.sqrt %e : tensor<3x1xf64>
  %3 = scan.gather %2[%i] batch_dims = 0 : tensor<3x1xf64>, tensor<2xi32> -> tensor<2x1xf64>
  return %1, %3 : tensor<?x1xf64>, tensor<2x1xf64>
})",
         {of({2, 2, 1}, {0, 2, 3, -1}), integers({2}, {2, 1}),
          of({3, 1}, {4, 0, 9}), integers({2}, {2, 0})});
}

// An example without steps: its maximum is minus infinity, and all it is used
// for is past the end.
static std::string emptyExample(const char *kind) {
  return std::string(R"(
func.func @f(%x: tensor<?x?xf64>, %w: tensor<f64>, %len: tensor<?xi32>) -> tensor<f64> {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %T = tensor.dim %x, %i0 : tensor<?x?xf64>
  %n = tensor.dim %x, %i1 : tensor<?x?xf64>
  %m = scan.mask %x lengths(%len) {time_dim = 0, batch_dim = 1, fill = 0xFFF0000000000000 : f64} : tensor<?x?xf64>
  %p = scan.reduce )") +
         kind + R"( %m dims = [0] : tensor<?x?xf64> -> tensor<?xf64>
  %ws = scan.broadcast %w sizes(%n) dims = [] : tensor<f64> -> tensor<?xf64>
  %q = arith.mulf %p, %ws : tensor<?xf64>
  %e = math.exp %q : tensor<?xf64>
  %wide = scan.broadcast %e sizes(%T, %n) dims = [1] : tensor<?xf64> -> tensor<?x?xf64>
  %d = arith.mulf %wide, %x : tensor<?x?xf64>
  %v = scan.mask %d lengths(%len) {time_dim = 0, batch_dim = 1, fill = 0.0 : f64} : tensor<?x?xf64>
  %s = scan.reduce sum %v dims = [0, 1] : tensor<?x?xf64> -> tensor<f64>
  return %s : tensor<f64>
})";
}

static std::vector<Tensor> emptyExampleArguments() {
  return {numbers({3, 2}), of({}, {0.7}), integers({2}, {3, 0})};
}

TEST(Edges, ExamplesWithoutSteps) {
  for (const char *kind : {"max", "logsumexp"})
    EXPECT_LT(gradientError(emptyExample(kind), emptyExampleArguments()),
              kTolerance);
}

TEST(Edges, SecondGradientsOfExamplesWithoutSteps) {
  for (const char *kind : {"max", "logsumexp"})
    for (bool reverse : {true, false})
      EXPECT_LT(secondGradientError(emptyExample(kind), emptyExampleArguments(),
                                    reverse),
                kTolerance);
}

// An example with steps along one of two time axes: the largest of the other is
// minus infinity, and what is made from it counts for no entry.
static std::string emptyAxis(const std::string &body) {
  return R"(
func.func @f(%x: tensor<?x?xf64>, %w: tensor<2xf64>, %s: tensor<?xi32>, %t: tensor<?xi32>) -> tensor<f64> {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %S = tensor.dim %x, %i0 : tensor<?x?xf64>
  %n = tensor.dim %x, %i1 : tensor<?x?xf64>
  %m = scan.mask %x lengths(%s) {time_dim = 0, batch_dim = 1, fill = 0xFFF0000000000000 : f64} : tensor<?x?xf64>
  %largest = scan.reduce max %m dims = [0] : tensor<?x?xf64> -> tensor<?xf64>
  %p = scan.broadcast %largest sizes(%n) dims = [0] : tensor<?xf64> -> tensor<?x2xf64>
  %ws = scan.broadcast %w sizes(%n) dims = [1] : tensor<2xf64> -> tensor<?x2xf64>
)" + body +
         R"(
  %wide = scan.broadcast %r sizes(%S, %S, %n) dims = [2, 3] : tensor<?x2xf64> -> tensor<?x?x?x2xf64>
  %a = scan.mask %wide lengths(%t) {time_dim = 0, batch_dim = 2, fill = 0.0 : f64} : tensor<?x?x?x2xf64>
  %v = scan.mask %a lengths(%s) {time_dim = 1, batch_dim = 2, fill = 0.0 : f64} : tensor<?x?x?x2xf64>
  %u = scan.reduce sum %v dims = [0, 1, 2, 3] : tensor<?x?x?x2xf64> -> tensor<f64>
  return %u : tensor<f64>
})";
}

TEST(Edges, ExamplesWithoutStepsAlongOneAxis) {
  const char *elementwise[] = {"  %r = arith.divf %p, %ws : tensor<?x2xf64>",
                               "  %r = arith.divf %ws, %p : tensor<?x2xf64>",
                               "  %r = arith.mulf %p, %ws : tensor<?x2xf64>",
                               "  %r = math.powf %ws, %p : tensor<?x2xf64>"};
  std::vector<std::string> bodies(std::begin(elementwise),
                                  std::end(elementwise));
  for (const char *kind : {"logsumexp", "max", "prod"})
    bodies.push_back(std::string(R"(
  %q = arith.mulf %p, %ws : tensor<?x2xf64>
  %e = scan.reduce )") +
                     kind + R"( %q dims = [1] : tensor<?x2xf64> -> tensor<?xf64>
  %r = scan.broadcast %e sizes(%n) dims = [0] : tensor<?xf64> -> tensor<?x2xf64>)");
  bodies.push_back(R"(
  %d = scan.dot %p, %w batch = [[], []] contract = [[1], [0]] : tensor<?x2xf64>, tensor<2xf64> -> tensor<?xf64>
  %r = scan.broadcast %d sizes(%n) dims = [0] : tensor<?xf64> -> tensor<?x2xf64>)");
  // The shares of what is infinite, which are no numbers.
  bodies.push_back(R"(
  %q = arith.mulf %p, %ws : tensor<?x2xf64>
  %e = scan.reduce logsumexp %q dims = [1] : tensor<?x2xf64> -> tensor<?xf64>
  %f = scan.broadcast %e sizes(%n) dims = [0] : tensor<?xf64> -> tensor<?x2xf64>
  %g = arith.subf %q, %f : tensor<?x2xf64>
  %h = math.exp %g : tensor<?x2xf64>
  %r = arith.mulf %h, %ws : tensor<?x2xf64>)");
  std::vector<Tensor> args = {numbers({3, 2}, 0.5, 1), of({2}, {0.7, 1.2}),
                              integers({2}, {3, 0}), integers({2}, {2, 3})};
  for (const std::string &body : bodies)
    agrees(emptyAxis(body), args);
}

// A state that begins with the smallest of nothing, and is never stepped. The
// loop computes with it all the same, beside the examples that have steps.
TEST(Edges, FirstStatesOfExamplesWithoutSteps) {
  agrees(R"(
func.func @f(%x: tensor<?x?x2xf64>, %w: tensor<2x2xf64>, %b: tensor<f64>, %len: tensor<?xi32>) -> tensor<f64> {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %T = tensor.dim %x, %i0 : tensor<?x?x2xf64>
  %n = tensor.dim %x, %i1 : tensor<?x?x2xf64>
  %m = scan.mask %x lengths(%len) {time_dim = 0, batch_dim = 1, fill = 0x7FF0000000000000 : f64} : tensor<?x?x2xf64>
  %p = scan.reduce min %m dims = [0] : tensor<?x?x2xf64> -> tensor<?x2xf64>
  %last = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x2xf64>) carry(%h = %p : tensor<?x2xf64>) step(%t) {
    %d = scan.dot %h, %w batch = [[], []] contract = [[1], [0]] : tensor<?x2xf64>, tensor<2x2xf64> -> tensor<?x2xf64>
    %bs = scan.broadcast %b sizes(%n) dims = [] : tensor<f64> -> tensor<?x2xf64>
    %q = arith.mulf %h, %bs : tensor<?x2xf64>
    %e = arith.addf %d, %q : tensor<?x2xf64>
    %f = arith.addf %e, %s : tensor<?x2xf64>
    %r = math.tanh %f : tensor<?x2xf64>
    scan.yield carry(%r : tensor<?x2xf64>)
  } -> (tensor<?x2xf64>)
  %wide = scan.broadcast %last sizes(%T, %n) dims = [1, 2] : tensor<?x2xf64> -> tensor<?x?x2xf64>
  %v = scan.mask %wide lengths(%len) {time_dim = 0, batch_dim = 1, fill = 0.0 : f64} : tensor<?x?x2xf64>
  %u = scan.reduce sum %v dims = [0, 1, 2] : tensor<?x?x2xf64> -> tensor<f64>
  return %u : tensor<f64>
})",
         {numbers({3, 3, 2}), numbers({2, 2}), of({}, {0.7}),
          integers({3}, {3, 0, 2})});
}

// A sum over one of two time axes: past its end a quotient is no number.
TEST(Edges, PastTheEndOfASecondTimeAxis) {
  std::string text = R"(
func.func @f(%xs: tensor<?x?x2xf64>, %len: tensor<?xi32>) -> tensor<?x?x?xf64> {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %x = scan.enter %xs lengths(%len) : tensor<?x?x2xf64> -> tensor<?x?x2xf64>
  %T = tensor.dim %x, %i0 : tensor<?x?x2xf64>
  %n = tensor.dim %x, %i1 : tensor<?x?x2xf64>
  %c = arith.constant dense<0.7> : tensor<f64>
  %cs = scan.broadcast %c sizes(%T, %n) dims = [] : tensor<f64> -> tensor<?x?x2xf64>
  %d = scan.mask %cs lengths(%len) {time_dim = 0, batch_dim = 1} : tensor<?x?x2xf64>
  %q = arith.divf %x, %d : tensor<?x?x2xf64>
  %a = scan.broadcast %x sizes(%T, %T, %n) dims = [0, 2, 3] : tensor<?x?x2xf64> -> tensor<?x?x?x2xf64>
  %b = scan.broadcast %x sizes(%T, %T, %n) dims = [1, 2, 3] : tensor<?x?x2xf64> -> tensor<?x?x?x2xf64>
  %s = arith.addf %a, %b : tensor<?x?x?x2xf64>
  %p = scan.dot %q, %s batch = [[0, 1], [0, 2]] contract = [[2], [3]] : tensor<?x?x2xf64>, tensor<?x?x?x2xf64> -> tensor<?x?x?xf64>
  %t = scan.transpose %p perm = [0, 2, 1] : tensor<?x?x?xf64> -> tensor<?x?x?xf64>
  %r = scan.leave %t lengths(%len, %len) : tensor<?x?x?xf64> -> tensor<?x?x?xf64>
  return %r : tensor<?x?x?xf64>
})";
  EXPECT_LT(gradientError(
                text, {numbers({3, 4, 2}, 0.5, 1), integers({3}, {4, 1, 0})}),
            kTolerance);
}

// A loop in a branch that was not taken overflows.
TEST(Edges, LoopsInABranch) {
  agrees(
      R"(
func.func @f(%x: tensor<?x?xf64>, %w: tensor<f64>, %y: tensor<?xf64>) -> tensor<?xf64> {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %T = tensor.dim %x, %i0 : tensor<?x?xf64>
  %n = tensor.dim %x, %i1 : tensor<?x?xf64>
  %z = arith.constant dense<0.0> : tensor<f64>
  %zeros = scan.broadcast %z sizes(%n) dims = [] : tensor<f64> -> tensor<?xf64>
  %c = arith.cmpf ogt, %y, %zeros : tensor<?xf64>
  %l = math.log %x : tensor<?x?xf64>
  %h = scan.loop trip(%T) slices(%s = %l : tensor<?x?xf64>) carry(%a = %zeros : tensor<?xf64>) step(%t) {
    %ws = scan.broadcast %w sizes(%n) dims = [] : tensor<f64> -> tensor<?xf64>
    %m = arith.mulf %a, %ws : tensor<?xf64>
    %b = arith.mulf %m, %a : tensor<?xf64>
    %r = arith.addf %b, %s : tensor<?xf64>
    scan.yield carry(%r : tensor<?xf64>)
  } -> (tensor<?xf64>)
  %r = arith.select %c, %h, %zeros : tensor<?xi1>, tensor<?xf64>
  return %r : tensor<?xf64>
})",
      {of({3, 2}, {1.1, 0, 0.9, -1, 1.2, 5}), of({}, {0.7}), of({2}, {1, -1})});
}

// The smallest of nothing times a parameter, where what follows saturates. In
// reverse only: the tangent of infinity times w is no number before it does.
TEST(Edges, SaturatedExamplesWithoutSteps) {
  std::string text = R"(
func.func @f(%w: tensor<2xf64>, %x: tensor<?x?x2xf64>, %len: tensor<?xi32>) -> tensor<?xf64> {
  %i1 = arith.constant 1 : index
  %n = tensor.dim %x, %i1 : tensor<?x?x2xf64>
  %m = scan.mask %x lengths(%len) {time_dim = 0, batch_dim = 1, fill = 0x7FF0000000000000 : f64} : tensor<?x?x2xf64>
  %p = scan.reduce min %m dims = [0] : tensor<?x?x2xf64> -> tensor<?x2xf64>
  %d = scan.dot %p, %w batch = [[], []] contract = [[1], [0]] : tensor<?x2xf64>, tensor<2xf64> -> tensor<?xf64>
  %a = math.tanh %d : tensor<?xf64>
  %ws = scan.broadcast %w sizes(%n) dims = [1] : tensor<2xf64> -> tensor<?x2xf64>
  %q = arith.mulf %p, %ws : tensor<?x2xf64>
  %b = scan.sigmoid %q : tensor<?x2xf64>
  %s = scan.reduce sum %b dims = [1] : tensor<?x2xf64> -> tensor<?xf64>
  %r = arith.mulf %a, %s : tensor<?xf64>
  return %r : tensor<?xf64>
})";
  std::vector<Tensor> args = {of({2}, {0.4, 0.6}), numbers({3, 2, 2}),
                              integers({2}, {3, 0})};
  for (double x : gradientOf(text, args, {1, 1}).data)
    EXPECT_TRUE(std::isfinite(x) && x != 0);
}

// Each step takes the smallest entry of a slice, and looks at one row of a
// table: where no step did, the cotangents that leave the loop stay zero.
TEST(Edges, EntriesThatNoStepLookedAt) {
  agrees(R"(
func.func @f(%x: tensor<?x?x2xf64>, %e: tensor<3xf64>, %i: tensor<?x?xi32>) -> tensor<?xf64> {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %T = tensor.dim %x, %i0 : tensor<?x?x2xf64>
  %n = tensor.dim %x, %i1 : tensor<?x?x2xf64>
  %z = arith.constant dense<0.0> : tensor<f64>
  %zeros = scan.broadcast %z sizes(%n) dims = [] : tensor<f64> -> tensor<?xf64>
  %wide = math.exp %x : tensor<?x?x2xf64>
  %table = math.log %e : tensor<3xf64>
  %h = scan.loop trip(%T) slices(%s = %wide : tensor<?x?x2xf64>, %k = %i : tensor<?x?xi32>) carry(%a = %zeros : tensor<?xf64>) step(%t) {
    %m = scan.reduce min %s dims = [1] : tensor<?x2xf64> -> tensor<?xf64>
    %l = scan.gather %table[%k] batch_dims = 0 : tensor<3xf64>, tensor<?xi32> -> tensor<?xf64>
    %p = arith.mulf %m, %l : tensor<?xf64>
    %r = arith.addf %a, %p : tensor<?xf64>
    scan.yield carry(%r : tensor<?xf64>)
  } -> (tensor<?xf64>)
  return %h : tensor<?xf64>
})",
         {of({2, 2, 2}, {800, 0.2, 0.3, 900, 1, INFINITY, 0.7, 0.5}),
          of({3}, {4, 0, 9}), integers({2, 2}, {2, 0, 0, 0})});
}

// A step that was not taken hides how steep the steps before it were.
TEST(Edges, StatesThatWereNotTaken) {
  agrees(R"(
func.func @f(%x: tensor<?x?xf64>, %h0: tensor<?xf64>, %y: tensor<?x?xf64>) -> tensor<?xf64> {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %T = tensor.dim %x, %i0 : tensor<?x?xf64>
  %n = tensor.dim %x, %i1 : tensor<?x?xf64>
  %z = arith.constant dense<0.0> : tensor<f64>
  %zeros = scan.broadcast %z sizes(%n) dims = [] : tensor<f64> -> tensor<?xf64>
  %h = scan.loop trip(%T) slices(%s = %x : tensor<?x?xf64>, %d = %y : tensor<?x?xf64>) carry(%a = %h0 : tensor<?xf64>) step(%t) {
    %c = arith.cmpf ogt, %d, %zeros : tensor<?xf64>
    %q = math.sqrt %a : tensor<?xf64>
    %p = arith.mulf %q, %s : tensor<?xf64>
    %r = arith.select %c, %p, %s : tensor<?xi1>, tensor<?xf64>
    scan.yield carry(%r : tensor<?xf64>)
  } -> (tensor<?xf64>)
  return %h : tensor<?xf64>
})",
         {of({3, 3}, {1.1, 0.7, 2, 1.2, 0.5, 1.1, 0.9, 1.3, 0.8}),
          of({3}, {0, 1.5, 0}), of({3, 3}, {1, 1, 1, -1, 1, 1, 1, 1, -1})});
}
