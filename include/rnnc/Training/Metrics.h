// Metrics.h: how near written texts and forecasts are to the true ones.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_METRICS_H
#define RNNC_TRAINING_METRICS_H

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rnnc::training {

/// The tokens of mteval-v13a, which sacrebleu takes by default.
std::vector<std::string> tokens13a(std::string_view text);

/// Those that sacrebleu calls `zh`: each Chinese character alone, what stands
/// between them much as by 13a.
std::vector<std::string> tokensZh(std::string_view text);

/// BLEU of a corpus (Papineni et al. 2002) as sacrebleu counts it: 13a tokens,
/// or those of `zh` where a right text has a Chinese character; up to four
/// tokens together, exponential smoothing where none is right.
class Bleu {
public:
  /// One text and those that would be right.
  void add(std::string_view text, const std::vector<std::string> &right);
  /// From 0 to 100.
  double score() const;
  /// Of what kind the tokens are: `13a` or `zh`.
  std::string_view tokens() const { return isChinese ? "zh" : "13a"; }

private:
  struct Tally {
    void add(const std::vector<std::string> &tokens,
             const std::vector<std::vector<std::string>> &others);
    double score() const;

    std::array<int64_t, 4> matches{}, totals{};
    int64_t written = 0, wanted = 0; ///< tokens
  };
  Tally words, characters;
  bool isChinese = false;
};

/// chrF2 of a corpus (Popovic 2015) as sacrebleu counts it: up to six
/// characters together, without blanks; recall counts twice.
class ChrF {
public:
  /// Of several right texts the nearest one counts.
  void add(std::string_view text, const std::vector<std::string> &right);
  /// From 0 to 100.
  double score() const { return scoreOf(sums); }

private:
  static constexpr size_t order = 6;
  struct Counts {
    int64_t written = 0, wanted = 0, matches = 0;
  };
  using Orders = std::array<Counts, order>;
  static double scoreOf(const Orders &orders);
  Orders sums{};
};

/// The continuous ranked probability score (Matheson and Winkler 1976) of a
/// forecast: how far a distribution lies from what came, in its unit.
double crpsOfNormal(double value, double mean, double deviation);
double crpsOfLaplace(double value, double mean, double scale);

} // namespace rnnc::training

#endif // RNNC_TRAINING_METRICS_H
