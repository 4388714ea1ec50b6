// Unroll.cpp: full unrolling within a budget; marks for unrolling by a factor.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Scan/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"

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
    sizes.push_back(type.isDynamicDim(dim)
                        ? OpFoldResult(sizeOf(builder, loop.getLoc(), sequence,
                                              dim))
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
    mapping.map(loop.getStep(), arith::ConstantIndexOp::create(
                                    builder, loop.getLoc(), step));
    for (auto [argument, sequence] :
         llvm::zip_equal(loop.getSliceArgs(), loop.getSlices()))
      mapping.map(argument, row(sequence, step));
    for (auto [argument, carry] :
         llvm::zip_equal(loop.getCarryArgs(), carries))
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

  static int64_t countOps(LoopOp loop) {
    int64_t count = 0;
    loop.getBody().walk([&](Operation *) { ++count; });
    return count;
  }

  // Why a loop cannot be written out, or nothing.
  StringRef refusal(LoopOp loop) {
    std::optional<int64_t> trip = loop.getConstantTrip();
    if (!trip)
      return "the number of steps is not known when compiling";
    if (loop.getLengths())
      return "examples end at different steps";
    bool dynamic = llvm::any_of(loop.getSlices(), [](Value sequence) {
      return cast<RankedTensorType>(sequence.getType()).isDynamicDim(0);
    });
    dynamic |= llvm::any_of(loop.getStackResults(), [](Value sequence) {
      return cast<RankedTensorType>(sequence.getType()).isDynamicDim(0);
    });
    if (dynamic)
      return "a sequence's size is not known when compiling";
    if (*trip * countOps(loop) > budget)
      return "the unrolled loop is larger than the budget";
    return "";
  }

  void runOnLoop(LoopOp loop) {
    int64_t wanted = loop.getUnroll() ? *loop.getUnroll() : factor;
    if (wanted == 1)
      return;
    if (wanted != 0) {
      loop.setUnroll(wanted);
      return;
    }
    StringRef reason = refusal(loop);
    if (reason.empty()) {
      Unroller(loop, *loop.getConstantTrip()).run();
      return;
    }
    loop.removeUnrollAttr();
    remark::missed(loop.getLoc(), remark::RemarkOpts::name("not-unrolled")
                                      .category(getArgument()))
        << reason;
  }

  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation()->walk([&](LoopOp loop) { loops.push_back(loop); });
    for (LoopOp loop : loops)
      runOnLoop(loop);
  }
};
} // namespace
