// Html.cpp: escapes and small pieces of markup.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Html.h"

#include "rnnc/Support/Markup.h"

#include <cmath>
#include <fmt/format.h>

using namespace rnnc;

std::string pages::escape(std::string_view text) { return escapeMarkup(text); }

std::string pages::countText(long long value) {
  std::string digits = std::to_string(value < 0 ? -value : value);
  for (size_t i = digits.size(); i > 3; i -= 3)
    digits.insert(i - 3, ",");
  return value < 0 ? "-" + digits : digits;
}

std::string pages::shortNumber(double value) {
  if (!std::isfinite(value))
    return std::isnan(value) ? "not a number" : value > 0 ? "∞" : "-∞";
  double size = std::fabs(value);
  if (size >= 1000 && size < 1e15)
    return countText(std::llround(value));
  return fmt::format("{:.4g}", value);
}

std::string pages::table(const TableRow &head,
                         const std::vector<TableRow> &rows) {
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const std::string &cell : head)
    html += "<th scope=\"col\">" + cell + "</th>";
  html += "</tr></thead>\n<tbody>\n";
  for (const TableRow &row : rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i)
      html += i == 0 ? "<th scope=\"row\">" + row[i] + "</th>"
                     : "<td>" + row[i] + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}
