// CostModel.cpp: the choices that are made without being told.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The constants that schedules follow from. What was measured was measured with
// --schedule: `plain` is a layer of h' = tanh(W x + U h), `lstm` the library's,
// both of 256 units and 100 steps in f32 at batch 1 and 16, on one thread of an
// AMD core with AVX2; a ratio is the time of the alternative over that of the
// choice. What follows from a machine's properties says so, and what is neither
// says "a guess".

#include "CostModel.h"

#include "rnnc/Dialect/Scan/Scan.h"

#include "rnnc/Dialect/Kernel/Transforms/SharedMemory.h"

#include <numeric>

using namespace rnnc::kernel;

/// Rows that a tile has at most, since each height is code: a guess.
static constexpr unsigned kMostRows = 8;
/// Two FMA units, each with results after four cycles: eight sums in flight.
/// With 1: plain 1.56 at batch 1, 1.06 at 16; lstm, whose tiles have four sums
/// a row, 1.00.
static constexpr int64_t kChains = 8;
/// Steps of K a trip. With 8: 1.00 in phases, 1.02 to 1.05 in products by
/// themselves at batch 16. With 1: plain 1.56 at batch 1, since chains cannot
/// be more than steps.
static constexpr int64_t kUnroll = 4;
/// The result is visited once a block of K, and a block of A is packed once for
/// each block of columns. A panel of B passes from the second-level cache, an
/// eighth of which it may take. Blocks of 256 steps and 256 columns: updates of
/// a word model of 650 units 1.05, of 200 units 1.01 (f32, AVX-512, one
/// thread).
static constexpr int64_t kMostSteps = 704;
/// Blocks of B are read once for each block of A, from wherever they lie.
static constexpr int64_t kMostRightBytes = 2 << 20;
static constexpr int64_t kFewBlockRows = 96;
/// Rows 2 KiB apart meet in 2 of 64 sets of a first-level cache of 32 KiB and 8
/// ways: the rows of a tile evict each other. It follows from the cache.
static constexpr int64_t kFarRowBytes = 2048;
/// Panels, or tiles, that have to use a packed row of A before it is packed: a
/// guess.
static constexpr int64_t kUsesThatPay = 4;
/// Rows of a step below which a gradient, whose weights are others in each
/// call, reads them where they lie, if they exceed the second-level cache: lstm
/// 512 at batch 1, 25 steps, 0.86, of 1024 units 0.78. Those that fit are as
/// fast packed: lstm 256, 100 steps, 1.02, gru 128 1.03.
static constexpr int64_t kInPlaceRows = 3;
/// Elements that a task of pointwise code works on at least: a guess.
static constexpr int64_t kElementBlock = 4096;
/// 2 KiB of sums, and rows of as much each, which together fit the first-level
/// cache.
static constexpr int64_t kColumnBlock = 512, kRowBlock = 16;
/// Rows that are added into a table one by one before sorting them pays: a
/// guess.
static constexpr int64_t kDirectRows = 64;
/// What a chunk of a sequence may take of the second-level cache, where it
/// waits to be used up: a half, so that weights can pass through. Whole
/// sequences take 1.01 to 1.02 where they exceed the cache (4 x lstm 128 at
/// batch 32, lstm 256 at 64).
static constexpr int64_t kChunksOfCache = 2;
/// Where layers work a chunk apart, two threads have little to share in the
/// first chunk and the last; and each chunk reads the weights of its products
/// again, for so many rows at least. 4 x lstm 128 on two AVX-512 cores, against
/// layers together, 100 steps: batch 1 0.88 to 0.90, 4 and 8 0.88 to 0.97; one
/// thread 0.97 to 1.02.
static constexpr int64_t kLeastChunks = 8, kChunkRows = 32;

