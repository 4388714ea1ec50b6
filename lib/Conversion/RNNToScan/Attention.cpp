// Attention.cpp: where a model looks, step by step.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention is no construct of the language: it is a softmax over a time axis.
// Those that stand in the steps of a recurrence are stacked as the recurrence's
// outputs are.

#include "Functions.h"

using namespace mlir;

namespace rnnc::batch {

/// The weights of a softmax over time; null if an op is none.
static Value weightsOf(Operation &op) {
  if (auto bind = dyn_cast<rnn::BindOp>(op))
    if (bind.getKind() == rnn::BindKind::Softmax && bind.getAxis().isTime())
      return bind.getResult();
  auto reduce = dyn_cast<rnn::ReduceLastOp>(op);
  if (!reduce || reduce.getKind() != rnn::ReduceKind::Softmax)
    return {};
  auto type = cast<rnn::ValueType>(reduce.getValue().getType());
  bool overTime = type.getRank() > 0 && type.getAxes().back().isTime();
  return overTime ? Value(reduce->getResult(0)) : Value();
}

SmallVector<FunctionMaker::Look> FunctionMaker::findLooks() {
  SmallVector<Look> looks;
  for (Operation &op : info.module->getRegion(0).front()) {
    if (Value weights = weightsOf(op))
      looks.push_back({weights, nullptr});
    auto scan = dyn_cast<rnn::ScanOp>(op);
    if (!isa<rnn::UnfoldOp>(op) && !(scan && scan.getAxis().isTime()))
      continue;
    for (Operation &inner : op.getRegion(0).front())
      if (Value weights = weightsOf(inner))
        looks.push_back({weights, &op});
  }
  return looks;
}

bool FunctionMaker::hasAttention() { return !findLooks().empty(); }

LogicalResult FunctionMaker::makeAttention() {
  SmallVector<Look> looks = findLooks();
  if (looks.empty())
    return rnn::ModuleOp(info.module)
        .emitError("[E404] `attention` is not possible for this module: there "
                   "is no softmax over a time axis");
  SmallVector<Value> roots;
  for (const Look &look : looks)
    if (look.recurrence)
      llvm::append_range(roots, look.recurrence->getResults());
    else
      roots.push_back(look.weights);
  return make(
      "attention", lossSlots(/*carried=*/false), {}, [&](Lowering &lowering) {
        for (const Look &look : looks)
          if (look.recurrence)
            lowering.watched[look.recurrence].push_back(look.weights);
        if (failed(lowerFor(lowering, roots)))
          return failure();
        for (auto [i, look] : llvm::enumerate(looks)) {
          FailureOr<Batched> value =
              look.recurrence
                  ? FailureOr<Batched>(lowering.watchedSteps[look.weights])
                  : lowering.get(look.weights);
          if (failed(value))
            return failure();
          std::string name = "weights";
          if (looks.size() > 1)
            name += "." + std::to_string(i + 1);
          give(lowering, name, Role::Output, *value);
        }
        return success();
      });
}

} // namespace rnnc::batch
