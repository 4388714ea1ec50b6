// Device.cpp: opening a GPU, and what a context has of it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Device.h"

#include "rnnc/Runtime/PackedText.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace rnnc::rt {

bool Mirrors::add(const void *host, size_t bytes, CuAddress device) {
  if (count == room) {
    size_t more = room ? 2 * room : 16;
    void *grown = realloc(all, more * sizeof(Mirror));
    if (!grown)
      return false;
    all = static_cast<Mirror *>(grown);
    room = more;
  }
  all[count++] = {static_cast<const char *>(host), bytes, device};
  return true;
}

CuAddress Mirrors::find(const void *host, size_t bytes) const {
  auto *at = static_cast<const char *>(host);
  for (size_t i = 0; i < count; ++i)
    if (at >= all[i].host && at + bytes <= all[i].host + all[i].bytes)
      return all[i].device + CuAddress(at - all[i].host);
  return 0;
}

/// What the driver says of a code.
const char *wordsOf(const Driver &driver, CuResult code) {
  const char *name = nullptr;
  if (!driver.GetErrorString || driver.GetErrorString(code, &name) || !name)
    return "unknown error";
  return name;
}

int32_t failOpen(rnnc_error *error, int32_t number, int32_t code,
                 const char *what, const char *why) {
  fail(error, RNNC_ERR_DEVICE, -1, "device", -1, -1, number,
       "device %d: %s%s%.150s", number, what, *why ? ": " : "", why);
  if (error && error->size > kErrorBytes) {
    error->device = number;
    error->device_code = code;
  }
  return RNNC_ERR_DEVICE;
}

/// Opens the driver's library; functions that it lacks are named.
static int32_t openDriver(Driver &driver, int32_t number, rnnc_error *error) {
  memset(static_cast<void *>(&driver), 0, sizeof(driver));
  driver.handle = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver.handle) {
    const char *why = dlerror();
    return failOpen(error, number, 0, "there is no driver", why ? why : "");
  }
  struct Wanted {
    const char *symbol;
    void **place;
  };
  const Wanted wanted[] = {
#define RNNC_WANT(member, symbol, parameters)                                  \
  {symbol, reinterpret_cast<void **>(&driver.member)},
      RNNC_DRIVER_FUNCTIONS(RNNC_WANT)};
  const Wanted extras[] = {RNNC_DRIVER_EXTRAS(RNNC_WANT)};
#undef RNNC_WANT
  for (const Wanted &one : wanted) {
    *one.place = dlsym(driver.handle, one.symbol);
    if (!*one.place)
      return failOpen(error, number, 0, "the driver is too old: it lacks",
                      one.symbol);
  }
  for (const Wanted &one : extras)
    *one.place = dlsym(driver.handle, one.symbol);
  if (CuResult code = driver.Init(0))
    return failOpen(error, number, code, "the driver does not start",
                    wordsOf(driver, code));
  return RNNC_OK;
}

/// The number of a chip, as in sm_80, is what the kernels are made for at
/// least.
static int32_t checkCapability(const Device &d, rnnc_error *error) {
  int32_t major = 0, minor = 0;
  d.driver.DeviceGetAttribute(&major, CuMajor, d.device);
  d.driver.DeviceGetAttribute(&minor, CuMinor, d.device);
  if (major * 10 + minor >= rnnc_rt_library.gpu->capability)
    return RNNC_OK;
  char why[96];
  snprintf(why, sizeof(why), "it is sm_%d%d, and the code is for sm_%d", major,
           minor, rnnc_rt_library.gpu->capability);
  return failOpen(error, d.number, 0, "the device is too old", why);
}

