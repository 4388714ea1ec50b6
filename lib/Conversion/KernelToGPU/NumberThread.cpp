// NumberThread.cpp: random numbers, and numbers computed between kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ThreadCode.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace rnnc {

namespace {

/// Philox4x32-10 (lib/Runtime/Philox.cpp has it in C++).
class PhiloxCode {
public:
  explicit PhiloxCode(ThreadCode &t) : t(t), i32(t.b.getI32Type()) {}

  std::array<Value, 4> run(Value key0, Value key1,
                           std::array<Value, 4> counter);
  Value number(uint32_t value) {
    return arith::ConstantIntOp::create(t.b, t.loc, i32, int32_t(value));
  }
  /// The low 32 bits of an i64.
  Value low(Value value) {
    return arith::TruncIOp::create(t.b, t.loc, i32, value);
  }

private:
  Value exor(Value x, Value y) {
    return arith::XOrIOp::create(t.b, t.loc, x, y);
  }
  /// Both halves of a product, the high one first.
  std::pair<Value, Value> product(uint32_t factor, Value x) {
    auto both = arith::MulUIExtendedOp::create(t.b, t.loc, number(factor), x);
    return {both.getHigh(), both.getLow()};
  }

  ThreadCode &t;
  Type i32;
};

std::array<Value, 4> PhiloxCode::run(Value key0, Value key1,
                                     std::array<Value, 4> c) {
  for (int round = 0; round != 10; ++round) {
    auto [high0, low0] = product(0xD2511F53u, c[0]);
    auto [high1, low1] = product(0xCD9E8D57u, c[2]);
    c = {exor(exor(high1, c[1]), key0), low1, exor(exor(high0, c[3]), key1),
         low0};
    key0 = arith::AddIOp::create(t.b, t.loc, key0, number(0x9E3779B9u));
    key1 = arith::AddIOp::create(t.b, t.loc, key1, number(0xBB67AE85u));
  }
  return c;
}

} // namespace

/// The number of an element counts over the dimensions that are neither time
/// nor batch.
static Value elementNumber(kernel::RandomOp op, ThreadCode &t,
                           ArrayRef<Value> at, Value out) {
  Value number = t.index(0);
  for (auto [i, index] : llvm::enumerate(at)) {
    auto isDim = [&](std::optional<uint64_t> dim) { return dim && *dim == i; };
    if (isDim(op.getTimeDim()) || isDim(op.getBatchDim()))
      continue;
    number = t.add(t.times(number, t.size(out, int64_t(i))), index);
  }
  return number;
}

void emitRandom(kernel::RandomOp op, ThreadCode &t, Value item) {
  Value out = t.in(op.getOut()), key = t.in(op.getKey());
  PhiloxCode philox(t);
  Type i32 = t.b.getI32Type();
  Values at = t.split(item, t.sizes(out));
  Value step = op.getTimeDim() ? at[*op.getTimeDim()] : t.index(0);
  if (op.getAt())
    step = t.add(step, t.in(op.getAt()));
  Value row = op.getBatchDim() ? at[*op.getBatchDim()] : t.index(0);
  Value element = elementNumber(op, t, at, out), four = t.index(4);
  std::array<Value, 4> counter = {philox.number(uint32_t(op.getSite())),
                                  t.fromIndex(row, i32), t.fromIndex(step, i32),
                                  t.fromIndex(t.over(element, four), i32)};
  std::array<Value, 4> drawn =
      philox.run(philox.low(t.load(key, t.index(0))),
                 philox.low(t.load(key, t.index(1))), counter);
  Value which = t.rest(element, four), bits = drawn[0];
  for (int64_t i = 1; i != 4; ++i) {
    Value is = arith::CmpIOp::create(t.b, t.loc, arith::CmpIPredicate::eq,
                                     which, t.index(i));
    bits = arith::SelectOp::create(t.b, t.loc, is, drawn[size_t(i)], bits);
  }
  auto type = cast<FloatType>(cast<MemRefType>(out.getType()).getElementType());
  bits = arith::ShRUIOp::create(t.b, t.loc, bits, philox.number(8));
  Value number = arith::SIToFPOp::create(t.b, t.loc, type, bits);
  Value unit = arith::ConstantOp::create(
      t.b, t.loc, t.b.getFloatAttr(type, 1.0 / 16777216.0));
  t.store(arith::MulFOp::create(t.b, t.loc, number, unit), out, at);
}

/// Whether nothing between a load and the op `end` behind it, in one block,
/// writes memory.
static bool isStillThere(memref::LoadOp load, Operation *end) {
  for (Operation *op = load->getNextNode(); op != end; op = op->getNextNode()) {
    if (!op)
      return false;
    if (!isMemoryEffectFree(op) && !isa<memref::LoadOp>(op))
      return false;
  }
  return true;
}

std::optional<SmallVector<Operation *>> numbersOf(memref::StoreOp store) {
  llvm::SetVector<Operation *> needed;
  Values open = {store.getValue()};
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op || op->getBlock() != store->getBlock() || needed.contains(op) ||
        op->hasTrait<OpTrait::ConstantLike>())
      continue;
    auto load = dyn_cast<memref::LoadOp>(op);
    if (load && !isStillThere(load, store))
      return std::nullopt;
    // Sizes are computed on the host.
    bool computes = load || (isPure(op) && op->getNumRegions() == 0 &&
                             op->getNumResults() == 1 &&
                             !op->getResult(0).getType().isIndex() &&
                             !isa<MemRefType>(op->getResult(0).getType()));
    if (!computes)
      continue;
    needed.insert(op);
    if (!load)
      llvm::append_range(open, op->getOperands());
  }
  SmallVector<Operation *> ordered(needed.begin(), needed.end());
  llvm::sort(ordered,
             [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  return ordered;
}

void emitStore(memref::StoreOp op, ThreadCode &t) {
  IRMapping map;
  auto in = [&](Value value) {
    return map.contains(value) ? map.lookup(value) : t.in(value);
  };
  for (Operation *number : numbersOf(op).value_or(SmallVector<Operation *>())) {
    for (Value operand : number->getOperands())
      map.map(operand, in(operand));
    t.b.clone(*number, map);
  }
  Values at;
  for (Value index : op.getIndices())
    at.push_back(in(index));
  t.store(in(op.getValue()), t.in(op.getMemRef()), at);
}

} // namespace rnnc
