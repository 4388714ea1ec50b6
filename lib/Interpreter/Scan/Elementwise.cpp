// Elementwise.cpp: ops that treat each number alike, scalars included.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Evaluator.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace rnnc::interpreter {

using Unary = double (*)(double);
using Binary = double (*)(double, double);

static double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

static double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

static Unary unaryOf(Operation &op) {
  auto same = [](double x) { return x; };
  return llvm::TypeSwitch<Operation *, Unary>(&op)
      .Case<arith::NegFOp>([](auto) { return [](double x) { return -x; }; })
      .Case<arith::SIToFPOp, arith::UIToFPOp, arith::IndexCastOp, arith::ExtFOp,
            arith::TruncFOp, arith::ExtSIOp, arith::ExtUIOp, arith::FPToSIOp,
            scan::StopOp, scan::ClipGradOp>([&](auto) { return Unary(same); })
      .Case([](math::ExpOp) { return [](double x) { return std::exp(x); }; })
      .Case(
          [](math::ExpM1Op) { return [](double x) { return std::expm1(x); }; })
      .Case([](math::LogOp) { return [](double x) { return std::log(x); }; })
      .Case(
          [](math::Log1pOp) { return [](double x) { return std::log1p(x); }; })
      .Case([](math::SqrtOp) { return [](double x) { return std::sqrt(x); }; })
      .Case([](math::RsqrtOp) {
        return [](double x) { return 1 / std::sqrt(x); };
      })
      .Case([](math::TanhOp) { return [](double x) { return std::tanh(x); }; })
      .Case([](math::ErfOp) { return [](double x) { return std::erf(x); }; })
      .Case([](math::SinOp) { return [](double x) { return std::sin(x); }; })
      .Case([](math::CosOp) { return [](double x) { return std::cos(x); }; })
      .Case([](math::AbsFOp) { return [](double x) { return std::fabs(x); }; })
      .Case(
          [](math::FloorOp) { return [](double x) { return std::floor(x); }; })
      .Case([](math::CeilOp) { return [](double x) { return std::ceil(x); }; })
      .Case([](math::RoundEvenOp) {
        return [](double x) { return std::nearbyint(x); };
      })
      .Case([](scan::SigmoidOp) { return sigmoid; })
      .Case([](scan::SoftplusOp) { return softplus; })
      .Default([](Operation *) { return Unary(nullptr); });
}

template <typename Predicate> static Binary compareOf(Predicate predicate) {
  switch (predicate) {
  case Predicate::slt:
  case Predicate::ult:
    return [](double x, double y) { return double(x < y); };
  case Predicate::sle:
  case Predicate::ule:
    return [](double x, double y) { return double(x <= y); };
  case Predicate::sgt:
  case Predicate::ugt:
    return [](double x, double y) { return double(x > y); };
  case Predicate::sge:
  case Predicate::uge:
    return [](double x, double y) { return double(x >= y); };
  case Predicate::eq:
    return [](double x, double y) { return double(x == y); };
  case Predicate::ne:
    return [](double x, double y) { return double(x != y); };
  }
  llvm_unreachable("all predicates are handled");
}

static Binary compareReal(arith::CmpFPredicate predicate) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::OLT:
    return [](double x, double y) { return double(x < y); };
  case P::OLE:
    return [](double x, double y) { return double(x <= y); };
  case P::OGT:
    return [](double x, double y) { return double(x > y); };
  case P::OGE:
    return [](double x, double y) { return double(x >= y); };
  case P::OEQ:
    return [](double x, double y) { return double(x == y); };
  case P::ONE:
    return [](double x, double y) { return double(x < y || x > y); };
  case P::UNE:
    return [](double x, double y) { return double(x != y); };
  case P::ULT:
    return [](double x, double y) { return double(!(x >= y)); };
  case P::ULE:
    return [](double x, double y) { return double(!(x > y)); };
  case P::UGT:
    return [](double x, double y) { return double(!(x <= y)); };
  case P::UGE:
    return [](double x, double y) { return double(!(x < y)); };
  case P::UEQ:
    return [](double x, double y) { return double(!(x < y || x > y)); };
  case P::ORD:
    return [](double x, double y) { return double(x == x && y == y); };
  case P::UNO:
    return [](double x, double y) { return double(x != x || y != y); };
  case P::AlwaysTrue:
    return [](double, double) { return 1.0; };
  case P::AlwaysFalse:
    return [](double, double) { return 0.0; };
  }
  llvm_unreachable("all predicates are handled");
}

