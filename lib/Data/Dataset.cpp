// Dataset.cpp: parts of a data set, vocabularies from it and for it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Dataset.h"
#include "Windows.h"
#include "rnnc/Data/Random.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

using namespace rnnc;
using namespace rnnc::data;

Result<Split> Split::parse(const std::string &shares, int64_t modulus) {
  Split split;
  split.modulus = modulus;
  const char *at = shares.data(), *end = at + shares.size();
  double total = 0;
  while (at < end) {
    double share = 0;
    auto [next, code] = std::from_chars(at, end, share);
    // `nan` and `inf` are read as numbers too.
    if (code != std::errc() || !std::isfinite(share) || share < 0 ||
        (next < end && *next != '/'))
      return usageError("rnnc: error: `--split {}`: write it as 80/10/10",
                        shares);
    split.shares.push_back(share);
    total += share;
    at = next < end ? next + 1 : next;
  }
  if (!split.shares.empty() && split.shares[0] == 0)
    return usageError("rnnc: error: `--split {}`: the first share is what is "
                      "trained on, and has to be above 0",
                      shares);
  if (!shares.empty() && (split.shares.size() < 2 || split.shares.size() > 3 ||
                          total <= 0 || split.shares[0] <= 0))
    return usageError("rnnc: error: `--split {}`: write it as 80/10/10",
                      shares);
  if (!shares.empty() && std::abs(total - 100) > 1e-9)
    return usageError("rnnc: error: `--split {}`: the shares add up to {}, not "
                      "to 100",
                      shares, total);
  for (double &share : split.shares)
    share /= total;
  if (!split.shares.empty() && modulus > 0)
    return usageError("rnnc: error: --split and --split-mod exclude each "
                      "other");
  if (modulus == 1 || modulus < 0)
    return usageError("rnnc: error: --split-mod must be at least 2");
  return split;
}

/// Copies elements [begin, end) of a column as a new example.
static void copyRange(const Column &from, int64_t begin, int64_t end,
                      Column &to) {
  auto copy = [&](const auto &source, auto &target) {
    if (!source.empty())
      target.insert(target.end(), source.begin() + begin, source.begin() + end);
  };
  copy(from.ints, to.ints);
  copy(from.reals, to.reals);
  to.begin.push_back(to.begin.back() + end - begin);
}

/// A data set like `data`, without examples.
static Dataset emptyLike(const Dataset &data) {
  Dataset result;
  result.columns.resize(data.columns.size());
  for (size_t f = 0; f < data.columns.size(); ++f)
    result.columns[f].raw = data.columns[f].raw;
  result.lengths.resize(data.lengths.size());
  result.inner.resize(data.inner.size());
  result.files = data.files;
  result.symbols = data.symbols;
  result.axisSizes = data.axisSizes;
  return result;
}

Dataset data::subset(const Dataset &data,
                     const std::vector<int32_t> &examples) {
  Dataset result = emptyLike(data);
  for (int32_t example : examples) {
    size_t e = static_cast<size_t>(example);
    for (size_t f = 0; f < data.columns.size(); ++f)
      copyRange(data.columns[f], data.columns[f].begin[e],
                data.columns[f].begin[e + 1], result.columns[f]);
    for (size_t t = 0; t < data.lengths.size(); ++t)
      result.lengths[t].push_back(data.lengths[t][e]);
    for (size_t t = 0; t < data.inner.size(); ++t)
      if (data.inner[t].begin.size() > e + 1)
        copyRange(data.inner[t], data.inner[t].begin[e],
                  data.inner[t].begin[e + 1], result.inner[t]);
    result.places.push_back(data.places[e]);
    if (!data.characters.empty())
      result.characters.push_back(data.characters[e]);
    if (!data.warm.empty())
      result.warm.push_back(data.warm[e]);
  }
  return result;
}

/// A piece of running text.
static Dataset textPiece(const Dataset &data, int64_t begin, int64_t end) {
  Dataset result = emptyLike(data);
  if (begin == end)
    return result;
  copyRange(data.columns[0], begin, end, result.columns[0]);
  result.lengths[0].push_back(static_cast<int32_t>(end - begin));
  result.places.push_back(data.places[0]);
  return result;
}

