// AnalyseBuiltins.cpp - calls of built-in functions and distributions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include "Builtins.h"

#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

bool Analyser::needNumber(const Call &call, const Expr &arg, const Ty &type) {
  return !type.isError() && number(arg, type, call.callee.text);
}

void Analyser::needAxis(const Call &call, const Expr &arg, const char *which) {
  diags
      .error(
          "E118", arg.range,
          fmt::format("`{}` works along the {} axis", call.callee.text, which))
      .label("this has no axis");
}

/// Checks that an argument, if given, is a single number, known when compiling.
Ty Analyser::fixedArg(const Call &call, const Expr *arg, const char *name) {
  return arg ? scalarArg(call, *arg, fixedExpr(*arg), name) : Ty::real();
}

/// Checks that an argument is a single number.
Ty Analyser::scalarArg(const Call &call, const Expr &given, Ty type,
                       const char *name) {
  if (type.isError())
    return type;
  if (type.isNumber() && type.rank() == 0)
    return type;
  diags
      .error("E117", given.range,
             fmt::format("`{}` of `{}` is a single number", name,
                         call.callee.text))
      .label(fmt::format("this is {}", type.str()));
  return Ty::error();
}

Ty Analyser::lastAxisCall(const Call &call, const Expr &x, const Ty &type) {
  const std::string &name = call.callee.text;
  if (!needNumber(call, x, type))
    return Ty::error();
  if (type.rank() == 0) {
    needAxis(call, x, "last");
    return Ty::error();
  }
  if (type.axes.back().time())
    seesFuture(call.callee.range);
  if (name == "softmax" || name == "layer_norm")
    return Ty::real(type.axes);
  std::vector<Poly> rest(type.axes.begin(), type.axes.end() - 1);
  if (name == "argmax")
    return Ty::indexIn(type.axes.back(), std::move(rest));
  return Ty::real(std::move(rest));
}

Ty Analyser::firstAxisCall(const Call &call, const Expr &x, const Ty &type,
                           const Expr *extra) {
  const std::string &name = call.callee.text;
  Ty first = extra ? expr(*extra) : Ty::real();
  if (type.isError() || first.isError())
    return Ty::error();
  if (type.isState() || type.isDist || type.rank() == 0) {
    needAxis(call, x, "first");
    return Ty::error();
  }
  if (name == "cumsum")
    return needNumber(call, x, type) ? Ty::real(type.axes) : Ty::error();
  if (name == "last" || name == "first")
    return type.dropFront(1);
  if (name == "reverse") {
    if (type.axes.front().time())
      seesFuture(call.callee.range);
    return type;
  }
  // shift(x, k): k stands first.
  Ty wanted = type.dropFront(1);
  bool fits =
      wanted.isIndex() && (first.literal || first.rank() == 0)
          ? fitsIndex(first, wanted.index, extra->range) && wanted.rank() == 0
          : first.same(wanted) || (wanted.isNumber() && first.isNumber() &&
                                   isSuffix(first.axes, wanted.axes));
  if (fits) {
    // A whole number can be real, but not the other way round.
    Ty result = type;
    if (type.kind == Ty::Kind::Int && first.kind == Ty::Kind::Real &&
        !first.literal)
      result.kind = Ty::Kind::Real;
    return result;
  }
  diags.error("E117", extra->range, "this does not fit as the first element")
      .label(first.str())
      .also(x.range, fmt::format("a sequence of {}", wanted.str()));
  return Ty::error();
}

namespace {
/// The value of a plain number, if it is one.
std::optional<double> literalOf(const Expr *expr) {
  if (!expr)
    return std::nullopt;
  if (const auto *number = dynAs<Number>(*expr))
    return number->value;
  if (const auto *neg = dynAs<Neg>(*expr))
    if (std::optional<double> inner = literalOf(neg->value.get()))
      return -*inner;
  return std::nullopt;
}
} // namespace

