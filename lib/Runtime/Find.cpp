// Find.cpp: parameters and states by name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

static rnnc_tensor tensor(const char *name, const int64_t *shape, int64_t count,
                          int64_t offset, int32_t rank, int32_t position) {
  return {
      sizeof(rnnc_tensor), name, shape, count, offset, rank, position, 0, 0};
}

static rnnc_tensor nothing() { return tensor(nullptr, nullptr, 0, 0, 0, -1); }

static rnnc_tensor parameterNamed(const ModuleDesc &m, const char *name) {
  for (int32_t i = 0; i < m.numParams; ++i) {
    const ParamDesc &p = m.params[i];
    if (!strcmp(p.name, name))
      return tensor(p.name, p.shape, p.count, p.offset * int64_t(realSize()),
                    p.rank, i);
  }
  return nothing();
}

static rnnc_tensor stateNamed(const ModuleDesc &m, const char *name,
                              int64_t batch) {
  for (int32_t i = 0; i < m.numStates; ++i) {
    const StateDesc &s = m.states[i];
    if (!strcmp(s.name, name))
      return tensor(s.name, s.shape, s.count, int64_t(stateOffset(m, i, batch)),
                    s.rank, i);
  }
  return nothing();
}

/// Where it is found, behind the first of its kind; null if there is none.
static const void *answer(const rnnc_tensor &found, rnnc_tensor *info,
                          const char *first) {
  if (info) {
    size_t filled = filledBytes(info->size, kTensorBytes, sizeof(found));
    memcpy(info, &found, filled);
    info->size = filled;
  }
  return found.position >= 0 && first ? first + found.offset : nullptr;
}

} // namespace rnnc::rt

using namespace rnnc::rt;

const void *rnnc_rt_params_find(int32_t module, const rnnc_params *params,
                                const char *name, rnnc_tensor *info) {
  const ModuleDesc *m = moduleAt(module);
  bool whole = headerOf(params, kParamsMagic, module);
  return answer(m && name ? parameterNamed(*m, name) : nothing(), info,
                whole ? paramsArena(params) : nullptr);
}

const void *rnnc_rt_optimizer_find(int32_t module,
                                   const rnnc_optimizer *optimizer,
                                   int32_t slot, const char *name,
                                   rnnc_tensor *info) {
  const ModuleDesc *m = moduleAt(module);
  return answer(m && name ? parameterNamed(*m, name) : nothing(), info,
                static_cast<const char *>(
                    rnnc_rt_optimizer_slot_const(module, optimizer, slot)));
}

const void *rnnc_rt_stream_find(int32_t module, const rnnc_stream *stream,
                                const char *name, rnnc_tensor *info) {
  const ModuleDesc *m = moduleAt(module);
  StateView view;
  bool whole = m && streamView(module, const_cast<rnnc_stream *>(stream), view);
  return answer(m && name ? stateNamed(*m, name, whole ? view.batch : 0)
                          : nothing(),
                info, whole ? view.states : nullptr);
}
