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

/// BLEU of a corpus (Papineni et al. 2002) as sacrebleu counts it: 13a tokens,
/// up to four words together, exponential smoothing where none is right.
class Bleu {
public:
  /// One text and those that would be right.
  void add(std::string_view text, const std::vector<std::string> &right);
  /// From 0 to 100.
  double score() const;

private:
  std::array<int64_t, 4> matches{}, totals{};
  int64_t written = 0, wanted = 0; ///< tokens
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
