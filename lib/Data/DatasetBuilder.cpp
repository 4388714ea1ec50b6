// DatasetBuilder.cpp: cells, texts and JSON into columns.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DatasetBuilder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

using namespace rnnc;
using namespace rnnc::data;
using nlohmann::json;

int32_t DatasetBuilder::intern(std::string_view symbol) {
  std::string key =
      options.lower ? lowerCase(symbol) : std::string(symbol);
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
    data.warnings.push_back(
        empties == 1 ? firstEmpty
                     : fmt::format("{} ({} such examples)", firstEmpty,
                                   empties));
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

Status DatasetBuilder::addSymbols(size_t field,
                                  std::vector<std::string_view> symbols) {
  const FieldSchema &info = schema.fields[field];
  Column &column = data.columns[field];
  column.raw = true;
  bool limited = options.maxLength > 0 && info.time(schema.times) >= 0 &&
                 !schema.isRunningText();
  if (limited && static_cast<int64_t>(symbols.size()) > options.maxLength)
    symbols.resize(static_cast<size_t>(options.maxLength));
  if (symbols.empty() && standsAlone(field)) {
    // Most models can say nothing about nothing: a maximum over no steps is no
    // number. One unknown symbol they can read.
    symbols.push_back(unknownSymbol);
    if (empties++ == 0)
      firstEmpty = fmt::format("{}: warning: `{}` is empty; it is read as one "
                               "{}",
                               here(), info.name, unknownSymbol);
  }
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
