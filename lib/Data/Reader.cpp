// Reader.cpp: files into examples.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DatasetBuilder.h"
#include "SeriesReader.h"

#include "rnnc/Data/Files.h"
#include "rnnc/Data/Table.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

using namespace rnnc;
using namespace rnnc::data;
using nlohmann::json;

json ReadOptions::toJson() const {
  return {{"format", format},         {"encoding", encoding},
          {"tokens", tokens},         {"columns", columns},
          {"lower", lower},           {"min_count", minCount},
          {"max_length", maxLength},  {"max_vocabulary", maxVocabulary},
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

/// `words=1` as an example of what to type.
static std::string columnsExample(const Schema &schema) {
  std::string text = "--columns ";
  for (size_t f = 0; f < schema.fields.size(); ++f)
    text += fmt::format("{}{}={}", f ? "," : "", schema.fields[f].name, f);
  return text;
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
                     "{}; name the columns by header or number, such as "
                     "{}",
                     path, header.line, shown(wanted), headerText(header),
                     columnsExample(schema));
  return *found;
}

/// The column of each field; `skip` tells whether the first row is a header.
static Result<std::vector<size_t>>
findColumns(const Table &table, const Schema &schema,
            const ReadOptions &options, const std::string &path, bool &skip) {
  const TableRow &header = table.rows.front();
  std::vector<size_t> columns;
  // Numbers for all: there is no header, unless the row is made of the names.
  bool allNumbers = !options.columns.empty(), allNames = true;
  for (const FieldSchema &field : schema.fields) {
    auto given = options.columns.find(field.name);
    std::string wanted =
        given == options.columns.end() ? field.name : given->second;
    size_t number = 0;
    auto [end, code] =
        std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    bool isNumber = given != options.columns.end() && code == std::errc() &&
                    end == wanted.data() + wanted.size();
    if (!isNumber) {
      allNumbers = false;
      Result<size_t> column = findHeader(header, wanted, schema, path);
      if (!column)
        return column.error();
      columns.push_back(*column);
      continue;
    }
    if (number >= header.cells.size())
      return dataError("{}:{}: error: `{}` should be column {}, but there "
                       "are {} columns (counted from 0)",
                       path, header.line, field.name, number,
                       header.cells.size());
    columns.push_back(number);
    allNames &= trim(header.cells[number]) == field.name;
  }
  skip = !allNumbers || allNames;
  return columns;
}

/// The order of a file without header: labels, blank, text.
static std::vector<size_t> labelsFirst(const Schema &schema) {
  std::vector<size_t> columns(schema.fields.size());
  size_t next = 0;
  for (bool sequence : {false, true})
    for (size_t f = 0; f < columns.size(); ++f)
      if ((schema.fields[f].time(schema.times) >= 0) == sequence)
        columns[f] = next++;
  return columns;
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
  bool header = false;
  bool bare = format == TableFormat::Space && options.columns.empty();
  Result<std::vector<size_t>> columns =
      bare ? labelsFirst(schema)
           : findColumns(*table, schema, options, path, header);
  if (!columns)
    return columns.error();
  if (header && table->rows.size() == 1)
    return dataError("{}:{}: error: there is no row below the header", path,
                     table->rows.front().line);
  for (size_t r = header; r < table->rows.size(); ++r) {
    const TableRow &row = table->rows[r];
    builder.begin(row.line);
    for (size_t f = 0; f < schema.fields.size(); ++f)
      if (Status status = builder.addCell(f, row.cells[(*columns)[f]]); !status)
        return status;
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
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

/// Lengths along an axis inside of another, [examples, outer], or empty: all
/// are full.
static Result<std::optional<Tensor>> innerLengths(const TensorFile &file,
                                                  const FieldSchema &field,
                                                  const std::string &time,
                                                  const std::string &path) {
  const Tensor *given = file.find(time);
  if (!given)
    return std::optional<Tensor>();
  const std::vector<int64_t> &shape = file.find(field.name)->shape;
  if (given->shape != std::vector<int64_t>{shape[0], shape[1]})
    return dataError("{}: error: the lengths `{}` are {}, but `{}` is {}: one "
                     "for each example and element of `{}`",
                     path, time, shapeText(given->shape), field.name,
                     shapeText(shape), field.axes[0].name);
  Result<Tensor> exact = convertExact(*given, DType::I32, time);
  if (!exact)
    return dataError("{}: error: {}", path, exact.error().message);
  return std::optional<Tensor>(std::move(*exact));
}

/// One example of a field with a time axis inside of another.
static Status addInner(DatasetBuilder &builder, size_t f, const Tensor &array,
                       const std::optional<Tensor> &given, int64_t e,
                       int64_t steps, const std::string &path) {
  int64_t outer = array.shape[1], room = array.shape[2];
  int64_t whole = array.count() / array.shape[0];
  int64_t inner = outer && room ? whole / outer / room : 0;
  std::vector<int32_t> lengths;
  std::vector<double> values;
  for (int64_t t = 0; t < steps; ++t) {
    int64_t length =
        given ? given->as<int32_t>()[e * outer + t] : array.shape[2];
    if (length < 0 || length > room)
      return dataError("{}:{}: error: the length {} of element {} is not "
                       "between 0 and {}",
                       path, e + 1, length, t, room);
    lengths.push_back(static_cast<int32_t>(length));
    for (int64_t i = 0; i < length * inner; ++i)
      values.push_back(array.number(e * whole + t * room * inner + i));
  }
  return builder.addNumbers(f, values, lengths);
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
      steps = array->shape[1];
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

/// The sizes that the schema left open; every array has to show the same.
static Status takeAxisSizes(const FieldSchema &field, const Tensor &array,
                            std::map<std::string, int64_t> &sizes,
                            const std::string &path) {
  for (size_t i = 0; i < field.axes.size(); ++i) {
    const SchemaAxis &axis = field.axes[i];
    if (axis.isTime || axis.size >= 0)
      continue;
    int64_t size = array.shape[i + 1];
    int64_t known = sizes.emplace(axis.name, size).first->second;
    if (size == 0 || known != size)
      return dataError("{}: error: `{}` is {}: axis `{}` has size {}{}", path,
                       field.name, shapeText(array.shape), axis.name, size,
                       size ? fmt::format(", in another array {}", known) : "");
  }
  return {};
}

/// The first axis of every array. A shape such as [1099511627776, 0] takes no
/// bytes: as many examples of nothing would take all memory and time.
static Result<int64_t> countExamples(const TensorFile &file,
                                     const Schema &schema,
                                     const std::string &path) {
  const std::string &name = schema.fields[0].name;
  const Tensor *first = file.find(name);
  int64_t examples = first && !first->shape.empty() ? first->shape[0] : 0;
  bool empty = examples > 0;
  for (const FieldSchema &field : schema.fields)
    if (const Tensor *array = file.find(field.name))
      empty = empty && array->count() == 0;
  if (empty)
    return dataError("{}: error: `{}` is {}: there is nothing in the examples",
                     path, name, shapeText(first->shape));
  return examples;
}

static Status readArrays(DatasetBuilder &builder, const Schema &schema,
                         const std::string &path) {
  Result<TensorFile> file = readTensorFile(path);
  if (!file)
    return file.error();
  builder.beginFile(path);
  Result<int64_t> counted = countExamples(*file, schema, path);
  if (!counted)
    return counted.error();
  int64_t examples = *counted;
  std::vector<int64_t> steps;
  for (const FieldSchema &field : schema.fields) {
    Result<int64_t> count =
        checkArray(field, file->find(field.name), examples, path);
    if (!count)
      return count.error();
    steps.push_back(*count);
    if (Status status = takeAxisSizes(field, *file->find(field.name),
                                      builder.data.axisSizes, path);
        !status)
      return status;
  }
  std::vector<std::vector<int64_t>> lengths;
  std::map<std::string, std::optional<Tensor>> inner;
  for (const FieldSchema &field : schema.fields) {
    int each = field.innerTime(schema.times);
    if (each < 0)
      continue;
    const std::string &time = schema.times[static_cast<size_t>(each)];
    Result<std::optional<Tensor>> list = innerLengths(*file, field, time, path);
    if (!list)
      return list.error();
    inner[time] = std::move(*list);
  }
  for (const std::string &time : schema.times) {
    if (inner.contains(time)) {
      lengths.emplace_back();
      continue;
    }
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
      if (int each = field.innerTime(schema.times); each >= 0) {
        if (Status status =
                addInner(builder, f, array,
                         inner[schema.times[static_cast<size_t>(each)]], e,
                         length, path);
            !status)
          return status;
        continue;
      }
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
  if (!options.columns.empty())
    return usageError("{}: error: plain text has no columns; --columns does "
                      "not apply",
                      path);
  if (!schema.isLanguageModel())
    return usageError("rnnc: error: plain text is for language models; "
                      "`{}` needs columns (TSV, CSV, JSONL or arrays)",
                      schema.model);
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
      [&](const FieldSchema &f) { return f.innerTime(schema.times) >= 0; });
  if (schema.times.empty() || nested || options.series.rows == "examples" ||
      !(mayBeSeries(schema) || options.series.isTime()))
    return std::optional<Dataset>();
  SeriesReader reader(schema, options);
  for (const std::string &path : paths) {
    std::string format =
        options.format == "auto" ? formatOf(path, schema) : options.format;
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
  Result<std::optional<Dataset>> series = readSeries(paths, schema, options);
  if (!series)
    return series.error();
  if (*series)
    return std::move(**series);
  // What training has settled asks for nothing.
  if ((options.series.isTime() || options.series.asked()) &&
      options.series.ahead.empty())
    return usageError("{}: error: --rows time, --window, --horizon, --stride "
                      "and --scale are for tables (CSV, TSV) with a number in "
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
    bool used = false;
    for (size_t f = 0; f < schema.fields.size(); ++f) {
      const FieldSchema &field = schema.fields[f];
      if (field.output && !field.unfold) {
        builder.addNothing(f);
        continue;
      }
      // What words are made of comes from the same text.
      bool isInner = field.innerTime(schema.times) >= 0;
      if (used && !isInner)
        return usageError("rnnc: error: model `{}` has several inputs; give "
                          "them in a file with --in",
                          schema.model);
      used |= !isInner;
      Status status = field.unfold && field.isIndex()
                          ? builder.addSymbols(
                                f, splitRunningText(text, builder.symbolUnit()))
                          : builder.addCell(f, text);
      if (!status)
        return status.error();
    }
    if (Status status = builder.finish(); !status)
      return status.error();
  }
  return builder.take();
}
