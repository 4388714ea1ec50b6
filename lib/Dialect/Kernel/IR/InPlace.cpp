// InPlace.cpp: what may lie in the place of what it is made of.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/InPlace.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace rnnc::kernel {

/// The stages of a phase: a row is combined when all of its units are known.
static bool isInLastStage(PhaseOp op, Value value) {
  llvm::DenseMap<Value, unsigned> stages;
  unsigned last = 0;
  for (Operation &inner : op.getBody().front().without_terminator()) {
    unsigned stage = 0;
    for (Value operand : inner.getOperands())
      stage = std::max(stage, stages.lookup(operand));
    stage += isa<ReduceRowOp>(inner);
    for (Value result : inner.getResults())
      stages[result] = stage;
    last = std::max(last, stage);
  }
  return stages.lookup(value) == last;
}

bool makesInPlace(Operation *op, Value from, Value to) {
  if (auto phase = dyn_cast<PhaseOp>(op)) {
    size_t in = llvm::find(phase.getInputs(), from) - phase.getInputs().begin();
    size_t number = llvm::find(phase.getOuts(), to) - phase.getOuts().begin();
    if (in == phase.getInputs().size() || number == phase.getOuts().size())
      return false;
    Operation *yield = phase.getBody().front().getTerminator();
    return !phase.isPerRow(number) &&
           phase.mapOf(in) == phase.mapOfOut(number) &&
           isInLastStage(phase, yield->getOperand(number));
  }
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumReductionLoops() > 0)
    return false;
  OpOperand *in = nullptr, *out = nullptr;
  for (OpOperand &operand : op->getOpOperands()) {
    if (operand.get() == from && !generic.isDpsInit(&operand))
      in = &operand;
    if (operand.get() == to && generic.isDpsInit(&operand))
      out = &operand;
  }
  return in && out && generic.getMatchingIndexingMap(in).isIdentity() &&
         generic.getMatchingIndexingMap(out).isIdentity() &&
         generic.getMatchingBlockArgument(out).use_empty();
}

void collectAccesses(Value value, SmallVectorImpl<Operation *> &accesses) {
  for (Operation *user : value.getUsers()) {
    if (isa<ViewLikeOpInterface>(user) && user->getNumResults() == 1)
      collectAccesses(user->getResult(0), accesses);
    else
      accesses.push_back(user);
  }
}

} // namespace rnnc::kernel
