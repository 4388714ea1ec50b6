// Values.cpp - a value as the type that is wanted, and plain numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

Value Emitter::constant(double value, rnn::ValueType type, SourceRange range) {
  return rnn::ConstantOp::create(builder, loc(range), type, value).getResult();
}

/// Whether this is the index of a binder along time.
bool Emitter::isPlaceInTime(const Thing &thing) const {
  rnn::ValueType type = thing.type();
  return type && type.isIndex() && type.getIndexAxis().isTime() &&
         places.contains(thing.value);
}

/// 1 where the steps of the axis are this one.
Thing Emitter::onehotOfPlace(Value place, SourceRange range) {
  rnn::AxisAttr axis = cast<rnn::ValueType>(place.getType()).getIndexAxis();
  Thing here;
  here.value = place;
  return bindOver(rnn::BindKind::For, axis, range, [&](Value other) {
    Thing there;
    there.value = other;
    Value a = asReal(there, range), b = a ? asReal(here, range) : Value();
    if (!b)
      return Thing();
    Value same = make<rnn::CompareOp>(range, rnn::CompareKind::Eq, a, b).value;
    rnn::ValueType number = rnn::ValueType::real(builder.getContext());
    return same ? make<rnn::SelectOp>(range, same, constant(1, number, range),
                                      constant(0, number, range))
                : Thing();
  });
}

/// The index of a binder along time, which only looks up, as a value of its
/// own.
Thing Emitter::settled(Thing thing, SourceRange range) {
  if (!isPlaceInTime(thing))
    return thing;
  Thing row = onehotOfPlace(thing.value, range);
  return row ? make<rnn::ArgMaxOp>(range, row.value) : Thing();
}

Value Emitter::asReal(Thing thing, SourceRange range) {
  rnn::ValueType type = thing.type();
  if (!type) {
    if (thing)
      contradiction(range, "this where numbers are needed");
    return {};
  }
  if (type.isReal())
    return thing.value;
  // The steps of a time axis are counted along it.
  if (isPlaceInTime(thing))
    return make<rnn::LookupOp>(range, stepNumbers(type.getIndexAxis(), range),
                               thing.value)
        .value;
  return make<rnn::ToRealOp>(range, thing.value).value;
}

Value Emitter::real(const ast::Expr &node, Env &env) {
  return asReal(expr(node, env), node.range);
}

Value Emitter::asIndex(Thing thing, rnn::AxisAttr axis, SourceRange range) {
  if (!thing.literal)
    return thing.value;
  double value = *thing.literal;
  if (value != std::floor(value) || value < 0 ||
      (!axis.isTime() && value >= double(axis.getSize()))) {
    error("E125", range, "the index lies outside of its axis",
          axis.getName().str() + " has no such entry");
    return {};
  }
  return constant(value,
                  rnn::ValueType::get(builder.getContext(), {},
                                      rnn::ValueKind::Index, axis),
                  range);
}

/// Repeats a value along the leading axes that it lacks.
Value Emitter::broadcast(Value value, rnn::ValueType type, SourceRange range) {
  auto from = cast<rnn::ValueType>(value.getType());
  if (from == type)
    return value;
  if (rnn::suffixType(type, from) != type || from.getKind() != type.getKind() ||
      from.getIndexAxis() != type.getIndexAxis()) {
    error("E999", range,
          rnn::spell(from) + " cannot become " + rnn::spell(type),
          "found while compiling");
    return {};
  }
  if (auto op = value.getDefiningOp<rnn::ConstantOp>())
    return constant(op.getValue().convertToDouble(), type, range);
  if (type.isReal())
    return make<rnn::BinaryOp>(range, rnn::BinaryKind::Add,
                               constant(0, type, range), value)
        .value;
  rnn::AxisAttr axis = type.getAxes().front();
  return bindOver(rnn::BindKind::For, axis, range,
                  [&](Value) {
                    Thing thing;
                    thing.value = broadcast(value, type.dropFront(), range);
                    return thing;
                  })
      .value;
}

Value Emitter::asType(Thing thing, rnn::ValueType type, SourceRange range) {
  if (!thing)
    return {};
  if (thing.literal && !type.isReal())
    return constant(*thing.literal, type, range);
  if (type.isReal()) {
    Value value = asReal(thing, range);
    return value ? broadcast(value, type, range) : Value();
  }
  if (!thing.type()) {
    contradiction(range, "this where a value is needed");
    return {};
  }
  return broadcast(thing.value, type, range);
}

/// A value put together from one for each entry of the axis at `position`.
Value Emitter::perEntry(
    rnn::ValueType type, unsigned position, SourceRange range,
    llvm::function_ref<Value(Value, rnn::ValueType)> entry) {
  rnn::AxisAttr axis = type.getAxes().front();
  return bindOver(rnn::BindKind::For, axis, range,
                  [&](Value index) {
                    Thing thing;
                    thing.value = position
                                      ? perEntry(type.dropFront(), position - 1,
                                                 range, entry)
                                      : entry(index, type.dropFront());
                    return thing;
                  })
      .value;
}

