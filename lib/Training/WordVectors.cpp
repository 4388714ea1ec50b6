// WordVectors.cpp: vectors of words from text files as first values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/WordVectors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>

using namespace rnnc;
using namespace rnnc::training;
using data::DType;
using data::Tensor;
using data::Vocabulary;

namespace {
/// Reads the file line by line: it may be larger than memory.
class VectorReader {
public:
  VectorReader(const std::string &path, const Vocabulary &vocabulary,
               Tensor &rows)
      : path(path), vocabulary(vocabulary), rows(rows),
        width(rows.shape.back()) {}

  Status run();
  int64_t found() const { return static_cast<int64_t>(seen.size()); }
  /// How many vectors the first line promises, if that is not what came.
  std::optional<int64_t> promised() const {
    return head && *head != vectors ? head : std::nullopt;
  }
  int64_t count() const { return vectors; }

private:
  Status take(std::string_view text);
  Result<bool> readHead(std::string_view text);
  Status wrong(const std::string &what) const {
    return dataError("{}:{}: error: {}", path, line, what);
  }

  const std::string &path;
  const Vocabulary &vocabulary;
  Tensor &rows;
  int64_t width, line = 0, vectors = 0;
  std::optional<int64_t> head; ///< how many vectors the first line says
  std::set<int32_t> seen;      ///< words of the vocabulary that have a vector
};
} // namespace

static bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static std::string_view trimmed(std::string_view text) {
  while (!text.empty() && isBlank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// Cuts the last word off `text`.
static std::string_view lastWord(std::string_view &text) {
  text = trimmed(text);
  size_t at = text.find_last_of(" \t");
  std::string_view word = text.substr(at == text.npos ? 0 : at + 1);
  text = at == text.npos ? std::string_view() : text.substr(0, at);
  return word;
}

static bool parse(std::string_view text, double &value) {
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

/// A number that is finite in the type of the parameter too.
static bool parseFinite(std::string_view text, DType type, double &value) {
  return parse(text, value) && std::isfinite(value) &&
         (type == DType::F64 || std::isfinite(static_cast<float>(value)));
}

/// A whole number that may stand in a first line.
static std::optional<int64_t> parseCount(std::string_view text) {
  int64_t value = 0;
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  bool isWhole = code == std::errc() && end == text.data() + text.size();
  return isWhole && value >= 0 ? std::optional(value) : std::nullopt;
}

/// "400000 300": how many words there are, and how long their vectors. A
/// vector of one number has such a line too, and is taken for a vector.
Result<bool> VectorReader::readHead(std::string_view text) {
  std::string_view second = lastWord(text), first = lastWord(text);
  std::optional<int64_t> count = parseCount(first), length = parseCount(second);
  if (width == 1 || !text.empty() || !count || !length)
    return false;
  if (*length != width)
    return wrong(fmt::format("the file says that its vectors have {} numbers, "
                             "but the rows of the parameter have {}",
                             *length, width))
        .error();
  head = count;
  return true;
}

/// The numbers are taken from the end: words may have blanks in them.
Status VectorReader::take(std::string_view text) {
  std::vector<double> numbers(static_cast<size_t>(width));
  for (size_t i = numbers.size(); i-- > 0;) {
    std::string_view word = lastWord(text);
    if (word.empty() || !parseFinite(word, rows.type, numbers[i]))
      return wrong(fmt::format("expected a word and {} numbers, found `{}` "
                               "where number {} would be",
                               width, data::shown(std::string(word), 20),
                               i + 1));
  }
  text = trimmed(text);
  if (text.empty())
    return wrong("expected a word before the numbers");
  double more;
  std::string_view rest = text;
  // The word itself may look like a number, but not be one of two.
  if (std::string_view last = lastWord(rest);
      !rest.empty() && parse(last, more))
    return wrong(fmt::format("expected a word and {} numbers, found more "
                             "numbers",
                             width));
  int32_t index = vocabulary.find(text);
  if (index < 0 || vocabulary.symbol(index) != text ||
      !seen.insert(index).second)
    return {};
  for (size_t i = 0; i < numbers.size(); ++i) {
    int64_t at = index * width + static_cast<int64_t>(i);
    if (rows.type == DType::F64)
      rows.as<double>()[at] = numbers[i];
    else
      rows.as<float>()[at] = static_cast<float>(numbers[i]);
  }
  return {};
}

Status VectorReader::run() {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return dataError("{}: error: cannot be read", path);
  for (std::string text; std::getline(file, text);) {
    ++line;
    if (trimmed(text).empty())
      continue;
    Result<bool> isHead = line == 1 ? readHead(text) : Result<bool>(false);
    if (!isHead)
      return isHead.error();
    if (*isHead)
      continue;
    if (Status status = take(text); !status)
      return status;
    ++vectors;
  }
  return file.bad() ? dataError("{}: error: cannot be read", path) : Status();
}

/// The parameter, if its rows are those of words.
static Result<const ParameterInfo *>
rowsOfWords(const std::string &path, const std::string &name,
            const ModuleInfo &module, const data::Vocabularies &used) {
  std::string known;
  for (const ParameterInfo &info : module.parameters) {
    bool fits = info.shape.size() == 2 && used.count(info.axes[0]);
    if (info.name == name && fits)
      return &info;
    if (fits)
      known += (known.empty() ? "`" : ", `") + info.name + "`";
  }
  return usageError("{}: error: `{}` has no parameter `{}` with a row for each "
                    "word of a vocabulary{}",
                    path, module.name, name,
                    known.empty() ? "" : "; there is " + known);
}

Result<Transfer> training::readWordVectors(const std::string &path,
                                           const std::string &parameter,
                                           const ModuleInfo &module,
                                           const data::TensorFile &first,
                                           const data::Vocabularies &used) {
  Result<const ParameterInfo *> info =
      rowsOfWords(path, parameter, module, used);
  if (!info)
    return info.error();
  const Vocabulary &vocabulary = used.at((*info)->axes[0]);
  Transfer result;
  result.weights = first;
  Tensor *rows = nullptr;
  for (auto &[name, tensor] : result.weights.tensors)
    if (name == parameter)
      rows = &tensor;
  VectorReader reader(path, vocabulary, *rows);
  if (Status status = reader.run(); !status)
    return status.error();
  if (reader.found() == 0)
    return dataError("{}: error: none of the {} words of `{}` is in the file",
                     path, vocabulary.size(), (*info)->axes[0]);
  if (std::optional<int64_t> promised = reader.promised())
    result.notes.push_back(
        fmt::format("{}: warning: its first line says {} vectors, there are "
                    "{}: is the file whole?",
                    path, *promised, reader.count()));
  result.notes.push_back(fmt::format(
      "{}: note: vectors for {} of the {} words of `{}`; the others' are drawn",
      path, reader.found(), vocabulary.size(), (*info)->axes[0]));
  return result;
}
