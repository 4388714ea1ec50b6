// Expressions.cpp - names, operators and binders.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

Thing Emitter::nameRef(const ast::NameRef &node, Env &env) {
  const std::string &name = node.name;
  if (auto it = env.values.find(name); it != env.values.end())
    return it->second;
  Thing result;
  if (auto it = env.statePaths.find(name); it != env.statePaths.end()) {
    if (!env.states || !env.states->count(it->second))
      return contradiction(node.range, "a state here");
    result.value = (*env.states)[it->second].before;
    return result;
  }
  if (auto it = env.instances.find(name); it != env.instances.end()) {
    result.instance = it->second;
    return result;
  }
  if (std::optional<double> value = number(node, env)) {
    result.literal = value;
    result.value = constant(*value, rnn::ValueType::real(builder.getContext()),
                            node.range);
    return result;
  }
  if (auto it = env.sizes.find(name); it != env.sizes.end()) {
    axis(it->second, node.range); // Says which dim has no value.
    return {};
  }
  return error("E999", node.range, "`" + name + "` is not known here",
               "cannot be compiled");
}

Thing Emitter::label(Value value, const std::string &name, SourceRange range) {
  auto type = cast<rnn::ValueType>(value.getType());
  for (auto [position, attr] : llvm::enumerate(type.getAxes())) {
    const AxisInfo *info = sizeOf(attr).axis();
    if (!info)
      continue;
    auto it = llvm::find(info->labels, name);
    if (it != info->labels.end())
      return make<rnn::LabelOp>(range, value, uint64_t(position),
                                uint64_t(it - info->labels.begin()));
  }
  return error("E999", range, "no axis here has a label `" + name + "`",
               "cannot be compiled");
}

Thing Emitter::memberOf(const Thing &base, const ast::Name &name) {
  if (!base.isRecord)
    return label(base.value, name.text, name.range);
  Thing result;
  std::string prefix = name.text + ".";
  for (const auto &[path, value] : base.fields) {
    if (path == name.text) {
      result.value = value;
      result.isRecord = false;
      return result;
    }
    if (path.compare(0, prefix.size(), prefix) == 0) {
      result.isRecord = true;
      result.fields.emplace_back(path.substr(prefix.size()), value);
    }
  }
  if (!result.isRecord)
    return error("E017", name.range,
                 "no state here is named `" + name.text + "`",
                 "cannot be compiled");
  return result;
}

