// AnalyseExprs.cpp - the types of expressions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"
#include "Foreign.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

using namespace rnnc;
using namespace rnnc::ast;

Ty Analyser::expr(const Expr &node) {
  if (blockScope)
    blockScope->height = std::max(blockScope->height, node.height);
  switch (node.kind) {
  case Expr::Kind::Number: {
    Ty result = Ty::real();
    result.literal = as<Number>(node).isInteger;
    result.literalValue =
        result.literal ? static_cast<int64_t>(as<Number>(node).value) : 0;
    return result;
  }
  case Expr::Kind::NameRef:
    return nameRef(as<NameRef>(node));
  case Expr::Kind::Call:
    return call(as<Call>(node));
  case Expr::Kind::List:
    return list(as<List>(node));
  case Expr::Kind::Index:
    return index(as<Index>(node));
  case Expr::Kind::Slice: // only among the indices, which take it themselves
    return Ty::error();
  case Expr::Kind::Member:
    return member(as<Member>(node));
  case Expr::Kind::Prime:
    return prime(as<Prime>(node));
  case Expr::Kind::Power:
    return power(as<Power>(node));
  case Expr::Kind::As:
    return asType(as<As>(node));
  case Expr::Kind::Neg:
    return neg(as<Neg>(node));
  case Expr::Kind::Not: {
    const Expr &inner = *as<Not>(node).value;
    Ty value = expr(inner);
    return condition(inner, value, "not") ? Ty::bit(value.axes) : Ty::error();
  }
  case Expr::Kind::Binary:
    return binary(as<Binary>(node));
  case Expr::Kind::If:
    return ifExpr(as<If>(node));
  case Expr::Kind::Record: {
    const DefineStmt *define = blockScope->define;
    if (define && define->value.get() == &node)
      return namedRecord(as<Record>(node));
    diags.error("E119", firstLine(node.range), "a record is not a value")
        .label("it can only be a first value")
        .help("records stand after `param ... =`, `state ... =`, `from`, and "
              "after a name of their own: `first = {h: ...}`, then `from "
              "first`");
    return Ty::error();
  }
  case Expr::Kind::Bind:
    return bind(as<Bind>(node));
  case Expr::Kind::Recur:
    return recur(as<Recur>(node));
  }
  return Ty::error();
}

Ty Analyser::nameRef(const NameRef &ref) {
  for (size_t i = blockScope->indices.size(); i-- > 0;) {
    const Local &one = *blockScope->indices[i];
    if (one.name != ref.name)
      continue;
    bool isOuter = i < blockScope->outerIndices;
    return isOuter ? notFixed(ref.range, one.decl) : one.type;
  }
  if (Local *local = findLocal(ref.name))
    return localRef(ref, *local);
  const Entity *entity = findEntity(ref.name);
  if (entity && entity->kind == Entity::Kind::Axis)
    return Ty::real();
  if (entity) {
    bool module = entity->kind == Entity::Kind::Signature &&
                  entity->signature->kind != Signature::Kind::Fn &&
                  entity->signature->kind != Signature::Kind::Dist;
    auto &d = diags.error("E016", ref.range,
                          fmt::format("`{}` is not a value", ref.name));
    d.label("a value has to stand here").also(entity->decl, "declared here");
    if (module)
      d.help(fmt::format("give it weights of its own first: `use {} = {}[...]`",
                         freshName({"net", "rnn", "cell1"}), ref.name));
    return Ty::error();
  }
  if (declaredLater(ref.name, ref.range))
    return Ty::error();
  std::string close = similar(ref.name, valueNames());
  auto &d = diags.error("E013", ref.range,
                        fmt::format("there is no value `{}`", ref.name));
  d.label("not known here");
  std::string foreign = foreignWord(ref.name);
  if (foreign.empty())
    foreign = foreignMember(ref.name, "");
  if (!foreign.empty())
    d.help(foreign);
  else if (!close.empty())
    d.help(fmt::format("a value with a similar name exists: `{}`", close));
  return Ty::error();
}

/// Whether a call may say a fixed number for it: the caller is asked, when the
/// function is written out there.
bool Analyser::isGivenByCall(const Local &local) const {
  return blockScope->kind == BlockScope::Kind::Fn &&
         local.kind == Local::Kind::Input;
}

