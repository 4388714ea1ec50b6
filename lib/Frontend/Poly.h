// Poly.h - axes, and sizes as polynomials over them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_POLY_H
#define RNNC_LIB_FRONTEND_POLY_H

#include "rnnc/Support/SourceManager.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rnnc {

/// An axis. Two axes are the same only if they are the same object.
struct Axis {
  enum class Kind { Fixed, Labelled, Time };

  unsigned id = 0; ///< in order of declaration
  Kind kind = Kind::Fixed;
  std::string name;
  std::optional<int64_t> value; ///< Fixed and Labelled, if known
  std::vector<std::string> labels;
  SourceRange decl;
};

/// A polynomial in normal form: equal sizes are equal objects.
class Poly {
public:
  Poly() = default;
  explicit Poly(int64_t constant);
  explicit Poly(const Axis *axis);

  bool operator==(const Poly &other) const { return terms == other.terms; }

  /// Null if the result has numbers or terms beyond all measure.
  static std::optional<Poly> add(const Poly &a, const Poly &b, int64_t sign);
  static std::optional<Poly> mul(const Poly &a, const Poly &b);

  /// The axis, if the size is just one.
  const Axis *axis() const;
  std::optional<int64_t> constant() const;
  /// The number, if the values of all axes in it are known.
  std::optional<int64_t> value() const;
  /// A time axis in it, or null.
  const Axis *time() const;
  /// All axes in it.
  std::vector<const Axis *> axes() const;

  /// Replaces axes; null if the result is too large.
  std::optional<Poly>
  substitute(const std::map<const Axis *, Poly> &with) const;

  std::string str() const;

private:
  struct ById {
    bool operator()(const std::vector<const Axis *> &a,
                    const std::vector<const Axis *> &b) const;
  };
  using Monomial = std::vector<const Axis *>; ///< sorted by id

  bool addTerm(const Monomial &monomial, int64_t factor);

  std::map<Monomial, int64_t, ById> terms; ///< no factor is 0
};

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_POLY_H
