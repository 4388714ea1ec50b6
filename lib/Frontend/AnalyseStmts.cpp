// AnalyseStmts.cpp - the statements of a block.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include "rnnc/Frontend/Walk.h"

#include <algorithm>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

using BlockKind = BlockScope::Kind;

namespace {
const char *blockName(BlockKind kind) {
  static const char *const names[] = {"a function", "a layer", "a cell",
                                      "a distribution", "a model"};
  return names[static_cast<int>(kind)];
}

const char *stmtName(Stmt::Kind kind) {
  static const char *const names[] = {
      "time",   "axis",   "dim",          "param", "state", "use", "input",
      "output", "a name", "a next value", "~",     "out",   "loss"};
  return names[static_cast<int>(kind)];
}

/// The blocks a statement may stand in.
bool mayStand(Stmt::Kind stmt, BlockKind block) {
  bool module = block == BlockKind::Layer || block == BlockKind::Cell;
  bool model = block == BlockKind::Model;
  switch (stmt) {
  case Stmt::Kind::Axis:
  case Stmt::Kind::Dim:
  case Stmt::Kind::Define:
    return true;
  case Stmt::Kind::Param:
  case Stmt::Kind::Use:
    return module || model;
  case Stmt::Kind::State:
  case Stmt::Kind::Next:
    return block == BlockKind::Cell;
  case Stmt::Kind::Out:
    return module || block == BlockKind::Fn;
  default:
    return model;
  }
}

std::string misplacedHelp(Stmt::Kind stmt, BlockKind block) {
  if (stmt == Stmt::Kind::State)
    return block == BlockKind::Layer
               ? "make it a `cell`; a layer keeps nothing from step to step"
               : "declare a `cell` and run it with `scan` or `fold`";
  if (stmt == Stmt::Kind::Next)
    return "only a cell has a step before and a step after";
  if (stmt == Stmt::Kind::Out && block == BlockKind::Model)
    return "a model says what it predicts with `output y : ...` and `y ~ ...`";
  if (stmt == Stmt::Kind::Out && block == BlockKind::Dist)
    return "a distribution says what it is with `logp = ...` and `mode = ...`";
  if (stmt == Stmt::Kind::Time)
    return "write the time axis in the brackets: `[time T]`";
  if (stmt == Stmt::Kind::Param || stmt == Stmt::Kind::Use)
    return "weights live in a layer, a cell or a model; pass them as arguments";
  return "it belongs to a model";
}
} // namespace

/// Notes which names come later, so that an early use gets a better message.
void Analyser::prescan(const Block &body) {
  auto later = [&](const Name &name) {
    blockScope->later.emplace(name.text, name.range);
  };
  for (const StmtPtr &stmt : body) {
    if (const auto *define = dynAs<DefineStmt>(*stmt))
      later(define->name);
    if (const auto *next = dynAs<NextStmt>(*stmt))
      blockScope->nextLater.emplace(next->state.text, next->targetRange);
    if (const auto *param = dynAs<ParamStmt>(*stmt))
      for (const Name &name : param->names)
        later(name);
    if (const auto *state = dynAs<StateStmt>(*stmt))
      for (const Name &name : state->names)
        later(name);
    if (const auto *use = dynAs<UseStmt>(*stmt))
      for (const UseStmt::Entry &entry : use->entries)
        later(entry.name);
    if (const auto *time = dynAs<TimeStmt>(*stmt))
      for (const Name &name : time->names)
        later(name);
    if (const auto *axis = dynAs<AxisStmt>(*stmt))
      later(axis->name);
    if (const auto *dim = dynAs<DimStmt>(*stmt))
      for (const DimEntry &entry : dim->entries)
        later(entry.name);
    if (const auto *input = dynAs<InputStmt>(*stmt))
      for (const Field &field : input->fields)
        later(field.name);
  }
}

void Analyser::block(const Block &body) {
  prescan(body);
  for (const StmtPtr &stmt : body)
    if (allowed(*stmt))
      statement(*stmt);
}

