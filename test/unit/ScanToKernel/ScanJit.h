// ScanJit.h: compiles scan-level text in memory and calls it, for tests.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_TEST_UNIT_SCANTOKERNEL_SCANJIT_H
#define RNNC_TEST_UNIT_SCANTOKERNEL_SCANJIT_H

#include "Jit.h"

#include <memory>
#include <string>
#include <vector>

namespace rnnc::test {

/// The kernel level, memory planned, of scan-level text; empty, with messages
/// in `errors`, when a pass refuses it.
std::string toKernels(const std::string &source, std::string &errors);

/// A scan-level module compiled for this machine.
class ScanJit {
public:
  explicit ScanJit(const std::string &source);

  bool ok() const { return jit && jit->ok(); }
  const std::string &message() const { return errors; }

  /// Calls a function with a workspace of just the size it asks for, filled
  /// with NaN; writing past its end is an error, reported by `intact`.
  void call(const std::string &name, std::vector<void *> args,
            std::vector<int64_t> dims);
  bool intact() const { return guardsIntact; }

private:
  std::unique_ptr<Jit> jit;
  std::string errors;
  bool guardsIntact = true;
};

/// Numbers between -1 and 1, the same for the same seed.
std::vector<float> numbers(size_t count, unsigned seed);

/// The largest |a - b|; infinite where one is NaN or the sizes differ.
double distance(const std::vector<float> &a, const std::vector<float> &b);

} // namespace rnnc::test

#endif // RNNC_TEST_UNIT_SCANTOKERNEL_SCANJIT_H
