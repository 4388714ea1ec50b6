// Unknown.cpp: texts that were probably split in the wrong way.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Dataset.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::data;

/// Whether a character belongs to a script that is written without blanks:
/// Chinese, Japanese, Thai and its neighbours.
static bool isUnspaced(std::string_view character) {
  auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(character[i]));
  };
  uint32_t code = 0;
  if (character.size() == 3)
    code = (byte(0) & 15) << 12 | (byte(1) & 63) << 6 | (byte(2) & 63);
  else if (character.size() == 4)
    code = (byte(0) & 7) << 18 | (byte(1) & 63) << 12 | (byte(2) & 63) << 6 |
           (byte(3) & 63);
  bool thai = (code >= 0x0E00 && code <= 0x0EFF) ||
              (code >= 0x1000 && code <= 0x109F) ||
              (code >= 0x1780 && code <= 0x17FF);
  bool chinese = (code >= 0x2E80 && code <= 0x9FFF) ||
                 (code >= 0xF900 && code <= 0xFAFF) ||
                 (code >= 0x20000 && code <= 0x3FFFF);
  return thai || chinese;
}

namespace {
/// The words of the texts of one axis, each as often as it comes.
struct WordCount {
  int64_t words = 0, characters = 0, unspaced = 0;
  std::string longest;
};
} // namespace

static WordCount countWords(const Dataset &data, const Schema &schema,
                            const std::string &key) {
  std::vector<int64_t> times(data.symbols.size());
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const FieldSchema &field = schema.fields[f];
    bool isText = field.isIndex() && data.columns[f].raw &&
                  (!field.output || field.unfold) &&
                  field.time(schema.times) >= 0;
    if (isText && vocabularyKey(field) == key)
      for (int32_t symbol : data.columns[f].ints)
        ++times[static_cast<size_t>(symbol)];
  }
  WordCount count;
  for (size_t i = 0; i < times.size(); ++i) {
    const std::string &word = data.symbols[i];
    if (!times[i] || word == endOfLine || word == unknownSymbol)
      continue;
    count.words += times[i];
    count.characters += times[i] * countCharacters(word);
    for (std::string_view c : splitSymbols(word, Unit::Characters))
      count.unspaced += times[i] * isUnspaced(c);
    if (word.size() > count.longest.size())
      count.longest = word;
  }
  return count;
}

void data::warnOfLongWords(const Dataset &data, const Schema &schema,
                           const std::string &key, Unit unit,
                           std::vector<std::string> &warnings) {
  if (unit != Unit::Words)
    return;
  WordCount count = countWords(data, schema, key);
  if (count.words == 0)
    return;
  double length =
      static_cast<double>(count.characters) / static_cast<double>(count.words);
  // English has about 5 characters a word, German 6; Chinese that was cut into
  // words has 2.
  bool unspaced = 2 * count.unspaced > count.characters;
  if (length < (unspaced ? 5 : 20))
    return;
  warnings.push_back(fmt::format(
      "{}: warning: the words for `{}` have {:.0f} characters on average, such "
      "as `{}`: where no blanks stand between words, give --unit chars",
      data.files.front(), key, length, shown(count.longest, 24)));
}

void data::warnOfUnknown(Dataset &data, const Column &column,
                         const FieldSchema &field,
                         const Vocabulary &vocabulary) {
  if (vocabulary.unknown() < 0 || column.ints.empty())
    return;
  int64_t unknown = 0;
  std::vector<std::string> some;
  std::vector<bool> seen(data.symbols.size());
  for (int32_t raw : column.ints) {
    size_t at = static_cast<size_t>(raw);
    const std::string &symbol = data.symbols[at];
    if (symbol == unknownSymbol ||
        vocabulary.find(symbol) != vocabulary.unknown())
      continue;
    ++unknown;
    if (!seen[at] && some.size() < 3)
      some.push_back(fmt::format("`{}`", shown(symbol, 20)));
    seen[at] = true;
  }
  int64_t all = static_cast<int64_t>(column.ints.size());
  if (2 * unknown <= all)
    return;
  data.warnings.push_back(fmt::format(
      "{}: warning: {:.0f} % of the symbols of `{}` are not in the vocabulary "
      "and are read as {}, such as {}; has the text another language, unit "
      "(--unit), encoding (--encoding) or capitals (--lower) than the "
      "training, "
      "or is --min-count too large or --max-vocab too small?",
      data.files.front(),
      100. * static_cast<double>(unknown) / static_cast<double>(all),
      field.name, unknownSymbol, fmt::join(some, ", ")));
}
