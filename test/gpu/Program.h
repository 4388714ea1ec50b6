// Program.h: kernels, decoded. SPDX-License-Identifier: Apache-2.0 WITH
// LLVM-exception
#ifndef RNNC_TEST_GPU_PROGRAM_H
#define RNNC_TEST_GPU_PROGRAM_H

#include "Memory.h"
#include "Syntax.h"

#include <memory>

namespace rnnc::ptx {

class Warp;
struct Inst;
using Handler = void (*)(Warp &, const Inst &);

constexpr unsigned kLanes = 32;

/// Where the 32 lanes of a value lie side by side: among the registers of a
/// warp or the constants of a kernel. A predicate is one word with a bit a
/// lane. `def` is the index of the word that says which lanes were ever set.
struct Slot {
  uint32_t offset = 0;
  uint32_t def = 0;
  bool isConstant = true;
};

/// How a memory access is ordered.
enum class Order : uint8_t { Weak, Relaxed, Acquire, Release, AcqRel };

struct Inst {
  Handler run = nullptr;
  Slot d, d2, a, b, c, e;
  uint32_t guard = 0, guardDef = 0;
  bool isGuarded = false, isGuardNegated = false;
  bool isStrong = false;  ///< orders memory: good places for others to run
  uint8_t weight = 1;     ///< 0 for what only helps the one before
  Type type = Type::None; ///< of the instruction, or of the destination
  Space space = Space::Generic;
  Order order = Order::Weak;
  uint8_t bytes = 0; ///< of an element in memory
  uint8_t count = 1; ///< elements of a vector
  uint8_t kind = 0;  ///< what else an instruction can be
  bool isGpuScope = false;
  bool isCached = false;      ///< ld.global.nc
  bool isAddressWide = false; ///< 64 bits
  bool hasCount = false;      ///< a barrier of some threads only
  bool isAligned = false;     ///< a barrier that all reach at one instruction
  uint32_t target = 0;
  int line = 0;
  int64_t imm = 0;
  std::vector<Slot> list; ///< elements of vectors, fragments of matrices
  std::string text;       ///< the opcode
  mutable Allocation *near = nullptr; ///< where it was last
};

/// %tid.x and others that do not change while a thread lives.
enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NWarpId,
  SmId,
  NSmId,
  GridId,
  LaneMaskEq,
  LaneMaskLe,
  LaneMaskLt,
  LaneMaskGe,
  LaneMaskGt,
  DynamicShared,
  TotalShared,
  EnvReg1, ///< upper half of the address of a cooperative grid's workspace
  EnvReg2  ///< lower half
};

struct Parameter {
  uint64_t offset = 0, bytes = 0;
  uint64_t pointerAlign = 0;
  std::string name;
};

struct Kernel {
  std::string name;
  std::vector<Inst> code; ///< ends with an exit
  std::vector<uint8_t> constants;
  uint32_t registerBytes = 0;
  uint32_t numDefs = 1; ///< word 0 is all ones
  std::vector<std::pair<Special, Slot>> specials;
  std::vector<Parameter> params;
  uint64_t paramBytes = 0;
  uint64_t localBytes = 0;
  /// Shared memory: with the gaps between variables, and without.
  uint64_t sharedExtent = 0, sharedBytes = 0;
  struct Range {
    uint64_t offset, bytes;
  };
  std::vector<Range> sharedRanges;
  bool hasDynamicShared = false;
  uint64_t dynamicSharedAlign = 1;
  std::array<unsigned, 3> reqntid = {0, 0, 0}, maxntid = {0, 0, 0};
  unsigned registersPerThread = 32; ///< about what an assembler needs
  bool hasCachedLoads = false;
  bool hasBarriers = false;
  int line = 0;
};

/// A module that was loaded: its variables lie in memory.
struct LoadedModule {
  Module syntax;
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::map<std::string, Allocation *> variables;
  Kernel *find(const std::string &name) const {
    for (const auto &kernel : kernels)
      if (kernel->name == name)
        return kernel.get();
    return nullptr;
  }
};

/// Parses and decodes; null and a refusal if something is not understood.
std::unique_ptr<LoadedModule>
loadModule(std::string_view text, DeviceMemory &memory, Refusal &refusal);
void unloadModule(LoadedModule &module, DeviceMemory &memory);

/// Windows of the generic address space.
constexpr uint64_t kSharedWindow = 0x0100'0000'0000'0000;
constexpr uint64_t kLocalWindow = 0x0200'0000'0000'0000;
constexpr uint64_t kParamWindow = 0x0300'0000'0000'0000;
constexpr uint64_t kWindow = uint64_t(1) << 32;

} // namespace rnnc::ptx

#endif
