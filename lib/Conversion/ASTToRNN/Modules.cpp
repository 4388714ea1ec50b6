// Modules.cpp - models and exported layers and cells become rnn.module ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include "rnnc/Dialect/RNN/Nesting.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

/// The name of an item that can be named in blocks; null if it has none.
static const ast::Name *nameOf(const ast::Item &item) {
  if (const auto *fn = ast::dynAs<ast::FnItem>(item))
    return &fn->name;
  if (const auto *module = ast::dynAs<ast::ModuleItem>(item))
    return &module->name;
  if (const auto *dist = ast::dynAs<ast::DistItem>(item))
    return &dist->name;
  if (const auto *model = ast::dynAs<ast::ModelItem>(item))
    return &model->name;
  return nullptr;
}

/// Calls `visit` with each file that `file` imports; of those with a name in
/// common the last one counts.
static void forEachImport(const CheckedProgram &program, const ast::File &file,
                          llvm::function_ref<void(const ast::File &)> visit) {
  for (const ast::ItemPtr &item : file.items)
    if (const auto *import = ast::dynAs<ast::ImportItem>(*item))
      for (const auto &other : program.files)
        if (other->module == import->name.text)
          visit(*other);
}

void Emitter::collectItems() {
  auto add = [](const ast::File &file, FileNames &names) {
    for (const ast::ItemPtr &item : file.items)
      if (const ast::Name *name = nameOf(*item))
        names.items[name->text] = item.get();
  };
  for (const auto &file : program.files) {
    FileNames &names = files[file->id];
    forEachImport(program, *file,
                  [&](const ast::File &other) { add(other, names); });
    add(*file, names);
  }
}

/// What a name stands for in the file in which it is written.
const ast::Item *Emitter::findItem(const ast::Name &name) const {
  auto file = files.find(name.range.file);
  if (file == files.end())
    return nullptr;
  auto item = file->second.items.find(name.text);
  return item == file->second.items.end() ? nullptr : item->second;
}

/// The dims and axes that are known in the file in which a name is written.
Env Emitter::fileEnv(const ast::Name &name) {
  return files[name.range.file].env;
}

/// Declares the dims and axes of all files, for one module. The main file comes
/// first: its axes keep their names where another file has some of these.
bool Emitter::makeFileScope() {
  std::map<uint32_t, Env> own;
  for (const auto &file : llvm::reverse(program.files)) {
    Env &env = own[file->id];
    auto known = program.dimsOf.find(file->id);
    static const std::map<std::string, int64_t> none;
    for (const ast::ItemPtr &item : file->items) {
      if (const auto *dim = ast::dynAs<ast::DimItem>(*item)) {
        if (!declareDims(dim->entries, env,
                         known == program.dimsOf.end() ? &none
                                                       : &known->second))
          return false;
      } else if (const auto *axis = ast::dynAs<ast::AxisItem>(*item)) {
        declareAxis(axis->name, axis->labels, env);
      }
    }
  }
  for (const auto &file : program.files) {
    Env &env = files[file->id].env;
    env = own[file->id];
    std::map<std::string, Size> sizes;
    forEachImport(program, *file, [&](const ast::File &other) {
      for (const auto &[name, size] : own[other.id].sizes)
        sizes.insert_or_assign(name, size);
    });
    env.sizes.insert(sizes.begin(), sizes.end()); // own names win
  }
  return true;
}

static std::string givenText(const SourceManager &sources,
                             const ast::ExportEntry &entry) {
  std::string text = entry.module.text;
  if (!entry.hasBrackets)
    return text;
  text += "[";
  for (size_t i = 0; i < entry.given.size(); ++i) {
    text += i ? ", " : "";
    text += sources.text(entry.given[i].range);
  }
  return text + "]";
}