/// The first line of a range.
SourceRange Analyser::firstLine(SourceRange range) const {
  size_t end = sources.text(range).find('\n');
  if (end != std::string_view::npos)
    range.end = range.begin + static_cast<uint32_t>(end);
  return range;
}

bool Analyser::allowed(const Stmt &stmt) {
  if (mayStand(stmt.kind, blockScope->kind))
    return true;
  std::string what = stmtName(stmt.kind);
  if (what.find(' ') == std::string::npos)
    what = "`" + what + "`";
  diags
      .error("E021", firstLine(stmt.range),
             fmt::format("{} cannot stand in {}", what,
                         blockName(blockScope->kind)))
      .label("not possible here")
      .help(misplacedHelp(stmt.kind, blockScope->kind));
  return false;
}

void Analyser::statement(const Stmt &stmt) {
  switch (stmt.kind) {
  case Stmt::Kind::Time:
    return timeStmt(as<TimeStmt>(stmt));
  case Stmt::Kind::Axis: {
    const auto &axis = as<AxisStmt>(stmt);
    declareLocal(axis.name, Local::Kind::Axis, Ty::real())->axis =
        makeLabelled(axis.name, axis.labels);
    return;
  }
  case Stmt::Kind::Dim:
    return dimStmt(as<DimStmt>(stmt));
  case Stmt::Kind::Param:
    return paramStmt(as<ParamStmt>(stmt));
  case Stmt::Kind::State:
    return stateStmt(as<StateStmt>(stmt));
  case Stmt::Kind::Use:
    return useStmt(as<UseStmt>(stmt));
  case Stmt::Kind::Input:
    return fieldsStmt(as<InputStmt>(stmt).fields, Local::Kind::Input,
                      stmt.range);
  case Stmt::Kind::Output:
    return fieldsStmt(as<OutputStmt>(stmt).fields, Local::Kind::Output,
                      stmt.range);
  case Stmt::Kind::Define:
    return defineStmt(as<DefineStmt>(stmt));
  case Stmt::Kind::Next:
    return nextStmt(as<NextStmt>(stmt));
  case Stmt::Kind::Observe:
    return observeStmt(as<ObserveStmt>(stmt));
  case Stmt::Kind::Out:
    return outStmt(as<OutStmt>(stmt));
  case Stmt::Kind::Loss:
    return lossStmt(as<LossStmt>(stmt));
  }
}

Local *Analyser::declareLocal(const Name &name, Local::Kind kind, Ty type) {
  auto local = std::make_unique<Local>();
  local->kind = kind;
  local->name = name.text;
  local->decl = name.range;
  local->type = std::move(type);
  Local *result = local.get();
  blockScope->locals.push_back(std::move(local));
  auto [it, isNew] = blockScope->names.emplace(name.text, result);
  if (!isNew) {
    auto &d = diags.error("E012", name.range,
                          fmt::format("`{}` is declared twice", name.text));
    d.label("declared again here")
        .also(it->second->decl, "first declared here");
    if (it->second->kind == Local::Kind::Output &&
        kind == Local::Kind::Define) {
      d.help(fmt::format("`{} ~ ...` says how an output is distributed",
                         name.text));
      it->second->observed = name.range;
    }
    result->read = true; // no second complaint
    result->next = name.range;
    result->observed = name.range;
  }
  return result;
}

void Analyser::timeStmt(const TimeStmt &stmt) {
  for (const Name &name : stmt.names)
    declareLocal(name, Local::Kind::Axis, Ty::real())->axis =
        newAxis(name, Axis::Kind::Time);
}

void Analyser::dimStmt(const DimStmt &stmt) {
  for (const DimEntry &entry : stmt.entries) {
    Axis *axis = newAxis(entry.name, Axis::Kind::Fixed);
    if (!entry.value) {
      diags
          .error("E029", entry.name.range,
                 fmt::format("`{}` has no value", entry.name.text))
          .label("a `dim` inside a block needs one")
          .help(fmt::format("declare `dim {}` at the top of the file if it "
                            "should be given from outside",
                            entry.name.text));
    } else if (std::optional<Poly> poly = size(*entry.value)) {
      if (checkSize(*poly, entry.value->range))
        axis->value = poly->value();
    }
    declareLocal(entry.name, Local::Kind::Axis, Ty::real())->axis = axis;
  }
}

