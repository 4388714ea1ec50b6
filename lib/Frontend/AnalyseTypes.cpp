// AnalyseTypes.cpp - sizes, types and the look-up of names.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"
#include "Foreign.h"

#include "Builtins.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

using namespace rnnc;
using namespace rnnc::ast;

namespace {
constexpr int64_t sizeLimit = int64_t(1) << 31;

/// Levenshtein distance, cut off at `limit`.
size_t distance(const std::string &a, const std::string &b, size_t limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit)
    return limit + 1;
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t cost = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, cost});
    }
  }
  return row[b.size()];
}
} // namespace

std::string
Analyser::similar(const std::string &name,
                  const std::vector<std::string> &candidates) const {
  size_t limit = name.size() <= 3 ? 1 : 2;
  std::string best;
  for (const std::string &candidate : candidates) {
    size_t d = distance(name, candidate, limit);
    // A name with nothing in common is no help.
    if (d <= limit && d < std::max(name.size(), candidate.size()) &&
        candidate != name) {
      best = candidate;
      limit = d - (d > 0);
    }
  }
  return best;
}

const Entity *Analyser::findEntity(const std::string &name) const {
  auto it = scope->names.find(name);
  if (it != scope->names.end())
    return &it->second;
  // The last import wins.
  for (auto file = scope->imports.rbegin(); file != scope->imports.rend();
       ++file) {
    auto found = (*file)->names.find(name);
    if (found != (*file)->names.end())
      return &found->second;
  }
  return nullptr;
}

Local *Analyser::findLocal(const std::string &name) const {
  if (!blockScope)
    return nullptr;
  auto it = blockScope->names.find(name);
  return it == blockScope->names.end() ? nullptr : it->second;
}

/// Reports the use of a name whose declaration follows.
bool Analyser::declaredLater(const std::string &name, SourceRange range) {
  SourceRange where;
  if (blockScope) {
    auto it = blockScope->later.find(name);
    if (it != blockScope->later.end())
      where = it->second;
  }
  if (!where.valid()) {
    auto it = scope->later.find(name);
    if (it != scope->later.end())
      where = it->second;
  }
  if (!where.valid() || where.begin < range.begin)
    return false;
  diags
      .error("E024", range,
             fmt::format("`{}` is used before it is declared", name))
      .label("not known yet")
      .also(where, "it is declared here")
      .help(
          fmt::format("move line {} above line {}", line(where), line(range)));
  return true;
}

/// Looking for similar names takes time for each, and among so many errors
/// nobody misses it.
bool Analyser::tooManyErrors() const { return diags.all().size() > 200; }

std::vector<std::string> Analyser::valueNames() const {
  if (tooManyErrors())
    return {};
  std::vector<std::string> names;
  if (blockScope)
    for (const auto &local : blockScope->locals)
      names.push_back(local->name);
  return names;
}

static void addEntities(const FileScope &scope,
                        const std::function<bool(const Entity &)> &wanted,
                        std::vector<std::string> &names) {
  for (const auto &[name, entity] : scope.names)
    if (wanted(entity))
      names.push_back(name);
  for (const FileScope *import : scope.imports)
    for (const auto &[name, entity] : import->names)
      if (wanted(entity))
        names.push_back(name);
}

std::vector<std::string> Analyser::functionNames() const {
  if (tooManyErrors())
    return {};
  std::vector<std::string> names = builtinNames();
  if (blockScope)
    for (const auto &local : blockScope->locals)
      if (local->kind == Local::Kind::Instance)
        names.push_back(local->name);
  addEntities(
      *scope,
      [](const Entity &entity) {
        return entity.kind == Entity::Kind::Signature &&
               (entity.signature->kind == Signature::Kind::Fn ||
                entity.signature->kind == Signature::Kind::Dist);
      },
      names);
  return names;
}

