// OpsTest.cpp: the rule of each op, right, and wrong on purpose.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CheckGradient.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace rnnc::test;

static constexpr double kTolerance = 1e-6;

namespace {
struct Case {
  const char *op; ///< whose rule is tested
  std::string text;
  std::vector<rnnc::interpreter::Tensor> args;
};

Case unary(const char *op, double low = -1, double high = 1) {
  return {op,
          std::string("func.func @f(%x: tensor<5xf64>) -> tensor<5xf64> {\n"
                      "  %0 = ") +
              op + " %x : tensor<5xf64>\n  return %0 : tensor<5xf64>\n}",
          {numbers({5}, low, high)}};
}

Case binary(const char *op, double low = -1, double high = 1) {
  return {op,
          std::string("func.func @f(%x: tensor<5xf64>, %y: tensor<5xf64>) -> "
                      "tensor<5xf64> {\n  %0 = ") +
              op + " %x, %y : tensor<5xf64>\n  return %0 : tensor<5xf64>\n}",
          {numbers({5}, low, high), numbers({5}, low, high)}};
}

Case reduce(const char *kind) {
  return {"scan.reduce",
          std::string("func.func @f(%x: tensor<4x3x2xf64>) -> tensor<3xf64> {\n"
                      "  %0 = scan.reduce ") +
              kind +
              " %x dims = [0, 2] : tensor<4x3x2xf64> -> tensor<3xf64>\n"
              "  return %0 : tensor<3xf64>\n}",
          {numbers({4, 3, 2})}};
}

std::vector<Case> structured() {
  auto lengths = integers({3}, {4, 0, 2});
  return {
      {"scan.dot",
       R"(
func.func @f(%x: tensor<?x?x4xf64>, %w: tensor<2x3x4xf64>) -> tensor<?x?x2x3xf64> {
  %0 = scan.dot %x, %w batch = [[], []] contract = [[2], [2]] : tensor<?x?x4xf64>, tensor<2x3x4xf64> -> tensor<?x?x2x3xf64>
  return %0 : tensor<?x?x2x3xf64>
})",
       {numbers({3, 2, 4}), numbers({2, 3, 4})}},
      // A batch dimension, and contracted dimensions in another order.
      {"scan.dot",
       R"(
func.func @f(%x: tensor<2x3x4x5xf64>, %w: tensor<5x2x6x4xf64>) -> tensor<2x3x6xf64> {
  %0 = scan.dot %x, %w batch = [[0], [1]] contract = [[2, 3], [3, 0]] : tensor<2x3x4x5xf64>, tensor<5x2x6x4xf64> -> tensor<2x3x6xf64>
  return %0 : tensor<2x3x6xf64>
})",
       {numbers({2, 3, 4, 5}), numbers({5, 2, 6, 4})}},
      {"scan.gather",
       R"(
func.func @f(%e: tensor<5x2xf64>, %i: tensor<?x?xi32>) -> tensor<?x?x2xf64> {
  %0 = scan.gather %e[%i] batch_dims = 0 : tensor<5x2xf64>, tensor<?x?xi32> -> tensor<?x?x2xf64>
  return %0 : tensor<?x?x2xf64>
})",
       {numbers({5, 2}), integers({2, 3}, {1, 4, 1, 0, 2, 1})}},
      {"scan.scatter_add",
       R"(
func.func @f(%u: tensor<?x3x2xf64>, %i: tensor<?x3xi32>) -> tensor<?x4x2xf64> {
  %0 = scan.scatter_add %u[%i] batch_dims = 1 : tensor<?x3x2xf64>, tensor<?x3xi32> -> tensor<?x4x2xf64>
  return %0 : tensor<?x4x2xf64>
})",
       {numbers({2, 3, 2}), integers({2, 3}, {1, 3, 1, 0, 2, 1})}},
      {"scan.broadcast",
       R"(
func.func @f(%b: tensor<3xf64>, %x: tensor<?x3xf64>) -> tensor<?x3xf64> {
  %0 = arith.constant 0 : index
  %n = tensor.dim %x, %0 : tensor<?x3xf64>
  %1 = scan.broadcast %b sizes(%n) dims = [1] : tensor<3xf64> -> tensor<?x3xf64>
  return %1 : tensor<?x3xf64>
})",
       {numbers({3}), numbers({2, 3})}},
      {"scan.transpose",
       R"(
func.func @f(%x: tensor<?x3x2xf64>) -> tensor<3x2x?xf64> {
  %0 = scan.transpose %x perm = [1, 2, 0] : tensor<?x3x2xf64> -> tensor<3x2x?xf64>
  return %0 : tensor<3x2x?xf64>
})",
       {numbers({2, 3, 2})}},
      // Parts that overlap, parts that do not, and the whole.
      {"tensor.extract_slice",
       R"(
func.func @f(%x: tensor<4x3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<2x3xf64>, tensor<4x3xf64>) {
  %0 = tensor.extract_slice %x[0, 0] [1, 3] [1, 1] : tensor<4x3xf64> to tensor<3xf64>
  %1 = tensor.extract_slice %x[3, 0] [1, 3] [1, 1] : tensor<4x3xf64> to tensor<3xf64>
  %2 = tensor.extract_slice %x[2, 0] [2, 3] [1, 1] : tensor<4x3xf64> to tensor<2x3xf64>
  %3 = arith.mulf %x, %x : tensor<4x3xf64>
  %4 = math.tanh %0 : tensor<3xf64>
  return %4, %1, %2, %3 : tensor<3xf64>, tensor<3xf64>, tensor<2x3xf64>, tensor<4x3xf64>
})",
       {numbers({4, 3})}},
      {"tensor.insert_slice",
       R"(
func.func @f(%x: tensor<3xf64>, %y: tensor<4x3xf64>) -> tensor<4x3xf64> {
  %0 = tensor.insert_slice %x into %y[2, 0] [1, 3] [1, 1] : tensor<3xf64> into tensor<4x3xf64>
  return %0 : tensor<4x3xf64>
})",
       {numbers({3}), numbers({4, 3})}},
      {"tensor.concat",
       R"(
func.func @f(%x: tensor<?x2xf64>, %y: tensor<?x3xf64>) -> tensor<?x5xf64> {
  %0 = tensor.concat dim(1) %x, %y : (tensor<?x2xf64>, tensor<?x3xf64>) -> tensor<?x5xf64>
  return %0 : tensor<?x5xf64>
})",
       {numbers({3, 2}), numbers({3, 3})}},
      {"scan.mask",
       R"(
func.func @f(%x: tensor<?x?x2xf64>, %len: tensor<?xi32>) -> tensor<?x?x2xf64> {
  %0 = scan.mask %x lengths(%len) {time_dim = 0, batch_dim = 1, fill = 3.0 : f64} : tensor<?x?x2xf64>
  return %0 : tensor<?x?x2xf64>
})",
       {numbers({4, 3, 2}), lengths}},
      {"scan.reverse",
       R"(
func.func @f(%x: tensor<?x?x2xf64>, %len: tensor<?xi32>) -> tensor<?x?x2xf64> {
  %0 = scan.reverse %x lengths(%len) : tensor<?x?x2xf64>
  return %0 : tensor<?x?x2xf64>
})",
       {numbers({4, 3, 2}), lengths}},
      {"scan.shift",
       R"(
func.func @f(%x: tensor<?x?x2xf64>, %k: tensor<?x2xf64>, %len: tensor<?xi32>) -> (tensor<?x?x2xf64>, tensor<?x?x2xf64>) {
  %0 = scan.shift %x fill(%k : tensor<?x2xf64>) lengths(%len) {by = 1} : tensor<?x?x2xf64>
  %1 = scan.shift %x fill(%k : tensor<?x2xf64>) lengths(%len) {by = -1} : tensor<?x?x2xf64>
  return %0, %1 : tensor<?x?x2xf64>, tensor<?x?x2xf64>
})",
       {numbers({4, 3, 2}), numbers({3, 2}), lengths}},
      {"scan.pick_step",
       R"(
func.func @f(%x: tensor<?x?x2xf64>, %len: tensor<?xi32>) -> tensor<?x2xf64> {
  %0 = scan.pick_step last %x lengths(%len) : tensor<?x?x2xf64> -> tensor<?x2xf64>
  return %0 : tensor<?x2xf64>
})",
       {numbers({4, 3, 2}), lengths}},
      {"scan.place_step",
       R"(
func.func @f(%v: tensor<?x2xf64>, %x: tensor<?x?x2xf64>, %len: tensor<?xi32>) -> tensor<?x?x2xf64> {
  %0 = arith.constant 0 : index
  %T = tensor.dim %x, %0 : tensor<?x?x2xf64>
  %1 = scan.place_step first %v lengths(%len) size(%T) : tensor<?x2xf64> -> tensor<?x?x2xf64>
  return %1 : tensor<?x?x2xf64>
})",
       {numbers({3, 2}), numbers({4, 3, 2}), lengths}},
      {"scan.split",
       R"(
func.func @f(%x: tensor<?x?x2xf64>) -> tensor<?x?x?x2xf64> {
  %0 = arith.constant 0 : index
  %T = tensor.dim %x, %0 : tensor<?x?x2xf64>
  %n, %k = scan.segments %T <every, 3>
  %1 = scan.split %x into(%n, %k) : tensor<?x?x2xf64> -> tensor<?x?x?x2xf64>
  return %1 : tensor<?x?x?x2xf64>
})",
       {numbers({4, 3, 2})}},
      {"scan.join",
       R"(
func.func @f(%v: tensor<?x?x?x2xf64>, %x: tensor<?x?x2xf64>) -> tensor<?x?x2xf64> {
  %0 = arith.constant 0 : index
  %T = tensor.dim %x, %0 : tensor<?x?x2xf64>
  %1 = scan.join %v size(%T) : tensor<?x?x?x2xf64> -> tensor<?x?x2xf64>
  return %1 : tensor<?x?x2xf64>
})",
       {numbers({2, 3, 3, 2}), numbers({4, 3, 2})}},
      {"scan.enter",
       R"(
func.func @f(%x: tensor<?x?x2xf64>, %len: tensor<?xi32>) -> tensor<?x?x2xf64> {
  %0 = scan.enter %x lengths(%len) : tensor<?x?x2xf64> -> tensor<?x?x2xf64>
  return %0 : tensor<?x?x2xf64>
})",
       {numbers({3, 4, 2}), lengths}},
      {"scan.leave",
       R"(
func.func @f(%x: tensor<?x?x2xf64>, %len: tensor<?xi32>) -> tensor<?x?x2xf64> {
  %0 = scan.leave %x lengths(%len) : tensor<?x?x2xf64> -> tensor<?x?x2xf64>
  return %0 : tensor<?x?x2xf64>
})",
       {numbers({4, 3, 2}), lengths}},
      // Two time axes, each with lengths of its own.
      {"scan.enter",
       R"(
func.func @f(%x: tensor<?x?x?x2xf64>, %t: tensor<?xi32>, %s: tensor<?xi32>) -> tensor<?x?x?x2xf64> {
  %0 = scan.enter %x lengths(%t, %s) : tensor<?x?x?x2xf64> -> tensor<?x?x?x2xf64>
  return %0 : tensor<?x?x?x2xf64>
})",
       {numbers({3, 4, 3, 2}), lengths, integers({3}, {1, 3, 2})}},
      {"scan.leave",
       R"(
func.func @f(%x: tensor<?x?x?x2xf64>, %t: tensor<?xi32>, %s: tensor<?xi32>) -> tensor<?x?x?x2xf64> {
  %0 = scan.leave %x lengths(%t, %s) : tensor<?x?x?x2xf64> -> tensor<?x?x?x2xf64>
  return %0 : tensor<?x?x?x2xf64>
})",
       {numbers({4, 3, 3, 2}), lengths, integers({3}, {1, 3, 2})}},
      {"tensor.cast",
       R"(
func.func @f(%x: tensor<3x2xf64>) -> tensor<?x2xf64> {
  %0 = tensor.cast %x : tensor<3x2xf64> to tensor<?x2xf64>
  return %0 : tensor<?x2xf64>
})",
       {numbers({3, 2})}},
      {"tensor.collapse_shape",
       R"(
func.func @f(%x: tensor<?x3x2xf64>) -> tensor<?x6xf64> {
  %0 = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x3x2xf64> into tensor<?x6xf64>
  return %0 : tensor<?x6xf64>
})",
       {numbers({2, 3, 2})}},
      {"tensor.expand_shape",
       R"(
func.func @f(%x: tensor<?x6xf64>) -> tensor<?x3x2xf64> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x6xf64>
  %0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 3, 2] : tensor<?x6xf64> into tensor<?x3x2xf64>
  return %0 : tensor<?x3x2xf64>
})",
       {numbers({2, 6})}},
      {"arith.extf",
       R"(
func.func @f(%x: tensor<4xf32>) -> tensor<4xf64> {
  %0 = arith.extf %x : tensor<4xf32> to tensor<4xf64>
  return %0 : tensor<4xf64>
})",
       {numbers({4})}},
      // Exponents that are known: x, x^2, x^3.
      {"math.powf",
       R"(
func.func @f(%x: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>, tensor<4xf64>) {
  %one = arith.constant dense<1.0> : tensor<4xf64>
  %two = arith.constant dense<2.0> : tensor<4xf64>
  %three = arith.constant dense<3.0> : tensor<4xf64>
  %0 = math.powf %x, %one : tensor<4xf64>
  %1 = math.powf %x, %two : tensor<4xf64>
  %2 = math.powf %x, %three : tensor<4xf64>
  return %0, %1, %2 : tensor<4xf64>, tensor<4xf64>, tensor<4xf64>
})",
       {numbers({4})}},
      {"arith.select",
       R"(
func.func @f(%x: tensor<6xf64>, %y: tensor<6xf64>) -> tensor<6xf64> {
  %zero = arith.constant dense<0.0> : tensor<6xf64>
  %c = arith.cmpf ogt, %x, %zero : tensor<6xf64>
  %0 = arith.select %c, %x, %y : tensor<6xi1>, tensor<6xf64>
  return %0 : tensor<6xf64>
})",
       {numbers({6}), numbers({6})}},
  };
}

