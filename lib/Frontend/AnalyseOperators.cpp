// AnalyseOperators.cpp - the types of operators, and shape errors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {
bool isSubsequence(const std::vector<Poly> &small,
                   const std::vector<Poly> &large) {
  size_t found = 0;
  for (const Poly &axis : large)
    if (found < small.size() && small[found] == axis)
      ++found;
  return found == small.size();
}

std::string lower(std::string text) {
  for (char &c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}
} // namespace

/// Whether a value can be calculated with; reports if not.
bool Analyser::number(const Expr &expr, const Ty &type, const std::string &op) {
  if (type.countsAsNumber())
    return true;
  auto &d =
      diags.error("E109", expr.range, fmt::format("`{}` needs numbers", op));
  d.label(fmt::format("this is {}", type.str()));
  if (type.isIndex()) {
    d.help(fmt::format("an index looks something up: `W[i]`, or "
                       "`onehot(i)`; `real({})` is its place as a number",
                       text(expr.range)));
    if (op == "+" || op == "-")
      d.help("`shift(x, 1)` is the sequence one step later; the value of a "
             "state from the step before is its plain name");
  } else if (type.kind == Ty::Kind::Bit && !type.isDist)
    d.help(fmt::format("`if {} then 1 else 0` makes numbers of it",
                       text(expr.range)));
  else if (type.isState())
    d.help(fmt::format(
        "take one of its states: `{}.{}`",
        dynAs<NameRef>(expr) ? text(expr.range) : "(" + text(expr.range) + ")",
        type.fields.empty() ? "h" : joined(type.fields[0].path)));
  return false;
}

/// Whether a value holds or not; reports if it is neither.
bool Analyser::condition(const Expr &expr, const Ty &type,
                         const std::string &op) {
  if (type.isError())
    return false;
  if (type.kind == Ty::Kind::Bit && !type.isDist)
    return true;
  diags.error("E134", expr.range, fmt::format("`{}` needs conditions", op))
      .label(fmt::format("this is {}", type.str()))
      .help("a comparison gives one: `x > 0`");
  return false;
}

Ty Analyser::logicOp(const Binary &node, const Ty &lhs, const Ty &rhs) {
  std::string op = spelling(node.op);
  bool left = condition(*node.lhs, lhs, op);
  if (!condition(*node.rhs, rhs, op) || !left)
    return Ty::error();
  Ty result =
      elementwise(op, node.opRange, node, *node.lhs, lhs, *node.rhs, rhs);
  return result.isError() ? result : Ty::bit(result.axes);
}

/// Whether a whole number in the source is an index of the axis; an index has
/// to be of the axis already. Does not report indices of another axis.
bool Analyser::fitsIndex(const Ty &type, const Poly &axis, SourceRange range) {
  if (!type.literal)
    return type.isIndex() && type.index == axis;
  std::optional<int64_t> size = axis.value();
  if (!size || (type.literalValue >= 0 && type.literalValue < *size))
    return true;
  diags
      .error("E125", range,
             fmt::format("the index {} lies outside of its axis",
                         type.literalValue))
      .label(fmt::format("{} has the entries 0 to {}",
                         axis.constant() ? "the axis" : axis.str(), *size - 1));
  return true;
}

/// Whether an expression is a whole number in the source, or `if` chooses among
/// such, that stands for an index or a bit. Reports those that are none.
bool Analyser::standsFor(const Expr &node, const Ty &type) {
  if (const auto *choice = dynAs<If>(node))
    return standsFor(*choice->thenValue, type) &&
           standsFor(*choice->elseValue, type);
  const auto *number = dynAs<Number>(node);
  if (!number || !number->isInteger)
    return false;
  if (type.kind == Ty::Kind::Bit)
    return number->value == 0 || number->value == 1;
  Ty literal = Ty::real();
  literal.literal = true;
  literal.literalValue = static_cast<int64_t>(number->value);
  return type.isIndex() && !type.place && !type.index.time() &&
         fitsIndex(literal, type.index, node.range);
}

