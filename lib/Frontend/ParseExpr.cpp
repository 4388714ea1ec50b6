// ParseExpr.cpp - expressions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

#include "Builtins.h"
#include "Foreign.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {
// How high an expression's tree may grow by operators alone.
constexpr unsigned maxHeight = 600;

struct Operator {
  const char *text;
  BinaryOp op;
  int level;
};

// From the loosest to the tightest.
constexpr Operator operators[] = {
    {"or", BinaryOp::Or, 0},   {"and", BinaryOp::And, 1},
    {"<", BinaryOp::Lt, 3},    {">", BinaryOp::Gt, 3},
    {"<=", BinaryOp::Le, 3},   {">=", BinaryOp::Ge, 3},
    {"==", BinaryOp::Eq, 3},   {"!=", BinaryOp::Ne, 3},
    {"++", BinaryOp::Join, 4}, {"+", BinaryOp::Add, 5},
    {"-", BinaryOp::Sub, 5},   {"*", BinaryOp::Mul, 6},
    {"/", BinaryOp::Div, 6},   {"@", BinaryOp::Match, 7}};
constexpr int notLevel = 2, signLevel = 8;

struct Binder {
  const char *word;
  BindOp op;
};
constexpr Binder binders[] = {
    {"for", BindOp::For},         {"sum", BindOp::Sum},
    {"mean", BindOp::Mean},       {"max", BindOp::Max},
    {"min", BindOp::Min},         {"prod", BindOp::Prod},
    {"softmax", BindOp::Softmax}, {"logsumexp", BindOp::LogSumExp},
    {"argmax", BindOp::ArgMax}};
} // namespace

/// Gives a node its range and height.
ExprPtr Parser::finish(ExprPtr node, size_t begin,
                       std::initializer_list<const Expr *> children) {
  node->range = since(begin);
  for (const Expr *child : children)
    if (child)
      node->height = std::max(node->height, child->height + 1);
  if (node->height <= maxHeight)
    return node;
  diags
      .error("E008", node->range,
             fmt::format("an expression of more than {} levels", maxHeight))
      .label("too long")
      .help("give parts of it names of their own");
  return nullptr;
}

ExprPtr Parser::expr() {
  Nest nest(*this);
  if (tooDeep())
    return nullptr;
  return at_("if") && !atLineEnd() ? ifExpr() : binary(0);
}

ExprPtr Parser::ifExpr() {
  size_t begin = at;
  take();
  auto node = std::make_unique<If>();
  if (!(node->condition = expr()) || !expect("then", "after the condition") ||
      !(node->thenValue = expr()) ||
      !expect("else", "and the value if the condition does not hold") ||
      !(node->elseValue = expr()))
    return nullptr;
  If &n = *node;
  return finish(std::move(node), begin,
                {n.condition.get(), n.thenValue.get(), n.elseValue.get()});
}

ExprPtr Parser::binary(int level) {
  if (level == notLevel)
    return negation();
  if (level == signLevel)
    return sign();
  size_t begin = at;
  ExprPtr left = binary(level + 1);
  while (left && !atLineEnd()) {
    const Operator *found = nullptr;
    for (const Operator &candidate : operators)
      if (candidate.level == level && at_(candidate.text))
        found = &candidate;
    if (!found)
      break;
    auto node = std::make_unique<Binary>();
    node->op = found->op;
    node->opRange = take().range;
    node->lhs = std::move(left);
    node->rhs = binary(level + 1);
    if (!node->rhs)
      return nullptr;
    Binary &n = *node;
    left = finish(std::move(node), begin, {n.lhs.get(), n.rhs.get()});
  }
  return left;
}

/// `not a == b` is `not (a == b)`.
ExprPtr Parser::negation() {
  if (!at_("not") || atLineEnd())
    return binary(notLevel + 1);
  Nest nest(*this);
  if (tooDeep())
    return nullptr;
  size_t begin = at;
  take();
  auto node = std::make_unique<Not>();
  node->value = negation();
  if (!node->value)
    return nullptr;
  Not &n = *node;
  return finish(std::move(node), begin, {n.value.get()});
}

ExprPtr Parser::sign() {
  if (!at_("-") || atLineEnd())
    return postfix();
  Nest nest(*this);
  if (tooDeep())
    return nullptr;
  size_t begin = at;
  take();
  auto node = std::make_unique<Neg>();
  node->value = sign();
  if (!node->value)
    return nullptr;
  Neg &n = *node;
  return finish(std::move(node), begin, {n.value.get()});
}

ExprPtr Parser::postfix() {
  size_t begin = at;
  ExprPtr base = primary();
  // Binders and recurrences reach as far right as they can; what follows them
  // is inside already.
  while (base && !atLineEnd()) {
    const Token &token = peek();
    if (!token.is("(") && !token.is("[") && !token.is(".") && !token.is("'") &&
        !token.is("^") && !token.is("as"))
      break;
    base = postfixOf(std::move(base), begin);
  }
  return base;
}

