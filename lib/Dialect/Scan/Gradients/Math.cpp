// Math.cpp: rules of functions of one number.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

#include <numbers>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

namespace {
// Model::scale gives the product of a cotangent or tangent with the
// derivative; argument and result are asked for only when needed.
using Lazy = function_ref<Value()>;

template <typename Model, typename OpTy> struct UnaryRule : Rule<Model, OpTy> {
  static LogicalResult vjpRule(OpTy op, OpBuilder &builder,
                               ReverseState &state) {
    Value operand = op->getOperand(0), result = op->getResult(0);
    auto number = [&](double x) { return state.splat(result, x); };
    Calculator calc{builder, op.getLoc(), number};
    state.accumulate(operand, Model::scale(
                                  calc, state.cotangent(result),
                                  [&] { return state.value(operand); },
                                  [&] { return state.value(result); }));
    return success();
  }

  static LogicalResult jvpRule(OpTy op, OpBuilder &builder,
                               ForwardState &state) {
    Value operand = op->getOperand(0), result = op->getResult(0);
    Value tangent = state.tangent(operand);
    if (!tangent)
      return success();
    auto number = [&](double x) {
      return splatLike(builder, op.getLoc(), result, x);
    };
    Calculator calc{builder, op.getLoc(), number};
    auto times = [&](Value factor) {
      return Model::scale(
          calc, factor, [&] { return operand; }, [&] { return result; });
    };
    Value product = times(tangent);
    if (Model::saturates)
      product = zeroWhereFlat(calc, times(calc.number(1)), product);
    state.setTangent(result, product);
    return success();
  }

  /// Whether the function is flat at infinity.
  static constexpr bool saturates = false;

  // Where an argument is infinite so is its tangent, and the product with the
  // derivative's 0 would be no number. Reverse mode has the cotangent 0 there,
  // and keeps it.
  static Value zeroWhereFlat(Calculator &c, Value derivative, Value product) {
    using enum arith::CmpFPredicate;
    Value none = c.number(0);
    Value met = arith::AndIOp::create(c.builder, c.loc,
                                      c.compare(OEQ, derivative, none),
                                      c.compare(UNO, product, product));
    return c.select(met, none, product);
  }
};

struct NegRule : UnaryRule<NegRule, arith::NegFOp> {
  static Value scale(Calculator &c, Value g, Lazy, Lazy) { return c.neg(g); }
};

struct ExpRule : UnaryRule<ExpRule, math::ExpOp> {
  static constexpr bool saturates = true;
  static Value scale(Calculator &c, Value g, Lazy, Lazy y) {
    return c.mul(g, y());
  }
};

struct ExpM1Rule : UnaryRule<ExpM1Rule, math::ExpM1Op> {
  static constexpr bool saturates = true;
  static Value scale(Calculator &c, Value g, Lazy, Lazy y) {
    return c.mul(g, c.add(y(), c.number(1)));
  }
};

struct LogRule : UnaryRule<LogRule, math::LogOp> {
  static Value scale(Calculator &c, Value g, Lazy x, Lazy) {
    return c.div(g, x());
  }
};

struct Log1pRule : UnaryRule<Log1pRule, math::Log1pOp> {
  static Value scale(Calculator &c, Value g, Lazy x, Lazy) {
    return c.div(g, c.add(x(), c.number(1)));
  }
};

struct SqrtRule : UnaryRule<SqrtRule, math::SqrtOp> {
  static Value scale(Calculator &c, Value g, Lazy, Lazy y) {
    return c.div(c.mul(g, c.number(0.5)), y());
  }
};

struct RsqrtRule : UnaryRule<RsqrtRule, math::RsqrtOp> {
  static Value scale(Calculator &c, Value g, Lazy, Lazy y) {
    Value r = y();
    return c.mul(c.mul(g, c.number(-0.5)), c.mul(r, c.mul(r, r)));
  }
};

struct TanhRule : UnaryRule<TanhRule, math::TanhOp> {
  static constexpr bool saturates = true;
  static Value scale(Calculator &c, Value g, Lazy, Lazy y) {
    Value t = y();
    return c.mul(g, c.sub(c.number(1), c.mul(t, t)));
  }
};

struct SigmoidRule : UnaryRule<SigmoidRule, SigmoidOp> {
  static constexpr bool saturates = true;
  static Value scale(Calculator &c, Value g, Lazy, Lazy y) {
    Value s = y();
    return c.mul(g, c.mul(s, c.sub(c.number(1), s)));
  }
};

struct SoftplusRule : UnaryRule<SoftplusRule, SoftplusOp> {
  static constexpr bool saturates = true;
  static Value scale(Calculator &c, Value g, Lazy x, Lazy) {
    return c.mul(g, SigmoidOp::create(c.builder, c.loc, x()));
  }
};

// The bell is 0 from 30 on; without the limits its own derivative, x times it,
// would be infinity times 0 at infinity.
struct ErfRule : UnaryRule<ErfRule, math::ErfOp> {
  static constexpr bool saturates = true;
  static Value scale(Calculator &c, Value g, Lazy x, Lazy) {
    Value v = arith::MaximumFOp::create(c.builder, c.loc, x(), c.number(-30));
    v = arith::MinimumFOp::create(c.builder, c.loc, v, c.number(30));
    Value bell = math::ExpOp::create(c.builder, c.loc, c.neg(c.mul(v, v)));
    return c.mul(c.mul(g, c.number(2 * std::numbers::inv_sqrtpi)), bell);
  }
};

struct SinRule : UnaryRule<SinRule, math::SinOp> {
  static Value scale(Calculator &c, Value g, Lazy x, Lazy) {
    return c.mul(g, math::CosOp::create(c.builder, c.loc, x()));
  }
};

struct CosRule : UnaryRule<CosRule, math::CosOp> {
  static Value scale(Calculator &c, Value g, Lazy x, Lazy) {
    return c.neg(c.mul(g, math::SinOp::create(c.builder, c.loc, x())));
  }
};

// 0 at 0, whatever is behind.
struct AbsRule : UnaryRule<AbsRule, math::AbsFOp> {
  static LogicalResult vjpRule(math::AbsFOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value x = state.value(op.getOperand());
    auto number = [&](double x) { return state.splat(op.getResult(), x); };
    Calculator calc{builder, op.getLoc(), number};
    Value away = calc.compare(arith::CmpFPredicate::UNE, x, calc.number(0));
    auto support = std::make_shared<grad::Support>(/*chosen=*/false,
                                                   [away] { return away; });
    state.accumulate(
        op.getOperand(),
        scale(calc, state.cotangent(op.getResult()), [&] { return x; }, {}),
        state.both(state.supportOf(op.getResult()), support));
    return success();
  }

