// Lexer.h - from text to tokens.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_LEXER_H
#define RNNC_LIB_FRONTEND_LEXER_H

#include "rnnc/Support/Diagnostics.h"

#include <string_view>
#include <vector>

namespace rnnc {

struct Token {
  enum class Kind { End, Word, Number, Punct };

  Kind kind = Kind::End;
  SourceRange range;
  std::string_view text;
  /// A line end stands between the token before and this one.
  bool startsLine = false;
  /// Characters that begin no token, already told, stand before this one in its
  /// line, or right before it.
  bool afterBad = false;

  bool is(std::string_view what) const {
    return text == what && kind != Kind::Number;
  }
};

/// Words that open a statement or a clause, and the ones of expressions that
/// are no function. They cannot be names.
bool isReserved(std::string_view word);

/// Whether a number is written as a whole one: digits, or digits times a power
/// of ten that is not negative, such as `1e3`.
bool isWholeText(std::string_view text);

/// The tokens of a file; the last one is End. Characters that begin no token
/// are reported and left out.
std::vector<Token> lex(const SourceManager &sources, uint32_t file,
                       Diagnostics &diags);

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_LEXER_H
