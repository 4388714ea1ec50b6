// Hoist.cpp: what needs no carry leaves time loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopEdit.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANHOIST
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

namespace {
// Computes values of a loop's body for all steps, before the loop.
class Hoister {
public:
  Hoister(LoopOp loop, bool functions)
      : edit(loop), functions(functions), builder(loop) {}

  bool run();

private:
  bool isWorth(Operation *op);
  bool canHoist(Operation *op);
  bool isPlain(Operation *op);
  bool canHoistDot(DotOp op);
  bool isFree(Value value);
  Value hoist(Value value);
  Value hoistOp(Operation *op);
  Value hoistDot(DotOp op);
  Value overTime(Value value);

  LoopEdit edit;
  bool functions;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> sequences; // body value: for all steps
  llvm::DenseMap<Value, bool> freedom;    // whether a value needs no carry
};
} // namespace

// Elementwise ops and others whose form does not change with a dimension more
// in front.
bool Hoister::isPlain(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() && op->getNumResults() == 1 &&
         isa<RankedTensorType>(op->getResult(0).getType()) &&
         llvm::all_of(op->getOperandTypes(),
                      [](Type type) { return isa<RankedTensorType>(type); });
}

bool Hoister::canHoistDot(DotOp op) {
  bool left = edit.isInside(op.getLhs()), right = edit.isInside(op.getRhs());
  return (left && right) || op.getLhsBatch().empty();
}

bool Hoister::canHoist(Operation *op) {
  if (auto dot = dyn_cast<DotOp>(op))
    return canHoistDot(dot);
  if (auto gather = dyn_cast<GatherOp>(op))
    return gather.getBatchDims() == 0 && !edit.isInside(gather.getTable());
  if (auto mask = dyn_cast<MaskOp>(op))
    return mask.getAt() == edit.getLoop().getStep();
  return isPlain(op) || isa<ReduceOp, TransposeOp, ClipGradOp>(op);
}

// Worth an own pass over memory.
bool Hoister::isWorth(Operation *op) {
  if (isa<DotOp, GatherOp>(op))
    return true;
  return functions && isa<math::ExpOp, math::LogOp, math::TanhOp, math::ErfOp,
                          math::SinOp, math::CosOp, math::PowFOp, SigmoidOp,
                          SoftplusOp>(op);
}

// Whether a value of the body depends on slices and the outside alone.
bool Hoister::isFree(Value value) {
  if (!edit.isInside(value))
    return true;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == edit.getLoop().getBodyBlock() &&
           llvm::is_contained(edit.getLoop().getSliceArgs(), argument);
  auto known = freedom.find(value);
  if (known != freedom.end())
    return known->second;
  Operation *op = value.getDefiningOp();
  bool result = canHoist(op) && llvm::all_of(op->getOperands(), [&](Value v) {
                  return isFree(v) || v == edit.getLoop().getStep();
                });
  return freedom[value] = result;
}

// A value from outside, repeated for each step.
Value Hoister::overTime(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  LoopOp loop = edit.getLoop();
  int64_t steps = loop.getConstantTrip().value_or(ShapedType::kDynamic);
  SmallVector<Value> sizes = dynamicSizes(builder, value.getLoc(), value);
  if (ShapedType::isDynamic(steps))
    sizes.insert(sizes.begin(), loop.getTrip());
  auto dims = llvm::to_vector(llvm::seq<int64_t>(1, type.getRank() + 1));
  return BroadcastOp::create(builder, value.getLoc(), insertDim(type, 0, steps),
                             value, sizes, dims);
}

Value Hoister::hoist(Value value) {
  if (!edit.isInside(value))
    return overTime(value);
  if (Value known = sequences.lookup(value))
    return known;
  Value result;
  if (auto argument = dyn_cast<BlockArgument>(value))
    result = edit.getLoop().getSlices()[argument.getArgNumber() - 1];
  else
    result = hoistOp(value.getDefiningOp());
  return sequences[value] = result;
}

Value Hoister::hoistDot(DotOp op) {
  bool left = edit.isInside(op.getLhs()), right = edit.isInside(op.getRhs());
  Value lhs = left ? hoist(op.getLhs()) : op.getLhs();
  Value rhs = right ? hoist(op.getRhs()) : op.getRhs();
  auto later = [](ArrayRef<int64_t> dims, bool shifted) {
    return shifted ? plusOne(dims) : SmallVector<int64_t>(dims);
  };
  SmallVector<int64_t> lhsBatch = later(op.getLhsBatch(), left);
  SmallVector<int64_t> rhsBatch = later(op.getRhsBatch(), right);
  if (left && right) {
    lhsBatch.insert(lhsBatch.begin(), 0);
    rhsBatch.insert(rhsBatch.begin(), 0);
  }
  Value product = DotOp::create(
      builder, op.getLoc(), lhs, rhs, lhsBatch, rhsBatch,
      later(op.getLhsContract(), left), later(op.getRhsContract(), right));
  if (left)
    return product;
  // Time is the first of the right operand's dimensions, behind the left's.
  int64_t time = op.getLhsFree().size();
  int64_t rank = cast<RankedTensorType>(product.getType()).getRank();
  SmallVector<int64_t> perm = {time};
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim != time)
      perm.push_back(dim);
  return builder.createOrFold<TransposeOp>(op.getLoc(), product, perm);
}

