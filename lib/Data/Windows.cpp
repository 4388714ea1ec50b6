// Windows.cpp: rows of time into examples.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Windows.h"

#include "SeriesReader.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

using namespace rnnc;
using namespace rnnc::data;
using nlohmann::json;

json SeriesOptions::toJson() const {
  json lists = json::object();
  for (const auto &[field, list] : scales)
    for (const Scale &scale : list)
      lists[field].push_back({scale.mean, scale.deviation});
  json options = {{"rows", rows},       {"window", window},
                  {"horizon", horizon}, {"stride", stride},
                  {"ahead", ahead},     {"standardise", standardise},
                  {"scales", lists}};
  if (missing != "error")
    options["missing"] = missing;
  return options;
}

/// `[[mean, deviation], ...]`; empty unless that is what it is.
static std::vector<Scale> scalesFrom(const json &list) {
  std::vector<Scale> scales;
  for (const json &pair : list) {
    bool fits = pair.is_array() && pair.size() == 2 && pair[0].is_number() &&
                pair[1].is_number();
    if (!fits || !(pair[1].get<double>() > 0))
      return {};
    scales.push_back({pair[0].get<double>(), pair[1].get<double>()});
  }
  return scales;
}

SeriesOptions SeriesOptions::fromJson(const json &json) {
  SeriesOptions options;
  if (!json.is_object())
    return options;
  auto has = [&](const char *key, auto is) {
    return json.contains(key) && is(json[key]);
  };
  auto isNumber = [](const auto &value) { return value.is_number_integer(); };
  auto isText = [](const auto &value) { return value.is_string(); };
  auto isTruth = [](const auto &value) { return value.is_boolean(); };
  auto isObject = [](const auto &value) { return value.is_object(); };
  if (has("rows", isText))
    options.rows = json["rows"].template get<std::string>();
  if (has("missing", isText))
    options.missing = json["missing"].template get<std::string>();
  if (has("standardise", isTruth))
    options.standardise = json["standardise"].template get<bool>();
  for (auto [key, value] : {std::pair{"window", &options.window},
                            std::pair{"horizon", &options.horizon},
                            std::pair{"stride", &options.stride}})
    if (has(key, isNumber))
      *value = json[key].template get<int64_t>();
  if (has("ahead", isObject))
    for (const auto &[field, rows] : json["ahead"].items())
      if (rows.is_number_integer())
        options.ahead[field] = rows.template get<int64_t>();
  if (has("scales", isObject))
    for (const auto &[field, list] : json["scales"].items())
      options.scales[field] = scalesFrom(list);
  return options;
}

void data::bindScales(Schema &schema, const SeriesOptions &series) {
  for (FieldSchema &field : schema.fields)
    if (auto found = series.scales.find(field.name);
        found != series.scales.end() &&
        static_cast<int64_t>(found->second.size()) == field.inner())
      field.scales = found->second;
}

std::map<std::string, std::vector<Scale>>
data::scalesOf(const Dataset &rows, const Schema &schema,
               const std::vector<RowRange> &ranges) {
  std::map<std::string, std::vector<Scale>> result;
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const FieldSchema &field = schema.fields[f];
    const Column &column = rows.columns[f];
    if (field.kind != FieldSchema::Kind::Real || rows.size() == 0)
      continue;
    size_t inner = static_cast<size_t>(column.begin[1] - column.begin[0]);
    std::vector<Scale> scales(inner);
    for (size_t i = 0; i < inner; ++i) {
      // Two passes: the mean first, so that nothing cancels.
      double sum = 0, squares = 0, count = 0;
      for (bool second : {false, true})
        for (const RowRange &range : ranges)
          for (int64_t row = range.begin; row < range.end; ++row) {
            double value =
                column.reals[static_cast<size_t>(
                                 column.begin[static_cast<size_t>(row)]) +
                             i];
            if (second)
              squares += (value - scales[i].mean) * (value - scales[i].mean);
            else
              sum += value, count += 1;
            if (!second)
              scales[i].mean = sum / count;
          }
      double deviation = count > 0 ? std::sqrt(squares / count) : 0;
      scales[i].deviation =
          std::isfinite(deviation) && deviation > 0 ? deviation : 1;
    }
    result[field.name] = std::move(scales);
  }
  return result;
}

std::vector<RowRange> data::fileRanges(const Dataset &rows) {
  std::vector<RowRange> ranges;
  for (int64_t row = 0; row < rows.size(); ++row) {
    size_t at = static_cast<size_t>(row);
    if (row == 0 || rows.places[at].file != rows.places[at - 1].file)
      ranges.push_back({row, row});
    ranges.back().end = row + 1;
  }
  return ranges;
}

