// FuseRows.cpp: what works on the same rows becomes one phase.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/ScanToKernel/Passes.h"

#include "RowGroup.h"

#include "rnnc/Dialect/Scan/Scan.h"
#include "rnnc/Support/Work.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "kernel-fuse-rows"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELFUSEROWS
#include "rnnc/Conversion/ScanToKernel/Passes.h.inc"

ALWAYS_ENABLED_STATISTIC(numRowPhases, "Phases that combine or leave out rows");
ALWAYS_ENABLED_STATISTIC(numRowParts, "Phases that became a part of one");

namespace {

class RowFusion {
public:
  explicit RowFusion(func::FuncOp function) : sizes(function, function) {}

  void run(Block &block);

private:
  void fuse(Block &block, RowWork wanted);
  bool fuse(linalg::GenericOp seed);

  Sizes sizes;
  llvm::DenseSet<Operation *> taken; ///< tried, and left alone
};

bool RowFusion::fuse(linalg::GenericOp seed) {
  RowGroup group(*seed->getBlock(), sizes);
  if (!group.grow(seed, taken))
    return false;
  group.findEnds();
  if (!group.pays())
    return false;
  workOn(seed.getLoc());
  numRowParts += group.getMembers().size();
  ++numRowPhases;
  group.form();
  return true;
}

void RowFusion::fuse(Block &block, RowWork wanted) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto op : block.getOps<linalg::GenericOp>()) {
      if (taken.contains(op) || rowWorkOf(op) != wanted)
        continue;
      changed = fuse(op);
      if (changed)
        break; // the block is another one now
      taken.insert(op);
    }
    if (changed)
      sortTopologically(&block);
  }
}

void RowFusion::run(Block &block) {
  for (RowWork wanted : {RowWork::Reduce, RowWork::Point}) {
    taken.clear();
    fuse(block, wanted);
  }
}

struct KernelFuseRows : public impl::KernelFuseRowsBase<KernelFuseRows> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    RowFusion fusion(function);
    function.walk([&](scan::LoopOp loop) { fusion.run(*loop.getBodyBlock()); });
    fusion.run(function.getBody().front());
    IRRewriter rewriter(&getContext()); // what reductions began with
    (void)runRegionDCE(rewriter, function->getRegions());
  }
};

} // namespace

} // namespace rnnc
