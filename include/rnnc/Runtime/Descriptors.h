// Descriptors.h: the constant tables that steer the runtime of a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler emits one LibraryDesc for every generated library; the runtime
// (which is the same code in all of them) does everything from it. Both sides
// include this file. lib/Target/CPU/Tables.cpp emits the structures field by
// field: keep the two together, and keep natural alignment without holes at
// the end of a structure (every structure's size is a multiple of 8).
#ifndef RNNC_RUNTIME_DESCRIPTORS_H
#define RNNC_RUNTIME_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

namespace rnnc::rt {

/// Objects, and what lies in them and in workspaces, begin at such a line.
constexpr size_t kAlign = 64;

constexpr size_t alignUp(size_t n) {
  return n > SIZE_MAX - kAlign ? SIZE_MAX : (n + kAlign - 1) & ~(kAlign - 1);
}

enum DType : int32_t { F32 = 0, F64 = 1, I32 = 2, I64 = 3, I1 = 4 };

/// Dimensions of shapes: a size, the batch, or time axis t as kTime - t.
constexpr int64_t kBatch = -1;
constexpr int64_t kTime = -2;

/// Time axes of a function: a call holds their lengths in place.
constexpr int kMaxTimes = 15;

/// How a parameter gets its first values.
enum Init : int32_t {
  InitConstant = 0,   ///< a everywhere
  InitUniform = 1,    ///< uniform in [a, b)
  InitNormal = 2,     ///< mean a, standard deviation b
  InitGlorot = 3,     ///< uniform in +-sqrt(6 / (fan_in + fan_out))
  InitOrthogonal = 4, ///< the longer side orthonormal
  InitTable = 5,      ///< table[index on the axis `a`]; -1: all entries
  InitIdentity = 6    ///< a on the diagonal of the last two axes
};

struct ParamDesc {
  const char *name;
  const int64_t *shape;
  const double *table;
  int64_t offset; ///< elements from the start of the arena
  int64_t count;
  double a, b;
  int32_t rank;
  int32_t init;
  uint32_t labelled; ///< bit i: axis i has labels, its entries are blocks
  int32_t trainable;
  int64_t kept; ///< place among what prepared weights keep as it is; -1: none
};

struct StateDesc {
  const char *name;
  const int64_t *shape; ///< of one row
  int64_t count;        ///< elements of one row
  int32_t rank;
  int32_t reserved;
};

/// Roles of a function's arguments in the manifest.
enum Role : int32_t {
  RoleLengths = 0,
  RoleInput = 1,
  RoleStateIn = 2,
  RoleCot = 3,
  RoleReset = 4,
  RoleOption = 5,
  RoleLoss = 16, // from here on: results
  RoleNorm = 17,
  RoleOutput = 18,
  RoleProbability = 19,
  RoleStateOut = 20,
  RoleGrad = 21
};

/// An argument of a public function.
struct ArgDesc {
  const char *name;
  const int64_t *shape;
  int64_t indexSize;   ///< > 0: entries must lie in [0, indexSize); < 0: below
                       ///< the length of the time axis -1 - indexSize
  double defaultValue; ///< of an option
  int32_t role;
  int32_t dtype;
  int32_t rank;
  int32_t optional;
  int32_t time;  ///< lengths: which time axis; -1 else
  int32_t drawn; ///< of KindDrawEach, a result that is drawn: 1 + its DrawKind
};

/// Where an argument or result of a compiled entry comes from.
enum Source : int32_t {
  SrcUser = 0,       ///< argument `index` of the call
  SrcParam = 1,      ///< parameter `index`
  SrcLengths = 2,    ///< lengths of time axis `index` of the function
  SrcStateIn = 3,    ///< state `index` of the carry or stream
  SrcStateOut = 4,   ///< its new value
  SrcPrev = 5,       ///< previous true element of the carry
  SrcReset = 6,      ///< which rows begin anew
  SrcSeed = 7,       ///< (seed, update number)
  SrcGrad = 8,       ///< gradient of parameter `index`, in the gradient arena
  SrcParams = 9,     ///< the whole arena of parameters
  SrcGrads = 10,     ///< the whole arena of gradients
  SrcSlot = 11,      ///< optimiser slot `index`
  SrcNewParams = 12, ///< results of the update
  SrcNewSlot = 13,
  SrcScalars = 14,       ///< f64: rate factor and counters, see Train.cpp
  SrcNorm = 15,          ///< gradient norm
  SrcFinite = 16,        ///< 0: a gradient is not finite
  SrcProbabilities = 17, ///< sample: what the step gives
  SrcPrevOut = 18,       ///< last true element of the chunk
  SrcGiven = 19,         ///< i32: 1 if the caller gave argument `index`
  SrcScratch = 20,       ///< zeros, or a result nobody asked for
  SrcPrepared = 21,      ///< packed weights
  SrcNothing = 22,       ///< an argument that the code does not read
  SrcKept = 23,          ///< draw: made by `begin`, the same in all steps
  SrcStep = 24,          ///< draw: made by `begin`, one part for each step
  SrcFeed = 25,          ///< draw: what the next step is fed
  SrcDrawn = 26,         ///< draw: the modes of a step
  SrcMarks = 27          ///< rows of the gradient of parameter `index`
};

struct EntryArgDesc {
  const int64_t *shape;
  int32_t source;
  int32_t index;
  int32_t dtype;
  int32_t rank;
};

using EntryFn = void (*)(void **args, const int64_t *dims, void *workspace,
                         const void *ctx);
using WorkspaceFn = int64_t (*)(const int64_t *dims);

/// A compiled function, in every variant of the library.
struct EntryDesc {
  const EntryArgDesc *args;
  const int64_t *dims; ///< kBatch or kTime - t
  const EntryFn *code;
  const WorkspaceFn *workspace;
  int32_t numArgs;
  int32_t numDims;
  int32_t numResults; ///< the last arguments
  int32_t reserved;
};

enum FunctionKind : int32_t {
  KindPlain = 0,     ///< one entry
  KindTrainStep = 1, ///< gradient, then update
  KindSample = 2,    ///< a loop of the step entry
  KindDraw = 4,      ///< a loop of the `next` entry after the `begin` entry
  /// `step`, `predict_chunk`: one entry; states live in the stream
  KindStep = 3,
  /// One entry, whose modes then become draws from what stands behind each.
  KindDrawEach = 5
};

/// What the places of a straight call are counted from.
enum Base : int32_t {
  BaseNothing = 0,
  BaseParams = 1,    ///< the object
  BasePrepared = 2,  ///< the object
  BaseStream = 3,    ///< the object
  BaseWorkspace = 4, ///< its first line
  BaseGiven = 5,     ///< an i32 that is 1: the caller gave the argument
  BaseUser = 6       ///< from here on: the arguments of the call
};

/// `offset` bytes behind a base.
struct PlaceDesc {
  int64_t offset;
  int64_t base;
};

/// Entries of an argument that must lie in [0, size).
struct IndexDesc {
  int64_t count; ///< of one row
  int32_t argument;
  int32_t size;
};

/// The most arguments of a function with a straight call.
constexpr int kMaxStraightArgs = 32;

/// How a function without time axes runs when nothing is missing: where all
/// that its code reads lies is known when the library is made. Whatever else
/// may be about a call, it takes the long way, which also finds the words for
/// what is wrong.
struct StraightDesc {
  const PlaceDesc *places; ///< of the entry's arguments
  const PlaceDesc *alone;  ///< the same without `params`; null: not without
  const IndexDesc *indices;
  int64_t args;       ///< in the workspace: pointers to the arguments
  int64_t work;       ///< in the workspace: the entry's own
  int64_t prevOut;    ///< in the workspace, behind the new states
  int64_t stateBytes; ///< of one row
  int32_t numIndices;
  int32_t maxBatch;
  int32_t needsPrepared; ///< packing is the long way
  uint32_t unaligned;    ///< no argument's address has one of these bits
};

/// What the compiled code of a function reads.
enum FunctionUses : uint32_t {
  UsesStates = 1, ///< states, previous elements or flags of a carry or stream
  UsesPanels = 2, ///< packed weights
  UsesValues = 4, ///< arguments that are indices or flags
  UsesSizes = 8,  ///< arrays that may be too large for any memory
  UsesParams = 16 ///< parameters that prepared weights do not keep
};

enum DrawMode : int32_t { DrawMost = 0, DrawSample = 1, DrawBeam = 2 };

/// What one element is drawn from; from `DrawNormal` on: real numbers.
enum DrawKind : int32_t {
  DrawCategorical = 0,
  DrawBernoulli = 1,
  DrawNormal = 2,
  DrawLaplace = 3,
  // A distribution of the model's own: the step itself gives the draw, or the
  // mode.
  DrawOwnReal = 4, ///< real numbers
  DrawOwnIndex = 5 ///< indices, whole numbers and bits
};

/// How sequences are drawn that depend on inputs.
struct DrawDesc {
  const EntryDesc *begin;
  int64_t elements; ///< of one step
  int32_t mode;
  int32_t kind;
  int32_t time; ///< along which time axis; -1: `fixed` steps
  int32_t fixed;
  int32_t given;   ///< the lengths of that axis are the caller's
  int32_t paths;   ///< rows for each example; of a beam search its width
  int32_t best;    ///< beam: sequences that are shown
  int32_t numKept; ///< arrays that `begin` makes for the steps
  int32_t result;  ///< argument: what was drawn
  int32_t counts;  ///< argument: elements of each; -1: none
  int32_t scores;  ///< argument: of a beam's sequences; -1: none
  int32_t reserved;
};

struct FunctionDesc {
  const char *name;
  const ArgDesc *args;
  const EntryDesc *entry;
  const EntryDesc *update; ///< train_step
  const int32_t *observed; ///< of a loss: arguments that are predicted data
  const StraightDesc *straight; ///< null: every call takes the long way
  const DrawDesc *draw;         ///< of KindDraw
  int32_t kind;
  int32_t numTimes;
  int32_t numArgs;
  int32_t numObserved;
  int32_t symbols;      ///< sample: size of the alphabet
  int32_t start;        ///< sample: first element, never drawn
  int32_t stop;         ///< sample: ends a row; -1: none
  int32_t optionalSeed; ///< without a seed nothing is drawn
  uint32_t nonempty;    ///< bit t: rows must have a step on time axis t
  uint32_t uses;        ///< of FunctionUses: what a call need not look for
};

/// Every object begins with a line that says what it is.
struct Header {
  uint64_t magic;
  int32_t module;
  int32_t batch; ///< of carry and stream
  /// Parameters: what was done to them; prepared: of what; stream: what its
  /// states are.
  uint64_t stamp;
  /// Prepared: the parameters; others: the device that has newer values.
  const void *of;
  int32_t variant;  ///< prepared: the code that packed them
  int32_t readOnly; ///< parameters: part of the library
  /// Parameters and optimisers: no value is larger; 0: nobody knows.
  double most;
};

constexpr uint64_t kParamsMagic = 0x5241504d41524e52ull;

/// Places in objects, in bytes. Parameters and panels stand behind the header,
/// parameters that are kept as they are behind the panels; a carry or a stream
/// has flags, then previous elements, then states.
constexpr size_t kArenaOffset = kAlign;
constexpr size_t kPanelsOffset = kAlign;
constexpr size_t keptOffset(size_t panelBytes) {
  return alignUp(kPanelsOffset + panelBytes);
}
constexpr size_t kFreshOffset = kAlign;
constexpr size_t rowBytes(int64_t batch) { return alignUp(size_t(batch) * 4); }
constexpr size_t prevOffset(int64_t batch) {
  return kFreshOffset + rowBytes(batch);
}
constexpr size_t statesOffset(int64_t batch) {
  return prevOffset(batch) + rowBytes(batch);
}

/// Schedules of the learning rate.
enum Schedule : int32_t {
  ScheduleConstant = 0,
  ScheduleStep = 1,
  ScheduleCosine = 2,
  ScheduleOneCycle = 3,
  ScheduleLinear = 4
};

struct ModuleDesc {
  const char *name;
  const ParamDesc *params;
  const StateDesc *states;
  const FunctionDesc *functions;
  const EntryDesc *prepare; ///< packs the weights; null: there is nothing to
  const Header *baked;      ///< parameters that are part of the library
  int64_t prepared;         ///< elements of packed weights
  int64_t kept;        ///< elements of parameters that are kept beside them
  int64_t arena;       ///< elements, padding between parameters included
  int64_t initScratch; ///< f64 numbers that params_init needs
  double scheduleA, scheduleB, scheduleC;
  /// How far an update goes at most: grad::UpdateReach. A unit of 0: new values
  /// must not be written over old ones.
  double rate, decay, shrink, unit;
  int32_t numParams;
  int32_t numStates;
  int32_t numFunctions;
  int32_t numSlots;
  int32_t hasPrev; ///< the carry holds a previous element
  int32_t schedule;
  int32_t firstPrev;  ///< `start`
  int32_t prevSize;   ///< > 0: previous elements lie in [0, prevSize)
  int32_t accumulate; ///< batches of an update; 1: none are gathered
  int32_t perExample; ///< losses are means over examples, not over elements
};

struct VariantDesc {
  const char *name;
  int64_t level; ///< that the processor needs: see Processor.h
};

/// Code for GPUs. It is the last variant: its entries hand over to
/// rnnc_rt_gpu_run, with code that runs on the host and launches kernels.
struct GpuDesc {
  const char *ptx; ///< of all kernels
  const char *const *kernels;
  int32_t numKernels; ///< the last one is that of Target/NVPTX/Squares.cpp
  int32_t capability; ///< of the oldest devices that run it: 80 for sm_80
  /// Opens a device: an rnnc::rt::Device, or null. Libraries without code for
  /// devices have nothing of the runtime's part behind it.
  void *(*open)(int32_t number, void *error);
  /// Functions of the table of a library, with its types.
  void (*keep)();
  void (*fetch)();
  void (*keepStream)();
  void (*fetchStream)();
};

struct LibraryDesc {
  const char *manifest;
  const ModuleDesc *modules;
  const VariantDesc *variants; ///< best last
  int32_t numModules;
  int32_t numVariants;
  int32_t real;       ///< DType of real numbers
  int32_t numDevices; ///< variants, the last ones, that no processor runs
  const GpuDesc *gpu; ///< null: there is no code for GPUs
};

} // namespace rnnc::rt

#endif // RNNC_RUNTIME_DESCRIPTORS_H
