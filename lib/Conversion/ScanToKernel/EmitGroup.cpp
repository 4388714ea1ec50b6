// EmitGroup.cpp: pointwise phases and reductions as linalg.generic.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

#include "rnnc/Support/Work.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace rnnc {

//===----------------------------------------------------------------------===//
// Phase
//===----------------------------------------------------------------------===//

Phase::Phase(Emitter &emitter, Location loc, int level,
             ArrayRef<OpFoldResult> space)
    : emitter(emitter), loc(loc), level(level), space(space) {
  iterators.assign(space.size(), utils::IteratorType::parallel);
  if (space.empty())
    return;
  block = new Block();
  inner = std::make_unique<OpBuilder>(emitter.b.getContext());
  inner->setInsertionPointToStart(block);
}

Phase::~Phase() { delete block; }

/// `index + offset + stride * iteration` as an index value.
Value Phase::position(const Access &access) {
  OpBuilder &b = body();
  Value result;
  if (access.iter >= 0) {
    result = linalg::IndexOp::create(b, loc, access.iter);
    if (access.stride != 1)
      result = arith::MulIOp::create(b, loc, result,
                                     emitter.sizes.constant(access.stride));
  }
  if (access.index)
    result = result ? arith::AddIOp::create(b, loc, result, access.index)
                    : access.index;
  if (!result)
    return emitter.sizes.constant(access.offset);
  if (access.offset == 0)
    return result;
  return arith::AddIOp::create(b, loc, result,
                               emitter.sizes.constant(access.offset));
}

Value Phase::leaf(const Buffer &buffer, const View &view) {
  for (auto &[memref, at, value] : leaves)
    if (memref == buffer.memref && at == view)
      return value;
  OpBuilder &b = emitter.b;
  int64_t rank = buffer.rank();
  SmallVector<OpFoldResult> offsets, extents,
      strides(rank, b.getIndexAttr(1)), whole = sizesOf(b, loc, buffer);
  SmallVector<bool> dropped(rank, false);
  SmallVector<AffineExpr> dims;
  bool part = false;
  for (int64_t i = 0; i < rank; ++i) {
    const Access &access = view[i];
    OpFoldResult offset = b.getIndexAttr(access.offset);
    if (access.index && access.offset)
      offset = arith::AddIOp::create(b, loc, access.index,
                                     emitter.sizes.constant(access.offset))
                   .getResult();
    else if (access.index)
      offset = access.index;
    offsets.push_back(offset);
    if (access.iter < 0) {
      dropped[i] = part = true;
      extents.push_back(b.getIndexAttr(1));
      continue;
    }
    dims.push_back(b.getAffineDimExpr(access.iter));
    extents.push_back(space[access.iter]);
    strides[i] = b.getIndexAttr(access.stride);
    int64_t size = buffer.type().getDimSize(i);
    part |= access.index || access.offset != 0 || access.stride != 1 ||
            (!ShapedType::isDynamic(size) &&
             !isConstantIntValue(extents.back(), size));
  }
  Buffer read = part ? subBuffer(b, loc, buffer, offsets, extents, strides,
                                 dropped)
                     : buffer;
  Value value;
  if (space.empty()) {
    value = memref::LoadOp::create(b, loc, read.memref, ValueRange());
  } else {
    inputs.push_back(read.memref);
    inputMaps.push_back(
        AffineMap::get(space.size(), 0, dims, b.getContext()));
    value = block->addArgument(read.type().getElementType(), loc);
  }
  leaves.push_back({buffer.memref, view, value});
  return value;
}

