// Calls.cpp - functions, layers and steps of cells, inlined where they are
// used. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

//===----------------------------------------------------------------------===//
// Generics found from arguments
//===----------------------------------------------------------------------===//

bool Emitter::matchSize(const ast::Size &formal, const Size &actual, Env &env,
                        const std::set<std::string> &open) {
  // What is no plain name is found from another argument, or checked already.
  if (formal.kind != ast::Size::Kind::Name || !open.count(formal.name))
    return true;
  auto [it, isNew] = env.sizes.try_emplace(formal.name, actual);
  if (isNew)
    if (std::optional<int64_t> value = actual.value())
      env.numbers[formal.name] = double(*value);
  return it->second == actual;
}

bool Emitter::matchType(const ast::Type &formal, rnn::ValueType actual,
                        size_t lead, Env &env,
                        const std::set<std::string> &open) {
  if (actual.getRank() != int64_t(lead + formal.axes.size()))
    return false;
  for (auto [size, attr] :
       llvm::zip(formal.axes, actual.getAxes().drop_front(lead)))
    if (!matchSize(*size, sizeOf(attr), env, open))
      return false;
  if (formal.kind == ast::Type::Kind::Index && actual.getIndexAxis())
    return matchSize(*formal.index, sizeOf(actual.getIndexAxis()), env, open);
  return true;
}

