// LoopDependence.cpp: what the values of a time loop's body need.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopDependence.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

bool LoopDependence::isInside(Value value) const {
  return LoopOp(loop).getBody().isAncestor(value.getParentRegion());
}

bool LoopDependence::needsCarry(Value value) {
  if (!isInside(value))
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return llvm::is_contained(loop.getCarryArgs(), argument);
  return needsCarry(value.getDefiningOp());
}

bool LoopDependence::needsCarry(Operation *op) {
  auto known = carried.find(op);
  if (known != carried.end())
    return known->second;
  llvm::SetVector<Value> needed;
  getUsedValuesDefinedAbove(op->getRegions(), needed);
  needed.insert(op->operand_begin(), op->operand_end());
  bool result =
      llvm::any_of(needed, [&](Value value) { return needsCarry(value); });
  return carried[op] = result;
}

// Elementwise ops, whose form does not change with a dimension more in front.
static bool isPlain(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() && op->getNumResults() == 1 &&
         isa<RankedTensorType>(op->getResult(0).getType()) &&
         llvm::all_of(op->getOperandTypes(),
                      [](Type type) { return isa<RankedTensorType>(type); });
}

std::optional<Value> LoopDependence::firstStep(Value at) {
  if (at == loop.getStep())
    return Value();
  auto sum = at ? at.getDefiningOp<arith::AddIOp>() : nullptr;
  if (!sum || sum.getRhs() != loop.getStep() || isInside(sum.getLhs()))
    return std::nullopt;
  return sum.getLhs();
}

bool LoopDependence::canHoist(Operation *op) {
  if (auto dot = dyn_cast<DotOp>(op))
    return (isInside(dot.getLhs()) && isInside(dot.getRhs())) ||
           dot.getLhsBatch().empty();
  if (auto mask = dyn_cast<MaskOp>(op))
    return mask.getAt() == loop.getStep();
  if (auto random = dyn_cast<RandomOp>(op))
    return firstStep(random.getAt()) && !isInside(random.getKey());
  return isPlain(op) ||
         isa<GatherOp, ReduceOp, ArgmaxOp, TransposeOp, BroadcastOp, ClipGradOp,
             tensor::ExtractSliceOp, tensor::ConcatOp>(op);
}

bool LoopDependence::isFreeOperand(Value operand) {
  if (operand == loop.getStep())
    return true;
  return isFree(operand) &&
         (!isInside(operand) || isa<RankedTensorType>(operand.getType()));
}

bool LoopDependence::isFree(Value value) {
  if (!isInside(value))
    return true;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return llvm::is_contained(loop.getSliceArgs(), argument);
  Operation *op = value.getDefiningOp();
  auto known = freedom.find(op);
  if (known != freedom.end())
    return known->second;
  bool result =
      canHoist(op) && llvm::all_of(op->getOperands(), [&](Value v) {
        return isFreeOperand(v) || (isa<RandomOp>(op) && firstStep(v));
      });
  return freedom[op] = result;
}

Operation *LoopDependence::obstacle(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isFree(value))
    return nullptr;
  for (Value operand : op->getOperands())
    if (!isFreeOperand(operand))
      if (Operation *inner = obstacle(operand))
        return inner;
  return op;
}
