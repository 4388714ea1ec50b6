// Reader.cpp: files into examples.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Dataset.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Data/Table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

using namespace rnnc;
using namespace rnnc::data;
using nlohmann::json;

json ReadOptions::toJson() const {
  return {{"format", format},        {"tokens", tokens},
          {"columns", columns},      {"lower", lower},
          {"min_count", minCount},   {"max_vocabulary", maxVocabulary},
          {"max_length", maxLength}};
}

ReadOptions ReadOptions::fromJson(const json &json) {
  ReadOptions options;
  auto take = [&](const char *key, auto &value, bool fits) {
    if (fits)
      json.at(key).get_to(value);
  };
  auto has = [&](const char *key) { return json.contains(key); };
  take("format", options.format, has("format") && json["format"].is_string());
  take("tokens", options.tokens, has("tokens") && json["tokens"].is_string());
  take("lower", options.lower, has("lower") && json["lower"].is_boolean());
  for (auto [key, value] :
       {std::pair{"min_count", &options.minCount},
        std::pair{"max_vocabulary", &options.maxVocabulary},
        std::pair{"max_length", &options.maxLength}})
    take(key, *value, has(key) && json[key].is_number_integer());
  if (has("columns") && json["columns"].is_object())
    for (const auto &[field, column] : json["columns"].items())
      if (column.is_string())
        options.columns[field] = column.get<std::string>();
  return options;
}

Unit ReadOptions::unit(const Schema &schema) const {
  if (tokens.empty())
    return schema.isLanguageModel() ? Unit::Characters : Unit::Words;
  return tokens == "chars" ? Unit::Characters : Unit::Words;
}

std::string Dataset::place(int32_t example) const {
  const Place &at = places[static_cast<size_t>(example)];
  return fmt::format("{}:{}", files[static_cast<size_t>(at.file)], at.line);
}

namespace {

/// Collects examples of one schema.
class DatasetBuilder {
public:
  DatasetBuilder(const Schema &schema, const ReadOptions &options)
      : schema(schema), options(options), unit(options.unit(schema)) {
    data.columns.resize(schema.fields.size());
    data.lengths.resize(schema.times.size());
  }

  void beginFile(const std::string &path) {
    data.files.push_back(path);
    file = static_cast<int32_t>(data.files.size()) - 1;
  }
  /// Begins an example; every field has to be added before `finish`.
  void begin(int64_t line) {
    this->line = line;
    known.assign(schema.times.size(), -1);
  }
  Status finish();

  Status addCell(size_t field, std::string_view cell);
  Status addSymbols(size_t field, std::vector<std::string_view> symbols);
  Status addJson(size_t field, const json &value);
  void addNothing(size_t field);
  Status addNumbers(size_t field, const std::vector<double> &numbers,
                    int64_t steps);

  Unit symbolUnit() const { return unit; }
  Dataset data;

private:
  std::string here() const {
    return fmt::format("{}:{}", data.files.back(), line);
  }
  Status setLength(size_t field, int64_t length);
  int32_t intern(std::string_view symbol);

  const Schema &schema;
  const ReadOptions &options;
  Unit unit;
  int32_t file = 0;
  int64_t line = 0;
  std::vector<int64_t> known; ///< lengths of the example's time axes
  std::unordered_map<std::string, int32_t> numbers;
};

} // namespace

int32_t DatasetBuilder::intern(std::string_view symbol) {
  std::string key =
      options.lower ? lowerCase(symbol) : std::string(symbol);
  auto [found, isNew] =
      numbers.emplace(key, static_cast<int32_t>(data.symbols.size()));
  if (isNew)
    data.symbols.push_back(key);
  return found->second;
}

Status DatasetBuilder::setLength(size_t field, int64_t length) {
  int time = schema.fields[field].time(schema.times);
  if (time < 0)
    return {};
  int64_t &known = this->known[static_cast<size_t>(time)];
  if (known >= 0 && known != length)
    return dataError("{}: error: `{}` has {} elements, but another sequence "
                     "over `{}` has {}",
                     here(), schema.fields[field].name, length,
                     schema.times[static_cast<size_t>(time)], known);
  known = length;
  return {};
}

