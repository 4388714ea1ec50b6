// Recurrences.cpp - `scan`, `fold` and `unfold`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

/// The path of a state inside its cell.
static std::string relative(const Instance &cell, const std::string &path) {
  return cell.path.empty() ? path : path.substr(cell.path.size() + 1);
}

static ArrayAttr names(OpBuilder &builder, llvm::ArrayRef<StateRef> states) {
  llvm::SmallVector<llvm::StringRef> list;
  for (const StateRef &state : states)
    list.push_back(state.path);
  return builder.getStrArrayAttr(list);
}

/// A cell or layer that is used without `use`: it has no weights.
Instance *Emitter::instantiateCall(const ast::ModuleItem &module,
                                   const std::vector<ast::SizePtr> &sizes,
                                   SourceRange range, std::string path,
                                   Env &outer, llvm::ArrayRef<Value> inputs) {
  Env env = fileEnv(module.name);
  std::set<std::string> open = openSizes(module.generics, sizes, outer, env);
  for (auto [field, input] : llvm::zip(module.inputs, inputs)) {
    auto type = cast<rnn::ValueType>(input.getType());
    if (size_t(type.getRank()) >= field.type.axes.size())
      matchType(field.type, type, type.getRank() - field.type.axes.size(), env,
                open);
  }
  Instance &instance = instances.emplace_back();
  instance.path = std::move(path);
  instance.module = &module;
  instance.isCell = module.isCell;
  for (const std::string &name : open)
    if (!env.sizes.count(name))
      instance.freeTimes.push_back(name);
  instance.env = std::move(env);
  return declareBody(instance) ? &instance : nullptr;
}

Instance *Emitter::recurCell(const ast::Recur &node, Env &env,
                             llvm::ArrayRef<Value> elements) {
  auto it = env.instances.find(node.cell.text);
  if (it != env.instances.end())
    return it->second;
  if (const auto *module = find<ast::ModuleItem>(node.cell))
    return instantiateCall(*module, node.generics, node.cell.range,
                           node.cell.text, env, elements);
  contradiction(node.cell.range, "`" + node.cell.text + "` here");
  return nullptr;
}

//===----------------------------------------------------------------------===//
// States that are no real numbers
//===----------------------------------------------------------------------===//
//
// A recurrence keeps real numbers: a bit is 0 or 1, a whole number itself, an
// index 1 at its place and 0 elsewhere.

Value Emitter::stored(const ast::StateStmt &decl, Value value) {
  if (!value)
    return {};
  switch (decl.type.kind) {
  case ast::Type::Kind::Bit:
    return make<rnn::ToRealOp>(decl.range, value).value;
  case ast::Type::Kind::Int: {
    Thing number;
    number.value = value;
    Value real = asReal(number, decl.range);
    return real ? make<rnn::UnaryOp>(decl.range, rnn::UnaryKind::Round, real)
                      .value
                : Value();
  }
  case ast::Type::Kind::Index:
    return make<rnn::OneHotOp>(decl.range, value).value;
  default:
    return value;
  }
}

Value Emitter::readState(const ast::StateStmt &decl, Value value) {
  if (!value)
    return {};
  if (decl.type.kind == ast::Type::Kind::Index)
    return make<rnn::ArgMaxOp>(decl.range, value).value;
  if (decl.type.kind != ast::Type::Kind::Bit)
    return value;
  Value half =
      constant(0.5, rnn::ValueType::real(builder.getContext()), decl.range);
  return make<rnn::CompareOp>(decl.range, rnn::CompareKind::Gt, value, half)
      .value;
}

