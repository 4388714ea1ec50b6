// AnalyseExports.cpp - `export`, and what concerns the program as a whole.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Analyser.h"

#include "Constant.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace rnnc;
using namespace rnnc::ast;

namespace {
struct Function {
  const char *name;
  std::vector<const char *> args;
};

const std::vector<Function> &modelFunctions() {
  static const std::vector<Function> all = {
      {"loss", {}},
      {"grad", {}},
      {"train_step", {}},
      {"hvp", {}},
      {"state_grad", {}},
      {"attention", {}},
      {"predict", {}},
      {"predict_chunk", {}},
      {"sample", {"temperature", "top_k", "top_p", "never", "max", "paths"}},
      {"beam", {"width", "length_penalty", "best", "never", "max"}},
      {"begin", {}},
      {"step", {}}};
  return all;
}

const std::vector<Function> &moduleFunctions(bool isCell) {
  static const std::vector<Function> layer = {{"forward", {}}, {"vjp", {}}};
  static const std::vector<Function> cell = {
      {"forward", {}}, {"vjp", {}}, {"step", {}}};
  return isCell ? cell : layer;
}

/// What the default of an option has to be; null where this number is that.
const char *wantsDefault(std::string_view option, double value) {
  bool fits32 = value == std::floor(value) && std::fabs(value) < 2147483648.0;
  if (option == "width" || option == "best" || option == "paths" ||
      option == "max")
    return fits32 && value >= 1 ? nullptr
                                : "a whole number from 1 to 2147483647";
  if (option == "top_k")
    return fits32 && value >= 0 ? nullptr
                                : "a whole number from 0 to 2147483647";
  if (option == "temperature")
    return value >= 0 ? nullptr : "a number, at least 0";
  if (option == "top_p")
    return value >= 0 && value <= 1 ? nullptr : "a number from 0 to 1";
  return nullptr;
}

std::string drawnWords(const Ty &type) {
  return type.kind == Ty::Kind::Real ? "real numbers" : type.str();
}

/// The reports about the exported function of one model.
class ModelExport {
public:
  ModelExport(Diagnostics &diags, const ModelInfo &model,
              const ExportEntry &entry)
      : diags(diags), model(model), entry(entry) {}

  void run() {
    const std::string &function = entry.function.text;
    bool predicts = function == "predict" || function == "predict_chunk";
    bool draws = function == "sample" || function == "beam";
    if ((predicts || draws) && model.outputs.empty()) {
      diags
          .error("E413", entry.function.range,
                 fmt::format("the model `{}` has no output to {}", model.name,
                             predicts ? "predict" : "draw"))
          .label("not possible")
          .also(model.decl, "it has a `loss` only");
      return;
    }
    if ((predicts || draws || function == "begin") && unfoldsSeveral(function))
      return;
    if (predicts)
      modes(function);
    if (function == "sample")
      sample();
    if (function == "beam")
      beam();
    if (function == "step" || function == "predict_chunk")
      step(function);
  }

private:
  /// Each sequence would end at a step of its own: what feeds its elements back
  /// is made for one.
  bool unfoldsSeveral(const std::string &function) {
    if (std::ranges::count_if(model.outputs, &ModelInfo::Drawn::unfolded) < 2)
      return false;
    auto &d = diags.error("E404", entry.function.range,
                          fmt::format("`{}` feeds the elements of one sequence "
                                      "back, `{}` unfolds several",
                                      function, model.name));
    d.label("not possible");
    for (const ModelInfo::Drawn &output : model.outputs)
      if (output.unfolded)
        d.also(output.typeRange, "written by an `unfold`");
    d.help("`loss`, `grad`, `step` and `train_step` can be exported; a model "
           "with one `unfold` has the others too");
    return true;
  }

  void modes(const std::string &function) {
    for (const ModelInfo::Drawn &output : model.outputs) {
      if (!output.law || output.law->hasMode)
        continue;
      diags
          .error(
              "E321", entry.function.range,
              fmt::format("`{}` needs the mode of `{}`", function, output.name))
          .label("not possible")
          .also(output.law->decl,
                fmt::format("`{}` has no line `mode = ...`", output.law->name))
          .help(addLine(*output.law, "`mode = e`, the most probable value"));
      return;
    }
  }

