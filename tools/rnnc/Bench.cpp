// Bench.cpp: `rnnc bench`: how long functions of a library take.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "BenchMeasure.h"
#include "CommandLine.h"
#include "Commands.h"

#include <algorithm>
#include <fstream>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;

static Json toJson(const Library &library, const BenchRow &row,
                   const Timing &timing, const std::string &device) {
  Json json = {{"function", row.function},
               {"library", library.manifest().library},
               {"precision", library.manifest().precision},
               {"compiler", library.manifest().compiler},
               {"batch", row.batch},
               {"length", row.length},
               {"threads", row.threads},
               {"device", device},
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

static int bench(BenchOptions &options) {
  options.lengths.clear();
  for (const std::string &text : options.lengthTexts) {
    Result<Lengths> one = Lengths::parse(text);
    if (!one)
      return report(one.error());
    options.lengths.push_back(*one);
  }
#if RNNC_HAVE_PIPELINE
  if (!options.tune.empty()) {
    Status status = tune(options);
    return status ? ExitOk : report(status.error());
  }
#endif
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
    Result<Timing> timing = measureRow(*library, row, options);
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
      Json json = toJson(**library, row, *timing, shownDevice(options.model));
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

static void addTuneOption(CLI::App &command, BenchOptions &options,
                          [[maybe_unused]] CLI::Option *device) {
#if RNNC_HAVE_PIPELINE
  command
      .add_option("--tune", options.tune,
                  "Look for decisions that make a source faster on this "
                  "machine; write them for --schedule")
      ->option_text("FILE")
      ->excludes(device);
#endif
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
  CLI::App *command =
      addVerb(app, "bench", "Measure how long functions of a library take");
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
      ->transform(AtLeastOne);
  command
      ->add_option("--length", options->lengthTexts,
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
      ->transform(ThreadCount);
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
      ->transform(SeedNumber);
  CLI::Option *device = addDeviceOption(*command, options->model.device);
  addMeasureOptions(*command, *options);
  addTuneOption(*command, *options, device);
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
