// AnalyseInstances.cpp - what `use` and chains make of layers and cells.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"
#include "Foreign.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {
constexpr int64_t maxRepeat = 1024;
constexpr int64_t maxStates = 10000;
constexpr unsigned maxLevels = 2048;
constexpr int64_t maxParams = 20000; // counted no further

std::string plural(size_t n, const char *what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}
} // namespace

bool rnnc::isOpaque(const std::vector<StateField> &states) {
  return std::any_of(states.begin(), states.end(),
                     [](const StateField &field) { return field.of; });
}

const Signature *Analyser::findModule(const Name &name) {
  Local *local = findLocal(name.text);
  if (local && local->kind == Local::Kind::Module)
    return local->module;
  const Entity *entity = findEntity(name.text);
  bool isModule = entity && entity->kind == Entity::Kind::Signature &&
                  (entity->signature->kind == Signature::Kind::Layer ||
                   entity->signature->kind == Signature::Kind::Cell);
  if (isModule) {
    madeOf(*entity->signature);
    return entity->signature;
  }
  if (local || entity) {
    diags
        .error("E016", name.range,
               fmt::format("`{}` is not a layer or a cell", name.text))
        .label("only these can be used")
        .also(local ? local->decl : entity->decl, "declared here");
    return nullptr;
  }
  if (declaredLater(name.text, name.range))
    return nullptr;
  if (blockScope && blockScope->signature &&
      blockScope->signature->name == name.text) {
    diags
        .error("E024", name.range,
               fmt::format("`{}` cannot be made of itself", name.text))
        .label("not known before its end")
        .also(blockScope->signature->decl, "it is declared here");
    return nullptr;
  }
  std::string close = similar(name.text, moduleNames());
  auto &d =
      diags.error("E015", name.range,
                  fmt::format("there is no layer or cell `{}`", name.text));
  d.label("not known here");
  if (std::string foreign = foreignWord(name.text); !foreign.empty())
    d.help(foreign);
  else if (!close.empty())
    d.help(fmt::format("one with a similar name exists: `{}`", close));
  else if (!importsStd())
    d.help("the standard ones are there after `import std`");
  return nullptr;
}

bool Analyser::importsStd() const {
  for (const ItemPtr &item : program.files.back()->items)
    if (const auto *import = dynAs<ImportItem>(*item))
      if (import->name.text == "std")
        return true;
  return false;
}

/// The block being checked is made of `inner`: code for both is generated at
/// once, one inside the other.
void Analyser::madeOf(const Signature &inner) {
  if (blockScope)
    blockScope->below = std::max(blockScope->below, inner.levels);
}

void Analyser::finishLevels(Signature &signature, const Name &name) {
  signature.levels = blockScope->height + blockScope->below + 1;
  if (signature.levels <= maxLevels)
    return;
  // Reported once; what it is made of is cut off.
  signature.levels = 1;
  signature.paths = std::make_shared<PathTree>();
  signature.states.clear();
  signature.opaque = true;
  diags
      .error("E008", name.range,
             fmt::format("`{}` has, with all that it is made of, more than {} "
                         "levels of nesting",
                         name.text, maxLevels))
      .label("too deep");
}

