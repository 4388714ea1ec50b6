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
  Mirrors places;  ///< of the call that runs
};

struct Device;

/// What `train_step` does with a device.
struct DeviceTraining {
  /// What the call changes lives on the device: it does from now on.
  bool (*begin)(Call &call);
  /// `host` is a place in the workspace for what stays there.
  void (*place)(Call &call, TrainPart part, const void *host, size_t bytes);
  /// Gives the norms of gradients. The first parameter that is at fault, or -1;
  /// `isUpdate`: its new values are, or else its gradient.
  int32_t (*check)(Call &call, bool &isUpdate);
  void (*commit)(Call &call);
  /// Whether newer values of these parameters, or of this optimiser's state,
  /// are there.
  bool (*holds)(Device *device, const void *object);
  /// Brings what is newer there; `slots`: of the optimiser, too.
  int32_t (*fetch)(Device *device, const rnnc_params *params, bool slots,
                   rnnc_error *error);
};

/// What a context knows of its device. One call at a time uses it.
struct Device {
  /// Ends it; contexts of libraries without code for devices have none, and
  /// such libraries none of this code.
  void (*finish)(Device *device);
  /// The host changed what may have a copy on the device.
  void (*renew)(Device *device, const void *host, size_t bytes);
  const DeviceTraining *training;
  pthread_mutex_t lock;
  pid_t process; ///< that opened the driver: a child after a fork cannot use it
  int32_t number;
  char name[64];
  Driver driver;
  CuDevice device;
  CuContext context;
  CuModule module;
  CuStream stream;
  CuFunction *kernels;
  DeviceMemory arena;    ///< arguments and workspace of a call
  DeviceMemory *scratch; ///< memory between kernels, by number
  size_t numScratch;
  Mirrors constants; ///< tables in the library's own data
  Mirrors kept;      ///< objects that stay on the device
  Mirrors inputs;    ///< of the call that runs: what it only reads
  Resident *residents;
  // The first thing that went wrong in a call.
  int32_t code;
  char message[192];
};

/// The device of a context; null: it has none.
Device *deviceOf(const rnnc_context *ctx);

/// Runs `body` with the device's context current, and nobody else there.
template <typename Body> CuResult withDevice(Device &d, Body body) {
  if (d.process != getpid())
    return kCuNotPermitted;
  pthread_mutex_lock(&d.lock);
  CuContext before;
  CuResult code = d.driver.CtxPushCurrent(d.context);
  if (!code) {
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
extern const DeviceTraining kDeviceTraining;

} // namespace rnnc::rt

#endif // RNNC_LIB_RUNTIME_DEVICE_H