/// Rows of a chunk that adds to sums.
static constexpr int64_t kSumRows = 512;
/// How many tasks depends on sizes alone, so that the number of threads changes
/// no bit. 8 serve up to 8 threads: a guess. On one thread cutting everything
/// (`worth_tasks = 1`) costs 0.98 to 1.02.
static constexpr int64_t kTasks = 8;
/// Tiles of rows from which there are enough for every member: a guess.
static constexpr int64_t kTilesForRows = 2;
/// Work that is worth sharing with threads that are awake: some 5 us. On two
/// processors whose caches answer each other in 35 to 180 ns, as they lie,
/// handing out a kernel and waiting for its end takes 0.4 to 0.9 us; with what
/// they then fetch from each other, lstm of 32 units at batch 8 (3.1 us a step)
/// takes 1.6 of one thread's time in the worst case, of 64 units (8.7 us) 0.67
/// to 1.02, of 256 at batch 1 (23 us) 0.48 to 0.59.
static constexpr int64_t kWorthProducts = int64_t(1) << 17;
static constexpr int64_t kWorthOps = int64_t(1) << 14;
/// What work is counted in. `kernel-expand-math` makes 30 ops of exp, 32 of
/// tanh, 39 of log, before products and sums become one; a call of the runtime
/// costs about what its fixed part does, a guess.
static constexpr int64_t kFunctionOps = 20;
static constexpr int64_t kCallOps = 200;

/// Threads of a block of a GPU, for pointwise code and for products: whole
/// warps, of which a processor holds several blocks. Nothing of a GPU was
/// measured: guesses.
static constexpr int64_t kBlockThreads = 256, kProductThreads = 128;
/// Examples that a block takes through all steps: one weight that is read
/// serves so many, and more would leave processors without work. A thread for
/// each unit, in so many at least and at most. Guesses.
static constexpr int64_t kLoopRows = 2, kLoopThreads = 128,
                         kMostLoopThreads = 512;
/// Where blocks have the weights together: what a block needs of shared memory
/// beside them, and its threads. It has a processor to itself: all registers, a
/// guess.
static constexpr int64_t kGridReserve = 3 << 10, kGridThreads = 256;
/// Rows and columns of a tile of a result that a block makes, at most (64 sums
/// of f32 a thread) and at least, terms that it has in shared memory at a time,
/// and tiles that the steps of a sequence have above each other. Guesses.
static constexpr int64_t kMostTile = 128, kLeastTile = 32, kTileSteps = 8;
static constexpr int64_t kTilesDown = 8;
/// Numbers of a result from which its product is worth the 8 KB that the code
/// for tiles adds to a library, and rows of sequences that this counts with:
/// guesses.
static constexpr int64_t kLeastResult = int64_t(1) << 19, kRowsOfResult = 256;
/// Steps of a product in one trip of a thread's loop. Its code is most of what
/// GPUs add to a library: with 4 it is more than 300 KB for examples/spelling.
/// What that costs in time was not measured.
static constexpr int64_t kThreadUnroll = 2;
/// Registers that a thread needs for addresses and counters beside its sums: a
/// guess.
static constexpr unsigned kOtherRegisters = 24;

static int64_t inPlaceRows(TargetAttr target, unsigned bits, int64_t weights) {
  bool fits = weights * (bits / 8) <= target.getL2();
  return fits ? infoOf(Decision::InPlaceRows).least : kInPlaceRows;
}

/// The most rows whose sums, with an element of each row and a vector of the
/// right operand, fit the registers.
static unsigned rowsThatFit(TargetAttr target, unsigned columns) {
  unsigned rows = 1;
  while (rows < kMostRows &&
         (rows + 1) * columns + (rows + 1) + 1 <= target.getRegisters())
    ++rows;
  return rows;
}

