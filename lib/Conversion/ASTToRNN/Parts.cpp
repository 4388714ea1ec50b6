// Parts.cpp - look-ups, parts of axes, lists, and other axes for the same
// entries. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

/// Whether a value is made of the index of a binder around.
static bool dependsOn(Value value, Value place) {
  Region *body = place.getParentRegion();
  llvm::SmallVector<Value> open = {value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (next == place)
      return true;
    if (!isWithin(next.getParentRegion(), body))
      continue;
    Operation *op = next.getDefiningOp();
    if (!op) // what a recurrence reads; one that is being made may read it
      op = cast<BlockArgument>(next).getOwner()->getParentOp();
    if (!op)
      return true;
    if (!seen.insert(op).second)
      continue;
    op->walk([&](Operation *inner) {
      llvm::append_range(open, inner->getOperands());
    });
  }
  return false;
}

Thing Emitter::index(const ast::Index &node, Env &env) {
  Thing base = expr(*node.base, env);
  return base ? indexRest(base, node.indices, node.range, env) : Thing();
}

Thing Emitter::indexRest(Thing base, llvm::ArrayRef<ast::ExprPtr> indices,
                         SourceRange range, Env &env) {
  while (!indices.empty()) {
    if (!base.type() || !base.type().getRank())
      return contradiction(range, "a look-up here");
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
  // Of what belongs to this step already, the place is an entry like any other.
  if (isPlaceInTime(place) && dependsOn(base.value, place.value))
    place = settled(place, one.range);
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
      return contradiction(item->range, "a list of this");
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
      return contradiction(node.range, "a list of these types");
  result.value =
      rnn::ListOp::create(builder, loc(node.range),
                          type.pushFront(sized(values.size())), values)
          .getResult();
  return result;
}

Thing Emitter::as(const ast::As &node, Env &env) {
  Thing value = settled(expr(*node.value, env), node.value->range);
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
