// AnalyseItems.cpp - the items of a file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include "rnnc/Frontend/Walk.h"
#include "rnnc/Runtime/Descriptors.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {
constexpr int64_t maxParams = 10000;
constexpr size_t maxStates = 10000;
constexpr int64_t sizeLimit = int64_t(1) << 31;

const Name *itemName(const Item &item) {
  switch (item.kind) {
  case Item::Kind::Axis:
    return &as<AxisItem>(item).name;
  case Item::Kind::Fn:
    return &as<FnItem>(item).name;
  case Item::Kind::Module:
    return &as<ModuleItem>(item).name;
  case Item::Kind::Dist:
    return &as<DistItem>(item).name;
  case Item::Kind::Model:
    return &as<ModelItem>(item).name;
  default:
    return nullptr;
  }
}
/// A line that could explain an output.
std::string exampleOf(const Local &output) {
  const Ty &type = output.type;
  if (type.kind == Ty::Kind::Index) {
    std::vector<Poly> axes = type.axes;
    axes.push_back(type.index);
    return fmt::format("`{} ~ categorical(scores)` with scores : {}",
                       output.name, str(axes));
  }
  bool bit = type.kind == Ty::Kind::Bit;
  return fmt::format("`{} ~ {}` with m : {}", output.name,
                     bit ? "bernoulli(m)" : "normal(m, 1)",
                     Ty::real(type.axes).str());
}
} // namespace

void Analyser::run() {
  for (const std::unique_ptr<File> &file : program.files) {
    scope = &files.emplace_back();
    inMain = file == program.files.back();
    for (const ItemPtr &node : file->items) {
      if (const Name *name = itemName(*node))
        scope->later.emplace(name->text, name->range);
      if (const auto *dim = dynAs<DimItem>(*node))
        for (const DimEntry &entry : dim->entries)
          scope->later.emplace(entry.name.text, entry.name.range);
    }
    if (inMain)
      checkGivenDims();
    program.dims.clear(); // those that this file can name
    for (const ItemPtr &node : file->items)
      item(*node);
    modules[file->module] = scope;
  }
}

/// Whether `-D` may give it: no length, and no number like 0.5.
static bool isSizeOfModel(const Generic &generic) {
  return !generic.isTime &&
         (!generic.hasDefault ||
          (generic.defaultIsInteger && generic.defaultValue >= 0));
}

void Analyser::checkGivenDims() {
  for (const auto &[name, value] : options.dims) {
    std::vector<std::string> names;
    for (const ItemPtr &node : program.files.back()->items) {
      if (const auto *dim = dynAs<DimItem>(*node))
        for (const DimEntry &entry : dim->entries)
          names.push_back(entry.name.text);
      if (const auto *model = dynAs<ModelItem>(*node))
        for (const Generic &generic : model->generics)
          if (isSizeOfModel(generic))
            names.push_back(generic.name.text);
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      auto &d = diags.error("E405", {},
                            fmt::format("`-D {}={}`: the file declares no "
                                        "`dim {}`",
                                        name, value, name));
      if (!names.empty())
        d.help(fmt::format("it declares `{}`", fmt::join(names, "`, `")));
    } else if (value < 1 || value >= sizeLimit)
      diags.error("E405", {},
                  fmt::format("`-D {}={}`: a size is at least 1 and smaller "
                              "than 2147483648",
                              name, value));
  }
}

void Analyser::item(const Item &item) {
  switch (item.kind) {
  case Item::Kind::Import: {
    auto it = modules.find(as<ImportItem>(item).name.text);
    if (it == modules.end())
      return;
    scope->imports.push_back(it->second);
    for (const auto &[name, entity] : it->second->names)
      if (entity.kind == Entity::Kind::Axis && entity.axis->value &&
          entity.axis->kind == Axis::Kind::Fixed && !scope->names.count(name))
        program.dims[name] = *entity.axis->value;
    return;
  }
  case Item::Kind::Dim:
    return dimItem(as<DimItem>(item));
  case Item::Kind::Axis:
    return axisItem(as<AxisItem>(item).name, as<AxisItem>(item).labels);
  case Item::Kind::Fn:
    return fnItem(as<FnItem>(item));
  case Item::Kind::Module:
    return moduleItem(as<ModuleItem>(item));
  case Item::Kind::Dist:
    return distItem(as<DistItem>(item));
  case Item::Kind::Model:
    return modelItem(as<ModelItem>(item));
  case Item::Kind::Train:
    return trainItem(as<TrainItem>(item));
  case Item::Kind::Export:
    return exportItem(as<ExportItem>(item));
  }
}

