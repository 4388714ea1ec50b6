// Builtins.cpp - built-in functions, and calls by name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include "rnnc/Dialect/RNN/Nesting.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

const ast::Expr *Emitter::argument(const ast::Call &call, size_t position,
                                   StringRef name) {
  size_t seen = 0;
  for (const ast::Arg &arg : call.args) {
    if (arg.name.empty() ? seen++ == position : arg.name.text == name)
      return arg.value.get();
  }
  return nullptr;
}

Thing Emitter::call(const ast::Call &node, Env &env) {
  const std::string &name = node.callee.text;
  if (auto it = env.instances.find(name); it != env.instances.end()) {
    std::vector<Thing> inputs;
    std::map<std::string, Thing> constants;
    if (!callArguments(*it->second, node, env, inputs, constants))
      return {};
    return callInstance(*it->second, std::move(inputs), std::move(constants),
                        env.states, node.range);
  }
  if (const auto *fn = find<ast::FnItem>(node.callee))
    return callFunction(*fn, node, env);
  if (const auto *item = find<ast::DistItem>(node.callee))
    return law(*item, node, env, {});
  if (const auto *module = find<ast::ModuleItem>(node.callee)) {
    // A layer without weights may be called by its own name.
    std::vector<ast::Given> none;
    Instance *instance =
        instantiateCall(*module, node.generics, node.range, name, env, {});
    std::vector<Thing> inputs;
    std::map<std::string, Thing> constants;
    if (!instance || !callArguments(*instance, node, env, inputs, constants))
      return {};
    return callInstance(*instance, std::move(inputs), std::move(constants),
                        env.states, node.range);
  }
  return builtin(node, env);
}

/// The axis after `tied`; `time` is that of the recurrence around.
rnn::AxisAttr Emitter::tiedAlong(const ast::Expr &node, Env &env) {
  const auto *name = ast::dynAs<ast::NameRef>(node);
  if (name && name->name == "time" && !runs.empty())
    return runs.back();
  auto it = name ? env.sizes.find(name->name) : env.sizes.end();
  if (it != env.sizes.end())
    return axis(it->second, node.range);
  contradiction(node.range, "this after `tied`");
  return {};
}

Thing Emitter::noise(const ast::Call &node, Env &env) {
  const ast::Expr *first = argument(node, 0, "x");
  const ast::Expr *from = argument(node, 1, "from");
  const ast::Expr *tied = argument(node, 2, "tied");
  const auto *dist = from ? ast::dynAs<ast::Call>(*from) : nullptr;
  std::optional<rnn::NoiseKind> kind =
      dist ? rnn::symbolizeNoiseKind(dist->callee.text) : std::nullopt;
  if (!first || !kind)
    return contradiction(node.range, "this noise");
  bool isNormal = *kind == rnn::NoiseKind::Normal;
  const ast::Expr *a = argument(*dist, 0, isNormal ? "mean" : "from");
  const ast::Expr *b = argument(*dist, 1, isNormal ? "sd" : "to");
  Value value = real(*first, env);
  Value low = value && a ? real(*a, env) : Value();
  Value high = low && b ? real(*b, env) : Value();
  if (!high)
    return {};
  rnn::AxisAttr tiedAxis;
  if (tied && !(tiedAxis = tiedAlong(*tied, env)))
    return {};
  int64_t site = sites;
  sites += isNormal ? 2 : 1;
  return make<rnn::NoiseOp>(node.range, value, *kind, low, high, uint64_t(site),
                            tiedAxis);
}

Thing Emitter::dropout(const ast::Call &node, Env &env) {
  const ast::Expr *first = argument(node, 0, "x");
  const ast::Expr *second = argument(node, 1, "p");
  const ast::Expr *tied = argument(node, 2, "tied");
  Value value = first ? real(*first, env) : Value();
  if (!value)
    return {};
  std::optional<double> p = second ? fixedNumber(*second, env) : std::nullopt;
  if (!p)
    return notFixed(second ? second->range : node.range, "`p` of `dropout`");
  if (!(*p >= 0 && *p < 1))
    return error("E117", second->range,
                 "the part that `dropout` drops is at least 0 and below 1",
                 "outside");
  rnn::AxisAttr tiedAxis;
  if (tied && !(tiedAxis = tiedAlong(*tied, env)))
    return {};
  return make<rnn::DropoutOp>(node.range, value, builder.getF64FloatAttr(*p),
                              builder.getI64IntegerAttr(sites++), tiedAxis);
}

/// What `shift` puts first. Whole numbers become real beside one that is not
/// whole.
Value Emitter::shiftedIn(const ast::Call &node, Thing &sequence, Env &env) {
  const ast::Expr *k = argument(node, 1, "k");
  Thing given = k ? expr(*k, env) : Thing();
  rnn::ValueType type = sequence.type();
  if (!given || !type.getRank())
    return {};
  bool isWhole = given.literal && *given.literal == std::floor(*given.literal);
  if (type.getKind() == rnn::ValueKind::Int && given.type() &&
      given.type().isReal() && !isWhole) {
    sequence.value = asReal(sequence, node.range);
    type = sequence.type();
  }
  return asType(given, type.dropFront(), k->range);
}

