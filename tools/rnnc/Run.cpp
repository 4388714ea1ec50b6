// Run.cpp: `rnnc run`: calls one function on files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Calls.h"
#include "CommandLine.h"
#include "Commands.h"
#include "Model.h"
#include "Reference.h"
#include "rnnc/Data/Files.h"

#include <algorithm>
#include <functional>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;
using data::DType;
using data::Tensor;
using data::TensorFile;

namespace {
struct RunOptions {
  ModelOptions model;
  std::string function, weights, in, out;
  std::vector<std::string> settings, lengths;
  bool json = false, reference = false;
  int threads = 1, repeat = 1, batch = -1;
  uint64_t seed = 0;
  bool hasSeed = false;
};
} // namespace

/// `temperature=0.7` among the arguments.
static Status addSettings(const RunOptions &options, Arrays &args) {
  for (const std::string &text : options.settings) {
    auto parts = assignment(text);
    std::optional<double> value =
        parts ? finiteNumber(parts->second) : std::nullopt;
    if (!value)
      return usageError("rnnc: error: `--set {}`: write it as NAME=NUMBER",
                        text);
    Tensor tensor(DType::F64, {});
    tensor.as<double>()[0] = *value;
    args[parts->first] = tensor;
  }
  return {};
}

/// Numbers of f64, numpy's own type, for a library of f32. What is lost is
/// said, once a file.
static Status roundReals(const ModelInstance &instance, const std::string &path,
                         const std::function<bool(const std::string &)> &isReal,
                         std::vector<std::pair<std::string, Tensor *>> arrays) {
  data::Rounding largest;
  std::string worst;
  for (auto &[name, tensor] : arrays) {
    bool wide = tensor->type == DType::F64 || tensor->type == DType::I64 ||
                tensor->type == DType::I32;
    if (!wide || !isReal(name) ||
        instance.library().manifest().real() != DType::F32)
      continue;
    data::Rounding rounding;
    Result<Tensor> rounded =
        data::convertRounded(*tensor, DType::F32, name, rounding);
    if (!rounded)
      return dataError("{}: error: {}", path, rounded.error().message);
    *tensor = std::move(*rounded);
    if (rounding.largest > largest.largest) {
      largest = rounding;
      worst = name;
    }
  }
  if (largest.largest > 0)
    fmt::print(stderr,
               "{}: note: numbers were rounded to f32, by at most {:.2g} of "
               "their value (`{}`, element {})\n",
               path, largest.largest, worst, largest.element);
  return {};
}

/// The arguments' real numbers, options aside.
static Status roundArguments(const ModelInstance &instance,
                             const FunctionInfo &function,
                             const std::string &path, Arrays &args) {
  std::vector<std::pair<std::string, Tensor *>> arrays;
  for (auto &[name, tensor] : args)
    arrays.emplace_back(name, &tensor);
  auto isReal = [&](const std::string &name) {
    int at = function.findInput(name);
    if (at < 0) { // perhaps a state of the stream
      const auto &states = instance.module().states;
      return std::any_of(states.begin(), states.end(), [&](const auto &state) {
        return name == state.name || name == "state." + state.name;
      });
    }
    const ArgInfo &arg = function.args[static_cast<size_t>(at)];
    return arg.dtype == DType::F32 && arg.role != ArgInfo::Role::Option;
  };
  return roundReals(instance, path, isReal, std::move(arrays));
}

/// A first state may come by its path alone, or as `state.PATH`.
static void renameStates(const FunctionInfo &function, Arrays &args) {
  Arrays renamed;
  for (const auto &[name, tensor] : args) {
    std::string other =
        name.starts_with("state.") ? name.substr(6) : "state." + name;
    bool rename = function.findInput(name) < 0 &&
                  function.findInput(other) >= 0 && !args.contains(other);
    renamed[rename ? other : name] = tensor;
  }
  args = std::move(renamed);
}

