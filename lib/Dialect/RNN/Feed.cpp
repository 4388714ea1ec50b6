// Feed.cpp - what an unfold reads in training.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Dialect/RNN/Feed.h"

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

std::optional<SampledFeed> rnnc::rnn::sampledFeed(UnfoldOp op) {
  auto module = op->getParentOfType<rnn::ModuleOp>();
  auto feed = module ? module.getTrain().getAs<ArrayAttr>("feed") : ArrayAttr();
  if (!feed || feed.size() != 2 ||
      feed[0] != StringAttr::get(op.getContext(), "sampled"))
    return std::nullopt;
  double p = 0;
  if (auto real = dyn_cast<FloatAttr>(feed[1]))
    p = real.getValueAsDouble();
  else if (auto whole = dyn_cast<IntegerAttr>(feed[1]))
    p = double(whole.getInt());
  if (p <= 0)
    return std::nullopt;
  int64_t site = sitesOf(module);
  for (UnfoldOp other : module.getBody().front().getOps<UnfoldOp>()) {
    if (other == op)
      break;
    site += 3;
  }
  return SampledFeed{p, site};
}