static int32_t findDevice(Device &d, rnnc_error *error) {
  int32_t count = 0;
  if (CuResult code = d.driver.DeviceGetCount(&count))
    return failOpen(error, d.number, code, "devices cannot be counted",
                    wordsOf(d.driver, code));
  if (d.number < 0 || d.number >= count) {
    char why[64];
    snprintf(why, sizeof(why), "the machine has %d", count);
    return failOpen(error, d.number, 0, "there is no such device", why);
  }
  CuResult code = d.driver.DeviceGet(&d.device, d.number);
  if (code)
    return failOpen(error, d.number, code, "the device cannot be used",
                    wordsOf(d.driver, code));
  d.driver.DeviceGetName(d.name, sizeof(d.name), d.device);
  if (int32_t status = checkCapability(d, error))
    return status;
  int32_t hasGrids = 0;
  if (d.driver.Occupancy && d.driver.LaunchGrid)
    d.driver.DeviceGetAttribute(&hasGrids, CuGrids, d.device);
  if (!hasGrids ||
      d.driver.DeviceGetAttribute(&d.processors, CuProcessors, d.device))
    d.processors = 0;
  code = d.driver.PrimaryCtxRetain(&d.context, d.device);
  if (code) {
    d.context = nullptr;
    return failOpen(error, d.number, code, "the device cannot be used",
                    wordsOf(d.driver, code));
  }
  return RNNC_OK;
}

/// The text of the kernels, or null.
static char *unpackKernels() {
  const char *packed = rnnc_rt_library.gpu->ptx;
  auto *text = static_cast<char *>(calloc(1, textBytes(packed)));
  if (text && !TextUnpacker(packed, text).run()) {
    free(text);
    return nullptr;
  }
  return text;
}

/// The driver makes code of the kernels; the context is current.
static int32_t loadKernels(Device &d, rnnc_error *error) {
  const GpuDesc &gpu = *rnnc_rt_library.gpu;
  char log[512] = "";
  CuJitOption names[] = {CuJitErrorLog, CuJitErrorLogBytes};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log) - 1)};
  char *text = unpackKernels();
  if (!text)
    return failOpen(error, d.number, 0, "there is no memory on the host", "");
  CuResult loaded = d.driver.ModuleLoad(&d.module, text, 2, names, values);
  free(text);
  if (CuResult code = loaded) {
    d.module = nullptr;
    return failOpen(error, d.number, code, "the driver refuses the kernels",
                    *log ? log : wordsOf(d.driver, code));
  }
  d.kernels = static_cast<CuFunction *>(
      calloc(size_t(gpu.numKernels) + 1, sizeof(CuFunction)));
  if (!d.kernels)
    return failOpen(error, d.number, 0, "there is no memory on the host", "");
  for (int32_t i = 0; i < gpu.numKernels; ++i)
    if (CuResult code =
            d.driver.ModuleGetFunction(&d.kernels[i], d.module, gpu.kernels[i]))
      return failOpen(error, d.number, code, "a kernel is missing",
                      gpu.kernels[i]);
  if (CuResult code = d.driver.StreamCreate(&d.stream, 1)) {
    d.stream = nullptr;
    return failOpen(error, d.number, code, "no queue can be made",
                    wordsOf(d.driver, code));
  }
  if (CuResult code = d.driver.EventCreate(&d.event, kCuEventNoTiming)) {
    d.event = nullptr;
    return failOpen(error, d.number, code, "no event can be made",
                    wordsOf(d.driver, code));
  }
  return RNNC_OK;
}

static void freeMirrors(Device &d, Mirrors &mirrors) {
  for (size_t i = 0; i < mirrors.count; ++i)
    if (&mirrors != &d.inputs)
      d.driver.MemFree(mirrors.all[i].device);
  free(mirrors.all);
  mirrors = {};
}

/// What is on the device; its context is current.
static void releaseMemory(Device &d) {
  if (d.isPending && !joinQueues(d, d.stream))
    d.driver.StreamSynchronize(d.stream);
  if (d.arena.address)
    d.driver.MemFree(d.arena.address);
  if (d.counter.address)
    d.driver.MemFree(d.counter.address);
  for (size_t i = 0; i < d.numScratch; ++i)
    if (d.scratch[i].address)
      d.driver.MemFree(d.scratch[i].address);
  freeMirrors(d, d.constants);
  freeMirrors(d, d.kept);
  freeMirrors(d, d.inputs);
  dropResidents(d);
  dropStreams(d);
  if (d.event)
    d.driver.EventDestroy(d.event);
  if (d.stream)
    d.driver.StreamDestroy(d.stream);
  if (d.module)
    d.driver.ModuleUnload(d.module);
}