void Analyser::paramStmt(const ParamStmt &stmt) {
  Ty declared = type(stmt.type);
  SourceRange head = stmt.range;
  head.end = stmt.type.range.end;
  if (!declared.isError() &&
      (declared.kind != Ty::Kind::Real || declared.isDist)) {
    diags.error("E132", stmt.type.range, "a parameter holds real numbers")
        .label(fmt::format("this is {}", declared.str()));
    declared = Ty::error();
  }
  if (!declared.isError() && !noTimeIn(stmt.type, text(head)))
    declared = Ty::error();
  if (stmt.value)
    firstValue(*stmt.value, declared, "E120", BlockScope::Rule::FirstParam);
  if (stmt.init)
    initialiser(*stmt.init);
  for (const Name &name : stmt.names) {
    Local *local = declareLocal(name, Local::Kind::Param, declared);
    local->typeRange = stmt.type.range;
    local->frozen = stmt.frozen;
  }
}

void Analyser::initialiser(const Initialiser &init) {
  struct Known {
    const char *name;
    std::vector<Port> ports;
    size_t required;
  };
  auto real = [](const char *name) { return Port{name, Ty::real(), {}}; };
  const Known known[] = {
      {"glorot", {}, 0},
      {"orthogonal", {}, 0},
      {"identity", {}, 0},
      {"normal", {real("mean"), real("sd")}, 2},
      {"uniform", {real("from"), real("to")}, 2},
  };
  for (const Known &one : known) {
    if (init.name.text != one.name)
      continue;
    bool ok = true;
    BlockScope::Rule before = BlockScope::Rule::All;
    if (blockScope)
      std::swap(before, blockScope->rule),
          blockScope->rule = BlockScope::Rule::FirstParam;
    for (const Expr *arg :
         assign(one.name, init.range, init.args, one.ports, one.required, ok)) {
      Ty value = arg ? expr(*arg) : Ty::error();
      if (arg && !value.isError() && !value.same(Ty::real()))
        diags.error("E120", arg->range, "a plain number has to stand here")
            .label(fmt::format("this is {}", value.str()));
    }
    if (blockScope)
      blockScope->rule = before;
    return;
  }
  diags
      .error("E123", init.name.range,
             fmt::format("there is no way `{}` to draw first values",
                         init.name.text))
      .label("not known here")
      .help("known are `glorot`, `orthogonal`, `identity`, `normal(mean, sd)` "
            "and `uniform(from, to)`");
}

void Analyser::stateStmt(const StateStmt &stmt) {
  Ty declared = type(stmt.type);
  bool isOpen = declared.kind == Ty::Kind::Index && declared.index.time();
  if (declared.isDist || isOpen) {
    diags.error("E132", stmt.type.range, "a state holds values of fixed kinds")
        .label(declared.isDist ? fmt::format("this is {}", declared.str())
                               : "a place in a sequence")
        .note("numbers, whole numbers, bits, and indices of a fixed axis");
    declared = Ty::error();
  }
  firstValue(*stmt.first, declared, "E121", BlockScope::Rule::FirstState);
  for (const Name &name : stmt.names) {
    Local *local = declareLocal(name, Local::Kind::State, declared);
    local->typeRange = stmt.type.range;
    local->firstValue = stmt.first->range;
  }
}