Ty Analyser::localRef(const NameRef &ref, Local &local) {
  local.read = true;
  using Rule = BlockScope::Rule;
  bool constant =
      local.kind == Local::Kind::Axis || local.kind == Local::Kind::Number;
  bool allowed = blockScope->rule == Rule::All || constant ||
                 (blockScope->rule == Rule::FirstState &&
                  (local.kind == Local::Kind::Constant ||
                   local.kind == Local::Kind::Param)) ||
                 (blockScope->rule == Rule::Fixed &&
                  (local.isFixed || isGivenByCall(local)));
  if (!allowed && blockScope->rule == Rule::Fixed)
    return notFixed(ref.range, local.decl);
  if (!allowed && local.kind != Local::Kind::Instance) {
    bool state = blockScope->rule == Rule::FirstState;
    diags
        .error("E133", ref.range,
               fmt::format("a first value cannot use `{}`", ref.name))
        .label(state ? "not known before the first step" : "not a fixed number")
        .also(local.decl, "declared here")
        .note(state ? "first values use only numbers, parameters and inputs "
                      "after `;`"
                    : "first values of parameters use only numbers and sizes");
    return Ty::error();
  }
  switch (local.kind) {
  case Local::Kind::Axis:
    if (local.axis->kind != Axis::Kind::Time)
      return Ty::real();
    diags
        .error("E128", ref.range,
               fmt::format("the length of `{}` is not a value", ref.name))
        .label("it is known only when the program runs")
        .also(local.decl, fmt::format("{} is a time axis", ref.name))
        .help(fmt::format("`sum t in {}: 1` counts its steps", ref.name));
    return Ty::error();
  case Local::Kind::Instance:
    if (local.instance->broken)
      return Ty::error();
    diags.error("E016", ref.range, fmt::format("`{}` is not a value", ref.name))
        .label("a value has to stand here")
        .also(local.instance->chain->range,
              local.instance->isCell ? "a cell" : "a layer")
        .help(local.instance->isCell
                  ? fmt::format("run it: `scan {} over ...`", ref.name)
                  : fmt::format("call it: `{}(...)`", ref.name));
    return Ty::error();
  case Local::Kind::Module:
    diags.error("E016", ref.range, fmt::format("`{}` is not a value", ref.name))
        .label("a value has to stand here")
        .also(local.decl, "a parameter that stands for a layer or a cell")
        .help(fmt::format("declare `use {} = {}` and use that",
                          freshName({"net", "rnn", "cell1"}), ref.name));
    return Ty::error();
  case Local::Kind::Output: {
    auto &d =
        diags.error("E308", ref.range,
                    fmt::format("the output `{}` cannot be read", ref.name));
    d.label("not known when the model predicts")
        .also(local.decl, "it is an output")
        .help("declare it `input` if it is always given");
    if (local.type.rank() && local.type.axes.front().time())
      d.help("to predict each element from those before it, `unfold` a cell "
             "that reads the one before");
    return Ty::error();
  }
  default:
    return local.type;
  }
}

/// What stands here has to be a number when the program is compiled.
Ty Analyser::notFixed(SourceRange range, SourceRange decl) {
  diags
      .error("E141", range,
             "this number has to be known when the program is compiled")
      .label(fmt::format("`{}` is known only when it runs", text(range)))
      .also(decl, "declared here")
      .help("numbers, sizes and what is made of them alone can stand here; "
            "`[I, p = 0.5]` makes it a number in brackets");
  return Ty::error();
}

/// The type of an expression of numbers and sizes alone.
Ty Analyser::fixedExpr(const Expr &value) {
  using Rule = BlockScope::Rule;
  if (blockScope->rule == Rule::FirstParam || blockScope->rule == Rule::Fixed)
    return expr(value);
  Rule before = blockScope->rule;
  size_t outer = blockScope->outerIndices;
  blockScope->rule = Rule::Fixed;
  blockScope->outerIndices = blockScope->indices.size();
  Ty type = expr(value);
  blockScope->rule = before;
  blockScope->outerIndices = outer;
  return type;
}

Ty Analyser::prime(const Prime &node) {
  Local *state = findLocal(node.state.text);
  const std::string &name = node.state.text;
  if (!state || state->kind != Local::Kind::State) {
    auto &d = diags.error("E026", node.range,
                          fmt::format("`{}` is not a state", name));
    d.label("only a state has a next value");
    if (state)
      d.also(state->decl, "declared here");
    return Ty::error();
  }
  if (blockScope->rule == BlockScope::Rule::Fixed)
    return notFixed(node.range, state->decl);
  if (state->next.valid())
    return state->type;
  auto later = blockScope->nextLater.find(name);
  if (later == blockScope->nextLater.end())
    return Ty::error(); // never set: that is the mistake
  SourceRange where = later->second;
  auto &d = diags.error("E005", node.range,
                        fmt::format("`{}'` is read before it is set", name));
  d.label("not set yet").also(where, "it is set here");
  if (line(where) > line(node.range))
    d.help(fmt::format("move line {} above line {}, or read `{}`, the value "
                       "from the step before",
                       line(where), line(node.range), name));
  else
    d.help(fmt::format("read `{}`, the value from the step before", name));
  return Ty::error();
}