/// A copy that cannot be renewed is given up: the next call copies again.
static void renewCopy(Device *d, const void *host, size_t bytes) {
  auto *at = static_cast<const char *>(host);
  withDevice(*d, [&] {
    for (size_t i = 0; i < d->kept.count; ++i) {
      const Mirror &m = d->kept.all[i];
      if (at < m.host || at + bytes > m.host + m.bytes)
        continue;
      CuResult code = d->driver.MemcpyHtoD(m.device + CuAddress(at - m.host),
                                           host, bytes, d->stream);
      if (!code)
        code = d->driver.StreamSynchronize(d->stream);
      if (!code)
        continue;
      d->driver.MemFree(m.device);
      d->kept.all[i--] = d->kept.all[--d->kept.count];
    }
    return kCuSuccess;
  });
}

static void dropCopy(Device &d, const void *host) {
  for (size_t i = 0; i < d.kept.count; ++i)
    if (d.kept.all[i].host == host) {
      d.driver.MemFree(d.kept.all[i].device);
      d.kept.all[i] = d.kept.all[--d.kept.count];
      return;
    }
}

/// Copies an object in place of what was copied of it before.
static CuResult keepCopy(Device &d, const void *host, size_t bytes) {
  dropCopy(d, host);
  CuAddress place = 0;
  CuResult code = d.driver.MemAlloc(&place, bytes);
  if (code)
    return code;
  code = d.driver.MemcpyHtoD(place, host, bytes, d.stream);
  if (!code)
    code = d.driver.StreamSynchronize(d.stream);
  if (!code && !d.kept.add(host, bytes, place))
    code = kCuOutOfMemory;
  if (code)
    d.driver.MemFree(place);
  return code;
}

static void finishDevice(Device *d) {
  // What a parent opened is the parent's.
  bool mine = d->process == getpid();
  if (mine && d->context) {
    CuContext before;
    if (!d->driver.CtxPushCurrent(d->context)) {
      releaseMemory(*d);
      d->driver.CtxPopCurrent(&before);
    }
    d->driver.PrimaryCtxRelease(d->device);
  }
  if (mine && d->driver.handle)
    dlclose(d->driver.handle);
  pthread_mutex_destroy(&d->lock);
  free(d->scratch);
  free(d->kernels);
  free(d);
}

static int32_t startDevice(Device &d, rnnc_error *error) {
  if (int32_t status = openDriver(d.driver, d.number, error))
    return status;
  if (int32_t status = findDevice(d, error))
    return status;
  if (CuResult code = d.driver.CtxPushCurrent(d.context))
    return failOpen(error, d.number, code, "the device cannot be used",
                    wordsOf(d.driver, code));
  int32_t status = loadKernels(d, error);
  CuContext before;
  d.driver.CtxPopCurrent(&before);
  return status;
}

} // namespace rnnc::rt

using namespace rnnc::rt;

int32_t rnnc_rt_gpu_count(rnnc_error *error) {
  Driver driver;
  int32_t count = 0;
  int32_t status = openDriver(driver, 0, error);
  if (!status)
    if (CuResult code = driver.DeviceGetCount(&count))
      status = failOpen(error, 0, code, "devices cannot be counted",
                        wordsOf(driver, code));
  if (driver.handle)
    dlclose(driver.handle);
  if (status)
    return -1;
  succeed(error);
  return count;
}

