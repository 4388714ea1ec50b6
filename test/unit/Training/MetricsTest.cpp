// MetricsTest.cpp: scores against numbers computed by hand or by sacrebleu.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Metrics.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

using namespace rnnc::training;

static std::string joined(const std::vector<std::string> &tokens) {
  std::string result;
  for (const std::string &token : tokens)
    result += (result.empty() ? "" : " ") + token;
  return result;
}

static std::string joined(std::string_view text) {
  return joined(tokens13a(text));
}

TEST(Metrics, TokensOf13a) {
  EXPECT_EQ(joined("Hello, world!"), "Hello , world !");
  EXPECT_EQ(joined("It cost $1,234.50 (net)."), "It cost $ 1,234.50 ( net ) .");
  EXPECT_EQ(joined("a... b"), "a . . . b");
  EXPECT_EQ(joined("don't stop-gap 3-4"), "don't stop-gap 3 - 4");
  EXPECT_EQ(joined("&quot;x&quot; &amp; y"), "\" x \" & y");
  EXPECT_EQ(joined("Grüße, Öl."), "Grüße , Öl .");
  // Blanks of all kinds, but not what only looks like one (U+200B, U+FEFF).
  EXPECT_EQ(joined("a\u00a0b\u3000c\u2009d\u202fe\u0085f\x1cg\u2028h"),
            "a b c d e f g h");
  EXPECT_EQ(joined("a\u200bb \ufeffc"), "a\u200bb \ufeffc");
}

TEST(Metrics, TokensOfZh) {
  EXPECT_EQ(joined(tokensZh("我今天去学校了。他们3.5公里,ok?")),
            "我 今 天 去 学 校 了 。 他 们 3.5 公 里 , ok ?");
  EXPECT_EQ(joined(tokensZh("“你好”,他说…")), "“ 你 好 ” , 他 说 …");
  EXPECT_EQ(joined(tokensZh(" .a 中文, b. ")), ". a 中 文 , b .");
  EXPECT_EQ(joined(tokensZh("ＡＢ x-3-4 カタ")), "Ａ Ｂ x-3 - 4 カタ");
}

TEST(Metrics, BleuByHand) {
  Bleu same;
  same.add("the cat sat on the mat", {"the cat sat on the mat"});
  EXPECT_NEAR(same.score(), 100, 1e-9);
  // 5 of 6 words, 3 of 5 pairs, 2 of 4 triples, 1 of 3 fours.
  Bleu near;
  near.add("the cat sat in the mat", {"the cat sat on the mat"});
  double words = 5. / 6, pairs = 3. / 5, triples = 1. / 4;
  // "the cat sat" alone is right, no four: exponential smoothing.
  double fours = 1. / (2 * 3);
  EXPECT_NEAR(near.score(),
              100 * std::pow(words * pairs * triples * fours, 0.25), 1e-9);
  // Shorter than wanted: all right, but brief.
  Bleu brief;
  brief.add("a b c d e", {"a b c d e f g h i j"});
  EXPECT_NEAR(brief.score(), 100 * std::exp(1 - 10. / 5), 1e-9);
  Bleu none;
  none.add("x", {"y"});
  EXPECT_EQ(none.score(), 0);
}

TEST(Metrics, ChrFByHand) {
  ChrF same;
  same.add("abc def", {"abc def"});
  EXPECT_NEAR(same.score(), 100, 1e-9);
  // "ab" against "ac": one of two characters, none of one pair.
  ChrF near;
  near.add("ab", {"ac"});
  EXPECT_NEAR(near.score(), 25, 1e-9);
  ChrF blanks; // blanks do not count
  blanks.add("a b c", {"abc"});
  EXPECT_NEAR(blanks.score(), 100, 1e-9);
  ChrF wide; // of no kind
  wide.add("a\u00a0b\u3000c", {"abc"});
  EXPECT_NEAR(wide.score(), 100, 1e-9);
  ChrF several; // the nearest counts
  several.add("abc", {"xyz", "abc"});
  EXPECT_NEAR(several.score(), 100, 1e-9);
}

/// Figures of sacrebleu 2.6.0.
TEST(Metrics, CorpusAsSacrebleuCounts) {
  const std::vector<std::string> written = {
      "A man in a blue shirt is standing on a ladder, cleaning a window.",
      "Two dogs play in the snow.",
      "The 3.5-litre engine costs $1,200 (about \u20ac1.100)."};
  const std::vector<std::string> right = {
      "A man in a blue shirt stands on a ladder and cleans a window.",
      "Two dogs are playing in the snow.",
      "The 3.5 litre engine costs $1,200 (some \u20ac1.100)."};
  const std::vector<std::string> other = {
      "A man with a blue shirt on a ladder cleaning a window.",
      "Two dogs play in snow.",
      "An engine of 3.5 litres costs $1,200, about \u20ac1.100."};
  Bleu one, two;
  ChrF oneF, twoF;
  for (size_t i = 0; i < written.size(); ++i) {
    one.add(written[i], {right[i]});
    two.add(written[i], {right[i], other[i]});
    oneF.add(written[i], {right[i]});
    twoF.add(written[i], {right[i], other[i]});
  }
  EXPECT_NEAR(one.score(), 48.987954563086156, 1e-9);
  EXPECT_NEAR(two.score(), 58.821724790969434, 1e-9);
  EXPECT_NEAR(oneF.score(), 68.9164319925274, 1e-9);
  EXPECT_NEAR(twoF.score(), 73.51627966296793, 1e-9);
  Bleu brief, few;
  brief.add("Two cats", {"Two dogs play outside in the snow ."});
  EXPECT_EQ(brief.score(), 0);
  few.add("Two cats sleep on mats", {"Two dogs play outside in the snow ."});
  EXPECT_NEAR(few.score(), 5.862502026550896, 1e-9);
  Bleu characters;
  characters.add("我今天去学校了。他们3.5公里,ok?",
                 {"我今天要去学校。他们跑3.5公里,OK?"});
  characters.add("“你好”,他说…", {"“你好”，他说道…", "他说:“您好”。"});
  EXPECT_EQ(characters.tokens(), "zh");
  EXPECT_NEAR(characters.score(), 36.11960243597923, 1e-9);
  ChrF chinese;
  chinese.add("我们去学校", {"我们 要 去 学校"});
  EXPECT_NEAR(chinese.score(), 35.01109262340544, 1e-9);
}

TEST(Metrics, ScoresOfForecasts) {
  // At its middle: sd (sqrt(2) - 1) / sqrt(pi).
  EXPECT_NEAR(crpsOfNormal(3, 3, 2),
              2 * (std::numbers::sqrt2 - 1) / std::sqrt(std::numbers::pi),
              1e-12);
  // Far off, a distribution is a point.
  EXPECT_NEAR(crpsOfNormal(1000, 0, 1), 1000 - 1 / std::sqrt(std::numbers::pi),
              1e-9);
  EXPECT_EQ(crpsOfNormal(1, 3, 0), 2);
  EXPECT_NEAR(crpsOfLaplace(0, 0, 2), 0.5, 1e-12);
  EXPECT_NEAR(crpsOfLaplace(100, 0, 1), 99.25, 1e-9);
}
