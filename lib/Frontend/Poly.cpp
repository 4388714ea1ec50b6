// Poly.cpp - axes, and sizes as polynomials over them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Poly.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;

namespace {
constexpr size_t maxTerms = 64;
constexpr size_t maxDegree = 16;

bool lessById(const Axis *a, const Axis *b) { return a->id < b->id; }
} // namespace

bool Poly::ById::operator()(const Monomial &a, const Monomial &b) const {
  // A constant comes last when printed.
  if (a.empty() != b.empty())
    return b.empty();
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      lessById);
}

Poly::Poly(int64_t constant) {
  if (constant != 0)
    terms[{}] = constant;
}

Poly::Poly(const Axis *axis) { terms[{axis}] = 1; }

bool Poly::addTerm(const Monomial &monomial, int64_t factor) {
  int64_t &slot = terms[monomial];
  if (__builtin_add_overflow(slot, factor, &slot))
    return false;
  if (slot == 0)
    terms.erase(monomial);
  return terms.size() <= maxTerms;
}

std::optional<Poly> Poly::add(const Poly &a, const Poly &b, int64_t sign) {
  Poly result = a;
  for (const auto &[monomial, factor] : b.terms) {
    int64_t signedFactor = 0;
    if (__builtin_mul_overflow(factor, sign, &signedFactor) ||
        !result.addTerm(monomial, signedFactor))
      return std::nullopt;
  }
  return result;
}

std::optional<Poly> Poly::mul(const Poly &a, const Poly &b) {
  Poly result;
  for (const auto &[left, leftFactor] : a.terms)
    for (const auto &[right, rightFactor] : b.terms) {
      Monomial product = left;
      product.insert(product.end(), right.begin(), right.end());
      std::sort(product.begin(), product.end(), lessById);
      int64_t factor = 0;
      if (product.size() > maxDegree ||
          __builtin_mul_overflow(leftFactor, rightFactor, &factor) ||
          !result.addTerm(product, factor))
        return std::nullopt;
    }
  return result;
}

const Axis *Poly::axis() const {
  if (terms.size() != 1 || terms.begin()->second != 1 ||
      terms.begin()->first.size() != 1)
    return nullptr;
  return terms.begin()->first.front();
}

std::optional<int64_t> Poly::constant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

std::optional<int64_t> Poly::value() const {
  int64_t sum = 0;
  for (const auto &[monomial, factor] : terms) {
    int64_t product = factor;
    for (const Axis *axis : monomial)
      if (!axis->value ||
          __builtin_mul_overflow(product, *axis->value, &product))
        return std::nullopt;
    if (__builtin_add_overflow(sum, product, &sum))
      return std::nullopt;
  }
  return sum;
}

const Axis *Poly::time() const {
  for (const Axis *axis : axes())
    if (axis->kind == Axis::Kind::Time)
      return axis;
  return nullptr;
}

std::vector<const Axis *> Poly::axes() const {
  std::vector<const Axis *> result;
  for (const auto &[monomial, factor] : terms)
    result.insert(result.end(), monomial.begin(), monomial.end());
  return result;
}

std::optional<Poly>
Poly::substitute(const std::map<const Axis *, Poly> &with) const {
  Poly result;
  for (const auto &[monomial, factor] : terms) {
    std::optional<Poly> product = Poly(factor);
    for (const Axis *axis : monomial) {
      auto it = with.find(axis);
      product = mul(*product, it == with.end() ? Poly(axis) : it->second);
      if (!product)
        return std::nullopt;
    }
    std::optional<Poly> sum = add(result, *product, 1);
    if (!sum)
      return std::nullopt;
    result = std::move(*sum);
  }
  return result;
}

std::string Poly::str() const {
  if (terms.empty())
    return "0";
  std::string out;
  for (const auto &[monomial, factor] : terms) {
    int64_t shown = factor;
    if (!out.empty()) {
      out += factor < 0 ? " - " : " + ";
      // The lowest number has no positive counterpart.
      shown = factor < 0 && factor != INT64_MIN ? -factor : factor;
    }
    std::string product;
    for (const Axis *axis : monomial)
      product += (product.empty() ? "" : "*") + axis->name;
    if (product.empty())
      out += std::to_string(shown);
    else if (shown == 1)
      out += product;
    else
      out += fmt::format("{}*{}", shown, product);
  }
  return out;
}
