// GradientsTest.cpp - the scan level and its gradients against the interpreter
// of the rnn level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Programs.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::interp;

/// Values and gradients of both levels agree on random ragged data.
static void agree(const std::string &text) {
  test::Program program;
  ASSERT_TRUE(program.read(text));
  rnn::ModuleOp module = program.module();
  std::string name = module.getSymName().str();
  bool isModel = module.getKind() == "model";
  Arrays arguments = randomArguments(module, 3, 4, 7);
  RunOptions options;
  options.function = isModel ? "loss" : "forward";
  std::string error;
  Arrays given = arguments;
  std::erase_if(
      given, [](const auto &entry) { return entry.first.starts_with("cot."); });
  auto reference = run(module, given, options, error);
  ASSERT_TRUE(reference) << error;
  auto values =
      program.scan(name + (isModel ? ".loss" : ".forward"), arguments);
  ASSERT_TRUE(values);
  for (auto &[key, array] : *values) {
    auto it = reference->find(key);
    if (it == reference->end())
      continue;
    ASSERT_EQ(array.shape, it->second.shape) << key;
    for (int64_t i = 0; i < array.size(); ++i)
      EXPECT_NEAR(array.data[i], it->second.data[i], 1e-12) << key << " " << i;
  }
  auto gradients = program.scan(name + (isModel ? ".grad" : ".vjp"), arguments);
  ASSERT_TRUE(gradients);
  options.dropout = isModel;
  auto checks = checkGradients(module, arguments, *gradients, options, error);
  ASSERT_TRUE(checks) << error;
  EXPECT_FALSE(checks->empty());
  for (const TensorCheck &check : *checks) {
    EXPECT_LE(check.worst, gradientTolerance)
        << check.name << "[" << check.entry << "]: " << check.gradient
        << " against " << check.difference;
    EXPECT_GT(check.checked, check.kinks) << check.name;
  }
}

TEST(Gradients, StandardCells) {
  for (const char *cell :
       {"rnn_tanh[2, 3]", "rnn_relu[2, 3]", "irnn[2, 3]", "indrnn[2, 3]",
        "lstm[2, 3]", "peephole[2, 3]", "lstmp[2, 3, 2]", "ln_lstm[2, 3]",
        "gru[2, 3]", "gru_cho[2, 3]", "minimal_gru[2, 3]"}) {
    SCOPED_TRACE(cell);
    agree(std::string("import std\nexport ") + cell + ".forward, " + cell +
          ".vjp\n");
  }
}

TEST(Gradients, StandardLayers) {
  for (const char *layer : {"dense[2, 3]", "norm[3]", "birnn[2, 3]",
                            "bilstm[2, 3]", "bigru[2, 3]"}) {
    SCOPED_TRACE(layer);
    agree(std::string("import std\nexport ") + layer + ".forward, " + layer +
          ".vjp\n");
  }
}

TEST(Gradients, LanguageModelWithDropout) {
  agree("import std\n"
        "dim V = 5, E = 3, H = 4\n"
        "cell lm(prev: in V) -> categorical[V] {\n"
        "  param Emb : [V, E] ~ normal(0, 0.1)\n"
        "  use rnn = lstm[E, H] >> drop[_, 0.3] >> gru[H, H]\n"
        "  use head = dense[H, V]\n"
        "  out categorical(head(rnn(Emb[prev])), smooth = 0.1)\n"
        "}\n"
        "model LM {\n"
        "  time T\n"
        "  output text : [T] in V\n"
        "  use m = lm\n"
        "  text ~ unfold m start 0\n"
        "}\n"
        "train LM { clip norm 1\n }\n");
}

TEST(Gradients, BidirectionalClassifierWithTiedDropout) {
  agree("import std\n"
        "dim V = 6, E = 3, H = 2, C = 3\n"
        "model Mood {\n"
        "  time T\n"
        "  input words : [T] in V\n"
        "  output mood : in C\n"
        "  param Emb : [V, E] ~ normal(0, 0.05)\n"
        "  use fw = lstm[E, H], bw = gru[E, H]\n"
        "  use head = dense[2*H, C]\n"
        "  x = dropout(Emb[words], 0.3, tied = T)\n"
        "  f = fold fw over x\n"
        "  b = fold bw over x backward\n"
        "  mood ~ categorical(head(dropout(f.h ++ b.h, 0.2)))\n"
        "}\n");
}

TEST(Gradients, BindersAndFunctionsOverTime) {
  agree("dim H = 3\n"
        "model M {\n"
        "  time T\n"
        "  input x : [T, H]\n"
        "  output y : [T], z : [H]\n"
        "  param w, v : [H] = 1\n"
        "  s = softmax t in T: w @ tanh(x[t])\n"
        "  c = sum t in T: s[t] * (x[t] * v)\n"
        "  l = logsumexp t in T: v @ x[t]\n"
        "  m = max t in T: w @ x[t]\n"
        "  p = prod k in H: 1 + c[k]\n"
        "  r = reverse(x * w)\n"
        "  q = clamp(last(r) + first(x * v), -5, 5)\n"
        "  y ~ normal(for t in T: r[t] @ v, softplus(l) + 0.5)\n"
        "  z ~ laplace(q + layer_norm(c) + erf(w), exp(m - p))\n"
        "  loss sum(stop(w) * gelu(v)) + sqrt(1 + w @ w) + mean(abs(c) ^ 2)\n"
        "}\n");
}

TEST(Gradients, GivenAndLearnedFirstStates) {
  agree("import std\n"
        "dim H = 2\n"
        "cell mine(x: [H]; m: [H]) -> [H] {\n"
        "  param h0 : [H] = 0\n"
        "  state h : [H] = h0\n"
        "  h' = sin(x + m * h)\n"
        "  out cos(h')\n"
        "}\n"
        "model M {\n"
        "  time T\n"
        "  input a : [T, H]\n"
        "  output flag : [T] bit\n"
        "  param k : [H] = 1\n"
        "  use p = mine, g = gru[H, H]\n"
        "  u = scan p(m = k) over a backward final last_p\n"
        "  v = scan g over u from {h: tanh(last_p.h)}\n"
        "  flag ~ bernoulli(for t in T: v[t] @ k)\n"
        "}\n"
        "train M { per example\n }\n");
}

TEST(Gradients, AWrongEntryIsNamedAndAKinkIsSkipped) {
  test::Program program;
  ASSERT_TRUE(program.read("dim H = 3\n"
                           "model M {\n"
                           "  input x : [H]\n"
                           "  param w, v : [H] = 1\n"
                           "  loss sum(exp(w) * x) + sum(abs(v))\n"
                           "}\n"));
  rnn::ModuleOp module = program.module();
  Arrays arguments = randomArguments(module, 2, 4, 3);
  arguments["v"].data[2] = 1e-5; // Between the ends of the differences.
  auto gradients = program.scan("M.grad", arguments);
  ASSERT_TRUE(gradients);
  (*gradients)["grad.w"].data[1] *= 1 + 1e-5;
  std::string error;
  auto checks = checkGradients(module, arguments, *gradients, {}, error);
  ASSERT_TRUE(checks) << error;
  ASSERT_EQ(checks->size(), 2u);
  const TensorCheck &v = (*checks)[0], &w = (*checks)[1];
  EXPECT_EQ(v.name, "v");
  EXPECT_EQ(v.kinks, 1);
  EXPECT_EQ(v.checked, 2);
  EXPECT_LE(v.worst, gradientTolerance);
  EXPECT_EQ(w.name, "w");
  EXPECT_EQ(w.entry, 1);
  EXPECT_GT(w.worst, gradientTolerance);
}