Ty Analyser::binary(const Binary &node) {
  Ty lhs = expr(*node.lhs);
  Ty rhs = expr(*node.rhs);
  if (lhs.isError() || rhs.isError())
    return Ty::error();
  if (isComparison(node.op))
    return compareOp(node, lhs, rhs);
  if (node.op == BinaryOp::And || node.op == BinaryOp::Or)
    return logicOp(node, lhs, rhs);
  if (node.op == BinaryOp::Match)
    return matchOp(node, lhs, rhs);
  if (node.op == BinaryOp::Join)
    return joinOp(node, lhs, rhs);
  std::string op = spelling(node.op);
  if (!number(*node.lhs, lhs, op) || !number(*node.rhs, rhs, op))
    return Ty::error();
  return elementwise(op, node.opRange, node, *node.lhs, lhs, *node.rhs, rhs);
}

/// Reports two values that cannot be compared.
bool Analyser::comparable(const Binary &node, const Ty &lhs, const Ty &rhs) {
  std::string op = spelling(node.op);
  bool equality = node.op == BinaryOp::Eq || node.op == BinaryOp::Ne;
  auto isBit = [](const Ty &type) {
    return type.kind == Ty::Kind::Bit && !type.isDist;
  };
  if (equality && isBit(lhs) && isBit(rhs))
    return true;
  if (!lhs.isIndex() && !rhs.isIndex())
    return number(*node.lhs, lhs, op) && number(*node.rhs, rhs, op);
  const Ty &index = lhs.isIndex() ? lhs : rhs;
  const Ty &other = lhs.isIndex() ? rhs : lhs;
  const Expr &indexExpr = lhs.isIndex() ? *node.lhs : *node.rhs;
  const Expr &otherExpr = lhs.isIndex() ? *node.rhs : *node.lhs;
  if (equality || !other.literal) {
    if (fitsIndex(other, index.index, otherExpr.range))
      return true;
  } else {
    return true; // an order among whole numbers
  }
  if (index.place && other.isNumber())
    return true;
  auto &d = diags.error("E109", otherExpr.range,
                        "an index is compared with an index of the same axis");
  d.label(fmt::format("this is {}", other.str()))
      .also(indexExpr.range, fmt::format("this is {}", index.str()));
  if (other.isIndex() || other.isNumber())
    d.help(fmt::format("places are compared as numbers: `{} {} {}`",
                       asNumber(*node.lhs, lhs), op, asNumber(*node.rhs, rhs)));
  return false;
}

/// How a value is written as a number.
std::string Analyser::asNumber(const Expr &expr, const Ty &type) const {
  return type.isIndex() ? fmt::format("real({})", text(expr.range))
                        : text(expr.range);
}

Ty Analyser::compareOp(const Binary &node, const Ty &lhs, const Ty &rhs) {
  if (!comparable(node, lhs, rhs))
    return Ty::error();
  Ty result = elementwise(spelling(node.op), node.opRange, node, *node.lhs, lhs,
                          *node.rhs, rhs);
  return result.isError() ? result : Ty::bit(result.axes);
}

Ty Analyser::elementwise(const std::string &op, SourceRange opRange,
                         const Expr &whole, const Expr &lhs, const Ty &l,
                         const Expr &rhs, const Ty &r) {
  if (isSuffix(r.axes, l.axes))
    return Ty::real(l.axes);
  if (isSuffix(l.axes, r.axes))
    return Ty::real(r.axes);
  shapeError(op, opRange, whole, lhs, l, rhs, r);
  return Ty::error();
}

