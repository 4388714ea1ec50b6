// Diagnostics.cpp - collecting, sorting and printing diagnostics.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Support/Diagnostics.h"

#include "rnnc/Support/Text.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;

Diagnostic &Diagnostics::add(Severity severity, std::string code,
                             SourceRange range, std::string message) {
  Diagnostic d;
  d.severity = severity;
  d.code = std::move(code);
  d.message = std::move(message);
  d.primary.range = range;
  list.push_back(std::move(d));
  return list.back();
}

size_t Diagnostics::errorCount() const {
  return std::count_if(list.begin(), list.end(), [](const Diagnostic &d) {
    return d.severity == Severity::Error;
  });
}

/// Sorts by a key; equals keep their order. (std::stable_sort of libstdc++ 12
/// calls a deprecated function, which compilers warn of.)
template <typename T, typename KeyFn>
static void sortByKey(std::vector<T> &items, KeyFn key) {
  std::vector<std::pair<decltype(key(items[0])), size_t>> order;
  for (size_t i = 0; i < items.size(); ++i)
    order.emplace_back(key(items[i]), i);
  std::sort(order.begin(), order.end());
  std::vector<T> sorted;
  sorted.reserve(items.size());
  for (const auto &entry : order)
    sorted.push_back(std::move(items[entry.second]));
  items = std::move(sorted);
}

void Diagnostics::sort() {
  sortByKey(list, [](const Diagnostic &d) {
    return std::make_tuple(d.primary.range.file, d.primary.range.begin,
                           d.severity);
  });
  auto same = [](const Diagnostic &a, const Diagnostic &b) {
    return a.code == b.code && a.primary.range == b.primary.range &&
           a.message == b.message;
  };
  list.erase(std::unique(list.begin(), list.end(), same), list.end());
}

