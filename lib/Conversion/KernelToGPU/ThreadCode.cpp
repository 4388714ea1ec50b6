// ThreadCode.cpp: the words that the code of a thread is written in.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ThreadCode.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

Value ThreadCode::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value ThreadCode::add(Value x, Value y) {
  return b.createOrFold<arith::AddIOp>(loc, x, y);
}

Value ThreadCode::times(Value x, Value y) {
  return b.createOrFold<arith::MulIOp>(loc, x, y);
}

Value ThreadCode::over(Value x, Value y) {
  return b.createOrFold<arith::DivUIOp>(loc, x, y);
}

Value ThreadCode::rest(Value x, Value y) {
  return b.createOrFold<arith::RemUIOp>(loc, x, y);
}

Value ThreadCode::least(Value x, Value y) {
  return b.createOrFold<arith::MinUIOp>(loc, x, y);
}

Value ThreadCode::less(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ult, x, y);
}

Value ThreadCode::zero(Type type) {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
}

Value ThreadCode::fma(Value x, Value y, Value z) {
  return math::FmaOp::create(b, loc, x, y, z);
}

Value ThreadCode::minus(Value x, Value y) {
  return b.createOrFold<arith::SubIOp>(loc, x, y);
}

Value ThreadCode::most(Value x, Value y) {
  return b.createOrFold<arith::MaxSIOp>(loc, x, y);
}

Value ThreadCode::below(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, x, y);
}

Value ThreadCode::both(Value x, Value y) {
  return x ? b.createOrFold<arith::AndIOp>(loc, x, y) : y;
}

Value ThreadCode::toIndex(Value number) {
  return b.createOrFold<arith::IndexCastOp>(loc, b.getIndexType(), number);
}

Value ThreadCode::fromIndex(Value number, Type type) {
  return b.createOrFold<arith::IndexCastOp>(loc, type, number);
}

Value ThreadCode::size(Value memref, int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return index(type.getDimSize(dim));
  return b.createOrFold<memref::DimOp>(loc, memref, dim);
}

Values ThreadCode::sizes(Value memref) {
  Values all;
  for (int64_t i = 0; i != cast<MemRefType>(memref.getType()).getRank(); ++i)
    all.push_back(size(memref, i));
  return all;
}

Value ThreadCode::product(ArrayRef<Value> sizes) {
  Value result = index(1);
  for (Value size : sizes)
    result = times(result, size);
  return result;
}

Values ThreadCode::split(Value item, ArrayRef<Value> sizes) {
  Values at(sizes.size());
  for (size_t i = sizes.size(); i-- > 1;) {
    at[i] = rest(item, sizes[i]);
    item = over(item, sizes[i]);
  }
  if (!at.empty())
    at[0] = item;
  return at;
}

Value ThreadCode::load(Value memref, ValueRange at) {
  return memref::LoadOp::create(b, loc, memref, at);
}

void ThreadCode::store(Value value, Value memref, ValueRange at) {
  memref::StoreOp::create(b, loc, value, memref, at);
}

/// Writes a loop whose body yields what `body` gives.
static scf::ForOp makeLoop(ThreadCode &t, Value from, Value to, Value step,
                           ValueRange init,
                           function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(t.b, t.loc, from, to, step, init);
  OpBuilder::InsertionGuard guard(t.b);
  if (init.empty())
    loop.getBody()->getTerminator()->erase();
  t.b.setInsertionPointToEnd(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(t.b, t.loc, next);
  return loop;
}

scf::ForOp ThreadCode::loop(Value to, ValueRange init,
                            function_ref<Values(Value, ValueRange)> body) {
  return makeLoop(*this, index(0), to, index(1), init, body);
}

void ThreadCode::when(Value condition, function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  body();
}

Value ThreadCode::choose(Value condition, Type type, function_ref<Value()> yes,
                         function_ref<Value()> no) {
  auto branch = scf::IfOp::create(b, loc, TypeRange{type}, condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loc, yes());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, no());
  return branch.getResult(0);
}

scf::ForOp ThreadCode::turns(Value to, ValueRange init,
                             function_ref<Values(Value, ValueRange)> body) {
  return makeLoop(*this, lane, to, index(threads), init, body);
}

/// Halves onto halves. Nobody writes the place again before all have read it.
Value ThreadCode::combine(Value own,
                          function_ref<Value(Value, Value)> combiner) {
  Value place = shared(own.getType());
  store(own, place, lane);
  gpu::BarrierOp::create(b, loc);
  for (int64_t half = threads / 2; half >= 1; half /= 2) {
    when(less(lane, index(half)), [&] {
      Value other = load(place, add(lane, index(half)));
      store(combiner(load(place, lane), other), place, lane);
    });
    gpu::BarrierOp::create(b, loc);
  }
  Value all = load(place, index(0));
  gpu::BarrierOp::create(b, loc);
  return all;
}

void ThreadCode::once(function_ref<void()> body) {
  if (!lane)
    return body();
  Value first = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq,
                                              lane, index(0));
  when(first, body);
}

Values ThreadCode::apply(AffineMap map, ValueRange dims) {
  Values results;
  for (AffineExpr expr : map.getResults())
    results.push_back(affine::expandAffineExpr(b, loc, expr, dims, {}));
  return results;
}