void Analyser::shapeError(const std::string &op, SourceRange opRange,
                          const Expr &whole, const Expr &lhs, const Ty &l,
                          const Expr &rhs, const Ty &r) {
  bool leftSmaller = l.rank() < r.rank();
  const Ty &small = leftSmaller ? l : r, &large = leftSmaller ? r : l;
  const Expr &smallExpr = leftSmaller ? lhs : rhs;
  if (small.rank() < large.rank() && isSubsequence(small.axes, large.axes)) {
    auto &d = diags.error(
        "E103", opRange,
        fmt::format("`{}` would stretch `{}` along an axis that is not at the "
                    "end",
                    op, text(smallExpr.range)));
    d.also(lhs.range, str(l.axes));
    d.also(rhs.range, str(r.axes));
    d.note("a smaller value is repeated only where its axes are the last axes "
           "of the larger one");
    // A loop over the axis says what is meant, if it is the first one.
    const Axis *axis = small.axes.front().axis();
    bool simple = small.rank() == 1 && large.axes.front() == small.axes[0] &&
                  axis && dynAs<NameRef>(lhs) && dynAs<NameRef>(rhs) &&
                  std::isalpha(static_cast<unsigned char>(op[0])) == 0;
    if (!simple)
      return;
    std::string index = lower(axis->name);
    if (blockScope->names.count(index))
      index = freshName({"k", "j", "n", "m"});
    auto at = [&](const Expr &operand) {
      return fmt::format("{}[{}]", text(operand.range), index);
    };
    std::string target;
    if (blockScope->define && blockScope->define->value.get() == &whole)
      target = blockScope->define->name.text + " = ";
    d.help(fmt::format("say which axis is meant: `{}for {} in {}: {} {} {}`",
                       target, index, axis->name, at(lhs), op, at(rhs)));
    return;
  }
  auto &d =
      diags.error("E102", opRange, fmt::format("`{}` needs equal shapes", op));
  d.also(lhs.range, l.str());
  d.also(rhs.range, r.str());
  // The first axes from behind that differ.
  size_t i = 0;
  while (i < small.rank() &&
         small.axes[small.rank() - 1 - i] == large.axes[large.rank() - 1 - i])
    ++i;
  if (i == small.rank())
    return;
  const Poly &a = l.axes[l.rank() - 1 - i], &b = r.axes[r.rank() - 1 - i];
  if (!a.time() || !b.time()) {
    if (std::string known = valuesNote(a, b); !known.empty())
      d.note(known);
    return;
  }
  d.note(fmt::format("{} and {} are two different lengths, known only when the "
                     "program runs",
                     a.str(), b.str()));
  const auto *name = dynAs<NameRef>(rhs);
  Local *local = name ? findLocal(name->name) : nullptr;
  if (local && local->kind == Local::Kind::Input)
    d.help(fmt::format("declare `{} : {}` if both always have the same length",
                       name->name, str(l.axes)));
}

/// What to write if one operand of `@` has its axes, or both stand, the wrong
/// way round; empty if that is not the mistake.
std::string Analyser::turnedHelp(const Binary &node, const Ty &lhs,
                                 const Ty &rhs) const {
  std::string left = text(node.lhs->range), right = text(node.rhs->range);
  auto isParameter = [&](const Expr &expr) {
    const Local *local = findLocal(dynAs<NameRef>(expr)->name);
    return local && local->kind == Local::Kind::Param;
  };
  auto turned = [&](const std::string &name, const Ty &type, size_t end,
                    const Poly &wanted, const char *which) {
    for (size_t i = type.rank(); i-- > 0;) {
      if (i == end || type.axes[i] != wanted)
        continue;
      Ty other = type;
      std::swap(other.axes[i], other.axes[end]);
      return fmt::format("declare `{} : {}`: `@` joins {}", name, other.str(),
                         which);
    }
    return std::string();
  };
  const char *rule = "the last axis of its left side with the first axis of "
                     "its right side";
  if (isParameter(*node.lhs))
    if (std::string help =
            turned(left, lhs, lhs.rank() - 1, rhs.axes.front(), rule);
        !help.empty())
      return help;
  // `x @ W` where `W @ x` was meant.
  if (rhs.axes.back() == lhs.axes.front())
    return fmt::format("`{} @ {}` fits: `@` joins {}", right, left, rule);
  return isParameter(*node.rhs) ? turned(right, rhs, 0, lhs.axes.back(), rule)
                                : std::string();
}

