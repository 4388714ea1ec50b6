// LoopCode.cpp: loops, branches and masks as all lowerings write them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

scf::ForOp buildLoop(OpBuilder &b, Location loc, Value from, Value to,
                     Value step, ValueRange init,
                     function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, loc, from, to, step, init);
  OpBuilder::InsertionGuard guard(b);
  if (init.empty()) {
    b.setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar(), {});
    return loop;
  }
  b.setInsertionPointToEnd(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, loc, next);
  return loop;
}

void buildIf(OpBuilder &b, Location loc, Value condition,
             function_ref<void()> yes, function_ref<void()> no) {
  auto branch = scf::IfOp::create(b, loc, condition, bool(no));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  yes();
  if (!no)
    return;
  b.setInsertionPoint(branch.elseBlock()->getTerminator());
  no();
}

Value laneMask(OpBuilder &b, Location loc, unsigned lanes, Value left) {
  Type i32 = b.getI32Type();
  auto type = VectorType::get({int64_t(lanes)}, i32);
  SmallVector<int32_t> numbers;
  for (unsigned i = 0; i != lanes; ++i)
    numbers.push_back(int32_t(i));
  Value number = arith::ConstantOp::create(
      b, loc, DenseIntElementsAttr::get(type, numbers));
  if (left.getType().isIndex())
    left = arith::IndexCastOp::create(b, loc, i32, left);
  else
    left = arith::TruncIOp::create(b, loc, i32, left);
  Value end = vector::BroadcastOp::create(b, loc, type, left);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, number, end);
}

Value widened(OpBuilder &b, Location loc, Value v, int64_t lanes) {
  if (isa<VectorType>(v.getType()))
    return v;
  auto type = VectorType::get({lanes}, v.getType());
  return vector::BroadcastOp::create(b, loc, type, v);
}

void cloneOnLanes(OpBuilder &b, Location loc, Operation &inner, IRMapping &map,
                  int64_t lanes) {
  auto mapped = [&](Value v) { return map.lookupOrDefault(v); };
  if (llvm::none_of(inner.getOperands(), [&](Value v) {
        return isa<VectorType>(mapped(v).getType());
      })) {
    b.clone(inner, map);
    return;
  }
  OperationState state(loc, inner.getName());
  state.addAttributes(inner.getAttrs());
  for (Value v : inner.getOperands())
    state.addOperands(widened(b, loc, mapped(v), lanes));
  for (Type t : inner.getResultTypes())
    state.addTypes(VectorType::get({lanes}, t));
  map.map(inner.getResults(), b.create(state)->getResults());
}

} // namespace rnnc
