// Device.h: a GPU that a context's code runs on.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_RUNTIME_DEVICE_H
#define RNNC_LIB_RUNTIME_DEVICE_H

#include "Driver.h"
#include "Runtime.h"

#include <sys/types.h>
#include <unistd.h>

namespace rnnc::rt {

/// Memory of the device that grows.
struct DeviceMemory {
  CuAddress address = 0;
  size_t bytes = 0;
};

/// Memory of the host that has a copy on the device.
struct Mirror {
  const char *host;
  size_t bytes;
  CuAddress device;
};

/// A list of them.
struct Mirrors {
  Mirror *all = nullptr;
  size_t count = 0, room = 0;

  bool add(const void *host, size_t bytes, CuAddress device);
  /// The place of `bytes` bytes at `host` on the device, or 0.
  CuAddress find(const void *host, size_t bytes) const;
};

/// Parameters and the state of their optimiser that live on the device. There
/// are two of each: an update reads one and writes the other.
struct Resident {
  Resident *next;
  const rnnc_params *params;
  const rnnc_optimizer *optimizer;
  int32_t module;
  int32_t now;        ///< which of the two
  uint64_t stamp;     ///< of the parameters that are here
  uint64_t slotStamp; ///< of the optimiser's state
  DeviceMemory room;  ///< of all that follows
  CuAddress values[2], slots[2];
  CuAddress gradients, panels;
  CuAddress table; ///< of each parameter: its first element, how many
  CuAddress sums;  ///< of each parameter, of each array that is looked at
};

/// States of a stream that live on the device, twice: a step reads one and
/// writes the other.
struct ResidentStream {
  ResidentStream *next;
  const rnnc_stream *stream;
  int32_t batch;
  int32_t now; ///< which of the two
  size_t bytes;
  CuAddress states[2];
};

struct Device;

/// What `train_step` does with a device.
struct DeviceTraining {
  /// What the call changes lives on the device: it does from now on.
  bool (*begin)(Call &call);
  /// Gives the norms of gradients. The first parameter that is at fault, or -1;
  /// `isUpdate`: its new values are, or else its gradient.
  int32_t (*check)(Call &call, bool &isUpdate);
  void (*commit)(Call &call);
  /// Brings what is newer there; `slots`: of the optimiser, too.
  int32_t (*fetch)(Device *device, const rnnc_params *params, bool slots,
                   rnnc_error *error);
};

/// What every call does with a device.
struct DeviceCalls {
  /// Finds the arrays and the states that lie on the device.
  bool (*begin)(Call &call);
  void (*finish)(Call &call);
  /// `host` is a place in the workspace for what stays there.
  void (*place)(Call &call, DevicePart part, const void *host, size_t bytes);
  /// Writes a result there, or zeros.
  void (*give)(Call &call, void *to, const void *from, size_t bytes);
  /// The states that a step wrote are the stream's.
  void (*commit)(Call &call);
  /// Whether newer values of an object are there.
  bool (*holds)(Device *device, const void *object);
};

/// What a context knows of its device. One call at a time uses it.
struct Device {
  /// Ends it; contexts of libraries without code for devices have none, and
  /// such libraries none of this code.
  void (*finish)(Device *device);
  /// The host changed what may have a copy on the device.
  void (*renew)(Device *device, const void *host, size_t bytes);
  const DeviceTraining *training;
  const DeviceCalls *calls;
  pthread_mutex_t lock;
  pid_t process; ///< that opened the driver: a child after a fork cannot use it
  int32_t number;
  char name[64];
  Driver driver;
  CuDevice device;
  CuContext context;
  CuModule module;
  CuStream stream;
  CuEvent event;  ///< behind what was put into a caller's queue last
  bool isPending; ///< there was such a thing
  CuFunction *kernels;
  int32_t processors;    ///< 0: a launch cannot have all its blocks at a time
  DeviceMemory counter;  ///< by which the blocks of a grid wait
  int64_t grids[2];      ///< time loops without and with room for a grid
  DeviceMemory arena;    ///< arguments and workspace of a call
  DeviceMemory *scratch; ///< memory between kernels, by number
  size_t numScratch;
  Mirrors constants; ///< tables in the library's own data
  Mirrors kept;      ///< objects that stay on the device
  Mirrors inputs;    ///< of the call that runs: what it only reads
  Resident *residents;
  ResidentStream *streams;
  // The first thing that went wrong in a call.
  int32_t code;
  char message[192];
};

/// The device of a context; null: it has none.
Device *deviceOf(const rnnc_context *ctx);

/// The queue that a call goes into.
inline CuStream queueOf(const Device &d, const CallSite &run) {
  return run.queue ? static_cast<CuStream>(run.queue) : d.stream;
}

/// What comes into `queue` comes after what callers have put into theirs. The
/// same number may be that of another queue since.
inline CuResult joinQueues(Device &d, CuStream queue) {
  return d.isPending ? d.driver.StreamWaitEvent(queue, d.event, 0) : kCuSuccess;
}

/// Runs `body` with the device's context current, and nobody else there.
template <typename Body> CuResult withDevice(Device &d, Body body) {
  if (d.process != getpid())
    return kCuNotPermitted;
  pthread_mutex_lock(&d.lock);
  CuContext before;
  CuResult code = d.driver.CtxPushCurrent(d.context);
  if (!code) {
    code = joinQueues(d, d.stream);
    if (!code)
      code = body();
    d.driver.CtxPopCurrent(&before);
  }
  pthread_mutex_unlock(&d.lock);
  return code;
}

/// Fails with the driver's words.
int32_t failOpen(rnnc_error *error, int32_t number, int32_t code,
                 const char *what, const char *why);
const char *wordsOf(const Driver &driver, CuResult code);

/// The place of what an object of the host has on the device, or 0; the
/// device's lock is held.
CuAddress keptPlace(const Device &d, const void *host, size_t bytes);
/// Frees one, or all; the device's context is current.
void dropResident(Device &d, const rnnc_params *params);
void dropResidents(Device &d);
void dropStreams(Device &d);
/// Where a part of what an update writes goes.
CuAddress partOf(const Resident &r, DevicePart part);
/// Where the call keeps what lies on the device; null: there is no memory.
Mirrors *placesOf(Call &call);
void noteFailure(Call &call, CuResult code, const char *what);
/// Refuses a context that runs on no device, and what is no module.
int32_t checkDevice(const rnnc_context *ctx, int32_t module, rnnc_error *error);
extern const DeviceTraining kDeviceTraining;
extern const DeviceCalls kDeviceCalls;

} // namespace rnnc::rt

#endif // RNNC_LIB_RUNTIME_DEVICE_H
