// DeviceTrain.cpp: parameters and optimiser state that live on a GPU.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of a training that was kept, parameters and the optimiser's state are on the
// device, twice: an update reads one and writes the other, which then takes its
// place. Gradients and packed weights stay there, too. The host sees the loss,
// the norms of gradients, and whether all is finite; it gets the parameters
// when it asks for them.
#include "Device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

namespace rnnc::rt {

/// Places on a device begin at a multiple of this.
constexpr size_t kPlaceAlign = 256;

static size_t placeBytes(size_t bytes) {
  return (bytes + kPlaceAlign - 1) / kPlaceAlign * kPlaceAlign;
}

static size_t residentBytes(const ModuleDesc &m) {
  return alignUp(size_t(m.arena) * realSize());
}

/// The resident of these parameters, or null; the device's lock is held.
static Resident *residentOf(const Device &d, const rnnc_params *params) {
  for (Resident *r = d.residents; r; r = r->next)
    if (r->params == params)
      return r;
  return nullptr;
}

static Header *lineOf(const void *object) {
  return static_cast<Header *>(const_cast<void *>(object));
}

/// Whether nobody gave the host other values since.
static bool hasValues(const Resident &r) {
  return lineOf(r.params)->stamp == r.stamp;
}
static bool hasSlots(const Resident &r) {
  return lineOf(r.optimizer)->stamp == r.slotStamp;
}

/// A resident's memory on the host is looked at where the caller has named it.
CuAddress keptPlace(const Device &d, const void *host, size_t bytes) {
  auto *at = static_cast<const char *>(host);
  for (const Resident *r = d.residents; r; r = r->next) {
    const char *values = paramsArena(r->params);
    size_t arena = residentBytes(rnnc_rt_library.modules[r->module]);
    if (at >= values && at + bytes <= values + arena)
      return hasValues(*r) ? r->values[r->now] + CuAddress(at - values) : 0;
  }
  return d.kept.find(host, bytes);
}

void dropResident(Device &d, const rnnc_params *params) {
  for (Resident **at = &d.residents; *at; at = &(*at)->next) {
    Resident *r = *at;
    if (r->params != params)
      continue;
    *at = r->next;
    if (r->room.address)
      d.driver.MemFree(r->room.address);
    free(r->places.all);
    free(r);
    return;
  }
}

void dropResidents(Device &d) {
  while (d.residents)
    dropResident(d, d.residents->params);
}

static CuResult toDevice(Device &d, CuAddress to, const void *from,
                         size_t bytes) {
  return bytes ? d.driver.MemcpyHtoD(to, from, bytes, d.stream) : kCuSuccess;
}

/// What the host has, in both places: what an update does not write is there.
static CuResult uploadValues(Device &d, Resident &r) {
  size_t arena = residentBytes(rnnc_rt_library.modules[r.module]);
  CuResult code = kCuSuccess;
  for (int32_t i = 0; i < 2 && !code; ++i)
    code = toDevice(d, r.values[i], paramsArena(r.params), arena);
  r.stamp = lineOf(r.params)->stamp;
  return code;
}

static CuResult uploadSlots(Device &d, Resident &r) {
  const ModuleDesc &m = rnnc_rt_library.modules[r.module];
  size_t bytes = residentBytes(m) * size_t(m.numSlots);
  char *slots =
      optimizerSlot(r.module, const_cast<rnnc_optimizer *>(r.optimizer), 0);
  CuResult code = kCuSuccess;
  for (int32_t i = 0; i < 2 && !code; ++i)
    code = toDevice(d, r.slots[i], slots, bytes);
  r.slotStamp = ++lineOf(r.optimizer)->stamp;
  return code;
}

/// What the host was given since is there; what is newer there stays.
static CuResult renew(Device &d, Resident &r) {
  if (hasValues(r) && hasSlots(r))
    return kCuSuccess;
  CuResult code = hasValues(r) ? kCuSuccess : uploadValues(d, r);
  if (!code && !hasSlots(r))
    code = uploadSlots(d, r);
  return code ? code : d.driver.StreamSynchronize(d.stream);
}

/// The table of parameters, and gradients that are 0 where no one writes any.
static CuResult fillRoom(Device &d, Resident &r) {
  const ModuleDesc &m = rnnc_rt_library.modules[r.module];
  size_t rows = size_t(m.numParams) * 2 * sizeof(int64_t);
  size_t arena = residentBytes(m);
  char *zeros = static_cast<char *>(calloc(1, rows > arena ? rows : arena));
  if (!zeros)
    return kCuOutOfMemory;
  CuResult code = toDevice(d, r.gradients, zeros, arena);
  if (!code)
    code = d.driver.StreamSynchronize(d.stream);
  auto *table = reinterpret_cast<int64_t *>(zeros);
  for (int32_t p = 0; p < m.numParams; ++p) {
    table[2 * p] = m.params[p].offset;
    table[2 * p + 1] = m.params[p].trainable ? m.params[p].count : 0;
  }
  if (!code)
    code = toDevice(d, r.table, table, rows);
  if (!code)
    code = d.driver.StreamSynchronize(d.stream);
  free(zeros);
  return code;
}

/// Sums that are looked at: of gradients, new values, and new slots.
static size_t sumsOf(const ModuleDesc &m) {
  return size_t(m.numParams) * size_t(m.numSlots + 2);
}

/// Memory for all of it, as one piece.
static CuResult makeRoom(Device &d, Resident &r) {
  const ModuleDesc &m = rnnc_rt_library.modules[r.module];
  size_t arena = placeBytes(residentBytes(m));
  size_t slots = placeBytes(residentBytes(m) * size_t(m.numSlots));
  struct Part {
    CuAddress *place;
    size_t bytes;
  };
  const Part parts[] = {
      {&r.values[0], arena},
      {&r.values[1], arena},
      {&r.slots[0], slots},
      {&r.slots[1], slots},
      {&r.gradients, arena},
      {&r.panels, placeBytes(size_t(m.prepared) * realSize())},
      {&r.table, placeBytes(size_t(m.numParams) * 2 * sizeof(int64_t))},
      {&r.sums, placeBytes(sumsOf(m) * sizeof(double))}};
  size_t bytes = 0;
  for (const Part &part : parts)
    bytes = addSizes(bytes, part.bytes);
  if (bytes > PTRDIFF_MAX)
    return kCuOutOfMemory;
  if (CuResult code = d.driver.MemAlloc(&r.room.address, bytes ? bytes : 1)) {
    r.room.address = 0;
    return code;
  }
  r.room.bytes = bytes;
  CuAddress at = r.room.address;
  for (const Part &part : parts) {
    *part.place = at;
    at += part.bytes;
  }
  return fillRoom(d, r);
}

/// Puts them on the device, or what the host has in place of what is there.
static CuResult keep(Device &d, int32_t module, rnnc_params *params,
                     rnnc_optimizer *optimizer) {
  dropResident(d, params);
  auto *r = static_cast<Resident *>(calloc(1, sizeof(Resident)));
  if (!r)
    return kCuOutOfMemory;
  r->params = params;
  r->optimizer = optimizer;
  r->module = module;
  r->next = d.residents;
  d.residents = r;
  r->stamp = ~lineOf(params)->stamp;
  r->slotStamp = ~lineOf(optimizer)->stamp;
  CuResult code = makeRoom(d, *r);
  if (!code)
    code = renew(d, *r);
  if (code)
    dropResident(d, params);
  return code;
}

static void noteFailure(Call &call, CuResult code, const char *what) {
  Device &d = *deviceOf(call.run.ctx);
  call.run.failed = RNNC_ERR_DEVICE;
  d.code = code;
  strncpy(d.message, what, sizeof(d.message) - 1);
}

/// What the call reads of them is on the device; the host may have loaded other
/// values since: they count.
static bool beginTraining(Call &call) {
  Device &d = *deviceOf(call.run.ctx);
  CuResult code = withDevice(d, [&] {
    Resident *r = residentOf(d, call.c->params);
    if (!r || r->optimizer != call.c->optimizer)
      return kCuSuccess;
    CuResult done = renew(d, *r);
    size_t arena = residentBytes(*call.m);
    r->places.count = 0;
    bool fits =
        r->places.add(paramsArena(r->params), arena, r->values[r->now]) &&
        r->places.add(optimizerSlot(call.module, call.c->optimizer, 0),
                      arena * size_t(call.m->numSlots), r->slots[r->now]);
    call.resident = r;
    call.run.places = &r->places;
    return !done && !fits ? kCuOutOfMemory : done;
  });
  if (code)
    noteFailure(call, code, "what lives on the device cannot be renewed");
  return !code;
}

static void placeTraining(Call &call, TrainPart part, const void *host,
                          size_t bytes) {
  Resident &r = *call.resident;
  CuAddress device = part == TrainPart::Panels      ? r.panels
                     : part == TrainPart::Gradients ? r.gradients
                     : part == TrainPart::Values    ? r.values[1 - r.now]
                                                    : r.slots[1 - r.now];
  if (!r.places.add(host, bytes, device) && !call.run.failed)
    noteFailure(call, 0, "there is no memory on the host");
}

/// Sums of each parameter's squares, each times `factor`: with 0 they are 0, or
/// no number where one of the values is not finite.
static void addUp(Call &call, CuAddress values, double factor, int64_t number) {
  const ModuleDesc &m = *call.m;
  int64_t bits;
  memcpy(&bits, &factor, sizeof(bits));
  CuAddress to =
      call.resident->sums + CuAddress(number * m.numParams) * sizeof(double);
  int64_t parameters[] = {int64_t(values), int64_t(call.resident->table),
                          int64_t(to), bits};
  rnnc_rt_gpu_launch(&call.run, rnnc_rt_library.gpu->numKernels - 1,
                     m.numParams, 256, parameters, 4);
}

static CuResult readSums(Call &call, double *sums) {
  Device &d = *deviceOf(call.run.ctx);
  const ModuleDesc &m = *call.m;
  const Resident &r = *call.resident;
  int32_t next = 1 - r.now;
  return withDevice(d, [&] {
    addUp(call, r.gradients, 1, 0);
    addUp(call, r.values[next], 0, 1);
    for (int32_t s = 0; s < m.numSlots; ++s)
      addUp(call, r.slots[next] + CuAddress(s) * residentBytes(m), 0, 2 + s);
    if (call.run.failed)
      return kCuSuccess;
    CuResult code =
        d.driver.MemcpyDtoH(sums, r.sums, sumsOf(m) * sizeof(double), d.stream);
    return code ? code : d.driver.StreamSynchronize(d.stream);
  });
}

/// The first parameter with which the sum of all squares stops to be finite,
/// else the last one that is trained.
static int32_t badGradient(const ModuleDesc &m, const double *sums) {
  int32_t last = -1;
  double sum = 0;
  for (int32_t p = 0; p < m.numParams; ++p) {
    if (!m.params[p].trainable)
      continue;
    last = p;
    sum += sums[p];
    if (!isfinite(sum))
      return p;
  }
  return last;
}

static int32_t checkTraining(Call &call, bool &isUpdate) {
  const ModuleDesc &m = *call.m;
  auto *sums = static_cast<double *>(calloc(sumsOf(m) + 1, sizeof(double)));
  CuResult code = sums ? readSums(call, sums) : kCuOutOfMemory;
  if (code && !call.run.failed)
    noteFailure(call, code, "the update cannot be looked at");
  int32_t bad = -1;
  if (!call.run.failed) {
    for (int32_t p = 0; p < m.numParams && call.c->norms; ++p)
      call.c->norms[p] = sqrt(sums[p]);
    isUpdate = *call.finite != 0;
    if (!isUpdate)
      bad = badGradient(m, sums);
    for (int32_t p = 0; p < m.numParams && isUpdate && bad < 0; ++p)
      bad = isfinite(sums[m.numParams + p]) ? -1 : p;
    for (int32_t p = 0; p < m.numParams && isUpdate && bad < 0; ++p)
      for (int32_t s = 0; s < m.numSlots && bad < 0; ++s)
        bad = isfinite(sums[(2 + s) * m.numParams + p]) ? -1 : p;
  }
  free(sums);
  return bad;
}

/// The new values take the place of the old ones, which the host still has.
static void commitTraining(Call &call) {
  Device &d = *deviceOf(call.run.ctx);
  Resident &r = *call.resident;
  withDevice(d, [&] {
    r.now = 1 - r.now;
    r.places.count = 0;
    r.stamp = lineOf(r.params)->stamp;
    lineOf(r.params)->of = &d;
    lineOf(r.optimizer)->of = &d;
    return kCuSuccess;
  });
}

static bool holdsNewest(Device *d, const void *object) {
  bool holds = false;
  withDevice(*d, [&] {
    for (const Resident *r = d->residents; r && !holds; r = r->next)
      holds = r->params == object || r->optimizer == object;
    return kCuSuccess;
  });
  return holds;
}

/// What is newer on the device; `optimizer` may be null.
static CuResult bring(Device &d, Resident &r, bool slots) {
  const ModuleDesc &m = rnnc_rt_library.modules[r.module];
  size_t bytes = size_t(m.arena) * realSize();
  CuResult code = kCuSuccess;
  if (lineOf(r.params)->of == &d)
    code = d.driver.MemcpyDtoH(paramsArena(const_cast<rnnc_params *>(r.params)),
                               r.values[r.now], bytes, d.stream);
  auto *optimizer = const_cast<rnnc_optimizer *>(r.optimizer);
  slots = slots && lineOf(optimizer)->of == &d;
  for (int32_t s = 0; s < m.numSlots && slots && !code; ++s)
    code = d.driver.MemcpyDtoH(optimizerSlot(r.module, optimizer, s),
                               r.slots[r.now] + CuAddress(s) * residentBytes(m),
                               bytes, d.stream);
  if (!code)
    code = d.driver.StreamSynchronize(d.stream);
  if (code)
    return code;
  lineOf(r.params)->of = nullptr;
  if (slots)
    lineOf(optimizer)->of = nullptr;
  return kCuSuccess;
}

static int32_t fetchNewest(Device *d, const rnnc_params *params, bool slots,
                           rnnc_error *error) {
  CuResult code = withDevice(*d, [&] {
    Resident *r = residentOf(*d, params);
    return r ? bring(*d, *r, slots) : kCuSuccess;
  });
  return code ? failOpen(error, d->number, code,
                         "what lives on the device cannot be copied",
                         wordsOf(d->driver, code))
              : int32_t(RNNC_OK);
}

const DeviceTraining kDeviceTraining = {beginTraining, placeTraining,
                                        checkTraining, commitTraining,
                                        holdsNewest,   fetchNewest};

/// Refuses a context without a device, and what are no objects of the module.
static int32_t checkBoth(const rnnc_context *ctx, int32_t module,
                         const rnnc_params *params,
                         const rnnc_optimizer *optimizer, rnnc_error *error) {
  if (int32_t status = checkContext(error, ctx))
    return status;
  if (!deviceOf(ctx))
    return fail(error, RNNC_ERR_ARGUMENT, -1, "context", -1, -1, -1,
                "`context` runs on no device");
  if (int32_t status = checkModule(error, module))
    return status;
  if (int32_t status =
          checkObject(error, "params", params, kParamsMagic, module))
    return status;
  return checkObject(error, "optimizer", optimizer, kOptimizerMagic, module);
}

} // namespace rnnc::rt

