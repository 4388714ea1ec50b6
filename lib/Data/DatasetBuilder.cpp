// DatasetBuilder.cpp: cells, texts and JSON into columns.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DatasetBuilder.h"

#include "Png.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

using namespace rnnc;
using namespace rnnc::data;
using nlohmann::json;

/// Labels keep their capitals, and so do letters that are read besides words.
bool DatasetBuilder::lowers(const FieldSchema &field) const {
  bool isLabel = field.output && !field.unfold;
  return options.lower && !isLabel && field.inner() == 1;
}

int32_t DatasetBuilder::intern(std::string_view symbol, bool lower) {
  std::string key = lower ? lowerCase(symbol) : std::string(symbol);
  auto [found, isNew] =
      numbers.emplace(key, static_cast<int32_t>(data.symbols.size()));
  if (isNew)
    data.symbols.push_back(key);
  return found->second;
}

/// Whether a text is an input whose length nothing else has to agree with.
bool DatasetBuilder::standsAlone(size_t field) const {
  const FieldSchema &info = schema.fields[field];
  int time = info.time(schema.times);
  if (info.output || !info.isIndex() || time < 0)
    return false;
  for (const FieldSchema &other : schema.fields)
    if (&other != &info && other.time(schema.times) == time)
      return false;
  return true;
}