/// Where the parts end, for n things.
static std::pair<int64_t, int64_t> shareEnds(const Split &split, int64_t n) {
  auto end = [&](double share) {
    return static_cast<int64_t>(
        std::floor(static_cast<double>(n) * share + 1e-9));
  };
  int64_t first = end(split.shares[0]);
  int64_t second =
      split.shares.size() == 2 ? n : end(split.shares[0] + split.shares[1]);
  return {first, second};
}

/// Rows of time: each file is cut in order, and its parts into windows.
static Result<Parts> splitRows(const Dataset &all, const Schema &schema,
                               const Split &split, WindowUse trainUse) {
  if (split.modulus)
    return usageError("rnnc: error: --split-mod is for examples; rows of time "
                      "are cut with --split");
  std::vector<RowRange> train, valid, test;
  for (const RowRange &file : fileRanges(all)) {
    int64_t n = file.end - file.begin;
    auto [first, second] =
        split.empty() ? std::pair(n, n) : shareEnds(split, n);
    train.push_back({file.begin, file.begin + first});
    valid.push_back({file.begin + first, file.begin + second});
    test.push_back({file.begin + second, file.end});
  }
  Parts parts;
  for (auto [part, ranges, use] :
       {std::tuple(&parts.train, &train, trainUse),
        std::tuple(&parts.valid, &valid, WindowUse::Evaluate),
        std::tuple(&parts.test, &test, WindowUse::Evaluate)}) {
    Result<Dataset> windows = windowsOf(all, schema, *ranges, use);
    if (!windows)
      return windows.error();
    *part = std::move(*windows);
  }
  if (parts.train.size() == 0)
    return dataError(
        "{}: error: of {} row{} too few are left for training with windows of "
        "{} rows{}; give a smaller --window{}",
        all.files.front(), all.size(), all.size() == 1 ? "" : "s",
        all.series->window,
        all.series->horizon > 1
            ? fmt::format(" and a horizon of {}", all.series->horizon)
            : "",
        all.series->horizon > 1 ? " or --horizon" : "");
  if (all.series->standardise)
    parts.train.series->scales = scalesOf(all, schema, train);
  return parts;
}

namespace {
/// Which examples go where, in the order in which the parts hold them.
struct Division {
  std::vector<int32_t> train, valid, test;
};
} // namespace

static Division divide(int32_t n, const Schema &schema, const Split &split) {
  Division result;
  if (split.modulus) {
    for (int32_t i = 0; i < n; ++i)
      ((i + 1) % split.modulus ? result.train : result.test).push_back(i);
    return result;
  }
  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  // Labelled files are often sorted; lines of a text are in their order.
  if (!schema.isLanguageModel())
    order = permutation(n, 0, 0x73706c6974);
  auto [first, second] = shareEnds(split, n);
  result.train.assign(order.begin(), order.begin() + first);
  result.valid.assign(order.begin() + first, order.begin() + second);
  result.test.assign(order.begin() + second, order.end());
  return result;
}

/// Symbols, and rows of time, in order.
static void cutInOrder(std::vector<Part> &parts, size_t begin, size_t end,
                       const Split &split) {
  auto [first, second] = shareEnds(split, static_cast<int64_t>(end - begin));
  auto at = parts.begin() + static_cast<ptrdiff_t>(begin);
  std::fill(at + first, at + second, Part::Valid);
  std::fill(at + second, parts.begin() + static_cast<ptrdiff_t>(end),
            Part::Test);
}

std::vector<Part> data::partsOf(const std::vector<int64_t> &sizes,
                                const Schema &schema, const Split &split,
                                bool rowsOfTime) {
  size_t n = static_cast<size_t>(
      std::accumulate(sizes.begin(), sizes.end(), int64_t(0)));
  std::vector<Part> parts(n, Part::Train);
  if (split.empty())
    return parts;
  if (split.modulus == 0 && rowsOfTime) {
    size_t begin = 0;
    for (int64_t size : sizes) {
      cutInOrder(parts, begin, begin + static_cast<size_t>(size), split);
      begin += static_cast<size_t>(size);
    }
    return parts;
  }
  if (split.modulus == 0 && schema.isRunningText()) {
    cutInOrder(parts, 0, n, split);
    return parts;
  }
  Division division = divide(static_cast<int32_t>(n), schema, split);
  for (int32_t i : division.valid)
    parts[static_cast<size_t>(i)] = Part::Valid;
  for (int32_t i : division.test)
    parts[static_cast<size_t>(i)] = Part::Test;
  return parts;
}

