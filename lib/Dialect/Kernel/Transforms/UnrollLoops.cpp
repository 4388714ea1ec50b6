// UnrollLoops.cpp: several steps of a time loop at a time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "mlir/Dialect/SCF/Utils/Utils.h"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELUNROLLLOOPS
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {

constexpr StringLiteral kMark = "kernel.unroll";

struct UnrollLoops : impl::KernelUnrollLoopsBase<UnrollLoops> {
  using Base::Base;

  LogicalResult unroll(scf::ForOp loop) {
    auto factor = loop->getAttrOfType<IntegerAttr>(kMark);
    if (!factor || factor.getInt() < 1 || factor.getInt() > 1024)
      return loop.emitOpError("attribute `")
             << kMark << "` must be an integer from 1 to 1024";
    loop->removeAttr(kMark);
    if (factor.getInt() == 1)
      return success();
    if (failed(loopUnrollByFactor(loop, factor.getInt())))
      return loop.emitOpError("cannot be unrolled by ") << factor.getInt();
    return success();
  }

  void runOnOperation() override {
    // Inner loops first: copies of them are unrolled already.
    SmallVector<scf::ForOp> loops;
    getOperation()->walk([&](scf::ForOp loop) {
      if (loop->hasAttr(kMark))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      if (failed(unroll(loop)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace rnnc::kernel
