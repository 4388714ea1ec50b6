// Sequences.cpp: rules of ops on sequences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace {
Value lengthsOf(ReverseState &state, Value lengths) {
  return lengths ? state.value(lengths) : Value();
}

SmallVector<Value> lengthsOf(ReverseState &state, OperandRange lengths) {
  return llvm::map_to_vector(lengths,
                             [&](Value value) { return state.value(value); });
}

struct ReverseRule : LinearRule<ReverseRule, ReverseOp> {
  static Value adjoint(ReverseOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    return ReverseOp::create(builder, op.getLoc(), g.getType(), g,
                             lengthsOf(state, op.getLengths()),
                             op.getTimeDimAttr(), op.getBatchDimAttr());
  }
};

struct PickStepRule : LinearRule<PickStepRule, PickStepOp, true> {
  static Value adjoint(PickStepOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    RankedTensorType type = op.getInput().getType();
    int64_t time = op.getTimeDim();
    Value size = type.isDynamicDim(time)
                     ? sizeOf(builder, op.getLoc(), op.getInput(), time)
                     : Value();
    return PlaceStepOp::create(builder, op.getLoc(), type, op.getWhichAttr(), g,
                               lengthsOf(state, op.getLengths()), size,
                               op.getTimeDimAttr(), op.getBatchDimAttr());
  }
};

struct PlaceStepRule : LinearRule<PlaceStepRule, PlaceStepOp> {
  static Value adjoint(PlaceStepOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    return PickStepOp::create(builder, op.getLoc(), op.getWhich(), g,
                              lengthsOf(state, op.getLengths()),
                              op.getTimeDim(), op.getBatchDim());
  }
};

struct EnterRule : LinearRule<EnterRule, EnterOp> {
  static Value adjoint(EnterOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    return LeaveOp::create(builder, op.getLoc(), g,
                           lengthsOf(state, op.getLengths()));
  }
};

struct LeaveRule : LinearRule<LeaveRule, LeaveOp> {
  static Value adjoint(LeaveOp op, Value g, OpBuilder &builder,
                       ReverseState &state) {
    return EnterOp::create(builder, op.getLoc(), g,
                           lengthsOf(state, op.getLengths()));
  }
};

struct SplitRule : LinearRule<SplitRule, SplitOp> {
  static Value adjoint(SplitOp op, Value g, OpBuilder &builder,
                       ReverseState &) {
    return JoinOp::create(builder, op.getLoc(), g, /*lengths=*/Value(),
                          sizeOf(builder, op.getLoc(), op.getInput(), 0));
  }
};

struct JoinRule : LinearRule<JoinRule, JoinOp, true> {
  static Value adjoint(JoinOp op, Value g, OpBuilder &builder, ReverseState &) {
    Location loc = op.getLoc();
    return SplitOp::create(builder, loc, g,
                           sizeOf(builder, loc, op.getInput(), 0),
                           sizeOf(builder, loc, op.getInput(), 1));
  }
};

struct ShiftRule : Rule<ShiftRule, ShiftOp> {
  static LogicalResult vjpRule(ShiftOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    Value lengths = lengthsOf(state, op.getLengths());
    int64_t by = op.getBy();
    // The step that is shifted out gets nothing.
    auto back = [op, lengths, by, &builder](Value g) mutable -> Value {
      return ShiftOp::create(builder, op.getLoc(), g.getType(), g, Value(),
                             lengths, builder.getI64IntegerAttr(-by),
                             op.getTimeDimAttr(), op.getBatchDimAttr());
    };
    if (state.isActive(op.getInput()))
      state.accumulate(op.getInput(), back(g),
                       state.through(op.getResult(), back, /*picks=*/true));
    if (!op.getFill() || !state.isActive(op.getFill()))
      return success();
    // An example of length 0 has no step to be filled in.
    if (!lengths)
      g = state.maskRows(op.getResult(), g);
    auto pick = [op, lengths, by, &builder](Value g) mutable -> Value {
      return PickStepOp::create(builder, op.getLoc(),
                                by == 1 ? StepKind::first : StepKind::last, g,
                                lengths, op.getTimeDim(), op.getBatchDim());
    };
    state.accumulate(op.getFill(), pick(g),
                     state.through(op.getResult(), pick));
    return success();
  }

  static LogicalResult jvpRule(ShiftOp op, OpBuilder &builder,
                               ForwardState &state) {
    Value t = state.tangent(op.getInput());
    Value fill = op.getFill() ? state.tangent(op.getFill()) : Value();
    if (!t && !fill)
      return success();
    if (!t)
      t = splatLike(builder, op.getLoc(), op.getInput(), 0);
    state.setTangent(op.getResult(),
                     ShiftOp::create(builder, op.getLoc(), t.getType(), t, fill,
                                     op.getLengths(), op.getByAttr(),
                                     op.getTimeDimAttr(),
                                     op.getBatchDimAttr()));
    return success();
  }
};
} // namespace

void scan::attachSequenceRules(MLIRContext *context) {
  ReverseOp::attachInterface<ReverseRule>(*context);
  PickStepOp::attachInterface<PickStepRule>(*context);
  PlaceStepOp::attachInterface<PlaceStepRule>(*context);
  EnterOp::attachInterface<EnterRule>(*context);
  LeaveOp::attachInterface<LeaveRule>(*context);
  SplitOp::attachInterface<SplitRule>(*context);
  JoinOp::attachInterface<JoinRule>(*context);
  ShiftOp::attachInterface<ShiftRule>(*context);
}
