// Launch.cpp: blocks of a grid take turns. SPDX-License-Identifier: Apache-2.0
// WITH LLVM-exception
#include "Launch.h"

#include <algorithm>
#include <bit>

using namespace rnnc::ptx;

static std::string text(const Dim3 &d) {
  return "(" + std::to_string(d[0]) + ", " + std::to_string(d[1]) + ", " +
         std::to_string(d[2]) + ")";
}

Block::Block(Launch &launch, unsigned number)
    : launch(launch), number(number), live(launch.threads),
      view(launch.memory, launch.random.next()) {
  const Dim3 &grid = launch.shape.grid;
  id = {number % grid[0], number / grid[0] % grid[1],
        number / (grid[0] * grid[1])};
  const Kernel &kernel = launch.kernel;
  // What nobody wrote holds no zeros, and is known to be nothing.
  shared.assign(launch.sharedExtent, 0xff);
  sharedState.assign(launch.sharedExtent, kGap);
  for (const Kernel::Range &range : kernel.sharedRanges)
    std::fill_n(sharedState.begin() + int64_t(range.offset), range.bytes,
                kUninitialised);
  if (kernel.hasDynamicShared)
    std::fill(sharedState.begin() + int64_t(kernel.sharedExtent),
              sharedState.end(), kUninitialised);
  unsigned lanes = (launch.threads + kLanes - 1) / kLanes * kLanes;
  local.assign(kernel.localBytes * lanes, 0xff);
  localState.assign(kernel.localBytes * lanes, kUninitialised);
  for (unsigned w = 0; w * kLanes < launch.threads; ++w) {
    unsigned rest = launch.threads - w * kLanes;
    warps.push_back(std::make_unique<Warp>(
        *this, w, rest >= kLanes ? ~0u : (1u << rest) - 1));
  }
}

std::string Block::where(unsigned warp, unsigned lane) const {
  unsigned thread = warp * kLanes + lane;
  const Dim3 &n = launch.shape.block;
  return "block " + text(id) + " thread " +
         text({thread % n[0], thread / n[0] % n[1], thread / (n[0] * n[1])});
}

Launch::Launch(const Kernel &kernel, const LaunchShape &shape,
               std::vector<uint8_t> params, DeviceMemory &memory,
               const Options &options, uint64_t number)
    : kernel(kernel), shape(shape), params(std::move(params)), memory(memory),
      options(options), random(Random::mix(options.seed * 1000003 + number)),
      number(number),
      sharedExtent(kernel.sharedExtent +
                   (kernel.hasDynamicShared ? shape.dynamicShared : 0)),
      sharedBytes(kernel.sharedBytes + shape.dynamicShared),
      threads(shape.block[0] * shape.block[1] * shape.block[2]),
      blocks(shape.grid[0] * shape.grid[1] * shape.grid[2]) {
  for (const Inst &inst : kernel.code)
    inst.near = nullptr;
  for (Allocation &allocation : memory.all()) {
    allocation.writers.clear();
    allocation.readers.clear();
  }
  if (kernel.hasCachedLoads)
    for (Allocation &allocation : memory.all()) {
      std::fill(allocation.written.begin(), allocation.written.end(), 0);
      std::fill(allocation.cached.begin(), allocation.cached.end(), 0);
    }
}

/// Some instructions of some warp; false if no thread can go on.
bool Launch::step(std::vector<std::unique_ptr<Block>> &resident) {
  unsigned first = random.below(unsigned(resident.size()));
  for (unsigned n = 0; n < resident.size(); ++n) {
    Block &block = *resident[(first + n) % resident.size()];
    unsigned count = unsigned(block.warps.size());
    unsigned start = random.below(count);
    for (unsigned k = 0; k < count; ++k) {
      Warp &warp = *block.warps[(start + k) % count];
      if (!warp.ready)
        continue;
      // Mostly long turns, some of a few instructions.
      uint64_t budget = 1 + random.below(1u << (1 + random.below(12)));
      sinceProgress += warp.run(budget);
      if (block.isDone() && !fault.code) {
        // An end is no fence: other blocks may not see what it stored yet.
        if (options.weak)
          ended.push_back(std::move(block.view));
        resident.erase(resident.begin() +
                       int64_t((first + n) % resident.size()));
      }
      return true;
    }
  }
  return false;
}

/// Every thread waits for another.
void Launch::reportStuck(const std::vector<std::unique_ptr<Block>> &resident) {
  for (const auto &block : resident)
    for (const auto &warp : block->warps) {
      uint32_t stuck = warp->waiting | warp->parked | warp->ready;
      if (!stuck)
        continue;
      unsigned lane = unsigned(std::countr_zero(stuck));
      const Inst &inst = kernel.code[warp->pcs[lane]];
      bool isSpinning = (warp->ready >> lane) & 1;
      bool atBarrier = (warp->waiting >> lane) & 1;
      std::string why =
          isSpinning  ? "it goes on without an end, and nothing changes"
          : atBarrier ? "it waits at a barrier that others never reach"
                      : "it waits for lanes of its warp that never come";
      warp->fault(inst, lane, kLaunchTimeout, "deadlock: " + why);
      return;
    }
}

