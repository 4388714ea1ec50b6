// AnalyseRecurrences.cpp - the types of scan, fold and unfold.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

/// Finds the cell that runs: an instance, or a cell without weights of its own.
/// Null if an error was reported.
Instance *Analyser::recurCell(const Recur &node, Instance &storage) {
  const std::string &name = node.cell.text;
  Local *local = findLocal(name);
  if (local && local->kind == Local::Kind::Instance) {
    Instance &instance = *local->instance;
    if (instance.broken)
      return nullptr;
    instance.scanned = true;
    if (instance.isCell)
      return &instance;
    diags
        .error("E205", node.cell.range,
               fmt::format("`{}` is a layer, it does not run over time", name))
        .label("keeps no state")
        .also(instance.chain->range, "a layer")
        .help(fmt::format("call it: `{}(...)`; it maps over all steps", name));
    return nullptr;
  }
  if (local) {
    diags
        .error("E205", node.cell.range, fmt::format("`{}` is not a cell", name))
        .label("only a cell runs over time")
        .also(local->decl, "declared here");
    return nullptr;
  }
  const Signature *signature = findModule(node.cell);
  if (!signature)
    return nullptr;
  if (signature->kind != Signature::Kind::Cell || signature->params != 0) {
    bool cell = signature->kind == Signature::Kind::Cell;
    std::string fresh = freshName({"rnn", "net", "cell1"});
    auto &d = diags.error("E205", node.cell.range,
                          cell ? fmt::format("`{}` has weights and needs a "
                                             "name for them",
                                             name)
                               : fmt::format("`{}` is a layer, it does not run "
                                             "over time",
                                             name));
    d.label(cell ? "cannot run directly" : "keeps no state");
    d.also(signature->decl, "declared here");
    if (cell)
      d.help(fmt::format("declare `use {} = {}[...]` and write `{} {}`", fresh,
                         name, spelling(node.op), fresh));
    return nullptr;
  }
  Bindings bindings;
  if (!bindSizes(*signature, node.generics, node.cell.range, bindings))
    return nullptr;
  instantiate(*signature, bindings, {}, storage);
  storage.name = name;
  for (const GenericInfo &generic : signature->generics)
    if (generic.axis && !bindings.count(generic.axis))
      storage.free.push_back(generic.axis);
  return &storage;
}

Ty Analyser::recur(const Recur &node) {
  Instance storage;
  Instance *cell = recurCell(node, storage);
  if (!cell) {
    for (const Arg &arg : node.args)
      expr(*arg.value);
    for (const ExprPtr &over : node.over)
      expr(*over);
    if (!node.finalName.empty())
      declareLocal(node.finalName, Local::Kind::Final, Ty::error());
    return Ty::error();
  }
  if (!node.generics.empty() && cell != &storage)
    diags
        .error("E027", node.cell.range,
               fmt::format("`{}` has its sizes already", node.cell.text))
        .label("an instance")
        .also(cell->decl, "declared here");
  if (node.backward) {
    blockScope->nonCausal = true;
    if (blockScope->model && !blockScope->model->backward.valid())
      blockScope->model->backward = node.backwardRange;
  }
  if (cell->nonCausal)
    seesFuture(node.cell.range);
  if (node.op == RecurOp::Unfold) {
    if (node.times)
      diags
          .error("E212", node.times->range,
                 "`unfold` ends by what it draws, or after `max` steps")
          .label("`times` belongs to `scan` and `fold`");
    return unfold(node, *cell);
  }
  if (node.times)
    return recurTimes(node, *cell);
  for (const ExprPtr *clause : {&node.start, &node.stop, &node.maxSteps})
    if (*clause)
      diags
          .error("E212", (*clause)->range,
                 fmt::format("`{}` does not draw anything", spelling(node.op)))
          .label("only `unfold` starts and stops by what it draws");
  return recurOver(node, *cell, cell->result);
}

