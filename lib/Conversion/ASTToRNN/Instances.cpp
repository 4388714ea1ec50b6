// Instances.cpp - what `use` makes: instances, their parameters and states.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include "rnnc/Frontend/Walk.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

static std::string below(const std::string &path, const std::string &name) {
  return path.empty() ? name : path + "." + name;
}

//===----------------------------------------------------------------------===//
// Declarations of a block
//===----------------------------------------------------------------------===//

bool Emitter::declareAxis(const ast::Name &name,
                          const std::vector<ast::Name> &labels, Env &env) {
  std::vector<std::string> texts;
  for (const ast::Name &label : labels)
    texts.push_back(label.text);
  // Copies of one cell share the axis; it was checked that they do not mix.
  for (AxisInfo &known : axes)
    if (known.labels == texts && known.declared == name.text) {
      env.sizes[name.text] = Size(&known);
      return true;
    }
  AxisInfo *info = newAxis(name.text);
  info->labels = std::move(texts);
  info->value = labels.size();
  env.sizes[name.text] = Size(info);
  return true;
}

bool Emitter::declareDims(const std::vector<ast::DimEntry> &entries, Env &env,
                          const std::map<std::string, int64_t> *known) {
  for (const ast::DimEntry &entry : entries) {
    AxisInfo *info = newAxis(entry.name.text);
    dimPlaces[info->name] = entry.name.range;
    if (known) { // a dim of a file without value is an error elsewhere
      auto given = known->find(entry.name.text);
      if (given != known->end())
        info->value = given->second;
    } else if (entry.value) {
      std::optional<Size> poly = size(*entry.value, env);
      if (!poly)
        return false;
      info->value = poly->value();
    }
    env.sizes[entry.name.text] = Size(info);
  }
  return true;
}

void Emitter::declareTime(const std::string &name, Env &env) {
  AxisInfo *info = newAxis(name);
  info->isTime = true;
  env.sizes[name] = Size(info);
}

bool Emitter::declareUses(const ast::UseStmt &stmt, const std::string &path,
                          Env &env, std::vector<Instance *> *children) {
  for (const ast::UseStmt::Entry &entry : stmt.entries) {
    Instance *instance =
        instantiate(*entry.chain, below(path, entry.name.text), env, {});
    if (!instance)
      return false;
    env.instances[entry.name.text] = instance;
    if (children)
      children->push_back(instance);
  }
  return true;
}

DictionaryAttr Emitter::initialiser(const ast::Initialiser &init, Env &env) {
  const std::string &name = init.name.text;
  NamedAttrList list;
  list.append("kind", builder.getStringAttr(name));
  llvm::SmallVector<StringRef> keys;
  llvm::SmallVector<double> values;
  if (name == "normal") {
    keys = {"mean", "std"};
    values = {0, 1};
  } else if (name == "uniform") {
    keys = {"low", "high"};
    values = {0, 1};
  } else if (name == "constant") {
    keys = {"value"};
    values = {0};
  } else if (name != "glorot" && name != "orthogonal" && name != "identity") {
    contradiction(init.name.range, "`~ " + name + "`");
    return {};
  }
  size_t position = 0;
  for (const ast::Arg &arg : init.args) {
    std::optional<double> value = fixedNumber(*arg.value, env);
    if (!value) {
      notFixed(arg.value->range, "a number of a first value");
      return {};
    }
    // The names of the language; the manifest's are in `keys`.
    StringRef name = arg.name.text;
    size_t slot = name.empty() ? position++ : name == "sd" || name == "to";
    if (slot < values.size())
      values[slot] = *value;
  }
  for (auto [key, value] : llvm::zip(keys, values))
    list.append(key, builder.getF64FloatAttr(value));
  return list.getDictionary(builder.getContext());
}

/// A number for each entry of the last axes of a parameter; null if the list
/// holds more than numbers.
DictionaryAttr Emitter::listedValues(const ast::List &list, rnn::ValueType type,
                                     Env &env) {
  llvm::SmallVector<double> numbers;
  llvm::SmallVector<int64_t> shape;
  if (!numbersOf(list, env, numbers, shape, 0))
    return {};
  size_t rank = type.getRank();
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape.size() > rank ||
        shape[i] != type.getAxes()[rank - shape.size() + i].getSize()) {
      error("E120", list.range, "the first value does not fit",
            "it begins as " + rnn::spell(type));
      return {};
    }
  NamedAttrList result;
  if (shape.size() == 1) {
    result.append("kind", builder.getStringAttr("labels"));
    result.append("axis", builder.getI64IntegerAttr(rank - 1));
  } else {
    result.append("kind", builder.getStringAttr("table"));
    int64_t copies = 1;
    for (rnn::AxisAttr axis : type.getAxes().drop_back(shape.size()))
      copies *= axis.getSize();
    size_t once = numbers.size();
    numbers.reserve(once * copies);
    for (int64_t copy = 1; copy < copies; ++copy)
      numbers.append(numbers.begin(), numbers.begin() + once);
  }
  result.append("values", builder.getF64ArrayAttr(numbers));
  return result.getDictionary(builder.getContext());
}