void *rnnc_rt_gpu_open(int32_t number, rnnc_error *error) {
  auto *d = static_cast<Device *>(calloc(1, sizeof(Device)));
  if (!d) {
    failOpen(error, number, 0, "there is no memory on the host", "");
    return nullptr;
  }
  d->finish = finishDevice;
  d->renew = renewCopy;
  d->training = &kDeviceTraining;
  d->calls = &kDeviceCalls;
  d->number = number;
  d->process = getpid();
  pthread_mutex_init(&d->lock, nullptr);
  if (startDevice(*d, error)) {
    finishDevice(d);
    return nullptr;
  }
  return d;
}

rnnc_context *rnnc_rt_gpu_context_create(int32_t number, rnnc_error *error) {
  if (number < 0) {
    failOpen(error, number, 0, "there is no such device", "");
    return nullptr;
  }
  char variant[24];
  snprintf(variant, sizeof(variant), "gpu:%d", number);
  rnnc_context_options options;
  memset(static_cast<void *>(&options), 0, sizeof(options));
  options.size = sizeof(options);
  options.variant = variant;
  return rnnc_rt_context_create(&options, error);
}

/// Refuses a context without a device, and what is no object of the module.
static int32_t checkObjects(const rnnc_context *ctx, int32_t module,
                            const rnnc_params *params,
                            const rnnc_prepared *prepared, rnnc_error *error) {
  if (int32_t status = checkDevice(ctx, module, error))
    return status;
  if (params)
    if (int32_t status =
            checkObject(error, "params", params, kParamsMagic, module))
      return status;
  return prepared
             ? checkObject(error, "prepared", prepared, kPreparedMagic, module)
             : int32_t(RNNC_OK);
}

/// The host has the newest values of what is about to live there no longer.
static int32_t settle(const rnnc_context *ctx, const rnnc_params *params,
                      rnnc_error *error) {
  if (!params)
    return RNNC_OK;
  if (int32_t status = checkNewest(ctx, params, error))
    return status;
  Device &d = *deviceOf(ctx);
  return d.training->fetch(&d, params, /*slots=*/true, error);
}

int32_t rnnc_rt_gpu_upload(const rnnc_context *ctx, int32_t module,
                           const rnnc_params *params,
                           const rnnc_prepared *prepared, rnnc_error *error) {
  if (int32_t status = checkObjects(ctx, module, params, prepared, error))
    return status;
  Device &d = *deviceOf(ctx);
  if (int32_t status = settle(ctx, params, error))
    return status;
  CuResult code = withDevice(d, [&] {
    CuResult one = kCuSuccess;
    dropResident(d, params);
    if (params)
      one = keepCopy(d, params, rnnc_rt_params_size(module));
    if (!one && prepared)
      one = keepCopy(d, prepared, rnnc_rt_prepared_size(ctx, module));
    return one;
  });
  return code ? failOpen(error, d.number, code, "the copy cannot be made",
                         wordsOf(d.driver, code))
              : succeed(error);
}

int32_t rnnc_rt_gpu_release(const rnnc_context *ctx, int32_t module,
                            const rnnc_params *params,
                            const rnnc_prepared *prepared, rnnc_error *error) {
  if (int32_t status = checkObjects(ctx, module, params, prepared, error))
    return status;
  Device &d = *deviceOf(ctx);
  if (int32_t status = settle(ctx, params, error))
    return status;
  withDevice(d, [&] {
    dropCopy(d, params);
    dropResident(d, params);
    dropCopy(d, prepared);
    return kCuSuccess;
  });
  return succeed(error);
}

const char *rnnc_rt_gpu_name(const rnnc_context *ctx) {
  const Device *d = deviceOf(ctx);
  return d ? d->name : "";
}

int64_t rnnc_rt_gpu_grids(const rnnc_context *ctx, int64_t *refused) {
  Device *d = deviceOf(ctx);
  int64_t counts[2] = {0, 0};
  if (d) {
    pthread_mutex_lock(&d->lock);
    memcpy(counts, d->grids, sizeof(counts));
    pthread_mutex_unlock(&d->lock);
  }
  if (refused)
    *refused = counts[0];
  return counts[1];
}
