// Expressions.cpp - names, operators, look-ups, binders and conversions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

Value Emitter::constant(double value, rnn::ValueType type, SourceRange range) {
  return rnn::ConstantOp::create(builder, loc(range), type, value).getResult();
}

Value Emitter::asReal(Thing thing, SourceRange range) {
  rnn::ValueType type = thing.type();
  if (!type) {
    if (thing)
      unsupported(range, "this where numbers are needed");
    return {};
  }
  if (type.isReal())
    return thing.value;
  // The steps of a time axis are counted along it.
  auto place = dyn_cast<BlockArgument>(thing.value);
  bool bound = type.isIndex() && type.getIndexAxis().isTime() && place &&
               places.contains(place);
  if (bound)
    return make<rnn::LookupOp>(range, stepNumbers(type.getIndexAxis(), range),
                               place)
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
    unsupported(range, "this where a value is needed");
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
      return unsupported(range, "`only` of something not constant").value;
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
      return unsupported(range, "a list of more axes").value;
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
  return unsupported(range, "a record without a labelled axis").value;
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
      return unsupported(node.range, "a state here");
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
      return unsupported(node.range, "a part of a distribution");
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

Thing Emitter::index(const ast::Index &node, Env &env) {
  Thing base = expr(*node.base, env);
  return base ? indexRest(base, node.indices, node.range, env) : Thing();
}

Thing Emitter::indexRest(Thing base, llvm::ArrayRef<ast::ExprPtr> indices,
                         SourceRange range, Env &env) {
  while (!indices.empty()) {
    if (!base.type() || !base.type().getRank())
      return unsupported(range, "a look-up here");
    const ast::Expr &one = *indices.front();
    indices = indices.drop_front();
    if (one.kind != ast::Expr::Kind::Slice) {
      base = indexOne(base, one, range, env);
      if (!base)
        return {};
      continue;
    }
    base.value = slice(base.value, ast::as<ast::Slice>(one), env);
    auto isWhole = [](const ast::ExprPtr &index) {
      const auto *part = ast::dynAs<ast::Slice>(*index);
      return part && !part->from && !part->to;
    };
    if (!base.value || llvm::all_of(indices, isWhole))
      return base.value ? base : Thing();
    // What follows is for each entry of the part.
    return bindOver(rnn::BindKind::For, base.type().getAxes().front(), range,
                    [&](Value place) {
                      Thing row = make<rnn::LookupOp>(range, base.value, place);
                      return row ? indexRest(row, indices, range, env) : row;
                    });
  }
  return base;
}

/// Part of the first axis.
Value Emitter::slice(Value value, const ast::Slice &node, Env &env) {
  auto from = cast<rnn::ValueType>(value.getType());
  if (!node.from && !node.to)
    return value;
  rnn::AxisAttr whole = from.getAxes().front();
  std::optional<Size> first =
      node.from ? size(*node.from, env) : Size(int64_t(0));
  std::optional<Size> end = node.to ? size(*node.to, env) : sizeOf(whole);
  if (!first || !end)
    return {};
  rnn::AxisAttr begin = axis(*first, node.range);
  rnn::AxisAttr part = axis(end->add(*first, -1), node.range);
  if (!begin || !part)
    return {};
  if (whole.isTime() || part.isTime() || begin.isTime() || !part.getSize() ||
      begin.getSize() + part.getSize() > whole.getSize())
    return error("E136", node.range, "there is no such part of the axis",
                 whole.getName().str() + " does not have these entries")
        .value;
  llvm::SmallVector<rnn::AxisAttr> list(from.getAxes());
  list.front() = part;
  return rnn::SliceOp::create(builder, loc(node.range), from.withAxes(list),
                              value, begin.getSize())
      .getResult();
}

Thing Emitter::indexOne(const Thing &base, const ast::Expr &one,
                        SourceRange range, Env &env) {
  rnn::AxisAttr axis = base.type().getAxes().front();
  const AxisInfo *info = sizeOf(axis).axis();
  // `W[f]` with a label of the first axis.
  const auto *name = ast::dynAs<ast::NameRef>(one);
  bool isValue = name && (env.values.count(name->name) ||
                          env.statePaths.count(name->name));
  if (name && !isValue && info && llvm::is_contained(info->labels, name->name))
    return label(base.value, name->name, one.range);
  Thing place = expr(one, env);
  Value value = place ? asIndex(place, axis, one.range) : Value();
  return value ? make<rnn::LookupOp>(range, base.value, value) : Thing();
}

/// The numbers of a list, if all are known; `shape` of what was read before.
bool Emitter::numbersOf(const ast::List &node, Env &env,
                        llvm::SmallVectorImpl<double> &numbers,
                        llvm::SmallVectorImpl<int64_t> &shape, size_t depth) {
  int64_t count = node.items.size();
  if (depth == shape.size())
    shape.push_back(count);
  if (shape[depth] != count)
    return false;
  for (const ast::ExprPtr &item : node.items) {
    if (const auto *inner = ast::dynAs<ast::List>(*item)) {
      if (!numbersOf(*inner, env, numbers, shape, depth + 1))
        return false;
      continue;
    }
    std::optional<double> value = number(*item, env);
    if (!value || depth + 1 != shape.size())
      return false;
    numbers.push_back(*value);
  }
  return true;
}

Thing Emitter::list(const ast::List &node, Env &env) {
  MLIRContext *context = builder.getContext();
  auto sized = [&](int64_t count) { return axis(Size(count), node.range); };
  llvm::SmallVector<double> numbers;
  llvm::SmallVector<int64_t> shape;
  Thing result;
  if (numbersOf(node, env, numbers, shape, 0)) {
    llvm::SmallVector<rnn::AxisAttr> list;
    for (int64_t count : shape)
      list.push_back(sized(count));
    result.value = rnn::TableOp::create(builder, loc(node.range),
                                        rnn::ValueType::real(context, list),
                                        builder.getDenseF64ArrayAttr(numbers))
                       .getResult();
    return result;
  }
  std::vector<Thing> items;
  for (const ast::ExprPtr &item : node.items) {
    items.push_back(expr(*item, env));
    if (!items.back())
      return {};
    if (!items.back().type())
      return unsupported(item->range, "a list of this");
  }
  rnn::ValueType common = items.front().type();
  // The index of a binder counts as a number.
  bool same = llvm::all_of(items, [&](const Thing &item) {
    return item.type() == common && !places.contains(item.value);
  });
  llvm::SmallVector<Value> values;
  for (auto [item, node] : llvm::zip(items, node.items)) {
    values.push_back(same ? item.value : asReal(item, node->range));
    if (!values.back())
      return {};
  }
  auto type = cast<rnn::ValueType>(values.front().getType());
  for (Value value : values)
    if (value.getType() != type)
      return unsupported(node.range, "a list of these types");
  result.value =
      rnn::ListOp::create(builder, loc(node.range),
                          type.pushFront(sized(values.size())), values)
          .getResult();
  return result;
}

Thing Emitter::join(Value lhs, Value rhs, SourceRange range) {
  auto left = cast<rnn::ValueType>(lhs.getType());
  auto right = cast<rnn::ValueType>(rhs.getType());
  if (!left.getRank() || left.getRank() != right.getRank())
    return unsupported(range, "`++` here");
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

Thing Emitter::ifExpr(const ast::If &node, Env &env) {
  Thing condition = expr(*node.condition, env);
  Thing a = condition ? expr(*node.thenValue, env) : Thing();
  Thing b = a ? expr(*node.elseValue, env) : Thing();
  if (!b || !condition.type())
    return {};
  Value left, right;
  if (a.type() && b.type() && a.type().getKind() == b.type().getKind() &&
      a.type().getIndexAxis() == b.type().getIndexAxis()) {
    left = a.value;
    right = b.value;
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
      return unsupported(field.range, "`else` here");
    if (!value.isRecord) {
      result.fields.emplace_back(path, value.value);
      continue;
    }
    for (auto &[inner, part] : value.fields)
      result.fields.emplace_back(path + "." + inner, part);
  }
  return result;
}

Thing Emitter::as(const ast::As &node, Env &env) {
  Thing value = expr(*node.value, env);
  rnn::ValueType to = value ? type(node.type, env) : rnn::ValueType();
  rnn::ValueType from = value.type();
  if (!to || !from)
    return {};
  // `as [A, B]` says nothing about what the elements are.
  if (node.type.kind == ast::Type::Kind::Real)
    to = from.withAxes(to.getAxes());
  if (!rnn::regroup(from.getAxes(), to.getAxes()))
    return error(
        "E113", node.type.range,
        "`as` renames axes of equal size, and splits or joins products",
        rnn::spell(from) + " is not " + rnn::spell(to));
  Thing result;
  result.value =
      rnn::AsOp::create(builder, loc(node.range), to, value.value).getResult();
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
    return unsupported(node.range, "a part of an axis here");
  case ast::Expr::Kind::Member:
    return member(ast::as<ast::Member>(node), env);
  case ast::Expr::Kind::Prime: {
    const ast::Name &state = ast::as<ast::Prime>(node).state;
    auto path = env.statePaths.find(state.text);
    Thing result;
    if (path != env.statePaths.end() && env.states)
      result.value = (*env.states)[path->second].after;
    if (!result.value)
      return unsupported(node.range, "a next value here");
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
