// AnalyseDists.cpp - distributions that are written in the language.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include "rnnc/Frontend/Walk.h"

#include <fmt/format.h>
#include <set>

using namespace rnnc;
using namespace rnnc::ast;

/// Reports `mode` and `sample` where they read what they are to find.
void Analyser::readsDrawn(const DistItem &item) {
  for (const Field &arg : item.args) // reported already: both have one name
    if (arg.name.text == item.value.text)
      return;
  std::set<std::string> known = {item.value.text}; // by the data alone
  for (const StmtPtr &stmt : item.body) {
    const auto *define = dynAs<DefineStmt>(*stmt);
    if (!define)
      continue;
    SourceRange read;
    std::set<std::string> names = {define->name.text};
    walk(*define->value, [&](const Expr &expr) {
      if (const auto *name = dynAs<NameRef>(expr))
        if (known.count(name->name) && !read.valid())
          read = name->range;
      if (const auto *recur = dynAs<Recur>(expr))
        names.insert(recur->finalName.text);
    });
    if (!read.valid())
      continue;
    if (define->name.text == "mode" || define->name.text == "sample" ||
        define->name.text == "beam") {
      diags
          .error(
              "E320", read,
              fmt::format("`{}` cannot read what is drawn", define->name.text))
          .label(text(read) == item.value.text
                     ? "not known yet"
                     : fmt::format("follows from `{}`, which is not known yet",
                                   item.value.text))
          .also(item.value.range, "this is drawn")
          .note("only `logp` reads it: the arguments say the rest");
      continue;
    }
    known.insert(names.begin(), names.end());
  }
}

/// Whether a size that no argument knows is the length of what is drawn, which
/// the data say.
static bool isLengthOfDrawn(const GenericInfo &generic, const Ty &drawn) {
  return generic.isTime && drawn.rank() &&
         drawn.axes.front().axis() == generic.axis;
}

/// Whether no argument knows how long a sequence is drawn.
static bool drawsAnyLength(const Signature &signature, const Ty &drawn) {
  const Axis *length = nullptr;
  for (const GenericInfo &generic : signature.generics)
    if (isLengthOfDrawn(generic, drawn))
      length = generic.axis;
  for (const Port &port : signature.inputs)
    for (const Poly &axis : port.type.axes)
      if (axis.axis() == length)
        return false;
  return length;
}

/// Whether a value can stand for what is drawn.
bool Analyser::fitsDrawn(const Ty &value, const Ty &drawn, SourceRange range) {
  if (drawn.isIndex() && value.literal)
    return drawn.rank() == 0 && fitsIndex(value, drawn.index, range);
  return value.same(drawn) ||
         (drawn.isNumber() && value.isNumber() && value.axes == drawn.axes);
}

void Analyser::distParts(const DistItem &item, const Ty &drawn) {
  Local *logp = findLocal("logp");
  if (!logp || logp->kind != Local::Kind::Define)
    diags
        .error(
            "E310", item.name.range,
            fmt::format("the distribution `{}` has no `logp`", item.name.text))
        .label("no line `logp = ...`")
        .help(fmt::format("add `logp = e`, the logarithm of the probability of "
                          "`{}`",
                          item.value.text));
  else if (!logp->type.isError() &&
           !(logp->type.isNumber() && logp->type.rank() == 0))
    diags.error("E311", logp->decl, "`logp` is a single number")
        .label(fmt::format("this is {}", logp->type.str()));
  bool anyLength = drawsAnyLength(*blockScope->signature, drawn);
  for (const char *name : {"mode", "sample"}) {
    Local *local = findLocal(name);
    if (!local || local->kind != Local::Kind::Define || local->type.isError() ||
        drawn.isError())
      continue;
    // It is as long as the arguments say.
    const Ty &given = local->type;
    bool isLong = anyLength && given.rank() && given.axes.front().time();
    if (!fitsDrawn(isLong ? given.dropFront(1) : given,
                   isLong ? drawn.dropFront(1) : drawn, local->decl))
      diags
          .error("E311", local->decl,
                 fmt::format("`{}` has to be what is drawn", name))
          .label(fmt::format("this is {}", local->type.str()))
          .also(item.type.range,
                fmt::format("`{}` is {}", item.value.text, drawn.str()));
  }
  searchParts(item, drawn);
  readsDrawn(item);
}

/// `beam`, a list of what is drawn, and `score`, a number for each of them.
void Analyser::searchParts(const DistItem &item, const Ty &drawn) {
  Local *beam = findLocal("beam"), *score = findLocal("score");
  if (!beam || beam->kind != Local::Kind::Define || beam->type.isError() ||
      drawn.isError())
    return;
  const Ty &given = beam->type;
  bool isList = given.rank() && !given.axes.front().time();
  Ty one = isList ? given.dropFront(1) : given;
  bool isLong = isList && drawsAnyLength(*blockScope->signature, drawn) &&
                one.rank() && one.axes.front().time();
  if (!isList || !fitsDrawn(isLong ? one.dropFront(1) : one,
                            isLong ? drawn.dropFront(1) : drawn, beam->decl))
    diags.error("E311", beam->decl, "`beam` has to be a list of what is drawn")
        .label(fmt::format("this is {}", given.str()))
        .also(item.type.range,
              fmt::format("`{}` is {}", item.value.text, drawn.str()));
  else if (!score || score->kind != Local::Kind::Define)
    diags.error("E310", beam->decl, "`beam` has no `score`")
        .label("no line `score = ...`")
        .help("add `score = e`, how good each of the list is: its "
              "log-probability");
  else if (!score->type.isError() &&
           !(score->type.isNumber() && score->type.rank() == 1 &&
             score->type.axes.front() == given.axes.front()))
    diags.error("E311", score->decl, "`score` is a number for each of `beam`")
        .label(fmt::format("this is {}", score->type.str()))
        .also(beam->decl, fmt::format("`beam` is {}", given.str()));
}

