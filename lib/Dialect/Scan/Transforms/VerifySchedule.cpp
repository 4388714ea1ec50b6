// VerifySchedule.cpp: checks what holds when time loops have been scheduled.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopDependence.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANVERIFYSCHEDULE
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

namespace {
struct VerifySchedule : scan::impl::ScanVerifyScheduleBase<VerifySchedule> {
  using Base::Base;

  void runOnOperation() override {
    getOperation()->walk([&](LoopOp loop) {
      if (loop.getRecompute())
        return;
      LoopDependence dependence(loop);
      for (DotOp dot : loop.getBodyBlock()->getOps<DotOp>()) {
        // Products of two values of the step may stay for their size.
        bool ofStep = dependence.isInside(dot.getLhs()) &&
                      dependence.isInside(dot.getRhs());
        if (ofStep || dependence.needsCarry(dot.getOperation()) ||
            dependence.obstacle(dot.getResult()))
          continue;
        dot.emitOpError("stands in a time loop whose carries it does not need");
        signalPassFailure();
      }
    });
  }
};
} // namespace
