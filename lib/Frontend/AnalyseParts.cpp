// AnalyseParts.cpp - entries, slices and labels of values; states by name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"
#include "Foreign.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

Ty Analyser::index(const Index &node) {
  Ty result = expr(*node.base);
  size_t at = 0; // the axis that is looked at
  for (const ExprPtr &one : node.indices) {
    const auto *part = dynAs<Slice>(*one);
    if (result.isError()) { // still look for mistakes in the indices
      if (!part)
        expr(*one);
    } else if (part) {
      result = sliceOnce(*node.base, std::move(result), *part, at++);
    } else {
      result = indexOnce(*node.base, result, *one, at);
    }
  }
  return result;
}

/// Whether there is an axis at a position; reports if not.
bool Analyser::hasAxis(const Expr &base, const Ty &type, const Expr &index,
                       size_t at) {
  if (!type.isDist && !type.isState() && type.rank() > at)
    return true;
  diags.error("E110", index.range, "there is no axis to look up in")
      .label("one index too many")
      .also(base.range, fmt::format("this is {}", type.str()));
  return false;
}

/// Part of an axis; what is known of its size is checked, the rest when it
/// is compiled.
Ty Analyser::sliceOnce(const Expr &base, Ty type, const Slice &node,
                       size_t at) {
  if (!hasAxis(base, type, node, at))
    return Ty::error();
  type.literal = false;
  if (!node.from && !node.to)
    return type;
  Poly axis = type.axes[at];
  std::optional<Poly> from = node.from ? size(*node.from) : Poly(int64_t(0)),
                      to = node.to ? size(*node.to) : axis;
  if (!from || !to)
    return Ty::error();
  if (axis.time() || from->time() || to->time()) {
    diags.error("E136", node.range, "no part of a time axis can be taken")
        .label("its length is known only when the program runs")
        .also(base.range, fmt::format("this is {}", type.str()))
        .help(
            "`first(x)` and `last(x)` take steps of it; `for t in T: if t < 3 "
            "then x[t] else 0` leaves some out");
    return Ty::error();
  }
  std::optional<int64_t> a = from->value(), b = to->value(), n = axis.value();
  if ((a && *a < 0) || (b && n && *b > *n) || (a && b && *a >= *b) ||
      (a && n && *a >= *n)) {
    auto &d =
        diags.error("E136", node.range, "there is no such part of the axis");
    d.label(a && b && *a >= *b ? "it has no entries" : "it lies outside")
        .also(base.range, fmt::format("this is {}", type.str()));
    if (n)
      d.note(fmt::format("{} has the entries 0 to {}",
                         axis.constant() ? "the axis" : axis.str(), *n - 1));
    d.note("`a..b` begins with entry a and ends before entry b");
    return Ty::error();
  }
  std::optional<Poly> length = Poly::add(*to, *from, -1);
  if (!length || !checkSize(*length, node.range))
    return Ty::error();
  type.axes[at] = std::move(*length);
  return type;
}

Ty Analyser::indexOnce(const Expr &base, const Ty &baseType, const Expr &node,
                       size_t at) {
  Ty index = expr(node);
  if (index.isError() || !hasAxis(base, baseType, node, at))
    return Ty::error();
  const Poly &wanted = baseType.axes[at];
  if (fitsIndex(index, wanted, node.range)) {
    if (wanted.time() && !index.place) // may lie behind this step
      seesFuture(node.range);
    Ty result = baseType;
    auto place = result.axes.erase(result.axes.begin() + long(at));
    if (index.isIndex())
      result.axes.insert(place, index.axes.begin(), index.axes.end());
    result.literal = false;
    return result;
  }
  if (!index.isIndex()) {
    auto &d = diags.error("E106", node.range, "this is not an index");
    d.label(index.str())
        .also(base.range, fmt::format("{}: wants an index in {}",
                                      baseType.str(), wanted.str()));
    if (dynAs<Neg>(node))
      d.help(fmt::format("nothing is counted from the end: `last({})` is the "
                         "last element; the value of a state from the step "
                         "before is its plain name",
                         text(base.range)));
    else if (baseType.isIndex() && index.rank() > 0 &&
             index.axes[0] == baseType.index)
      d.help(fmt::format("`{}[{}]` looks up what `{}` says", text(node.range),
                         text(base.range), text(base.range)));
    return Ty::error();
  }
  indexError(
      node.range, index, base.range,
      fmt::format("{}: wants an index in {}", baseType.str(), wanted.str()),
      wanted);
  return Ty::error();
}

namespace {
/// What an index input holds, in words, for a help line.
std::string indexWords(const std::string &name, const Poly &axis) {
  if (name == "src")
    return "the source words are";
  if (name == "tgt")
    return "the target words are";
  return fmt::format("indices in {} are", axis.str());
}
} // namespace

void Analyser::indexError(SourceRange indexRange, const Ty &index,
                          SourceRange baseRange, const std::string &baseLabel,
                          const Poly &wanted) {
  auto &d =
      diags.error("E106", indexRange, "the index belongs to another axis");
  d.label(index.str()).also(baseRange, baseLabel);
  std::optional<int64_t> a = wanted.value(), b = index.index.value();
  if (a && b && *a == *b)
    d.note(fmt::format("{} and {} both have the value {}, but they are "
                       "different axes",
                       wanted.str(), index.index.str(), *a));
  else if (a && b)
    d.note(fmt::format("{} are different axes", values(wanted, index.index)));
  for (const auto &local : blockScope->locals)
    if (local->kind == Local::Kind::Input && local->type.isIndex() &&
        local->type.index == wanted) {
      d.help(fmt::format("{} `{} : {}`", indexWords(local->name, wanted),
                         local->name, local->type.str()));
      return;
    }
}