/// `{f: 1, else: 0}`; null if it holds more than numbers.
DictionaryAttr Emitter::labelledValues(const ast::Record &record,
                                       rnn::ValueType type, Env &env) {
  for (auto [position, attr] : llvm::enumerate(type.getAxes())) {
    const AxisInfo *info = sizeOf(attr).axis();
    if (!info || info->labels.empty())
      continue;
    llvm::SmallVector<double> values(info->labels.size(), 0.0);
    auto isOf = [](const ast::Record::Field &field, const std::string &label) {
      return field.path.size() == 1 && field.path[0].text == label;
    };
    for (const ast::Record::Field &field : record.fields) {
      std::optional<double> value = number(*field.value, env);
      if (!value)
        return {};
      for (auto [entry, label] : llvm::zip(values, info->labels)) {
        bool isNamed = llvm::any_of(
            record.fields, [&](const auto &one) { return isOf(one, label); });
        if (isOf(field, label) || (field.path.empty() && !isNamed))
          entry = *value;
      }
    }
    NamedAttrList list;
    list.append("kind", builder.getStringAttr("labels"));
    list.append("axis", builder.getI64IntegerAttr(position));
    list.append("values", builder.getF64ArrayAttr(values));
    return list.getDictionary(builder.getContext());
  }
  return {};
}

/// All entries of whatever expression of numbers and sizes.
DictionaryAttr Emitter::tableOf(const ast::Expr &node, rnn::ValueType type,
                                Env &env) {
  size_t before = diags.all().size();
  std::optional<std::vector<double>> values = fixedValue(node, type, env);
  if (!values) {
    if (diags.all().size() == before)
      notFixed(node.range, "a first value");
    return {};
  }
  NamedAttrList list;
  if (llvm::all_equal(*values)) {
    list.append("kind", builder.getStringAttr("constant"));
    list.append("value", builder.getF64FloatAttr(values->front()));
  } else {
    list.append("kind", builder.getStringAttr("table"));
    list.append("values", builder.getF64ArrayAttr(*values));
  }
  return list.getDictionary(builder.getContext());
}

DictionaryAttr Emitter::firstValues(const ast::ParamStmt &stmt,
                                    rnn::ValueType type, Env &env) {
  if (stmt.init)
    return initialiser(*stmt.init, env);
  DictionaryAttr values;
  size_t before = diags.all().size();
  if (const auto *list = ast::dynAs<ast::List>(*stmt.value)) {
    values = listedValues(*list, type, env);
  } else if (const auto *record = ast::dynAs<ast::Record>(*stmt.value)) {
    values = labelledValues(*record, type, env);
  } else if (std::optional<double> value = number(*stmt.value, env)) {
    NamedAttrList list;
    list.append("kind", builder.getStringAttr("constant"));
    list.append("value", builder.getF64FloatAttr(*value));
    values = list.getDictionary(builder.getContext());
  }
  if (values || diags.all().size() != before)
    return values;
  return tableOf(*stmt.value, type, env);
}

bool Emitter::declareParam(const ast::ParamStmt &stmt, const std::string &path,
                           Env &env) {
  rnn::ValueType paramType = type(stmt.type, env);
  DictionaryAttr init =
      paramType ? firstValues(stmt, paramType, env) : DictionaryAttr();
  if (!init)
    return false;
  for (const ast::Name &name : stmt.names) {
    OpBuilder::InsertionGuard guard(builder);
    if (lastParam)
      builder.setInsertionPointAfter(lastParam);
    else
      builder.setInsertionPointToStart(moduleBlock);
    auto param = rnn::ParamOp::create(
        builder, loc(name.range), paramType,
        builder.getStringAttr(below(path, name.text)), init,
        stmt.frozen ? builder.getUnitAttr() : UnitAttr());
    lastParam = param;
    Thing thing;
    thing.value = param.getResult();
    env.values[name.text] = thing;
  }
  return true;
}

