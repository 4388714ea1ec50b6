// Support.cpp: where cotangents are zero by construction, and stay so.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/State.h"
#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

#include <limits>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

static RankedTensorType withElement(Type type, Type element) {
  return cast<RankedTensorType>(type).clone(element);
}

//===-- Conditions
//---------------------------------------------------------===//

Value ReverseState::toReal(Value condition, Value like, Type element) {
  auto type = withElement(condition.getType(), element);
  SmallVector<Value> dynamic = sizes(like);
  return arith::SelectOp::create(builder, loc, condition,
                                 scan::splat(builder, loc, type, dynamic, 1),
                                 scan::splat(builder, loc, type, dynamic, 0));
}

Value ReverseState::toCondition(Value real) {
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, real,
                               scan::splatLike(builder, loc, real, 0));
}

Value ReverseState::anyOver(Value condition, Value like,
                            ArrayRef<int64_t> dims) {
  if (dims.empty())
    return condition;
  // What is the same along these dimensions needs no look at them.
  if (auto wide = condition.getDefiningOp<scan::BroadcastOp>();
      wide && llvm::none_of(wide.getDims(), [&](int64_t dim) {
        return llvm::is_contained(dims, dim);
      })) {
    SmallVector<int64_t> places;
    for (int64_t dim : wide.getDims())
      places.push_back(
          dim - llvm::count_if(dims, [&](int64_t gone) { return gone < dim; }));
    auto type = cast<RankedTensorType>(wide.getType());
    SmallVector<Value> sizes;
    unsigned dynamic = 0;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      Value size =
          type.isDynamicDim(dim) ? wide.getSizes()[dynamic++] : Value();
      if (size && !llvm::is_contained(dims, dim))
        sizes.push_back(size);
    }
    for (int64_t dim : llvm::reverse(llvm::to_vector(llvm::seq<int64_t>(
             0, cast<RankedTensorType>(wide.getType()).getRank()))))
      if (llvm::is_contained(dims, dim))
        type = scan::dropDim(type, dim);
    if (type == wide.getInput().getType())
      return wide.getInput();
    return scan::BroadcastOp::create(builder, loc, type, wide.getInput(), sizes,
                                     places);
  }
  Value real = toReal(condition, like, builder.getF32Type());
  return toCondition(
      scan::ReduceOp::create(builder, loc, scan::ReduceKind::max, real, dims));
}

Value ReverseState::widen(Value condition, Value like, ArrayRef<int64_t> dims) {
  auto type = withElement(like.getType(), builder.getI1Type());
  if (condition.getType() == type)
    return condition;
  return scan::BroadcastOp::create(builder, loc, type, condition, sizes(like),
                                   dims);
}

Value ReverseState::isPositive(Value lengths) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, lengths,
                               scan::splatLike(builder, loc, lengths, 0));
}

int64_t ReverseState::batchDimOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t dim = type.getRank(); dim-- > 0;)
    if (type.isDynamicDim(dim))
      return dim;
  return -1;
}

//===-- Supports
//-----------------------------------------------------------===//

// A loop's result is asked for again each time: the loop may be replaced.
Value Support::get() {
  if (made)
    return made;
  Value value = build();
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() == 0)
    made = value;
  return value;
}

SupportRef ReverseState::both(SupportRef a, SupportRef b) {
  if (!a || !b)
    return a ? a : b;
  if (a == b)
    return a;
  return std::make_shared<Support>(
      a->isChosen() || b->isChosen(), [this, a, b]() -> Value {
        Value left = a->get(), right = b->get();
        return left == right ? left
                             : arith::AndIOp::create(builder, loc, left, right);
      });
}

SupportRef ReverseState::either(SupportRef a, SupportRef b) {
  if (!a || !b)
    return {};
  if (a == b)
    return a;
  return std::make_shared<Support>(
      a->isChosen() || b->isChosen(), [this, a, b]() -> Value {
        Value left = a->get(), right = b->get();
        return left == right ? left
                             : arith::OrIOp::create(builder, loc, left, right);
      });
}

SupportRef ReverseState::through(Value result,
                                 std::function<Value(Value)> adjoint,
                                 bool picks) {
  SupportRef support = supportOf(result);
  if (!support && !picks)
    return {};
  return std::make_shared<Support>(
      support && support->isChosen(), [this, result, adjoint, support] {
        Type element =
            cast<RankedTensorType>(result.getType()).getElementType();
        Value real = support ? toReal(support->get(), result, element)
                             : splat(result, 1);
        return toCondition(adjoint(real));
      });
}

// Lengths at hand when they are asked for. Those of a step, of an axis inside
// of the loop's, are asked for at once, as the loop's argument does not last;
// or they are of the loop that is being made.
static std::function<Value()> lengthsAt(ReverseState &state, Value lengths) {
  if (auto argument = dyn_cast<BlockArgument>(lengths)) {
    Operation *owner = argument.getOwner()->getParentOp();
    if (!owner)
      return [lengths] { return lengths; };
    if (isa<scan::LoopOp>(owner))
      return [now = state.value(lengths)] { return now; };
  }
  return [&state, lengths] { return state.value(lengths); };
}

