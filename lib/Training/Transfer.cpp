// Transfer.cpp: weights from one vocabulary to another.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Transfer.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::training;
using data::Tensor;
using data::TensorFile;
using data::Vocabularies;
using data::Vocabulary;

/// In front of the axis in the metadata of weights.
static constexpr std::string_view metadataPrefix = "vocabulary.";

Result<Vocabularies> training::vocabulariesOf(const TensorFile &weights,
                                              const std::string &path) {
  Vocabularies result;
  for (const auto &[key, text] : weights.metadata) {
    if (!std::string_view(key).starts_with(metadataPrefix))
      continue;
    Result<Vocabulary> vocabulary = Vocabulary::fromJson(text, path);
    if (!vocabulary)
      return vocabulary.error();
    result[key.substr(metadataPrefix.size())] = std::move(*vocabulary);
  }
  return result;
}

namespace {
/// How two vocabularies of one axis differ.
struct Difference {
  std::vector<std::string> added, removed;
  /// Of each new index the old one, or -1.
  std::vector<int32_t> map;
  bool moved = false; ///< a symbol has another index

  bool any() const { return moved || !added.empty() || !removed.empty(); }
};
} // namespace

static bool holds(const Vocabulary &vocabulary, const std::string &symbol) {
  int32_t index = vocabulary.find(symbol);
  return index >= 0 && vocabulary.symbol(index) == symbol;
}

static Difference compare(const Vocabulary &from, const Vocabulary &to) {
  Difference result;
  for (int64_t i = 0; i < to.size(); ++i) {
    bool known = holds(from, to.symbol(i));
    result.map.push_back(known ? from.find(to.symbol(i)) : -1);
    result.moved |= known && result.map.back() != i;
    if (!known)
      result.added.push_back(to.symbol(i));
  }
  for (const std::string &symbol : from.all())
    if (!holds(to, symbol))
      result.removed.push_back(symbol);
  return result;
}

/// "12 symbols: `a`, `b`, ...".
static std::string listed(const std::vector<std::string> &symbols) {
  constexpr size_t most = 8;
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(symbols.size(), most); ++i)
    shown.push_back(fmt::format("`{}`", data::shown(symbols[i], 20)));
  if (symbols.size() > most)
    shown.push_back("...");
  return fmt::format("{} symbol{}: {}", symbols.size(),
                     symbols.size() == 1 ? "" : "s", fmt::join(shown, ", "));
}

static std::string describe(const std::string &axis, const Difference &given) {
  if (given.added.empty() && given.removed.empty())
    return fmt::format("\n  `{}`: the same symbols in another order", axis);
  std::string text = fmt::format("\n  `{}`:", axis);
  if (!given.removed.empty())
    text += fmt::format(" the weights alone know {}", listed(given.removed));
  if (!given.added.empty())
    text += fmt::format("{} they do not know {}",
                        given.removed.empty() ? "" : ";", listed(given.added));
  return text;
}

Status training::checkVocabularies(const TensorFile &weights,
                                   const std::string &path,
                                   const Vocabularies &used) {
  Result<Vocabularies> from = vocabulariesOf(weights, path);
  if (!from)
    return from.error();
  std::string problems;
  for (const auto &[axis, vocabulary] : used)
    if (auto found = from->find(axis); found != from->end())
      if (Difference given = compare(found->second, vocabulary); given.any())
        problems += describe(axis, given);
  if (problems.empty())
    return {};
  return dataError("{}: error: these weights belong to another vocabulary "
                   "than the model's:{}\n  `rnnc train --init` takes weights "
                   "to another vocabulary, symbol by symbol",
                   path, problems);
}

std::string training::vocabularyProblems(const TensorFile &weights,
                                         const ModuleInfo &module,
                                         bool misfit) {
  Result<Vocabularies> from = vocabulariesOf(weights, "");
  std::string problems;
  if (!from)
    return problems;
  for (const auto &[axis, vocabulary] : *from) {
    auto labels = module.labels.find(axis);
    if (labels != module.labels.end() && labels->second != vocabulary.all()) {
      problems +=
          describe(axis, compare(vocabulary, Vocabulary(labels->second)));
      continue;
    }
    for (const PortInfo &port : module.ports)
      if (misfit && port.kind == PortInfo::Kind::Index && port.axis == axis &&
          port.size != vocabulary.size()) {
        problems += fmt::format("\n  the weights belong to a vocabulary of {1} "
                                "symbols for `{0}`, which has {2} places here: "
                                "`-D {0}={1}` makes room for it",
                                axis, vocabulary.size(), port.size);
        break;
      }
  }
  return problems;
}

