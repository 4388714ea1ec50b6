// Pieces.cpp: byte-pair encoding, by SentencePiece.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Pieces.h"
#include "rnnc/Data/Text.h"
#include "rnnc/Data/Vocabulary.h"

#include <charconv>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#include <set>

using namespace rnnc;
using namespace rnnc::data;

struct Pieces::Model {
  sentencepiece::SentencePieceProcessor processor;
};

std::optional<int64_t> data::parsePieces(std::string_view unit) {
  constexpr std::string_view front = "bpe(";
  constexpr int64_t most = 1000000;
  if (!unit.starts_with(front) || !unit.ends_with(')'))
    return std::nullopt;
  unit.remove_prefix(front.size());
  unit.remove_suffix(1);
  int64_t count = 0;
  auto [end, code] =
      std::from_chars(unit.data(), unit.data() + unit.size(), count);
  bool isWhole = code == std::errc() && end == unit.data() + unit.size();
  return isWhole && count >= 1 && count <= most ? std::optional(count)
                                                : std::nullopt;
}

namespace {
/// Words with their counts, as lines of a table.
class CountedWords : public sentencepiece::SentenceIterator {
public:
  explicit CountedWords(const std::map<std::string, int64_t> &words)
      : at(words.begin()), end(words.end()) {
    show();
  }
  bool done() const override { return at == end; }
  void Next() override {
    ++at;
    show();
  }
  const std::string &value() const override { return line; }
  sentencepiece::util::Status status() const override { return {}; }

private:
  void show() {
    if (at != end)
      line = fmt::format("{}\t{}", at->first, at->second);
  }
  std::map<std::string, int64_t>::const_iterator at, end;
  std::string line;
};
} // namespace

static bool standsForItself(std::string_view word) {
  return word != endOfLine && word != unknownSymbol;
}

Result<Pieces> Pieces::learn(const std::map<std::string, int64_t> &words,
                             int64_t count, const std::string &place) {
  std::map<std::string, int64_t> own;
  std::set<std::string_view> characters;
  for (const auto &[word, times] : words) {
    if (!standsForItself(word) || word.empty())
      continue;
    own.emplace(word, times);
    for (std::string_view character : splitSymbols(word, Unit::Characters))
      characters.insert(character);
  }
  characters.insert(wordBegins);
  if (own.empty())
    return dataError("{}: error: there are no words to learn pieces from",
                     place);
  auto least = static_cast<int64_t>(characters.size());
  if (count < least)
    return usageError("{}: error: --unit bpe({}): the text has {} different "
                      "characters, and each is a piece, also what begins a "
                      "word: write bpe({}) or more",
                      place, count, least - 1, least);
  CountedWords lines(own);
  std::string bytes;
  // The library counts its unknown piece; it takes fewer where a text has no
  // more. The text stays as it is, whatever Unicode calls the same.
  sentencepiece::util::Status status =
      sentencepiece::SentencePieceTrainer::Train(
          {{"model_type", "bpe"},
           {"vocab_size", std::to_string(count + 1)},
           {"hard_vocab_limit", "false"},
           {"character_coverage", "1"},
           {"input_format", "tsv"},
           {"max_sentence_length", "1000000"},
           {"normalization_rule_name", "identity"},
           {"num_threads", "1"},
           {"bos_id", "-1"},
           {"eos_id", "-1"},
           {"minloglevel", "3"}},
          &lines, &bytes);
  if (!status.ok())
    return dataError("{}: error: no pieces can be learned: {}", place,
                     status.message());
  return fromBytes(std::move(bytes), place);
}

Result<Pieces> Pieces::fromBytes(std::string bytes, const std::string &path) {
  auto model = std::make_shared<Model>();
  sentencepiece::util::Status status =
      model->processor.LoadFromSerializedProto(bytes);
  if (!status.ok())
    return dataError("{}: error: damaged: these are no pieces of words", path);
  Pieces pieces;
  pieces.model = std::move(model);
  pieces.serialized = std::move(bytes);
  return pieces;
}

std::vector<std::string> Pieces::cut(const std::string &word) const {
  std::vector<std::string> pieces;
  if (!standsForItself(word) || !model->processor.Encode(word, &pieces).ok() ||
      pieces.empty())
    return {word};
  return pieces;
}
