// Sections.h: the parts of a page, each empty where there is nothing to show.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_REPORT_SECTIONS_H
#define RNNC_LIB_REPORT_SECTIONS_H

#include "RunRecord.h"

namespace rnnc::pages {

using Runs = std::vector<RunRecord>;

/// What was trained, for how long and with what result.
std::string summarySection(const Runs &runs);
/// Losses, figures of validation and learning rates.
std::string curvesSection(const Runs &runs);
/// Norms of the gradient at the states, by distance in time.
std::string distanceSection(const Runs &runs);
/// Norms of the gradient of the parameters, and what clipping did.
std::string clippingSection(const Runs &runs);
std::string throughputSection(const Runs &runs);
/// Which label was taken for which.
std::string confusionSection(const Runs &runs);
/// Series with what was predicted, and how sure the model was.
std::string forecastSection(const Runs &runs);
/// Examples with truth and prediction, texts that were drawn.
std::string examplesSection(const Runs &runs);

} // namespace rnnc::pages

#endif // RNNC_LIB_REPORT_SECTIONS_H
