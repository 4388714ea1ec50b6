// Train.cpp: one update of the parameters.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Device.h"

#include "rnnc/Runtime/Schedules.h"

#include <math.h>
#include <string.h>

namespace rnnc::rt {

/// Factor on the learning rate of the update that comes next; `rate_scale`
/// multiplies all schedules. `plateau` is 1: who validates sets that scale.
double scheduleFactor(const ModuleDesc &m, const rnnc_optimizer_counters &c) {
  double t = double(c.updates), total = double(c.total_steps);
  switch (m.schedule) {
  case ScheduleStep:
    return c.rate_scale *
           stepFactor(m.scheduleA, m.scheduleB, m.scheduleC, double(c.epoch));
  case ScheduleCosine:
    return c.rate_scale * cosineFactor(m.scheduleA, t, total);
  case ScheduleOneCycle:
    return c.rate_scale * oneCycleFactor(m.scheduleA, t, total);
  case ScheduleLinear:
    return c.rate_scale * linearFactor(m.scheduleA, m.scheduleB, t, total);
  default:
    return c.rate_scale;
  }
}

/// The first parameter with which the sum of all squares stops to be finite.
template <typename Real>
static int32_t firstBad(const ModuleDesc &m, const char *arena) {
  auto *grads = reinterpret_cast<const Real *>(arena);
  double sum = 0;
  int32_t last = -1;
  for (int32_t p = 0; p < m.numParams; ++p) {
    if (!m.params[p].trainable)
      continue;
    last = p;
    const Real *g = grads + m.params[p].offset;
    for (int64_t i = 0; i < m.params[p].count; ++i)
      sum += double(g[i]) * double(g[i]);
    if (!isfinite(sum))
      return p;
  }
  return last;
}

static int32_t badParameter(const ModuleDesc &m, const char *arena) {
  return rnnc_rt_library.real == F64 ? firstBad<double>(m, arena)
                                     : firstBad<float>(m, arena);
}

/// The largest of `count` numbers without their signs; not finite if one of
/// them is not. Whole numbers are compared, so that the loop takes many at a
/// time.
template <typename Real, typename Bits>
static double largestOf(const char *values, int64_t count, Bits magnitude) {
  static_assert(sizeof(Real) == sizeof(Bits));
  Bits largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    Bits bits;
    memcpy(&bits, values + size_t(i) * sizeof(Bits), sizeof(Bits));
    bits &= magnitude;
    largest = bits > largest ? bits : largest;
  }
  Real real;
  memcpy(&real, &largest, sizeof(real));
  return double(real);
}

static double largestOf(const char *values, int64_t count) {
  return rnnc_rt_library.real == F64
             ? largestOf<double, int64_t>(values, count, INT64_MAX)
             : largestOf<float, int32_t>(values, count, INT32_MAX);
}

/// What members of a team take of an arena, in parts: worth it from this many
/// bytes on, which take longer than handing them out.
constexpr int64_t kSweptBytes = int64_t(1) << 18, kMostSweeps = 8;

/// Calls part(data, from, to) for the bytes of an arena, cut at cache lines.
static void sweep(Call &call, int64_t bytes,
                  void (*part)(void *, int64_t, int64_t), void *data) {
  int64_t parts = bytes / kSweptBytes + 1;
  rnnc_rt_cut_loop(&call.run, (bytes + kAlign - 1) / kAlign,
                   parts < kMostSweeps ? parts : kMostSweeps, part, data,
                   bytes / kAlign);
}

namespace {
struct Values {
  const char *from;
  char *to; ///< of a copy
  int64_t bytes;
  double largest; ///< that was found

  int64_t end(int64_t line) const {
    int64_t whole = line * int64_t(kAlign);
    return whole < bytes ? whole : bytes;
  }
};
} // namespace