Thing Emitter::member(const ast::Member &node, Env &env) {
  Thing base = expr(*node.base, env);
  if (!base)
    return {};
  if (!base.instance) {
    if (!base.isRecord && !base.type())
      return contradiction(node.range, "a part of a distribution");
    return memberOf(base, node.member);
  }
  // A state of an inner cell, before the step.
  Thing result = base;
  result.part += (result.part.empty() ? "" : ".") + node.member.text;
  std::string path = base.instance->path + "." + result.part;
  if (env.states)
    if (auto it = env.states->find(path); it != env.states->end()) {
      Thing state;
      state.value = it->second.before;
      return state;
    }
  return result;
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

Thing Emitter::join(Value lhs, Value rhs, SourceRange range) {
  auto left = cast<rnn::ValueType>(lhs.getType());
  auto right = cast<rnn::ValueType>(rhs.getType());
  if (!left.getRank() || left.getRank() != right.getRank())
    return contradiction(range, "`++` here");
  Size sum =
      sizeOf(left.getAxes().back()).add(sizeOf(right.getAxes().back()), 1);
  rnn::AxisAttr joined = axis(sum, range);
  if (!joined)
    return {};
  llvm::SmallVector<rnn::AxisAttr> list(left.getAxes());
  list.back() = joined;
  Thing result;
  result.value =
      rnn::JoinOp::create(builder, loc(range), left.withAxes(list), lhs, rhs)
          .getResult();
  return result;
}

Thing Emitter::compare(const ast::Binary &node, Env &env) {
  Thing a = expr(*node.lhs, env);
  Thing b = a ? expr(*node.rhs, env) : Thing();
  if (!b)
    return {};
  rnn::CompareKind kind = rnn::CompareKind::Eq;
  switch (node.op) {
  case ast::BinaryOp::Lt:
    kind = rnn::CompareKind::Lt;
    break;
  case ast::BinaryOp::Gt:
    kind = rnn::CompareKind::Gt;
    break;
  case ast::BinaryOp::Le:
    kind = rnn::CompareKind::Le;
    break;
  case ast::BinaryOp::Ge:
    kind = rnn::CompareKind::Ge;
    break;
  case ast::BinaryOp::Ne:
    kind = rnn::CompareKind::Ne;
    break;
  default:
    break;
  }
  // Places on a time axis are compared as the numbers of steps, and so are
  // a place and a number.
  auto isPlace = [](const Thing &thing) {
    return thing.type() && thing.type().isIndex() &&
           !thing.type().getIndexAxis().isTime();
  };
  bool equality = kind == rnn::CompareKind::Eq || kind == rnn::CompareKind::Ne;
  auto isBit = [](const Thing &thing) {
    return thing.type() && thing.type().getKind() == rnn::ValueKind::Bit;
  };
  auto isWhole = [&](const Thing &thing) {
    return equality && thing.literal &&
           *thing.literal == std::floor(*thing.literal);
  };
  Value left, right;
  if (isPlace(a) && (isPlace(b) || isWhole(b))) {
    left = a.value;
    right = asIndex(b, a.type().getIndexAxis(), node.rhs->range);
  } else if (isPlace(b) && isWhole(a)) {
    left = asIndex(a, b.type().getIndexAxis(), node.lhs->range);
    right = b.value;
  } else if (isBit(a) && isBit(b)) {
    left = a.value;
    right = b.value;
  } else {
    left = asReal(a, node.lhs->range);
    right = left ? asReal(b, node.rhs->range) : Value();
  }
  if (!left || !right)
    return {};
  return make<rnn::CompareOp>(node.range, kind, left, right);
}

Thing Emitter::binary(const ast::Binary &node, Env &env) {
  if (ast::isComparison(node.op))
    return compare(node, env);
  if (node.op == ast::BinaryOp::And || node.op == ast::BinaryOp::Or) {
    Thing a = expr(*node.lhs, env);
    Thing b = a ? expr(*node.rhs, env) : Thing();
    if (!b)
      return {};
    return make<rnn::LogicOp>(node.range,
                              node.op == ast::BinaryOp::And
                                  ? rnn::LogicKind::And
                                  : rnn::LogicKind::Or,
                              a.value, b.value);
  }
  Value lhs = real(*node.lhs, env);
  Value rhs = lhs ? real(*node.rhs, env) : Value();
  if (!rhs)
    return {};
  switch (node.op) {
  case ast::BinaryOp::Match:
    return make<rnn::MatchOp>(node.range, lhs, rhs);
  case ast::BinaryOp::Join:
    return join(lhs, rhs, node.range);
  case ast::BinaryOp::Sub:
    return make<rnn::BinaryOp>(node.range, rnn::BinaryKind::Sub, lhs, rhs);
  case ast::BinaryOp::Mul:
    return make<rnn::BinaryOp>(node.range, rnn::BinaryKind::Mul, lhs, rhs);
  case ast::BinaryOp::Div:
    return make<rnn::BinaryOp>(node.range, rnn::BinaryKind::Div, lhs, rhs);
  default:
    return make<rnn::BinaryOp>(node.range, rnn::BinaryKind::Add, lhs, rhs);
  }
}

/// Whether an expression is a whole number, or `if` chooses among such.
static bool isWholeNumber(const ast::Expr &node) {
  if (const auto *choice = ast::dynAs<ast::If>(node))
    return isWholeNumber(*choice->thenValue) &&
           isWholeNumber(*choice->elseValue);
  const auto *number = ast::dynAs<ast::Number>(node);
  return number && number->isInteger;
}

/// A value where one of a type is wanted: whole numbers stand for indices and
/// bits.
Value Emitter::chosenAs(const ast::Expr &node, rnn::ValueType type, Env &env) {
  const auto *choice = ast::dynAs<ast::If>(node);
  if (!choice || type.isReal() || !isWholeNumber(node)) {
    Thing thing = expr(node, env);
    return thing ? asType(thing, type, node.range) : Value();
  }
  Thing condition = expr(*choice->condition, env);
  Value a =
      condition.type() ? chosenAs(*choice->thenValue, type, env) : Value();
  Value b = a ? chosenAs(*choice->elseValue, type, env) : Value();
  return b ? make<rnn::SelectOp>(node.range, condition.value, a, b).value
           : Value();
}

/// Whether a value is the index of a binder, which is a number, or one of two
/// such that `if` chooses.
bool Emitter::isPlace(Value value) const {
  if (auto choice = value.getDefiningOp<rnn::SelectOp>())
    return isPlace(choice->getOperand(1)) && isPlace(choice->getOperand(2));
  return places.contains(value);
}

/// `if` with a whole number on one side that is an index or a bit, as what
/// stands on the other side is; nothing of other kinds.
Value Emitter::besideNumber(const ast::If &node, Value condition, Env &env) {
  bool isLeft = isWholeNumber(*node.thenValue);
  const ast::Expr &number = isLeft ? *node.thenValue : *node.elseValue;
  const ast::Expr &value = isLeft ? *node.elseValue : *node.thenValue;
  Thing other = expr(value, env);
  rnn::ValueType type = other.type();
  if (!type)
    return {};
  bool isSymbol = type.getKind() == rnn::ValueKind::Bit ||
                  (type.isIndex() && !type.getIndexAxis().isTime() &&
                   !isPlace(other.value));
  Value one, two;
  if (isSymbol) {
    one = other.value;
    two = chosenAs(number, type, env);
  } else {
    one = asReal(other, value.range);
    two = one ? real(number, env) : Value();
  }
  if (!two)
    return {};
  return make<rnn::SelectOp>(node.range, condition, isLeft ? two : one,
                             isLeft ? one : two)
      .value;
}

Thing Emitter::ifExpr(const ast::If &node, Env &env) {
  Thing condition = expr(*node.condition, env);
  if (condition.type() &&
      isWholeNumber(*node.thenValue) != isWholeNumber(*node.elseValue)) {
    Thing chosen;
    chosen.value = besideNumber(node, condition.value, env);
    return chosen;
  }
  Thing a = condition ? expr(*node.thenValue, env) : Thing();
  Thing b = a ? expr(*node.elseValue, env) : Thing();
  if (!b || !condition.type())
    return {};
  Value left, right;
  if (a.type() && b.type() && a.type().getKind() == b.type().getKind() &&
      a.type().getIndexAxis() == b.type().getIndexAxis()) {
    left = settled(a, node.thenValue->range).value;
    right = left ? settled(b, node.elseValue->range).value : Value();
  } else {
    left = asReal(a, node.thenValue->range);
    right = left ? asReal(b, node.elseValue->range) : Value();
  }
  if (!left || !right)
    return {};
  return make<rnn::SelectOp>(node.range, condition.value, left, right);
}

Thing Emitter::bind(const ast::Bind &node, Env &env) {
  std::optional<Size> poly = size(*node.axis, env);
  rnn::AxisAttr attr = poly ? axis(*poly, node.axis->range) : rnn::AxisAttr();
  if (!attr)
    return {};
  static const rnn::BindKind kinds[] = {
      rnn::BindKind::For,     rnn::BindKind::Sum,       rnn::BindKind::Mean,
      rnn::BindKind::Max,     rnn::BindKind::Min,       rnn::BindKind::Prod,
      rnn::BindKind::Softmax, rnn::BindKind::LogSumExp, rnn::BindKind::ArgMax};
  rnn::BindKind kind = kinds[static_cast<int>(node.op)];
  return bindOver(kind, attr, node.range, [&](Value position) {
    // The index hides a name of the block while the body is read.
    auto hidden = env.values.extract(node.index.text);
    Thing thing;
    thing.value = position;
    env.values[node.index.text] = thing;
    Thing body = expr(*node.body, env);
    if (body && kind != rnn::BindKind::For)
      body.value = asReal(body, node.body->range);
    else if (body)
      body = settled(body, node.body->range);
    env.values.erase(node.index.text);
    if (hidden)
      env.values.insert(std::move(hidden));
    return body.value ? body : Thing();
  });
}

Thing Emitter::record(const ast::Record &node, Env &env) {
  Thing result;
  result.isRecord = true;
  for (const ast::Record::Field &field : node.fields) {
    Thing value = expr(*field.value, env);
    if (!value)
      return {};
    std::string path;
    for (const ast::Name &name : field.path)
      path += (path.empty() ? "" : ".") + name.text;
    if (path.empty())
      return contradiction(field.range, "`else` here");
    if (!value.isRecord) {
      result.fields.emplace_back(path, value.value);
      continue;
    }
    for (auto &[inner, part] : value.fields)
      result.fields.emplace_back(path + "." + inner, part);
  }
  return result;
}

Thing Emitter::expr(const ast::Expr &node, Env &env) {
  switch (node.kind) {
  case ast::Expr::Kind::Number: {
    Thing result;
    result.literal = ast::as<ast::Number>(node).value;
    result.value =
        constant(*result.literal, rnn::ValueType::real(builder.getContext()),
                 node.range);
    return result;
  }
  case ast::Expr::Kind::NameRef:
    return nameRef(ast::as<ast::NameRef>(node), env);
  case ast::Expr::Kind::Call:
    return call(ast::as<ast::Call>(node), env);
  case ast::Expr::Kind::List:
    return list(ast::as<ast::List>(node), env);
  case ast::Expr::Kind::Index:
    return index(ast::as<ast::Index>(node), env);
  case ast::Expr::Kind::Slice: // taken by the index that it stands in
    return contradiction(node.range, "a part of an axis here");
  case ast::Expr::Kind::Member:
    return member(ast::as<ast::Member>(node), env);
  case ast::Expr::Kind::Prime: {
    const ast::Name &state = ast::as<ast::Prime>(node).state;
    auto path = env.statePaths.find(state.text);
    Thing result;
    if (path != env.statePaths.end() && env.states)
      result.value = (*env.states)[path->second].after;
    if (!result.value)
      return contradiction(node.range, "a next value here");
    return result;
  }
  case ast::Expr::Kind::Power: {
    const auto &power = ast::as<ast::Power>(node);
    Value base = real(*power.base, env);
    Value exponent = base ? real(*power.exponent, env) : Value();
    if (!exponent)
      return {};
    return make<rnn::BinaryOp>(node.range, rnn::BinaryKind::Pow, base,
                               exponent);
  }
  case ast::Expr::Kind::As:
    return as(ast::as<ast::As>(node), env);
  case ast::Expr::Kind::Neg: {
    Value value = real(*ast::as<ast::Neg>(node).value, env);
    if (!value)
      return {};
    return make<rnn::UnaryOp>(node.range, rnn::UnaryKind::Neg, value);
  }
  case ast::Expr::Kind::Not: {
    Thing value = expr(*ast::as<ast::Not>(node).value, env);
    return value ? make<rnn::NotOp>(node.range, value.value) : Thing();
  }
  case ast::Expr::Kind::Binary:
    return binary(ast::as<ast::Binary>(node), env);
  case ast::Expr::Kind::If:
    return ifExpr(ast::as<ast::If>(node), env);
  case ast::Expr::Kind::Record:
    return record(ast::as<ast::Record>(node), env);
  case ast::Expr::Kind::Bind:
    return bind(ast::as<ast::Bind>(node), env);
  case ast::Expr::Kind::Recur:
    return recur(ast::as<ast::Recur>(node), env);
  }
  return {};
}
