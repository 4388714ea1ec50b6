// Train.cpp: `rnnc train`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"
#include "Commands.h"
#include "SourceSchema.h"
#include "Trained.h"
#include "Vocab.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Training/Examples.h"
#include "rnnc/Training/Trainer.h"

#include <csignal>
#include <filesystem>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;
using data::Dataset;
using data::Schema;

namespace {
struct TrainCommand {
  ModelOptions model;
  DataOptions data;
  TrainOptions train;
  std::string name, out, init, commandLine;
  std::vector<std::string> files, valid, vocabularies, vectors;
  int threads = 1;
  int64_t traceEvery = 100;
  bool json = false, seedGiven = false, trace = false;
};

/// One run of the verb: each step fills in what the next one needs.
class TrainRun {
public:
  explicit TrainRun(const TrainCommand &command)
      : command(command), directory(command.out) {}
  int run();

private:
  Status readModel();
  Status readData();
  Status compile();
  Status takeFirst();
  Status prepare();
  Status keepInputs();
  Status fillDirectory();
  Status train();
  Status report();
  int judge() const;
  bool fromSource() const {
    return std::string_view(command.model.model).ends_with(".rnn");
  }
  Status keepExamples();
  Status evaluatePart(const char *name, const Dataset &part, Json &json);

  const TrainCommand &command;
  ModelDirectory directory;
  std::shared_ptr<Library> library;
  std::unique_ptr<ModelInstance> instance;
  SourceModel source;
  Schema schema;
  data::ReadOptions read; ///< with what the data settled
  data::Parts parts;
  std::map<std::string, int64_t> dims; ///< set from data
  TrainOptions options;
  std::unique_ptr<Trainer> trainer;
  TrainResult result;
};
} // namespace

static std::atomic<bool> interrupted{false};

/// The first signal asks to stop, the second one ends the process.
static void onSignal(int signal) {
  interrupted = true;
  std::signal(signal, SIG_DFL);
}

/// Ctrl-C, `kill` and a terminal that is closed stop training in good order;
/// `nohup` still protects from the last one.
static void catchSignals() {
  std::signal(SIGINT, onSignal);
  std::signal(SIGTERM, onSignal);
  if (std::signal(SIGHUP, onSignal) == SIG_IGN)
    std::signal(SIGHUP, SIG_IGN);
}

Status TrainRun::readModel() {
  if (fromSource()) {
    Result<SourceModel> model = readSourceModel(command.model, command.name);
    if (!model)
      return model.error();
    source = std::move(*model);
    schema = source.schema;
    return {};
  }
  Result<std::shared_ptr<Library>> opened = openModel(command.model);
  if (!opened)
    return opened.error();
  library = *opened;
  Result<int> module = findModule(*library, command.name);
  if (!module)
    return module.error();
  schema = schemaOf(library->manifest().modules[static_cast<size_t>(*module)]);
  return {};
}

/// "rows are steps of time: windows of 64 rows; `x` is Temp, ...".
static std::string describeSeries(const Dataset &rows, const Schema &schema) {
  std::string text =
      fmt::format("{}: {} rows of time; an example reads {} of them",
                  rows.files.front(), rows.size(), rows.series->window);
  for (const data::FieldSchema &field : schema.fields) {
    text += fmt::format("; `{}` is {}", field.name,
                        data::shown(rows.seriesColumns.at(field.name), 100));
    auto ahead = rows.series->ahead.find(field.name);
    if (ahead != rows.series->ahead.end() && ahead->second > 0)
      text += fmt::format(", {} row{} later", ahead->second,
                          ahead->second == 1 ? "" : "s");
  }
  return text;
}