Value Hoister::hoistOp(Operation *op) {
  Location loc = op->getLoc();
  if (auto dot = dyn_cast<DotOp>(op))
    return hoistDot(dot);
  if (auto gather = dyn_cast<GatherOp>(op))
    return GatherOp::create(builder, loc, gather.getTable(),
                            hoist(gather.getIndices()), 0);
  if (auto mask = dyn_cast<MaskOp>(op)) {
    int64_t batch = mask.getBatchDim();
    return builder.createOrFold<MaskOp>(
        loc, hoist(mask.getInput()), mask.getLengths(), Value(),
        builder.getI64IntegerAttr(0), builder.getI64IntegerAttr(batch + 1),
        mask.getFillAttr());
  }
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return ReduceOp::create(builder, loc, reduce.getKind(),
                            hoist(reduce.getInput()),
                            plusOne(reduce.getDims()));
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    SmallVector<int64_t> perm = plusOne(transpose.getPerm());
    perm.insert(perm.begin(), 0);
    return TransposeOp::create(builder, loc, hoist(transpose.getInput()), perm);
  }
  SmallVector<Value> operands =
      llvm::map_to_vector(op->getOperands(), [&](Value v) { return hoist(v); });
  auto steps = cast<RankedTensorType>(operands.front().getType()).getDimSize(0);
  Type type =
      insertDim(cast<RankedTensorType>(op->getResult(0).getType()), 0, steps);
  OperationState state(loc, op->getName().getStringRef(), operands, type,
                       op->getAttrs());
  return builder.create(state)->getResult(0);
}

bool Hoister::run() {
  LoopOp loop = edit.getLoop();
  SmallVector<Operation *> roots;
  for (Operation &op : loop.getBodyBlock()->without_terminator())
    if (isWorth(&op) && isFree(op.getResult(0)))
      roots.push_back(&op);
  for (Operation *op : roots) {
    Value result = op->getResult(0);
    // Needed only by others that have been moved.
    bool needed = llvm::any_of(result.getUsers(), [&](Operation *user) {
      return !llvm::is_contained(roots, user);
    });
    Value sequence = hoist(result);
    if (needed)
      result.replaceAllUsesWith(edit.slice(sequence));
  }
  if (!roots.empty())
    edit.finish();
  return !roots.empty();
}

//===-- Products that are only stacked --------------------------------------===//

// Moves products with a value from outside behind the loop if they are only
// stacked and the other factor is stacked, too.
static bool sinkProducts(LoopOp &loop) {
  LoopEdit edit(loop);
  struct Sunk {
    unsigned stack;
    DotOp dot;
    Sequence factor;
  };
  SmallVector<Sunk> sunk;
  YieldOp yield = loop.getYield();
  unsigned numStacks = loop.getNumStacks();
  for (unsigned k = 0; k < numStacks; ++k) {
    auto dot = yield.getStacks()[k].getDefiningOp<DotOp>();
    if (!dot || !edit.isInside(dot.getResult()) ||
        edit.isInside(dot.getRhs()) || !edit.isInside(dot.getLhs()) ||
        !dot.getLhsBatch().empty() || !dot.getResult().hasOneUse())
      continue;
    Value factor = withoutRowMask(loop, dot.getLhs());
    bool summed = llvm::any_of(dot.getLhsContract(), [&](int64_t dim) {
      return dot.getLhs().getType().isDynamicDim(dim);
    });
    if (summed || !edit.isStacked(factor))
      continue;
    sunk.push_back({k, dot, sequenceOf(edit, factor)});
  }
  if (sunk.empty())
    return false;
  loop = edit.finish();
  OpBuilder builder(loop->getContext());
  builder.setInsertionPointAfter(loop);
  for (const Sunk &one : sunk) {
    DotOp dot = one.dot;
    Value product = DotOp::create(
        builder, dot.getLoc(), one.factor.get(loop), dot.getRhs(),
        dot.getLhsBatch(), dot.getRhsBatch(), plusOne(dot.getLhsContract()),
        dot.getRhsContract());
    loop.getStackResults()[one.stack].replaceAllUsesWith(product);
  }
  return true;
}

namespace {
struct Hoist : scan::impl::ScanHoistBase<Hoist> {
  using Base::Base;

  // Products that are left in the loop although no carry reaches them.
  void reportMissed(LoopOp loop) {
    llvm::DenseSet<Value> carried;
    for (Value carry : loop.getCarryArgs())
      carried.insert(carry);
    for (Operation &op : loop.getBodyBlock()->without_terminator()) {
      bool depends = llvm::any_of(op.getOperands(), [&](Value operand) {
        return carried.contains(operand);
      });
      if (isa<LoopOp>(op) || depends) {
        carried.insert(op.result_begin(), op.result_end());
        continue;
      }
      if (isa<DotOp>(op))
        remark::missed(op.getLoc(), remark::RemarkOpts::name("product-stays")
                                        .category(getArgument()))
            << "a product in the time loop needs no carry but is made from "
               "something that cannot be computed for all steps at once";
    }
  }

  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation()->walk([&](LoopOp loop) { loops.push_back(loop); });
    for (LoopOp loop : loops) {
      moveLoopInvariantCode(loop);
      // Adding slices replaces the loop; find it again by its body.
      Block *body = loop.getBodyBlock();
      Hoister(loop, functions).run();
      loop = cast<LoopOp>(body->getParentOp());
      sinkProducts(loop);
      reportMissed(loop);
    }
  }
};
} // namespace
