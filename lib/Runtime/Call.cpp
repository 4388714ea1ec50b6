// Call.cpp: the one way into every function of a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call is checked, its buffers are placed in the workspace, its entry runs.
// The size query walks the same code with a null base.
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

constexpr int kMaxDims = 16;

static int64_t extent(const Call &call, int64_t dim) {
  if (dim == kBatch)
    return call.batch;
  return dim <= kTime ? call.times[kTime - dim] : dim;
}

int64_t countOf(const Call &call, const int64_t *shape, int32_t rank) {
  int64_t n = 1;
  for (int32_t i = 0; i < rank; ++i)
    n *= extent(call, shape[i]);
  return n;
}

static void entryDims(const Call &call, const EntryDesc &entry, int64_t *dims) {
  for (int32_t i = 0; i < entry.numDims && i < kMaxDims; ++i)
    dims[i] = extent(call, entry.dims[i]);
}

void placeStates(Call &call, Bump &bump) {
  const ModuleDesc &m = *call.m;
  size_t bytes = stateOffset(m, m.numStates, call.batch);
  call.statesIn = static_cast<char *>(bump.take(bytes));
  call.statesOut = static_cast<char *>(bump.take(bytes));
  call.reset = static_cast<int32_t *>(bump.take(size_t(call.batch) * 4));
  call.prevIn = static_cast<int32_t *>(bump.take(size_t(call.batch) * 4));
  call.prevOut = static_cast<int32_t *>(bump.take(size_t(call.batch) * 4));
}

/// First states where there is no carry, what the carry holds otherwise.
void loadStates(Call &call) {
  const ModuleDesc &m = *call.m;
  const int32_t *asked = nullptr;
  for (int32_t i = 0; i < call.f->numArgs; ++i)
    if (call.f->args[i].role == RoleReset)
      asked = static_cast<const int32_t *>(call.c->args[i]);
  bool kept = call.state.states != nullptr;
  for (int64_t b = 0; b < call.batch; ++b) {
    call.reset[b] = !kept || call.state.fresh[b] || (asked && asked[b]);
    call.prevIn[b] = kept ? call.state.prev[b] : m.firstPrev;
    call.prevOut[b] = call.prevIn[b];
  }
  size_t bytes = stateOffset(m, m.numStates, call.batch);
  if (kept)
    memcpy(call.statesIn, call.state.states, bytes);
  else
    memset(call.statesIn, 0, bytes);
}

/// The chunk is over: its last states and last true elements go on. A row
/// that should have begun anew but had no step still has to.
void storeStates(Call &call) {
  const ModuleDesc &m = *call.m;
  if (!call.state.states)
    return;
  memcpy(call.state.states, call.statesOut,
         stateOffset(m, m.numStates, call.batch));
  for (int64_t b = 0; b < call.batch; ++b) {
    int64_t steps = call.f->numTimes ? 0 : 1;
    for (int32_t t = 0; t < call.f->numTimes; ++t)
      steps += call.lengths[t][b];
    call.state.prev[b] = call.prevOut[b];
    call.state.fresh[b] = call.reset[b] && steps == 0;
  }
}

