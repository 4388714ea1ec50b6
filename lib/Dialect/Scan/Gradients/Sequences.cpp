// Sequences.cpp: rules of ops on sequences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;
using grad::ForwardState;
using grad::ReverseState;

namespace {
// Ops that move entries about: forward, the op on the tangent.
template <typename Model, typename OpTy> struct MoveRule : Rule<Model, OpTy> {
  static LogicalResult jvpRule(OpTy op, OpBuilder &builder,
                               ForwardState &state) {
    if (Value t = state.tangent(op.getInput()))
      state.setTangent(op.getResult(), cloneWith(builder, op, op.getInput(), t));
    return success();
  }
};

Value lengthsOf(ReverseState &state, Value lengths) {
  return lengths ? state.value(lengths) : Value();
}

SmallVector<Value> lengthsOf(ReverseState &state, OperandRange lengths) {
  return llvm::map_to_vector(lengths,
                             [&](Value value) { return state.value(value); });
}

struct ReverseRule : MoveRule<ReverseRule, ReverseOp> {
  static LogicalResult vjpRule(ReverseOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    state.accumulate(op.getInput(),
                     ReverseOp::create(builder, op.getLoc(), g.getType(), g,
                                       lengthsOf(state, op.getLengths()),
                                       op.getTimeDimAttr(),
                                       op.getBatchDimAttr()));
    return success();
  }
};

struct PickStepRule : MoveRule<PickStepRule, PickStepOp> {
  static LogicalResult vjpRule(PickStepOp op, OpBuilder &builder,
                               ReverseState &state) {
    RankedTensorType type = op.getInput().getType();
    int64_t time = op.getTimeDim();
    Value size = type.isDynamicDim(time)
                     ? sizeOf(builder, op.getLoc(), op.getInput(), time)
                     : Value();
    state.accumulate(
        op.getInput(),
        PlaceStepOp::create(builder, op.getLoc(), type, op.getWhichAttr(),
                            state.cotangent(op.getResult()),
                            lengthsOf(state, op.getLengths()), size,
                            op.getTimeDimAttr(), op.getBatchDimAttr()));
    return success();
  }
};

struct PlaceStepRule : MoveRule<PlaceStepRule, PlaceStepOp> {
  static LogicalResult vjpRule(PlaceStepOp op, OpBuilder &builder,
                               ReverseState &state) {
    state.accumulate(op.getInput(),
                     PickStepOp::create(builder, op.getLoc(), op.getWhich(),
                                        state.cotangent(op.getResult()),
                                        lengthsOf(state, op.getLengths()),
                                        op.getTimeDim(), op.getBatchDim()));
    return success();
  }
};

struct EnterRule : MoveRule<EnterRule, EnterOp> {
  static LogicalResult vjpRule(EnterOp op, OpBuilder &builder,
                               ReverseState &state) {
    state.accumulate(op.getInput(),
                     LeaveOp::create(builder, op.getLoc(),
                                     state.cotangent(op.getResult()),
                                     lengthsOf(state, op.getLengths())));
    return success();
  }
};

struct LeaveRule : MoveRule<LeaveRule, LeaveOp> {
  static LogicalResult vjpRule(LeaveOp op, OpBuilder &builder,
                               ReverseState &state) {
    state.accumulate(op.getInput(),
                     EnterOp::create(builder, op.getLoc(),
                                     state.cotangent(op.getResult()),
                                     lengthsOf(state, op.getLengths())));
    return success();
  }
};

struct ShiftRule : Rule<ShiftRule, ShiftOp> {
  static LogicalResult vjpRule(ShiftOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    Value lengths = lengthsOf(state, op.getLengths());
    int64_t by = op.getBy();
    if (state.isActive(op.getInput()))
      state.accumulate(op.getInput(),
                       ShiftOp::create(builder, op.getLoc(), g.getType(), g,
                                       Value(), lengths,
                                       builder.getI64IntegerAttr(-by),
                                       op.getTimeDimAttr(),
                                       op.getBatchDimAttr()));
    if (!op.getFill() || !state.isActive(op.getFill()))
      return success();
    // An example of length 0 has no step to be filled in.
    if (!lengths)
      g = state.maskRows(op.getResult(), g);
    state.accumulate(op.getFill(),
                     PickStepOp::create(
                         builder, op.getLoc(),
                         by == 1 ? StepKind::first : StepKind::last, g, lengths,
                         op.getTimeDim(), op.getBatchDim()));
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
  ShiftOp::attachInterface<ShiftRule>(*context);
}