/// Binds the generics of a module to what stands in brackets. What is `_` goes
/// to `inferred`, and time axes that are not given stay free.
bool Analyser::bindGenerics(const Signature &signature,
                            const std::vector<Given> &given, SourceRange range,
                            const Ty *left, Bindings &bindings,
                            std::vector<const Axis *> &inferred,
                            GivenModules &modules) {
  size_t required = 0;
  for (size_t i = 0; i < signature.generics.size(); ++i)
    if (!signature.generics[i].isTime && !signature.generics[i].hasDefault)
      required = i + 1;
  if (given.size() < required || given.size() > signature.generics.size()) {
    std::string names;
    for (const GenericInfo &generic : signature.generics)
      names += (names.empty() ? "" : ", ") + generic.name;
    diags
        .error("E027", range,
               fmt::format("`{}` needs {}, here are {}", signature.name,
                           plural(required, "size"), given.size()))
        .label(given.size() < required ? "too few" : "too many")
        .also(signature.decl, names.empty()
                                  ? "it has none"
                                  : fmt::format("declared with [{}]", names));
    return false;
  }
  for (size_t i = 0; i < signature.generics.size(); ++i) {
    const GenericInfo &generic = signature.generics[i];
    if (i >= given.size()) {
      if (generic.isTime)
        continue;
      if (generic.axis)
        bindings[generic.axis] =
            Poly(static_cast<int64_t>(generic.defaultValue));
      continue;
    }
    const Given &one = given[i];
    if (generic.module) {
      if (!bindModule(signature, generic, one, left, bindings,
                      modules[generic.module]))
        return false;
      continue;
    }
    if (one.kind == Given::Kind::Module) {
      diags
          .error("E009", one.range,
                 fmt::format("`{}` of `{}` is a size", generic.name,
                             signature.name))
          .label("not a size");
      return false;
    }
    if (one.kind == Given::Kind::Infer) {
      if (!generic.axis) {
        diags.error("E028", one.range, "a number cannot be inferred")
            .label(fmt::format("`{}` is a number", generic.name));
        return false;
      }
      inferred.push_back(generic.axis);
      continue;
    }
    if (one.kind == Given::Kind::Number) {
      if (generic.axis && !generic.hasDefault) {
        diags
            .error("E009", one.range,
                   fmt::format("`{}` is a size, and a size is a whole number",
                               generic.name))
            .label("not a whole number");
        return false;
      }
      continue;
    }
    std::optional<Poly> poly = size(*one.size);
    if (!poly)
      return false;
    if (!generic.axis)
      continue;
    if (!checkSize(*poly, one.range))
      return false;
    bool isTime = poly->time() != nullptr;
    if (isTime && !generic.isTime) {
      diags
          .error("E127", one.range,
                 fmt::format("`{}` is a fixed size of `{}`", generic.name,
                             signature.name))
          .label("this length is known only when the program runs");
      return false;
    }
    bindings[generic.axis] = std::move(*poly);
  }
  return true;
}

/// Whether all sizes in a type that parameters stand for are bound.
static bool isBound(const Ty &type, const Signature &signature,
                    const Bindings &bindings) {
  auto isOpen = [&](const Poly &size) {
    for (const GenericInfo &generic : signature.generics)
      for (const Axis *axis : generic.found)
        if (size.axis() == axis && !bindings.count(axis))
          return true;
    return false;
  };
  return std::none_of(type.axes.begin(), type.axes.end(), isOpen) &&
         !(type.kind == Ty::Kind::Index && isOpen(type.index));
}

/// What a parameter reads where other parameters, or the input of the layer or
/// cell around it, say it.
std::optional<Ty> Analyser::readsBehind(const Signature &signature,
                                        const GenericInfo &generic,
                                        const Ty *left,
                                        Bindings bindings) const {
  const Ty &reads = generic.module->inputs[0].type;
  const Ty &formal = signature.inputs[0].type;
  bool isKnown = isBound(reads, signature, bindings);
  if (!isKnown && left && signature.inputs.size() == 1 && !left->isError() &&
      !left->isDist && !formal.isError() && left->rank() >= formal.rank()) {
    std::vector<const Axis *> free = generic.found;
    for (const GenericInfo &other : signature.generics)
      if (other.isTime)
        free.push_back(other.axis);
    size_t front = left->rank() - formal.rank();
    isKnown = true;
    for (size_t i = 0; i < formal.rank(); ++i)
      isKnown &= match(formal.axes[i], left->axes[front + i], free, bindings);
    if (formal.kind == Ty::Kind::Index && left->kind == Ty::Kind::Index)
      isKnown &= match(formal.index, left->index, free, bindings);
    isKnown &= isBound(reads, signature, bindings);
  }
  return isKnown ? std::optional(substitute(reads, bindings)) : std::nullopt;
}

