// Feed.cpp: an unfold that reads its own draws in training.
//
// What a step draws is one more state of the recurrence; the next step reads it
// in place of the true element with the probability of `feed sampled`. All of
// it is made of ops of the rnn level, so the body is planned as any other.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Lowering.h"

#include "mlir/IR/IRMapping.h"

#include <cmath>

using namespace mlir;

namespace rnnc::batch {

namespace {

class Feeder {
public:
  Feeder(rnn::UnfoldOp op, rnn::SampledFeed feed)
      : op(op), feed(feed), b(op.getContext()), loc(op.getLoc()) {}

  /// The draw becomes the last of the states, and of what the body yields.
  /// Gives the op that stands for the probability of a step to read it.
  rnn::ConstantOp run() {
    Block &body = op.getBody().front();
    BlockArgument truth = op.getPrevious();
    auto type = cast<rnn::ValueType>(truth.getType());
    BlockArgument drawn = body.addArgument(type, loc);
    b.setInsertionPointToStart(&body);
    rnn::ValueType scalar = rnn::ValueType::real(b.getContext());
    auto share = rnn::ConstantOp::create(b, loc, scalar, feed.p);
    Value isDrawn = less(uniform(scalar, feed.site), share);
    Value read = rnn::SelectOp::create(b, loc, isDrawn, drawn, truth);
    truth.replaceAllUsesExcept(read, read.getDefiningOp());
    rnn::YieldOp yield = op.getYield();
    b.setInsertionPoint(yield);
    Operation *dist = yield.getOut()[0].getDefiningOp();
    Value next = isa<rnn::LawOp>(dist) ? sampled(cast<rnn::LawOp>(dist))
                                       : draw(cast<rnn::DistOp>(dist), type);
    yield.getNextMutable().append(next);
    return share;
  }

private:
  Value constant(rnn::ValueType type, double value) {
    return rnn::ConstantOp::create(b, loc, type, value);
  }
  Value stop(Value x) { return rnn::StopOp::create(b, loc, x); }
  Value unary(rnn::UnaryKind kind, Value x) {
    return rnn::UnaryOp::create(b, loc, kind, x);
  }
  Value binary(rnn::BinaryKind kind, Value x, Value y) {
    return rnn::BinaryOp::create(b, loc, kind, x, y);
  }
  Value less(Value x, Value y) {
    return rnn::CompareOp::create(b, loc, rnn::CompareKind::Lt, x, y);
  }

  Value noise(rnn::ValueType type, rnn::NoiseKind kind, int64_t site) {
    rnn::ValueType scalar = rnn::ValueType::real(b.getContext());
    return rnn::NoiseOp::create(b, loc, constant(type, 0), kind,
                                constant(scalar, 0), constant(scalar, 1),
                                uint64_t(site), rnn::AxisAttr());
  }
  /// Numbers in [0, 1).
  Value uniform(rnn::ValueType type, int64_t site) {
    return noise(type, rnn::NoiseKind::Uniform, site);
  }

  /// Its line `sample`, written into the step.
  Value sampled(rnn::LawOp law) {
    Block &part = law.getSample().front();
    IRMapping known;
    for (auto [argument, arg] :
         llvm::zip_equal(part.getArguments(), law.getArgs()))
      known.map(argument, stop(arg));
    for (Operation &one : part.without_terminator())
      b.clone(one, known);
    return known.lookupOrDefault(rnn::LawOp::yielded(law.getSample()));
  }

  Value draw(rnn::DistOp dist, rnn::ValueType type) {
    SmallVector<Value> args;
    for (Value arg : dist.getArgs())
      args.push_back(stop(arg));
    switch (dist.getKind()) {
    case rnn::DistKind::Categorical:
      return symbol(args[0]);
    case rnn::DistKind::Bernoulli:
      return less(uniform(type.withKind(rnn::ValueKind::Real), feed.site + 1),
                  unary(rnn::UnaryKind::Sigmoid, args[0]));
    default:
      break;
    }
    Value away = dist.getKind() == rnn::DistKind::Normal
                     ? noise(type, rnn::NoiseKind::Normal, feed.site + 1)
                     : laplace(type);
    return binary(rnn::BinaryKind::Add, args[0],
                  binary(rnn::BinaryKind::Mul, args[1], away));
  }

