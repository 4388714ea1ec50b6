// CrashReport.cpp: what is said when the compiler itself crashes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Pipeline/CrashReport.h"

#include "Messages.h"

#include "rnnc/Support/Work.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace rnnc;

constexpr int kExitInternal = 70;
constexpr size_t kStackBytes = 256 * 1024;
constexpr unsigned kReportSeconds = 10;

static const char *toolName = "rnnc";
static bool wantsTrace = false;
static const SourceManager *knownSources = nullptr;

//===----------------------------------------------------------------------===//
// The report
//===----------------------------------------------------------------------===//

static const char *signalName(int signal) {
  switch (signal) {
  case SIGSEGV:
    return "a bad address, or a full stack";
  case SIGBUS:
    return "a bad address";
  case SIGABRT:
    return "it gave up";
  case SIGFPE:
    return "a division of whole numbers by 0";
  default:
    return "an instruction that must not be reached";
  }
}

/// What was worked on, as far as it can be told. A report that itself fails has
/// said this much.
static void sayWhat(int signal) {
  llvm::SmallString<256> text;
  llvm::raw_svector_ostream os(text);
  os << toolName << ": error: " << toolName << " itself crashed ("
     << signalName(signal) << ")";
  const Work &work = currentWork;
  if (*work.phase)
    os << " in the phase `" << work.phase << "`";
  if (*work.pass)
    os << (*work.phase ? ", " : " in ") << "the pass `" << work.pass << "`";
  os << "\n";
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

static void sayWhere() {
  SourceManager none;
  Diagnostic shown;
  shown.primary.text = "worked on this";
  shown.note("this is a fault of " + std::string(toolName) +
             ", not of what it was given");
  shown.help("please report it, with this text, the source and the command");
  mlir::LocationAttr location;
  if (currentWork.location)
    location = mlir::Location::getFromOpaquePointer(currentWork.location);
  std::string text = pipeline::describePlace(
      std::move(shown), location, knownSources ? *knownSources : none);
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

static void leave(int) { _exit(kExitInternal); }

static void report(int signal) {
  // A fault of the report, or one that never ends, must not hide it.
  for (int other : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGALRM})
    ::signal(other, leave);
  sigset_t all;
  sigemptyset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  alarm(kReportSeconds);
  sayWhat(signal);
  sayWhere();
  if (wantsTrace)
    llvm::sys::PrintStackTrace(llvm::errs());
  _exit(kExitInternal);
}

/// LLVM gives up where an input is not what it expects: not every time by a
/// signal.
static void reportFatalError(void *, const char *reason, bool) {
  llvm::SmallString<256> text("LLVM: ");
  text += reason;
  text += "\n";
  (void)!::write(STDERR_FILENO, text.data(), text.size());
  report(SIGABRT);
}

void rnnc::installCrashReport(const char *tool, bool trace) {
  toolName = tool;
  wantsTrace = trace;
  static CrashStack stack;
  struct sigaction action = {};
  action.sa_handler = report;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP})
    sigaction(signal, &action, nullptr);
  llvm::remove_fatal_error_handler();
  llvm::install_fatal_error_handler(reportFatalError);
}

CrashStack::CrashStack() : memory(new char[kStackBytes]) {
  stack_t stack = {};
  stack.ss_sp = memory.get();
  stack.ss_size = kStackBytes;
  sigaltstack(&stack, &before);
}

CrashStack::~CrashStack() { sigaltstack(&before, nullptr); }

CrashSources::CrashSources(const SourceManager &sources) {
  knownSources = &sources;
}

CrashSources::~CrashSources() { knownSources = nullptr; }

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

namespace {
/// Notes the pass that runs, and the phase of those that stand in the table.
class WorkNotes : public mlir::PassInstrumentation {
public:
  explicit WorkNotes(llvm::DenseMap<const mlir::Pass *, const char *> phases)
      : phases(std::move(phases)) {}

  void runBeforePass(mlir::Pass *pass, mlir::Operation *op) override {
    // Passes that run others have no name, and no phase of their own.
    if (const char *phase = phases.lookup(pass))
      currentWork.phase = phase;
    llvm::StringRef argument = pass->getArgument();
    currentWork.pass = argument.empty() ? "" : argument.data();
    workOn(op->getLoc());
  }

private:
  llvm::DenseMap<const mlir::Pass *, const char *> phases;
};
} // namespace

void pipeline::noteWork(mlir::PassManager &manager,
                        llvm::ArrayRef<PhaseEnd> phases) {
  llvm::DenseMap<const mlir::Pass *, const char *> phaseOf;
  unsigned number = 0;
  for (const mlir::Pass &pass : manager.getPasses()) {
    while (!phases.empty() && phases.front().first <= number)
      phases = phases.drop_front();
    if (!phases.empty())
      phaseOf[&pass] = phases.front().second;
    ++number;
  }
  manager.addInstrumentation(std::make_unique<WorkNotes>(std::move(phaseOf)));
}