/// Checks the clauses and gives the type of the whole.
Ty Analyser::recurOver(const Recur &node, Instance &cell, Ty element) {
  Bindings bindings;
  Poly time;
  bool ok = overInputs(node, cell, 0, bindings, time);
  ok &= recurConstants(node, cell, bindings);
  fromClause(node, cell, bindings);
  finalClause(node, cell, bindings);
  if (cell.plain && ok && time.time()) {
    if (blockScope->signature)
      blockScope->signature->plain = true;
    if (blockScope->model && cell.chain && !blockScope->model->plain.valid()) {
      blockScope->model->plain = cell.chain->range;
      blockScope->model->plainAxis = time.str();
    }
  }
  if (!ok)
    return Ty::error();
  if (node.op == RecurOp::Fold)
    return stateRecord(cell, bindings);
  return substitute(element, bindings).withFront({time});
}

/// `fold c(x) times n`: steps on the same inputs.
Ty Analyser::recurTimes(const Recur &node, Instance &cell) {
  std::optional<Poly> count = size(*node.times);
  bool ok = count && checkSize(*count, node.times->range);
  if (ok && count->time()) {
    diags
        .error("E137", node.times->range,
               "the number of steps after `times` is fixed")
        .label("known only when the program runs")
        .help(fmt::format("`over` runs a cell along `{}`", count->str()));
    ok = false;
  }
  if (!node.over.empty() || node.backward) {
    diags
        .error("E137",
               node.over.empty() ? node.backwardRange
                                 : node.over.front()->range,
               "`times` repeats a step on the same inputs")
        .label("nothing to run over here")
        .help(fmt::format("the inputs stand in brackets: `{} {}({}) times ...`",
                          spelling(node.op), node.cell.text,
                          node.over.empty() ? "x"
                                            : text(node.over.front()->range)));
    ok = false;
  }
  std::vector<Port> ports = cell.inputs;
  ports.insert(ports.end(), cell.constants.begin(), cell.constants.end());
  auto args = assign(node.cell.text, node.cell.range, node.args, ports,
                     ports.size(), ok, cell.inputs.size());
  Bindings bindings;
  for (size_t i = 0; i < args.size(); ++i)
    if (args[i])
      ok &= argument(node.cell.text, cell.chain ? &cell : nullptr, *args[i],
                     expr(*args[i]), ports[i], cell.free, bindings, nullptr);
  fromClause(node, cell, bindings);
  finalClause(node, cell, bindings);
  if (!ok)
    return Ty::error();
  if (node.op == RecurOp::Fold)
    return stateRecord(cell, bindings);
  return substitute(cell.result, bindings).withFront({*count});
}

Ty Analyser::stateRecord(const Instance &cell, const Bindings &bindings) const {
  if (cell.opaque || isOpaque(cell.states))
    return Ty::error();
  Ty result;
  result.kind = Ty::Kind::State;
  for (const StateField &field : cell.states)
    result.fields.push_back({field.path, substitute(field.type, bindings)});
  return result;
}

/// Checks the sequences against the inputs of the cell from `firstInput` on.
bool Analyser::overInputs(const Recur &node, Instance &cell, size_t firstInput,
                          Bindings &bindings, Poly &time) {
  size_t wanted = cell.inputs.size() - std::min(firstInput, cell.inputs.size());
  if (node.over.size() != wanted) {
    std::string names;
    for (size_t i = firstInput; i < cell.inputs.size(); ++i)
      names += (names.empty() ? "" : ", ") + cell.inputs[i].name;
    size_t before = diags.errorCount();
    for (const ExprPtr &over : node.over)
      expr(*over);
    if (diags.errorCount() != before) // what cannot be read is one too many
      return false;
    SourceRange range = node.over.empty() ? join(node.opRange, node.cell.range)
                                          : join(node.over.front()->range,
                                                 node.over.back()->range);
    diags
        .error("E210", range,
               fmt::format("`{}` reads {} sequence{}, here {} {}",
                           node.cell.text, wanted, wanted == 1 ? "" : "s",
                           node.over.size() == 1 ? "is" : "are",
                           node.over.size()))
        .label(node.over.size() < wanted ? "too few" : "too many")
        .help(wanted == 0   ? std::string("leave `over` out")
              : wanted == 1 ? fmt::format("write `over {}`", names)
                            : fmt::format("write `over ({})`", names));
    return false;
  }
  bool ok = true;
  Ty first;
  for (size_t i = 0; i < node.over.size(); ++i) {
    const Expr &over = *node.over[i];
    Ty type = expr(over);
    if (type.isError() || !overType(node, cell, over, type,
                                    cell.inputs[firstInput + i], bindings)) {
      ok = false;
      continue;
    }
    if (first.isError()) {
      first = type;
      time = type.axes.front();
    } else if (type.axes.front() != time) {
      lengthError(node, over, type, first);
      ok = false;
    }
  }
  return ok;
}

