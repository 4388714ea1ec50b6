// SeriesReader.cpp: columns of a series, and its rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SeriesReader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

using namespace rnnc;
using namespace rnnc::data;

static bool isTimed(const FieldSchema &field, const Schema &schema) {
  return field.time(schema.times) >= 0;
}

bool data::mayBeSeries(const Schema &schema) {
  return std::any_of(schema.fields.begin(), schema.fields.end(),
                     [&](const FieldSchema &field) {
                       return isTimed(field, schema) && !field.isIndex();
                     });
}

Result<SeriesTimes> data::seriesTimes(const Schema &schema) {
  SeriesTimes times;
  for (bool output : {false, true})
    for (const FieldSchema &field : schema.fields) {
      int time = field.time(schema.times);
      if (field.output != output || time < 0 || time == times.past ||
          time == times.future)
        continue;
      if (times.past < 0)
        times.past = time;
      else if (times.future < 0)
        times.future = time;
      else
        return usageError("rnnc: error: `{}` has more than two time axes; rows "
                          "of a table cannot be the steps of all",
                          schema.model);
    }
  return times;
}

/// A row as one example: fields without their time axis.
static Schema rowsOf(const Schema &schema) {
  Schema result = schema;
  result.times.clear();
  result.chunk.reset();
  for (FieldSchema &field : result.fields) {
    std::erase_if(field.axes,
                  [](const SchemaAxis &axis) { return axis.isTime; });
    field.unfold = false;
  }
  return result;
}

SeriesReader::SeriesReader(const Schema &schema, const ReadOptions &given)
    : schema(schema), options(given), rowSchema(rowsOf(schema)),
      builder(rowSchema, options) {
  // Numbers along time have no other length than that of the table.
  options.maxLength = 0;
}

