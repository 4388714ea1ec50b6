// FoldDescriptors.cpp: what is read of a descriptor is what was put into it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELFOLDDESCRIPTORS
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

namespace {

/// Where what is read was written before, the value; else none. Folding may
/// shorten the way to it in place.
Value readBack(LLVM::ExtractValueOp read) {
  SmallVector<OpFoldResult> results;
  if (failed(read->fold(results)) || results.empty())
    return Value();
  return dyn_cast<Value>(results.front());
}

struct KernelFoldDescriptors
    : public impl::KernelFoldDescriptorsBase<KernelFoldDescriptors> {
  using Base::Base;

  void runOnOperation() override {
    getOperation().walk([](LLVM::ExtractValueOp read) {
      if (Value value = readBack(read)) {
        read.replaceAllUsesWith(value);
        read.erase();
      }
    });
    // Uses before what they use: chains go in one sweep.
    getOperation().walk<WalkOrder::PostOrder, ReverseIterator>(
        [](Operation *op) {
          if (isOpTriviallyDead(op))
            op->erase();
        });
  }
};

} // namespace
} // namespace rnnc
