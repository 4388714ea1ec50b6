// Elementwise.cpp: rules of arith ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Rules.h"

#include "rnnc/Dialect/Scan/Gradients.h"

#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;
using grad::Support;
using grad::SupportRef;

Value scan::cloneWith(OpBuilder &builder, Operation *op, Value operand,
                      Value tangent) {
  Operation *copy = builder.clone(*op);
  copy->replaceUsesOfWith(operand, tangent);
  return copy->getResult(0);
}

// Whether a comparison holds for no pair with what is no number.
static bool isOrdered(arith::CmpFPredicate predicate) {
  return llvm::is_contained(
      {arith::CmpFPredicate::OLE, arith::CmpFPredicate::OLT,
       arith::CmpFPredicate::OGE, arith::CmpFPredicate::OGT},
      predicate);
}

// A comparison of the two values themselves that gives way to what is no
// number is a maximum or minimum, as is a `relu`, whose other value is a
// number; a random number makes a dropout. Anything else says which examples
// and steps count.
bool scan::isProgramsChoice(arith::SelectOp op) {
  std::optional<double> number = getSplat(op.getTrueValue());
  auto isOwn = [&](Value operand) {
    return operand == op.getTrueValue() || operand == op.getFalseValue() ||
           (number && getSplat(operand) == number);
  };
  bool isExtreme = false, isRandom = false;
  SmallVector<Value> parts = {op.getCondition()};
  while (!parts.empty()) {
    Operation *part = parts.pop_back_val().getDefiningOp();
    if (isa_and_nonnull<arith::OrIOp>(part)) {
      llvm::append_range(parts, part->getOperands());
      continue;
    }
    auto compare = dyn_cast_or_null<arith::CmpFOp>(part);
    if (!compare)
      return true;
    bool random = llvm::any_of(compare->getOperands(), [](Value operand) {
      return operand.getDefiningOp<RandomOp>() != nullptr;
    });
    if (!random && !llvm::all_of(compare->getOperands(), isOwn))
      return true;
    isRandom |= random;
    isExtreme |= compare.getPredicate() == arith::CmpFPredicate::UNO ||
                 (number && isOrdered(compare.getPredicate()));
  }
  return !isExtreme && !isRandom;
}

