// Text.h - characters of UTF-8 text, and text of users made fit to be shown.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_SUPPORT_TEXT_H
#define RNNC_SUPPORT_TEXT_H

#include <string>
#include <string_view>

namespace rnnc {

/// What stands for bytes that are no UTF-8.
constexpr char32_t notACharacter = 0xFFFD;

/// Reads one character at `at` and moves behind it. Bytes that are no UTF-8
/// count one by one as `notACharacter`.
char32_t decodeCharacter(std::string_view text, size_t &at);

/// Whether a terminal would obey the character rather than show it: control
/// characters, and marks that turn the direction of writing.
bool isControl(char32_t c);

/// The text with controls and bytes that are no UTF-8 written as `\x1b` or
/// `\u{202e}`, so that a name or a value of a user cannot change the terminal.
/// Ends of lines stay where `lines` says so.
std::string shown(std::string_view text, bool lines = false);

/// Where the first bracket stands that lies in more than `most` others; npos if
/// there is none. For texts that are read or walked by recursion: JSON, and the
/// text of MLIR. Brackets in "..." do not count, nor do arrows and comparisons.
size_t findDeeper(std::string_view text, size_t most);

} // namespace rnnc

#endif // RNNC_SUPPORT_TEXT_H
