// Objects.cpp: optimiser, carry and stream.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Runtime.h"

#include <stdlib.h>
#include <string.h>

namespace rnnc::rt {

Temporary::Temporary(char *behind, size_t left, size_t bytes)
    : place(bytes <= left
                ? behind
                : static_cast<char *>(aligned_alloc(kAlign, alignUp(bytes)))),
      owned(bytes <= left ? nullptr : place) {}

Temporary::~Temporary() { free(owned); }

/// Header, counters, one arena a slot, and the sum of gathered gradients.
constexpr size_t kCounters = kAlign;
constexpr size_t kSlots = kCounters + 2 * kAlign;

static size_t slotBytes(const ModuleDesc &m) {
  return alignUp(size_t(m.arena) * realSize());
}

static size_t optimizerBytes(const ModuleDesc &m) {
  return kSlots + size_t(m.numSlots + (m.accumulate > 1)) * slotBytes(m);
}

char *optimizerSlot(int32_t module, rnnc_optimizer *optimizer, int32_t slot) {
  return reinterpret_cast<char *>(optimizer) + kSlots +
         size_t(slot) * slotBytes(*moduleAt(module));
}

char *gatheredArena(int32_t module, rnnc_optimizer *optimizer) {
  return optimizerSlot(module, optimizer, moduleAt(module)->numSlots);
}

size_t stateBytes(const ModuleDesc &m, int32_t state, int64_t batch) {
  return multiplySizes(multiplySizes(size_t(m.states[state].count), realSize()),
                       size_t(batch));
}

size_t stateOffset(const ModuleDesc &m, int32_t state, int64_t batch) {
  size_t offset = 0;
  for (int32_t s = 0; s < state; ++s)
    offset = addSizes(offset, alignUp(stateBytes(m, s, batch)));
  return offset;
}

/// Header, fresh flags, previous elements, states.
static size_t stateObjectSize(const ModuleDesc &m, int64_t batch) {
  return addSizes(statesOffset(batch), stateOffset(m, m.numStates, batch));
}

static bool viewOf(int32_t module, void *object, uint64_t magic,
                   StateView &view) {
  Header *header = headerOf(object, magic, module);
  if (!header)
    return false;
  char *base = static_cast<char *>(object);
  view.batch = header->batch;
  view.fresh = reinterpret_cast<int32_t *>(base + kFreshOffset);
  view.prev = reinterpret_cast<int32_t *>(base + prevOffset(view.batch));
  view.states = base + statesOffset(view.batch);
  return true;
}

/// What the states of a module are: bytes that were kept fit where this is the
/// same. Neither the code's variant nor the rest of the library counts.
static uint64_t statesKind(const ModuleDesc &m) {
  uint64_t sum =
      checksum(m.name, strlen(m.name), uint64_t(rnnc_rt_library.real));
  for (int32_t s = 0; s < m.numStates; ++s) {
    sum = checksum(m.states[s].name, strlen(m.states[s].name), sum);
    sum = checksum(m.states[s].shape, size_t(m.states[s].rank) * 8, sum);
  }
  return sum;
}

bool carryView(int32_t module, rnnc_carry *carry, StateView &view) {
  return viewOf(module, carry, kCarryMagic, view);
}

bool streamView(int32_t module, rnnc_stream *stream, StateView &view) {
  return viewOf(module, stream, kStreamMagic, view);
}

/// All rows begin with the declared first states.
static int32_t initStates(int32_t module, const char *name, void *object,
                          size_t bytes, int32_t batch, uint64_t magic,
                          rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  const ModuleDesc &m = *moduleAt(module);
  if (batch < 0)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "batch", -1, -1, batch,
                "the batch is negative: %d", batch);
  size_t size = stateObjectSize(m, batch);
  if (int32_t status = checkMemory(error, name, object, bytes, size))
    return status;
  memset(object, 0, size);
  auto *header = static_cast<Header *>(object);
  header->magic = magic;
  header->module = module;
  header->batch = batch;
  header->stamp = statesKind(m);
  StateView view;
  viewOf(module, object, magic, view);
  for (int32_t b = 0; b < batch; ++b) {
    view.fresh[b] = 1;
    view.prev[b] = m.firstPrev;
  }
  return succeed(error);
}

/// Flags are 0 or 1: anything else is no array of flags.
int32_t checkFlags(rnnc_error *error, int32_t argument, const char *name,
                   const int32_t *flags, int64_t batch) {
  for (int64_t b = 0; b < batch; ++b)
    if (flags[b] != 0 && flags[b] != 1)
      return fail(error, RNNC_ERR_INDEX, argument, name, b, -1, flags[b],
                  "`%s` is %d for example %lld: not 0 or 1", name, flags[b],
                  (long long)b);
  return RNNC_OK;
}

} // namespace rnnc::rt