/// Moves `state.PATH` arguments into the stream's states.
static Status fillStream(ModelInstance &instance, const FunctionInfo &function,
                         Arrays &args, int32_t batch) {
  if (Status status = instance.initialiseStream(batch); !status)
    return status;
  const auto &states = instance.module().states;
  for (size_t s = 0; s < states.size(); ++s) {
    std::string name = "state." + states[s].name;
    if (!args.contains(name) && args.contains(states[s].name))
      name = states[s].name;
    auto given = args.find(name);
    if (given == args.end() || function.findInput(name) >= 0)
      continue;
    std::vector<int64_t> shape = states[s].shape;
    shape.insert(shape.begin(), batch);
    if (given->second.shape != shape)
      return dataError("`{}`: expected {}, found {}", name,
                       data::shapeText(shape),
                       data::shapeText(given->second.shape));
    Result<Tensor> tensor = data::convertExact(
        given->second, instance.library().manifest().real(), name);
    if (!tensor)
      return tensor.error();
    std::memcpy(instance.streamState(static_cast<int>(s)), tensor->bytes.data(),
                tensor->bytes.size());
    args.erase(given);
  }
  return {};
}

static Status loadWeights(ModelInstance &instance, const RunOptions &options,
                          bool training) {
  if (options.weights.empty())
    return instance.hasBaked() && !options.hasSeed
               ? instance.initialiseBaked()
               : instance.initialise(options.seed);
  Result<TensorFile> file = data::readTensorFile(options.weights);
  if (!file)
    return file.error();
  std::vector<std::pair<std::string, Tensor *>> arrays;
  for (auto &[name, tensor] : file->tensors)
    arrays.emplace_back(name, &tensor);
  auto isParameter = [&](const std::string &name) {
    const auto &infos = instance.module().parameters;
    return std::any_of(infos.begin(), infos.end(),
                       [&](const auto &info) { return info.name == name; });
  };
  if (Status status =
          roundReals(instance, options.weights, isParameter, std::move(arrays));
      !status)
    return status;
  if (Status status = instance.setParameters(*file, options.weights); !status)
    return status;
  auto isSlot = [](const auto &entry) {
    return entry.first.starts_with("optimizer.");
  };
  if (training &&
      std::any_of(file->tensors.begin(), file->tensors.end(), isSlot))
    return instance.setOptimizerState(*file, options.weights);
  return {};
}

/// Adds what an update has changed to the results.
static void addTrainingState(ModelInstance &instance, TensorFile &results) {
  for (auto &[name, tensor] : instance.parameters().tensors)
    results.add(name, tensor);
  for (auto &[name, tensor] : instance.optimizerState().tensors)
    results.add(name, tensor);
}

static void addStreamStates(ModelInstance &instance, int32_t batch,
                            TensorFile &results) {
  const auto &states = instance.module().states;
  for (size_t s = 0; s < states.size(); ++s) {
    std::vector<int64_t> shape = states[s].shape;
    shape.insert(shape.begin(), batch);
    std::string name = "state." + states[s].name;
    if (!results.find(name))
      results.add(name,
                  Tensor::copyOf(instance.library().manifest().real(), shape,
                                 instance.streamState(static_cast<int>(s))));
  }
}

/// Name, type and shape of each result; the value of a number.
static Json outputsJson(const TensorFile &results) {
  Json outputs = Json::object();
  for (const auto &[name, tensor] : results.tensors) {
    outputs[name] = {{"dtype", nameOf(tensor.type)}, {"shape", tensor.shape}};
    if (tensor.shape.empty())
      outputs[name]["value"] = jsonNumber(tensor.number(0));
  }
  return outputs;
}

static void printTensors(const RunOptions &options, const TensorFile &results) {
  if (options.json) {
    fmt::print("{}\n", Json{{"function", options.function},
                            {"reference", options.reference},
                            {"outputs", outputsJson(results)}}
                           .dump());
    return;
  }
  for (const auto &[name, tensor] : results.tensors) {
    fmt::print("{:<28} {} {}", name, nameOf(tensor.type),
               data::shapeText(tensor.shape));
    if (tensor.shape.empty())
      fmt::print(" = {}", plain(tensor.number(0)));
    fmt::print("\n");
  }
}

static void printResults(const RunOptions &options, const Library &library,
                         const TensorFile &results, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  double median = (times[(times.size() - 1) / 2] + times[times.size() / 2]) / 2;
  if (options.json) {
    Json json = {{"function", options.function},
                 {"library", library.manifest().library},
                 {"precision", library.manifest().precision},
                 {"threads", options.threads},
                 {"device", shownDevice(options.model)},
                 {"repeat", options.repeat},
                 {"best_ms", times.front()},
                 {"median_ms", median}};
    json["outputs"] = outputsJson(results);
    fmt::print("{}\n", json.dump());
    return;
  }
  printTensors(options, results);
  if (options.repeat > 1)
    fmt::print("best {:.4f} ms, median {:.4f} ms of {} calls\n", times.front(),
               median, options.repeat);
}