std::vector<std::string> Analyser::moduleNames() const {
  if (tooManyErrors())
    return {};
  std::vector<std::string> names;
  addEntities(
      *scope,
      [](const Entity &entity) {
        return entity.kind == Entity::Kind::Signature &&
               (entity.signature->kind == Signature::Kind::Layer ||
                entity.signature->kind == Signature::Kind::Cell);
      },
      names);
  return names;
}

std::string
Analyser::freshName(std::initializer_list<const char *> names) const {
  auto taken = [&](const std::string &name) {
    return (blockScope &&
            (blockScope->names.count(name) || blockScope->later.count(name))) ||
           findEntity(name);
  };
  for (const char *name : names)
    if (!taken(name))
      return name;
  return std::string(*names.begin()) + "2";
}

std::optional<Poly> Analyser::sizeName(const Size &size) {
  const std::string &name = size.name;
  if (Local *local = findLocal(name)) {
    if (local->axis)
      return Poly(local->axis);
    diags.error("E016", size.range, fmt::format("`{}` is not an axis", name))
        .label("a size has to stand here")
        .also(local->decl, "declared here");
    return std::nullopt;
  }
  const Entity *entity = findEntity(name);
  if (entity && entity->kind == Entity::Kind::Axis)
    return Poly(entity->axis);
  if (entity) {
    diags.error("E016", size.range, fmt::format("`{}` is not an axis", name))
        .label("a size has to stand here")
        .also(entity->decl, "declared here");
    return std::nullopt;
  }
  if (declaredLater(name, size.range))
    return std::nullopt;
  std::vector<std::string> names;
  if (blockScope)
    for (const auto &local : blockScope->locals)
      if (local->axis)
        names.push_back(local->name);
  addEntities(
      *scope,
      [](const Entity &entity) { return entity.kind == Entity::Kind::Axis; },
      names);
  std::string close = similar(name, names);
  constexpr std::string_view batches[] = {"B",     "BATCH",      "N",
                                          "batch", "batch_size", "bs"};
  bool isBatch = std::ranges::find(batches, name) != std::end(batches);
  diags.error("E014", size.range, fmt::format("there is no axis `{}`", name))
      .label("not known here")
      .help(
          isBatch ? std::string("batch is never written: a model says what "
                                "happens to one example")
          : close.empty()
              ? fmt::format("declare it: `dim {0} = 512`, or `time {0}` in a "
                            "model",
                            name)
              : fmt::format("an axis with a similar name exists: `{}`", close));
  return std::nullopt;
}

std::optional<Poly> Analyser::size(const Size &node) {
  if (node.kind == Size::Kind::Number)
    return Poly(node.number);
  if (node.kind == Size::Kind::Name)
    return sizeName(node);
  std::optional<Poly> lhs = size(*node.lhs), rhs = size(*node.rhs);
  if (!lhs || !rhs)
    return std::nullopt;
  const Axis *time = lhs->time() ? lhs->time() : rhs->time();
  if (time) {
    diags
        .error("E127", node.range,
               fmt::format("the length of `{}` cannot be calculated with",
                           time->name))
        .label("it is known only when the program runs")
        .also(time->decl, fmt::format("{} is a time axis", time->name));
    return std::nullopt;
  }
  std::optional<Poly> result =
      node.kind == Size::Kind::Mul   ? Poly::mul(*lhs, *rhs)
      : node.kind == Size::Kind::Add ? Poly::add(*lhs, *rhs, 1)
                                     : Poly::add(*lhs, *rhs, -1);
  if (!result)
    diags.error("E114", node.range, "this size is too large")
        .label("sizes are smaller than 2147483648");
  return result;
}

bool Analyser::checkSize(const Poly &poly, SourceRange range) {
  std::optional<int64_t> value = poly.value();
  bool known = true;
  for (const Axis *axis : poly.axes())
    known &= axis->value.has_value();
  if (!known || (value && *value >= 1 && *value < sizeLimit))
    return true;
  bool small = value && *value < 1;
  std::string what = value ? std::to_string(*value) : "beyond all measure";
  diags
      .error(small ? "E115" : "E114", range,
             small ? "a size is at least 1" : "this size is too large")
      .label(poly.constant() ? fmt::format("this is {}", what)
                             : fmt::format("{} is {}", poly.str(), what))
      .note("sizes are smaller than 2147483648");
  return false;
}

