// GradCheck.cpp - `rnnc gradcheck`: compiled gradients against differences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"
#include "Commands.h"
#include "Elaborated.h"

#include "rnnc/Frontend/Frontend.h"
#include "rnnc/Frontend/Walk.h"
#include "rnnc/Interpreter/GradCheck.h"
#include "rnnc/Training/Progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  ModelOptions model;
  uint32_t seed = 1;
  int64_t batch = 3, steps = 5;
  double maxSeconds = 300;
  bool json = false;
  Clock::time_point started = Clock::now();
};

struct ModuleReport {
  std::string name, function;
  /// What is done about constructs whose gradient is not that of the value.
  std::vector<std::string> notes;
  /// No gradient is asked of the module.
  bool isEmpty = false;
  /// No data were found whose loss is a number.
  bool isInfinite = false;
  std::vector<interp::TensorCheck> checks;

  bool passed() const {
    return checks.empty()
               ? isEmpty // and not where the loss is infinite
               : std::all_of(checks.begin(), checks.end(),
                             [](const auto &check) { return check.passed(); });
  }
  /// Derivatives that were not compared: time was up.
  int64_t left() const {
    int64_t sum = 0;
    for (const interp::TensorCheck &check : checks)
      sum += check.left;
    return sum;
  }
  std::string verdict() const {
    if (isEmpty)
      return function == "grad" ? "nothing to check: no parameter is trained"
                                : "nothing to check: no real number goes in";
    if (isInfinite)
      return "NOT CHECKED: the loss is no finite number, whatever data were "
             "drawn; another --seed or --steps draws others";
    bool isWrong = std::any_of(
        checks.begin(), checks.end(), [](const interp::TensorCheck &check) {
          return !check.passed() && (check.left == 0 || check.checked > 0);
        });
    if (isWrong)
      return "NOT THE GRADIENT";
    if (!passed())
      return "NOT CHECKED: time is up before every tensor was looked at; "
             "--max-time gives more, fewer --steps need less";
    return left() ? fmt::format("the gradients agree so far; time is up, {} "
                                "derivatives were not compared (--max-time "
                                "gives more)",
                                left())
                  : "the gradients agree";
  }
};

/// Steps of all examples together that a difference can be taken of in
/// sensible time: each of hundreds runs the program six times.
constexpr int64_t mostSteps = 100000;

} // namespace

/// The names in a size.
static void addNames(const ast::Size &size, std::set<std::string> &names) {
  if (size.kind == ast::Size::Kind::Name)
    names.insert(size.name);
  for (const ast::SizePtr *side : {&size.lhs, &size.rhs})
    if (*side)
      addNames(**side, names);
}

/// The names that say how often a step is repeated.
static std::set<std::string> stepCounts(const ast::File &file) {
  std::set<std::string> names;
  auto look = [&](const ast::Block &block) {
    for (const ast::StmtPtr &stmt : block)
      forEachExpr(*stmt, [&](const ast::Expr &top) {
        walk(top, [&](const ast::Expr &expr) {
          const auto *recur = ast::dynAs<ast::Recur>(expr);
          if (recur && recur->times)
            addNames(*recur->times, names);
        });
      });
  };
  for (const ast::ItemPtr &item : file.items) {
    if (const auto *module = ast::dynAs<ast::ModuleItem>(*item))
      look(module->body);
    if (const auto *model = ast::dynAs<ast::ModelItem>(*item))
      look(model->body);
    if (const auto *fn = ast::dynAs<ast::FnItem>(*item))
      look(fn->body);
  }
  return names;
}

/// Small sizes for the dims of the source that `-D` does not set. Equal sizes
/// stay equal, since `as` may rely on it; how often a step is repeated stays.
static std::vector<std::string> smallDims(const ModelOptions &options) {
  FrontendOptions frontend;
  frontend.importDirs = options.importDirs;
  std::vector<std::string> given;
  for (const std::string &text : options.dims)
    if (Result<std::pair<std::string, int64_t>> dim = parseDim(text)) {
      frontend.dims.push_back(*dim);
      given.push_back(dim->first);
    }
  SourceManager sources;
  Diagnostics diags(sources);
  std::vector<std::string> small = options.dims;
  auto program = check(sources, options.model, frontend, diags);
  if (!program)
    return small;
  std::map<int64_t, int64_t> sizes;
  std::set<std::string> counts = stepCounts(program->main());
  for (const ast::ItemPtr &item : program->main().items) {
    const auto *dims = ast::dynAs<ast::DimItem>(*item);
    if (!dims)
      continue;
    for (const ast::DimEntry &entry : dims->entries) {
      bool isNumber =
          entry.value && entry.value->kind == ast::Size::Kind::Number;
      bool isGiven = std::find(given.begin(), given.end(), entry.name.text) !=
                         given.end() ||
                     counts.count(entry.name.text);
      if (isGiven || (entry.value && (!isNumber || entry.value->number <= 5)))
        continue;
      int64_t before = entry.value ? entry.value->number : 0;
      int64_t after =
          sizes.emplace(before, 5 + int64_t(sizes.size()) % 4).first->second;
      small.push_back(fmt::format("{}={}", entry.name.text, after));
    }
  }
  return small;
}

