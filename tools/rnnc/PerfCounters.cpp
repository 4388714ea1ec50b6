// PerfCounters.cpp: the processor's counters of Linux (perf_event_open(2)).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PerfCounters.h"

#include <cerrno>
#include <cstring>

#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace rnnc::tool;

#ifdef __linux__
static int openCounter(uint64_t config) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof(attributes);
  attributes.config = config;
  attributes.disabled = 1;
  attributes.inherit = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.read_format =
      PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1,
                                  PERF_FLAG_FD_CLOEXEC));
}

std::optional<std::string> PerfCounters::open() {
  const std::pair<const char *, uint64_t> events[] = {
      {"cycles", PERF_COUNT_HW_CPU_CYCLES},
      {"instructions", PERF_COUNT_HW_INSTRUCTIONS},
      {"cache_references", PERF_COUNT_HW_CACHE_REFERENCES},
      {"cache_misses", PERF_COUNT_HW_CACHE_MISSES},
      {"branch_misses", PERF_COUNT_HW_BRANCH_MISSES}};
  std::string why = "no counter";
  for (const auto &[name, config] : events) {
    int file = openCounter(config);
    if (file >= 0)
      files.emplace_back(name, file);
    else
      why = std::strerror(errno);
  }
  if (files.empty())
    return why;
  return std::nullopt;
}

PerfCounters::~PerfCounters() {
  for (const auto &[name, file] : files)
    ::close(file);
}

void PerfCounters::start() {
  for (const auto &[name, file] : files) {
    ioctl(file, PERF_EVENT_IOC_RESET, 0);
    ioctl(file, PERF_EVENT_IOC_ENABLE, 0);
  }
}

void PerfCounters::stop() {
  for (const auto &[name, file] : files)
    ioctl(file, PERF_EVENT_IOC_DISABLE, 0);
}

std::vector<std::pair<std::string, uint64_t>> PerfCounters::read() const {
  std::vector<std::pair<std::string, uint64_t>> counts;
  for (const auto &[name, file] : files) {
    struct {
      uint64_t value, enabled, running;
    } count{};
    if (::read(file, &count, sizeof(count)) != sizeof(count) ||
        count.running == 0)
      continue;
    double share =
        static_cast<double>(count.running) / static_cast<double>(count.enabled);
    counts.emplace_back(
        name, static_cast<uint64_t>(static_cast<double>(count.value) / share));
  }
  return counts;
}
#else
std::optional<std::string> PerfCounters::open() {
  return "this system has no perf_event_open";
}
PerfCounters::~PerfCounters() = default;
void PerfCounters::start() {}
void PerfCounters::stop() {}
std::vector<std::pair<std::string, uint64_t>> PerfCounters::read() const {
  return {};
}
#endif
