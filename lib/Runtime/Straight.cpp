// Straight.cpp: the short way of calls that lack nothing.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A step of a small cell takes less time than a look at everything that a call
// may be. Where all is given and right, its places are those that the compiler
// wrote down; whatever else there is about a call takes the long way in
// Call.cpp. Nothing is written before that is certain, and what the short way
// takes the long way takes, with the same results.
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

/// One after another without calls: that is a quarter of the time.
#define RNNC_INLINE __attribute__((always_inline)) inline

namespace {

/// A call on its way, and what its places are counted from.
struct StraightCall {
  /// Most bases are never looked at: they are not set.
  StraightCall(const rnnc_context *ctx, int32_t variant, int32_t module,
               const FunctionDesc &f, const rnnc_call *c)
      : ctx(ctx), c(c), f(f), straight(*f.straight), variant(variant),
        module(module), batch(c->batch) {}

  const rnnc_context *ctx;
  const rnnc_call *c;
  const FunctionDesc &f;
  const StraightDesc &straight;
  int32_t variant, module;
  int64_t batch; ///< all that the entry's sizes depend on
  char *work;    ///< the entry's own workspace
  char *bases[BaseUser + kMaxStraightArgs];

  bool hasObjects();
  bool hasStates();
  bool hasArguments();
  bool hasIndices() const;
  bool hasWorkspace();
  void bind() const;
  void beginStates() const;
  void run() const;
  void keepStates() const;
};

} // namespace

/// An address that the optimiser knows nothing of: it must not read two as one
/// vector, which has to wait until both were written to memory.
static inline uintptr_t addressOf(void *place) {
  auto address = reinterpret_cast<uintptr_t>(place);
  __asm__("" : "+r"(address));
  return address;
}

RNNC_INLINE bool StraightCall::hasObjects() {
  bases[BaseParams] = reinterpret_cast<char *>(c->params);
  bases[BasePrepared] = reinterpret_cast<char *>(c->prepared);
  if (c->params) {
    const Header *header = headerOf(c->params, kParamsMagic, module);
    if (!header || header->of)
      return false;
  }
  if (!c->prepared)
    return c->params && !straight.needsPrepared;
  const Header *header = headerOf(c->prepared, kPreparedMagic, module);
  if (!header || header->variant != variant)
    return false;
  if (!c->params)
    return straight.alone;
  return header->of == c->params &&
         header->stamp == reinterpret_cast<Header *>(c->params)->stamp;
}

/// No carry, or a stream of one row whose element before can be.
RNNC_INLINE bool StraightCall::hasStates() {
  if (f.kind != KindStep)
    return !c->carry;
  const Header *header = headerOf(c->stream, kStreamMagic, module);
  if (!header || header->batch != batch)
    return false;
  char *stream = bases[BaseStream] = reinterpret_cast<char *>(c->stream);
  auto size = uint32_t(moduleAt(module)->prevSize);
  return size == 0 ||
         *reinterpret_cast<uint32_t *>(stream + prevOffset(1)) < size;
}

RNNC_INLINE bool StraightCall::hasArguments() {
  uintptr_t bits = 0;
  bool missing = false;
  for (int32_t i = 0; i < f.numArgs; ++i) {
    uintptr_t address = addressOf(c->args[i]);
    missing |= address == 0;
    bits |= address;
    bases[BaseUser + i] = reinterpret_cast<char *>(address);
  }
  return !missing && !(bits & straight.unaligned);
}

RNNC_INLINE bool StraightCall::hasIndices() const {
  for (int32_t i = 0; i < straight.numIndices; ++i) {
    const IndexDesc &index = straight.indices[i];
    auto *entries =
        reinterpret_cast<const uint32_t *>(bases[BaseUser + index.argument]);
    for (int64_t k = 0; k < index.count * batch; ++k)
      if (entries[k] >= uint32_t(index.size))
        return false;
  }
  return true;
}

/// The same places as on the long way, so that it refuses the same.
RNNC_INLINE bool StraightCall::hasWorkspace() {
  auto address = reinterpret_cast<uintptr_t>(c->workspace);
  bases[BaseWorkspace] = reinterpret_cast<char *>(alignUp(address));
  size_t own = size_t(f.entry->workspace[variant](&batch));
  size_t need = addSizes(alignUp(addSizes(size_t(straight.work), own)), kAlign);
  if (!address || need > c->workspace_bytes)
    return false;
  work = bases[BaseWorkspace] + straight.work;
  return true;
}

RNNC_INLINE void StraightCall::bind() const {
  const PlaceDesc *places = c->params ? straight.places : straight.alone;
  auto **args = reinterpret_cast<char **>(bases[BaseWorkspace] + straight.args);
  for (int32_t i = 0; i < f.entry->numArgs; ++i)
    args[i] = bases[places[i].base] + places[i].offset;
}

/// A row without a true element of its own keeps the one before.
RNNC_INLINE void StraightCall::beginStates() const {
  if (f.uses & UsesStates)
    memcpy(bases[BaseWorkspace] + straight.prevOut,
           bases[BaseStream] + prevOffset(1), 4);
}

RNNC_INLINE void StraightCall::run() const {
  FloatGuard guard(kKernelFloats);
  CallSite site{ctx, guard.before};
  f.entry->code[variant](
      reinterpret_cast<void **>(bases[BaseWorkspace] + straight.args), &batch,
      work, &site);
}

/// What goes on from a row that had its step.
RNNC_INLINE void StraightCall::keepStates() const {
  if (!(f.uses & UsesStates))
    return;
  char *stream = bases[BaseStream], *workspace = bases[BaseWorkspace];
  memcpy(stream + statesOffset(1), workspace, size_t(straight.stateBytes));
  memcpy(stream + prevOffset(1), workspace + straight.prevOut, 4);
  memset(stream + kFreshOffset, 0, 4);
}

bool straightCall(const rnnc_context *ctx, int32_t variant, int32_t module,
                  const FunctionDesc &f, const rnnc_call *c) {
  static const int32_t given = 1;
  const StraightDesc &straight = *f.straight;
  if (c->num_args != f.numArgs || c->num_times != 0 || c->batch <= 0 ||
      c->batch > straight.maxBatch || !c->args)
    return false;
  StraightCall call(ctx, variant, module, f, c);
  call.bases[BaseNothing] = nullptr;
  call.bases[BaseGiven] =
      reinterpret_cast<char *>(const_cast<int32_t *>(&given));
  if (!call.hasObjects() || !call.hasStates() || !call.hasArguments() ||
      !call.hasIndices() || !call.hasWorkspace())
    return false;
  succeed(c->error);
  call.bind();
  call.beginStates();
  call.run();
  call.keepStates();
  return true;
}

} // namespace rnnc::rt