Ty Analyser::distCall(const Call &call, const std::vector<const Expr *> &args) {
  const std::string &name = call.callee.text;
  Ty first = expr(*args[0]);
  if (name == "categorical") {
    Ty extra = fixedArg(call, args[1], "smooth");
    if (first.isError() || extra.isError() ||
        !needNumber(call, *args[0], first))
      return Ty::error();
    std::optional<double> smooth = literalOf(args[1]);
    if (smooth && (*smooth < 0 || *smooth >= 1)) {
      diags.error("E117", args[1]->range, "`smooth` lies between 0 and 1")
          .label("outside");
      return Ty::error();
    }
    if (first.rank() == 0) {
      needAxis(call, *args[0], "last");
      return Ty::error();
    }
    if (first.axes.back().time())
      seesFuture(call.callee.range);
    std::vector<Poly> axes(first.axes.begin(), first.axes.end() - 1);
    return Ty::dist(Ty::indexIn(first.axes.back(), std::move(axes)), name);
  }
  if (name == "bernoulli")
    return needNumber(call, *args[0], first)
               ? Ty::dist(Ty::bit(first.axes), name)
               : Ty::error();
  Ty second = expr(*args[1]);
  if (!needNumber(call, *args[0], first) || !needNumber(call, *args[1], second))
    return Ty::error();
  Ty shape = elementwise(name, call.callee.range, call, *args[0], first,
                         *args[1], second);
  return shape.isError() ? shape : Ty::dist(Ty::real(shape.axes), name);
}

/// `tied = T`: an axis of the value, or inside of a cell `time`, what it runs
/// along.
bool Analyser::tiedAlong(const Call &call, const Ty &x, const Expr &value,
                         const Expr *tied) {
  const auto *axis = tied ? dynAs<NameRef>(*tied) : nullptr;
  bool along = axis && axis->name == "time";
  if (!tied || (along && blockScope->kind == BlockScope::Kind::Cell))
    return true;
  Size name;
  name.kind = Size::Kind::Name;
  name.range = tied->range;
  name.name = axis ? axis->name : "";
  std::optional<Poly> size = axis && !along ? sizeName(name) : std::nullopt;
  if (axis && !along && !size)
    return false;
  for (const Poly &one : x.axes)
    if (size && one == *size)
      return true;
  if (along) {
    diags
        .error("E117", tied->range,
               "`tied = time` stands in a cell: along what it runs")
        .label("nothing runs here")
        .help(fmt::format("name the axis: `{}(..., tied = T)`",
                          call.callee.text));
    return false;
  }
  diags.error("E117", tied->range, "`tied` names an axis of what is dropped")
      .label("not one of its axes")
      .also(value.range, x.str());
  return false;
}

/// `noise(x, normal(m, s))`, `noise(x, uniform(a, b))`.
Ty Analyser::noiseCall(const Call &call, const Ty &x, const Expr &value,
                       const Expr &from, const Expr *tied) {
  const auto *dist = dynAs<Call>(from);
  bool isUniform = dist && dist->callee.text == "uniform";
  if (!dist || (!isUniform && dist->callee.text != "normal")) {
    diags
        .error(
            "E138", from.range,
            "`noise` is drawn from `normal(mean, sd)` or `uniform(from, to)`")
        .label("neither of them");
    return Ty::error();
  }
  std::vector<Port> ports;
  for (const char *name :
       {isUniform ? "from" : "mean", isUniform ? "to" : "sd"})
    ports.push_back({name, Ty::real(), {}});
  bool ok = needNumber(call, value, x);
  auto args =
      assign(dist->callee.text, dist->callee.range, dist->args, ports, 2, ok);
  for (const Expr *arg : args) {
    Ty type = arg ? expr(*arg) : Ty::error();
    if (type.isError() || !needNumber(*dist, *arg, type)) {
      ok = false;
      continue;
    }
    if (x.isError() || isSuffix(type.axes, x.axes))
      continue;
    diags.error("E138", arg->range, "this does not fit what gets the noise")
        .label(type.str())
        .also(value.range, x.str());
    ok = false;
  }
  return ok && tiedAlong(call, x, value, tied) ? Ty::real(x.axes) : Ty::error();
}

