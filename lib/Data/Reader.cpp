// Reader.cpp: files into examples.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Formats.h"
#include "SeriesReader.h"

#include "rnnc/Data/Files.h"
#include "rnnc/Data/Table.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

using namespace rnnc;
using namespace rnnc::data;
using nlohmann::json;

json ReadOptions::toJson() const {
  return {{"format", format},
          {"encoding", encoding},
          {"tokens", tokens},
          {"units", units},
          {"columns", columns},
          {"lower", lower},
          {"min_count", minCount},
          {"max_length", maxLength},
          {"max_vocabulary", maxVocabulary},
          {"series", series.toJson()}};
}

ReadOptions ReadOptions::fromJson(const json &json) {
  ReadOptions options;
  auto take = [&](const char *key, auto &value, bool fits) {
    if (fits)
      json.at(key).get_to(value);
  };
  auto has = [&](const char *key) { return json.contains(key); };
  take("format", options.format, has("format") && json["format"].is_string());
  take("encoding", options.encoding,
       has("encoding") && json["encoding"].is_string());
  take("tokens", options.tokens, has("tokens") && json["tokens"].is_string());
  take("lower", options.lower, has("lower") && json["lower"].is_boolean());
  for (auto [key, value] : {std::pair{"min_count", &options.minCount},
                            std::pair{"max_vocabulary", &options.maxVocabulary},
                            std::pair{"max_length", &options.maxLength}})
    take(key, *value, has(key) && json[key].is_number_integer());
  if (has("series"))
    options.series = SeriesOptions::fromJson(json["series"]);
  for (auto [key, map] : {std::pair{"columns", &options.columns},
                          std::pair{"units", &options.units}})
    if (has(key) && json[key].is_object())
      for (const auto &[field, value] : json[key].items())
        if (value.is_string())
          (*map)[field] = value.get<std::string>();
  return options;
}

Unit ReadOptions::unit(const Schema &schema, const FieldSchema &field) const {
  if (std::optional<Unit> chosen = parseUnit(unitText(field)))
    return *chosen;
  return schema.isLanguageModel() ? Unit::Characters : Unit::Words;
}

Unit ReadOptions::unit(const Schema &schema) const {
  for (bool output : {true, false})
    for (const FieldSchema &field : schema.fields)
      if (field.isIndex() && field.output == output &&
          (field.unfold || !output))
        return unit(schema, field);
  return parseUnit(tokens).value_or(Unit::Words);
}

ReadOptions::Wish ReadOptions::wish(const FieldSchema &field) const {
  constexpr std::string_view suffix = ":pair";
  auto given = columns.find(field.name);
  Wish wish{given == columns.end() ? field.name : given->second, false};
  if (given != columns.end() && field.isIndex() &&
      wish.column.ends_with(suffix)) {
    wish.column.resize(wish.column.size() - suffix.size());
    wish.pairs = true;
  }
  return wish;
}

std::string Dataset::place(int32_t example) const {
  const Place &at = places[static_cast<size_t>(example)];
  return fmt::format("{}:{}", files[static_cast<size_t>(at.file)], at.line);
}

/// Plain text: running text is one example, else every line is one.
static Status readPlain(DatasetBuilder &builder, const Schema &schema,
                        const ReadOptions &options, const std::string &path) {
  Result<std::string> text = readText(path, options.encoding);
  if (!text)
    return text.error();
  builder.beginFile(path);
  if (schema.isRunningText()) {
    builder.begin(1);
    if (Status status = builder.addSymbols(
            0, splitRunningText(*text, builder.symbolUnit(0)));
        !status)
      return status;
    return builder.finish();
  }
  std::string_view rest = *text;
  // Without `stop` the end of the line is a symbol like any other.
  bool keepEnd = !schema.fields[0].stop;
  for (int64_t line = 1; !rest.empty(); ++line) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view content = rest.substr(0, end);
    size_t next = std::min(end + 1, rest.size());
    std::string_view whole = rest.substr(0, keepEnd ? next : end);
    rest.remove_prefix(next);
    if (trim(content).empty())
      continue;
    builder.begin(line);
    if (Status status = builder.addSymbols(
            0, splitRunningText(whole, builder.symbolUnit(0)));
        !status)
      return status;
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
}

/// Whether a header can stand in --columns as it is.
static bool isPlainName(std::string_view name) {
  return !name.empty() && name.find_first_of(",=+: \t\"") == name.npos &&
         !std::isdigit(static_cast<unsigned char>(name.front()));
}

