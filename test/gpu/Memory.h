// Memory.h: global memory of the device. SPDX-License-Identifier: Apache-2.0
// WITH LLVM-exception
#ifndef RNNC_TEST_GPU_MEMORY_H
#define RNNC_TEST_GPU_MEMORY_H

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace rnnc::ptx {

struct Allocation {
  uint64_t base = 0;
  uint64_t size = 0;
  uint8_t *host = nullptr; ///< where its bytes are
  bool isFreed = false;
  bool isConst = false;
  bool isVariable = false; ///< of a module
  std::string name;        ///< of a variable
  /// A bit a byte, of the launch that runs: written, and read by ld.global.nc.
  std::vector<uint64_t> written, cached;
  /// Of each byte, in the launch that runs: the block or thread that wrote it,
  /// and the one that read it, from 1 on.
  std::vector<uint32_t> writers, readers;
};

/// Addresses of the device are no addresses of the host: a program that mixes
/// them up crashes. Between allocations lie red zones, and what was freed is
/// not given out again.
class DeviceMemory {
public:
  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;
  ~DeviceMemory();

  /// Aligned to `align` and no better; null if the memory is full. New memory
  /// holds 0xff, which no program may rely on: NaN as a number.
  Allocation *allocate(uint64_t size, uint64_t align);
  /// False if nothing is allocated there.
  bool release(uint64_t address);
  /// The allocation with that address, freed ones too, or null.
  Allocation *find(uint64_t address);
  /// Where those bytes of one allocation are, or null.
  uint8_t *at(uint64_t address, uint64_t bytes);
  /// What lies nearest, in words.
  std::string describe(uint64_t address, uint64_t bytes);

  void setCapacity(uint64_t bytes) { capacity = bytes; }
  uint64_t used() const { return inUse; }
  const std::deque<Allocation> &all() const { return allocations; }
  std::deque<Allocation> &all() { return allocations; }

private:
  bool reserve();

  uint8_t *region = nullptr;
  uint64_t regionSize = 0;
  uint64_t top = 0;
  uint64_t inUse = 0;
  uint64_t capacity = uint64_t(4) << 30;
  std::deque<Allocation> allocations; ///< by address
};

} // namespace rnnc::ptx

#endif