ExprPtr Parser::postfixOf(ExprPtr base, size_t begin) {
  const Token &token = peek();
  if (token.is("("))
    return callOf(std::move(base), begin);
  if (token.is("["))
    return indexOf(std::move(base), begin);
  if (token.is("."))
    return memberOf(std::move(base), begin);
  if (token.is("^")) {
    take();
    auto node = std::make_unique<Power>();
    node->base = std::move(base);
    node->exponent = primary();
    if (!node->exponent)
      return nullptr;
    Power &n = *node;
    return finish(std::move(node), begin, {n.base.get(), n.exponent.get()});
  }
  if (token.is("as")) {
    take();
    auto node = std::make_unique<As>();
    node->value = std::move(base);
    if (!type(node->type))
      return nullptr;
    As &n = *node;
    return finish(std::move(node), begin, {n.value.get()});
  }
  // A prime.
  const auto *ref = dynAs<NameRef>(*base);
  if (!ref) {
    diags.error("E026", token.range, "a prime stands after the name of a state")
        .label("not after this")
        .help("the next value of an inner cell is what calling it gives");
    return nullptr;
  }
  auto node = std::make_unique<Prime>();
  node->state = {ref->name, ref->range};
  take();
  return finish(std::move(node), begin, {});
}

/// What to write for `np.tanh(x)` and `x.sum()`.
static std::string methodHelp(const Expr &callee) {
  const auto *member = dynAs<Member>(callee);
  if (!member)
    return {};
  const std::string &name = member->member.text;
  const Expr *root = member->base.get();
  while (const auto *inner = dynAs<Member>(*root)) // torch.nn.functional.relu
    root = inner->base.get();
  if (const auto *module = dynAs<NameRef>(*root))
    if (std::string help = foreignMember(module->name, name); !help.empty())
      return help;
  if (std::string help = foreignProperty(name); !help.empty())
    return help;
  if (findBuiltin(name))
    return fmt::format("functions stand in front: `{}(x)`", name);
  return foreignWord(name);
}

ExprPtr Parser::callOf(ExprPtr callee, size_t begin) {
  auto node = std::make_unique<Call>();
  const Expr *head = callee.get();
  if (const auto *index = dynAs<Index>(*head)) {
    for (const ExprPtr &one : index->indices) {
      SizePtr size = sizeOf(*one);
      if (!size) {
        diags.error("E007", one->range, "expected a size, found an expression")
            .label("sizes stand in brackets before arguments");
        return nullptr;
      }
      node->generics.push_back(std::move(size));
    }
    head = index->base.get();
  }
  const auto *ref = dynAs<NameRef>(*head);
  if (!ref) {
    auto &d = diags.error("E007", head->range, "only a name can be called");
    d.label("not a name");
    if (std::string help = methodHelp(*head); !help.empty())
      d.help(help);
    return nullptr;
  }
  node->callee = {ref->name, ref->range};
  if (!args(node->args))
    return nullptr;
  unsigned height = 1;
  for (const Arg &arg : node->args)
    height = std::max(height, arg.value->height + 1);
  node->height = height;
  return finish(std::move(node), begin, {});
}

/// `tied = time`: the axis that a cell runs along has no name inside of it.
ExprPtr Parser::timeWord() {
  size_t begin = at;
  auto node = std::make_unique<NameRef>();
  node->name = take().text;
  return finish(std::move(node), begin, {});
}

/// `(` was seen.
bool Parser::args(std::vector<Arg> &list) {
  Brackets inside(*this);
  take();
  if (accept(")"))
    return true;
  do {
    Arg arg;
    if (peek().kind == Token::Kind::Word && peek(1).is("=")) {
      if (!anyWord(arg.name, "the name of an argument"))
        return false;
      take();
    }
    arg.value = arg.name.text == "tied" && at_("time") ? timeWord() : expr();
    if (!arg.value)
      return false;
    list.push_back(std::move(arg));
  } while (accept(","));
  return expect(")", "after the arguments");
}

/// An index, or part of an axis: `2..H`, `..`.
ExprPtr Parser::indexItem() {
  size_t begin = at;
  auto node = std::make_unique<Slice>();
  if (!at_("..")) {
    ExprPtr first = expr();
    if (!first || !at_(".."))
      return first;
    node->from = sizeOf(*first);
    if (!node->from) {
      diags.error("E007", first->range, "expected a size, found an expression")
          .label("sizes say where a part of an axis begins and ends");
      return nullptr;
    }
  }
  take();
  if (!at_(",") && !at_("]") && !(node->to = size()))
    return nullptr;
  return finish(std::move(node), begin, {});
}