Ty Analyser::member(const Member &node) {
  // Unroll `a.b.c`, which nests to the left.
  std::vector<Name> path;
  const Expr *root = &node;
  while (const auto *inner = dynAs<Member>(*root)) {
    path.insert(path.begin(), inner->member);
    root = inner->base.get();
  }
  const auto *ref = dynAs<NameRef>(*root);
  Local *local = ref ? findLocal(ref->name) : nullptr;
  if (local && local->kind == Local::Kind::Instance) {
    const Instance &instance = *local->instance;
    if (instance.broken || instance.opaque || isOpaque(instance.states))
      return Ty::error();
    if (!instance.isCell || blockScope->kind != BlockScope::Kind::Cell) {
      diags
          .error("E211", node.range,
                 instance.isCell
                     ? "the state of a cell is known inside of cells only"
                     : fmt::format("`{}` is a layer and keeps no state",
                                   ref->name))
          .label("no state here")
          .also(instance.chain->range, "declared here")
          .help(instance.isCell
                    ? fmt::format("`fold {} over ...` gives the last state",
                                  ref->name)
                    : fmt::format("call it: `{}(...)`", ref->name));
      return Ty::error();
    }
    return stateOrLabel(instance.states, path, ref->name, node);
  }
  Ty value = expr(*root);
  if (value.isState())
    return stateOrLabel(value.fields, path, text(root->range), node);
  return labelled(value, path, root->range);
}

// `f.h.i` is a state of `f`, then a label of one of its axes.
Ty Analyser::stateOrLabel(const std::vector<StateField> &states,
                          const std::vector<Name> &path,
                          const std::string &owner, const Member &node) {
  size_t length = path.size();
  for (const StateField &field : states)
    if (field.path.size() < length &&
        std::equal(field.path.begin(), field.path.end(), path.begin(),
                   [](const std::string &text, const Name &name) {
                     return name.text == text;
                   }))
      length = field.path.size();
  std::vector<Name> labels(path.begin() + long(length), path.end());
  Ty state =
      stateMember(states, {path.begin(), path.begin() + long(length)}, owner);
  SourceRange range = node.range;
  range.end = path[length - 1].range.end;
  return labelled(state, labels, range);
}

Ty Analyser::labelled(Ty value, const std::vector<Name> &labels,
                      SourceRange root) {
  if (value.isError())
    return value;
  for (const Name &label : labels) {
    size_t at = 0;
    auto hasLabel = [&](const Poly &axis) {
      const Axis *one = axis.axis();
      return one && std::find(one->labels.begin(), one->labels.end(),
                              label.text) != one->labels.end();
    };
    while (at < value.rank() && !hasLabel(value.axes[at]))
      ++at;
    if (at == value.rank() || value.isDist) {
      auto &d =
          diags.error("E017", label.range,
                      fmt::format("no axis has a label `{}`", label.text));
      d.label("not a label").also(root, fmt::format("this is {}", value.str()));
      if (std::string help = foreignProperty(label.text); !help.empty())
        d.help(help);
      return Ty::error();
    }
    value.axes.erase(value.axes.begin() + at);
  }
  return value;
}

Ty Analyser::stateMember(const std::vector<StateField> &states,
                         const std::vector<Name> &path,
                         const std::string &owner) {
  Ty part;
  part.kind = Ty::Kind::State;
  for (const StateField &field : states) {
    if (field.path.size() < path.size() ||
        !std::equal(path.begin(), path.end(), field.path.begin(),
                    [](const Name &name, const std::string &text) {
                      return name.text == text;
                    }))
      continue;
    if (field.path.size() == path.size())
      return field.type;
    StateField rest = field;
    rest.path.erase(rest.path.begin(), rest.path.begin() + path.size());
    part.fields.push_back(std::move(rest));
  }
  if (!part.fields.empty())
    return part;
  std::string known;
  size_t shown = 0;
  for (const StateField &field : states)
    if (shown++ < 8)
      known += (known.empty() ? "`" : ", `") + joined(field.path) + "`";
  SourceRange range = join(path.front().range, path.back().range);
  auto &d =
      diags.error("E017", range,
                  fmt::format("`{}` keeps no state `{}`", owner, text(range)));
  d.label("not a state of it");
  if (!known.empty())
    d.help(fmt::format("it keeps {}{}", known, shown > 8 ? ", ..." : ""));
  return Ty::error();
}

/// The type of a record that has a name: states, or some of them.
Ty Analyser::namedRecord(const Record &record) {
  Ty result;
  result.kind = Ty::Kind::State;
  bool fine = true;
  for (const Record::Field &field : record.fields) {
    Ty value = expr(*field.value);
    if (field.path.empty())
      diags.error("E119", field.range, "`else` cannot stand among states")
          .label("states that are not named start as declared");
    else if (value.isDist)
      diags.error("E119", field.value->range, "a distribution is no state")
          .label(value.str());
    std::vector<std::string> path;
    for (const Name &name : field.path)
      path.push_back(name.text);
    for (const StateField &before : result.fields)
      if (before.path == path) {
        diags
            .error("E012", field.range,
                   fmt::format("`{}` is given twice", joined(path)))
            .label("given again here");
        fine = false;
      }
    fine &= !value.isError() && !value.isDist && !field.path.empty();
    if (!value.isState()) {
      result.fields.push_back({path, value});
      continue;
    }
    for (StateField inner : value.fields) {
      inner.path.insert(inner.path.begin(), path.begin(), path.end());
      result.fields.push_back(std::move(inner));
    }
  }
  return fine ? result : Ty::error();
}