/// What to write for a first row some of whose cells are called like fields,
/// but for the case of letters; empty where none is.
static std::string headersExample(const TableRow &header,
                                  const Schema &schema) {
  auto isLike = [](const std::string &a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) {
                        return std::tolower(x) == std::tolower(y);
                      });
  };
  std::vector<std::string> cells;
  for (const std::string &cell : header.cells)
    cells.emplace_back(trim(cell));
  std::vector<std::string> found(schema.fields.size());
  std::set<std::string> free(cells.begin(), cells.end());
  for (size_t f = 0; f < found.size(); ++f)
    for (const std::string &cell : cells)
      if (found[f].empty() && isLike(schema.fields[f].name, cell)) {
        found[f] = cell;
        free.erase(cell);
      }
  if (free.size() == cells.size())
    return "";
  std::string text;
  size_t next = 0;
  for (size_t f = 0; f < found.size(); ++f) {
    while (found[f].empty() && next < cells.size())
      if (const std::string &cell = cells[next++]; free.contains(cell))
        found[f] = cell;
    if (!isPlainName(found[f]))
      return "";
    if (found[f] != schema.fields[f].name)
      text += fmt::format("{}{}={}", text.empty() ? "--columns " : ",",
                          schema.fields[f].name, found[f]);
  }
  return text;
}

/// What may help where a column is not there.
static std::string columnsHelp(const TableRow &header, const Schema &schema) {
  if (header.cells.size() == 1)
    if (std::string other = separatorHint(header.cells.front()); !other.empty())
      return other;
  std::string example = headersExample(header, schema);
  return "name the columns by header or number, such as " +
         (example.empty() ? columnsExample(schema) : example);
}

/// The first row for a message.
static std::string headerText(const TableRow &header) {
  constexpr size_t most = 20;
  std::vector<std::string> cells;
  for (size_t c = 0; c < std::min(header.cells.size(), most); ++c)
    cells.push_back(fmt::format("\"{}\"", shown(header.cells[c])));
  if (header.cells.size() > most)
    cells.push_back("...");
  return fmt::format("{}", fmt::join(cells, ", "));
}

/// The column that has a header, which is to have it alone.
static Result<size_t> findHeader(const TableRow &header,
                                 const std::string &wanted,
                                 const Schema &schema,
                                 const std::string &path) {
  std::optional<size_t> found;
  for (size_t c = 0; c < header.cells.size(); ++c) {
    if (trim(header.cells[c]) != wanted)
      continue;
    if (found)
      return dataError("{}:{}: error: two columns are called `{}`; choose by "
                       "number, such as {}",
                       path, header.line, shown(wanted),
                       columnsExample(schema));
    found = c;
  }
  if (!found)
    return dataError("{}:{}: error: there is no column `{}`; the first row is "
                     "{}; {}",
                     path, header.line, shown(wanted), headerText(header),
                     columnsHelp(header, schema));
  return *found;
}

Result<TableColumns> data::findTableColumns(const TableRow &header,
                                            const Schema &schema,
                                            const ReadOptions &options,
                                            const std::vector<size_t> &fields,
                                            const std::string &path) {
  TableColumns columns;
  columns.of.resize(schema.fields.size());
  // Numbers for all: there is no header, unless the row is made of the names.
  bool allNumbers = !options.columns.empty(), allNames = true;
  for (size_t f : fields) {
    const FieldSchema &field = schema.fields[f];
    bool given = options.columns.contains(field.name);
    std::string wanted = options.wish(field).column;
    size_t number = 0;
    auto [end, code] =
        std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    bool isNumber =
        given && code == std::errc() && end == wanted.data() + wanted.size();
    if (!isNumber) {
      allNumbers = false;
      Result<size_t> column = findHeader(header, wanted, schema, path);
      if (!column)
        return column.error();
      columns.of[f] = *column;
      continue;
    }
    if (number >= header.cells.size())
      return dataError("{}:{}: error: `{}` should be column {}, but there "
                       "are {} columns (counted from 0)",
                       path, header.line, field.name, number,
                       header.cells.size());
    columns.of[f] = number;
    allNames &= trim(header.cells[number]) == field.name;
  }
  columns.header = !allNumbers || allNames;
  return columns;
}

/// The order of a file without header: labels, blank, text.
static TableColumns labelsFirst(const Schema &schema) {
  TableColumns result;
  std::vector<size_t> &columns = result.of;
  columns.resize(schema.fields.size());
  size_t next = 0;
  for (bool sequence : {false, true})
    for (size_t f = 0; f < columns.size(); ++f)
      if ((schema.fields[f].time(schema.times) >= 0) == sequence)
        columns[f] = next++;
  return result;
}