Dataset DatasetBuilder::take() {
  if (empties > 0)
    data.warnings.push_back(empties == 1 ? firstEmpty
                                         : fmt::format("{} ({} such examples)",
                                                       firstEmpty, empties));
  return std::move(data);
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

/// Sequences along an axis inside of another agree in all their lengths.
Status DatasetBuilder::setInner(size_t field, std::vector<int32_t> lengths) {
  const FieldSchema &info = schema.fields[field];
  size_t time = static_cast<size_t>(info.innerTime(schema.times));
  std::optional<std::vector<int32_t>> &known = knownInner[time];
  if (Status status = setLength(field, static_cast<int64_t>(lengths.size()));
      !status)
    return status;
  for (size_t i = 0; known && i < lengths.size(); ++i)
    if ((*known)[i] != lengths[i])
      return dataError("{}: error: `{}` has {} elements in place {}, but "
                       "another sequence over `{}` has {}",
                       here(), info.name, lengths[i], i + 1, schema.times[time],
                       (*known)[i]);
  known = std::move(lengths);
  return {};
}

/// Symbols get their indices from a vocabulary, numbers are indices: a column
/// is one or the other.
Error DatasetBuilder::mixed(size_t field) const {
  return dataError(
      "{}: error: `{}` is given by symbols in some examples and by "
      "numbers in others",
      here(), schema.fields[field].name);
}

/// An axis whose size the schema leaves open has as many entries as are read
/// first.
void DatasetBuilder::findSize(size_t field, int64_t count) {
  std::string open;
  int64_t others = 1;
  for (const SchemaAxis &axis : schema.fields[field].axes) {
    if (axis.isTime)
      continue;
    if (axis.size >= 0)
      others *= axis.size;
    else if (open.empty())
      open = axis.name;
    else
      return;
  }
  if (open.empty() || count <= 0 || others <= 0 || count % others)
    return;
  data.axisSizes[open] = count / others;
  schema.bind({{open, count / others}});
}

/// A step of a field has as many entries as its fixed axes say.
Status DatasetBuilder::checkCount(size_t field, int64_t count,
                                  std::string_view what) {
  const FieldSchema &info = schema.fields[field];
  bool sequence = info.time(schema.times) >= 0;
  if (!sequence)
    findSize(field, count);
  int64_t inner = std::max<int64_t>(info.inner(), 1);
  if (sequence ? count % inner == 0 : count == inner)
    return {};
  return dataError("{}: error: `{}` has {} {}, expected {}{}", here(),
                   info.name, count, what, sequence ? "a multiple of " : "",
                   inner);
}

/// Numbers of an example without their shape.
Status DatasetBuilder::addCounted(size_t field,
                                  const std::vector<double> &numbers) {
  int64_t count = static_cast<int64_t>(numbers.size());
  if (Status status = checkCount(field, count, "numbers"); !status)
    return status;
  int64_t inner = std::max<int64_t>(schema.fields[field].inner(), 1);
  return addNumbers(field, numbers, count / inner);
}

/// Of all empty texts the first is told.
void DatasetBuilder::noteEmpty(const std::string &name) {
  if (empties++ == 0)
    firstEmpty = fmt::format("{}: warning: `{}` is empty; it is read as one {}",
                             here(), name, unknownSymbol);
}

Status DatasetBuilder::addSymbols(size_t field,
                                  std::vector<std::string_view> symbols) {
  const FieldSchema &info = schema.fields[field];
  Column &column = data.columns[field];
  if (!column.raw && !column.ints.empty())
    return mixed(field);
  column.raw = true;
  int64_t inner = std::max<int64_t>(info.inner(), 1);
  if (Status status =
          checkCount(field, static_cast<int64_t>(symbols.size()), "symbols");
      !status)
    return status;
  // Pieces are counted when words have been cut into them.
  bool limited = options.maxLength > 0 && info.time(schema.times) >= 0 &&
                 !schema.isRunningText() && units[field] != Unit::Pieces;
  size_t longest = static_cast<size_t>(options.maxLength * inner);
  if (limited && symbols.size() > longest)
    symbols.resize(longest);
  if (symbols.empty() && standsAlone(field)) {
    // Most models can say nothing about nothing: a maximum over no steps is no
    // number. One unknown symbol they can read.
    symbols.resize(static_cast<size_t>(inner), unknownSymbol);
    noteEmpty(info.name);
  }
  bool pairs = options.wish(info).pairs, lower = lowers(info);
  for (size_t i = 0; i < symbols.size(); ++i) {
    std::string_view next = i + 1 < symbols.size() ? symbols[i + 1] : "";
    column.ints.push_back(intern(pairs ? fmt::format("{}{}", symbols[i], next)
                                       : std::string(symbols[i]),
                                 lower));
  }
  column.begin.push_back(static_cast<int64_t>(column.ints.size()));
  return setLength(field, static_cast<int64_t>(symbols.size()) / inner);
}

/// The letters of words, as many of each as the fixed axes have places.
Status DatasetBuilder::addSpelled(size_t field,
                                  const std::vector<std::string_view> &words) {
  size_t places = static_cast<size_t>(schema.fields[field].inner());
  size_t count = words.size();
  if (options.maxLength > 0)
    count = std::min(count, static_cast<size_t>(options.maxLength));
  std::vector<std::string_view> symbols;
  for (size_t w = 0; w < count; ++w) {
    Unit unit = units[field] == Unit::Bytes ? Unit::Bytes : Unit::Characters;
    std::vector<std::string_view> letters = splitSymbols(words[w], unit);
    letters.resize(places, paddingSymbol);
    symbols.insert(symbols.end(), letters.begin(), letters.end());
  }
  return addSymbols(field, std::move(symbols));
}

Status DatasetBuilder::addTokens(size_t field,
                                 const std::vector<std::string_view> &tokens) {
  const FieldSchema &info = schema.fields[field];
  if (isText(field) && isInner(field)) {
    std::vector<std::vector<std::string_view>> letters;
    for (std::string_view token : tokens)
      letters.push_back(splitSymbols(token, Unit::Characters));
    return addLists(field, std::move(letters));
  }
  if (isText(field))
    return info.inner() > 1 ? addSpelled(field, tokens)
                            : addSymbols(field, tokens);
  std::string cell;
  for (std::string_view token : tokens)
    cell += fmt::format("{} ", token);
  return addCell(field, cell);
}

Status
DatasetBuilder::addLists(size_t field,
                         std::vector<std::vector<std::string_view>> lists) {
  const FieldSchema &info = schema.fields[field];
  Column &column = data.columns[field];
  if (!column.raw && !column.ints.empty())
    return mixed(field);
  column.raw = true;
  int64_t inner = std::max<int64_t>(info.inner(), 1);
  if (options.maxLength > 0 &&
      lists.size() > static_cast<size_t>(options.maxLength))
    lists.resize(static_cast<size_t>(options.maxLength));
  if (lists.empty() && standsAlone(field)) {
    lists.push_back(std::vector<std::string_view>(static_cast<size_t>(inner),
                                                  unknownSymbol));
    noteEmpty(info.name);
  }
  std::vector<int32_t> lengths;
  for (const std::vector<std::string_view> &list : lists) {
    if (Status status =
            checkCount(field, static_cast<int64_t>(list.size()), "symbols");
        !status)
      return status;
    for (std::string_view symbol : list)
      column.ints.push_back(intern(symbol, lowers(info)));
    lengths.push_back(
        static_cast<int32_t>(static_cast<int64_t>(list.size()) / inner));
  }
  column.begin.push_back(static_cast<int64_t>(column.ints.size()));
  return setInner(field, std::move(lengths));
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
  if (column.raw && !numbers.empty())
    return mixed(field);
  for (double number : numbers) {
    if (info.kind == FieldSchema::Kind::Real) {
      column.reals.push_back(number);
      continue;
    }
    // An axis has fewer than 2^31 places: the largest index leaves room for
    // one.
    bool whole = number == std::floor(number) && std::abs(number) < 2147483647.;
    bool fits =
        info.kind == FieldSchema::Kind::Int ||
        (info.kind == FieldSchema::Kind::Bit ? number == 0 || number == 1
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

Status DatasetBuilder::addNumbers(size_t field,
                                  const std::vector<double> &numbers,
                                  const std::vector<int32_t> &lengths) {
  if (Status status =
          addNumbers(field, numbers, static_cast<int64_t>(lengths.size()));
      !status)
    return status;
  return setInner(field, lengths);
}

/// Whether the elements along the first axis are words, made of characters:
/// something else has them too. Else they are lines, made of words.
static bool elementsAreWords(const Schema &schema, size_t field) {
  int time = schema.fields[field].time(schema.times);
  return std::any_of(schema.fields.begin(), schema.fields.end(),
                     [&](const FieldSchema &other) {
                       return other.time(schema.times) == time &&
                              other.innerTime(schema.times) < 0;
                     });
}

/// The elements of a text along the first axis, and of each what it is made
/// of.
std::vector<std::vector<std::string_view>>
DatasetBuilder::splitLists(size_t field, std::string_view text) {
  std::vector<std::vector<std::string_view>> lists;
  if (elementsAreWords(schema, field)) {
    for (std::string_view word : splitSymbols(text, Unit::Words))
      lists.push_back(splitSymbols(word, Unit::Characters));
    return lists;
  }
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    if (!trim(text.substr(0, end)).empty())
      lists.push_back(splitSymbols(text.substr(0, end), units[field]));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lists;
}

/// Numbers with blanks, commas or semicolons between them.
static std::optional<std::vector<double>> parseNumbers(std::string_view cell) {
  std::vector<double> result;
  size_t at = 0;
  bool separated = true;
  while (at < cell.size()) {
    if (std::string_view(" \t,;").find(cell[at]) != std::string_view::npos) {
      separated = true;
      ++at;
      continue;
    }
    if (!separated) // 1.2.3 is not two numbers
      return std::nullopt;
    separated = false;
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

/// A cell names a picture, from the folder of the file on.
Status DatasetBuilder::addPicture(size_t field, std::string_view cell) {
  const FieldSchema &info = schema.fields[field];
  if (info.time(schema.times) >= 0)
    return dataError("{}: error: `{}` runs along time: a picture has one size",
                     here(), info.name);
  std::filesystem::path path(cell);
  if (path.is_relative())
    path = std::filesystem::path(data.files.back()).parent_path() / path;
  Result<std::vector<double>> numbers = readPng(info, path.string());
  if (!numbers)
    return dataError("{}: {}", here(), numbers.error().message);
  return addNumbers(field, *numbers, 1);
}

Status DatasetBuilder::addCell(size_t field, std::string_view cell) {
  const FieldSchema &info = schema.fields[field];
  bool sequence = info.time(schema.times) >= 0;
  if (isInner(field)) {
    if (info.isIndex())
      return addLists(field, splitLists(field, cell));
    return dataError("{}: error: `{}` has numbers for each element of `{}`: "
                     "they come as lists of lists (JSONL) or as arrays",
                     here(), info.name, info.axes[0].name);
  }
  if (isText(field)) {
    bool labels = info.output && !info.unfold;
    if (sequence && info.inner() > 1 && !labels && options.choseUnit(info) &&
        units[field] != Unit::Words)
      return addSpelled(field, splitSymbols(cell, Unit::Words));
    if (sequence)
      return addSymbols(
          field, splitSymbols(cell, labels ? Unit::Words : units[field]));
    std::string_view label = trim(cell);
    if (label.empty())
      return dataError("{}: error: `{}` is empty", here(), info.name);
    if (info.inner() > 1)
      return addSymbols(field, splitSymbols(label, Unit::Words));
    return addSymbols(field, {label});
  }
  if (info.kind == FieldSchema::Kind::Real && isPng(trim(cell)))
    return addPicture(field, trim(cell));
  std::optional<std::vector<double>> values = parseNumbers(cell);
  if (!values && info.isIndex())
    return dataError("{}: error: `{}` is a place in `{}`, a number counted "
                     "from 0, not \"{}\"",
                     here(), info.name, info.axis, shown(cell));
  if (!values)
    return dataError("{}: error: `{}`: \"{}\" is not a list of numbers", here(),
                     info.name, shown(cell));
  return addCounted(field, *values);
}

Result<int64_t> DatasetBuilder::wholeNumber(size_t field,
                                            std::string_view cell) const {
  cell = trim(cell);
  int64_t number = 0;
  auto [end, code] =
      std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (code != std::errc() || end != cell.data() + cell.size())
    return dataError("{}: error: `{}`: \"{}\" is not a whole number", here(),
                     schema.fields[field].name, shown(cell));
  return number;
}

/// No value has more axes than this; deeper lists would fill the stack.
static constexpr int maxListDepth = 64;

/// All numbers of a nested list; false if anything else is in it.
static bool flatten(const json &value, std::vector<double> &numbers,
                    int depth = 0) {
  if (value.is_number() || value.is_boolean()) {
    numbers.push_back(value.is_boolean() ? value.get<bool>()
                                         : value.get<double>());
    return true;
  }
  if (!value.is_array() || depth == maxListDepth)
    return false;
  for (const json &item : value)
    if (!flatten(item, numbers, depth + 1))
      return false;
  return true;
}

/// A list for each element of the first axis: a text, symbols or numbers.
Status DatasetBuilder::addJsonLists(size_t field, const json &value) {
  const FieldSchema &info = schema.fields[field];
  auto wrong = [&] {
    return dataError("{}: error: `{}` is not a list with a list (or a text) "
                     "for each element of `{}`",
                     here(), info.name, info.axes[0].name);
  };
  if (!value.is_array())
    return wrong();
  bool areTexts = false;
  for (const json &item : value)
    areTexts |= item.is_string() ||
                (item.is_array() && !item.empty() && item[0].is_string());
  std::vector<std::vector<std::string_view>> lists;
  std::vector<double> numbers;
  std::vector<int32_t> lengths;
  int64_t inner = std::max<int64_t>(info.inner(), 1);
  for (const json &item : value) {
    if (!item.is_string() && !item.is_array())
      return wrong();
    if (areTexts) {
      std::vector<std::string_view> &list = lists.emplace_back();
      if (item.is_string()) {
        list = splitSymbols(item.get_ref<const std::string &>(),
                            elementsAreWords(schema, field) ? Unit::Characters
                                                            : units[field]);
        continue;
      }
      for (const json &symbol : item) {
        if (!symbol.is_string())
          return dataError("{}: error: `{}` mixes texts with other values",
                           here(), info.name);
        list.push_back(symbol.get_ref<const std::string &>());
      }
      continue;
    }
    size_t before = numbers.size();
    if (!flatten(item, numbers))
      return wrong();
    int64_t count = static_cast<int64_t>(numbers.size() - before);
    if (Status status = checkCount(field, count, "numbers"); !status)
      return status;
    lengths.push_back(static_cast<int32_t>(count / inner));
  }
  if (areTexts && info.isIndex())
    return addLists(field, std::move(lists));
  return areTexts ? wrong() : addNumbers(field, numbers, lengths);
}

Status DatasetBuilder::addJson(size_t field, const json &value) {
  const FieldSchema &info = schema.fields[field];
  if (value.is_string())
    return addCell(field, value.get_ref<const std::string &>());
  if (isInner(field))
    return addJsonLists(field, value);
  if (info.isIndex() && value.is_array() && !value.empty() &&
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
  if (!info.axes.empty() && info.axes[0].isTime && value.is_array() &&
      !value.empty() && value[0].is_array())
    return addSteps(field, value);
  std::vector<double> numbers;
  if (!flatten(value, numbers))
    return dataError("{}: error: `{}` is not a text, a number or a list of "
                     "these",
                     here(), info.name);
  return addCounted(field, numbers);
}

/// A list of numbers for each step.
Status DatasetBuilder::addSteps(size_t field, const json &steps) {
  const FieldSchema &info = schema.fields[field];
  std::vector<double> numbers;
  for (size_t t = 0; t < steps.size(); ++t) {
    size_t before = numbers.size();
    if (!flatten(steps[t], numbers))
      return dataError("{}: error: `{}` is not a text, a number or a list of "
                       "these",
                       here(), info.name);
    int64_t count = static_cast<int64_t>(numbers.size() - before);
    findSize(field, count);
    int64_t inner = std::max<int64_t>(info.inner(), 1);
    if (count != inner)
      return dataError("{}: error: `{}` has {} numbers in step {}, expected {}",
                       here(), info.name, count, t, inner);
  }
  return addNumbers(field, numbers, static_cast<int64_t>(steps.size()));
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
    size_t count =
        static_cast<size_t>(steps * std::max<int64_t>(info.inner(), 1));
    bool real = info.kind == FieldSchema::Kind::Real;
    if (real)
      column.reals.resize(column.reals.size() + count);
    else
      column.ints.resize(column.ints.size() + count);
    column.begin.back() =
        static_cast<int64_t>(real ? column.reals.size() : column.ints.size());
  }
  for (size_t t = 0; t < known.size(); ++t)
    data.lengths[t].push_back(
        static_cast<int32_t>(std::max<int64_t>(known[t], 0)));
  for (size_t t = 0; t < known.size(); ++t) {
    if (!knownInner[t])
      continue;
    const std::vector<int32_t> &lengths = *knownInner[t];
    Column &column = data.inner[t];
    column.ints.insert(column.ints.end(), lengths.begin(), lengths.end());
    column.begin.push_back(static_cast<int64_t>(column.ints.size()));
    for (int32_t length : lengths)
      data.lengths[t].back() = std::max(data.lengths[t].back(), length);
  }
  data.places.push_back({file, line});
  return {};
}
