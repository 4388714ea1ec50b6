// AgreementTest.cpp: ways of computing the same that have to agree.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Program.h"
#include "Sources.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace rnnc::test;

namespace {

const std::vector<int64_t> lengths = {5, 2, 3};
constexpr int64_t steps = 5;

class Agreement : public testing::TestWithParam<const char *> {};

std::vector<int64_t> shapeWith(std::vector<int64_t> shape, int dim,
                               int64_t size) {
  shape[dim] = size;
  return shape;
}

/// Row `b` of a batch alone; its valid steps, if time is dimension `time`.
Tensor rowOf(const Tensor &x, int64_t b, int time, int64_t length) {
  std::vector<int64_t> shape = shapeWith(x.shape, 0, 1);
  if (time > 0)
    shape[time] = length;
  Tensor result(shape);
  for (int64_t i = 0, n = result.size(); i < n; ++i) {
    std::vector<int64_t> index(shape.size());
    for (int64_t d = int64_t(shape.size()) - 1, rest = i; d >= 0; --d) {
      index[d] = rest % shape[d];
      rest /= shape[d];
    }
    index[0] = b;
    result.data[i] = x.at(index);
  }
  return result;
}

/// Puts nonsense past the ends.
void spoil(Tensor &x, int time, double nonsense) {
  int64_t inner = 1;
  for (size_t d = time + 1; d < x.shape.size(); ++d)
    inner *= x.shape[d];
  int64_t perRow = x.size() / x.shape[0];
  for (int64_t i = 0; i < x.size(); ++i)
    if (i / inner % x.shape[time] >= lengths[i / perRow])
      x.data[i] = nonsense;
}

void expectNear(const Tensor &x, const Tensor &y, const std::string &what,
                double tolerance = 1e-10) {
  ASSERT_EQ(x.shape, y.shape) << what;
  for (int64_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(x.data[i], y.data[i],
                tolerance * std::max(1.0, std::fabs(y.data[i])))
        << what << " entry " << i;
}

/// The arguments of one example of a batch.
Named example(const Program &program, const std::string &function,
              const Named &batch, int64_t b) {
  Named one = batch;
  for (auto &[name, value] : one) {
    bool rows = false;
    for (const char *role : {"input", "lengths", "state_in", "prev", "reset"})
      for (const std::string &other : program.named(function, role))
        rows |= other == name;
    if (rows)
      value =
          rowOf(value, b, program.timeDim(function, name, false), lengths[b]);
  }
  return one;
}

Named ragged(const Program &program, const std::string &function) {
  Named args = program.draw(function, {{"batch", 3}, {"T", steps}}, 1);
  for (int64_t b = 0; b < 3; ++b)
    args["T"].data[b] = double(lengths[b]);
  for (const std::string &name : program.named(function, "input")) {
    int time = program.timeDim(function, name, false);
    if (time > 0)
      spoil(args[name], time, std::numeric_limits<double>::quiet_NaN());
  }
  return args;
}

TEST_P(Agreement, RaggedLossIsTheMeanOfTheExamples) {
  Program program(GetParam(), true, false);
  ASSERT_EQ(program.error, "");
  Named args = ragged(program, "loss");
  double whole = program.call("loss", args)["loss"].data.at(0), sum = 0;
  for (int64_t b = 0; b < 3; ++b)
    sum +=
        program.call("loss", example(program, "loss", args, b))["loss"].data.at(
            0);
  ASSERT_TRUE(std::isfinite(whole));
  EXPECT_NEAR(whole, sum / 3, 1e-10 * std::fabs(whole));
}

TEST_P(Agreement, RaggedGradientIsTheMeanOfTheExamples) {
  Program program(GetParam(), true, true);
  ASSERT_EQ(program.error, "");
  Named args = ragged(program, "grad");
  Named whole = program.call("grad", args);
  Named sum;
  if (args.count("seed"))
    return; // Each row of a batch has numbers of its own.
  for (int64_t b = 0; b < 3; ++b)
    for (auto &[name, value] :
         program.call("grad", example(program, "grad", args, b))) {
      Tensor &total = sum.try_emplace(name, value.shape).first->second;
      for (int64_t i = 0; i < value.size(); ++i)
        total.data[i] += value.data[i] / 3;
    }
  ASSERT_FALSE(program.named("grad", "grad", true).empty());
  for (const std::string &name : program.named("grad", "grad", true))
    expectNear(whole[name], sum[name], name, 1e-9);
}

TEST_P(Agreement, PredictionsOfABatchAreThoseOfItsRows) {
  Program program(GetParam(), true, false);
  ASSERT_EQ(program.error, "");
  if (!program.has("predict"))
    return;
  Named args = ragged(program, "predict");
  Named whole = program.call("predict", args);
  ASSERT_FALSE(whole.empty());
  for (int64_t b = 0; b < 3; ++b) {
    Named one = program.call("predict", example(program, "predict", args, b));
    for (auto &[name, value] : one)
      expectNear(rowOf(whole[name], b, program.timeDim("predict", name, true),
                       lengths[b]),
                 value, name);
  }
  // And zeros past the ends.
  for (auto &[name, value] : whole) {
    int time = program.timeDim("predict", name, true);
    if (time < 0)
      continue;
    Tensor zeroed = value;
    spoil(zeroed, time, 0);
    expectNear(value, zeroed, name);
  }
}

TEST_P(Agreement, HoistingChangesNothing) {
  Program with(GetParam(), true, true), without(GetParam(), false, true);
  ASSERT_EQ(with.error, "");
  ASSERT_EQ(without.error, "");
  Named args = ragged(with, "grad");
  Named a = with.call("grad", args), b = without.call("grad", args);
  ASSERT_FALSE(a.empty());
  for (auto &[name, value] : a)
    expectNear(value, b[name], name);
}

TEST_P(Agreement, EmptyExamplesAreLegal) {
  Program program(GetParam(), true, true);
  ASSERT_EQ(program.error, "");
  Named args = ragged(program, "grad");
  Named with = args;
  with["T"].data[1] = 0;
  Named results = program.call("grad", with);
  ASSERT_FALSE(results.empty());
  if (GetParam() == reductions)
    return; // Its logarithm of nothing is infinite.
  for (auto &[name, value] : results)
    for (double number : value.data)
      ASSERT_TRUE(std::isfinite(number)) << name;
}

INSTANTIATE_TEST_SUITE_P(Programs, Agreement,
                         testing::Values(languageModel, classifier, reductions,
                                         attention));

//===-- Chunks and steps
//---------------------------------------------------===//

/// Steps `begin` to `end` of a [batch, T] tensor.
Tensor chunk(const Tensor &x, int64_t begin, int64_t end) {
  Tensor result({x.shape[0], end - begin});
  for (int64_t b = 0; b < x.shape[0]; ++b)
    for (int64_t t = begin; t < end; ++t)
      result.at({b, t - begin}) = x.at({b, t});
  return result;
}

TEST(Carry, ChunksAreTheWhole) {
  Program program(languageModel, true, false);
  ASSERT_EQ(program.error, "");
  Named args = program.draw("loss", {{"batch", 3}, {"T", steps}}, 2);
  for (int64_t b = 0; b < 3; ++b)
    args["T"].data[b] = double(lengths[b]);
  double whole = program.call("loss", args)["loss"].data.at(0), sum = 0;
  Named now = args;
  for (int64_t begin = 0; begin < steps; begin += 2) {
    int64_t end = std::min(begin + 2, steps);
    now["text"] = chunk(args["text"], begin, end);
    for (int64_t b = 0; b < 3; ++b) {
      now["T"].data[b] =
          double(std::clamp<int64_t>(lengths[b] - begin, 0, end - begin));
      now["reset"].data[b] = begin == 0;
    }
    Named results = program.call("loss", now);
    sum += results["loss"].data.at(0);
    for (const std::string &state : program.named("loss", "state_in"))
      now[state] = results["state." + state];
    now["prev"] = results["prev"];
  }
  EXPECT_NEAR(whole, sum, 1e-10);
}

TEST(Step, StepsAreTheWhole) {
  Program program(languageModel, true, false);
  ASSERT_EQ(program.error, "");
  Named args = program.draw("loss", {{"batch", 3}, {"T", steps}}, 3);
  double whole = program.call("loss", args)["loss"].data.at(0), sum = 0;
  Named now = program.draw("step", {{"batch", 3}}, 4);
  for (int64_t t = 0; t < steps; ++t) {
    Named results = program.call("step", now);
    ASSERT_FALSE(results.empty());
    for (int64_t b = 0; b < 3; ++b) {
      double symbol = args["text"].at({b, t});
      sum -= std::log(results["text.p"].at({b, int64_t(symbol)})) / 3;
      now["prev"].data[b] = symbol;
      now["reset"].data[b] = 0;
    }
    for (const std::string &state : program.named("step", "state_in"))
      now[state] = results["state." + state];
  }
  EXPECT_NEAR(whole, sum, 1e-10);
}

} // namespace