/// The common type of the entries; numbers of any kind are real together.
Ty Analyser::list(const List &node) {
  Ty common;
  bool ok = true, same = true, numbers = true;
  for (const ExprPtr &item : node.items) {
    Ty type = expr(*item);
    if (type.isError()) {
      ok = false;
      continue;
    }
    bool first = common.isError();
    if (first)
      common = type;
    same &= type.sameElement(common) && !type.isDist && !type.isState() &&
            !type.place;
    numbers &= type.countsAsNumber();
    if (type.axes == common.axes && (same || numbers))
      continue;
    if (ok)
      diags
          .error("E135", item->range,
                 "the entries of a list are of one type and shape")
          .label(fmt::format("this is {}", type.str()))
          .also(node.items.front()->range,
                fmt::format("this is {}", common.str()))
          .help("`a ++ b` puts values of different sizes one after the other");
    ok = false;
  }
  if (!ok)
    return Ty::error();
  Ty result = same ? common : Ty::real(common.axes);
  result.axes.insert(result.axes.begin(), Poly(int64_t(node.items.size())));
  result.literal = result.place = false;
  return result;
}

Ty Analyser::power(const Power &node) {
  Ty base = expr(*node.base);
  Ty exponent = expr(*node.exponent);
  if (base.isError() || exponent.isError() || !number(*node.base, base, "^") ||
      !number(*node.exponent, exponent, "^"))
    return Ty::error();
  SourceRange op = {node.base->range.file, node.base->range.end,
                    node.exponent->range.begin};
  return elementwise("^", op, node, *node.base, base, *node.exponent, exponent);
}

namespace {
/// Whether two sizes are, or may be, equal in number; unknown ones are checked
/// when compiling.
bool maybeEqual(const Poly &from, const Poly &to) {
  if (from == to)
    return true;
  if (from.time() || to.time())
    return false;
  std::optional<int64_t> a = from.value(), b = to.value();
  return !a || !b || *a == *b;
}

/// Whether `whole` is the product of the first axes of `parts`; how many are
/// taken is left to the caller, `then` tries the rest.
bool isProduct(const Poly &whole, const std::vector<Poly> &parts, size_t first,
               const std::function<bool(size_t)> &then) {
  Poly product = parts[first];
  for (size_t end = first + 1; end < parts.size(); ++end) {
    if (product.time() || parts[end].time() || whole.time())
      return false;
    std::optional<Poly> next = Poly::mul(product, parts[end]);
    if (!next)
      return false;
    product = std::move(*next);
    if (maybeEqual(whole, product) && then(end + 1))
      return true;
  }
  return false;
}

/// Whether axes are renamed, split into products or joined to one, in order.
bool regroups(const std::vector<Poly> &from, const std::vector<Poly> &to,
              size_t i, size_t j) {
  if (i == from.size() || j == to.size())
    return i == from.size() && j == to.size();
  if (maybeEqual(from[i], to[j]) && regroups(from, to, i + 1, j + 1))
    return true;
  return isProduct(
             from[i], to, j,
             [&](size_t end) { return regroups(from, to, i + 1, end); }) ||
         isProduct(to[j], from, i,
                   [&](size_t end) { return regroups(from, to, end, j + 1); });
}
} // namespace

Ty Analyser::asType(const As &node) {
  Ty value = expr(*node.value);
  Ty wanted = type(node.type);
  if (value.isError() || wanted.isError())
    return Ty::error();
  // `as [A, B]` says nothing about what the elements are.
  if (node.type.kind == Type::Kind::Real && wanted.kind == Ty::Kind::Real &&
      !value.isState() && !value.isDist) {
    wanted.kind = value.kind;
    wanted.index = value.index;
  }
  constexpr size_t most = 16; // keeps the search small
  bool fits = value.kind == wanted.kind && !value.isDist && !wanted.isDist &&
              !value.isState() && value.rank() <= most &&
              wanted.rank() <= most && regroups(value.axes, wanted.axes, 0, 0);
  std::string note;
  if (value.rank() == wanted.rank())
    for (size_t i = 0; !fits && note.empty() && i < value.rank(); ++i)
      if (!maybeEqual(value.axes[i], wanted.axes[i]))
        note = values(value.axes[i], wanted.axes[i]);
  if (fits && value.kind == Ty::Kind::Index &&
      !maybeEqual(value.index, wanted.index)) {
    fits = false;
    note = values(value.index, wanted.index);
  }
  if (fits) {
    wanted.literal = false;
    return wanted;
  }
  auto &d = diags.error("E113", node.type.range,
                        "`as` renames axes of equal size, and splits or joins "
                        "products");
  d.label(wanted.str());
  d.also(node.value->range, value.str());
  if (!note.empty())
    d.note(note);
  return Ty::error();
}

