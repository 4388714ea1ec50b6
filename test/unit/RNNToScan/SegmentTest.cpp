// SegmentTest.cpp: `bptt k` against `bptt k carry` and against no cut at all.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Program.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

using namespace rnnc::test;

namespace {

/// A language model over words that it also looks up, so that a chunk begins
/// with the last true element of the chunk before.
std::string source(const std::string &bptt) {
  return R"(import std
dim V = 5, E = 2, H = 3
cell lm(prev: in V) -> categorical[V] {
  param Emb : [V, E] ~ normal(0, 0.5)
  use rnn = lstm[E, H] >> gru[H, H]
  use head = dense[H, V]
  out categorical(head(rnn(Emb[prev])))
}
model M {
  time T
  output text : [T] in V
  use lm = lm
  text ~ unfold lm start 0
}
train M { per example
  )" + bptt +
         " }\n";
}

Tensor columns(const Tensor &tensor, int64_t from, int64_t count) {
  Tensor out({tensor.shape[0], count});
  for (int64_t row = 0; row < tensor.shape[0]; ++row)
    for (int64_t t = 0; t < count; ++t)
      out.at({row, t}) = tensor.at({row, from + t});
  return out;
}

void expectSame(const Named &a, const Named &b, double tolerance) {
  int gradients = 0;
  for (const auto &[name, value] : a) {
    if (name.rfind("grad.", 0) != 0 && name != "loss")
      continue;
    const Tensor &other = b.at(name);
    ASSERT_EQ(value.shape, other.shape);
    gradients += name != "loss";
    for (int64_t i = 0; i < value.size(); ++i)
      EXPECT_NEAR(value.data[i], other.data[i], tolerance)
          << name << " entry " << i;
  }
  EXPECT_GT(gradients, 5);
}

bool differ(const Named &a, const Named &b) {
  double worst = 0;
  for (const auto &[name, value] : a)
    if (name.rfind("grad.", 0) == 0)
      for (int64_t i = 0; i < value.size(); ++i)
        worst = std::max(worst, std::fabs(value.data[i] - b.at(name).data[i]));
  return worst > 1e-4;
}

/// What the chunks [0, 3) and [3, 6) give, added up.
Named chunks(const Named &whole) {
  Program carried(source("bptt 3 carry"), true, true);
  EXPECT_EQ(carried.error, "");
  Named args = carried.draw("grad", {{"batch", 2}, {"T", 3}}, 5), sum;
  for (const auto &[name, value] : whole)
    if (args.count(name) && name != "text" && name != "T")
      args[name] = value;
  args["reset"] = Tensor({2}, 1);
  for (int64_t from : {0, 3}) {
    args["text"] = columns(whole.at("text"), from, 3);
    for (int64_t row = 0; row < 2; ++row)
      args["T"].data[row] =
          std::clamp<double>(whole.at("T").data[row] - double(from), 0, 3);
    Named results = carried.call("grad", args);
    EXPECT_FALSE(results.empty());
    for (const std::string &name : carried.named("grad", "state_in"))
      args[name] = results.at("state." + name);
    for (const std::string &name : carried.named("grad", "prev"))
      args[name] = results.at(name);
    args["reset"] = Tensor({2}, 0);
    for (auto &[name, value] : results) {
      auto [it, isNew] = sum.try_emplace(name, value);
      for (int64_t i = 0; !isNew && i < value.size(); ++i)
        it->second.data[i] += value.data[i];
    }
  }
  return sum;
}

class Segments : public testing::Test {
protected:
  void SetUp() override {
    Program program(source(""), true, true);
    ASSERT_EQ(program.error, "");
    args = program.draw("grad", {{"batch", 2}, {"T", 6}}, 5);
    args["T"].data = {6, 4};
    whole = program.call("grad", args);
    ASSERT_FALSE(whole.empty());
  }

  Named gradients(const std::string &bptt) {
    Program program(source(bptt), true, true);
    EXPECT_EQ(program.error, "");
    return program.call("grad", args);
  }

  Named args, whole;
};

TEST_F(Segments, OfAtLeastTheLengthCutNothing) {
  expectSame(whole, gradients("bptt 6"), 0);
  expectSame(whole, gradients("bptt 60"), 0);
}

TEST_F(Segments, CutTheGradientNotTheLoss) {
  Named cut = gradients("bptt 3");
  EXPECT_EQ(whole["loss"].data, cut["loss"].data);
  EXPECT_TRUE(differ(whole, cut));
}

/// One pass over six steps with a border, or two chunks of three.
TEST_F(Segments, AreWhatChunksWithCarryAddUpTo) {
  expectSame(gradients("bptt 3"), chunks(args), 1e-12);
}

} // namespace
