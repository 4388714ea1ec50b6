// Runtime.h: what the parts of the runtime know of each other.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime is C++ without its standard library: no exceptions, no RTTI, no
// allocation but where ABI.h says so, no global state. It needs libc, libm and
// pthreads only.
#ifndef RNNC_LIB_RUNTIME_RUNTIME_H
#define RNNC_LIB_RUNTIME_RUNTIME_H

#include "FloatState.h"

#include "rnnc/Runtime/ABI.h"
#include "rnnc/Runtime/Descriptors.h"
#include "rnnc/Runtime/Kernels.h"
#include "rnnc/Runtime/LargePages.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
/// The tables of this library, emitted by the compiler.
extern const rnnc::rt::LibraryDesc rnnc_rt_library;
}

namespace rnnc::rt {

constexpr int kMaxThreads = 256;

/// What a call leaves on a device.
enum class DevicePart { Panels, Gradients, Values, Slots, States };

/// Sizes that cannot be held stop at SIZE_MAX and stay there.
inline size_t addSizes(size_t a, size_t b) {
  size_t sum;
  return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}
inline size_t multiplySizes(size_t a, size_t b) {
  size_t product;
  return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}
/// What a size query gives: 0 for what no object can have.
inline size_t heldSize(size_t n) { return n > PTRDIFF_MAX ? 0 : n; }

inline size_t sizeOf(int32_t dtype) {
  constexpr unsigned char kSizes[] = {4, 8, 4, 8, 1}; // in the order of DType
  return kSizes[dtype];
}

inline size_t realSize() { return sizeOf(rnnc_rt_library.real); }

/// The module at a position of the manifest, or null.
inline const ModuleDesc *moduleAt(int32_t module) {
  if (module < 0 || module >= rnnc_rt_library.numModules)
    return nullptr;
  return &rnnc_rt_library.modules[module];
}

static_assert(sizeof(Header) <= kAlign);
constexpr uint64_t kPreparedMagic = 0x505245504d41524eull;
constexpr uint64_t kOptimizerMagic = 0x4f5054494d41524eull;
constexpr uint64_t kCarryMagic = 0x43415252594d4152ull;
constexpr uint64_t kStreamMagic = 0x53545245414d4152ull;
constexpr uint64_t kContextMagic = 0x434f4e544558544dull;

inline bool isAligned(const void *object) {
  return reinterpret_cast<uintptr_t>(object) % kAlign == 0;
}

/// The header of an initialised object of this module, or null.
inline const Header *headerOf(const void *object, uint64_t magic,
                              int32_t module) {
  auto *header = static_cast<const Header *>(object);
  if (!header || !isAligned(object) || header->magic != magic ||
      header->module != module)
    return nullptr;
  return header;
}
inline Header *headerOf(void *object, uint64_t magic, int32_t module) {
  return const_cast<Header *>(
      headerOf(static_cast<const void *>(object), magic, module));
}

/// Places one after another, 64-byte aligned. With a null base it only counts:
/// the size query and the call run the very same code. What lies past the
/// limit is counted too, and is null.
struct Bump {
  char *base;
  size_t limit = SIZE_MAX;
  size_t used = 0;
  void *take(size_t bytes) {
    size_t begin = alignUp(used);
    used = addSizes(begin, bytes);
    return base && used <= limit ? base + begin : nullptr;
  }
};

/// Memory for as long as a function runs: what is left behind the caller's
/// object if that is enough, else the heap's. `place` is null if there is none.
class Temporary {
public:
  Temporary(char *behind, size_t left, size_t bytes);
  ~Temporary();
  Temporary(const Temporary &) = delete;
  Temporary &operator=(const Temporary &) = delete;
  char *const place;

private:
  char *const owned;
};

/// Philox4x32-10: four numbers from a key and a counter.
void philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/// Fills an rnnc_error; `status` is returned. `error` may be null.
int32_t fail(rnnc_error *error, int32_t status, int32_t argument,
             const char *name, int64_t example, int64_t step, int64_t value,
             const char *format, ...) __attribute__((format(printf, 8, 9)));

/// What a struct at least has: that which is not reserved.
constexpr size_t kErrorBytes = offsetof(rnnc_error, device);
constexpr size_t kTensorBytes = offsetof(rnnc_tensor, memory);
constexpr size_t kOptionsBytes = offsetof(rnnc_context_options, device);
constexpr size_t kCallBytes = offsetof(rnnc_call, device_stream);
/// What calls on a device may have beside it.
constexpr size_t kDeviceCallBytes = offsetof(rnnc_call, reserved);
/// What all libraries have: the functions up to the first that was added.
constexpr size_t kLibraryBytes = offsetof(rnnc_library, params_save_size);

/// Bytes of the caller's struct that are filled: all that the library knows,
/// or `least`, without what the caller may not have.
inline size_t filledBytes(size_t size, size_t least, size_t known) {
  return size < known ? least : known;
}
/// Whether a struct that asks for something has a size that it can have.
inline bool isStructSize(size_t size, size_t least) {
  return size >= least && size <= RNNC_LARGEST_STRUCT;
}
/// The first byte past `known` that is not 0; SIZE_MAX: the struct asks for
/// nothing that the library does not know.
size_t unknownByte(const void *structure, size_t size, size_t known);

/// Empties an rnnc_error; returns RNNC_OK.
int32_t succeed(rnnc_error *error);

/// Refuses memory for a new object: NULL, misaligned, or fewer than `need`
/// bytes, which is SIZE_MAX for a size that cannot be held.
int32_t checkMemory(rnnc_error *error, const char *name, const void *memory,
                    size_t bytes, size_t need);
/// Refuses what is not an initialised object of this module.
int32_t checkObject(rnnc_error *error, const char *name, const void *object,
                    uint64_t magic, int32_t module);
/// The same for a context, and for the number of a module.
int32_t checkContext(rnnc_error *error, const rnnc_context *ctx);
int32_t checkModule(rnnc_error *error, int32_t module);
/// The longest name of a file that is written.
constexpr size_t kMaxPath = 4096;
/// RNNC_ERR_FILE with the reason that errno gives.
int32_t failFile(rnnc_error *error, const char *what, const char *path);
/// A number that differs where bytes do, as good as always.
uint64_t checksum(const void *bytes, size_t size, uint64_t seed = 0);

struct Call;

// Context.cpp
int variantOf(const rnnc_context *ctx);
/// Whether a variant is for devices.
inline bool isDevice(int32_t variant) {
  return variant >= rnnc_rt_library.numVariants - rnnc_rt_library.numDevices;
}
/// The status of a call whose device failed, with the words for it.
int32_t failDevice(const Call &call);
/// RNNC_ERR_STATE where newer values of an object are on a device, which is not
/// that of the context, or on one that is gone.
int32_t checkNewest(const rnnc_context *ctx, const void *object,
                    rnnc_error *error);
/// Brings newer values of parameters to the host; false: the call has failed.
bool bringNewest(Call &call);
/// What `place` is for stays on the device where the call's objects do.
void placeOnDevice(Call &call, DevicePart part, const void *place,
                   size_t bytes);
/// Finds what lies on the device before the call runs; false: it has failed.
bool beginDevice(Call &call);
void finishDevice(Call &call);
/// Writes a result, or zeros in its place (`from` null), wherever it lies.
void giveResult(Call &call, void *to, const void *from, size_t bytes);
/// The host changed what may have a copy on the device.
void changedOnHost(const Call &call, const void *host, size_t bytes);

// Objects.cpp: the places inside objects.
char *paramsArena(rnnc_params *params);
const char *paramsArena(const rnnc_params *params);
/// Where the code reads parameter `p`: of the parameters, or of what prepared
/// weights keep.
char *paramPlace(const Call &call, const ParamDesc &p);
/// The parameters were changed by something that `by` stands for: what was
/// prepared of them is stale.
void paramsChanged(rnnc_params *params, uint64_t by);
/// An object whose values are all 0.
void blankParams(int32_t module, rnnc_params *params);
/// Refuses parameters that are part of the library where they would change.
int32_t checkWritable(const rnnc_params *params, rnnc_error *error);
char *optimizerSlot(int32_t module, rnnc_optimizer *optimizer, int32_t slot);

/// Reach.cpp: how large the entries of parameters and of what the optimiser
/// keeps are at most.
struct Reach {
  double params, slots;
};
/// Updates over the old values are made of gradients with a smaller norm.
constexpr double kMostNorm = 0x1p20;
/// What is reached with the update that comes next. False: it has to be made
/// beside the old values.
bool reachNext(const Call &call, Reach &reach);
/// After an update.
void keepReach(const Call &call, const Reach &reach);
/// Somebody else writes values, or may.
void forgetReach(rnnc_params *params);
void forgetReach(rnnc_optimizer *optimizer);

/// Marks.cpp: rows of tables that a batch reads.
void placeMarks(Call &call, Bump &bump);
/// Those of a parameter; null: it has none.
int32_t *marksOf(const Call &call, int32_t parameter);
/// Whether the gradient and the update are to leave rows without a mark alone.
void leaveUnmarked(Call &call, bool leave);
/// Rows of a gradient that were left alone become zero, and are no more.
void zeroUnmarked(Call &call);
/// Numbers of a parameter that lie side by side and are known to be there.
struct MarkedRun {
  int64_t from = 0, to = 0;
};
/// The next numbers of a gradient that were written; false: no more.
bool nextWritten(const Call &call, int32_t parameter, MarkedRun &run);
/// The sum of gathered gradients, where the module has `accumulate`.
char *gatheredArena(int32_t module, rnnc_optimizer *optimizer);

/// Carry and stream: per-row flags and values that go on.
struct StateView {
  int32_t batch;
  int32_t *fresh; ///< row begins with the declared first states
  int32_t *prev;  ///< previous true element; null if the module has none
  char *states;   ///< state s at stateOffset(s)
};
bool carryView(int32_t module, rnnc_carry *carry, StateView &view);
bool streamView(int32_t module, rnnc_stream *stream, StateView &view);
/// Refuses flags that are not 0 or 1.
int32_t checkFlags(rnnc_error *error, int32_t argument, const char *name,
                   const int32_t *flags, int64_t batch);
size_t stateBytes(const ModuleDesc &module, int32_t state, int64_t batch);
size_t stateOffset(const ModuleDesc &module, int32_t state, int64_t batch);

struct Team;
struct Mirrors;
struct Resident;
struct ResidentStream;

/// What compiled code hands to rnnc_rt_parallel_for: the context, and the
/// floating-point state of who called the library. The rest is found out when
/// there are tasks.
struct CallSite {
  const rnnc_context *ctx;
  FloatState caller;
  bool isKnown = false; ///< whether the context has a team in this process
  Team *team = nullptr;
  int64_t work = 0; ///< of all tasks of this call
  /// Of this call: what lies on the device; null: nothing does.
  Mirrors *places = nullptr;
  void *queue = nullptr; ///< the caller's, of the device
  /// A status if the device failed: from then on nothing is done.
  int32_t failed = 0;
};

/// What a call has found out before anything runs.
struct Call {
  /// Without a call of the library, sizes are asked for.
  Call(const rnnc_context *ctx, int32_t module, const rnnc_call *c);