/// The declared first value of each state whose slot in `init` is empty.
bool Emitter::prepareStates(const std::map<std::string, Thing> &constants,
                            llvm::ArrayRef<StateRef> states,
                            llvm::SmallVectorImpl<Value> &init) {
  init.resize(states.size());
  for (auto [state, value] : llvm::zip(states, init)) {
    Env own = state.owner->env;
    std::set<std::string> open(state.owner->freeTimes.begin(),
                               state.owner->freeTimes.end());
    for (const ast::Field &field : state.owner->module->constants) {
      auto given = constants.find(field.name.text);
      if (given == constants.end())
        continue;
      own.values[field.name.text] = given->second;
      if (given->second.type())
        matchType(field.type, given->second.type(), 0, own, open);
    }
    rnn::ValueType stateType = type(state.decl->type, own);
    if (!stateType)
      return false;
    if (stateType.getKind() == rnn::ValueKind::Int)
      stateType = stateType.withKind(rnn::ValueKind::Real);
    if (value) {
      Thing given;
      given.value = value;
      value = asType(given, stateType, state.decl->range);
    } else {
      value = exprAs(*state.decl->first, stateType, own);
    }
    value = stored(*state.decl, value);
    if (!value)
      return false;
  }
  return true;
}

/// What is given in brackets after a cell, and what it sees of the cell around.
bool Emitter::recurConstants(const ast::Recur &node, Instance &cell,
                             const ast::ModuleItem &module, Env &env,
                             std::map<std::string, Thing> &constants) {
  if (!sortArguments(node.args, module.constants, node.range, env, constants))
    return false;
  implyConstants(cell, env, constants);
  return true;
}

bool Emitter::firstStates(const ast::Recur &node, Instance &cell,
                          const std::map<std::string, Thing> &constants,
                          Env &env, std::vector<StateRef> &states,
                          llvm::SmallVectorImpl<Value> &init) {
  collectStates(cell, states);
  init.assign(states.size(), Value());
  if (node.from) {
    Thing from = expr(*node.from, env);
    if (!from)
      return false;
    if (!from.isRecord) {
      contradiction(node.from->range, "this after `from`");
      return false;
    }
    for (auto [state, value] : llvm::zip(states, init))
      for (const auto &[path, given] : from.fields)
        if (path == relative(cell, state.path))
          value = given;
  }
  return prepareStates(constants, states, init);
}

Thing Emitter::emitStep(Instance &cell, llvm::ArrayRef<Value> elements,
                        const std::map<std::string, Thing> &constants,
                        llvm::ArrayRef<StateRef> states,
                        llvm::ArrayRef<Value> before,
                        llvm::SmallVectorImpl<Value> &after,
                        SourceRange range) {
  StateMap map;
  for (auto [state, value] : llvm::zip(states, before))
    if (!(map[state.path].before = readState(*state.decl, value)))
      return {};
  std::vector<Thing> inputs;
  for (Value element : elements) {
    Thing thing;
    thing.value = element;
    inputs.push_back(thing);
  }
  Thing out = callInstance(cell, std::move(inputs), constants, &map, range);
  if (!out)
    return {};
  for (const StateRef &state : states) {
    Value next = map[state.path].after;
    if (!next)
      return error("E999", range, "the step sets no next `" + state.path + "`",
                   "cannot be compiled");
    after.push_back(stored(*state.decl, next));
    if (!after.back())
      return {};
  }
  return out;
}