/// Marks the inner cells that a recurrence runs: each run begins anew, so their
/// states are none of the outer cell's.
static void markRuns(Instance &instance) {
  for (const ast::StmtPtr &stmt : instance.module->body)
    rnnc::forEachExpr(*stmt, [&](const ast::Expr &expr) {
      rnnc::walk(expr, [&](const ast::Expr &inner) {
        const auto *recur = ast::dynAs<ast::Recur>(inner);
        if (!recur)
          return;
        auto it = instance.env.instances.find(recur->cell.text);
        if (it != instance.env.instances.end())
          it->second->isRun = true;
      });
    });
}

bool Emitter::declareBody(Instance &instance) {
  Env &env = instance.env;
  for (const ast::StmtPtr &stmt : instance.module->body) {
    bool ok = true;
    if (const auto *axis = ast::dynAs<ast::AxisStmt>(*stmt))
      ok = declareAxis(axis->name, axis->labels, env);
    else if (const auto *dim = ast::dynAs<ast::DimStmt>(*stmt))
      ok = declareDims(dim->entries, env, nullptr);
    else if (const auto *param = ast::dynAs<ast::ParamStmt>(*stmt))
      ok = declareParam(*param, instance.path, env);
    else if (const auto *use = ast::dynAs<ast::UseStmt>(*stmt))
      ok = declareUses(*use, instance.path, env, &instance.children);
    else if (const auto *state = ast::dynAs<ast::StateStmt>(*stmt))
      for (const ast::Name &name : state->names)
        env.statePaths[name.text] = below(instance.path, name.text);
    if (!ok)
      return false;
  }
  markRuns(instance);
  return true;
}

//===----------------------------------------------------------------------===//
// Instances
//===----------------------------------------------------------------------===//

static bool isGeneric(const ast::ModuleItem &module, const std::string &name) {
  return llvm::any_of(module.generics, [&](const ast::Generic &generic) {
    return !generic.isModule && generic.name.text == name;
  });
}

/// The sizes that the layers and cells among the parameters say.
static std::set<std::string> foundSizes(const ast::ModuleItem &module) {
  std::set<std::string> found;
  auto add = [&](const ast::SizePtr &size) {
    if (size && size->kind == ast::Size::Kind::Name &&
        !isGeneric(module, size->name))
      found.insert(size->name);
  };
  for (const ast::Generic &generic : module.generics)
    for (const ast::Type *type : {&generic.reads, &generic.gives}) {
      llvm::for_each(type->axes, add);
      add(type->index);
    }
  return found;
}

/// Whether all names in a type have sizes.
static bool isKnown(const ast::Type &type, const Env &env) {
  auto has = [&](const ast::SizePtr &size) {
    return size->kind != ast::Size::Kind::Name || env.sizes.count(size->name);
  };
  return llvm::all_of(type.axes, has) && (!type.index || has(type.index));
}

Instance *Emitter::instantiateModule(const ast::ModuleItem &module,
                                     const std::vector<ast::Given> &given,
                                     SourceRange range, std::string path,
                                     Env &outer, rnn::ValueType left) {
  if (isTooLarge(range, "`" + module.name.text + "`"))
    return nullptr;
  Instance &instance = instances.emplace_back();
  instance.path = std::move(path);
  if (!bindGenerics(module, given, range, outer, left, instance) ||
      !declareBody(instance))
    return nullptr;
  return &instance;
}

