// OrderSteps.cpp: the ops of a step are in an order of their own.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANORDERSTEPS
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

namespace {
// The order of one body: what a result needs stands before it, and results
// come from the one with the shortest way to the one with the longest.
class StepOrder {
public:
  explicit StepOrder(Block &body) : body(body) {}

  void apply();

private:
  SmallVector<Operation *> needs(Operation *op);
  int64_t height(Operation *op);
  void visit(Operation *op);

  Block &body;
  llvm::DenseMap<Operation *, int64_t> heights;
  SetVector<Operation *> order;
};
} // namespace

// The ops of the body that an op reads, in the order in which it does.
SmallVector<Operation *> StepOrder::needs(Operation *op) {
  SetVector<Value> values;
  values.insert(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  SmallVector<Operation *> result;
  for (Value value : values)
    if (Operation *maker = value.getDefiningOp();
        maker && maker->getBlock() == &body)
      result.push_back(maker);
  return result;
}

// Called in the order of the text: what an op needs is known.
int64_t StepOrder::height(Operation *op) {
  int64_t result = 0;
  for (Operation *need : needs(op))
    result = std::max(result, heights.lookup(need) + 1);
  return result;
}

// No recursion: a body may be as long as its source.
void StepOrder::visit(Operation *op) {
  SmallVector<std::pair<Operation *, bool>> open = {{op, false}};
  while (!open.empty()) {
    auto [next, ready] = open.pop_back_val();
    if (order.contains(next))
      continue;
    if (ready) {
      order.insert(next);
      continue;
    }
    open.push_back({next, true});
    SmallVector<Operation *> needed = needs(next);
    for (Operation *need : llvm::reverse(needed))
      open.push_back({need, false});
  }
}

void StepOrder::apply() {
  for (Operation &op : body)
    heights[&op] = height(&op);
  SmallVector<std::pair<int64_t, size_t>> ways;
  SmallVector<Operation *> results = needs(body.getTerminator());
  for (auto [number, op] : llvm::enumerate(results))
    ways.push_back({heights.lookup(op), number});
  llvm::sort(ways);
  for (auto [way, number] : ways)
    visit(results[number]);
  // What nobody needs comes last.
  for (Operation &op : body.without_terminator())
    order.insert(&op);
  for (Operation *op : order)
    op->moveBefore(body.getTerminator());
}

bool scan::isStep(func::FuncOp function) {
  return !function.walk([](LoopOp) { return WalkResult::interrupt(); })
              .wasInterrupted();
}

namespace {
struct OrderSteps : scan::impl::ScanOrderStepsBase<OrderSteps> {
  using Base::Base;

  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      auto function = dyn_cast<func::FuncOp>(op);
      if (auto loop = dyn_cast<LoopOp>(op))
        StepOrder(*loop.getBodyBlock()).apply();
      else if (function && !function.isExternal() && isStep(function))
        StepOrder(function.getBody().front()).apply();
    });
  }
};
} // namespace
