// AnalyseCalls.cpp - calls of functions, layers, cells and distributions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"
#include "Foreign.h"

#include "Builtins.h"

#include "rnnc/Std/Std.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

/// Whether the standard library has a function or a distribution of this name.
static bool isInStd(const std::string &name) {
  std::string_view text = stdSource();
  for (const char *word : {"\nfn ", "\ndist "})
    for (const char *next : {"(", "["})
      if (text.find(word + name + next) != text.npos)
        return true;
  return false;
}

Ty Analyser::call(const Call &node) {
  const std::string &name = node.callee.text;
  auto silent = [&] { // look for mistakes in the arguments all the same
    for (const Arg &arg : node.args)
      expr(*arg.value);
    return Ty::error();
  };
  if (Local *local = findLocal(name)) {
    if (local->kind == Local::Kind::Instance)
      return instanceCall(node, *local);
    if (local->kind == Local::Kind::Module) {
      std::string fresh = freshName({"net", "rnn", "cell1"});
      diags
          .error(
              "E016", node.callee.range,
              fmt::format("`{}` has weights and needs a name for them", name))
          .label("cannot be called directly")
          .also(local->decl, "declared here")
          .help(fmt::format("declare `use {} = {}` and call `{}(...)`", fresh,
                            name, fresh));
      return silent();
    }
    // A value may have the name of a function: `sum = sum(x)`.
    if (!findEntity(name) && !findBuiltin(name)) {
      auto &d = diags.error("E016", node.callee.range,
                            fmt::format("`{}` is not a function", name));
      d.label("cannot be called").also(local->decl, "declared here");
      if (node.args.size() == 1 && local->type.rank() > 0 &&
          !local->type.isDist)
        d.help(fmt::format("`{}[{}]` looks an index up", name,
                           text(node.args[0].value->range)));
      return silent();
    }
  }
  const Entity *entity = findEntity(name);
  if (entity && entity->kind == Entity::Kind::Signature) {
    const Signature &signature = *entity->signature;
    if (signature.kind == Signature::Kind::Fn ||
        signature.kind == Signature::Kind::Dist) {
      madeOf(signature);
      return signature.kind == Signature::Kind::Fn
                 ? signatureCall(node, signature)
                 : lawCall(node, signature);
    }
    std::string fresh = freshName({"net", "rnn", "cell1"});
    diags
        .error("E016", node.callee.range,
               fmt::format("`{}` has weights and needs a name for them", name))
        .label("cannot be called directly")
        .also(entity->decl, "declared here")
        .help(fmt::format("declare `use {} = {}[...]` and call `{}(...)`",
                          fresh, name, fresh));
    return silent();
  }
  bool found = false;
  Ty result = builtinCall(node, found);
  if (found)
    return result;
  if (name == "only") {
    diags.error("E119", node.range, "`only` is not a value")
        .label("it can only be a first value")
        .help("`onehot(i)` is 1 at one place and 0 elsewhere");
    return Ty::error();
  }
  if (declaredLater(name, node.callee.range))
    return silent();
  std::string foreign = foreignWord(name);
  std::string close = similar(name, functionNames());
  auto &d = diags.error("E001", node.callee.range,
                        fmt::format("there is no function `{}`", name));
  d.label("not known here");
  if (!foreign.empty())
    d.help(foreign);
  else if (!importsStd() && isInStd(name))
    d.help("it is there after `import std`");
  else if (!close.empty())
    d.help(fmt::format("a function with a similar name exists: `{}`", close));
  return silent();
}

/// An inner layer or cell sees the constants of the one around it by their
/// names: what is not given for `mem` is the `mem` after `;`.
void Analyser::implyConstants(const std::vector<Port> &ports, size_t first,
                              SourceRange range,
                              std::vector<const Expr *> &args) {
  for (size_t i = first; i < ports.size(); ++i) {
    Local *local = args[i] ? nullptr : findLocal(ports[i].name);
    if (!local || local->kind != Local::Kind::Constant)
      continue;
    auto name = std::make_unique<NameRef>();
    name->range = range;
    name->name = ports[i].name;
    args[i] = name.get();
    implied.push_back(std::move(name));
  }
}

