// Driver.h: the part of a GPU's driver that libraries use.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver is opened when the first device is asked for; no library needs it
// to be loaded. Names and types are those of its binary interface.
#ifndef RNNC_LIB_RUNTIME_DRIVER_H
#define RNNC_LIB_RUNTIME_DRIVER_H

#include <stddef.h>
#include <stdint.h>

namespace rnnc::rt {

using CuResult = int32_t;
using CuDevice = int32_t;
using CuAddress = uint64_t;
using CuContext = struct CuContextTag *;
using CuModule = struct CuModuleTag *;
using CuFunction = struct CuFunctionTag *;
using CuStream = struct CuStreamTag *;
using CuEvent = struct CuEventTag *;

/// An event that tells no time.
constexpr uint32_t kCuEventNoTiming = 2;

constexpr CuResult kCuSuccess = 0;
constexpr CuResult kCuOutOfMemory = 2;
constexpr CuResult kCuNotPermitted = 800;

enum CuAttribute : int32_t {
  CuProcessors = 16,
  CuMajor = 75, ///< of the compute capability
  CuMinor = 76,
  CuGrids = 95,     ///< whether all blocks of a launch may run at a time
  CuMostShared = 97 ///< bytes of shared memory of a block that asks for them
};

/// Of a function: bytes of shared memory that a launch may ask for.
constexpr int32_t kCuFunctionMostShared = 8;

enum CuJitOption : uint32_t { CuJitErrorLog = 5, CuJitErrorLogBytes = 6 };

/// X(name, parameters): the functions, as members of `Driver` without `cu` and
/// the version behind it.
#define RNNC_DRIVER_FUNCTIONS(X)                                               \
  X(Init, "cuInit", (uint32_t flags))                                          \
  X(DriverGetVersion, "cuDriverGetVersion", (int32_t *version))                \
  X(DeviceGetCount, "cuDeviceGetCount", (int32_t *count))                      \
  X(DeviceGet, "cuDeviceGet", (CuDevice * device, int32_t number))             \
  X(DeviceGetName, "cuDeviceGetName",                                          \
    (char *name, int32_t bytes, CuDevice device))                              \
  X(DeviceGetAttribute, "cuDeviceGetAttribute",                                \
    (int32_t *value, int32_t attribute, CuDevice device))                      \
  X(PrimaryCtxRetain, "cuDevicePrimaryCtxRetain",                              \
    (CuContext * context, CuDevice device))                                    \
  X(PrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (CuDevice device))      \
  X(CtxPushCurrent, "cuCtxPushCurrent_v2", (CuContext context))                \
  X(CtxPopCurrent, "cuCtxPopCurrent_v2", (CuContext * context))                \
  X(MemAlloc, "cuMemAlloc_v2", (CuAddress * address, size_t bytes))            \
  X(MemFree, "cuMemFree_v2", (CuAddress address))                              \
  X(MemcpyHtoD, "cuMemcpyHtoDAsync_v2",                                        \
    (CuAddress to, const void *from, size_t bytes, CuStream stream))           \
  X(MemcpyDtoH, "cuMemcpyDtoHAsync_v2",                                        \
    (void *to, CuAddress from, size_t bytes, CuStream stream))                 \
  X(MemcpyDtoD, "cuMemcpyDtoDAsync_v2",                                        \
    (CuAddress to, CuAddress from, size_t bytes, CuStream stream))             \
  X(MemsetD8, "cuMemsetD8Async",                                               \
    (CuAddress to, unsigned char value, size_t count, CuStream stream))        \
  X(ModuleLoad, "cuModuleLoadDataEx",                                          \
    (CuModule * module, const void *image, uint32_t options,                   \
     CuJitOption *names, void **values))                                       \
  X(ModuleUnload, "cuModuleUnload", (CuModule module))                         \
  X(ModuleGetFunction, "cuModuleGetFunction",                                  \
    (CuFunction * function, CuModule module, const char *name))                \
  X(LaunchKernel, "cuLaunchKernel",                                            \
    (CuFunction function, uint32_t gridX, uint32_t gridY, uint32_t gridZ,      \
     uint32_t blockX, uint32_t blockY, uint32_t blockZ, uint32_t shared,       \
     CuStream stream, void **parameters, void **extra))                        \
  X(StreamCreate, "cuStreamCreate", (CuStream * stream, uint32_t flags))       \
  X(StreamDestroy, "cuStreamDestroy_v2", (CuStream stream))                    \
  X(StreamWaitEvent, "cuStreamWaitEvent",                                      \
    (CuStream stream, CuEvent event, uint32_t flags))                          \
  X(EventCreate, "cuEventCreate", (CuEvent * event, uint32_t flags))           \
  X(EventRecord, "cuEventRecord", (CuEvent event, CuStream stream))            \
  X(EventDestroy, "cuEventDestroy_v2", (CuEvent event))                        \
  X(StreamSynchronize, "cuStreamSynchronize", (CuStream stream))               \
  X(GetErrorName, "cuGetErrorName", (CuResult result, const char **name))      \
  X(GetErrorString, "cuGetErrorString", (CuResult result, const char **text))

/// Those that old drivers lack; null there.
#define RNNC_DRIVER_EXTRAS(X)                                                  \
  X(Occupancy, "cuOccupancyMaxActiveBlocksPerMultiprocessor",                  \
    (int32_t *blocks, CuFunction function, int32_t threads, size_t shared))    \
  X(FuncSetAttribute, "cuFuncSetAttribute",                                    \
    (CuFunction function, int32_t attribute, int32_t value))                   \
  X(LaunchGrid, "cuLaunchCooperativeKernel",                                   \
    (CuFunction function, uint32_t gridX, uint32_t gridY, uint32_t gridZ,      \
     uint32_t blockX, uint32_t blockY, uint32_t blockZ, uint32_t shared,       \
     CuStream stream, void **parameters))

struct Driver {
#define RNNC_DECLARE(member, symbol, parameters) CuResult(*member) parameters;
  RNNC_DRIVER_FUNCTIONS(RNNC_DECLARE)
  RNNC_DRIVER_EXTRAS(RNNC_DECLARE)
#undef RNNC_DECLARE
  void *handle;
};

} // namespace rnnc::rt

#endif // RNNC_LIB_RUNTIME_DRIVER_H