Result<Parts> data::splitDataset(Dataset all, const Schema &schema,
                                 const Split &split, WindowUse trainUse) {
  if (all.areRows)
    return splitRows(all, schema, split, trainUse);
  Parts parts;
  if (split.empty()) {
    parts.train = std::move(all);
    return parts;
  }
  if (schema.isRunningText()) {
    if (split.modulus)
      return usageError("rnnc: error: --split-mod is for examples; running "
                        "text is cut with --split");
    int64_t n = static_cast<int64_t>(all.columns[0].ints.size());
    auto [first, second] = shareEnds(split, n);
    parts.train = textPiece(all, 0, first);
    parts.valid = textPiece(all, first, second);
    parts.test = textPiece(all, second, n);
    return parts;
  }
  Division division = divide(all.size(), schema, split);
  if (division.train.empty())
    return dataError("{}: error: nothing is left for training of {} examples",
                     all.files.front(), all.size());
  parts.train = subset(all, division.train);
  parts.valid = subset(all, division.valid);
  parts.test = subset(all, division.test);
  return parts;
}

const std::string &data::vocabularyKey(const FieldSchema &field) {
  return field.axis.empty() ? field.name : field.axis;
}

bool data::isLabelAxis(const Schema &schema, const std::string &key) {
  for (const FieldSchema &field : schema.fields)
    if (field.isIndex() && vocabularyKey(field) == key &&
        (!field.output || field.unfold))
      return false;
  return true;
}

namespace {
/// What the fields of one axis say together.
struct AxisUse {
  bool raw = false, numeric = false;
  int64_t size = -1;
  std::vector<std::string> labels;
  int32_t largest = -1; ///< of numeric data
  std::map<std::string, int64_t> counts;
  Vocabulary::Plan plan;
};
} // namespace

static AxisUse collectAxis(const Dataset &data, const Schema &schema,
                           const std::string &key) {
  AxisUse use;
  std::vector<int64_t> counts(data.symbols.size());
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const FieldSchema &field = schema.fields[f];
    if (!field.isIndex() || vocabularyKey(field) != key)
      continue;
    use.size = std::max(use.size, field.size);
    use.labels = field.labels;
    (data.columns[f].raw ? use.raw : use.numeric) = true;
    for (int32_t value : data.columns[f].ints) {
      if (data.columns[f].raw)
        ++counts[static_cast<size_t>(value)];
      else
        use.largest = std::max(use.largest, value);
    }
    for (const auto &[index, name] : field.reserved)
      use.plan.reserved[index] = name;
    if (field.stop)
      use.plan.reserved[*field.stop] = "<stop>";
    if (field.start)
      use.plan.reserved[*field.start] = "<start>";
  }
  for (size_t i = 0; i < counts.size(); ++i)
    if (counts[i])
      use.counts[data.symbols[i]] = counts[i];
  use.plan.unknown = !isLabelAxis(schema, key);
  return use;
}

/// The first of many names.
static std::string someOf(const std::vector<std::string> &names) {
  constexpr size_t most = 8;
  std::vector<std::string> some;
  for (size_t i = 0; i < std::min(names.size(), most); ++i)
    some.push_back(shown(names[i]));
  if (names.size() > most)
    some.push_back("...");
  return fmt::format("{}", fmt::join(some, ", "));
}

/// Whether a vocabulary that was given fits the model and its data.
static Status checkGiven(const Dataset &train, const std::string &key,
                         const AxisUse &use, const ReadOptions &options,
                         const Vocabulary &given) {
  auto refuse = [&](const std::string &why) {
    return usageError("rnnc: error: --vocab: the vocabulary for `{}` {}", key,
                      why);
  };
  if (!use.raw)
    return refuse(fmt::format("has no use: {} holds numbers, not symbols",
                              train.files.front()));
  if (!use.labels.empty() && given.all() != use.labels)
    return refuse("is not the list of labels in the source");
  if (use.size >= 0 && given.size() > use.size)
    return refuse(fmt::format("has {} symbols, the axis has {} places",
                              given.size(), use.size));
  for (const auto &[index, name] : use.plan.reserved)
    if (index >= given.size() || given.symbol(index) != name)
      return refuse(fmt::format("has to hold {} at place {}, counted from 0",
                                name, index));
  if (use.plan.unknown && given.unknown() < 0)
    return refuse(fmt::format("has no {0}, as which it reads what it does not "
                              "know: add a line {0}, at the end or anywhere "
                              "behind reserved symbols (in JSON an entry)",
                              unknownSymbol));
  if (use.plan.unknown && (options.minCount > 1 || options.maxVocabulary > 0))
    return refuse(
        "is taken as it is: --min-count and --max-vocab do not apply");
  return {};
}

