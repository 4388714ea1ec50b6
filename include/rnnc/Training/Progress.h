// Progress.h: how far training is, for people: a bar or plain lines.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_PROGRESS_H
#define RNNC_TRAINING_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <string>

namespace rnnc::training {

/// One moment of training.
struct ProgressState {
  int64_t step = 0, totalSteps = 0; ///< total 0: unknown
  int64_t epoch = 0, epochs = 0;
  double loss = 0;         ///< running mean
  std::string metric;      ///< `perplexity 5.31`, `valid 83.2 % right`
  std::string shortMetric; ///< `ppl 5.31`, `valid 83.2 %`
  double norm = 0;         ///< gradient norm
  double tokensPerSecond = 0;
  double done = 0; ///< share in [0, 1]
  double secondsLeft = -1;
};

/// Writes to standard error; standard output is for results.
class Progress {
public:
  /// `quiet` writes nothing at all.
  explicit Progress(bool quiet);
  ~Progress() { clear(); }

  /// Redraws the bar (at most ten times a second) or prints a line (at most
  /// every few seconds).
  void update(const ProgressState &state);
  /// The same for other work, in its own words.
  void update(const std::string &line);
  /// A line that stays, such as a validation result.
  void print(const std::string &line);

private:
  void clear();
  bool isDue();
  void redraw(const std::string &line);
  using Clock = std::chrono::steady_clock;
  bool quiet, terminal, drawn = false;
  Clock::time_point last{};
};

/// The line of a terminal: share, bar and as many figures as have room.
std::string progressLine(const ProgressState &state, int columns);
/// `1h02m`, `3m20s`, `12s`, `0.8s`.
std::string durationText(double seconds);
/// `950`, `12.3k`, `1.2M`.
/// Four digits behind the point, or of a very large one four in all.
std::string lossText(double loss);
std::string countText(double count);
/// 500 MB, with powers of 1000 as `checkpoint memory` has them.
std::string bytesText(int64_t bytes);

} // namespace rnnc::training

#endif // RNNC_TRAINING_PROGRESS_H