/// What stands in the brackets of a module.
bool Emitter::bindGenerics(const ast::ModuleItem &module,
                           const std::vector<ast::Given> &given,
                           SourceRange range, Env &outer, rnn::ValueType left,
                           Instance &instance) {
  instance.module = &module;
  instance.isCell = module.isCell;
  instance.env = fileEnv(module.name);
  for (const std::string &name : foundSizes(module))
    instance.env.sizes.erase(name);
  std::set<std::string> inferred;
  for (auto [i, generic] : llvm::enumerate(module.generics)) {
    const std::string &name = generic.name.text;
    const ast::Given *one = i < given.size() ? &given[i] : nullptr;
    if (generic.isModule) {
      if (!one || !bindModule(module, generic, *one, outer, left, instance))
        return false;
      continue;
    }
    if (!one && generic.isTime) {
      instance.env.sizes.erase(name);
      instance.freeTimes.push_back(name);
      continue;
    }
    if (!one || one->kind == ast::Given::Kind::Number) {
      double value = one ? one->number : generic.defaultValue;
      instance.env.numbers[name] = value;
      instance.env.sizes.erase(name);
      if (value == double(int64_t(value)))
        instance.env.sizes[name] = Size(int64_t(value));
      continue;
    }
    if (one->kind == ast::Given::Kind::Infer) {
      instance.env.sizes.erase(name);
      inferred.insert(name);
      continue;
    }
    std::optional<Size> poly = size(*one->size, outer);
    if (!poly)
      return false;
    instance.env.sizes[name] = *poly;
    if (std::optional<int64_t> value = poly->value())
      instance.env.numbers[name] = double(*value);
  }
  if (!inferred.empty()) {
    Env trial = instance.env;
    std::set<std::string> open = inferred;
    open.insert(instance.freeTimes.begin(), instance.freeTimes.end());
    const ast::Type &formal = module.inputs.front().type;
    if (!left || size_t(left.getRank()) < formal.axes.size() ||
        !matchType(formal, left, left.getRank() - formal.axes.size(), trial,
                   open)) {
      error("E999", range, "the size `_` cannot be inferred", "used here");
      return false;
    }
    for (const std::string &name : inferred) {
      auto it = trial.sizes.find(name);
      if (it == trial.sizes.end()) {
        error("E999", range, "the size `_` cannot be inferred", "used here");
        return false;
      }
      instance.env.sizes[name] = it->second;
      if (std::optional<int64_t> value = it->second.value())
        instance.env.numbers[name] = double(*value);
    }
  }
  return true;
}

/// The types that a chain reads and gives; null where that is no value or
/// cannot be known.
std::pair<rnn::ValueType, rnn::ValueType>
Emitter::portsOf(const ast::Chain &chain, Env &env, rnn::ValueType left) {
  if (chain.kind == ast::Chain::Kind::Repeat)
    return portsOf(*chain.body, env, left);
  if (chain.kind == ast::Chain::Kind::Sequence) {
    rnn::ValueType reads;
    for (const ast::ChainPtr &link : chain.links) {
      auto [in, out] = portsOf(*link, env, left);
      reads = link == chain.links.front() ? in : reads;
      left = out;
    }
    return {reads, left};
  }
  auto parameter = env.modules.find(chain.module.text);
  if (parameter != env.modules.end())
    return portsOf(*parameter->second->chain, parameter->second->env,
                   parameter->second->reads);
  const auto *module = find<ast::ModuleItem>(chain.module);
  Instance trial;
  if (!module || module->inputs.empty() ||
      !bindGenerics(*module, chain.given, chain.range, env, left, trial) ||
      !trial.freeTimes.empty())
    return {};
  rnn::ValueType reads = type(module->inputs.front().type, trial.env);
  // In front of what a layer reads there may be axes that it maps over.
  return {reads, left && !module->isCell ? resultType(trial, left)
                                         : resultType(trial, {})};
}

/// `bidirectional[lstm[E, H]]`: the sizes in the type of the parameter follow
/// from the cell that is given.
bool Emitter::bindModule(const ast::ModuleItem &module,
                         const ast::Generic &generic, const ast::Given &given,
                         Env &outer, rnn::ValueType left, Instance &instance) {
  auto made = std::make_shared<GivenModule>();
  made->chain = given.chain.get();
  if (!made->chain) {
    made->bare.module = {given.size ? given.size->name : "", given.range};
    made->bare.range = given.range;
    made->chain = &made->bare;
  }
  made->env = outer;
  std::set<std::string> open = foundSizes(module);
  rnn::ValueType before;
  const ast::Type &formal = module.inputs.front().type;
  if (isKnown(generic.reads, instance.env)) {
    before = type(generic.reads, instance.env);
  } else if (left && size_t(left.getRank()) >= formal.axes.size()) {
    Env trial = instance.env;
    std::set<std::string> all = open;
    for (const ast::Generic &other : module.generics)
      if (other.isTime && !trial.sizes.count(other.name.text))
        all.insert(other.name.text);
    matchType(formal, left, left.getRank() - formal.axes.size(), trial, all);
    if (isKnown(generic.reads, trial))
      before = type(generic.reads, trial);
  }
  auto [reads, gives] = portsOf(*made->chain, made->env, before);
  if (!reads || !gives ||
      !matchType(generic.reads, reads, 0, instance.env, open) ||
      !matchType(generic.gives, gives, 0, instance.env, open)) {
    error("E999", given.range,
          "`" + generic.name.text + "` cannot be made of this", "used here");
    return false;
  }
  made->reads = reads;
  instance.env.modules[generic.name.text] = std::move(made);
  return true;
}