/// Checks the value a parameter or state begins with; its shape is a suffix of
/// the declared one.
void Analyser::firstValue(const Expr &value, const Ty &type, const char *code,
                          BlockScope::Rule rule) {
  if (const auto *record = dynAs<Record>(value)) {
    BlockScope::Rule before = blockScope->rule;
    blockScope->rule = rule;
    recordValue(*record, type, code);
    blockScope->rule = before;
    return;
  }
  const auto *only = dynAs<Call>(value);
  if (only && only->callee.text == "only" && !findEntity("only")) {
    std::vector<Port> ports = {{"k", Ty::real(), {}}};
    bool ok = true;
    auto args = assign("only", only->callee.range, only->args, ports, 1, ok);
    if (!ok || type.isError())
      return;
    const auto *number = dynAs<Number>(*args[0]);
    if (type.rank() == 0 || !number || !number->isInteger) {
      diags.error(code, value.range, "`only(k)` is 0 at one place of an axis")
          .label(type.rank() == 0 ? "there is no axis here"
                                  : "k is a whole number");
      return;
    }
    Ty literal = Ty::real();
    literal.literal = true;
    literal.literalValue = static_cast<int64_t>(number->value);
    fitsIndex(literal, type.axes.back(), args[0]->range);
    return;
  }
  BlockScope::Rule before = blockScope->rule;
  blockScope->rule = rule;
  Ty actual = expr(value);
  blockScope->rule = before;
  if (actual.isError() || type.isError())
    return;
  if (type.kind == Ty::Kind::Index && actual.literal) {
    fitsIndex(actual, type.index, value.range);
    return;
  }
  bool fits = type.isNumber() ? actual.isNumber() : actual.kind == type.kind;
  if (type.kind == Ty::Kind::Index)
    fits = fits && actual.index == type.index;
  if (type.kind == Ty::Kind::Bit)
    fits |= actual.literal &&
            (actual.literalValue == 0 || actual.literalValue == 1);
  if (fits && isSuffix(actual.axes, type.axes))
    return;
  // The entries of a list have no names: their number is enough.
  if (dynAs<List>(value) && actual.isNumber() && actual.rank() <= type.rank() &&
      std::equal(actual.axes.rbegin(), actual.axes.rend(), type.axes.rbegin(),
                 [](const Poly &a, const Poly &b) {
                   return !b.value() || a.value() == b.value();
                 }))
    return;
  diags.error(code, value.range, "the first value does not fit")
      .label(fmt::format("this is {}", actual.str()))
      .note(fmt::format("it begins as {}, or as something that is repeated "
                        "along the first axes of it",
                        type.str()));
}

void Analyser::recordValue(const Record &record, const Ty &type,
                           const char *code) {
  if (type.isError())
    return;
  const Axis *axis = type.rank() ? type.axes.front().axis() : nullptr;
  if (!axis || axis->kind != Axis::Kind::Labelled) {
    diags.error("E119", record.range, "there are no labels to give values to")
        .label(fmt::format("the first axis of {} has no labels", type.str()));
    return;
  }
  std::vector<std::string> seen;
  bool hasElse = false;
  Ty rest = type.dropFront(1);
  for (const Record::Field &field : record.fields) {
    std::string label = field.path.empty() ? "else" : text(field.range);
    bool known = field.path.empty() ||
                 std::find(axis->labels.begin(), axis->labels.end(), label) !=
                     axis->labels.end();
    if (!known)
      diags
          .error(
              "E017", field.range,
              fmt::format("the axis `{}` has no label `{}`", axis->name, label))
          .label("not a label")
          .also(axis->decl, "the axis is declared here");
    else if (std::find(seen.begin(), seen.end(), label) != seen.end())
      diags
          .error("E012", field.range, fmt::format("`{}` is given twice", label))
          .label("given again here");
    hasElse |= field.path.empty();
    seen.push_back(label);
    firstValue(*field.value, rest, code, blockScope->rule);
  }
  for (const std::string &label : axis->labels)
    if (!hasElse && std::find(seen.begin(), seen.end(), label) == seen.end()) {
      diags
          .error("E119", record.range,
                 fmt::format("the label `{}` gets no value", label))
          .label(fmt::format("`{}` is missing", label))
          .help("give it one, or add `else: 0`");
      return;
    }
}