namespace {
// Rules of binary ops: Model::left and Model::right give the product of a
// cotangent or tangent with the derivative by one operand; a, b and the result
// are asked for only when needed.
struct Operands {
  function_ref<Value()> a, b, result;
};

template <typename Model, typename OpTy> struct BinaryRule : Rule<Model, OpTy> {
  static LogicalResult vjpRule(OpTy op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    auto number = [&](double x) { return state.splat(op.getResult(), x); };
    Calculator calc{builder, op.getLoc(), number};
    auto a = [&] { return state.value(op.getLhs()); };
    auto b = [&] { return state.value(op.getRhs()); };
    auto result = [&] { return state.value(op.getResult()); };
    if (state.isActive(op.getLhs()))
      state.accumulate(op.getLhs(), Model::left(calc, g, {a, b, result}));
    if (state.isActive(op.getRhs()))
      state.accumulate(op.getRhs(), Model::right(calc, g, {a, b, result}));
    return success();
  }

  static LogicalResult jvpRule(OpTy op, OpBuilder &builder,
                               ForwardState &state) {
    auto number = [&](double x) {
      return splatLike(builder, op.getLoc(), op.getResult(), x);
    };
    Calculator calc{builder, op.getLoc(), number};
    auto a = [&]() -> Value { return op.getLhs(); };
    auto b = [&]() -> Value { return op.getRhs(); };
    auto result = [&]() -> Value { return op.getResult(); };
    Value sum;
    if (Value t = state.tangent(op.getLhs()))
      sum = Model::left(calc, t, {a, b, result});
    if (Value t = state.tangent(op.getRhs())) {
      Value part = Model::right(calc, t, {a, b, result});
      sum = sum ? calc.add(sum, part) : part;
    }
    state.setTangent(op.getResult(), sum);
    return success();
  }
};

struct AddRule : BinaryRule<AddRule, arith::AddFOp> {
  static Value left(Calculator &, Value g, Operands) { return g; }
  static Value right(Calculator &, Value g, Operands) { return g; }
};

struct SubRule : BinaryRule<SubRule, arith::SubFOp> {
  static Value left(Calculator &, Value g, Operands) { return g; }
  static Value right(Calculator &c, Value g, Operands) { return c.neg(g); }
};

struct MulRule : BinaryRule<MulRule, arith::MulFOp> {
  static Value left(Calculator &c, Value g, Operands x) {
    return c.mul(g, x.b());
  }
  static Value right(Calculator &c, Value g, Operands x) {
    return c.mul(g, x.a());
  }
};

struct DivRule : BinaryRule<DivRule, arith::DivFOp> {
  static Value left(Calculator &c, Value g, Operands x) {
    return c.div(g, x.b());
  }
  static Value right(Calculator &c, Value g, Operands x) {
    return c.neg(c.div(c.mul(g, x.result()), x.b()));
  }
};

// max and min: at a tie the first operand is the one that was taken.
template <typename Model, typename OpTy, arith::CmpFPredicate Beyond>
struct ExtremeRule : BinaryRule<Model, OpTy> {
  static LogicalResult vjpRule(OpTy op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    auto number = [&](double x) { return state.splat(op.getResult(), x); };
    Calculator calc{builder, op.getLoc(), number};
    for (bool first : {true, false}) {
      Value operand = first ? op.getLhs() : op.getRhs();
      if (!state.isActive(operand))
        continue;
      Value taken =
          calc.compare(first ? arith::CmpFPredicate::OEQ : Beyond,
                       state.value(op.getResult()), state.value(op.getLhs()));
      auto support = std::make_shared<Support>(/*chosen=*/false,
                                               [taken] { return taken; });
      state.accumulate(operand, calc.select(taken, g, calc.number(0)),
                       state.both(state.supportOf(op.getResult()), support));
    }
    return success();
  }

  static Value left(Calculator &c, Value g, Operands x) {
    Value taken = c.compare(arith::CmpFPredicate::OEQ, x.result(), x.a());
    return c.select(taken, g, c.number(0));
  }
  static Value right(Calculator &c, Value g, Operands x) {
    return c.select(c.compare(Beyond, x.result(), x.a()), g, c.number(0));
  }
};

struct MaxRule
    : ExtremeRule<MaxRule, arith::MaximumFOp, arith::CmpFPredicate::OGT> {};
struct MinRule
    : ExtremeRule<MinRule, arith::MinimumFOp, arith::CmpFPredicate::OLT> {};

struct PowRule : BinaryRule<PowRule, math::PowFOp> {
  static Value left(Calculator &c, Value g, Operands x) {
    Value exponent = x.b();
    std::optional<double> constant = getSplat(exponent);
    if (constant == 1.0)
      return g;
    // x^0 is 1 for every x.
    if (constant == 0.0)
      return c.number(0);
    Value scaled = c.mul(g, exponent);
    if (constant == 2.0)
      return c.mul(scaled, x.a());
    Value lower =
        constant ? c.number(*constant - 1) : c.sub(exponent, c.number(1));
    Value power = math::PowFOp::create(c.builder, c.loc, x.a(), lower);
    Value product = c.mul(scaled, power);
    if (constant)
      return product;
    // x^0 is 1 and x^infinity 0 or infinite for every x next to this one: only
    // these exponents are twice themselves.
    Value same = c.compare(arith::CmpFPredicate::OEQ, c.add(exponent, exponent),
                           exponent);
    return c.select(same, c.number(0), product);
  }
  static Value right(Calculator &c, Value g, Operands x) {
    // Where the base is not positive the derivative is 0 or does not exist.
    Value zero = c.number(0);
    Value base = x.a();
    Value none = c.compare(arith::CmpFPredicate::OLE, base, zero);
    Value log = math::LogOp::create(c.builder, c.loc,
                                    c.select(none, c.number(1), base));
    return c.select(none, zero, c.mul(c.mul(g, x.result()), log));
  }
};

struct SelectRule : Rule<SelectRule, arith::SelectOp> {
  static SupportRef whereTaken(arith::SelectOp op, bool first,
                               ReverseState &state) {
    if (!isa<RankedTensorType>(op.getCondition().getType()))
      return {};
    return std::make_shared<Support>(
        isProgramsChoice(op), [op, first, &state]() mutable -> Value {
          Value condition = state.value(op.getCondition());
          if (first)
            return condition;
          Location loc = op.getLoc();
          Value yes = splat(state.getBuilder(), loc,
                            cast<RankedTensorType>(condition.getType()),
                            state.sizes(op.getResult()), 1);
          return arith::XOrIOp::create(state.getBuilder(), loc, condition, yes);
        });
  }

