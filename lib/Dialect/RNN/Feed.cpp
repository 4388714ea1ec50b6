// Feed.cpp - what an unfold reads in training.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Dialect/RNN/Feed.h"

#include "rnnc/Dialect/RNN/Transforms/FeedGrowth.h"
#include "rnnc/Dialect/RNN/Transforms/OfSequence.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::rnn;

/// The number of sites that the draws of a module's own ops take.
static int64_t sitesOf(rnn::ModuleOp module) {
  int64_t sites = 0;
  module.walk([&](Operation *op) {
    if (auto dropout = dyn_cast<DropoutOp>(op))
      sites = std::max(sites, int64_t(dropout.getSite()) + 1);
    if (auto noise = dyn_cast<NoiseOp>(op))
      sites = std::max(sites, int64_t(noise.getSite()) + 2);
  });
  return sites;
}

/// What follows `feed sampled`: a number or a schedule.
static Attribute shareOf(UnfoldOp op) {
  auto module = op->getParentOfType<rnn::ModuleOp>();
  auto feed = module ? module.getTrain().getAs<ArrayAttr>("feed") : ArrayAttr();
  if (!feed || feed.size() != 2 ||
      feed[0] != StringAttr::get(op.getContext(), "sampled"))
    return {};
  return feed[1];
}

std::optional<FeedGrowth> rnnc::rnn::feedGrowth(UnfoldOp op) {
  auto schedule = dyn_cast_or_null<DictionaryAttr>(shareOf(op));
  if (!schedule)
    return std::nullopt;
  FeedGrowth growth;
  auto read = [&](StringRef name, double &slot) {
    if (auto number = schedule.getAs<FloatAttr>(name))
      slot = number.getValueAsDouble();
  };
  read("to", growth.to);
  read("until", growth.until);
  read("after", growth.after);
  read("k", growth.k);
  auto kind = schedule.getAs<StringAttr>("kind");
  if (kind && kind == "exponential")
    growth.kind = FeedGrowth::Kind::Exponential;
  if (kind && kind == "sigmoid")
    growth.kind = FeedGrowth::Kind::Sigmoid;
  return growth;
}

std::optional<SampledFeed> rnnc::rnn::sampledFeed(UnfoldOp op) {
  Attribute share = shareOf(op);
  double p = 0;
  if (auto real = dyn_cast_or_null<FloatAttr>(share))
    p = real.getValueAsDouble();
  else if (auto whole = dyn_cast_or_null<IntegerAttr>(share))
    p = double(whole.getInt());
  else if (std::optional<FeedGrowth> growth = feedGrowth(op))
    p = growth->to; // what it grows to
  if (p <= 0)
    return std::nullopt;
  auto module = op->getParentOfType<rnn::ModuleOp>();
  int64_t site = sitesOf(module);
  for (UnfoldOp other : module.getBody().front().getOps<UnfoldOp>()) {
    if (other == op)
      break;
    site += 3;
  }
  return SampledFeed{p, site};
}

bool rnnc::rnn::isOfSequence(Operation *op) {
  return op
      ->walk([](Operation *inner) {
        auto scan = dyn_cast<ScanOp>(inner);
        auto bind = dyn_cast<BindOp>(inner);
        bool is = isa<InputOp, OutputOp>(inner) ||
                  (scan && scan.getAxis().isTime()) ||
                  (bind && bind.getAxis().isTime());
        return is ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}
