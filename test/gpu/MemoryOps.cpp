// MemoryOps.cpp: loads and stores. SPDX-License-Identifier: Apache-2.0 WITH
// LLVM-exception
#include "MemoryOps.h"

#include <bit>

using namespace rnnc::ptx;

static std::string hex(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

bool rnnc::ptx::addressesOf(Warp &w, const Inst &i, const Slot &slot,
                            uint64_t *addresses) {
  if (!w.require(i, slot, "its address"))
    return false;
  if (i.isAddressWide) {
    const uint64_t *from = w.in<uint64_t>(slot);
    for (unsigned l = 0; l < kLanes; ++l)
      addresses[l] = from[l] + uint64_t(i.imm);
    return true;
  }
  const uint32_t *from = w.in<uint32_t>(slot);
  for (unsigned l = 0; l < kLanes; ++l)
    addresses[l] = uint32_t(from[l] + uint32_t(i.imm));
  return true;
}

static bool refuseAccess(Warp &w, const Inst &i, unsigned lane, int code,
                         uint64_t address, unsigned bytes, Access access,
                         const std::string &why) {
  w.fault(i, lane, code,
          std::string(access == Access::Read ? "a load of " : "a store of ") +
              std::to_string(bytes) + " bytes at " + hex(address) + ": " + why);
  return false;
}

/// Shared or local memory: an offset into a window.
static bool resolveWindow(Warp &w, const Inst &i, unsigned lane,
                          uint64_t offset, unsigned bytes, Space space,
                          Access access, Place &place) {
  bool isShared = space == Space::Shared;
  Block &block = w.block;
  uint64_t extent = isShared ? w.launch().sharedExtent : w.kernel.localBytes;
  uint64_t start = isShared ? 0 : (uint64_t(w.index) * kLanes + lane) * extent;
  if (offset > extent || bytes > extent - offset)
    return refuseAccess(w, i, lane, kIllegalAddress, offset, bytes, access,
                        std::string("beyond the ") + std::to_string(extent) +
                            " bytes of " + nameOf(space) + " memory");
  place.host = (isShared ? block.shared : block.local).data() + start + offset;
  place.state =
      (isShared ? block.sharedState : block.localState).data() + start + offset;
  for (unsigned k = 0; k < bytes; ++k)
    if (place.state[k] == kGap)
      return refuseAccess(w, i, lane, kIllegalAddress, offset, bytes, access,
                          std::string("between the variables of ") +
                              nameOf(space) + " memory");
  return true;
}

static bool resolveGlobal(Warp &w, const Inst &i, unsigned lane,
                          uint64_t address, unsigned bytes, Access access,
                          Place &place) {
  Allocation *found = i.near;
  if (!found || found->isFreed || address - found->base >= found->size)
    found = w.launch().memory.find(address);
  if (!found || found->isFreed || bytes > found->size ||
      address - found->base > found->size - bytes)
    return refuseAccess(w, i, lane, kIllegalAddress, address, bytes, access,
                        w.launch().memory.describe(address, bytes));
  if (access == Access::Write && found->isConst)
    return refuseAccess(w, i, lane, kIllegalAddress, address, bytes, access,
                        "constant memory");
  i.near = found;
  place.allocation = found;
  place.address = address;
  place.host = found->host + (address - found->base);
  return true;
}

bool rnnc::ptx::resolve(Warp &w, const Inst &i, unsigned lane, uint64_t address,
                        unsigned bytes, unsigned align, Space space,
                        Access access, Place &place) {
  if (address % align)
    return refuseAccess(w, i, lane, kMisalignedAddress, address, bytes, access,
                        "not aligned to " + std::to_string(align) + " bytes");
  if (space == Space::Generic) {
    if (address - kSharedWindow < kWindow)
      return resolveWindow(w, i, lane, address - kSharedWindow, bytes,
                           Space::Shared, access, place);
    if (address - kLocalWindow < kWindow)
      return resolveWindow(w, i, lane, address - kLocalWindow, bytes,
                           Space::Local, access, place);
    if (address - kParamWindow < kWindow) {
      address -= kParamWindow;
      space = Space::Param;
    }
  }
  if (space == Space::Shared || space == Space::Local)
    return resolveWindow(w, i, lane, address, bytes, space, access, place);
  if (space != Space::Param)
    return resolveGlobal(w, i, lane, address, bytes, access, place);
  std::vector<uint8_t> &params = w.launch().params;
  if (access == Access::Write || address + bytes > params.size())
    return refuseAccess(w, i, lane, kIllegalAddress, address, bytes, access,
                        "beyond the parameters, or to them");
  place.host = params.data() + address;
  return true;
}

bool rnnc::ptx::noteAccess(Warp &w, const Inst &i, unsigned lane,
                           const Place &place, unsigned bytes, Access access) {
  Allocation *a = place.allocation;
  if (!meetsNobody(w, i, lane, place, bytes, access))
    return false;
  if (!a || !w.kernel.hasCachedLoads || (access == Access::Read && !i.isCached))
    return true;
  if (a->written.empty()) {
    a->written.resize(a->size / 64 + 2);
    a->cached.resize(a->size / 64 + 2);
  }
  uint64_t *mine = (access == Access::Write ? a->written : a->cached).data();
  uint64_t *other = (access == Access::Write ? a->cached : a->written).data();
  // The bits of an access are in one word, or in two.
  uint64_t at = place.address - a->base, word = at / 64, shift = at % 64;
  uint64_t ones = (uint64_t(1) << bytes) - 1;
  uint64_t low = ones << shift, high = shift ? ones >> (64 - shift) : 0;
  if ((other[word] & low) | (other[word + 1] & high))
    return refuseAccess(w, i, lane, kLaunchFailed, place.address, bytes, access,
                        "this kernel reads that memory by ld.global.nc and "
                        "writes it too");
  mine[word] |= low;
  mine[word + 1] |= high;
  return true;
}

/// The same for all lanes of an access to i.near.
static bool noteLanes(Warp &w, const Inst &i, const uint64_t *addresses,
                      Access access) {
  bool cached =
      w.kernel.hasCachedLoads && (access == Access::Write || i.isCached);
  if (!cached && !w.launch().options.races)
    return true;
  Place place;
  place.allocation = i.near;
  for (uint32_t rest = w.mask; rest; rest &= rest - 1) {
    unsigned l = unsigned(std::countr_zero(rest));
    place.address = addresses[l];
    if (!noteAccess(w, i, l, place, unsigned(i.bytes) * i.count, access))
      return false;
  }
  return true;
}

static bool isStrong(const Inst &i) {
  return i.order != Order::Weak && i.isGpuScope;
}

/// Every access checked, one lane after the other.
static void loadSlowly(Warp &w, const Inst &i, const uint64_t *addresses) {
  unsigned total = unsigned(i.bytes) * i.count;
  bool weak = w.launch().options.weak;
  uint32_t known = 0;
  uint8_t values[kLanes][32];
  for (uint32_t rest = w.mask; rest; rest &= rest - 1) {
    unsigned l = unsigned(std::countr_zero(rest));
    Place place;
    if (!resolve(w, i, l, addresses[l], total, total, i.space, Access::Read,
                 place) ||
        !noteAccess(w, i, l, place, total, Access::Read))
      return;
    known |= uint32_t(isInitialised(place, total)) << l;
    if (!weak || !place.allocation || i.isCached) {
      std::memcpy(values[l], place.host, total);
    } else if (isStrong(i)) {
      w.block.view.settle(place.address, total);
      std::memcpy(values[l], place.host, total);
    } else {
      w.block.view.read(place.address, total, values[l]);
    }
  }
  if (weak && isStrong(i) && i.order == Order::Acquire)
    w.block.view.acquire();
  for (unsigned k = 0; k < i.count; ++k) {
    const Slot &to = i.list[k];
    if (to.offset == ~0u)
      continue;
    uint8_t *out = w.out<uint8_t>(to);
    for (uint32_t rest = w.mask; rest; rest &= rest - 1) {
      unsigned l = unsigned(std::countr_zero(rest));
      std::memcpy(out + l * i.bytes, values[l] + k * i.bytes, i.bytes);
    }
    w.define(to, known);
  }
}

/// The host's address of address 0, if all lanes are in one allocation and
/// aligned.
static uint8_t *commonBase(const Warp &w, const Inst &i,
                           const uint64_t *addresses) {
  const Allocation *near = i.near;
  unsigned total = unsigned(i.bytes) * i.count;
  if (!near || near->isFreed || near->size < total)
    return nullptr;
  uint64_t base = near->base, room = near->size - total;
  uint64_t wrong = 0;
  for (unsigned l = 0; l < kLanes; ++l) {
    uint64_t at = addresses[l] - base;
    uint64_t bad = uint64_t(at > room) | (addresses[l] & (total - 1));
    wrong |= (w.mask >> l) & 1 ? bad : 0;
  }
  return wrong ? nullptr : near->host - base;
}

template <typename T>
static void gather(Warp &w, const Inst &i, const uint8_t *base,
                   const uint64_t *addresses) {
  for (unsigned k = 0; k < i.count; ++k) {
    if (i.list[k].offset == ~0u)
      continue;
    T *to = w.out<T>(i.list[k]);
    const uint8_t *from = base + k * sizeof(T);
    if (w.mask == ~0u)
      for (unsigned l = 0; l < kLanes; ++l)
        std::memcpy(&to[l], from + addresses[l], sizeof(T));
    else
      for (uint32_t rest = w.mask; rest; rest &= rest - 1) {
        unsigned l = unsigned(std::countr_zero(rest));
        std::memcpy(&to[l], from + addresses[l], sizeof(T));
      }
    w.define(i.list[k], ~0u);
  }
}

static bool isPlainGlobal(const Warp &w, const Inst &i) {
  return (i.space == Space::Global || i.space == Space::Const) &&
         (!w.launch().options.weak || i.isCached);
}

template <typename T>
static uint64_t statesOf(const Warp &w, const uint64_t *addresses,
                         unsigned count) {
  const uint8_t *state = w.block.sharedState.data();
  T all = 0;
  for (uint32_t rest = w.mask; rest; rest &= rest - 1)
    for (unsigned k = 0; k < count; ++k) {
      T word;
      std::memcpy(&word,
                  state + addresses[std::countr_zero(rest)] + k * sizeof(T),
                  sizeof(T));
      all |= word;
    }
  return all;
}

/// Shared memory, if all lanes are inside of it, aligned, and no byte is in one
/// of those states.
static uint8_t *commonShared(Warp &w, const Inst &i, const uint64_t *addresses,
                             uint8_t states) {
  uint64_t total = uint64_t(i.bytes) * i.count;
  uint64_t extent = w.launch().sharedExtent;
  if (extent < total)
    return nullptr;
  uint64_t wrong = 0, room = extent - total;
  for (unsigned l = 0; l < kLanes; ++l) {
    uint64_t bad = uint64_t(addresses[l] > room) | (addresses[l] & (total - 1));
    wrong |= (w.mask >> l) & 1 ? bad : 0;
  }
  if (wrong)
    return nullptr;
  uint64_t found = i.bytes == 1   ? statesOf<uint8_t>(w, addresses, i.count)
                   : i.bytes == 2 ? statesOf<uint16_t>(w, addresses, i.count)
                   : i.bytes == 4 ? statesOf<uint32_t>(w, addresses, i.count)
                                  : statesOf<uint64_t>(w, addresses, i.count);
  bool isRight = !(found & (states * 0x0101010101010101u));
  return isRight ? w.block.shared.data() : nullptr;
}

void rnnc::ptx::load(Warp &w, const Inst &i) {
  uint64_t addresses[kLanes];
  if (!addressesOf(w, i, i.a, addresses))
    return;
  if (i.isStrong && !w.launch().random.below(4))
    w.stop = w.yield = true;
  uint8_t *base = nullptr;
  if (i.space == Space::Shared)
    base = commonShared(w, i, addresses, kUninitialised | kGap);
  else if (isPlainGlobal(w, i))
    base = commonBase(w, i, addresses);
  if (!base)
    return loadSlowly(w, i, addresses);
  if (i.space == Space::Global && !noteLanes(w, i, addresses, Access::Read))
    return;
  switch (i.bytes) {
  case 1:
    return gather<uint8_t>(w, i, base, addresses);
  case 2:
    return gather<uint16_t>(w, i, base, addresses);
  case 4:
    return gather<uint32_t>(w, i, base, addresses);
  default:
    return gather<uint64_t>(w, i, base, addresses);
  }
}

static void storeSlowly(Warp &w, const Inst &i, const uint64_t *addresses) {
  unsigned total = unsigned(i.bytes) * i.count;
  bool weak = w.launch().options.weak;
  if (weak && isStrong(i) && i.order == Order::Release)
    w.block.view.release();
  // Of lanes that write one place, anyone may be the last.
  unsigned turn = w.launch().random.below(kLanes);
  for (unsigned n = 0; n < kLanes; ++n) {
    unsigned l = (n + turn) % kLanes;
    if (!((w.mask >> l) & 1))
      continue;
    Place place;
    if (!resolve(w, i, l, addresses[l], total, total, i.space, Access::Write,
                 place) ||
        !noteAccess(w, i, l, place, total, Access::Write))
      return;
    uint8_t value[32];
    for (unsigned k = 0; k < i.count; ++k) {
      const Slot &from = i.list[k];
      bool known = (w.known(from) >> l) & 1;
      if (!known && !place.state)
        return w.fault(i, l, kLaunchFailed,
                       "it stores a value that was never set, or comes from "
                       "memory that was not");
      std::memcpy(value + k * i.bytes, w.in<uint8_t>(from) + l * i.bytes,
                  i.bytes);
      if (place.state)
        std::memset(place.state + k * i.bytes,
                    known ? kInitialised : kUninitialised, i.bytes);
    }
    if (!weak || !place.allocation) {
      std::memcpy(place.host, value, total);
    } else if (isStrong(i)) {
      w.block.view.settle(place.address, total);
      std::memcpy(place.host, value, total);
    } else {
      w.block.view.write(place.address, total, value);
    }
  }
}

template <typename T>
static void scatter(Warp &w, const Inst &i, uint8_t *base,
                    const uint64_t *addresses) {
  bool isBackward = w.launch().random.next() & 1;
  for (unsigned k = 0; k < i.count; ++k) {
    const T *from = w.in<T>(i.list[k]);
    uint8_t *to = base + k * sizeof(T);
    for (unsigned n = 0; n < kLanes; ++n) {
      unsigned l = isBackward ? kLanes - 1 - n : n;
      if ((w.mask >> l) & 1)
        std::memcpy(to + addresses[l], &from[l], sizeof(T));
    }
  }
}

void rnnc::ptx::store(Warp &w, const Inst &i) {
  uint64_t addresses[kLanes];
  if (!addressesOf(w, i, i.a, addresses))
    return;
  w.launch().progress();
  uint8_t *base = nullptr;
  if (i.space == Space::Shared)
    base = commonShared(w, i, addresses, kGap);
  else if (isPlainGlobal(w, i) && i.near && !i.near->isConst)
    base = commonBase(w, i, addresses);
  for (const Slot &slot : i.list)
    if (w.mask & ~w.known(slot))
      base = nullptr;
  if (!base)
    return storeSlowly(w, i, addresses);
  if (i.space == Space::Global && !noteLanes(w, i, addresses, Access::Write))
    return;
  if (i.space == Space::Shared)
    for (uint32_t rest = w.mask; rest; rest &= rest - 1)
      std::memset(w.block.sharedState.data() +
                      addresses[std::countr_zero(rest)],
                  kInitialised, size_t(i.bytes) * i.count);
  switch (i.bytes) {
  case 1:
    return scatter<uint8_t>(w, i, base, addresses);
  case 2:
    return scatter<uint16_t>(w, i, base, addresses);
  case 4:
    return scatter<uint32_t>(w, i, base, addresses);
  default:
    return scatter<uint64_t>(w, i, base, addresses);
  }
}

/// The same for all threads: `imm` is the offset.
void rnnc::ptx::loadParameter(Warp &w, const Inst &i) {
  const uint8_t *from = w.launch().params.data() + i.imm;
  for (unsigned k = 0; k < i.count; ++k, from += i.bytes) {
    if (i.list[k].offset == ~0u)
      continue;
    uint8_t *to = w.out<uint8_t>(i.list[k]);
    for (unsigned l = 0; l < kLanes; ++l)
      if ((w.mask >> l) & 1)
        std::memcpy(to + l * i.bytes, from, i.bytes);
    w.define(i.list[k], ~0u);
  }
}

void rnnc::ptx::fence(Warp &w, const Inst &i) {
  if (!i.isGpuScope || !w.launch().options.weak)
    return;
  w.block.view.release();
  w.block.view.refresh();
}

/// Nothing but a check of what it names, as a load would be.
void rnnc::ptx::prefetch(Warp &w, const Inst &i) {
  uint64_t addresses[kLanes];
  addressesOf(w, i, i.a, addresses);
}

static uint64_t windowOf(Space space) {
  return space == Space::Shared  ? kSharedWindow
         : space == Space::Local ? kLocalWindow
         : space == Space::Param ? kParamWindow
                                 : 0;
}

void rnnc::ptx::toGeneric(Warp &w, const Inst &i) {
  const uint64_t *a = w.in<uint64_t>(i.a);
  uint64_t r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    r[l] = a[l] + windowOf(i.space);
  w.write(i.d, r);
  w.define(i.d, w.known(i.a));
}

void rnnc::ptx::toSpace(Warp &w, const Inst &i) {
  const uint64_t *a = w.in<uint64_t>(i.a);
  uint64_t r[kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    r[l] = a[l] - windowOf(i.space);
  w.write(i.d, r);
  w.define(i.d, w.known(i.a));
}

void rnnc::ptx::isInSpace(Warp &w, const Inst &i) {
  const uint64_t *a = w.in<uint64_t>(i.a);
  uint32_t bits = 0;
  for (unsigned l = 0; l < kLanes; ++l) {
    bool isGlobal = a[l] < kSharedWindow;
    bool is = windowOf(i.space) ? a[l] - windowOf(i.space) < kWindow : isGlobal;
    if (isGlobal && i.space != Space::Global && i.space != Space::Const)
      is = false;
    const Allocation *found = isGlobal ? w.launch().memory.find(a[l]) : nullptr;
    if (isGlobal && ((found && found->isConst) != (i.space == Space::Const)))
      is = false;
    bits |= uint32_t(is) << l;
  }
  w.writePredicate(i.d, bits);
  w.define(i.d, w.known(i.a));
}
