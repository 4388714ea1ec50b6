// Text.cpp: UTF-8, characters, words, bytes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Text.h"
#include "rnnc/Data/Encoding.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Data/Pieces.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::data;

/// Bytes of the character that begins here; 0 if it is not UTF-8.
static size_t characterLength(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto continues = [&](size_t i) {
    return i < text.size() && (byte(i) & 0xC0) == 0x80;
  };
  unsigned char first = byte(0);
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first <= 0xDF)
    return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2))
      return 0;
    bool overlong = first == 0xE0 && byte(1) < 0xA0;
    bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3))
      return 0;
    bool overlong = first == 0xF0 && byte(1) < 0x90;
    bool tooLarge = first == 0xF4 && byte(1) >= 0x90;
    return overlong || tooLarge ? 0 : 4;
  }
  return 0;
}

Status data::checkUtf8(std::string_view text, const std::string &path,
                       int64_t firstLine) {
  int64_t line = firstLine;
  for (size_t at = 0; at < text.size();) {
    size_t length = characterLength(text.substr(at));
    if (length == 0)
      return dataError("{}:{}: error: not UTF-8: byte 0x{:02X}", path, line,
                       static_cast<unsigned char>(text[at]));
    line += text[at] == '\n';
    at += length;
  }
  return {};
}

/// Lines end with \n alone. Where none does, as in files of old Macs, a \r
/// ends them.
static std::string unixLines(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  bool mac = bytes.find('\n') == std::string_view::npos;
  for (size_t i = 0; i < bytes.size(); ++i) {
    bool ends =
        bytes[i] == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n';
    if (!ends)
      text += mac && bytes[i] == '\r' ? '\n' : bytes[i];
  }
  return text;
}

Result<std::string> data::readText(const std::string &path,
                                   const std::string &encoding) {
  Result<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes;
  if (Status status = checkKind(*bytes, path); !status)
    return status.error();
  if (!encoding.empty()) {
    bytes = decode(*bytes, encoding, path);
    if (!bytes)
      return bytes;
  }
  std::string_view rest = *bytes;
  if (rest.starts_with("\xEF\xBB\xBF"))
    rest.remove_prefix(3);
  std::string text = unixLines(rest);
  if (text.empty())
    return dataError("{}:1: error: the file is empty", path);
  Status status = checkUtf8(text, path);
  if (size_t zero = text.find('\0'); status && zero != std::string::npos)
    status = dataError(
        "{}:{}: error: a byte 0, which no text has", path,
        1 + std::count(text.begin(),
                       text.begin() + static_cast<ptrdiff_t>(zero), '\n'));
  if (!status)
    return Error{status.error().message + encodingHint(rest),
                 status.error().exitCode};
  return text;
}

std::string data::shown(std::string_view text, size_t most) {
  std::string result;
  size_t count = 0;
  while (!text.empty() && count++ < most) {
    size_t length = std::max<size_t>(characterLength(text), 1);
    auto first = static_cast<unsigned char>(text[0]);
    bool control = first < 0x20 || first == 0x7F ||
                   (first == 0xC2 && length == 2 &&
                    static_cast<unsigned char>(text[1]) < 0xA0);
    if (control)
      for (char c : text.substr(0, length))
        result += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    else
      result += text.substr(0, length);
    text.remove_prefix(length);
  }
  return text.empty() ? result : result + "...";
}

int64_t data::countCharacters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (c & 0xC0) != 0x80; });
}

std::string data::lowerCase(std::string_view text) {
  std::string result(text);
  for (char &c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + ('a' - 'A'));
  return result;
}

/// Bytes of white space at the front; the Chinese wide blank is one too.
static size_t blankLength(std::string_view text) {
  if (text.starts_with("\xE3\x80\x80"))
    return 3;
  return text.front() == ' ' || (text.front() >= '\t' && text.front() <= '\r');
}

static void splitWords(std::string_view text,
                       std::vector<std::string_view> &symbols) {
  size_t begin = 0, at = 0;
  while (at < text.size()) {
    size_t blank = blankLength(text.substr(at));
    if (blank == 0) {
      ++at;
      continue;
    }
    if (at > begin)
      symbols.push_back(text.substr(begin, at - begin));
    at += blank;
    begin = at;
  }
  if (at > begin)
    symbols.push_back(text.substr(begin));
}

