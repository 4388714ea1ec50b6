// Text.h: text into symbols: characters, words, bytes or pieces of words.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_TEXT_H
#define RNNC_DATA_TEXT_H

#include "rnnc/Data/Result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rnnc::data {

/// Pieces are learned from words: texts are split into words first.
enum class Unit { Characters, Words, Bytes, Pieces };
/// `chars`, `words`, `bytes`, `bpe`, which is written with the number of
/// pieces.
std::string_view nameOf(Unit unit);
std::optional<Unit> parseUnit(std::string_view name);

/// The word that stands for the end of a line in running text.
inline constexpr std::string_view endOfLine = "<eos>";

/// Checks that a text is UTF-8; the error is `path:line: ...`. Lines are
/// counted from `firstLine`.
Status checkUtf8(std::string_view text, const std::string &path,
                 int64_t firstLine = 1);

/// Reads a whole text: UTF-8, or decoded from `encoding`; without byte order
/// mark, line ends as \n. An empty file is an error.
Result<std::string> readText(const std::string &path,
                             const std::string &encoding = "");

/// A text from a file as messages show it: not too long, without control
/// characters.
std::string shown(std::string_view text, size_t most = 60);

/// Number of characters (code points) of a valid text.
int64_t countCharacters(std::string_view text);
/// How many characters a symbol stands for in a text: a word takes the blank
/// behind it along, of the bytes of a character the first counts.
int64_t charactersOf(std::string_view symbol, Unit unit);

/// ASCII capitals become small letters.
std::string lowerCase(std::string_view text);

/// The symbols of one line or cell. A byte above 127 is the symbol `<0xE4>`:
/// symbols are written to files, which hold UTF-8.
std::vector<std::string_view> splitSymbols(std::string_view text, Unit unit);

/// The symbols of running text: line ends count, as `\n` among characters and
/// as `<eos>` among words.
std::vector<std::string_view> splitRunningText(std::string_view text,
                                               Unit unit);

/// Puts symbols together again for reading.
std::string joinSymbols(const std::vector<std::string> &symbols, Unit unit);

/// Without the blanks at both ends.
std::string_view trim(std::string_view text);

} // namespace rnnc::data

#endif // RNNC_DATA_TEXT_H
