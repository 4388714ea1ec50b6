// Ranges.cpp: which values may be infinite or no number.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Grad/State.h"
#include "rnnc/Dialect/Grad/Support.h"
#include "rnnc/Dialect/Scan/Scan.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

void Ranges::analyze(Block &block) {
  for (BlockArgument argument : block.getArguments())
    if (isReal(argument.getType()))
      raise(argument, Growth::Data);
  for (Operation &op : block)
    visit(op);
}

bool Ranges::raise(Value value, Growth range) {
  if (!isReal(value.getType()))
    return false;
  auto [entry, isNew] = ranges.try_emplace(value, range);
  if (isNew)
    return true;
  if (entry->second >= range)
    return false;
  entry->second = range;
  return true;
}

// What a loop reads, hands on or gives is as large as where it comes from.
bool Ranges::handOn(Value from, Value to) {
  bool changed = raise(to, of(from));
  if (isReal(to.getType()) && isOfSteps(from))
    changed |= ofSteps.insert(to).second;
  return changed;
}

// Returns whether anything was raised. What a loop carries starts low and
// rises until nothing changes.
bool Ranges::visit(Operation &op) {
  bool changed = false;
  auto loop = dyn_cast<scan::LoopOp>(op);
  if (!loop) {
    bool steps = isOfSteps(op);
    for (Value value : op.getResults()) {
      changed |= raise(value, result(op));
      if (steps && isReal(value.getType()))
        changed |= ofSteps.insert(value).second;
    }
    return changed;
  }
  scan::YieldOp yield = loop.getYield();
  bool again = true;
  while (again) {
    again = false;
    for (auto [from, to] :
         llvm::zip_equal(loop.getSlices(), loop.getSliceArgs()))
      again |= handOn(from, to);
    for (auto [first, next, carry] : llvm::zip_equal(
             loop.getFirsts(), yield.getCarries(), loop.getCarryArgs())) {
      again |= handOn(first, carry);
      again |= handOn(next, carry);
    }
    for (Operation &inner : *loop.getBodyBlock())
      again |= visit(inner);
    changed |= again;
  }
  for (auto [from, to] :
       llvm::zip_equal(yield.getStacks(), loop.getStackResults()))
    changed |= handOn(from, to);
  for (auto [from, to] :
       llvm::zip_equal(loop.getCarryArgs(), loop.getFinalResults()))
    changed |= handOn(from, to);
  return changed;
}

//===-- Patterns
//-----------------------------------------------------------===//

static bool isNotNegative(Value value, unsigned depth = 8) {
  if (std::optional<double> number = scan::getSplat(value))
    return *number >= 0;
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return false;
  auto all = [&] {
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      return !isReal(operand.getType()) || isNotNegative(operand, depth - 1);
    });
  };
  if (isa<math::ExpOp, math::AbsFOp, scan::SigmoidOp, scan::SoftplusOp,
          scan::RandomOp>(op))
    return true;
  if (isa<arith::MulFOp>(op))
    return op->getOperand(0) == op->getOperand(1) || all();
  if (auto reduce = dyn_cast<scan::ReduceOp>(op))
    return reduce.getKind() == scan::ReduceKind::sum && all();
  return isa<arith::AddFOp, scan::BroadcastOp, scan::TransposeOp, scan::MaskOp,
             tensor::ExtractSliceOp>(op) &&
         all();
}

// A sum of something not negative and a positive number.
static bool isPositive(Value value) {
  if (std::optional<double> number = scan::getSplat(value))
    return *number > 0;
  auto add = value.getDefiningOp<arith::AddFOp>();
  if (!add)
    return false;
  auto isNumber = [](Value operand) {
    std::optional<double> number = scan::getSplat(operand);
    return number && *number > 0;
  };
  return (isNumber(add.getLhs()) && isNotNegative(add.getRhs())) ||
         (isNumber(add.getRhs()) && isNotNegative(add.getLhs()));
}

// exp(x - logsumexp(x)) is at most 1.
static bool isSoftmax(math::ExpOp op) {
  auto sub = op.getOperand().getDefiningOp<arith::SubFOp>();
  auto wide = sub ? sub.getRhs().getDefiningOp<scan::BroadcastOp>() : nullptr;
  auto norm = wide ? wide.getInput().getDefiningOp<scan::ReduceOp>() : nullptr;
  return norm && norm.getKind() == scan::ReduceKind::logsumexp &&
         norm.getInput() == sub.getLhs();
}

static Growth ofConstant(arith::ConstantOp op) {
  auto elements = dyn_cast<DenseFPElementsAttr>(op.getValue());
  if (!elements || llvm::all_of(elements.getValues<APFloat>(),
                                [](const APFloat &x) { return x.isFinite(); }))
    return Growth::Bounded;
  return Growth::Wild;
}