Instance *Emitter::instantiate(const ast::Chain &chain, std::string path,
                               Env &env, rnn::ValueType left) {
  switch (chain.kind) {
  case ast::Chain::Kind::Ref: {
    auto used = env.instances.find(chain.module.text);
    if (used != env.instances.end() && !chain.hasBrackets)
      return used->second;
    auto parameter = env.modules.find(chain.module.text);
    if (parameter != env.modules.end())
      return instantiate(*parameter->second->chain, std::move(path),
                         parameter->second->env, parameter->second->reads);
    const auto *module = find<ast::ModuleItem>(chain.module);
    if (!module) {
      contradiction(chain.range, "`" + chain.module.text + "` in a chain");
      return nullptr;
    }
    return instantiateModule(*module, chain.given, chain.range, std::move(path),
                             env, left);
  }
  case ast::Chain::Kind::Sequence:
  case ast::Chain::Kind::Repeat:
    break;
  }
  if (isTooLarge(chain.range, "this chain"))
    return nullptr;
  Instance &instance = instances.emplace_back();
  instance.path = path;
  auto addStage = [&](const ast::Chain &link, std::string name, bool last) {
    Instance *stage = instantiate(link, below(path, name), env, left);
    if (!stage)
      return false;
    instance.stages.push_back(stage);
    instance.stageNames.push_back(name);
    instance.isCell |= stage->isCell;
    if (last)
      return true;
    // The type only serves to find what stands for `_`.
    left = inputModule(*stage) && left ? resultType(*stage, left)
                                       : resultType(*stage, {});
    return true;
  };
  if (chain.kind == ast::Chain::Kind::Sequence) {
    for (auto [i, link] : llvm::enumerate(chain.links)) {
      std::string name =
          link->stage.empty() ? std::to_string(i) : link->stage.text;
      if (!addStage(*link, name, i + 1 == chain.links.size()))
        return nullptr;
    }
    return &instance;
  }
  std::optional<Size> count = size(*chain.count, env);
  std::optional<int64_t> copies = count ? count->value() : std::nullopt;
  if (!copies || *copies < 1 || *copies > 1024) {
    if (count)
      error("E999", chain.count->range, "the number of copies is not known",
            "has no value");
    return nullptr;
  }
  for (int64_t i = 0; i < *copies; ++i)
    if (!addStage(*chain.body, std::to_string(i), i + 1 == *copies))
      return nullptr;
  return &instance;
}

const ast::ModuleItem *Emitter::inputModule(Instance &instance) {
  if (instance.module)
    return instance.module;
  return instance.stages.empty() ? nullptr
                                 : inputModule(*instance.stages.front());
}

/// What an instance gives for an input; without an input, for one of exactly
/// the declared type. Null if it is no value or cannot be known.
rnn::ValueType Emitter::resultType(Instance &instance, rnn::ValueType input) {
  if (!instance.module) {
    for (Instance *stage : instance.stages)
      input = resultType(*stage, input);
    return input;
  }
  const ast::ModuleItem &module = *instance.module;
  if (module.result.kind == ast::Type::Kind::Dist || module.inputs.empty())
    return {};
  Env env = instance.env;
  llvm::SmallVector<rnn::AxisAttr> lead;
  const ast::Type &formal = module.inputs.front().type;
  if (input && size_t(input.getRank()) >= formal.axes.size()) {
    size_t extra = input.getRank() - formal.axes.size();
    lead.append(input.getAxes().begin(), input.getAxes().begin() + extra);
    std::set<std::string> open(instance.freeTimes.begin(),
                               instance.freeTimes.end());
    if (!matchType(formal, input, extra, env, open))
      return {};
  }
  for (const std::string &time : instance.freeTimes)
    if (!env.sizes.count(time)) {
      declareTime("?", env); // some length
      env.sizes[time] = env.sizes["?"];
    }
  rnn::ValueType result = type(module.result, env);
  if (!result)
    return {};
  llvm::append_range(lead, result.getAxes());
  return result.withAxes(lead);
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

void Emitter::collectStates(Instance &instance, std::vector<StateRef> &states) {
  for (Instance *stage : instance.stages)
    if (stage->isCell)
      collectStates(*stage, states);
  if (!instance.module || !instance.isCell)
    return;
  for (const ast::StmtPtr &stmt : instance.module->body) {
    if (const auto *state = ast::dynAs<ast::StateStmt>(*stmt))
      for (const ast::Name &name : state->names)
        states.push_back({below(instance.path, name.text), &instance, state});
  }
  for (Instance *child : instance.children)
    if (child->isCell && !child->isRun)
      collectStates(*child, states);
}
