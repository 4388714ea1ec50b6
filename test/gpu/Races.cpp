// Races.cpp: blocks, or threads, of a launch that meet in memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks come in any order, and nothing tells one what another has done;
// without barriers neither do threads. So of two that touch one byte none may
// write it, but by atomics. A grid that runs as a whole has other ways.
#include "MemoryOps.h"

using namespace rnnc::ptx;

/// More than one has read a byte.
static constexpr uint32_t kMany = ~0u;

bool rnnc::ptx::meetsNobody(Warp &w, const Inst &i, unsigned lane,
                            const Place &place, unsigned bytes, Access access) {
  const Launch &launch = w.launch();
  Allocation *a = place.allocation;
  if (!a || !launch.options.races || launch.shape.isCooperative ||
      i.order != Order::Weak)
    return true;
  if (a->writers.empty()) {
    a->writers.resize(a->size);
    a->readers.resize(a->size);
  }
  bool byBlock = w.kernel.hasBarriers;
  uint32_t me = w.block.number + 1;
  if (!byBlock)
    me = w.block.number * launch.threads + w.index * kLanes + lane + 1;
  uint64_t at = place.address - a->base;
  for (uint64_t k = at; k < at + bytes; ++k) {
    uint32_t &writer = a->writers[k], &reader = a->readers[k];
    bool writes = access == Access::Write;
    if ((writer && writer != me) || (writes && reader && reader != me)) {
      uint32_t other = writer && writer != me ? writer : reader;
      std::string who = other == kMany ? "others"
                                       : (byBlock ? "block " : "thread ") +
                                             std::to_string(other - 1);
      w.fault(i, lane, kLaunchFailed,
              "byte " + std::to_string(k) + " of an allocation of " +
                  std::to_string(a->size) + " bytes was " +
                  (other == writer ? "written" : "read") + " by " + who +
                  " in this launch");
      return false;
    }
    if (writes)
      writer = me;
    else
      reader = !reader || reader == me ? me : kMany;
  }
  return true;
}
