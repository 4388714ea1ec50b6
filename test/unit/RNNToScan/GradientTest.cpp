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

INSTANTIATE_TEST_SUITE_P(Programs, Gradients,
                         testing::Values(languageModel, classifier, reductions,
                                         attention));

} // namespace
