// Needed.cpp: what a function of a module has to compute.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/RNN/Needed.h"

using namespace mlir;
using namespace rnnc;

llvm::DenseSet<Operation *> rnn::neededFor(ModuleOp module,
                                           ArrayRef<Value> roots) {
  llvm::DenseSet<Operation *> needed;
  SmallVector<Value> work(roots);
  Block &body = module.getBody().front();
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    op = op ? body.findAncestorOpInBlock(*op) : nullptr;
    if (!op || !needed.insert(op).second)
      continue;
    op->walk([&](Operation *inner) {
      llvm::append_range(work, inner->getOperands());
    });
  }
  return needed;
}

SmallVector<Value> rnn::rootsOfStep(ModuleOp module) {
  SmallVector<Value> roots;
  for (Operation &op : module.getBody().front()) {
    auto scan = dyn_cast<ScanOp>(op);
    if (auto observe = dyn_cast<ObserveOp>(op))
      roots.push_back(observe.getDist());
    else if (isa<UnfoldOp>(op) || (scan && scan.getAxis().isTime()))
      llvm::append_range(roots, op.getResults());
  }
  return roots;
}
