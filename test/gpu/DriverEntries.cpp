// DriverEntries.cpp: the entries of the stand-in driver.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Driver.h"

#include <algorithm>

using namespace rnnc::ptx;
using Needs = Driver::Call::Needs;

// Every entry counts itself and may be made to fail.
#define PTX_CALL(NEEDS)                                                        \
  Driver::Call call(__func__, Needs::NEEDS);                                   \
  if (call.status)                                                             \
    return call.status;                                                        \
  [[maybe_unused]] Driver &driver = Driver::get()

CUresult cuInit(unsigned flags) {
  PTX_CALL(Nothing);
  return flags ? int(kInvalidValue) : driver.init();
}

CUresult cuDriverGetVersion(int *version) {
  PTX_CALL(Nothing);
  if (!version)
    return kInvalidValue;
  *version = 12080;
  return kSuccess;
}

CUresult cuDeviceGetCount(int *count) {
  PTX_CALL(Init);
  if (!count)
    return kInvalidValue;
  *count = 1;
  return kSuccess;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  PTX_CALL(Init);
  if (!device)
    return kInvalidValue;
  if (ordinal != 0)
    return kInvalidDevice;
  *device = 0;
  return kSuccess;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  PTX_CALL(Init);
  if (!name || length <= 0)
    return kInvalidValue;
  if (device != 0)
    return kInvalidDevice;
  std::snprintf(name, size_t(length), "rnnc PTX interpreter (no GPU)");
  return kSuccess;
}

/// Numbers as an A100's where nothing else is asked for.
static int attributeOf(const Options &options, int attribute, int &value) {
  constexpr std::pair<int, int> kFixed[] = {
      {1, 1024},                                  // threads of a block
      {2, 1024},                                  // in x
      {3, 1024},                                  // in y
      {4, 64},                                    // in z
      {5, 0x7fffffff},                            // blocks of a grid in x
      {6, 65535},      {7, 65535}, {8, 48 << 10}, // shared memory of a block
      {9, 64 << 10},                              // constant memory
      {10, 32},                                   // warp
      {12, 65536},                                // registers of a block
      {13, 1000000},                              // kHz
      {15, 0},                                    // copies beside kernels
      {17, 0},                                    // no limit of time
      {18, 0},                                    // not integrated
      {19, 0}, // does not map memory of the host
      {20, 0}, // for everyone
      {31, 0}, // kernels one after the other
      {32, 0}, // no ECC
      {36, 1000000},   {37, 64},   {38, 4 << 20}, // L2
      {39, 2048},                                 // threads of a multiprocessor
      {40, 0},                                    // engines that copy
      {41, 0},         // addresses are the device's own
      {81, 164 << 10}, // shared memory of a multiprocessor
      {82, 65536},     // registers of a multiprocessor
      {83, 0},         // no managed memory
      {97, 163 << 10}, // shared memory of a block, if asked for
      {106, 32},       // blocks of a multiprocessor
      {111, 1 << 10}}; // reserved of each block
  switch (attribute) {
  case 16:
    value = int(options.sms);
    return kSuccess;
  case 75:
    value = int(options.capability / 10);
    return kSuccess;
  case 76:
    value = int(options.capability % 10);
    return kSuccess;
  case 95:
    value = !options.noCooperative;
    return kSuccess;
  default:
    break;
  }
  for (auto [known, of] : kFixed)
    if (known == attribute) {
      value = of;
      return kSuccess;
    }
  return kInvalidValue;
}

CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  PTX_CALL(Init);
  if (!value)
    return kInvalidValue;
  if (device != 0)
    return kInvalidDevice;
  return attributeOf(driver.options, attribute, *value);
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  PTX_CALL(Init);
  if (!bytes)
    return kInvalidValue;
  if (device != 0)
    return kInvalidDevice;
  *bytes = driver.options.memory;
  return kSuccess;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  PTX_CALL(Init);
  if (!context)
    return kInvalidValue;
  if (device != 0)
    return kInvalidDevice;
  ++driver.context.references;
  *context = &driver.context;
  return kSuccess;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  PTX_CALL(Init);
  if (device != 0)
    return kInvalidDevice;
  if (!driver.context.references)
    return kInvalidContext;
  // A fault goes with the context that it happened in.
  if (!--driver.context.references && driver.sticky)
    driver.reset();
  return kSuccess;
}

