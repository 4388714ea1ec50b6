// MatrixOps.cpp: cp.async, ldmatrix and mma. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Floats.h"
#include "MemoryOps.h"
#include "WarpOps.h"

using namespace rnnc::ptx;

/// What was there is gone at once, what comes is there after a wait only.
void rnnc::ptx::copyAsync(Warp &w, const Inst &i) {
  uint64_t from[kLanes];
  if (!w.require(i, i.a, "its address") || !addressesOf(w, i, i.b, from) ||
      !w.require(i, i.c, "its size"))
    return;
  for (uint32_t rest = w.mask; rest; rest &= rest - 1) {
    unsigned l = unsigned(std::countr_zero(rest));
    uint64_t to = i.kind & 1 ? w.in<uint64_t>(i.a)[l] : w.in<uint32_t>(i.a)[l];
    to += uint64_t(int64_t(i.target) << 32 >> 32);
    unsigned read = i.kind & 2 ? w.in<uint32_t>(i.c)[l] : i.bytes;
    if (read > i.bytes)
      return w.fault(i, l, kIllegalInstruction, "it reads more than it writes");
    Place source, target;
    if (!resolve(w, i, l, to, i.bytes, i.bytes, Space::Shared, Access::Write,
                 target))
      return;
    if (read && (!resolve(w, i, l, from[l], read, i.bytes, Space::Global,
                          Access::Read, source)))
      return;
    std::memset(target.state, kUninitialised, i.bytes);
    w.copies[l].push_back(
        {w.groups[l], uint32_t(to), from[l], i.bytes, uint8_t(read), i.line});
  }
}

void rnnc::ptx::commitGroup(Warp &w, const Inst &) {
  for (uint32_t rest = w.mask; rest; rest &= rest - 1)
    ++w.groups[std::countr_zero(rest)];
}

static void arrive(Warp &w, const PendingCopy &copy) {
  uint8_t bytes[16] = {};
  if (copy.read && w.launch().options.weak)
    w.block.view.read(copy.from, copy.read, bytes);
  else if (const uint8_t *from = w.launch().memory.at(copy.from, copy.read))
    std::memcpy(bytes, from, copy.read);
  std::memcpy(w.block.shared.data() + copy.to, bytes, copy.bytes);
  std::memset(w.block.sharedState.data() + copy.to, kInitialised, copy.bytes);
}

/// imm: groups that may still be under way; -1: nothing, not even what was not
/// committed.
void rnnc::ptx::waitGroup(Warp &w, const Inst &i) {
  for (uint32_t rest = w.mask; rest; rest &= rest - 1) {
    unsigned l = unsigned(std::countr_zero(rest));
    auto &copies = w.copies[l];
    size_t kept = 0;
    for (const PendingCopy &copy : copies) {
      bool isDone =
          i.imm < 0 || int64_t(copy.group) + i.imm < int64_t(w.groups[l]);
      if (isDone)
        arrive(w, copy);
      else
        copies[kept++] = copy;
    }
    copies.resize(kept);
  }
}

/// Rows of 8 numbers of 16 bits; lane 8 m + r has the address of row r of
/// matrix m.
static void computeLoadMatrix(Warp &w, const Inst &i) {
  uint64_t addresses[kLanes];
  if (!addressesOf(w, i, i.a, addresses))
    return;
  for (unsigned m = 0; m < i.count; ++m) {
    uint16_t matrix[8][8];
    bool known[8];
    for (unsigned row = 0; row < 8; ++row) {
      Place place;
      unsigned l = 8 * m + row;
      if (!resolve(w, i, l, addresses[l], 16, 16, i.space, Access::Read, place))
        return;
      std::memcpy(matrix[row], place.host, 16);
      known[row] = isInitialised(place, 16);
    }
    uint32_t r[kLanes], set = 0;
    for (unsigned l = 0; l < kLanes; ++l) {
      unsigned row = l / 4, column = l % 4 * 2;
      r[l] = i.kind
                 ? matrix[column][row] | uint32_t(matrix[column + 1][row]) << 16
                 : matrix[row][column] | uint32_t(matrix[row][column + 1])
                                             << 16;
      bool is = i.kind ? known[column] && known[column + 1] : known[row];
      set |= uint32_t(is) << l;
    }
    w.write(i.list[m], r);
    w.define(i.list[m], set);
  }
}

/// All lanes of a warp, which has to be a whole one.
static void wholeWarp(Warp &w, const Inst &i,
                      void (*compute)(Warp &, const Inst &)) {
  if (w.live != ~0u)
    return w.fault(i, unsigned(std::countr_zero(w.mask)), kLaunchFailed,
                   "some lanes of the warp have ended or were never there");
  Slot everyone = i.e; // a constant of ones
  together(w, i, everyone, compute);
}

void rnnc::ptx::loadMatrix(Warp &w, const Inst &i) {
  wholeWarp(w, i, computeLoadMatrix);
}

namespace {

/// What one lane holds of A, B and C, in the manual's words: groupID and
/// threadID_in_group.
struct Fragments {
  unsigned k;    ///< 4, 8 or 16
  bool isPaired; ///< two numbers of 16 bits a register
  Type type;
};

} // namespace

static double element(const Warp &w, const Fragments &f, const Slot &slot,
                      unsigned lane, unsigned half) {
  uint32_t bits = w.in<uint32_t>(slot)[lane];
  if (f.isPaired)
    return toDouble(f.type, (bits >> (16 * half)) & 0xffff);
  return toDouble(Type::TF32, bits & ~0x1fffu);
}

/// `list`: registers of D, A, B and C in that order; imm: k.
static void computeProduct(Warp &w, const Inst &i) {
  Fragments f{unsigned(i.imm), i.type != Type::TF32, i.type};
  unsigned wide = f.isPaired ? 2 : 1;
  unsigned numA = 16 * f.k / kLanes / wide, numB = 8 * f.k / kLanes / wide;
  const Slot *d = i.list.data(), *a = d + 4, *b = a + numA, *c = b + numB;
  for (const Slot *slot = a; slot < c + 4; ++slot)
    if (!w.require(i, *slot, "an operand"))
      return;
  double left[16][16] = {}, right[16][8] = {};
  for (unsigned l = 0; l < kLanes; ++l) {
    unsigned group = l / 4, thread = l % 4;
    for (unsigned r = 0; r < numA; ++r)
      for (unsigned h = 0; h < wide; ++h)
        left[group + 8 * (r & 1)][thread * wide + h + 4 * wide * (r >> 1)] =
            element(w, f, a[r], l, h);
    for (unsigned r = 0; r < numB; ++r)
      for (unsigned h = 0; h < wide; ++h)
        right[thread * wide + h + 4 * wide * r][group] =
            element(w, f, b[r], l, h);
  }
  float results[4][kLanes];
  for (unsigned l = 0; l < kLanes; ++l)
    for (unsigned r = 0; r < 4; ++r) {
      unsigned row = l / 4 + 8 * (r >> 1), column = l % 4 * 2 + (r & 1);
      double sum = double(w.in<float>(c[r])[l]);
      for (unsigned k = 0; k < f.k; ++k)
        sum += left[row][k] * right[k][column];
      results[r][l] = float(sum);
    }
  for (unsigned r = 0; r < 4; ++r) {
    w.write(d[r], results[r]);
    w.define(d[r], ~0u);
  }
}

void rnnc::ptx::multiplyMatrices(Warp &w, const Inst &i) {
  wholeWarp(w, i, computeProduct);
}
