// Stagger.cpp: layers that run a chunk apart do not wait for each other.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Scan.h"
#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "scan-stagger"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANSTAGGER
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

ALWAYS_ENABLED_STATISTIC(numStaggered, "Loops over chunks with two stages");

namespace {

/// About how many multiplications a step of a loop takes for an example.
int64_t workOf(LoopOp loop) {
  int64_t work = 1;
  loop.getBody().walk([&](DotOp dot) {
    auto type = cast<RankedTensorType>(dot.getRhs().getType());
    if (type.hasStaticShape())
      work += type.getNumElements();
  });
  return work;
}

/// A loop over chunks, the loops in it, and where they are parted.
class TwoStages {
public:
  explicit TwoStages(LoopOp outer)
      : outer(outer), body(outer.getBodyBlock()), b(outer) {}

  /// Whether the loops can be parted.
  bool find();
  void build();

private:
  bool belongs(Operation *op) { return op && op->getBlock() == body; }
  void gather(ValueRange roots, SetVector<Operation *> &ops, bool isBehind);
  bool needsLoop(Value value);
  bool isOfAhead(unsigned carry);
  bool partCarries();
  SmallVector<Value> readCarries(const SetVector<Operation *> &ops);
  void buildSlices();
  IRMapping mapAhead(Value step, ValueRange slices, ValueRange carries);
  SmallVector<Value> cloneAhead(OpBuilder &at, IRMapping &mapping);

  LoopOp outer;
  Block *body;
  OpBuilder b;
  SmallVector<LoopOp> loops;     ///< of the body, in order
  SetVector<Operation *> ahead;  ///< what runs a chunk ahead
  SetVector<Operation *> behind; ///< the rest
  SetVector<Value> crossing;     ///< made ahead, read behind
  SmallVector<unsigned> aheadCarries;
  SmallVector<unsigned> aheadSlices, behindSlices;
  Value count;                 ///< of chunks
  SmallVector<Value> segments; ///< one more of each slice
};

/// What the values need, of the body. With `isBehind`, what was made ahead by a
/// loop or a product comes from there.
void TwoStages::gather(ValueRange roots, SetVector<Operation *> &ops,
                       bool isBehind) {
  SmallVector<Value> open(roots);
  while (!open.empty()) {
    Value value = open.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!belongs(op))
      continue;
    if (isBehind && ahead.contains(op) &&
        (needsLoop(value) || isa<DotOp>(op))) {
      crossing.insert(value);
      continue;
    }
    if (!ops.insert(op))
      continue;
    SetVector<Value> needed(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), needed);
    open.append(needed.begin(), needed.end());
  }
}

bool TwoStages::needsLoop(Value value) {
  SetVector<Operation *> all;
  gather(value, all, /*isBehind=*/false);
  return llvm::any_of(all, llvm::IsaPred<LoopOp>);
}

bool TwoStages::isOfAhead(unsigned carry) {
  return ahead.contains(outer.getYield().getCarries()[carry].getDefiningOp());
}

/// Carries that the ops read.
SmallVector<Value> TwoStages::readCarries(const SetVector<Operation *> &ops) {
  SetVector<Value> read;
  for (Operation *op : ops) {
    read.insert_range(op->getOperands());
    getUsedValuesDefinedAbove(op->getRegions(), read);
  }
  SmallVector<Value> carries;
  for (Value arg : outer.getCarryArgs())
    if (read.contains(arg))
      carries.push_back(arg);
  return carries;
}

/// Each carry belongs to one stage.
bool TwoStages::partCarries() {
  for (unsigned k = 0; k < outer.getNumCarries(); ++k) {
    if (!belongs(outer.getYield().getCarries()[k].getDefiningOp()))
      return false;
    if (isOfAhead(k))
      aheadCarries.push_back(k);
  }
  auto fits = [&](const SetVector<Operation *> &ops, bool areAhead) {
    return llvm::all_of(readCarries(ops), [&](Value carry) {
      unsigned number =
          cast<BlockArgument>(carry).getArgNumber() - 1 - outer.getNumSlices();
      return isOfAhead(number) == areAhead;
    });
  };
  return fits(ahead, true) && fits(behind, false);
}

