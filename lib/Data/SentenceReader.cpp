// SentenceReader.cpp: a token and its labels a line, as CoNLL's tasks have it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Formats.h"

#include <algorithm>
#include <charconv>

using namespace rnnc;
using namespace rnnc::data;

namespace {
/// Reads one file.
class SentenceReader {
public:
  SentenceReader(DatasetBuilder &builder, const Schema &schema,
                 const ReadOptions &options, const std::string &path)
      : builder(builder), schema(schema), options(options), path(path) {}

  Status read(std::string_view text);

private:
  std::vector<std::string_view> cellsOf(std::string_view line) const;
  bool isComment(std::string_view line) const;
  bool isRange(const std::vector<std::string_view> &cells) const;
  Status findColumns(const std::vector<std::string_view> &cells);
  Status addLine(std::string_view line);
  Status finish();

  DatasetBuilder &builder;
  const Schema &schema;
  const ReadOptions &options;
  const std::string &path;
  int64_t line = 0, firstLine = 0; ///< of the file; of the sentence
  bool tabs = false;
  std::vector<size_t> columns;                         ///< of each field
  size_t width = 0;                                    ///< columns of the file
  std::vector<std::vector<std::string_view>> sentence; ///< by field
};
} // namespace

std::vector<std::string_view>
SentenceReader::cellsOf(std::string_view line) const {
  if (!tabs)
    return splitSymbols(line, Unit::Words);
  std::vector<std::string_view> cells;
  while (true) {
    size_t end = std::min(line.find('\t'), line.size());
    cells.push_back(trim(line.substr(0, end)));
    if (end == line.size())
      return cells;
    line.remove_prefix(end + 1);
  }
}

/// `# text = ...` of CoNLL-U. A `#` among the words has columns behind it.
bool SentenceReader::isComment(std::string_view line) const {
  return line.starts_with('#') && tabs &&
         line.find('\t') == std::string_view::npos;
}

/// `3-4` and `5.1` of CoNLL-U: not words of the sentence on their own.
bool SentenceReader::isRange(const std::vector<std::string_view> &cells) const {
  return width == 10 && !cells[0].empty() && cells[0][0] >= '1' &&
         cells[0][0] <= '9' &&
         cells[0].find_first_of("-.") != std::string_view::npos;
}

Status SentenceReader::findColumns(const std::vector<std::string_view> &cells) {
  width = cells.size();
  bool named = !options.columns.empty();
  // A file as it was trained on, of which the inputs are read.
  bool isWhole = !named && width == schema.order.size();
  if (!named && !isWhole && width != schema.fields.size())
    return dataError("{}:{}: error: {} column{}, but `{}` has {} inputs and "
                     "outputs; say which is which (counted from 0), as in {}",
                     path, line, width, width == 1 ? "" : "s", schema.model,
                     schema.fields.size(), columnsExample(schema));
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    if (!named) {
      auto at = std::find(schema.order.begin(), schema.order.end(),
                          schema.fields[f].name);
      columns.push_back(isWhole ? static_cast<size_t>(at - schema.order.begin())
                                : f);
      continue;
    }
    std::string wanted = options.wish(schema.fields[f]).column;
    size_t number = 0;
    const char *end = wanted.data() + wanted.size();
    auto [next, code] = std::from_chars(wanted.data(), end, number);
    if (code != std::errc() || next != end)
      return dataError("{}:{}: error: which column is `{}`? Such files have no "
                       "header: give its number, counted from 0, as in {}",
                       path, line, schema.fields[f].name,
                       columnsExample(schema));
    if (number >= width)
      return dataError("{}:{}: error: `{}` should be column {}, but there are "
                       "{} columns (counted from 0)",
                       path, line, schema.fields[f].name, number, width);
    columns.push_back(number);
  }
  sentence.resize(columns.size());
  return {};
}

Status SentenceReader::addLine(std::string_view content) {
  if (isComment(content))
    return {};
  std::vector<std::string_view> cells = cellsOf(content);
  if (width == 0)
    if (Status status = findColumns(cells); !status)
      return status;
  if (cells.size() != width)
    return dataError("{}:{}: error: {} column{}, but the lines above have {}",
                     path, line, cells.size(), cells.size() == 1 ? "" : "s",
                     width);
  if (isRange(cells))
    return {};
  if (firstLine == 0)
    firstLine = line;
  for (size_t f = 0; f < columns.size(); ++f) {
    std::string_view cell = cells[columns[f]];
    if (cell.empty())
      return dataError("{}:{}: error: `{}` is empty: there is nothing between "
                       "the tabs of column {} (counted from 0); such files "
                       "write _ where there is nothing to say",
                       path, line, schema.fields[f].name, columns[f]);
    sentence[f].push_back(cell);
  }
  return {};
}

Status SentenceReader::finish() {
  if (firstLine == 0)
    return {};
  builder.begin(firstLine);
  for (size_t f = 0; f < columns.size(); ++f) {
    if (Status status = builder.addTokens(f, sentence[f]); !status)
      return status;
    sentence[f].clear();
  }
  firstLine = 0;
  return builder.finish();
}

/// Whether there is a tab in the first line that is not blank and may not be a
/// comment.
static bool hasTabs(std::string_view text) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!trim(line).empty() && !line.starts_with('#'))
      return line.find('\t') != std::string_view::npos;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

Status SentenceReader::read(std::string_view text) {
  tabs = hasTabs(text);
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line;
    bool blank = trim(content).empty();
    if (Status status = blank ? finish() : addLine(content); !status)
      return status;
  }
  return finish();
}

Status data::readSentences(DatasetBuilder &builder, const Schema &schema,
                           const ReadOptions &options,
                           const std::string &path) {
  for (const FieldSchema &field : schema.fields)
    if (field.time(schema.times) < 0 ||
        field.time(schema.times) != schema.fields[0].time(schema.times))
      return usageError("{}: error: lines of tokens (--format conll) are for "
                        "models whose inputs and outputs have a value for "
                        "each token; {}",
                        path, suitableFormats(schema));
  Result<std::string> text = readText(path, options.encoding);
  if (!text)
    return text.error();
  builder.beginFile(path);
  return SentenceReader(builder, schema, options, path).read(*text);
}
