// Types.h - the types of values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_TYPES_H
#define RNNC_LIB_FRONTEND_TYPES_H

#include "Poly.h"

namespace rnnc {

struct StateField;
using Bindings = std::map<const Axis *, Poly>;

/// `[d1..dn]`, `[d1..dn] in d`, `[d1..dn] bit`, `dist T`, `state {f: T}`.
struct Ty {
  enum class Kind { Error, Real, Index, Int, Bit, State };

  Kind kind = Kind::Error;
  std::vector<Poly> axes;
  Poly index; ///< Index: the axis looked up
  /// A whole number written in the source: may be an index as well.
  bool literal = false;
  int64_t literalValue = 0;

  /// The index of a binder: a place, which is a number as well.
  bool place = false;

  /// A distribution over what the rest describes.
  bool isDist = false;
  std::string distName;
  /// An unfolded sequence, of any length: the first axis is left out.
  bool anyTime = false;

  std::vector<StateField> fields; ///< State

  bool isError() const { return kind == Kind::Error; }
  bool isState() const { return kind == Kind::State; }
  bool isIndex() const { return kind == Kind::Index && !isDist; }
  /// Values that can be calculated with.
  bool isNumber() const {
    return (kind == Kind::Real || kind == Kind::Int) && !isDist;
  }
  /// The same, or a place on an axis.
  bool countsAsNumber() const { return isNumber() || (isIndex() && place); }
  size_t rank() const { return axes.size(); }

  /// Equal kind, index and axes.
  bool same(const Ty &other) const;
  /// Equal but for the axes.
  bool sameElement(const Ty &other) const;
  /// The type with the first n axes left out.
  Ty dropFront(size_t n) const;
  Ty withFront(const std::vector<Poly> &front) const;
  /// The type of one element.
  Ty element() const;
  std::string str() const;

  static Ty error();
  static Ty real(std::vector<Poly> axes = {});
  static Ty indexIn(Poly axis, std::vector<Poly> axes = {});
  static Ty bit(std::vector<Poly> axes = {});
  static Ty dist(Ty drawn, std::string name);
};

/// One state of a cell, by its path: `rnn.0.h`.
struct Signature;

struct StateField {
  std::vector<std::string> path;
  Ty type;
  /// All states of a cell that is a parameter: which ones is not known.
  const Signature *of = nullptr;
};

std::string joined(const std::vector<std::string> &path);
std::string str(const std::vector<Poly> &axes);

/// Replaces axes in all sizes; an error type if a size grows beyond measure.
Ty substitute(const Ty &type, const Bindings &with);

/// Whether the axes of `small` are the last ones of `large`.
bool isSuffix(const std::vector<Poly> &small, const std::vector<Poly> &large);

/// Finds what the axes in `free` have to be so that the formal size is the
/// actual one. An axis that is not free stands for itself.
bool match(const Poly &formal, const Poly &actual,
           const std::vector<const Axis *> &free, Bindings &bindings);

/// "I = 2 and H = 64"; empty if a value is not known or the two are plain
/// numbers.
std::string values(const Poly &a, const Poly &b);

/// The same, and that equal numbers do not make equal axes.
std::string valuesNote(const Poly &a, const Poly &b);

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_TYPES_H
