// DeviceArrays.cpp: arrays and states of a call that lie on a GPU.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An address of the host and one of a device are never the same number. So
// arrays that a caller has on the device are entered in the list of what lies
// there as their own copies, and nothing else of a call differs.
#include "Device.h"

#include <stdlib.h>
#include <string.h>

namespace rnnc::rt {

Mirrors *placesOf(Call &call) {
  if (!call.run.places)
    call.run.places = static_cast<Mirrors *>(calloc(1, sizeof(Mirrors)));
  return call.run.places;
}

void noteFailure(Call &call, CuResult code, const char *what) {
  Device &d = *deviceOf(call.run.ctx);
  call.run.failed = RNNC_ERR_DEVICE;
  d.code = code;
  strncpy(d.message, what, sizeof(d.message) - 1);
}

int32_t checkDevice(const rnnc_context *ctx, int32_t module,
                    rnnc_error *error) {
  if (int32_t status = checkContext(error, ctx))
    return status;
  if (!deviceOf(ctx))
    return fail(error, RNNC_ERR_ARGUMENT, -1, "context", -1, -1, -1,
                "`context` runs on no device");
  return checkModule(error, module);
}

/// Real numbers, and what is written: the rest is checked on the host.
static bool liesThere(const ArgDesc &arg) {
  bool isReal = arg.dtype == F32 || arg.dtype == F64;
  return isReal || arg.role >= RoleLoss;
}

static bool findArrays(Call &call) {
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    const void *place = call.c->args[i];
    if (!place || !liesThere(arg))
      continue;
    Mirrors *places = placesOf(call);
    size_t bytes = bytesOf(call, arg.shape, arg.rank, arg.dtype);
    if (!places || !places->add(place, bytes, CuAddress(place)))
      return false;
  }
  return true;
}

/// The device's lock is held.
static ResidentStream *streamOf(const Device &d, const rnnc_stream *stream) {
  for (ResidentStream *r = d.streams; r; r = r->next)
    if (r->stream == stream)
      return r;
  return nullptr;
}

static void dropStream(Device &d, const rnnc_stream *stream) {
  for (ResidentStream **at = &d.streams; *at; at = &(*at)->next) {
    ResidentStream *r = *at;
    if (r->stream != stream)
      continue;
    *at = r->next;
    if (r->states[0])
      d.driver.MemFree(r->states[0]);
    free(r);
    return;
  }
}

void dropStreams(Device &d) {
  while (d.streams)
    dropStream(d, d.streams->stream);
}

static Header *headOf(const rnnc_stream *stream) {
  return reinterpret_cast<Header *>(const_cast<rnnc_stream *>(stream));
}

/// What is newer there, so that the host has it; the lock is held.
static CuResult bringStates(Device &d, const ResidentStream &r, char *states) {
  if (headOf(r.stream)->of != &d)
    return kCuSuccess;
  CuResult code = kCuSuccess;
  if (r.bytes)
    code = d.driver.MemcpyDtoH(states, r.states[r.now], r.bytes, d.stream);
  if (!code)
    code = d.driver.StreamSynchronize(d.stream);
  if (!code)
    headOf(r.stream)->of = nullptr;
  return code;
}

/// The host may have written states since they were there.
static CuResult bringThere(Call &call, ResidentStream &r) {
  Device &d = *deviceOf(call.run.ctx);
  CuResult code = kCuSuccess;
  if (headOf(r.stream)->of != &d && r.bytes)
    code = d.driver.MemcpyHtoD(r.states[r.now], call.state.states, r.bytes,
                               d.stream);
  if (!code)
    code = d.driver.StreamSynchronize(d.stream);
  if (code)
    return code;
  Mirrors *places = placesOf(call);
  if (!places || !places->add(call.state.states, r.bytes, r.states[r.now]))
    return kCuOutOfMemory;
  call.streamThere = &r;
  return kCuSuccess;
}

/// A step goes on where the states are; what draws does so on the host.
static CuResult findStream(Call &call) {
  Device &d = *deviceOf(call.run.ctx);
  bool isStep = call.f->kind == KindStep;
  if (!isStep && call.f->kind != KindSample)
    return kCuSuccess;
  return withDevice(d, [&] {
    ResidentStream *r = streamOf(d, call.c->stream);
    if (!r)
      return kCuSuccess;
    // A stream that was made anew, of other rows, is the host's.
    if (r->batch != headOf(r->stream)->batch) {
      dropStream(d, call.c->stream);
      return kCuSuccess;
    }
    if (!call.state.states)
      return kCuSuccess;
    return isStep ? bringThere(call, *r)
                  : bringStates(d, *r, call.state.states);
  });
}

static bool beginCall(Call &call) {
  if (call.argsThere && !findArrays(call)) {
    noteFailure(call, 0, "there is no memory on the host");
    return false;
  }
  CuResult code = call.c->stream ? findStream(call) : kCuSuccess;
  if (code)
    noteFailure(call, code, "the states of the stream cannot be copied");
  return !code;
}

