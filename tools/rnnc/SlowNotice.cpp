// SlowNotice.cpp: a line when something takes longer than a moment.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SlowNotice.h"

#include <cstdio>
#include <unistd.h>

using namespace rnnc::tool;

std::string rnnc::tool::onTerminal(std::string line) {
  return isatty(STDERR_FILENO) ? line : std::string();
}

SlowNotice::SlowNotice(std::string line, std::chrono::milliseconds patience) {
  if (line.empty())
    return;
  waiter = std::thread([this, patience, line = std::move(line) + "\n"] {
    std::unique_lock<std::mutex> lock(mutex);
    // One write, so that nothing else comes between.
    if (!over.wait_for(lock, patience, [this] { return isOver; }))
      std::fwrite(line.data(), 1, line.size(), stderr);
  });
}

SlowNotice::~SlowNotice() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    isOver = true;
  }
  over.notify_one();
  if (waiter.joinable())
    waiter.join();
}
