// ReverseState.cpp: gathering cotangents.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/DifferentiableOpInterface.h"
#include "rnnc/Dialect/Grad/State.h"
#include "rnnc/Dialect/Scan/Scan.h"
#include "rnnc/Support/Work.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

#include "rnnc/Dialect/Grad/DifferentiableOpInterface.cpp.inc"

Value ReverseState::splat(Value like, double number) {
  return scan::splat(builder, loc, cast<RankedTensorType>(like.getType()),
                     sizes(like), number);
}

Value ReverseState::zeros(Value like) { return splat(like, 0.0); }

SmallVector<Value> ReverseState::sizes(Value like) {
  return scan::dynamicSizes(builder, loc, like);
}

// A rule made wrong on purpose, to see that the tests notice.
Value ReverseState::broken(Value contribution) {
  if (brokenRule.empty() || !current ||
      current->getName().getStringRef() != brokenRule)
    return contribution;
  return arith::AddFOp::create(builder, loc, contribution, contribution);
}

ReverseState::Pending &ReverseState::entryOf(Value value) {
  auto [entry, isNew] = pending.try_emplace(value);
  if (isNew)
    order.push_back(value);
  return entry->second;
}

void ReverseState::accumulate(Value value, Value contribution) {
  if (!current || !current->hasTrait<OpTrait::Elementwise>() ||
      contribution.getType() != current->getResult(0).getType())
    return accumulate(value, contribution, {});
  SupportRef support = supportOf(current->getResult(0));
  if (isa<arith::MulFOp>(current))
    for (Value factor : current->getOperands())
      if (SupportRef steps = whereNotEmpty(factor, current->getResult(0)))
        support = both(support, steps);
  if (support && ranges.hasWildSlope(current, support->isChosen()))
    contribution = keepWhere(support, current->getResult(0), contribution);
  if (ranges.isOfSteps(current->getResult(0)) &&
      ranges.hasWildSlope(current, /*chosen=*/false))
    contribution = keepZeros(cotangent(current->getResult(0)),
                             current->getResult(0), contribution);
  accumulate(value, contribution, support);
}

void ReverseState::accumulate(Value value, Value contribution,
                              SupportRef support) {
  if (!isActive(value))
    return;
  contribution = broken(contribution);
  if (contribution.getType() != value.getType())
    contribution =
        tensor::CastOp::create(builder, loc, value.getType(), contribution);
  Pending &entry = entryOf(value);
  Value &sum = entry.sum;
  entry.support = sum ? either(entry.support, support) : support;
  entry.everywhere |= !entry.support;
  sum = sum ? arith::AddFOp::create(builder, loc, sum, contribution)
            : contribution;
}

//===-- Parts
//--------------------------------------------------------------===//

static bool sameValues(ArrayRef<OpFoldResult> a, ArrayRef<OpFoldResult> b) {
  return a.size() == b.size() &&
         llvm::all_of_zip(a, b, isEqualConstantIntOrValue);
}

static bool samePlace(tensor::ExtractSliceOp a, tensor::ExtractSliceOp b) {
  return a.getType() == b.getType() &&
         sameValues(a.getMixedOffsets(), b.getMixedOffsets()) &&
         sameValues(a.getMixedStrides(), b.getMixedStrides()) &&
         a.getStaticSizes() == b.getStaticSizes();
}

// Whether two slices surely share no entry: apart along one dimension.
static bool areDisjoint(tensor::ExtractSliceOp a, tensor::ExtractSliceOp b) {
  for (int64_t dim = 0; dim < a.getSourceType().getRank(); ++dim) {
    int64_t beginA = a.getStaticOffset(dim), sizeA = a.getStaticSize(dim);
    int64_t beginB = b.getStaticOffset(dim), sizeB = b.getStaticSize(dim);
    int64_t strideA = a.getStaticStride(dim), strideB = b.getStaticStride(dim);
    if (llvm::any_of(
            ArrayRef<int64_t>{beginA, sizeA, strideA, beginB, sizeB, strideB},
            ShapedType::isDynamic))
      continue;
    int64_t endA = beginA + (sizeA - 1) * strideA + 1;
    int64_t endB = beginB + (sizeB - 1) * strideB + 1;
    if (endA <= beginB || endB <= beginA)
      return true;
  }
  return false;
}

void ReverseState::accumulateSlice(tensor::ExtractSliceOp op,
                                   Value contribution) {
  if (!isActive(op.getSource()))
    return;
  contribution = broken(contribution);
  Pending &entry = entryOf(op.getSource());
  entry.slices.emplace_back(op, supportOf(op.getResult()));
  for (Part &part : entry.parts)
    if (samePlace(part.place, op)) {
      entry.everywhere = true;
      part.cotangent =
          arith::AddFOp::create(builder, loc, part.cotangent, contribution);
      return;
    }
  bool disjoint = llvm::all_of(
      entry.parts, [&](Part &part) { return areDisjoint(part.place, op); });
  if (!disjoint) {
    entry.everywhere = true;
    entry.sum = insertParts(op.getSource(), entry);
  }
  entry.parts.push_back({op, contribution});
}