static void *bindArg(Call &call, const EntryArgDesc &arg, Bump &bump) {
  const ModuleDesc &m = *call.m;
  size_t bytes =
      size_t(countOf(call, arg.shape, arg.rank)) * sizeOf(arg.dtype);
  switch (arg.source) {
  case SrcUser: {
    // An optional argument has a place of its own: zeros, or a result that
    // nobody reads.
    bool optional = call.f->args[arg.index].optional;
    void *place = optional ? bump.take(bytes) : nullptr;
    if (!call.c)
      return nullptr;
    if (void *given = call.c->args[arg.index])
      return given;
    if (place)
      memset(place, 0, bytes);
    return place;
  }
  case SrcParam:
    return call.c ? paramsArena(call.c->params) +
                        size_t(m.params[arg.index].offset) * realSize()
                  : nullptr;
  case SrcLengths:
    return call.c ? const_cast<int32_t *>(call.lengths[arg.index]) : nullptr;
  case SrcStateIn:
    return call.statesIn + stateOffset(m, arg.index, call.batch);
  case SrcStateOut:
    return call.statesOut + stateOffset(m, arg.index, call.batch);
  case SrcPrev:
    return call.feed ? call.feed : call.prevIn;
  case SrcReset:
    return call.reset;
  case SrcSeed:
    return call.seedPair;
  case SrcGrad:
    return call.gradArena + size_t(m.params[arg.index].offset) * realSize();
  case SrcParams:
    return call.c ? paramsArena(call.c->params) : nullptr;
  case SrcGrads:
    return call.gradArena;
  case SrcSlot:
    return call.c
               ? optimizerSlot(call.module, call.c->optimizer, arg.index)
               : nullptr;
  case SrcNewParams:
    return call.newParams;
  case SrcNewSlot:
    // The arena's own stride: it may be longer than what the update covers.
    return call.newSlots +
           size_t(arg.index) * alignUp(size_t(m.arena) * realSize());
  case SrcScalars:
    return call.scalars;
  case SrcNorm:
    return call.norm;
  case SrcFinite:
    return call.finite;
  case SrcGiven: {
    auto *given = static_cast<int32_t *>(bump.take(4));
    if (given)
      *given = call.c->args[arg.index] != nullptr;
    return given;
  }
  case SrcPrepared:
    return call.panels;
  case SrcPrevOut:
    return call.prevOut;
  case SrcProbabilities:
    return call.probabilities;
  default: {
    // A place of its own: zeros, or a result that nobody reads.
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
  int64_t dims[kMaxDims] = {};
  entryDims(call, entry, dims);
  int variant = variantOf(call.ctx);
  Bump own = bump; // entries run one after another in the same place
  void *place = own.take(size_t(entry.workspace[variant](dims)));
  if (!call.c) {
    if (own.used > bump.used)
      bump.used = own.used;
    return;
  }
  entry.code[variant](args, dims, place, call.ctx);
}

/// Lengths that were not given are the padded length.
static void placeLengths(Call &call, Bump &bump, const int32_t **lengths) {
  call.lengths = lengths;
  for (int32_t t = 0; t < call.f->numTimes; ++t) {
    auto *full = static_cast<int32_t *>(bump.take(size_t(call.batch) * 4));
    lengths[t] = full;
    if (!call.c)
      continue;
    for (int64_t b = 0; b < call.batch; ++b)
      full[b] = call.times[t];
    for (int32_t i = 0; i < call.f->numArgs; ++i)
      if (call.f->args[i].role == RoleLengths && call.f->args[i].time == t &&
          call.c->args[i])
        lengths[t] = static_cast<const int32_t *>(call.c->args[i]);
  }
}

static int32_t checkArguments(const Call &call) {
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    if (!call.c->args[i] && !arg.optional &&
        countOf(call, arg.shape, arg.rank) > 0)
      return fail(call.c->error, RNNC_ERR_ARGUMENT, i, arg.name, -1, -1, -1,
                  "the argument `%s` is NULL", arg.name);
  }
  return RNNC_OK;
}

static int32_t checkLengths(const Call &call) {
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    auto *given = static_cast<const int32_t *>(call.c->args[i]);
    if (arg.role != RoleLengths || arg.time < 0 || !given)
      continue;
    for (int64_t b = 0; b < call.batch; ++b)
      if (given[b] < 0 || given[b] > call.times[arg.time])
        return fail(call.c->error, RNNC_ERR_LENGTH, i, arg.name, b, -1,
                    given[b],
                    "length %d of example %lld is not in 0 ... %d (axis %s)",
                    given[b], (long long)b, call.times[arg.time], arg.name);
  }
  return RNNC_OK;
}

/// Where an argmax runs over time, every row has a step.
static int32_t checkNotEmpty(const Call &call) {
  for (int32_t t = 0; t < call.f->numTimes; ++t) {
    if (!(call.f->nonempty >> t & 1))
      continue;
    for (int64_t b = 0; b < call.batch; ++b)
      if (call.lengths[t][b] == 0)
        return fail(call.c->error, RNNC_ERR_EMPTY, -1, call.f->name, b, -1, 0,
                    "example %lld has no step: `%s` takes an argmax over them",
                    (long long)b, call.f->name);
  }
  return RNNC_OK;
}