// Over a fixed axis a maximum exists; over time there may be no step.
static bool isNeverEmpty(scan::ReduceOp op) {
  return llvm::all_of(op.getDims(), [&](int64_t dim) {
    return !op.getInput().getType().isDynamicDim(dim);
  });
}

//===-- Ops
//----------------------------------------------------------------===//

// The shares of the steps are not: nobody reads those of no step.
bool Ranges::isOfSteps(Operation &op) const {
  if (auto reduce = dyn_cast<scan::ReduceOp>(op))
    if (reduce.getKind() != scan::ReduceKind::sum &&
        reduce.getKind() != scan::ReduceKind::prod && !isNeverEmpty(reduce))
      return true;
  if (auto exp = dyn_cast<math::ExpOp>(op); exp && isSoftmax(exp))
    return isOfSteps(exp.getOperand().getDefiningOp()->getOperand(0));
  return llvm::any_of(op.getOperands(),
                      [&](Value operand) { return isOfSteps(operand); });
}

Growth Ranges::largestOperand(Operation &op) const {
  Growth largest = Growth::Bounded;
  for (Value operand : op.getOperands())
    if (isReal(operand.getType()))
      largest = std::max(largest, of(operand));
  return largest;
}

Growth Ranges::result(Operation &op) const {
  Growth range = largestOperand(op);
  auto orWild = [&](bool safe, Growth least) {
    return safe ? std::max(range, least) : Growth::Wild;
  };
  return llvm::TypeSwitch<Operation *, Growth>(&op)
      .Case([&](arith::ConstantOp op) { return ofConstant(op); })
      .Case<scan::RandomOp, scan::SigmoidOp, math::TanhOp, math::SinOp,
            math::CosOp, math::ErfOp>([&](Operation *) {
        return range >= Growth::Data ? range : Growth::Bounded;
      })
      .Case([&](arith::MulFOp op) {
        Growth low = std::min(of(op.getLhs()), of(op.getRhs()));
        return low == Growth::Bounded ? range
                                      : std::max(range, Growth::Product);
      })
      .Case([&](arith::DivFOp op) {
        return orWild(isPositive(op.getRhs()), Growth::Tame);
      })
      .Case([&](math::ExpOp op) {
        return orWild(range == Growth::Bounded || isSoftmax(op),
                      Growth::Bounded);
      })
      .Case<math::LogOp, math::SqrtOp>([&](Operation *op) {
        return orWild(isPositive(op->getOperand(0)), Growth::Tame);
      })
      .Case([&](math::RsqrtOp op) {
        return isPositive(op.getOperand()) && range != Growth::Wild
                   ? Growth::Bounded
                   : Growth::Wild;
      })
      .Case<math::ExpM1Op, math::Log1pOp, math::PowFOp>(
          [&](Operation *) { return Growth::Wild; })
      .Case([&](scan::MaskOp op) {
        bool finite = std::isfinite(op.getFill().convertToDouble());
        return finite ? range : Growth::Wild;
      })
      .Case([&](scan::ReduceOp op) {
        if (op.getKind() == scan::ReduceKind::sum)
          return std::max(range, Growth::Tame);
        if (op.getKind() == scan::ReduceKind::prod)
          return std::max(range, Growth::Product);
        return orWild(isNeverEmpty(op), Growth::Bounded);
      })
      .Case<arith::AddFOp, arith::SubFOp, scan::SoftplusOp, scan::DotOp,
            scan::ScatterAddOp>(
          [&](Operation *) { return std::max(range, Growth::Tame); })
      .Default([&](Operation *) { return range; });
}

bool Ranges::hasWildSlope(Operation *op, bool chosen) const {
  Growth least = chosen ? Growth::Data : Growth::Product;
  auto anyFrom = [&](ValueRange values) {
    return llvm::any_of(values,
                        [&](Value value) { return of(value) >= least; });
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      // Linear, or a choice.
      .Case<arith::AddFOp, arith::SubFOp, arith::NegFOp, arith::SelectOp,
            arith::ExtFOp, arith::TruncFOp, arith::MaximumFOp,
            arith::MinimumFOp, math::AbsFOp, scan::StopOp, scan::ClipGradOp>(
          [](Operation *) { return false; })
      .Case<arith::MulFOp, math::TanhOp, math::SinOp, math::CosOp, math::ErfOp,
            scan::SigmoidOp, scan::SoftplusOp>(
          [&](Operation *op) { return anyFrom(op->getOperands()); })
      .Default([&](Operation *op) {
        return anyFrom(op->getOperands()) || anyFrom(op->getResults());
      });
}