void Analyser::declare(const Name &name, Entity entity) {
  entity.decl = name.range;
  auto [it, isNew] = scope->names.emplace(name.text, entity);
  if (isNew)
    return;
  diags
      .error("E012", name.range,
             fmt::format("`{}` is declared twice", name.text))
      .label("declared again here")
      .also(it->second.decl, "first declared here");
}

Axis *Analyser::newAxis(const Name &name, Axis::Kind kind) {
  Axis &axis = axes.emplace_back();
  axis.id = static_cast<unsigned>(axes.size());
  axis.kind = kind;
  axis.name = name.text;
  axis.decl = name.range;
  if (kind == Axis::Kind::Time && ++blockScope->timeAxes == rt::kMaxTimes + 1)
    diags
        .error("E418", name.range,
               fmt::format("more than {} time axes", rt::kMaxTimes))
        .label("one too many")
        .note("a function of the library holds the lengths of its time axes in "
              "place")
        .help("inputs that have the same lengths share one axis");
  return &axis;
}

void Analyser::dimItem(const DimItem &item) {
  for (const DimEntry &entry : item.entries) {
    Axis *axis = newAxis(entry.name, Axis::Kind::Fixed);
    if (entry.value) {
      std::optional<Poly> poly = size(*entry.value);
      if (poly && checkSize(*poly, entry.value->range))
        axis->value = poly->value();
    }
    if (inMain)
      for (const auto &[name, value] : options.dims)
        if (name == entry.name.text && value >= 1 && value < sizeLimit)
          axis->value = value;
    program.dims.erase(entry.name.text); // of an imported file
    if (axis->value) {
      program.dims[entry.name.text] = *axis->value;
      program.dimsOf[entry.name.range.file][entry.name.text] = *axis->value;
    }
    Entity entity;
    entity.kind = Entity::Kind::Axis;
    entity.axis = axis;
    declare(entry.name, entity);
  }
}

const Axis *Analyser::makeLabelled(const Name &name,
                                   const std::vector<Name> &labels) {
  Axis *axis = newAxis(name, Axis::Kind::Labelled);
  axis->value = static_cast<int64_t>(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    axis->labels.push_back(labels[i].text);
    for (size_t k = 0; k < i; ++k)
      if (labels[k].text == labels[i].text) {
        diags
            .error(
                "E012", labels[i].range,
                fmt::format("the label `{}` is declared twice", labels[i].text))
            .label("declared again here")
            .also(labels[k].range, "first declared here");
        break;
      }
  }
  return axis;
}

void Analyser::axisItem(const Name &name, const std::vector<Name> &labels) {
  Entity entity;
  entity.kind = Entity::Kind::Axis;
  entity.axis = makeLabelled(name, labels);
  declare(name, entity);
}

Signature *Analyser::newSignature(Signature::Kind kind, const Name &name) {
  Signature &signature = signatures.emplace_back();
  signature.kind = kind;
  signature.name = name.text;
  signature.decl = name.range;
  return &signature;
}

void Analyser::beginBlock(BlockScope::Kind kind) {
  blockScope = std::make_unique<BlockScope>();
  blockScope->kind = kind;
  blockScope->errorsBefore = diags.errorCount();
}

static void namesOf(const Size &size, std::vector<Name> &names) {
  if (size.kind == Size::Kind::Name)
    names.push_back({size.name, size.range});
  if (size.lhs)
    namesOf(*size.lhs, names);
  if (size.rhs)
    namesOf(*size.rhs, names);
}

/// `cell C: [I] -> [O]`: the names in its type that the brackets have not
/// declared are sizes too, which the cell that is given says.
void Analyser::declareModule(const Generic &generic, GenericInfo &info) {
  std::vector<Name> names;
  for (const Type *type : {&generic.reads, &generic.gives}) {
    for (const SizePtr &axis : type->axes)
      namesOf(*axis, names);
    if (type->index)
      namesOf(*type->index, names);
  }
  for (const Name &name : names) {
    if (Local *known = findLocal(name.text)) {
      if (known->axis && known->kind == Local::Kind::Axis)
        continue;
      diags.error("E016", name.range, fmt::format("`{}` is no size", name.text))
          .label("a size has to stand here")
          .also(known->decl, "declared here");
      continue;
    }
    Axis *axis = newAxis(name, Axis::Kind::Fixed);
    declareLocal(name, Local::Kind::Axis, Ty::real())->axis = axis;
    info.found.push_back(axis);
  }
  Signature *signature = newSignature(generic.isCell ? Signature::Kind::Cell
                                                     : Signature::Kind::Layer,
                                      generic.name);
  signature->inputs.push_back({"x", type(generic.reads), generic.reads.range});
  signature->result = type(generic.gives);
  signature->resultRange = generic.gives.range;
  signature->params = 1; // it runs under a name of its own only
  auto tree = std::make_shared<PathTree>();
  tree->isOpen = true;
  signature->paths = std::move(tree);
  if (generic.isCell)
    signature->states.push_back({{}, Ty::error(), signature});
  for (Ty *one : {&signature->inputs[0].type, &signature->result})
    if (one->isDist) {
      diags
          .error("E126", generic.range,
                 fmt::format("`{}` neither reads nor gives a distribution",
                             generic.name.text))
          .label("values only");
      *one = Ty::error();
    }
  info.module = signature;
  declareLocal(generic.name, Local::Kind::Module, Ty::error())->module =
      signature;
}