/// The places below `start` and `stop` are filled up, so these may not lie
/// anywhere.
static Status checkReserved(const std::string &key, const AxisUse &use) {
  constexpr int64_t mostUnused = 1 << 20;
  if (use.plan.reserved.empty())
    return {};
  const auto &[index, name] = *use.plan.reserved.rbegin();
  int64_t symbols = static_cast<int64_t>(use.counts.size());
  if (index - symbols <= mostUnused)
    return {};
  return usageError(
      "rnnc: error: the model has {} of `{}` at place {}, but the "
      "data has {} different symbols; give a place next to them "
      "in the source",
      name, key, index, symbols);
}

/// The vocabulary of one axis, and what is to be said about it.
static Status learnAxis(const Dataset &train, const std::string &key,
                        AxisUse use, const ReadOptions &options,
                        const Vocabularies &given, Learned &learned) {
  const std::string &file = train.files.front();
  if (auto found = given.find(key); found != given.end()) {
    if (use.size < 0)
      learned.dims[key] = found->second.size();
    learned.vocabularies[key] = found->second;
    return checkGiven(train, key, use, options, found->second);
  }
  if (use.raw && use.numeric)
    return dataError("{}: error: some data for axis `{}` are symbols, some "
                     "are numbers",
                     file, key);
  if (!use.raw) {
    // A wrong number would ask for all memory.
    constexpr int32_t mostPlaces = 1 << 24;
    if (use.size < 0 && use.largest >= mostPlaces)
      return dataError("{}: error: the largest index of `{}` is {}; if that "
                       "many places are meant, give -D {}={}",
                       file, key, use.largest, key, int64_t(use.largest) + 1);
    if (use.size < 0)
      learned.dims[key] = use.largest + 1;
    return {};
  }
  if (!use.labels.empty()) {
    learned.vocabularies[key] = Vocabulary(use.labels);
    return {};
  }
  if (use.plan.unknown) {
    use.plan.minCount = options.minCount;
    use.plan.maxSize = options.maxVocabulary;
  }
  if (Status status = checkReserved(key, use); !status)
    return status;
  Vocabulary vocabulary = Vocabulary::build(use.counts, use.plan);
  if (use.size < 0)
    learned.dims[key] = vocabulary.size();
  else if (vocabulary.size() > use.size && !use.plan.unknown)
    return dataError(
        "{}: error: the data has {} different labels for `{}`, "
        "which has {} places: {}; if one of them is a header, name "
        "the columns by header",
        file, vocabulary.size(), key, use.size, someOf(vocabulary.all()));
  else if (vocabulary.size() > use.size)
    return dataError("{}: error: the data has {} different symbols for `{}` "
                     "(reserved ones included), which has {} places; give "
                     "--max-vocab {} or a larger `{}`",
                     file, vocabulary.size(), key, use.size, use.size, key);
  else if (vocabulary.size() < use.size)
    learned.warnings.push_back(
        fmt::format("{}: warning: the data has {} different symbols for `{}` "
                    "(reserved ones included), which has {} places",
                    file, vocabulary.size(), key, use.size));
  learned.vocabularies[key] = std::move(vocabulary);
  return {};
}

