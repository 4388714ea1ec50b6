// ChooseTarget.cpp: of several targets, the one that code is made for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/Transforms/Passes.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

using namespace mlir;

namespace rnnc::kernel {

#define GEN_PASS_DEF_KERNELCHOOSETARGET
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {

struct KernelChooseTarget
    : public impl::KernelChooseTargetBase<KernelChooseTarget> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto targets = module->getAttrOfType<ArrayAttr>(kTargets);
    if (!targets) {
      if (module->hasAttr(kTarget))
        return; // chosen before
      module.emitError("names no targets, so nothing was decided for any: "
                       "kernel-select-schedule does both");
      return signalPassFailure();
    }
    std::optional<unsigned> which = find(targets);
    if (!which) {
      module.emitError("was planned for other targets than `") << target << "`";
      return signalPassFailure();
    }
    module.walk([&](Operation *op) {
      if (auto list = op->getAttrOfType<ArrayAttr>(kSchedules)) {
        op->removeAttr(kSchedules);
        op->setAttr(kSchedule, list[*which]);
      }
    });
    module->removeAttr(kTargets);
    module->setAttr(kTarget, targets[*which]);
  }

private:
  std::optional<unsigned> find(ArrayAttr targets) {
    if (target.empty())
      return targets.size() - 1;
    for (auto [i, one] : llvm::enumerate(targets))
      if (cast<TargetAttr>(one).getName() == target)
        return i;
    return std::nullopt;
  }
};

} // namespace
} // namespace rnnc::kernel