Values ThreadCode::compute(Block &region, ValueRange arguments, ValueRange at) {
  IRMapping map(inside);
  map.map(region.getArguments(), arguments);
  for (Operation &op : region.without_terminator()) {
    if (auto position = dyn_cast<linalg::IndexOp>(op))
      map.map(position.getResult(), at[position.getDim()]);
    else
      b.clone(op, map);
  }
  Values results;
  for (Value value : region.getTerminator()->getOperands())
    results.push_back(map.lookupOrDefault(value));
  return results;
}

Values ThreadCode::compute(Block &region, const DenseMap<Value, Value> &known,
                           ValueRange wanted) {
  IRMapping map(inside);
  for (auto [value, have] : known)
    map.map(value, have);
  llvm::DenseSet<Operation *> needed;
  Values open(wanted);
  while (!open.empty()) {
    Value value = open.pop_back_val();
    Operation *maker = value.getDefiningOp();
    if (maker && maker->getBlock() == &region && !known.contains(value) &&
        needed.insert(maker).second)
      llvm::append_range(open, maker->getOperands());
  }
  for (Operation &op : region.without_terminator())
    if (needed.contains(&op))
      b.clone(op, map);
  Values results;
  for (Value value : wanted)
    results.push_back(map.lookupOrDefault(value));
  return results;
}

int64_t decided(Operation *op, kernel::Decision decision) {
  kernel::ScheduleAttr own = kernel::scheduleOf(op);
  if (own && own.get(decision))
    return own.get(decision);
  auto module = op->getParentOfType<ModuleOp>();
  auto all =
      module ? module->getAttrOfType<kernel::ScheduleAttr>(kernel::kSchedule)
             : kernel::ScheduleAttr();
  return all ? all.get(decision) : 0;
}

int64_t itemHasBlock(Operation *op) {
  if (auto phase = dyn_cast<kernel::PhaseOp>(op))
    return rowBlock(phase);
  auto generic = dyn_cast<linalg::LinalgOp>(op);
  return generic ? genericBlock(generic) : 0;
}

Value listOf(Value valid) {
  auto view = valid ? valid.getDefiningOp<memref::SubViewOp>() : nullptr;
  if (!view || cast<MemRefType>(view.getType()).getRank() != 1 ||
      getConstantIntValue(view.getMixedOffsets()[0]) != 1 ||
      getConstantIntValue(view.getMixedStrides()[0]) != 1)
    return {};
  auto size = dyn_cast<Value>(view.getMixedSizes()[0]);
  auto cast = size ? size.getDefiningOp<arith::IndexCastOp>() : nullptr;
  auto load = cast ? cast.getIn().getDefiningOp<memref::LoadOp>() : nullptr;
  if (!load || load.getMemRef() != view.getSource() ||
      getConstantIntValue(load.getIndices()[0]) != 0)
    return {};
  return view.getSource();
}

Value itemsOf(Operation *op, ThreadCode &host) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](linalg::LinalgOp o) { return genericItems(o, host); })
      .Case<kernel::PhaseOp, kernel::GemmOp, kernel::PackOp>(
          [&](auto o) { return productItems(o, host); })
      .Case([&](memref::CopyOp o) {
        return host.product(host.sizes(o.getTarget()));
      })
      .Case([&](kernel::ScatterAddOp o) { return scatterItems(o, host); })
      .Case<kernel::ValidRowsOp, kernel::ValidPlacesOp>(
          [&](auto o) { return validItems(o, host); })
      .Case([&](memref::StoreOp) { return host.index(1); })
      .Case<kernel::GatherOp, kernel::ArgmaxOp, kernel::EnterOp,
            kernel::LeaveOp, kernel::MaskRowsOp, kernel::ReverseOp,
            kernel::PickStepOp, kernel::PlaceStepOp, kernel::RandomOp>(
          [&](auto o) { return host.product(host.sizes(o.getOut())); });
}

void emitItem(Operation *op, ThreadCode &t, Value item) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](linalg::LinalgOp o) { emitGeneric(o, t, item); })
      .Case([&](kernel::PhaseOp o) { emitPhase(o, t, item); })
      .Case([&](kernel::GemmOp o) { emitGemm(o, t, item); })
      .Case([&](kernel::PackOp o) { emitPack(o, t, item); })
      .Case([&](memref::CopyOp o) { emitCopy(o, t, item); })
      .Case([&](memref::StoreOp o) { emitStore(o, t); })
      .Case([&](kernel::GatherOp o) { emitGather(o, t, item); })
      .Case([&](kernel::ScatterAddOp o) { emitScatter(o, t, item); })
      .Case([&](kernel::ArgmaxOp o) { emitArgmax(o, t, item); })
      .Case([&](kernel::MaskRowsOp o) { emitMask(o, t, item); })
      .Case([&](kernel::ReverseOp o) { emitReverse(o, t, item); })
      .Case([&](kernel::PickStepOp o) { emitPick(o, t, item); })
      .Case([&](kernel::PlaceStepOp o) { emitPlace(o, t, item); })
      .Case([&](kernel::RandomOp o) { emitRandom(o, t, item); })
      .Case<kernel::ValidRowsOp, kernel::ValidPlacesOp>(
          [&](auto o) { emitValid(o, t, item); })
      .Case<kernel::EnterOp, kernel::LeaveOp>(
          [&](auto o) { emitLayout(o, t, item); });
}

} // namespace rnnc