/// Puts the arguments of a call under the names of the fields they are for.
bool Emitter::sortArguments(const std::vector<ast::Arg> &args,
                            const std::vector<ast::Field> &fields,
                            SourceRange range, Env &env,
                            std::map<std::string, Thing> &result) {
  size_t position = 0;
  for (const ast::Arg &arg : args) {
    std::string name = arg.name.text;
    if (name.empty()) {
      if (position >= fields.size()) {
        error("E999", arg.value->range, "there are too many arguments",
              "one too many");
        return false;
      }
      name = fields[position++].name.text;
    }
    Thing thing = expr(*arg.value, env);
    if (!thing)
      return false;
    result[name] = std::move(thing);
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Mapping over extra axes
//===----------------------------------------------------------------------===//

/// How many axes more than declared the first input has that has any.
static size_t leadOf(const std::vector<ast::Field> &fields,
                     llvm::ArrayRef<Thing> inputs) {
  size_t lead = 0;
  for (auto [field, input] : llvm::zip(fields, inputs))
    if (rnn::ValueType type = input.type())
      if (size_t(type.getRank()) > field.type.axes.size())
        lead = std::max(lead, type.getRank() - field.type.axes.size());
  return lead;
}

Thing Emitter::callLayer(Instance &instance, const std::vector<Thing> &inputs,
                         const std::map<std::string, Thing> &constants,
                         SourceRange range) {
  const std::vector<ast::Field> &fields = instance.module->inputs;
  size_t lead = leadOf(fields, inputs);
  if (!lead)
    return emitBody(instance, inputs, constants, nullptr, range);
  // One binder a leading axis; inputs that lack the axes are constants.
  rnn::AxisAttr axis;
  for (auto [field, input] : llvm::zip(fields, inputs))
    if (input.type() &&
        size_t(input.type().getRank()) == field.type.axes.size() + lead)
      axis = input.type().getAxes().front();
  return bindOver(rnn::BindKind::For, axis, range, [&](Value position) {
    std::vector<Thing> elements = inputs;
    for (auto [field, element] : llvm::zip(fields, elements)) {
      if (!element.type() ||
          size_t(element.type().getRank()) != field.type.axes.size() + lead)
        continue;
      element = make<rnn::LookupOp>(range, element.value, position);
      if (!element)
        return Thing();
    }
    return callLayer(instance, elements, constants, range);
  });
}

Thing Emitter::bindOver(rnn::BindKind kind, rnn::AxisAttr axis,
                        SourceRange range,
                        llvm::function_ref<Thing(Value)> body) {
  MLIRContext *context = builder.getContext();
  Region region;
  Block *block = new Block;
  region.push_back(block);
  Value position = block->addArgument(
      rnn::ValueType::get(context, {}, rnn::ValueKind::Index, axis),
      loc(range));
  Thing one;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(block);
    uses.push_back(range);
    places.insert(position);
    one = body(position);
    places.erase(position);
    uses.pop_back();
    if (!one)
      return {};
    if (one.type())
      rnn::YieldOp::create(builder, loc(range), ValueRange(), one.value);
  }
  if (one.isDist() && kind == rnn::BindKind::For)
    return bindDist(axis, region, one.value, range);
  if (!one.type())
    return contradiction(range, "a binder over something that is not a value");
  auto inner = cast<rnn::ValueType>(
      cast<rnn::YieldOp>(block->getTerminator()).getOut().front().getType());
  rnn::ValueType resultType = rnn::BindOp::resultType(kind, axis, inner);
  if (!resultType)
    return contradiction(range, "`" + rnn::stringifyBindKind(kind).str() +
                                    "` of a body " + rnn::spell(inner));
  auto op = rnn::BindOp::create(builder, loc(range), resultType, kind, axis);
  op.getBody().takeBody(region);
  Thing result;
  result.value = op.getResult();
  return result;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

Thing Emitter::runBlock(const ast::Block &block, Env &env) {
  Thing result;
  for (const ast::StmtPtr &stmt : block) {
    if (const auto *define = ast::dynAs<ast::DefineStmt>(*stmt)) {
      Thing thing = expr(*define->value, env);
      if (!thing)
        return {};
      env.values[define->name.text] = std::move(thing);
      continue;
    }
    if (const auto *next = ast::dynAs<ast::NextStmt>(*stmt)) {
      auto path = env.statePaths.find(next->state.text);
      if (path == env.statePaths.end() || !env.states)
        return contradiction(stmt->range, "a next value here");
      StateSlot &slot = (*env.states)[path->second];
      auto type = cast<rnn::ValueType>(slot.before.getType());
      slot.after = chosenAs(*next->value, type, env);
      if (!slot.after)
        return {};
      continue;
    }
    if (const auto *out = ast::dynAs<ast::OutStmt>(*stmt)) {
      result = expr(*out->value, env);
      if (!result)
        return {};
    }
  }
  return result;
}

Thing Emitter::emitBody(Instance &instance, const std::vector<Thing> &inputs,
                        const std::map<std::string, Thing> &constants,
                        StateMap *states, SourceRange range) {
  const ast::ModuleItem &module = *instance.module;
  if (isTooLarge(range, "`" + module.name.text + "`"))
    return {};
  Env env = instance.env;
  env.states = states;
  std::set<std::string> open(instance.freeTimes.begin(),
                             instance.freeTimes.end());
  auto take = [&](const ast::Field &field, const Thing &thing) -> bool {
    // A number stands for an index where one is read.
    Thing given = thing;
    if (thing.literal && field.type.kind == ast::Type::Kind::Index) {
      rnn::ValueType formal = type(field.type, env);
      given.value = formal ? asType(thing, formal, range) : Value();
      given.literal.reset();
    }
    if (!given.type() || !matchType(field.type, given.type(), 0, env, open)) {
      error("E999", range,
            "`" + field.name.text + "` of `" + module.name.text +
                "` cannot take this",
            "used here");
      return false;
    }
    env.values[field.name.text] = given;
    return true;
  };
  for (auto [i, field] : llvm::enumerate(module.inputs))
    if (i >= inputs.size() || !take(field, inputs[i]))
      return i < inputs.size()
                 ? Thing()
                 : error("E999", range, "an input is missing", "used here");
  for (const ast::Field &field : module.constants) {
    auto it = constants.find(field.name.text);
    if (it == constants.end())
      return error("E999", range, "`" + field.name.text + "` is not given",
                   "used here");
    if (!take(field, it->second))
      return {};
    env.constants.insert(field.name.text);
  }
  uses.push_back(range);
  Thing result = runBlock(module.body, env);
  uses.pop_back();
  // What a body gives is a number of its own, no literal.
  result.literal.reset();
  return result;
}

Thing Emitter::callInstance(Instance &instance, std::vector<Thing> inputs,
                            std::map<std::string, Thing> constants,
                            StateMap *states, SourceRange range) {
  if (instance.module) {
    if (!instance.isCell)
      return callLayer(instance, inputs, constants, range);
    if (!states)
      return error("E999", range, "a cell is stepped outside of a cell",
                   "cannot be compiled");
    return emitBody(instance, inputs, constants, states, range);
  }
  Thing result;
  for (Instance *stage : instance.stages) {
    result = callInstance(*stage, inputs, constants, states, range);
    if (!result)
      return {};
    inputs = {result};
  }
  return result;
}

bool Emitter::callArguments(Instance &instance, const ast::Call &call, Env &env,
                            std::vector<Thing> &inputs,
                            std::map<std::string, Thing> &constants) {
  const ast::ModuleItem *module = inputModule(instance);
  std::vector<ast::Field> none;
  std::map<std::string, Thing> given;
  if (!module)
    return false;
  size_t position = 0;
  for (const ast::Arg &arg : call.args) {
    std::string name = arg.name.text;
    size_t slot = position;
    if (name.empty()) {
      ++position;
      if (slot < module->inputs.size())
        name = module->inputs[slot].name.text;
      else if (slot - module->inputs.size() < module->constants.size())
        name = module->constants[slot - module->inputs.size()].name.text;
    }
    Thing thing = expr(*arg.value, env);
    if (!thing)
      return false;
    given[name] = std::move(thing);
  }
  for (const ast::Field &field : module->inputs) {
    auto it = given.find(field.name.text);
    if (it == given.end()) {
      error("E999", call.range, "`" + field.name.text + "` is not given",
            "used here");
      return false;
    }
    inputs.push_back(std::move(it->second));
    given.erase(it);
  }
  constants = std::move(given);
  implyConstants(instance, env, constants);
  return true;
}

/// Constants that are not given are those of the layer or cell around, by
/// their names.
void Emitter::implyConstants(Instance &instance, const Env &env,
                             std::map<std::string, Thing> &constants) {
  for (Instance *stage : instance.stages)
    implyConstants(*stage, env, constants);
  if (!instance.module)
    return;
  for (const ast::Field &field : instance.module->constants) {
    const std::string &name = field.name.text;
    auto known = env.values.find(name);
    if (env.constants.count(name) && known != env.values.end())
      constants.try_emplace(name, known->second);
  }
}

Thing Emitter::callFunction(const ast::FnItem &fn, const ast::Call &call,
                            Env &env) {
  std::map<std::string, Thing> given;
  if (isTooLarge(call.range, "`" + fn.name.text + "`") ||
      !sortArguments(call.args, fn.args, call.range, env, given))
    return {};
  return inlineFunction(fn, call, env, std::move(given));
}

/// Puts sizes in brackets under their names; gives the names that have to be
/// found from the arguments.
std::set<std::string>
Emitter::openSizes(const std::vector<ast::Generic> &generics,
                   const std::vector<ast::SizePtr> &given, Env &caller,
                   Env &env) {
  std::set<std::string> open;
  for (auto [i, generic] : llvm::enumerate(generics)) {
    const std::string &name = generic.name.text;
    env.sizes.erase(name);
    if (i < given.size()) {
      if (std::optional<Size> poly = size(*given[i], caller)) {
        env.sizes[name] = *poly;
        if (std::optional<int64_t> value = poly->value())
          env.numbers[name] = double(*value);
      }
    } else if (generic.hasDefault) {
      env.numbers[name] = generic.defaultValue;
      if (generic.defaultValue == double(int64_t(generic.defaultValue)))
        env.sizes[name] = Size(int64_t(generic.defaultValue));
    } else {
      open.insert(name);
    }
  }
  return open;
}

/// The lines `axis` and `dim` of a block.
bool Emitter::declareSizes(const ast::Block &block, Env &env) {
  for (const ast::StmtPtr &stmt : block) {
    bool ok = true;
    if (const auto *axis = ast::dynAs<ast::AxisStmt>(*stmt))
      ok = declareAxis(axis->name, axis->labels, env);
    else if (const auto *dim = ast::dynAs<ast::DimStmt>(*stmt))
      ok = declareDims(dim->entries, env, nullptr);
    if (!ok)
      return false;
  }
  return true;
}

Thing Emitter::inlineFunction(const ast::FnItem &fn, const ast::Call &call,
                              Env &caller, std::map<std::string, Thing> given) {
  Env env = fileEnv(fn.name);
  std::set<std::string> open =
      openSizes(fn.generics, call.generics, caller, env);
  for (const ast::Field &field : fn.args) {
    auto it = given.find(field.name.text);
    if (it == given.end())
      return error("E999", call.range, "`" + field.name.text + "` is not given",
                   "called here");
    const Thing &arg = it->second;
    if (arg.type() && !arg.literal &&
        !matchType(field.type, arg.type(), 0, env, open))
      return error("E999", call.range,
                   "`" + field.name.text + "` of `" + fn.name.text +
                       "` cannot take this",
                   "called here");
    env.values[field.name.text] = arg;
  }
  if (!declareSizes(fn.body, env))
    return {};
  uses.push_back(call.range);
  Thing result = runBlock(fn.body, env);
  uses.pop_back();
  result.literal.reset();
  return result;
}
