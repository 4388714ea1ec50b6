// AnalyseObserved.cpp - outputs and the distributions they are drawn from.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {
/// "one of K for each of T": what a distribution or an output stands for.
std::string describeDrawn(const Ty &type) {
  std::string what = type.kind == Ty::Kind::Index
                         ? fmt::format("one of {}", type.index.str())
                     : type.kind == Ty::Kind::Bit ? std::string("a bit")
                                                  : std::string("a number");
  std::string each = type.anyTime ? "each step" : "";
  std::string sizes;
  for (const Poly &axis : type.axes)
    sizes += (sizes.empty() ? "" : ", ") + axis.str();
  if (!sizes.empty())
    each += (each.empty() ? "each of " : " and each of ") + sizes;
  return each.empty() ? what : fmt::format("{} for {}", what, each);
}
} // namespace

/// What each step of an unfold draws from.
std::string Analyser::distOfSteps(const Recur &recur) {
  Local *local = findLocal(recur.cell.text);
  if (local && local->kind == Local::Kind::Instance)
    return local->instance->result.distName;
  const Entity *cell = findEntity(recur.cell.text);
  return cell && cell->kind == Entity::Kind::Signature
             ? cell->signature->result.distName
             : "";
}

void Analyser::observeStmt(const ObserveStmt &stmt) {
  blockScope->observed = stmt.value.get();
  Ty value = expr(*stmt.value);
  Local *output = findLocal(stmt.output.text);
  const std::string &name = stmt.output.text;
  if (!output) {
    diags
        .error("E013", stmt.output.range,
               fmt::format("there is no output `{}`", name))
        .label("not known here")
        .help(fmt::format("declare it: `output {} : ...`", name));
    return;
  }
  if (output->kind == Local::Kind::Input) {
    SourceRange word = output->statement;
    word.end = word.begin + 5; // `input`
    diags.error("E305", stmt.output.range, "an input cannot be drawn")
        .label("left of `~`")
        .also(word, "given, never drawn")
        .help(fmt::format("declare it `output {} : {}` if the model should "
                          "predict it",
                          name, text(output->typeRange)));
    return;
  }
  if (output->kind != Local::Kind::Output) {
    diags
        .error("E305", stmt.output.range,
               fmt::format("`{}` is not an output", name))
        .label("only an output is drawn")
        .also(output->decl, "declared here");
    return;
  }
  if (output->observed.valid()) {
    diags
        .error("E306", stmt.output.range,
               fmt::format("the output `{}` is explained twice", name))
        .label("explained again here")
        .also(output->observed, "first explained here");
    return;
  }
  output->observed = stmt.output.range;
  const auto *recur = dynAs<Recur>(*stmt.value);
  ModelInfo::Drawn drawn;
  drawn.name = name;
  drawn.type = output->type;
  drawn.typeRange = output->typeRange;
  drawn.dist = value.distName;
  bool unfolds = recur && recur->op == RecurOp::Unfold;
  const Entity *law =
      findEntity(unfolds ? distOfSteps(*recur) : value.distName);
  if (value.isDist && law && law->kind == Entity::Kind::Signature &&
      law->signature->kind == Signature::Kind::Dist)
    drawn.law = law->signature;
  drawn.unfolded = unfolds;
  blockScope->model->outputs.push_back(std::move(drawn));
  if (!value.isError())
    observedTypes(stmt, *output, value);
}

void Analyser::observedTypes(const ObserveStmt &stmt, Local &output,
                             const Ty &type) {
  if (!type.isDist) {
    diags
        .error("E309", stmt.value->range,
               "a distribution has to stand right of `~`")
        .label(fmt::format("this is {}", type.str()))
        .help(output.type.kind == Ty::Kind::Index
                  ? "`categorical(...)` makes one from scores"
                  : "`normal(..., 1)` makes one from means");
    return;
  }
  if (output.type.isError())
    return;
  Ty drawn = type;
  drawn.isDist = drawn.anyTime = false;
  Ty wanted = output.type;
  // Any length: the first axis of the output is free.
  bool hasLength = !type.anyTime || wanted.rank();
  if (type.anyTime && hasLength)
    wanted = wanted.dropFront(1);
  if (hasLength && drawn.same(wanted))
    return;
  auto &d =
      diags.error("E304", stmt.value->range, "the two sides of `~` do not fit");
  d.label(describeDrawn(type));
  d.also(output.typeRange, describeDrawn(output.type));
  // `categorical(head(x))`: the head's last size is the one to change.
  const auto *call = dynAs<Call>(*stmt.value);
  const auto *head =
      call && !call->args.empty() ? dynAs<Call>(*call->args[0].value) : nullptr;
  Local *local = head ? findLocal(head->callee.text) : nullptr;
  if (!local || !local->instance || local->instance->broken ||
      local->instance->chain->kind != Chain::Kind::Ref ||
      type.kind != Ty::Kind::Index || wanted.kind != Ty::Kind::Index ||
      drawn.axes != wanted.axes) {
    Ty declared = drawn;
    if (type.anyTime && hasLength)
      declared.axes.insert(declared.axes.begin(), output.type.axes[0]);
    d.help(fmt::format("`output {} : {}` is what stands right of `~`",
                       output.name, declared.str()));
    return;
  }
  const Chain &chain = *local->instance->chain;
  std::string old = text(chain.range), fixed = chain.module.text + "[";
  for (size_t i = 0; i < chain.given.size(); ++i)
    fixed += (i ? ", " : "") + (i + 1 == chain.given.size()
                                    ? wanted.index.str()
                                    : text(chain.given[i].range));
  d.note(fmt::format("`{}` is {}", head->callee.text, old));
  d.help(fmt::format("change it to `{}]`", fixed));
}