namespace {
/// One example: rows [begin, begin + length) are read.
struct Window {
  int64_t begin = 0, length = 0, warm = 0;
};

/// Plans and makes the windows of one data set.
class WindowMaker {
public:
  WindowMaker(const Dataset &rows, const Schema &schema, SeriesTimes times,
              WindowUse use);

  void plan(RowRange file, RowRange part);
  Result<Dataset> make();

private:
  void planTraining(RowRange part);
  void planSteps(RowRange file, RowRange part);
  void planTargets(RowRange file, RowRange part);
  Status checkMemory() const;
  void add(const Window &window);
  void addField(size_t field, const Window &window);
  RowRange rowsOf(const FieldSchema &field, const Window &window) const;
  bool isKnown(const Window &window) const;
  bool lies(const FieldSchema &field, int time) const {
    return time >= 0 && field.time(schema.times) == time;
  }

  const Dataset &rows;
  const Schema &schema;
  const SeriesOptions &series;
  SeriesTimes times;
  WindowUse use;
  int64_t ahead = 0;    ///< of the farthest output; of the steps of a future
  bool bySteps = false; ///< every row that is read has its own target
  Dataset result;
  std::vector<Window> windows;
};
} // namespace

WindowMaker::WindowMaker(const Dataset &rows, const Schema &schema,
                         SeriesTimes times, WindowUse use)
    : rows(rows), schema(schema), series(*rows.series), times(times), use(use) {
  bool future = false;
  for (const FieldSchema &field : schema.fields) {
    future |= lies(field, times.future);
    auto found = series.ahead.find(field.name);
    if (!field.output || found == series.ahead.end())
      continue;
    ahead = std::max(ahead, found->second);
    bySteps |= lies(field, times.past);
  }
  if (future)
    ahead = series.horizon;
  bySteps &= !future;
  result.columns.resize(rows.columns.size());
  for (size_t f = 0; f < rows.columns.size(); ++f)
    result.columns[f].raw = rows.columns[f].raw;
  result.lengths.resize(schema.times.size());
  result.files = rows.files;
  result.symbols = rows.symbols;
  result.axisSizes = rows.axisSizes;
  result.series = rows.series;
  result.seriesColumns = rows.seriesColumns;
}

/// Windows within the part, the last one at its end.
void WindowMaker::planTraining(RowRange part) {
  int64_t last = part.end - ahead - series.window;
  // Where every row has a target, windows that overlap by three quarters show
  // each of them often enough.
  int64_t stride = series.stride > 0 ? series.stride
                   : bySteps         ? std::max<int64_t>(series.window / 4, 1)
                                     : 1;
  for (int64_t begin = part.begin; begin <= last; begin += stride)
    windows.push_back({begin, series.window, 0});
  if (last >= part.begin && (last - part.begin) % stride != 0)
    windows.push_back({last, series.window, 0});
}

/// Every row of the part is a target once; half of a window gives context.
void WindowMaker::planSteps(RowRange file, RowRange part) {
  int64_t half = std::max<int64_t>(series.window / 2, 1);
  for (int64_t target = std::max(part.begin, file.begin + ahead);
       target < part.end; target += half) {
    int64_t end = std::min(target + half, part.end) - ahead;
    int64_t begin = std::max(end - series.window, file.begin);
    windows.push_back({begin, end - begin, target - ahead - begin});
  }
}

/// One target, or one stretch of future, a window.
void WindowMaker::planTargets(RowRange file, RowRange part) {
  int64_t stretch = times.future >= 0 && ahead == series.horizon ? ahead : 1;
  for (int64_t target = part.begin; target + stretch <= part.end; ++target) {
    int64_t end =
        stretch > 1 || times.future >= 0 ? target : target - ahead + 1;
    int64_t begin = end - series.window;
    if (begin >= file.begin)
      windows.push_back({begin, series.window, 0});
  }
}

void WindowMaker::plan(RowRange file, RowRange part) {
  if (use == WindowUse::Forecast) {
    // Rows of a known future stand at the end of the table.
    bool known = std::any_of(
        schema.fields.begin(), schema.fields.end(), [&](const auto &field) {
          return !field.output && lies(field, times.future);
        });
    int64_t end = part.end - (known ? series.horizon : 0);
    int64_t begin = std::max(end - series.window, file.begin);
    if (end > begin)
      windows.push_back({begin, end - begin, 0});
  } else if (use == WindowUse::Train) {
    planTraining(part);
  } else if (bySteps) {
    planSteps(file, part);
  } else {
    planTargets(file, part);
  }
}