namespace {

/// Columns a character takes on a terminal; East Asian wide ones take two.
int width(char32_t c) {
  bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
              (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
              (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
              (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

/// A source line as shown, with the display column of each byte.
struct ShownLine {
  std::string text;
  std::vector<int> columns; ///< one more than bytes

  explicit ShownLine(std::string_view line) {
    int column = 0;
    for (size_t at = 0; at < line.size();) {
      size_t begin = at;
      char32_t c = decodeCharacter(line, at);
      columns.insert(columns.end(), at - begin, column);
      if (c == notACharacter)
        text += "\xEF\xBF\xBD";
      else if (isControl(c))
        text += ' ';
      else
        text += line.substr(begin, at - begin);
      column += width(c);
    }
    columns.push_back(column);
  }

  int column(size_t byte) const {
    return columns[std::min(byte, columns.size() - 1)];
  }
};

struct Mark {
  unsigned line = 0;
  size_t begin = 0, end = 0; ///< bytes within the line
  bool isPrimary = false;
  std::string text;
};

class DiagnosticPrinter {
public:
  DiagnosticPrinter(const SourceManager &sources, const Diagnostic &d,
                    bool color)
      : sources(sources), d(d), color(color) {}

  std::string run() {
    auto [style, word] = heading();
    out += paint(style, d.code.empty() ? std::string(word)
                                       : fmt::format("{}[{}]", word, d.code));
    out += paint("1", ": " + shown(d.message)) + "\n";
    if (d.primary.range.valid())
      place();
    for (const auto &[kind, text] : d.footers)
      out += fmt::format("{} {} {}: {}\n", std::string(gutter, ' '),
                         paint("1;34", "="), paint("1", kind), shown(text));
    return std::move(out);
  }

private:
  std::pair<std::string_view, std::string_view> heading() const {
    switch (d.severity) {
    case Severity::Error:
      return {"1;31", "error"};
    case Severity::Warning:
      return {"1;33", "warning"};
    case Severity::Remark:
      return {"1;36", "remark"};
    }
    return {};
  }

  std::string paint(std::string_view style, std::string_view text) const {
    if (!color)
      return std::string(text);
    return fmt::format("\033[{}m{}\033[0m", style, text);
  }

  void place() {
    // Marks in other files get snippets of their own, after the first.
    std::vector<uint32_t> order = {d.primary.range.file};
    for (const Label &label : d.secondary)
      if (std::find(order.begin(), order.end(), label.range.file) ==
          order.end())
        order.push_back(label.range.file);
    std::vector<std::vector<Mark>> marks(order.size());
    for (size_t i = 0; i < order.size(); ++i)
      marks[i] = marksOf(order[i]);
    unsigned last = 1;
    for (const std::vector<Mark> &list : marks)
      last = std::max(last, list.back().line);
    gutter = std::to_string(last).size();
    for (size_t i = 0; i < order.size(); ++i)
      snippet(order[i], marks[i], i == 0);
    if (!d.footers.empty())
      out += bar() + "\n";
  }

  std::vector<Mark> marksOf(uint32_t file) const {
    std::vector<Mark> marks;
    auto add = [&](const Label &label, bool isPrimary) {
      if (label.range.file != file)
        return;
      Mark mark;
      mark.line = sources.lineColumn(file, label.range.begin).line;
      uint32_t begin = sources.lineBegin(file, mark.line);
      size_t length = sources.lineText(file, mark.line).size();
      mark.begin = std::min<size_t>(label.range.begin - begin, length);
      // A range over several lines is marked on its first.
      mark.end = std::clamp<size_t>(label.range.end - begin, mark.begin,
                                    std::max(length, mark.begin));
      mark.isPrimary = isPrimary;
      mark.text = label.text;
      marks.push_back(std::move(mark));
    };
    add(d.primary, true);
    for (const Label &label : d.secondary)
      add(label, false);
    sortByKey(marks, [](const Mark &mark) {
      return std::make_pair(mark.line, mark.begin);
    });
    return marks;
  }

  std::string bar(std::string_view number = "") const {
    return paint("1;34", fmt::format("{:>{}} |", number, gutter));
  }

  void snippet(uint32_t file, const std::vector<Mark> &marks, bool isFirst) {
    uint32_t at = d.primary.range.begin;
    if (!isFirst)
      at = sources.lineBegin(file, marks.front().line) + marks.front().begin;
    LineColumn where = sources.lineColumn(file, at);
    out += fmt::format("{}{} {}:{}:{}\n", std::string(gutter, ' '),
                       paint("1;34", isFirst ? "-->" : ":::"),
                       shown(sources.name(file)), where.line, where.column);
    if (isFirst)
      out += bar() + "\n";
    for (size_t i = 0; i < marks.size();) {
      size_t end = i;
      while (end < marks.size() && marks[end].line == marks[i].line)
        ++end;
      if (i != 0 && marks[i].line > marks[i - 1].line + 1)
        out += paint("1;34", "...") + "\n";
      line(file, marks[i].line,
           std::vector<Mark>(marks.begin() + i, marks.begin() + end));
      i = end;
    }
  }

  /// The line, its underlines with the text of the last mark, and the other
  /// texts below, each at its mark.
  void line(uint32_t file, unsigned number, std::vector<Mark> marks) {
    ShownLine source(sources.lineText(file, number));
    out += bar(std::to_string(number));
    if (!source.text.empty())
      out += " " + source.text;
    out += "\n" + bar() + " ";
    int column = 0;
    for (const Mark &mark : marks) {
      int begin = source.column(mark.begin);
      int length = std::max(1, source.column(mark.end) - begin);
      if (begin < column) { // overlaps the mark before
        length = std::max(0, begin + length - column);
        begin = column;
      }
      out += std::string(begin - column, ' ');
      out += paint(mark.isPrimary ? "1;31" : "1;34",
                   std::string(length, mark.isPrimary ? '^' : '-'));
      column = begin + length;
    }
    if (!marks.back().text.empty())
      out += " " + text(marks.back());
    out += "\n";
    for (size_t i = marks.size() - 1; i-- > 0;)
      if (!marks[i].text.empty())
        out += bar() + " " + std::string(source.column(marks[i].begin), ' ') +
               text(marks[i]) + "\n";
  }

  std::string text(const Mark &mark) const {
    return paint(mark.isPrimary ? "1;31" : "1;34", shown(mark.text));
  }

  const SourceManager &sources;
  const Diagnostic &d;
  bool color;
  size_t gutter = 1;
  std::string out;
};

} // namespace

std::string Diagnostics::render(const Diagnostic &diagnostic,
                                bool color) const {
  return DiagnosticPrinter(sources, diagnostic, color).run();
}

std::string Diagnostics::render(bool color) const {
  std::string out;
  for (const Diagnostic &d : list) {
    if (!out.empty())
      out += "\n";
    out += render(d, color);
  }
  return out;
}