static Result<std::map<std::string, int32_t>>
readLengths(const RunOptions &options) {
  std::map<std::string, int32_t> lengths;
  for (const std::string &text : options.lengths) {
    Result<std::pair<std::string, int64_t>> length = parseDim(text);
    if (!length || length->second > INT32_MAX)
      return usageError("rnnc: error: `--length {}`: write it as AXIS=N", text);
    lengths[length->first] = static_cast<int32_t>(length->second);
  }
  return lengths;
}

static Result<ModelInstance::CallOptions>
callOptions(const RunOptions &options, const ModuleInfo &module,
            const FunctionInfo &function) {
  ModelInstance::CallOptions call;
  call.seed = options.seed;
  call.hasSeed = options.hasSeed;
  call.repeat = options.repeat;
  call.batch = options.batch;
  call.useOptimizer = function.name == "train_step";
  call.usePrepared = readsPrepared(function);
  Result<std::map<std::string, int32_t>> lengths = readLengths(options);
  if (!lengths)
    return lengths.error();
  if (Status status = addDrawnLengths(module, function, {}, *lengths); !status)
    return status.error();
  call.lengths = std::move(*lengths);
  return call;
}

static Result<Arrays> readArguments(const RunOptions &options) {
  Arrays args;
  if (!options.in.empty()) {
    Result<TensorFile> file = data::readTensorFile(options.in);
    if (!file)
      return file.error();
    for (auto &[name, tensor] : file->tensors)
      args[name] = std::move(tensor);
  }
  if (Status status = addSettings(options, args); !status)
    return status.error();
  return args;
}

/// The arguments' file in front of what is wrong with them.
static Error blame(const RunOptions &options, Error error) {
  error.message = fmt::format(
      "{}: error: {}", options.in.empty() ? "rnnc" : options.in, error.message);
  return error;
}

/// Calls the function and collects all results.
static Result<TensorFile> callFunction(ModelInstance &instance, int function,
                                       const RunOptions &options,
                                       std::vector<double> &times) {
  const FunctionInfo &info =
      instance.module().functions[static_cast<size_t>(function)];
  Result<Arrays> args = readArguments(options);
  if (!args)
    return args.error();
  Result<ModelInstance::CallOptions> call =
      callOptions(options, instance.module(), info);
  if (!call)
    return call.error();
  if (call->useOptimizer)
    if (Status status = instance.initialiseOptimizer(); !status)
      return status.error();
  if (Status status = loadWeights(instance, options, call->useOptimizer);
      !status)
    return status.error();
  renameStates(info, *args);
  if (Status status = roundArguments(instance, info, options.in, *args);
      !status)
    return status.error();
  Result<int32_t> batch = batchOf(info, *args, options.batch);
  if (!batch)
    return blame(options, batch.error());
  const ModuleInfo &module = instance.module();
  bool streams = wantsStream(module, info);
  if (streams) {
    if (Status status = fillStream(instance, info, *args, *batch); !status)
      return blame(options, status.error());
    call->useStream = true;
  }
  call->times = &times;
  Result<Arrays> results = instance.call(function, *args, *call);
  if (!results)
    return blame(options, results.error());
  // An update that was refused is no result; the interpreter says the same.
  if (std::string why = skipReason(instance.lastError()); !why.empty())
    return dataError("rnnc: error: {}", why);
  TensorFile file;
  for (const ArgInfo &arg : info.args)
    if (arg.isOutput())
      file.add(arg.name, std::move((*results)[arg.name]));
  if (streams)
    addStreamStates(instance, *batch, file);
  if (call->useOptimizer)
    addTrainingState(instance, file);
  return file;
}

/// The interpreter in the library's place.
static Result<TensorFile> callReference(const RunOptions &options) {
#if RNNC_HAVE_PIPELINE
  ReferenceCall call;
  call.model = options.model;
  call.function = options.function;
  Result<Arrays> args = readArguments(options);
  if (!args)
    return args.error();
  call.args = std::move(*args);
  if (!options.weights.empty()) {
    Result<TensorFile> weights = data::readTensorFile(options.weights);
    if (!weights)
      return weights.error();
    call.weights = std::move(*weights);
  }
  if (options.hasSeed)
    call.seed = options.seed;
  if (options.batch >= 0)
    call.batch = options.batch;
  Result<std::map<std::string, int32_t>> lengths = readLengths(options);
  if (!lengths)
    return lengths.error();
  call.lengths.insert(lengths->begin(), lengths->end());
  return runReference(call);
#else
  return toolError("rnnc: error: this build of rnnc has no interpreter");
#endif
}