CUresult cuCtxSetCurrent(CUcontext context) {
  PTX_CALL(Init);
  if (context && context != &driver.context)
    return kInvalidContext;
  auto &stack = currentContexts();
  if (!stack.empty())
    stack.pop_back();
  if (context)
    stack.push_back(context);
  return kSuccess;
}

CUresult cuCtxGetCurrent(CUcontext *context) {
  PTX_CALL(Init);
  if (!context)
    return kInvalidValue;
  auto &stack = currentContexts();
  *context = stack.empty() ? nullptr : stack.back();
  return kSuccess;
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
  PTX_CALL(Init);
  if (context != &driver.context)
    return kInvalidContext;
  currentContexts().push_back(context);
  return kSuccess;
}

CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  PTX_CALL(Init);
  auto &stack = currentContexts();
  if (stack.empty())
    return kInvalidContext;
  if (context)
    *context = stack.back();
  stack.pop_back();
  return kSuccess;
}

CUresult cuCtxSynchronize(void) {
  PTX_CALL(Context);
  return kSuccess;
}

CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes) {
  PTX_CALL(Context);
  if (!pointer || !bytes)
    return kInvalidValue;
  Allocation *made = driver.memory.allocate(bytes, 256);
  if (!made)
    return kOutOfMemory;
  *pointer = made->base;
  return kSuccess;
}

CUresult cuMemFree_v2(CUdeviceptr pointer) {
  PTX_CALL(Context);
  if (!pointer)
    return kSuccess;
  return driver.memory.release(pointer) ? kSuccess : kInvalidValue;
}

/// Says what is wrong: the code alone does not.
static uint8_t *bytesAt(Driver &driver, const char *entry, CUdeviceptr pointer,
                        size_t bytes) {
  uint8_t *host = driver.memory.at(pointer, bytes);
  if (!host)
    std::fprintf(
        stderr, "rnnc PTX interpreter: %s of %zu bytes at 0x%llx: %s\n", entry,
        bytes, pointer, driver.memory.describe(pointer, bytes).c_str());
  return host;
}

static int copyIn(Driver &driver, const char *entry, CUdeviceptr to,
                  const void *from, size_t bytes) {
  if (!bytes)
    return kSuccess;
  uint8_t *host = from ? bytesAt(driver, entry, to, bytes) : nullptr;
  if (!host)
    return kInvalidValue;
  std::memcpy(host, from, bytes);
  driver.toDevice.add(bytes);
  return kSuccess;
}

static int copyOut(Driver &driver, const char *entry, void *to,
                   CUdeviceptr from, size_t bytes) {
  if (!bytes)
    return kSuccess;
  uint8_t *host = to ? bytesAt(driver, entry, from, bytes) : nullptr;
  if (!host)
    return kInvalidValue;
  std::memcpy(to, host, bytes);
  driver.toHost.add(bytes);
  return kSuccess;
}

static int copyAcross(Driver &driver, const char *entry, CUdeviceptr to,
                      CUdeviceptr from, size_t bytes) {
  if (!bytes)
    return kSuccess;
  uint8_t *target = bytesAt(driver, entry, to, bytes);
  uint8_t *source = bytesAt(driver, entry, from, bytes);
  if (!target || !source)
    return kInvalidValue;
  std::memmove(target, source, bytes);
  return kSuccess;
}

template <typename T>
static int fill(Driver &driver, const char *entry, CUdeviceptr to, T value,
                size_t count) {
  if (!count)
    return kSuccess;
  uint8_t *host = bytesAt(driver, entry, to, count * sizeof(T));
  if (!host || to % sizeof(T))
    return kInvalidValue;
  for (size_t k = 0; k < count; ++k)
    std::memcpy(host + k * sizeof(T), &value, sizeof(T));
  return kSuccess;
}

static bool isStream(const Driver &driver, CUstream stream) {
  // 0, 1 and 2 are the default streams.
  return reinterpret_cast<uintptr_t>(stream) <= 2 ||
         driver.streams.count(stream);
}

