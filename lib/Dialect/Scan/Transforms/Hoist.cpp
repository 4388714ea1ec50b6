// Hoist.cpp: what needs no carry leaves time loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopDependence.h"
#include "LoopEdit.h"

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "scan-hoist"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANHOIST
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numHoisted, "Values computed before their loop");
ALWAYS_ENABLED_STATISTIC(numSunk, "Products computed behind their loop");
ALWAYS_ENABLED_STATISTIC(numLeft, "Functions left in their loop for memory");

namespace {
// Computes values of a loop's body for all steps, before the loop.
class Hoister {
public:
  Hoister(LoopOp loop, bool functions, int64_t maxBytes)
      : edit(loop), dependence(loop), functions(functions), maxBytes(maxBytes),
        builder(loop) {}

  bool run();

  // What could leave the loop and stays, as it would take too much memory.
  ArrayRef<Operation *> getLeft() const { return left; }

private:
  bool isWorth(Operation *op);
  bool isOfLargeValues(DotOp dot);
  bool isLarge(Operation *op);
  Value hoist(Value value);
  Value hoistOp(Operation *op);
  Value hoistDot(DotOp op);
  Value hoistShape(Operation *op);
  Value hoistRandom(RandomOp op);
  Value overTime(Value value);
  int64_t constantSteps();
  SmallVector<Value> withSteps(ValueRange sizes);

  LoopEdit edit;
  LoopDependence dependence;
  bool functions;
  int64_t maxBytes;
  SmallVector<Operation *> left;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> sequences; // body value: for all steps
};
} // namespace

// Worth an own pass over memory.
bool Hoister::isWorth(Operation *op) {
  if (isa<DotOp, GatherOp>(op))
    return true;
  return functions &&
         isa<math::ExpOp, math::LogOp, math::TanhOp, math::ErfOp, math::SinOp,
             math::CosOp, math::PowFOp, SigmoidOp, SoftplusOp>(op);
}

// The size of a value for one step and one example.
static int64_t bytesOfStep(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      bytes *= size;
  return bytes;
}

// A product of two values of the step, for which all steps at once are no
// faster than one after the other, and which would be read from memory for that
// once more.
bool Hoister::isOfLargeValues(DotOp dot) {
  return llvm::any_of(dot->getOperands(), [&](Value value) {
    return bytesOfStep(value) > maxBytes &&
           bytesOfStep(value) > bytesOfStep(dot.getResult());
  });
}

// Whether an op's values for all steps would take more memory than what they
// are computed from, and more than `maxBytes` for each step and example. A
// product with a matrix from outside is worth its memory: for all steps at once
// it is several times as fast.
bool Hoister::isLarge(Operation *op) {
  if (isa<GatherOp>(op))
    return false;
  if (auto dot = dyn_cast<DotOp>(op)) {
    if (!edit.isInside(dot.getLhs()) || !edit.isInside(dot.getRhs()))
      return false;
    if (isOfLargeValues(dot))
      return true;
  }
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitBlockArguments = true;
  options.filter = [&](Operation *from) {
    return from->getBlock() == edit.getLoop().getBodyBlock();
  };
  SetVector<Operation *> slice;
  if (failed(getBackwardSlice(op, &slice, options)))
    return false;
  SetVector<Value> sources;
  for (Operation *from : slice)
    for (Value operand : from->getOperands())
      if (auto argument = dyn_cast<BlockArgument>(operand);
          argument && argument.getOwner() == edit.getLoop().getBodyBlock() &&
          argument != edit.getLoop().getStep())
        sources.insert(operand);
  Value result = op->getResult(0);
  int64_t bytes = 0;
  size_t dynamic = 0;
  for (Value source : sources) {
    bytes += bytesOfStep(source);
    dynamic = std::max(
        dynamic, cast<RankedTensorType>(source.getType()).getNumDynamicDims());
  }
  // With a time axis more it grows with both lengths.
  if (cast<RankedTensorType>(result.getType()).getNumDynamicDims() > dynamic)
    return true;
  int64_t own = bytesOfStep(result);
  return own > maxBytes && own > bytes;
}

