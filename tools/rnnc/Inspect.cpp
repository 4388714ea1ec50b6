// Inspect.cpp: `rnnc inspect`: what a library holds.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"
#include "Commands.h"
#include "Model.h"
#include "Trained.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Support/Text.h"
#include "rnnc/Training/Progress.h"

#include <filesystem>
#include <functional>
#include <numeric>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;

namespace {
struct InspectOptions {
  ModelOptions model;
  bool json = false;
  /// The sizes that workspaces are told for; 0 examples: none.
  int32_t batch = 0, steps = 100;
};

/// What a function needs beside its arguments.
struct Workspace {
  size_t bytes = 0;
  /// How much more each step needs: what a gradient keeps of it.
  double ofStep = 0;
};
/// By module and function; empty where nobody asked.
using Workspaces = std::vector<std::vector<Workspace>>;
} // namespace

static Workspace workspaceOf(const ModelInstance &instance, int function,
                             const InspectOptions &options) {
  auto bytes = [&](int32_t steps) {
    return instance.workspaceBytes(function, options.batch, steps);
  };
  // Over half of the steps; of few ones, over some more.
  constexpr int32_t Few = 128;
  bool isFew = options.steps < Few;
  int32_t less = isFew ? options.steps : options.steps / 2,
          more = isFew ? options.steps + Few : options.steps;
  double grown =
      static_cast<double>(bytes(more)) - static_cast<double>(bytes(less));
  return {bytes(options.steps), grown / (more - less)};
}

static Result<Workspaces> workspacesOf(const std::shared_ptr<Library> &library,
                                       const InspectOptions &options) {
  Workspaces all;
  if (options.batch == 0)
    return all;
  for (size_t m = 0; m < library->manifest().modules.size(); ++m) {
    Result<std::unique_ptr<ModelInstance>> instance =
        ModelInstance::create(library, static_cast<int>(m), /*threads=*/1);
    if (!instance)
      return instance.error();
    std::vector<Workspace> &own = all.emplace_back();
    for (size_t f = 0; f < library->manifest().modules[m].functions.size(); ++f)
      own.push_back(workspaceOf(**instance, static_cast<int>(f), options));
  }
  return all;
}

