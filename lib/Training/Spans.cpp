// Spans.cpp: what is found in sequences of labels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Spans.h"

#include <algorithm>

using namespace rnnc::training;

/// The label that a symbol is, if it is one of a scheme of spans.
static bool parse(const std::string &symbol, SpanLabel &label) {
  constexpr std::string_view places = "BIMESO";
  if (symbol.empty() || places.find(symbol[0]) == places.npos)
    return false;
  label.place = symbol[0] == 'M' ? 'I' : symbol[0];
  if (symbol.size() == 1)
    return true;
  if (symbol[1] != '-' || symbol.size() == 2 || label.place == 'O')
    return false;
  label.kind = symbol.substr(2);
  return true;
}

std::vector<SpanLabel>
rnnc::training::spanLabels(const std::vector<std::string> &symbols) {
  std::vector<SpanLabel> labels(symbols.size());
  bool begins = false, others = false;
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i].size() > 1 && symbols[i].front() == '<')
      continue;
    if (!parse(symbols[i], labels[i]))
      return {};
    begins |= labels[i].place == 'B' || labels[i].place == 'I';
    others |= labels[i].place == 'O' || labels[i].place == 'S';
  }
  if (!begins || !others)
    return {};
  return labels;
}

std::vector<LabelSpan>
rnnc::training::spansOf(const std::vector<int64_t> &sequence,
                        const std::vector<SpanLabel> &labels) {
  std::vector<LabelSpan> spans;
  static const SpanLabel none;
  const SpanLabel *before = &none;
  int64_t begin = -1;
  for (size_t t = 0; t <= sequence.size(); ++t) {
    size_t index =
        t < sequence.size() ? static_cast<size_t>(sequence[t]) : labels.size();
    const SpanLabel &now = index < labels.size() ? labels[index] : none;
    bool closed = before->place == 'E' || before->place == 'S';
    bool isOther = before->kind != now.kind || closed;
    bool opens = now.place == 'B' || now.place == 'S' || isOther;
    if (begin >= 0 && (now.place == 'O' || opens)) {
      spans.push_back({begin, static_cast<int64_t>(t), before->kind});
      begin = -1;
    }
    if (now.place != 'O' && begin < 0)
      begin = static_cast<int64_t>(t);
    before = &now;
  }
  return spans;
}

int64_t rnnc::training::commonSpans(const std::vector<LabelSpan> &a,
                                    const std::vector<LabelSpan> &b) {
  return std::count_if(a.begin(), a.end(), [&](const LabelSpan &span) {
    return std::find(b.begin(), b.end(), span) != b.end();
  });
}

int64_t rnnc::training::editDistance(const std::vector<int64_t> &a,
                                     const std::vector<int64_t> &b) {
  std::vector<int64_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = static_cast<int64_t>(j);
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i) + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      int64_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}