namespace {
/// Copies one parameter along the maps of its axes.
class Gather {
public:
  Gather(const Tensor &from, Tensor &to,
         std::vector<const std::vector<int32_t> *> maps)
      : from(from), to(to), maps(std::move(maps)) {}
  void run() { copy(0, 0, 0); }

private:
  void copy(size_t axis, int64_t source, int64_t target);

  const Tensor &from;
  Tensor &to;
  std::vector<const std::vector<int32_t> *> maps; ///< null: as it is
};
} // namespace

void Gather::copy(size_t axis, int64_t source, int64_t target) {
  if (axis == maps.size()) {
    size_t width = data::sizeOf(to.type);
    std::memcpy(to.bytes.data() + static_cast<size_t>(target) * width,
                from.bytes.data() + static_cast<size_t>(source) * width, width);
    return;
  }
  for (int64_t i = 0; i < to.shape[axis]; ++i) {
    // An axis may have more places than its vocabulary has symbols.
    int64_t known = maps[axis] ? static_cast<int64_t>(maps[axis]->size()) : 0;
    int64_t at = !maps[axis] ? i
                 : i < known ? (*maps[axis])[static_cast<size_t>(i)]
                             : -1;
    if (at >= 0)
      copy(axis + 1, source * from.shape[axis] + at,
           target * to.shape[axis] + i);
  }
}

/// One parameter by symbol; what does not fit is left for whoever checks
/// shapes.
static Result<Tensor>
mapParameter(const ParameterInfo &info, const Tensor &given,
             const Tensor &first,
             const std::map<std::string, Difference> &differences,
             const Vocabularies &from) {
  std::vector<const std::vector<int32_t> *> maps;
  bool fits = given.shape.size() == info.shape.size() &&
              info.axes.size() == info.shape.size();
  bool mapped = false;
  for (size_t d = 0; fits && d < info.axes.size(); ++d) {
    auto found = differences.find(info.axes[d]);
    bool byName = found != differences.end();
    maps.push_back(byName ? &found->second.map : nullptr);
    mapped |= byName;
    fits = byName ? given.shape[d] >= from.at(info.axes[d]).size()
                  : given.shape[d] == info.shape[d];
  }
  if (!fits || !mapped)
    return given;
  Result<Tensor> source = data::convertExact(given, first.type, info.name);
  if (!source)
    return source.error();
  Tensor result = first;
  Gather(*source, result, std::move(maps)).run();
  return result;
}

/// What the user should know about one axis.
static void addNotes(const std::string &path, const std::string &axis,
                     const Difference &given, std::vector<std::string> &notes) {
  auto note = [&](std::string text) {
    notes.push_back(fmt::format("{}: note: `{}`: {}", path, axis, text));
  };
  if (!given.added.empty())
    note(fmt::format("not in the weights' vocabulary, first values are drawn: "
                     "{}",
                     listed(given.added)));
  if (!given.removed.empty())
    note(fmt::format("not in this data, their rows are left out (--vocab keeps "
                     "a vocabulary): {}",
                     listed(given.removed)));
  if (given.added.empty() && given.removed.empty())
    note("the same symbols in another order; rows are taken by symbol");
}

Result<Transfer> training::transferWeights(const TensorFile &weights,
                                           const std::string &path,
                                           const ModuleInfo &module,
                                           const TensorFile &first,
                                           const Vocabularies &used) {
  Result<Vocabularies> from = vocabulariesOf(weights, path);
  if (!from)
    return from.error();
  Transfer result;
  std::map<std::string, Difference> differences;
  for (const auto &[axis, vocabulary] : used) {
    auto found = from->find(axis);
    if (found == from->end()) {
      result.notes.push_back(
          fmt::format("{}: warning: the weights do not say which symbols of "
                      "`{}` they belong to; they are taken in the order of "
                      "this vocabulary of {}",
                      path, axis, vocabulary.size()));
      continue;
    }
    Difference given = compare(found->second, vocabulary);
    if (!given.any())
      continue;
    addNotes(path, axis, given, result.notes);
    differences[axis] = std::move(given);
  }
  // What comes out belongs to the vocabularies in use.
  for (const auto &[name, tensor] : weights.tensors) {
    auto info = std::find_if(module.parameters.begin(), module.parameters.end(),
                             [&](const auto &p) { return p.name == name; });
    const Tensor *own = first.find(name);
    if (info == module.parameters.end() || !own) {
      result.weights.add(name, tensor);
      continue;
    }
    Result<Tensor> mapped =
        mapParameter(*info, tensor, *own, differences, *from);
    if (!mapped)
      return dataError("{}: error: {}", path, mapped.error().message);
    result.weights.add(name, std::move(*mapped));
  }
  return result;
}