/// Checks one sequence: a first axis, then what the cell reads at a step.
bool Analyser::overType(const Recur &node, const Instance &cell,
                        const Expr &over, const Ty &type, const Port &input,
                        Bindings &bindings) {
  const Ty &wanted = input.type;
  if (wanted.isError())
    return false;
  Ty shown = substitute(wanted, bindings);
  bool sameRank = type.rank() == wanted.rank() && !type.isDist;
  Bindings trial = bindings;
  bool fits =
      !type.isDist && !type.isState() && type.rank() == wanted.rank() + 1;
  auto fitsFrom = [&](size_t skip) {
    for (size_t i = 0; i < wanted.rank(); ++i)
      if (!match(wanted.axes[i], type.axes[skip + i], cell.free, trial))
        return false;
    if (wanted.kind == Ty::Kind::Index)
      return type.isIndex() &&
             match(wanted.index, type.index, cell.free, trial);
    return wanted.isNumber() ? type.isNumber() : wanted.kind == type.kind;
  };
  if (fits && fitsFrom(1)) {
    bindings = std::move(trial);
    return true;
  }
  if (sameRank && fitsFrom(0)) {
    auto &d =
        diags.error("E203", over.range, "there is no axis left to run over");
    d.label(fmt::format("{}, one step only", type.str()));
    d.also(node.cell.range,
           fmt::format("`{}` reads {} at each step", cell.name, shown.str()));
    std::vector<Poly> axes = type.axes;
    axes.insert(axes.begin(), Poly(int64_t(1)));
    Ty longer = type;
    longer.axes = axes;
    if (dynAs<NameRef>(over))
      d.help(fmt::format("for a single step, `{0}` needs a first axis: declare "
                         "it `{0} : {1}`",
                         text(over.range), longer.str()));
    return false;
  }
  if (fits && wanted.kind == Ty::Kind::Index && type.isIndex() &&
      wanted.rank() == 0) {
    indexError(
        over.range, type, node.cell.range,
        fmt::format("`{}` wants an index in {}", cell.name, shown.index.str()),
        shown.index);
    return false;
  }
  Ty step = type.isState() || type.rank() == 0 ? type : type.dropFront(1);
  auto &d = diags.error("E105", over.range,
                        fmt::format("`{}` reads {} at each step, this is {}",
                                    cell.name, shown.str(), step.str()));
  d.label(type.str());
  if (cell.chain)
    d.also(cell.chain->range, fmt::format("reads {}", shown.str()));
  return false;
}

void Analyser::lengthError(const Recur &node, const Expr &over, const Ty &type,
                           const Ty &firstType) {
  const Expr &first = *node.over.front();
  auto &d =
      diags.error("E204", over.range, "the two sequences differ in length");
  d.label(type.str()).also(first.range, firstType.str());
  Ty wanted = type;
  wanted.axes.front() = firstType.axes.front();
  for (const auto &local : blockScope->locals)
    if (local->kind == Local::Kind::Input && local->type.same(wanted) &&
        local->name != text(first.range)) {
      d.help(fmt::format("`{} : {}` has the same length as `{}`", local->name,
                         local->type.str(), text(first.range)));
      return;
    }
}

