// Products.cpp: rules of products and lookups.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;
using grad::Support;
using grad::SupportRef;

namespace {
struct DotRule : Rule<DotRule, DotOp> {
  // One side of a product: its operand and how its dimensions are used.
  struct Side {
    Value operand;
    ArrayRef<int64_t> batch, contract;
    SmallVector<int64_t> free;
    int64_t freeInResult; // where its free dimensions begin in the result
  };

  static Side side(DotOp op, bool left) {
    int64_t batch = op.getLhsBatch().size();
    if (left)
      return {op.getLhs(), op.getLhsBatch(), op.getLhsContract(),
              op.getLhsFree(), batch};
    int64_t before = batch + op.getLhsFree().size();
    return {op.getRhs(), op.getRhsBatch(), op.getRhsContract(), op.getRhsFree(),
            before};
  }

  static SmallVector<int64_t> range(int64_t begin, size_t count) {
    return llvm::to_vector(llvm::seq<int64_t>(begin, begin + count));
  }

  static bool sumsRows(const Side &other) {
    auto type = cast<RankedTensorType>(other.operand.getType());
    return llvm::any_of(other.free,
                        [&](int64_t dim) { return type.isDynamicDim(dim); });
  }

  // g times the other operand, summed over the other's free dimensions, in the
  // layout of `mine`.
  static Value adjoint(OpBuilder &builder, DotOp op, const Side &mine,
                       const Side &other, Value g, Value factor) {
    Value product = DotOp::create(
        builder, op.getLoc(), g, factor, range(0, mine.batch.size()),
        other.batch, range(other.freeInResult, other.free.size()), other.free);
    // Which dimension of `mine` each dimension of the product is.
    SmallVector<int64_t> order(mine.batch);
    llvm::append_range(order, mine.free);
    auto type = cast<RankedTensorType>(other.operand.getType());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (auto at = llvm::find(other.contract, dim); at != other.contract.end())
        order.push_back(mine.contract[at - other.contract.begin()]);
    SmallVector<int64_t> perm(order.size());
    for (auto [from, to] : llvm::enumerate(order))
      perm[to] = from;
    return builder.createOrFold<TransposeOp>(op.getLoc(), product, perm);
  }

  // Where the rows of one operand take part in what has a cotangent at all.
  static SupportRef supportOf(DotOp op, bool left, SupportRef support,
                              ReverseState &state) {
    if (!support)
      return {};
    return std::make_shared<Support>(
        support->isChosen(), [op, left, support, &state]() mutable -> Value {
          Side mine = side(op, left), other = side(op, !left);
          SmallVector<int64_t> summed =
              range(other.freeInResult, other.free.size());
          Value any = state.anyOver(support->get(), op.getResult(), summed);
          // What is left are the shared and then the own free dimensions.
          SmallVector<int64_t> dims(mine.batch);
          llvm::append_range(dims, mine.free);
          SmallVector<int64_t> order = range(0, dims.size());
          llvm::sort(order,
                     [&](int64_t a, int64_t b) { return dims[a] < dims[b]; });
          any = state.getBuilder().createOrFold<TransposeOp>(op.getLoc(), any,
                                                             order);
          llvm::sort(dims);
          return state.widen(any, mine.operand, dims);
        });
  }

  // Examples without a step have no cotangent once time is summed over.
  static SupportRef whereSteps(DotOp op, const Side &mine, const Side &other,
                               Value g, ReverseState &state) {
    SmallVector<int64_t> dims(
        cast<RankedTensorType>(mine.operand.getType()).getRank(), -1);
    for (auto [number, dim] : llvm::enumerate(mine.batch))
      dims[dim] = number;
    for (auto [number, dim] : llvm::enumerate(mine.free))
      dims[dim] = mine.freeInResult + number;
    return state.whereSteps(mine.operand, op.getResult(), g,
                            range(other.freeInResult, other.free.size()), dims);
  }

  static LogicalResult vjpRule(DotOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    Side sides[] = {side(op, true), side(op, false)};
    SupportRef support = state.supportOf(op.getResult());
    SupportRef supports[] = {supportOf(op, true, support, state),
                             supportOf(op, false, support, state)};
    for (int i : {0, 1}) {
      const Side &mine = sides[i], &other = sides[1 - i];
      if (!state.isActive(mine.operand))
        continue;
      Value masked = g, factor;
      if (sumsRows(other)) {
        masked = state.maskSummed(op.getResult(), g,
                                  range(other.freeInResult, other.free.size()));
        factor = state.finiteRows(other.operand, other.free);
      } else {
        factor = state.value(other.operand);
      }
      factor = state.factorWhere(supports[1 - i], other.operand, factor);
      factor =
          state.keepWhere(state.whereNotEmpty(other.operand, other.operand),
                          other.operand, factor);
      if (state.getRanges().isOfSteps(other.operand))
        factor = state.finiteOrWhere(
            supportOf(op, i == 1, state.whereNotZero(masked, op.getResult()),
                      state),
            other.operand, factor);
      state.accumulate(
          mine.operand, adjoint(builder, op, mine, other, masked, factor),
          state.both(supports[i], whereSteps(op, mine, other, masked, state)));
    }
    return success();
  }

  static LogicalResult jvpRule(DotOp op, OpBuilder &builder,
                               ForwardState &state) {
    Value sum;
    auto add = [&](Value lhs, Value rhs) {
      Value part = DotOp::create(builder, op.getLoc(), lhs, rhs,
                                 op.getLhsBatch(), op.getRhsBatch(),
                                 op.getLhsContract(), op.getRhsContract());
      sum = sum ? arith::AddFOp::create(builder, op.getLoc(), sum, part) : part;
    };
    if (Value t = state.tangent(op.getLhs()))
      add(t, op.getRhs());
    if (Value t = state.tangent(op.getRhs()))
      add(op.getLhs(), t);
    state.setTangent(op.getResult(), sum);
    return success();
  }
};

struct GatherRule : LinearRule<GatherRule, GatherOp, true> {
  static Value adjoint(GatherOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    RankedTensorType type = op.getTable().getType();
    int64_t batch = op.getBatchDims();
    if (batch == 0)
      g = state.maskSummed(op.getResult(), g,
                           llvm::to_vector(llvm::seq<int64_t>(
                               0, op.getIndices().getType().getRank())));
    Value size = type.isDynamicDim(batch)
                     ? sizeOf(builder, op.getLoc(), op.getTable(), batch)
                     : Value();
    return ScatterAddOp::create(builder, op.getLoc(), type, g,
                                state.value(op.getIndices()), size, batch);
  }
};

struct ScatterAddRule : LinearRule<ScatterAddRule, ScatterAddOp> {
  static Value adjoint(ScatterAddOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    return GatherOp::create(builder, op.getLoc(), g,
                            state.value(op.getIndices()), op.getBatchDims());
  }
};
} // namespace

void scan::attachProductRules(MLIRContext *context) {
  DotOp::attachInterface<DotRule>(*context);
  GatherOp::attachInterface<GatherRule>(*context);
  ScatterAddOp::attachInterface<ScatterAddRule>(*context);
}
