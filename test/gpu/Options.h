// Options.h: what the environment asks of the interpreter and the stand-in
// driver. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_OPTIONS_H
#define RNNC_TEST_GPU_OPTIONS_H

#include <cstdint>
#include <string>
#include <vector>

namespace rnnc::ptx {

/// The one list of the variables; README.md says the same to readers.
struct Options {
  /// RNNC_PTX_SEED: order of blocks, warps and lanes, and all other dice.
  uint64_t seed = 0;
  /// RNNC_PTX_WEAK=1: stores wait in a buffer of their block, loads may be
  /// stale, until a fence, a release or an acquire.
  bool weak = false;
  /// RNNC_PTX_RACES=1: no two blocks of a launch touch a byte that one of them
  /// writes, and no two threads of a kernel without barriers.
  bool races = false;
  /// RNNC_PTX_PERTURB=1: approximate instructions err as far as they may.
  bool perturb = false;
  /// RNNC_PTX_SMS: multiprocessors of the device.
  unsigned sms = 8;
  /// RNNC_PTX_CAPABILITY=8.0: compute capability, here 80.
  unsigned capability = 90;
  /// RNNC_PTX_MEMORY: bytes of the device.
  uint64_t memory = uint64_t(4) << 30;
  /// RNNC_PTX_LIMIT: instructions of warps that a launch may go on for without
  /// a change of memory, a barrier or an end.
  uint64_t limit = 20'000'000;
  /// RNNC_PTX_NO_COOPERATIVE=1: the device has no cooperative launch.
  bool noCooperative = false;
  /// RNNC_PTX_NO_DEVICE=1: a driver without a device.
  bool noDevice = false;
  /// RNNC_PTX_LOG=FILE (`-`: stderr): launches, instructions, leaks, at exit.
  std::string log;
  /// RNNC_PTX_SAVE=FILE: the text of every module goes there; INSTEAD=FILE: a
  /// module is what that file says, whatever text is loaded.
  std::string save, instead;
  /// RNNC_PTX_FAIL=cuMemAlloc_v2:3=2,…: the third call fails with code 2;
  /// `:0=` or no number is every call.
  struct Failure {
    std::string entry;
    uint64_t call = 0;
    int code = 0;
  };
  std::vector<Failure> failures;

  static Options fromEnvironment();
};

} // namespace rnnc::ptx

#endif