Status DatasetBuilder::addSymbols(size_t field,
                                  std::vector<std::string_view> symbols) {
  const FieldSchema &info = schema.fields[field];
  Column &column = data.columns[field];
  column.raw = true;
  bool limited = options.maxLength > 0 && info.time(schema.times) >= 0 &&
                 !schema.isRunningText();
  if (limited && static_cast<int64_t>(symbols.size()) > options.maxLength)
    symbols.resize(static_cast<size_t>(options.maxLength));
  for (std::string_view symbol : symbols)
    column.ints.push_back(intern(symbol));
  column.begin.push_back(static_cast<int64_t>(column.ints.size()));
  return setLength(field, static_cast<int64_t>(symbols.size()));
}

void DatasetBuilder::addNothing(size_t field) {
  // One 0 for each step of the inputs is put in by `finish`.
  Column &column = data.columns[field];
  column.begin.push_back(-1);
}

Status DatasetBuilder::addNumbers(size_t field,
                                  const std::vector<double> &numbers,
                                  int64_t steps) {
  const FieldSchema &info = schema.fields[field];
  Column &column = data.columns[field];
  for (double number : numbers) {
    if (info.kind == FieldSchema::Kind::Real) {
      column.reals.push_back(number);
      continue;
    }
    bool whole = number == std::floor(number) && std::abs(number) < 2147483648.;
    bool fits = info.kind == FieldSchema::Kind::Int ||
                (info.kind == FieldSchema::Kind::Bit
                     ? number == 0 || number == 1
                     : number >= 0);
    if (!whole || !fits)
      return dataError("{}: error: `{}`: {} is not {}", here(), info.name,
                       number,
                       info.kind == FieldSchema::Kind::Bit ? "0 or 1"
                       : info.isIndex()                    ? "an index"
                                        : "a whole number");
    column.ints.push_back(static_cast<int32_t>(number));
  }
  column.begin.push_back(static_cast<int64_t>(
      info.kind == FieldSchema::Kind::Real ? column.reals.size()
                                           : column.ints.size()));
  return setLength(field, steps);
}

/// Numbers with blanks, commas or semicolons between them.
static std::optional<std::vector<double>> parseNumbers(std::string_view cell) {
  std::vector<double> result;
  size_t at = 0;
  while (at < cell.size()) {
    if (std::string_view(" \t,;").find(cell[at]) != std::string_view::npos) {
      ++at;
      continue;
    }
    double value = 0;
    size_t skip = cell[at] == '+';
    auto [end, code] = std::from_chars(cell.data() + at + skip,
                                       cell.data() + cell.size(), value);
    if (code != std::errc())
      return std::nullopt;
    result.push_back(value);
    at = static_cast<size_t>(end - cell.data());
  }
  return result;
}

/// White space at both ends of a label does not belong to it.
static std::string_view trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

Status DatasetBuilder::addCell(size_t field, std::string_view cell) {
  const FieldSchema &info = schema.fields[field];
  bool sequence = info.time(schema.times) >= 0;
  if (info.isIndex()) {
    if (sequence)
      return addSymbols(field, splitSymbols(cell, info.output && !info.unfold
                                                      ? Unit::Words
                                                      : unit));
    std::string_view label = trim(cell);
    if (label.empty())
      return dataError("{}: error: `{}` is empty", here(), info.name);
    return addSymbols(field, {label});
  }
  std::optional<std::vector<double>> values = parseNumbers(cell);
  if (!values)
    return dataError("{}: error: `{}`: \"{}\" is not a list of numbers",
                     here(), info.name, cell);
  int64_t inner = std::max<int64_t>(info.inner(), 1);
  int64_t count = static_cast<int64_t>(values->size());
  if (sequence ? count % inner != 0 : count != inner)
    return dataError("{}: error: `{}` has {} numbers, expected {}{}", here(),
                     info.name, count, sequence ? "a multiple of " : "",
                     inner);
  return addNumbers(field, *values, count / inner);
}

/// All numbers of a nested list; false if anything else is in it.
static bool flatten(const json &value, std::vector<double> &numbers) {
  if (value.is_number() || value.is_boolean()) {
    numbers.push_back(value.is_boolean() ? value.get<bool>()
                                         : value.get<double>());
    return true;
  }
  if (!value.is_array())
    return false;
  for (const json &item : value)
    if (!flatten(item, numbers))
      return false;
  return true;
}

