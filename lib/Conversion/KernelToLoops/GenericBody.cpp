// GenericBody.cpp: the region of a linalg.generic at one place of its loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GenericLowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace rnnc {

GenericLowering::Values GenericLowering::indicesOf(OpOperand &operand,
                                                   const Lane &lane) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Values result;
  for (AffineExpr e : map.getResults()) {
    if (auto c = dyn_cast<AffineConstantExpr>(e)) {
      result.push_back(index(c.getValue()));
      continue;
    }
    unsigned d = cast<AffineDimExpr>(e).getPosition();
    result.push_back(int(d) == vecDim ? lane.offset : ivs[d]);
  }
  return result;
}

Value GenericLowering::load(OpOperand &operand, const Lane &lane) {
  Value memref = operand.get();
  Values at = indicesOf(operand, lane);
  Access access = accessOf(operand);
  if (!lane.vector || access == Access::Invariant)
    return memref::LoadOp::create(b, loc, memref, at);
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = VectorType::get({int64_t(lanes)}, element);
  if (access == Access::Contiguous) {
    if (!lane.mask)
      return vector::LoadOp::create(b, loc, type, memref, at);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, loc, type, memref, at, lane.mask,
                                        zero);
  }
  Values elements;
  for (unsigned i = 0; i != lanes; ++i) {
    Lane one = lane;
    one.offset = add(lane.offset, index(i));
    elements.push_back(
        memref::LoadOp::create(b, loc, memref, indicesOf(operand, one)));
  }
  return vector::FromElementsOp::create(b, loc, type, elements);
}

GenericLowering::Values GenericLowering::loadOutputs(const Lane &lane,
                                                     ArrayRef<unsigned> which) {
  Values result;
  for (unsigned o : which)
    result.push_back(load(*op.getDpsInitOperand(o), lane));
  return result;
}

Value GenericLowering::widen(Value v) { return widened(b, loc, v, lanes); }

void GenericLowering::storeOutput(unsigned number, Value value,
                                  const Lane &lane) {
  OpOperand &operand = *op.getDpsInitOperand(number);
  Values at = indicesOf(operand, lane);
  Access access = accessOf(operand);
  if (!lane.vector || access == Access::Invariant) {
    memref::StoreOp::create(b, loc, value, operand.get(), at);
    return;
  }
  value = widen(value);
  if (access == Access::Contiguous) {
    if (lane.mask)
      vector::MaskedStoreOp::create(b, loc, operand.get(), at, lane.mask,
                                    value);
    else
      vector::StoreOp::create(b, loc, value, operand.get(), at);
    return;
  }
  for (unsigned i = 0; i != lanes; ++i) {
    Lane one = lane;
    one.offset = add(lane.offset, index(i));
    Value element = vector::ExtractOp::create(b, loc, value, int64_t(i));
    memref::StoreOp::create(b, loc, element, operand.get(),
                            indicesOf(operand, one));
  }
}

/// What the arguments of the region are; accumulated outputs are `accs`.
IRMapping GenericLowering::bodyArguments(const Lane &lane, ValueRange accs) {
  IRMapping map;
  Block *body = op.getBody();
  for (OpOperand *in : op.getDpsInputOperands()) {
    BlockArgument arg = body->getArgument(in->getOperandNumber());
    if (!arg.use_empty())
      map.map(arg, load(*in, lane));
  }
  unsigned nextAcc = 0;
  for (unsigned o = 0; o != op.getNumDpsInits(); ++o) {
    BlockArgument arg = body->getArgument(op.getNumDpsInputs() + o);
    if (llvm::is_contained(accumulated, o))
      map.map(arg, accs[nextAcc++]);
    else if (!arg.use_empty())
      map.map(arg, load(*op.getDpsInitOperand(o), lane));
  }
  return map;
}

/// One op of the region: on vectors where an operand is one.
void GenericLowering::computeOp(Operation &inner, IRMapping &map,
                                const Lane &lane) {
  if (auto idx = dyn_cast<linalg::IndexOp>(inner)) {
    unsigned d = idx.getDim();
    Value v = int(d) == vecDim ? lane.offset : ivs[d];
    if (lane.vector && int(d) == vecDim) {
      auto type = VectorType::get({int64_t(lanes)}, b.getIndexType());
      SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq<int64_t>(lanes));
      Value step = arith::ConstantOp::create(
          b, loc, DenseIntElementsAttr::get(type, numbers));
      v = arith::AddIOp::create(b, loc, widen(v), step);
    }
    map.map(idx.getResult(), v);
    return;
  }
  cloneOnLanes(b, loc, inner, map, lanes);
}

/// Computes the region at the current indices. Elementwise outputs are stored,
/// the new values of the accumulated ones are returned.
GenericLowering::Values GenericLowering::computeBody(const Lane &lane,
                                                     ValueRange accs) {
  IRMapping map = bodyArguments(lane, accs);
  Block *body = op.getBody();
  for (Operation &inner : body->without_terminator())
    computeOp(inner, map, lane);
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  Values result;
  for (unsigned o = 0; o != op.getNumDpsInits(); ++o) {
    Value v = map.lookupOrDefault(yield.getOperand(o));
    if (llvm::is_contained(accumulated, o))
      result.push_back(v);
    else
      storeOutput(o, v, lane);
  }
  return result;
}

} // namespace rnnc