/// Whether the layer or cell that is given can stand for the parameter; finds
/// the sizes that it says.
bool Analyser::fitsModule(const Signature &signature,
                          const GenericInfo &generic, const Given &given,
                          const Instance &made, Bindings &bindings) {
  const Signature &formal = *generic.module;
  bool isCell = formal.kind == Signature::Kind::Cell;
  const Ty &reads = formal.inputs[0].type;
  if (reads.isError() || formal.result.isError())
    return false;
  auto matches = [&](const Ty &wanted, const Ty &actual) {
    bool fits = wanted.kind == actual.kind && wanted.rank() == actual.rank() &&
                !actual.isDist;
    for (size_t i = 0; fits && i < wanted.rank(); ++i)
      fits = match(wanted.axes[i], actual.axes[i], generic.found, bindings);
    return fits && (wanted.kind != Ty::Kind::Index ||
                    match(wanted.index, actual.index, generic.found, bindings));
  };
  std::string what = isCell ? "a cell" : "a layer";
  if (made.isCell != isCell || made.inputs.size() != 1 ||
      !made.constants.empty()) {
    diags
        .error("E140", given.range,
               fmt::format("`{}` takes {} that reads one value", signature.name,
                           what))
        .label(made.isCell != isCell
                   ? fmt::format("{}", made.isCell ? "a cell" : "a layer")
               : !made.constants.empty()
                   ? fmt::format("reads `{}` too", made.constants[0].name)
                   : fmt::format("reads {} values", made.inputs.size()))
        .also(formal.decl, "the parameter");
    return false;
  }
  if (made.inputs[0].type.isError() || made.result.isError())
    return false;
  if (matches(reads, made.inputs[0].type) &&
      matches(formal.result, made.result))
    return true;
  diags
      .error("E140", given.range,
             fmt::format("`{}` takes {} that reads {} and gives {}",
                         signature.name, what,
                         substitute(reads, bindings).str(),
                         substitute(formal.result, bindings).str()))
      .label(fmt::format("reads {} and gives {}", made.inputs[0].type.str(),
                         made.result.str()))
      .also(formal.decl, "the parameter");
  return false;
}

bool Analyser::bindModule(const Signature &signature,
                          const GenericInfo &generic, const Given &given,
                          const Ty *left, Bindings &bindings, Instance &made) {
  Chain bare; // a name alone is read as a size
  const Chain *chain = given.chain.get();
  if (given.kind == Given::Kind::Size && given.size->kind == Size::Kind::Name) {
    bare.module = {given.size->name, given.range};
    bare.range = given.range;
    chain = &bare;
  }
  if (!chain) {
    bool isCell = generic.module->kind == Signature::Kind::Cell;
    diags
        .error("E140", given.range,
               fmt::format("`{}` of `{}` is {}, not a size", generic.name,
                           signature.name, isCell ? "a cell" : "a layer"))
        .label(
            fmt::format("{} has to stand here", isCell ? "a cell" : "a layer"))
        .also(generic.module->decl, "declared here")
        .help(fmt::format("write it with its sizes: `{}[my_cell[E, H]]`",
                          signature.name));
    return false;
  }
  std::optional<Ty> before = readsBehind(signature, generic, left, bindings);
  return instance(*chain, before ? &*before : nullptr, made) &&
         fitsModule(signature, generic, given, made, bindings);
}

bool Analyser::bindSizes(const Signature &signature,
                         const std::vector<SizePtr> &sizes, SourceRange range,
                         Bindings &bindings) {
  if (sizes.size() > signature.generics.size()) {
    diags
        .error("E027", range,
               fmt::format("`{}` has {}, here are {}", signature.name,
                           plural(signature.generics.size(), "size"),
                           sizes.size()))
        .label("too many");
    return false;
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    std::optional<Poly> poly = size(*sizes[i]);
    if (!poly || !checkSize(*poly, sizes[i]->range))
      return false;
    if (signature.generics[i].axis)
      bindings[signature.generics[i].axis] = std::move(*poly);
  }
  return true;
}

/// The states of a parameter are those of what is given for it.
static void expandStates(const std::vector<StateField> &states,
                         const GivenModules &modules,
                         std::vector<StateField> &result) {
  for (const StateField &field : states) {
    auto given = modules.find(field.of);
    if (!field.of || given == modules.end()) {
      result.push_back(field);
      continue;
    }
    for (StateField inner : given->second.states) {
      inner.path.insert(inner.path.begin(), field.path.begin(),
                        field.path.end());
      result.push_back(std::move(inner));
    }
  }
}