  void sample() {
    bool isOwn = std::all_of(model.outputs.begin(), model.outputs.end(),
                             [](const auto &output) { return output.law; });
    // Beside an unfold nothing else is drawn.
    bool unfolds = this->unfolds();
    for (const ModelInfo::Drawn &output : model.outputs) {
      if (!output.law || (unfolds && !output.unfolded))
        continue;
      if (!output.law->hasSample) {
        diags
            .error("E321", entry.function.range,
                   fmt::format("`sample` cannot draw `{}`", output.name))
            .label("not possible")
            .also(output.law->decl, fmt::format("`{}` has no line `sample = "
                                                "...`",
                                                output.law->name))
            .help(addLine(*output.law,
                          "`sample = e`, a draw made of `noise(0, uniform(0, "
                          "1))` or `noise(0, normal(0, 1))`"));
        return;
      }
      // Outputs of the built-in distributions beside it have these options.
      if (!isOwn)
        continue;
      for (const Arg &arg : entry.args)
        if (arg.name.text != "max" && arg.name.text != "paths")
          diags
              .error("E412", arg.name.range,
                     fmt::format("`{}` is no option of draws from `{}`",
                                 arg.name.text, output.law->name))
              .label("its line `sample = ...` says how it is drawn");
    }
  }

  void beam() {
    for (const ModelInfo::Drawn &output : model.outputs) {
      if (output.law && !output.unfolded) {
        found(output);
        continue;
      }
      if (output.type.isError())
        continue;
      if (output.type.kind == Ty::Kind::Index) {
        if (unfolds())
          continue;
        notSearched(output);
        return;
      }
      diags
          .error("E402", entry.function.range,
                 "beam search needs an output with a finite set of values")
          .label("not possible")
          .also(output.typeRange, drawnWords(output.type))
          .help(fmt::format("`{0}.sample(paths = 100)` or `{0}.predict` can be "
                            "exported",
                            model.name));
      return;
    }
  }

  bool unfolds() const {
    return std::ranges::any_of(model.outputs, &ModelInfo::Drawn::unfolded);
  }

  /// Entries that do not depend on each other leave nothing to a search.
  void notSearched(const ModelInfo::Drawn &output) {
    auto &d =
        diags.error("E321", entry.function.range,
                    fmt::format("`beam` cannot search `{}`", output.name));
    d.label("not possible");
    d.also(output.typeRange,
           output.type.rank()
               ? "each entry is drawn on its own"
               : fmt::format("{}, drawn at once", drawnWords(output.type)));
    d.note("what an `unfold` writes is searched, or what a distribution with a "
           "line `beam = ...` is of");
    d.help(fmt::format("export `{}.predict`, which gives the likeliest{}",
                       model.name, output.type.rank() ? " of each entry" : ""));
  }

  /// What to do about a line that a distribution lacks; those of an imported
  /// file are not the reader's to change.
  std::string addLine(const Signature &law, const std::string &line) const {
    if (law.decl.file == entry.function.range.file)
      return "add " + line;
    return fmt::format("a `dist` of your own like `{}` can have {}", law.name,
                       line);
  }

  /// The likeliest that the lines of a distribution find.
  void found(const ModelInfo::Drawn &output) {
    if (!output.law->hasBeam) {
      diags
          .error("E321", entry.function.range,
                 fmt::format("`beam` cannot search `{}`", output.name))
          .label("not possible")
          .also(output.law->decl,
                fmt::format("`{}` has no line `beam = ...`", output.law->name))
          .help(output.law->name == "ctc"
                    ? "`ctc_beam` is the same distribution, with a search"
                    : addLine(*output.law,
                              "`beam = e`, the likeliest values as a list, and "
                              "`score = e`, their log-probabilities"));
      return;
    }
    const Ty &one = output.law->result;
    if (!one.isError() && !output.type.isError() &&
        output.type.rank() > one.rank()) {
      diags
          .error("E321", entry.function.range,
                 fmt::format("`beam` cannot search `{}`", output.name))
          .label("not possible")
          .also(output.typeRange, drawnWords(output.type))
          .also(output.law->decl,
                fmt::format("`{}` searches {} at a time", output.law->name,
                            one.rank() ? "one sequence" : "one value"))
          .help(fmt::format("a distribution of all of `{}`, with lines `beam` "
                            "and `score` for all of it, can be searched",
                            output.name));
      return;
    }
    for (const Arg &arg : entry.args)
      diags
          .error("E412", arg.name.range,
                 fmt::format("`{}` is no option of a search of `{}`",
                             arg.name.text, output.law->name))
          .label("its line `beam = ...` says what is found");
  }

