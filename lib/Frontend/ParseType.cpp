// ParseType.cpp - sizes, types and chains of modules.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

#include <cstdlib>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {
// Sizes are short; a longer chain of operators is a mistake, and keeps the tree
// small enough to recurse.
constexpr unsigned maxSizeOperators = 64;

SizePtr sizeNode(Size::Kind kind, SizePtr lhs, SizePtr rhs) {
  auto node = std::make_unique<Size>();
  node->kind = kind;
  node->range = join(lhs->range, rhs->range);
  node->lhs = std::move(lhs);
  node->rhs = std::move(rhs);
  return node;
}
} // namespace

bool Parser::integer(int64_t &value) {
  const Token &token = peek();
  if (token.kind != Token::Kind::Number || atLineEnd())
    return fail("a whole number");
  if (!isWholeText(token.text)) {
    diags
        .error("E009", token.range,
               fmt::format("`{}` is not a whole number", token.text))
        .label("a size is a whole number, such as 128 or 1e3");
    return false;
  }
  double number = std::strtod(std::string(token.text).c_str(), nullptr);
  if (!(number < 2147483648.0)) {
    diags
        .error("E114", token.range,
               fmt::format("the size {} is too large", token.text))
        .label("sizes are smaller than 2147483648");
    return false;
  }
  value = static_cast<int64_t>(number);
  take();
  return true;
}

SizePtr Parser::size() {
  Nest nest(*this);
  if (tooDeep())
    return nullptr;
  SizePtr result = sizeTerm();
  unsigned count = 0;
  while (result && (at_("+") || at_("-")) && !atLineEnd()) {
    if (++count > maxSizeOperators) {
      nesting += 1000;
      bool deep = tooDeep();
      nesting -= 1000;
      return deep ? nullptr : std::move(result);
    }
    bool add = take().is("+");
    SizePtr rhs = sizeTerm();
    if (!rhs)
      return nullptr;
    result = sizeNode(add ? Size::Kind::Add : Size::Kind::Sub,
                      std::move(result), std::move(rhs));
  }
  return result;
}

SizePtr Parser::sizeTerm() {
  SizePtr result = sizeFactor();
  unsigned count = 0;
  while (result && at_("*") && !atLineEnd()) {
    if (++count > maxSizeOperators) {
      fail("a shorter product");
      return nullptr;
    }
    take();
    SizePtr rhs = sizeFactor();
    if (!rhs)
      return nullptr;
    result = sizeNode(Size::Kind::Mul, std::move(result), std::move(rhs));
  }
  return result;
}

SizePtr Parser::sizeFactor() {
  if (at_("(") && !atLineEnd()) {
    Brackets inside(*this);
    take();
    SizePtr result = size();
    if (!result || !expect(")", "after the size"))
      return nullptr;
    return result;
  }
  auto node = std::make_unique<Size>();
  if (peek().kind == Token::Kind::Number && !atLineEnd()) {
    node->range = peek().range;
    if (!integer(node->number))
      return nullptr;
    return node;
  }
  Name axis;
  if (!name(axis, "a size"))
    return nullptr;
  node->kind = Size::Kind::Name;
  node->range = axis.range;
  node->name = std::move(axis.text);
  return node;
}

/// `[` was seen.
bool Parser::sizeList(std::vector<SizePtr> &list) {
  Brackets inside(*this);
  take();
  do {
    SizePtr one = size();
    if (!one)
      return false;
    list.push_back(std::move(one));
  } while (accept(","));
  return expect("]", "after the sizes");
}

bool Parser::type(Type &result) {
  size_t begin = at;
  Nest nest(*this);
  if (tooDeep())
    return false;
  bool bracketed = at_("[") && !atLineEnd();
  if (bracketed && peek(1).is("]")) {
    take();
    return fail("a size", "`real` is a single number: `state n : real = 0`");
  }
  if (bracketed && !sizeList(result.axes))
    return false;
  if (accept("in")) {
    result.kind = Type::Kind::Index;
    result.index = size();
    if (!result.index)
      return false;
  } else if (accept("int")) {
    result.kind = Type::Kind::Int;
  } else if (accept("bit")) {
    result.kind = Type::Kind::Bit;
  } else if (!bracketed && !accept("real")) {
    if (!name(result.dist, "a type"))
      return false;
    result.kind = Type::Kind::Dist;
    if (at_("[") && !atLineEnd() && !sizeList(result.axes))
      return false;
  }
  result.range = since(begin);
  return true;
}