void Analyser::useStmt(const UseStmt &stmt) {
  for (const UseStmt::Entry &entry : stmt.entries) {
    auto made = std::make_unique<Instance>();
    bool ok = instance(*entry.chain, nullptr, *made);
    made->name = entry.name.text;
    made->decl = entry.name.range;
    made->chain = entry.chain.get();
    made->broken = !ok;
    Local *local = declareLocal(entry.name, Local::Kind::Instance, Ty::error());
    local->statement = stmt.range;
    local->instance = std::move(made);
  }
}

void Analyser::fieldsStmt(const std::vector<Field> &fields, Local::Kind kind,
                          SourceRange statement) {
  for (const Port &port : declarePorts(fields, kind)) {
    Local *local = blockScope->names[port.name];
    local->statement = statement;
    if (kind != Local::Kind::Output)
      continue;
    if (!port.type.isError() && port.type.kind == Ty::Kind::Int) {
      diags
          .error("E312", port.typeRange,
                 "no distribution draws whole numbers without bound")
          .label("an output is real, `bit` or an index")
          .help("declare an axis and write `in N`");
      local->type = Ty::error();
    }
  }
}

void Analyser::defineStmt(const DefineStmt &stmt) {
  blockScope->define = &stmt;
  Ty value = expr(*stmt.value);
  blockScope->define = nullptr;
  Local *before = findLocal(stmt.name.text);
  if (before && before->kind == Local::Kind::State) {
    if (!before->changedInPlace && !before->next.valid())
      before->changedInPlace = !blockScope->nextLater.count(stmt.name.text);
    diags.error("E002", stmt.name.range, "a state cannot be changed in place")
        .label(fmt::format("`{}` is the value from the step before",
                           stmt.name.text))
        .also(before->decl, "the state is declared here")
        .help(fmt::format("to set the value for the next step, write `{}' = "
                          "{}`",
                          stmt.name.text, text(stmt.value->range)));
    return;
  }
  bool ofData = followsFromData(*stmt.value), fixed = isFixed(*stmt.value);
  Local *local = declareLocal(stmt.name, Local::Kind::Define, std::move(value));
  local->ofData = ofData;
  local->isFixed = fixed;
}

/// Whether a value is made of numbers and sizes alone.
bool Analyser::isFixed(const Expr &value) const {
  bool fixed = true;
  walk(value, [&](const Expr &part) {
    const auto *call = dynAs<Call>(part);
    const auto *bind = dynAs<Bind>(part);
    const auto *ref = dynAs<NameRef>(part);
    if (part.kind == Expr::Kind::Prime || part.kind == Expr::Kind::Recur)
      fixed = false;
    if (call &&
        (findLocal(call->callee.text) || call->callee.text == "dropout" ||
         call->callee.text == "noise"))
      fixed = false;
    if (bind && bind->axis->kind == Size::Kind::Name) {
      const Local *axis = findLocal(bind->axis->name);
      fixed &= !axis || !axis->axis || axis->axis->kind != Axis::Kind::Time;
    }
    if (!ref)
      return;
    for (const Local *index : blockScope->indices)
      fixed &= index->name != ref->name;
    if (const Local *local = findLocal(ref->name))
      fixed &= local->kind == Local::Kind::Axis ||
               local->kind == Local::Kind::Number || local->isFixed ||
               isGivenByCall(*local);
  });
  return fixed;
}

/// Whether a value may differ from example to example.
bool Analyser::followsFromData(const Expr &value) const {
  bool follows = false;
  auto isData = [&](const std::string &name) {
    const Local *local = findLocal(name);
    if (!local)
      return false;
    switch (local->kind) {
    case Local::Kind::Define:
      return local->ofData;
    case Local::Kind::Axis:
      return local->axis && local->axis->kind == Axis::Kind::Time;
    case Local::Kind::Param:
    case Local::Kind::Instance:
    case Local::Kind::Number:
    case Local::Kind::Module:
      return false;
    default:
      return true;
    }
  };
  walk(value, [&](const Expr &part) {
    if (const auto *ref = dynAs<NameRef>(part))
      follows |= isData(ref->name);
    const auto *bind = dynAs<Bind>(part);
    if (bind && bind->axis->kind == Size::Kind::Name)
      follows |= isData(bind->axis->name);
  });
  return follows;
}

