// Series.h: tables whose rows are steps of time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_SERIES_H
#define RNNC_DATA_SERIES_H

#include "rnnc/Data/Schema.h"

#include <nlohmann/json_fwd.hpp>

namespace rnnc::data {

/// How rows of time become examples. What the user left open is settled when
/// training data is read, and stored with the model.
struct SeriesOptions {
  std::string rows = "auto"; ///< auto, time, examples
  int64_t window = 0;        ///< rows that an example reads; 0: settled later
  /// Rows between the last one read and the one predicted; -1: see `ahead`.
  int64_t horizon = -1;
  int64_t stride = 0; ///< rows between training windows; 0: what suits
  bool standardise = true;
  /// What becomes of cells without a value: error, last, linear.
  std::string missing = "error";

  /// Of each output: it lies this many rows after what is read beside it.
  std::map<std::string, int64_t> ahead;
  /// Of each field of real numbers, entry by entry: mean and deviation of the
  /// training rows. Empty where numbers are taken as they are.
  std::map<std::string, std::vector<Scale>> scales;

  bool isTime() const { return rows == "time"; }
  /// Whether anything was asked for that only rows of time have a use for.
  bool asked() const {
    return window > 0 || horizon >= 0 || stride > 0 || !standardise ||
           missing != "error";
  }
  nlohmann::json toJson() const;
  static SeriesOptions fromJson(const nlohmann::json &json);
};

/// Puts the scales that training found into a schema.
void bindScales(Schema &schema, const SeriesOptions &series);

} // namespace rnnc::data

#endif // RNNC_DATA_SERIES_H