  CallSite run;
  int32_t variant;
  int32_t module;
  const ModuleDesc *m;
  const FunctionDesc *f = nullptr;
  const rnnc_call *c; ///< null while sizes are asked for
  int64_t batch = 0;
  const int32_t *times = nullptr; ///< padded lengths
  /// Of the function's time axes; null: all full, until they are placed. An
  /// axis inside of others has one for each of their elements.
  const int32_t *lengths[kMaxTimes];
  /// The argument that they come as, which says what they are along; or null.
  const ArgDesc *lengthArgs[kMaxTimes];
  /// carry or stream; states null: first states
  StateView state = {};
  int64_t seedPair[2] = {};
  char *panels = nullptr;    ///< packed weights
  bool hasPrepared = false;  ///< the caller gives them
  char *gradArena = nullptr; ///< train_step
  char *marks = nullptr;     ///< train_step: see Marks.cpp
  bool nothing = false;      ///< a batch without observed elements
  double scalars[4] = {};
  char *newParams = nullptr;
  char *newSlots = nullptr; ///< all slots, one arena after the other
  void *norm = nullptr;
  int32_t *finite = nullptr;
  int32_t *prevIn = nullptr, *prevOut = nullptr;
  int32_t *reset = nullptr;
  char *statesIn = nullptr, *statesOut = nullptr;
  size_t stateBytes = 0;         ///< of all states
  int32_t *feed = nullptr;       ///< sample: elements fed to the step
  void *probabilities = nullptr; ///< sample: what the step gives
  void *drawn = nullptr;         ///< draw: the modes of a step
  Resident *resident = nullptr;  ///< train_step: what lives on the device
  ResidentStream *streamThere = nullptr; ///< step: its states live there
  bool argsThere = false;                ///< arrays lie on the device
  void **kept = nullptr; ///< draw: what `begin` made for the steps
};

/// The size of a dimension in this call.
inline int64_t extent(const Call &call, int64_t dim) {
  if (dim == kBatch)
    return call.batch;
  return dim <= kTime ? call.times[kTime - dim] : dim;
}
/// An example, and an element on each time axis.
struct ElementPlace {
  int64_t row = 0;
  int64_t at[kMaxTimes] = {};
};
/// Valid steps at a place.
inline int64_t lengthOf(const Call &call, int64_t time,
                        const ElementPlace &place) {
  if (!call.lengths[time])
    return call.times[time];
  int64_t entry = place.row;
  const ArgDesc *arg = call.lengthArgs[time];
  for (int32_t k = 1; arg && k < arg->rank; ++k)
    entry =
        entry * extent(call, arg->shape[k]) + place.at[kTime - arg->shape[k]];
  return call.lengths[time][entry];
}
/// Lengths of a time axis for each example: more than one if it is inside of
/// others.
inline size_t lengthsEach(const Call &call, int64_t time) {
  size_t count = 1;
  const ArgDesc *arg = call.lengthArgs[time];
  for (int32_t k = 1; arg && k < arg->rank; ++k)
    count = multiplySizes(count, size_t(extent(call, arg->shape[k])));
  return count;
}
/// Bytes of an array; SIZE_MAX if they cannot be held.
size_t bytesOf(const Call &call, const int64_t *shape, int32_t rank,
               int32_t dtype);

// Check.cpp
/// Finds a function of the module for a batch.
bool begin(Call &call, int32_t function, int64_t batch, const int32_t *times);
/// Everything about a call that can be wrong but the workspace. Nothing was
/// written when it fails.
int32_t checkCall(Call &call);
/// True if the call computes nothing: no row, or no predicted value with a
/// valid step.
bool nothingHappens(const Call &call);
/// Entries of an argument before the ends of its time axes, not counting its
/// fixed axes.
int64_t countObserved(const Call &call, const ArgDesc &arg);

// Gather.cpp
/// Refuses a number of batches that the module does not gather.
int32_t checkGathering(const Call &call);
/// Whether this batch ends an update.
bool lastOfUpdate(const Call &call);
/// No two batches of a training have the same number.
int64_t numberOfBatch(const Call &call);
/// Adds the batch's gradient to those before it.
void gather(const Call &call);
/// Puts the mean into the place of the gradient and begins anew; false if there
/// was nothing.
bool takeGathered(const Call &call);

// Straight.cpp
/// Runs a call that lacks nothing. False: nothing was done, the call has to
/// take the long way.
bool straightCall(const rnnc_context *ctx, int32_t variant, int32_t module,
                  const FunctionDesc &f, const rnnc_call *call);

/// Binds an entry's arguments from the workspace; a null base only counts.
void **bindEntry(Call &call, const EntryDesc &entry, Bump &bump);
/// Runs an entry whose arguments are bound, its own workspace from `bump`.
void runEntry(Call &call, const EntryDesc &entry, void **args, Bump &bump);

/// Finds the packed weights: the caller's, or a place where they are packed.
void placePanels(Call &call, Bump &bump);
/// Packs the weights into `call.panels`; a null base only counts.
void packWeights(Call &call, Bump &bump);
/// Packs them into the caller's object after an update.
void refreshPrepared(Call &call, Bump &bump);
/// Refuses an object that is not of these parameters.
int32_t checkPrepared(const Call &call);

void planTrainStep(Call &call, Bump &bump);
int32_t runTrainStep(Call &call, Bump &bump);
int32_t checkSample(const Call &call);
/// False for more elements than `sample` handles in one call.
bool canSample(const Call &call);
void planSample(Call &call, Bump &bump);
int32_t runSample(Call &call, Bump &bump);
int32_t checkDraw(const Call &call);
void planDraw(Call &call, Bump &bump);
int32_t runDraw(Call &call, Bump &bump);
int32_t checkDrawEach(const Call &call);
void planDrawEach(Call &call, Bump &bump);
int32_t runDrawEach(Call &call, Bump &bump);
/// Places for states that go in and come out.
void placeStates(Call &call, Bump &bump);
void loadStates(Call &call);
void storeStates(Call &call);

/// Factor on the learning rate.
double scheduleFactor(const ModuleDesc &module,
                      const rnnc_optimizer_counters &counters);

} // namespace rnnc::rt

