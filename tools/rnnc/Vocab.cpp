// Vocab.cpp: vocabularies and first weights of other trainings.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Vocab.h"

#include "rnnc/Data/Files.h"
#include "rnnc/Training/ModelDirectory.h"
#include "rnnc/Training/Transfer.h"
#include "rnnc/Training/WordVectors.h"

#include <filesystem>
#include <set>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;
using data::Schema;
using data::Vocabularies;
using data::Vocabulary;

static bool isDirectory(const std::string &path) {
  std::error_code code;
  return std::filesystem::is_directory(path, code);
}

/// The axes of a model that symbols may belong to; labels too if `all`.
static std::vector<std::string> symbolAxes(const Schema &schema, bool all) {
  std::vector<std::string> axes;
  std::set<std::string> seen;
  for (const data::FieldSchema &field : schema.fields) {
    const std::string &key = data::vocabularyKey(field);
    if (field.isIndex() && (all || !data::isLabelAxis(schema, key)) &&
        seen.insert(key).second)
      axes.push_back(key);
  }
  return axes;
}

/// A list of texts in JSON, or a symbol a line.
static Result<Vocabulary> readVocabulary(const std::string &path) {
  Result<std::string> text = data::readText(path);
  if (!text)
    return text.error();
  Result<Vocabulary> read = Vocabulary::fromJson(*text, path);
  if (!std::string_view(path).ends_with(".json")) {
    std::vector<std::string> lines;
    std::string_view rest = *text;
    while (!rest.empty()) {
      size_t end = std::min(rest.find('\n'), rest.size());
      lines.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    read = Vocabulary(std::move(lines));
  }
  if (!read)
    return read;
  std::set<std::string> seen;
  for (const std::string &symbol : read->all())
    if (!seen.insert(symbol).second)
      return dataError("{}: error: the vocabulary holds `{}` twice", path,
                       data::shown(symbol));
  return read;
}

/// The axis that a file is for: named in front, by the file, or the only one.
static Result<std::string>
axisOf(const std::string &axis, const std::string &path, const Schema &schema) {
  std::vector<std::string> all = symbolAxes(schema, /*all=*/true);
  std::string name = std::filesystem::path(path).filename().string();
  std::string wanted = axis;
  std::string_view prefix = "vocabulary.", suffix = ".json";
  if (wanted.empty() && name.starts_with(prefix) && name.ends_with(suffix) &&
      name.size() > prefix.size() + suffix.size())
    wanted =
        name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  if (std::find(all.begin(), all.end(), wanted) != all.end())
    return wanted;
  std::vector<std::string> texts = symbolAxes(schema, /*all=*/false);
  if (axis.empty() && texts.size() == 1)
    return texts.front();
  return usageError("rnnc: error: --vocab: which axis is {} for? write --vocab "
                    "AXIS={}; model `{}` has {}",
                    path, path, schema.model,
                    all.empty() ? "no symbols"
                                : fmt::format("{}", fmt::join(all, ", ")));
}

/// Whether the symbols of an axis are to be pieces of words.
static bool cutsInto(const std::string &axis, const Schema &schema,
                     const data::ReadOptions &read) {
  return std::ranges::any_of(schema.fields, [&](const auto &field) {
    return field.isIndex() && data::vocabularyKey(field) == axis &&
           (!field.output || field.unfold) &&
           read.unit(schema, field) == data::Unit::Pieces;
  });
}

Result<Vocabularies>
tool::givenVocabularies(const std::vector<std::string> &given,
                        const Schema &schema, data::ReadOptions &read) {
  Vocabularies result;
  std::vector<std::string> axes = symbolAxes(schema, /*all=*/true);
  for (const std::string &text : given) {
    size_t equals = text.find('=');
    std::string axis =
        equals == std::string::npos ? "" : text.substr(0, equals);
    std::string path =
        equals == std::string::npos ? text : text.substr(equals + 1);
    if (!isDirectory(path)) {
      Result<std::string> name = axisOf(axis, path, schema);
      if (!name)
        return name.error();
      Result<Vocabulary> vocabulary = readVocabulary(path);
      if (!vocabulary)
        return vocabulary.error();
      result[*name] = std::move(*vocabulary);
      continue;
    }
    ModelDirectory directory(path);
    if (Status status = directory.load(); !status)
      return status.error();
    size_t before = result.size();
    for (auto &[name, vocabulary] : directory.vocabularies)
      if (std::find(axes.begin(), axes.end(), name) != axes.end() &&
          (axis.empty() || axis == name)) {
        auto pieces = directory.read.pieces.find(name);
        bool areCut = pieces != directory.read.pieces.end();
        if (areCut != cutsInto(name, schema, read))
          return usageError("rnnc: error: --vocab {}: its symbols of `{}` are "
                            "{}",
                            text, name,
                            areCut ? "pieces of words: give --unit bpe(N)"
                                   : "no pieces of words, as --unit bpe is");
        result[name] = std::move(vocabulary);
        if (areCut)
          read.pieces.insert_or_assign(name, pieces->second);
      }
    if (result.size() == before)
      return usageError("rnnc: error: --vocab {}: it has no vocabulary for {}",
                        text, fmt::join(axes, ", "));
  }
  return result;
}

Status tool::takeFirstWeights(const std::string &given, ModelInstance &instance,
                              const Vocabularies &used) {
  std::string path = given;
  if (isDirectory(given)) {
    ModelDirectory directory(given);
    if (Status status = directory.load(); !status)
      return status;
    Result<std::string> file = directory.weightFile();
    if (!file)
      return file.error();
    path = *file;
  }
  Result<data::TensorFile> weights = data::readTensorFile(path);
  if (!weights)
    return weights.error();
  Result<Transfer> transfer = transferWeights(*weights, path, instance.module(),
                                              instance.parameters(), used);
  if (!transfer)
    return transfer.error();
  for (const std::string &note : transfer->notes)
    fmt::print(stderr, "{}\n", note);
  return instance.setParameters(transfer->weights, path);
}

Status tool::takeWordVectors(const std::string &given, ModelInstance &instance,
                             const Vocabularies &used) {
  size_t at = given.find('=');
  if (at == 0 || at == given.npos || at + 1 == given.size())
    return usageError("--vectors is PARAMETER=FILE, not `{}`", given);
  std::string path = given.substr(at + 1);
  Result<Transfer> vectors =
      readWordVectors(path, given.substr(0, at), instance.module(),
                      instance.parameters(), used);
  if (!vectors)
    return vectors.error();
  for (const std::string &note : vectors->notes)
    fmt::print(stderr, "{}\n", note);
  return instance.setParameters(vectors->weights, path);
}