/// One thread works on a column of several rows, whose sums stay in registers.
/// It may have what each of as many threads as a block can have gets: then a
/// processor is full.
static ScheduleAttr gpuTiles(TargetAttr target, unsigned bits,
                             unsigned columns) {
  GPUAttr gpu = target.getGpu();
  unsigned words = bits / 32; // registers of an element
  unsigned budget = gpu.getRegisters() / gpu.getBlock();
  unsigned rows = 1;
  while (rows < kMostRows &&
         ((rows + 1) * (columns + 1) + columns) * words + kOtherRegisters <=
             budget)
    ++rows;
  int64_t threads = std::min<int64_t>(kProductThreads, gpu.getBlock());
  return ScheduleAttr::get(target.getContext(), target.getName(),
                           {{Decision::TileRows, rows},
                            {Decision::Unroll, kThreadUnroll},
                            {Decision::BlockThreads, threads}});
}

/// A result of a GPU that a block of threads makes a tile of: the largest tiles
/// of which there are enough to keep half of the processors at work, and how
/// many rows that takes.
static ScheduleAttr resultTiles(TargetAttr target, unsigned bits,
                                ResultSize size) {
  int64_t enough = target.getGpu().getProcessors() / 2;
  int64_t tile = bits == 32 ? kMostTile : kMostTile / 2;
  auto across = [&] { return int64_t(llvm::divideCeil(size.columns, tile)); };
  // Sequences have as many rows as a few tiles, mostly.
  auto down = [&] {
    return size.rows ? int64_t(llvm::divideCeil(size.rows, tile)) : kTilesDown;
  };
  while (tile > kLeastTile && across() * down() < enough)
    tile /= 2;
  int64_t rows = size.rows ? size.rows : kRowsOfResult;
  bool isLarge = size.columns >= kLeastTile && rows >= kLeastTile &&
                 rows * size.columns >= kLeastResult;
  int64_t least = infoOf(Decision::FlatRows).most;
  if (isLarge)
    least = size.rows ? 1 : llvm::divideCeil(enough, across()) * tile;
  return gpuTiles(target, bits, /*columns=*/1)
      .with(Decision::BlockRows, tile)
      .with(Decision::BlockColumns, tile)
      .with(Decision::BlockSteps, kTileSteps)
      .with(Decision::FlatRows, least);
}

/// Tiles ask for the next panel where a matrix comes from further than the
/// second-level cache, and where its size is known when running only, as that
/// of a sequence is. On an Intel server core the product with all inputs of
/// lstm 512 takes 0.90 so, of 1024 0.79; the gradients of weights take 0.97
/// (256) and 0.96 (512).
static int64_t productFetch(TargetAttr target, unsigned bits, int64_t weights) {
  return !weights || weights * (bits / 8) > target.getL2() ? 2 : 1;
}

ScheduleAttr rnnc::kernel::productSchedule(TargetAttr target, unsigned bits,
                                           ResultSize size) {
  if (target.getGpu())
    return resultTiles(target, bits, size);
  int64_t bytes = bits / 8, vectors = 2, panel = target.lanes(bits) * vectors;
  // 6 x 2 sums of 16 registers; 4 x 2 take 1.05 (plain) and 1.03 (lstm) at
  // batch
  // 16. 8 x 2 of 32 was not measured. Without fused multiply-add a product
  // needs a register of its own.
  int64_t rows = target.getRegisters() >= 32 ? 8 : target.getFma() ? 6 : 4;
  int64_t steps =
      std::max<int64_t>(64, target.getL2() / 8 / (panel * bytes) / 8 * 8);
  steps = std::min(steps, kMostSteps);
  // A packed block of A has a quarter of the second-level cache: a guess.
  int64_t left = target.getL2() / 4, right = kMostRightBytes;
  int64_t blockRows = std::max(rows, left / (steps * bytes) / rows * rows);
  blockRows = std::min(blockRows, kFewBlockRows / rows * rows);
  int64_t columns = std::max(panel, right / (steps * bytes) / panel * panel);
  return ScheduleAttr::get(
      target.getContext(), target.getName(),
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
       {Decision::InPlaceRows, inPlaceRows(target, bits, size.weights)},
       {Decision::PanelFetch, productFetch(target, bits, size.weights)},
       {Decision::Tasks, kTasks},
       {Decision::WorthTasks, kWorthProducts}});
}

