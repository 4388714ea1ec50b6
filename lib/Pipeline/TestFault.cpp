// TestFault.cpp: a pass that fails on purpose, for tests of what is said then.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Pipeline/Passes.h"

#include "rnnc/Support/Work.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/ErrorHandling.h"

#include <cstdlib>

using namespace mlir;

namespace rnnc::pipeline {
#define GEN_PASS_DEF_TESTFAULT
#include "rnnc/Pipeline/Passes.h.inc"
} // namespace rnnc::pipeline

namespace {
volatile bool isFull = false;

/// Calls itself until the stack is full.
[[gnu::noinline]] int fillStack(volatile char *before) {
  volatile char room[4096];
  room[0] = before ? before[0] : 1;
  return isFull ? 0 : fillStack(room) + room[0];
}

class TestFault : public rnnc::pipeline::impl::TestFaultBase<TestFault> {
public:
  using Base::Base;

  void runOnOperation() override {
    Operation *op = firstConstruct();
    if (!op)
      return;
    rnnc::workOn(op->getLoc());
    if (kind == "error") {
      op->emitError("this was refused for a test");
      return signalPassFailure();
    }
    if (kind == "address")
      *static_cast<volatile int *>(nullptr) = 1;
    if (kind == "abort")
      std::abort();
    if (kind == "fatal")
      llvm::report_fatal_error("this was asked for");
    if (kind == "stack")
      std::exit(fillStack(nullptr)); // it does not get that far
    getOperation().emitError("`kind` is address, abort, fatal, stack or error");
    signalPassFailure();
  }

private:
  /// The first op with a place that is neither a module nor a function.
  Operation *firstConstruct() {
    Operation *found = nullptr;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->hasTrait<OpTrait::IsIsolatedFromAbove>() ||
          !op->getLoc()->findInstanceOf<FileLineColLoc>())
        return WalkResult::advance();
      found = op;
      return WalkResult::interrupt();
    });
    return found;
  }
};
} // namespace