Result<Learned> data::learnVocabularies(const Dataset &train,
                                        const Schema &schema,
                                        const ReadOptions &options,
                                        const Vocabularies &given) {
  Learned learned;
  learned.dims = train.axisSizes;
  std::set<std::string> done;
  for (const FieldSchema &field : schema.fields) {
    if (!field.isIndex() || !done.insert(vocabularyKey(field)).second)
      continue;
    const std::string &key = vocabularyKey(field);
    if (std::ranges::find(schema.times, key) != schema.times.end()) {
      // A place in a sequence: no symbol, and as many as there are steps.
      if (collectAxis(train, schema, key).raw)
        return dataError("{}: error: `{}` is a place in `{}`, counted from 0: "
                         "it is given as a number",
                         train.files.front(), field.name, key);
      continue;
    }
    if (Status status = learnAxis(train, key, collectAxis(train, schema, key),
                                  options, given, learned);
        !status)
      return status.error();
    warnOfLongWords(train, schema, key, options.unit(schema, field),
                    learned.warnings);
  }
  return learned;
}

/// Characters behind every raw symbol.
static std::vector<int32_t> symbolCharacters(const Dataset &data, Unit unit) {
  std::vector<int32_t> characters;
  for (const std::string &symbol : data.symbols)
    characters.push_back(static_cast<int32_t>(charactersOf(symbol, unit)));
  return characters;
}

static void countExampleCharacters(Dataset &data, const Column &column,
                                   Unit unit) {
  std::vector<int32_t> each = symbolCharacters(data, unit);
  for (int32_t e = 0; e < data.size(); ++e) {
    int64_t total = 0;
    for (int64_t i = column.begin[e]; i < column.begin[e + 1]; ++i)
      total += each[static_cast<size_t>(column.ints[i])];
    data.characters.push_back(total);
  }
}

/// What stands in for a label that a model does not know: none of a scheme of
/// spans, or the first label.
static int32_t standIn(const Vocabulary &vocabulary) {
  for (int32_t i = 0; i < vocabulary.size(); ++i)
    if (vocabulary.symbol(i) == "O")
      return i;
  int32_t first = 0;
  while (first + 1 < vocabulary.size() &&
         vocabulary.symbol(first).starts_with('<'))
    ++first;
  return first;
}

static void warnOfStrange(Dataset &data, const FieldSchema &field,
                          const std::map<int64_t, int32_t> &strange) {
  std::set<std::string> names;
  for (const auto &[place, raw] : strange)
    names.insert(data.symbols[static_cast<size_t>(raw)]);
  data.warnings.push_back(fmt::format(
      "{}: warning: `{}`: labels that the model does not know count as "
      "wrong: {} in {} place{}",
      data.files.front(), field.name, someOf({names.begin(), names.end()}),
      strange.size(), strange.size() == 1 ? "" : "s"));
}

/// Raw symbols of one column into indices.
static Status mapColumn(Dataset &data, Column &column, const FieldSchema &field,
                        const Vocabulary *vocabulary) {
  if (!vocabulary)
    return dataError("{}: error: `{}` was trained on numbers, not on symbols",
                     data.files.front(), field.name);
  warnOfUnknown(data, column, field, *vocabulary);
  std::vector<int32_t> map;
  std::map<int64_t, int32_t> strange;
  for (const std::string &symbol : data.symbols)
    map.push_back(vocabulary->find(symbol));
  for (int32_t e = 0; e < data.size(); ++e)
    for (int64_t i = column.begin[e]; i < column.begin[e + 1]; ++i) {
      int32_t raw = column.ints[i], index = map[static_cast<size_t>(raw)];
      if (index < 0 && data.onlyMeasured && !field.axes.empty()) {
        strange[i] = raw;
        index = standIn(*vocabulary);
      }
      if (index < 0)
        return dataError(
            "{}: error: `{}`: the label `{}` is unknown; the "
            "model has {}",
            data.place(e), field.name,
            shown(data.symbols[static_cast<size_t>(column.ints[i])]),
            someOf(vocabulary->all()));
      column.ints[i] = index;
    }
  column.raw = false;
  if (!strange.empty()) {
    warnOfStrange(data, field, strange);
    data.strange[static_cast<size_t>(&column - data.columns.data())] =
        std::move(strange);
  }
  return {};
}