using namespace rnnc::rt;

size_t rnnc_rt_optimizer_size(int32_t module) {
  const ModuleDesc *m = moduleAt(module);
  return m ? optimizerBytes(*m) : 0;
}

int32_t rnnc_rt_optimizer_init(int32_t module, rnnc_optimizer *optimizer,
                               size_t bytes, rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  size_t size = optimizerBytes(*moduleAt(module));
  if (int32_t status = checkMemory(error, "optimizer", optimizer, bytes, size))
    return status;
  preferLargePages(optimizer, size);
  memset(static_cast<void *>(optimizer), 0, size);
  auto *header = reinterpret_cast<Header *>(optimizer);
  header->magic = kOptimizerMagic;
  header->module = module;
  auto *counters = rnnc_rt_optimizer_counters(module, optimizer);
  counters->size = sizeof(rnnc_optimizer_counters);
  counters->rate_scale = 1;
  counters->bad_parameter = -1;
  counters->accumulate = moduleAt(module)->accumulate;
  return succeed(error);
}

const void *rnnc_rt_optimizer_slot_const(int32_t module,
                                         const rnnc_optimizer *optimizer,
                                         int32_t slot) {
  const ModuleDesc *m = moduleAt(module);
  if (!m || !headerOf(optimizer, kOptimizerMagic, module) || slot < 0 ||
      slot >= m->numSlots)
    return nullptr;
  return optimizerSlot(module, const_cast<rnnc_optimizer *>(optimizer), slot);
}

void *rnnc_rt_optimizer_slot(int32_t module, rnnc_optimizer *optimizer,
                             int32_t slot) {
  const void *place = rnnc_rt_optimizer_slot_const(module, optimizer, slot);
  if (place)
    forgetReach(optimizer);
  return const_cast<void *>(place);
}

const rnnc_optimizer_counters *
rnnc_rt_optimizer_counters_const(int32_t module,
                                 const rnnc_optimizer *optimizer) {
  static_assert(sizeof(rnnc_optimizer_counters) <= 2 * kAlign);
  if (!headerOf(optimizer, kOptimizerMagic, module))
    return nullptr;
  return reinterpret_cast<const rnnc_optimizer_counters *>(
      reinterpret_cast<const char *>(optimizer) + kCounters);
}

rnnc_optimizer_counters *rnnc_rt_optimizer_counters(int32_t module,
                                                    rnnc_optimizer *optimizer) {
  return const_cast<rnnc_optimizer_counters *>(
      rnnc_rt_optimizer_counters_const(module, optimizer));
}

size_t rnnc_rt_carry_size(int32_t module, int32_t batch) {
  const ModuleDesc *m = moduleAt(module);
  return m && batch >= 0 ? heldSize(stateObjectSize(*m, batch)) : 0;
}

int32_t rnnc_rt_carry_init(int32_t module, rnnc_carry *carry, size_t bytes,
                           int32_t batch, rnnc_error *error) {
  return initStates(module, "carry", carry, bytes, batch, kCarryMagic, error);
}

void *rnnc_rt_carry_state(int32_t module, rnnc_carry *carry, int32_t state) {
  const ModuleDesc *m = moduleAt(module);
  StateView view;
  if (!m || state < 0 || state >= m->numStates ||
      !carryView(module, carry, view))
    return nullptr;
  return view.states + stateOffset(*m, state, view.batch);
}

size_t rnnc_rt_stream_size(int32_t module, int32_t batch) {
  return rnnc_rt_carry_size(module, batch);
}

int32_t rnnc_rt_stream_init(const rnnc_context *ctx, int32_t module,
                            const rnnc_params *params, rnnc_stream *stream,
                            size_t bytes, int32_t batch, rnnc_error *error) {
  if (int32_t status = checkContext(error, ctx))
    return status;
  // Prepared weights may be all there is.
  if (params)
    if (int32_t status =
            checkObject(error, "params", params, kParamsMagic, module))
      return status;
  return initStates(module, "stream", stream, bytes, batch, kStreamMagic,
                    error);
}

const void *rnnc_rt_stream_state_const(int32_t module,
                                       const rnnc_stream *stream,
                                       int32_t state) {
  const ModuleDesc *m = moduleAt(module);
  StateView view;
  if (!m || state < 0 || state >= m->numStates ||
      !streamView(module, const_cast<rnnc_stream *>(stream), view) ||
      reinterpret_cast<const Header *>(stream)->of)
    return nullptr;
  return view.states + stateOffset(*m, state, view.batch);
}

