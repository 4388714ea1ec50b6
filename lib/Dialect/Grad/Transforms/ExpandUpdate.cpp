// ExpandUpdate.cpp: updates as arithmetic, with torch.optim's formulas.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Arena.h"

#include "rnnc/Dialect/Grad/Transforms/Passes.h"

#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::grad;

namespace rnnc::grad {
#define GEN_PASS_DEF_GRADEXPANDUPDATE
#include "rnnc/Dialect/Grad/Transforms/Passes.h.inc"
} // namespace rnnc::grad

static double numberOf(const APFloat &value) { return value.convertToDouble(); }

// The gradient of the weights' own norm, added to the gradient.
static Value withDecay(Arena &arena, Value grads, Value params, double decay) {
  return decay == 0 ? grads : arena.add(grads, arena.mul(params, decay));
}

static SmallVector<Value> expandSgd(SgdOp op, Arena &arena) {
  double momentum = numberOf(op.getMomentum());
  Value params = op.getParams();
  Value direction =
      withDecay(arena, op.getGrads(), params, numberOf(op.getWeightDecay()));
  SmallVector<Value> results(1);
  if (!op.getSlots().empty()) {
    Value buffer =
        arena.add(arena.mul(op.getSlots().front(), momentum), direction);
    results.push_back(buffer);
    direction = op.getNesterov()
                    ? arena.add(direction, arena.mul(buffer, momentum))
                    : buffer;
  }
  Value rate = arena.spread(op.getRate(), params);
  results.front() = arena.sub(params, arena.mul(rate, direction));
  return results;
}

// 1 - beta^step
static Value correction(Arena &arena, Value step, double beta) {
  Value power = arena.exp(arena.mul(step, std::log(beta)));
  return arena.sub(arena.number(1, power), power);
}

static SmallVector<Value> expandAdam(AdamOp op, Arena &arena) {
  double beta1 = numberOf(op.getBeta1()), beta2 = numberOf(op.getBeta2());
  double decay = numberOf(op.getWeightDecay());
  Value params = op.getParams(), grads = op.getGrads();
  if (op.getDecoupled() && decay != 0) {
    Value rate = op.getRate();
    Value keep = arena.sub(arena.number(1, rate), arena.mul(rate, decay));
    params = arena.mul(params, arena.spread(keep, params));
  } else {
    grads = withDecay(arena, grads, params, decay);
  }
  Value first = op.getSlots()[0], second = op.getSlots()[1];
  first = arena.add(first, arena.mul(arena.sub(grads, first), 1 - beta1));
  second = arena.add(arena.mul(second, beta2),
                     arena.mul(arena.mul(grads, grads), 1 - beta2));
  Value size = arena.div(op.getRate(), correction(arena, op.getStep(), beta1));
  Value root = arena.sqrt(correction(arena, op.getStep(), beta2));
  Value below =
      arena.add(arena.div(arena.sqrt(second), arena.spread(root, second)),
                numberOf(op.getEps()));
  Value step = arena.mul(arena.spread(size, params), arena.div(first, below));
  return {arena.sub(params, step), first, second};
}

static SmallVector<Value> expandRmsprop(RmspropOp op, Arena &arena) {
  double alpha = numberOf(op.getAlpha());
  Value params = op.getParams();
  Value grads =
      withDecay(arena, op.getGrads(), params, numberOf(op.getWeightDecay()));
  Value square = arena.add(arena.mul(op.getSlots().front(), alpha),
                           arena.mul(arena.mul(grads, grads), 1 - alpha));
  Value direction =
      arena.div(grads, arena.add(arena.sqrt(square), numberOf(op.getEps())));
  SmallVector<Value> results = {Value(), square};
  if (op.getSlots().size() == 2) {
    direction = arena.add(
        arena.mul(op.getSlots()[1], numberOf(op.getMomentum())), direction);
    results.push_back(direction);
  }
  Value rate = arena.spread(op.getRate(), params);
  results.front() = arena.sub(params, arena.mul(rate, direction));
  return results;
}

static SmallVector<Value> expandAdagrad(AdagradOp op, Arena &arena) {
  Value params = op.getParams(), rate = op.getRate();
  Value grads =
      withDecay(arena, op.getGrads(), params, numberOf(op.getWeightDecay()));
  double slower = numberOf(op.getLrDecay());
  if (slower != 0)
    rate = arena.div(
        rate, arena.add(arena.mul(arena.add(op.getStep(), -1.0), slower), 1.0));
  Value sum = arena.add(op.getSlots().front(), arena.mul(grads, grads));
  Value direction =
      arena.div(grads, arena.add(arena.sqrt(sum), numberOf(op.getEps())));
  Value now =
      arena.sub(params, arena.mul(arena.spread(rate, params), direction));
  return {now, sum};
}

namespace {
struct ExpandUpdate : grad::impl::GradExpandUpdateBase<ExpandUpdate> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<Expansion<SgdOp>>(context, expandSgd);
    patterns.add<Expansion<AdamOp>>(context, expandAdam);
    patterns.add<Expansion<RmspropOp>>(context, expandRmsprop);
    patterns.add<Expansion<AdagradOp>>(context, expandAdagrad);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