ExprPtr Parser::indexOf(ExprPtr base, size_t begin) {
  Brackets inside(*this);
  take();
  auto node = std::make_unique<Index>();
  node->height = base->height + 1;
  node->base = std::move(base);
  do {
    ExprPtr index = indexItem();
    if (!index)
      return nullptr;
    node->height = std::max(node->height, index->height + 1);
    node->indices.push_back(std::move(index));
  } while (accept(","));
  if (!expect("]", "after the index"))
    return nullptr;
  return finish(std::move(node), begin, {});
}

ExprPtr Parser::memberOf(ExprPtr base, size_t begin) {
  take();
  const Token &token = peek();
  if (token.kind == Token::Kind::Number && !atLineEnd()) {
    // Unnamed stages have numbers: `net.0.h`, where the lexer may have taken
    // `0.1` of `net.0.1.h` for one number.
    std::string_view text = token.text;
    if (text.find_first_not_of("0123456789.") == std::string_view::npos) {
      SourceRange range = token.range;
      take();
      while (base && !text.empty()) {
        std::string_view part = text.substr(0, text.find('.'));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        auto node = std::make_unique<Member>();
        uint32_t length = static_cast<uint32_t>(part.size());
        node->member = {std::string(part),
                        {range.file, range.begin, range.begin + length}};
        range.begin += length + 1;
        node->base = std::move(base);
        Member &n = *node;
        base = finish(std::move(node), begin, {n.base.get()});
      }
      return base;
    }
  }
  auto node = std::make_unique<Member>();
  node->base = std::move(base);
  if (!anyWord(node->member, "a label or the name of a state after `.`"))
    return nullptr;
  Member &n = *node;
  return finish(std::move(node), begin, {n.base.get()});
}

ExprPtr Parser::number() {
  const Token &token = peek();
  auto node = std::make_unique<Number>();
  std::string text(token.text);
  node->value = std::strtod(text.c_str(), nullptr);
  bool isDigits = text.find_first_not_of("0123456789") == std::string::npos;
  bool isExact = node->value <= 9007199254740992.0;
  node->isInteger = isWholeText(text) && isExact;
  if (!std::isfinite(node->value) || (isDigits && !isExact)) {
    diags.error("E009", token.range, fmt::format("`{}` is too large", text))
        .label(isDigits ? "a whole number is at most 9007199254740992"
                        : "a number is at most 1.8e308");
    return nullptr;
  }
  size_t begin = at;
  take();
  return finish(std::move(node), begin, {});
}

ExprPtr Parser::primary() {
  const Token &token = peek();
  if (atLineEnd()) {
    fail("an expression");
    return nullptr;
  }
  size_t begin = at;
  if (token.kind == Token::Kind::Number)
    return number();
  if (token.is("(")) {
    Brackets inside(*this);
    take();
    ExprPtr inner = expr();
    if (!inner || !expect(")", "after the expression"))
      return nullptr;
    return inner;
  }
  if (token.is("{"))
    return record();
  if (token.is("["))
    return list();
  for (const Binder &binder : binders)
    if (token.is(binder.word) &&
        (binder.op == BindOp::For ||
         (peek(1).kind == Token::Kind::Word && peek(2).is("in"))))
      return bind(binder.op);
  if (token.is("scan"))
    return recur(RecurOp::Scan);
  if (token.is("fold"))
    return recur(RecurOp::Fold);
  if (token.is("unfold"))
    return recur(RecurOp::Unfold);
  // `real(i)` makes numbers of indices; elsewhere `real` is a type.
  bool converts = token.is("real") && peek(1).is("(");
  if (token.kind != Token::Kind::Word ||
      (isReserved(token.text) && !converts)) {
    fail("an expression");
    return nullptr;
  }
  auto node = std::make_unique<NameRef>();
  node->name = std::string(token.text);
  take();
  return finish(std::move(node), begin, {});
}

ExprPtr Parser::list() {
  Nest nest(*this);
  if (tooDeep())
    return nullptr;
  size_t begin = at;
  Brackets inside(*this);
  take();
  auto node = std::make_unique<List>();
  do {
    ExprPtr item = expr();
    if (!item)
      return nullptr;
    node->height = std::max(node->height, item->height + 1);
    node->items.push_back(std::move(item));
  } while (accept(","));
  if (!expect("]", "after the entries"))
    return nullptr;
  return finish(std::move(node), begin, {});
}

