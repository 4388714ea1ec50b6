// TensorPhase.cpp: one phase on tensors, being written.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TensorPhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace rnnc {

static TypedAttr numberOf(OpBuilder &b, Type type, double number) {
  if (isa<FloatType>(type))
    return b.getFloatAttr(type, number);
  if (type.isInteger(1))
    return b.getBoolAttr(number != 0);
  return b.getIntegerAttr(type, static_cast<int64_t>(number));
}

static Value emptyTensor(OpBuilder &b, Location loc,
                         ArrayRef<OpFoldResult> shape, Type element) {
  return tensor::EmptyOp::create(b, loc, shape, element);
}

Value filled(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> shape,
             Type element, double number) {
  Value value = arith::ConstantOp::create(b, loc, numberOf(b, element, number));
  return linalg::FillOp::create(b, loc, value,
                                emptyTensor(b, loc, shape, element))
      .getResult(0);
}

TensorPhase::TensorPhase(PhaseContext &context, Location loc, int level,
                         ArrayRef<OpFoldResult> space)
    : context(context), loc(loc), level(level), space(space),
      block(new Block()), inner(context.b.getContext()),
      iterators(space.size(), utils::IteratorType::parallel) {
  inner.setInsertionPointToEnd(block);
}

TensorPhase::~TensorPhase() { delete block; }

Value TensorPhase::indexConstant(int64_t number) {
  return arith::ConstantIndexOp::create(inner, loc, number);
}

/// `index + offset + stride * iteration` as an index value.
Value TensorPhase::position(const Access &access) {
  Value result;
  if (access.iter >= 0) {
    result = linalg::IndexOp::create(inner, loc, access.iter);
    if (access.stride != 1)
      result = arith::MulIOp::create(inner, loc, result,
                                     indexConstant(access.stride));
  }
  if (access.index)
    result = result ? arith::AddIOp::create(inner, loc, result, access.index)
                    : access.index;
  if (!result)
    return indexConstant(access.offset);
  if (access.offset == 0)
    return result;
  return arith::AddIOp::create(inner, loc, result,
                               indexConstant(access.offset));
}

/// The part of a tensor that `view` reads, and which dimensions of the space
/// its own are.
Value TensorPhase::partOf(Value tensor, const View &view,
                          SmallVectorImpl<AffineExpr> &dims) {
  OpBuilder &b = context.b;
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t rank = type.getRank();
  SmallVector<OpFoldResult> offsets, extents, strides(rank, b.getIndexAttr(1));
  SmallVector<int64_t> shape;
  bool part = false;
  for (int64_t i = 0; i < rank; ++i) {
    const Access &access = view[i];
    OpFoldResult offset = b.getIndexAttr(access.offset);
    if (access.index && access.offset)
      offset = arith::AddIOp::create(
                   b, loc, access.index,
                   arith::ConstantIndexOp::create(b, loc, access.offset))
                   .getResult();
    else if (access.index)
      offset = access.index;
    offsets.push_back(offset);
    if (access.iter < 0) {
      part = true;
      extents.push_back(b.getIndexAttr(1));
      continue;
    }
    dims.push_back(b.getAffineDimExpr(access.iter));
    extents.push_back(space[access.iter]);
    strides[i] = b.getIndexAttr(access.stride);
    int64_t size = type.getDimSize(i);
    part |= access.index || access.offset != 0 || access.stride != 1 ||
            (!ShapedType::isDynamic(size) &&
             !isConstantIntValue(extents.back(), size));
    shape.push_back(
        getConstantIntValue(extents.back()).value_or(ShapedType::kDynamic));
  }
  if (!part)
    return tensor;
  auto partType = RankedTensorType::get(shape, type.getElementType());
  return tensor::ExtractSliceOp::create(b, loc, partType, tensor, offsets,
                                        extents, strides);
}

Value TensorPhase::leaf(Value tensor, const View &view) {
  for (auto &[known, at, value] : leaves)
    if (known == tensor && at == view)
      return value;
  SmallVector<AffineExpr> dims;
  Value part = partOf(tensor, view, dims);
  inputs.push_back(part);
  inputMaps.push_back(
      AffineMap::get(space.size(), 0, dims, context.b.getContext()));
  Value value = block->insertArgument(
      inputs.size() - 1, getElementTypeOrSelf(part.getType()), loc);
  leaves.push_back({tensor, view, value});
  return value;
}

/// Whether the value is read as a tensor, not computed here.
bool TensorPhase::isRead(Value value) {
  BlockPlan &plan = *context.plan;
  if (kindOf(value) == Kind::Constant || !plan.hasBuffer(value) ||
      plan.ready(value) > level)
    return false;
  return kindOf(value) != Kind::View || context.materialized.contains(value) ||
         plan.isRoot(value);
}

