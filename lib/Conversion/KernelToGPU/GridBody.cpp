// GridBody.cpp: the code of a grid that runs all steps of a time loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between two steps every block waits until all have arrived: what one of them
// wrote before, all read behind. LLVM 22 drops the order that an atomic
// addition asks for, so a fence of the device stands in front of it (it is
// cumulative: what the other threads of the block wrote, and thread 0 saw at
// the block's barrier, goes with it); the load that waits is an acquire.

#include "GridBody.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace rnnc {

/// What atomics of the whole device name.
static constexpr llvm::StringLiteral kDeviceScope = "device";
/// The memory space of buffers.
static constexpr unsigned kGlobalMemory = 1;

Type KeptColumns::element() const {
  return cast<MemRefType>(right.getType()).getElementType();
}

/// One right operand; nothing where a size is not known.
static std::optional<KeptColumns> columnsOf(Value left, Value right,
                                            int64_t groups, int64_t units,
                                            int64_t blocks) {
  auto type = cast<MemRefType>(right.getType());
  int64_t terms = cast<MemRefType>(left.getType()).getDimSize(1);
  if (ShapedType::isDynamic(terms) || ShapedType::isDynamic(units) ||
      !type.hasStaticShape() || type.getRank() != 1)
    return std::nullopt;
  int64_t count = llvm::divideCeil(units, blocks);
  return KeptColumns{right, terms, groups, units, count};
}

SmallVector<KeptColumns> columnsOf(Operation *op, int64_t blocks) {
  SmallVector<std::optional<KeptColumns>> all;
  if (auto phase = dyn_cast<kernel::PhaseOp>(op))
    for (unsigned p = 0; p != phase.getLefts().size(); ++p)
      all.push_back(columnsOf(phase.getLefts()[p], phase.getRights()[p],
                              int64_t(phase.columnsOf(p).size()),
                              phase.getNumUnits(), blocks));
  auto gemm = dyn_cast<kernel::GemmOp>(op);
  if (gemm && gemm.getPackedB() && !gemm.getTransA())
    all.push_back(columnsOf(
        gemm.getA(), gemm.getB(), 1,
        cast<MemRefType>(gemm.getC().getType()).getDimSize(1), blocks));
  SmallVector<KeptColumns> known;
  for (const std::optional<KeptColumns> &one : all) {
    if (!one)
      return {};
    known.push_back(*one);
  }
  return known;
}

void GridBody::begin(Value address, int64_t number) {
  blocks = number;
  block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  lane = gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x);
  ofBlocks = {block, blocks};
  ofThreads = {t.add(t.times(block, t.index(threads)), lane), blocks * threads};
  Value place =
      arith::IndexCastOp::create(b, loc, b.getI64Type(), address).getResult();
  counter = LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), kGlobalMemory), place);
}

void GridBody::keep(const KeptColumns &columns, Value place) {
  Value right = inside.lookup(columns.right);
  Value count = t.index(columns.count), units = t.index(columns.units);
  OwnColumns own{place, t.times(block, count), columns.count};
  take({lane, threads}, t.index(columns.elements()), [&](Value i) {
    Value unit = t.add(own.first, t.rest(i, count));
    t.when(t.less(unit, units), [&] {
      Value from = t.add(t.times(t.over(i, count), units), unit);
      t.store(t.load(right, from), place, i);
    });
  });
  kept.emplace_back(columns, own);
}

/// An item is an element, or some rows of a column, and columns run fastest.
/// Those of the block are its own; the last blocks may have fewer, or none.
void GridBody::runOwn(Operation *made, int64_t units, int64_t count,
                      ArrayRef<OwnColumns> own) {
  IRMapping same = itself(made);
  ThreadCode code(b, loc, same);
  code.own = own;
  Value all = t.index(units), mine = t.index(count);
  Value first = t.times(block, mine);
  Value tiles = t.over(itemsOf(made, code), all);
  take({lane, threads}, t.times(tiles, mine), [&](Value i) {
    Value unit = t.add(first, t.rest(i, mine));
    t.when(t.less(unit, all), [&] {
      emitItem(made, code, t.add(t.times(t.over(i, mine), all), unit));
    });
  });
  made->erase();
}

/// All blocks are here. Nobody sets the counter back: each waits until it is
/// at the end of the round that it counted itself in.
void GridBody::waitForGrid() {
  waitForBlock();
  Type i64 = b.getI64Type();
  Value isFirst =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, lane, t.index(0));
  t.when(isFirst, [&] {
    auto number = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(b, loc, i64, value);
    };
    LLVM::FenceOp::create(b, loc, LLVM::AtomicOrdering::acq_rel, kDeviceScope);
    Value before = LLVM::AtomicRMWOp::create(
        b, loc, LLVM::AtomicBinOp::add, counter, number(1),
        LLVM::AtomicOrdering::monotonic, kDeviceScope, /*alignment=*/8);
    Value round = arith::DivUIOp::create(b, loc, before, number(blocks));
    Value end = arith::MulIOp::create(
        b, loc, arith::AddIOp::create(b, loc, round, number(1)),
        number(blocks));
    scf::WhileOp::create(
        b, loc, TypeRange(), ValueRange(),
        [&](OpBuilder &b, Location loc, ValueRange) {
          Value now = LLVM::LoadOp::create(
              b, loc, i64, counter, /*alignment=*/8, /*isVolatile=*/false,
              /*isNonTemporal=*/false, /*isInvariant=*/false,
              /*isInvariantGroup=*/false, LLVM::AtomicOrdering::acquire,
              kDeviceScope);
          Value waits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                              now, end);
          scf::ConditionOp::create(b, loc, waits, ValueRange());
        },
        [&](OpBuilder &b, Location loc, ValueRange) {
          scf::YieldOp::create(b, loc);
        });
  });
  waitForBlock();
}

/// Where units are shared out, the block does what there is for its own.
void GridBody::writeWork(Operation *op) {
  WaitFor wait = waits.before(op);
  if (wait == WaitFor::Grid)
    waitForGrid();
  else if (wait == WaitFor::Block)
    waitForBlock();
  Operation *made = b.clone(*op, inside);
  limitRows(made, rows);
  SmallVector<OwnColumns> own;
  for (const KeptColumns &one : columnsOf(op, blocks)) {
    const auto *found =
        llvm::find_if(kept, [&](auto &known) { return known.first == one; });
    own.push_back(found == kept.end() ? OwnColumns() : found->second);
  }
  if (int64_t units = waits.unitsOf(op))
    runOwn(made, units, llvm::divideCeil(units, blocks), own);
  else
    run(made);
}

} // namespace rnnc