/// Reads, splits and learns the vocabulary; nothing is written yet.
Status TrainRun::readData() {
  // What the command line says is told before what its files hold.
  Result<data::Split> split =
      data::Split::parse(command.data.split, command.data.splitModulus);
  if (!split)
    return split.error();
  read = command.data.read;
  Result<Dataset> all = data::readDataset(command.files, schema, read);
  if (!all)
    return all.error();
  directory.trainedOn = Provenance::of(*all);
  std::vector<std::string> dataWarnings = all->warnings;
  if (all->series) {
    read.series = *all->series;
    read.columns = all->seriesColumns;
    if (!command.train.quiet)
      fmt::print(stderr, "{}\n", describeSeries(*all, schema));
  }
  Result<data::Parts> divided =
      data::splitDataset(std::move(*all), schema, *split);
  if (!divided)
    return divided.error();
  parts = std::move(*divided);
  if (!command.valid.empty()) {
    Result<Dataset> valid = data::readDataset(command.valid, schema, read);
    if (!valid)
      return valid.error();
    if (parts.valid.size())
      return usageError("rnnc: error: --valid gives validation data, and "
                        "--split {} cuts some off too; write a share of 0",
                        command.data.split);
    valid =
        data::cutWindows(std::move(*valid), schema, data::WindowUse::Evaluate);
    if (!valid)
      return valid.error();
    parts.valid = std::move(*valid);
  }
  if (parts.valid.size() == 0 &&
      (command.train.patience > 0 || command.train.validEvery > 0))
    return usageError("rnnc: error: {} needs validation data: give --valid "
                      "FILE or --split 90/10",
                      command.train.patience > 0 ? "--patience"
                                                 : "--valid-every");
  Result<data::Vocabularies> given =
      givenVocabularies(command.vocabularies, schema, read);
  if (!given)
    return given.error();
  if (Status status = data::learnPieces(parts.train, schema, read); !status)
    return status;
  for (Dataset *part : {&parts.train, &parts.valid, &parts.test})
    if (Status status = data::cutIntoPieces(*part, schema, read); !status)
      return status;
  Result<data::Learned> learned =
      data::learnVocabularies(parts.train, schema, read, *given);
  if (!learned)
    return learned.error();
  for (const auto *warnings :
       {&dataWarnings, &parts.valid.warnings, &learned->warnings})
    for (const std::string &warning : *warnings)
      fmt::print(stderr, "{}\n", warning);
  dims = learned->dims;
  directory.vocabularies = std::move(learned->vocabularies);
  schema.bind(dims);
  if (parts.train.series)
    read.series = *parts.train.series;
  data::bindScales(schema, read.series);
  for (Dataset *part : {&parts.train, &parts.valid, &parts.test}) {
    if (part->size() == 0)
      continue;
    part->warnings.clear();
    part->onlyMeasured = part != &parts.train;
    if (Status status = data::applyVocabularies(
            *part, schema, directory.vocabularies, read.unit(schema));
        !status)
      return status;
    for (const std::string &warning : part->warnings)
      fmt::print(stderr, "{}\n", warning);
  }
  return {};
}

Status TrainRun::compile() {
  if (fromSource()) {
    ModelOptions options = command.model;
    for (const auto &[name, size] : dims)
      options.dims.push_back(fmt::format("{}={}", name, size));
    Result<std::shared_ptr<Library>> compiled = openModel(options);
    if (!compiled)
      return compiled.error();
    library = *compiled;
  }
  Result<int> module = findModule(*library, schema.model);
  if (!module)
    return module.error();
  Result<std::unique_ptr<ModelInstance>> made = ModelInstance::create(
      library, *module, command.threads, command.model.device);
  if (!made)
    return made.error();
  instance = std::move(*made);
  // From here on the compiled library's word counts.
  schema = schemaOf(instance->module());
  data::bindScales(schema, read.series);
  for (const Dataset *part : {&parts.train, &parts.valid, &parts.test})
    if (Status status = data::checkExtents(*part, schema); !status)
      return status;
  options = command.train;
  options.interrupted = &interrupted;
  const Json &settings = instance->module().train;
  if (!command.seedGiven && settings.contains("seed") &&
      settings["seed"].is_number_unsigned())
    options.seed = settings["seed"].get<uint64_t>();
  if (Status status = instance->initialise(options.seed); !status)
    return status;
  return takeFirst();
}