static Status readTable(DatasetBuilder &builder, const Schema &schema,
                        const ReadOptions &options, TableFormat format,
                        const std::string &path) {
  Result<std::string> text = readText(path, options.encoding);
  if (!text)
    return text.error();
  builder.beginFile(path);
  Result<Table> table = parseTable(*text, format, schema.fields.size(), path);
  if (!table)
    return table.error();
  if (table->rows.empty())
    return dataError("{}:1: error: the file is empty", path);
  bool bare = format == TableFormat::Space && options.columns.empty();
  std::vector<size_t> fields(schema.fields.size());
  std::iota(fields.begin(), fields.end(), size_t(0));
  Result<TableColumns> columns =
      bare ? labelsFirst(schema)
           : findTableColumns(table->rows.front(), schema, options, fields,
                              path);
  if (!columns)
    return columns.error();
  bool header = columns->header;
  if (header && table->rows.size() == 1)
    return dataError("{}:{}: error: there is no row below the header", path,
                     table->rows.front().line);
  for (size_t r = header; r < table->rows.size(); ++r) {
    const TableRow &row = table->rows[r];
    builder.begin(row.line);
    for (size_t f = 0; f < schema.fields.size(); ++f)
      if (Status status = builder.addCell(f, row.cells[columns->of[f]]);
          !status)
        return status;
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
}

/// An object of a line; what is none, or names something twice, is refused.
static Result<json> parseObject(std::string_view content, const Schema &schema,
                                const std::string &path, int64_t line) {
  std::set<std::string> names;
  std::string twice;
  json object = json::parse(
      content,
      [&](int depth, json::parse_event_t event, json &parsed) {
        if (event == json::parse_event_t::key && depth == 1 &&
            !names.insert(parsed.get<std::string>()).second)
          twice = parsed.get<std::string>();
        return true;
      },
      /*allow_exceptions=*/false);
  if (!object.is_object()) {
    std::string example;
    for (const FieldSchema &field : schema.fields)
      example +=
          fmt::format("{}\"{}\": ...", example.empty() ? "" : ", ", field.name);
    return dataError("{}:{}: error: not a JSON object; each line is to be one, "
                     "such as {{{}}}",
                     path, line, example);
  }
  if (!twice.empty())
    return dataError("{}:{}: error: `{}` is given twice", path, line,
                     shown(twice));
  return object;
}

static Status readJsonLines(DatasetBuilder &builder, const Schema &schema,
                            const ReadOptions &options,
                            const std::string &path) {
  Result<std::string> text = readText(path, options.encoding);
  if (!text)
    return text.error();
  builder.beginFile(path);
  std::string_view rest = *text;
  for (int64_t line = 1; !rest.empty(); ++line) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view content = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (trim(content).empty())
      continue;
    Result<json> parsed = parseObject(content, schema, path, line);
    if (!parsed)
      return parsed.error();
    const json &object = *parsed;
    builder.begin(line);
    for (size_t f = 0; f < schema.fields.size(); ++f) {
      auto given = options.columns.find(schema.fields[f].name);
      const std::string &key = given == options.columns.end()
                                   ? schema.fields[f].name
                                   : given->second;
      if (!object.contains(key))
        return dataError("{}:{}: error: `{}` is missing", path, line, key);
      if (Status status = builder.addJson(f, object[key]); !status)
        return status;
    }
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
}

static Status readOne(DatasetBuilder &builder, const Schema &schema,
                      const ReadOptions &options, const std::string &path) {
  if (isSideBySide(path))
    return readSideBySide(builder, schema, options, path);
  std::string format =
      options.format == "auto" ? formatOf(path, schema) : options.format;
  if (format == "conll")
    return readSentences(builder, schema, options, path);
  if (format == "roll")
    return readRolls(builder, schema, options, path);
  if (format == "npz")
    return readArrays(builder, schema, path);
  if (format == "jsonl")
    return readJsonLines(builder, schema, options, path);
  if (format == "csv")
    return readTable(builder, schema, options, TableFormat::CSV, path);
  if (format == "tsv")
    return readTable(builder, schema, options, TableFormat::TSV, path);
  if (format == "space")
    return readTable(builder, schema, options, TableFormat::Space, path);
  if (!options.columns.empty())
    return usageError("{}: error: plain text has no columns; --columns does "
                      "not apply",
                      path);
  if (!schema.isLanguageModel())
    return usageError("{}: error: plain text is for language models; {}", path,
                      suitableFormats(schema));
  return readPlain(builder, schema, options, path);
}

/// Several files of running text are one text.
static void joinExamples(Dataset &data) {
  Column &column = data.columns[0];
  column.begin = {0, static_cast<int64_t>(column.ints.size())};
  data.places.resize(1);
  data.lengths[0] = {static_cast<int32_t>(column.ints.size())};
}

/// Tables whose rows are steps of time; nothing if these files are others.
static Result<std::optional<Dataset>>
readSeries(const std::vector<std::string> &paths, const Schema &schema,
           const ReadOptions &options) {
  bool nested = std::any_of(
      schema.fields.begin(), schema.fields.end(),
      [&](const FieldSchema &f) { return !FieldLayout(schema, f).isSimple(); });
  if (schema.times.empty() || nested || options.series.rows == "examples" ||
      !(mayBeSeries(schema) || options.series.isTime()))
    return std::optional<Dataset>();
  SeriesReader reader(schema, options);
  for (const std::string &path : paths) {
    std::string format =
        options.format == "auto" ? formatOf(path, schema) : options.format;
    if (isSideBySide(path))
      return std::optional<Dataset>();
    if (format != "csv" && format != "tsv")
      return std::optional<Dataset>();
    Result<std::string> text = readText(path, options.encoding);
    if (!text)
      return text.error();
    Result<Table> table = parseTable(
        *text, format == "csv" ? TableFormat::CSV : TableFormat::TSV, 0, path);
    if (!table)
      return table.error();
    if (table->rows.empty())
      return dataError("{}:1: error: the file is empty", path);
    Result<bool> added = reader.add(*table, path);
    if (!added)
      return added.error();
    if (!*added)
      return std::optional<Dataset>();
  }
  Result<Dataset> data = reader.take();
  if (!data)
    return data.error();
  return std::optional<Dataset>(std::move(*data));
}

/// A unit is for what is cut.
static Status checkUnits(const Schema &schema, const ReadOptions &options) {
  for (const auto &[name, unit] : options.units) {
    const FieldSchema *field = schema.find(name);
    if (!field && !schema.isAbsent(name))
      return usageError("rnnc: error: --unit: model `{}` has no input or "
                        "output `{}`",
                        schema.model, name);
    if (field && !field->isIndex())
      return usageError("rnnc: error: --unit: `{}` holds numbers, not texts",
                        name);
    // One of a whole example; those of a sequence may be cut out of a text.
    if (field && field->output && field->time(schema.times) < 0)
      return usageError("rnnc: error: --unit: `{}` holds labels, which are "
                        "taken whole",
                        name);
  }
  return {};
}

Result<Dataset> data::readDataset(const std::vector<std::string> &paths,
                                  const Schema &schema,
                                  const ReadOptions &options) {
  if (Status status = schema.checkReadable(); !status)
    return status.error();
  if (Status status = checkUnits(schema, options); !status)
    return status.error();
  for (const auto &[field, column] : options.columns)
    if (!schema.find(field) && !schema.isAbsent(field))
      return usageError("rnnc: error: --columns: model `{}` has no input or "
                        "output `{}`",
                        schema.model, field);
  if (Status status = checkPieces(schema, options); !status)
    return status.error();
  Result<std::optional<Dataset>> series = readSeries(paths, schema, options);
  if (!series)
    return series.error();
  if (*series)
    return std::move(**series);
  // What training has settled asks for nothing.
  if ((options.series.isTime() || options.series.asked()) &&
      options.series.ahead.empty())
    return usageError(
        "{}: error: --rows time, --window, --horizon, --stride, "
        "--missing and --scale are for tables (CSV, TSV) with a number in "
        "each cell, and models with a time axis",
        paths.front());
  DatasetBuilder builder(schema, options);
  for (const std::string &path : paths) {
    if (Status status = readOne(builder, schema, options, path); !status)
      return status.error();
    if (schema.isRunningText())
      builder.data.textEnds.push_back(
          static_cast<int64_t>(builder.data.columns[0].ints.size()));
  }
  if (builder.data.size() == 0)
    return dataError("{}:1: error: there are no examples", paths.front());
  if (schema.isRunningText() && builder.data.size() > 1)
    joinExamples(builder.data);
  return builder.take();
}

Result<Dataset> data::datasetOfTexts(const std::vector<std::string> &texts,
                                     const std::string &place,
                                     const Schema &schema,
                                     const ReadOptions &options) {
  DatasetBuilder builder(schema, options);
  builder.beginFile(place);
  int64_t line = 0;
  for (const std::string &text : texts) {
    if (Status status = checkUtf8(text, place, ++line); !status)
      return status.error();
    builder.begin(line);
    std::optional<std::string> used; // the column that the text stands for
    for (size_t f = 0; f < schema.fields.size(); ++f) {
      const FieldSchema &field = schema.fields[f];
      if (field.output && !field.unfold) {
        builder.addNothing(f);
        continue;
      }
      // What words are made of comes from the same text.
      bool isInner = !FieldLayout(schema, field).isSimple();
      std::string column = options.wish(field).column;
      if (used && *used != column && !isInner)
        return usageError("rnnc: error: model `{}` has several inputs; give "
                          "them in a file with --in",
                          schema.model);
      if (!isInner)
        used = column;
      Status status =
          field.unfold && field.isIndex()
              ? builder.addSymbols(
                    f, splitRunningText(text, builder.symbolUnit(f)))
              : builder.addCell(f, text);
      if (!status)
        return status.error();
    }
    if (Status status = builder.finish(); !status)
      return status.error();
  }
  return builder.take();
}
