// Pieces.h: words cut into pieces that were learned from texts.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_PIECES_H
#define RNNC_DATA_PIECES_H

#include "rnnc/Data/Result.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rnnc::data {

/// Stands in front of a piece that begins a word: U+2581.
inline constexpr std::string_view wordBegins = "\xE2\x96\x81";

/// How many pieces `bpe(8000)` asks for; nothing where that is not written.
std::optional<int64_t> parsePieces(std::string_view unit);

/// The pieces of a language, by byte-pair encoding (Sennrich, Haddow and Birch
/// 2016): what stands side by side most often is one, again and again.
class Pieces {
public:
  /// At most `count` pieces, from words and how often each comes; each
  /// character is one. `place` stands for the words in a message.
  static Result<Pieces> learn(const std::map<std::string, int64_t> &words,
                              int64_t count, const std::string &place);
  /// What `bytes` gave, read from the file `path`.
  static Result<Pieces> fromBytes(std::string bytes, const std::string &path);
  const std::string &bytes() const { return serialized; }

  /// The pieces of one word: the first has `wordBegins` in front. Characters
  /// that were not seen are pieces that no vocabulary has. What stands for
  /// something else, such as the end of a line, is left whole.
  std::vector<std::string> cut(const std::string &word) const;

private:
  struct Model; ///< of the library that finds them
  std::shared_ptr<const Model> model;
  std::string serialized;
};

} // namespace rnnc::data

#endif // RNNC_DATA_PIECES_H
