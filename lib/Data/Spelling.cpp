// Spelling.cpp: what a mistyped name was meant to be.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Spelling.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

using namespace rnnc;

/// Letters to insert, delete, change or swap with their neighbour.
static size_t distance(const std::string &a, const std::string &b) {
  std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t(0));
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

std::optional<std::string>
data::closest(const std::string &typed, const std::vector<std::string> &known) {
  // A third of the letters may be wrong.
  size_t best = std::max<size_t>(typed.size() / 3, 1) + 1;
  std::optional<std::string> found;
  for (const std::string &name : known)
    if (size_t d = distance(typed, name); d < best) {
      best = d;
      found = name;
    }
  return found;
}

std::string data::didYouMean(const std::string &typed,
                             const std::vector<std::string> &known) {
  std::optional<std::string> name = closest(typed, known);
  return name ? fmt::format("; did you mean `{}`?", *name) : "";
}
