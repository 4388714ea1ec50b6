// Call.cpp: the one way into every function of a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call is checked, its buffers are placed in the workspace, its entry runs.
// The size query walks the same code with a null base.
#include "Device.h"

#include <string.h>

namespace rnnc::rt {

constexpr int kMaxDims = kMaxTimes + 1; // and the batch

static void entryDims(const Call &call, const EntryDesc &entry, int64_t *dims) {
  for (int32_t i = 0; i < entry.numDims && i < kMaxDims; ++i)
    dims[i] = extent(call, entry.dims[i]);
}

static const int32_t *askedResets(const Call &call) {
  if (!(call.f->uses & UsesValues))
    return nullptr;
  for (int32_t i = 0; i < call.f->numArgs; ++i)
    if (call.f->args[i].role == RoleReset)
      return static_cast<const int32_t *>(call.c->args[i]);
  return nullptr;
}

/// What a carry or stream holds is read where it is.
void placeStates(Call &call, Bump &bump) {
  if (!(call.f->uses & UsesStates))
    return;
  const ModuleDesc &m = *call.m;
  size_t row = size_t(call.batch) * 4;
  call.stateBytes = stateOffset(m, m.numStates, call.batch);
  call.statesOut = static_cast<char *>(bump.take(call.stateBytes));
  call.prevOut = static_cast<int32_t *>(bump.take(row));
  placeOnDevice(call, DevicePart::States, call.statesOut, call.stateBytes);
  if (StateView &kept = call.state; kept.states) {
    call.statesIn = kept.states;
    call.prevIn = kept.prev;
    call.reset = kept.fresh;
  } else {
    call.statesIn = static_cast<char *>(bump.take(call.stateBytes));
    call.prevIn = static_cast<int32_t *>(bump.take(row));
  }
  if (!call.reset || askedResets(call))
    call.reset = static_cast<int32_t *>(bump.take(row));
}

/// First states where there is no carry.
void loadStates(Call &call) {
  if (!(call.f->uses & UsesStates))
    return;
  const int32_t *asked = askedResets(call);
  const StateView &kept = call.state;
  if (!kept.states)
    memset(call.statesIn, 0, call.stateBytes);
  for (int64_t b = 0; b < call.batch; ++b) {
    if (!kept.states)
      call.prevIn[b] = call.m->firstPrev;
    if (call.reset != kept.fresh)
      call.reset[b] = !kept.states || kept.fresh[b] || (asked && asked[b]);
    call.prevOut[b] = call.prevIn[b];
  }
}

/// The chunk is over: its last states and last true elements go on. A row
/// that should have begun anew but had no step still has to.
void storeStates(Call &call) {
  StateView &kept = call.state;
  if (!kept.states || !(call.f->uses & UsesStates))
    return;
  if (call.streamThere)
    deviceOf(call.run.ctx)->calls->commit(call);
  else
    memcpy(kept.states, call.statesOut, call.stateBytes);
  for (int64_t b = 0; b < call.batch; ++b) {
    int64_t steps = call.f->numTimes ? 0 : 1;
    for (int32_t t = 0; t < call.f->numTimes; ++t)
      if (!call.lengthArgs[t] || call.lengthArgs[t]->rank == 1)
        steps += call.lengths[t][b];
    kept.prev[b] = call.prevOut[b];
    kept.fresh[b] = call.reset[b] && steps == 0;
  }
}

/// There is room for what is NULL: zeros for an input, a result that nobody
/// reads.
static void *bindUser(Call &call, const EntryArgDesc &arg, Bump &bump) {
  const ArgDesc &user = call.f->args[arg.index];
  bool isResult = user.role >= RoleLoss;
  void *given = call.c ? call.c->args[arg.index] : nullptr;
  if (given || (!user.optional && !isResult))
    return given;
  size_t bytes = bytesOf(call, arg.shape, arg.rank, arg.dtype);
  void *place = bump.take(bytes);
  if (place && !isResult)
    memset(place, 0, bytes);
  return place;
}

/// A place that is not there, as in a size query, has nothing behind it.
static char *behind(char *base, size_t offset) {
  return base ? base + offset : nullptr;
}

static void *bindArg(Call &call, const EntryArgDesc &arg, Bump &bump) {
  const ModuleDesc &m = *call.m;
  switch (arg.source) {
  case SrcUser:
    return bindUser(call, arg, bump);
  case SrcNothing:
    return nullptr;
  case SrcParam:
    return call.c ? paramPlace(call, m.params[arg.index]) : nullptr;
  case SrcLengths:
    return call.c ? const_cast<int32_t *>(call.lengths[arg.index]) : nullptr;
  case SrcStateIn:
    return behind(call.statesIn, stateOffset(m, arg.index, call.batch));
  case SrcStateOut:
    return behind(call.statesOut, stateOffset(m, arg.index, call.batch));
  case SrcPrev:
    return call.feed ? call.feed : call.prevIn;
  case SrcReset:
    return call.reset;
  case SrcSeed:
    return call.seedPair;
  case SrcGrad:
    return behind(call.gradArena,
                  size_t(m.params[arg.index].offset) * realSize());
  case SrcParams:
    return call.c ? paramsArena(call.c->params) : nullptr;
  case SrcGrads:
    return call.gradArena;
  case SrcSlot:
    return call.c ? optimizerSlot(call.module, call.c->optimizer, arg.index)
                  : nullptr;
  case SrcNewParams:
    return call.newParams;
  case SrcNewSlot:
    // The arena's own stride: it may be longer than what the update covers.
    return behind(call.newSlots,
                  size_t(arg.index) * alignUp(size_t(m.arena) * realSize()));
  case SrcScalars:
    return call.scalars;
  case SrcMarks:
    return reinterpret_cast<char *>(marksOf(call, arg.index));
  case SrcNorm:
    return call.norm;
  case SrcFinite:
    return call.finite;
  case SrcGiven: {
    static const int32_t flags[2] = {0, 1};
    bool given = call.c && call.c->args[arg.index];
    return const_cast<int32_t *>(&flags[given]);
  }
  case SrcPrepared:
    return call.panels;
  case SrcPrevOut:
    return call.prevOut;
  case SrcProbabilities:
    return call.probabilities;
  case SrcKept:
  case SrcStep:
    return call.kept ? call.kept[arg.index] : nullptr;
  case SrcFeed:
    return call.feed;
  case SrcDrawn:
    return call.drawn;
  default: {
    // A place of its own: zeros, or a result that nobody reads.
    size_t bytes = bytesOf(call, arg.shape, arg.rank, arg.dtype);
    void *place = bump.take(bytes);
    if (place)
      memset(place, 0, bytes);
    return place;
  }
  }
}

void **bindEntry(Call &call, const EntryDesc &entry, Bump &bump) {
  auto **args =
      static_cast<void **>(bump.take(size_t(entry.numArgs) * sizeof(void *)));
  for (int32_t i = 0; i < entry.numArgs; ++i) {
    void *place = bindArg(call, entry.args[i], bump);
    if (args)
      args[i] = place;
  }
  return args;
}

void runEntry(Call &call, const EntryDesc &entry, void **args, Bump &bump) {
  int64_t dims[kMaxDims];
  entryDims(call, entry, dims);
  Bump own = bump; // entries run one after another in the same place
  void *place = own.take(size_t(entry.workspace[call.variant](dims)));
  if (!call.c) {
    if (own.used > bump.used)
      bump.used = own.used;
    return;
  }
  entry.code[call.variant](args, dims, place, &call.run);
}

/// Lengths that were not given are the padded length.
static void placeLengths(Call &call, Bump &bump) {
  for (int32_t t = 0; t < call.f->numTimes; ++t) {
    size_t count = multiplySizes(size_t(call.batch), lengthsEach(call, t));
    auto *full = static_cast<int32_t *>(bump.take(multiplySizes(count, 4)));
    if (call.lengths[t])
      continue;
    for (size_t i = 0; full && i < count; ++i)
      full[i] = call.times[t];
    call.lengths[t] = full;
  }
}

static void plan(Call &call, Bump &bump) {
  placeLengths(call, bump);
  switch (call.f->kind) {
  case KindTrainStep:
    return planTrainStep(call, bump);
  case KindSample:
    return planSample(call, bump);
  case KindDraw:
    return planDraw(call, bump);
  case KindDrawEach:
    return planDrawEach(call, bump);
  default: {
    placePanels(call, bump);
    placeStates(call, bump);
    void **args = bindEntry(call, *call.f->entry, bump);
    runEntry(call, *call.f->entry, args, bump);
  }
  }
}

static size_t workspaceBytes(const rnnc_context *ctx, int32_t module,
                             int32_t function, int64_t batch,
                             const int32_t *times, bool hasPrepared) {
  Call call(ctx, module, nullptr);
  call.hasPrepared = hasPrepared;
  if (!begin(call, function, batch, times))
    return SIZE_MAX;
  if (call.f->kind == KindSample && !canSample(call))
    return SIZE_MAX;
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    if (!heldSize(addSizes(1, bytesOf(call, arg.shape, arg.rank, arg.dtype))))
      return SIZE_MAX;
  }
  Bump bump{nullptr};
  plan(call, bump);
  // Room to align the caller's memory.
  return addSizes(alignUp(bump.used), kAlign);
}

