// Launch.h: a grid, its blocks and warps while they run.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_LAUNCH_H
#define RNNC_TEST_GPU_LAUNCH_H

#include "Options.h"
#include "Program.h"

#include <cstring>
#include <unordered_map>

// Handlers are compiled for several processors; these are part of each.
#define PTX_INLINE __attribute__((always_inline)) inline

namespace rnnc::ptx {

using Dim3 = std::array<unsigned, 3>;

/// The driver's numbers.
enum Status : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kIllegalAddress = 700,
  kOutOfResources = 701,
  kLaunchTimeout = 702,
  kTrap = 710,
  kIllegalInstruction = 715,
  kMisalignedAddress = 716,
  kInvalidAddressSpace = 717,
  kLaunchFailed = 719,
  kCooperativeTooLarge = 720
};

struct Fault {
  int code = 0;
  std::string message;
};

/// splitmix64: small, good, the same everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() { return mix(state += 0x9e3779b97f4a7c15); }
  unsigned below(unsigned bound) {
    return unsigned(((next() >> 32) * bound) >> 32);
  }
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

private:
  uint64_t state;
};

class Block;
class Launch;

/// A copy of cp.async that has not arrived yet.
struct PendingCopy {
  uint32_t group; ///< of its thread
  uint32_t to;    ///< in shared memory
  uint64_t from;
  uint8_t bytes, read; ///< what is not read is 0
  int line;
};

/// 32 threads. Lanes have program counters of their own; those at the same one
/// run together.
class Warp {
public:
  Warp(Block &block, unsigned index, uint32_t lanes);

  /// Runs some instructions of some lanes; how many.
  uint64_t run(uint64_t budget);

  Block &block;
  const Kernel &kernel;
  unsigned index;
  uint32_t live;        ///< not ended
  uint32_t ready;       ///< may run
  uint32_t waiting = 0; ///< at a barrier
  uint32_t parked = 0;  ///< at a collective instruction, for other lanes
  uint32_t pcs[kLanes] = {};
  uint8_t barriers[kLanes] = {};

  // While instructions run. A handler jumps by `pc`; lanes that part ways get
  // their `pcs`, and leave `mask` empty and `stop` set.
  uint32_t mask = 0;  ///< lanes that execute
  uint32_t pc = 0;    ///< the next instruction
  bool stop = false;  ///< look for other lanes to run
  bool yield = false; ///< let other warps run
  bool carry[kLanes] = {};

  uint8_t *registers;
  const uint8_t *constants;
  std::vector<uint32_t> defs;
  std::vector<PendingCopy> copies[kLanes];
  uint32_t groups[kLanes] = {};

  template <typename T> PTX_INLINE const T *in(const Slot &slot) const {
    return reinterpret_cast<const T *>(
        (slot.isConstant ? constants : registers) + slot.offset);
  }
  template <typename T> PTX_INLINE T *out(const Slot &slot) {
    return reinterpret_cast<T *>(registers + slot.offset);
  }
  /// The lanes that execute get their results.
  template <typename T>
  PTX_INLINE void write(const Slot &slot, const T *values) {
    T *to = out<T>(slot);
    if (mask == ~0u) {
      std::memcpy(to, values, sizeof(T) * kLanes);
      return;
    }
    for (unsigned l = 0; l < kLanes; ++l)
      to[l] = (mask >> l) & 1 ? values[l] : to[l];
  }
  uint32_t predicate(const Slot &slot) const { return *in<uint32_t>(slot); }
  void writePredicate(const Slot &slot, uint32_t bits) {
    uint32_t *to = out<uint32_t>(slot);
    *to = (*to & ~mask) | (bits & mask);
  }
  uint32_t known(const Slot &slot) const { return defs[slot.def]; }
  void define(const Slot &slot, uint32_t lanes) {
    defs[slot.def] = (defs[slot.def] & ~mask) | (lanes & mask);
  }
  /// False, and a fault, if a lane that executes has no value there.
  bool require(const Inst &inst, const Slot &slot, const char *what);
  /// Ends the launch; `lane` is one of those that execute.
  void fault(const Inst &inst, unsigned lane, int code, std::string message);
  void endLanes(uint32_t lanes);
  /// They are at that instruction.
  void place(uint32_t lanes, uint32_t at);
  Launch &launch() const;

private:
  std::vector<uint8_t> storage;
  uint32_t choose(uint32_t &limit);
};

