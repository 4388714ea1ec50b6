// Report.h: one page of HTML about one or more trainings.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_REPORT_REPORT_H
#define RNNC_REPORT_REPORT_H

#include "rnnc/Data/Result.h"

#include <string>
#include <vector>

namespace rnnc::pages {

/// A page that needs no network and no scripts: learning curves, rates,
/// gradients by distance, clipping, throughput, confusion, examples. It is made
/// of the records in the directories of `train` alone; what a training has not
/// recorded is left out. Well-formed XML.
Result<std::string> makePage(const std::vector<std::string> &directories);

} // namespace rnnc::pages

#endif // RNNC_REPORT_REPORT_H