static size_t workspaceOf(const Call &call) {
  return workspaceBytes(call.run.ctx, call.module,
                        int32_t(call.f - call.m->functions), call.batch,
                        call.times, call.hasPrepared);
}

/// Refuses a workspace, with the size that is good for every such call.
static int32_t refuseWorkspace(const Call &call) {
  const rnnc_call *c = call.c;
  size_t need = workspaceOf(call);
  if (heldSize(need) == 0)
    return fail(c->error, RNNC_ERR_ARGUMENT, -1, "workspace", -1, -1, -1,
                "the workspace of `%s` for these sizes cannot be held",
                call.f->name);
  return fail(c->error, c->workspace ? RNNC_ERR_WORKSPACE : RNNC_ERR_ARGUMENT,
              -1, "workspace", -1, -1, int64_t(need),
              "`%s` needs a workspace of %lld bytes", call.f->name,
              (long long)need);
}

static bool fits(const Call &call, size_t used) {
  return call.c->workspace &&
         addSizes(alignUp(used), kAlign) <= call.c->workspace_bytes;
}

/// One entry with nothing to pack: whether the workspace is large enough shows
/// while it is laid out.
static int32_t runEntryOnce(Call &call, Bump &bump) {
  const EntryDesc &entry = *call.f->entry;
  placeLengths(call, bump);
  placePanels(call, bump);
  placeStates(call, bump);
  void **args = bindEntry(call, entry, bump);
  int64_t dims[kMaxDims];
  entryDims(call, entry, dims);
  void *place = bump.take(size_t(entry.workspace[call.variant](dims)));
  if (!fits(call, bump.used))
    return refuseWorkspace(call);
  succeed(call.c->error);
  preferLargePages(bump.base, bump.used);
  loadStates(call);
  entry.code[call.variant](args, dims, place, &call.run);
  if (call.run.failed)
    return failDevice(call);
  storeStates(call);
  return RNNC_OK;
}