  /// Gumbel's way: the largest of the scores, each moved by a number of its
  /// own, is a draw from their softmax. A number that is 0 takes its symbol
  /// out.
  Value symbol(Value scores) {
    Value u = uniform(cast<rnn::ValueType>(scores.getType()), feed.site + 1);
    Value wait = unary(rnn::UnaryKind::Neg, unary(rnn::UnaryKind::Log, u));
    Value moved =
        binary(rnn::BinaryKind::Sub, scores, unary(rnn::UnaryKind::Log, wait));
    return rnn::ArgMaxOp::create(b, loc, moved);
  }

  /// An exponential number to one side or the other: finite for every u.
  Value laplace(rnn::ValueType type) {
    Value below = unary(rnn::UnaryKind::Log,
                        binary(rnn::BinaryKind::Sub, constant(type, 1),
                               uniform(type, feed.site + 1)));
    Value isBelow = less(uniform(type, feed.site + 2), constant(type, 0.5));
    return rnn::SelectOp::create(b, loc, isBelow, below,
                                 unary(rnn::UnaryKind::Neg, below));
  }

  rnn::UnfoldOp op;
  rnn::SampledFeed feed;
  OpBuilder b;
  Location loc;
};

} // namespace

/// The probability of a draw in this batch, which the key of the random numbers
/// counts.
Batched Lowering::shareOfDraws(const rnn::FeedGrowth &growth) {
  auto scalar = RankedTensorType::get({}, e.b.getI64Type());
  Value number = tensor::ExtractSliceOp::create(
      e.b, e.loc, scalar, seed, ArrayRef<OpFoldResult>{e.b.getIndexAttr(1)},
      ArrayRef<OpFoldResult>{e.b.getIndexAttr(1)},
      ArrayRef<OpFoldResult>{e.b.getIndexAttr(1)});
  Batched n = e.toReal({number, {}, {}, {}});
  switch (growth.kind) {
  case rnn::FeedGrowth::Kind::Linear: {
    Batched way = e.div(e.sub(n, e.constant(growth.after)),
                        e.constant(growth.until - growth.after));
    Batched zero = e.constant(0), one = e.constant(1);
    way = e.select(e.compare(arith::CmpFPredicate::OLT, way, zero), zero, way);
    way = e.select(e.compare(arith::CmpFPredicate::OGT, way, one), one, way);
    return e.mul(way, e.constant(growth.to));
  }
  case rnn::FeedGrowth::Kind::Exponential:
    return e.sub(e.constant(1),
                 e.exp(e.mul(n, e.constant(std::log(growth.k)))));
  case rnn::FeedGrowth::Kind::Sigmoid:
    return apply(rnn::UnaryKind::Sigmoid,
                 e.add(e.mul(n, e.constant(1 / growth.k)),
                       e.constant(-std::log(growth.k))));
  }
  llvm_unreachable("all kinds are handled");
}

FailureOr<rnn::UnfoldOp> Lowering::withFeed(rnn::UnfoldOp op) {
  std::optional<rnn::SampledFeed> feed;
  if (options.training)
    feed = rnn::sampledFeed(op);
  if (!feed)
    return op;
  auto law = op.getYield().getOut()[0].getDefiningOp<rnn::LawOp>();
  if (law && law.getSample().empty())
    return op.emitError("[E321] `feed sampled` cannot draw from `")
           << law.getName() << "`: it has no line `sample = ...`";
  fed.push_back(cast<rnn::UnfoldOp>(op->clone()));
  rnn::ConstantOp share = Feeder(*fed.back(), *feed).run();
  if (std::optional<rnn::FeedGrowth> growth = rnn::feedGrowth(op)) {
    set(share, shareOfDraws(*growth));
    madeBefore.insert(share);
  }
  return *fed.back();
}

} // namespace rnnc::batch
