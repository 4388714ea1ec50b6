// CutPieces.cpp: texts as pieces of words (`--unit bpe(N)`).
//
// A text is read as words. Once the training part is known, pieces are learned
// from its words alone, and the words of all parts are cut.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Dataset.h"

#include <algorithm>
#include <unordered_map>

using namespace rnnc;
using namespace rnnc::data;

/// Whether a field is text over a time axis, and no label.
static bool isText(const Schema &schema, const FieldSchema &field) {
  return field.isIndex() && (!field.output || field.unfold) &&
         field.time(schema.times) >= 0 &&
         std::ranges::find(schema.times, field.axis) == schema.times.end();
}

static bool isCut(const Schema &schema, const FieldSchema &field,
                  const ReadOptions &options) {
  return isText(schema, field) && options.unit(schema, field) == Unit::Pieces;
}

/// Pieces stand along an axis of their own: nothing has a length in common
/// with them.
static Status checkField(const Schema &schema, const FieldSchema &field,
                         const ReadOptions &options) {
  if (!FieldLayout(schema, field).isSimple() || field.inner() > 1)
    return usageError("rnnc: error: --unit bpe: `{}` has more axes than one; "
                      "pieces make one sequence",
                      field.name);
  if (options.wish(field).pairs)
    return usageError("rnnc: error: --columns {}=...:pair is for characters "
                      "and words, not for pieces",
                      field.name);
  for (const FieldSchema &other : schema.fields) {
    if (&other == &field)
      continue;
    int time = field.time(schema.times);
    if (std::any_of(
            other.axes.begin(), other.axes.end(), [&](const SchemaAxis &axis) {
              return axis.isTime && axis.name == schema.times[size_t(time)];
            }))
      return usageError("rnnc: error: --unit bpe: `{}` and `{}` run along the "
                        "same axis `{}`, which has one length: words are cut "
                        "into pieces only along an axis of their own",
                        field.name, other.name, schema.times[size_t(time)]);
    if (isText(schema, other) && vocabularyKey(other) == vocabularyKey(field) &&
        options.unitText(other) != options.unitText(field))
      return usageError("rnnc: error: --unit: `{}` and `{}` have their symbols "
                        "in common: both are {}, or none",
                        field.name, other.name, options.unitText(field));
  }
  return {};
}

Status data::checkPieces(const Schema &schema, const ReadOptions &options) {
  bool any = false;
  for (const FieldSchema &field : schema.fields) {
    bool asked = options.units.contains(field.name) &&
                 options.unit(schema, field) == Unit::Pieces;
    if (asked && !isText(schema, field))
      return usageError("rnnc: error: --unit bpe: `{}` is no text", field.name);
    if (!isCut(schema, field, options))
      continue;
    any = true;
    if (Status status = checkField(schema, field, options); !status)
      return status;
  }
  if (!any && parsePieces(options.tokens))
    return usageError("rnnc: error: --unit bpe: model `{}` reads no text",
                      schema.model);
  return {};
}

Status data::learnPieces(const Dataset &train, const Schema &schema,
                         ReadOptions &options) {
  std::map<std::string, std::map<std::string, int64_t>> words; // by key
  std::map<std::string, int64_t> counts;
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const FieldSchema &field = schema.fields[f];
    const std::string &key = vocabularyKey(field);
    if (!isCut(schema, field, options) || !train.columns[f].raw ||
        options.pieces.contains(key))
      continue;
    counts[key] = *parsePieces(options.unitText(field));
    for (int32_t symbol : train.columns[f].ints)
      ++words[key][train.symbols[static_cast<size_t>(symbol)]];
  }
  for (const auto &[key, count] : counts) {
    Result<Pieces> learned =
        Pieces::learn(words[key], count, train.files.front());
    if (!learned)
      return learned.error();
    options.pieces.emplace(key, std::move(*learned));
  }
  return {};
}

namespace {
/// The pieces of each word of a data set, cut once.
class Cutter {
public:
  Cutter(Dataset &data, const Pieces &pieces) : data(data), pieces(pieces) {
    for (size_t i = 0; i < data.symbols.size(); ++i)
      numbers.emplace(data.symbols[i], static_cast<int32_t>(i));
  }
  const std::vector<int32_t> &operator()(int32_t word) {
    auto [found, isNew] = known.try_emplace(word);
    if (isNew)
      for (std::string &piece :
           pieces.cut(data.symbols[static_cast<size_t>(word)])) {
        auto [number, isFirst] =
            numbers.emplace(piece, static_cast<int32_t>(data.symbols.size()));
        if (isFirst)
          data.symbols.push_back(std::move(piece));
        found->second.push_back(number->second);
      }
    return found->second;
  }

private:
  Dataset &data;
  const Pieces &pieces;
  std::unordered_map<std::string, int32_t> numbers;
  std::unordered_map<int32_t, std::vector<int32_t>> known;
};
} // namespace

/// The pieces in the place of the words; `longest` of them, or 0 for all.
static void cutColumn(Dataset &data, Column &column, const Pieces &pieces,
                      std::vector<int32_t> &lengths, int64_t longest) {
  Cutter cut(data, pieces);
  std::vector<int32_t> ints;
  for (int32_t e = 0; e < data.size(); ++e) {
    size_t first = ints.size();
    for (int64_t i = column.begin[e]; i < column.begin[e + 1]; ++i) {
      const std::vector<int32_t> &own = cut(column.ints[i]);
      ints.insert(ints.end(), own.begin(), own.end());
    }
    if (longest > 0)
      ints.resize(std::min(ints.size(), first + static_cast<size_t>(longest)));
    column.begin[e] = static_cast<int64_t>(first);
    lengths[e] = static_cast<int32_t>(ints.size() - first);
  }
  column.begin.back() = static_cast<int64_t>(ints.size());
  column.ints = std::move(ints);
}

Status data::cutIntoPieces(Dataset &data, const Schema &schema,
                           const ReadOptions &options) {
  for (size_t f = 0; f < schema.fields.size() && data.size() > 0; ++f) {
    const FieldSchema &field = schema.fields[f];
    Column &column = data.columns[f];
    if (!isCut(schema, field, options) || !column.raw)
      continue;
    auto pieces = options.pieces.find(vocabularyKey(field));
    if (pieces == options.pieces.end())
      return dataError("{}: error: the model has no pieces for `{}`",
                       data.files.front(), field.name);
    cutColumn(data, column, pieces->second,
              data.lengths[static_cast<size_t>(field.time(schema.times))],
              schema.isRunningText() ? 0 : options.maxLength);
  }
  return {};
}

std::vector<std::string>
ReadOptions::runningSymbols(const std::string &text, const Schema &schema,
                            const FieldSchema &field) const {
  Unit own = unit(schema, field);
  auto found = pieces.find(vocabularyKey(field));
  bool cut = own == Unit::Pieces && found != pieces.end();
  std::vector<std::string> symbols;
  for (std::string_view symbol :
       splitRunningText(text, cut ? Unit::Words : own)) {
    if (!cut) {
      symbols.emplace_back(symbol);
      continue;
    }
    for (std::string &piece : found->second.cut(std::string(symbol)))
      symbols.push_back(std::move(piece));
  }
  return symbols;
}