static int run(const RunOptions &options) {
  if (!options.out.empty()) {
    if (Status status = data::checkArrayName(options.out); !status)
      return report(status.error());
    if (Status status = data::keepInputs(
            options.out, {options.in, options.weights, options.model.model});
        !status)
      return report(status.error());
  }
  if (options.reference) {
    Result<TensorFile> results = callReference(options);
    if (!results)
      return report(results.error());
    if (!options.out.empty())
      if (Status status = data::writeTensorFile(options.out, *results); !status)
        return report(status.error());
    printTensors(options, *results);
    return ExitOk;
  }
  Result<std::shared_ptr<Library>> library = openModel(options.model);
  if (!library)
    return report(library.error());
  Result<Library::Place> place = (*library)->find(options.function);
  if (!place)
    return report(place.error());
  Result<std::unique_ptr<ModelInstance>> instance = ModelInstance::create(
      *library, place->module, options.threads, options.model.device);
  if (!instance)
    return report(instance.error());
  std::vector<double> times;
  Result<TensorFile> results =
      callFunction(**instance, place->function, options, times);
  if (!results)
    return report(results.error());
  if (!options.out.empty())
    if (Status status = data::writeTensorFile(options.out, *results); !status)
      return report(status.error());
  printResults(options, **library, *results, std::move(times));
  return ExitOk;
}

void tool::addRunCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<RunOptions>();
  CLI::App *command =
      addVerb(app, "run", "Call a function of a library on files");
  command
      ->add_option("MODEL", options->model.model, "A library or a .rnn source")
      ->required();
  command
      ->add_option("FUNCTION", options->function,
                   "NAME.function; the function alone where that is clear")
      ->required();
  auto file = [&](const char *name, std::string &path, const char *text) {
    command->add_option(name, path, text)->option_text("FILE");
  };
  file("--weights", options->weights,
       "Parameters (default: first values drawn from --seed)");
  file("--in", options->in, "Arguments by name");
  file("--out", options->out, "Where the results go, by name");
  command->add_option("--set", options->settings, "An option of the function")
      ->option_text("NAME=NUMBER")
      ->allow_extra_args(false);
  command
      ->add_option("--length", options->lengths,
                   "Padded length of a time axis that no input shows; "
                   "of what `sample` draws (default: the `max` of `unfold`)")
      ->option_text("AXIS=N")
      ->allow_extra_args(false);
  command
      ->add_option("--batch", options->batch, "Rows, where no input shows them")
      ->option_text("N")
      ->transform(NotBelowZero);
  CLI::Option *seed =
      command
          ->add_option("--seed", options->seed,
                       "Seed of draws, dropout and first values")
          ->option_text("N")
          ->transform(SeedNumber);
  command->add_option("--threads", options->threads, "Threads (default: 1)")
      ->option_text("N")
      ->transform(ThreadCount);
  CLI::Option *device = addDeviceOption(*command, options->model.device);
  command
      ->add_option("--repeat", options->repeat,
                   "Call it N times; the best and the median time are shown")
      ->option_text("N")
      ->transform(AtLeastOne);
  command
      ->add_flag("--reference", options->reference,
                 "Ask the interpreter, in f64, instead of compiled code")
      ->excludes(device);
  command->add_flag("--json", options->json, "One line of JSON");
  addModelOptions(*command, options->model);
  command->footer(
      "Files are .safetensors or .npz; f32, f64, i32 and i64 are converted "
      "where that is exact; "
      "f64 is rounded to f32, with a note.\n"
      "`rnnc inspect MODEL` lists functions and the names of their "
      "arguments.\n\nExamples:\n"
      "  rnnc run model.rnn Net.loss --weights w.safetensors --in batch.npz\n"
      "  rnnc run libcells.so lstm.vjp --in x.npz --out grads.npz --repeat 100 "
      "--json");
  command->callback([options, seed, &exitCode] {
    options->hasSeed = seed->count() > 0;
    exitCode = run(*options);
  });
}