std::vector<GenericInfo>
Analyser::declareGenerics(const std::vector<Generic> &generics) {
  std::vector<GenericInfo> result;
  for (const Generic &generic : generics) {
    GenericInfo info;
    info.name = generic.name.text;
    info.isTime = generic.isTime;
    if (generic.isModule) {
      declareModule(generic, info);
      result.push_back(std::move(info));
      continue;
    }
    info.hasDefault = generic.hasDefault;
    info.defaultValue = generic.defaultValue;
    info.isValue = generic.hasDefault && !generic.defaultIsInteger;
    if (generic.isTime && generic.hasDefault)
      diags.error("E027", generic.range, "a time axis has no default length")
          .label("a length is known only when the program runs");
    if (generic.defaultIsInteger && generic.defaultValue < 0)
      info.isValue = true;
    bool isNumber = generic.hasDefault;
    if (!info.isValue)
      info.axis = newAxis(generic.name,
                          info.isTime ? Axis::Kind::Time : Axis::Kind::Fixed);
    Local *local = declareLocal(
        generic.name, isNumber ? Local::Kind::Number : Local::Kind::Axis,
        Ty::real());
    local->axis = info.axis;
    result.push_back(std::move(info));
  }
  return result;
}

std::vector<Port> Analyser::declarePorts(const std::vector<Field> &fields,
                                         Local::Kind kind) {
  std::vector<Port> ports;
  for (const Field &field : fields) {
    Port port;
    port.name = field.name.text;
    port.type = type(field.type);
    port.typeRange = field.type.range;
    if (port.type.isDist) {
      diags
          .error("E126", field.type.range,
                 fmt::format("`{}` cannot be a distribution", port.name))
          .label("only an output can be one");
      port.type = Ty::error();
    }
    Local *local = declareLocal(field.name, kind, port.type);
    local->typeRange = field.type.range;
    ports.push_back(std::move(port));
  }
  return ports;
}

/// Only what has weights is made of layers and cells.
void Analyser::noModules(const std::vector<Generic> &generics,
                         const char *what) {
  for (const Generic &generic : generics)
    if (generic.isModule)
      diags
          .error("E140", generic.range,
                 fmt::format("{} takes no layers or cells", what))
          .label("only a layer or a cell does");
}

void Analyser::fnItem(const FnItem &item) {
  Signature *signature = newSignature(Signature::Kind::Fn, item.name);
  beginBlock(BlockScope::Kind::Fn);
  blockScope->signature = signature;
  noModules(item.generics, "a function");
  signature->generics = declareGenerics(item.generics);
  signature->inputs = declarePorts(item.args, Local::Kind::Input);
  signature->result = type(item.result);
  signature->resultRange = item.result.range;
  block(item.body);
  finishOut(item.name);
  finishLevels(*signature, item.name);
  signature->nonCausal = blockScope->nonCausal;
  blockScope.reset();
  Entity entity;
  entity.kind = Entity::Kind::Signature;
  entity.signature = signature;
  declare(item.name, entity);
}

void Analyser::moduleItem(const ModuleItem &item) {
  Signature *signature = newSignature(
      item.isCell ? Signature::Kind::Cell : Signature::Kind::Layer, item.name);
  beginBlock(item.isCell ? BlockScope::Kind::Cell : BlockScope::Kind::Layer);
  blockScope->signature = signature;
  signature->generics = declareGenerics(item.generics);
  signature->inputs = declarePorts(item.inputs, Local::Kind::Input);
  signature->constants = declarePorts(item.constants, Local::Kind::Constant);
  signature->result = type(item.result);
  signature->resultRange = item.result.range;
  block(item.body);
  finishModule(*signature, item);
  blockScope.reset();
  Entity entity;
  entity.kind = Entity::Kind::Signature;
  entity.signature = signature;
  declare(item.name, entity);
}