  void step(const std::string &function) {
    // What runs before an unfold is no part of its steps.
    for (const ModelInfo::Drawn &output : model.outputs)
      if (output.unfolded && function == "step")
        return;
    SourceRange why = model.backward;
    const char *label = "this scan starts at the end of the sequence";
    if (!why.valid()) {
      why = model.reduction;
      label = "this needs the whole sequence";
    }
    if (!why.valid())
      return;
    diags
        .error("E404", entry.function.range,
               fmt::format("`{}` cannot run {}", model.name,
                           function == "step" ? "one step at a time"
                                              : "part by part"))
        .label("not possible")
        .also(why, label)
        .help(fmt::format("export `{}.predict`, which gets whole sequences",
                          model.name));
  }

  Diagnostics &diags;
  const ModelInfo &model;
  const ExportEntry &entry;
};
} // namespace

/// Null if an error was reported.
static const Function *findFunction(Diagnostics &diags,
                                    const ExportEntry &entry,
                                    const std::vector<Function> &known) {
  std::string names;
  for (const Function &candidate : known) {
    if (entry.function.text == candidate.name)
      return &candidate;
    names += (names.empty() ? "`" : ", `") + std::string(candidate.name) + "`";
  }
  diags
      .error("E411", entry.function.range,
             fmt::format("`{}` has no function `{}`", entry.module.text,
                         entry.function.text))
      .label("cannot be exported")
      .help("it has " + names);
  return nullptr;
}

void Analyser::exportItem(const ExportItem &item) {
  if (!inMain) // an imported file shows nothing of itself
    return;
  for (const ExportEntry &entry : item.entries)
    exportEntry(entry);
}

bool Analyser::exportArgs(const ExportEntry &entry,
                          const std::vector<const char *> &names,
                          ExportRequest &request) {
  std::vector<Port> ports;
  for (const char *name : names)
    ports.push_back({name, Ty::real(), {}});
  bool ok = true;
  auto args = assign(entry.function.text, entry.function.range, entry.args,
                     ports, 0, ok);
  for (size_t i = 0; i < args.size(); ++i) {
    if (!args[i])
      continue;
    std::optional<double> value = constantOf(*args[i], program.dims);
    if (!value) {
      diags
          .error("E412", args[i]->range,
                 fmt::format("the default of `{}` is a plain number",
                             ports[i].name))
          .label("not a number");
      ok = false;
      continue;
    }
    if (const char *wanted = wantsDefault(ports[i].name, *value)) {
      diags
          .error("E412", args[i]->range,
                 fmt::format("this is no default of `{}`", ports[i].name))
          .label(fmt::format("not {}", wanted));
      ok = false;
      continue;
    }
    request.args[ports[i].name] = *value;
  }
  auto width = request.args.find("width"), best = request.args.find("best");
  if (ok && best != request.args.end() &&
      best->second > (width == request.args.end() ? 5 : width->second)) {
    diags
        .error("E412", entry.range, "`best` is at most the width of the search")
        .label(width == request.args.end() ? "the width is 5 unless it is given"
                                           : "more than `width`");
    ok = false;
  }
  return ok;
}

bool Analyser::exportSizes(const ExportEntry &entry, const Signature &signature,
                           ExportRequest &request) {
  Bindings bindings;
  std::vector<const Axis *> inferred;
  SourceRange range = entry.module.range;
  GivenModules modules;
  if (!bindGenerics(signature, entry.given, range, nullptr, bindings, inferred,
                    modules))
    return false;
  for (size_t i = 0; i < entry.given.size(); ++i) {
    const Given &given = entry.given[i];
    if (signature.generics[i].module) {
      request.modules += text(given.range) + ";";
      continue;
    }
    if (given.kind == Given::Kind::Infer) {
      diags.error("E028", given.range, "the size `_` cannot be inferred")
          .label("write the size");
      return false;
    }
    if (given.kind == Given::Kind::Number) {
      request.given.push_back(given.number);
      continue;
    }
    // A dim without value is an error only where code is generated.
    std::optional<Poly> poly = size(*given.size);
    std::optional<int64_t> value = poly ? poly->value() : std::nullopt;
    request.given.push_back(static_cast<double>(value.value_or(0)));
  }
  return true;
}