Status DatasetBuilder::addJson(size_t field, const json &value) {
  const FieldSchema &info = schema.fields[field];
  if (value.is_string())
    return addCell(field, value.get_ref<const std::string &>());
  bool sequence = info.time(schema.times) >= 0;
  if (info.isIndex() && sequence && value.is_array() && !value.empty() &&
      value[0].is_string()) {
    std::vector<std::string_view> symbols;
    for (const json &item : value) {
      if (!item.is_string())
        return dataError("{}: error: `{}` mixes texts with other values",
                         here(), info.name);
      symbols.push_back(item.get_ref<const std::string &>());
    }
    return addSymbols(field, std::move(symbols));
  }
  std::vector<double> numbers;
  if (!flatten(value, numbers))
    return dataError("{}: error: `{}` is not a text, a number or a list of "
                     "these",
                     here(), info.name);
  int64_t inner = std::max<int64_t>(info.inner(), 1);
  int64_t count = static_cast<int64_t>(numbers.size());
  if (sequence ? count % inner != 0 : count != inner)
    return dataError("{}: error: `{}` has {} numbers, expected {}{}", here(),
                     info.name, count, sequence ? "a multiple of " : "",
                     inner);
  return addNumbers(field, numbers, count / inner);
}

Status DatasetBuilder::finish() {
  for (size_t f = 0; f < data.columns.size(); ++f) {
    Column &column = data.columns[f];
    if (column.begin.back() >= 0)
      continue;
    const FieldSchema &info = schema.fields[f];
    int time = info.time(schema.times);
    int64_t steps =
        time < 0 ? 1 : std::max<int64_t>(known[static_cast<size_t>(time)], 0);
    size_t count = static_cast<size_t>(steps * std::max<int64_t>(info.inner(), 1));
    bool real = info.kind == FieldSchema::Kind::Real;
    if (real)
      column.reals.resize(column.reals.size() + count);
    else
      column.ints.resize(column.ints.size() + count);
    column.begin.back() = static_cast<int64_t>(real ? column.reals.size()
                                                    : column.ints.size());
  }
  for (size_t t = 0; t < known.size(); ++t)
    data.lengths[t].push_back(
        static_cast<int32_t>(std::max<int64_t>(known[t], 0)));
  data.places.push_back({file, line});
  return {};
}

/// Plain text: running text is one example, else every line is one.
static Status readPlain(DatasetBuilder &builder, const Schema &schema,
                        const std::string &path) {
  Result<std::string> text = readText(path);
  if (!text)
    return text.error();
  builder.beginFile(path);
  if (schema.isRunningText()) {
    builder.begin(1);
    if (Status status = builder.addSymbols(
            0, splitRunningText(*text, builder.symbolUnit()));
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
            0, splitRunningText(whole, builder.symbolUnit()));
        !status)
      return status;
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
}

/// The column of each field; `skip` tells whether the first row is a header.
static Result<std::vector<size_t>>
findColumns(const Table &table, const Schema &schema,
            const ReadOptions &options, const std::string &path, bool &skip) {
  const std::vector<std::string> &header = table.rows.front().cells;
  std::vector<size_t> columns;
  bool allNumbers = !options.columns.empty();
  for (const FieldSchema &field : schema.fields) {
    auto given = options.columns.find(field.name);
    std::string wanted =
        given == options.columns.end() ? field.name : given->second;
    size_t number = 0;
    auto [end, code] = std::from_chars(wanted.data(),
                                       wanted.data() + wanted.size(), number);
    bool isNumber =
        code == std::errc() && end == wanted.data() + wanted.size();
    if (isNumber && given != options.columns.end()) {
      if (number >= header.size())
        return dataError("{}:{}: error: `{}` should be column {}, but there "
                         "are {} columns (counted from 0)",
                         path, table.rows.front().line, field.name, number,
                         header.size());
      columns.push_back(number);
      continue;
    }
    allNumbers = false;
    auto named = std::find_if(header.begin(), header.end(),
                              [&](const std::string &cell) {
                                return trim(cell) == wanted;
                              });
    if (named == header.end())
      return dataError("{}:{}: error: there is no column `{}`; the first row "
                       "is \"{}\"; name the columns with --columns {}=NUMBER",
                       path, table.rows.front().line, wanted,
                       fmt::join(header, "\", \""), field.name);
    columns.push_back(static_cast<size_t>(named - header.begin()));
  }
  skip = !allNumbers;
  return columns;
}