static int32_t runPlanned(Call &call, Bump &bump) {
  size_t need = workspaceOf(call);
  if (!call.c->workspace || call.c->workspace_bytes < need ||
      heldSize(need) == 0)
    return refuseWorkspace(call);
  succeed(call.c->error);
  preferLargePages(bump.base, need);
  switch (call.f->kind) {
  case KindTrainStep:
    placeLengths(call, bump);
    return runTrainStep(call, bump);
  case KindSample:
    placeLengths(call, bump);
    return runSample(call, bump);
  case KindDraw:
    placeLengths(call, bump);
    return runDraw(call, bump);
  case KindDrawEach:
    placeLengths(call, bump);
    return runDrawEach(call, bump);
  default:
    return runEntryOnce(call, bump);
  }
}

/// Results of nothing are 0; rows that should begin anew still have to.
static int32_t runNothing(Call &call) {
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    if (arg.role >= RoleLoss && call.c->args[i])
      giveResult(call, call.c->args[i], nullptr,
                 bytesOf(call, arg.shape, arg.rank, arg.dtype));
  }
  const int32_t *asked = askedResets(call);
  for (int32_t b = 0; asked && b < call.state.batch; ++b)
    call.state.fresh[b] |= asked[b];
  if (call.f->kind == KindTrainStep)
    ++rnnc_rt_optimizer_counters(call.module, call.c->optimizer)->empty;
  for (int32_t p = 0; p < call.m->numParams && call.c->norms; ++p)
    call.c->norms[p] = 0;
  return succeed(call.c->error);
}