/// Who comes next waits for what is left in the caller's queue.
static void finishCall(Call &call) {
  Device &d = *deviceOf(call.run.ctx);
  if (call.run.queue && !call.run.failed) {
    auto queue = static_cast<CuStream>(call.run.queue);
    CuResult code = withDevice(d, [&] {
      CuResult noted = d.driver.EventRecord(d.event, queue);
      if (noted)
        noted = d.driver.StreamSynchronize(queue);
      else
        d.isPending = true;
      return noted;
    });
    (void)code; // it shows in the next call
  }
  if (call.run.places)
    free(call.run.places->all);
  free(call.run.places);
  call.run.places = nullptr;
}

static void placePart(Call &call, DevicePart part, const void *host,
                      size_t bytes) {
  CuAddress device = 0;
  if (part == DevicePart::States)
    device = call.streamThere->states[1 - call.streamThere->now];
  else
    device = partOf(*call.resident, part);
  Mirrors *places = placesOf(call);
  if ((!places || !places->add(host, bytes, device)) && !call.run.failed)
    noteFailure(call, 0, "there is no memory on the host");
}

static void giveThere(Call &call, void *to, const void *from, size_t bytes) {
  Device &d = *deviceOf(call.run.ctx);
  CuStream queue = queueOf(d, call.run);
  auto place = CuAddress(to);
  CuResult code = withDevice(d, [&] {
    CuResult done = joinQueues(d, queue);
    if (done || !bytes)
      return done;
    done = from ? d.driver.MemcpyHtoD(place, from, bytes, queue)
                : d.driver.MemsetD8(place, 0, bytes, queue);
    return done || call.run.queue ? done : d.driver.StreamSynchronize(queue);
  });
  if (code && !call.run.failed)
    noteFailure(call, code, "results cannot be written");
}

static void commitStream(Call &call) {
  Device &d = *deviceOf(call.run.ctx);
  ResidentStream &r = *call.streamThere;
  withDevice(d, [&] {
    r.now = 1 - r.now;
    headOf(r.stream)->of = &d;
    return kCuSuccess;
  });
}

static bool holdsNewest(Device *d, const void *object) {
  bool holds = false;
  withDevice(*d, [&] {
    for (const Resident *r = d->residents; r && !holds; r = r->next)
      holds = r->params == object || r->optimizer == object;
    for (const ResidentStream *r = d->streams; r && !holds; r = r->next)
      holds = r->stream == object;
    return kCuSuccess;
  });
  return holds;
}

const DeviceCalls kDeviceCalls = {beginCall, finishCall,   placePart,
                                  giveThere, commitStream, holdsNewest};

/// Room for the states of a stream, which stay the host's until a step.
static CuResult makeStream(Device &d, const ModuleDesc &m,
                           const rnnc_stream *stream) {
  dropStream(d, stream);
  auto *r = static_cast<ResidentStream *>(calloc(1, sizeof(ResidentStream)));
  if (!r)
    return kCuOutOfMemory;
  r->stream = stream;
  r->batch = headOf(stream)->batch;
  r->bytes = stateOffset(m, m.numStates, r->batch);
  r->next = d.streams;
  d.streams = r;
  size_t each = alignUp(r->bytes ? r->bytes : 1);
  size_t both = multiplySizes(each, 2);
  CuResult code = both > PTRDIFF_MAX ? kCuOutOfMemory
                                     : d.driver.MemAlloc(&r->states[0], both);
  if (code) {
    r->states[0] = 0;
    dropStream(d, stream);
    return code;
  }
  r->states[1] = r->states[0] + each;
  return kCuSuccess;
}

static int32_t checkStream(const rnnc_context *ctx, int32_t module,
                           const rnnc_stream *stream, rnnc_error *error) {
  if (int32_t status = checkDevice(ctx, module, error))
    return status;
  if (int32_t status =
          checkObject(error, "stream", stream, kStreamMagic, module))
    return status;
  return checkNewest(ctx, stream, error);
}

/// Brings what is newer, and frees it there.
static CuResult fetchStates(Device &d, int32_t module, rnnc_stream *stream,
                            bool end) {
  return withDevice(d, [&] {
    const ResidentStream *r = streamOf(d, stream);
    if (!r)
      return kCuSuccess;
    StateView view;
    streamView(module, stream, view);
    CuResult code = bringStates(d, *r, view.states);
    if (!code && end)
      dropStream(d, stream);
    return code;
  });
}

} // namespace rnnc::rt

using namespace rnnc::rt;

int32_t rnnc_rt_gpu_stream_keep(const rnnc_context *ctx, int32_t module,
                                rnnc_stream *stream, rnnc_error *error) {
  if (int32_t status = checkStream(ctx, module, stream, error))
    return status;
  Device &d = *deviceOf(ctx);
  CuResult code = fetchStates(d, module, stream, /*end=*/true);
  if (!code)
    code =
        withDevice(d, [&] { return makeStream(d, *moduleAt(module), stream); });
  return code ? failOpen(error, d.number, code,
                         "the states cannot be put on the device",
                         wordsOf(d.driver, code))
              : succeed(error);
}

int32_t rnnc_rt_gpu_stream_fetch(const rnnc_context *ctx, int32_t module,
                                 rnnc_stream *stream, int32_t end,
                                 rnnc_error *error) {
  if (int32_t status = checkStream(ctx, module, stream, error))
    return status;
  Device &d = *deviceOf(ctx);
  CuResult code = fetchStates(d, module, stream, end != 0);
  return code ? failOpen(error, d.number, code,
                         "the states cannot be copied from the device",
                         wordsOf(d.driver, code))
              : succeed(error);
}