void Analyser::nextStmt(const NextStmt &stmt) {
  Ty value = expr(*stmt.value);
  Local *state = findLocal(stmt.state.text);
  if (!state || state->kind != Local::Kind::State) {
    auto &d = diags.error("E026", stmt.targetRange,
                          fmt::format("`{}` is not a state", stmt.state.text));
    d.label("only a state has a next value");
    if (state)
      d.also(state->decl, "declared here");
    d.help(fmt::format("declare it: `state {} : [H] = 0`, or write `{} = {}`",
                       stmt.state.text, stmt.state.text,
                       text(stmt.value->range)));
    return;
  }
  if (state->next.valid()) {
    diags
        .error("E004", stmt.targetRange,
               fmt::format("`{}'` is set twice", stmt.state.text))
        .label("set again here")
        .also(state->next, "first set here")
        .note("a step sets each state exactly once")
        .help(fmt::format("give the first value a name of its own, such as "
                          "`{} = {}`",
                          freshName({"y", "z", "w", "v", "u"}),
                          state->nextValue ? text(state->nextValue->range)
                                           : "..."));
    return;
  }
  state->next = stmt.targetRange;
  state->nextValue = stmt.value.get();
  bool isWhole = state->type.kind == Ty::Kind::Int && value.isNumber() &&
                 value.axes == state->type.axes;
  if (value.isError() || state->type.isError() || isWhole ||
      value.same(state->type) ||
      (state->type.rank() == 0 && standsFor(*stmt.value, state->type)))
    return;
  auto &d = diags.error(
      "E122", stmt.value->range,
      fmt::format("the next value of `{}` has another shape", state->name));
  d.label(value.str())
      .also(state->typeRange,
            fmt::format("`{}` is {}", state->name, state->type.str()));
  if (value.isNumber() && value.rank() == 0 && state->type.isNumber() &&
      state->type.rank() == 1)
    d.help(fmt::format("for the same in all places, write `{}' = for {} in {}: "
                       "{}`",
                       state->name, freshName({"i", "k", "n", "j"}),
                       state->type.axes.front().str(),
                       text(stmt.value->range)));
}

void Analyser::outStmt(const OutStmt &stmt) {
  Ty value = expr(*stmt.value);
  if (blockScope->out.valid()) {
    diags.error("E022", firstLine(stmt.range), "`out` stands twice")
        .label("given again here")
        .also(blockScope->out, "first given here")
        .help("join both: `out a ++ b`");
    return;
  }
  blockScope->out = firstLine(stmt.range);
  blockScope->outValue = stmt.value.get();
  const Ty &declared = blockScope->signature->result;
  if (value.isError() || declared.isError() || declared.same(value))
    return;
  diags
      .error("E116", stmt.value->range,
             fmt::format("`{}` does not give what it declares",
                         blockScope->signature->name))
      .label(fmt::format("this is {}", value.str()))
      .also(blockScope->signature->resultRange,
            fmt::format("{} is declared", declared.str()));
}

void Analyser::lossStmt(const LossStmt &stmt) {
  // What only the loss reads does not keep a model from running step by step.
  ModelInfo &model = *blockScope->model;
  SourceRange before = model.reduction;
  Ty value = expr(*stmt.value);
  model.reduction = before;
  model.hasLoss = true;
  if (followsFromData(*stmt.value))
    model.loss = stmt.value->range;
  if (value.isError() || (value.isNumber() && value.rank() == 0))
    return;
  diags.error("E313", stmt.value->range, "a loss is a single number")
      .label(fmt::format("this is {}", value.str()))
      .help("sum it over its axes: `loss mean t in T: e[t]`");
}