static void checkPart(void *data, int64_t from, int64_t to) {
  auto *v = static_cast<Values *>(data);
  int64_t count = (v->end(to) - from * kAlign) / int64_t(realSize());
  double found = largestOf(v->from + from * kAlign, count), known;
  __atomic_load(&v->largest, &known, __ATOMIC_RELAXED);
  // What is no number is larger than all.
  while (!(found <= known) && known == known &&
         !__atomic_compare_exchange(&v->largest, &known, &found, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

static void copyPart(void *data, int64_t from, int64_t to) {
  auto *v = static_cast<const Values *>(data);
  memcpy(v->to + from * kAlign, v->from + from * kAlign,
         size_t(v->end(to) - from * kAlign));
}

/// The first trained parameter whose values in one of `arenas` (its own new
/// values, its optimiser slots) are not finite, or -1. A frozen one may be
/// infinite, as a mask is. `largest` becomes that of all values.
static int32_t firstOverflow(Call &call, const char *arenas, int32_t numArenas,
                             size_t stride, double &largest) {
  const ModuleDesc &m = *call.m;
  largest = 0;
  for (int32_t a = 0; a < numArenas && isfinite(largest); ++a) {
    Values values{arenas + size_t(a) * stride, nullptr,
                  m.arena * int64_t(realSize()), 0};
    sweep(call, values.bytes, checkPart, &values);
    largest = values.largest <= largest ? largest : values.largest;
  }
  for (int32_t p = 0; !isfinite(largest) && p < m.numParams; ++p)
    for (int32_t a = 0; a < numArenas && m.params[p].trainable; ++a)
      if (!isfinite(largestOf(arenas + size_t(a) * stride +
                                  size_t(m.params[p].offset) * realSize(),
                              m.params[p].count)))
        return p;
  return -1;
}

/// Rows that were not written count as zeros, which change no sum.
template <typename Real> static void normsOf(const Call &call, double *norms) {
  const ModuleDesc &m = *call.m;
  for (int32_t p = 0; p < m.numParams; ++p) {
    const Real *g =
        reinterpret_cast<const Real *>(call.gradArena) + m.params[p].offset;
    double sum = 0;
    for (MarkedRun run; nextWritten(call, p, run);)
      for (int64_t i = run.from; i < run.to; ++i)
        sum += double(g[i]) * double(g[i]);
    norms[p] = sqrt(sum);
  }
}

/// The norm of every parameter's gradient, if anybody wants to see it.
static void giveNorms(const Call &call) {
  if (!call.c->norms)
    return;
  if (rnnc_rt_library.real == F64)
    normsOf<double>(call, call.c->norms);
  else
    normsOf<float>(call, call.c->norms);
}

struct TrainPlan {
  void **gradArgs;
  void **updateArgs; ///< null: placed when the gradient is there
  size_t arena;
};

/// Places what an update makes.
static void **placeUpdate(Call &call, Bump &bump, size_t arena) {
  const ModuleDesc &m = *call.m;
  call.newParams = static_cast<char *>(bump.take(arena));
  call.newSlots = static_cast<char *>(bump.take(arena * size_t(m.numSlots)));
  placeOnDevice(call, DevicePart::Values, call.newParams, arena);
  placeOnDevice(call, DevicePart::Slots, call.newSlots,
                arena * size_t(m.numSlots));
  return bindEntry(call, *call.f->update, bump);
}

/// Places everything that both entries share. New values lie where the gradient
/// had its workspace, but on a device, which knows a place by its address.
static TrainPlan placeTrain(Call &call, Bump &bump) {
  TrainPlan plan;
  const ModuleDesc &m = *call.m;
  plan.arena = alignUp(size_t(m.arena) * realSize());
  placePanels(call, bump);
  placeStates(call, bump);
  call.gradArena = static_cast<char *>(bump.take(plan.arena));
  placeOnDevice(call, DevicePart::Gradients, call.gradArena, plan.arena);
  placeMarks(call, bump);
  call.norm = bump.take(8);
  call.finite = static_cast<int32_t *>(bump.take(8));
  plan.gradArgs = bindEntry(call, *call.f->entry, bump);
  plan.updateArgs =
      deviceOf(call.run.ctx) ? placeUpdate(call, bump, plan.arena) : nullptr;
  return plan;
}

/// What the update is given, with the workspace that it leaves in `bump`.
static void **updateOf(Call &call, const TrainPlan &plan, Bump &bump) {
  return plan.updateArgs ? plan.updateArgs
                         : placeUpdate(call, bump, plan.arena);
}

void planTrainStep(Call &call, Bump &bump) {
  TrainPlan plan = placeTrain(call, bump);
  Bump gradient = bump, update = bump, refresh = bump;
  runEntry(call, *call.f->entry, plan.gradArgs, gradient);
  void **updateArgs = updateOf(call, plan, update);
  runEntry(call, *call.f->update, updateArgs, update);
  packWeights(call, refresh);
  const size_t parts[] = {gradient.used, update.used, refresh.used};
  for (size_t used : parts)
    bump.used = used > bump.used ? used : bump.used;
}

static void giveNorm(Call &call) {
  int32_t real = rnnc_rt_library.real;
  for (int32_t i = 0; i < call.f->numArgs; ++i)
    if (call.f->args[i].role == RoleNorm && call.c->args[i])
      giveResult(call, call.c->args[i], call.norm, sizeOf(real));
}

/// Leaves everything as it was, and says which parameter is the reason.
static int32_t skip(const Call &call, rnnc_optimizer_counters &counters,
                    int32_t parameter, const char *message) {
  ++counters.skipped;
  counters.bad_parameter = parameter;
  const char *name = call.m->params[parameter].name;
  return fail(call.c->error, RNNC_ERR_NOT_FINITE, -1, name, -1, -1,
              counters.updates, message, name, (long long)counters.updates);
}

/// Nothing is known yet about an update whose batches are not all there.
static int32_t waitForMore(Call &call) {
  memset(call.norm, 0, sizeOf(rnnc_rt_library.real));
  giveNorm(call);
  for (int32_t p = 0; p < call.m->numParams && call.c->norms; ++p)
    call.c->norms[p] = 0;
  return RNNC_OK;
}

/// The batch's gradient joins those before it. True: an update follows, of
/// their mean.
static bool gathersUpdate(Call &call) {
  bool isLast = lastOfUpdate(call);
  // What is not finite spoils the update, but not the next one.
  if (!call.nothing && !isLast &&
      isfinite(largestOf(call.gradArena, call.m->arena)))
    storeStates(call);
  gather(call);
  return isLast && takeGathered(call);
}

/// The first parameter that is at fault, or -1; `isUpdate`: its new values
/// are, or else its gradient. `reach` becomes that of new values.
static int32_t checkUpdate(Call &call, size_t arena, bool &isUpdate,
                           Reach &reach) {
  const ModuleDesc &m = *call.m;
  if (!*call.finite)
    return badParameter(m, call.gradArena);
  isUpdate = true;
  int32_t overflow =
      firstOverflow(call, call.newParams, 1, arena, reach.params);
  return overflow < 0 ? firstOverflow(call, call.newSlots, m.numSlots, arena,
                                      reach.slots)
                      : overflow;
}

static void copy(Call &call, void *to, const char *from, size_t bytes) {
  Values values{from, static_cast<char *>(to), int64_t(bytes), 0};
  sweep(call, values.bytes, copyPart, &values);
}

/// The new values take the place of the old ones.
static void commitUpdate(Call &call, size_t arena) {
  const ModuleDesc &m = *call.m;
  size_t bytes = size_t(m.arena) * realSize();
  copy(call, paramsArena(call.c->params), call.newParams, bytes);
  changedOnHost(call, paramsArena(call.c->params), bytes);
  for (int32_t s = 0; s < m.numSlots; ++s)
    copy(call, optimizerSlot(call.module, call.c->optimizer, s),
         call.newSlots + size_t(s) * arena, bytes);
}

/// Zeros where no gradient is written: between parameters, and of frozen ones.
static void clearUnwritten(const ModuleDesc &m, char *arena) {
  int64_t written = 0; // up to here
  auto clear = [&](int64_t end) {
    if (end > written)
      memset(arena + size_t(written) * realSize(), 0,
             size_t(end - written) * realSize());
  };
  for (int32_t p = 0; p < m.numParams; ++p) {
    if (!m.params[p].trainable)
      continue;
    clear(m.params[p].offset);
    written = m.params[p].offset + m.params[p].count;
  }
  clear(m.arena);
}

/// An update may leave the end of an arena, which is as long as whole lines
/// are: what is kept of it is the same always.
static void clearEnds(const Call &call, size_t arena) {
  const ModuleDesc &m = *call.m;
  size_t bytes = size_t(m.arena) * realSize();
  size_t end = bytes < 2 * kAlign ? bytes : 2 * kAlign;
  memset(call.newParams + (bytes - end), 0, end);
  for (int32_t s = 0; s < m.numSlots; ++s)
    memset(call.newSlots + size_t(s) * arena + (bytes - end), 0, end);
}

/// The update over the old values, if it is sure to be finite. False: it has to
/// be made beside them, and nothing has changed.
static bool updateInPlace(Call &call, Bump bump) {
  call.scalars[2] = kMostNorm;
  call.newParams = paramsArena(call.c->params);
  call.newSlots = optimizerSlot(call.module, call.c->optimizer, 0);
  runEntry(call, *call.f->update, bindEntry(call, *call.f->update, bump), bump);
  return *call.finite != 0;
}

/// The update beside the old values, which take its place if all is finite.
/// The first parameter that is at fault, or -1.
static int32_t updateBeside(Call &call, const TrainPlan &plan, Bump bump,
                            bool &isUpdate, Reach &reach) {
  call.scalars[2] = INFINITY;
  zeroUnmarked(call);
  void **args = updateOf(call, plan, bump);
  if (!plan.updateArgs)
    clearEnds(call, plan.arena);
  runEntry(call, *call.f->update, args, bump);
  if (call.run.failed)
    return -1;
  if (call.resident)
    return deviceOf(call.run.ctx)->training->check(call, isUpdate);
  int32_t bad = checkUpdate(call, plan.arena, isUpdate, reach);
  if (bad < 0)
    commitUpdate(call, plan.arena);
  return bad;
}

int32_t runTrainStep(Call &call, Bump &bump) {
  const ModuleDesc &m = *call.m;
  auto &counters = *rnnc_rt_optimizer_counters(call.module, call.c->optimizer);
  call.seedPair[1] = numberOfBatch(call);
  Device *device = deviceOf(call.run.ctx);
  if (device && !device->training->begin(call))
    return failDevice(call);
  TrainPlan plan = placeTrain(call, bump);
  // The update sees the rate's factor and the number of this update.
  call.scalars[0] = scheduleFactor(m, counters);
  call.scalars[1] = double(counters.updates + 1);
  Reach reach{};
  bool isInPlace = !device && reachNext(call, reach);
  // A negative rate turns a weight of -0 into 0.
  leaveUnmarked(call, isInPlace && call.scalars[0] >= 0);
  if (!call.nothing) {
    loadStates(call);
    if (!call.resident)
      clearUnwritten(m, call.gradArena);
    runEntry(call, *call.f->entry, plan.gradArgs, bump);
    if (call.run.failed)
      return failDevice(call);
  }
  if (m.accumulate > 1 && !gathersUpdate(call))
    return waitForMore(call);
  bool isUpdate = false;
  int32_t bad = isInPlace && updateInPlace(call, bump)
                    ? -1
                    : updateBeside(call, plan, bump, isUpdate, reach);
  if (call.run.failed)
    return failDevice(call);
  giveNorm(call);
  if (!call.resident)
    giveNorms(call);
  if (bad >= 0)
    return skip(call, counters, bad,
                isUpdate
                    ? "the update of `%s` is not finite after %lld updates"
                    : "the gradient of `%s` is not finite after %lld updates");
  if (!call.nothing)
    storeStates(call);
  ++counters.updates;
  paramsChanged(call.c->params, uint64_t(counters.updates));
  if (call.resident) {
    forgetReach(call.c->optimizer);
    device->training->commit(call);
  } else {
    keepReach(call, reach);
  }
  refreshPrepared(call, bump);
  return call.run.failed ? failDevice(call) : int32_t(RNNC_OK);
}

} // namespace rnnc::rt