static std::string identifier(llvm::StringRef source) {
  std::string name;
  for (char c : source) {
    if (llvm::isAlnum(c) || c == '_')
      name += c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  while (!name.empty() && name.back() == '_')
    name.pop_back();
  return name;
}

Attribute Emitter::exportAttr(const ast::ExportEntry &entry) {
  NamedAttrList list;
  list.append("function", builder.getStringAttr(entry.function.text));
  if (!entry.alias.empty())
    list.append("as", builder.getStringAttr(entry.alias.text));
  NamedAttrList defaults;
  for (const ast::Arg &arg : entry.args) {
    Env mainEnv = fileEnv(entry.module);
    std::optional<double> value = number(*arg.value, mainEnv);
    if (!value || arg.name.empty()) {
      contradiction(arg.value->range, "this default");
      return {};
    }
    const auto *plain = ast::dynAs<ast::Number>(*arg.value);
    if (plain && plain->isInteger)
      defaults.append(arg.name.text,
                      builder.getI64IntegerAttr(int64_t(*value)));
    else
      defaults.append(arg.name.text, builder.getF64FloatAttr(*value));
  }
  list.append("defaults", defaults.getDictionary(builder.getContext()));
  return list.getDictionary(builder.getContext());
}

rnn::ModuleOp Emitter::beginModule(SourceRange range, std::string name,
                                   llvm::StringRef kind, std::string source) {
  axes.clear();
  // Sizes are told by name: an axis is not called like the number of examples.
  axisNames = {"batch"};
  axisSizes.clear();
  instances.clear();
  found.clear();
  lastParam = nullptr;
  sites = sums = 0;
  counted.clear();
  builder.setInsertionPointToEnd(top->getBody());
  // `lstm[6, 4]` and a cell `lstm_6` of size 4 are two.
  std::string plain = name;
  for (unsigned i = 2; !moduleNames.insert(name).second; ++i)
    name = plain + "_" + std::to_string(i);
  auto module = rnn::ModuleOp::create(
      builder, loc(range), name, kind, source, builder.getDictionaryAttr({}),
      builder.getArrayAttr({}), builder.getDictionaryAttr({}));
  moduleBlock = &module.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(moduleBlock);
  return module;
}

bool Emitter::endModule(rnn::ModuleOp module, DictionaryAttr train,
                        llvm::ArrayRef<Attribute> exports) {
  if (!train)
    return false;
  module.setTrainAttr(train);
  module.setExportsAttr(builder.getArrayAttr(exports));
  NamedAttrList labels;
  for (const AxisInfo &info : axes) {
    if (info.labels.empty())
      continue;
    llvm::SmallVector<llvm::StringRef> names(info.labels.begin(),
                                             info.labels.end());
    labels.append(info.name, builder.getStrArrayAttr(names));
  }
  module.setAxesAttr(labels.getDictionary(builder.getContext()));
  return true;
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

bool Emitter::declareData(const std::vector<ast::Field> &fields, bool isOutput,
                          Env &env) {
  for (const ast::Field &field : fields) {
    rnn::ValueType dataType = type(field.type, env);
    if (!dataType)
      return false;
    auto name = builder.getStringAttr(field.name.text);
    Thing thing;
    if (isOutput)
      thing.value =
          rnn::OutputOp::create(builder, loc(field.name.range), dataType, name);
    else
      thing.value =
          rnn::InputOp::create(builder, loc(field.name.range), dataType, name);
    env.values[field.name.text] = thing;
  }
  return true;
}

bool Emitter::observe(const ast::ObserveStmt &stmt, Env &env) {
  Thing data = env.values[stmt.output.text];
  if (!data.type())
    return false;
  const auto *recurrence = ast::dynAs<ast::Recur>(*stmt.value);
  const auto *call = ast::dynAs<ast::Call>(*stmt.value);
  const auto *item = call ? find<ast::DistItem>(call->callee) : nullptr;
  Thing dist = recurrence && recurrence->op == ast::RecurOp::Unfold
                   ? unfold(*recurrence, data.type(), env)
               : item ? law(*item, *call, env, data.type())
                      : expr(*stmt.value, env);
  if (!dist)
    return false;
  if (!dist.isDist() ||
      cast<rnn::DistType>(dist.value.getType()).getValue() != data.type()) {
    contradiction(stmt.range, "this prediction");
    return false;
  }
  auto observed =
      rnn::ObserveOp::create(builder, loc(stmt.range), data.value, dist.value,
                             builder.getStringAttr(stmt.output.text));
  // What is made of the last states comes behind the steps.
  if (auto unfolded = dist.value.getDefiningOp<rnn::UnfoldOp>())
    observed->moveAfter(unfolded);
  auto search = found.find(dist.value.getDefiningOp());
  if (search != found.end()) {
    const std::string &name = stmt.output.text;
    rnn::ResultOp::create(builder, loc(stmt.range), search->second.best, name);
    rnn::ResultOp::create(builder, loc(stmt.range), search->second.scores,
                          name + ".score");
  }
  return true;
}

bool Emitter::emitStatement(const ast::Stmt &stmt, Env &env) {
  switch (stmt.kind) {
  case ast::Stmt::Kind::Time:
    for (const ast::Name &name : ast::as<ast::TimeStmt>(stmt).names)
      declareTime(name.text, env);
    return true;
  case ast::Stmt::Kind::Axis:
    return declareAxis(ast::as<ast::AxisStmt>(stmt).name,
                       ast::as<ast::AxisStmt>(stmt).labels, env);
  case ast::Stmt::Kind::Dim:
    return declareDims(ast::as<ast::DimStmt>(stmt).entries, env, nullptr);
  case ast::Stmt::Kind::Param:
    return declareParam(ast::as<ast::ParamStmt>(stmt), "", env);
  case ast::Stmt::Kind::Use:
    return declareUses(ast::as<ast::UseStmt>(stmt), "", env, nullptr);
  case ast::Stmt::Kind::Input:
    return declareData(ast::as<ast::InputStmt>(stmt).fields, false, env);
  case ast::Stmt::Kind::Output:
    return declareData(ast::as<ast::OutputStmt>(stmt).fields, true, env);
  case ast::Stmt::Kind::Define: {
    const auto &define = ast::as<ast::DefineStmt>(stmt);
    Thing thing = expr(*define.value, env);
    if (!thing)
      return false;
    env.values[define.name.text] = std::move(thing);
    return true;
  }
  case ast::Stmt::Kind::Observe:
    return observe(ast::as<ast::ObserveStmt>(stmt), env);
  case ast::Stmt::Kind::Loss: {
    Value value = real(*ast::as<ast::LossStmt>(stmt).value, env);
    if (!value)
      return false;
    if (cast<rnn::ValueType>(value.getType()).getRank()) {
      contradiction(stmt.range, "a loss that is not one number");
      return false;
    }
    rnn::LossOp::create(builder, loc(stmt.range), value);
    return true;
  }
  default:
    contradiction(stmt.range, "this in a model");
    return false;
  }
}

const ast::TrainItem *Emitter::trainOf(const ast::ModelItem &model) const {
  for (const auto &file : program.files)
    for (const ast::ItemPtr &item : file->items)
      if (const auto *train = ast::dynAs<ast::TrainItem>(*item))
        if (findItem(train->model) == &model)
          return train;
  return nullptr;
}

/// The models of the main file, and the imported ones that it exports or
/// trains.
std::vector<const ast::ModelItem *> Emitter::wantedModels() const {
  llvm::SetVector<const ast::ModelItem *> models;
  auto add = [&](const ast::Name &name) {
    if (const auto *model = find<ast::ModelItem>(name))
      models.insert(model);
  };
  for (const ast::ItemPtr &item : program.main().items) {
    if (const auto *model = ast::dynAs<ast::ModelItem>(*item))
      models.insert(model);
    else if (const auto *train = ast::dynAs<ast::TrainItem>(*item))
      add(train->model);
    else if (const auto *list = ast::dynAs<ast::ExportItem>(*item))
      for (const ast::ExportEntry &entry : list->entries)
        add(entry.module);
  }
  return {models.begin(), models.end()};
}

/// The sizes in a model's brackets are axes of its own.
bool Emitter::declareSizes(const ast::ModelItem &model, Env &env) {
  auto known = program.sizesOf.find(&model);
  for (const ast::Generic &generic : model.generics) {
    const std::string &name = generic.name.text;
    if (generic.isTime) {
      declareTime(name, env);
      continue;
    }
    if (known == program.sizesOf.end() || !known->second.count(name)) {
      contradiction(generic.range, "a size without a value");
      return false;
    }
    double value = known->second.at(name);
    env.numbers[name] = value;
    env.sizes.erase(name);
    if (value != double(int64_t(value)) || value < 1)
      continue;
    AxisInfo *info = newAxis(name);
    dimPlaces[info->name] = generic.name.range;
    info->value = int64_t(value);
    env.sizes[name] = Size(info);
  }
  return true;
}

bool Emitter::emitModel(const ast::ModelItem &model) {
  rnn::ModuleOp module =
      beginModule(model.name.range, model.name.text, "model", model.name.text);
  if (!makeFileScope())
    return false;
  Env env = fileEnv(model.name);
  llvm::SmallVector<Attribute> exports;
  findsBest = false;
  for (const ast::ItemPtr &item : program.main().items)
    if (const auto *list = ast::dynAs<ast::ExportItem>(*item))
      for (const ast::ExportEntry &entry : list->entries)
        if (findItem(entry.module) == &model) {
          Attribute attr = exportAttr(entry);
          if (!attr)
            return false;
          exports.push_back(attr);
          findsBest |= entry.function.text == "beam";
        }
  if (!declareSizes(model, env))
    return false;
  for (const ast::StmtPtr &stmt : model.body)
    if (!emitStatement(*stmt, env))
      return false;
  const ast::TrainItem *train = trainOf(model);
  DictionaryAttr settings = trainSettings(train, env);
  if (!train || !settings)
    return endModule(module, settings, exports);
  std::optional<DictionaryAttr> rates = ratesOf(*train, module, env);
  std::optional<ArrayAttr> lazy = lazyParams(*train, module);
  if (!overrideInit(*train, module, env) || !rates || !lazy)
    return false;
  NamedAttrList all(settings);
  if (!rates->empty())
    all.set("rates", *rates);
  if (!lazy->empty())
    all.set("lazy", *lazy);
  return endModule(module, all.getDictionary(builder.getContext()), exports);
}

//===----------------------------------------------------------------------===//
// Exported layers and cells
//===----------------------------------------------------------------------===//

/// The caller gives lengths by the name of their axis, beside all that has a
/// name in the module.
void Emitter::keepAxisNamesApart(const Instance &instance) {
  const ast::ModuleItem &module = *instance.module;
  for (const ast::Field &field : module.inputs)
    axisNames.insert(field.name.text);
  for (const ast::Field &field : module.constants)
    axisNames.insert(field.name.text);
  for (const ast::StmtPtr &stmt : module.body) {
    llvm::ArrayRef<ast::Name> names;
    if (const auto *param = ast::dynAs<ast::ParamStmt>(*stmt))
      names = param->names;
    else if (const auto *state = ast::dynAs<ast::StateStmt>(*stmt))
      names = state->names;
    for (const ast::Name &name : names)
      axisNames.insert(name.text);
  }
}

bool Emitter::emitExportedCell(Instance &instance, SourceRange range) {
  const ast::ModuleItem &module = *instance.module;
  keepAxisNamesApart(instance);
  Env env = instance.env;
  declareTime("T", env);
  rnn::AxisAttr time = axis(env.sizes["T"], range);
  for (const std::string &name : instance.freeTimes)
    declareTime(name, env);
  llvm::SmallVector<Value> over;
  std::map<std::string, Thing> constants;
  for (const ast::Field &field : module.inputs) {
    rnn::ValueType element = type(field.type, env);
    if (!element)
      return false;
    over.push_back(rnn::InputOp::create(
        builder, loc(field.name.range), element.pushFront(time),
        builder.getStringAttr(field.name.text)));
  }
  for (const ast::Field &field : module.constants) {
    rnn::ValueType constant = type(field.type, env);
    if (!constant)
      return false;
    constants[field.name.text].value =
        rnn::InputOp::create(builder, loc(field.name.range), constant,
                             builder.getStringAttr(field.name.text));
  }
  std::vector<StateRef> states;
  llvm::SmallVector<Value> init;
  collectStates(instance, states);
  if (!prepareStates(constants, states, init))
    return false;
  for (auto [state, value] : llvm::zip(states, init))
    value = rnn::FirstStateOp::create(builder, loc(state.decl->range),
                                      value.getType(),
                                      builder.getStringAttr(state.path), value);
  Thing finals;
  Thing out = scanCell(instance, time, over, {}, constants, states, init, false,
                       range, finals);
  if (!finals.isRecord)
    return false;
  if (!out) {
    contradiction(range, "the export of a cell that draws");
    return false;
  }
  rnn::ResultOp::create(builder, loc(range), out.value,
                        builder.getStringAttr("out"));
  for (auto [state, field] : llvm::zip(states, finals.fields))
    rnn::FinalStateOp::create(builder, loc(range),
                              stored(*state.decl, field.second),
                              builder.getStringAttr(field.first));
  return true;
}

bool Emitter::emitExportedLayer(Instance &instance, SourceRange range) {
  const ast::ModuleItem &module = *instance.module;
  keepAxisNamesApart(instance);
  for (const std::string &name : instance.freeTimes)
    declareTime(name, instance.env);
  instance.freeTimes.clear();
  std::vector<Thing> inputs;
  std::map<std::string, Thing> constants;
  auto declare = [&](const ast::Field &field) {
    Thing thing;
    rnn::ValueType inputType = type(field.type, instance.env);
    if (inputType)
      thing.value =
          rnn::InputOp::create(builder, loc(field.name.range), inputType,
                               builder.getStringAttr(field.name.text));
    return thing;
  };
  for (const ast::Field &field : module.inputs) {
    inputs.push_back(declare(field));
    if (!inputs.back())
      return false;
  }
  for (const ast::Field &field : module.constants) {
    constants[field.name.text] = declare(field);
    if (!constants[field.name.text])
      return false;
  }
  Thing out = callInstance(instance, inputs, constants, nullptr, range);
  if (!out)
    return false;
  if (!out.type()) {
    contradiction(range, "the export of a layer that draws");
    return false;
  }
  rnn::ResultOp::create(builder, loc(range), out.value,
                        builder.getStringAttr("out"));
  return true;
}

bool Emitter::emitExport(const ast::ExportEntry &entry,
                         llvm::ArrayRef<const ast::ExportEntry *> same) {
  const auto *item = find<ast::ModuleItem>(entry.module);
  if (!item)
    return true; // A model.
  std::string source = givenText(sources, entry);
  rnn::ModuleOp module = beginModule(entry.range, identifier(source),
                                     item->isCell ? "cell" : "layer", source);
  if (!makeFileScope())
    return false;
  Env env = fileEnv(entry.module);
  Instance *instance =
      instantiateModule(*item, entry.given, entry.range, "", env, {});
  if (!instance)
    return false;
  bool ok = instance->isCell ? emitExportedCell(*instance, entry.range)
                             : emitExportedLayer(*instance, entry.range);
  if (!ok)
    return false;
  llvm::SmallVector<Attribute> exports;
  for (const ast::ExportEntry *one : same) {
    exports.push_back(exportAttr(*one));
    if (!exports.back())
      return false;
  }
  return endModule(module, builder.getDictionaryAttr({}), exports);
}

/// The word at the place of an op; of a recurrence, all of it.
SourceRange Emitter::placeOf(Operation *op) const {
  if (auto found = recurrences.find(op); found != recurrences.end())
    return found->second;
  auto place = dyn_cast<FileLineColLoc>(op->getLoc());
  for (uint32_t file = 0; place && file < sources.size(); ++file) {
    unsigned line = place.getLine();
    if (sources.name(file) != place.getFilename().strref() || line == 0 ||
        line > sources.lineCount(file))
      continue;
    std::string_view text = sources.lineText(file, line);
    uint32_t begin = place.getColumn() ? place.getColumn() - 1 : 0, end = begin;
    while (end < text.size() && (llvm::isAlnum(text[end]) || text[end] == '_'))
      ++end;
    uint32_t base = sources.lineBegin(file, line);
    return {file, base + begin, base + std::max(end, begin + 1)};
  }
  return {};
}

/// Whether each value along an axis inside of another belongs to one element.
bool Emitter::checkNesting() {
  bool fine = true;
  for (auto module : top->getOps<rnn::ModuleOp>())
    fine &= rnn::Nesting(module).check(
        module, [&](Operation *op, const std::string &message) {
          error("E139", placeOf(op), message, "which element's is not known");
        });
  return fine;
}

OwningOpRef<mlir::ModuleOp> Emitter::run() {
  collectItems();
  top = mlir::ModuleOp::create(builder.getUnknownLoc());
  size_t before = diags.errorCount();
  std::map<std::string, std::vector<const ast::ExportEntry *>> groups;
  std::vector<std::string> order;
  bool ok = true;
  for (const ast::ModelItem *model : wantedModels())
    ok &= emitModel(*model);
  for (const ast::ItemPtr &item : program.main().items) {
    const auto *list = ast::dynAs<ast::ExportItem>(*item);
    if (!list)
      continue;
    for (const ast::ExportEntry &entry : list->entries) {
      if (!find<ast::ModuleItem>(entry.module))
        continue;
      std::string key = givenText(sources, entry);
      if (groups[key].empty())
        order.push_back(key);
      groups[key].push_back(&entry);
    }
  }
  for (const std::string &key : order)
    ok &= emitExport(*groups[key].front(), groups[key]);
  if (!ok || diags.errorCount() != before) {
    diags.sort();
    if (diags.errorCount() == before)
      error("E999", SourceRange(), "this program cannot be compiled yet", "");
    return {};
  }
  std::string message;
  ScopedDiagnosticHandler handler(
      builder.getContext(), [&](mlir::Diagnostic &diag) {
        message += (message.empty() ? "" : "; ") + diag.str();
      });
  if (failed(verify(*top))) {
    error("E999", program.main().items.front()->range,
          "the elaborated program is not well formed: " + message,
          "in this file");
    return {};
  }
  if (!checkNesting())
    return {};
  return std::move(top);
}