void *rnnc_rt_stream_state(int32_t module, rnnc_stream *stream, int32_t state) {
  void *place =
      const_cast<void *>(rnnc_rt_stream_state_const(module, stream, state));
  StateView view;
  // Whoever asks may write: from here on the rows go on from what is there.
  if (place && streamView(module, stream, view))
    for (int32_t b = 0; b < view.batch; ++b)
      view.fresh[b] = 0;
  return place;
}

int32_t rnnc_rt_stream_reset(int32_t module, rnnc_stream *stream,
                             const int32_t *rows, rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  if (int32_t status =
          checkObject(error, "stream", stream, kStreamMagic, module))
    return status;
  StateView view;
  streamView(module, stream, view);
  if (rows)
    if (int32_t status = checkFlags(error, -1, "rows", rows, view.batch))
      return status;
  for (int32_t b = 0; b < view.batch; ++b) {
    if (rows && !rows[b])
      continue;
    view.fresh[b] = 1;
    view.prev[b] = moduleAt(module)->firstPrev;
  }
  return succeed(error);
}

int32_t rnnc_rt_stream_copy(int32_t module, rnnc_stream *to, size_t bytes,
                            const rnnc_stream *from, rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  if (int32_t status = checkObject(error, "from", from, kStreamMagic, module))
    return status;
  if (int32_t status = checkNewest(nullptr, from, error))
    return status;
  size_t size = stateObjectSize(*moduleAt(module),
                                headerOf(from, kStreamMagic, module)->batch);
  if (int32_t status = checkMemory(error, "to", to, bytes, size))
    return status;
  memmove(static_cast<void *>(to), from, size);
  return succeed(error);
}

int32_t rnnc_rt_stream_batch(int32_t module, const rnnc_stream *stream) {
  StateView view;
  bool whole = moduleAt(module) &&
               streamView(module, const_cast<rnnc_stream *>(stream), view);
  return whole ? view.batch : -1;
}

/// Flags and elements that a stream can hold.
static bool rowsFit(const ModuleDesc &m, const char *object, int32_t batch) {
  for (int32_t b = 0; b < batch; ++b) {
    int32_t fresh, prev;
    memcpy(&fresh, object + kFreshOffset + size_t(b) * 4, 4);
    memcpy(&prev, object + prevOffset(batch) + size_t(b) * 4, 4);
    bool known = prev == m.firstPrev || m.prevSize == 0 ||
                 (prev >= 0 && prev < m.prevSize);
    if ((fresh != 0 && fresh != 1) || !known)
      return false;
  }
  return true;
}

int32_t rnnc_rt_stream_load(int32_t module, rnnc_stream *stream, size_t bytes,
                            const void *saved, size_t saved_bytes,
                            rnnc_error *error) {
  if (int32_t status = checkModule(error, module))
    return status;
  const ModuleDesc *m = moduleAt(module);
  if (!saved)
    return fail(error, RNNC_ERR_ARGUMENT, -1, "saved", -1, -1, -1,
                "`saved` is NULL");
  Header header;
  if (saved_bytes >= sizeof(header))
    memcpy(&header, saved, sizeof(header));
  if (saved_bytes < sizeof(header) || header.magic != kStreamMagic ||
      header.stamp != statesKind(*m) || header.batch < 0)
    return fail(error, RNNC_ERR_STATE, -1, "saved", -1, -1, -1,
                "these bytes are no stream of `%s` with such states", m->name);
  if (header.of)
    return fail(error, RNNC_ERR_STATE, -1, "saved", -1, -1, -1,
                "newer states of this stream were on a GPU when it was saved: "
                "gpu_stream_fetch brings them");
  size_t size = stateObjectSize(*m, header.batch);
  auto *from = static_cast<const char *>(saved);
  if (saved_bytes != size)
    return fail(error, RNNC_ERR_STATE, -1, "saved", -1, -1, header.batch,
                "a stream of %d rows has %lld bytes, not %lld", header.batch,
                (long long)size, (long long)saved_bytes);
  if (int32_t status = checkMemory(error, "stream", stream, bytes, size))
    return status;
  if (!rowsFit(*m, from, header.batch))
    return fail(error, RNNC_ERR_STATE, -1, "saved", -1, -1, -1,
                "these bytes are damaged");
  memmove(static_cast<void *>(stream), saved, size);
  reinterpret_cast<Header *>(stream)->module = module;
  return succeed(error);
}