ExprPtr Parser::record() {
  Nest nest(*this);
  if (tooDeep())
    return nullptr;
  size_t begin = at;
  Brackets inside(*this);
  take();
  auto node = std::make_unique<Record>();
  do {
    Record::Field field;
    size_t first = at;
    if (!accept("else")) {
      do {
        Name part;
        const Token &token = peek();
        if (token.kind == Token::Kind::Number &&
            token.text.find_first_not_of("0123456789") ==
                std::string_view::npos) {
          part = {std::string(token.text), token.range};
          take();
        } else if (!anyWord(part, "a label or the path of a state")) {
          return nullptr;
        }
        field.path.push_back(std::move(part));
      } while (accept("."));
    }
    field.range = since(first);
    if (!expect(":", "and a value") || !(field.value = expr()))
      return nullptr;
    node->height = std::max(node->height, field.value->height + 1);
    node->fields.push_back(std::move(field));
  } while (accept(","));
  if (!expect("}", "after the fields"))
    return nullptr;
  return finish(std::move(node), begin, {});
}

ExprPtr Parser::bind(BindOp op) {
  size_t begin = at;
  auto node = std::make_unique<Bind>();
  node->op = op;
  node->opRange = take().range;
  if (!name(node->index, "the name of an index") ||
      !expect("in", "and an axis") || !(node->axis = size()) ||
      !expect(":", "and what is meant for each") || !(node->body = expr()))
    return nullptr;
  Bind &n = *node;
  return finish(std::move(node), begin, {n.body.get()});
}

ExprPtr Parser::recur(RecurOp op) {
  Nest nest(*this);
  if (tooDeep())
    return nullptr;
  size_t begin = at;
  auto node = std::make_unique<Recur>();
  node->op = op;
  node->opRange = take().range;
  if (!name(node->cell, "the name of a cell"))
    return nullptr;
  if (at_("[") && !atLineEnd() && !sizeList(node->generics))
    return nullptr;
  if (at_("(") && !atLineEnd()) {
    node->hasCall = true;
    if (!args(node->args))
      return nullptr;
  }
  if (!clauses(*node))
    return nullptr;
  Recur &n = *node;
  unsigned height = 1;
  auto add = [&](const ExprPtr &child) {
    if (child)
      height = std::max(height, child->height + 1);
  };
  for (const Arg &arg : n.args)
    add(arg.value);
  for (const ExprPtr &over : n.over)
    add(over);
  for (const ExprPtr *child : {&n.from, &n.start, &n.stop, &n.maxSteps})
    add(*child);
  node->height = height;
  return finish(std::move(node), begin, {});
}

bool Parser::clauses(Recur &node) {
  auto value = [&](const char *word, ExprPtr &slot) {
    if (slot) {
      diags
          .error("E028", peek().range, fmt::format("`{}` is given twice", word))
          .label("given again here");
      return false;
    }
    take();
    slot = expr();
    return slot != nullptr;
  };
  while (!atLineEnd()) {
    if (at_("over")) {
      if (!node.over.empty()) {
        diags.error("E028", peek().range, "`over` is given twice")
            .label("given again here")
            .help("several sequences stand in brackets: `over (x, z)`");
        return false;
      }
      if (!overClause(node))
        return false;
    } else if (at_("backward")) {
      node.backward = true;
      node.backwardRange = take().range;
    } else if (at_("from")) {
      if (!value("from", node.from))
        return false;
    } else if (at_("start")) {
      if (!value("start", node.start))
        return false;
    } else if (at_("stop")) {
      if (!value("stop", node.stop))
        return false;
    } else if (at_("max")) {
      if (!value("max", node.maxSteps))
        return false;
    } else if (at_("times")) {
      if (node.times) {
        diags.error("E028", peek().range, "`times` is given twice")
            .label("given again here");
        return false;
      }
      take();
      if (!(node.times = size()))
        return false;
    } else if (accept("final")) {
      if (!name(node.finalName, "a name for the last state"))
        return false;
    } else {
      return true;
    }
  }
  return true;
}

/// After `over` a bracket is tried as a list first.
bool Parser::overClause(Recur &node) {
  take();
  if (at_("(") && !atLineEnd()) {
    // Look for a comma at the outermost level of the bracket.
    int depth = 0;
    bool isList = false;
    for (size_t i = at; i < tokens.size(); ++i) {
      const Token &token = tokens[i];
      if (token.is("(") || token.is("[") || token.is("{"))
        ++depth;
      if (token.is(")") || token.is("]") || token.is("}"))
        if (--depth == 0)
          break;
      if (token.is(",") && depth == 1)
        isList = true;
    }
    if (isList) {
      Brackets inside(*this);
      take();
      do {
        ExprPtr one = expr();
        if (!one)
          return false;
        node.over.push_back(std::move(one));
      } while (accept(","));
      return expect(")", "after the sequences");
    }
  }
  ExprPtr one = expr();
  if (!one)
    return false;
  node.over.push_back(std::move(one));
  return true;
}
