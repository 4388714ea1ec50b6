// Objects.cpp: optimiser, carry and stream.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

/// Header, counters, then one arena a slot.
constexpr size_t kCounters = kAlign;
constexpr size_t kSlots = kCounters + 2 * kAlign;

static size_t slotBytes(const ModuleDesc &m) {
  return alignUp(size_t(m.arena) * realSize());
}

char *optimizerSlot(int32_t module, rnnc_optimizer *optimizer, int32_t slot) {
  return reinterpret_cast<char *>(optimizer) + kSlots +
         size_t(slot) * slotBytes(*moduleAt(module));
}

size_t stateBytes(const ModuleDesc &m, int32_t state, int64_t batch) {
  return size_t(m.states[state].count * batch) * realSize();
}

size_t stateOffset(const ModuleDesc &m, int32_t state, int64_t batch) {
  size_t offset = 0;
  for (int32_t s = 0; s < state; ++s)
    offset += alignUp(stateBytes(m, s, batch));
  return offset;
}

/// Header, fresh flags, previous elements, states.
static size_t stateObjectSize(const ModuleDesc &m, int64_t batch) {
  return kAlign + 2 * alignUp(size_t(batch) * 4) +
         stateOffset(m, m.numStates, batch);
}

static bool viewOf(int32_t module, void *object, uint64_t magic,
                   StateView &view) {
  Header *header = headerOf(object, magic, module);
  if (!header)
    return false;
  char *base = static_cast<char *>(object) + kAlign;
  size_t row = alignUp(size_t(header->batch) * 4);
  view.batch = header->batch;
  view.fresh = reinterpret_cast<int32_t *>(base);
  view.prev = reinterpret_cast<int32_t *>(base + row);
  view.states = base + 2 * row;
  return true;
}

bool carryView(int32_t module, rnnc_carry *carry, StateView &view) {
  return viewOf(module, carry, kCarryMagic, view);
}

bool streamView(int32_t module, rnnc_stream *stream, StateView &view) {
  return viewOf(module, stream, kStreamMagic, view);
}

/// All rows begin with the declared first states.
static int32_t initStates(int32_t module, void *object, size_t bytes,
                          int32_t batch, uint64_t magic) {
  const ModuleDesc *m = moduleAt(module);
  if (!m || !object || batch < 0)
    return RNNC_ERR_ARGUMENT;
  size_t size = stateObjectSize(*m, batch);
  if (bytes < size)
    return RNNC_ERR_WORKSPACE;
  memset(object, 0, size);
  auto *header = static_cast<Header *>(object);
  header->magic = magic;
  header->module = module;
  header->batch = batch;
  StateView view;
  viewOf(module, object, magic, view);
  for (int32_t b = 0; b < batch; ++b) {
    view.fresh[b] = 1;
    view.prev[b] = m->firstPrev;
  }
  return RNNC_OK;
}

} // namespace rnnc::rt

using namespace rnnc::rt;

size_t rnnc_rt_optimizer_size(int32_t module) {
  const ModuleDesc *m = moduleAt(module);
  return m ? kSlots + size_t(m->numSlots) * slotBytes(*m) : 0;
}

int32_t rnnc_rt_optimizer_init(int32_t module, rnnc_optimizer *optimizer,
                               size_t bytes) {
  if (!moduleAt(module) || !optimizer)
    return RNNC_ERR_ARGUMENT;
  size_t size = rnnc_rt_optimizer_size(module);
  if (bytes < size)
    return RNNC_ERR_WORKSPACE;
  memset(static_cast<void *>(optimizer), 0, size);
  auto *header = reinterpret_cast<Header *>(optimizer);
  header->magic = kOptimizerMagic;
  header->module = module;
  auto *counters = rnnc_rt_optimizer_counters(module, optimizer);
  counters->rate_scale = 1;
  counters->bad_parameter = -1;
  return RNNC_OK;
}

void *rnnc_rt_optimizer_slot(int32_t module, rnnc_optimizer *optimizer,
                             int32_t slot) {
  const ModuleDesc *m = moduleAt(module);
  if (!m || !headerOf(optimizer, kOptimizerMagic, module) || slot < 0 ||
      slot >= m->numSlots)
    return nullptr;
  return optimizerSlot(module, optimizer, slot);
}

rnnc_optimizer_counters *rnnc_rt_optimizer_counters(int32_t module,
                                                    rnnc_optimizer *optimizer) {
  static_assert(sizeof(rnnc_optimizer_counters) <= 2 * kAlign);
  if (!headerOf(optimizer, kOptimizerMagic, module))
    return nullptr;
  return reinterpret_cast<rnnc_optimizer_counters *>(
      reinterpret_cast<char *>(optimizer) + kCounters);
}

size_t rnnc_rt_carry_size(int32_t module, int32_t batch) {
  const ModuleDesc *m = moduleAt(module);
  return m && batch >= 0 ? stateObjectSize(*m, batch) : 0;
}

int32_t rnnc_rt_carry_init(int32_t module, rnnc_carry *carry, size_t bytes,
                           int32_t batch) {
  return initStates(module, carry, bytes, batch, kCarryMagic);
}

size_t rnnc_rt_stream_size(int32_t module, int32_t batch) {
  return rnnc_rt_carry_size(module, batch);
}

int32_t rnnc_rt_stream_init(const rnnc_context *ctx, int32_t module,
                            rnnc_params *params, rnnc_stream *stream,
                            size_t bytes, int32_t batch) {
  if (variantOf(ctx) < 0)
    return RNNC_ERR_ARGUMENT;
  if (!headerOf(params, kParamsMagic, module))
    return RNNC_ERR_STATE;
  return initStates(module, stream, bytes, batch, kStreamMagic);
}

void *rnnc_rt_stream_state(int32_t module, rnnc_stream *stream,
                           int32_t state) {
  const ModuleDesc *m = moduleAt(module);
  StateView view;
  if (!m || state < 0 || state >= m->numStates ||
      !streamView(module, stream, view))
    return nullptr;
  // Whoever asks may write: from here on the rows go on from what is there.
  for (int32_t b = 0; b < view.batch; ++b)
    view.fresh[b] = 0;
  return view.states + stateOffset(*m, state, view.batch);
}

int32_t rnnc_rt_stream_reset(int32_t module, rnnc_stream *stream,
                             const int32_t *rows) {
  const ModuleDesc *m = moduleAt(module);
  StateView view;
  if (!m || !streamView(module, stream, view))
    return RNNC_ERR_STATE;
  for (int32_t b = 0; b < view.batch; ++b) {
    if (rows && !rows[b])
      continue;
    view.fresh[b] = 1;
    view.prev[b] = m->firstPrev;
  }
  return RNNC_OK;
}

int32_t rnnc_rt_stream_copy(int32_t module, rnnc_stream *to, size_t bytes,
                            const rnnc_stream *from) {
  const ModuleDesc *m = moduleAt(module);
  auto *source = const_cast<rnnc_stream *>(from);
  StateView view;
  if (!m || !to)
    return RNNC_ERR_ARGUMENT;
  if (!streamView(module, source, view))
    return RNNC_ERR_STATE;
  size_t size = stateObjectSize(*m, view.batch);
  if (bytes < size)
    return RNNC_ERR_WORKSPACE;
  memmove(static_cast<void *>(to), source, size);
  return RNNC_OK;
}
