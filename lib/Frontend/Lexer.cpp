// Lexer.cpp - from text to tokens.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"

#include "Foreign.h"
#include "rnnc/Support/Text.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>

using namespace rnnc;

bool rnnc::isReserved(std::string_view word) {
  static constexpr std::string_view words[] = {
      "import", "dim",    "axis",   "fn",   "layer",  "cell",     "dist",
      "model",  "train",  "export", "time", "param",  "state",    "use",
      "input",  "output", "out",    "loss", "over",   "backward", "from",
      "final",  "start",  "if",     "then", "else",   "in",       "as",
      "scan",   "fold",   "unfold", "for",  "repeat", "real",     "int",
      "bit",    "and",    "or",     "not"};
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool isWordPart(char c) { return isWordStart(c) || isDigit(c); }

class Lexer {
public:
  Lexer(const SourceManager &sources, uint32_t file, Diagnostics &diags)
      : text(sources.text(file)), file(file), diags(diags) {}

  std::vector<Token> run() {
    while (skipBlank(), at < text.size())
      next();
    add(Token::Kind::End, text.size(), 0);
    for (const auto &[character, seen] : lookAlikes)
      report(*findLookAlike(character), seen);
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
    token.afterBad =
        sawBad || (!sawNewline && !tokens.empty() && tokens.back().afterBad);
    sawNewline = sawBad = false;
    tokens.push_back(token);
    at = begin + length;
  }

  void skipBlank() {
    for (; at < text.size(); ++at) {
      char c = text[at];
      if (c == '\n' || c == '\r') // a carriage return alone ends a line too
        sawNewline = true;
      else if (c == '#')
        at = std::min(text.find_first_of("\r\n", at), text.size()) - 1;
      else if (c != ' ' && c != '\t')
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
    static constexpr std::string_view two[] = {
        "++", "->", ">>", "<=", ">=", "==", "!=", ".."};
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
    auto digitAt = [&](size_t i) {
      return i < text.size() && isDigit(text[i]);
    };
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
    size_t begin = at;
    char32_t c = decodeCharacter(text, at);
    SourceRange range = {file, static_cast<uint32_t>(begin),
                         static_cast<uint32_t>(at)};
    if (const LookAlike *meant = findLookAlike(c))
      return lookAlike(*meant, range);
    sawBad = true;
    // A run of them is one mistake.
    bool goesOn = range.begin == badEnd;
    badEnd = range.end;
    if (goesOn)
      return;
    std::string help = foreignSign(text.substr(begin, 2));
    if (help.empty())
      help = foreignSign(text.substr(begin, 1));
    if (help.empty() && c >= 0x80 && c != notACharacter && !isControl(c))
      help = "names are made of a to z, A to Z, 0 to 9 and `_`; text after `#` "
             "is a comment and may hold anything";
    diags
        .error("E006", range,
               fmt::format("`{}` does not belong to the language",
                           shown(text.substr(begin, at - begin))))
        .label("no token begins with this character")
        .help(help.empty() ? "text after `#` is a comment and may hold anything"
                           : help);
  }

  /// What is meant takes its place, so that the rest is read as it is meant.
  void lookAlike(const LookAlike &found, SourceRange range) {
    SeenOften &seen = lookAlikes[found.character];
    if (seen.count++ == 0)
      seen.first = range;
    if (found.meant.empty())
      return;
    bool word = isWordStart(found.meant[0]);
    add(word ? Token::Kind::Word : Token::Kind::Punct, range.begin,
        range.end - range.begin);
    tokens.back().text = found.meant;
  }

  struct SeenOften {
    SourceRange first;
    size_t count = 0;
  };

  /// One error for all places where the character stands.
  void report(const LookAlike &one, const SeenOften &seen) {
    std::string_view bytes =
        text.substr(seen.first.begin, seen.first.end - seen.first.begin);
    std::string name =
        one.meant.empty() // nothing could be seen
            ? fmt::format("U+{:04X}", static_cast<uint32_t>(one.character))
            : std::string(bytes);
    auto &d =
        diags.error("E006", seen.first,
                    fmt::format("`{}` does not belong to the language", name));
    d.label(fmt::format("this is {}", one.what));
    if (seen.count > 1)
      d.note(fmt::format("it stands at {} places of this file", seen.count));
    d.help(one.meant.empty() ? std::string("write an ordinary space")
                             : fmt::format("write `{}`", one.meant));
  }

  std::string_view text;
  uint32_t file;
  Diagnostics &diags;
  std::vector<Token> tokens;
  size_t at = 0;
  size_t badEnd = ~size_t(0);
  std::map<char32_t, SeenOften> lookAlikes;
  bool sawNewline = true;
  bool sawBad = false;
};

} // namespace

bool rnnc::isWholeText(std::string_view text) {
  auto isDigits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == part.npos;
  };
  size_t exponent = text.find_first_of("eE");
  if (exponent == text.npos)
    return isDigits(text);
  std::string_view power = text.substr(exponent + 1);
  if (power.starts_with("+"))
    power.remove_prefix(1);
  return isDigits(text.substr(0, exponent)) && isDigits(power);
}

std::vector<Token> rnnc::lex(const SourceManager &sources, uint32_t file,
                             Diagnostics &diags) {
  return Lexer(sources, file, diags).run();
}