Ty Analyser::matchOp(const Binary &node, const Ty &lhs, const Ty &rhs) {
  if (!number(*node.lhs, lhs, "@") || !number(*node.rhs, rhs, "@"))
    return Ty::error();
  if (lhs.rank() && rhs.rank() && lhs.axes.back() == rhs.axes.front()) {
    std::vector<Poly> axes(lhs.axes.begin(), lhs.axes.end() - 1);
    axes.insert(axes.end(), rhs.axes.begin() + 1, rhs.axes.end());
    return Ty::real(std::move(axes));
  }
  auto &d =
      diags.error("E101", node.opRange, "`@` joins axes of different size");
  d.also(node.lhs->range, lhs.rank()
                              ? fmt::format("{}, its last axis is {}",
                                            lhs.str(), lhs.axes.back().str())
                              : "a single number, it has no axis");
  d.also(node.rhs->range, rhs.rank()
                              ? fmt::format("{}, its first axis is {}",
                                            rhs.str(), rhs.axes.front().str())
                              : "a single number, it has no axis");
  if (!lhs.rank() || !rhs.rank()) {
    d.help("`*` multiplies by a single number");
    return Ty::error();
  }
  if (std::string known = valuesNote(rhs.axes.front(), lhs.axes.back());
      !known.empty())
    d.note(known);
  if (!dynAs<NameRef>(*node.lhs) || !dynAs<NameRef>(*node.rhs))
    return Ty::error();
  if (std::string help = turnedHelp(node, lhs, rhs); !help.empty()) {
    d.help(help);
    return Ty::error();
  }
  // Something of the right shape, a state before an input before the rest.
  Ty wanted = Ty::real({lhs.axes.back()});
  for (Local::Kind kind : {Local::Kind::State, Local::Kind::Input,
                           Local::Kind::Constant, Local::Kind::Define})
    for (const auto &local : blockScope->locals)
      if (local->kind == kind && local->type.same(wanted)) {
        d.help(fmt::format("`{0} @ {1}` fits here: `{1}` is {2}",
                           text(node.lhs->range), local->name,
                           local->type.str()));
        return Ty::error();
      }
  return Ty::error();
}

Ty Analyser::joinOp(const Binary &node, const Ty &lhs, const Ty &rhs) {
  if (!number(*node.lhs, lhs, "++") || !number(*node.rhs, rhs, "++"))
    return Ty::error();
  bool fits =
      lhs.rank() && lhs.rank() == rhs.rank() &&
      std::equal(lhs.axes.begin(), lhs.axes.end() - 1, rhs.axes.begin());
  if (!fits) {
    auto &d = diags.error("E108", node.opRange,
                          "`++` joins along the last axis, the others have to "
                          "be equal");
    d.also(node.lhs->range, lhs.str());
    d.also(node.rhs->range, rhs.str());
    if (!lhs.rank() || !rhs.rank())
      d.note("a single number has no axis to join along");
    return Ty::error();
  }
  const Axis *time =
      lhs.axes.back().time() ? lhs.axes.back().time() : rhs.axes.back().time();
  std::optional<Poly> sum = Poly::add(lhs.axes.back(), rhs.axes.back(), 1);
  if (time || !sum) {
    diags
        .error("E127", node.opRange,
               time ? fmt::format("`++` cannot join along the time axis `{}`",
                                  time->name)
                    : std::string("the joined axis is too large"))
        .also(node.lhs->range, lhs.str())
        .also(node.rhs->range, rhs.str());
    return Ty::error();
  }
  if (!checkSize(*sum, node.range))
    return Ty::error();
  std::vector<Poly> axes = lhs.axes;
  axes.back() = std::move(*sum);
  return Ty::real(std::move(axes));
}