int64_t Hoister::constantSteps() {
  return edit.getLoop().getConstantTrip().value_or(ShapedType::kDynamic);
}

// The dynamic sizes of a value, and of its sequence.
SmallVector<Value> Hoister::withSteps(ValueRange sizes) {
  SmallVector<Value> result(sizes);
  if (ShapedType::isDynamic(constantSteps()))
    result.insert(result.begin(), edit.getLoop().getTrip());
  return result;
}

// A value from outside, repeated for each step.
Value Hoister::overTime(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<Value> sizes =
      withSteps(dynamicSizes(builder, value.getLoc(), value));
  auto dims = llvm::to_vector(llvm::seq<int64_t>(1, type.getRank() + 1));
  return BroadcastOp::create(builder, value.getLoc(),
                             insertDim(type, 0, constantSteps()), value, sizes,
                             dims);
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
  Value product = DotOp::create(builder, op.getLoc(), lhs, rhs, lhsBatch,
                                rhsBatch, later(op.getLhsContract(), left),
                                later(op.getRhsContract(), right));
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

// Ops that move entries about.
Value Hoister::hoistShape(Operation *op) {
  Location loc = op->getLoc();
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    SmallVector<int64_t> perm = plusOne(transpose.getPerm());
    perm.insert(perm.begin(), 0);
    return TransposeOp::create(builder, loc, hoist(transpose.getInput()), perm);
  }
  RankedTensorType type = insertDim(
      cast<RankedTensorType>(op->getResult(0).getType()), 0, constantSteps());
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    SmallVector<int64_t> dims = plusOne(broadcast.getDims());
    dims.insert(dims.begin(), 0);
    return BroadcastOp::create(builder, loc, type, hoist(broadcast.getInput()),
                               withSteps(broadcast.getSizes()), dims);
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    SmallVector<OpFoldResult> offsets = slice.getMixedOffsets();
    SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
    SmallVector<OpFoldResult> strides = slice.getMixedStrides();
    offsets.insert(offsets.begin(), builder.getIndexAttr(0));
    strides.insert(strides.begin(), builder.getIndexAttr(1));
    sizes.insert(sizes.begin(), ShapedType::isDynamic(constantSteps())
                                    ? OpFoldResult(edit.getLoop().getTrip())
                                    : builder.getIndexAttr(constantSteps()));
    return tensor::ExtractSliceOp::create(
        builder, loc, type, hoist(slice.getSource()), offsets, sizes, strides);
  }
  auto concat = cast<tensor::ConcatOp>(op);
  SmallVector<Value> inputs = llvm::map_to_vector(
      concat.getInputs(), [&](Value v) { return hoist(v); });
  return tensor::ConcatOp::create(builder, loc, type, concat.getDim() + 1,
                                  inputs);
}

// Numbers are a function of the step, however they are asked for.
Value Hoister::hoistRandom(RandomOp op) {
  std::optional<uint64_t> batch = op.getBatchDim();
  return RandomOp::create(
      builder, op.getLoc(), insertDim(op.getType(), 0, constantSteps()),
      op.getKey(), withSteps(op.getSizes()),
      dependence.firstStep(op.getAt()).value_or(Value()), op.getSiteAttr(),
      builder.getI64IntegerAttr(0),
      batch ? builder.getI64IntegerAttr(*batch + 1) : IntegerAttr());
}