/// Running sums along the first axis; along time a state adds up, so that
/// steps and parts of a sequence go on from it.
Thing Emitter::cumsum(Value value, SourceRange range) {
  if (!value)
    return {};
  auto type = cast<rnn::ValueType>(value.getType());
  if (!type.getRank())
    return contradiction(range, "`cumsum` of this");
  if (!type.getAxes().front().isTime())
    return make<rnn::SequenceOp>(range, rnn::SequenceKind::CumSum, value,
                                 Value());
  Value zero = constant(0, type.dropFront(), range);
  std::string state = "cumsum." + std::to_string(sums++);
  auto op = rnn::ScanOp::create(builder, loc(range), type.getAxes().front(),
                                value, zero, builder.getStrArrayAttr({state}),
                                /*reverse=*/false, type.dropFront());
  recurrences[op] = ownPlace(range);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&op.getBody().front());
  Value next = make<rnn::BinaryOp>(range, rnn::BinaryKind::Add,
                                   op.getStateArgs()[0], op.getElements()[0])
                   .value;
  rnn::YieldOp::create(builder, loc(range), next, next);
  Thing result;
  result.value = op.getOuts().front();
  return result;
}

/// The numbers of the steps of a time axis, counted by a state; in front of all
/// that is emitted now, but for an axis inside of others: there are some for
/// each element.
Value Emitter::stepNumbers(rnn::AxisAttr axis, SourceRange range) {
  auto module = cast<rnn::ModuleOp>(moduleBlock->getParentOp());
  bool isInner = !rnn::Nesting(module).around(axis).empty();
  Value &numbers = counted[axis];
  if (numbers && !isInner)
    return numbers;
  OpBuilder::InsertionGuard guard(builder);
  if (!isInner)
    builder.setInsertionPointToEnd(moduleBlock);
  rnn::ValueType number = rnn::ValueType::real(builder.getContext());
  Value zero = constant(0, number, range), one = constant(1, number, range);
  auto op = rnn::ScanOp::create(
      builder, loc(range), axis, ValueRange(), zero,
      builder.getStrArrayAttr({axis.getName().str() + ".step"}),
      /*reverse=*/false, Type(number));
  recurrences[op] = ownPlace(range);
  builder.setInsertionPointToEnd(&op.getBody().front());
  Value before = op.getStateArgs()[0];
  Value next =
      make<rnn::BinaryOp>(range, rnn::BinaryKind::Add, before, one).value;
  rnn::YieldOp::create(builder, loc(range), next, before);
  return numbers = op.getOuts().front();
}

Thing Emitter::builtin(const ast::Call &node, Env &env) {
  const std::string &name = node.callee.text;
  SourceRange range = node.range;
  if (name == "dropout")
    return dropout(node, env);
  if (name == "noise")
    return noise(node, env);
  if (name == "categorical" || name == "bernoulli" || name == "normal" ||
      name == "laplace")
    return dist(node, env);

  const ast::Expr *first =
      node.args.empty() ? nullptr : node.args[0].value.get();
  if (!first)
    return contradiction(range, "`" + name + "` without arguments");
  Thing thing = expr(*first, env);
  if (!thing)
    return {};
  if (name == "onehot" && isPlaceInTime(thing))
    return onehotOfPlace(thing.value, range);
  if (name == "onehot")
    return thing.type() ? make<rnn::OneHotOp>(range, thing.value) : Thing();
  if (name == "cumsum")
    return cumsum(asReal(thing, first->range), range);
  if (name == "real") {
    thing.value = asReal(thing, range);
    return thing.value ? thing : Thing();
  }
  if (auto kind = rnn::symbolizeSequenceKind(name)) {
    if (!thing.type())
      return contradiction(range, "`" + name + "` of this");
    Value fill;
    if (*kind == rnn::SequenceKind::Shift &&
        !(fill = shiftedIn(node, thing, env)))
      return {};
    return make<rnn::SequenceOp>(range, *kind, thing.value, fill);
  }
  Value value = asReal(thing, first->range);
  if (!value)
    return {};
  if (auto kind = rnn::symbolizeUnaryKind(name))
    return make<rnn::UnaryOp>(range, *kind, value);
  if (auto kind = rnn::symbolizeReduceKind(name)) {
    double eps = 1e-5;
    if (const ast::Expr *given = argument(node, 1, "eps")) {
      std::optional<double> value = fixedNumber(*given, env);
      if (!value)
        return notFixed(given->range, "`eps` of `" + name + "`");
      eps = *value;
    }
    return make<rnn::ReduceLastOp>(range, *kind, value, llvm::APFloat(eps));
  }
  if (name == "argmax")
    return make<rnn::ArgMaxOp>(range, value);
  if (name == "stop")
    return make<rnn::StopOp>(range, value);
  if (name == "clipgrad") {
    const ast::Expr *given = argument(node, 1, "c");
    std::optional<double> limit =
        given ? fixedNumber(*given, env) : std::nullopt;
    if (!limit)
      return notFixed(given ? given->range : range, "`c` of `clipgrad`");
    return make<rnn::ClipGradOp>(range, value, llvm::APFloat(*limit));
  }
  if (name == "min" || name == "max" || name == "pow" || name == "mod") {
    const ast::Expr *other = argument(node, 1, "b");
    Value right = other ? real(*other, env) : Value();
    if (!right)
      return {};
    return make<rnn::BinaryOp>(range, *rnn::symbolizeBinaryKind(name), value,
                               right);
  }
  if (name == "clamp") {
    const ast::Expr *low = argument(node, 1, "low");
    const ast::Expr *high = argument(node, 2, "high");
    Value a = low ? real(*low, env) : Value();
    Value b = a && high ? real(*high, env) : Value();
    if (!b)
      return {};
    return make<rnn::ClampOp>(range, value, a, b);
  }
  return contradiction(node.callee.range, "`" + name + "`");
}