/// Brings arguments into the order of the ports; null where one is left out.
std::vector<const Expr *>
Analyser::assign(const std::string &callee, SourceRange range,
                 const std::vector<Arg> &args, const std::vector<Port> &ports,
                 size_t required, bool &ok, size_t constantsFrom) {
  std::vector<const Expr *> result(ports.size());
  size_t position = 0;
  std::string names;
  for (const Port &port : ports)
    names += (names.empty() ? "" : ", ") + port.name;
  for (const Arg &arg : args) {
    size_t at = position;
    if (!arg.name.empty()) {
      at = 0;
      while (at < ports.size() && ports[at].name != arg.name.text)
        ++at;
      if (at == ports.size()) {
        diags
            .error(
                "E020", arg.name.range,
                fmt::format("`{}` has no argument `{}`", callee, arg.name.text))
            .label("not known here")
            .help(fmt::format("its arguments are {}",
                              names.empty() ? "none" : names));
        ok = false;
        continue;
      }
    } else {
      ++position;
    }
    if (at >= ports.size()) {
      diags
          .error("E019", arg.value->range,
                 fmt::format("`{}` has {} argument{}", callee, ports.size(),
                             ports.size() == 1 ? "" : "s"))
          .label("one too many")
          .help(names.empty() ? std::string("leave the brackets empty")
                              : fmt::format("its arguments are {}", names));
      ok = false;
      break;
    }
    if (result[at]) {
      diags
          .error(
              "E019", arg.value->range,
              fmt::format("the argument `{}` is given twice", ports[at].name))
          .label("given again here")
          .also(result[at]->range, "first given here")
          .help(fmt::format("its arguments are {}: the place counts where no "
                            "name is given",
                            names));
      ok = false;
      continue;
    }
    result[at] = arg.value.get();
  }
  if (constantsFrom < ports.size())
    implyConstants(ports, constantsFrom, range, result);
  for (size_t i = 0; ok && i < required; ++i)
    if (!result[i]) {
      diags
          .error(
              "E019", range,
              fmt::format("`{}` needs an argument `{}`", callee, ports[i].name))
          .label(fmt::format("`{}` is missing", ports[i].name))
          .help(fmt::format("its arguments are {}", names));
      ok = false;
    }
  return result;
}

Ty Analyser::instanceCall(const Call &node, Local &local) {
  Instance &instance = *local.instance;
  if (instance.broken) {
    for (const Arg &arg : node.args)
      expr(*arg.value);
    return Ty::error();
  }
  if (!instance.isCell)
    return layerCall(node, instance);
  if (blockScope->kind == BlockScope::Kind::Cell)
    return stepCall(node, instance);
  for (const Arg &arg : node.args)
    expr(*arg.value);
  std::string states;
  for (const StateField &field : instance.states)
    states += (states.empty()                      ? ""
               : &field == &instance.states.back() ? " and "
                                                   : ", ") +
              joined(field.path);
  diags
      .error("E201", node.range,
             "a cell cannot be called, it has to run over time")
      .label("called like a function")
      .also(instance.chain->range,
            states.empty() ? "a cell"
                           : fmt::format("a cell: it keeps {}", states))
      .help(fmt::format("`scan {0} over {1}` gives all outputs, `fold {0} over "
                        "{1}` gives the last state",
                        instance.name,
                        node.args.empty() ? "..."
                                          : text(node.args[0].value->range)));
  return Ty::error();
}

/// Checks one argument against a port. With `front`, axes may stand before
/// those of the port, the same ones in all arguments.
bool Analyser::argument(const std::string &callee, const Instance *instance,
                        const Expr &arg, const Ty &actual, const Port &formal,
                        const std::vector<const Axis *> &free,
                        Bindings &bindings, std::vector<Poly> *front) {
  const Ty &wanted = formal.type;
  if (actual.isError() || wanted.isError())
    return false;
  Ty shown = substitute(wanted, bindings);
  size_t extra =
      actual.rank() >= wanted.rank() ? actual.rank() - wanted.rank() : 0;
  bool fits = actual.rank() >= wanted.rank() && (front || extra == 0) &&
              !actual.isDist && !actual.isState();
  for (size_t i = 0; fits && i < wanted.rank(); ++i)
    fits = match(wanted.axes[i], actual.axes[extra + i], free, bindings);
  if (fits && wanted.kind == Ty::Kind::Index && !actual.literal) {
    fits = actual.isIndex();
    if (fits && !match(wanted.index, actual.index, free, bindings)) {
      std::optional<Poly> axis = wanted.index.substitute(bindings);
      indexError(arg.range, actual,
                 instance ? instance->chain->range : formal.typeRange,
                 fmt::format("`{}` wants an index in {}", callee,
                             axis ? axis->str() : "?"),
                 axis.value_or(wanted.index));
      return false;
    }
  } else if (fits && wanted.kind == Ty::Kind::Index) {
    std::optional<Poly> axis = wanted.index.substitute(bindings);
    fits = axis && fitsIndex(actual, *axis, arg.range);
  } else if (fits) {
    fits = wanted.isNumber() ? actual.isNumber() : actual.kind == wanted.kind;
  }
  if (!fits) {
    argumentError(callee, instance, arg, actual, shown, formal.typeRange);
    return false;
  }
  if (!front)
    return true;
  std::vector<Poly> leading(actual.axes.begin(), actual.axes.begin() + extra);
  if (front->empty() && !leading.empty())
    *front = leading;
  return true;
}

