// Health.cpp: whether updates do anything, and how large gradients are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Health.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

using namespace rnnc;
using namespace rnnc::training;

void Health::add(int64_t step, std::string fault,
                 const std::vector<double> &norms) {
  if (fault.empty())
    since = 0;
  else if (since == 0)
    since = step;
  lastFault = std::move(fault);
  gradients.resize(norms.size());
  for (size_t p = 0; p < norms.size(); ++p) {
    Norm &norm = gradients[p];
    norm.last = norms[p];
    if (!std::isfinite(norms[p]))
      continue;
    norm.sum += norms[p];
    norm.largest = std::max(norm.largest, norms[p]);
    ++norm.count;
  }
}

void Health::resume(int64_t faultySince, std::string fault, int64_t step,
                    int64_t perEpoch) {
  since = faultySince;
  lastFault = std::move(fault);
  if (hopeless(step, perEpoch))
    since = 0;
}

bool Health::hopeless(int64_t step, int64_t perEpoch) const {
  return faulty(step) >= std::clamp<int64_t>(perEpoch, 100, 1000);
}

bool Health::failed(int64_t firstStep, int64_t step) const {
  // A single one may be an unlucky batch; ten at the end are none.
  return since > 0 && (since <= firstStep + 1 || faulty(step) >= 10);
}

/// Four digits are enough to look at, and keep the log short.
static Json shortNumber(double value) {
  return jsonNumber(std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr));
}

Json Health::lastNorms() const {
  Json json = Json::object();
  for (size_t p = 0; p < gradients.size(); ++p)
    if (module.parameters[p].trainable)
      json[module.parameters[p].name] = shortNumber(gradients[p].last);
  return json;
}

Json Health::allNorms() const {
  Json json = Json::object();
  for (size_t p = 0; p < gradients.size(); ++p) {
    const Norm &norm = gradients[p];
    if (!module.parameters[p].trainable)
      continue;
    Json entry = {{"last", shortNumber(norm.last)}};
    if (norm.count > 0) {
      entry["mean"] = shortNumber(norm.sum / static_cast<double>(norm.count));
      entry["largest"] = shortNumber(norm.largest);
    }
    json[module.parameters[p].name] = std::move(entry);
  }
  return json;
}
