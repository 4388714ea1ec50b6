// DatasetBuilder.cpp: cells, texts and JSON into columns.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DatasetBuilder.h"

#include "Png.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <functional>
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

Status DatasetBuilder::setLength(int time, size_t field, int64_t length) {
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

/// Sequences along an axis inside of others agree in all their lengths.
Status DatasetBuilder::setInner(size_t field, size_t axis,
                                std::vector<int32_t> lengths) {
  const FieldSchema &info = schema.fields[field];
  size_t time = static_cast<size_t>(FieldLayout(schema, info).time(axis));
  std::optional<std::vector<int32_t>> &known = knownInner[time];
  for (size_t i = 0; known && i < std::min(known->size(), lengths.size()); ++i)
    if ((*known)[i] != lengths[i])
      return dataError("{}: error: `{}` has {} elements in place {}, but "
                       "another sequence over `{}` has {}",
                       here(), info.name, lengths[i], i + 1, schema.times[time],
                       (*known)[i]);
  if (known && known->size() != lengths.size())
    return dataError("{}: error: `{}` has {} sequences over `{}`, but another "
                     "has {}",
                     here(), info.name, lengths.size(), schema.times[time],
                     known->size());
  known = std::move(lengths);
  return {};
}

/// The lengths along each time axis of a field.
Status DatasetBuilder::setLengths(size_t field,
                                  std::vector<std::vector<int32_t>> lengths) {
  const FieldSchema &info = schema.fields[field];
  FieldLayout layout(schema, info);
  for (size_t a = 0; a < layout.rank(); ++a) {
    if (layout.time(a) < 0)
      continue;
    if (layout.isNested(a)) {
      if (Status status = setInner(field, a, std::move(lengths[a])); !status)
        return status;
      continue;
    }
    for (int32_t length : lengths[a])
      if (Status status = setLength(layout.time(a), field, length); !status)
        return status;
  }
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
  return setLength(info.time(schema.times), field,
                   static_cast<int64_t>(symbols.size()) / inner);
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
  if (isText(field) && isInner(field) && info.axes.size() == 2 &&
      info.axes[1].isTime) {
    Entries entries;
    entries.isText = true;
    entries.lengths = {{static_cast<int32_t>(tokens.size())}, {}};
    for (std::string_view token : tokens) {
      std::vector<std::string_view> letters =
          splitSymbols(token, Unit::Characters);
      entries.lengths[1].push_back(static_cast<int32_t>(letters.size()));
      entries.symbols.insert(entries.symbols.end(), letters.begin(),
                             letters.end());
    }
    return addEntries(field, std::move(entries));
  }
  if (isText(field))
    return info.inner() > 1 ? addSpelled(field, tokens)
                            : addSymbols(field, tokens);
  std::string cell;
  for (std::string_view token : tokens)
    cell += fmt::format("{} ", token);
  return addCell(field, cell);
}

Status DatasetBuilder::addEntries(size_t field, Entries entries) {
  const FieldSchema &info = schema.fields[field];
  Column &column = data.columns[field];
  bool isEmpty = entries.symbols.empty() && entries.numbers.empty();
  bool areSymbols =
      !entries.symbols.empty() || (isEmpty && (entries.isText || column.raw));
  if (isEmpty && areSymbols && standsAlone(field)) {
    // One unknown symbol, which models can read.
    entries.symbols.resize(
        static_cast<size_t>(std::max<int64_t>(info.inner(), 1)), unknownSymbol);
    for (std::vector<int32_t> &lengths : entries.lengths)
      lengths = {1};
    noteEmpty(info.name);
  }
  if (!areSymbols) {
    if (Status status = addValues(field, entries.numbers); !status)
      return status;
    return setLengths(field, std::move(entries.lengths));
  }
  if (!column.raw && !column.ints.empty() && !entries.symbols.empty())
    return mixed(field);
  column.raw |= !entries.symbols.empty();
  for (std::string_view symbol : entries.symbols)
    column.ints.push_back(intern(symbol, lowers(info)));
  column.begin.push_back(static_cast<int64_t>(column.ints.size()));
  return setLengths(field, std::move(entries.lengths));
}

void DatasetBuilder::addNothing(size_t field) {
  // One 0 for each step of the inputs is put in by `finish`.
  Column &column = data.columns[field];
  column.begin.push_back(-1);
}

Status DatasetBuilder::addNumbers(size_t field,
                                  const std::vector<double> &numbers,
                                  int64_t steps) {
  if (Status status = addValues(field, numbers); !status)
    return status;
  return setLength(schema.fields[field].time(schema.times), field, steps);
}

Status DatasetBuilder::checkFinite(size_t field,
                                   const std::vector<double> &numbers) const {
  if (schema.fields[field].kind != FieldSchema::Kind::Real)
    return {};
  for (double number : numbers)
    if (!std::isfinite(number))
      return dataError("{}: error: `{}`: {} is no number to compute with; "
                       "leave such examples out, or put a number there",
                       here(), schema.fields[field].name, number);
  return {};
}

Status DatasetBuilder::addValues(size_t field,
                                 const std::vector<double> &numbers) {
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
  return {};
}

/// Whether the elements along the last axis are the characters of words:
/// something else has these words, and nobody said that this field is read in
/// words. Else they are what lines are made of.
static bool elementsAreLetters(const Schema &schema, const ReadOptions &options,
                               size_t field) {
  const FieldSchema &info = schema.fields[field];
  if (options.units.contains(info.name) &&
      options.unit(schema, info) == Unit::Words)
    return false;
  auto timesOf = [](const FieldSchema &field) {
    std::vector<std::string> names;
    for (const SchemaAxis &axis : field.axes)
      if (axis.isTime)
        names.push_back(axis.name);
    return names;
  };
  std::vector<std::string> words = timesOf(info);
  if (words.empty())
    return false;
  words.pop_back();
  auto hasWords = [&](const FieldSchema &other) {
    return timesOf(other) == words;
  };
  return std::any_of(schema.fields.begin(), schema.fields.end(), hasWords) ||
         std::any_of(schema.absent.begin(), schema.absent.end(), hasWords);
}

/// The lines of a text that are not blank.
static std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    if (!trim(text.substr(0, end)).empty())
      lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Lines with no blank one between them.
static std::vector<std::string_view> paragraphsOf(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t begin = std::string_view::npos, at = 0;
  while (at < text.size()) {
    size_t end = std::min(text.find('\n', at), text.size());
    bool isBlank = trim(text.substr(at, end - at)).empty();
    if (isBlank && begin != std::string_view::npos)
      parts.push_back(text.substr(begin, at - begin));
    if (isBlank)
      begin = std::string_view::npos;
    else if (begin == std::string_view::npos)
      begin = at;
    at = end + 1;
  }
  if (begin != std::string_view::npos)
    parts.push_back(text.substr(begin));
  return parts;
}

/// A text has paragraphs of lines of symbols, or of words of characters: as
/// many of these levels, from below, as the field has axes.
Status DatasetBuilder::addText(size_t field, std::string_view text) {
  const FieldSchema &info = schema.fields[field];
  using Split = std::function<std::vector<std::string_view>(std::string_view)>;
  bool isLabel = info.output && !info.unfold;
  Unit unit = isLabel ? Unit::Words : units[field];
  auto by = [](Unit unit) {
    return [unit](std::string_view part) { return splitSymbols(part, unit); };
  };
  std::vector<Split> levels = {paragraphsOf, linesOf};
  if (elementsAreLetters(schema, options, field)) {
    levels.push_back(by(Unit::Words));
    levels.push_back(by(Unit::Characters));
  } else {
    levels.push_back(by(unit));
  }
  FieldLayout layout(schema, info);
  bool fits = info.axes.size() <= levels.size();
  for (size_t a = 0; a < layout.rank(); ++a)
    fits = fits && layout.time(a) >= 0;
  if (!fits)
    return dataError("{}: error: a text does not say what stands where in `{}` "
                     "with its {} axes: it comes as lists of lists (JSONL) or "
                     "as an array",
                     here(), info.name, info.axes.size());
  Entries entries;
  std::vector<std::string_view> parts = {text};
  for (size_t a = 0; a < info.axes.size(); ++a) {
    const Split &split = levels[levels.size() - info.axes.size() + a];
    std::vector<std::string_view> smaller;
    std::vector<int32_t> &lengths = entries.lengths.emplace_back();
    for (std::string_view part : parts) {
      std::vector<std::string_view> found = split(part);
      if (a == 0 && options.maxLength > 0 &&
          found.size() > static_cast<size_t>(options.maxLength))
        found.resize(static_cast<size_t>(options.maxLength));
      lengths.push_back(static_cast<int32_t>(found.size()));
      smaller.insert(smaller.end(), found.begin(), found.end());
    }
    parts = std::move(smaller);
  }
  entries.symbols = std::move(parts);
  entries.isText = true;
  return addEntries(field, std::move(entries));
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
    if (isText(field))
      return addText(field, cell);
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

/// Lists in lists, one level for each axis up to the last time axis.
Status DatasetBuilder::addJsonLists(size_t field, const json &value) {
  Entries entries;
  entries.lengths.resize(schema.fields[field].axes.size());
  if (Status status = collect(field, value, 0, entries); !status)
    return status;
  if (!entries.symbols.empty() && !entries.numbers.empty())
    return dataError("{}: error: `{}` mixes texts with other values", here(),
                     schema.fields[field].name);
  return addEntries(field, std::move(entries));
}

Status DatasetBuilder::collect(size_t field, const json &value, size_t axis,
                               Entries &entries) const {
  const FieldSchema &info = schema.fields[field];
  FieldLayout layout(schema, info);
  if (static_cast<int>(axis) == layout.lastTime())
    return collectLast(field, value, entries);
  if (!value.is_array())
    return dataError("{}: error: `{}` is not a list with a list (or a text) "
                     "for each element of `{}`",
                     here(), info.name, info.axes[axis ? axis - 1 : 0].name);
  size_t count = value.size();
  if (axis == 0 && layout.time(0) >= 0 && options.maxLength > 0)
    count = std::min(count, static_cast<size_t>(options.maxLength));
  if (layout.time(axis) >= 0)
    entries.lengths[axis].push_back(static_cast<int32_t>(count));
  else if (static_cast<int64_t>(count) != info.axes[axis].size)
    return dataError("{}: error: `{}` has {} elements along `{}`, expected {}",
                     here(), info.name, count, info.axes[axis].name,
                     info.axes[axis].size);
  for (size_t i = 0; i < count; ++i)
    if (Status status = collect(field, value[i], axis + 1, entries); !status)
      return status;
  return {};
}

/// The elements along the last time axis: a text, symbols, or numbers.
Status DatasetBuilder::collectLast(size_t field, const json &value,
                                   Entries &entries) const {
  const FieldSchema &info = schema.fields[field];
  size_t axis = static_cast<size_t>(FieldLayout(schema, info).lastTime());
  int64_t tail = 1;
  for (size_t a = axis + 1; a < info.axes.size(); ++a)
    tail *= std::max<int64_t>(info.axes[a].size, 1);
  size_t before = entries.symbols.size() + entries.numbers.size();
  bool isLabel = info.output && !info.unfold;
  if (value.is_string() && isText(field)) {
    Unit unit = elementsAreLetters(schema, options, field) ? Unit::Characters
                : isLabel                                  ? Unit::Words
                                                           : units[field];
    for (std::string_view symbol :
         splitSymbols(value.get_ref<const std::string &>(), unit))
      entries.symbols.push_back(symbol);
  } else if (value.is_array() && !value.empty() && value[0].is_string() &&
             isText(field)) {
    for (const json &symbol : value) {
      if (!symbol.is_string())
        return dataError("{}: error: `{}` mixes texts with other values",
                         here(), info.name);
      entries.symbols.push_back(symbol.get_ref<const std::string &>());
    }
  } else if (!value.is_array() || !flatten(value, entries.numbers)) {
    return dataError("{}: error: `{}` is not a list with a list (or a text) "
                     "for each element of `{}`",
                     here(), info.name, info.axes[axis ? axis - 1 : 0].name);
  }
  int64_t count = static_cast<int64_t>(entries.symbols.size() +
                                       entries.numbers.size() - before);
  if (count % tail != 0)
    return dataError("{}: error: `{}` has {} entries along `{}`, expected a "
                     "multiple of {}",
                     here(), info.name, count, info.axes[axis].name, tail);
  entries.lengths[axis].push_back(static_cast<int32_t>(count / tail));
  return {};
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

/// Of the example that is being read, as far as they are known.
ExampleExtents DatasetBuilder::extents() const {
  ExampleExtents extents;
  for (size_t t = 0; t < known.size(); ++t) {
    extents.longest.push_back(std::max<int64_t>(known[t], 0));
    extents.each.emplace_back();
    if (knownInner[t])
      extents.each.back() = *knownInner[t];
  }
  return extents;
}

Status DatasetBuilder::finish() {
  for (size_t f = 0; f < data.columns.size(); ++f) {
    Column &column = data.columns[f];
    if (column.begin.back() >= 0)
      continue;
    const FieldSchema &info = schema.fields[f];
    // An axis whose size is open counts as one entry.
    FieldSchema sized = info;
    for (SchemaAxis &axis : sized.axes)
      axis.size = axis.size < 0 ? 1 : axis.size;
    size_t count =
        static_cast<size_t>(FieldLayout(schema, sized).count(extents()));
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
