// Bench.cpp: `rnnc bench`: how long functions of a library take.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "BenchArguments.h"
#include "Calls.h"
#include "CommandLine.h"
#include "Commands.h"
#include "Model.h"
#include "PerfCounters.h"
#include "rnnc/Data/Files.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;

namespace {
struct BenchOptions {
  ModelOptions model;
  std::vector<std::string> functions, lengths;
  std::vector<int> batches, threads{1};
  std::string in, weights, compare;
  double minTime = 0.3, maxTime = 5, within = 1;
  uint64_t seed = 0;
  bool json = false, perf = false;
};

/// The times of one row of the table, in milliseconds.
struct Timing {
  size_t calls = 0;
  double best = 0, median = 0;
  /// 95 in 100 such intervals hold the true median.
  double low = 0, high = 0;
  bool settled = false;
  std::vector<std::pair<std::string, uint64_t>> counters;
};

/// What tells one row from another.
struct BenchRow {
  std::string function, length;
  int batch = 0, threads = 0;

  bool operator==(const BenchRow &) const = default;
};
} // namespace

/// The order statistics between which the median lies with 95 % confidence:
/// ranks n/2 ± 0.98 √n, from the normal form of the binomial distribution.
static Timing summarise(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  size_t n = times.size();
  double half = 0.98 * std::sqrt(static_cast<double>(n));
  double middle = static_cast<double>(n) / 2;
  auto at = [&](double rank) {
    double last = static_cast<double>(n - 1);
    return times[static_cast<size_t>(std::clamp(rank, 0.0, last))];
  };
  Timing timing;
  timing.calls = n;
  timing.best = times.front();
  timing.median = (times[(n - 1) / 2] + times[n / 2]) / 2;
  timing.low = at(std::floor(middle - half));
  timing.high = at(std::ceil(middle + half));
  return timing;
}

/// Calls until the median is known well enough or the time is over.
static Result<Timing> measure(ModelInstance &instance, int function,
                              const BenchCall &arguments,
                              ModelInstance::CallOptions call,
                              const BenchOptions &options,
                              PerfCounters *counters) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  call.lengths = arguments.lengths;
  call.times = &times;
  call.repeat = 2; // weights are packed, memory is touched
  if (Result<Arrays> warm = instance.call(function, arguments.args, call);
      !warm)
    return warm.error();
  double once = std::max(times.back(), 1e-4);
  times.clear();
  // Few enough that the clock is looked at ten times before the end.
  call.repeat = static_cast<int>(
      std::clamp(options.minTime * 1000 / 10 / once, 1.0, 100000.0));
  Clock::time_point begin = Clock::now();
  if (counters)
    counters->start();
  Timing timing;
  for (;;) {
    if (Result<Arrays> done = instance.call(function, arguments.args, call);
        !done)
      return done.error();
    double spent = std::chrono::duration<double>(Clock::now() - begin).count();
    timing = summarise(times);
    double width =
        std::max(timing.high - timing.median, timing.median - timing.low);
    timing.settled =
        times.size() >= 10 && width <= options.within / 100 * timing.median;
    if (spent >= options.maxTime ||
        (spent >= options.minTime && timing.settled))
      break;
  }
  if (counters) {
    counters->stop();
    timing.counters = counters->read();
    for (auto &[name, count] : timing.counters)
      count /= timing.calls;
  }
  return timing;
}

static Status loadWeights(ModelInstance &instance,
                          const BenchOptions &options) {
  if (options.weights.empty())
    return instance.hasBaked() ? instance.initialiseBaked()
                               : instance.initialise(options.seed);
  Result<data::TensorFile> file = data::readTensorFile(options.weights);
  if (!file)
    return file.error();
  return instance.setParameters(*file, options.weights);
}

static Result<Arrays> readGiven(const BenchOptions &options) {
  Arrays given;
  if (options.in.empty())
    return given;
  Result<data::TensorFile> file = data::readTensorFile(options.in);
  if (!file)
    return file.error();
  for (auto &[name, tensor] : file->tensors)
    given[name] = std::move(tensor);
  return given;
}

static Result<ModelInstance::CallOptions> prepareCall(ModelInstance &instance,
                                                      const FunctionInfo &info,
                                                      int batch,
                                                      uint64_t seed) {
  ModelInstance::CallOptions call;
  call.batch = batch;
  call.seed = seed;
  call.usePrepared = readsPrepared(info);
  call.useOptimizer = info.name == "train_step";
  call.useStream = wantsStream(instance.module(), info);
  if (call.useOptimizer)
    if (Status status = instance.initialiseOptimizer(); !status)
      return status.error();
  if (call.useStream)
    if (Status status = instance.initialiseStream(batch); !status)
      return status.error();
  return call;
}

