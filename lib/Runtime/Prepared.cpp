// Prepared.cpp: weights packed for products.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiled `prepare` of a module packs its weights into panels. They lie
// in the caller's object behind its header, or in the workspace of a call that
// was given none. What the packing itself needs lies behind them.
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

static size_t panelBytes(const ModuleDesc &m) {
  return size_t(m.prepared) * realSize();
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
  if (call.c && call.c->prepared) {
    call.panels = reinterpret_cast<char *>(call.c->prepared) + kAlign;
    return;
  }
  call.panels = static_cast<char *>(bump.take(panelBytes(*call.m)));
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
  call.panels = reinterpret_cast<char *>(call.c->prepared) + kAlign;
  packWeights(call, bump);
  sign(call, call.c->prepared);
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
      : header->of != c->params
          ? "`prepared` was made of other parameters"
      : header->stamp != reinterpret_cast<Header *>(c->params)->stamp
          ? "the parameters have changed since `prepared` was made"
          : nullptr;
  return why ? fail(c->error, RNNC_ERR_STATE, -1, "prepared", -1, -1, -1, "%s",
                    why)
             : RNNC_OK;
}

/// The header, the panels, room for the packing. With an object it packs.
static size_t layOut(Call &call, rnnc_prepared *prepared) {
  Bump bump{reinterpret_cast<char *>(prepared)};
  bump.take(kAlign);
  call.panels = static_cast<char *>(bump.take(panelBytes(*call.m)));
  packWeights(call, bump);
  return alignUp(bump.used);
}

/// Out of line: it runs in the floating-point state of kernels.
__attribute__((noinline)) static void pack(Call &call,
                                           rnnc_prepared *prepared) {
  layOut(call, prepared);
  sign(call, prepared);
}

} // namespace rnnc::rt

using namespace rnnc::rt;

size_t rnnc_rt_prepared_size(const rnnc_context *ctx, int32_t module) {
  if (!moduleAt(module) || variantOf(ctx) < 0)
    return 0;
  Call call(ctx, module, nullptr);
  return layOut(call, nullptr);
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
  if (int32_t status = checkMemory(error, "prepared", prepared, bytes,
                                   rnnc_rt_prepared_size(ctx, module)))
    return status;
  rnnc_call c;
  memset(&c, 0, sizeof(c));
  c.params = const_cast<rnnc_params *>(params); // packing only reads them
  Call call(ctx, module, &c);
  FloatGuard guard(kKernelFloats);
  call.run.caller = guard.before;
  pack(call, prepared);
  return succeed(error);
}