  static LogicalResult vjpRule(arith::SelectOp op, OpBuilder &builder,
                               ReverseState &state) {
    Value g = state.cotangent(op.getResult());
    Value condition = state.value(op.getCondition());
    auto part = [&](Value operand, bool first) {
      if (!state.isActive(operand))
        return;
      Value zero = state.zeros(op.getResult());
      state.accumulate(operand,
                       arith::SelectOp::create(builder, op.getLoc(), condition,
                                               first ? g : zero,
                                               first ? zero : g),
                       state.both(state.supportOf(op.getResult()),
                                  whereTaken(op, first, state)));
    };
    part(op.getTrueValue(), true);
    part(op.getFalseValue(), false);
    return success();
  }

  static LogicalResult jvpRule(arith::SelectOp op, OpBuilder &builder,
                               ForwardState &state) {
    Value a = state.tangent(op.getTrueValue());
    Value b = state.tangent(op.getFalseValue());
    if (!a && !b)
      return success();
    Value zero = splatLike(builder, op.getLoc(), op.getResult(), 0);
    state.setTangent(op.getResult(),
                     arith::SelectOp::create(builder, op.getLoc(),
                                             op.getCondition(), a ? a : zero,
                                             b ? b : zero));
    return success();
  }
};

// Changes of precision.
template <typename OpTy, typename Inverse>
struct ConvertRule : LinearRule<ConvertRule<OpTy, Inverse>, OpTy> {
  static Value adjoint(OpTy op, Value g, OpBuilder &builder, ReverseState &) {
    return Inverse::create(builder, op.getLoc(), op.getIn().getType(), g);
  }
};
} // namespace

void scan::attachElementwiseRules(MLIRContext *context) {
  arith::AddFOp::attachInterface<AddRule>(*context);
  arith::SubFOp::attachInterface<SubRule>(*context);
  arith::MulFOp::attachInterface<MulRule>(*context);
  arith::DivFOp::attachInterface<DivRule>(*context);
  arith::MaximumFOp::attachInterface<MaxRule>(*context);
  arith::MinimumFOp::attachInterface<MinRule>(*context);
  math::PowFOp::attachInterface<PowRule>(*context);
  arith::SelectOp::attachInterface<SelectRule>(*context);
  arith::ExtFOp::attachInterface<ConvertRule<arith::ExtFOp, arith::TruncFOp>>(
      *context);
  arith::TruncFOp::attachInterface<ConvertRule<arith::TruncFOp, arith::ExtFOp>>(
      *context);
}

void scan::registerGradients(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, ScanDialect *,
                            arith::ArithDialect *, math::MathDialect *,
                            tensor::TensorDialect *) {
    attachElementwiseRules(context);
    attachMathRules(context);
    attachTensorRules(context);
    attachShapeRules(context);
    attachSequenceRules(context);
    attachReduceRules(context);
    attachProductRules(context);
    attachLoopRules(context);
  });
}
