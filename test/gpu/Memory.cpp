// Memory.cpp: global memory of the device. SPDX-License-Identifier: Apache-2.0
// WITH LLVM-exception
#include "Memory.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

using namespace rnnc::ptx;

static constexpr uint64_t kBase = 0xd0'0000'0000; ///< first address
static constexpr uint64_t kRedZone = 512;

DeviceMemory::~DeviceMemory() {
  if (region)
    munmap(region, regionSize);
}

bool DeviceMemory::reserve() {
  for (uint64_t size = uint64_t(1) << 40; size >= uint64_t(1) << 30;
       size /= 2) {
    void *got = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED)
      continue;
    region = static_cast<uint8_t *>(got);
    regionSize = size;
    return true;
  }
  return false;
}

Allocation *DeviceMemory::allocate(uint64_t size, uint64_t align) {
  if (size > capacity - inUse || (!region && !reserve()))
    return nullptr;
  uint64_t start = top + kRedZone;
  start = (start + 2 * align - 1) / (2 * align) * (2 * align) + align;
  if (start + size + kRedZone > regionSize)
    return nullptr;
  top = start + size;
  inUse += size;
  Allocation made;
  made.base = kBase + start;
  made.size = size;
  made.host = region + start;
  std::memset(made.host, 0xff, std::min<uint64_t>(size, 256 << 20));
  allocations.push_back(std::move(made));
  return &allocations.back();
}

bool DeviceMemory::release(uint64_t address) {
  Allocation *found = find(address);
  if (!found || found->isFreed || found->base != address || found->isVariable)
    return false;
  found->isFreed = true;
  found->written.clear();
  found->cached.clear();
  found->writers = {};
  found->readers = {};
  inUse -= found->size;
  uintptr_t first = (uintptr_t(found->host) + 4095) & ~uintptr_t(4095);
  uintptr_t last = uintptr_t(found->host + found->size) & ~uintptr_t(4095);
  if (first < last)
    madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
  return true;
}

Allocation *DeviceMemory::find(uint64_t address) {
  auto behind = std::upper_bound(
      allocations.begin(), allocations.end(), address,
      [](uint64_t value, const Allocation &a) { return value < a.base; });
  if (behind == allocations.begin())
    return nullptr;
  Allocation &candidate = *std::prev(behind);
  return address - candidate.base < std::max<uint64_t>(candidate.size, 1)
             ? &candidate
             : nullptr;
}

uint8_t *DeviceMemory::at(uint64_t address, uint64_t bytes) {
  Allocation *found = find(address);
  if (!found || found->isFreed || bytes > found->size ||
      address - found->base > found->size - bytes)
    return nullptr;
  return found->host + (address - found->base);
}

std::string DeviceMemory::describe(uint64_t address, uint64_t bytes) {
  char text[256];
  if (Allocation *found = find(address)) {
    std::snprintf(text, sizeof text, "%llu bytes into %s of %llu bytes%s%s",
                  static_cast<unsigned long long>(address - found->base),
                  found->isFreed ? "an allocation, freed," : "an allocation",
                  static_cast<unsigned long long>(found->size),
                  found->name.empty() ? "" : " of ", found->name.c_str());
    return text;
  }
  auto behind = std::upper_bound(
      allocations.begin(), allocations.end(), address,
      [](uint64_t value, const Allocation &a) { return value < a.base; });
  const Allocation *below =
      behind == allocations.begin() ? nullptr : &*std::prev(behind);
  const Allocation *above = behind == allocations.end() ? nullptr : &*behind;
  bool isNearAbove =
      above &&
      (!below || above->base - address < address - (below->base + below->size));
  const Allocation *nearest = isNearAbove ? above : below;
  uint64_t distance = !nearest      ? 0
                      : isNearAbove ? above->base - address
                                    : address - (below->base + below->size);
  if (!nearest || distance > (uint64_t(1) << 32))
    return "nowhere near an allocation";
  std::snprintf(text, sizeof text, "%llu bytes %s an allocation of %llu%s%s",
                static_cast<unsigned long long>(distance),
                isNearAbove ? "before" : "behind the end of",
                static_cast<unsigned long long>(nearest->size),
                nearest->name.empty() ? "" : ", ", nearest->name.c_str());
  return text;
}