static int32_t runCall(Call &call) {
  const rnnc_call *c = call.c;
  if (nothingHappens(call)) {
    int32_t status = runNothing(call);
    bool ends = call.f->kind == KindTrainStep && call.m->accumulate > 1;
    if (!ends)
      return status;
    call.nothing = true;
  }
  // A negative seed stands for none.
  bool none = call.f->optionalSeed && !c->has_seed;
  call.seedPair[0] = none ? -1 : int64_t(c->seed & INT64_MAX);
  Bump bump{reinterpret_cast<char *>(
      alignUp(reinterpret_cast<uintptr_t>(c->workspace)))};
  size_t skipped = size_t(bump.base - static_cast<char *>(c->workspace));
  bump.limit = c->workspace_bytes > skipped ? c->workspace_bytes - skipped : 0;
  bool once = (call.f->kind == KindPlain || call.f->kind == KindStep) &&
              (c->prepared || !(call.f->uses & UsesPanels));
  return once ? runEntryOnce(call, bump) : runPlanned(call, bump);
}

/// Out of line: it runs in the floating-point state of kernels.
__attribute__((noinline)) static int32_t guardedCall(Call &call) {
  if (int32_t status = checkCall(call))
    return status;
  if (!beginDevice(call)) {
    finishDevice(call);
    return failDevice(call);
  }
  int32_t status = runCall(call);
  if (!status && call.run.failed)
    status = failDevice(call);
  finishDevice(call);
  return status;
}

/// Refuses what a caller of a later version may ask for, or of a device where
/// there is none.
static int32_t checkUnknown(const rnnc_context *ctx, const rnnc_call *c) {
  bool onDevice = c->size >= kDeviceCallBytes && deviceOf(ctx);
  size_t unknown =
      unknownByte(c, c->size, onDevice ? kDeviceCallBytes : kCallBytes);
  if (unknown == SIZE_MAX)
    return RNNC_OK;
  return fail(c->error, RNNC_ERR_UNSUPPORTED, -1, "call", -1, -1,
              int64_t(unknown),
              "the call asks for what this library does not have: byte %lld of "
              "it is not 0",
              (long long)unknown);
}

/// Out of line: the short way needs no such frame.
__attribute__((noinline)) static int32_t longCall(const rnnc_context *ctx,
                                                  int32_t module,
                                                  int32_t function,
                                                  const rnnc_call *c) {
  if (int32_t status = checkContext(c->error, ctx))
    return status;
  Call call(ctx, module, c);
  if (!begin(call, function, c->batch, c->times))
    return fail(c->error, RNNC_ERR_UNSUPPORTED, -1, "", -1, -1, -1,
                "the library has no such function");
  FloatGuard guard(kKernelFloats);
  call.run.caller = guard.before;
  return guardedCall(call);
}

} // namespace rnnc::rt

using namespace rnnc::rt;

static size_t checkedWorkspace(const rnnc_context *ctx, int32_t module,
                               int32_t function, int32_t batch,
                               const int32_t *times, bool hasPrepared) {
  const ModuleDesc *m = moduleAt(module);
  if (!m || function < 0 || function >= m->numFunctions || variantOf(ctx) < 0 ||
      batch < 0)
    return 0;
  for (int32_t t = 0; t < m->functions[function].numTimes; ++t)
    if (!times || times[t] < 0)
      return 0;
  return heldSize(
      workspaceBytes(ctx, module, function, batch, times, hasPrepared));
}

size_t rnnc_rt_workspace_size(const rnnc_context *ctx, int32_t module,
                              int32_t function, int32_t batch,
                              const int32_t *times) {
  return checkedWorkspace(ctx, module, function, batch, times, false);
}

size_t rnnc_rt_prepared_workspace_size(const rnnc_context *ctx, int32_t module,
                                       int32_t function, int32_t batch,
                                       const int32_t *times) {
  return checkedWorkspace(ctx, module, function, batch, times, true);
}

int32_t rnnc_rt_call(const rnnc_context *ctx, int32_t module, int32_t function,
                     const rnnc_call *c) {
  // Where its errors go is not known either.
  if (!c || !isStructSize(c->size, kCallBytes))
    return RNNC_ERR_ARGUMENT;
  if (c->size > kCallBytes)
    if (int32_t status = checkUnknown(ctx, c))
      return status;
  int32_t variant = variantOf(ctx);
  const ModuleDesc *m = moduleAt(module);
  if (variant >= 0 && m && function >= 0 && function < m->numFunctions) {
    const FunctionDesc &f = m->functions[function];
    if (f.straight && !isDevice(variant) &&
        straightCall(ctx, variant, module, f, c))
      return RNNC_OK;
  }
  return longCall(ctx, module, function, c);
}
