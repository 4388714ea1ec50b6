// WarpOps.cpp: what the lanes of a warp do together. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "WarpOps.h"
#include "MemoryOps.h"

using namespace rnnc::ptx;

/// Lanes that were here before and wait for those that come now.
static uint32_t takeParked(Warp &w) {
  uint32_t at = w.pc - 1, here = 0;
  for (uint32_t rest = w.parked; rest; rest &= rest - 1)
    if (w.pcs[std::countr_zero(rest)] == at)
      here |= rest & -rest;
  w.parked &= ~here;
  w.ready |= here;
  return here;
}

/// Runs `compute` for lanes whose partners are all there; the others wait.
void rnnc::ptx::together(Warp &w, const Inst &i, const Slot &members,
                         void (*compute)(Warp &, const Inst &)) {
  uint32_t before = w.mask, at = w.pc - 1;
  uint32_t left = before | takeParked(w), all = left, done = 0, wait = 0;
  w.mask = left;
  if (!w.require(i, members, "its mask of lanes"))
    return;
  const uint32_t *masks = w.in<uint32_t>(members);
  while (left) {
    unsigned lane = unsigned(std::countr_zero(left));
    uint32_t member = masks[lane], same = 0;
    if (!((member >> lane) & 1))
      return w.fault(i, lane, kLaunchFailed,
                     "this lane is not in its own mask of lanes");
    for (uint32_t rest = left; rest; rest &= rest - 1)
      if (masks[std::countr_zero(rest)] == member)
        same |= rest & -rest;
    left &= ~same;
    if (uint32_t stray = same & ~member)
      return w.fault(i, unsigned(std::countr_zero(stray)), kLaunchFailed,
                     "this lane is not in its own mask of lanes");
    if (member & w.live & ~same) {
      wait |= same;
      continue;
    }
    w.mask = same;
    compute(w, i);
    done |= same;
    if (w.launch().fault.code)
      return;
  }
  w.mask = before;
  if (!wait && all == before)
    return;
  w.place(done, at + 1);
  w.place(wait, at);
  w.parked |= wait;
  w.ready &= ~wait;
  w.mask = 0;
  w.stop = true;
}

static void nothing(Warp &, const Inst &) {}

void rnnc::ptx::warpBarrier(Warp &w, const Inst &i) {
  together(w, i, i.a, nothing);
}

enum : uint8_t { kUp, kDown, kButterfly, kIndex };

static void computeShuffle(Warp &w, const Inst &i) {
  if (!w.require(i, i.b, "its lane") || !w.require(i, i.c, "its clamp"))
    return;
  const uint32_t *a = w.in<uint32_t>(i.a), *b = w.in<uint32_t>(i.b),
                 *c = w.in<uint32_t>(i.c);
  uint32_t r[kLanes] = {}, inRange = 0, known = 0;
  for (unsigned l = 0; l < kLanes; ++l) {
    if (!((w.mask >> l) & 1))
      continue;
    unsigned segments = (c[l] >> 8) & 31, clamp = c[l] & 31, by = b[l] & 31;
    int most = int((l & segments) | (clamp & ~segments));
    int from = 0;
    switch (i.kind) {
    case kUp:
      from = int(l) - int(by);
      break;
    case kDown:
      from = int(l + by);
      break;
    case kButterfly:
      from = int(l ^ by);
      break;
    default:
      from = int((l & segments) | (by & ~segments & 31));
      break;
    }
    bool is = i.kind == kUp ? from >= most : from <= most;
    from = is ? from : int(l);
    inRange |= uint32_t(is) << l;
    r[l] = a[from];
    // A lane that is not here gives nothing.
    known |= ((w.mask & w.known(i.a)) >> from & 1) << l;
  }
  w.write(i.d, r);
  w.define(i.d, known);
  if (i.d2.offset != ~0u) {
    w.writePredicate(i.d2, inRange);
    w.define(i.d2, ~0u);
  }
}

void rnnc::ptx::shuffle(Warp &w, const Inst &i) {
  together(w, i, i.e, computeShuffle);
}

enum : uint8_t { kAll, kAny, kUni, kBallot };

static void computeVote(Warp &w, const Inst &i) {
  if (!w.require(i, i.a, "its predicate"))
    return;
  uint32_t p = (i.imm ? ~w.predicate(i.a) : w.predicate(i.a)) & w.mask;
  if (i.kind == kBallot) {
    uint32_t r[kLanes];
    for (uint32_t &lane : r)
      lane = p;
    w.write(i.d, r);
  } else {
    bool all = p == w.mask, any = p != 0;
    bool is = i.kind == kAll ? all : i.kind == kAny ? any : all || !any;
    w.writePredicate(i.d, is ? ~0u : 0);
  }
  w.define(i.d, ~0u);
}

void rnnc::ptx::vote(Warp &w, const Inst &i) {
  together(w, i, i.b, computeVote);
}

static uint64_t value(const Warp &w, const Inst &i, unsigned lane) {
  return i.bytes == 8 ? w.in<uint64_t>(i.a)[lane] : w.in<uint32_t>(i.a)[lane];
}

/// kind: all lanes have to be equal.
static void computeMatch(Warp &w, const Inst &i) {
  if (!w.require(i, i.a, "its operand"))
    return;
  uint32_t r[kLanes] = {};
  uint32_t equal = 0;
  for (unsigned l = 0; l < kLanes; ++l) {
    if (!((w.mask >> l) & 1))
      continue;
    for (unsigned k = 0; k < kLanes; ++k)
      if ((w.mask >> k) & 1 && value(w, i, k) == value(w, i, l))
        r[l] |= 1u << k;
    equal |= uint32_t(r[l] == w.mask) << l;
    if (i.kind)
      r[l] = r[l] == w.mask ? w.mask : 0;
  }
  w.write(i.d, r);
  w.define(i.d, ~0u);
  if (i.d2.offset != ~0u) {
    w.writePredicate(i.d2, equal);
    w.define(i.d2, ~0u);
  }
}

void rnnc::ptx::match(Warp &w, const Inst &i) {
  together(w, i, i.b, computeMatch);
}

static void computeReduction(Warp &w, const Inst &i) {
  if (!w.require(i, i.a, "its operand"))
    return;
  const uint32_t *a = w.in<uint32_t>(i.a);
  uint32_t total = a[std::countr_zero(w.mask)];
  for (uint32_t rest = w.mask & (w.mask - 1); rest; rest &= rest - 1) {
    uint32_t x = a[std::countr_zero(rest)];
    bool less = i.type == Type::S32 ? int32_t(x) < int32_t(total) : x < total;
    switch (AtomicOp(i.kind)) {
    case AtomicOp::Min:
      total = less ? x : total;
      break;
    case AtomicOp::Max:
      total = less ? total : x;
      break;
    case AtomicOp::And:
      total &= x;
      break;
    case AtomicOp::Or:
      total |= x;
      break;
    case AtomicOp::Xor:
      total ^= x;
      break;
    default:
      total += x;
      break;
    }
  }
  uint32_t r[kLanes];
  for (uint32_t &lane : r)
    lane = total;
  w.write(i.d, r);
  w.define(i.d, ~0u);
}

void rnnc::ptx::reduce(Warp &w, const Inst &i) {
  together(w, i, i.b, computeReduction);
}

void rnnc::ptx::activeMask(Warp &w, const Inst &i) {
  uint32_t r[kLanes];
  for (uint32_t &lane : r)
    lane = w.mask;
  w.write(i.d, r);
  w.define(i.d, ~0u);
}