bool TwoStages::find() {
  auto chunks = outer.getTrip().getDefiningOp<ChunksOp>();
  if (!chunks || outer.getReverse() || outer.getLengths())
    return false;
  llvm::append_range(loops, body->getOps<LoopOp>());
  if (loops.size() < 2)
    return false;
  // Half of the work, about, is ahead.
  SmallVector<int64_t> before = {0};
  for (LoopOp loop : loops)
    before.push_back(before.back() + workOf(loop));
  unsigned parted = 1;
  for (unsigned i = 1; i < loops.size(); ++i)
    if (std::abs(2 * before[i] - before.back()) <
        std::abs(2 * before[parted] - before.back()))
      parted = i;
  SmallVector<Value> made;
  for (LoopOp loop : ArrayRef(loops).take_front(parted))
    llvm::append_range(made, loop->getResults());
  gather(made, ahead, /*isBehind=*/false);
  YieldOp yield = outer.getYield();
  SmallVector<Value> rest(yield.getStacks());
  for (Value next : yield.getCarries())
    if (!ahead.contains(next.getDefiningOp()))
      rest.push_back(next);
  gather(rest, behind, /*isBehind=*/true);
  bool all = llvm::all_of(loops, [&](LoopOp loop) {
    return ahead.contains(loop) != behind.contains(loop);
  });
  // What was made ahead and is kept would have to be put off.
  bool keeps = llvm::any_of(yield.getStacks(), [&](Value stack) {
    return !behind.contains(stack.getDefiningOp());
  });
  return all && !keeps && !crossing.empty() &&
         llvm::all_of(crossing,
                      [](Value value) {
                        return isa<RankedTensorType>(value.getType());
                      }) &&
         partCarries() && llvm::all_of(outer.getSlices(), [](Value slice) {
           return slice.getDefiningOp<SplitOp>();
         });
}

/// The slices with one chunk more, which has no step.
void TwoStages::buildSlices() {
  Location loc = outer.getLoc();
  count = outer.getTrip();
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value more = arith::AddIOp::create(b, loc, count, one);
  for (Value slice : outer.getSlices()) {
    auto split = slice.getDefiningOp<SplitOp>();
    segments.push_back(
        SplitOp::create(b, loc, split.getInput(), more, split.getSteps()));
  }
  auto reads = [&](const SetVector<Operation *> &ops, Value arg) {
    return llvm::any_of(arg.getUsers(), [&](Operation *user) {
      Operation *inBody = body->findAncestorOpInBlock(*user);
      return ops.contains(inBody);
    });
  };
  for (auto [i, arg] : llvm::enumerate(outer.getSliceArgs())) {
    if (reads(ahead, arg))
      aheadSlices.push_back(i);
    if (reads(behind, arg))
      behindSlices.push_back(i);
  }
}