Value Hoister::hoistOp(Operation *op) {
  Location loc = op->getLoc();
  if (auto dot = dyn_cast<DotOp>(op))
    return hoistDot(dot);
  if (auto random = dyn_cast<RandomOp>(op))
    return hoistRandom(random);
  if (isa<TransposeOp, BroadcastOp, tensor::ExtractSliceOp, tensor::ConcatOp>(
          op))
    return hoistShape(op);
  if (auto gather = dyn_cast<GatherOp>(op)) {
    Value indices = hoist(gather.getIndices());
    if (gather.getBatchDims() == 0 && !edit.isInside(gather.getTable()))
      return GatherOp::create(builder, loc, gather.getTable(), indices, 0);
    return GatherOp::create(builder, loc, hoist(gather.getTable()), indices,
                            gather.getBatchDims() + 1);
  }
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
  if (auto argmax = dyn_cast<ArgmaxOp>(op))
    return ArgmaxOp::create(builder, loc, hoist(argmax.getInput()),
                            argmax.getDim() + 1);
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
    if (isWorth(&op) && dependence.isFree(op.getResult(0)))
      (isLarge(&op) ? left : roots).push_back(&op);
  for (Operation *op : roots) {
    Value result = op->getResult(0);
    // Needed only by others that have been moved.
    bool needed = llvm::any_of(result.getUsers(), [&](Operation *user) {
      return !llvm::is_contained(roots, user);
    });
    Value sequence = hoist(result);
    if (!needed)
      continue;
    Value slice = edit.slice(sequence);
    sequences[slice] = sequence;
    result.replaceAllUsesWith(slice);
  }
  numHoisted += roots.size();
  numLeft += left.size();
  if (!roots.empty())
    edit.finish();
  return !roots.empty();
}

//===-- Products that are only stacked
//--------------------------------------===//

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
  numSunk += sunk.size();
  loop = edit.finish();
  OpBuilder builder(loop->getContext());
  builder.setInsertionPointAfter(loop);
  for (const Sunk &one : sunk) {
    DotOp dot = one.dot;
    Value product =
        DotOp::create(builder, dot.getLoc(), one.factor.get(loop), dot.getRhs(),
                      dot.getLhsBatch(), dot.getRhsBatch(),
                      plusOne(dot.getLhsContract()), dot.getRhsContract());
    loop.getStackResults()[one.stack].replaceAllUsesWith(product);
  }
  return true;
}

// What an op is to somebody who reads the source.
static std::string wordsFor(Operation *op) {
  if (isa<LoopOp>(op))
    return "the loop inside it";
  return ("`" + op->getName().stripDialect() + "` before it").str();
}

namespace {
struct Hoist : scan::impl::ScanHoistBase<Hoist> {
  using Base::Base;

  // Products that are left in the loop although no carry reaches them.
  void reportMissed(LoopOp loop) {
    LoopDependence dependence(loop);
    for (DotOp dot : loop.getBodyBlock()->getOps<DotOp>()) {
      if (dependence.needsCarry(dot.getOperation()))
        continue;
      Operation *obstacle = dependence.obstacle(dot.getResult());
      if (!obstacle)
        continue;
      remark::missed(
          dot.getLoc(),
          remark::RemarkOpts::name("product-stays").category(getArgument()))
          << "this product does not need the step before, but stays in the "
             "time "
             "loop: " +
                 wordsFor(obstacle) + " is not computed for all steps at once";
    }
  }

  void reportProduct(DotOp dot) {
    remark::missed(
        dot.getLoc(),
        remark::RemarkOpts::name("product-of-step").category(getArgument()))
        << "this product of two values of the step is computed step by step: "
           "for all steps at once it would be no faster";
  }

  // Products and functions that are left in the loop to save memory.
  void reportLarge(ArrayRef<Operation *> ops) {
    for (Operation *op : ops) {
      if (auto dot = dyn_cast<DotOp>(op)) {
        reportProduct(dot);
        continue;
      }
      Value result = op->getResult(0);
      int64_t bytes = bytesOfStep(result);
      remark::missed(
          op->getLoc(),
          remark::RemarkOpts::name("function-stays").category(getArgument()))
          << ("`" + op->getName().stripDialect() +
              "` is computed step by step: for all steps at once its values "
              "would take " +
              Twine(bytes) + " bytes for each step and example")
                 .str();
    }
  }

  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation()->walk([&](LoopOp loop) { loops.push_back(loop); });
    for (LoopOp loop : loops) {
      moveLoopInvariantCode(loop);
      // For all steps at once it would be kept.
      if (loop.getRecompute())
        continue;
      // Adding slices replaces the loop; find it again by its body.
      Block *body = loop.getBodyBlock();
      Hoister hoister(loop, functions, maxBytes);
      hoister.run();
      reportLarge(hoister.getLeft());
      loop = cast<LoopOp>(body->getParentOp());
      sinkProducts(loop);
      reportMissed(loop);
    }
  }
};
} // namespace
