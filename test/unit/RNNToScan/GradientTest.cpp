// GradientTest.cpp: gradients of whole programs against finite differences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Program.h"
#include "Sources.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace rnnc::test;

namespace {

class Gradients : public testing::TestWithParam<const char *> {};

/// Every entry of every parameter's gradient, dropout included: the objective
/// draws the same numbers for the same key.
TEST_P(Gradients, AreFiniteDifferences) {
  // The objective itself is gone once its gradient is made.
  Program program(GetParam(), true, false), derived(GetParam(), true, true);
  ASSERT_EQ(program.error, "");
  ASSERT_EQ(derived.error, "");
  Named args = program.draw("objective", {{"batch", 2}, {"T", 4}}, 5);
  args["T"].data = {4, 2};
  if (args.count("seed"))
    args["seed"].data = {17, 3};
  Named gradients = derived.call("grad", args);
  ASSERT_FALSE(gradients.empty());
  const double h = 1e-5;
  for (const std::string &name : program.named("objective", "param")) {
    const Tensor &gradient = gradients["grad." + name];
    double largest = 1;
    for (double number : gradient.data)
      largest = std::max(largest, std::fabs(number));
    for (int64_t i = 0; i < gradient.size(); i += 1 + gradient.size() / 16) {
      Named moved = args;
      moved[name].data[i] += h;
      double up = program.call("objective", moved)["loss"].data.at(0);
      moved[name].data[i] -= 2 * h;
      double down = program.call("objective", moved)["loss"].data.at(0);
      EXPECT_NEAR(gradient.data[i], (up - down) / (2 * h), 1e-6 * largest)
          << name << " entry " << i;
    }
  }
}

double dot(const Tensor &a, const Tensor &b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i)
    sum += a.data[i] * b.data[i];
  return sum;
}

/// Tangents of the loss, and of its gradient; the gradient's gradient.
class Again : public Gradients {
protected:
  void SetUp() override {
    program = std::make_unique<Program>(GetParam(), true, false);
    ASSERT_EQ(program->error, "");
    args = program->draw("objective", {{"batch", 2}, {"T", 4}}, 5);
    args["T"].data = {4, 2};
    if (args.count("seed"))
      args["seed"].data = {17, 3};
    params = program->named("objective", "param");
    program->askDerivative("objective", "tangents", false);
    program->askDerivative("grad", "again", true);
    program->askDerivative("grad", "moved", false);
    ASSERT_TRUE(program->generate()) << program->error;
    gradients = program->call("grad", args);
    for (const std::string &seed : program->named("again", "cot"))
      results.push_back(seed.substr(4));
  }

  /// The same numbers for all that is called this, between -1 and 1.
  static Tensor numbers(const Tensor &like, const std::string &name) {
    Tensor result(like.shape);
    uint32_t state = uint32_t(std::hash<std::string>()(name));
    for (double &x : result.data) {
      state = state * 1664525u + 1013904223u;
      x = 2 * double(state >> 8) / double(1 << 24) - 1;
    }
    return result;
  }

  /// Arguments, a direction for each parameter, a cotangent for each result of
  /// the gradient.
  Named withSeeds() const {
    Named all = args;
    for (const std::string &name : params)
      all["tan." + name] = numbers(args.at(name), "tan." + name);
    for (const std::string &name : results)
      all["cot." + name] = numbers(gradients.at(name), "cot." + name);
    return all;
  }

  /// What `again` is the gradient of.
  double weighted(const Named &at, const Named &seeds) const {
    Named now = program->call("grad", at);
    double sum = 0;
    for (const std::string &name : results)
      sum += dot(now.at(name), seeds.at("cot." + name));
    return sum;
  }

  std::unique_ptr<Program> program;
  Named args, gradients;
  std::vector<std::string> params, results; ///< of the gradient
};

/// <J v, u> is <v, J^T u>, for the loss and for its gradient.
TEST_P(Again, DotProducts) {
  Named all = withSeeds();
  Named tangents = program->call("tangents", all);
  Named moved = program->call("moved", all),
        again = program->call("again", all);
  ASSERT_FALSE(tangents.empty() || moved.empty() || again.empty());
  double slope = 0, forward = 0, reverse = 0;
  for (const std::string &name : results)
    forward += dot(moved["d." + name], all["cot." + name]);
  for (const std::string &name : params) {
    slope += dot(gradients["grad." + name], all["tan." + name]);
    reverse += dot(again["d." + name], all["tan." + name]);
  }
  EXPECT_NEAR(tangents["d.loss"].data.at(0), slope,
              1e-11 * std::max(1.0, std::fabs(slope)));
  EXPECT_NEAR(forward, reverse, 1e-11 * std::max(1.0, std::fabs(forward)));
}

/// The Hessian times a vector is what differences of the gradient say.
TEST_P(Again, HessianTimesVector) {
  Named all = withSeeds();
  Named again = program->call("again", all);
  const double h = 1e-5;
  for (const std::string &name : params) {
    const Tensor &derivative = again["d." + name];
    double largest = 1;
    for (double number : derivative.data)
      largest = std::max(largest, std::fabs(number));
    for (int64_t i = 0; i < derivative.size(); i += 1 + derivative.size() / 8) {
      Named at = args;
      at[name].data[i] += h;
      double up = weighted(at, all);
      at[name].data[i] -= 2 * h;
      double down = weighted(at, all);
      EXPECT_NEAR(derivative.data[i], (up - down) / (2 * h), 1e-6 * largest)
          << name << " entry " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, Again,
                         testing::Values(languageModel, classifier, reductions,
                                         attention));

INSTANTIATE_TEST_SUITE_P(Programs, Gradients,
                         testing::Values(languageModel, classifier, reductions,
                                         attention));

} // namespace