/// An expression where a value of a known type is needed: a first value.
Value Emitter::exprAs(const ast::Expr &node, rnn::ValueType type, Env &env) {
  SourceRange range = node.range;
  auto equals = [&](Value index, double value) {
    auto kind = cast<rnn::ValueType>(index.getType());
    return make<rnn::CompareOp>(range, rnn::CompareKind::Eq, index,
                                constant(value, kind, range))
        .value;
  };
  const auto *call = ast::dynAs<ast::Call>(node);
  if (call && call->callee.text == "only" && call->args.size() == 1 &&
      type.getRank()) {
    std::optional<double> place = number(*call->args[0].value, env);
    if (!place)
      return contradiction(range, "`only` of something not constant").value;
    return perEntry(
        type, type.getRank() - 1, range, [&](Value index, rnn::ValueType rest) {
          return make<rnn::SelectOp>(range, equals(index, *place),
                                     constant(0, rest, range),
                                     constant(-INFINITY, rest, range))
              .value;
        });
  }
  // The entries of a list have no names.
  if (ast::dynAs<ast::List>(node)) {
    Thing value = expr(node, env);
    Value real = value ? asReal(value, range) : Value();
    rnn::ValueType from =
        real ? cast<rnn::ValueType>(real.getType()) : rnn::ValueType();
    if (!real)
      return {};
    if (from.getRank() > type.getRank())
      return contradiction(range, "a list of more axes").value;
    rnn::ValueType to = rnn::ValueType::real(
        builder.getContext(), type.getAxes().take_back(from.getRank()));
    for (auto [a, b] : llvm::zip(from.getAxes(), to.getAxes()))
      if (a.getSize() != b.getSize())
        return error("E121", range, "the first value does not fit",
                     "this is " + rnn::spell(from))
            .value;
    value.value = rnn::AsOp::create(builder, loc(range), to, real).getResult();
    return asType(value, type, range);
  }
  const auto *record = ast::dynAs<ast::Record>(node);
  if (!record)
    return asType(expr(node, env), type, range);
  for (auto [position, axis] : llvm::enumerate(type.getAxes())) {
    const AxisInfo *info = sizeOf(axis).axis();
    if (!info || info->labels.empty())
      continue;
    return perEntry(
        type, position, range, [&](Value index, rnn::ValueType rest) -> Value {
          Value result;
          // The `else` first, so that each named field is asked before it.
          for (bool named : {false, true})
            for (const ast::Record::Field &field : record->fields) {
              if (field.path.empty() == named)
                continue;
              Value value = exprAs(*field.value, rest, env);
              if (!value)
                return {};
              if (!named || !result) {
                result = value;
                continue;
              }
              auto label = llvm::find(info->labels, field.path[0].text);
              Value hit = equals(index, label - info->labels.begin());
              if (!hit)
                return {};
              result = make<rnn::SelectOp>(range, hit, value, result).value;
            }
          return result;
        });
  }
  return contradiction(range, "a record without a labelled axis").value;
}

std::optional<double> Emitter::number(const ast::Expr &node, Env &env) {
  switch (node.kind) {
  case ast::Expr::Kind::Number:
    return ast::as<ast::Number>(node).value;
  case ast::Expr::Kind::NameRef: {
    const std::string &name = ast::as<ast::NameRef>(node).name;
    if (env.values.count(name))
      return env.values[name].literal;
    if (auto it = env.numbers.find(name); it != env.numbers.end())
      return it->second;
    if (auto it = env.sizes.find(name); it != env.sizes.end())
      if (std::optional<int64_t> value = it->second.value())
        return double(*value);
    return std::nullopt;
  }
  case ast::Expr::Kind::Neg: {
    std::optional<double> value = number(*ast::as<ast::Neg>(node).value, env);
    return value ? std::optional<double>(-*value) : std::nullopt;
  }
  case ast::Expr::Kind::Power: {
    const auto &power = ast::as<ast::Power>(node);
    std::optional<double> a = number(*power.base, env),
                          b = number(*power.exponent, env);
    return a && b ? std::optional<double>(std::pow(*a, *b)) : std::nullopt;
  }
  case ast::Expr::Kind::Call: {
    const auto &call = ast::as<ast::Call>(node);
    if (call.args.size() != 1)
      return std::nullopt;
    std::optional<double> a = number(*call.args[0].value, env);
    if (!a)
      return std::nullopt;
    if (call.callee.text == "sqrt")
      return std::sqrt(*a);
    if (call.callee.text == "log")
      return std::log(*a);
    if (call.callee.text == "exp")
      return std::exp(*a);
    if (call.callee.text == "floor")
      return std::floor(*a);
    if (call.callee.text == "ceil")
      return std::ceil(*a);
    if (call.callee.text == "round")
      return std::nearbyint(*a);
    return std::nullopt;
  }
  case ast::Expr::Kind::Binary: {
    const auto &binary = ast::as<ast::Binary>(node);
    std::optional<double> a = number(*binary.lhs, env),
                          b = number(*binary.rhs, env);
    if (!a || !b)
      return std::nullopt;
    switch (binary.op) {
    case ast::BinaryOp::Add:
      return *a + *b;
    case ast::BinaryOp::Sub:
      return *a - *b;
    case ast::BinaryOp::Mul:
      return *a * *b;
    case ast::BinaryOp::Div:
      return *a / *b;
    default:
      return std::nullopt;
    }
  }
  default:
    return std::nullopt;
  }
}
