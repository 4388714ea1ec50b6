// Text.cpp - characters of UTF-8 text, and text of users made fit to be shown.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Support/Text.h"

#include <fmt/format.h>

using namespace rnnc;

char32_t rnnc::decodeCharacter(std::string_view text, size_t &at) {
  unsigned char c = text[at++];
  if (c < 0x80)
    return c;
  int more = c >= 0xF0 && c < 0xF8   ? 3
             : c >= 0xE0 && c < 0xF0 ? 2
             : c >= 0xC2 && c < 0xE0 ? 1
                                     : 0;
  if (!more)
    return notACharacter;
  char32_t result = c & (0x3F >> more);
  size_t i = at;
  for (int k = 0; k < more; ++k, ++i) {
    if (i >= text.size() || (text[i] & 0xC0) != 0x80)
      return notACharacter;
    result = result << 6 | (text[i] & 0x3F);
  }
  at = i;
  return result;
}

bool rnnc::isControl(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) ||
         c == 0xFEFF;
}

std::string rnnc::shown(std::string_view text, bool lines) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    char32_t c = decodeCharacter(text, at);
    std::string_view bytes = text.substr(begin, at - begin);
    bool broken = c == notACharacter && bytes.size() == 1;
    if (broken || (isControl(c) && c < 0x80 && !(lines && c == '\n')))
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
    else if (isControl(c) && c >= 0x80)
      result += fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(c));
    else
      result += bytes;
  }
  return result;
}

size_t rnnc::findDeeper(std::string_view text, size_t most) {
  size_t depth = 0;
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '"' || c == '\n') // no string goes over the end of a line
      quoted = c == '"' && !quoted;
    else if (quoted)
      at += c == '\\';
    else if ((c == '<' || c == '>') &&
             ((at > 0 && text[at - 1] == '-') || text.substr(at + 1, 1) == "="))
      continue;
    else if (std::string_view("([{<").find(c) != std::string_view::npos &&
             ++depth > most)
      return at;
    else if (std::string_view(")]}>").find(c) != std::string_view::npos)
      depth -= depth > 0;
  }
  return std::string_view::npos;
}
