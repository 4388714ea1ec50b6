// ControlOps.cpp: branches, ends and barriers. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Ops.h"

#include <bit>

using namespace rnnc::ptx;

void rnnc::ptx::branch(Warp &w, const Inst &i) { w.pc = i.target; }

/// The offsets in `list` are the targets.
void rnnc::ptx::branchIndexed(Warp &w, const Inst &i) {
  if (!w.require(i, i.a, "its index"))
    return;
  const uint32_t *index = w.in<uint32_t>(i.a);
  for (uint32_t rest = w.mask; rest; rest &= rest - 1) {
    unsigned l = unsigned(std::countr_zero(rest));
    if (index[l] >= i.list.size())
      return w.fault(i, l, kIllegalInstruction,
                     "index " + std::to_string(index[l]) + " of " +
                         std::to_string(i.list.size()) + " labels");
    w.pcs[l] = i.list[index[l]].offset;
  }
  w.mask = 0;
  w.stop = true;
}

void rnnc::ptx::exitThread(Warp &w, const Inst &i) {
  uint32_t ended = w.mask;
  w.mask = 0;
  w.stop = true;
  w.endLanes(ended);
}

void rnnc::ptx::trap(Warp &w, const Inst &i) {
  w.fault(i, unsigned(std::countr_zero(w.mask)), kTrap, "trap");
}

void rnnc::ptx::sleepThread(Warp &w, const Inst &i) { w.stop = w.yield = true; }

void rnnc::ptx::barrier(Warp &w, const Inst &i) {
  if (!w.require(i, i.a, "its number") || !w.require(i, i.b, "its count") ||
      !w.require(i, i.c, "its predicate"))
    return;
  unsigned first = unsigned(std::countr_zero(w.mask));
  uint32_t id = w.in<uint32_t>(i.a)[first];
  uint32_t count = i.hasCount ? w.in<uint32_t>(i.b)[first] : 0;
  if (id >= 16)
    return w.fault(i, first, kIllegalInstruction,
                   "there is no barrier " + std::to_string(id));
  if (i.hasCount && (count == 0 || count % kLanes))
    return w.fault(i, first, kIllegalInstruction,
                   "a barrier of " + std::to_string(count) +
                       " threads, which is not a number of warps");
  Barrier &b = w.block.barriers[id];
  uint32_t at = w.pc - 1;
  if (b.isUsed && b.expected != count)
    return w.fault(i, first, kLaunchFailed,
                   "others came to barrier " + std::to_string(id) +
                       " with another number of threads");
  BarrierKind kind = BarrierKind(i.kind);
  bool waits = kind != BarrierKind::Arrive;
  const Inst &other = w.kernel.code[b.pc];
  if (b.isUsed && waits && b.hasWaiters && b.pc != at &&
      (i.isAligned || other.isAligned))
    return w.fault(i, first, kLaunchFailed,
                   "divergence at a barrier: other threads of the block wait "
                   "at that of line " +
                       std::to_string(other.line));
  b.isUsed = true;
  b.expected = count;
  b.arrived += uint32_t(std::popcount(w.mask));
  if (kind >= BarrierKind::RedPopc)
    b.votes += uint32_t(
        std::popcount(w.mask & (i.imm ? ~w.predicate(i.c) : w.predicate(i.c))));
  if (waits) {
    b.pc = at;
    b.hasWaiters = true;
    w.place(w.mask, at);
    for (uint32_t rest = w.mask; rest; rest &= rest - 1)
      w.barriers[std::countr_zero(rest)] = uint8_t(id);
    w.waiting |= w.mask;
    w.ready &= ~w.mask;
    w.mask = 0;
    w.stop = true;
  }
  w.block.checkBarrier(id);
}

static void finishReduction(Warp &w, const Inst &i, uint32_t lanes,
                            const Barrier &b) {
  BarrierKind kind = BarrierKind(i.kind);
  if (kind < BarrierKind::RedPopc)
    return;
  uint32_t before = w.mask;
  w.mask = lanes;
  if (kind == BarrierKind::RedPopc) {
    uint32_t r[kLanes];
    for (uint32_t &lane : r)
      lane = b.votes;
    w.write(i.d, r);
  } else {
    bool is = kind == BarrierKind::RedAnd ? b.votes == b.arrived : b.votes > 0;
    w.writePredicate(i.d, is ? ~0u : 0);
  }
  w.define(i.d, ~0u);
  w.mask = before;
}

void Block::checkBarrier(unsigned id) {
  Barrier &b = barriers[id];
  if (!b.isUsed || b.arrived < (b.expected ? b.expected : live))
    return;
  for (auto &w : warps) {
    uint32_t lanes = 0;
    for (uint32_t rest = w->waiting; rest; rest &= rest - 1)
      if (w->barriers[std::countr_zero(rest)] == id)
        lanes |= rest & -rest;
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      unsigned l = unsigned(std::countr_zero(rest));
      finishReduction(*w, launch.kernel.code[w->pcs[l]], 1u << l, b);
      ++w->pcs[l];
    }
    w->waiting &= ~lanes;
    w->ready |= lanes;
  }
  b = Barrier();
  launch.progress();
}

void Block::checkBarriers() {
  for (unsigned id = 0; id < barriers.size(); ++id)
    checkBarrier(id);
}