std::vector<Case> allCases() {
  std::vector<Case> cases = {unary("arith.negf"),
                             unary("math.exp"),
                             unary("math.expm1"),
                             unary("math.log", 0.5, 2),
                             unary("math.log1p", -0.5, 2),
                             unary("math.sqrt", 0.5, 2),
                             unary("math.rsqrt", 0.5, 2),
                             unary("math.tanh", -2, 2),
                             unary("scan.sigmoid", -3, 3),
                             unary("scan.softplus", -3, 3),
                             unary("math.erf"),
                             unary("math.sin", -3, 3),
                             unary("math.cos", -3, 3),
                             unary("math.absf"),
                             binary("arith.addf"),
                             binary("arith.subf"),
                             binary("arith.mulf"),
                             binary("arith.divf", 0.5, 2),
                             binary("arith.maximumf"),
                             binary("arith.minimumf"),
                             binary("math.powf", 0.5, 2),
                             reduce("sum"),
                             reduce("max"),
                             reduce("min"),
                             reduce("prod"),
                             reduce("logsumexp")};
  for (Case &one : structured())
    cases.push_back(std::move(one));
  return cases;
}
} // namespace

TEST(Ops, EveryRuleAgreesWithDifferences) {
  for (const Case &one : allCases())
    EXPECT_LT(gradientError(one.text, one.args), kTolerance)
        << one.op << one.text;
}

// Every rule that is made wrong is noticed by the same check.
TEST(Ops, EveryBrokenRuleIsCaught) {
  for (const Case &one : allCases()) {
    CheckOptions options;
    options.brokenRule = one.op;
    double error = gradientError(one.text, one.args, options);
    EXPECT_TRUE(std::isfinite(error)) << one.op;
    EXPECT_GT(error, 100 * kTolerance) << one.op;
  }
}

// What a rule builds has rules itself, and they are right.
TEST(Ops, EveryRuleIsDifferentiatedAgain) {
  for (const Case &one : allCases())
    for (bool reverse : {true, false})
      EXPECT_LT(secondGradientError(one.text, one.args, reverse), kTolerance)
          << (reverse ? "gradient of " : "tangent of ") << one.op << one.text;
}

// A product of zeros has a gradient where just one factor is zero.
TEST(Ops, ProductsOfZeros) {
  Case one = reduce("prod");
  one.args[0].data[1] = 0;
  EXPECT_LT(gradientError(one.text, one.args), kTolerance);
}
