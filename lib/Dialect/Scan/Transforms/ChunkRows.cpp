// ChunkRows.cpp: long rows that a product makes are there for a chunk of time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SegmentLoop.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "scan-chunk-rows"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANCHUNKROWS
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numChunked, "Products whose rows pass by");

namespace {

/// Numbers of a step of one example; 0 where that is not known, or the number
/// of steps is.
int64_t unitsOf(Value sequence) {
  auto type = dyn_cast<RankedTensorType>(sequence.getType());
  return type && type.getRank() > 0 && type.isDynamicDim(0)
             ? unitsOfStep(sequence)
             : 0;
}

int64_t bytesOf(int64_t units, Value like) {
  unsigned bits = cast<ShapedType>(like.getType()).getElementTypeBitWidth();
  return std::max<int64_t>(1, units * bits / 8);
}

/// What has to go through time together so that the rows of a product are there
/// for a chunk alone.
class LongRows {
public:
  LongRows(DotOp product, LoopOp axis, int64_t least)
      : product(product), axis(axis), least(least) {}

  /// False, and `why`, where that cannot be.
  bool find();

  /// Makes the loop over chunks.
  void build(int64_t steps);

  llvm::StringRef why;

private:
  bool isLong(Value value) { return unitsOf(value) >= least; }
  bool isSequence(Value value) {
    return unitsOf(value) > 0 && isSize(value, 0, axis.getTrip());
  }
  bool isTaken(Operation *op) {
    return sums.contains(op) ||
           (op->getNumResults() == 1 && moved.contains(op->getResult(0)));
  }
  bool refuse(llvm::StringRef reason) {
    why = reason;
    return false;
  }

  bool isSum(Operation *op);
  bool canMove(Value value);
  bool takeOperands(Value value);
  bool takeUsers(Value value);
  bool takeServant();
  bool isClosed();
  void noteDependent(DenseSet<Operation *> &ops);

  DotOp product;
  LoopOp axis;            ///< says how long a sequence is
  int64_t least;          ///< numbers of a long row
  SetVector<Value> moved; ///< made chunk by chunk
  SetVector<Operation *> sums;
  DenseSet<Operation *> dependent; ///< of the product
};

/// Adds the ops of the block, which is sorted, that need one of `ops`.
void LongRows::noteDependent(DenseSet<Operation *> &ops) {
  for (Operation &op : *product->getBlock()) {
    SetVector<Value> needed(op.operand_begin(), op.operand_end());
    getUsedValuesDefinedAbove(op.getRegions(), needed);
    if (llvm::any_of(needed, [&](Value value) {
          Operation *made = value.getDefiningOp();
          return made && ops.contains(made);
        }))
      ops.insert(&op);
  }
}

/// A sum over time of what is zero past the end of each example: chunks have
/// steps behind the last.
bool LongRows::isSum(Operation *op) {
  auto ends = [&](Value value) {
    return isSequence(value) && zeroBehind(value) == axis.getLengths();
  };
  if (auto sum = dyn_cast<ReduceOp>(op))
    return sum.getKind() == ReduceKind::sum &&
           llvm::is_contained(sum.getDims(), 0) && ends(sum.getInput()) &&
           isa<FloatType>(getElementTypeOrSelf(sum.getType()));
  auto dot = dyn_cast<DotOp>(op);
  if (!dot || !dot.getLhsBatch().empty() || dot.getLengths())
    return false;
  bool overTime =
      llvm::any_of(llvm::zip_equal(dot.getLhsContract(), dot.getRhsContract()),
                   [](auto dims) {
                     return std::get<0>(dims) == 0 && std::get<1>(dims) == 0;
                   });
  return overTime && isSequence(dot.getLhs()) && isSequence(dot.getRhs()) &&
         (ends(dot.getLhs()) || ends(dot.getRhs()));
}

/// Whether a chunk of a sequence can be made of chunks.
bool LongRows::canMove(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != product->getBlock() || op->getNumResults() != 1)
    return false;
  auto numbers = operandsByStep(op, axis.getLengths());
  return numbers && llvm::all_of(*numbers, [&](unsigned number) {
           return isSequence(op->getOperand(number));
         });
}

/// What is made of the product, and long rows, have to be made here too.
bool LongRows::takeOperands(Value value) {
  Operation *op = value.getDefiningOp();
  auto numbers = operandsByStep(op, axis.getLengths());
  for (OpOperand &operand : op->getOpOperands()) {
    Value read = operand.get();
    bool byStep = llvm::is_contained(*numbers, operand.getOperandNumber());
    Operation *made = read.getDefiningOp();
    bool needs = made && dependent.contains(made);
    if (!byStep && needs)
      return refuse("something reads all of its steps for one");
    if (!byStep || moved.contains(read) || (!needs && !isLong(read)))
      continue;
    if (canMove(read))
      moved.insert(read);
    else if (needs)
      return refuse("something made of it needs several steps for one");
  }
  return true;
}

/// Whoever reads a long row has to read it here.
bool LongRows::takeUsers(Value value) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isTaken(user))
      continue;
    if (isSum(user)) {
      sums.insert(user);
      continue;
    }
    auto numbers = operandsByStep(user, axis.getLengths());
    if (!numbers || !llvm::is_contained(*numbers, use.getOperandNumber()) ||
        !canMove(user->getResult(0)))
      return refuse("its long rows are read as a whole");
    moved.insert(user->getResult(0));
  }
  return true;
}