bool Analyser::recurConstants(const Recur &node, Instance &cell,
                              Bindings &bindings) {
  bool ok = true;
  SourceRange range = node.cell.range;
  auto args = assign(node.cell.text, range, node.args, cell.constants,
                     cell.constants.size(), ok, 0);
  for (size_t i = 0; i < args.size(); ++i)
    if (args[i])
      ok &= argument(node.cell.text, cell.chain ? &cell : nullptr, *args[i],
                     expr(*args[i]), cell.constants[i], cell.free, bindings,
                     nullptr);
  return ok;
}

namespace {
/// The states below a path, with the path left out.
std::vector<StateField> below(const std::vector<StateField> &states,
                              const std::vector<std::string> &path) {
  std::vector<StateField> result;
  for (const StateField &field : states) {
    if (field.path.size() < path.size() ||
        !std::equal(path.begin(), path.end(), field.path.begin()))
      continue;
    StateField rest = field;
    rest.path.erase(rest.path.begin(), rest.path.begin() + path.size());
    result.push_back(std::move(rest));
  }
  return result;
}
} // namespace

void Analyser::fromClause(const Recur &node, const Instance &cell,
                          const Bindings &bindings) {
  if (!node.from)
    return;
  std::vector<StateField> states = cell.states;
  for (StateField &field : states)
    field.type = substitute(field.type, bindings);
  if (const auto *record = dynAs<Record>(*node.from)) {
    std::vector<std::string> seen;
    for (const Record::Field &field : record->fields) {
      std::string path = text(field.range);
      if (std::find(seen.begin(), seen.end(), path) != seen.end())
        diags
            .error("E012", field.range,
                   fmt::format("`{}` is given twice", path))
            .label("given again here");
      seen.push_back(path);
      fromField(node, cell, states, field);
    }
    return;
  }
  Ty value = expr(*node.from);
  if (value.isError() || cell.opaque || isOpaque(cell.states))
    return;
  if (!value.isState()) {
    auto &d = diags.error("E107", node.from->range,
                          "a record of states has to stand after `from`");
    d.label(fmt::format("this is {}", value.str()));
    if (!states.empty())
      d.help(fmt::format("name the state: `from {{{}: {}}}`",
                         joined(states[0].path), text(node.from->range)));
    return;
  }
  for (const StateField &field : value.fields) {
    auto same = [&](const StateField &state) {
      return state.path == field.path;
    };
    auto it = std::find_if(states.begin(), states.end(), same);
    bool known = it != states.end();
    if (known && (it->type.isError() || field.type.isError() ||
                  it->type.same(field.type)))
      continue;
    diags
        .error("E107", node.from->range,
               known ? "the first state has the wrong shape"
                     : fmt::format("`{}` keeps no state `{}`", cell.name,
                                   joined(field.path)))
        .label(fmt::format("`{}` is {}", joined(field.path), field.type.str()))
        .also(node.cell.range, known ? fmt::format("`{}` keeps {} here",
                                                   cell.name, it->type.str())
                                     : "not a state of it");
    return;
  }
}