int Launch::run() {
  std::vector<unsigned> order(blocks);
  for (unsigned i = 0; i < blocks; ++i)
    order[i] = i;
  for (unsigned i = blocks; i > 1; --i)
    std::swap(order[i - 1], order[random.below(i)]);
  // Blocks may come one by one: only a cooperative launch has all at once.
  unsigned most = shape.isCooperative ? blocks : 1 + random.below(3);
  std::vector<std::unique_ptr<Block>> resident;
  while (!fault.code) {
    while (resident.size() < most && !order.empty()) {
      resident.push_back(std::make_unique<Block>(*this, order.back()));
      order.pop_back();
    }
    if (resident.empty())
      break;
    if (!step(resident) || sinceProgress > options.limit)
      reportStuck(resident);
  }
  for (WeakView &view : ended)
    view.release();
  return fault.code;
}

unsigned rnnc::ptx::blocksPerMultiprocessor(const Kernel &kernel,
                                            unsigned threads,
                                            uint64_t dynamicShared) {
  if (!threads || threads > 1024)
    return 0;
  constexpr uint64_t kShared = 164 << 10, kReserved = 1 << 10;
  unsigned warps = (threads + kLanes - 1) / kLanes;
  uint64_t registers =
      uint64_t((kernel.registersPerThread + 7) / 8 * 8) * warps * kLanes;
  uint64_t shared = kernel.sharedBytes + dynamicShared + kReserved;
  return unsigned(std::min<uint64_t>(
      {32, 64 / warps, 65536 / registers, kShared / shared}));
}

static int refuse(Fault &fault, int code, const Kernel &kernel,
                  const std::string &why) {
  fault.code = code;
  fault.message = "kernel " + kernel.name + ", line " +
                  std::to_string(kernel.line) + ": " + why;
  return code;
}

/// What a driver finds before any thread runs.
static int checkShape(const Kernel &kernel, const LaunchShape &shape,
                      const Options &options, Fault &fault) {
  uint64_t threads = 1, blocks = 1;
  constexpr Dim3 kMostThreads = {1024, 1024, 64};
  for (unsigned i = 0; i < 3; ++i) {
    if (!shape.grid[i] || !shape.block[i])
      return refuse(fault, kInvalidValue, kernel,
                    "launched with a grid of " + text(shape.grid) +
                        " blocks of " + text(shape.block) + " threads");
    threads *= shape.block[i];
    blocks *= shape.grid[i];
    if (shape.block[i] > kMostThreads[i] || (i && shape.grid[i] > 65535) ||
        shape.grid[i] > 0x7fffffff)
      return refuse(fault, kInvalidValue, kernel,
                    "launched with a grid of " + text(shape.grid) +
                        " blocks of " + text(shape.block) + " threads");
  }
  if (threads > 1024)
    return refuse(fault, kInvalidValue, kernel,
                  "launched with blocks of " + std::to_string(threads) +
                      " threads");
  if (kernel.reqntid[0] && kernel.reqntid != shape.block)
    return refuse(fault, kInvalidValue, kernel,
                  "launched with blocks of " + text(shape.block) +
                      " threads, but .reqntid is " + text(kernel.reqntid));
  if (uint64_t most =
          uint64_t(kernel.maxntid[0]) * kernel.maxntid[1] * kernel.maxntid[2];
      most && threads > most)
    return refuse(fault, kInvalidValue, kernel,
                  "launched with blocks of " + text(shape.block) +
                      " threads, but .maxntid is " + text(kernel.maxntid));
  unsigned fit =
      blocksPerMultiprocessor(kernel, unsigned(threads), shape.dynamicShared);
  if (!fit)
    return refuse(fault, kOutOfResources, kernel,
                  "no multiprocessor has room for a block of it");
  if (shape.isCooperative && blocks > uint64_t(fit) * options.sms)
    return refuse(fault, kCooperativeTooLarge, kernel,
                  "a cooperative launch of " + std::to_string(blocks) +
                      " blocks, and there is room for " +
                      std::to_string(fit * options.sms));
  if (blocks > 0x7fffffff)
    return refuse(fault, kInvalidValue, kernel, "so many blocks");
  return kSuccess;
}

/// Pointers as aligned as the kernel was told they are.
static int checkPointers(const Kernel &kernel,
                         const std::vector<uint8_t> &params, Fault &fault) {
  for (const Parameter &param : kernel.params) {
    if (param.pointerAlign < 2 || param.bytes != 8)
      continue;
    uint64_t pointer = 0;
    std::memcpy(&pointer, &params[param.offset], 8);
    if (pointer % param.pointerAlign)
      return refuse(fault, kMisalignedAddress, kernel,
                    "parameter " + param.name +
                        " is promised to be aligned "
                        "to " +
                        std::to_string(param.pointerAlign) +
                        " bytes, and is not");
  }
  return kSuccess;
}

int rnnc::ptx::launchKernel(const Kernel &kernel, const LaunchShape &shape,
                            std::vector<uint8_t> params, DeviceMemory &memory,
                            const Options &options, uint64_t number,
                            Fault &fault, uint64_t *instructions) {
  params.resize(kernel.paramBytes);
  if (int code = checkShape(kernel, shape, options, fault))
    return code;
  if (int code = checkPointers(kernel, params, fault))
    return code;
  Launch launch(kernel, shape, std::move(params), memory, options, number);
  Allocation *workspace =
      shape.isCooperative ? memory.allocate(64, 64) : nullptr;
  if (workspace) {
    std::memset(workspace->host, 0, 64);
    launch.gridWorkspace = workspace->base;
  }
  int code = launch.run();
  if (workspace)
    memory.release(workspace->base);
  fault = launch.fault;
  if (instructions)
    *instructions = launch.instructions;
  return code;
}
