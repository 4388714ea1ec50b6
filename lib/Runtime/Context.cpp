// Context.cpp: a context's team and the choice of the code variant.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Runtime.h"

#include "Device.h"
#include "Processor.h"
#include "Team.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rnnc_context {
  uint64_t magic;
  int32_t variant;
  int32_t threads;
  rnnc_task_fn tasks;
  void *tasksUser;
  rnnc::rt::Team *team;     // null: the caller alone
  rnnc::rt::Device *device; // null: the processor
  pid_t process;            // that has the team: a child after a fork has none
};

namespace rnnc::rt {

/// Position of the wanted variant, or of the best one this machine can run;
/// -1 if there is none.
static int32_t chooseVariant(const char *wanted) {
  int64_t level = processorLevel();
  bool any = !wanted || !*wanted || !strcmp(wanted, "native");
  const LibraryDesc &lib = rnnc_rt_library;
  for (int32_t v = lib.numVariants - 1; v >= 0; --v) {
    if (lib.variants[v].level > level)
      continue;
    if (any || !strcmp(wanted, lib.variants[v].name))
      return v;
  }
  return -1;
}

/// The number in "gpu:NUMBER", 0 for "gpu"; -1 for what is none of them.
static int32_t deviceNumber(const char *wanted) {
  if (!wanted || strncmp(wanted, "gpu", 3) || (wanted[3] && wanted[3] != ':'))
    return -1;
  if (!wanted[3])
    return 0;
  int32_t number = 0;
  const char *at = wanted + 4;
  if (!*at)
    return -1;
  for (; *at; ++at) {
    if (*at < '0' || *at > '9' || number > 9999)
      return -1;
    number = 10 * number + (*at - '0');
  }
  return number;
}

static int32_t openDevice(int32_t number, void *&device, rnnc_error *error) {
  const GpuDesc *gpu = rnnc_rt_library.gpu;
  if (!gpu)
    return fail(error, RNNC_ERR_UNSUPPORTED, -1, "variant", -1, -1, -1,
                "the library has no code for GPUs: --target=cpu,nvptx64 makes "
                "it");
  device = gpu->open(number, error);
  return device ? int32_t(RNNC_OK) : int32_t(RNNC_ERR_DEVICE);
}

static int32_t noVariant(const char *wanted, rnnc_error *error) {
  if (!wanted || !*wanted)
    return fail(error, RNNC_ERR_UNSUPPORTED, -1, "variant", -1, -1, -1,
                "this processor can run no code of the library, which needs "
                "at least `%s`",
                rnnc_rt_library.variants[0].name);
  const LibraryDesc &lib = rnnc_rt_library;
  for (int32_t v = 0; v < lib.numVariants; ++v)
    if (!strcmp(wanted, lib.variants[v].name))
      return fail(error, RNNC_ERR_UNSUPPORTED, -1, "variant", -1, -1, -1,
                  "this processor cannot run the code `%s`", wanted);
  return fail(error, RNNC_ERR_UNSUPPORTED, -1, "variant", -1, -1, -1,
              "the library has no code `%s`", wanted);
}

static int32_t checkOptions(const rnnc_context_options &options,
                            rnnc_error *error) {
  if (!isStructSize(options.size, kOptionsBytes))
    return fail(
        error, RNNC_ERR_ARGUMENT, -1, "size", -1, -1, int64_t(options.size),
        "%lld is no size of an rnnc_context_options", (long long)options.size);
  size_t unknown = unknownByte(&options, options.size, kOptionsBytes);
  if (unknown != SIZE_MAX)
    return fail(error, RNNC_ERR_UNSUPPORTED, -1, "options", -1, -1,
                int64_t(unknown),
                "the options ask for what this library does not have: byte "
                "%lld of them is not 0",
                (long long)unknown);
  if (options.threads < 0)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "threads", -1, -1,
                options.threads, "the number of threads is negative: %d",
                options.threads);
  return RNNC_OK;
}

int variantOf(const rnnc_context *ctx) {
  return ctx && isAligned(ctx) && ctx->magic == kContextMagic ? ctx->variant
                                                              : -1;
}

Device *deviceOf(const rnnc_context *ctx) {
  return variantOf(ctx) < 0 ? nullptr : ctx->device;
}

int32_t failDevice(const Call &call) {
  const Device *d = deviceOf(call.run.ctx);
  rnnc_error *error = call.c->error;
  fail(error, RNNC_ERR_DEVICE, -1, "device", -1, -1, d->number, "device %d: %s",
       d->number, d->message);
  if (error && error->size > kErrorBytes) {
    error->device = d->number;
    error->device_code = d->code;
  }
  return RNNC_ERR_DEVICE;
}

