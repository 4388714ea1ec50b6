// Sizes.cpp - sizes as polynomials over axes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Sizes.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::elab;

static bool earlier(const AxisInfo *a, const AxisInfo *b) {
  return a->order < b->order;
}

bool Size::Less::operator()(const std::vector<const AxisInfo *> &a,
                            const std::vector<const AxisInfo *> &b) const {
  // The constant comes last when printed.
  if (a.empty() != b.empty())
    return b.empty();
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      earlier);
}

Size::Size(int64_t constant) {
  if (constant)
    terms[{}] = constant;
}

Size::Size(const AxisInfo *axis) { terms[{axis}] = 1; }

Size Size::add(const Size &other, int64_t sign) const {
  Size result = *this;
  for (const auto &[monomial, factor] : other.terms) {
    int64_t &slot = result.terms[monomial];
    slot += sign * factor;
    if (!slot)
      result.terms.erase(monomial);
  }
  return result;
}

Size Size::mul(const Size &other) const {
  Size result;
  for (const auto &[left, leftFactor] : terms)
    for (const auto &[right, rightFactor] : other.terms) {
      std::vector<const AxisInfo *> product = left;
      product.insert(product.end(), right.begin(), right.end());
      std::sort(product.begin(), product.end(), earlier);
      int64_t &slot = result.terms[product];
      slot += leftFactor * rightFactor;
      if (!slot)
        result.terms.erase(product);
    }
  return result;
}

const AxisInfo *Size::axis() const {
  if (terms.size() != 1 || terms.begin()->second != 1 ||
      terms.begin()->first.size() != 1)
    return nullptr;
  return terms.begin()->first.front();
}

std::optional<int64_t> Size::value() const {
  int64_t sum = 0;
  for (const auto &[monomial, factor] : terms) {
    int64_t product = factor;
    for (const AxisInfo *axis : monomial)
      if (!axis->value || axis->isTime ||
          __builtin_mul_overflow(product, *axis->value, &product))
        return std::nullopt;
    if (__builtin_add_overflow(sum, product, &sum))
      return std::nullopt;
  }
  return sum;
}

const AxisInfo *Size::unbound() const {
  for (const auto &[monomial, factor] : terms)
    for (const AxisInfo *axis : monomial)
      if (!axis->value && !axis->isTime)
        return axis;
  return nullptr;
}

std::string Size::str() const {
  if (terms.empty())
    return "0";
  std::string text;
  for (const auto &[monomial, factor] : terms) {
    int64_t shown = factor;
    if (!text.empty()) {
      text += factor < 0 ? " - " : " + ";
      shown = factor < 0 ? -factor : factor;
    }
    std::string product;
    for (const AxisInfo *axis : monomial)
      product += (product.empty() ? "" : "*") + axis->name;
    if (product.empty())
      text += std::to_string(shown);
    else
      text += shown == 1 ? product : std::to_string(shown) + "*" + product;
  }
  return text;
}
