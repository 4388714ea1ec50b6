// LoopCode.cpp: a time loop as the code of one kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopCode.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace rnnc {

void LoopCode::waitForBlock() { gpu::BarrierOp::create(b, loc); }

void LoopCode::take(Turns turns, Value to, function_ref<void(Value)> body) {
  t.lane = turns.first;
  t.threads = turns.step;
  t.turns(to, {}, [&](Value i, ValueRange) -> Values {
    body(i);
    return {};
  });
  t.lane = {};
}

IRMapping LoopCode::itself(Operation *made) {
  IRMapping same;
  llvm::SetVector<Value> used(made->operand_begin(), made->operand_end());
  getUsedValuesDefinedAbove(made->getRegions(), used);
  for (Value value : used)
    same.map(value, value);
  return same;
}

void LoopCode::limitRows(Operation *made, int64_t rows) {
  using kernel::Decision;
  kernel::ScheduleAttr schedule = kernel::scheduleOf(made);
  if (schedule && schedule.get(Decision::TileRows) > rows)
    made->setAttr(kernel::kSchedule, schedule.with(Decision::TileRows, rows));
}

/// The op says how many items there are and what is done for each.
void LoopCode::run(Operation *made) {
  IRMapping same = itself(made);
  ThreadCode code(b, loc, same);
  Value items = itemsOf(made, code);
  bool hasBlock = itemHasBlock(made);
  if (hasBlock) {
    // All threads of a block have the same item.
    code.lane = lane;
    code.threads = threads;
    code.shared = shared;
  }
  take(hasBlock ? ofBlocks : ofThreads, items,
       [&](Value item) { emitItem(made, code, item); });
  made->erase();
}

void LoopCode::write(Block &block) {
  for (Operation &op : block.without_terminator()) {
    auto branch = dyn_cast<scf::IfOp>(op);
    if (isDeviceWork(&op)) {
      writeWork(&op);
    } else if (branch) {
      bool hasElse = branch.elseBlock();
      auto made = scf::IfOp::create(
          b, loc, inside.lookup(branch.getCondition()), hasElse);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(made.thenBlock()->getTerminator());
      write(*branch.thenBlock());
      if (hasElse) {
        b.setInsertionPoint(made.elseBlock()->getTerminator());
        write(*branch.elseBlock());
      }
    } else {
      writeView(op);
    }
  }
}

/// What a kernel is given begins at its address, which types of views say, too:
/// they are made anew. Other ops are as they were.
void LoopCode::writeView(Operation &op) {
  auto in = [&](Value value) { return inside.lookup(value); };
  auto known = [&](ArrayRef<OpFoldResult> numbers) {
    return llvm::map_to_vector(numbers, [&](OpFoldResult number) {
      auto value = dyn_cast<Value>(number);
      return value ? OpFoldResult(in(value)) : number;
    });
  };
  if (auto same = dyn_cast<memref::CastOp>(op)) {
    inside.map(same.getResult(), in(same.getSource()));
  } else if (auto view = dyn_cast<memref::SubViewOp>(op)) {
    Value source = in(view.getSource());
    auto offsets = known(view.getMixedOffsets());
    auto sizes = known(view.getMixedSizes());
    auto strides = known(view.getMixedStrides());
    MemRefType type = memref::SubViewOp::inferRankReducedResultType(
        view.getType().getShape(), cast<MemRefType>(source.getType()), offsets,
        sizes, strides);
    inside.map(view.getResult(),
               memref::SubViewOp::create(b, loc, type, source, offsets, sizes,
                                         strides));
  } else if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    inside.map(collapse.getResult(), memref::CollapseShapeOp::create(
                                         b, loc, in(collapse.getSrc()),
                                         collapse.getReassociationIndices()));
  } else if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
    inside.map(expand.getResult(),
               memref::ExpandShapeOp::create(
                   b, loc, expand.getType().getShape(), in(expand.getSrc()),
                   expand.getReassociationIndices(),
                   known(expand.getMixedOutputShape())));
  } else {
    b.clone(op, inside);
  }
}

void LoopCode::loop(scf::ForOp loop) {
  auto made = scf::ForOp::create(b, loc, inside.lookup(loop.getLowerBound()),
                                 inside.lookup(loop.getUpperBound()),
                                 inside.lookup(loop.getStep()));
  inside.map(loop.getInductionVar(), made.getInductionVar());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(made.getBody()->getTerminator());
  write(*loop.getBody());
}

} // namespace rnnc