Ty Analyser::distType(const Type &node) {
  const std::string &name = node.dist.text;
  std::vector<Poly> axes;
  for (const SizePtr &axis : node.axes) {
    std::optional<Poly> poly = size(*axis);
    if (!poly || !checkSize(*poly, axis->range))
      return Ty::error();
    axes.push_back(std::move(*poly));
  }
  const Entity *entity = findEntity(name);
  if (entity && entity->kind == Entity::Kind::Signature &&
      entity->signature->kind == Signature::Kind::Dist)
    return lawType(node, *entity->signature, std::move(axes));
  if (name == "categorical") {
    if (axes.empty()) {
      diags
          .error("E027", node.range, "`categorical` needs an axis to draw from")
          .label("write `categorical[V]`");
      return Ty::error();
    }
    Poly index = axes.back();
    axes.pop_back();
    return Ty::dist(Ty::indexIn(std::move(index), std::move(axes)), name);
  }
  if (name == "bernoulli")
    return Ty::dist(Ty::bit(std::move(axes)), name);
  if (name == "normal" || name == "laplace")
    return Ty::dist(Ty::real(std::move(axes)), name);
  std::string foreign = foreignWord(name);
  diags
      .error("E015", node.dist.range,
             fmt::format("there is no type `{}`", name))
      .label("not known here")
      .help(!foreign.empty()
                ? foreign
                : "a type is `real`, `int`, `bit`, `[A, B]`, `[A] in V`, or a "
                  "distribution such as `categorical[V]`");
  return Ty::error();
}

Ty Analyser::type(const Type &node) {
  if (node.kind == Type::Kind::Dist)
    return distType(node);
  Ty result;
  bool ok = true;
  for (const SizePtr &axis : node.axes) {
    std::optional<Poly> poly = size(*axis);
    ok &= poly && checkSize(*poly, axis->range);
    if (poly)
      result.axes.push_back(std::move(*poly));
  }
  if (node.kind == Type::Kind::Index) {
    std::optional<Poly> poly = size(*node.index);
    ok &= poly && checkSize(*poly, node.index->range);
    if (poly)
      result.index = std::move(*poly);
  }
  if (!ok)
    return Ty::error();
  result.kind = node.kind == Type::Kind::Real    ? Ty::Kind::Real
                : node.kind == Type::Kind::Index ? Ty::Kind::Index
                : node.kind == Type::Kind::Int   ? Ty::Kind::Int
                                                 : Ty::Kind::Bit;
  return result;
}

/// Reports a time axis in the type of a parameter. `head` is the source text up
/// to the end of the type.
bool Analyser::noTimeIn(const Type &node, const std::string &head) {
  for (const SizePtr &axis : node.axes) {
    if (axis->kind != Size::Kind::Name)
      continue;
    std::optional<Poly> poly = size(*axis);
    const Axis *time = poly ? poly->time() : nullptr;
    if (!time)
      continue;
    // The same line with a fixed axis in place of this one.
    std::string fresh = freshName({"N", "M", "L", "K"});
    std::string fixed = head;
    size_t back = node.range.end - axis->range.begin;
    size_t length = axis->range.end - axis->range.begin;
    if (back <= fixed.size())
      fixed.replace(fixed.size() - back, length, fresh);
    diags
        .error("E104", axis->range,
               "a parameter cannot have a length that is known only when the "
               "program runs")
        .label("used here as the size of a parameter")
        .also(time->decl, fmt::format("{} is a time axis", time->name))
        .help(fmt::format("declare a longest length, `dim {} = 512`, and write "
                          "`{}`",
                          fresh, fixed));
    return false;
  }
  return true;
}
