// BrokenInputTest.cpp - no text, however broken, ends the compiler.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Programs.h"

#include <gtest/gtest.h>
#include <random>

namespace {

std::vector<std::string> samples() {
  std::vector<std::string> texts;
  for (const auto &[path, text] : programsIn(RNNC_PROGRAMS))
    texts.push_back(text);
  return texts;
}

/// A text that is refused has to say why.
void expectAnswer(const std::string &text) {
  rnnc::SourceManager sources;
  rnnc::Diagnostics diags(sources);
  bool accepted =
      rnnc::checkText(sources, "t.rnn", text, {}, diags).has_value();
  ASSERT_NE(accepted, diags.hasErrors()) << text;
  ASSERT_EQ(accepted && diags.all().empty(), diags.render().empty());
}

TEST(BrokenInput, EveryPrefix) {
  for (const std::string &text : samples())
    for (size_t length = 0; length < text.size(); length += 3)
      ASSERT_NO_FATAL_FAILURE(expectAnswer(text.substr(0, length)));
}

TEST(BrokenInput, SingleBytes) {
  const std::string bytes =
      std::string("\0\n\x80\xff(){}[]'~=+@.,:#_0a \"", 24);
  std::mt19937 random(1);
  for (const std::string &text : samples())
    for (size_t at = 0; at < text.size(); at += 1 + random() % 3) {
      std::string broken = text;
      broken[at] = bytes[random() % bytes.size()];
      ASSERT_NO_FATAL_FAILURE(expectAnswer(broken));
    }
}

TEST(BrokenInput, LostAndDoubledTokens) {
  std::mt19937 random(2);
  for (const std::string &text : samples())
    for (int round = 0; round < 200; ++round) {
      size_t begin = random() % text.size();
      size_t length = random() % 12;
      std::string broken = text;
      if (round % 2)
        broken.erase(begin, length);
      else
        broken.insert(random() % text.size(), text.substr(begin, length));
      ASSERT_NO_FATAL_FAILURE(expectAnswer(broken));
    }
}

TEST(BrokenInput, RandomBytes) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < 200; ++i)
      text += static_cast<char>(random());
    ASSERT_NO_FATAL_FAILURE(expectAnswer(text));
  }
}

std::string repeated(const std::string &what, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i)
    out += what;
  return out;
}

/// Deep and long programs end with a message, not with a full stack.
TEST(BrokenInput, DeepNesting) {
  const std::string head = "model M {\n  x = ";
  for (const char *opening :
       {"(", "-", "[", "f(", "{a: ", "if x then ", "for i in 3: ", "x[",
        "scan c over ", "(1 + 1 + 1 + 1 + ", "1 ^ (", "fold c(a = "}) {
    std::string said = diagnose(head + repeated(opening, 100000));
    EXPECT_NE(said.find("error"), std::string::npos) << opening;
  }
  for (const char *tail : {" + 1", "[1]", ".a", " * 1 @ 1", "(1)", "' + 1",
                           " ++ 1", " < 1", " ^ 2", " as [3]"}) {
    std::string said = diagnose(head + "1" + repeated(tail, 100000));
    EXPECT_NE(said.find("error"), std::string::npos) << tail;
  }
  for (const char *text :
       {"(", "repeat[2] ", "repeat[1024] ", "a: repeat[2] ", "f >> ", "f[2*"}) {
    std::string said =
        diagnose("model M {\n  use a = " + repeated(text, 100000));
    EXPECT_NE(said.find("error"), std::string::npos) << text;
  }
  for (const char *text : {"(", "2*", "2+", "H-", "(2*"}) {
    std::string said = diagnose("dim H = " + repeated(text, 100000));
    EXPECT_NE(said.find("error"), std::string::npos) << text;
  }
}

/// Each of 3,000 modules is made of the one before; code for them would be
/// generated one inside the other.
TEST(BrokenInput, ModulesOfModules) {
  std::string fns = "fn f0(x: real) -> real {\n  out x\n}\n";
  std::string layers = "layer l0(x: real) -> real {\n  param b : real = 0\n"
                       "  out x + b\n}\n";
  std::string cells = "cell c0(x: real) -> real {\n  state h : real = 0\n"
                      "  h' = h + x\n  out h'\n}\n";
  for (int i = 1; i < 3000; ++i) {
    std::string n = std::to_string(i), before = std::to_string(i - 1);
    fns +=
        "fn f" + n + "(x: real) -> real {\n  out f" + before + "(x) + 1\n}\n";
    layers += "layer l" + n + "(x: real) -> real {\n  use k = l" + before +
              "\n  out k(x)\n}\n";
    cells += "cell c" + n + "(x: real) -> real {\n  use k = c" + before +
             "\n  out k(x)\n}\n";
  }
  for (const std::string *text : {&fns, &layers, &cells})
    EXPECT_NE(diagnose(*text).find("E008"), std::string::npos);
}

/// As many as fit are accepted.
TEST(BrokenInput, ModulesWithinTheLimit) {
  std::string text = "fn f0(x: real) -> real {\n  out x\n}\n";
  for (int i = 1; i < 400; ++i)
    text += "fn f" + std::to_string(i) + "(x: real) -> real {\n  out f" +
            std::to_string(i - 1) + "(x) + 1\n}\n";
  EXPECT_EQ(diagnose(text), "");
}

/// Hints for 10,000 mistakes would take minutes.
TEST(BrokenInput, ManyMistakes) {
  std::string text = "model M {\n";
  for (int i = 0; i < 10000; ++i)
    text += "  a" + std::to_string(i) + " = b" + std::to_string(i) + "\n";
  std::string said = diagnose(text + "}\n");
  EXPECT_NE(said.find("there is no value `b9999`"), std::string::npos);
}

/// Sizes and counts that grow exponentially with the length of the program.
TEST(BrokenInput, Explosions) {
  std::string sizes = "dim A, B\nfn f0[X](x: [X]) -> [X] {\n  out x\n}\n"
                      "fn g(x: [A + B]) -> [A] {\n  out x as [";
  sizes += repeated("(A + B)*", 60) + "1]\n}\n";
  EXPECT_NE(diagnose(sizes).find("E114"), std::string::npos);

  std::string doubling =
      "cell c0(x: [3]) -> [3] {\n  state h : [3] = 0\n"
      "  param W : [3, 3] = 0\n  h' = W @ x + h\n  out h'\n}\n";
  for (int i = 1; i < 60; ++i) {
    std::string n = std::to_string(i), before = std::to_string(i - 1);
    doubling += "cell c" + n + "(x: [3]) -> [3] {\n  use a = c" + before +
                " >> c" + before + "\n  out a(x)\n}\n";
  }
  std::string said = diagnose(doubling);
  EXPECT_NE(said.find("E130"), std::string::npos);

  std::string copies = "import std\nmodel M {\n  time T\n  input x : [T, 3]\n"
                       "  output y : [T, 3]\n  use a = " +
                       repeated("repeat[1024] ", 20) +
                       "rnn_tanh[3, 3]\n  y ~ normal(scan a over x, 1)\n}\n";
  EXPECT_NE(diagnose(copies).find("E131"), std::string::npos);
}

} // namespace