/// `export M[64].loss`: all exports of a model, and who trains it, mean the
/// same sizes. What `-D` says wins.
bool Analyser::exportModelSizes(const ExportEntry &entry,
                                const ModelInfo &model,
                                ExportRequest &request) {
  Signature signature;
  signature.name = model.name;
  signature.decl = model.decl;
  signature.generics = model.generics;
  if (!exportSizes(entry, signature, request))
    return false;
  for (const ExportRequest &other : program.exports) {
    if (other.decl != request.decl || other.given.empty() ||
        other.given == request.given)
      continue;
    diags
        .error(
            "E420", entry.range,
            fmt::format("`{}` has other sizes in another export", model.name))
        .label("one model has one set of sizes")
        .also(other.entry->range, "other sizes here")
        .help("compile it twice, with `-D`, or write the sizes once");
    return false;
  }
  for (size_t i = 0; i < request.given.size(); ++i) {
    const GenericInfo &generic = model.generics[i];
    if (request.given[i] > 0 && !generic.isTime && !givenDim(generic))
      program.sizesOf[model.item][generic.name] = request.given[i];
  }
  return true;
}

void Analyser::exportEntry(const ExportEntry &entry) {
  const Entity *entity = findEntity(entry.module.text);
  bool isModel = entity && entity->kind == Entity::Kind::Model;
  bool isModule = entity && entity->kind == Entity::Kind::Signature &&
                  (entity->signature->kind == Signature::Kind::Layer ||
                   entity->signature->kind == Signature::Kind::Cell);
  if (!isModel && !isModule) {
    if (!entity && declaredLater(entry.module.text, entry.module.range))
      return;
    auto &d = diags.error("E414", entry.module.range,
                          fmt::format("there is no model, layer or cell `{}`",
                                      entry.module.text));
    d.label("cannot be exported");
    if (entity)
      d.also(entity->decl, "declared here");
    return;
  }
  ExportRequest request;
  request.entry = &entry;
  request.module = entry.module.text;
  request.decl = entity->decl;
  request.isModel = isModel;
  request.isCell = isModule && entity->signature->kind == Signature::Kind::Cell;
  request.function = entry.function.text;
  request.alias = entry.alias.text;
  const Function *function = findFunction(
      diags, entry,
      isModel ? modelFunctions() : moduleFunctions(request.isCell));
  if (!function || !exportArgs(entry, function->args, request))
    return;
  if (isModule && !exportSizes(entry, *entity->signature, request))
    return;
  if (isModule && entity->signature->result.isDist) {
    diags
        .error("E422", entry.module.range,
               fmt::format("`{}` gives a distribution, which is no number",
                           entry.module.text))
        .label("cannot be exported by itself")
        .also(entity->signature->resultRange, "a distribution")
        .help("`out` the scores instead, or export a model that predicts with "
              "it");
    return;
  }
  if (isModel) {
    if (entry.hasBrackets && !exportModelSizes(entry, *entity->model, request))
      return;
    size_t before = diags.errorCount();
    ModelExport(diags, *entity->model, entry).run();
    if (diags.errorCount() != before)
      return;
  }
  for (const ExportRequest &other : program.exports) {
    std::string name =
        entry.alias.empty() ? text(entry.range) : entry.alias.text;
    std::string otherName =
        other.alias.empty() ? text(other.entry->range) : other.alias;
    if (name != otherName &&
        !(other.alias.empty() && entry.alias.empty() &&
          other.module == request.module && other.given == request.given &&
          other.modules == request.modules &&
          other.function == request.function))
      continue;
    diags
        .error("E415", entry.range,
               fmt::format("`{}` is exported twice",
                           entry.alias.empty()
                               ? request.module + "." + request.function
                               : entry.alias.text))
        .label("exported again here")
        .also(other.entry->range, "first exported here")
        .help("`as` gives another name");
    return;
  }
  program.exports.push_back(std::move(request));
}
