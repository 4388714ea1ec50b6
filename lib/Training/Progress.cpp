// Progress.cpp: the progress bar.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace rnnc;
using namespace rnnc::training;

std::string training::durationText(double seconds) {
  auto total = static_cast<int64_t>(std::llround(std::max(seconds, 0.0)));
  if (total >= 3600)
    return fmt::format("{}h{:02}m", total / 3600, total / 60 % 60);
  if (total >= 60)
    return fmt::format("{}m{:02}s", total / 60, total % 60);
  return fmt::format("{}s", total);
}

std::string training::countText(double count) {
  if (count >= 1e6)
    return fmt::format("{:.1f}M", count / 1e6);
  if (count >= 1e3)
    return fmt::format("{:.1f}k", count / 1e3);
  return fmt::format("{:.0f}", count);
}

Progress::Progress(bool quiet) : quiet(quiet), terminal(isatty(2) == 1) {}

static int terminalWidth() {
  winsize size{};
  if (ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

/// What bar and line have in common.
static std::string figures(const ProgressState &state) {
  std::string text = fmt::format("step {}", state.step);
  if (state.totalSteps > 0)
    text += fmt::format("/{}", state.totalSteps);
  if (state.epochs > 0)
    text += fmt::format(", epoch {}/{}", state.epoch + 1, state.epochs);
  text += fmt::format(", loss {:.4f}", state.loss);
  if (!state.metric.empty())
    text += ", " + state.metric;
  text += fmt::format(", norm {:.3g}, {} tokens/s", state.norm,
                      countText(state.tokensPerSecond));
  if (state.secondsLeft >= 0)
    text += fmt::format(", {} left", durationText(state.secondsLeft));
  return text;
}

static std::string bar(double done, int width) {
  static const char *eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  int filled = static_cast<int>(
      std::clamp(done, 0.0, 1.0) * static_cast<double>(width * 8));
  std::string text;
  for (int i = 0; i < width; ++i) {
    int here = std::clamp(filled - 8 * i, 0, 8);
    text += here == 8 ? "█" : eighths[here];
  }
  return text;
}

void Progress::update(const ProgressState &state) {
  if (quiet)
    return;
  Clock::time_point now = Clock::now();
  std::chrono::duration<double> passed = now - last;
  if (passed.count() < (terminal ? 0.1 : 5.0))
    return;
  last = now;
  std::string text = figures(state);
  if (!terminal) {
    fmt::print(stderr, "{}\n", text);
    return;
  }
  int room = terminalWidth() - 1 - static_cast<int>(text.size()) - 8;
  int width = std::min(room, 30);
  if (width >= 5)
    text = fmt::format("{:3.0f} % {} {}", 100 * state.done,
                       bar(state.done, width), text);
  else if (static_cast<int>(text.size()) >= terminalWidth())
    text.resize(static_cast<size_t>(std::max(terminalWidth() - 1, 1)));
  fmt::print(stderr, "\r\033[K{}", text);
  std::fflush(stderr);
  drawn = true;
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