std::string_view data::nameOf(Unit unit) {
  switch (unit) {
  case Unit::Characters:
    return "chars";
  case Unit::Words:
    return "words";
  case Unit::Bytes:
    return "bytes";
  case Unit::Pieces:
    return "bpe";
  }
  return "";
}

std::optional<Unit> data::parseUnit(std::string_view name) {
  for (Unit unit : {Unit::Characters, Unit::Words, Unit::Bytes})
    if (name == nameOf(unit))
      return unit;
  if (parsePieces(name))
    return Unit::Pieces;
  return std::nullopt;
}

/// The symbols of the bytes that are no ASCII.
static std::string_view highByte(unsigned char byte) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (int i = 0x80; i < 0x100; ++i)
      result.push_back(fmt::format("<0x{:02X}>", i));
    return result;
  }();
  return names[byte - 0x80u];
}

/// The byte that a symbol such as `<0xE4>` stands for.
static std::optional<unsigned char> byteOf(std::string_view symbol) {
  if (symbol.size() != 6 || !symbol.starts_with("<0x"))
    return std::nullopt;
  for (int i = 0x80; i < 0x100; ++i)
    if (highByte(static_cast<unsigned char>(i)) == symbol)
      return static_cast<unsigned char>(i);
  return std::nullopt;
}

int64_t data::charactersOf(std::string_view symbol, Unit unit) {
  if (unit == Unit::Characters)
    return 1;
  if (unit == Unit::Words || unit == Unit::Pieces)
    return symbol == endOfLine
               ? 0
               : countCharacters(symbol) + (unit == Unit::Words);
  std::optional<unsigned char> byte = byteOf(symbol);
  return !byte || (*byte & 0xC0) != 0x80;
}

std::vector<std::string_view> data::splitSymbols(std::string_view text,
                                                 Unit unit) {
  std::vector<std::string_view> symbols;
  if (unit == Unit::Bytes) {
    for (size_t i = 0; i < text.size(); ++i) {
      auto byte = static_cast<unsigned char>(text[i]);
      symbols.push_back(byte < 0x80 ? text.substr(i, 1) : highByte(byte));
    }
    return symbols;
  }
  if (unit == Unit::Words || unit == Unit::Pieces) {
    splitWords(text, symbols);
    return symbols;
  }
  symbols.reserve(text.size());
  while (!text.empty()) {
    // What is not UTF-8 was refused when it was read; go on all the same.
    size_t length = std::max<size_t>(characterLength(text), 1);
    symbols.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return symbols;
}

std::vector<std::string_view> data::splitRunningText(std::string_view text,
                                                     Unit unit) {
  if (unit != Unit::Words && unit != Unit::Pieces)
    return splitSymbols(text, unit);
  std::vector<std::string_view> symbols;
  while (!text.empty()) {
    size_t end = text.find('\n');
    splitWords(text.substr(0, end), symbols);
    if (end == std::string_view::npos)
      break;
    symbols.push_back(endOfLine);
    text.remove_prefix(end + 1);
  }
  return symbols;
}

std::string data::joinSymbols(const std::vector<std::string> &symbols,
                              Unit unit) {
  std::string text;
  bool lineStart = true;
  for (std::string_view symbol : symbols) {
    if (unit == Unit::Pieces && symbol != endOfLine) {
      bool begins = symbol.starts_with(wordBegins);
      if (begins)
        symbol.remove_prefix(wordBegins.size());
      text += begins && !lineStart ? " " : "";
      text += symbol;
      lineStart = false;
      continue;
    }
    if (unit != Unit::Words && unit != Unit::Pieces) {
      std::optional<unsigned char> byte;
      if (unit == Unit::Bytes)
        byte = byteOf(symbol);
      if (byte)
        text += static_cast<char>(*byte);
      else
        text += symbol;
      continue;
    }
    if (symbol == endOfLine) {
      text += '\n';
      lineStart = true;
      continue;
    }
    if (!lineStart)
      text += ' ';
    text += symbol;
    lineStart = false;
  }
  return text;
}

std::string_view data::trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}