/// Copies the rows [begin, end) as one example.
static void copyRows(const Column &from, int64_t begin, int64_t end,
                     Column &to) {
  int64_t first = from.begin[static_cast<size_t>(begin)];
  int64_t last = from.begin[static_cast<size_t>(end)];
  auto copy = [&](const auto &source, auto &target) {
    if (!source.empty())
      target.insert(target.end(), source.begin() + first,
                    source.begin() + last);
  };
  copy(from.ints, to.ints);
  copy(from.reals, to.reals);
  to.begin.push_back(to.begin.back() + last - first);
}

RowRange WindowMaker::rowsOf(const FieldSchema &field,
                             const Window &window) const {
  int64_t end = window.begin + window.length;
  auto found = series.ahead.find(field.name);
  int64_t shift =
      field.output && found != series.ahead.end() ? found->second : 0;
  if (lies(field, times.future))
    return {end, end + series.horizon};
  if (lies(field, times.past))
    return {window.begin + shift, end + shift};
  return {end - 1 + shift, end + shift};
}

/// Whether all that is to be predicted was there: what was filled in is
/// nothing to learn from. Of outputs beside every row some always are.
bool WindowMaker::isKnown(const Window &window) const {
  if (rows.filled.empty() || bySteps || use == WindowUse::Forecast)
    return true;
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    if (!schema.fields[f].output)
      continue;
    RowRange range = rowsOf(schema.fields[f], window);
    for (int64_t row = range.begin; row < range.end; ++row)
      if (rows.filled[f][static_cast<size_t>(row)])
        return false;
  }
  return true;
}

void WindowMaker::addField(size_t f, const Window &window) {
  RowRange range = rowsOf(schema.fields[f], window);
  copyRows(rows.columns[f], range.begin, range.end, result.columns[f]);
}

void WindowMaker::add(const Window &window) {
  for (size_t f = 0; f < schema.fields.size(); ++f)
    addField(f, window);
  for (size_t t = 0; t < schema.times.size(); ++t) {
    bool past = static_cast<int>(t) == times.past;
    result.lengths[t].push_back(static_cast<int32_t>(
        past ? window.length : std::max<int64_t>(series.horizon, 0)));
  }
  int64_t last = window.begin + window.length - 1;
  result.places.push_back(rows.places[static_cast<size_t>(last)]);
  result.warm.push_back(static_cast<int32_t>(window.warm));
}

/// Windows copy their rows: long ones over long tables fill the memory.
Status WindowMaker::checkMemory() const {
  constexpr double most = 4e9;
  double each = 0;
  for (const FieldSchema &field : schema.fields)
    each += 8. * static_cast<double>(std::max<int64_t>(field.inner(), 1)) *
            static_cast<double>(lies(field, times.past)     ? series.window
                                : lies(field, times.future) ? series.horizon
                                                            : 1);
  double all = each * static_cast<double>(windows.size());
  if (all <= most)
    return {};
  return dataError("{}: error: {} windows of {} rows take {:.1f} GB; give a "
                   "smaller --window or a larger --stride",
                   rows.files.front(), windows.size(), series.window,
                   all / 1e9);
}

Result<Dataset> WindowMaker::make() {
  if (Status status = checkMemory(); !status)
    return status.error();
  for (const Window &window : windows)
    if (isKnown(window))
      add(window);
  return std::move(result);
}

Result<Dataset> data::windowsOf(const Dataset &rows, const Schema &schema,
                                const std::vector<RowRange> &ranges,
                                WindowUse use) {
  Result<SeriesTimes> times = seriesTimes(schema);
  if (!times)
    return times.error();
  WindowMaker maker(rows, schema, *times, use);
  std::vector<RowRange> files = fileRanges(rows);
  for (size_t i = 0; i < files.size() && i < ranges.size(); ++i)
    maker.plan(files[i], ranges[i]);
  return maker.make();
}

Result<Dataset> data::cutWindows(Dataset data, const Schema &schema,
                                 WindowUse use) {
  if (!data.areRows)
    return data;
  Result<Dataset> windows = windowsOf(data, schema, fileRanges(data), use);
  if (windows && windows->size() == 0)
    return dataError("{}: error: {} rows are too few for windows of {} rows",
                     data.files.front(), data.size(), data.series->window);
  return windows;
}