struct Barrier {
  uint32_t arrived = 0;  ///< threads, also those that do not wait
  uint32_t expected = 0; ///< 0: all that live
  uint32_t pc = 0;       ///< where threads wait
  uint32_t votes = 0;    ///< of a reduction
  bool isUsed = false, hasWaiters = false;
};

/// What a block sees of global memory between fences, in the weak mode.
class WeakView {
public:
  WeakView(DeviceMemory &memory, uint64_t seed)
      : memory(&memory), random(seed) {}
  void read(uint64_t address, unsigned bytes, void *to);
  void write(uint64_t address, unsigned bytes, const void *from);
  /// What a strong access of those bytes does before: own stores go first.
  void settle(uint64_t address, unsigned bytes);
  void release();
  /// What is read from here on is new.
  void acquire() { lines.clear(); }
  /// The same for a fence, behind which loads may be early: what was read
  /// before is read again now, and is what later loads see.
  void refresh();

private:
  static constexpr unsigned kLine = 32;
  struct Word {
    uint64_t value = 0;
    uint8_t valid = 0;
  };
  DeviceMemory *memory;
  Random random;
  std::unordered_map<uint64_t, Word> stores; ///< by address / 8
  struct Line {
    std::array<uint8_t, kLine> bytes;
    const uint8_t *host = nullptr; ///< null: nothing was there
    unsigned age = 0;              ///< fences since its last use
  };
  void drain(uint64_t number, const Word &word);
  static void fetch(Line &line);
  std::unordered_map<uint64_t, Line> lines;
};

class Block {
public:
  Block(Launch &launch, unsigned number);

  /// Lets threads go whose barrier has all it waits for.
  void checkBarriers();
  void checkBarrier(unsigned id);
  bool isDone() const { return !live; }
  std::string where(unsigned warp, unsigned lane) const;

  Launch &launch;
  unsigned number;
  Dim3 id;
  std::vector<std::unique_ptr<Warp>> warps;
  std::vector<uint8_t> shared, sharedState;
  std::vector<uint8_t> local, localState; ///< [thread][byte]
  std::array<Barrier, 16> barriers;
  uint32_t live = 0; ///< threads
  WeakView view;
};

/// What a byte of shared or local memory is.
enum ByteState : uint8_t { kInitialised = 0, kUninitialised = 1, kGap = 2 };

struct LaunchShape {
  Dim3 grid = {1, 1, 1}, block = {1, 1, 1};
  uint64_t dynamicShared = 0;
  bool isCooperative = false;
};

class Launch {
public:
  Launch(const Kernel &kernel, const LaunchShape &shape,
         std::vector<uint8_t> params, DeviceMemory &memory,
         const Options &options, uint64_t number);

  /// 0 or the code of the fault.
  int run();

  const Kernel &kernel;
  LaunchShape shape;
  std::vector<uint8_t> params;
  DeviceMemory &memory;
  const Options &options;
  Random random;
  uint64_t number;
  /// Zeros that a driver gives to a cooperative grid.
  uint64_t gridWorkspace = 0;
  uint64_t sharedExtent, sharedBytes;
  unsigned threads, blocks;
  Fault fault;
  uint64_t instructions = 0; ///< of threads
  uint64_t sinceProgress = 0;
  void progress() { sinceProgress = 0; }

private:
  bool step(std::vector<std::unique_ptr<Block>> &resident);
  /// Stores of blocks that have ended, and that no fence has sent on.
  std::vector<WeakView> ended;
  void reportStuck(const std::vector<std::unique_ptr<Block>> &resident);
};

/// Blocks of that many threads that one multiprocessor can hold.
unsigned blocksPerMultiprocessor(const Kernel &kernel, unsigned threads,
                                 uint64_t dynamicShared);

/// Checks what a driver checks, then runs: 0 or the driver's code.
int launchKernel(const Kernel &kernel, const LaunchShape &shape,
                 std::vector<uint8_t> params, DeviceMemory &memory,
                 const Options &options, uint64_t number, Fault &fault,
                 uint64_t *instructions = nullptr);

} // namespace rnnc::ptx

#endif