/// Takes one more of what is made for what was taken alone.
bool LongRows::takeServant() {
  auto serves = [&](Value value) {
    return !moved.contains(value) && unitsOf(value) > 0 && canMove(value) &&
           llvm::all_of(value.getUsers(),
                        [&](Operation *user) { return isTaken(user); });
  };
  for (Value value : moved) {
    Operation *op = value.getDefiningOp();
    auto numbers = operandsByStep(op, axis.getLengths());
    for (unsigned number : *numbers)
      if (serves(op->getOperand(number)))
        return moved.insert(op->getOperand(number));
  }
  return false;
}

/// Nothing that is taken waits for something that is not, and waits for it.
bool LongRows::isClosed() {
  DenseSet<Operation *> after;
  for (Value value : moved)
    after.insert(value.getDefiningOp());
  after.insert(sums.begin(), sums.end());
  noteDependent(after);
  auto waits = [&](Operation *op) {
    return llvm::any_of(op->getOperands(), [&](Value value) {
      Operation *made = value.getDefiningOp();
      return made && after.contains(made) && !moved.contains(value);
    });
  };
  bool open =
      llvm::any_of(sums, waits) || llvm::any_of(moved, [&](Value value) {
        return waits(value.getDefiningOp());
      });
  return !open || refuse("what is made of it is needed for more of it");
}

bool LongRows::find() {
  if (!canMove(product))
    return refuse("it is no product of steps");
  dependent.insert(product);
  noteDependent(dependent);
  moved.insert(product);
  size_t done = 0;
  do {
    for (; done < moved.size(); ++done) {
      Value value = moved[done];
      if (!takeOperands(value) || (isLong(value) && !takeUsers(value)))
        return false;
    }
  } while (takeServant());
  return isClosed();
}

void LongRows::build(int64_t steps) {
  int64_t bytes = 1, weights = 0;
  for (Value value : moved) {
    bytes = std::max(bytes, bytesOf(unitsOf(value), value));
    auto dot = value.getDefiningOp<DotOp>();
    auto type = dot ? dot.getRhs().getType() : nullptr;
    if (dot && type.hasStaticShape())
      weights = std::max(weights, bytesOf(type.getNumElements(), dot.getRhs()));
  }
  OpBuilder b(axis);
  Location loc = product.getLoc();
  auto sizes = ChunksOp::create(
      b, loc, axis.getTrip(), sizeOf(b, loc, axis.getLengths(), 0),
      b.getI64IntegerAttr(bytes), b.getI64IntegerAttr(weights),
      steps ? b.getI64IntegerAttr(steps) : IntegerAttr(),
      /*stages=*/IntegerAttr(), sums.empty() ? UnitAttr() : b.getUnitAttr());
  SmallVector<Operation *> added(sums.getArrayRef()), read;
  for (Value value : moved)
    if (!llvm::all_of(value.getUsers(),
                      [&](Operation *user) { return isTaken(user); }))
      read.push_back(value.getDefiningOp());
  for (auto *ops : {&added, &read})
    llvm::sort(
        *ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  SegmentLoop loop(axis, moved.getArrayRef(), added);
  for (Operation *op : read)
    loop.keep(op->getResult(0));
  loop.build(sizes.getCount(), sizes.getSteps());
}

struct ChunkRows : scan::impl::ScanChunkRowsBase<ChunkRows> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    if (steps < 0)
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": steps must not be negative";
    if (least < 1)
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": least must be positive";
    return success();
  }

  /// A loop over the time axis of a sequence.
  static LoopOp axisOf(Value sequence) {
    Block *block = sequence.getParentBlock();
    for (auto loop : block->getOps<LoopOp>())
      if (loop.getLengths() && !loop.getConstantTrip() &&
          isSize(sequence, 0, loop.getTrip()))
        return loop;
    return {};
  }

  bool chunk(DotOp product) {
    auto missed = [&](const Twine &why) {
      remark::missed(
          product.getLoc(),
          remark::RemarkOpts::name("rows-stay").category(getArgument()))
          << ("rows of " + Twine(unitsOf(product)) +
              " numbers are in memory for all steps: " + why)
                 .str();
      return false;
    };
    LoopOp axis = axisOf(product);
    if (!axis)
      return missed("there is no loop over their time axis");
    LongRows rows(product, axis, least);
    if (!rows.find())
      return missed(rows.why);
    rows.build(steps);
    remark::passed(
        product.getLoc(),
        remark::RemarkOpts::name("rows-chunked").category(getArgument()))
        << "rows of a product and what is made of them pass by, a chunk of "
           "time at once";
    ++numChunked;
    return true;
  }

  void runOnFunction(func::FuncOp function) {
    Block &block = function.getBody().front();
    DenseSet<Operation *> seen;
    bool changed = true;
    while (changed) {
      changed = false;
      for (auto product : llvm::make_early_inc_range(block.getOps<DotOp>())) {
        if (unitsOf(product) < least || !seen.insert(product).second ||
            !chunk(product))
          continue;
        tidyAfterSegments(block);
        changed = true;
        break;
      }
    }
  }

  void runOnOperation() override {
    forEachFunction(getOperation(),
                    [&](func::FuncOp function) { runOnFunction(function); });
  }
};
} // namespace