/// First values that are not drawn.
Status TrainRun::takeFirst() {
  if (!command.init.empty()) {
    if (Status status =
            takeFirstWeights(command.init, *instance, directory.vocabularies);
        !status)
      return status;
    if (Status status = instance->checkFinite(command.init); !status)
      return status;
  }
  for (const std::string &vectors : command.vectors)
    if (Status status =
            takeWordVectors(vectors, *instance, directory.vocabularies);
        !status)
      return status;
  return {};
}

/// A directory with a training in it is not overwritten by mistake.
static Status checkFresh(const ModelDirectory &directory, bool resume) {
  if (resume || !directory.hasFile("last.safetensors"))
    return {};
  return usageError("{}: error: there is a trained model here; go on with "
                    "--resume, or give another --out",
                    directory.path());
}

/// Nothing that is read may lie where the training writes. The source may: it
/// is written as it is.
Status TrainRun::keepInputs() {
  std::vector<std::string> inputs = command.files;
  inputs.insert(inputs.end(), command.valid.begin(), command.valid.end());
  inputs.push_back(command.init);
  for (const std::string &vectors : command.vectors)
    inputs.push_back(vectors.substr(vectors.find('=') + 1));
  for (const std::string &input : inputs) {
    std::string name = std::filesystem::path(input).filename().string();
    if (ModelDirectory::isOwnFile(name))
      if (Status status = data::keepInputs(directory.file(name), {input});
          !status)
        return status;
  }
  return {};
}

Status TrainRun::fillDirectory() {
  directory.read = read;
  directory.split = command.data.split;
  directory.splitModulus = command.data.splitModulus;
  directory.program = fromSource() ? "model.rnn" : "model.so";
  if (Status status = data::makeDirectory(directory.path()); !status)
    return status;
  data::removeLeftovers(directory.path());
  if (!fromSource()) {
    Result<std::string> bytes = data::readFile(command.model.model);
    if (!bytes)
      return bytes.error();
    if (Status status =
            data::writeFileAtomically(directory.file("model.so"), *bytes);
        !status)
      return status;
    return directory.save();
  }
  Json sizes = Json::object();
  for (const std::string &text : command.model.dims)
    if (Result<std::pair<std::string, int64_t>> dim = parseDim(text))
      sizes[dim->first] = dim->second;
  for (const auto &[name, size] : dims)
    sizes[name] = size;
  directory.compile = {{"dims", sizes},
                       {"precision", library->manifest().precision},
                       {"opt", command.model.optLevel},
                       {"fast_math", command.model.fastMath}};
  if (command.model.productType != "f32")
    directory.compile["product_type"] = command.model.productType;
  for (const auto &[name, text] : source.imports) {
    directory.imports.push_back(name);
    if (Status status = data::writeFileAtomically(directory.file(name), text);
        !status)
      return status;
  }
  if (Status status =
          data::writeFileAtomically(directory.file("model.rnn"), source.text);
      !status)
    return status;
  return directory.save();
}

/// Everything that can be refused is, before anything is written.
Status TrainRun::prepare() {
  directory.model = instance->module().name;
  trainer = std::make_unique<Trainer>(*instance, schema, directory, parts.train,
                                      &parts.valid, options);
  return trainer->prepare();
}

Status TrainRun::train() {
  catchSignals();
  Result<TrainResult> trained = trainer->run();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  if (!trained)
    return trained.error();
  result = *trained;
  return {};
}

Status TrainRun::evaluatePart(const char *name, const Dataset &part,
                              Json &json) {
  if (part.size() == 0)
    return {};
  EvaluateOptions evaluation;
  evaluation.batch = static_cast<int32_t>(schema.batch);
  evaluation.vocabularies = &directory.vocabularies;
  Result<Evaluation> figures = evaluate(*instance, schema, part, evaluation);
  if (!figures)
    return figures.error();
  json[name] = figures->toJson();
  if (!command.json)
    fmt::print("{}: {}\n", name, figures->summary());
  return {};
}