static std::string dimsText(const std::vector<Dim> &shape) {
  std::vector<std::string> parts;
  for (const Dim &dim : shape)
    parts.push_back(dim.kind == Dim::Kind::Fixed   ? std::to_string(dim.size)
                    : dim.kind == Dim::Kind::Batch ? "batch"
                                                   : dim.time);
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

static int64_t parameterCount(const ModuleInfo &module) {
  int64_t total = 0;
  for (const ParameterInfo &parameter : module.parameters)
    total += parameter.count();
  return total;
}

static void printFunction(const FunctionInfo &function) {
  fmt::print("    {}", function.name);
  if (!function.symbol.empty())
    fmt::print("  ({})", function.symbol);
  fmt::print("\n");
  for (const ArgInfo &arg : function.args)
    fmt::print("      {} {:<24} {} {}{}\n", arg.isOutput() ? "out" : "in ",
               arg.name, nameOf(arg.dtype), dimsText(arg.shape),
               arg.optional ? ", optional" : "");
}

static void printWorkspaces(const ModuleInfo &module,
                            const std::vector<Workspace> &workspaces,
                            const InspectOptions &options) {
  fmt::print("  workspace for {} example{} of {} step{}\n", options.batch,
             options.batch == 1 ? "" : "s", options.steps,
             options.steps == 1 ? "" : "s");
  int64_t limit = module.memoryLimit();
  for (size_t f = 0; f < workspaces.size(); ++f) {
    const std::string &name = module.functions[f].name;
    auto [bytes, ofStep] = workspaces[f];
    bool isOver = limit > 0 && (name == "grad" || name == "train_step") &&
                  bytes > static_cast<size_t>(limit);
    fmt::print(
        "    {:<28} {:.1f} KiB{}{}\n", name, static_cast<double>(bytes) / 1024,
        ofStep >= 0.5 ? fmt::format(", {:.0f} bytes more for each step", ofStep)
                      : "",
        isOver ? fmt::format(", more than the {} of `checkpoint memory`",
                             bytesText(limit))
               : "");
  }
}

static void printModule(const Library &library, const ModuleInfo &module,
                        int index) {
  const Manifest &manifest = library.manifest();
  fmt::print("{} {}\n", module.kind, module.source);
  size_t width = manifest.precision == "f64" ? 8 : 4;
  fmt::print("  {} numbers in {} parameter{} ({:.1f} KiB)\n",
             parameterCount(module), module.parameters.size(),
             module.parameters.size() == 1 ? "" : "s",
             static_cast<double>(parameterCount(module)) *
                 static_cast<double>(width) / 1024);
  for (const ParameterInfo &parameter : module.parameters)
    fmt::print("    {:<28} {}{}\n", parameter.name,
               data::shapeText(parameter.shape),
               parameter.trainable ? "" : "  frozen");
  int64_t stateNumbers = 0;
  for (const StateInfo &state : module.states)
    stateNumbers += std::accumulate(state.shape.begin(), state.shape.end(),
                                    int64_t(1), std::multiplies<>());
  if (!module.states.empty())
    fmt::print("  states of an example ({} bytes)\n",
               stateNumbers * static_cast<int64_t>(width));
  for (const StateInfo &state : module.states)
    fmt::print("    {:<28} {}\n", state.name, data::shapeText(state.shape));
  fmt::print("  optimiser state {:.1f} KiB\n",
             static_cast<double>(library.api().optimizer_size(index)) / 1024);
  fmt::print("  functions\n");
  for (const FunctionInfo &function : module.functions)
    printFunction(function);
}

/// The manifest; `parameters` and `functions` on top also for several modules.
static Json inspectJson(const Library &library, const Workspaces &workspaces) {
  Json result = library.manifest().json;
  for (const char *key : {"parameters", "functions"}) {
    if (result.contains(key))
      continue;
    Json all = Json::array();
    for (const Json &module : result["modules"])
      for (Json item : module[key]) {
        item["module"] = module["name"];
        all.push_back(std::move(item));
      }
    result[key] = std::move(all);
  }
  Json sizes = Json::array();
  for (size_t m = 0; m < library.manifest().modules.size(); ++m) {
    const ModuleInfo &module = library.manifest().modules[m];
    int index = static_cast<int>(m);
    sizes.push_back({{"module", module.name},
                     {"parameters", parameterCount(module)},
                     {"parameter_bytes", library.api().params_size(index)},
                     {"optimizer_bytes", library.api().optimizer_size(index)}});
    if (workspaces.empty())
      continue;
    Json bytes = Json::object(), ofSteps = Json::object();
    for (size_t f = 0; f < module.functions.size(); ++f) {
      bytes[module.functions[f].name] = workspaces[m][f].bytes;
      ofSteps[module.functions[f].name] = workspaces[m][f].ofStep;
    }
    sizes.back()["workspace_bytes"] = std::move(bytes);
    sizes.back()["workspace_bytes_of_step"] = std::move(ofSteps);
  }
  result["sizes"] = std::move(sizes);
  return result;
}

namespace {
/// What is known of a training besides its program.
struct RunInfo {
  std::string weights;
  Json report; ///< of a training that has ended, else null
};
} // namespace

static Result<RunInfo> readRun(const ModelDirectory &directory) {
  RunInfo run;
  Result<std::string> weights = directory.weightFile();
  if (!weights)
    return weights.error();
  run.weights = std::filesystem::path(*weights).filename().string();
  if (directory.hasFile("report.json"))
    if (Result<std::string> text =
            data::readFile(directory.file("report.json")))
      run.report = training::parseJson(*text);
  return run;
}

static Json runJson(const ModelDirectory &directory, const RunInfo &run) {
  Json vocabularies = Json::object();
  for (const auto &[axis, vocabulary] : directory.vocabularies)
    vocabularies[axis] = vocabulary.size();
  return {{"directory", directory.path()}, {"model", directory.model},
          {"weights", run.weights},        {"compile", directory.compile},
          {"split", directory.split},      {"vocabularies", vocabularies},
          {"report", run.report}};
}

static void printRun(const ModelDirectory &directory, const RunInfo &run) {
  fmt::print("training in {}\n", directory.path());
  auto whole = [&](const char *key) {
    return run.report.contains(key) && run.report[key].is_number_integer()
               ? run.report[key].get<int64_t>()
               : -1;
  };
  std::string of;
  if (run.report.is_object() && whole("steps") >= 0 && whole("best_step") >= 0)
    of =
        fmt::format(", of update {} of {}", whole("best_step"), whole("steps"));
  fmt::print("  model {} of {}, weights {}{}\n", directory.model,
             directory.program, run.weights, of);
  for (const auto &[axis, vocabulary] : directory.vocabularies)
    fmt::print("  vocabulary of {}: {} symbols\n", axis, vocabulary.size());
  for (const char *part : {"valid", "test"})
    if (run.report.is_object() && run.report.contains(part))
      for (const char *figure : {"loss", "perplexity", "accuracy"})
        if (run.report[part].is_object() && run.report[part].contains(figure))
          fmt::print("  {} {} {}\n", part, figure,
                     run.report[part][figure].dump());
}

/// A type among the options that the library was made with; empty: none.
static std::string typeOption(const Manifest &manifest, const char *key) {
  auto options = manifest.json.find("options");
  if (options == manifest.json.end() || !options->is_object())
    return "";
  auto type = options->find(key);
  bool is = type != options->end() && type->is_string();
  return is ? shown(type->get<std::string>()) : std::string();
}

/// What weights are stored as and products multiply, where it is not the
/// numbers' own type.
static std::string otherTypes(const Manifest &manifest) {
  std::string text, weights = typeOption(manifest, "weight_type"),
                    products = typeOption(manifest, "product_type");
  if (!weights.empty())
    text += fmt::format(" with weights as {} where no gradient is computed",
                        weights);
  if (!products.empty())
    text +=
        fmt::format(" with factors of large products on a GPU as {}", products);
  return text;
}

static int inspect(const InspectOptions &options) {
  std::error_code code;
  bool isRun = std::filesystem::is_directory(options.model.model, code);
  ModelDirectory directory(options.model.model);
  RunInfo run;
  if (isRun) {
    if (Status status = directory.load(); !status)
      return report(status.error());
    Result<RunInfo> found = readRun(directory);
    if (!found)
      return report(found.error());
    run = std::move(*found);
  }
  Result<std::shared_ptr<Library>> library =
      isRun ? openProgram(directory) : openModel(options.model);
  if (!library)
    return report(library.error());
  const Manifest &manifest = (*library)->manifest();
  Result<Workspaces> workspaces = workspacesOf(*library, options);
  if (!workspaces)
    return report(workspaces.error());
  if (options.json) {
    Json json = inspectJson(**library, *workspaces);
    if (isRun)
      json["training"] = runJson(directory, run);
    fmt::print("{}\n", json.dump());
    return ExitOk;
  }
  if (isRun)
    printRun(directory, run);
  fmt::print("library {}, {}{}, {}{}{}\n", manifest.library, manifest.precision,
             otherTypes(manifest), manifest.compiler,
             manifest.target.empty() ? "" : ", for ", manifest.target);
  for (size_t m = 0; m < manifest.modules.size(); ++m) {
    printModule(**library, manifest.modules[m], static_cast<int>(m));
    if (!workspaces->empty())
      printWorkspaces(manifest.modules[m], (*workspaces)[m], options);
  }
  return ExitOk;
}

void tool::addInspectCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App *command =
      addVerb(app, "inspect",
              "Show what a library or a model holds: parameters, sizes, "
              "functions");
  command
      ->add_option("MODEL", options->model.model,
                   "A library, a .rnn source, or the directory of `train`")
      ->required();
  command->add_flag("--json", options->json, "One line of JSON");
  CLI::Option *batch =
      command
          ->add_option("--batch", options->batch,
                       "Tell the workspace of each function for N examples")
          ->type_name("N")
          ->transform(AtLeastOne);
  command
      ->add_option("--steps", options->steps,
                   "... of N steps (default: 100) along each time axis")
      ->type_name("N")
      ->transform(NotBelowZero)
      ->needs(batch);
  addModelOptions(*command, options->model);
  command->footer("Examples:\n"
                  "  rnnc inspect libmodel.so\n"
                  "  rnnc inspect model.rnn -D V=96 --json\n"
                  "  rnnc inspect libmodel.so --batch 32 --steps 400\n"
                  "  rnnc inspect run");
  command->callback([options, &exitCode] { exitCode = inspect(*options); });
}