/// Calls the compiled gradient on the arguments of the check.
static Result<interp::Arrays>
compiledGradients(std::shared_ptr<Library> library, Library::Place place,
                  interp::Arrays arguments, const Options &options) {
  auto instance =
      ModelInstance::create(library, place.module, 1, options.model.device);
  if (!instance)
    return instance.error();
  data::TensorFile weights;
  for (const ParameterInfo &param : (*instance)->module().parameters) {
    auto it = arguments.find(param.name);
    if (it == arguments.end())
      return toolError("rnnc: error: the parameter `{}` has no values",
                       param.name);
    weights.add(param.name, toTensor(it->second, data::DType::F64));
  }
  if (Status status = (*instance)->setParameters(weights, "gradcheck"); !status)
    return status.error();
  const FunctionInfo &function =
      (*instance)->module().functions[static_cast<size_t>(place.function)];
  training::Arrays args;
  for (const ArgInfo &arg : function.args) {
    auto it = arguments.find(arg.name);
    if (!arg.isOutput() && it != arguments.end())
      args[arg.name] = toTensor(it->second, arg.dtype);
  }
  ModelInstance::CallOptions call;
  call.batch = static_cast<int32_t>(options.batch);
  // Dropout acts in `grad`; in `vjp` only if a seed is given.
  call.seed = options.seed;
  call.hasSeed = true;
  auto results = (*instance)->call(place.function, args, call);
  if (!results)
    return results.error();
  interp::Arrays gradients;
  for (auto &[name, tensor] : *results)
    if (name.starts_with("grad."))
      gradients[name] = toArray(tensor);
  return gradients;
}

/// Whether a gradient is due: of a parameter, or of what a layer is given.
static bool hasGradients(rnn::ModuleOp module) {
  auto isReal = [](mlir::Value value) {
    return llvm::cast<rnn::ValueType>(value.getType()).getKind() ==
           rnn::ValueKind::Real;
  };
  for (mlir::Operation &op : module.getBody().front()) {
    if (auto param = llvm::dyn_cast<rnn::ParamOp>(op))
      if (!param.getFrozen())
        return true;
    if (module.getKind() != "model" &&
        llvm::isa<rnn::InputOp, rnn::FirstStateOp>(op) &&
        isReal(op.getResult(0)))
      return true;
  }
  return false;
}

/// Says where a construct stands whose gradient is not that of its value, and
/// what the check does about it.
static std::vector<std::string> notesOn(rnn::ModuleOp module) {
  std::vector<std::string> notes;
  auto add = [&](mlir::Operation *op, const char *name, const char *what) {
    auto place = llvm::dyn_cast<mlir::FileLineColLoc>(op->getLoc());
    std::string note =
        place ? fmt::format("{}:{}:{}: `{}`: {}",
                            place.getFilename().getValue().str(),
                            place.getLine(), place.getColumn(), name, what)
              : fmt::format("`{}`: {}", name, what);
    if (std::find(notes.begin(), notes.end(), note) == notes.end())
      notes.push_back(std::move(note));
  };
  module->walk([&](mlir::Operation *op) {
    if (llvm::isa<rnn::ClipGradOp>(op))
      add(op, "clipgrad", "checked without its limit");
    else if (llvm::isa<rnn::StopOp>(op))
      add(op, "stop", "checked with its value held fixed");
  });
  return notes;
}