/// Every index is checked before it is used; padding is not looked at.
static int32_t checkIndices(const Call &call) {
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    auto *data = static_cast<const int32_t *>(call.c->args[i]);
    if (arg.indexSize <= 0 || arg.role >= RoleLoss || !data || arg.rank < 1)
      continue;
    bool timed = arg.rank > 1 && arg.shape[1] <= kTime;
    int64_t t = timed ? kTime - arg.shape[1] : 0;
    int64_t steps = timed ? call.times[t] : 1;
    int64_t inner = countOf(call, arg.shape + (timed ? 2 : 1),
                            arg.rank - (timed ? 2 : 1));
    for (int64_t b = 0; b < call.batch; ++b) {
      int64_t valid = timed ? call.lengths[t][b] : 1;
      const int32_t *row = data + b * steps * inner;
      for (int64_t k = 0; k < valid * inner; ++k)
        if (row[k] < 0 || row[k] >= arg.indexSize)
          return fail(call.c->error, RNNC_ERR_INDEX, i, arg.name, b,
                      timed ? k / inner : -1, row[k],
                      "`%s` is %d in example %lld, step %lld: not in 0 ... "
                      "%lld",
                      arg.name, row[k], (long long)b,
                      (long long)(timed ? k / inner : 0),
                      (long long)(arg.indexSize - 1));
    }
  }
  return RNNC_OK;
}

static void plan(Call &call, Bump &bump) {
  switch (call.f->kind) {
  case KindTrainStep:
    return planTrainStep(call, bump);
  case KindSample:
    return planSample(call, bump);
  default: {
    placePanels(call, bump);
    placeStates(call, bump);
    void **args = bindEntry(call, *call.f->entry, bump);
    runEntry(call, *call.f->entry, args, bump);
  }
  }
}

static int32_t run(Call &call, Bump &bump) {
  switch (call.f->kind) {
  case KindTrainStep:
    return runTrainStep(call, bump);
  case KindSample:
    return runSample(call, bump);
  default: {
    placePanels(call, bump);
    placeStates(call, bump);
    loadStates(call);
    void **args = bindEntry(call, *call.f->entry, bump);
    runEntry(call, *call.f->entry, args, bump);
    storeStates(call);
    return RNNC_OK;
  }
  }
}

/// Finds module and function; fills what does not depend on a call.
static bool begin(Call &call, const rnnc_context *ctx, int32_t module,
                  int32_t function, int64_t batch, const int32_t *times) {
  call.ctx = ctx;
  call.module = module;
  call.m = moduleAt(module);
  if (!call.m || function < 0 || function >= call.m->numFunctions)
    return false;
  call.f = &call.m->functions[function];
  call.batch = batch;
  call.times = times;
  return true;
}

constexpr int kMaxTimes = 16;

static size_t workspaceBytes(const rnnc_context *ctx, int32_t module,
                              int32_t function, int64_t batch,
                              const int32_t *times) {
  Call call;
  memset(static_cast<void *>(&call), 0, sizeof(call));
  if (!begin(call, ctx, module, function, batch, times))
    return SIZE_MAX;
  const int32_t *lengths[kMaxTimes] = {};
  Bump bump{nullptr};
  placeLengths(call, bump, lengths);
  plan(call, bump);
  // Room to align the caller's memory.
  return addSizes(alignUp(bump.used), kAlign);
}

/// The carry or the stream. A `step` goes on from its stream; what may begin
/// anew in every call can do without. A batch of no rows moves none of them.
static int32_t openStates(Call &call) {
  const rnnc_call *c = call.c;
  bool stream = call.f->kind == KindStep || call.f->kind == KindSample;
  const void *object = stream ? static_cast<const void *>(c->stream) : c->carry;
  const char *name = stream ? "stream" : "carry";
  if (!object && call.f->kind != KindStep)
    return RNNC_OK;
  if (int32_t status =
          checkObject(c->error, name, object,
                      stream ? kStreamMagic : kCarryMagic, call.module))
    return status;
  if (call.batch == 0)
    return RNNC_OK;
  if (stream)
    streamView(call.module, c->stream, call.state);
  else
    carryView(call.module, c->carry, call.state);
  if (call.state.batch == call.batch)
    return RNNC_OK;
  return fail(c->error, RNNC_ERR_ARGUMENT, -1, name, -1, -1, call.state.batch,
              "the %s holds %d rows, the batch has %lld", name,
              call.state.batch, (long long)call.batch);
}

