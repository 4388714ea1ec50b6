// Table.cpp: splits CSV and TSV.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Table.h"

using namespace rnnc;
using namespace rnnc::data;

namespace {

class TableParser {
public:
  TableParser(std::string_view text, char separator, bool strict,
              const std::string &path)
      : text(text), separator(separator), strict(strict), path(path) {}

  Result<Table> parse();

private:
  Status parseRow(TableRow &row);
  Status parseCell(std::string &cell);
  bool quotedCell(std::string &cell);
  bool atEnd() const { return at >= text.size(); }

  std::string_view text;
  char separator;
  bool strict; ///< a quote that is wrong is an error, not a character
  const std::string &path;
  size_t at = 0;
  int64_t line = 1;
};

} // namespace

/// Reads a cell in quotes; if it is not well formed, nothing is consumed.
bool TableParser::quotedCell(std::string &cell) {
  std::string content;
  int64_t lines = 0;
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] != '"') {
      // Only CSV cells go over several lines.
      if (text[i] == '\n' && !strict)
        return false;
      lines += text[i] == '\n';
      content += text[i];
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '"') {
      content += '"';
      ++i;
      continue;
    }
    bool ends =
        i + 1 >= text.size() || text[i + 1] == separator || text[i + 1] == '\n';
    if (!ends)
      return false;
    cell = std::move(content);
    at = i + 1;
    line += lines;
    return true;
  }
  return false;
}

Status TableParser::parseCell(std::string &cell) {
  if (!atEnd() && text[at] == '"') {
    if (quotedCell(cell))
      return {};
    if (strict)
      return dataError("{}:{}: error: the quoted cell that begins here does "
                       "not end before a separator; write \"\" for a quote "
                       "inside it",
                       path, line);
  }
  while (!atEnd() && text[at] != separator && text[at] != '\n')
    cell += text[at++];
  return {};
}

Status TableParser::parseRow(TableRow &row) {
  row.line = line;
  while (true) {
    row.cells.emplace_back();
    if (Status status = parseCell(row.cells.back()); !status)
      return status;
    if (atEnd())
      return {};
    char c = text[at++];
    if (c == '\n') {
      ++line;
      return {};
    }
  }
}

std::string data::separatorHint(std::string_view row) {
  if (row.starts_with('{') || row.starts_with('['))
    return "it looks like JSON: write an object a line, and give --format "
           "jsonl";
  if (row.find('\t') != std::string_view::npos)
    return "its cells seem to end with tabs: give --format tsv";
  if (row.find(';') != std::string_view::npos)
    return "its cells seem to end with semicolons: write commas or tabs";
  if (row.find(',') != std::string_view::npos)
    return "its cells seem to end with commas: give --format csv";
  return "";
}

static Status checkCount(const Table &table, const TableRow &row,
                         const std::string &path) {
  if (table.rows.empty() || row.cells.size() == table.rows.front().cells.size())
    return {};
  const TableRow &first = table.rows.front();
  std::string other =
      first.cells.size() == 1 ? data::separatorHint(first.cells.front()) : "";
  return dataError("{}:{}: error: {} column{}, but line {} has {}{}", path,
                   row.line, row.cells.size(), row.cells.size() == 1 ? "" : "s",
                   first.line, first.cells.size(),
                   other.empty() ? "" : "; " + other);
}

Result<Table> TableParser::parse() {
  Table table;
  while (!atEnd()) {
    TableRow row;
    if (Status status = parseRow(row); !status)
      return status.error();
    if (row.cells.size() == 1 && row.cells[0].empty())
      continue;
    if (Status status = checkCount(table, row, path); !status)
      return status.error();
    table.rows.push_back(std::move(row));
  }
  return table;
}

static Result<Table> parseBlanks(std::string_view text, size_t columns,
                                 const std::string &path) {
  Table table;
  int64_t line = 0;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view rest = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++line;
    if (rest.find_first_not_of(" \t") == std::string_view::npos)
      continue;
    TableRow row;
    row.line = line;
    while (row.cells.size() + 1 < columns) {
      size_t blank = rest.find(' ');
      if (blank == std::string_view::npos)
        return dataError("{}:{}: error: {} column{}, expected {}: labels, each "
                         "with one blank behind it, and the text",
                         path, line, row.cells.size() + 1,
                         row.cells.empty() ? "" : "s", columns);
      row.cells.emplace_back(rest.substr(0, blank));
      rest.remove_prefix(blank + 1);
    }
    row.cells.emplace_back(rest);
    table.rows.push_back(std::move(row));
  }
  return table;
}

Result<Table> data::parseTable(std::string_view text, TableFormat format,
                               size_t columns, const std::string &path) {
  if (format == TableFormat::Space)
    return parseBlanks(text, columns, path);
  bool csv = format == TableFormat::CSV;
  return TableParser(text, csv ? ',' : '\t', csv, path).parse();
}
