// Parser.cpp - tokens, line ends, errors and recovery.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

#include "Foreign.h"

#include <fmt/format.h>

using namespace rnnc;

namespace {
constexpr unsigned maxNesting = 256;

bool isOneOf(const Token &token,
             std::initializer_list<std::string_view> words) {
  for (std::string_view word : words)
    if (token.is(word))
      return true;
  return false;
}
} // namespace

const Token &Parser::take() {
  const Token &token = peek();
  if (at + 1 < tokens.size())
    ++at;
  return token;
}

bool Parser::accept(std::string_view what) {
  if (!at_(what) || atLineEnd())
    return false;
  take();
  return true;
}

bool Parser::expect(std::string_view what, const char *where) {
  if (accept(what))
    return true;
  return fail(fmt::format("`{}` {}", what, where));
}

bool Parser::continuesLine(const Token &token) const {
  if (token.kind == Token::Kind::End)
    return false;
  return isOneOf(token,
                 {"+",    "-",    "*",     "/",    "@",     "++",       "<",
                  ">",    "<=",   ">=",    "==",   "!=",    ">>",       "^",
                  "over", "from", "start", "stop", "final", "backward", "times",
                  "then", "else", "as",    "and",  "or"});
}

bool Parser::atLineEnd() const {
  const Token &token = peek();
  if (token.kind == Token::Kind::End)
    return true;
  if (brackets != 0 || !token.startsLine)
    return false;
  // These cannot go on with anything, so what was begun is not finished.
  if (at != 0 && isOneOf(token, {"}", "import", "fn", "layer", "cell", "dist",
                                 "model", "train", "export", "param", "state",
                                 "use", "input", "output", "out", "loss"}))
    return true;
  if (continuesLine(token))
    return false;
  // The line before ended in an operator.
  if (at == 0)
    return false;
  return !isOneOf(tokens[at - 1],
                  {"+",     "-",   "*",  "/",  "@",    "++",   "<",
                   ">",     "<=",  ">=", "==", "!=",   ">>",   "^",
                   "=",     "~",   ":",  ",",  "->",   ".",    "then",
                   "else",  "if",  "in", "as", "over", "from", "start",
                   "final", "and", "or", "not"});
}

bool Parser::expectLineEnd() {
  if (atLineEnd() || at_("}"))
    return true;
  return fail("the end of the line");
}

std::string Parser::found() const {
  const Token &token = peek();
  if (token.kind == Token::Kind::End)
    return "the end of the file";
  if (brackets == 0 && token.startsLine && atLineEnd())
    return "the end of the line";
  return fmt::format("`{}`", token.text);
}

bool Parser::fail(const std::string &expected, std::string help) {
  SourceRange range = peek().range;
  bool lineEnd = atLineEnd() && at != 0;
  // What was left out may be what is missing: one mistake, one error.
  if (peek().afterBad || (lineEnd && tokens[at - 1].afterBad))
    return false;
  if (lineEnd) { // the mistake is seen behind the last token
    SourceRange before = tokens[at - 1].range;
    range = {before.file, before.end, before.end};
  }
  auto &d = diags.error(
      "E007", range, fmt::format("expected {}, found {}", expected, found()));
  d.label(lineEnd ? "something is missing here" : "not expected here");
  if (help.empty())
    help = nearlyRight(expected);
  if (help.empty())
    help = foreignHere();
  if (!help.empty())
    d.help(help);
  return false;
}

/// A help line if what stands here belongs to another language: the token, two
/// signs in a row, or the word before.
std::string Parser::foreignHere() const {
  auto adjacent = [&](size_t first) {
    const Token &a = tokens[first], &b = tokens[first + 1];
    return a.kind == Token::Kind::Punct && b.kind == Token::Kind::Punct &&
                   a.range.end == b.range.begin
               ? foreignSign(std::string(a.text) + std::string(b.text))
               : std::string();
  };
  std::string help;
  if (at != 0 && tokens[at - 1].kind == Token::Kind::Number &&
      peek().kind == Token::Kind::Word &&
      tokens[at - 1].range.end == peek().range.begin)
    return fmt::format("a product has its sign: `{}*{}`", tokens[at - 1].text,
                       peek().text);
  if (at != 0)
    help = adjacent(at - 1);
  if (help.empty() && at + 1 < tokens.size())
    help = adjacent(at);
  if (help.empty())
    help = peek().kind == Token::Kind::Word ? foreignWord(peek().text)
                                            : foreignSign(peek().text);
  if (help.empty() && at != 0)
    help = foreignWord(tokens[at - 1].text);
  return help;
}

SourceRange Parser::since(size_t firstToken) const {
  SourceRange range = tokens[firstToken].range;
  if (at > firstToken)
    range.end = tokens[at - 1].range.end;
  return range;
}

bool Parser::anyWord(ast::Name &result, const char *what) {
  if (peek().kind != Token::Kind::Word || atLineEnd())
    return fail(what);
  const Token &token = take();
  result = {std::string(token.text), token.range};
  return true;
}

bool Parser::name(ast::Name &result, const char *what) {
  const Token &token = peek();
  if (token.kind == Token::Kind::Word && !atLineEnd() &&
      (isReserved(token.text) || token.text == "_")) {
    diags
        .error("E018", token.range,
               fmt::format("`{}` is a word of the language and cannot be a "
                           "name",
                           token.text))
        .label(fmt::format("{} has to stand here", what))
        .help(fmt::format("`{}_` is free", token.text == "_"
                                               ? std::string("x")
                                               : std::string(token.text)));
    return false;
  }
  return anyWord(result, what);
}

bool Parser::tooDeep() {
  if (nesting <= maxNesting)
    return false;
  diags
      .error("E008", peek().range,
             fmt::format("more than {} levels of nesting", maxNesting))
      .label("too deep here")
      .help("give parts of it names of their own");
  return true;
}

bool Parser::startsItem(const Token &token) const {
  return token.startsLine &&
         isOneOf(token, {"import", "fn", "layer", "cell", "dist", "model",
                         "train", "export", "dim", "axis"});
}

/// Goes behind the statement that began at `begin` and failed: to the next line
/// outside of brackets opened since, or to the `}` of the block.
void Parser::skipStatement(size_t begin) {
  brackets = 0;
  int depth = 0, braces = 0; // a record may be open
  for (size_t i = begin; i < at; ++i)
    braces += tokens[i].is("{") - tokens[i].is("}");
  bool first = true;
  while (peek().kind != Token::Kind::End) {
    const Token &token = peek();
    if (!first && token.startsLine && depth <= 0 && !continuesLine(token))
      return;
    if (!first && startsItem(token) && !isOneOf(token, {"dim", "axis"}))
      return;
    first = false;
    if (isOneOf(token, {"(", "[", "{"}))
      ++depth;
    if (isOneOf(token, {")", "]", "}"})) {
      if (token.is("}") && depth <= 0 && --braces < 0)
        return;
      --depth;
    }
    take();
  }
}

void Parser::skipItem(size_t begin) {
  brackets = 0;
  if (at == begin) // nothing was read; a later item may begin here otherwise
    take();
  while (peek().kind != Token::Kind::End && !startsItem(peek()))
    take();
}

std::unique_ptr<ast::File> Parser::run() {
  auto result = std::make_unique<ast::File>();
  result->id = file;
  while (peek().kind != Token::Kind::End) {
    nesting = brackets = 0;
    size_t begin = at;
    if (ast::ItemPtr node = item())
      result->items.push_back(std::move(node));
    else
      skipItem(begin);
  }
  return result;
}