/// Members that have rows of their own exchange nothing from step to step, but
/// each reads all weights: they have to fit beside the rest in a second-level
/// cache. Else each has its units, reads its part of the weights and gets the
/// others' part of the state from their caches.
static int64_t cutRows(TargetAttr target, unsigned bits, int64_t tileRows,
                       int64_t weights) {
  bool fits = weights * (bits / 8) <= target.getL2() / 2;
  return fits ? kTilesForRows * tileRows : infoOf(Decision::CutRows).most;
}

/// What does not fit the first-level cache is partly there still where the step
/// before read it last. On an AMD core it makes no difference (recurrent
/// products of lstm 128 to 1024 at batch 1 and 256 at 16: 0.99 to 1.01); it is
/// there for cores whose third level is far, where hand-written kernels of 384
/// and 512 units take 0.7.
static int64_t panelTurns(TargetAttr target, unsigned bits, int64_t weights) {
  return weights * (bits / 8) > target.getL1() ? 2 : 1;
}

/// Weights that no second-level cache holds come from the third in every step.
/// Where that is far (an Intel server core) hand-written kernels of 512 units
/// at batch 16 take 0.81 where tiles ask for the next panel in time; on an AMD
/// core lstm 512 takes 0.98. Two panels have to leave room for the rows: with
/// half of that cache for them lstm 1024 at batch 64 takes 1.07 on the latter,
/// gru 1024 at 32 1.11.
static int64_t panelFetch(TargetAttr target, unsigned bits, int64_t weights,
                          int64_t units, int64_t panel) {
  int64_t bytes = weights * (bits / 8);
  bool fits =
      bytes / std::max<int64_t>(1, units) * panel * 2 <= target.getL2() / 4;
  return bytes > target.getL2() && fits ? 2 : 1;
}

ScheduleAttr rnnc::kernel::phaseSchedule(TargetAttr target, unsigned bits,
                                         llvm::ArrayRef<unsigned> accumulators,
                                         int64_t units, int64_t weights) {
  if (target.getGpu())
    return gpuTiles(
        target, bits,
        std::accumulate(accumulators.begin(), accumulators.end(), 0u));
  // One sum a unit leaves registers for two vectors of units: one, of 8 rows,
  // takes 1.11 (plain, batch 1) and 1.07 (16). Tiles of 2 rows instead of what
  // fits: plain 1.04, lstm 1.03 at batch 16.
  bool single = llvm::all_of(accumulators, [](unsigned n) { return n == 1; });
  unsigned vectors = single && units > target.lanes(bits) ? 2 : 1;
  unsigned rows = kMostRows;
  for (unsigned count : accumulators)
    rows = std::min(rows, rowsThatFit(target, count * vectors));
  return ScheduleAttr::get(
      target.getContext(), target.getName(),
      {{Decision::TileRows, rows},
       {Decision::TileVectors, vectors},
       {Decision::Unroll, kUnroll},
       {Decision::Chains, kChains},
       {Decision::InPlaceRows, inPlaceRows(target, bits, weights)},
       {Decision::CutRows, cutRows(target, bits, rows, weights)},
       {Decision::PanelTurns, panelTurns(target, bits, weights)},
       {Decision::PanelFetch,
        panelFetch(target, bits, weights, units, vectors * target.lanes(bits))},
       {Decision::Tasks, kTasks},
       {Decision::WorthTasks, kWorthOps}});
}

/// A member for each loop: nothing is exchanged until all are done. More
/// members than loops share each kernel instead: a guess. Layers a chunk apart
/// (`apart`) leave a member idle in some chunks; where rows can be shared that
/// is better (4 x lstm 128 at batch 32, 100 steps: 29 ms, side by side 34).
ScheduleAttr rnnc::kernel::besideSchedule(TargetAttr target, unsigned bits,
                                          unsigned loops, int64_t weights,
                                          bool apart) {
  int64_t rows = apart ? cutRows(target, bits, kMostRows, weights)
                       : infoOf(Decision::CutRows).most;
  return ScheduleAttr::get(target.getContext(), target.getName(),
                           {{Decision::Beside, loops},
                            {Decision::CutRows, rows},
                            {Decision::WorthTasks, kWorthProducts}});
}

