// LoopEdit.cpp: adding slices and stacked values to a time loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopEdit.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

bool LoopEdit::isInside(Value value) const {
  return LoopOp(loop).getBody().isAncestor(value.getParentRegion());
}

Value LoopEdit::slice(Value sequence) {
  unsigned before = loop.getNumSlices();
  for (auto [number, known] : llvm::enumerate(loop.getSlices()))
    if (known == sequence)
      return loop.getBodyBlock()->getArgument(1 + number);
  for (auto [number, known] : llvm::enumerate(newSlices))
    if (known == sequence)
      return loop.getBodyBlock()->getArgument(1 + before + number);
  Type type = dropDim(cast<RankedTensorType>(sequence.getType()), 0);
  newSlices.push_back(sequence);
  return loop.getBodyBlock()->insertArgument(before + newSlices.size(), type,
                                             sequence.getLoc());
}

bool LoopEdit::isStacked(Value value) {
  return llvm::is_contained(loop.getYield().getStacks(), value);
}

unsigned LoopEdit::stack(Value value) {
  OperandRange stacks = loop.getYield().getStacks();
  auto at = llvm::find(stacks, value);
  unsigned number = at - stacks.begin();
  if (at == stacks.end())
    loop.getYield().getStacksMutable().append(value);
  return number;
}

unsigned LoopEdit::carry(Value first, Value next) {
  newFirsts.push_back(first);
  loop.getBodyBlock()->addArgument(first.getType(), first.getLoc());
  loop.getYield().getCarriesMutable().append(next);
  return loop.getNumCarries() + newFirsts.size() - 1;
}

LoopOp LoopEdit::finish() {
  unsigned before = loop.getNumStacks();
  OperandRange stacked = loop.getYield().getStacks();
  if (newSlices.empty() && newFirsts.empty() && stacked.size() == before)
    return loop;
  SmallVector<Type> types(loop.getStackResults().getTypes());
  int64_t steps = loop.getConstantTrip().value_or(ShapedType::kDynamic);
  for (Value value : stacked.drop_front(before))
    types.push_back(
        insertDim(cast<RankedTensorType>(value.getType()), 0, steps));
  SmallVector<Value> finals(loop.getFinalResults());
  for (Value final : finals)
    types.push_back(final.getType());
  for (Value first : newFirsts)
    types.push_back(first.getType());

  SmallVector<Value> operands = {loop.getTrip()};
  if (loop.getLengths())
    operands.push_back(loop.getLengths());
  llvm::append_range(operands, loop.getSlices());
  llvm::append_range(operands, newSlices);
  llvm::append_range(operands, loop.getFirsts());
  llvm::append_range(operands, newFirsts);
  OpBuilder builder(loop);
  OperationState description(loop.getLoc(), LoopOp::getOperationName(),
                             operands, types, {});
  description.addRegion()->takeBody(loop.getBody());
  LoopOp::Properties properties = loop.getProperties();
  properties.operandSegmentSizes[2] += newSlices.size();
  properties.operandSegmentSizes[3] += newFirsts.size();
  description.getOrAddProperties<LoopOp::Properties>() = properties;
  auto extended = cast<LoopOp>(builder.create(description));
  extended->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  for (unsigned k = 0; k < before; ++k)
    loop.getResult(k).replaceAllUsesWith(extended.getResult(k));
  for (auto [number, final] : llvm::enumerate(finals))
    final.replaceAllUsesWith(extended.getFinalResults()[number]);
  loop.erase();
  newSlices.clear();
  newFirsts.clear();
  return loop = extended;
}

Value scan::withoutRowMask(LoopOp loop, Value value) {
  auto mask = value.getDefiningOp<MaskOp>();
  if (!mask || mask.getAt() != loop.getStep() ||
      mask.getLengths() != loop.getLengths() || mask.getBatchDim() != 0 ||
      !mask.getFill().isPosZero() ||
      mask.getType().getNumDynamicDims() != 1)
    return value;
  return mask.getInput();
}

Sequence scan::sequenceOf(LoopEdit &edit, Value value) {
  LoopOp loop = edit.getLoop();
  Value inner = withoutRowMask(loop, value);
  bool masked = inner != value;
  for (auto [number, sequence] : llvm::enumerate(loop.getSlices()))
    if (inner == loop.getBodyBlock()->getArgument(1 + number))
      return {sequence, 0, masked};
  return {Value(), edit.stack(inner), masked};
}

SmallVector<int64_t> scan::plusOne(ArrayRef<int64_t> dims) {
  return llvm::map_to_vector(dims, [](int64_t dim) { return dim + 1; });
}