Ty Analyser::neg(const Neg &node) {
  Ty value = expr(*node.value);
  if (value.isError() || !number(*node.value, value, "-"))
    return Ty::error();
  return Ty::real(value.axes);
}

Ty Analyser::ifExpr(const If &node) {
  Ty condition = expr(*node.condition);
  Ty a = expr(*node.thenValue);
  Ty b = expr(*node.elseValue);
  if (condition.isError() || a.isError() || b.isError())
    return Ty::error();
  if (condition.kind != Ty::Kind::Bit || condition.isDist) {
    diags.error("E111", node.condition->range, "a condition is a bit")
        .label(fmt::format("this is {}", condition.str()))
        .help("a comparison gives one: `x > 0`");
    return Ty::error();
  }
  Ty result;
  bool numbers = a.countsAsNumber() && b.countsAsNumber() &&
                 !(a.isIndex() && a.sameElement(b));
  if (numbers && isSuffix(b.axes, a.axes))
    result = Ty::real(a.axes);
  else if (numbers && isSuffix(a.axes, b.axes))
    result = Ty::real(b.axes);
  else if (!numbers && a.same(b) && !a.isState() && !a.isDist) {
    result = a;
    result.place = a.place && b.place;
  }
  // A whole number beside an index or a bit is one.
  if (result.isError() && !a.isDist && standsFor(*node.elseValue, a))
    result = a;
  if (result.isError() && !b.isDist && standsFor(*node.thenValue, b))
    result = b;
  if (result.isError()) {
    diags
        .error("E112", node.elseValue->range,
               "both sides of `if` have to be of one type")
        .label(b.str())
        .also(node.thenValue->range, a.str());
    return result;
  }
  if (condition.rank() == 0 || condition.axes == result.axes)
    return result;
  // Single values are the same wherever one of them is taken.
  if (result.rank() == 0) {
    result.axes = condition.axes;
    result.literal = false;
    return result;
  }
  diags
      .error("E111", node.condition->range,
             "a condition is a single bit or has the shape of the values")
      .label(condition.str())
      .also(node.thenValue->range, result.str());
  return Ty::error();
}

Ty Analyser::bind(const Bind &node) {
  std::optional<Poly> axis = size(*node.axis);
  Local local;
  local.kind = Local::Kind::Index;
  local.name = node.index.text;
  local.decl = node.index.range;
  if (axis && checkSize(*axis, node.axis->range))
    local.type = Ty::indexIn(*axis);
  local.type.place = !local.type.isError();
  blockScope->indices.push_back(&local);
  Ty body = expr(*node.body);
  blockScope->indices.pop_back();
  if (local.type.isError() || body.isError())
    return Ty::error();
  if (node.op != BindOp::For)
    return reduce(node, *axis, std::move(body));
  if (body.isState() || body.anyTime) {
    diags.error("E124", node.body->range, "`for` cannot collect this")
        .label(body.str());
    return Ty::error();
  }
  if (body.isIndex() && body.index.time())
    seesFuture(node.body->range); // places are those of a whole sequence
  Ty result = body.withFront({*axis});
  result.literal = result.place = false;
  return result;
}

Ty Analyser::reduce(const Bind &node, const Poly &axis, Ty body) {
  std::string op = spelling(node.op);
  if (axis.time())
    seesFuture(node.opRange);
  if (!number(*node.body, body, op))
    return Ty::error();
  if (node.op == BindOp::Softmax || node.op == BindOp::ArgMax) {
    if (body.rank() != 0) {
      diags
          .error("E124", node.body->range,
                 fmt::format("`{}` compares single numbers", op))
          .label(fmt::format("this is {}", body.str()));
      return Ty::error();
    }
    return node.op == BindOp::Softmax ? Ty::real({axis}) : Ty::indexIn(axis);
  }
  return Ty::real(body.axes);
}

/// Notes that a block cannot run one step at a time.
void Analyser::seesFuture(SourceRange range) {
  blockScope->nonCausal = true;
  if (blockScope->model && !blockScope->model->reduction.valid())
    blockScope->model->reduction = range;
}