  static Value scale(Calculator &c, Value g, Lazy x, Lazy) {
    Value v = x(), zero = c.number(0);
    Value below = c.compare(arith::CmpFPredicate::OLT, v, zero);
    Value at = c.compare(arith::CmpFPredicate::OEQ, v, zero);
    return c.select(below, c.neg(g), c.select(at, zero, g));
  }
};
} // namespace

void scan::attachMathRules(MLIRContext *context) {
  arith::NegFOp::attachInterface<NegRule>(*context);
  math::ExpOp::attachInterface<ExpRule>(*context);
  math::ExpM1Op::attachInterface<ExpM1Rule>(*context);
  math::LogOp::attachInterface<LogRule>(*context);
  math::Log1pOp::attachInterface<Log1pRule>(*context);
  math::SqrtOp::attachInterface<SqrtRule>(*context);
  math::RsqrtOp::attachInterface<RsqrtRule>(*context);
  math::TanhOp::attachInterface<TanhRule>(*context);
  SigmoidOp::attachInterface<SigmoidRule>(*context);
  SoftplusOp::attachInterface<SoftplusRule>(*context);
  math::ErfOp::attachInterface<ErfRule>(*context);
  math::SinOp::attachInterface<SinRule>(*context);
  math::CosOp::attachInterface<CosRule>(*context);
  math::AbsFOp::attachInterface<AbsRule>(*context);
}