#define PTX_STREAM(STREAM)                                                     \
  if (!isStream(driver, STREAM))                                               \
  return kInvalidHandle

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  PTX_CALL(Context);
  return copyIn(driver, __func__, to, from, bytes);
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  PTX_CALL(Context);
  return copyOut(driver, __func__, to, from, bytes);
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  PTX_CALL(Context);
  return copyAcross(driver, __func__, to, from, bytes);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes,
                              CUstream stream) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  return copyIn(driver, __func__, to, from, bytes);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes,
                              CUstream stream) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  return copyOut(driver, __func__, to, from, bytes);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                              CUstream stream) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  return copyAcross(driver, __func__, to, from, bytes);
}

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  PTX_CALL(Context);
  return fill<uint8_t>(driver, __func__, to, value, count);
}

CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  PTX_CALL(Context);
  return fill<uint32_t>(driver, __func__, to, value, count);
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count,
                         CUstream stream) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  return fill<uint8_t>(driver, __func__, to, value, count);
}

CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count,
                          CUstream stream) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  return fill<uint32_t>(driver, __func__, to, value, count);
}

/// Options with their values, each a pointer or a number in place of one.
static void giveLog(const std::string &log, unsigned numOptions, int *options,
                    void **values, int buffer, int size) {
  char *to = nullptr;
  size_t room = 0;
  void **sizeValue = nullptr;
  for (unsigned k = 0; k < numOptions; ++k) {
    if (options[k] == buffer)
      to = static_cast<char *>(values[k]);
    if (options[k] == size) {
      sizeValue = &values[k];
      room = reinterpret_cast<uintptr_t>(values[k]);
    }
  }
  if (!to || !room)
    return;
  size_t length = std::min(log.size(), room - 1);
  std::memcpy(to, log.data(), length);
  to[length] = '\0';
  *sizeValue = reinterpret_cast<void *>(length ? length + 1 : 0);
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                            unsigned numOptions, int *options, void **values) {
  PTX_CALL(Context);
  if (!module || !image || (numOptions && (!options || !values)))
    return kInvalidValue;
  std::string log;
  int code = driver.loadImage(module, image, log);
  if (code)
    std::fprintf(stderr, "rnnc PTX interpreter: module: %s\n", log.c_str());
  giveLog("", numOptions, options, values, 3, 4);
  giveLog(log, numOptions, options, values, 5, 6);
  return code;
}

CUresult cuModuleUnload(CUmodule module) {
  PTX_CALL(Context);
  if (!driver.modules.erase(module))
    return kInvalidHandle;
  for (auto &[name, function] : module->functions)
    driver.functions.erase(function.get());
  unloadModule(*module->module, driver.memory);
  delete module;
  return kSuccess;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module,
                             const char *name) {
  PTX_CALL(Context);
  if (!function || !name)
    return kInvalidValue;
  if (!driver.modules.count(module))
    return kInvalidHandle;
  const Kernel *kernel = module->module->find(name);
  if (!kernel)
    return kNotFound;
  std::unique_ptr<CUfunc_st> &made = module->functions[name];
  if (!made) {
    made = std::make_unique<CUfunc_st>();
    made->kernel = kernel;
    made->mostDynamicShared = (48 << 10) - kernel->sharedBytes;
    driver.functions.insert(made.get());
  }
  *function = made.get();
  return kSuccess;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *pointer, size_t *bytes,
                              CUmodule module, const char *name) {
  PTX_CALL(Context);
  if (!name)
    return kInvalidValue;
  if (!driver.modules.count(module))
    return kInvalidHandle;
  auto found = module->module->variables.find(name);
  if (found == module->module->variables.end())
    return kNotFound;
  if (pointer)
    *pointer = found->second->base;
  if (bytes)
    *bytes = found->second->size;
  return kSuccess;
}

CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  PTX_CALL(Context);
  if (!driver.functions.count(function))
    return kInvalidHandle;
  if (attribute == 9) // how much of L1 is shared memory
    return kSuccess;
  if (attribute != 8 || value < 0 ||
      uint64_t(value) + function->kernel->sharedBytes > (163 << 10))
    return kInvalidValue;
  function->mostDynamicShared = uint64_t(value);
  return kSuccess;
}

CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction function) {
  PTX_CALL(Context);
  if (!value)
    return kInvalidValue;
  if (!driver.functions.count(function))
    return kInvalidHandle;
  const Kernel &kernel = *function->kernel;
  unsigned threads = kernel.reqntid[0] * kernel.reqntid[1] * kernel.reqntid[2];
  switch (attribute) {
  case 0:
    *value = int(threads ? threads : 1024);
    return kSuccess;
  case 1:
    *value = int(kernel.sharedBytes);
    return kSuccess;
  case 2:
    *value = 0;
    return kSuccess;
  case 3:
    *value = int(kernel.localBytes);
    return kSuccess;
  case 4:
    *value = int(kernel.registersPerThread);
    return kSuccess;
  case 5:
  case 6:
    *value = int(driver.options.capability);
    return kSuccess;
  case 8:
    *value = int(function->mostDynamicShared);
    return kSuccess;
  default:
    return kInvalidValue;
  }
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                     CUfunction function,
                                                     int threads,
                                                     size_t dynamicShared) {
  PTX_CALL(Context);
  if (!blocks || threads <= 0)
    return kInvalidValue;
  if (!driver.functions.count(function))
    return kInvalidHandle;
  *blocks = int(blocksPerMultiprocessor(*function->kernel, unsigned(threads),
                                        dynamicShared));
  return kSuccess;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY,
                        unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream stream,
                        void **params, void **extra) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  LaunchShape shape{
      {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, false};
  return driver.launch(function, shape, params, extra);
}

CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned gridX,
                                   unsigned gridY, unsigned gridZ,
                                   unsigned blockX, unsigned blockY,
                                   unsigned blockZ, unsigned sharedBytes,
                                   CUstream stream, void **params) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  if (driver.options.noCooperative)
    return kNotSupported;
  LaunchShape shape{
      {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, true};
  return driver.launch(function, shape, params, nullptr);
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  PTX_CALL(Context);
  if (!stream || flags > 1)
    return kInvalidValue;
  *stream = new CUstream_st();
  driver.streams.insert(*stream);
  return kSuccess;
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  PTX_CALL(Context);
  if (!driver.streams.erase(stream))
    return kInvalidHandle;
  delete stream;
  return kSuccess;
}

CUresult cuStreamSynchronize(CUstream stream) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  return kSuccess;
}

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  PTX_CALL(Context);
  if (!event || flags > 7)
    return kInvalidValue;
  *event = new CUevent_st();
  driver.events.insert(*event);
  return kSuccess;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  PTX_CALL(Context);
  PTX_STREAM(stream);
  if (!driver.events.count(event))
    return kInvalidHandle;
  event->isRecorded = true;
  event->time = std::chrono::steady_clock::now();
  return kSuccess;
}

CUresult cuEventSynchronize(CUevent event) {
  PTX_CALL(Context);
  return driver.events.count(event) ? int(kSuccess) : int(kInvalidHandle);
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  PTX_CALL(Context);
  if (!milliseconds)
    return kInvalidValue;
  if (!driver.events.count(start) || !driver.events.count(end) ||
      !start->isRecorded || !end->isRecorded)
    return kInvalidHandle;
  *milliseconds =
      std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return kSuccess;
}

CUresult cuEventDestroy_v2(CUevent event) {
  PTX_CALL(Context);
  if (!driver.events.erase(event))
    return kInvalidHandle;
  delete event;
  return kSuccess;
}

namespace {

struct ErrorText {
  int code;
  const char *name, *text;
};

} // namespace

static constexpr ErrorText kErrors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {34, "CUDA_ERROR_STUB_LIBRARY", "stub library"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {221, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "PTX JIT compiler not found"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain"},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {702, "CUDA_ERROR_LAUNCH_TIMEOUT",
     "the launch timed out and was terminated"},
    {710, "CUDA_ERROR_ASSERT", "device-side assert triggered"},
    {715, "CUDA_ERROR_ILLEGAL_INSTRUCTION",
     "an illegal instruction was encountered"},
    {716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {717, "CUDA_ERROR_INVALID_ADDRESS_SPACE",
     "operation not supported on global/shared address space"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {720, "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE",
     "too many blocks in cooperative launch"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
     "system has unsupported display driver / cuda driver combination"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"}};

static const ErrorText *errorText(int code) {
  for (const ErrorText &error : kErrors)
    if (error.code == code)
      return &error;
  return nullptr;
}

CUresult cuGetErrorName(CUresult error, const char **text) {
  const ErrorText *found = errorText(error);
  if (!text)
    return kInvalidValue;
  *text = found ? found->name : nullptr;
  return found ? kSuccess : kInvalidValue;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  const ErrorText *found = errorText(error);
  if (!text)
    return kInvalidValue;
  *text = found ? found->text : nullptr;
  return found ? kSuccess : kInvalidValue;
}
