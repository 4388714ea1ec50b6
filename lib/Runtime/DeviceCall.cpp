// DeviceCall.cpp: running compiled functions on a GPU.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An entry is called with the host's memory, as on a processor. What it reads
// is copied to the device, unless it is there already; its code on the host
// launches kernels; results are copied back. A failure is noted in the call,
// and what follows does nothing.
#include "Device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace rnnc::rt {

/// Places on a device begin at a multiple of this.
constexpr size_t kDeviceAlign = 256;

static size_t alignDevice(size_t bytes) {
  size_t more = addSizes(bytes, kDeviceAlign - 1);
  return more == SIZE_MAX ? more : more & ~(kDeviceAlign - 1);
}

/// Notes the first failure of a call.
static void note(Device &d, CallSite &run, CuResult code, const char *what) {
  if (run.failed)
    return;
  run.failed = RNNC_ERR_DEVICE;
  const char *why = nullptr;
  if (code && d.driver.GetErrorString(code, &why))
    why = nullptr;
  d.code = code;
  snprintf(d.message, sizeof(d.message), "%s%s%.100s", what, why ? ": " : "",
           why ? why : "");
}

/// Makes memory at least so large; what it held is lost.
static bool grow(Device &d, CallSite &run, DeviceMemory &memory, size_t bytes) {
  if (run.failed || bytes <= memory.bytes)
    return !run.failed;
  if (memory.address) {
    if (CuResult code = d.driver.StreamSynchronize(queueOf(d, run))) {
      note(d, run, code, "a kernel failed");
      return false;
    }
    d.driver.MemFree(memory.address);
    memory = {};
  }
  CuResult code = bytes > PTRDIFF_MAX
                      ? kCuOutOfMemory
                      : d.driver.MemAlloc(&memory.address, bytes);
  if (code) {
    memory.address = 0;
    note(d, run, code, "there is not enough memory on the device");
    return false;
  }
  memory.bytes = bytes;
  return true;
}

/// One call of an entry.
class EntryRun {
public:
  EntryRun(Device &d, CallSite &run, const EntryDesc &entry, void **args,
           const int64_t *dims)
      : d(d), run(run), entry(entry), args(args), dims(dims),
        queue(queueOf(d, run)) {}

  void execute(EntryFn code, WorkspaceFn workspace);

private:
  size_t bytesOfArg(int32_t i) const;
  bool isResult(int32_t i) const {
    return i >= entry.numArgs - entry.numResults;
  }
  bool place(WorkspaceFn workspace);
  void copyIn();
  void copyOut();

  Device &d;
  CallSite &run;
  const EntryDesc &entry;
  void **args;
  const int64_t *dims;
  CuStream queue;
  void **onDevice = nullptr; ///< arguments
  bool *isKept = nullptr;
  void *workspace = nullptr;
};

size_t EntryRun::bytesOfArg(int32_t i) const {
  const EntryArgDesc &arg = entry.args[i];
  size_t bytes = sizeOf(arg.dtype);
  for (int32_t k = 0; k < arg.rank; ++k) {
    int64_t size = arg.shape[k];
    for (int32_t n = 0; n < entry.numDims && arg.shape[k] < 0; ++n)
      if (entry.dims[n] == arg.shape[k])
        size = dims[n];
    bytes = multiplySizes(bytes, size < 0 ? SIZE_MAX : size_t(size));
  }
  return bytes;
}

/// Arguments lie one after the other, then what the entry needs itself.
bool EntryRun::place(WorkspaceFn workspaceOf) {
  size_t used = 0;
  for (int32_t i = 0; i < entry.numArgs; ++i) {
    size_t bytes = bytesOfArg(i);
    // Results are wanted on the host, whatever has a copy.
    bool mayKeep = args[i] && !isResult(i);
    CuAddress kept =
        run.places && args[i] ? run.places->find(args[i], bytes) : 0;
    if (!kept && mayKeep)
      kept = keptPlace(d, args[i], bytes);
    isKept[i] = kept != 0;
    onDevice[i] = reinterpret_cast<void *>(kept ? kept : CuAddress(used));
    if (args[i] && !kept)
      used = addSizes(used, alignDevice(bytes ? bytes : 1));
  }
  size_t behind = used;
  used = addSizes(used, size_t(workspaceOf(dims)));
  if (!grow(d, run, d.arena, alignDevice(used ? used : 1)))
    return false;
  for (int32_t i = 0; i < entry.numArgs; ++i) {
    if (!args[i])
      onDevice[i] = nullptr;
    else if (!isKept[i])
      onDevice[i] = reinterpret_cast<void *>(
          d.arena.address + reinterpret_cast<CuAddress>(onDevice[i]));
  }
  workspace = reinterpret_cast<void *>(d.arena.address + behind);
  return true;
}

