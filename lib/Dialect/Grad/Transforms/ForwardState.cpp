// ForwardState.cpp: forward mode over the ops of a block.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/DifferentiableOpInterface.h"
#include "rnnc/Dialect/Grad/State.h"
#include "rnnc/Dialect/Scan/Scan.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

LogicalResult ForwardState::run(ArrayRef<Operation *> ops) {
  for (Operation *op : ops) {
    if (llvm::none_of(op->getResults(),
                      [&](Value result) { return isActive(result); }))
      continue;
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    if (!rule)
      return op->emitError("no rule for the gradient of ") << op->getName();
    bool broken = op->getName().getStringRef() == brokenRule;
    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(op);
    // A time loop is replaced by its rule and must not be touched afterwards.
    bool isLoop = isa<scan::LoopOp>(op);
    if (failed(rule.jvp(builder, *this)))
      return failure();
    if (!broken || isLoop)
      continue;
    for (Value result : op->getResults())
      if (Value tangent = this->tangent(result))
        setTangent(result, arith::AddFOp::create(builder, op->getLoc(), tangent,
                                                 tangent));
  }
  return success();
}