/// Of a part that was not trained on, if there is one.
Status TrainRun::keepExamples() {
  const char *name = "training";
  const Dataset *part = &parts.train;
  for (const auto &[other, data] :
       {std::pair<const char *, const Dataset *>{"validation", &parts.valid},
        {"test", &parts.test}})
    if (data->size() > 0)
      name = other, part = data;
  ExampleOptions examples;
  examples.vocabularies = &directory.vocabularies;
  examples.unit = read.unit(schema);
  Json json = {{"part", name}};
  Result<Json> made = recordExamples(*instance, schema, *part, examples);
  if (made)
    json.update(*made);
  else // a training does not fail for what nobody may look at
    fmt::print(stderr, "warning: no examples for `rnnc report`: {}\n",
               made.error().message);
  return data::writeFileAtomically(
      directory.file("examples.json"),
      json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

Status TrainRun::report() {
  Json json = result.toJson();
  json["out"] = directory.path();
  int64_t count = 0;
  for (const ParameterInfo &parameter : instance->module().parameters)
    count += parameter.count();
  json["parameters"] = count;
  if (!command.json)
    fmt::print("{}\n", result.summary());
  if (!result.interrupted) {
    std::string path = directory.file(result.useLast ? "last.safetensors"
                                                     : "best.safetensors");
    Result<data::TensorFile> weights = data::readTensorFile(path);
    if (!weights)
      return weights.error();
    if (Status status = instance->setParameters(*weights, path); !status)
      return status;
    for (const auto &[name, part] :
         {std::pair<const char *, const Dataset *>{"valid", &parts.valid},
          {"test", &parts.test}})
      if (Status status = evaluatePart(name, *part, json); !status)
        return status;
    if (Status status = data::writeFileAtomically(directory.file("report.json"),
                                                  json.dump(2) + "\n");
        !status)
      return status;
    if (Status status = keepExamples(); !status)
      return status;
  }
  if (command.json)
    fmt::print("{}\n", json.dump());
  if (result.interrupted)
    fmt::print(stderr, "stopped after update {}; go on with:\n  {}{}\n",
               result.steps, command.commandLine,
               command.train.resume ? "" : " --resume");
  return {};
}

/// Says what a training that came to nothing died of.
int TrainRun::judge() const {
  if (result.failure.empty())
    return ExitOk;
  int64_t count = result.steps - result.failedSince + 1;
  fmt::print(stderr, "{}: error: training failed: {} since update {}{}\n",
             directory.path(), result.failure, result.failedSince,
             count > 1 ? fmt::format(" ({} updates)", count) : "");
  if (!result.useLast)
    fmt::print(stderr, "  best.safetensors holds the weights of update {}\n",
               result.bestStep);
  fmt::print(stderr,
             "  = help: in the `train` block, give `optimize` a smaller "
             "`lr`, or add `clip global_norm 1`\n");
  return ExitCheckFailed;
}

int TrainRun::run() {
  if (Status status = checkFresh(directory, command.train.resume); !status)
    return tool::report(status.error());
  for (auto step :
       {&TrainRun::keepInputs, &TrainRun::readModel, &TrainRun::readData,
        &TrainRun::compile, &TrainRun::prepare, &TrainRun::fillDirectory,
        &TrainRun::train, &TrainRun::report})
    if (Status status = (this->*step)(); !status)
      return tool::report(status.error());
  return result.interrupted ? ExitInterrupted : judge();
}

static void addTrainOptions(CLI::App &command, TrainCommand &options) {
  const char *group = "Training";
  TrainOptions &train = options.train;
  auto count = [&](const char *name, auto &value, const char *text) {
    return command.add_option(name, value, text)
        ->option_text("N")
        ->transform(AtLeastOne)
        ->group(group);
  };
  CLI::Option *steps = count("--steps", train.steps, "Updates in all");
  count("--epochs", train.epochs, "Passes over the data")->excludes(steps);
  command.add_option("--max-time", train.maxSeconds, "Stop after S seconds")
      ->option_text("S")
      ->check(PositiveReal)
      ->group(group);
  count("--batch", train.batch, "Rows of a batch");
  command
      .add_option("--seed", options.train.seed,
                  "Seed of first weights, order of the data and dropout")
      ->option_text("N")
      ->transform(SeedNumber)
      ->group(group);
  command
      .add_option(
          "--init", options.init,
          "First weights: a file, or the directory of another training; "
          "rows of symbols are taken by symbol")
      ->option_text("PATH")
      ->group(group);
  command
      .add_option("--vectors", options.vectors,
                  "First rows of a parameter by word: a text file as GloVe and "
                  "word2vec write it")
      ->option_text("PARAMETER=FILE...")
      ->group(group);
  command.add_option("--threads", options.threads, "Threads (default: 1)")
      ->option_text("N")
      ->transform(ThreadCount)
      ->group(group);
  addDeviceOption(command, options.model.device)->group(group);
  count("--checkpoint-every", train.checkpointEvery,
        "Updates between checkpoints (default: 500, and after each validation "
        "and epoch)");
  count("--valid-every", train.validEvery,
        "Updates between validations (default: an epoch, 500 if that is long)");
  CLI::Option *trace =
      command
          .add_flag("--trace-gradients", options.trace,
                    "Log how the gradient of the loss at the states shrinks or "
                    "grows with the distance in time")
          ->group(group);
  count("--trace-every", options.traceEvery,
        "Updates between two looks at these gradients (default: 100)")
      ->needs(trace);
  count("--patience", train.patience,
        "Stop after N validations without a better one");
  command
      .add_flag("--resume", train.resume,
                "Go on from the last checkpoint in DIR, if there is one")
      ->group(group);
}

void tool::addTrainCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<TrainCommand>();
  CLI::App *command = addVerb(app, "train", "Train a model on data");
  command
      ->add_option("MODEL", options->model.model, "A .rnn source or a library")
      ->required();
  command->add_option("--data", options->files, "Data to train on")
      ->option_text("FILE...")
      ->required();
  command->add_option("--valid", options->valid, "Data to validate on")
      ->option_text("FILE...");
  command
      ->add_option("--out", options->out,
                   "Where weights, vocabulary, log and curve go")
      ->option_text("DIR")
      ->required();
  command
      ->add_option("--model", options->name,
                   "The model to train, if the source has several")
      ->option_text("NAME");
  command->add_flag("--quiet", options->train.quiet, "No progress");
  command->add_flag("--json", options->json, "One line of JSON at the end");
  addTrainOptions(*command, *options);
  addDataOptions(*command, options->data);
  addSplitOptions(*command, options->data);
  addSeriesOptions(*command, options->data);
  addVocabularyOptions(*command, options->data);
  command
      ->add_option("--vocab", options->vocabularies,
                   "Take the vocabulary of another training's directory, or of "
                   "a file: JSON or a symbol a line")
      ->option_text("[AXIS=]PATH")
      ->allow_extra_args(false)
      ->group("How data is read");
  addModelOptions(*command, options->model);
  command->footer(
      "Examples:\n"
      "  rnnc train charlm.rnn --data book.txt --split 90/10/0 --out run "
      "--max-time 600\n"
      "  rnnc train mood.rnn --data reviews.csv --columns mood=1,words=0 "
      "--split 80/10/10 --out run\n"
      "  rnnc train charlm.rnn --data book.txt --split 90/10/0 --out run "
      "--max-time 600 --resume");
  command->callback([options, command, &exitCode] {
    options->seedGiven = command->count("--seed") > 0;
    options->model.quiet = options->train.quiet;
    options->model.attention = true;
    options->model.lossTerms = true;
    options->model.stateGradients = options->trace;
    options->train.traceEvery = options->trace ? options->traceEvery : 0;
    options->commandLine = commandLine();
    Status status = options->data.finish();
    exitCode = status ? TrainRun(*options).run() : report(status.error());
  });
}