void Analyser::fromField(const Recur &node, const Instance &cell,
                         const std::vector<StateField> &states,
                         const Record::Field &field) {
  Ty value = expr(*field.value);
  if (field.path.empty()) {
    diags.error("E119", field.range, "`else` cannot stand among states")
        .label("states that are not named start as declared");
    return;
  }
  if (cell.opaque || isOpaque(cell.states))
    return;
  std::vector<std::string> path;
  for (const Name &name : field.path)
    path.push_back(name.text);
  std::vector<StateField> found = below(states, path);
  if (found.empty()) {
    stateMember(states, field.path, cell.name); // reports
    return;
  }
  if (value.isError())
    return;
  Ty wanted = found[0].type;
  bool fits = found[0].path.empty();
  if (fits) {
    fits = wanted.isError() || value.same(wanted);
  } else { // a part of several states
    wanted = Ty();
    wanted.kind = Ty::Kind::State;
    fits = value.isState() && value.fields.size() == found.size();
    for (size_t i = 0; fits && i < found.size(); ++i)
      fits = value.fields[i].path == found[i].path &&
             value.fields[i].type.same(found[i].type);
  }
  if (fits)
    return;
  auto &d = diags.error("E107", field.value->range,
                        "the first state has the wrong shape");
  d.label(value.str());
  d.also(field.range,
         fmt::format("`{}` keeps {} here", cell.name, wanted.str()));
  if (wanted.rank() != 1 || value.rank() != 1 || !value.isNumber())
    return;
  const Poly &from = value.axes[0], &to = wanted.axes[0];
  if (std::string known = valuesNote(from, to); !known.empty())
    d.note(known);
  if (from.time())
    return;
  std::string init = freshName({"init", "first_state", "bridge"});
  d.help(fmt::format("map it first: `use {} = dense[{}, {}]`, then `from "
                     "{{{}: tanh({}({}))}}`",
                     init, from.str(), to.str(), text(field.range), init,
                     text(field.value->range)));
}

void Analyser::finalClause(const Recur &node, const Instance &cell,
                           const Bindings &bindings) {
  if (node.finalName.empty())
    return;
  if (!blockScope->indices.empty()) {
    diags
        .error("E021", node.finalName.range,
               "`final` cannot stand inside a loop over an axis")
        .label("there would be one last state for each entry");
    return;
  }
  declareLocal(node.finalName, Local::Kind::Final, stateRecord(cell, bindings));
}

/// Whether what the cell draws is what it reads first.
bool Analyser::unfoldCloses(const Recur &node, const Instance &cell) {
  SourceRange range = join(node.opRange, node.cell.range);
  if (cell.result.isError())
    return false;
  if (!cell.result.isDist) {
    auto &d = diags.error("E302", range,
                          "`unfold` needs a cell that outputs a distribution");
    d.label("nothing to draw from");
    d.also(cell.resultRange, "outputs numbers");
    d.help(
        fmt::format("end the cell with `out categorical(...)` and declare `-> "
                    "categorical{}`",
                    cell.result.rank() ? str(cell.result.axes) : "[V]"));
    return false;
  }
  if (cell.inputs.empty() || cell.inputs[0].type.isError())
    return false;
  Ty drawn = cell.result;
  drawn.isDist = false;
  const Port &first = cell.inputs[0];
  if (drawn.isIndex() && drawn.index.time()) {
    diags.error("E323", range, "an `unfold` draws no places in a sequence")
        .label(
            fmt::format("`{}` is as long as each example", drawn.index.str()))
        .also(cell.resultRange,
              fmt::format("draws a place in {}", drawn.index.str()))
        .note("there is no place that every example has, to begin with and to "
              "end with")
        .help("without feeding it back: `y ~ for t in T: categorical(...)` "
              "with scores along the sequence");
    return false;
  }
  if (drawn.same(first.type))
    return true;
  auto words = [](const Ty &type) {
    if (type.kind == Ty::Kind::Index && type.rank() == 0)
      return fmt::format("an index in {}", type.index.str());
    return type.str();
  };
  diags
      .error("E301", range,
             "the loop does not close: the cell draws one thing and reads "
             "another")
      .label("feeds each draw back in")
      .also(cell.resultRange, fmt::format("draws {}", words(drawn)))
      .also(first.typeRange, fmt::format("reads {}", words(first.type)))
      .help(fmt::format("declare `{}: {}`", first.name, drawn.str()));
  return false;
}

