// Jit.h: compiles kernel-level text and calls it, for tests.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_TEST_UNIT_KERNEL_JIT_H
#define RNNC_TEST_UNIT_KERNEL_JIT_H

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace rnnc::test {

/// What to compile for.
struct JitTarget {
  unsigned vectorBits = 256;
  bool fma = true;
  bool fastMath = false;
  bool threads = true;

  /// The features that LLVM may use, or "" for all the machine has.
  std::string features() const;
};

/// The targets this machine can run: SSE without fma always, the wider ones
/// where the machine has them.
std::vector<JitTarget> jitTargets();

/// Names what a module is for, before schedules are selected.
void setTarget(mlir::ModuleOp module, const JitTarget &target);

/// A module compiled in memory.
class Jit {
public:
  /// Compiles; on an error `message()` says what went wrong.
  Jit(const std::string &source, const JitTarget &target);
  ~Jit();

  bool ok() const;
  const std::string &message() const;
  /// Address of a symbol, or null.
  void *lookup(const std::string &name) const;
  /// Calls `NAME.entry`.
  void call(const std::string &name, std::vector<void *> args,
            std::vector<int64_t> dims, void *workspace = nullptr) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace rnnc::test

#endif // RNNC_TEST_UNIT_KERNEL_JIT_H
