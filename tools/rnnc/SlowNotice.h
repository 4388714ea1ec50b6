// SlowNotice.h: a line when something takes longer than a moment.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_SLOWNOTICE_H
#define RNNC_TOOLS_RNNC_SLOWNOTICE_H

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace rnnc::tool {

/// The line if standard error is a terminal, else nothing.
std::string onTerminal(std::string line);

/// While it lives longer than a second, a line on standard error says what is
/// going on. The line stays: messages may follow it. Whoever makes one asks
/// whether somebody watches: scripts compare what the tools print, and how long
/// something takes is no result.
class SlowNotice {
public:
  /// An empty line is never printed.
  explicit SlowNotice(std::string line, std::chrono::milliseconds patience =
                                            std::chrono::seconds(1));
  ~SlowNotice();
  SlowNotice(const SlowNotice &) = delete;
  SlowNotice &operator=(const SlowNotice &) = delete;

private:
  std::mutex mutex;
  std::condition_variable over;
  bool isOver = false;
  std::thread waiter;
};

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_SLOWNOTICE_H