/// `[` was seen.
bool Parser::given(std::vector<Given> &list) {
  Brackets inside(*this);
  take();
  do {
    Given one;
    size_t begin = at;
    if (at_("_")) {
      take();
      one.kind = Given::Kind::Infer;
    } else if (peek().kind == Token::Kind::Number &&
               !isWholeText(peek().text)) {
      ExprPtr value = number();
      if (!value)
        return false;
      one.kind = Given::Kind::Number;
      one.number = as<Number>(*value).value;
    } else if (startsChain()) {
      one.kind = Given::Kind::Module;
      one.chain = chain();
      if (!one.chain)
        return false;
    } else {
      one.size = size();
      if (!one.size)
        return false;
    }
    one.range = since(begin);
    list.push_back(std::move(one));
  } while (accept(","));
  return expect("]", "after the sizes");
}

/// Whether a layer or a cell stands where a size may too; its name alone is
/// read as a size.
bool Parser::startsChain() const {
  if (at_("repeat"))
    return true;
  const Token &next = peek(1);
  return peek().kind == Token::Kind::Word &&
         (next.is("[") || next.is(">>") || next.is(":"));
}

ChainPtr Parser::chain() {
  size_t begin = at;
  ChainPtr first = link();
  if (!first || !at_(">>") || atLineEnd())
    return first;
  auto node = std::make_unique<Chain>();
  node->kind = Chain::Kind::Sequence;
  node->links.push_back(std::move(first));
  while (accept(">>")) {
    ChainPtr next = link();
    if (!next)
      return nullptr;
    node->links.push_back(std::move(next));
  }
  node->range = since(begin);
  return node;
}

ChainPtr Parser::link() {
  Nest nest(*this);
  if (tooDeep())
    return nullptr;
  size_t begin = at;
  Name stage;
  if (peek(1).is(":") && !atLineEnd()) {
    if (!name(stage, "a stage's name"))
      return nullptr;
    take();
  }
  ChainPtr node = std::make_unique<Chain>();
  if (accept("repeat")) {
    node->kind = Chain::Kind::Repeat;
    if (!at_("[")) {
      fail("`[` and the number of copies");
      return nullptr;
    }
    {
      Brackets inside(*this);
      take();
      node->count = size();
      if (!node->count || !expect("]", "after the number of copies"))
        return nullptr;
    }
    node->body = link();
    if (!node->body)
      return nullptr;
  } else if (at_("(") && !atLineEnd()) {
    Brackets inside(*this);
    take();
    node = chain();
    if (!node || !expect(")", "after the chain"))
      return nullptr;
    // A bracketed chain with a name keeps its own stages below that name.
    if (!stage.empty() && !node->stage.empty()) {
      auto outer = std::make_unique<Chain>();
      outer->kind = Chain::Kind::Sequence;
      outer->links.push_back(std::move(node));
      node = std::move(outer);
    }
  } else {
    if (!name(node->module, "a layer or a cell"))
      return nullptr;
    node->hasBrackets = at_("[") && !atLineEnd();
    if (node->hasBrackets && !given(node->given))
      return nullptr;
    if (!node->hasBrackets && at_("(") && !atLineEnd()) {
      fail("sizes in `[`",
           fmt::format("sizes stand in square brackets: `{}[...]`",
                       node->module.text));
      return nullptr;
    }
  }
  if (!stage.empty())
    node->stage = std::move(stage);
  node->range = since(begin);
  return node;
}

/// The size that an expression in brackets before arguments spells; null
/// without a message if it is none.
SizePtr Parser::sizeOf(const Expr &expr) {
  auto node = std::make_unique<Size>();
  node->range = expr.range;
  if (const auto *number = dynAs<Number>(expr)) {
    if (!number->isInteger || number->value >= 2147483648.0)
      return nullptr;
    node->number = static_cast<int64_t>(number->value);
    return node;
  }
  if (const auto *ref = dynAs<NameRef>(expr)) {
    node->kind = Size::Kind::Name;
    node->name = ref->name;
    return node;
  }
  const auto *binary = dynAs<Binary>(expr);
  if (!binary || (binary->op != BinaryOp::Add && binary->op != BinaryOp::Sub &&
                  binary->op != BinaryOp::Mul))
    return nullptr;
  SizePtr lhs = sizeOf(*binary->lhs), rhs = sizeOf(*binary->rhs);
  if (!lhs || !rhs)
    return nullptr;
  Size::Kind kind = binary->op == BinaryOp::Add   ? Size::Kind::Add
                    : binary->op == BinaryOp::Sub ? Size::Kind::Sub
                                                  : Size::Kind::Mul;
  return sizeNode(kind, std::move(lhs), std::move(rhs));
}
