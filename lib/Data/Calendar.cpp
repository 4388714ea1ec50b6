// Calendar.cpp: dates as shares of a year, a week or a day.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Calendar.h"

#include "rnnc/Data/Text.h"

#include <charconv>
#include <chrono>
#include <cmath>

using namespace rnnc;
using namespace rnnc::data;

std::string Cycle::text() const {
  switch (kind) {
  case Kind::None:
    return "";
  case Kind::Year:
    return ":year";
  case Kind::Week:
    return ":week";
  case Kind::Day:
    return ":day";
  case Kind::Number:
    return fmt::format(":{}", period);
  }
  return "";
}

/// The whole of a text as a number.
static std::optional<double> numberOf(std::string_view text) {
  double value = 0;
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<Cycle> data::parseCycle(std::string_view text) {
  if (text == "year")
    return Cycle{Cycle::Kind::Year};
  if (text == "week")
    return Cycle{Cycle::Kind::Week};
  if (text == "day")
    return Cycle{Cycle::Kind::Day};
  std::optional<double> period = numberOf(text);
  if (!period || *period <= 0)
    return std::nullopt;
  return Cycle{Cycle::Kind::Number, *period};
}

namespace {
/// Takes numbers and the signs between them from the front of a date.
class DateParser {
public:
  explicit DateParser(std::string_view text) : text(text) {}
  std::optional<int> number() {
    int value = 0;
    auto [end, code] =
        std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || value < 0)
      return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return value;
  }
  bool any(std::string_view signs) {
    if (text.empty() || signs.find(text.front()) == std::string_view::npos)
      return false;
    text.remove_prefix(1);
    return true;
  }
  bool atEnd() const { return text.empty(); }

private:
  std::string_view text;
};

struct Moment {
  std::chrono::sys_days day;
  double ofDay = 0; ///< share of the day that has passed
};
} // namespace

/// `2016-07-01 13:00:00`, with `T` or a blank before the time, parts from the
/// right left out.
static std::optional<Moment> momentOf(std::string_view cell) {
  DateParser parser(trim(cell));
  std::optional<int> year = parser.number();
  if (!year || !parser.any("-/"))
    return std::nullopt;
  std::optional<int> month = parser.number(), day = 1;
  if (month && parser.any("-/"))
    day = parser.number();
  if (!month || !day)
    return std::nullopt;
  std::chrono::year_month_day date{
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(*month)),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok())
    return std::nullopt;
  Moment moment{std::chrono::sys_days(date), 0};
  if (parser.any(" T")) {
    double unit = 1. / 24;
    do {
      std::optional<int> part = parser.number();
      if (!part || *part >= 60)
        return std::nullopt;
      moment.ofDay += *part * unit;
      unit /= 60;
    } while (parser.any(":") && unit > 1e-6);
  }
  if (!parser.atEnd() || moment.ofDay >= 1)
    return std::nullopt;
  return moment;
}

std::optional<double> data::phaseOf(std::string_view cell, const Cycle &cycle) {
  if (cycle.kind == Cycle::Kind::Number) {
    std::optional<double> value = numberOf(trim(cell));
    if (!value)
      return std::nullopt;
    double share = *value / cycle.period;
    return share - std::floor(share);
  }
  std::optional<Moment> moment = momentOf(cell);
  if (!moment)
    return std::nullopt;
  if (cycle.kind == Cycle::Kind::Day)
    return moment->ofDay;
  if (cycle.kind == Cycle::Kind::Week)
    return (std::chrono::weekday(moment->day).iso_encoding() - 1 +
            moment->ofDay) /
           7;
  std::chrono::year year = std::chrono::year_month_day(moment->day).year();
  std::chrono::sys_days first{year / 1 / 1},
      next{(year + std::chrono::years(1)) / 1 / 1};
  double passed =
      static_cast<double>((moment->day - first).count()) + moment->ofDay;
  return passed / static_cast<double>((next - first).count());
}