Thing Emitter::scanCell(Instance &cell, rnn::AxisAttr axis,
                        llvm::ArrayRef<Value> over, llvm::ArrayRef<Value> held,
                        const std::map<std::string, Thing> &constants,
                        llvm::ArrayRef<StateRef> states,
                        llvm::ArrayRef<Value> init, bool reverse,
                        SourceRange range, Thing &finals) {
  Region region;
  Block *block = new Block;
  region.push_back(block);
  llvm::SmallVector<Value> elements, before, after, perStep;
  llvm::SmallVector<Type> outTypes;
  for (Value value : over)
    elements.push_back(block->addArgument(
        cast<rnn::ValueType>(value.getType()).dropFront(), value.getLoc()));
  elements.append(held.begin(), held.end());
  for (Value value : init)
    before.push_back(block->addArgument(value.getType(), value.getLoc()));
  Thing out;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(block);
    runs.push_back(axis);
    out = emitStep(cell, elements, constants, states, before, after, range);
    runs.pop_back();
    if (!out)
      return {};
    llvm::SmallVector<Value> outs;
    if (out.type())
      outs.push_back(out.value);
    if (out.isDist())
      perStep = changingArgs(out.value.getDefiningOp(), region);
    llvm::copy_if(perStep, std::back_inserter(outs),
                  [](Value value) { return bool(value); });
    rnn::YieldOp::create(builder, loc(range), after, outs);
    for (Value value : outs)
      outTypes.push_back(value.getType());
  }
  auto op = rnn::ScanOp::create(builder, loc(range), axis, over, init,
                                names(builder, states), reverse, outTypes);
  op.getBody().takeBody(region);
  recurrences[op] = ownPlace(range);
  finals.isRecord = true;
  for (auto [state, value] : llvm::zip(states, op.getFinals()))
    finals.fields.emplace_back(relative(cell, state.path),
                               readState(*state.decl, value));
  Thing result;
  if (out.isDist()) {
    // What each step is drawn from is said once, for all of them.
    Operation *one = out.value.getDefiningOp();
    auto next = op.getOuts().begin();
    for (Value &value : perStep)
      if (value)
        value = *next++;
    result = distAlong(axis, one, perStep, range);
    one->erase();
  } else if (!outTypes.empty()) {
    result.value = op.getOuts().front();
  }
  return result;
}

/// A place inside of the standard library is shown where it is used.
SourceRange Emitter::ownPlace(SourceRange range) const {
  auto isOwn = [&](SourceRange place) {
    return place.valid() && sources.name(place.file) != "std.rnn";
  };
  for (auto use = uses.rbegin(); use != uses.rend() && !isOwn(range); ++use)
    range = *use;
  return range;
}

/// The sequences after `over`, and their first axis.
bool Emitter::overValues(const ast::Recur &node, Env &env,
                         llvm::SmallVectorImpl<Value> &over,
                         rnn::AxisAttr &axis) {
  for (const ast::ExprPtr &one : node.over) {
    Thing thing = expr(*one, env);
    if (!thing)
      return false;
    rnn::ValueType type = thing.type();
    if (!type || !type.getRank() || (axis && type.getAxes().front() != axis)) {
      contradiction(one->range, "this after `over`");
      return false;
    }
    axis = type.getAxes().front();
    over.push_back(thing.value);
  }
  return true;
}

Thing Emitter::recur(const ast::Recur &node, Env &env) {
  if (node.op == ast::RecurOp::Unfold)
    return contradiction(node.range, "`unfold` anywhere but right of `~`");
  llvm::SmallVector<Value> over;
  rnn::AxisAttr axis;
  if (!overValues(node, env, over, axis))
    return {};
  if (node.times)
    return repeatStep(node, env);
  if (!axis)
    return contradiction(node.range, "a recurrence over nothing");
  Instance *cell = recurCell(node, env, over);
  if (!cell)
    return {};
  std::map<std::string, Thing> constants;
  const ast::ModuleItem *module = inputModule(*cell);
  std::vector<StateRef> states;
  llvm::SmallVector<Value> init;
  if (!module || !recurConstants(node, *cell, *module, env, constants) ||
      !firstStates(node, *cell, constants, env, states, init))
    return {};
  return runCell(node, *cell, axis, over, {}, constants, states, init, env);
}

