// Vocabulary.h: symbols and their indices.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_VOCABULARY_H
#define RNNC_DATA_VOCABULARY_H

#include "rnnc/Data/Result.h"

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rnnc::data {

/// The name of the unknown word.
inline constexpr std::string_view unknownSymbol = "<unk>";

/// An ordered set of symbols.
class Vocabulary {
public:
  /// How a vocabulary is made from the symbols of training data.
  struct Plan {
    /// Indices that the model itself uses: `start`, `stop`, a crf's tag 0.
    std::map<int64_t, std::string> reserved;
    bool unknown = true;  ///< with `<unk>`; else all symbols are labels
    int64_t minCount = 1; ///< rarer symbols become `<unk>`
    int64_t maxSize = 0;  ///< 0: no limit; counts all entries
  };

  Vocabulary() = default;
  explicit Vocabulary(std::vector<std::string> symbols);

  /// Symbols by falling count, equal counts by their bytes; labels by their
  /// value if all are whole numbers, else by their bytes.
  static Vocabulary build(const std::map<std::string, int64_t> &counts,
                          const Plan &plan);

  int64_t size() const { return static_cast<int64_t>(symbols.size()); }
  const std::string &symbol(int64_t index) const {
    return symbols[static_cast<size_t>(index)];
  }
  const std::vector<std::string> &all() const { return symbols; }
  /// The index of a symbol, that of `<unk>` if there is one, else -1.
  int32_t find(std::string_view symbol) const;
  int32_t unknown() const { return unknownIndex; }

  std::string toJson() const;
  static Result<Vocabulary> fromJson(std::string_view text,
                                     const std::string &path);

private:
  void add(std::string symbol);

  std::vector<std::string> symbols;
  std::unordered_map<std::string, int32_t> indices;
  int32_t unknownIndex = -1;
};

} // namespace rnnc::data

#endif // RNNC_DATA_VOCABULARY_H
