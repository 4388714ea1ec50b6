// BenchMeasure.cpp: how long one function of a library takes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "BenchMeasure.h"
#include "Calls.h"
#include "PerfCounters.h"
#include "rnnc/Data/Files.h"

#include <algorithm>
#include <chrono>
#include <cmath>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;

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
  if (call.useOptimizer) {
    if (Status status = instance.initialiseOptimizer(); !status)
      return status.error();
    instance.liveOnDevice();
  }
  if (call.useStream)
    if (Status status = instance.initialiseStream(batch); !status)
      return status.error();
  return call;
}

Result<Timing> tool::measureRow(std::shared_ptr<Library> library, BenchRow &row,
                                const BenchOptions &options) {
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
  Result<std::unique_ptr<ModelInstance>> made = ModelInstance::create(
      library, place->module, row.threads, options.model.device);
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
      makeArguments(info, row.batch, options.lengths, *given, options.seed);
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

/// The batches to measure with: as asked for, or that of the arguments given.
static std::vector<int> batchesOf(const BenchOptions &options) {
  if (!options.batches.empty())
    return options.batches;
  return {options.in.empty() ? 1 : 0};
}

std::vector<BenchRow> tool::rowsOf(const Library &library,
                                   const BenchOptions &options) {
  std::string length =
      options.lengthTexts.empty()
          ? "100"
          : fmt::format("{}", fmt::join(options.lengthTexts, ","));
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