/// Shorter sequences of what only outputs run along: `ctc` has no alignment
/// for more labels than steps.
static void shortenOutputs(rnn::ModuleOp module, interp::Arrays &arguments) {
  std::set<llvm::StringRef> ofInputs;
  for (auto input : module.getOps<rnn::InputOp>())
    for (rnn::AxisAttr axis : input.getResult().getType().getAxes())
      ofInputs.insert(axis.getName());
  for (auto output : module.getOps<rnn::OutputOp>())
    for (rnn::AxisAttr axis : output.getResult().getType().getAxes()) {
      auto lengths = arguments.find(axis.getName().str());
      if (axis.isTime() && !ofInputs.count(axis.getName()) &&
          lengths != arguments.end())
        for (double &length : lengths->second.data)
          length = 1;
    }
}

/// Random arguments with a loss that can be differentiated; none if it is no
/// finite number for any that were drawn.
static std::optional<interp::Arrays> drawArguments(rnn::ModuleOp module,
                                                   const Options &options,
                                                   std::string &error) {
  constexpr uint32_t most = 50;
  for (uint32_t attempt = 0; attempt < most; ++attempt) {
    interp::Arrays arguments = interp::randomArguments(
        module, options.batch, options.steps, options.seed + 7919 * attempt);
    if (module.getKind() != "model")
      return arguments;
    if (attempt > 0)
      shortenOutputs(module, arguments);
    interp::RunOptions run;
    run.dropout = true;
    run.seed = options.seed;
    std::optional<interp::Arrays> outputs =
        interp::run(module, arguments, run, error);
    if (!outputs || std::isfinite((*outputs)["loss"].data[0]))
      return arguments; // what does not run is told by who compares
  }
  return std::nullopt;
}

static Result<ModuleReport> checkModule(rnn::ModuleOp module,
                                        std::shared_ptr<Library> library,
                                        const Options &options) {
  ModuleReport report;
  report.name = module.getSymName().str();
  report.function = module.getKind() == "model" ? "grad" : "vjp";
  report.isEmpty = !hasGradients(module);
  if (report.isEmpty)
    return report;
  report.notes = notesOn(module);
  Library::Place place{-1, -1};
  const std::vector<ModuleInfo> &modules = library->manifest().modules;
  for (size_t m = 0; m < modules.size(); ++m)
    for (size_t f = 0; f < modules[m].functions.size(); ++f)
      if (modules[m].name == report.name &&
          modules[m].functions[f].name == report.function)
        place = {static_cast<int>(m), static_cast<int>(f)};
  if (place.module < 0)
    return toolError("rnnc: error: the library has no `{}.{}`", report.name,
                     report.function);
  std::string error;
  std::optional<interp::Arrays> arguments =
      drawArguments(module, options, error);
  report.isInfinite = !arguments;
  if (!arguments)
    return report;
  Result<interp::Arrays> gradients =
      compiledGradients(library, place, *arguments, options);
  if (!gradients)
    return gradients.error();
  interp::RunOptions run;
  run.dropout = true;
  run.seed = options.seed;
  Progress progress(options.json);
  auto begun = Clock::now();
  auto goOn = [&](int64_t done, int64_t all) {
    using Seconds = std::chrono::duration<double>;
    Clock::time_point now = Clock::now();
    double each = Seconds(now - begun).count() / static_cast<double>(done);
    double left = done ? each * static_cast<double>(all - done) : 0;
    progress.update(fmt::format(
        "{}.{}: {} of {} derivatives compared{}", report.name, report.function,
        done, all, done ? ", " + durationText(left) + " left" : ""));
    return Seconds(now - options.started).count() < options.maxSeconds;
  };
  auto checks =
      interp::checkGradients(module, *arguments, *gradients, run, error, goOn);
  if (!checks)
    return toolError("rnnc: error: `{}`: {}", report.name, error);
  report.checks = std::move(*checks);
  return report;
}

/// The worst entry's index; empty where it is a direction.
static std::vector<int64_t> worstIndex(const interp::TensorCheck &check) {
  std::vector<int64_t> index(check.entry < 0 ? 0 : check.shape.size());
  int64_t rest = check.entry;
  for (size_t dim = index.size(); dim-- > 0; rest /= check.shape[dim])
    index[dim] = rest % check.shape[dim];
  return index;
}

static void printReport(const ModuleReport &report) {
  fmt::print("{}.{}: {}\n", report.name, report.function, report.verdict());
  for (const std::string &note : report.notes)
    fmt::print("  {}\n", note);
  for (const interp::TensorCheck &check : report.checks) {
    fmt::print("  {:<24} {:4} checked, {} kinks, worst {:.1e}", check.name,
               check.checked, check.kinks, check.worst);
    if (check.left > 0)
      fmt::print(", {} left", check.left);
    if (check.entry >= 0 && !check.shape.empty())
      fmt::print(" at {}", data::shapeText(worstIndex(check)));
    else if (check.entry < 0 && check.checked > 0)
      fmt::print(" along a direction");
    if (!check.passed() && check.checked > 0)
      fmt::print(": gradient {:.10g}, difference {:.10g}", check.gradient,
                 check.difference);
    fmt::print("\n");
  }
}

