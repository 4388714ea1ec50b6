// Warp.cpp: how the lanes of a warp take turns. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Launch.h"

#include <bit>

using namespace rnnc::ptx;

static uint32_t lowBits(unsigned count) {
  return count >= 32 ? ~0u : (1u << count) - 1;
}

static uint64_t specialValue(const Block &block, unsigned warp, unsigned lane,
                             Special special) {
  const LaunchShape &shape = block.launch.shape;
  const Dim3 &n = shape.block;
  unsigned thread = warp * kLanes + lane;
  switch (special) {
  case Special::TidX:
    return thread % n[0];
  case Special::TidY:
    return thread / n[0] % n[1];
  case Special::TidZ:
    return thread / (n[0] * n[1]);
  case Special::NtidX:
  case Special::NtidY:
  case Special::NtidZ:
    return n[unsigned(special) - unsigned(Special::NtidX)];
  case Special::CtaidX:
  case Special::CtaidY:
  case Special::CtaidZ:
    return block.id[unsigned(special) - unsigned(Special::CtaidX)];
  case Special::NctaidX:
  case Special::NctaidY:
  case Special::NctaidZ:
    return shape.grid[unsigned(special) - unsigned(Special::NctaidX)];
  case Special::LaneId:
    return lane;
  case Special::WarpId:
    return warp;
  case Special::NWarpId:
    return (block.launch.threads + kLanes - 1) / kLanes;
  case Special::SmId:
    return block.number % block.launch.options.sms;
  case Special::NSmId:
    return block.launch.options.sms;
  case Special::GridId:
    return block.launch.number;
  case Special::LaneMaskEq:
    return 1u << lane;
  case Special::LaneMaskLe:
    return lowBits(lane + 1);
  case Special::LaneMaskLt:
    return lowBits(lane);
  case Special::LaneMaskGe:
    return ~lowBits(lane);
  case Special::LaneMaskGt:
    return ~lowBits(lane + 1);
  case Special::DynamicShared:
    return shape.dynamicShared;
  case Special::TotalShared:
    return block.launch.sharedBytes;
  case Special::EnvReg1:
    return block.launch.gridWorkspace >> 32;
  case Special::EnvReg2:
    return uint32_t(block.launch.gridWorkspace);
  }
  return 0;
}

Warp::Warp(Block &block, unsigned index, uint32_t lanes)
    : block(block), kernel(block.launch.kernel), index(index), live(lanes),
      ready(lanes), constants(kernel.constants.data()),
      defs(kernel.numDefs, 0) {
  storage.resize(kernel.registerBytes + 64);
  registers = storage.data();
  defs[0] = ~0u;
  for (const auto &[special, slot] : kernel.specials) {
    defs[slot.def] = ~0u;
    for (unsigned l = 0; l < kLanes; ++l)
      out<uint32_t>(slot)[l] = uint32_t(specialValue(block, index, l, special));
  }
}

Launch &Warp::launch() const { return block.launch; }

void Warp::fault(const Inst &inst, unsigned lane, int code,
                 std::string message) {
  stop = true;
  Fault &fault = launch().fault;
  if (fault.code)
    return;
  fault.code = code;
  fault.message = "kernel " + kernel.name + ", line " +
                  std::to_string(inst.line) + " (" + inst.text +
                  "): " + block.where(index, lane) + ": " + std::move(message);
}

bool Warp::require(const Inst &inst, const Slot &slot, const char *what) {
  uint32_t missing = mask & ~defs[slot.def];
  if (!missing)
    return true;
  fault(inst, unsigned(std::countr_zero(missing)), kLaunchFailed,
        std::string(what) + " was never set, or comes from memory that was "
                            "not");
  return false;
}

/// Lanes at one program counter: mostly the ones furthest back, so that lanes
/// meet again. `limit` is where others wait for them.
uint32_t Warp::choose(uint32_t &limit) {
  unsigned first = unsigned(std::countr_zero(ready));
  uint32_t at = pcs[first];
  limit = ~0u;
  uint32_t same = 0;
  for (uint32_t rest = ready; rest; rest &= rest - 1)
    same |= uint32_t(pcs[std::countr_zero(rest)] == at)
            << std::countr_zero(rest);
  if (same == ready) {
    pc = at;
    return same;
  }
  Random &random = launch().random;
  if (random.below(8)) {
    for (uint32_t rest = ready; rest; rest &= rest - 1)
      at = std::min(at, pcs[std::countr_zero(rest)]);
  } else {
    unsigned skip = random.below(unsigned(std::popcount(ready)));
    uint32_t rest = ready;
    while (skip--)
      rest &= rest - 1;
    at = pcs[std::countr_zero(rest)];
  }
  same = 0;
  for (uint32_t rest = ready; rest; rest &= rest - 1) {
    unsigned lane = unsigned(std::countr_zero(rest));
    if (pcs[lane] == at)
      same |= 1u << lane;
    else if (pcs[lane] > at)
      limit = std::min(limit, pcs[lane]);
  }
  pc = at;
  return same;
}

void Warp::place(uint32_t lanes, uint32_t at) {
  for (; lanes; lanes &= lanes - 1)
    pcs[std::countr_zero(lanes)] = at;
}

uint64_t Warp::run(uint64_t budget) {
  uint64_t steps = 0;
  const Inst *code = kernel.code.data();
  while (ready && budget && !yield && !launch().fault.code) {
    uint32_t limit;
    mask = choose(limit);
    uint32_t chosen = mask;
    uint64_t counted = 0;
    stop = false;
    // Lanes that are alone do not run for ever while others wait.
    uint64_t turns = limit == ~0u && mask == ready
                         ? budget
                         : std::min<uint64_t>(budget, 256);
    do {
      const Inst &inst = code[pc++];
      counted += inst.weight;
      --turns, --budget;
      ++steps;
      if (!inst.isGuarded) {
        inst.run(*this, inst);
        continue;
      }
      uint32_t missing = mask & ~defs[inst.guardDef];
      if (missing) {
        fault(inst, unsigned(std::countr_zero(missing)), kLaunchFailed,
              "its predicate was never set");
        break;
      }
      uint32_t guard =
          *reinterpret_cast<const uint32_t *>(registers + inst.guard);
      uint32_t active = mask & (inst.isGuardNegated ? ~guard : guard);
      if (!active)
        continue;
      if (active == mask) {
        inst.run(*this, inst);
        continue;
      }
      uint32_t before = mask;
      uint32_t next = pc;
      mask = active;
      inst.run(*this, inst);
      if (mask && pc == next) {
        mask = before;
        continue;
      }
      // Those lanes went elsewhere, by `pc` or on their own.
      place(mask, pc);
      place(before & ~active, next);
      mask = 0;
      break;
    } while (!stop && turns && pc < limit);
    launch().instructions += counted * unsigned(std::popcount(chosen));
    place(mask, pc);
  }
  yield = false;
  return steps;
}

void Warp::endLanes(uint32_t lanes) {
  live &= ~lanes;
  ready &= ~lanes;
  block.live -= unsigned(std::popcount(lanes));
  // Who waited for them need not any more.
  ready |= parked;
  parked = 0;
  launch().progress();
  block.checkBarriers();
}
