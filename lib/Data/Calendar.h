// Calendar.h: where a row of time lies in a year, a week or a day.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_DATA_CALENDAR_H
#define RNNC_LIB_DATA_CALENDAR_H

#include <optional>
#include <string>
#include <string_view>

namespace rnnc::data {

/// What comes again and again: `Date:year`, `Date:week`, `Date:day` of dates,
/// `hour:24` of numbers. A model reads it as sine and cosine.
struct Cycle {
  enum class Kind { None, Year, Week, Day, Number } kind = Kind::None;
  double period = 0; ///< of numbers

  bool operator==(const Cycle &) const = default;
  /// How --columns says it, colon included.
  std::string text() const;
};

/// `year`, `week`, `day` or a period; nothing if it is none of them.
std::optional<Cycle> parseCycle(std::string_view text);

/// The share of the cycle that has passed, from 0 to 1; nothing where the cell
/// is no date (`2016-07-01 13:00`, `2016/07/01`, `2016-07`) or number.
std::optional<double> phaseOf(std::string_view cell, const Cycle &cycle);

} // namespace rnnc::data

#endif // RNNC_LIB_DATA_CALENDAR_H
