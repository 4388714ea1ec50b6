// Markup.cpp: escapes what has a meaning in XML.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Support/Markup.h"

#include <cstdint>

using namespace rnnc;

/// Bytes of the well-formed UTF-8 sequence at the front that XML may hold; 0:
/// there is none.
static size_t characterLength(std::string_view text) {
  auto byte = [&](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  uint32_t first = byte(0);
  if (first < 0x80)
    return first >= 0x20 || first == '\t' || first == '\n' ? 1 : 0;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length)
    return 0;
  uint32_t code = first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  static constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool isSurrogate = code >= 0xd800 && code < 0xe000;
  bool isNone = code == 0xfffe || code == 0xffff || code > 0x10ffff;
  return code < least[length] || isSurrogate || isNone ? 0 : length;
}

std::string rnnc::escapeMarkup(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t length = characterLength(text);
    if (length == 0) {
      result += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    std::string_view one = text.substr(0, length);
    text.remove_prefix(length);
    if (one == "<")
      result += "&lt;";
    else if (one == ">")
      result += "&gt;";
    else if (one == "&")
      result += "&amp;";
    else if (one == "\"")
      result += "&quot;";
    else if (one == "'")
      result += "&#39;";
    else
      result += one;
  }
  return result;
}
