// DatasetBuilder.h: collects examples of one schema.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_DATA_DATASETBUILDER_H
#define RNNC_LIB_DATA_DATASETBUILDER_H

#include "rnnc/Data/Dataset.h"

#include <algorithm>
#include <nlohmann/json_fwd.hpp>
#include <unordered_map>

namespace rnnc::data {

/// Collects examples of one schema.
class DatasetBuilder {
public:
  DatasetBuilder(const Schema &schema, const ReadOptions &options)
      : schema(schema), options(options) {
    for (const FieldSchema &field : schema.fields)
      units.push_back(options.unit(schema, field));
    data.columns.resize(schema.fields.size());
    data.lengths.resize(schema.times.size());
    data.inner.resize(schema.times.size());
  }

  void beginFile(const std::string &path) {
    data.files.push_back(path);
    file = static_cast<int32_t>(data.files.size()) - 1;
  }
  /// Begins an example; every field has to be added before `finish`.
  void begin(int64_t line) {
    this->line = line;
    known.assign(schema.times.size(), -1);
    knownInner.assign(schema.times.size(), std::nullopt);
  }
  Status finish();

  Status addCell(size_t field, std::string_view cell);
  Status addSymbols(size_t field, std::vector<std::string_view> symbols);
  /// Symbols that are told apart already, such as those of a sentence.
  Status addTokens(size_t field, const std::vector<std::string_view> &tokens);
  Status addJson(size_t field, const nlohmann::json &value);
  Status addPicture(size_t field, std::string_view cell);
  void addNothing(size_t field);
  Status addCounted(size_t field, const std::vector<double> &numbers);
  Status addNumbers(size_t field, const std::vector<double> &numbers,
                    int64_t steps);
  /// Of arrays: text has no such numbers, and series mark what is missing by
  /// them.
  Status checkFinite(size_t field, const std::vector<double> &numbers) const;
  /// What a field with several time axes, or with one behind another axis, has:
  /// symbols or numbers, row by row, and along each time axis how many elements
  /// each of the elements before has.
  struct Entries {
    std::vector<std::string_view> symbols;
    std::vector<double> numbers;
    std::vector<std::vector<int32_t>> lengths; ///< by axis of the field
    bool isText = false; ///< symbols even where there are none
  };
  Status addEntries(size_t field, Entries entries);

  /// A number that chooses something for a field.
  Result<int64_t> wholeNumber(size_t field, std::string_view cell) const;

  Unit symbolUnit(size_t field) const { return units[field]; }
  /// The finished data set.
  Dataset take();
  Dataset data;

private:
  std::string here() const {
    return fmt::format("{}:{}", data.files.back(), line);
  }
  Error mixed(size_t field) const;
  void findSize(size_t field, int64_t count);
  Status checkCount(size_t field, int64_t count, std::string_view what);
  Status addSteps(size_t field, const nlohmann::json &steps);
  Status setLength(int time, size_t field, int64_t length);
  Status addValues(size_t field, const std::vector<double> &numbers);
  ExampleExtents extents() const;
  Status setLengths(size_t field, std::vector<std::vector<int32_t>> lengths);
  Status setInner(size_t field, size_t axis, std::vector<int32_t> lengths);
  /// Whether a field has symbols: places in a sequence are numbers.
  bool isText(size_t field) const {
    const FieldSchema &info = schema.fields[field];
    return info.isIndex() && std::find(schema.times.begin(), schema.times.end(),
                                       info.axis) == schema.times.end();
  }
  /// Whether a field has more than steps along one time axis.
  bool isInner(size_t field) const {
    return !FieldLayout(schema, schema.fields[field]).isSimple();
  }
  Status addText(size_t field, std::string_view text);
  Status addJsonLists(size_t field, const nlohmann::json &value);
  Status collect(size_t field, const nlohmann::json &value, size_t axis,
                 Entries &entries) const;
  Status collectLast(size_t field, const nlohmann::json &value,
                     Entries &entries) const;
  bool standsAlone(size_t field) const;
  void noteEmpty(const std::string &name);
  Status addSpelled(size_t field, const std::vector<std::string_view> &words);
  bool lowers(const FieldSchema &field) const;
  int32_t intern(std::string_view symbol, bool lower);

  Schema schema; ///< with sizes that were found
  const ReadOptions &options;
  std::vector<Unit> units; ///< of each field
  int32_t file = 0;
  int64_t line = 0;
  std::vector<int64_t> known; ///< lengths of the example's time axes
  std::vector<std::optional<std::vector<int32_t>>> knownInner;
  std::unordered_map<std::string, int32_t> numbers;
  int64_t empties = 0; ///< empty texts
  std::string firstEmpty;
};

} // namespace rnnc::data

#endif // RNNC_LIB_DATA_DATASETBUILDER_H
