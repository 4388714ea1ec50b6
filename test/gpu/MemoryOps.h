// MemoryOps.h: where an address of a thread leads. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_MEMORYOPS_H
#define RNNC_TEST_GPU_MEMORYOPS_H

#include "Ops.h"

namespace rnnc::ptx {

enum class Access : uint8_t { Read, Write };

struct Place {
  uint8_t *host = nullptr;
  uint8_t *state = nullptr;         ///< ByteStates of shared and local memory
  Allocation *allocation = nullptr; ///< of global memory
  uint64_t address = 0;
};

/// Where those bytes are, aligned to `align`; false after a fault.
bool resolve(Warp &w, const Inst &i, unsigned lane, uint64_t address,
             unsigned bytes, unsigned align, Space space, Access access,
             Place &place);

/// The addresses of the lanes that execute: register plus displacement; false
/// after a fault.
bool addressesOf(Warp &w, const Inst &i, const Slot &slot, uint64_t *addresses);

/// Races.cpp: false, with a fault, where another block was there.
bool meetsNobody(Warp &w, const Inst &i, unsigned lane, const Place &place,
                 unsigned bytes, Access access);
/// Marks bytes that ld.global.nc read or a store wrote; false after a fault.
bool noteAccess(Warp &w, const Inst &i, unsigned lane, const Place &place,
                unsigned bytes, Access access);

inline bool isInitialised(const Place &place, unsigned bytes) {
  if (!place.state)
    return true;
  for (unsigned k = 0; k < bytes; ++k)
    if (place.state[k])
      return false;
  return true;
}

} // namespace rnnc::ptx

#endif