// The functions behind rnnc_library.
extern "C" {
const char *rnnc_rt_manifest(void);
const char *rnnc_rt_strerror(int32_t status);
int32_t rnnc_rt_abi_version(void);
size_t rnnc_rt_context_size(void);
int32_t rnnc_rt_context_init(rnnc_context *ctx, size_t bytes,
                             const rnnc_context_options *options,
                             rnnc_error *error);
void rnnc_rt_context_finish(rnnc_context *ctx);
const char *rnnc_rt_context_variant(const rnnc_context *ctx);
// Devices: what the library's own functions forward to, then what compiled
// code on the host calls.
int32_t rnnc_rt_gpu_count(rnnc_error *error);
void *rnnc_rt_gpu_open(int32_t number, rnnc_error *error);
rnnc_context *rnnc_rt_gpu_context_create(int32_t number, rnnc_error *error);
const char *rnnc_rt_gpu_name(const rnnc_context *ctx);
int64_t rnnc_rt_gpu_grids(const rnnc_context *ctx, int64_t *refused);
int32_t rnnc_rt_gpu_upload(const rnnc_context *ctx, int32_t module,
                           const rnnc_params *params,
                           const rnnc_prepared *prepared, rnnc_error *error);
int32_t rnnc_rt_gpu_keep(const rnnc_context *ctx, int32_t module,
                         rnnc_params *params, rnnc_optimizer *optimizer,
                         rnnc_error *error);
int32_t rnnc_rt_gpu_fetch(const rnnc_context *ctx, int32_t module,
                          rnnc_params *params, rnnc_optimizer *optimizer,
                          rnnc_error *error);
int32_t rnnc_rt_gpu_release(const rnnc_context *ctx, int32_t module,
                            const rnnc_params *params,
                            const rnnc_prepared *prepared, rnnc_error *error);
int32_t rnnc_rt_gpu_stream_keep(const rnnc_context *ctx, int32_t module,
                                rnnc_stream *stream, rnnc_error *error);
int32_t rnnc_rt_gpu_stream_fetch(const rnnc_context *ctx, int32_t module,
                                 rnnc_stream *stream, int32_t end,
                                 rnnc_error *error);
/// Runs an entry: `code` on the host, with arguments that lie on the device.
void rnnc_rt_gpu_run(const rnnc::rt::EntryDesc *entry, rnnc::rt::EntryFn code,
                     rnnc::rt::WorkspaceFn workspace, void **args,
                     const int64_t *dims, void *run);
/// Launches kernel number `kernel`; each parameter has eight bytes.
void rnnc_rt_gpu_launch(void *run, int32_t kernel, int64_t blocks,
                        int64_t threads, int64_t *parameters, int32_t count);
/// The same for a kernel whose blocks wait for each other, with `shared` bytes
/// of shared memory beside what its text says.
void rnnc_rt_gpu_launch_grid(void *run, int32_t kernel, int64_t blocks,
                             int64_t threads, int64_t *parameters,
                             int32_t count, int32_t shared);
/// Where the device runs so many blocks of the kernel at a time: the address of
/// a number by which they wait for each other, which is 0. Else 0.
int64_t rnnc_rt_gpu_grid(void *run, int32_t kernel, int64_t blocks,
                         int64_t threads, int64_t shared);
/// Up to eight bytes at an address of the device.
int64_t rnnc_rt_gpu_read(void *run, int64_t address, int64_t bytes);
/// Memory between kernels, which has a number; it keeps what it holds until
/// more of it is asked for.
int64_t rnnc_rt_gpu_scratch(void *run, int64_t number, int64_t bytes);
/// The copy of a table of constants at an address of the host.
int64_t rnnc_rt_gpu_constant(void *run, int64_t host, int64_t bytes);
rnnc_context *rnnc_rt_context_create(const rnnc_context_options *options,
                                     rnnc_error *error);
void rnnc_rt_context_destroy(rnnc_context *ctx);
size_t rnnc_rt_params_size(int32_t module);
int32_t rnnc_rt_params_init(int32_t module, rnnc_params *params, size_t bytes,
                            uint64_t seed, rnnc_error *error);
void *rnnc_rt_params_data(int32_t module, rnnc_params *params,
                          int32_t parameter);
const void *rnnc_rt_params_data_const(int32_t module, const rnnc_params *params,
                                      int32_t parameter);
int32_t rnnc_rt_params_load(int32_t module, rnnc_params *params,
                            const void *file, size_t bytes, rnnc_error *error);
int32_t rnnc_rt_params_load_file(int32_t module, rnnc_params *params,
                                 const char *path, rnnc_error *error);
size_t rnnc_rt_params_save_size(int32_t module);
int32_t rnnc_rt_params_save(int32_t module, const rnnc_params *params,
                            void *safetensors, size_t bytes, rnnc_error *error);
int32_t rnnc_rt_params_save_file(int32_t module, const rnnc_params *params,
                                 const char *path, rnnc_error *error);
const rnnc_params *rnnc_rt_params_baked(int32_t module);
int32_t rnnc_rt_params_init_baked(int32_t module, rnnc_params *params,
                                  size_t bytes, rnnc_error *error);
const void *rnnc_rt_params_find(int32_t module, const rnnc_params *params,
                                const char *name, rnnc_tensor *info);
const void *rnnc_rt_optimizer_find(int32_t module,
                                   const rnnc_optimizer *optimizer,
                                   int32_t slot, const char *name,
                                   rnnc_tensor *info);
const void *rnnc_rt_stream_find(int32_t module, const rnnc_stream *stream,
                                const char *name, rnnc_tensor *info);
rnnc_session *rnnc_rt_open(int32_t module, const char *path, int32_t batch,
                           const rnnc_context_options *options,
                           rnnc_error *error);
int32_t rnnc_rt_reserve(int32_t module, rnnc_session *session, size_t bytes,
                        rnnc_error *error);
void rnnc_rt_close(int32_t module, rnnc_session *session);
size_t rnnc_rt_prepared_size(const rnnc_context *ctx, int32_t module);
int32_t rnnc_rt_prepare(const rnnc_context *ctx, int32_t module,
                        const rnnc_params *params, rnnc_prepared *prepared,
                        size_t bytes, rnnc_error *error);
size_t rnnc_rt_optimizer_size(int32_t module);
int32_t rnnc_rt_optimizer_init(int32_t module, rnnc_optimizer *optimizer,
                               size_t bytes, rnnc_error *error);
void *rnnc_rt_optimizer_slot(int32_t module, rnnc_optimizer *optimizer,
                             int32_t slot);
const void *rnnc_rt_optimizer_slot_const(int32_t module,
                                         const rnnc_optimizer *optimizer,
                                         int32_t slot);
rnnc_optimizer_counters *rnnc_rt_optimizer_counters(int32_t module,
                                                    rnnc_optimizer *optimizer);
const rnnc_optimizer_counters *
rnnc_rt_optimizer_counters_const(int32_t module,
                                 const rnnc_optimizer *optimizer);
size_t rnnc_rt_carry_size(int32_t module, int32_t batch);
int32_t rnnc_rt_carry_init(int32_t module, rnnc_carry *carry, size_t bytes,
                           int32_t batch, rnnc_error *error);
void *rnnc_rt_carry_state(int32_t module, rnnc_carry *carry, int32_t state);
size_t rnnc_rt_stream_size(int32_t module, int32_t batch);
int32_t rnnc_rt_stream_init(const rnnc_context *ctx, int32_t module,
                            const rnnc_params *params, rnnc_stream *stream,
                            size_t bytes, int32_t batch, rnnc_error *error);
void *rnnc_rt_stream_state(int32_t module, rnnc_stream *stream, int32_t state);
const void *rnnc_rt_stream_state_const(int32_t module,
                                       const rnnc_stream *stream,
                                       int32_t state);
int32_t rnnc_rt_stream_reset(int32_t module, rnnc_stream *stream,
                             const int32_t *rows, rnnc_error *error);
int32_t rnnc_rt_stream_copy(int32_t module, rnnc_stream *to, size_t bytes,
                            const rnnc_stream *from, rnnc_error *error);
int32_t rnnc_rt_stream_batch(int32_t module, const rnnc_stream *stream);
int32_t rnnc_rt_stream_load(int32_t module, rnnc_stream *stream, size_t bytes,
                            const void *saved, size_t saved_bytes,
                            rnnc_error *error);
size_t rnnc_rt_workspace_size(const rnnc_context *ctx, int32_t module,
                              int32_t function, int32_t batch,
                              const int32_t *times);
size_t rnnc_rt_prepared_workspace_size(const rnnc_context *ctx, int32_t module,
                                       int32_t function, int32_t batch,
                                       const int32_t *times);
int32_t rnnc_rt_call(const rnnc_context *ctx, int32_t module, int32_t function,
                     const rnnc_call *call);
int32_t rnnc_rt_describe(rnnc_library *library);
}

#endif // RNNC_LIB_RUNTIME_RUNTIME_H
