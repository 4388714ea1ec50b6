// Distributions.cpp: log-likelihoods and modes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering.h"

#include <cmath>

using namespace mlir;

namespace rnnc::batch {

FailureOr<Distribution> Lowering::distribution(rnn::ObserveOp observe) {
  Operation *op = observe.getDist().getDefiningOp();
  e.loc = observe.getLoc();
  if (isa<rnn::UnfoldOp>(op))
    return unfolded.lookup(observe.getDist());
  Distribution result = Distribution::of(op);
  for (Value value : op->getOperands()) {
    auto arg = get(value);
    if (failed(arg))
      return failure();
    result.args.push_back(*arg);
  }
  return result;
}

Distribution Distribution::of(Operation *op) {
  Distribution result;
  if (auto law = dyn_cast<rnn::LawOp>(op)) {
    result.kind = rnn::DistKind::Law;
    result.law = law;
    return result;
  }
  auto dist = cast<rnn::DistOp>(op);
  result.kind = dist.getKind();
  result.smooth = dist.getSmooth().convertToDouble();
  return result;
}

/// A part of a law: `logp` of the data, or `mode`. What an unfold draws has one
/// law for all steps, which become a binder around it.
FailureOr<Batched> Lowering::lawPart(const Distribution &dist, Region &part,
                                     const Batched *data) {
  SmallVector<Batched, 4> given(dist.args.begin(), dist.args.end());
  if (data)
    given.push_back(*data);
  unsigned id = e.binders.size();
  if (dist.steps) {
    e.binders.push_back({*dist.steps, true});
    e.frames.push_back({*dist.steps, !options.step, id, Value()});
    for (Batched &value : given)
      value = e.stepOf(value, binderDim(id));
  }
  Block &block = part.front();
  for (auto [argument, value] : llvm::zip_equal(block.getArguments(), given))
    values[argument] = value;
  bool outside = std::exchange(inLaw, true);
  LogicalResult lowered = success();
  for (Operation &op : block.without_terminator())
    if (succeeded(lowered))
      lowered = lower(&op);
  inLaw = outside;
  if (dist.steps)
    e.frames.pop_back();
  if (failed(lowered))
    return failure();
  e.loc = rnn::LawOp(dist.law).getLoc();
  auto result = get(rnn::LawOp::yielded(part));
  if (failed(result) || !dist.steps)
    return result;
  return e.inFront(*result, binderDim(id), *dist.steps);
}

FailureOr<Batched> Lowering::draw(const Distribution &dist) {
  bool outside = std::exchange(inSample, true);
  auto drawn = lawPart(dist, rnn::LawOp(dist.law).getSample(), nullptr);
  inSample = outside;
  return drawn;
}

/// The entry of the last axis that each index says.
static Batched entryAt(Emitter &e, const Batched &scores,
                       const Batched &index) {
  Dim last = axisDim(scores.axes.size() - 1);
  Batched table = e.with(scores, index.dims);
  table = e.with(table, {last});
  Dims dims = table.dims;
  llvm::erase(dims, last);
  dims.push_back(last);
  Value aligned = e.align(table, dims, table.axes);
  dims.pop_back();
  Batched result;
  result.axes = index.axes;
  result.dims = dims;
  result.value = scan::GatherOp::create(
      e.b, e.loc, aligned, e.align(index, dims, index.axes), dims.size());
  return result;
}

static Batched categoricalNll(Emitter &e, const Distribution &dist,
                              const Batched &data) {
  const Batched &scores = dist.args[0];
  Dim last = axisDim(scores.axes.size() - 1);
  Batched norm = e.reduce(scan::ReduceKind::logsumexp, scores, last);
  norm.axes.pop_back();
  Batched target = entryAt(e, scores, data);
  if (dist.smooth == 0)
    return e.sub(norm, target);
  Batched mean = e.mean(scores, last);
  mean.axes.pop_back();
  Batched smoothed = e.add(e.mul(target, e.constant(1 - dist.smooth)),
                           e.mul(mean, e.constant(dist.smooth)));
  return e.sub(norm, smoothed);
}

FailureOr<Batched> Lowering::nll(const Distribution &dist,
                                 const Batched &data) {
  if (dist.kind == rnn::DistKind::Law) {
    auto logp = lawPart(dist, rnn::LawOp(dist.law).getLogp(), &data);
    return failed(logp) ? logp : apply(rnn::UnaryKind::Neg, *logp);
  }
  if (dist.kind == rnn::DistKind::Categorical)
    return categoricalNll(e, dist, data);
  if (dist.kind == rnn::DistKind::Bernoulli) {
    // -log sigmoid(s) of a 1, -log sigmoid(-s) of a 0.
    const Batched &scores = dist.args[0];
    Batched negated = apply(rnn::UnaryKind::Neg, scores);
    return apply(rnn::UnaryKind::Softplus, e.select(data, negated, scores));
  }
  bool varies = dist.args[1].has(batchDim());
  Batched scale = varies ? sanitized(dist.args[1]) : dist.args[1];
  Batched away = e.sub(data, dist.args[0]);
  if (varies)
    away = sanitized(away);
  away = e.div(away, scale);
  Batched logScale = e.log(scale);
  if (dist.kind == rnn::DistKind::Laplace)
    return e.add(e.add(apply(rnn::UnaryKind::Abs, away), logScale),
                 e.constant(std::log(2.0)));
  Batched half = e.mul(e.mul(away, away), e.constant(0.5));
  return e.add(e.add(half, logScale), e.constant(0.5 * std::log(2 * M_PI)));
}

FailureOr<std::pair<Batched, std::optional<Batched>>>
Lowering::mode(const Distribution &dist) {
  using Mode = std::pair<Batched, std::optional<Batched>>;
  if (dist.kind == rnn::DistKind::Law) {
    auto best = lawPart(dist, rnn::LawOp(dist.law).getMode(), nullptr);
    if (failed(best))
      return failure();
    return Mode(*best, std::nullopt);
  }
  const Batched &first = dist.args[0];
  switch (dist.kind) {
  case rnn::DistKind::Categorical: {
    Dim last = axisDim(first.axes.size() - 1);
    Batched best = e.argmax(first, last);
    best.axes.pop_back();
    return Mode(best, e.softmax(first, last));
  }
  case rnn::DistKind::Bernoulli:
    return Mode(e.compare(arith::CmpFPredicate::OGT, first, e.constant(0)),
                apply(rnn::UnaryKind::Sigmoid, first));
  default:
    break;
  }
  // The scale may have fewer axes than the place: `normal(m, 1)`.
  Batched scale = dist.args[1];
  if (scale.axes.size() < first.axes.size()) {
    scale = Emitter::suffix(scale, first.axes.size());
    scale.axes = first.axes;
  }
  return Mode(first, scale);
}

} // namespace rnnc::batch