/// What a record of states has to offer where a value is wanted.
static std::string statesIn(const Expr &record, const Ty &type) {
  const auto *named = dynAs<NameRef>(record);
  std::string all;
  size_t shown = std::min<size_t>(type.fields.size(), 8);
  for (size_t i = 0; i < shown; ++i)
    all +=
        fmt::format("{}`{}.{}`", all.empty() ? "" : ", ",
                    named ? named->name : "(...)", joined(type.fields[i].path));
  return fmt::format("a record holds the states of a cell: {}{}", all,
                     shown < type.fields.size() ? ", ..." : "");
}

/// Whether two shapes have the same numbers of entries under different names.
static bool differsInNames(const Ty &a, const Ty &b) {
  if (!a.isNumber() || !b.isNumber() || a.rank() != b.rank())
    return false;
  bool differs = false;
  for (size_t i = 0; i < a.rank(); ++i) {
    if (a.axes[i] == b.axes[i])
      continue;
    differs = true;
    if (!a.axes[i].value() || !b.axes[i].value() ||
        *a.axes[i].value() != *b.axes[i].value())
      return false;
  }
  return differs;
}

void Analyser::argumentError(const std::string &callee,
                             const Instance *instance, const Expr &arg,
                             const Ty &actual, const Ty &formal,
                             SourceRange formalRange) {
  auto &d = diags.error("E105", arg.range,
                        fmt::format("`{}` reads {}, this is {}", callee,
                                    formal.str(), actual.str()));
  const auto *binary = dynAs<Binary>(arg);
  if (binary && binary->op == BinaryOp::Join && actual.rank() == 1) {
    // Say how the size comes about.
    size_t reported = diags.all().size();
    Ty l = expr(*binary->lhs), r = expr(*binary->rhs);
    if (diags.all().size() == reported)
      d.label(fmt::format("{} ++ {} is {}", l.str(), r.str(), actual.str()));
  } else {
    d.label(actual.str());
  }
  if (actual.isState())
    d.help(statesIn(arg, actual));
  if (differsInNames(actual, formal))
    d.help(fmt::format("the sizes are equal: `{} as {}` gives them these names",
                       dynAs<NameRef>(arg) ? text(arg.range)
                                           : "(" + text(arg.range) + ")",
                       formal.str()));
  if (!instance) {
    d.also(formalRange, fmt::format("reads {}", formal.str()));
    return;
  }
  d.also(instance->chain->range, fmt::format("reads {}", formal.str()));
  // A module whose input is one of its sizes can be given another size.
  const Chain &chain = *instance->chain;
  const Entity *entity =
      chain.kind == Chain::Kind::Ref ? findEntity(chain.module.text) : nullptr;
  if (!entity || entity->kind != Entity::Kind::Signature ||
      formal.rank() == 0 || actual.rank() < formal.rank() ||
      actual.kind != formal.kind)
    return;
  const Signature &signature = *entity->signature;
  if (signature.inputs.size() != 1 ||
      signature.inputs[0].type.rank() != formal.rank())
    return;
  for (size_t i = 0; i + 1 < formal.rank(); ++i)
    if (formal.axes[formal.rank() - 2 - i] !=
        actual.axes[actual.rank() - 2 - i])
      return;
  const Axis *last = signature.inputs[0].type.axes.back().axis();
  for (size_t i = 0; last && i < chain.given.size(); ++i) {
    if (signature.generics[i].axis != last || actual.axes.back().time())
      continue;
    // Sizes in the wrong order change places.
    std::string wanted = actual.axes.back().str();
    std::string fixed = chain.module.text + "[";
    for (size_t k = 0; k < chain.given.size(); ++k) {
      std::string size = text(chain.given[k].range);
      bool isSwapped = k != i && size == wanted;
      fixed += (k ? ", " : "") + (k == i      ? wanted
                                  : isSwapped ? text(chain.given[i].range)
                                              : size);
    }
    d.help(fmt::format("change line {} to `use {} = {}]`", line(chain.range),
                       instance->name, fixed));
  }
}