void Analyser::distItem(const DistItem &item) {
  Signature *signature = newSignature(Signature::Kind::Dist, item.name);
  beginBlock(BlockScope::Kind::Dist);
  blockScope->signature = signature;
  noModules(item.generics, "a distribution");
  signature->generics = declareGenerics(item.generics);
  signature->inputs = declarePorts(item.args, Local::Kind::Input);
  Ty drawn = type(item.type);
  if (drawn.isDist) {
    diags
        .error("E126", item.type.range,
               fmt::format("`{}` cannot be a distribution", item.value.text))
        .label("a value is drawn");
    drawn = Ty::error();
  }
  signature->result = drawn.isError() ? drawn : Ty::dist(drawn, item.name.text);
  signature->resultRange = item.type.range;
  declareLocal(item.value, Local::Kind::Drawn, drawn);
  block(item.body);
  distParts(item, drawn);
  Local *mode = findLocal("mode");
  signature->hasMode = mode && mode->kind == Local::Kind::Define;
  Local *sample = findLocal("sample");
  signature->hasSample = sample && sample->kind == Local::Kind::Define;
  Local *beam = findLocal("beam");
  signature->hasBeam = beam && beam->kind == Local::Kind::Define;
  finishLevels(*signature, item.name);
  blockScope.reset();
  Entity entity;
  entity.kind = Entity::Kind::Signature;
  entity.signature = signature;
  declare(item.name, entity);
}

/// `-> poisson[F]`: the distribution's own sizes stand last, in front of them
/// axes whose entries are draws of their own.
Ty Analyser::lawType(const Type &node, const Signature &signature,
                     std::vector<Poly> axes) {
  size_t own = std::min(signature.generics.size(), axes.size());
  Bindings bindings;
  std::vector<Poly> front(axes.begin(), axes.end() - own);
  for (size_t i = 0; i < own; ++i)
    if (signature.generics[i].axis)
      bindings[signature.generics[i].axis] = axes[front.size() + i];
  if (own == signature.generics.size())
    return substitute(signature.result, bindings).withFront(front);
  diags
      .error("E027", node.range,
             fmt::format("`{}` has {} sizes, here are {}", signature.name,
                         signature.generics.size(), own))
      .label("too few")
      .also(signature.decl, "declared here");
  return Ty::error();
}

/// The axes in front of those that the arguments have to have: each entry is a
/// draw of its own. What has fewer is repeated.
bool Analyser::drawsOf(const std::vector<const Expr *> &args,
                       const std::vector<std::vector<Poly>> &fronts,
                       const Signature &signature, std::vector<Poly> &front) {
  size_t longest = 0;
  for (size_t i = 1; i < fronts.size(); ++i)
    if (fronts[i].size() > fronts[longest].size())
      longest = i;
  if (!fronts.empty())
    front = fronts[longest];
  for (size_t i = 0; i < fronts.size(); ++i) {
    if (isSuffix(fronts[i], front))
      continue;
    diags
        .error("E118", args[i]->range,
               fmt::format("the arguments of `{}` differ in their first axes",
                           signature.name))
        .label(str(fronts[i]))
        .also(args[longest]->range, str(front))
        .note("each entry along these axes is a draw of its own");
    return false;
  }
  return true;
}

Ty Analyser::lawCall(const Call &node, const Signature &signature) {
  Bindings bindings;
  bool ok = bindSizes(signature, node.generics, node.range, bindings);
  std::vector<const Axis *> free;
  for (const GenericInfo &generic : signature.generics)
    if (generic.axis)
      free.push_back(generic.axis);
  auto args = assign(signature.name, node.callee.range, node.args,
                     signature.inputs, signature.inputs.size(), ok);
  std::vector<std::vector<Poly>> fronts(args.size());
  for (size_t i = 0; i < args.size(); ++i)
    if (args[i])
      ok &= argument(signature.name, nullptr, *args[i], expr(*args[i]),
                     signature.inputs[i], free, bindings, &fronts[i]);
  std::vector<Poly> front;
  if (!ok || !drawsOf(args, fronts, signature, front))
    return Ty::error();
  // The length of what is drawn stands for itself: the data say it.
  bool anyLength = false;
  for (const GenericInfo &generic : signature.generics)
    if (generic.axis && !bindings.count(generic.axis) && !generic.hasDefault &&
        isLengthOfDrawn(generic, signature.result) && front.empty()) {
      anyLength = true;
      bindings[generic.axis] = Poly(generic.axis);
    }
  if (!bindRest(signature, node.range, bindings))
    return Ty::error();
  if (signature.nonCausal)
    seesFuture(node.callee.range);
  Ty result = substitute(signature.result, bindings);
  if (!anyLength)
    return result.withFront(front);
  result = result.dropFront(1);
  result.anyTime = true;
  return result;
}