/// Checks `start`, `stop` and `max`.
void Analyser::unfoldClauses(const Recur &node, const Ty &drawn) {
  auto fits = [&](const Expr &value, const Ty &type) {
    if (drawn.kind == Ty::Kind::Index && (drawn.rank() == 0 || type.literal))
      return fitsIndex(type, drawn.index, value.range);
    bool isBit = drawn.kind == Ty::Kind::Bit && type.literal &&
                 (type.literalValue == 0 || type.literalValue == 1);
    return type.same(drawn) || isBit ||
           (type.isNumber() && drawn.isNumber() &&
            isSuffix(type.axes, drawn.axes));
  };
  if (node.start) {
    Ty start = expr(*node.start);
    if (!start.isError() && !fits(*node.start, start))
      diags
          .error("E314", node.start->range,
                 "`start` does not fit what the cell reads first")
          .label(start.str())
          .also(node.cell.range,
                fmt::format("`{}` reads {}", node.cell.text, drawn.str()));
  } else {
    diags
        .error("E314", join(node.opRange, node.cell.range),
               "`unfold` needs to know what it reads first")
        .label("no `start`")
        .help("add `start 0`, the symbol that stands before every sequence");
  }
  if (node.stop) {
    Ty stop = expr(*node.stop);
    if (!stop.isError() && (drawn.kind != Ty::Kind::Index || drawn.rank() != 0))
      diags
          .error("E315", node.stop->range,
                 "only a drawn index can say that a sequence ends")
          .label("never drawn")
          .also(node.cell.range,
                fmt::format("`{}` draws {}", node.cell.text, drawn.str()));
    else if (!stop.isError() && !fits(*node.stop, stop))
      diags.error("E315", node.stop->range, "`stop` is not what the cell draws")
          .label(stop.str());
    else if (!stop.isError() && !isFixed(*node.stop))
      fixedExpr(*node.stop); // says what is not fixed
  }
  if (!node.maxSteps)
    return;
  const auto *number = dynAs<Number>(*node.maxSteps);
  const auto *dim = dynAs<NameRef>(*node.maxSteps);
  Ty steps = expr(*node.maxSteps);
  bool isDim = dim && !steps.isError() && !steps.isIndex() &&
               (!findLocal(dim->name) || findLocal(dim->name)->axis);
  bool good = number ? number->isInteger && number->value >= 1 &&
                           number->value < 2147483648.0
                     : isDim;
  if (!good && !steps.isError())
    diags
        .error("E316", node.maxSteps->range,
               "`max` is a number of steps, at least 1")
        .label(!number || !number->isInteger ? "not a whole number or a `dim`"
               : number->value < 1           ? "less than 1"
                                             : "more than 2147483647");
}

Ty Analyser::unfold(const Recur &node, Instance &cell) {
  if (blockScope->observed != &node)
    diags
        .error("E322", join(node.opRange, node.cell.range),
               "`unfold` stands right of `~`, and nowhere else")
        .label("nothing says here what is drawn")
        .note("what is drawn, and how long it is, follows from the output")
        .help(fmt::format("in a model, with `output y : [T] ...`, write `y ~ "
                          "{}`",
                          text(node.range)));
  if (blockScope->kind == BlockScope::Kind::Cell)
    seesFuture(node.opRange);
  if (node.backward)
    diags.error("E212", node.backwardRange, "`unfold` cannot run backward")
        .label("nothing is drawn yet at the end");
  bool ok = unfoldCloses(node, cell);
  Bindings bindings;
  Poly time;
  ok &= overInputs(node, cell, 1, bindings, time);
  ok &= recurConstants(node, cell, bindings);
  fromClause(node, cell, bindings);
  finalClause(node, cell, bindings);
  Ty drawn = substitute(cell.result, bindings);
  if (!ok || drawn.isError()) {
    for (const ExprPtr *clause : {&node.start, &node.stop, &node.maxSteps})
      if (*clause)
        expr(**clause);
    return Ty::error();
  }
  drawn.isDist = false;
  unfoldClauses(node, drawn);
  Ty result = Ty::dist(drawn, "unfold");
  if (node.over.empty())
    result.anyTime = true;
  else
    result = result.withFront({time});
  return result;
}