using namespace rnnc::rt;

int32_t rnnc_rt_gpu_keep(const rnnc_context *ctx, int32_t module,
                         rnnc_params *params, rnnc_optimizer *optimizer,
                         rnnc_error *error) {
  if (int32_t status = checkBoth(ctx, module, params, optimizer, error))
    return status;
  if (int32_t status = checkWritable(params, error))
    return status;
  if (moduleAt(module)->accumulate > 1)
    return fail(error, RNNC_ERR_UNSUPPORTED, -1, "optimizer", -1, -1, -1,
                "what gathers the gradients of several batches (`accumulate`) "
                "does so on the host");
  Device &d = *deviceOf(ctx);
  const void *both[] = {params, optimizer};
  for (const void *object : both)
    if (int32_t status = checkNewest(ctx, object, error))
      return status;
  if (int32_t status = fetchNewest(&d, params, /*slots=*/true, error))
    return status;
  CuResult code =
      withDevice(d, [&] { return keep(d, module, params, optimizer); });
  return code ? failOpen(error, d.number, code,
                         "parameters cannot be put on the device",
                         wordsOf(d.driver, code))
              : succeed(error);
}

int32_t rnnc_rt_gpu_fetch(const rnnc_context *ctx, int32_t module,
                          rnnc_params *params, rnnc_optimizer *optimizer,
                          rnnc_error *error) {
  if (int32_t status = checkBoth(ctx, module, params, optimizer, error))
    return status;
  const void *both[] = {params, optimizer};
  for (const void *object : both)
    if (int32_t status = checkNewest(ctx, object, error))
      return status;
  if (int32_t status =
          fetchNewest(deviceOf(ctx), params, /*slots=*/true, error))
    return status;
  return succeed(error);
}