/// `fold c(x) times n`: each step reads the same inputs.
Thing Emitter::repeatStep(const ast::Recur &node, Env &env) {
  std::optional<Size> count = size(*node.times, env);
  rnn::AxisAttr steps =
      count ? axis(*count, node.times->range) : rnn::AxisAttr();
  if (!steps)
    return {};
  if (steps.isTime() || !steps.getSize())
    return error("E137", node.times->range,
                 "the number of steps after `times` is fixed",
                 "cannot be compiled");
  // A cell without `use` finds its sizes from what it is given.
  Instance *cell = nullptr;
  auto found = env.instances.find(node.cell.text);
  const ast::ModuleItem *module = found == env.instances.end()
                                      ? find<ast::ModuleItem>(node.cell)
                                      : inputModule(*found->second);
  if (!module)
    return contradiction(node.cell.range, "`" + node.cell.text + "` here");
  std::map<std::string, Thing> constants;
  llvm::SmallVector<Value> held;
  if (!timesArguments(node, *module, env, held, constants) ||
      !(cell = recurCell(node, env, held)))
    return {};
  implyConstants(*cell, env, constants);
  std::vector<StateRef> states;
  llvm::SmallVector<Value> init;
  if (!firstStates(node, *cell, constants, env, states, init))
    return {};
  return runCell(node, *cell, steps, {}, held, constants, states, init, env);
}

/// Inputs, then constants, by position or by name.
bool Emitter::timesArguments(const ast::Recur &node,
                             const ast::ModuleItem &module, Env &env,
                             llvm::SmallVectorImpl<Value> &held,
                             std::map<std::string, Thing> &constants) {
  size_t position = 0;
  for (const ast::Arg &arg : node.args) {
    std::string name = arg.name.text;
    if (name.empty()) {
      size_t slot = position++, inputs = module.inputs.size();
      name = slot < inputs ? module.inputs[slot].name.text
                           : module.constants[slot - inputs].name.text;
    }
    Thing thing = expr(*arg.value, env);
    if (!thing)
      return false;
    constants[name] = std::move(thing);
  }
  for (const ast::Field &field : module.inputs) {
    Thing input = constants[field.name.text];
    constants.erase(field.name.text);
    if (!input.type()) {
      contradiction(node.range, "this for `" + field.name.text + "`");
      return false;
    }
    // A number stands for an index where one is read.
    if (input.literal && field.type.kind == ast::Type::Kind::Index) {
      auto used = env.instances.find(node.cell.text);
      Env own = used == env.instances.end() ? fileEnv(module.name)
                                            : used->second->env;
      if (used == env.instances.end())
        openSizes(module.generics, node.generics, env, own);
      rnn::ValueType formal = type(field.type, own);
      input.value = formal ? asType(input, formal, node.range) : Value();
      if (!input.value)
        return false;
    }
    held.push_back(input.value);
  }
  return true;
}

Thing Emitter::runCell(const ast::Recur &node, Instance &cell,
                       rnn::AxisAttr axis, llvm::ArrayRef<Value> over,
                       llvm::ArrayRef<Value> held,
                       const std::map<std::string, Thing> &constants,
                       llvm::ArrayRef<StateRef> states,
                       llvm::ArrayRef<Value> init, Env &env) {
  Thing finals;
  size_t before = diags.all().size();
  Thing outs = scanCell(cell, axis, over, held, constants, states, init,
                        node.backward, node.range, finals);
  if (!finals.isRecord)
    return {};
  if (!node.finalName.empty())
    env.values[node.finalName.text] = finals;
  if (node.op == ast::RecurOp::Fold)
    return finals;
  if (!outs && diags.all().size() == before)
    return contradiction(node.range, "a scan that gives nothing");
  return outs;
}

