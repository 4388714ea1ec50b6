// Activity.cpp: which values depend on what is differentiated by.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/State.h"
#include "rnnc/Dialect/Scan/Scan.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

bool grad::isReal(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

void Activity::analyze(Block &block, ValueRange seeds) {
  for (Value seed : seeds)
    mark(seed);
  for (Operation &op : block)
    visit(op);
}

bool Activity::mark(Value value) {
  return isReal(value.getType()) && active.insert(value).second;
}

// Returns whether anything new became active.
bool Activity::visit(Operation &op) {
  bool changed = false;
  auto follow = [&](Value from, Value to) {
    if (contains(from))
      changed |= mark(to);
  };
  if (auto loop = dyn_cast<scan::LoopOp>(op)) {
    scan::YieldOp yield = loop.getYield();
    bool again = true;
    while (again) {
      again = false;
      for (auto [from, to] :
           llvm::zip_equal(loop.getSlices(), loop.getSliceArgs()))
        if (contains(from))
          again |= mark(to);
      for (unsigned i = 0; i < loop.getNumCarries(); ++i)
        if (contains(loop.getFirsts()[i]) || contains(yield.getCarries()[i]))
          again |= mark(loop.getCarryArgs()[i]);
      for (Operation &inner : *loop.getBodyBlock())
        again |= visit(inner);
      changed |= again;
    }
    for (auto [from, to] :
         llvm::zip_equal(yield.getStacks(), loop.getStackResults()))
      follow(from, to);
    for (auto [from, to] :
         llvm::zip_equal(loop.getCarryArgs(), loop.getFinalResults()))
      follow(from, to);
    return changed;
  }
  // Nothing depends on a value in the sense of the gradient past a stop.
  auto stop = dyn_cast<scan::StopOp>(op);
  if (stop && !stop.getPeriod())
    return false;
  for (Value operand : op.getOperands())
    for (Value result : op.getResults())
      follow(operand, result);
  return changed;
}