void EntryRun::copyIn() {
  d.inputs.count = 0;
  for (int32_t i = 0; i < entry.numArgs; ++i) {
    if (!args[i] || isKept[i] || isResult(i))
      continue;
    size_t bytes = bytesOfArg(i);
    auto to = reinterpret_cast<CuAddress>(onDevice[i]);
    CuResult code =
        bytes ? d.driver.MemcpyHtoD(to, args[i], bytes, queue) : kCuSuccess;
    if (code)
      note(d, run, code, "arguments cannot be copied to the device");
    // Without the note, what the host reads is copied back.
    (void)d.inputs.add(args[i], bytes, to);
  }
}

/// A caller's own queue is waited for only if the host gets something.
void EntryRun::copyOut() {
  bool waits = !run.queue;
  for (int32_t i = 0; i < entry.numArgs && !run.failed; ++i) {
    if (!args[i] || !isResult(i) || isKept[i])
      continue;
    size_t bytes = bytesOfArg(i);
    auto from = reinterpret_cast<CuAddress>(onDevice[i]);
    CuResult code =
        bytes ? d.driver.MemcpyDtoH(args[i], from, bytes, queue) : kCuSuccess;
    waits = true;
    if (code)
      note(d, run, code, "results cannot be copied from the device");
  }
  if (waits || run.failed)
    if (CuResult code = d.driver.StreamSynchronize(queue))
      note(d, run, code, "a kernel failed");
  d.inputs.count = 0;
}

void EntryRun::execute(EntryFn code, WorkspaceFn workspaceOf) {
  size_t count = size_t(entry.numArgs) + 1;
  onDevice = static_cast<void **>(calloc(count, sizeof(void *) + 1));
  if (!onDevice)
    return note(d, run, 0, "there is no memory on the host");
  isKept = reinterpret_cast<bool *>(onDevice + count);
  if (place(workspaceOf)) {
    copyIn();
    code(onDevice, dims, workspace, &run);
    copyOut();
  }
  free(onDevice);
}

} // namespace rnnc::rt

using namespace rnnc::rt;

void rnnc_rt_gpu_run(const EntryDesc *entry, EntryFn code,
                     WorkspaceFn workspace, void **args, const int64_t *dims,
                     void *run) {
  auto &site = *static_cast<CallSite *>(run);
  Device &d = *deviceOf(site.ctx);
  if (site.failed)
    return;
  if (d.process != getpid())
    return note(d, site, 0,
                "a process that was made by a fork cannot use its device");
  pthread_mutex_lock(&d.lock);
  CuContext before;
  if (CuResult failed = d.driver.CtxPushCurrent(d.context)) {
    note(d, site, failed, "the device cannot be used");
  } else {
    if (CuResult failed = joinQueues(d, queueOf(d, site)))
      note(d, site, failed, "the queue cannot be used");
    else
      EntryRun(d, site, *entry, args, dims).execute(code, workspace);
    d.driver.CtxPopCurrent(&before);
  }
  pthread_mutex_unlock(&d.lock);
}

/// `start` launches, with addresses of the parameters.
template <typename Start>
static void launch(void *run, int32_t kernel, int64_t blocks,
                   int64_t *parameters, int32_t count, Start start) {
  auto &site = *static_cast<CallSite *>(run);
  if (site.failed || blocks <= 0)
    return;
  Device &d = *deviceOf(site.ctx);
  if (blocks > INT32_MAX)
    return note(d, site, 0, "sizes are too large for one kernel");
  void *list[256];
  for (int32_t i = 0; i < count; ++i)
    list[i] = &parameters[i];
  if (CuResult code = start(d, queueOf(d, site), list))
    note(d, site, code, rnnc_rt_library.gpu->kernels[kernel]);
}

void rnnc_rt_gpu_launch(void *run, int32_t kernel, int64_t blocks,
                        int64_t threads, int64_t *parameters, int32_t count) {
  launch(run, kernel, blocks, parameters, count,
         [&](Device &d, CuStream queue, void **list) {
           return d.driver.LaunchKernel(d.kernels[kernel], uint32_t(blocks), 1,
                                        1, uint32_t(threads), 1, 1, 0, queue,
                                        list, nullptr);
         });
}

void rnnc_rt_gpu_launch_grid(void *run, int32_t kernel, int64_t blocks,
                             int64_t threads, int64_t *parameters,
                             int32_t count, int32_t shared) {
  launch(run, kernel, blocks, parameters, count,
         [&](Device &d, CuStream queue, void **list) {
           return d.driver.LaunchGrid(d.kernels[kernel], uint32_t(blocks), 1, 1,
                                      uint32_t(threads), 1, 1, uint32_t(shared),
                                      queue, list);
         });
}