static Status readTable(DatasetBuilder &builder, const Schema &schema,
                        const ReadOptions &options, TableFormat format,
                        const std::string &path) {
  Result<std::string> text = readText(path);
  if (!text)
    return text.error();
  builder.beginFile(path);
  Result<Table> table =
      parseTable(*text, format, schema.fields.size(), path);
  if (!table)
    return table.error();
  if (table->rows.empty())
    return dataError("{}:1: error: the file is empty", path);
  bool header = false;
  Result<std::vector<size_t>> columns =
      findColumns(*table, schema, options, path, header);
  if (!columns)
    return columns.error();
  if (header && table->rows.size() == 1)
    return dataError("{}:{}: error: there is no row below the header", path,
                     table->rows.front().line);
  for (size_t r = header; r < table->rows.size(); ++r) {
    const TableRow &row = table->rows[r];
    builder.begin(row.line);
    for (size_t f = 0; f < schema.fields.size(); ++f)
      if (Status status = builder.addCell(f, row.cells[(*columns)[f]]);
          !status)
        return status;
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
}

static Status readJsonLines(DatasetBuilder &builder, const Schema &schema,
                            const ReadOptions &options,
                            const std::string &path) {
  Result<std::string> text = readText(path);
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
    json object = json::parse(content, nullptr, false);
    if (!object.is_object())
      return dataError("{}:{}: error: not a JSON object", path, line);
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

/// Lengths of one time axis in a file of arrays, or empty: all are full.
static Result<std::vector<int64_t>> arrayLengths(const TensorFile &file,
                                                 const std::string &time,
                                                 const std::string &path) {
  std::vector<int64_t> lengths;
  const Tensor *tensor = file.find(time);
  if (!tensor)
    return lengths;
  Result<Tensor> exact = convertExact(*tensor, DType::I64, time);
  if (!exact)
    return dataError("{}: error: {}", path, exact.error().message);
  lengths.assign(exact->as<int64_t>(), exact->as<int64_t>() + exact->count());
  return lengths;
}

/// Checks the shape of a field's array and returns its steps (1 without time).
static Result<int64_t> checkArray(const FieldSchema &field, const Tensor *array,
                                  int64_t examples, const std::string &path) {
  if (!array)
    return dataError("{}: error: there is no array `{}`", path, field.name);
  bool fits = array->shape.size() == field.axes.size() + 1 &&
              array->shape[0] == examples;
  int64_t steps = 1;
  for (size_t i = 0; fits && i < field.axes.size(); ++i) {
    if (field.axes[i].isTime)
      steps = array->shape[i + 1];
    else if (field.axes[i].size >= 0)
      fits = array->shape[i + 1] == field.axes[i].size;
  }
  if (fits)
    return steps;
  std::string expected = std::to_string(examples);
  for (const SchemaAxis &axis : field.axes)
    expected += ", " + (axis.size >= 0 ? std::to_string(axis.size) : axis.name);
  return dataError("{}: error: `{}`: expected [{}], found {}", path, field.name,
                   expected, shapeText(array->shape));
}

static Status readArrays(DatasetBuilder &builder, const Schema &schema,
                         const std::string &path) {
  Result<TensorFile> file = readTensorFile(path);
  if (!file)
    return file.error();
  builder.beginFile(path);
  const Tensor *first = file->find(schema.fields[0].name);
  int64_t examples = first && !first->shape.empty() ? first->shape[0] : 0;
  std::vector<int64_t> steps;
  for (const FieldSchema &field : schema.fields) {
    Result<int64_t> count =
        checkArray(field, file->find(field.name), examples, path);
    if (!count)
      return count.error();
    steps.push_back(*count);
    for (size_t i = 0; i < field.axes.size(); ++i)
      if (!field.axes[i].isTime && field.axes[i].size < 0)
        builder.data.axisSizes[field.axes[i].name] =
            file->find(field.name)->shape[i + 1];
  }
  std::vector<std::vector<int64_t>> lengths;
  for (const std::string &time : schema.times) {
    Result<std::vector<int64_t>> list = arrayLengths(*file, time, path);
    if (!list)
      return list.error();
    if (!list->empty() && static_cast<int64_t>(list->size()) != examples)
      return dataError("{}: error: `{}` has {} lengths for {} examples", path,
                       time, list->size(), examples);
    lengths.push_back(std::move(*list));
  }
  for (int64_t e = 0; e < examples; ++e) {
    builder.begin(e + 1);
    for (size_t f = 0; f < schema.fields.size(); ++f) {
      const FieldSchema &field = schema.fields[f];
      const Tensor &array = *file->find(field.name);
      int time = field.time(schema.times);
      int64_t length = steps[f];
      if (time >= 0 && !lengths[static_cast<size_t>(time)].empty())
        length = lengths[static_cast<size_t>(time)][static_cast<size_t>(e)];
      if (length < 0 || length > steps[f])
        return dataError("{}:{}: error: the length {} is not between 0 and {}",
                         path, e + 1, length, steps[f]);
      int64_t whole = array.count() / examples;
      int64_t used = steps[f] ? whole / steps[f] * length : 0;
      std::vector<double> values;
      for (int64_t i = 0; i < used; ++i)
        values.push_back(array.number(e * whole + i));
      if (Status status = builder.addNumbers(f, values, length); !status)
        return status;
    }
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
}

static std::string formatOf(const std::string &path, const Schema &schema) {
  std::string_view name = path;
  for (const char *ending : {"csv", "tsv", "npz", "safetensors", "jsonl"})
    if (name.ends_with(std::string(".") + ending))
      return std::string_view(ending) == "safetensors" ? "npz" : ending;
  return schema.isLanguageModel() ? "text" : "tsv";
}

static Status readOne(DatasetBuilder &builder, const Schema &schema,
                      const ReadOptions &options, const std::string &path) {
  std::string format =
      options.format == "auto" ? formatOf(path, schema) : options.format;
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
  if (!schema.isLanguageModel())
    return usageError("rnnc: error: plain text is for language models; "
                      "`{}` needs columns (TSV, CSV, JSONL or arrays)",
                      schema.model);
  return readPlain(builder, schema, path);
}

/// Several files of running text are one text.
static void joinExamples(Dataset &data) {
  Column &column = data.columns[0];
  column.begin = {0, static_cast<int64_t>(column.ints.size())};
  data.places.resize(1);
  data.lengths[0] = {static_cast<int32_t>(column.ints.size())};
}

Result<Dataset> data::readDataset(const std::vector<std::string> &paths,
                                  const Schema &schema,
                                  const ReadOptions &options) {
  if (Status status = schema.checkReadable(); !status)
    return status.error();
  for (const auto &[field, column] : options.columns)
    if (!schema.find(field))
      return usageError("rnnc: error: --columns: model `{}` has no input or "
                        "output `{}`",
                        schema.model, field);
  DatasetBuilder builder(schema, options);
  for (const std::string &path : paths)
    if (Status status = readOne(builder, schema, options, path); !status)
      return status.error();
  if (builder.data.size() == 0)
    return dataError("{}:1: error: there are no examples", paths.front());
  if (schema.isRunningText() && builder.data.size() > 1)
    joinExamples(builder.data);
  return std::move(builder.data);
}

Result<Dataset> data::datasetOfTexts(const std::vector<std::string> &texts,
                                     const Schema &schema,
                                     const ReadOptions &options) {
  DatasetBuilder builder(schema, options);
  builder.beginFile("<text>");
  int64_t line = 0;
  for (const std::string &text : texts) {
    if (Status status = checkUtf8(text, "<text>", ++line); !status)
      return status.error();
    builder.begin(line);
    bool used = false;
    for (size_t f = 0; f < schema.fields.size(); ++f) {
      const FieldSchema &field = schema.fields[f];
      if (field.output && !field.unfold) {
        builder.addNothing(f);
        continue;
      }
      if (used)
        return usageError("rnnc: error: model `{}` has several inputs; give "
                          "them in a file with --in",
                          schema.model);
      used = true;
      Status status =
          field.unfold && field.isIndex()
              ? builder.addSymbols(
                    f, splitRunningText(text, builder.symbolUnit()))
              : builder.addCell(f, text);
      if (!status)
        return status.error();
    }
    if (Status status = builder.finish(); !status)
      return status.error();
  }
  return std::move(builder.data);
}