/// Every chunk reads the weights again: it is as large as they are at least.
/// With chunks of an eighth of them lstm 512 takes 1.03 at batch 64. It reads
/// and writes its sums too: with 200 rows of 10,000 words an update of 2 x lstm
/// 200 takes 1.04, with 100 1.04, with 50 1.16; of 2 x lstm 650, with
/// 350, 1.00.
ScheduleAttr rnnc::kernel::chunkSchedule(TargetAttr target,
                                         scan::ChunksOp chunks) {
  int64_t bytes =
      std::max<int64_t>(target.getL2() / kChunksOfCache, chunks.getWeights());
  if (chunks.getSums())
    bytes = std::max<int64_t>(bytes, kSumRows * int64_t(chunks.getBytes()));
  return ScheduleAttr::get(target.getContext(), target.getName(),
                           {{Decision::ChunkBytes, bytes},
                            {Decision::LeastChunks, kLeastChunks},
                            {Decision::ChunkRows, kChunkRows}});
}

/// How many blocks have the weights in their shared memory together, one on
/// each processor; 0 where they do not fit.
static int64_t gridBlocks(TargetAttr target, unsigned bits, int64_t units,
                          int64_t weights) {
  int64_t part = llvm::divideCeil(units, target.getGpu().getProcessors());
  int64_t bytes = weights / std::max<int64_t>(units, 1) * part * (bits / 8);
  bool fits = bytes <= mostSharedOf(target) - kGridReserve;
  return fits ? llvm::divideCeil(units, part) : 0;
}

/// A block reads all weights in each step: they have to fit what is next to its
/// processor. Or they fit all processors together, and each has its part.
ScheduleAttr rnnc::kernel::loopSchedule(TargetAttr target, unsigned bits,
                                        int64_t units, int64_t weights) {
  if (!target.getGpu())
    return ScheduleAttr::get(target.getContext(), target.getName(),
                             llvm::ArrayRef<std::pair<Decision, int64_t>>());
  bool fits = weights * (bits / 8) <= target.getL1();
  int64_t threads = kLoopThreads;
  while (threads < kMostLoopThreads && threads < units)
    threads *= 2;
  int64_t blocks = gridBlocks(target, bits, units, weights);
  LoopPlan plan = fits     ? LoopPlan::Block
                  : blocks ? LoopPlan::Grid
                           : LoopPlan::Step;
  if (plan == LoopPlan::Grid)
    threads = kGridThreads;
  int64_t most = std::min<int64_t>(units, target.getGpu().getProcessors());
  return ScheduleAttr::get(
      target.getContext(), target.getName(),
      {{Decision::LoopPlan, int64_t(plan)},
       {Decision::LoopRows, kLoopRows},
       {Decision::LoopBlocks, blocks ? blocks : most},
       {Decision::BlockThreads,
        std::min<int64_t>(threads, target.getGpu().getBlock())}});
}

ScheduleAttr rnnc::kernel::moduleSchedule(TargetAttr target) {
  if (GPUAttr gpu = target.getGpu())
    return ScheduleAttr::get(
        target.getContext(), target.getName(),
        {{Decision::BlockThreads,
          std::min<int64_t>(kBlockThreads, gpu.getBlock())}});
  return ScheduleAttr::get(target.getContext(), target.getName(),
                           {{Decision::ElementBlock, kElementBlock},
                            {Decision::ColumnBlock, kColumnBlock},
                            {Decision::RowBlock, kRowBlock},
                            {Decision::DirectRows, kDirectRows},
                            {Decision::Tasks, kTasks},
                            {Decision::WorthTasks, kWorthOps},
                            {Decision::FunctionOps, kFunctionOps},
                            {Decision::CallOps, kCallOps}});
}
