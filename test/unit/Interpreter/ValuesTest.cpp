// ValuesTest.cpp - the interpreter against numbers worked out by hand.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Programs.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::interp;

static Array of(std::vector<int64_t> shape, std::vector<double> data) {
  Array array(std::move(shape));
  array.data = std::move(data);
  return array;
}

static std::optional<Arrays> runOf(test::Program &program, const char *function,
                                   const Arrays &inputs) {
  RunOptions options;
  options.function = function;
  std::string error;
  auto outputs = run(program.module(), inputs, options, error);
  EXPECT_TRUE(outputs) << error;
  return outputs;
}

TEST(Values, ScanPastTheEndKeepsTheStateAndGivesZero) {
  test::Program program;
  ASSERT_TRUE(program.read("cell add[H](x: [H]) -> [H] {\n"
                           "  state h : [H] = 0\n"
                           "  h' = h + x\n"
                           "  out 2 * h'\n"
                           "}\n"
                           "export add[1].forward\n"));
  Arrays inputs;
  inputs["x"] = of({2, 3, 1}, {1, 2, 3, 10, NAN, NAN});
  inputs["T"] = of({2}, {3, 1});
  auto outputs = runOf(program, "forward", inputs);
  ASSERT_TRUE(outputs);
  EXPECT_EQ((*outputs)["out"].data, (std::vector<double>{2, 6, 12, 20, 0, 0}));
  EXPECT_EQ((*outputs)["state.h"].data, (std::vector<double>{6, 10}));
}

TEST(Values, CategoricalLossIsAMeanOverObservedEntries) {
  test::Program program;
  ASSERT_TRUE(program.read("dim K = 2\n"
                           "model M {\n"
                           "  time T\n"
                           "  input s : [T, K]\n"
                           "  output y : [T] in K\n"
                           "  param b : [K] = 0\n"
                           "  y ~ categorical(s + b)\n"
                           "}\n"));
  Arrays inputs;
  inputs["b"] = of({2}, {0, 0});
  inputs["s"] = of({2, 2, 2}, {0, 0, std::log(3), 0, 0, std::log(3), NAN, NAN});
  inputs["y"] = of({2, 2}, {0, 0, 0, 77});
  inputs["T"] = of({2}, {2, 1});
  auto outputs = runOf(program, "loss", inputs);
  ASSERT_TRUE(outputs);
  double expected = (std::log(2) + std::log(4.0 / 3) + std::log(4)) / 3;
  EXPECT_NEAR((*outputs)["loss"].data[0], expected, 1e-14);
  outputs = runOf(program, "predict", inputs);
  ASSERT_TRUE(outputs);
  EXPECT_EQ((*outputs)["y"].data, (std::vector<double>{0, 0, 1, 0}));
  EXPECT_NEAR((*outputs)["y.p"].data[2], 0.75, 1e-14);
}

TEST(Values, UnfoldIsFedTheTruth) {
  test::Program program;
  ASSERT_TRUE(program.read("dim V = 3\n"
                           "cell bigram(prev: in V) -> categorical[V] {\n"
                           "  param W : [V, V] = 0\n"
                           "  state n : real = 0\n"
                           "  n' = n + 1\n"
                           "  out categorical(W[prev] * n')\n"
                           "}\n"
                           "model LM {\n"
                           "  time T\n"
                           "  output text : [T] in V\n"
                           "  use lm = bigram\n"
                           "  text ~ unfold lm start 0\n"
                           "}\n"));
  Arrays inputs;
  inputs["lm.W"] = of({3, 3}, {0, 1, 2, 3, 4, 6, 1, 1, 0});
  inputs["text"] = of({1, 2}, {2, 0});
  auto outputs = runOf(program, "loss", inputs);
  ASSERT_TRUE(outputs);
  auto norm = [](double a, double b, double c) {
    return std::log(std::exp(a) + std::exp(b) + std::exp(c));
  };
  EXPECT_NEAR((*outputs)["loss"].data[0],
              ((norm(0, 1, 2) - 2) + (norm(2, 2, 0) - 2)) / 2, 1e-14);
}

TEST(Values, WhatIsMissingIsNamed) {
  test::Program program;
  ASSERT_TRUE(program.read("model M {\n  time T\n  input x : [T]\n"
                           "  loss sum(x)\n}\n"));
  std::string error;
  EXPECT_FALSE(run(program.module(), {}, {}, error));
  EXPECT_EQ(error, "`x` is not given");
}

TEST(Values, RandomNumbersAreThoseOfPhilox) {
  // The first known answer of Random123: key and counter zero.
  EXPECT_EQ(uniform(0, 0, 0, 0, 0, 0), (0x6627e8d5u >> 8) / 16777216.0);
  EXPECT_EQ(uniform(0, 0, 0, 0, 0, 3), (0x9b00dbd8u >> 8) / 16777216.0);
}