static Result<Timing> measureRow(std::shared_ptr<Library> library,
                                 BenchRow &row, const BenchOptions &options,
                                 const std::vector<Lengths> &lengths) {
  Result<Library::Place> place = library->find(row.function);
  if (!place)
    return place.error();
  // Counters follow threads that are made after them.
  PerfCounters counters;
  if (options.perf)
    if (std::optional<std::string> why = counters.open())
      return toolError("`--perf`: the processor's counters cannot "
                       "be read: {}",
                       *why);
  Result<std::unique_ptr<ModelInstance>> made =
      ModelInstance::create(library, place->module, row.threads);
  if (!made)
    return made.error();
  ModelInstance &instance = **made;
  const FunctionInfo &info =
      instance.module().functions[static_cast<size_t>(place->function)];
  if (Status status = loadWeights(instance, options); !status)
    return status.error();
  Result<Arrays> given = readGiven(options);
  if (!given)
    return given.error();
  if (Result<int32_t> batch = batchOf(info, *given, row.batch); batch)
    row.batch = *batch;
  else
    return batch.error();
  Result<BenchCall> arguments =
      makeArguments(info, row.batch, lengths, *given, options.seed);
  if (!arguments)
    return arguments.error();
  Result<ModelInstance::CallOptions> call =
      prepareCall(instance, info, row.batch, options.seed);
  if (!call)
    return call.error();
  return measure(instance, place->function, *arguments, *call, options,
                 options.perf ? &counters : nullptr);
}

/// Every function of a library by the name that finds it.
static std::vector<std::string> allFunctions(const Library &library) {
  std::vector<std::string> names;
  for (const ModuleInfo &module : library.manifest().modules)
    for (const FunctionInfo &function : module.functions)
      names.push_back(module.name + "." + function.name);
  return names;
}

static Json toJson(const Library &library, const BenchRow &row,
                   const Timing &timing) {
  Json json = {{"function", row.function},
               {"library", library.manifest().library},
               {"precision", library.manifest().precision},
               {"compiler", library.manifest().compiler},
               {"batch", row.batch},
               {"length", row.length},
               {"threads", row.threads},
               {"calls", timing.calls},
               {"best_ms", timing.best},
               {"median_ms", timing.median},
               {"low_ms", timing.low},
               {"high_ms", timing.high},
               {"confidence", 0.95},
               {"settled", timing.settled}};
  for (const auto &[name, count] : timing.counters)
    json["counters"][name] = count;
  return json;
}

/// The rows of an earlier `--json`.
static Result<std::vector<std::pair<BenchRow, Timing>>>
readEarlier(const std::string &path) {
  std::ifstream file(path);
  if (!file)
    return dataError("{}: error: it cannot be read", path);
  std::vector<std::pair<BenchRow, Timing>> rows;
  std::string text;
  for (int line = 1; std::getline(file, text); ++line) {
    Json json = parseJson(text);
    auto has = [&](const char *key, bool number) {
      return json.contains(key) &&
             (number ? json[key].is_number() : json[key].is_string());
    };
    if (!json.is_object() || !has("function", false) || !has("length", false) ||
        !has("batch", true) || !has("threads", true) ||
        !has("median_ms", true) || !has("low_ms", true) ||
        !has("high_ms", true) || !has("best_ms", true))
      return dataError("{}:{}: error: this is no line of `rnnc bench --json`",
                       path, line);
    BenchRow row{json["function"], json["length"], json["batch"],
                 json["threads"]};
    Timing timing;
    timing.best = json["best_ms"];
    timing.median = json["median_ms"];
    timing.low = json["low_ms"];
    timing.high = json["high_ms"];
    rows.emplace_back(row, timing);
  }
  return rows;
}

/// How this row stands to an earlier one: `0.93x, faster`. Two medians whose
/// intervals meet are level.
static std::string compared(const Timing &now, const Timing &then) {
  const char *verdict = now.high < then.low   ? "faster"
                        : now.low > then.high ? "slower"
                                              : "level";
  return fmt::format("{:.3f}x of {:.4g} ms, {}", now.median / then.median,
                     then.median, verdict);
}

static void printRow(const BenchRow &row, const Timing &timing,
                     const std::string &verdict) {
  double spread =
      std::max(timing.high - timing.median, timing.median - timing.low);
  fmt::print("{:<28} {:>5} {:>9} {:>3} {:>11.5g} {:>11.5g} {:>6.1f} % {:>8}",
             row.function, row.batch, row.length, row.threads, timing.best,
             timing.median, spread / timing.median * 100, timing.calls);
  if (!verdict.empty())
    fmt::print("  {}", verdict);
  fmt::print("\n");
  for (const auto &[name, count] : timing.counters)
    fmt::print("  {:<26} {} a call\n", name, count);
  std::fflush(stdout);
}

/// The batches to measure with: as asked for, or that of the arguments given.
static std::vector<int> batchesOf(const BenchOptions &options) {
  if (!options.batches.empty())
    return options.batches;
  return {options.in.empty() ? 1 : 0};
}