int32_t checkNewest(const rnnc_context *ctx, const void *object,
                    rnnc_error *error) {
  const void *where = static_cast<const Header *>(object)->of;
  Device *d = deviceOf(ctx);
  if (!where || (where == d && d->calls->holds(d, object)))
    return RNNC_OK;
  bool isStream = static_cast<const Header *>(object)->magic == kStreamMagic;
  return fail(
      error, RNNC_ERR_STATE, -1, isStream ? "stream" : "params", -1, -1, -1,
      isStream ? "newer states of the stream are on the GPU of another "
                 "context: gpu_stream_fetch brings them"
               : "newer values of these parameters are on the GPU of another "
                 "context: gpu_fetch brings them");
}

bool bringNewest(Call &call) {
  Device *d = deviceOf(call.run.ctx);
  if (!reinterpret_cast<const Header *>(call.c->params)->of || !d)
    return true;
  call.run.failed =
      d->training->fetch(d, call.c->params, /*slots=*/false, call.c->error);
  return !call.run.failed;
}

void placeOnDevice(Call &call, DevicePart part, const void *place,
                   size_t bytes) {
  bool stays = part == DevicePart::States ? call.streamThere != nullptr
                                          : call.resident != nullptr;
  if (stays && place)
    deviceOf(call.run.ctx)->calls->place(call, part, place, bytes);
}

bool beginDevice(Call &call) {
  Device *d = deviceOf(call.run.ctx);
  return !d || d->calls->begin(call);
}

void finishDevice(Call &call) {
  if (Device *d = deviceOf(call.run.ctx))
    d->calls->finish(call);
}

void giveResult(Call &call, void *to, const void *from, size_t bytes) {
  if (call.argsThere)
    deviceOf(call.run.ctx)->calls->give(call, to, from, bytes);
  else if (from)
    memcpy(to, from, bytes);
  else
    memset(to, 0, bytes);
}

void changedOnHost(const Call &call, const void *host, size_t bytes) {
  if (Device *d = deviceOf(call.run.ctx))
    d->renew(d, host, bytes);
}

/// True in the process that started the team. Elsewhere its threads are gone,
/// and locks may be held by threads that are gone, too.
static bool hasTeam(const rnnc_context *ctx) {
  return ctx->team && ctx->process == getpid();
}

/// A task for a caller's function: its threads have a state of their own.
struct Task {
  void (*body)(void *, int64_t);
  void *data;
};

static void runTask(void *task, int64_t i) {
  auto *t = static_cast<const Task *>(task);
  FloatGuard guard(kKernelFloats);
  t->body(t->data, i);
}

static void runOnTasks(const CallSite &run, int64_t n,
                       void (*body)(void *, int64_t), void *data) {
  Task task{body, data};
  FloatGuard guard(run.caller);
  run.ctx->tasks(run.ctx->tasksUser, n, runTask, &task);
}

/// Work that is worth handing to a caller's function, which may wake threads
/// each time: some 40 us.
constexpr int64_t kWorthTasks = int64_t(1) << 17;

/// Work of a call that is worth waking a team that sleeps. Where it took 40 us
/// (a virtual machine with two processors), a call of 70 us lost by it.
constexpr int64_t kWorthWaking = int64_t(1) << 17;

static Team *teamOf(CallSite &run) {
  if (!run.isKnown) {
    run.isKnown = true;
    run.team = hasTeam(run.ctx) ? run.ctx->team : nullptr;
  }
  return run.team;
}

/// A call that has had little to do does not wake who sleeps.
static bool helps(CallSite &run, int64_t work) {
  Team *team = teamOf(run);
  run.work += work;
  return team && (run.work >= kWorthWaking || isAwake(team));
}

} // namespace rnnc::rt

using namespace rnnc::rt;

/// Hands parts out; false: whoever asks has to do them.
static bool handOut(CallSite &run, int64_t n, void (*body)(void *, int64_t),
                    void *data, int64_t work) {
  if (n > 1 && run.ctx->tasks && work >= kWorthTasks) {
    runOnTasks(run, n, body, data);
    return true;
  }
  return n > 1 && run.ctx->team && helps(run, work) &&
         runOnTeam(run.team, n, body, data);
}