static Json toJson(const ModuleReport &report) {
  Json json = {{"name", report.name},
               {"function", report.function},
               {"passed", report.passed()},
               {"verdict", report.verdict()},
               {"notes", report.notes}};
  Json tensors = Json::array();
  for (const interp::TensorCheck &check : report.checks)
    tensors.push_back({{"name", check.name},
                       {"passed", check.passed()},
                       {"shape", check.shape},
                       {"checked", check.checked},
                       {"kinks", check.kinks},
                       {"left", check.left},
                       {"worst", check.worst},
                       {"index", worstIndex(check)},
                       {"gradient", check.gradient},
                       {"difference", check.difference}});
  json["tensors"] = std::move(tensors);
  return json;
}

/// What the program was shrunk to.
static std::string sizesText(const Options &options) {
  std::string sizes = fmt::format("batch {}, at most {} steps, seed {}",
                                  options.batch, options.steps, options.seed);
  for (const std::string &dim : options.model.dims)
    sizes += ", " + dim;
  return sizes;
}

static int run(Options options) {
  if (!std::string_view(options.model.model).ends_with(".rnn"))
    return report(usageError("rnnc: error: gradcheck needs a .rnn source"));
  if (options.batch * options.steps > mostSteps)
    return report(usageError(
        "rnnc: error: --batch {} with --steps {}: differences are taken of at "
        "most {} steps of all examples together, and what is wrong shows in "
        "a few; give fewer",
        options.batch, options.steps, mostSteps));
  options.model.precision = "f64";
  // Small sizes, unless the program only makes sense with its own.
  ModelOptions small = options.model;
  small.dims = smallDims(options.model);
  auto program = elaborate(small, true);
  if (program) {
    options.model = small;
  } else {
    program = elaborate(options.model);
    if (!program)
      return report(program.error());
  }
  if ((*program)->modules().empty())
    return report(usageError("{}: error: nothing to check: there is no model "
                             "and nothing is exported",
                             options.model.model));
  // The interpreter's values know no limit of gradients.
  options.model.clipGradients = false;
  auto library = openModel(options.model);
  if (!library)
    return report(library.error());
  if (!options.json)
    fmt::print("f64, {}, tolerance {:.0e}\n", sizesText(options),
               interp::gradientTolerance);
  bool passed = true;
  Json reports = Json::array();
  for (rnn::ModuleOp module : (*program)->modules()) {
    Result<ModuleReport> one = checkModule(module, *library, options);
    if (!one)
      return report(one.error());
    passed &= one->passed();
    if (options.json)
      reports.push_back(toJson(*one));
    else
      printReport(*one);
  }
  if (options.json)
    fmt::print("{}\n", Json{{"passed", passed},
                            {"tolerance", interp::gradientTolerance},
                            {"sizes", sizesText(options)},
                            {"modules", std::move(reports)}}
                           .dump());
  return passed ? ExitOk : ExitCheckFailed;
}

void tool::addGradCheckCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<Options>();
  CLI::App *command =
      addVerb(app, "gradcheck",
              "Compare compiled gradients with finite differences in f64");
  command->add_option("MODEL", options->model.model, "A .rnn source")
      ->required();
  command
      ->add_option("--seed", options->seed, "Seed of weights, data and dropout")
      ->option_text("N")
      ->transform(SeedNumber);
  command->add_option("--batch", options->batch, "Examples")
      ->option_text("N")
      ->transform(AtLeastOne);
  command->add_option("--steps", options->steps, "Longest sequence")
      ->option_text("N")
      ->transform(AtLeastOne);
  command
      ->add_option("--max-time", options->maxSeconds,
                   "Stop after S seconds (default: 300); what was not compared "
                   "is counted")
      ->option_text("S")
      ->check(PositiveReal);
  addDeviceOption(*command, options->model.device);
  command->add_flag("--json", options->json, "One line of JSON");
  addModelOptions(*command, options->model);
  command->footer("Example:\n  rnnc gradcheck model.rnn --seed 2");
  command->callback([options, &exitCode] { exitCode = run(*options); });
}
