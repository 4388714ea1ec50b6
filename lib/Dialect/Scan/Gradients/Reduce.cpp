// Reduce.cpp: rules of reductions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

#include <limits>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;
using grad::Support;
using grad::SupportRef;

namespace {
// Products with the derivative of the result by each entry of the operand, x
// and y being the operand and the result.
struct Derivative {
  Calculator &calc;
  ReduceOp op;
  function_ref<Value(Value)> repeat;

  Value sum(Value tensor) {
    return ReduceOp::create(calc.builder, calc.loc, ReduceKind::sum, tensor,
                            op.getDims());
  }

  // Shared evenly among all entries that reach the extreme value. A choice, as
  // the others may have any cotangent or tangent. None reaches a NaN, which
  // stays one.
  Value extreme(Value g, Value x, Value y) {
    Value one = calc.number(1), zero = calc.number(0);
    Value extremes = repeat(y);
    Value reached = calc.compare(arith::CmpFPredicate::OEQ, x, extremes);
    Value count = repeat(sum(calc.select(reached, one, zero)));
    Value other =
        calc.select(calc.compare(arith::CmpFPredicate::ORD, extremes, extremes),
                    zero, extremes);
    return calc.select(reached, calc.div(g, count), other);
  }

  // Where no entry is possible, none has a share: minus infinity less itself is
  // no number.
  Value logsumexp(Value x, Value y) {
    Value all = repeat(y);
    Value none =
        calc.compare(arith::CmpFPredicate::OEQ, all,
                     calc.number(-std::numeric_limits<double>::infinity()));
    Value from = calc.select(none, calc.number(0), all);
    return math::ExpOp::create(calc.builder, calc.loc, calc.sub(x, from));
  }

  // The product of the other entries, also where entries are zero.
  Value product(Value x) {
    Value one = calc.number(1), zero = calc.number(0);
    Value isZero = calc.compare(arith::CmpFPredicate::OEQ, x, zero);
    Value nonzero = calc.select(isZero, one, x);
    Value zeros = repeat(sum(calc.select(isZero, one, zero)));
    Value rest = repeat(ReduceOp::create(
        calc.builder, calc.loc, ReduceKind::prod, nonzero, op.getDims()));
    Value others = calc.div(rest, nonzero);
    Value none = calc.compare(arith::CmpFPredicate::OEQ, zeros, zero);
    Value only = calc.compare(arith::CmpFPredicate::OEQ, zeros, one);
    Value here = calc.select(isZero, others, zero);
    return calc.select(none, others, calc.select(only, here, zero));
  }

  Value scale(Value g, Value x, function_ref<Value()> y) {
    switch (op.getKind()) {
    case ReduceKind::sum:
      return g;
    case ReduceKind::max:
    case ReduceKind::min:
      return extreme(g, x, y());
    case ReduceKind::logsumexp:
      return calc.mul(g, logsumexp(x, y()));
    case ReduceKind::prod:
      return calc.mul(g, product(x));
    }
    llvm_unreachable("all kinds are handled");
  }
};

struct ReduceRule : Rule<ReduceRule, ReduceOp> {
  static SmallVector<int64_t> keptDims(ReduceOp op) {
    SmallVector<int64_t> kept;
    for (int64_t dim = 0; dim < op.getInput().getType().getRank(); ++dim)
      if (!llvm::is_contained(op.getDims(), dim))
        kept.push_back(dim);
    return kept;
  }

  static SupportRef supportOf(ReduceOp op, ReverseState &state) {
    SupportRef support = state.supportOf(op.getResult());
    if (!support)
      return {};
    return std::make_shared<Support>(
        support->isChosen(), [op, support, &state]() mutable {
          return state.widen(support->get(), op.getInput(), keptDims(op));
        });
  }

  // Entries that are not the largest have no cotangent.
  static SupportRef whereReached(ReduceOp op, ReverseState &state) {
    return std::make_shared<Support>(
        /*chosen=*/false, [op, &state]() mutable -> Value {
          OpBuilder &builder = state.getBuilder();
          Value repeated =
              BroadcastOp::create(builder, op.getLoc(), op.getInput().getType(),
                                  state.value(op.getResult()),
                                  state.sizes(op.getInput()), keptDims(op));
          return arith::CmpFOp::create(builder, op.getLoc(),
                                       arith::CmpFPredicate::OEQ,
                                       state.value(op.getInput()), repeated);
        });
  }

  static bool hasWildSlope(ReduceOp op, bool chosen, ReverseState &state) {
    grad::Growth least = chosen ? grad::Growth::Data : grad::Growth::Product;
    return op.getKind() == ReduceKind::prod ||
           state.getRanges().of(op.getInput()) >= least;
  }

  static LogicalResult vjpRule(ReduceOp op, OpBuilder &builder,
                               ReverseState &state) {
    Location loc = op.getLoc();
    auto number = [&](double x) { return state.splat(op.getInput(), x); };
    Calculator calc{builder, loc, number};
    SmallVector<Value> sizes = state.sizes(op.getInput());
    auto repeat = [&](Value small) -> Value {
      return BroadcastOp::create(builder, loc, op.getInput().getType(), small,
                                 sizes, keptDims(op));
    };
    Value repeated = repeat(state.cotangent(op.getResult())), g = repeated;
    SupportRef support = supportOf(op, state);
    if (op.getKind() != ReduceKind::sum) {
      Value x = state.value(op.getInput());
      auto y = [&] { return state.value(op.getResult()); };
      g = Derivative{calc, op, repeat}.scale(g, x, y);
      if (support && hasWildSlope(op, support->isChosen(), state))
        g = state.keepWhere(support, op.getInput(), g);
      if (state.getRanges().isOfSteps(op.getInput()))
        g = state.keepZeros(repeated, op.getInput(), g);
    }
    bool extreme =
        op.getKind() == ReduceKind::max || op.getKind() == ReduceKind::min;
    state.accumulate(op.getInput(), g,
                     extreme ? state.both(support, whereReached(op, state))
                             : support);
    return success();
  }

  static LogicalResult jvpRule(ReduceOp op, OpBuilder &builder,
                               ForwardState &state) {
    Value t = state.tangent(op.getInput());
    if (!t)
      return success();
    Location loc = op.getLoc();
    auto number = [&](double x) {
      return splatLike(builder, loc, op.getInput(), x);
    };
    Calculator calc{builder, loc, number};
    SmallVector<Value> sizes = dynamicSizes(builder, loc, op.getInput());
    auto repeat = [&](Value small) -> Value {
      return BroadcastOp::create(builder, loc, op.getInput().getType(), small,
                                 sizes, keptDims(op));
    };
    auto y = [&]() -> Value { return op.getResult(); };
    t = Derivative{calc, op, repeat}.scale(t, op.getInput(), y);
    state.setTangent(
        op.getResult(),
        ReduceOp::create(builder, loc, ReduceKind::sum, t, op.getDims()));
    return success();
  }
};
} // namespace

void scan::attachReduceRules(MLIRContext *context) {
  ReduceOp::attachInterface<ReduceRule>(*context);
}
