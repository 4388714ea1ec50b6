// RunRecord.h: what a training has written about itself.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_REPORT_RUNRECORD_H
#define RNNC_LIB_REPORT_RUNRECORD_H

#include "Plot.h"
#include "rnnc/Data/Result.h"
#include "rnnc/Training/Manifest.h"

namespace rnnc::pages {

using training::Json;

/// The records of one directory of `train`. All of it may have been written by
/// anybody: nothing is taken to be there, or to be what it should be.
struct RunRecord {
  std::string path, name;                       ///< name: unique on the page
  PlotPoints loss, norm, rate, seconds, tokens; ///< by update
  std::vector<std::pair<int64_t, Json>> validations, traces;
  Json report, examples, options; ///< null where there is none

  static Result<RunRecord> read(const std::string &path);
};

/// A member of an object; null where there is none.
const Json &at(const Json &json, std::string_view key);
/// A number, also one that JSON has to write as a text; else NaN.
double numberOf(const Json &json);
double numberAt(const Json &json, std::string_view key);
std::string textAt(const Json &json, std::string_view key);

} // namespace rnnc::pages

#endif // RNNC_LIB_REPORT_RUNRECORD_H