/// Reads `start`, `stop` and `max`.
bool Emitter::unfoldEnds(const ast::Recur &node, rnn::ValueType element,
                         Env &env, UnfoldEnds &ends) {
  auto whole = [&](const ast::ExprPtr &given, IntegerAttr &attr) {
    if (!given)
      return true;
    std::optional<double> value = number(*given, env);
    if (!value || *value < 0 || *value != double(int64_t(*value))) {
      notFixed(given->range, "a symbol or length of `unfold`");
      return false;
    }
    attr = builder.getI64IntegerAttr(int64_t(*value));
    return true;
  };
  if (!whole(node.stop, ends.stop) || !whole(node.maxSteps, ends.max))
    return false;
  if (!node.start) {
    contradiction(node.range, "`unfold` without `start`");
    return false;
  }
  bool isSymbol = element.isIndex() && !element.getRank();
  if (isSymbol && number(*node.start, env)) {
    if (!whole(node.start, ends.start))
      return false;
  } else if (!(ends.first = asType(expr(*node.start, env), element,
                                   node.start->range))) {
    return false;
  }
  for (IntegerAttr symbol : {ends.start, ends.stop})
    if (symbol && symbol.getInt() >= element.getIndexAxis().getSize()) {
      error("E125", node.range, "the index lies outside of its axis",
            "start or stop is no symbol");
      return false;
    }
  return true;
}

/// The step of an unfold: what it draws from.
bool Emitter::unfoldBody(const ast::Recur &node, Instance &cell,
                         rnn::ValueType sequence, llvm::ArrayRef<Value> over,
                         const std::map<std::string, Thing> &constants,
                         llvm::ArrayRef<StateRef> states,
                         llvm::ArrayRef<Value> init, Region &region) {
  Block *block = new Block;
  region.push_back(block);
  llvm::SmallVector<Value> elements, before, after;
  elements.push_back(block->addArgument(sequence.dropFront(), loc(node.range)));
  for (Value value : over)
    elements.push_back(block->addArgument(
        cast<rnn::ValueType>(value.getType()).dropFront(), value.getLoc()));
  for (Value value : init)
    before.push_back(block->addArgument(value.getType(), value.getLoc()));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(block);
  runs.push_back(sequence.getAxes().front());
  Thing out =
      emitStep(cell, elements, constants, states, before, after, node.range);
  runs.pop_back();
  if (out && !out.isDist())
    contradiction(node.range, "`unfold` of a cell that draws nothing");
  if (!out || !out.isDist())
    return false;
  rnn::YieldOp::create(builder, loc(node.range), after, out.value);
  return true;
}

Thing Emitter::unfold(const ast::Recur &node, rnn::ValueType sequence,
                      Env &env) {
  llvm::SmallVector<Value> over;
  rnn::AxisAttr axis;
  if (!overValues(node, env, over, axis))
    return {};
  if (!sequence.getRank() || (axis && sequence.getAxes().front() != axis))
    return contradiction(node.range, "`unfold` of this output");
  Instance *cell = recurCell(node, env, {});
  UnfoldEnds ends;
  if (!cell || !unfoldEnds(node, sequence.dropFront(), env, ends))
    return {};
  std::map<std::string, Thing> constants;
  const ast::ModuleItem *module = inputModule(*cell);
  std::vector<StateRef> states;
  llvm::SmallVector<Value> init;
  Region region;
  if (!module || !recurConstants(node, *cell, *module, env, constants) ||
      !firstStates(node, *cell, constants, env, states, init) ||
      !unfoldBody(node, *cell, sequence, over, constants, states, init, region))
    return {};
  llvm::SmallVector<Type> types = {rnn::DistType::get(
      builder.getContext(), rnn::DistKind::Unfold, sequence)};
  for (Value value : init)
    types.push_back(value.getType());
  auto op = rnn::UnfoldOp::create(builder, loc(node.range), types, over, init,
                                  ends.first, names(builder, states),
                                  ends.start, ends.stop, ends.max);
  op.getBody().takeBody(region);
  if (!node.finalName.empty()) {
    Thing &finals = env.values[node.finalName.text] = Thing();
    finals.isRecord = true;
    for (auto [state, value] : llvm::zip(states, op.getFinals()))
      finals.fields.emplace_back(relative(*cell, state.path),
                                 readState(*state.decl, value));
  }
  Thing result;
  result.value = op.getResult();
  return result;
}