void Analyser::finishModule(Signature &signature, const ModuleItem &item) {
  finishOut(item.name);
  if (item.isCell) {
    finishCell(signature, item);
    warnOldState();
  }
  statesOf(signature);
  gateWarningFacts(signature, item.body);
  finishParams();
  finishLevels(signature, item.name);
  signature.nonCausal = blockScope->nonCausal;
  if (signature.params > maxParams)
    diags
        .error("E130", item.name.range,
               fmt::format("`{}` has more than {} parameters", signature.name,
                           maxParams))
        .label("too many parameters");
}

/// Collects states, parameters and paths of the module and its instances.
void Analyser::statesOf(Signature &signature) {
  auto tree = std::make_shared<PathTree>();
  for (const auto &local : blockScope->locals) {
    if (local->kind == Local::Kind::Param) {
      ++signature.params;
      tree->below[local->name] = std::make_shared<PathTree>();
    }
    if (local->kind == Local::Kind::State)
      signature.states.push_back({{local->name}, local->type});
    if (local->kind != Local::Kind::Instance)
      continue;
    const Instance &inner = *local->instance;
    tree->below[local->name] = inner.paths;
    signature.params =
        std::min(signature.params + inner.params, int64_t(maxParams) * 2);
    if (!inner.firstStep.valid())
      continue;
    signature.opaque |= inner.opaque;
    signature.plain |= inner.plain;
    for (const StateField &field : inner.states) {
      StateField outer = field;
      outer.path.insert(outer.path.begin(), local->name);
      signature.states.push_back(std::move(outer));
    }
  }
  signature.paths = std::move(tree);
  if (signature.states.size() > maxStates) {
    diags
        .error("E131", signature.decl,
               fmt::format("`{}` keeps more than {} states", signature.name,
                           maxStates))
        .label("too many states");
    signature.states.clear();
    signature.opaque = true;
  }
}

void Analyser::finishOut(const Name &name) {
  if (!blockScope->out.valid())
    diags
        .error("E022", name.range,
               fmt::format("`{}` gives nothing: there is no line `out ...`",
                           name.text))
        .label("no `out` in its block")
        .help("end it with `out e`");
}

namespace {
/// The states before the step in an expression that only puts states together.
bool onlyNames(const Expr &expr, std::vector<const NameRef *> &names) {
  if (const auto *ref = dynAs<NameRef>(expr)) {
    names.push_back(ref);
    return true;
  }
  if (dynAs<Prime>(expr))
    return true;
  if (const auto *member = dynAs<Member>(expr))
    return onlyNames(*member->base, names);
  const auto *binary = dynAs<Binary>(expr);
  return binary && binary->op == BinaryOp::Join &&
         onlyNames(*binary->lhs, names) && onlyNames(*binary->rhs, names);
}
} // namespace

/// A step that gives a state as it was before mostly forgot a prime.
void Analyser::warnOldState() {
  std::vector<const NameRef *> names;
  if (!blockScope->outValue || !onlyNames(*blockScope->outValue, names) ||
      diags.errorCount() != blockScope->errorsBefore)
    return;
  for (const NameRef *ref : names) {
    Local *local = findLocal(ref->name);
    if (!local || local->kind != Local::Kind::State || !local->next.valid())
      continue;
    diags
        .warning("W503", ref->range,
                 fmt::format("the step gives `{}` as it was before the step",
                             ref->name))
        .label("the value from the step before")
        .also(local->next, "the next value is set here")
        .help(
            fmt::format("write `{}'` for the value after the step", ref->name))
        .help(fmt::format("if the old value is meant, give it a name of its "
                          "own: `before = {0}`, `out before`",
                          ref->name));
    return;
  }
}

void Analyser::finishCell(Signature &signature, const ModuleItem &item) {
  for (const auto &local : blockScope->locals) {
    if (local->kind == Local::Kind::State && !local->next.valid() &&
        !local->changedInPlace) {
      diags
          .error("E003", local->decl,
                 fmt::format("the state `{}` is never given a next value",
                             local->name))
          .label(fmt::format("no line sets `{}'`", local->name))
          .help(fmt::format("add a line `{0}' = ...`, or make it `param {0} : "
                            "{1} = {2}` if it should stay the same",
                            local->name, text(local->typeRange),
                            text(local->firstValue)));
    }
    if (local->kind != Local::Kind::Instance || !local->instance->isCell ||
        local->instance->broken)
      continue;
    const Instance &inner = *local->instance;
    if (inner.firstStep.valid() || inner.scanned)
      continue;
    std::string args;
    for (const Port &port : inner.inputs)
      args += (args.empty() ? "" : ", ") + port.name;
    diags
        .error("E206", local->decl,
               fmt::format("the inner cell `{}` is never stepped", local->name))
        .label(fmt::format("no line calls `{}(...)`", local->name))
        .help(fmt::format("step it once: `{} = {}({})`",
                          freshName({"y", "z", "w", "v"}), local->name, args));
  }
}