Ty Analyser::builtinCall(const Call &call, bool &found) {
  const Builtin *builtin = findBuiltin(call.callee.text);
  found = builtin != nullptr;
  if (!found)
    return Ty::error();
  std::vector<Port> ports;
  for (const std::string &arg : builtin->args)
    ports.push_back({arg, Ty::real(), {}});
  bool ok = true;
  if (!call.generics.empty()) {
    diags
        .error("E027", call.range,
               fmt::format("`{}` has no sizes", builtin->name))
        .label("nothing can stand in brackets here");
    ok = false;
  }
  auto args = assign(builtin->name, call.callee.range, call.args, ports,
                     builtin->required, ok);
  if (!ok)
    return Ty::error();
  using Group = Builtin::Group;
  if (builtin->group == Group::Dist)
    return distCall(call, args);
  Ty x = expr(*args[0]);
  switch (builtin->group) {
  case Group::Unary:
    return needNumber(call, *args[0], x) ? Ty::real(x.axes) : Ty::error();
  case Group::Binary: {
    Ty y = expr(*args[1]);
    if (!needNumber(call, *args[0], x) || !needNumber(call, *args[1], y))
      return Ty::error();
    return elementwise(builtin->name, call.callee.range, call, *args[0], x,
                       *args[1], y);
  }
  case Group::Clamp: {
    Ty low = scalarArg(call, *args[1], expr(*args[1]), "low");
    Ty high = scalarArg(call, *args[2], expr(*args[2]), "high");
    if (low.isError() || high.isError() || !needNumber(call, *args[0], x))
      return Ty::error();
    return Ty::real(x.axes);
  }
  case Group::LastAxis:
    if (args.size() > 1 && fixedArg(call, args[1], "eps").isError())
      return Ty::error();
    return lastAxisCall(call, *args[0], x);
  case Group::FirstAxis:
    return firstAxisCall(call, *args[0], x,
                         args.size() > 1 ? args[1] : nullptr);
  case Group::Dropout: {
    Ty p = fixedArg(call, args[1], "p");
    if (p.isError() || !needNumber(call, *args[0], x))
      return Ty::error();
    std::optional<double> known = literalOf(args[1]);
    if (known && (*known < 0 || *known >= 1)) {
      diags
          .error("E117", args[1]->range,
                 "the part that `dropout` drops is at least 0 and below 1")
          .label("outside");
      return Ty::error();
    }
    return tiedAlong(call, x, *args[0], args[2]) ? Ty::real(x.axes)
                                                 : Ty::error();
  }
  case Group::Noise:
    return noiseCall(call, x, *args[0], *args[1], args[2]);
  case Group::Identity: {
    if (args.size() > 1 && fixedArg(call, args[1], "c").isError())
      return Ty::error();
    return needNumber(call, *args[0], x) ? Ty::real(x.axes) : Ty::error();
  }
  case Group::OneHot: {
    if (x.isError())
      return x;
    if (!x.isIndex()) {
      diags.error("E117", args[0]->range, "`onehot` is made of an index")
          .label(fmt::format("this is {}", x.str()));
      return Ty::error();
    }
    if (x.index.time())
      seesFuture(call.callee.range);
    std::vector<Poly> axes = x.axes;
    axes.push_back(x.index);
    return Ty::real(std::move(axes));
  }
  case Group::ToReal: {
    if (x.isError())
      return x;
    if (x.isDist || x.isState())
      return needNumber(call, *args[0], x) ? x : Ty::error();
    return Ty::real(x.axes);
  }
  case Group::Dist:
    break;
  }
  return Ty::error();
}
