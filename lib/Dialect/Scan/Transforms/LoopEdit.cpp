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

// Whether a number says that what two ops insert lies apart.
static bool areApart(tensor::InsertSliceOp a, tensor::InsertSliceOp b) {
  for (auto [ao, as, bo, bs] :
       llvm::zip_equal(a.getStaticOffsets(), a.getStaticSizes(),
                       b.getStaticOffsets(), b.getStaticSizes()))
    if (!ShapedType::isDynamic(ao) && !ShapedType::isDynamic(as) &&
        !ShapedType::isDynamic(bo) && !ShapedType::isDynamic(bs) &&
        (ao + as <= bo || bo + bs <= ao))
      return true;
  return false;
}

static bool isStaticPlace(tensor::InsertSliceOp op) {
  return llvm::none_of(op.getStaticOffsets(), ShapedType::isDynamic) &&
         llvm::all_of(op.getStaticStrides(), [](int64_t s) { return s == 1; });
}

tensor::InsertSliceOp LoopEdit::findStackedPart(Value value) {
  for (Value stacked : loop.getYield().getStacks()) {
    SmallVector<tensor::InsertSliceOp> later;
    for (auto insert = stacked.getDefiningOp<tensor::InsertSliceOp>(); insert;
         insert = insert.getDest().getDefiningOp<tensor::InsertSliceOp>()) {
      if (!isStaticPlace(insert))
        break;
      if (insert.getSource() == value && llvm::all_of(later, [&](auto other) {
            return areApart(insert, other);
          }))
        return insert;
      later.push_back(insert);
    }
  }
  return {};
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
      !mask.getFill().isPosZero() || mask.getType().getNumDynamicDims() != 1)
    return value;
  return mask.getInput();
}

// The number of the stacked value that a part is put into.
static unsigned numberOfWhole(LoopOp loop, tensor::InsertSliceOp part) {
  for (auto [number, stacked] : llvm::enumerate(loop.getYield().getStacks()))
    for (Value whole = stacked;
         auto insert = whole.getDefiningOp<tensor::InsertSliceOp>();
         whole = insert.getDest())
      if (insert == part)
        return number;
  llvm_unreachable("a part of nothing that is stacked");
}

Sequence scan::sequenceOf(LoopEdit &edit, Value value) {
  LoopOp loop = edit.getLoop();
  Value inner = withoutRowMask(loop, value);
  bool masked = inner != value;
  for (auto [number, sequence] : llvm::enumerate(loop.getSlices()))
    if (inner == loop.getBodyBlock()->getArgument(1 + number))
      return {sequence, 0, masked};
  if (!edit.isStacked(inner))
    if (tensor::InsertSliceOp part = edit.findStackedPart(inner))
      return {Value(), numberOfWhole(loop, part), masked, part};
  return {Value(), edit.stack(inner), masked};
}

Value Sequence::get(LoopOp loop) const {
  if (outer)
    return outer;
  Value all = loop.getStackResults()[stacked];
  if (!part)
    return all;
  OpBuilder b(loop->getContext());
  b.setInsertionPointAfter(loop);
  Location loc = tensor::InsertSliceOp(part).getLoc();
  auto type = cast<RankedTensorType>(all.getType());
  SmallVector<OpFoldResult> offsets = {b.getIndexAttr(0)}, sizes, strides;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    int64_t size = dim == 0
                       ? type.getDimSize(0)
                       : tensor::InsertSliceOp(part).getStaticSize(dim - 1);
    sizes.push_back(ShapedType::isDynamic(size)
                        ? OpFoldResult(sizeOf(b, loc, all, dim))
                        : b.getIndexAttr(size));
    strides.push_back(b.getIndexAttr(1));
    if (dim > 0)
      offsets.push_back(
          b.getIndexAttr(tensor::InsertSliceOp(part).getStaticOffset(dim - 1)));
  }
  auto source =
      cast<RankedTensorType>(tensor::InsertSliceOp(part).getSource().getType());
  return tensor::ExtractSliceOp::create(
      b, loc, insertDim(source, 0, type.getDimSize(0)), all, offsets, sizes,
      strides);
}

SmallVector<int64_t> scan::plusOne(ArrayRef<int64_t> dims) {
  return llvm::map_to_vector(dims, [](int64_t dim) { return dim + 1; });
}
