// ParseHelp.cpp - what is meant by a line that is nearly right.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Foreign.h"
#include "Parser.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;

namespace {
/// What was found where something else was expected, and the help for it.
struct Slip {
  std::string_view expected; ///< how that begins
  std::string_view found, help;
};
} // namespace

constexpr std::string_view oneValue =
    "a statement names one value; after `scan rnn over x final s` the last "
    "states are `s.h` and `s.c`";
constexpr std::string_view typed =
    "a type stands behind `:` and a first value behind it: "
    "`state h : [H] = 0`, `param W : [H, I] ~ glorot`";
constexpr std::string_view parts =
    "`x[a..b]` is a part of a fixed axis, and `x[.., 0]` takes all of the axes "
    "in front";
constexpr std::string_view choosing = "`if c then a else b` chooses";

constexpr Slip slips[] = {
    {"a statement", "for",
     "a loop is a value: `y = for t in T: e`; what is predicted in each step "
     "is written once for all: `tags ~ categorical(scores)` with scores : "
     "[T, C]"},
    {"a statement", "if", "`y = if c then a else b` chooses"},
    {"a statement", "(", oneValue},
    {"`=` or `~` after the name", ",", oneValue},
    {"`=` or `~` after the name", "[",
     "elements are not set one by one: `y = for t in T: e` makes all of them; "
     "in a cell `h'` is the next value of the state `h`, `h` the one before"},
    {"`:` and a type", "=", typed},
    {"`=` and a layer or a cell", ":", "write `use net = lstm[I, H]`"},
    {"`)` after the arguments", ":",
     "an argument is named with `=`: `adam(lr = 0.001)`"},
    {"`)` after the arguments", "if", choosing},
    {"`)` after the expression", "if", choosing},
    {"`)` after the arguments", "for",
     "`sum t in T: x[t]` adds up, `y = for t in T: e` makes one value of all"},
    {"`]` after the index", ":", parts},
    {"`{`", ":", "a block stands in braces: `{ ... }`"},
};

/// Where the line begins that has the token before.
size_t Parser::lineBegin() const {
  size_t first = at == 0 ? 0 : at - 1;
  while (first != 0 && !tokens[first].startsLine)
    --first;
  return first;
}

/// Numbers that other languages write.
std::string Parser::numberHelp() const {
  const Token &here = peek();
  auto isNumber = [](const Token &token) {
    return token.kind == Token::Kind::Number;
  };
  auto touch = [](const Token &a, const Token &b) {
    return a.range.end == b.range.begin;
  };
  if (here.is(".") && isNumber(peek(1)) && touch(here, peek(1)))
    return fmt::format("write `0.{}`", peek(1).text);
  if (at > 1 && tokens[at - 1].is(".") && isNumber(tokens[at - 2]) &&
      touch(tokens[at - 2], tokens[at - 1]))
    return fmt::format("write `{}.0`", tokens[at - 2].text);
  if (at == 0 || !isNumber(tokens[at - 1]) || !touch(tokens[at - 1], here) ||
      here.kind != Token::Kind::Word)
    return {};
  bool hexadecimal = tokens[at - 1].text == "0" && here.text.starts_with('x');
  if (hexadecimal || here.text.starts_with('_'))
    return "numbers are decimal and have nothing between their digits: `1000`, "
           "`1e-3`";
  return {};
}

/// What goes wrong behind a declaration or a reduction.
std::string Parser::lineHelp() const {
  const Token &first = tokens[lineBegin()], &before = tokens[at - 1];
  if (first.is("dim") && at_(":"))
    return "a size stands behind `=`: `dim H = 8`";
  if (first.is("time") && at_("="))
    return "how long a time axis is comes with the data; `dim T = 10` is an "
           "axis of fixed size";
  if (first.is("use") && at_("."))
    return "layers and cells stand without a module: `use net = lstm[I, H]`";
  std::string word(before.text);
  std::transform(word.begin(), word.end(), word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
  });
  for (std::string_view reduction : {"sum", "mean", "max", "min", "prod"})
    if (word == reduction && peek().kind == Token::Kind::Word)
      return fmt::format("write `{} t in T: x[t]`, with the axis", reduction);
  return {};
}

/// A help line if what stands here is nearly right; empty if nothing is known.
std::string Parser::nearlyRight(std::string_view expected) const {
  if (std::string help = numberHelp(); !help.empty())
    return help;
  for (const Slip &slip : slips)
    if (expected.starts_with(slip.expected) && at_(slip.found))
      return std::string(slip.help);
  if (at == 0)
    return {};
  const Token &here = peek(), &before = tokens[at - 1];
  if (expected == "the end of the line")
    return lineHelp();
  if (expected == "an expression" && here.is(":") &&
      (before.is("[") || before.is(",")))
    return std::string(parts);
  bool isItem =
      here.kind == Token::Kind::Word || here.kind == Token::Kind::Number;
  bool isList = expected.starts_with("`)` after the arguments") ||
                expected.starts_with("`]` after the sizes");
  if (isList && isItem && before.range.end != here.range.begin &&
      foreignWord(here.text).empty())
    return fmt::format("is a comma missing? `{}, {}`", before.text, here.text);
  return {};
}