static Status checkIndices(const Dataset &data, const Column &column,
                           const FieldSchema &field, const Schema &schema) {
  // A place in a sequence lies inside of that of its example.
  auto time = std::ranges::find(schema.times, field.axis);
  const std::vector<int32_t> *lengths =
      time == schema.times.end()
          ? nullptr
          : &data.lengths[static_cast<size_t>(time - schema.times.begin())];
  for (int32_t e = 0; e < data.size(); ++e) {
    int64_t size = lengths ? (*lengths)[e] : field.size;
    for (int64_t i = column.begin[e]; i < column.begin[e + 1]; ++i)
      if (column.ints[i] < 0 || (size >= 0 && column.ints[i] >= size))
        return dataError("{}: error: `{}`: the index {} is outside its {}",
                         data.place(e), field.name, column.ints[i],
                         field.axis.empty() ? fmt::format("{} values", size)
                                            : fmt::format("axis `{}` of {}",
                                                          field.axis, size));
  }
  return {};
}

/// Puts `stop` behind every example.
static void appendStop(Dataset &data, Column &column, int64_t stop, int time) {
  Column longer;
  for (int32_t e = 0; e < data.size(); ++e) {
    longer.ints.insert(longer.ints.end(), column.ints.begin() + column.begin[e],
                       column.ints.begin() + column.begin[e + 1]);
    longer.ints.push_back(static_cast<int32_t>(stop));
    longer.begin.push_back(static_cast<int64_t>(longer.ints.size()));
    if (time >= 0)
      ++data.lengths[static_cast<size_t>(time)][static_cast<size_t>(e)];
  }
  // What stood in the file stays: it is what is right when it is compared.
  column.ints = std::move(longer.ints);
  column.begin = std::move(longer.begin);
}

ExampleExtents Dataset::extents(size_t example) const {
  ExampleExtents extents;
  for (size_t t = 0; t < lengths.size(); ++t) {
    extents.longest.push_back(lengths[t][example]);
    extents.each.emplace_back();
    if (t >= inner.size() || inner[t].begin.size() <= example + 1)
      continue;
    size_t from = static_cast<size_t>(inner[t].begin[example]);
    size_t to = static_cast<size_t>(inner[t].begin[example + 1]);
    extents.each.back() =
        std::span<const int32_t>(inner[t].ints).subspan(from, to - from);
  }
  return extents;
}

Status data::checkExtents(const Dataset &data, const Schema &schema) {
  for (size_t f = 0; f < schema.fields.size() && data.size(); ++f) {
    const FieldSchema &field = schema.fields[f];
    if (field.inner() < 0)
      continue;
    FieldLayout layout(schema, field);
    const std::vector<int64_t> &begin = data.columns[f].begin;
    for (int32_t e = 0; e < data.size(); ++e) {
      size_t at = static_cast<size_t>(e);
      int64_t wanted = layout.count(data.extents(at));
      if (begin[at + 1] - begin[at] != wanted)
        return dataError("{}: error: `{}` has {} entries, expected {}",
                         data.place(e), field.name, begin[at + 1] - begin[at],
                         wanted);
    }
  }
  return {};
}

Status data::applyVocabularies(Dataset &data, const Schema &schema,
                               const Vocabularies &vocabularies, Unit unit) {
  if (Status status = checkExtents(data, schema); !status)
    return status;
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const FieldSchema &field = schema.fields[f];
    Column &column = data.columns[f];
    // Numbers in the units of the file into those of the model.
    for (size_t i = 0; !field.scales.empty() && i < column.reals.size(); ++i) {
      Scale scale = field.scale(static_cast<int64_t>(i));
      column.reals[i] = (column.reals[i] - scale.mean) / scale.deviation;
    }
    if (!field.isIndex())
      continue;
    bool wasText = column.raw;
    if (column.raw) {
      if (field.unfold && data.characters.empty())
        countExampleCharacters(data, column, unit);
      auto found = vocabularies.find(vocabularyKey(field));
      const Vocabulary *vocabulary =
          found == vocabularies.end() ? nullptr : &found->second;
      if (field.unfold && !schema.isLanguageModel()) {
        column.written = column.ints;
        column.writtenBegin = column.begin;
      }
      if (Status status = mapColumn(data, column, field, vocabulary); !status)
        return status;
    } else if (Status status = checkIndices(data, column, field, schema);
               !status) {
      return status;
    }
    // Arrays are taken as they are: they carry their `stop` themselves.
    if (wasText && field.unfold && field.stop)
      appendStop(data, column, *field.stop, field.time(schema.times));
  }
  return {};
}