Value Phase::eval(Value value, const View &view) {
  if (!isa<RankedTensorType>(value.getType()))
    return emitter.scalar(value);
  for (auto &[known, at, result] : memo)
    if (known == value && at == view)
      return result;
  BlockPlan &plan = *emitter.plan;
  Kind kind = kindOf(value);
  Value result;
  bool inMemory = plan.hasBuffer(value) && plan.ready(value) <= level &&
                  !(kind == Kind::View && !emitter.buffers.contains(value));
  if (inMemory) {
    result = leaf(emitter.bufferFor(value), view);
    if (getElementTypeOrSelf(value.getType()).isInteger(1)) {
      Value zero = arith::ConstantOp::create(
          body(), loc, body().getIntegerAttr(result.getType(), 0));
      result = arith::CmpIOp::create(body(), loc, arith::CmpIPredicate::ne,
                                     result, zero);
    }
  } else if (kind == Kind::View) {
    result = eval(viewSource(value),
                  viewOfSource(value, view, [&](scan::LoopOp loop) {
                    return emitter.stepOf(loop);
                  }));
  } else if (kind == Kind::Constant) {
    Operation *op = value.getDefiningOp();
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      auto splat = cast<SplatElementsAttr>(constant.getValue());
      result = arith::ConstantOp::create(
          body(), loc, cast<TypedAttr>(splat.getSplatValue<Attribute>()));
    } else {
      result = emitter.scalar(op->getOperand(0));
    }
  } else {
    result = evalPointwise(value, view);
  }
  memo.push_back({value, view, result});
  return result;
}

Value Phase::evalMask(scan::MaskOp op, const View &view) {
  Value input = eval(op.getInput(), view);
  Value length = eval(op.getLengths(), View{view[op.getBatchDim()]});
  Value at = op.getAt() ? emitter.scalar(op.getAt())
                        : position(view[*op.getTimeDim()]);
  OpBuilder &b = body();
  Value step = arith::IndexCastOp::create(b, loc, b.getI32Type(), at);
  Value valid = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, step,
                                      length);
  Type type = input.getType();
  double number = op.getFill().convertToDouble();
  TypedAttr attr = isa<FloatType>(type)
                       ? TypedAttr(b.getFloatAttr(type, number))
                       : TypedAttr(b.getIntegerAttr(
                             type, static_cast<int64_t>(number)));
  Value fill = arith::ConstantOp::create(b, loc, attr);
  return arith::SelectOp::create(b, loc, valid, input, fill);
}