// Offsets and sizes of an extract_slice for use on a value of the source's
// shape at another place: dynamic dimensions are whole.
static SmallVector<OpFoldResult> wholeSizes(OpBuilder &builder, Location loc,
                                            tensor::ExtractSliceOp place,
                                            Value source) {
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, size] : llvm::enumerate(place.getStaticSizes()))
    sizes.push_back(ShapedType::isDynamic(size)
                        ? OpFoldResult(scan::sizeOf(builder, loc, source, dim))
                        : builder.getIndexAttr(size));
  return sizes;
}

// The sum with all parts put into it.
Value ReverseState::insertParts(Value like, Pending &entry) {
  Value result = entry.sum ? entry.sum : zeros(like);
  for (Part &part : entry.parts) {
    SmallVector<OpFoldResult> offsets = part.place.getMixedOffsets();
    SmallVector<OpFoldResult> strides = part.place.getMixedStrides();
    SmallVector<OpFoldResult> sizes =
        wholeSizes(builder, loc, part.place, like);
    Value cotangent = part.cotangent;
    if (entry.sum) {
      Value before = tensor::ExtractSliceOp::create(
          builder, loc, part.place.getType(), result, offsets, sizes, strides);
      cotangent = arith::AddFOp::create(builder, loc, before, cotangent);
    }
    result = tensor::InsertSliceOp::create(builder, loc, cotangent, result,
                                           offsets, sizes, strides);
  }
  entry.parts.clear();
  return result;
}

Value ReverseState::cotangent(Value value) {
  auto found = pending.find(value);
  if (found == pending.end())
    return {};
  Pending &entry = found->second;
  if (!entry.parts.empty())
    entry.sum = insertParts(value, entry);
  return entry.sum;
}

//===-- Past the end
//-------------------------------------------------------===//

// The lengths of a value: its own, or those of what it is combined with.
static std::optional<scan::Ragged>
lengthsNear(Value like, Value tensor,
            function_ref<std::optional<scan::Ragged>(Value)> find) {
  if (std::optional<scan::Ragged> ragged = find(like))
    return ragged;
  for (Operation *user : like.getUsers())
    if (user->hasTrait<OpTrait::Elementwise>())
      if (auto ragged = find(user->getResult(0)))
        return ragged;
  return find(tensor);
}

Value ReverseState::maskRows(Value like, Value tensor) {
  std::optional<scan::Ragged> ragged =
      lengthsNear(like, tensor, scan::findLengths);
  return ragged ? mask(*ragged, tensor) : tensor;
}

Value ReverseState::mask(const scan::Ragged &ragged, Value tensor) {
  return builder.createOrFold<scan::MaskOp>(
      loc, tensor, value(ragged.lengths), Value(),
      builder.getI64IntegerAttr(ragged.timeDim),
      builder.getI64IntegerAttr(ragged.batchDim), builder.getF64FloatAttr(0));
}

Value ReverseState::maskSummed(Value like, Value tensor,
                               ArrayRef<int64_t> summed) {
  Value result = maskRows(like, tensor);
  auto type = cast<RankedTensorType>(like.getType());
  std::optional<scan::Ragged> first =
      lengthsNear(like, tensor, scan::findLengths);
  if (!first || type.getNumDynamicDims() < 3)
    return result;
  for (int64_t dim : summed) {
    if (!type.isDynamicDim(dim) || dim == first->timeDim ||
        dim == first->batchDim)
      continue;
    auto along = [dim](Value value) {
      return scan::findLengthsAlong(value, dim);
    };
    if (auto ragged = lengthsNear(like, tensor, along))
      result = mask(*ragged, result);
  }
  return result;
}

Value ReverseState::finiteRows(Value like, ArrayRef<int64_t> summed) {
  Value result = value(like);
  return scan::isFinitePastEnd(like) && !ranges.isOfSteps(like)
             ? result
             : maskSummed(like, result, summed);
}

//===-- The walk
//-----------------------------------------------------------===//

LogicalResult ReverseState::reverse(ArrayRef<Operation *> ops) {
  for (Operation *op : llvm::reverse(ops)) {
    // The cotangent of a result that nobody depends on is zero.
    bool reached = llvm::any_of(op->getResults(), [&](Value result) {
      return isActive(result) && pending.contains(result);
    });
    if (!reached)
      continue;
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    if (!rule)
      return op->emitError("no rule for the gradient of ") << op->getName();
    loc = op->getLoc();
    workOn(loc);
    current = op;
    SmallVector<Value> results(op->getResults());
    if (failed(rule.vjp(builder, *this)))
      return failure();
    current = nullptr;
    // A loop is replaced by its rule.
    for (Value result : results)
      pending.erase(result);
  }
  return success();
}
