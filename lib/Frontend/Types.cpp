// Types.cpp - the types of values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Types.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;

Ty Ty::error() { return {}; }

Ty Ty::real(std::vector<Poly> axes) {
  Ty type;
  type.kind = Kind::Real;
  type.axes = std::move(axes);
  return type;
}

Ty Ty::indexIn(Poly axis, std::vector<Poly> axes) {
  Ty type;
  type.kind = Kind::Index;
  type.index = std::move(axis);
  type.axes = std::move(axes);
  return type;
}

Ty Ty::bit(std::vector<Poly> axes) {
  Ty type;
  type.kind = Kind::Bit;
  type.axes = std::move(axes);
  return type;
}

Ty Ty::dist(Ty drawn, std::string name) {
  drawn.isDist = true;
  drawn.distName = std::move(name);
  drawn.literal = false;
  return drawn;
}

bool Ty::sameElement(const Ty &other) const {
  return kind == other.kind && isDist == other.isDist &&
         anyTime == other.anyTime &&
         (kind != Kind::Index || index == other.index);
}

bool Ty::same(const Ty &other) const {
  return sameElement(other) && axes == other.axes;
}

Ty Ty::dropFront(size_t n) const {
  Ty result = *this;
  result.axes.erase(result.axes.begin(),
                    result.axes.begin() + std::min(n, axes.size()));
  return result;
}

Ty Ty::withFront(const std::vector<Poly> &front) const {
  Ty result = *this;
  result.axes.insert(result.axes.begin(), front.begin(), front.end());
  result.literal = literal && front.empty();
  return result;
}

Ty Ty::element() const {
  Ty result = *this;
  result.axes.clear();
  return result;
}

std::string rnnc::str(const std::vector<Poly> &axes) {
  std::string out = "[";
  for (size_t i = 0; i < axes.size(); ++i)
    out += (i ? ", " : "") + axes[i].str();
  return out + "]";
}

static std::string distStr(const Ty &type) {
  std::vector<Poly> axes = type.axes;
  if (type.kind == Ty::Kind::Index)
    axes.push_back(type.index);
  return type.distName + (axes.empty() ? "" : str(axes));
}

std::string Ty::str() const {
  if (isDist && !anyTime && distName != "unfold")
    return distStr(*this);
  std::string shape = axes.empty() ? "" : rnnc::str(axes);
  std::string space = axes.empty() ? "" : " ";
  std::string of = isDist ? "a distribution over " : "";
  switch (kind) {
  case Kind::Error:
    return "?";
  case Kind::Real:
    return of + (axes.empty() ? "real" : shape);
  case Kind::Index:
    return of + shape + space + "in " + index.str();
  case Kind::Int:
    return of + shape + space + "int";
  case Kind::Bit:
    return of + shape + space + "bit";
  case Kind::State:
    return "a state record";
  }
  return "?";
}

std::string rnnc::joined(const std::vector<std::string> &path) {
  std::string out;
  for (const std::string &part : path)
    out += (out.empty() ? "" : ".") + part;
  return out;
}

Ty rnnc::substitute(const Ty &type, const Bindings &with) {
  Ty result = type;
  for (Poly &axis : result.axes) {
    std::optional<Poly> size = axis.substitute(with);
    if (!size)
      return Ty::error();
    axis = std::move(*size);
  }
  std::optional<Poly> index = type.index.substitute(with);
  if (!index)
    return Ty::error();
  result.index = std::move(*index);
  for (StateField &field : result.fields)
    field.type = substitute(field.type, with);
  return result;
}

bool rnnc::isSuffix(const std::vector<Poly> &small,
                    const std::vector<Poly> &large) {
  return small.size() <= large.size() &&
         std::equal(small.rbegin(), small.rend(), large.rbegin());
}

bool rnnc::match(const Poly &formal, const Poly &actual,
                 const std::vector<const Axis *> &free, Bindings &bindings) {
  const Axis *axis = formal.axis();
  bool isFree = axis && std::find(free.begin(), free.end(), axis) != free.end();
  if (isFree && !bindings.count(axis)) {
    bindings[axis] = actual;
    return true;
  }
  std::optional<Poly> size = formal.substitute(bindings);
  return size && *size == actual;
}

std::string rnnc::values(const Poly &a, const Poly &b) {
  std::optional<int64_t> va = a.value(), vb = b.value();
  if (!va || !vb || (a.constant() && b.constant()))
    return "";
  if (a.constant())
    return fmt::format("{} = {}", b.str(), *vb);
  if (b.constant())
    return fmt::format("{} = {}", a.str(), *va);
  return fmt::format("{} = {} and {} = {}", a.str(), *va, b.str(), *vb);
}

std::string rnnc::valuesNote(const Poly &a, const Poly &b) {
  std::string known = values(a, b);
  if (!known.empty() && *a.value() == *b.value())
    known += a.constant() || b.constant()
                 ? ", but an axis with a name is not a number"
                 : " are equal in number but are different axes";
  return known;
}