/// Chunks from `first` on, as many as the loop has.
static Value chunksFrom(OpBuilder &b, Value segments, int64_t first,
                        Value count) {
  Location loc = segments.getLoc();
  auto type = cast<RankedTensorType>(segments.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      strides(type.getRank(), b.getIndexAttr(1)),
      sizes = tensor::getMixedSizes(b, loc, segments);
  offsets[0] = b.getIndexAttr(first);
  sizes[0] = count;
  return tensor::ExtractSliceOp::create(b, loc, segments, offsets, sizes,
                                        strides);
}

/// The first chunk alone.
static Value firstChunk(OpBuilder &b, Value segments) {
  Location loc = segments.getLoc();
  auto type = cast<RankedTensorType>(segments.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      strides(type.getRank(), b.getIndexAttr(1)),
      sizes = tensor::getMixedSizes(b, loc, segments);
  sizes[0] = b.getIndexAttr(1);
  auto one = RankedTensorType::get(type.getShape().drop_front(),
                                   type.getElementType());
  return tensor::ExtractSliceOp::create(b, loc, one, segments, offsets, sizes,
                                        strides);
}

/// The ops that are ahead, and what they make: carries, then what crosses.
SmallVector<Value> TwoStages::cloneAhead(OpBuilder &at, IRMapping &mapping) {
  for (Operation &op : *body)
    if (ahead.contains(&op))
      at.clone(op, mapping);
  SmallVector<Value> results;
  for (unsigned k : aheadCarries)
    results.push_back(mapping.lookup(outer.getYield().getCarries()[k]));
  for (Value value : crossing)
    results.push_back(mapping.lookup(value));
  return results;
}

IRMapping TwoStages::mapAhead(Value step, ValueRange slices,
                              ValueRange carries) {
  IRMapping mapping;
  mapping.map(outer.getStep(), step);
  for (auto [number, slice] : llvm::zip_equal(aheadSlices, slices))
    mapping.map(outer.getSliceArgs()[number], slice);
  for (auto [number, carry] : llvm::zip_equal(aheadCarries, carries))
    mapping.map(outer.getCarryArgs()[number], carry);
  return mapping;
}

void TwoStages::build() {
  Location loc = outer.getLoc();
  buildSlices();
  // The first chunk ahead of all.
  SmallVector<Value> slices, carries;
  for (unsigned i : aheadSlices)
    slices.push_back(firstChunk(b, segments[i]));
  for (unsigned k : aheadCarries)
    carries.push_back(outer.getFirsts()[k]);
  IRMapping first =
      mapAhead(arith::ConstantIndexOp::create(b, loc, 0), slices, carries);
  SmallVector<Value> made = cloneAhead(b, first);

  SmallVector<Value> firsts(outer.getFirsts());
  for (auto [k, value] : llvm::zip(aheadCarries, made))
    firsts[k] = value;
  llvm::append_range(firsts, ArrayRef(made).drop_front(aheadCarries.size()));
  slices.clear();
  for (unsigned i : aheadSlices)
    slices.push_back(chunksFrom(b, segments[i], 1, count));
  for (unsigned i : behindSlices)
    slices.push_back(chunksFrom(b, segments[i], 0, count));
  auto loop = LoopOp::create(
      b, loc, count, /*lengths=*/Value(), slices, firsts, /*reverse=*/false,
      [&](OpBuilder &in, Location loc, Value step, ValueRange sliceArgs,
          ValueRange carryArgs) {
        unsigned own = outer.getNumCarries();
        IRMapping now;
        now.map(outer.getStep(), step);
        for (auto [number, slice] : llvm::zip_equal(
                 behindSlices, sliceArgs.drop_front(aheadSlices.size())))
          now.map(outer.getSliceArgs()[number], slice);
        for (auto [before, carry] :
             llvm::zip_equal(outer.getCarryArgs(), carryArgs.take_front(own)))
          now.map(before, carry);
        for (auto [value, carry] :
             llvm::zip_equal(crossing, carryArgs.drop_front(own)))
          now.map(value, carry);
        for (Operation &op : *body)
          if (behind.contains(&op))
            in.clone(op, now);
        Value next = arith::AddIOp::create(
            in, loc, step, arith::ConstantIndexOp::create(in, loc, 1));
        SmallVector<Value> ofAhead;
        for (unsigned k : aheadCarries)
          ofAhead.push_back(carryArgs[k]);
        IRMapping later =
            mapAhead(next, sliceArgs.take_front(aheadSlices.size()), ofAhead);
        SmallVector<Value> results = cloneAhead(in, later);
        SmallVector<Value> nexts, stacks;
        for (Value value : outer.getYield().getCarries())
          nexts.push_back(now.lookupOrDefault(value));
        for (auto [k, value] : llvm::zip(aheadCarries, results))
          nexts[k] = value;
        llvm::append_range(nexts,
                           ArrayRef(results).drop_front(aheadCarries.size()));
        for (Value stack : outer.getYield().getStacks())
          stacks.push_back(now.lookup(stack));
        YieldOp::create(in, loc, nexts, stacks);
      });
  loop->setDiscardableAttrs(outer->getDiscardableAttrDictionary());
  loop.setRecompute(outer.getRecompute());
  for (auto [before, after] :
       llvm::zip(outer.getStackResults(), loop.getStackResults()))
    Value(before).replaceAllUsesWith(after);
  for (auto [before, after] :
       llvm::zip(outer.getFinalResults(), loop.getFinalResults()))
    Value(before).replaceAllUsesWith(after);
  count.getDefiningOp<ChunksOp>().setStages(2);
  outer.erase();
}

struct Stagger : scan::impl::ScanStaggerBase<Stagger> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<LoopOp> all;
    getOperation()->walk([&](LoopOp loop) { all.push_back(loop); });
    for (LoopOp loop : all) {
      TwoStages stages(loop);
      if (!stages.find())
        continue;
      stages.build();
      ++numStaggered;
    }
  }
};
} // namespace