Value Phase::evalPointwise(Value value, const View &view) {
  Operation *op = value.getDefiningOp();
  if (auto mask = dyn_cast_or_null<scan::MaskOp>(op))
    return evalMask(mask, view);
  if (isa_and_nonnull<scan::StopOp, scan::ClipGradOp, scan::EnterOp,
                      scan::LeaveOp>(op))
    return eval(op->getOperand(0), view);
  if (!op || kindOf(value) != Kind::Pointwise) {
    emitError(value.getLoc(), "no memory and no way to compute a value");
    emitter.failed = true;
    return arith::ConstantOp::create(
        body(), loc,
        body().getZeroAttr(getElementTypeOrSelf(value.getType())));
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(eval(operand, view));
  OperationState state(loc, op->getName());
  state.addOperands(operands);
  state.addTypes(getElementTypeOrSelf(value.getType()));
  state.addAttributes(op->getAttrs());
  return body().create(state)->getResult(0);
}

void Phase::store(Value scalar, const Buffer &buffer) {
  OpBuilder &b = body();
  if (scalar.getType().isInteger(1))
    scalar = arith::ExtUIOp::create(b, loc, b.getI8Type(), scalar);
  if (space.empty()) {
    memref::StoreOp::create(b, loc, scalar, buffer.memref, ValueRange());
    return;
  }
  outputs.push_back(buffer.memref);
  outputMaps.push_back(b.getMultiDimIdentityMap(space.size()));
  results.push_back(scalar);
}

void Phase::reduce(
    Value scalar, const Buffer &buffer, ArrayRef<int64_t> reduced,
    llvm::function_ref<Value(OpBuilder &, Value, Value)> combine) {
  SmallVector<AffineExpr> dims;
  for (int64_t i = 0, e = space.size(); i < e; ++i) {
    if (llvm::is_contained(reduced, i))
      iterators[i] = utils::IteratorType::reduction;
    else
      dims.push_back(emitter.b.getAffineDimExpr(i));
  }
  outputs.push_back(buffer.memref);
  outputMaps.push_back(
      AffineMap::get(space.size(), 0, dims, emitter.b.getContext()));
  // The accumulator is the argument of the last output.
  Value sum = block->addArgument(buffer.type().getElementType(), loc);
  results.push_back(combine(body(), sum, scalar));
}

bool Phase::readsAllDims() const {
  llvm::SmallBitVector seen(space.size());
  for (AffineMap map : inputMaps)
    for (AffineExpr expr : map.getResults())
      seen.set(cast<AffineDimExpr>(expr).getPosition());
  return seen.all();
}

linalg::GenericOp Phase::finish() {
  if (space.empty())
    return {};
  for (unsigned i = block->getNumArguments() - inputs.size();
       i < outputs.size(); ++i)
    block->addArgument(
        cast<MemRefType>(outputs[i].getType()).getElementType(), loc);
  linalg::YieldOp::create(*inner, loc, results);
  SmallVector<AffineMap> maps(inputMaps);
  maps.append(outputMaps);
  auto op = linalg::GenericOp::create(emitter.b, loc, TypeRange(), inputs,
                                      outputs, maps, iterators);
  op.getRegion().getBlocks().clear();
  op.getRegion().push_back(block);
  block = nullptr;
  return op;
}

//===----------------------------------------------------------------------===//
// Groups and reductions
//===----------------------------------------------------------------------===//

void Emitter::fill(Location loc, const Buffer &buffer, double number) {
  Type type = buffer.type().getElementType();
  TypedAttr attr =
      isa<FloatType>(type)
          ? TypedAttr(b.getFloatAttr(type, number))
          : TypedAttr(b.getIntegerAttr(type, static_cast<int64_t>(number)));
  Value value = arith::ConstantOp::create(b, loc, attr);
  if (buffer.rank() == 0)
    memref::StoreOp::create(b, loc, value, buffer.memref, ValueRange());
  else
    linalg::FillOp::create(b, loc, value, buffer.memref);
}

void Emitter::emitGroup(const Group &group) {
  Value first = group.roots.front();
  workOn(first.getLoc());
  Phase phase(*this, first.getLoc(), group.level, sizes.get(first));
  bool any = false;
  for (Value root : group.roots) {
    ArrayRef<Buffer> wanted = dests[root];
    SmallVector<Buffer> places(wanted);
    if (places.empty())
      places.push_back(buffers[root]);
    std::optional<double> splat = scan::getSplat(root);
    if (splat) {
      for (const Buffer &place : places)
        fill(root.getLoc(), place, *splat);
      continue;
    }
    any = true;
    int64_t rank = cast<RankedTensorType>(root.getType()).getRank();
    Value scalar = phase.eval(root, identityView(rank));
    for (const Buffer &place : places)
      phase.store(scalar, place);
  }
  if (any)
    phase.finish();
}

void Emitter::emitReduce(scan::ReduceOp op) {
  Location loc = op.getLoc();
  Buffer out = buffers[op.getResult()];
  double infinity = std::numeric_limits<double>::infinity();
  scan::ReduceKind kind = op.getKind();
  double neutral = kind == scan::ReduceKind::sum    ? 0
                   : kind == scan::ReduceKind::prod ? 1
                   : kind == scan::ReduceKind::max  ? -infinity
                                                    : infinity;
  fill(loc, out, neutral);
  SmallVector<OpFoldResult> space = sizes.get(op.getInput());
  int64_t rank = space.size();
  auto phase = std::make_unique<Phase>(*this, loc, plan->exec(op), space);
  Value element = phase->eval(op.getInput(), identityView(rank));
  if (rank == 0)
    return phase->store(element, out);
  if (!phase->readsAllDims()) {
    Buffer written = alloc(loc, element.getType(), space);
    phase->store(element, written);
    phase->finish();
    phase = std::make_unique<Phase>(*this, loc, plan->exec(op), space);
    element = phase->leaf(written, identityView(rank));
  }
  phase->reduce(element, out, op.getDims(),
               [&](OpBuilder &body, Value sum, Value value) -> Value {
                 switch (kind) {
                 case scan::ReduceKind::prod:
                   return arith::MulFOp::create(body, loc, sum, value);
                 case scan::ReduceKind::max:
                   return arith::MaximumFOp::create(body, loc, sum, value);
                 case scan::ReduceKind::min:
                   return arith::MinimumFOp::create(body, loc, sum, value);
                 default:
                   return arith::AddFOp::create(body, loc, sum, value);
                 }
               });
  linalg::GenericOp generic = phase->finish();
  // A sum of everything feeds a loss or a norm.
  if (out.rank() == 0 && kind == scan::ReduceKind::sum)
    generic->setAttr("rnnc.accumulate_f64", b.getUnitAttr());
}

} // namespace rnnc
