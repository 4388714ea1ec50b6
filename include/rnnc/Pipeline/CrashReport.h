// CrashReport.h: what is said when the compiler itself crashes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_PIPELINE_CRASHREPORT_H
#define RNNC_PIPELINE_CRASHREPORT_H

#include "llvm/ADT/ArrayRef.h"

#include <csignal>
#include <memory>
#include <utility>

namespace mlir {
class PassManager;
} // namespace mlir

namespace rnnc {

class SourceManager;

/// From now on a fatal signal (a bad address, an abort, a full stack) ends the
/// process with code 70, after a report of the phase, the pass and the
/// construct that was worked on (rnnc/Support/Work.h). The report begins with
/// the name of the tool. With `trace` the stack follows, for whoever works on
/// the compiler.
void installCrashReport(const char *tool, bool trace = false);

/// A stack for the signal handlers of this thread, so that a full stack is
/// reported too. The thread that installs the report has one.
class CrashStack {
public:
  CrashStack();
  ~CrashStack();
  CrashStack(const CrashStack &) = delete;
  CrashStack &operator=(const CrashStack &) = delete;

private:
  std::unique_ptr<char[]> memory;
  stack_t before = {};
};

/// While it lives, the report of a crash shows the lines of these sources.
class CrashSources {
public:
  explicit CrashSources(const SourceManager &sources);
  ~CrashSources();
  CrashSources(const CrashSources &) = delete;
  CrashSources &operator=(const CrashSources &) = delete;
};

namespace pipeline {

/// The name of a phase and how many passes there are up to its end.
using PhaseEnd = std::pair<unsigned, const char *>;

/// Has the passes of a manager noted while they run.
void noteWork(mlir::PassManager &manager, llvm::ArrayRef<PhaseEnd> phases);

} // namespace pipeline
} // namespace rnnc

#endif // RNNC_PIPELINE_CRASHREPORT_H
