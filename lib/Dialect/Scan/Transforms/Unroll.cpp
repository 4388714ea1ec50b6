// Unroll.cpp: full unrolling, and marks for unrolling by a factor.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace rnnc::scan {
#define GEN_PASS_DEF_SCANUNROLL
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"
} // namespace rnnc::scan

namespace {
// Writes a loop of known length out.
class Unroller {
public:
  Unroller(LoopOp loop, int64_t trip) : loop(loop), trip(trip), builder(loop) {}

  void run();

private:
  Value row(Value sequence, int64_t step);
  Value withRow(Value sequence, Value row, int64_t step);
  SmallVector<OpFoldResult> rowSizes(Value sequence);

  LoopOp loop;
  int64_t trip;
  OpBuilder builder;
};
} // namespace

SmallVector<OpFoldResult> Unroller::rowSizes(Value sequence) {
  auto type = cast<RankedTensorType>(sequence.getType());
  SmallVector<OpFoldResult> sizes = {builder.getIndexAttr(1)};
  for (int64_t dim = 1; dim < type.getRank(); ++dim)
    sizes.push_back(
        type.isDynamicDim(dim)
            ? OpFoldResult(sizeOf(builder, loop.getLoc(), sequence, dim))
            : builder.getIndexAttr(type.getDimSize(dim)));
  return sizes;
}

Value Unroller::row(Value sequence, int64_t step) {
  auto type = cast<RankedTensorType>(sequence.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  offsets.front() = builder.getIndexAttr(step);
  return tensor::ExtractSliceOp::create(builder, loop.getLoc(),
                                        dropDim(type, 0), sequence, offsets,
                                        rowSizes(sequence), strides);
}

Value Unroller::withRow(Value sequence, Value row, int64_t step) {
  auto type = cast<RankedTensorType>(sequence.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  offsets.front() = builder.getIndexAttr(step);
  return tensor::InsertSliceOp::create(builder, loop.getLoc(), row, sequence,
                                       offsets, rowSizes(sequence), strides);
}

void Unroller::run() {
  SmallVector<Value> carries(loop.getFirsts()), sequences;
  for (Value result : loop.getStackResults())
    sequences.push_back(splat(builder, loop.getLoc(),
                              cast<RankedTensorType>(result.getType()),
                              dynamicSizes(builder, loop.getLoc(), result), 0));
  for (int64_t number = 0; number < trip; ++number) {
    int64_t step = loop.getReverse() ? trip - 1 - number : number;
    IRMapping mapping;
    mapping.map(loop.getStep(),
                arith::ConstantIndexOp::create(builder, loop.getLoc(), step));
    for (auto [argument, sequence] :
         llvm::zip_equal(loop.getSliceArgs(), loop.getSlices()))
      mapping.map(argument, row(sequence, step));
    for (auto [argument, carry] : llvm::zip_equal(loop.getCarryArgs(), carries))
      mapping.map(argument, carry);
    for (Operation &op : loop.getBodyBlock()->without_terminator())
      builder.clone(op, mapping);
    YieldOp yield = loop.getYield();
    for (auto [carry, next] : llvm::zip_equal(carries, yield.getCarries()))
      carry = mapping.lookupOrDefault(next);
    for (auto [sequence, value] : llvm::zip_equal(sequences, yield.getStacks()))
      sequence = withRow(sequence, mapping.lookupOrDefault(value), step);
  }
  llvm::append_range(sequences, carries);
  loop->replaceAllUsesWith(sequences);
  loop.erase();
}

namespace {
struct Unroll : scan::impl::ScanUnrollBase<Unroll> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    if (factor >= 0 && factor <= 1024 && budget >= 0)
      return success();
    return emitError(UnknownLoc::get(context))
           << getArgument() << ": "
           << (budget < 0 ? "the budget must not be negative"
                          : "the factor must be from 0 to 1024");
  }

  static int64_t countOps(LoopOp loop) {
    int64_t count = 0;
    loop.getBodyBlock()->walk([&](Operation *) { ++count; });
    return count;
  }

  // Why so many copies of the body cannot be made, or nothing.
  std::string tooLarge(LoopOp loop, int64_t copies) {
    int64_t ops = countOps(loop);
    if (copies <= budget / ops)
      return "";
    return llvm::formatv("{0} copies of {1} ops exceed the budget of {2}",
                         copies, ops, budget.getValue())
        .str();
  }

  // Why a loop cannot be written out, or nothing.
  std::string refusal(LoopOp loop) {
    std::optional<int64_t> trip = loop.getConstantTrip();
    if (!trip)
      return "the number of steps is known only when running";
    if (loop.getLengths())
      return "examples end at different steps";
    auto isDynamic = [](Value sequence) {
      return cast<RankedTensorType>(sequence.getType()).isDynamicDim(0);
    };
    if (llvm::any_of(loop.getSlices(), isDynamic) ||
        llvm::any_of(loop.getStackResults(), isDynamic))
      return "the size of a sequence is known only when running";
    return tooLarge(loop, *trip);
  }

  // Why a loop is not unrolled by a factor, or nothing.
  std::string refusal(LoopOp loop, int64_t wanted) {
    std::optional<int64_t> trip = loop.getConstantTrip();
    if (trip && *trip < wanted)
      return llvm::formatv("it has {0} steps, fewer than the factor {1}", *trip,
                           wanted)
          .str();
    if (!loop.getUnroll() && !loop.getBodyBlock()->getOps<LoopOp>().empty())
      return "there is a loop in it";
    return tooLarge(loop, wanted);
  }

  void runOnLoop(LoopOp loop) {
    int64_t wanted = loop.getUnroll() ? *loop.getUnroll() : factor;
    if (wanted == 1)
      return;
    std::string reason = wanted ? refusal(loop, wanted) : refusal(loop);
    if (reason.empty() && wanted)
      return loop.setUnroll(wanted);
    if (reason.empty())
      return Unroller(loop, *loop.getConstantTrip()).run();
    loop.removeUnrollAttr();
    remark::missed(
        loop.getLoc(),
        remark::RemarkOpts::name("not-unrolled").category(getArgument()))
        << "this time loop is not unrolled: " + reason;
  }

  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation()->walk([&](LoopOp loop) { loops.push_back(loop); });
    for (LoopOp loop : loops)
      runOnLoop(loop);
  }
};
} // namespace