static double maximum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return std::numeric_limits<double>::quiet_NaN();
  return x >= y ? x : y;
}

static double minimum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return std::numeric_limits<double>::quiet_NaN();
  return x <= y ? x : y;
}

static Binary binaryOf(Operation &op) {
  return llvm::TypeSwitch<Operation *, Binary>(&op)
      .Case<arith::AddFOp, arith::AddIOp>(
          [](auto) { return [](double x, double y) { return x + y; }; })
      .Case<arith::SubFOp, arith::SubIOp>(
          [](auto) { return [](double x, double y) { return x - y; }; })
      .Case<arith::MulFOp, arith::MulIOp>(
          [](auto) { return [](double x, double y) { return x * y; }; })
      .Case([](arith::DivFOp) {
        return [](double x, double y) { return x / y; };
      })
      .Case<arith::FloorDivSIOp>([](auto) {
        return [](double x, double y) { return std::floor(x / y); };
      })
      .Case<arith::CeilDivSIOp>([](auto) {
        return [](double x, double y) { return std::ceil(x / y); };
      })
      .Case<arith::DivSIOp, arith::DivUIOp>([](auto) {
        return [](double x, double y) { return std::trunc(x / y); };
      })
      .Case<arith::RemSIOp, arith::RemUIOp>([](auto) {
        return [](double x, double y) { return std::fmod(x, y); };
      })
      .Case<arith::AndIOp>([](auto) {
        return
            [](double x, double y) { return double(int64_t(x) & int64_t(y)); };
      })
      .Case<arith::OrIOp>([](auto) {
        return
            [](double x, double y) { return double(int64_t(x) | int64_t(y)); };
      })
      .Case<arith::XOrIOp>([](auto) {
        return
            [](double x, double y) { return double(int64_t(x) ^ int64_t(y)); };
      })
      .Case<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(
          [](auto) { return maximum; })
      .Case<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(
          [](auto) { return minimum; })
      .Case([](math::PowFOp) {
        return [](double x, double y) { return std::pow(x, y); };
      })
      .Case([](arith::CmpFOp op) { return compareReal(op.getPredicate()); })
      .Case([](arith::CmpIOp op) { return compareOf(op.getPredicate()); })
      .Default([](Operation *) { return Binary(nullptr); });
}

bool Evaluator::elementwise(Operation &op) {
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    const Tensor &c = get(select.getCondition());
    const Tensor &x = get(select.getTrueValue()),
                 &y = get(select.getFalseValue());
    Tensor result(x.shape);
    for (int64_t i = 0; i < result.size(); ++i)
      result.data[i] =
          c.data[c.size() == 1 ? 0 : i] != 0 ? x.data[i] : y.data[i];
    set(select, std::move(result));
    return true;
  }
  if (Unary function = unaryOf(op)) {
    Tensor result = get(op.getOperand(0));
    for (double &number : result.data)
      number = function(number);
    set(op.getResult(0), std::move(result));
    return true;
  }
  if (Binary function = binaryOf(op)) {
    Tensor result = get(op.getOperand(0));
    const Tensor &y = get(op.getOperand(1));
    for (int64_t i = 0; i < result.size(); ++i)
      result.data[i] = function(result.data[i], y.data[i]);
    set(op.getResult(0), std::move(result));
    return true;
  }
  return false;
}

} // namespace rnnc::interpreter