/// A number that fills its cell. What stands for a missing value is none.
static std::optional<double> numberIn(std::string_view cell) {
  cell = trim(cell);
  double value = 0;
  size_t skip = cell.starts_with('+');
  auto [end, code] =
      std::from_chars(cell.data() + skip, cell.data() + cell.size(), value);
  bool whole = code == std::errc() && end == cell.data() + cell.size();
  if (!whole || !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// Whether a cell is a list of numbers; with `some`, one that may have
/// mistakes.
static bool isList(std::string_view cell, bool some) {
  cell = trim(cell);
  int64_t count = 0, numbers = 0;
  while (!cell.empty()) {
    size_t end = std::min(cell.find_first_of(" ,;\t"), cell.size());
    count += end > 0;
    numbers += end > 0 && numberIn(cell.substr(0, end));
    cell.remove_prefix(std::min(end + 1, cell.size()));
  }
  return count > 1 && (numbers == count || (some && numbers > 0));
}

bool SeriesReader::holdsSequences(const Table &table) const {
  std::vector<bool> named;
  for (size_t c = 0; c < table.rows[0].cells.size(); ++c) {
    std::string_view head = trim(table.rows[0].cells[c]);
    named.push_back(false);
    for (const FieldSchema &field : schema.fields) {
      auto given = options.columns.find(field.name);
      const std::string &wanted =
          given == options.columns.end() ? field.name : given->second;
      if (!field.isIndex())
        named.back() =
            named.back() || head == wanted || wanted == std::to_string(c);
    }
  }
  for (const TableRow &row : table.rows)
    for (size_t c = 0; c < row.cells.size(); ++c)
      if (isList(row.cells[c], named[c]))
        return true;
  return false;
}

/// The first row names the columns if a number stands below what is none.
static bool hasHeader(const Table &table) {
  const auto &first = table.rows[0].cells;
  if (table.rows.size() == 1)
    return std::none_of(first.begin(), first.end(), numberIn);
  const auto &second = table.rows[1].cells;
  for (size_t c = 0; c < first.size(); ++c)
    if (!numberIn(first[c]) && numberIn(second[c]))
      return true;
  // Labels of every row, without a number: no name would come twice.
  return std::none_of(first.begin(), first.end(), numberIn);
}

/// Columns that hold numbers for the most part: the rest of their cells is to
/// be complained about.
static std::vector<size_t> numericColumns(const Table &table, bool header) {
  std::vector<size_t> result;
  for (size_t c = 0; c < table.rows[0].cells.size(); ++c) {
    size_t numbers = 0;
    for (size_t r = header; r < table.rows.size(); ++r)
      numbers += numberIn(table.rows[r].cells[c]).has_value();
    if (2 * numbers > table.rows.size() - header)
      result.push_back(c);
  }
  return result;
}

std::string SeriesReader::nameOf(size_t column) const {
  return header ? names[column] : std::to_string(column);
}

/// How --columns would say it.
std::string SeriesReader::specOf(size_t field) const {
  std::vector<std::string> parts;
  for (const SeriesColumn &column : columns[field]) {
    const std::string &name = names[column.at];
    bool plain = header && !name.empty() &&
                 name.find_first_of("+,:") == std::string::npos &&
                 std::count(names.begin(), names.end(), name) == 1;
    parts.push_back((plain ? name : std::to_string(column.at)) +
                    column.cycle.text());
  }
  return fmt::format("{}", fmt::join(parts, "+"));
}

/// Numbers of a row that its columns give.
int64_t SeriesReader::entriesOf(size_t field) const {
  int64_t count = 0;
  for (const SeriesColumn &column : columns[field])
    count += column.entries();
  return count;
}

/// Numbers of a row that a field takes; -1 if the data decides.
int64_t SeriesReader::wantedCount(size_t field) const {
  return rowSchema.fields[field].inner();
}

/// The first of many names.
static std::string someOf(const std::vector<std::string> &names) {
  constexpr size_t most = 16;
  std::vector<std::string> some;
  for (size_t i = 0; i < std::min(names.size(), most); ++i)
    some.push_back("`" + shown(names[i], 30) + "`");
  if (names.size() > most)
    some.push_back("...");
  return fmt::format("{}", fmt::join(some, ", "));
}

/// `Temp`, `3`, or `1-7` as columns.
Status SeriesReader::addWanted(size_t field, const std::string &given,
                               const std::string &path) {
  std::vector<SeriesColumn> &list = columns[field];
  std::string wanted = given;
  Cycle cycle;
  auto found =
      header ? std::find(names.begin(), names.end(), wanted) : names.end();
  size_t colon = wanted.rfind(':');
  if (found == names.end() && colon != std::string::npos &&
      !schema.fields[field].isIndex()) {
    std::optional<Cycle> parsed =
        parseCycle(std::string_view(wanted).substr(colon + 1));
    if (!parsed)
      return usageError("{}: error: --columns {}={}: behind the colon stands "
                        "year, week, day, or the period of a number such as "
                        "24",
                        path, schema.fields[field].name, wanted);
    cycle = *parsed;
    wanted.resize(colon);
    if (header)
      found = std::find(names.begin(), names.end(), wanted);
  }
  if (found != names.end()) {
    if (std::count(names.begin(), names.end(), wanted) > 1)
      return dataError("{}:{}: error: two columns are called `{}`; choose by "
                       "number",
                       path, firstLine, shown(wanted));
    list.push_back({static_cast<size_t>(found - names.begin()), cycle});
    return {};
  }
  size_t first = 0, last = 0;
  const char *end = wanted.data() + wanted.size();
  auto [next, code] = std::from_chars(wanted.data(), end, first);
  last = first;
  if (code == std::errc() && next < end && *next == '-') {
    auto range = std::from_chars(next + 1, end, last);
    next = range.ptr;
    code = range.ec;
  }
  if (code != std::errc() || next != end || last < first) {
    return dataError("{}:{}: error: there is no column `{}`; {}", path,
                     firstLine, shown(wanted),
                     header ? "there is " + someOf(names)
                            : "the table has no header: columns are numbers, "
                              "counted from 0");
  }
  if (last >= names.size())
    return dataError("{}:{}: error: `{}` should be column {}, but there are {} "
                     "columns (counted from 0)",
                     path, firstLine, schema.fields[field].name, last,
                     names.size());
  for (size_t column = first; column <= last; ++column)
    list.push_back({column, cycle});
  return {};
}

Error SeriesReader::unclear(size_t field, const std::string &path) const {
  const FieldSchema &info = schema.fields[field];
  std::vector<std::string> known, example;
  int64_t wanted = std::max<int64_t>(wantedCount(field), 1);
  for (size_t column : numeric) {
    known.push_back(nameOf(column));
    if (static_cast<int64_t>(example.size()) < wanted)
      example.push_back(shown(nameOf(column), 30));
  }
  if (static_cast<int64_t>(numeric.size()) < wanted)
    return dataError(
        "{}:{}: error: `{}` takes {} numbers a row, but columns of numbers are "
        "{}; name what it reads, as in --columns {}=3+5 or, with the part of "
        "the year of a date (two numbers), {}=3+Date:year",
        path, firstLine, info.name, wanted,
        known.empty() ? "missing" : "only " + someOf(known), info.name,
        info.name);
  if (example.size() > 4) // numbers say a stretch of them
    example = {fmt::format("{}-{}", numeric.front(),
                           numeric.front() + static_cast<size_t>(wanted) - 1)};
  return dataError(
      "{}:{}: error: which columns are `{}`, {} number{} a row? "
      "columns of numbers are {}; say it as in --columns {}={}",
      path, firstLine, info.name, wanted, wanted > 1 ? "s" : "",
      known.empty() ? "missing" : someOf(known), info.name,
      example.empty() ? "0" : fmt::format("{}", fmt::join(example, "+")));
}

/// Columns that nobody named: the one with the field's name, else all numbers
/// where they are as many, else what an input of as many numbers reads.
Status SeriesReader::choose(size_t field, const std::string &path) {
  const FieldSchema &info = schema.fields[field];
  int64_t wanted = wantedCount(field);
  if (header && wanted == 1 &&
      std::count(names.begin(), names.end(), info.name) == 1)
    return addWanted(field, info.name, path);
  if (info.isIndex())
    return unclear(field, path);
  if (info.output)
    for (size_t other = 0; other < columns.size(); ++other)
      if (!schema.fields[other].output && !schema.fields[other].isIndex() &&
          entriesOf(other) == wanted) {
        columns[field] = columns[other];
        return {};
      }
  if (wanted >= 0 && static_cast<int64_t>(numeric.size()) != wanted)
    return unclear(field, path);
  for (size_t column : numeric)
    columns[field].push_back({column, {}});
  return numeric.empty() ? Status(unclear(field, path)) : Status();
}

Status SeriesReader::findColumns(const Table &table, const std::string &path) {
  firstLine = table.rows[0].line;
  header = hasHeader(table);
  names.clear();
  for (const std::string &cell : table.rows[0].cells)
    names.emplace_back(trim(cell));
  numeric = numericColumns(table, header);
  columns.assign(schema.fields.size(), {});
  for (bool chosen : {true, false}) // what is named helps to choose the rest
    for (size_t f = 0; f < schema.fields.size(); ++f) {
      auto given = options.columns.find(schema.fields[f].name);
      if ((given != options.columns.end()) != chosen)
        continue;
      if (!chosen) {
        if (Status status = choose(f, path); !status)
          return status;
        continue;
      }
      std::string_view rest = given->second;
      bool whole =
          header && std::find(names.begin(), names.end(), rest) != names.end();
      while (!rest.empty()) {
        size_t plus =
            whole ? rest.size() : std::min(rest.find('+'), rest.size());
        if (Status status =
                addWanted(f, std::string(trim(rest.substr(0, plus))), path);
            !status)
          return status;
        rest.remove_prefix(std::min(plus + 1, rest.size()));
      }
    }
  for (size_t f = 0; f < columns.size(); ++f) {
    int64_t wanted = wantedCount(f);
    int64_t count = entriesOf(f);
    FieldSchema &info = rowSchema.fields[f];
    if (wanted >= 0 && count != wanted)
      return dataError("{}:{}: error: `{}` takes {} number{} a row, --columns "
                       "names {}",
                       path, firstLine, info.name, wanted,
                       wanted == 1 ? "" : "s", count);
    // One open axis gets its size from the columns.
    for (SchemaAxis &axis : info.axes)
      if (axis.size < 0) {
        builder.data.axisSizes[axis.name] = count;
        rowSchema.bind({{axis.name, count}});
      }
  }
  return {};
}

/// Whether a cell stands for a value that is not there.
static bool isMissing(std::string_view cell) {
  cell = trim(cell);
  for (std::string_view word : {"", "NA", "N/A", "nan", "NaN", "NAN", "null",
                                "NULL", "none", "None", "?", "-"})
    if (cell == word)
      return true;
  return false;
}

Status SeriesReader::addCycle(const SeriesColumn &column, const TableRow &row,
                              const std::string &path,
                              std::vector<double> &numbers) const {
  const std::string &cell = row.cells[column.at];
  std::optional<double> phase = phaseOf(cell, column.cycle);
  if (!phase)
    return dataError("{}:{}: error: column `{}`: \"{}\" is not {}", path,
                     row.line, shown(nameOf(column.at)), shown(cell),
                     column.cycle.kind == Cycle::Kind::Number
                         ? "a number"
                         : "a date such as 2016-07-01 13:00");
  double angle = 2 * std::numbers::pi * *phase;
  numbers.push_back(std::sin(angle));
  numbers.push_back(std::cos(angle));
  return {};
}

/// The nearest values before and behind a row of a column, in one file.
static double between(const std::vector<double> &reals, int64_t each,
                      int64_t begin, int64_t end, int64_t at, bool linear) {
  int64_t before = at - each, after = at + each;
  auto missing = [&](int64_t i) {
    return std::isnan(reals[static_cast<size_t>(i)]);
  };
  // What stands before has been filled already, so it is there or nowhere.
  while (after < end && missing(after))
    after += each;
  bool hasBefore = before >= begin && !missing(before), hasAfter = after < end;
  auto value = [&](int64_t i) { return reals[static_cast<size_t>(i)]; };
  if (!hasBefore)
    return hasAfter ? value(after) : NAN;
  if (!linear || !hasAfter)
    return value(before);
  double share =
      static_cast<double>(each) / static_cast<double>(after - before);
  return value(before) + share * (value(after) - value(before));
}

/// Puts values in the place of those that are missing, in the rows of a file.
Status SeriesReader::fill(int64_t firstRow, const std::string &path) {
  int64_t rows = builder.data.size();
  filled.resize(columns.size());
  for (size_t f = 0; f < columns.size(); ++f) {
    filled[f].resize(static_cast<size_t>(rows));
    if (schema.fields[f].kind != FieldSchema::Kind::Real)
      continue;
    std::vector<double> &reals = builder.data.columns[f].reals;
    int64_t each = entriesOf(f), begin = firstRow * each, end = rows * each;
    for (int64_t i = begin; i < end; ++i) {
      double &value = reals[static_cast<size_t>(i)];
      if (!std::isnan(value))
        continue;
      filled[f][static_cast<size_t>(i / each)] = true;
      value = between(reals, each, begin + i % each, end, i,
                      options.series.missing == "linear");
      if (std::isnan(value))
        return dataError("{}:{}: error: a column of `{}` has no number at all",
                         path, firstLine, schema.fields[f].name);
    }
  }
  return {};
}

Status SeriesReader::addCells(size_t field, const TableRow &row,
                              const std::string &path) {
  if (schema.fields[field].isIndex()) {
    std::vector<std::string_view> symbols;
    for (const SeriesColumn &column : columns[field]) {
      symbols.push_back(trim(row.cells[column.at]));
      if (symbols.back().empty())
        return dataError("{}:{}: error: column `{}` is empty", path, row.line,
                         shown(nameOf(column.at)));
    }
    return builder.addSymbols(field, std::move(symbols));
  }
  std::vector<double> numbers;
  bool fills = options.series.missing != "error" &&
               schema.fields[field].kind == FieldSchema::Kind::Real;
  for (const SeriesColumn &column : columns[field]) {
    if (column.cycle.kind != Cycle::Kind::None) {
      if (Status status = addCycle(column, row, path, numbers); !status)
        return status;
      continue;
    }
    const std::string &cell = row.cells[column.at];
    std::optional<double> number = numberIn(cell);
    bool missing = !number && isMissing(cell);
    if (missing && !fills)
      return dataError(
          "{}:{}: error: column `{}` {}; say what becomes of missing values "
          "with --missing last or --missing linear, or leave such rows out",
          path, row.line, shown(nameOf(column.at)),
          trim(cell).empty() ? "is empty"
                             : fmt::format("has \"{}\"", shown(cell)));
    if (!number && !missing)
      return dataError("{}:{}: error: column `{}`: \"{}\" is not a number",
                       path, row.line, shown(nameOf(column.at)), shown(cell));
    numbers.push_back(number.value_or(NAN));
  }
  return builder.addNumbers(field, numbers, 1);
}

Status SeriesReader::addRow(const TableRow &row, const std::string &path) {
  builder.begin(row.line);
  for (size_t f = 0; f < columns.size(); ++f)
    if (Status status = addCells(f, row, path); !status)
      return status;
  return builder.finish();
}

Result<bool> SeriesReader::add(const Table &table, const std::string &path) {
  if (options.series.rows == "auto" && holdsSequences(table))
    return false;
  builder.beginFile(path);
  if (Status status = findColumns(table, path); !status)
    return status.error();
  if (table.rows.size() == header)
    return dataError("{}:{}: error: there is no row below the header", path,
                     firstLine);
  int64_t firstRow = builder.data.size();
  for (size_t r = header; r < table.rows.size(); ++r)
    if (Status status = addRow(table.rows[r], path); !status)
      return status.error();
  if (options.series.missing != "error")
    if (Status status = fill(firstRow, path); !status)
      return status.error();
  return true;
}

/// Whether an output is the future of something that is read.
bool SeriesReader::sharesColumns(size_t output) const {
  for (size_t f = 0; f < columns.size(); ++f)
    if (!schema.fields[f].output)
      for (const SeriesColumn &column : columns[output])
        if (std::find(columns[f].begin(), columns[f].end(), column) !=
            columns[f].end())
          return true;
  return false;
}

Result<Dataset> SeriesReader::take() {
  Result<SeriesTimes> times = seriesTimes(schema);
  if (!times)
    return times.error();
  SeriesOptions series = options.series;
  series.rows = "time";
  int64_t rows = builder.data.size();
  if (series.window == 0) // of a short series a part of it
    series.window = std::clamp<int64_t>(rows / 8, 2, 64);
  // A state that is carried on sees far: each row of a batch reads its share.
  if (options.series.window == 0 && schema.chunk)
    series.window = std::max(*schema.chunk, rows / (2 * schema.batch));
  for (size_t f = 0; f < columns.size(); ++f) {
    const FieldSchema &field = schema.fields[f];
    bool future =
        times->future >= 0 && field.time(schema.times) == times->future;
    if (future && series.horizon < 1)
      return usageError(
          "rnnc: error: `{}` lies over `{}`, behind what is read; "
          "give --horizon N, the rows that it holds",
          field.name, schema.times[static_cast<size_t>(times->future)]);
    if (field.output && !options.series.ahead.contains(field.name))
      series.ahead[field.name] = future                ? 1
                                 : series.horizon >= 0 ? series.horizon
                                 : sharesColumns(f)    ? 1
                                                       : 0;
  }
  Dataset data = builder.take();
  data.filled = std::move(filled);
  for (size_t f = 0; f < columns.size(); ++f)
    data.seriesColumns[schema.fields[f].name] = specOf(f);
  data.series = std::move(series);
  data.areRows = true;
  // Every time axis of the model, of no use before there are windows.
  data.lengths.assign(schema.times.size(),
                      std::vector<int32_t>(static_cast<size_t>(rows)));
  return data;
}