extern "C" void rnnc_rt_parallel_for(void *run, int64_t n,
                                     void (*body)(void *, int64_t), void *data,
                                     int64_t work) {
  if (handOut(*static_cast<CallSite *>(run), n, body, data, work))
    return;
  for (int64_t i = 0; i < n; ++i)
    body(data, i);
}

namespace {
/// The parts of a loop.
struct LoopParts {
  void (*body)(void *, int64_t, int64_t);
  void *data;
  int64_t share, trips;
};
} // namespace

static void runPart(void *parts, int64_t i) {
  auto *of = static_cast<const LoopParts *>(parts);
  int64_t from = i * of->share, left = of->trips - from;
  of->body(of->data, from, from + (left < of->share ? left : of->share));
}

extern "C" void rnnc_rt_cut_loop(void *run, int64_t trips, int64_t tasks,
                                 void (*body)(void *, int64_t, int64_t),
                                 void *data, int64_t work) {
  if (trips <= 0)
    return;
  int64_t share = (trips - 1) / tasks + 1;
  LoopParts parts{body, data, share, trips};
  // Who is alone takes all at once: where odd steps take panels of weights from
  // the last to the first, those of the other end are still in the cache.
  if (!handOut(*static_cast<CallSite *>(run), (trips - 1) / share + 1, runPart,
               &parts, work))
    body(data, 0, trips);
}

extern "C" int64_t rnnc_rt_members(void *run) {
  auto &of = *static_cast<CallSite *>(run);
  if (of.ctx->tasks)
    return 2;
  const Team *team = of.ctx->team ? teamOf(of) : nullptr;
  return team ? team->members : 1;
}

size_t rnnc_rt_context_size(void) { return sizeof(rnnc_context); }

int32_t rnnc_rt_context_init(rnnc_context *ctx, size_t bytes,
                             const rnnc_context_options *options,
                             rnnc_error *error) {
  if (int32_t status =
          checkMemory(error, "context", ctx, bytes, sizeof(rnnc_context)))
    return status;
  if (options)
    if (int32_t status = checkOptions(*options, error))
      return status;
  const char *wanted = options ? options->variant : nullptr;
  int32_t number = deviceNumber(wanted);
  void *device = nullptr;
  if (number >= 0)
    if (int32_t status = openDevice(number, device, error))
      return status;
  int32_t variant =
      device ? rnnc_rt_library.numVariants - 1 : chooseVariant(wanted);
  if (variant < 0)
    return noVariant(wanted, error);
  memset(static_cast<void *>(ctx), 0, sizeof(rnnc_context));
  ctx->device = static_cast<Device *>(device);
  ctx->variant = variant;
  int32_t threads = options && options->threads > 1 ? options->threads : 1;
  ctx->threads = threads < kMaxThreads ? threads : kMaxThreads;
  ctx->tasks = options ? options->tasks : nullptr;
  ctx->tasksUser = options ? options->tasks_user : nullptr;
  if (!ctx->tasks && ctx->threads > 1) {
    ctx->team = startTeam(ctx->threads);
    ctx->process = getpid();
  }
  ctx->magic = kContextMagic;
  return succeed(error);
}

void rnnc_rt_context_finish(rnnc_context *ctx) {
  if (variantOf(ctx) < 0)
    return;
  ctx->magic = 0;
  if (ctx->device)
    ctx->device->finish(ctx->device);
  ctx->device = nullptr;
  if (hasTeam(ctx))
    finishTeam(ctx->team);
  else if (ctx->team)
    forgetTeam(ctx->team);
  ctx->team = nullptr;
}

const char *rnnc_rt_context_variant(const rnnc_context *ctx) {
  int variant = variantOf(ctx);
  return variant < 0 ? "" : rnnc_rt_library.variants[variant].name;
}

rnnc_context *rnnc_rt_context_create(const rnnc_context_options *options,
                                     rnnc_error *error) {
  void *memory = aligned_alloc(kAlign, alignUp(sizeof(rnnc_context)));
  if (!memory) {
    fail(error, RNNC_ERR_WORKSPACE, -1, "context", -1, -1,
         int64_t(sizeof(rnnc_context)), "there is no memory for a context");
    return nullptr;
  }
  auto *ctx = static_cast<rnnc_context *>(memory);
  if (rnnc_rt_context_init(ctx, sizeof(rnnc_context), options, error)) {
    free(memory);
    return nullptr;
  }
  return ctx;
}

void rnnc_rt_context_destroy(rnnc_context *ctx) {
  rnnc_rt_context_finish(ctx);
  free(ctx);
}
