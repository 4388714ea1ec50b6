// Device.h: a GPU that a context's code runs on.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_RUNTIME_DEVICE_H
#define RNNC_LIB_RUNTIME_DEVICE_H

#include "Driver.h"
#include "Runtime.h"

#include <sys/types.h>

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

/// What a context knows of its device. One call at a time uses it.
struct Device {
  /// Ends it; contexts of libraries without code for devices have none, and
  /// such libraries none of this code.
  void (*finish)(Device *device);
  /// The host changed what may have a copy on the device.
  void (*renew)(Device *device, const void *host, size_t bytes);
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
  // The first thing that went wrong in a call.
  int32_t code;
  char message[192];
};

/// The device of a context; null: it has none.
Device *deviceOf(const rnnc_context *ctx);

} // namespace rnnc::rt

#endif // RNNC_LIB_RUNTIME_DEVICE_H
