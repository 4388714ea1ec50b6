// Shape.cpp: rules of broadcast, transpose, mask, stop and clipgrad.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;
using grad::Support;
using grad::SupportRef;

namespace {
struct BroadcastRule : Rule<BroadcastRule, BroadcastOp> {
  static SmallVector<int64_t> addedDims(BroadcastOp op) {
    SmallVector<int64_t> added;
    for (int64_t dim = 0; dim < op.getType().getRank(); ++dim)
      if (!llvm::is_contained(op.getDims(), dim))
        added.push_back(dim);
    return added;
  }

  static SupportRef supportOf(BroadcastOp op, Value g, ReverseState &state) {
    SmallVector<int64_t> added = addedDims(op);
    SupportRef steps =
        state.whereSteps(op.getInput(), op.getResult(), g, added, op.getDims());
    SupportRef support = state.supportOf(op.getResult());
    if (!support)
      return steps;
    SupportRef any = std::make_shared<Support>(
        support->isChosen(), [op, added, support, &state]() mutable {
          return state.anyOver(support->get(), op.getResult(), added);
        });
    return state.both(any, steps);
  }

  static LogicalResult vjpRule(BroadcastOp op, OpBuilder &builder,
                               ReverseState &state) {
    SmallVector<int64_t> added = addedDims(op);
    Value g = state.cotangent(op.getResult());
    bool dynamic = llvm::any_of(
        added, [&](int64_t dim) { return op.getType().isDynamicDim(dim); });
    if (dynamic)
      g = state.maskSummed(op.getResult(), g, added);
    state.accumulate(
        op.getInput(),
        builder.createOrFold<ReduceOp>(op.getLoc(), ReduceKind::sum, g, added),
        supportOf(op, g, state));
    return success();
  }

  static LogicalResult jvpRule(BroadcastOp op, OpBuilder &builder,
                               ForwardState &state) {
    if (Value t = state.tangent(op.getInput()))
      state.setTangent(op.getResult(),
                       cloneWith(builder, op, op.getInput(), t));
    return success();
  }
};

struct TransposeRule : LinearRule<TransposeRule, TransposeOp> {
  static Value adjoint(TransposeOp op, Value g, OpBuilder &builder,
                       ReverseState &) {
    return TransposeOp::create(builder, op.getLoc(), g,
                               invertPermutationVector(op.getPerm()));
  }
};

struct MaskRule : Rule<MaskRule, MaskOp> {
  // What is filled in does not depend on anything.
  static Value zeroPast(OpBuilder &builder, MaskOp op, Value tensor,
                        Value lengths, Value at) {
    return builder.createOrFold<MaskOp>(
        op.getLoc(), tensor, lengths, at, op.getTimeDimAttr(),
        op.getBatchDimAttr(), builder.getF64FloatAttr(0));
  }

  static LogicalResult vjpRule(MaskOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value at = op.getAt() ? state.value(op.getAt()) : Value();
    state.accumulate(op.getInput(),
                     zeroPast(builder, op, state.cotangent(op.getResult()),
                              state.value(op.getLengths()), at),
                     state.supportOf(op.getResult()));
    return success();
  }
  static LogicalResult jvpRule(MaskOp op, OpBuilder &builder,
                               ForwardState &state) {
    if (Value t = state.tangent(op.getInput()))
      state.setTangent(op.getResult(),
                       zeroPast(builder, op, t, op.getLengths(), op.getAt()));
    return success();
  }
};

// Only a stop with a period gets here; the others are not active.
struct StopRule : Rule<StopRule, StopOp> {
  static Value cut(OpBuilder &builder, StopOp op, Value at, Value tensor,
                   Value zero) {
    Location loc = op.getLoc();
    Value none = arith::ConstantIndexOp::create(builder, loc, 0);
    Value period =
        arith::ConstantIndexOp::create(builder, loc, *op.getPeriod());
    Value phase = arith::RemUIOp::create(builder, loc, at, period);
    Value border = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                         phase, none);
    Value later =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, at, none);
    Value here = arith::AndIOp::create(builder, loc, border, later);
    return arith::SelectOp::create(builder, loc, here, zero, tensor);
  }

  static LogicalResult vjpRule(StopOp op, OpBuilder &builder,
                               ReverseState &state) {
    state.accumulate(op.getInput(),
                     cut(builder, op, state.value(op.getAt()),
                         state.cotangent(op.getResult()),
                         state.zeros(op.getResult())),
                     state.supportOf(op.getResult()));
    return success();
  }
  static LogicalResult jvpRule(StopOp op, OpBuilder &builder,
                               ForwardState &state) {
    if (Value t = state.tangent(op.getInput()))
      state.setTangent(op.getResult(),
                       cut(builder, op, op.getAt(), t,
                           splatLike(builder, op.getLoc(), op.getResult(), 0)));
    return success();
  }
};

struct ClipGradRule : Rule<ClipGradRule, ClipGradOp> {
  static LogicalResult vjpRule(ClipGradOp op, OpBuilder &builder,
                               ReverseState &state) {
    double limit = op.getLimit().convertToDouble();
    Value g = state.cotangent(op.getResult());
    g = arith::MinimumFOp::create(builder, op.getLoc(), g,
                                  state.splat(op.getResult(), limit));
    g = arith::MaximumFOp::create(builder, op.getLoc(), g,
                                  state.splat(op.getResult(), -limit));
    state.accumulate(op.getInput(), g, state.supportOf(op.getResult()));
    return success();
  }
  // Only what flows backwards is limited.
  static LogicalResult jvpRule(ClipGradOp op, OpBuilder &,
                               ForwardState &state) {
    state.setTangent(op.getResult(), state.tangent(op.getInput()));
    return success();
  }
};
} // namespace

void scan::attachShapeRules(MLIRContext *context) {
  BroadcastOp::attachInterface<BroadcastRule>(*context);
  TransposeOp::attachInterface<TransposeRule>(*context);
  MaskOp::attachInterface<MaskRule>(*context);
  StopOp::attachInterface<StopRule>(*context);
  ClipGradOp::attachInterface<ClipGradRule>(*context);
}
