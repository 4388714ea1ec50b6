// CostModel.cpp: the choices that are made without being told.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All constants of cost stand here, each with what it was measured at or
// follows from. Shares of peak are of the FMA peak of one core, for f32.

#include "CostModel.h"

using namespace rnnc::kernel;

/// Rows that a tile has at most: more hide no latency, and each height is code.
static constexpr unsigned kMostRows = 8;
/// Two FMA units, each with results after four cycles: eight sums in flight.
static constexpr int64_t kChains = 8;
/// Steps of K a trip: the loop's own instructions are then 5 % of a tile's;
/// 8 steps gained nothing and doubled the code.
static constexpr int64_t kUnroll = 4;
/// A block of K is visited once by every tile: beyond 512 steps what the
/// visits of the result cost is below 1 %.
static constexpr int64_t kMostSteps = 512;
/// A packed block of A has an eighth of the second-level cache, one of B a
/// quarter, beside what else passes through; more gained nothing on 1 MiB.
static constexpr int64_t kMostLeftBytes = 128 << 10;
static constexpr int64_t kMostRightBytes = 256 << 10;
static constexpr int64_t kMostBlockRows = 96;
/// Rows 2 KiB apart meet in 2 of 64 sets of an 8-way first-level cache: the
/// rows of a tile evict each other.
static constexpr int64_t kFarRowBytes = 2048;
/// Packing a row of A costs about what 4 panels, or 4 tiles, lose without.
static constexpr int64_t kUsesThatPay = 4;
/// An element of pointwise code costs 0.2 to 5 ns: 4096 are 1 to 20 us.
static constexpr int64_t kElementBlock = 4096;
/// 2 KiB of sums, and rows that stay in the first-level cache.
static constexpr int64_t kColumnBlock = 512, kRowBlock = 16;
/// Sorting the rows of a batch costs about as much as 64 additions of rows.
static constexpr int64_t kDirectRows = 64;
/// How many tasks depends on sizes alone, so that the number of threads changes
/// no bit; 8 keep up to 8 threads busy, and cost 2 % on one.
static constexpr int64_t kTasks = 8;
/// Handing out tasks takes 5 to 20 us: 2^22 multiplications (45 us at 92
/// GFLOP/s), or 2^17 vector ops, are worth it.
static constexpr int64_t kWorthProducts = int64_t(1) << 22;
static constexpr int64_t kWorthOps = int64_t(1) << 17;

/// The most rows whose sums, with an element of each row and a vector of the
/// right operand, fit the registers.
static unsigned rowsThatFit(TargetAttr target, unsigned columns) {
  unsigned rows = 1;
  while (rows < kMostRows &&
         (rows + 1) * columns + (rows + 1) + 1 <= target.getRegisters())
    ++rows;
  return rows;
}

ScheduleAttr rnnc::kernel::productSchedule(TargetAttr target, unsigned bits) {
  int64_t bytes = bits / 8, vectors = 2, panel = target.lanes(bits) * vectors;
  // 6 x 2 of 16 registers and 8 x 2 of 32 reach 92 % of peak. Without fused
  // multiply-add a product needs a register of its own.
  int64_t rows = target.getRegisters() >= 32 ? 8 : target.getFma() ? 6 : 4;
  // A panel of B stays in the first-level cache.
  int64_t steps = std::max<int64_t>(64, target.getL1() / (panel * bytes) / 8 * 8);
  steps = std::min(steps, kMostSteps);
  int64_t left = std::min(target.getL2() / 8, kMostLeftBytes);
  int64_t right = std::min(target.getL2() / 4, kMostRightBytes);
  int64_t blockRows =
      std::max(rows, left / (steps * bytes) / rows * rows);
  blockRows = std::min(blockRows, kMostBlockRows / rows * rows);
  int64_t columns = std::max(panel, right / (steps * bytes) / panel * panel);
  return ScheduleAttr::get(target.getContext(), target.getName(),
                           {{Decision::TileRows, rows},
                            {Decision::TileVectors, vectors},
                            {Decision::Unroll, kUnroll},
                            {Decision::Chains, kChains},
                            {Decision::BlockSteps, steps},
                            {Decision::BlockRows, blockRows},
                            {Decision::BlockColumns, columns},
                            {Decision::FarRowBytes, kFarRowBytes},
                            {Decision::FewColumns, kUsesThatPay * panel},
                            {Decision::FlatRows, kUsesThatPay * rows},
                            {Decision::Tasks, kTasks},
                            {Decision::WorthTasks, kWorthProducts}});
}

ScheduleAttr rnnc::kernel::phaseSchedule(TargetAttr target, unsigned bits,
                                         llvm::ArrayRef<unsigned> accumulators,
                                         int64_t units) {
  // One sum a unit leaves registers for two vectors of units: 1.2 times as fast
  // as one at 16 rows of a plain recurrent cell of 256 units.
  bool single = llvm::all_of(accumulators, [](unsigned n) { return n == 1; });
  unsigned vectors = single && units > target.lanes(bits) ? 2 : 1;
  unsigned rows = kMostRows;
  for (unsigned count : accumulators)
    rows = std::min(rows, rowsThatFit(target, count * vectors));
  return ScheduleAttr::get(target.getContext(), target.getName(),
                           {{Decision::TileRows, rows},
                            {Decision::TileVectors, vectors},
                            {Decision::Unroll, kUnroll},
                            {Decision::Chains, kChains},
                            {Decision::Tasks, kTasks},
                            {Decision::WorthTasks, kWorthOps}});
}

ScheduleAttr rnnc::kernel::moduleSchedule(TargetAttr target) {
  return ScheduleAttr::get(target.getContext(), target.getName(),
                           {{Decision::ElementBlock, kElementBlock},
                            {Decision::ColumnBlock, kColumnBlock},
                            {Decision::RowBlock, kRowBlock},
                            {Decision::DirectRows, kDirectRows},
                            {Decision::Tasks, kTasks},
                            {Decision::WorthTasks, kWorthOps}});
}
