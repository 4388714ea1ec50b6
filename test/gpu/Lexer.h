// Lexer.h: words, numbers and punctuation of PTX. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_LEXER_H
#define RNNC_TEST_GPU_LEXER_H

#include <string>
#include <string_view>

namespace rnnc::ptx {

struct Token {
  enum class Kind : uint8_t { End, Word, Integer, Float, Double, String, Mark };
  Kind kind = Kind::End;
  int line = 1;
  std::string_view text;
  uint64_t bits = 0; ///< of a number
  bool is(std::string_view what) const {
    return (kind == Kind::Word || kind == Kind::Mark) && text == what;
  }
};

class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) { advance(); }

  const Token &peek() const { return token; }
  Token take() {
    Token taken = token;
    advance();
    return taken;
  }
  /// Takes it if it is `what`.
  bool eat(std::string_view what) {
    if (!token.is(what))
      return false;
    advance();
    return true;
  }
  /// What a directive without a semicolon has on the rest of its line.
  void skipLine();

private:
  void advance();
  void skipBlanks();
  bool number();
  void word();

  std::string_view text;
  size_t at = 0;
  int line = 1;
  Token token;
};

} // namespace rnnc::ptx

#endif
