// RollReader.cpp: piano rolls: what sounds in each step.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Formats.h"

#include <algorithm>
#include <charconv>

using namespace rnnc;
using namespace rnnc::data;

/// The number of the first place: the lowest key of a piano in MIDI's count
/// where there are as many places as it has keys.
static int64_t lowestKey(int64_t places) { return places == 88 ? 21 : 0; }

/// The places that one line names, as zeros and ones behind `values`.
static Status addStep(std::string_view line, int64_t places,
                      std::vector<double> &values, const std::string &where) {
  size_t first = values.size();
  values.resize(first + static_cast<size_t>(places));
  if (trim(line) == "-")
    return {};
  int64_t lowest = lowestKey(places);
  for (std::string_view word : splitSymbols(line, Unit::Words)) {
    int64_t key = 0;
    auto [end, code] =
        std::from_chars(word.data(), word.data() + word.size(), key);
    if (code != std::errc() || end != word.data() + word.size())
      return dataError("{}: error: \"{}\" is not the number of a key; a step "
                       "in which nothing sounds is -",
                       where, shown(word));
    if (key < lowest || key >= lowest + places)
      return dataError("{}: error: the key {} is not among {} to {}", where,
                       key, lowest, lowest + places - 1);
    values[first + static_cast<size_t>(key - lowest)] = 1;
  }
  return {};
}

/// One value for each key in each step, and in this order.
static bool isRoll(const Schema &schema) {
  if (schema.fields.size() != 1)
    return false;
  const FieldSchema &field = schema.fields[0];
  return field.axes.size() == 2 && field.axes[0].isTime &&
         !field.axes[1].isTime && !field.isIndex() && field.inner() > 0;
}

Status data::readRolls(DatasetBuilder &builder, const Schema &schema,
                       const ReadOptions &options, const std::string &path) {
  if (!isRoll(schema))
    return usageError("{}: error: piano rolls (--format roll) are for models "
                      "of one sequence of bits such as `output keys : [T, 88] "
                      "bit`; {}",
                      path, suitableFormats(schema));
  Result<std::string> text = readText(path, options.encoding);
  if (!text)
    return text.error();
  builder.beginFile(path);
  int64_t places = schema.fields[0].inner(), line = 0, firstLine = 0;
  std::vector<double> values;
  auto finish = [&]() -> Status {
    if (firstLine == 0)
      return {};
    builder.begin(firstLine);
    int64_t steps = static_cast<int64_t>(values.size()) / places;
    firstLine = 0;
    if (Status status = builder.addNumbers(0, values, steps); !status)
      return status;
    values.clear();
    return builder.finish();
  };
  std::string_view rest = *text;
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view content = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++line;
    if (trim(content).empty()) {
      if (Status status = finish(); !status)
        return status;
      continue;
    }
    if (firstLine == 0)
      firstLine = line;
    if (Status status =
            addStep(content, places, values, fmt::format("{}:{}", path, line));
        !status)
      return status;
  }
  return finish();
}