/// All rows, in the order in which they are shown.
static std::vector<BenchRow> rowsOf(const Library &library,
                                    const BenchOptions &options) {
  std::string length = options.lengths.empty()
                           ? "100"
                           : fmt::format("{}", fmt::join(options.lengths, ","));
  if (!options.in.empty())
    length = "given";
  std::vector<BenchRow> rows;
  for (const std::string &function :
       options.functions.empty() ? allFunctions(library) : options.functions)
    for (int batch : batchesOf(options))
      for (int threads : options.threads)
        rows.push_back({function, length, batch, threads});
  return rows;
}

static int bench(const BenchOptions &options) {
  std::vector<Lengths> lengths;
  for (const std::string &text : options.lengths) {
    Result<Lengths> one = Lengths::parse(text);
    if (!one)
      return report(one.error());
    lengths.push_back(*one);
  }
  std::vector<std::pair<BenchRow, Timing>> earlier;
  if (!options.compare.empty()) {
    auto read = readEarlier(options.compare);
    if (!read)
      return report(read.error());
    earlier = std::move(*read);
  }
  Result<std::shared_ptr<Library>> library = openModel(options.model);
  if (!library)
    return report(library.error());
  if (!options.json)
    fmt::print("{:<28} {:>5} {:>9} {:>3} {:>11} {:>11} {:>8} {:>8}\n",
               "function", "batch", "length", "thr", "best ms", "median ms",
               "±", "calls");
  for (BenchRow &row : rowsOf(**library, options)) {
    Result<Timing> timing = measureRow(*library, row, options, lengths);
    if (!timing) {
      Error error = timing.error();
      error.message = fmt::format("{}: error: `{}`: {}", options.model.model,
                                  row.function, error.message);
      return report(error);
    }
    auto before = std::find_if(earlier.begin(), earlier.end(),
                               [&](auto &one) { return one.first == row; });
    bool compare = before != earlier.end();
    if (options.json) {
      Json json = toJson(**library, row, *timing);
      if (compare)
        json["ratio"] = timing->median / before->second.median;
      fmt::print("{}\n", json.dump());
      std::fflush(stdout);
      continue;
    }
    std::string verdict = compare ? compared(*timing, before->second)
                          : options.compare.empty() ? ""
                                                    : "not in the earlier file";
    printRow(row, *timing, verdict);
  }
  return ExitOk;
}

static void addMeasureOptions(CLI::App &command, BenchOptions &options) {
  command
      .add_option("--min-time", options.minTime,
                  "Seconds that a row is measured at least (default: 0.3)")
      ->option_text("S")
      ->check(PositiveReal);
  command
      .add_option("--max-time", options.maxTime, "… and at most (default: 5)")
      ->option_text("S")
      ->check(PositiveReal);
  command
      .add_option("--within", options.within,
                  "Go on until the median is known to so many per cent, with "
                  "95 % confidence (default: 1)")
      ->option_text("P")
      ->check(PositiveReal);
  command.add_flag("--perf", options.perf,
                   "Count cycles, instructions and cache misses of a call");
  command.add_flag("--json", options.json, "One line of JSON a row");
  command
      .add_option("--compare", options.compare,
                  "Lines of an earlier --json to hold the rows against")
      ->option_text("FILE");
}

void tool::addBenchCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command = app.add_subcommand(
      "bench", "Measure how long functions of a library take");
  command
      ->add_option("MODEL", options->model.model, "A library or a .rnn source")
      ->required();
  command->add_option("FUNCTION", options->functions,
                      "NAME.function, one or several (default: all)");
  command
      ->add_option("--batch", options->batches,
                   "Rows, one number or several (default: 1, or those of --in)")
      ->option_text("N,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(AtLeastOne);
  command
      ->add_option("--length", options->lengths,
                   "Length of the sequences; LOW..HIGH draws one for every "
                   "row; AXIS=N is for one time axis (default: 100)")
      ->option_text("N")
      ->allow_extra_args(false);
  command
      ->add_option("--threads", options->threads,
                   "Threads, one number or several (default: 1)")
      ->option_text("N,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(ThreadCount);
  command
      ->add_option("--in", options->in,
                   "Arguments by name (default: drawn from --seed)")
      ->option_text("FILE");
  command
      ->add_option("--weights", options->weights,
                   "Parameters (default: first values drawn from --seed)")
      ->option_text("FILE");
  command->add_option("--seed", options->seed, "Seed of all that is drawn")
      ->option_text("N")
      ->check(SeedNumber);
  addMeasureOptions(*command, *options);
  addModelOptions(*command, options->model);
  command->footer(
      "Rows are shown with the best and the median time of a call, how far the "
      "true median may lie from it, and how often it was called. Weights are "
      "packed before; `vjp`, `grad` and `train_step` pack them in each "
      "call.\n\nExamples:\n"
      "  rnnc bench libmodel.so Net.loss --batch 1,16 --length 10..200\n"
      "  rnnc bench model.rnn -D V=96 --threads 1,2 --json > before.json\n"
      "  rnnc bench model.rnn -D V=96 --threads 1,2 --compare before.json");
  command->callback([options, &exitCode] { exitCode = bench(*options); });
}
