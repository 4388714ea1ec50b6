// Html.h: text of others in a page of ours.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_REPORT_HTML_H
#define RNNC_LIB_REPORT_HTML_H

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rnnc::pages {

/// Text as it is: see `escapeMarkup`.
std::string escape(std::string_view text);

/// A few digits, for people: `12,345`, `0.0123`, `3.1e-09`.
std::string shortNumber(double value);
/// Of a whole number, in groups of three.
std::string countText(long long value);

using TableRow = std::vector<std::string>;
/// The cells are markup. The first cell of each row is its head.
std::string table(const TableRow &head, const std::vector<TableRow> &rows);

} // namespace rnnc::pages

#endif // RNNC_LIB_REPORT_HTML_H
