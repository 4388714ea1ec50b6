// Lexer.cpp: words, numbers and punctuation of PTX. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Lexer.h"

#include <bit>
#include <cctype>
#include <cstdlib>

using namespace rnnc::ptx;

static bool isWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' ||
         c == '%' || c == '.';
}

void Lexer::skipLine() {
  // The token that was looked at may be of the next line already.
  int of = token.line;
  while (token.kind != Token::Kind::End && token.line == of)
    advance();
}

void Lexer::skipBlanks() {
  while (at < text.size()) {
    char c = text[at];
    std::string_view rest = text.substr(at);
    if (c == '\n')
      ++line;
    if (std::isspace(static_cast<unsigned char>(c)) || c == '\0') {
      ++at;
    } else if (rest.starts_with("//")) {
      while (at < text.size() && text[at] != '\n')
        ++at;
    } else if (rest.starts_with("/*")) {
      size_t end = rest.find("*/");
      size_t length = end == rest.npos ? rest.size() : end + 2;
      for (char skipped : rest.substr(0, length))
        line += skipped == '\n';
      at += length;
    } else {
      return;
    }
  }
}

void Lexer::advance() {
  skipBlanks();
  token = Token();
  token.line = line;
  if (at >= text.size())
    return;
  char c = text[at];
  if (c == '"') {
    size_t end = text.find('"', at + 1);
    end = end == text.npos ? text.size() : end;
    token.kind = Token::Kind::String;
    token.text = text.substr(at + 1, end - at - 1);
    at = end + (end < text.size());
    return;
  }
  if (std::isdigit(static_cast<unsigned char>(c)) && number())
    return;
  if (isWord(c))
    return word();
  token.kind = Token::Kind::Mark;
  token.text = text.substr(at++, 1);
}

void Lexer::word() {
  size_t end = at;
  // `::` is part of an opcode's modifier, `:` ends a label.
  while (end < text.size() &&
         (isWord(text[end]) || text.substr(end, 2) == "::"))
    end += isWord(text[end]) ? 1 : 2;
  token.kind = Token::Kind::Word;
  token.text = text.substr(at, end - at);
  at = end;
}

/// 12, 0x1f, 0b11, 12U, 0f3F800000, 0d3FF0000000000000, 1.5, 1e-5.
bool Lexer::number() {
  size_t end = at;
  while (end < text.size() &&
         (isWord(text[end]) ||
          ((text[end] == '-' || text[end] == '+') && end > at + 1 &&
           (text[end - 1] == 'e' || text[end - 1] == 'E') &&
           text.substr(at, 2) != "0x" && text.substr(at, 2) != "0f" &&
           text.substr(at, 2) != "0d")))
    ++end;
  std::string spelling(text.substr(at, end - at));
  token.text = text.substr(at, end - at);
  const char *first = spelling.c_str();
  char *last = nullptr;
  std::string_view prefix = token.text.substr(0, 2);
  bool single = prefix == "0f" || prefix == "0F";
  if (single || prefix == "0d" || prefix == "0D") {
    token.bits = std::strtoull(first + 2, &last, 16);
    token.kind = single ? Token::Kind::Float : Token::Kind::Double;
  } else if (prefix == "0b" || prefix == "0B") {
    token.bits = std::strtoull(first + 2, &last, 2);
    token.kind = Token::Kind::Integer;
  } else {
    token.bits = std::strtoull(first, &last, 0);
    token.kind = Token::Kind::Integer;
    if (*last == '.' || *last == 'e' || *last == 'E') {
      token.bits = std::bit_cast<uint64_t>(std::strtod(first, &last));
      token.kind = Token::Kind::Double;
    }
  }
  if (*last == 'U')
    ++last;
  if (*last != '\0')
    return false;
  at = end;
  return true;
}