void Analyser::instantiate(const Signature &signature, const Bindings &bindings,
                           const GivenModules &modules, Instance &result) {
  result.isCell = signature.kind == Signature::Kind::Cell;
  result.inputs = signature.inputs;
  result.constants = signature.constants;
  for (std::vector<Port> *ports : {&result.inputs, &result.constants})
    for (Port &port : *ports)
      port.type = substitute(port.type, bindings);
  result.result = substitute(signature.result, bindings);
  result.resultRange = signature.resultRange;
  std::vector<StateField> own = signature.states;
  for (StateField &field : own)
    field.type = substitute(field.type, bindings);
  expandStates(own, modules, result.states);
  result.opaque = signature.opaque;
  result.params = signature.params;
  result.paths = signature.paths;
  result.plain = signature.plain;
  result.nonCausal = signature.nonCausal;
  for (const auto &[parameter, given] : modules) {
    result.opaque |= given.opaque;
    result.plain |= given.plain;
    result.nonCausal |= given.nonCausal;
    result.params = std::min(result.params + given.params, maxParams);
  }
}

/// Fits an instance behind a value of type `left`, as in `left >> link`, and
/// finds its inferred sizes.
bool Analyser::follow(Instance &link, const Ty &left, SourceRange range,
                      std::vector<const Axis *> &inferred) {
  if (link.inputs.size() != 1) {
    diags
        .error("E208", range,
               fmt::format("a later stage of a chain reads one value, this "
                           "one reads {}",
                           link.inputs.size()))
        .label("cannot stand behind `>>`");
    return false;
  }
  Ty &formal = link.inputs[0].type;
  if (left.isError() || formal.isError())
    return false;
  std::vector<const Axis *> free = inferred;
  free.insert(free.end(), link.free.begin(), link.free.end());
  size_t front = left.rank() >= formal.rank() ? left.rank() - formal.rank() : 0;
  Bindings bindings;
  bool fits = left.rank() >= formal.rank() && !left.isDist &&
              left.kind == formal.kind && (!link.isCell || front == 0);
  for (size_t i = 0; fits && i < formal.rank(); ++i)
    fits = match(formal.axes[i], left.axes[front + i], free, bindings);
  if (fits && formal.kind == Ty::Kind::Index)
    fits = match(formal.index, left.index, free, bindings);
  if (!fits) {
    diags.error("E209", range, "the stages of the chain do not fit")
        .label(fmt::format("reads {}, the stage before gives {}", formal.str(),
                           left.str()));
    return false;
  }
  for (const Axis *axis : inferred)
    if (!bindings.count(axis)) {
      diags.error("E028", range, "the size `_` cannot be inferred")
          .label(fmt::format("nothing says what `{}` is", axis->name));
      return false;
    }
  std::vector<Poly> leading(left.axes.begin(), left.axes.begin() + front);
  for (Port &port : link.inputs)
    port.type = substitute(port.type, bindings);
  link.result = substitute(link.result, bindings).withFront(leading);
  for (StateField &field : link.states)
    field.type = substitute(field.type, bindings);
  return true;
}

bool Analyser::refInstance(const Chain &chain, const Ty *left,
                           Instance &result) {
  const Signature *signature = findModule(chain.module);
  if (!signature)
    return false;
  Bindings bindings;
  std::vector<const Axis *> inferred;
  GivenModules modules;
  if (!bindGenerics(*signature, chain.given,
                    chain.hasBrackets ? chain.range : chain.module.range, left,
                    bindings, inferred, modules))
    return false;
  if (!inferred.empty() && !left) {
    for (const Given &given : chain.given)
      if (given.kind == Given::Kind::Infer)
        diags.error("E028", given.range, "the size `_` cannot be inferred")
            .label("nothing stands left of it in a chain")
            .help("write the size");
    return false;
  }
  instantiate(*signature, bindings, modules, result);
  for (const GenericInfo &generic : signature->generics)
    if (generic.isTime && !bindings.count(generic.axis) &&
        std::find(inferred.begin(), inferred.end(), generic.axis) ==
            inferred.end())
      result.free.push_back(generic.axis);
  return !left || follow(result, *left, chain.range, inferred);
}

