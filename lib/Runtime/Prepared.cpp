// Prepared.cpp: weights packed for products.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiled `prepare` of a module packs its weights into panels. They lie
// in the caller's object behind its header, or in the workspace of a call that
// was given none. Behind the panels an object has the parameters that are also
// read as they are, biases and tables above all: with it, functions that
// change no parameter need no others.
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

static size_t panelBytes(const ModuleDesc &m) {
  return size_t(m.prepared) * realSize();
}

static size_t objectBytes(const ModuleDesc &m) {
  return alignUp(keptOffset(panelBytes(m)) + size_t(m.kept) * realSize());
}

static char *keptPlace(const ModuleDesc &m, rnnc_prepared *prepared,
                       const ParamDesc &p) {
  return reinterpret_cast<char *>(prepared) + keptOffset(panelBytes(m)) +
         size_t(p.kept) * realSize();
}

char *paramPlace(const Call &call, const ParamDesc &p) {
  if (!call.c->params)
    return keptPlace(*call.m, call.c->prepared, p);
  return paramsArena(call.c->params) + size_t(p.offset) * realSize();
}

static void keepParameters(const Call &call, rnnc_prepared *prepared) {
  const ModuleDesc &m = *call.m;
  for (int32_t i = 0; i < m.numParams; ++i) {
    const ParamDesc &p = m.params[i];
    if (p.kept >= 0)
      memcpy(keptPlace(m, prepared, p), paramPlace(call, p),
             size_t(p.count) * realSize());
  }
}

void packWeights(Call &call, Bump &bump) {
  const EntryDesc *entry = call.m->prepare;
  if (!entry)
    return;
  Bump own = bump;
  void **args = bindEntry(call, *entry, own);
  runEntry(call, *entry, args, own);
  if (!call.c)
    bump.used = own.used;
}

void placePanels(Call &call, Bump &bump) {
  if (!(call.f->uses & UsesPanels))
    return;
  if (call.hasPrepared) {
    if (call.c)
      call.panels = reinterpret_cast<char *>(call.c->prepared) + kPanelsOffset;
    return;
  }
  call.panels = static_cast<char *>(bump.take(panelBytes(*call.m)));
  placeOnDevice(call, DevicePart::Panels, call.panels, panelBytes(*call.m));
  packWeights(call, bump);
}

static void sign(const Call &call, rnnc_prepared *prepared) {
  auto *header = reinterpret_cast<Header *>(prepared);
  header->magic = kPreparedMagic;
  header->module = call.module;
  header->batch = 0;
  header->stamp = reinterpret_cast<Header *>(call.c->params)->stamp;
  header->of = call.c->params;
  header->variant = call.variant;
}

void refreshPrepared(Call &call, Bump &bump) {
  if (!call.c->prepared)
    return;
  call.panels = reinterpret_cast<char *>(call.c->prepared) + kPanelsOffset;
  packWeights(call, bump);
  if (call.run.failed || !bringNewest(call))
    return;
  keepParameters(call, call.c->prepared);
  sign(call, call.c->prepared);
  changedOnHost(call, call.c->prepared, objectBytes(*call.m));
}

int32_t checkPrepared(const Call &call) {
  const rnnc_call *c = call.c;
  if (!c->prepared)
    return RNNC_OK;
  Header *header = headerOf(c->prepared, kPreparedMagic, call.module);
  const char *why =
      !header ? "`prepared` was not prepared"
      : header->variant != call.variant
          ? "`prepared` was made for other code than this context uses"
      : !c->params              ? nullptr
      : header->of != c->params ? "`prepared` was made of other parameters"
      : header->stamp != reinterpret_cast<Header *>(c->params)->stamp
          ? "the parameters have changed since `prepared` was made"
          : nullptr;
  return why ? fail(c->error, RNNC_ERR_STATE, -1, "prepared", -1, -1, -1, "%s",
                    why)
             : RNNC_OK;
}

/// What packing needs while it runs.
static size_t packingBytes(const rnnc_context *ctx, int32_t module) {
  Call call(ctx, module, nullptr);
  Bump bump{nullptr};
  packWeights(call, bump);
  return bump.used;
}

/// Out of line: it runs in the floating-point state of kernels.
__attribute__((noinline)) static void pack(Call &call, rnnc_prepared *prepared,
                                           char *room) {
  call.panels = reinterpret_cast<char *>(prepared) + kPanelsOffset;
  Bump bump{room};
  packWeights(call, bump);
  if (call.run.failed || !bringNewest(call))
    return;
  keepParameters(call, prepared);
  sign(call, prepared);
  changedOnHost(call, prepared, objectBytes(*call.m));
}

} // namespace rnnc::rt

using namespace rnnc::rt;

size_t rnnc_rt_prepared_size(const rnnc_context *ctx, int32_t module) {
  if (!moduleAt(module) || variantOf(ctx) < 0)
    return 0;
  return objectBytes(*moduleAt(module));
}

int32_t rnnc_rt_prepare(const rnnc_context *ctx, int32_t module,
                        const rnnc_params *params, rnnc_prepared *prepared,
                        size_t bytes, rnnc_error *error) {
  if (int32_t status = checkContext(error, ctx))
    return status;
  if (int32_t status = checkModule(error, module))
    return status;
  if (int32_t status =
          checkObject(error, "params", params, kParamsMagic, module))
    return status;
  if (int32_t status = checkNewest(ctx, params, error))
    return status;
  size_t size = objectBytes(*moduleAt(module));
  if (int32_t status = checkMemory(error, "prepared", prepared, bytes, size))
    return status;
  preferLargePages(prepared, size);
  Temporary room(reinterpret_cast<char *>(prepared) + size, bytes - size,
                 packingBytes(ctx, module));
  if (!room.place)
    return fail(error, RNNC_ERR_WORKSPACE, -1, "prepared", -1, -1, -1,
                "there is no memory to pack weights in");
  rnnc_call c;
  memset(&c, 0, sizeof(c));
  c.params = const_cast<rnnc_params *>(params); // packing only reads them
  Call call(ctx, module, &c);
  FloatGuard guard(kKernelFloats);
  call.run.caller = guard.before;
  c.error = error;
  pack(call, prepared, room.place);
  return call.run.failed ? failDevice(call) : succeed(error);
}
