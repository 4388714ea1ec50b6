// Constant.cpp - numbers that are known when compiling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Constant.h"

#include <cmath>

using namespace rnnc;
using namespace rnnc::ast;

static std::optional<double> finiteOrNone(double value) {
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

/// A function of one number, as when the program is compiled.
static std::optional<double>
called(const Call &call, const std::map<std::string, int64_t> &dims) {
  static const std::map<std::string, double (*)(double)> functions = {
      {"sqrt", std::sqrt},   {"log", std::log},   {"exp", std::exp},
      {"floor", std::floor}, {"ceil", std::ceil}, {"round", std::nearbyint}};
  auto it = functions.find(call.callee.text);
  if (it == functions.end() || call.args.size() != 1)
    return std::nullopt;
  std::optional<double> value = constantOf(*call.args[0].value, dims);
  return value ? finiteOrNone(it->second(*value)) : value;
}

std::optional<double>
rnnc::constantOf(const Expr &expr, const std::map<std::string, int64_t> &dims) {
  if (const auto *number = dynAs<Number>(expr))
    return number->value;
  if (const auto *ref = dynAs<NameRef>(expr)) {
    auto it = dims.find(ref->name);
    return it == dims.end() ? std::nullopt
                            : finiteOrNone(static_cast<double>(it->second));
  }
  if (const auto *neg = dynAs<Neg>(expr)) {
    std::optional<double> value = constantOf(*neg->value, dims);
    return value ? finiteOrNone(-*value) : value;
  }
  if (const auto *power = dynAs<Power>(expr)) {
    std::optional<double> a = constantOf(*power->base, dims);
    std::optional<double> b = constantOf(*power->exponent, dims);
    return a && b ? finiteOrNone(std::pow(*a, *b)) : std::nullopt;
  }
  if (const auto *call = dynAs<Call>(expr))
    return called(*call, dims);
  const auto *binary = dynAs<Binary>(expr);
  if (!binary)
    return std::nullopt;
  std::optional<double> a = constantOf(*binary->lhs, dims);
  std::optional<double> b = constantOf(*binary->rhs, dims);
  if (!a || !b)
    return std::nullopt;
  switch (binary->op) {
  case BinaryOp::Add:
    return finiteOrNone(*a + *b);
  case BinaryOp::Sub:
    return finiteOrNone(*a - *b);
  case BinaryOp::Mul:
    return finiteOrNone(*a * *b);
  case BinaryOp::Div:
    return finiteOrNone(*a / *b);
  default:
    return std::nullopt;
  }
}