Value TensorPhase::evalConstant(Value value) {
  Operation *op = value.getDefiningOp();
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (!constant)
    return op->getOperand(0);
  auto splat = cast<SplatElementsAttr>(constant.getValue());
  return arith::ConstantOp::create(
      inner, loc, cast<TypedAttr>(splat.getSplatValue<Attribute>()));
}

Value TensorPhase::eval(Value value, const View &view) {
  if (!isa<RankedTensorType>(value.getType()))
    return value;
  for (auto &[known, at, result] : memo)
    if (known == value && at == view)
      return result;
  Value result;
  if (isRead(value)) {
    result = leaf(context.current(value), view);
  } else if (kindOf(value) == Kind::View) {
    Value source = viewSource(value);
    // A step of a tensor is what the loop hands to its body.
    if (isa<BlockArgument>(value) && isRead(source))
      result = leaf(value, view);
    else
      result = eval(source, viewOfSource(value, view));
  } else if (kindOf(value) == Kind::Constant) {
    result = evalConstant(value);
  } else {
    result = evalPointwise(value, view);
  }
  memo.push_back({value, view, result});
  return result;
}

Value TensorPhase::evalMask(scan::MaskOp op, const View &view) {
  Value input = eval(op.getInput(), view);
  Value length = eval(op.getLengths(), View{view[op.getBatchDim()]});
  Value at = op.getAt() ? op.getAt() : position(view[*op.getTimeDim()]);
  Value step = arith::IndexCastOp::create(inner, loc, inner.getI32Type(), at);
  Value valid = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::slt,
                                      step, length);
  Value fill = arith::ConstantOp::create(
      inner, loc,
      numberOf(inner, input.getType(), op.getFill().convertToDouble()));
  return arith::SelectOp::create(inner, loc, valid, input, fill);
}

Value TensorPhase::evalPointwise(Value value, const View &view) {
  Operation *op = value.getDefiningOp();
  if (auto mask = dyn_cast_or_null<scan::MaskOp>(op))
    return evalMask(mask, view);
  if (isa_and_nonnull<scan::StopOp, scan::ClipGradOp, scan::EnterOp,
                      scan::LeaveOp>(op))
    return eval(op->getOperand(0), view);
  assert(op && kindOf(value) == Kind::Pointwise &&
         "no memory and no way to compute a value");
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(eval(operand, view));
  OperationState state(loc, op->getName());
  state.addOperands(operands);
  state.addTypes(getElementTypeOrSelf(value.getType()));
  state.addAttributes(op->getAttrs());
  return inner.create(state)->getResult(0);
}

void TensorPhase::store(Value scalar) {
  outputs.push_back(emptyTensor(context.b, loc, space, scalar.getType()));
  outputMaps.push_back(inner.getMultiDimIdentityMap(space.size()));
  block->addArgument(scalar.getType(), loc);
  results.push_back(scalar);
}

void TensorPhase::reduce(
    Value scalar, ArrayRef<int64_t> reduced, double neutral,
    llvm::function_ref<Value(OpBuilder &, Value, Value)> combine) {
  SmallVector<AffineExpr> dims;
  SmallVector<OpFoldResult> shape;
  for (int64_t i = 0, e = space.size(); i < e; ++i) {
    if (llvm::is_contained(reduced, i)) {
      iterators[i] = utils::IteratorType::reduction;
      continue;
    }
    dims.push_back(inner.getAffineDimExpr(i));
    shape.push_back(space[i]);
  }
  outputs.push_back(filled(context.b, loc, shape, scalar.getType(), neutral));
  outputMaps.push_back(
      AffineMap::get(space.size(), 0, dims, inner.getContext()));
  Value sum = block->addArgument(scalar.getType(), loc);
  results.push_back(combine(inner, sum, scalar));
}

bool TensorPhase::readsAllDims() const {
  llvm::SmallBitVector seen(space.size());
  for (AffineMap map : inputMaps)
    for (AffineExpr expr : map.getResults())
      seen.set(cast<AffineDimExpr>(expr).getPosition());
  return seen.all();
}

linalg::GenericOp TensorPhase::finish() {
  linalg::YieldOp::create(inner, loc, results);
  SmallVector<AffineMap> maps(inputMaps);
  maps.append(outputMaps);
  SmallVector<Type> types;
  for (Value output : outputs)
    types.push_back(output.getType());
  auto op = linalg::GenericOp::create(context.b, loc, types, inputs, outputs,
                                      maps, iterators);
  op.getRegion().getBlocks().clear();
  op.getRegion().push_back(block);
  block = nullptr;
  return op;
}

} // namespace rnnc
