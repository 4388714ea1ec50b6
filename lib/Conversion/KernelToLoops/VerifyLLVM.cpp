// VerifyLLVM.cpp: checks what generated code may contain.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELVERIFYLLVM
#include "rnnc/Conversion/KernelToLoops/Passes.h.inc"

namespace {

/// Intrinsics that the code generator may turn into calls of libm.
bool becomesLibmCall(StringRef name) {
  static const char *const kNames[] = {
      "llvm.intr.exp",   "llvm.intr.exp2",  "llvm.intr.exp10",
      "llvm.intr.log",   "llvm.intr.log2",  "llvm.intr.log10",
      "llvm.intr.pow",   "llvm.intr.powi",  "llvm.intr.sin",
      "llvm.intr.cos",   "llvm.intr.tan",   "llvm.intr.tanh",
      "llvm.intr.sinh",  "llvm.intr.cosh",  "llvm.intr.asin",
      "llvm.intr.acos",  "llvm.intr.atan",  "llvm.intr.atan2",
      "llvm.intr.ldexp", "llvm.intr.frexp", "llvm.intr.sincos",
      "llvm.frem"};
  return llvm::is_contained(kNames, name);
}

struct KernelVerifyLLVM : public impl::KernelVerifyLLVMBase<KernelVerifyLLVM> {
  using Base::Base;

  void runOnOperation() override {
    bool bad = false;
    auto complain = [&](Operation *op, const Twine &what) {
      op->emitError(what);
      bad = true;
    };
    getOperation().walk([&](Operation *op) {
      if (isa<ModuleOp>(op))
        return;
      if (!isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
        return complain(op, "is no op of the LLVM dialect");
      StringRef name = op->getName().getStringRef();
      if (becomesLibmCall(name))
        return complain(op, "would become a call of libm");
      if (auto alloca = dyn_cast<LLVM::AllocaOp>(op))
        if (!alloca->getBlock()->isEntryBlock())
          return complain(op, "takes stack outside of the entry block");
      if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
        if (function.isExternal() &&
            !function.getName().starts_with("rnnc_rt_"))
          return complain(op, "names a function the runtime does not give: " +
                                  function.getName());
    });
    if (bad)
      signalPassFailure();
  }
};

} // namespace
} // namespace rnnc