void Analyser::finishParams() {
  if (diags.errorCount() != blockScope->errorsBefore)
    return;
  for (const auto &local : blockScope->locals) {
    if (local->kind != Local::Kind::Param || local->read || local->frozen)
      continue;
    diags
        .warning("W502", local->decl,
                 fmt::format("the parameter `{}` is never used", local->name))
        .label("never read")
        .help("remove the line, or write `frozen` after it to keep it");
  }
}

/// A plain recurrence multiplies its state by a matrix and has nothing that
/// scales the state itself, as a gate does.
void Analyser::gateWarningFacts(Signature &signature, const Block &body) {
  bool ownState = false, matched = false, gated = false;
  auto isState = [&](const Expr &expr) {
    const auto *ref = dynAs<NameRef>(expr);
    Local *local = ref ? findLocal(ref->name) : nullptr;
    return local && local->kind == Local::Kind::State;
  };
  for (const auto &local : blockScope->locals)
    ownState |= local->kind == Local::Kind::State;
  for (const StmtPtr &stmt : body)
    forEachExpr(*stmt, [&](const Expr &top) {
      walk(top, [&](const Expr &expr) {
        const auto *binary = dynAs<Binary>(expr);
        if (!binary)
          return;
        if (binary->op == BinaryOp::Mul)
          gated |= isState(*binary->lhs) || isState(*binary->rhs);
        if (binary->op == BinaryOp::Match)
          matched |= isState(*binary->rhs);
      });
    });
  signature.plain |= ownState && matched && !gated;
}

/// The sizes in brackets are what `-D` or an export says, else their defaults.
void Analyser::modelSizes(const ModelInfo &model) {
  std::map<std::string, double> &sizes = program.sizesOf[model.item];
  for (const GenericInfo &generic : model.generics) {
    if (generic.hasDefault)
      sizes[generic.name] = generic.defaultValue;
    if (std::optional<int64_t> value = givenDim(generic))
      sizes[generic.name] = double(*value);
  }
}

/// What `-D` says of a size of a model.
std::optional<int64_t> Analyser::givenDim(const GenericInfo &generic) const {
  if (inMain && generic.axis && !generic.isTime)
    for (const auto &[name, value] : options.dims)
      if (name == generic.name && value >= 1 && value < sizeLimit)
        return value;
  return std::nullopt;
}

void Analyser::modelItem(const ModelItem &item) {
  ModelInfo &model = models.emplace_back();
  model.name = item.name.text;
  model.decl = item.name.range;
  model.item = &item;
  beginBlock(BlockScope::Kind::Model);
  blockScope->model = &model;
  noModules(item.generics, "a model");
  model.generics = declareGenerics(item.generics);
  modelSizes(model);
  block(item.body);
  finishModel(model);
  finishParams();
  blockScope.reset();
  Entity entity;
  entity.kind = Entity::Kind::Model;
  entity.model = &model;
  declare(item.name, entity);
}

void Analyser::finishModel(ModelInfo &model) {
  bool observes = model.hasLoss;
  auto tree = std::make_shared<PathTree>();
  int64_t params = 0;
  for (const auto &local : blockScope->locals) {
    if (local->kind == Local::Kind::Param) {
      ++params;
      tree->below[local->name] = std::make_shared<PathTree>();
    }
    if (local->kind == Local::Kind::Instance) {
      params = std::min(params + local->instance->params, 2 * maxParams);
      tree->below[local->name] = local->instance->paths;
    }
    if (local->kind != Local::Kind::Output)
      continue;
    observes = true; // a missing `~` has its own error
    if (local->observed.valid())
      continue;
    std::string example = exampleOf(*local);
    diags
        .error("E303", local->decl,
               fmt::format("the output `{}` is never explained", local->name))
        .label(fmt::format("no line `{} ~ ...`", local->name))
        .help("say how it is distributed, for example " + example);
  }
  if (!observes)
    diags
        .error("E307", model.decl,
               fmt::format("the model `{}` has nothing to learn", model.name))
        .label("no `~` and no `loss` in its block")
        .help("declare an `output` and say how it is distributed, or add a "
              "line `loss e`");
  if (params > maxParams)
    diags
        .error("E130", model.decl,
               fmt::format("`{}` has more than {} parameters", model.name,
                           maxParams))
        .label("too many parameters");
  model.paths = std::move(tree);
}
