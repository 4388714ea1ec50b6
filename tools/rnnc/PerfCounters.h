// PerfCounters.h: the processor's counters, where the kernel lets us read them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_PERFCOUNTERS_H
#define RNNC_TOOLS_RNNC_PERFCOUNTERS_H

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rnnc::tool {

/// Counts events of this process and of the threads that it starts later.
class PerfCounters {
public:
  PerfCounters() = default;
  ~PerfCounters();
  PerfCounters(const PerfCounters &) = delete;
  PerfCounters &operator=(const PerfCounters &) = delete;

  /// Opens what there is; the text says why there is none.
  std::optional<std::string> open();
  void start();
  void stop();
  /// Name and count of each, since `start`. A counter that had to share the
  /// hardware is scaled to the whole time.
  std::vector<std::pair<std::string, uint64_t>> read() const;

private:
  std::vector<std::pair<std::string, int>> files;
};

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_PERFCOUNTERS_H
