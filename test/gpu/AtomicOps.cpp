// AtomicOps.cpp: atom and red. SPDX-License-Identifier: Apache-2.0 WITH
// LLVM-exception
#include "Floats.h"
#include "MemoryOps.h"

#include <bit>

using namespace rnnc::ptx;

static uint64_t addOf(Type type, uint64_t old, uint64_t value) {
  auto half = [&](Type one, unsigned shift) {
    double sum = addOdd(toDouble(one, (old >> shift) & 0xffff),
                        toDouble(one, (value >> shift) & 0xffff));
    return fromDouble(one, sum) << shift;
  };
  switch (type) {
  case Type::F32:
    return std::bit_cast<uint32_t>(std::bit_cast<float>(uint32_t(old)) +
                                   std::bit_cast<float>(uint32_t(value)));
  case Type::F64:
    return std::bit_cast<uint64_t>(std::bit_cast<double>(old) +
                                   std::bit_cast<double>(value));
  case Type::F16:
  case Type::BF16:
    return half(type, 0);
  case Type::F16x2:
    return half(Type::F16, 0) | half(Type::F16, 16);
  case Type::BF16x2:
    return half(Type::BF16, 0) | half(Type::BF16, 16);
  default:
    return old + value;
  }
}

static bool isLess(Type type, uint64_t a, uint64_t b) {
  if (type == Type::S32)
    return int32_t(a) < int32_t(b);
  if (type == Type::S64)
    return int64_t(a) < int64_t(b);
  return a < b;
}

/// `other` is what a cas compares with.
static uint64_t combine(const Inst &i, uint64_t old, uint64_t value,
                        uint64_t other) {
  switch (AtomicOp(i.kind)) {
  case AtomicOp::Add:
    return addOf(i.type, old, value);
  case AtomicOp::Min:
    return isLess(i.type, value, old) ? value : old;
  case AtomicOp::Max:
    return isLess(i.type, old, value) ? value : old;
  case AtomicOp::And:
    return old & value;
  case AtomicOp::Or:
    return old | value;
  case AtomicOp::Xor:
    return old ^ value;
  case AtomicOp::Exch:
    return value;
  case AtomicOp::Cas:
    return old == other ? value : old;
  case AtomicOp::Inc:
    return old >= value ? 0 : old + 1;
  case AtomicOp::Dec:
    return old == 0 || old > value ? value : old - 1;
  }
  return old;
}

static uint64_t lane(const Warp &w, const Slot &slot, unsigned bytes,
                     unsigned l) {
  uint64_t bits = 0;
  std::memcpy(&bits, w.in<uint8_t>(slot) + l * bytes, bytes);
  return bits;
}

static bool perform(Warp &w, const Inst &i, unsigned l, uint64_t address) {
  bool weak = w.launch().options.weak;
  Place place;
  if (!resolve(w, i, l, address, i.bytes, i.bytes, i.space, Access::Write,
               place) ||
      !noteAccess(w, i, l, place, i.bytes, Access::Write))
    return false;
  if (!isInitialised(place, i.bytes)) {
    w.fault(i, l, kLaunchFailed, "it changes memory that was never set");
    return false;
  }
  if (weak && place.allocation)
    w.block.view.settle(place.address, i.bytes);
  uint64_t old = 0;
  std::memcpy(&old, place.host, i.bytes);
  bool isCas = AtomicOp(i.kind) == AtomicOp::Cas;
  uint64_t value = lane(w, isCas ? i.c : i.b, i.bytes, l);
  uint64_t made = combine(i, old, value, isCas ? lane(w, i.b, i.bytes, l) : 0);
  std::memcpy(place.host, &made, i.bytes);
  if (std::memcmp(&made, &old, i.bytes) != 0)
    w.launch().progress();
  if (i.d.offset != ~0u)
    std::memcpy(w.out<uint8_t>(i.d) + l * i.bytes, &old, i.bytes);
  return true;
}

void rnnc::ptx::atomic(Warp &w, const Inst &i) {
  uint64_t addresses[kLanes];
  if (!addressesOf(w, i, i.a, addresses) || !w.require(i, i.b, "its operand") ||
      !w.require(i, i.c, "its operand"))
    return;
  // Its result may be its operand.
  bool weak = w.launch().options.weak && i.isGpuScope;
  if (weak && (i.order == Order::Release || i.order == Order::AcqRel))
    w.block.view.release();
  unsigned turn = w.launch().random.below(kLanes);
  for (unsigned n = 0; n < kLanes; ++n) {
    unsigned l = (n + turn) % kLanes;
    if ((w.mask >> l) & 1 && !perform(w, i, l, addresses[l]))
      return;
  }
  if (weak && (i.order == Order::Acquire || i.order == Order::AcqRel))
    w.block.view.acquire();
  if (i.d.offset != ~0u)
    w.define(i.d, ~0u);
  if (!w.launch().random.below(4))
    w.stop = w.yield = true;
}
