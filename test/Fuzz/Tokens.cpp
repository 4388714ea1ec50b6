// Tokens.cpp: changes to a source that keep most of its tokens whole.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tokens.h"

#include "rnnc/Std/Std.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <vector>

using namespace rnnc;
using Pieces = std::vector<std::string>;

static bool isWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

/// The length of the token, or of the blanks or the comment, at the beginning.
static size_t pieceLength(std::string_view text) {
  auto runOf = [&](auto test) {
    size_t end = 1;
    while (end < text.size() && test(text[end]))
      ++end;
    return end;
  };
  if (isWord(text[0]))
    return runOf(isWord);
  if (text[0] == ' ' || text[0] == '\t')
    return runOf([](char c) { return c == ' ' || c == '\t'; });
  if (text[0] == '#')
    return runOf([](char c) { return c != '\n'; });
  static constexpr std::string_view pairs[] = {
      "++", "->", ">>", "<=", ">=", "==", "!="};
  return std::count(std::begin(pairs), std::end(pairs), text.substr(0, 2)) ? 2
                                                                           : 1;
}

static Pieces piecesOf(std::string_view text) {
  Pieces pieces;
  while (!text.empty()) {
    size_t length = pieceLength(text);
    pieces.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return pieces;
}

static Pieces linesOf(std::string_view text) {
  Pieces lines;
  while (!text.empty()) {
    size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

static std::string joined(const Pieces &pieces) {
  std::string text;
  for (const std::string &piece : pieces)
    text += piece;
  return text;
}

static size_t below(size_t end, fuzz::Random &random) {
  return end ? random() % end : 0;
}

static const std::string &oneOf(const Pieces &pieces, fuzz::Random &random) {
  static const std::string none;
  return pieces.empty() ? none : pieces[below(pieces.size(), random)];
}

/// Numbers at the edges of what sizes, counts and reals can be.
static const Pieces &numbers() {
  static const Pieces list = {"0",
                              "1",
                              "2",
                              "3",
                              "1024",
                              "65536",
                              "2147483647",
                              "2147483648",
                              "4294967296",
                              "9223372036854775807",
                              "9223372036854775808",
                              "99999999999999999999",
                              "0.5",
                              "1e-300",
                              "1e308",
                              "1e999",
                              "1e-999"};
  return list;
}

static const Pieces &libraryPieces() {
  static const Pieces list = [] {
    Pieces pieces = piecesOf(stdSource());
    std::erase_if(pieces, [](const std::string &piece) {
      return piece[0] == ' ' || piece[0] == '#';
    });
    return pieces;
  }();
  return list;
}

/// What may stand in the place of a piece: more often than not of its kind.
static std::string another(const std::string &old, const Pieces &own,
                           fuzz::Random &random) {
  bool digit = !old.empty() && old[0] >= '0' && old[0] <= '9';
  if (digit && random() % 2)
    return oneOf(numbers(), random);
  const Pieces &from = random() % 3 ? own : libraryPieces();
  std::string result = oneOf(from, random);
  for (int i = 0; i < 8 && !old.empty() && !result.empty() &&
                  isWord(result[0]) != isWord(old[0]);
       ++i)
    result = oneOf(from, random);
  return result;
}

/// Leaves out, doubles, moves or exchanges a stretch of pieces.
static void moveStretch(Pieces &pieces, size_t most, fuzz::Random &random) {
  size_t begin = below(pieces.size(), random);
  size_t length = std::min(1 + below(most, random), pieces.size() - begin);
  auto first = pieces.begin() + static_cast<std::ptrdiff_t>(begin);
  Pieces stretch(first, first + static_cast<std::ptrdiff_t>(length));
  unsigned kind = random() % 4;
  if (kind != 1)
    pieces.erase(first, first + static_cast<std::ptrdiff_t>(length));
  if (kind == 0)
    return;
  if (kind == 3)
    std::shuffle(stretch.begin(), stretch.end(), random);
  size_t to = kind == 3 ? begin : below(pieces.size() + 1, random);
  pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(to),
                stretch.begin(), stretch.end());
}

static void changeOne(Pieces &pieces, fuzz::Random &random) {
  size_t at = below(pieces.size(), random);
  // Changes of blanks and comments change nothing.
  for (int i = 0; i < 8 && (pieces[at][0] == ' ' || pieces[at][0] == '#'); ++i)
    at = below(pieces.size(), random);
  std::string other = another(pieces[at], pieces, random);
  switch (random() % 6) {
  case 0:
    pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(at), other);
    return;
  case 1: { // the same name everywhere
    std::string old = pieces[at];
    std::replace(pieces.begin(), pieces.end(), old, other);
    return;
  }
  case 2:
    pieces[at] = "(" + pieces[at] + ")";
    return;
  default:
    pieces[at] = other;
  }
}

std::string fuzz::changeTokens(std::string_view text, Random &random) {
  Pieces pieces = piecesOf(text);
  for (unsigned n = 1 + random() % 4; n > 0; --n) {
    if (pieces.empty())
      pieces = piecesOf("model M {\n}\n");
    unsigned kind = random() % 8;
    if (kind == 0) {
      Pieces lines = linesOf(joined(pieces));
      moveStretch(lines, 6, random);
      pieces = piecesOf(joined(lines));
    } else if (kind == 1) {
      moveStretch(pieces, 12, random);
    } else {
      changeOne(pieces, random);
    }
  }
  return joined(pieces);
}

std::string fuzz::crossLines(std::string_view one, std::string_view other,
                             Random &random) {
  Pieces lines = linesOf(one), guests = linesOf(other);
  if (guests.empty())
    return std::string(one);
  size_t begin = below(guests.size(), random);
  size_t length =
      std::min(1 + below(random() % 2 ? 3 : 30, random), guests.size() - begin);
  size_t to = below(lines.size() + 1, random);
  auto from = guests.begin() + static_cast<std::ptrdiff_t>(begin);
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(to), from,
               from + static_cast<std::ptrdiff_t>(length));
  return joined(lines);
}