SupportRef ReverseState::whereSteps(Value operand, Value like, Value tensor,
                                    ArrayRef<int64_t> summed,
                                    ArrayRef<int64_t> dims) {
  std::optional<scan::Ragged> ragged = scan::findLengths(like);
  if (!ragged)
    ragged = scan::findLengths(tensor);
  if (!ragged || !llvm::is_contained(summed, ragged->timeDim))
    return {};
  auto batch = llvm::find(dims, ragged->batchDim);
  if (batch == dims.end())
    return {};
  int64_t dim = batch - dims.begin();
  return std::make_shared<Support>(
      /*chosen=*/false,
      [this, operand, lengths = lengthsAt(*this, ragged->lengths), dim] {
        return widen(isPositive(lengths()), operand, dim);
      });
}

SupportRef ReverseState::whereNotEmpty(Value factor, Value like) {
  if (ranges.of(factor) != Growth::Wild)
    return {};
  std::optional<scan::Ragged> rows = scan::findEmptyRows(factor);
  if (!rows)
    return {};
  return std::make_shared<Support>(
      /*chosen=*/false, [this, like, lengths = lengthsAt(*this, rows->lengths),
                         dim = rows->batchDim] {
        return widen(isPositive(lengths()), like, dim);
      });
}

Value ReverseState::keepZeros(Value cotangent, Value like, Value product) {
  Value none = zeros(like);
  auto compare = [&](arith::CmpFPredicate kind, Value a, Value b) -> Value {
    return arith::CmpFOp::create(builder, loc, kind, a, b);
  };
  Value met = arith::AndIOp::create(
      builder, loc, compare(arith::CmpFPredicate::OEQ, cotangent, none),
      compare(arith::CmpFPredicate::UNO, product, product));
  return arith::SelectOp::create(builder, loc, met, none, product);
}

SupportRef ReverseState::whereNotZero(Value cotangent, Value like) {
  return std::make_shared<Support>(
      /*chosen=*/false, [this, cotangent, like]() -> Value {
        return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE,
                                     cotangent, zeros(like));
      });
}

// What is finite is kept, so that it has a second derivative.
Value ReverseState::finiteOrWhere(SupportRef support, Value like,
                                  Value factor) {
  Value size = math::AbsFOp::create(builder, loc, factor);
  Value finite = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OLT, size,
      splat(like, std::numeric_limits<double>::infinity()));
  Value kept = arith::OrIOp::create(builder, loc, finite, support->get());
  return arith::SelectOp::create(builder, loc, kept, factor, zeros(like));
}

// Parts that cover the whole value leave no zeros.
SupportRef ReverseState::ofSlices(Value value, Pending &entry) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t whole = 1, covered = 0;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    whole *= type.isDynamicDim(dim) ? 1 : type.getDimSize(dim);
  bool chosen = false, limited = false;
  for (auto &[slice, support] : entry.slices) {
    int64_t size = 1;
    for (int64_t dimSize : slice.getStaticSizes())
      size *= ShapedType::isDynamic(dimSize) ? 1 : dimSize;
    covered += size;
    limited |= static_cast<bool>(support);
    chosen |= support && support->isChosen();
  }
  if (covered >= whole && !limited)
    return {};
  auto slices = entry.slices;
  return std::make_shared<Support>(chosen, [this, value, slices]() mutable {
    Value real = zeros(value);
    Type element = cast<RankedTensorType>(value.getType()).getElementType();
    for (auto &[slice, support] : slices) {
      Value part = support ? toReal(support->get(), slice.getResult(), element)
                           : splat(slice.getResult(), 1);
      SmallVector<OpFoldResult> sizes;
      for (auto [dim, size] : llvm::enumerate(slice.getStaticSizes()))
        sizes.push_back(
            ShapedType::isDynamic(size)
                ? OpFoldResult(scan::sizeOf(builder, loc, value, dim))
                : builder.getIndexAttr(size));
      real = tensor::InsertSliceOp::create(builder, loc, part, real,
                                           slice.getMixedOffsets(), sizes,
                                           slice.getMixedStrides());
    }
    return toCondition(real);
  });
}

// What is computed from a value of this range has no larger one.
bool ReverseState::mayNeed(SupportRef support, Value value) const {
  return support && ranges.of(value) >=
                        (support->isChosen() ? Growth::Data : Growth::Product);
}

SupportRef ReverseState::supportOf(Value value) {
  auto found = pending.find(value);
  if (found == pending.end() || found->second.everywhere)
    return {};
  Pending &entry = found->second;
  if (entry.slices.empty())
    return entry.support;
  SupportRef slices = ofSlices(value, entry);
  return entry.support ? either(entry.support, slices) : slices;
}

Value ReverseState::keepWhere(SupportRef support, Value like, Value tensor) {
  if (!support)
    return tensor;
  auto type = cast<RankedTensorType>(tensor.getType());
  Value zero = scan::splat(builder, loc, type, sizes(like), 0);
  return arith::SelectOp::create(builder, loc, support->get(), tensor, zero);
}

Value ReverseState::factorWhere(SupportRef support, Value like, Value factor) {
  if (!support)
    return factor;
  // A parameter is the same for all examples: in a product it counts as finite.
  bool shared = cast<RankedTensorType>(like.getType()).hasStaticShape();
  Growth least = support->isChosen() && !shared ? Growth::Data : Growth::Wild;
  return ranges.of(like) >= least ? keepWhere(support, like, factor) : factor;
}
