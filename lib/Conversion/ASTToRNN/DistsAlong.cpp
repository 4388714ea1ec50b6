// DistsAlong.cpp - a distribution for each entry of an axis: what a binder or a
// scan gives whose body ends with one.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arguments are collected along the axis, and one distribution is made of
// all of them: its leading axes are independent draws.
#include "Emitter.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

static rnn::ValueType drawnBy(Operation *dist) {
  return cast<rnn::DistType>(dist->getResult(0).getType()).getValue();
}

static bool isOfTwo(Operation *dist) {
  auto op = dyn_cast<rnn::DistOp>(dist);
  return op && (op.getKind() == rnn::DistKind::Normal ||
                op.getKind() == rnn::DistKind::Laplace);
}

/// The arguments that `body` computes, at its end; null for those that are the
/// same for all entries.
llvm::SmallVector<Value> Emitter::changingArgs(Operation *dist, Region &body) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(dist);
  llvm::SmallVector<Value> changing;
  for (Value arg : dist->getOperands()) {
    bool isInside = isWithin(arg.getParentRegion(), &body);
    // A number is written again where it is needed.
    if (!isInside || arg.getDefiningOp<rnn::ConstantOp>()) {
      changing.push_back({});
      continue;
    }
    // A scale for each entry would be taken for one along the last axis.
    if (isOfTwo(dist))
      arg = broadcast(arg, drawnBy(dist).withKind(rnn::ValueKind::Real),
                      SourceRange());
    changing.push_back(arg);
  }
  return changing;
}

/// `for t in T: normal(m[t], 1)`.
Thing Emitter::bindDist(rnn::AxisAttr axis, Region &body, Value dist,
                        SourceRange range) {
  Operation *one = dist.getDefiningOp();
  if (!isa<rnn::DistOp, rnn::LawOp>(one))
    return contradiction(range, "a binder over this distribution");
  llvm::SmallVector<Value> args = changingArgs(one, body);
  for (Value &arg : args) {
    if (!arg)
      continue;
    auto type = cast<rnn::ValueType>(arg.getType());
    auto op = rnn::BindOp::create(builder, loc(range), type.pushFront(axis),
                                  rnn::BindKind::For, axis);
    IRMapping map;
    body.cloneInto(&op.getBody(), map);
    map.lookup(dist).getDefiningOp()->erase();
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&op.getBody().front());
    rnn::YieldOp::create(builder, loc(range), ValueRange(), map.lookup(arg));
    arg = op.getResult();
  }
  return distAlong(axis, one, args, range);
}

/// `args` run along the axis; those that are null are the same for all.
Thing Emitter::distAlong(rnn::AxisAttr axis, Operation *dist,
                         llvm::ArrayRef<Value> args, SourceRange range) {
  llvm::SmallVector<Value> all(args);
  for (auto [arg, same] : llvm::zip(all, dist->getOperands())) {
    if (arg)
      continue;
    auto number = same.getDefiningOp<rnn::ConstantOp>();
    arg = number ? constant(number.getValue().convertToDouble(),
                            number.getType(), range)
                 : same;
  }
  if (auto law = dyn_cast<rnn::LawOp>(dist))
    return lawAlong(axis, law, all, range);
  auto op = cast<rnn::DistOp>(dist);
  rnn::ValueType drawn = drawnBy(dist).pushFront(axis);
  rnn::ValueType first = cast<rnn::ValueType>(all[0].getType()), wanted;
  if (isOfTwo(dist)) {
    rnn::ValueType both =
        rnn::suffixType(first, cast<rnn::ValueType>(all[1].getType()));
    if (!both || both.getAxes() != drawn.getAxes())
      wanted = drawn;
  } else if (!args[0]) {
    wanted = first.pushFront(axis);
  }
  if (wanted && !(all[0] = broadcast(all[0], wanted, range)))
    return {};
  Thing result;
  result.value = rnn::DistOp::create(builder, loc(range),
                                     rnn::DistType::get(builder.getContext(),
                                                        op.getKind(), drawn),
                                     op.getKind(), all, op.getSmooth())
                     .getResult();
  return result;
}

/// One part of a law: `types` are those of what it reads now, along the axis
/// where they have one axis more than before.
void Emitter::lawPartAlong(rnn::AxisAttr axis, Region &part,
                           llvm::ArrayRef<Type> types, Region &result,
                           SourceRange range) {
  Block &before = part.front(), *block = new Block;
  result.push_back(block);
  for (auto [type, argument] : llvm::zip_equal(types, before.getArguments()))
    block->addArgument(type, argument.getLoc());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(block);
  Thing all = bindOver(rnn::BindKind::For, axis, range, [&](Value place) {
    IRMapping map;
    for (auto [now, was] :
         llvm::zip(block->getArguments(), before.getArguments()))
      map.map(was, now.getType() == was.getType()
                       ? Value(now)
                       : make<rnn::LookupOp>(range, now, place).value);
    for (Operation &op : before.without_terminator())
      builder.clone(op, map);
    Thing one;
    one.value = map.lookupOrDefault(rnn::LawOp::yielded(part));
    return one;
  });
  rnn::YieldOp::create(builder, loc(range), ValueRange(), all.value);
}

Thing Emitter::lawAlong(rnn::AxisAttr axis, rnn::LawOp law,
                        llvm::ArrayRef<Value> args, SourceRange range) {
  rnn::ValueType drawn = drawnBy(law).pushFront(axis);
  llvm::SmallVector<Type> types;
  for (Value arg : args)
    types.push_back(arg.getType());
  auto op = rnn::LawOp::create(
      builder, loc(range),
      rnn::DistType::get(builder.getContext(), rnn::DistKind::Law, drawn),
      law.getName(), args);
  // A mode or a draw as long as the arguments say has no place among others.
  bool hasMode = law.hasMode() && law.getModeType() == drawnBy(law);
  bool hasSample =
      !law.getSample().empty() &&
      rnn::LawOp::yielded(law.getSample()).getType() == drawnBy(law);
  if (hasMode)
    lawPartAlong(axis, law.getMode(), types, op.getMode(), range);
  if (hasSample)
    lawPartAlong(axis, law.getSample(), types, op.getSample(), range);
  types.push_back(drawn);
  lawPartAlong(axis, law.getLogp(), types, op.getLogp(), range);
  Thing result;
  result.value = op.getResult();
  return result;
}