Ty Analyser::layerCall(const Call &node, Instance &instance) {
  std::vector<Port> ports = instance.inputs;
  ports.insert(ports.end(), instance.constants.begin(),
               instance.constants.end());
  bool ok = true;
  auto args = assign(instance.name, node.callee.range, node.args, ports,
                     ports.size(), ok, instance.inputs.size());
  Bindings bindings;
  std::vector<Poly> front;
  std::vector<std::pair<const Expr *, std::vector<Poly>>> fronts;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!args[i])
      continue;
    Ty actual = expr(*args[i]);
    std::vector<Poly> one;
    bool isInput = i < instance.inputs.size();
    ok &= argument(instance.name, &instance, *args[i], actual, ports[i],
                   instance.free, bindings, isInput ? &one : nullptr);
    if (ok && isInput)
      fronts.emplace_back(args[i], one);
  }
  if (!ok)
    return Ty::error();
  for (const auto &[arg, axes] : fronts)
    if (axes != fronts[0].second) {
      diags
          .error("E118", arg->range,
                 fmt::format("the inputs of `{}` differ in their first axes",
                             instance.name))
          .label(axes.empty() ? "none" : str(axes))
          .also(fronts[0].first->range,
                fronts[0].second.empty() ? "none" : str(fronts[0].second));
      return Ty::error();
    }
  if (instance.nonCausal) {
    seesFuture(node.callee.range);
    if (blockScope->model)
      blockScope->model->nonCausalModule = node.callee.range;
  }
  if (instance.plain && blockScope->model &&
      !blockScope->model->plain.valid()) {
    blockScope->model->plain = instance.chain->range;
    for (const auto &[axis, actual] : bindings)
      if (axis->kind == Axis::Kind::Time)
        blockScope->model->plainAxis = actual.str();
  }
  if (instance.plain && blockScope->signature)
    blockScope->signature->plain = true;
  return substitute(instance.result, bindings)
      .withFront(fronts.empty() ? front : fronts[0].second);
}

Ty Analyser::stepCall(const Call &node, Instance &instance) {
  std::vector<Port> ports = instance.inputs;
  ports.insert(ports.end(), instance.constants.begin(),
               instance.constants.end());
  bool ok = true;
  auto args = assign(instance.name, node.callee.range, node.args, ports,
                     ports.size(), ok, instance.inputs.size());
  Bindings bindings;
  for (size_t i = 0; i < ports.size(); ++i)
    if (args[i])
      ok &= argument(instance.name, &instance, *args[i], expr(*args[i]),
                     ports[i], instance.free, bindings, nullptr);
  if (instance.firstStep.valid()) {
    std::string fresh = freshName({"q", "p", "s", "u"});
    std::string chain = text(instance.chain->range);
    diags
        .error("E202", node.range, "an inner cell is stepped twice in one step")
        .label(fmt::format("second step of `{}`", instance.name))
        .also(instance.firstStep,
              fmt::format("first step of `{}`", instance.name))
        .help(fmt::format("for one step, name the result: `{} = {}`",
                          freshName({"z", "w", "v", "u"}),
                          text(instance.firstStep)))
        .help(fmt::format("for two cells with weights of their own, declare "
                          "two: `use {} = {}, {} = {}`",
                          instance.name, chain, fresh, chain));
    return Ty::error();
  }
  instance.firstStep = node.range;
  if (!blockScope->indices.empty()) {
    diags
        .error("E207", node.range,
               "an inner cell cannot be stepped inside a loop over an axis")
        .label("stepped once for each entry")
        .also(blockScope->indices.back()->decl, "the loop")
        .help("step it once, with an input that holds all entries");
    return Ty::error();
  }
  if (instance.nonCausal)
    seesFuture(node.callee.range);
  return ok ? substitute(instance.result, bindings) : Ty::error();
}

/// Sizes that neither brackets nor arguments gave: their defaults.
bool Analyser::bindRest(const Signature &signature, SourceRange range,
                        Bindings &bindings) {
  for (const GenericInfo &generic : signature.generics) {
    if (!generic.axis || bindings.count(generic.axis))
      continue;
    if (generic.hasDefault) {
      bindings[generic.axis] = Poly(static_cast<int64_t>(generic.defaultValue));
      continue;
    }
    diags
        .error("E028", range,
               fmt::format("the size `{}` of `{}` cannot be inferred",
                           generic.name, signature.name))
        .label("the arguments do not say what it is")
        .help(fmt::format("write it: `{}[...](...)`", signature.name));
    return false;
  }
  return true;
}

Ty Analyser::signatureCall(const Call &node, const Signature &signature) {
  Bindings bindings;
  bool ok = bindSizes(signature, node.generics, node.range, bindings);
  std::vector<const Axis *> free;
  for (const GenericInfo &generic : signature.generics)
    if (generic.axis)
      free.push_back(generic.axis);
  auto args = assign(signature.name, node.callee.range, node.args,
                     signature.inputs, signature.inputs.size(), ok);
  for (size_t i = 0; i < args.size(); ++i)
    if (args[i])
      ok &= argument(signature.name, nullptr, *args[i], expr(*args[i]),
                     signature.inputs[i], free, bindings, nullptr);
  if (!ok)
    return Ty::error();
  if (!bindRest(signature, node.range, bindings))
    return Ty::error();
  if (signature.nonCausal)
    seesFuture(node.callee.range);
  return substitute(signature.result, bindings);
}
