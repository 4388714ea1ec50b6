// Progress.cpp: the progress bar.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

using namespace rnnc;
using namespace rnnc::training;

std::string training::durationText(double seconds) {
  if (seconds < 9.95)
    return fmt::format("{:.1f}s", std::max(seconds, 0.0));
  auto total = static_cast<int64_t>(std::llround(std::max(seconds, 0.0)));
  if (total >= 3600)
    return fmt::format("{}h{:02}m", total / 3600, total / 60 % 60);
  if (total >= 60)
    return fmt::format("{}m{:02}s", total / 60, total % 60);
  return fmt::format("{}s", total);
}

std::string training::bytesText(int64_t bytes) {
  double value = static_cast<double>(bytes);
  if (value < 1e6)
    return fmt::format("{:.4g} kB", value / 1e3);
  return value < 1e9 ? fmt::format("{:.4g} MB", value / 1e6)
                     : fmt::format("{:.4g} GB", value / 1e9);
}

std::string training::countText(double count) {
  if (count >= 1e6)
    return fmt::format("{:.1f}M", count / 1e6);
  if (count >= 1e3)
    return fmt::format("{:.1f}k", count / 1e3);
  return fmt::format("{:.0f}", count);
}

std::string training::lossText(double loss) {
  return std::abs(loss) < 1e6 ? fmt::format("{:.4f}", loss)
                              : fmt::format("{:.4g}", loss);
}

/// A terminal on which a line can be drawn again.
static bool canRedraw() {
  const char *kind = std::getenv("TERM");
  return isatty(2) == 1 && !(kind && std::string_view(kind) == "dumb");
}

Progress::Progress(bool quiet) : quiet(quiet), terminal(canRedraw()) {}

static int terminalWidth() {
  winsize size{};
  if (ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

static std::string steps(const ProgressState &state) {
  std::string text = fmt::format("{}", state.step);
  if (state.totalSteps > 0)
    text += fmt::format("/{}", state.totalSteps);
  return text;
}

/// Everything there is to say.
static std::string longText(const ProgressState &state) {
  std::string text = "step " + steps(state);
  if (state.epochs > 0)
    text += fmt::format(", epoch {}/{}", state.epoch + 1, state.epochs);
  text += ", loss " + lossText(state.loss);
  if (!state.metric.empty())
    text += ", " + state.metric;
  text += fmt::format(", norm {:.3g}, {} tokens/s", state.norm,
                      countText(state.tokensPerSecond));
  if (state.secondsLeft >= 0)
    text += fmt::format(", {} left", durationText(state.secondsLeft));
  return text;
}

/// The same in short words, as much of it as has room. What is likeliest to be
/// looked for comes first.
static std::string shortText(const ProgressState &state, int room) {
  std::vector<std::string> pieces = {steps(state),
                                     "loss " + lossText(state.loss)};
  std::string left =
      state.secondsLeft >= 0 ? durationText(state.secondsLeft) + " left" : "";
  if (!state.shortMetric.empty())
    pieces.push_back(state.shortMetric);
  pieces.push_back(fmt::format("norm {:.2g}", state.norm));
  pieces.push_back(countText(state.tokensPerSecond) + "/s");
  std::string text;
  for (const std::string &piece : pieces) {
    size_t size = text.size() + piece.size() + left.size() + 2;
    if (static_cast<int>(size) > room)
      break;
    text += (text.empty() ? "" : " ") + piece;
  }
  return text.empty() ? left : text + " " + left;
}

static std::string bar(double done, int width) {
  static const char *eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  int filled = static_cast<int>(std::clamp(done, 0.0, 1.0) *
                                static_cast<double>(width * 8));
  std::string text;
  for (int i = 0; i < width; ++i) {
    int here = std::clamp(filled - 8 * i, 0, 8);
    text += here == 8 ? "█" : eighths[here];
  }
  return text;
}

std::string training::progressLine(const ProgressState &state, int columns) {
  // The last column stays free: some terminals begin a new line there.
  int room = columns - 1;
  std::string share = fmt::format("{:3.0f} % ", 100 * state.done);
  auto left = [&](const std::string &text) {
    return room - static_cast<int>(share.size() + text.size()) - 1;
  };
  std::string text = longText(state);
  // Bars of few sizes: one that follows every digit would flicker.
  for (int width : {30, 20, 10})
    if (left(text) >= width)
      return share + bar(state.done, width) + " " + text;
  int width = columns >= 60 ? 6 : columns >= 40 ? 5 : 0;
  int used = static_cast<int>(share.size()) + (width ? width + 1 : 0);
  text = shortText(state, room - used);
  std::string line = share + (width ? bar(state.done, width) + " " : "") + text;
  if (width == 0 && static_cast<int>(line.size()) > room)
    line.resize(static_cast<size_t>(std::max(room, 1)));
  return line;
}

/// Whether a reader can take another line.
bool Progress::isDue() {
  if (quiet)
    return false;
  Clock::time_point now = Clock::now();
  std::chrono::duration<double> passed = now - last;
  if (passed.count() < (terminal ? 0.1 : 5.0))
    return false;
  last = now;
  return true;
}

void Progress::redraw(const std::string &line) {
  fmt::print(stderr, "\r\033[K{}", line);
  std::fflush(stderr);
  drawn = true;
}

void Progress::update(const ProgressState &state) {
  if (!isDue())
    return;
  if (terminal)
    redraw(progressLine(state, terminalWidth()));
  else
    fmt::print(stderr, "{}\n", longText(state));
}

void Progress::update(const std::string &line) {
  if (!isDue())
    return;
  if (terminal)
    redraw(
        line.substr(0, static_cast<size_t>(std::max(terminalWidth() - 1, 1))));
  else
    fmt::print(stderr, "{}\n", line);
}

void Progress::clear() {
  if (drawn)
    fmt::print(stderr, "\r\033[K");
  drawn = false;
}

void Progress::print(const std::string &line) {
  if (quiet)
    return;
  clear();
  fmt::print(stderr, "{}\n", line);
}