static int32_t checkObjects(Call &call) {
  const rnnc_call *c = call.c;
  if (int32_t status = checkObject(c->error, "params", c->params, kParamsMagic,
                                   call.module))
    return status;
  if (int32_t status = checkPrepared(call))
    return status;
  if (call.f->kind == KindTrainStep)
    if (int32_t status = checkObject(c->error, "optimizer", c->optimizer,
                                     kOptimizerMagic, call.module))
      return status;
  return openStates(call);
}

static int32_t checkCall(Call &call, const rnnc_call *c) {
  const FunctionDesc &f = *call.f;
  bool bad = c->batch < 0 || c->num_times != f.numTimes ||
             c->num_args != f.numArgs || (f.numTimes && !c->times) ||
             (f.numArgs && !c->args);
  for (int32_t t = 0; !bad && t < f.numTimes; ++t)
    bad = c->times[t] < 0;
  if (bad)
    return fail(c->error, RNNC_ERR_ARGUMENT, -1, f.name, -1, -1, -1,
                "`%s` takes %d arguments and %d time axes, sizes not negative",
                f.name, f.numArgs, f.numTimes);
  if (int32_t status = checkObjects(call))
    return status;
  if (int32_t status = checkArguments(call))
    return status;
  return checkLengths(call);
}

} // namespace rnnc::rt

using namespace rnnc::rt;

size_t rnnc_rt_workspace_size(const rnnc_context *ctx, int32_t module,
                              int32_t function, int32_t batch,
                              const int32_t *times) {
  const ModuleDesc *m = moduleAt(module);
  if (!m || function < 0 || function >= m->numFunctions ||
      variantOf(ctx) < 0 || batch < 0)
    return 0;
  for (int32_t t = 0; t < m->functions[function].numTimes; ++t)
    if (!times || times[t] < 0)
      return 0;
  return heldSize(workspaceBytes(ctx, module, function, batch, times));
}

int32_t rnnc_rt_call(const rnnc_context *ctx, int32_t module, int32_t function,
                     const rnnc_call *c) {
  if (!c)
    return RNNC_ERR_ARGUMENT;
  if (int32_t status = checkContext(c->error, ctx))
    return status;
  Call call;
  memset(static_cast<void *>(&call), 0, sizeof(call));
  if (!begin(call, ctx, module, function, c->batch, c->times))
    return fail(c->error, RNNC_ERR_UNSUPPORTED, -1, "", -1, -1, -1,
                "the library has no such function");
  call.c = c;
  if (int32_t status = checkCall(call, c))
    return status;
  size_t need = workspaceBytes(ctx, module, function, c->batch, c->times);
  if (heldSize(need) == 0)
    return fail(c->error, RNNC_ERR_ARGUMENT, -1, "workspace", -1, -1, -1,
                "the workspace of `%s` for these sizes cannot be held",
                call.f->name);
  if (!c->workspace || c->workspace_bytes < need)
    return fail(c->error, c->workspace ? RNNC_ERR_WORKSPACE : RNNC_ERR_ARGUMENT,
                -1, "workspace", -1, -1, int64_t(need),
                "`%s` needs a workspace of %lld bytes", call.f->name,
                (long long)need);
  Bump bump{reinterpret_cast<char *>(
      alignUp(reinterpret_cast<uintptr_t>(c->workspace)))};
  const int32_t *lengths[kMaxTimes] = {};
  placeLengths(call, bump, lengths);
  if (int32_t status = checkNotEmpty(call))
    return status;
  if (int32_t status = checkIndices(call))
    return status;
  // A negative seed stands for none.
  bool none = call.f->optionalSeed && !c->has_seed;
  call.seedPair[0] = none ? -1 : int64_t(c->seed & INT64_MAX);
  call.seedPair[1] = 0;
  succeed(c->error);
  return run(call, bump);
}