bool Analyser::sequenceInstance(const Chain &chain, const Ty *left,
                                Instance &result) {
  auto tree = std::make_shared<PathTree>();
  for (size_t i = 0; i < chain.links.size(); ++i) {
    const Chain &link = *chain.links[i];
    Instance stage;
    if (!instance(link, i == 0 ? left : &result.result, stage))
      return false;
    std::string name = link.stage.empty() ? std::to_string(i) : link.stage.text;
    if (!tree->below.emplace(name, stage.paths).second) {
      diags
          .error("E012", link.stage.range,
                 fmt::format("two stages are named `{}`", name))
          .label("named again here");
      return false;
    }
    for (StateField &field : stage.states) {
      field.path.insert(field.path.begin(), name);
      result.states.push_back(std::move(field));
    }
    if (i == 0)
      result.inputs = std::move(stage.inputs);
    result.constants.insert(result.constants.end(), stage.constants.begin(),
                            stage.constants.end());
    result.free.insert(result.free.end(), stage.free.begin(), stage.free.end());
    result.result = std::move(stage.result);
    result.resultRange = stage.resultRange;
    result.isCell |= stage.isCell;
    result.opaque |= stage.opaque;
    result.plain |= stage.plain;
    result.nonCausal |= stage.nonCausal;
    result.params = std::min(result.params + stage.params, maxParams);
    if (result.states.size() > maxStates) {
      diags
          .error("E131", link.range,
                 fmt::format("this keeps more than {} states", maxStates))
          .label("too many states");
      return false;
    }
  }
  result.paths = std::move(tree);
  return true;
}

bool Analyser::repeatInstance(const Chain &chain, const Ty *left,
                              Instance &result) {
  std::optional<Poly> count = size(*chain.count);
  if (!count)
    return false;
  std::optional<int64_t> known = count->value();
  if (known && (*known < 1 || *known > maxRepeat)) {
    diags
        .error("E129", chain.count->range,
               fmt::format("`repeat` makes 1 to {} copies", maxRepeat))
        .label(fmt::format("this is {}", *known));
    return false;
  }
  if (count->time()) {
    diags
        .error("E127", chain.count->range,
               "the number of copies has to be known when compiling")
        .label("known only when the program runs");
    return false;
  }
  Instance one;
  if (!instance(*chain.body, left, one))
    return false;
  if (!known || *known > 1) {
    // A second copy stands behind the first.
    Instance second;
    if (!instance(*chain.body, &one.result, second))
      return false;
    if (!second.result.same(one.result)) {
      diags
          .error("E209", chain.body->range,
                 "the copies of `repeat` do not fit behind one another")
          .label(fmt::format("the first gives {}, the second {}",
                             one.result.str(), second.result.str()));
      return false;
    }
  }
  int64_t copies = known.value_or(1);
  if (static_cast<int64_t>(one.states.size()) * copies > maxStates) {
    diags
        .error("E131", chain.range,
               fmt::format("this keeps more than {} states", maxStates))
        .label("too many states");
    return false;
  }
  result = one;
  result.opaque |= !known;
  result.params = std::min(one.params * copies, maxParams);
  result.states.clear();
  auto tree = std::make_shared<PathTree>();
  for (int64_t i = 0; i < copies; ++i) {
    tree->below[std::to_string(i)] = one.paths;
    for (StateField field : one.states) {
      field.path.insert(field.path.begin(), std::to_string(i));
      result.states.push_back(std::move(field));
    }
  }
  result.paths = std::move(tree);
  return true;
}

/// What a chain makes. `left` is what the stage before gives, null at the
/// beginning. False if an error was reported.
bool Analyser::instance(const Chain &chain, const Ty *left, Instance &result) {
  switch (chain.kind) {
  case Chain::Kind::Ref:
    return refInstance(chain, left, result);
  case Chain::Kind::Sequence:
    return sequenceInstance(chain, left, result);
  case Chain::Kind::Repeat:
    return repeatInstance(chain, left, result);
  }
  return false;
}