/// Whether a block may have so many bytes of shared memory.
static bool askForShared(Device &d, CallSite &site, int32_t kernel,
                         int64_t shared) {
  if (shared == 0)
    return true;
  int32_t most = 0;
  if (!d.driver.FuncSetAttribute ||
      d.driver.DeviceGetAttribute(&most, CuMostShared, d.device) ||
      shared > most)
    return false;
  CuResult code = d.driver.FuncSetAttribute(
      d.kernels[kernel], kCuFunctionMostShared, int32_t(shared));
  if (code)
    note(d, site, code, rnnc_rt_library.gpu->kernels[kernel]);
  return !code;
}

/// How many blocks of a kernel the device runs at a time.
static int64_t roomFor(Device &d, CallSite &site, int32_t kernel,
                       int64_t threads, int64_t shared) {
  if (!d.processors || !askForShared(d, site, kernel, shared))
    return 0;
  int32_t each = 0;
  if (CuResult code = d.driver.Occupancy(&each, d.kernels[kernel],
                                         int32_t(threads), size_t(shared))) {
    note(d, site, code, rnnc_rt_library.gpu->kernels[kernel]);
    return 0;
  }
  return int64_t(each) * d.processors;
}

int64_t rnnc_rt_gpu_grid(void *run, int32_t kernel, int64_t blocks,
                         int64_t threads, int64_t shared) {
  auto &site = *static_cast<CallSite *>(run);
  if (site.failed)
    return 0;
  Device &d = *deviceOf(site.ctx);
  bool fits = roomFor(d, site, kernel, threads, shared) >= blocks;
  if (site.failed)
    return 0;
  ++d.grids[fits];
  if (!fits || !grow(d, site, d.counter, kDeviceAlign))
    return 0;
  CuResult code = d.driver.MemsetD8(d.counter.address, 0, sizeof(int64_t),
                                    queueOf(d, site));
  if (!code)
    return int64_t(d.counter.address);
  note(d, site, code, "memory of the device cannot be set");
  return 0;
}

int64_t rnnc_rt_gpu_read(void *run, int64_t address, int64_t bytes) {
  auto &site = *static_cast<CallSite *>(run);
  int64_t value = 0;
  if (site.failed)
    return value;
  Device &d = *deviceOf(site.ctx);
  auto at = CuAddress(address);
  // What the call only reads is known on the host.
  for (size_t i = 0; i < d.inputs.count; ++i) {
    const Mirror &m = d.inputs.all[i];
    if (at >= m.device && at + size_t(bytes) <= m.device + m.bytes) {
      memcpy(&value, m.host + (at - m.device), size_t(bytes));
      return value;
    }
  }
  CuStream queue = queueOf(d, site);
  CuResult code = d.driver.MemcpyDtoH(&value, at, size_t(bytes), queue);
  if (!code)
    code = d.driver.StreamSynchronize(queue);
  if (!code)
    return value;
  note(d, site, code, "a kernel failed");
  return 0;
}

int64_t rnnc_rt_gpu_scratch(void *run, int64_t number, int64_t bytes) {
  auto &site = *static_cast<CallSite *>(run);
  Device &d = *deviceOf(site.ctx);
  if (size_t(number) >= d.numScratch) {
    size_t more = size_t(number) + 16;
    void *grown = realloc(d.scratch, more * sizeof(DeviceMemory));
    if (!grown) {
      note(d, site, 0, "there is no memory on the host");
      return 0;
    }
    d.scratch = static_cast<DeviceMemory *>(grown);
    for (size_t i = d.numScratch; i < more; ++i)
      d.scratch[i] = {};
    d.numScratch = more;
  }
  DeviceMemory &memory = d.scratch[number];
  grow(d, site, memory, alignDevice(size_t(bytes) + 1));
  return int64_t(memory.address);
}

int64_t rnnc_rt_gpu_constant(void *run, int64_t host, int64_t bytes) {
  auto &site = *static_cast<CallSite *>(run);
  Device &d = *deviceOf(site.ctx);
  auto *table = reinterpret_cast<const void *>(host);
  if (CuAddress known = d.constants.find(table, size_t(bytes)))
    return int64_t(known);
  DeviceMemory memory;
  if (!grow(d, site, memory, alignDevice(size_t(bytes) + 1)))
    return 0;
  CuResult code = d.driver.MemcpyHtoD(memory.address, table, size_t(bytes),
                                      queueOf(d, site));
  if (code || !d.constants.add(table, size_t(bytes), memory.address)) {
    note(d, site, code, "constants cannot be copied to the device");
    d.driver.MemFree(memory.address);
    return 0;
  }
  return int64_t(memory.address);
}
