// Driver.h: what the stand-in driver keeps. SPDX-License-Identifier: Apache-2.0
// WITH LLVM-exception
#ifndef RNNC_TEST_GPU_DRIVER_H
#define RNNC_TEST_GPU_DRIVER_H

#include "Cuda.h"
#include "Launch.h"

#include <chrono>
#include <mutex>
#include <set>

namespace rnnc::ptx {

/// Codes of the driver beside those of launches (Launch.h).
enum DriverStatus : int {
  kNotInitialized = 3,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kInvalidPtx = 218,
  kUnsupportedPtxVersion = 222,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kNotSupported = 801,
  kUnknown = 999
};

} // namespace rnnc::ptx

struct CUctx_st {
  int references = 0;
};

struct CUfunc_st {
  const rnnc::ptx::Kernel *kernel = nullptr;
  uint64_t mostDynamicShared = 48 << 10;
};

struct CUmod_st {
  std::unique_ptr<rnnc::ptx::LoadedModule> module;
  std::map<std::string, std::unique_ptr<CUfunc_st>> functions;
};

struct CUstream_st {};

struct CUevent_st {
  bool isRecorded = false;
  std::chrono::steady_clock::time_point time;
};

namespace rnnc::ptx {

/// One device, one context, everything done when it is asked for.
class Driver {
public:
  static Driver &get();

  /// Takes the lock; `status` is what the call fails with before it starts:
  /// a fault on purpose, no cuInit, no context, or an earlier fault.
  class Call {
  public:
    enum class Needs : uint8_t { Nothing, Init, Context };
    Call(const char *entry, Needs needs);
    int status = 0;

  private:
    std::lock_guard<std::recursive_mutex> lock;
  };

  int init();
  int loadImage(CUmodule *module, const void *image, std::string &log);
  int launch(CUfunction function, const LaunchShape &shape, void **params,
             void **extra);
  /// Gives up all that the context has.
  void reset();
  void report() const;
  int failure(const char *entry);

  std::recursive_mutex mutex;
  Options options;
  bool isInitialized = false;
  int sticky = 0; ///< a fault makes the context useless
  DeviceMemory memory;
  CUctx_st context;
  std::set<CUmodule> modules;
  std::set<CUfunction> functions;
  std::set<CUstream> streams;
  std::set<CUevent> events;
  std::map<std::string, uint64_t> calls;
  struct Copied {
    uint64_t count = 0, bytes = 0, largest = 0;
    void add(uint64_t more) {
      ++count;
      bytes += more;
      largest = std::max(largest, more);
    }
  };
  Copied toDevice, toHost;
  struct Launched {
    uint64_t launches = 0, instructions = 0;
  };
  std::map<std::string, Launched> launched;
  uint64_t numLaunches = 0;
};

/// Of each thread of the host.
std::vector<CUcontext> &currentContexts();

} // namespace rnnc::ptx

#endif
