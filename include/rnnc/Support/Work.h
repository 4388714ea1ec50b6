// Work.h: what this thread works on, for the report of a crash.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_SUPPORT_WORK_H
#define RNNC_SUPPORT_WORK_H

namespace rnnc {

/// Written while the compiler works, read only where it has crashed. Strings
/// must stay good until another one is written.
struct Work {
  /// A phase of the compiler, or what else is done: "checking".
  const char *phase = "";
  /// The pass of the phase; "" where there is none.
  const char *pass = "";
  /// The construct: an mlir::Location as an opaque pointer, or null.
  const void *location = nullptr;
};

inline thread_local Work currentWork;

/// Notes the construct that is worked on. `LocationT` is mlir::Location, which
/// stays good as long as its context.
template <typename LocationT> void workOn(LocationT location) {
  currentWork.location = location.getAsOpaquePointer();
}

} // namespace rnnc

#endif // RNNC_SUPPORT_WORK_H
