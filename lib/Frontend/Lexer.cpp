// Lexer.cpp - from text to tokens.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

using namespace rnnc;

bool rnnc::isReserved(std::string_view word) {
  static constexpr std::string_view words[] = {
      "import", "dim",   "axis",  "fn",   "layer", "cell",   "dist",
      "model",  "train", "export", "time", "param", "state",  "use",
      "input",  "output", "out",  "loss", "over",  "backward", "from",
      "final",  "start", "if",    "then", "else",  "in",     "as",
      "scan",   "fold",  "unfold", "for", "repeat", "real",  "int",
      "bit"};
  return std::find(std::begin(words), std::end(words), word) !=
         std::end(words);
}

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool isWordPart(char c) { return isWordStart(c) || isDigit(c); }
bool isContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

class Lexer {
public:
  Lexer(const SourceManager &sources, uint32_t file, Diagnostics &diags)
      : text(sources.text(file)), file(file), diags(diags) {}

  std::vector<Token> run() {
    while (skipBlank(), at < text.size())
      next();
    add(Token::Kind::End, text.size(), 0);
    return std::move(tokens);
  }

private:
  char peek(size_t ahead = 0) const {
    return at + ahead < text.size() ? text[at + ahead] : '\0';
  }

  void add(Token::Kind kind, size_t begin, size_t length) {
    Token token;
    token.kind = kind;
    token.range = {file, static_cast<uint32_t>(begin),
                   static_cast<uint32_t>(begin + length)};
    token.text = text.substr(begin, length);
    token.startsLine = sawNewline;
    sawNewline = false;
    tokens.push_back(token);
    at = begin + length;
  }

  void skipBlank() {
    for (; at < text.size(); ++at) {
      char c = text[at];
      if (c == '\n')
        sawNewline = true;
      else if (c == '#')
        at = std::min(text.find('\n', at), text.size()) - 1;
      else if (c != ' ' && c != '\t' && c != '\r')
        return;
    }
  }

  void next() {
    char c = peek();
    if (isWordStart(c)) {
      size_t end = at;
      while (end < text.size() && isWordPart(text[end]))
        ++end;
      return add(Token::Kind::Word, at, end - at);
    }
    if (isDigit(c))
      return add(Token::Kind::Number, at, numberLength());
    static constexpr std::string_view two[] = {"++", "->", ">>", "<=",
                                               ">=", "==", "!="};
    for (std::string_view p : two)
      if (text.substr(at, 2) == p)
        return add(Token::Kind::Punct, at, 2);
    if (std::string_view("()[]{}:;,=~'.^@+-*/<>").find(c) !=
        std::string_view::npos)
      return add(Token::Kind::Punct, at, 1);
    badCharacters();
  }

  size_t numberLength() const {
    size_t end = at;
    auto digits = [&] {
      while (end < text.size() && isDigit(text[end]))
        ++end;
    };
    auto digitAt = [&](size_t i) { return i < text.size() && isDigit(text[i]); };
    digits();
    if (end < text.size() && text[end] == '.' && digitAt(end + 1)) {
      ++end;
      digits();
    }
    if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
      size_t sign = end + 1 < text.size() &&
                    (text[end + 1] == '+' || text[end + 1] == '-');
      if (digitAt(end + 1 + sign)) {
        end += 1 + sign;
        digits();
      }
    }
    return end - at;
  }

  /// One error for one character (of any number of bytes).
  void badCharacters() {
    size_t end = at + 1;
    while (end < text.size() && isContinuation(text[end]))
      ++end;
    SourceRange range = {file, static_cast<uint32_t>(at),
                         static_cast<uint32_t>(end)};
    char c = text[at];
    bool printable = end - at > 1 || (c > ' ' && c < 127);
    std::string shown = printable ? std::string(text.substr(at, end - at))
                                  : fmt::format("\\x{:02x}",
                                                static_cast<unsigned char>(c));
    at = end;
    // A run of them is one mistake.
    if (range.begin == badEnd) {
      badEnd = range.end;
      return;
    }
    badEnd = range.end;
    diags.error("E006", range,
                fmt::format("`{}` does not belong to the language", shown))
        .label("no token begins with this character")
        .help("text after `#` is a comment and may hold anything");
  }

  std::string_view text;
  uint32_t file;
  Diagnostics &diags;
  std::vector<Token> tokens;
  size_t at = 0;
  size_t badEnd = ~size_t(0);
  bool sawNewline = true;
};

} // namespace

std::vector<Token> rnnc::lex(const SourceManager &sources, uint32_t file,
                             Diagnostics &diags) {
  return Lexer(sources, file, diags).run();
}
