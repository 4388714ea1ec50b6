// Trained.cpp: loads trained models; the options of data files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Trained.h"

#include "CommandLine.h"
#include "rnnc/Data/Encoding.h"
#include "rnnc/Training/Transfer.h"

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;

static const char *dataGroup = "How data is read";

void tool::addDataOptions(CLI::App &command, DataOptions &options) {
  command
      .add_option("--format", options.read.format,
                  "auto (by the file's ending, the default), text, csv, tsv, "
                  "space (label, blank, text), conll (a token and its labels a "
                  "line), roll (the keys of a step a line), jsonl or npz")
      ->option_text("FORMAT")
      ->check(oneOf({"auto", "text", "csv", "tsv", "space", "conll", "roll",
                     "jsonl", "npz"}))
      ->group(dataGroup);
  command
      .add_option("--columns", options.columns,
                  "Columns by header or, counted from 0, by number: "
                  "mood=0,words=1; words=1:pair takes each symbol with the "
                  "next one")
      ->option_text("NAME=COLUMN,...")
      ->group(dataGroup);
  command
      .add_option("--encoding", options.read.encoding,
                  "Encoding of texts and tables: utf-8 (the default), latin-1, "
                  "gbk, utf-16, ...")
      ->option_text("NAME")
      ->group(dataGroup);
}

void tool::addSeriesOptions(CLI::App &command, DataOptions &options) {
  const char *group = "Tables whose rows are steps of time";
  data::SeriesOptions &series = options.read.series;
  command
      .add_option(
          "--rows", series.rows,
          "What a row of CSV or TSV is: time, examples, or auto (time if "
          "the model reads numbers along time and each cell holds one)")
      ->option_text("auto|time|examples")
      ->check(oneOf({"auto", "time", "examples"}))
      ->group(group);
  command
      .add_option("--window", series.window,
                  "Rows that an example reads (default: 64, fewer of a short "
                  "table)")
      ->option_text("N")
      ->transform(AtLeastOne)
      ->group(group);
  command
      .add_option(
          "--horizon", series.horizon,
          "Rows from the last one read to the one predicted, or rows "
          "predicted over a second time axis (default: 1 where an output "
          "has the columns of an input, else 0)")
      ->option_text("N")
      ->transform(NotBelowZero)
      ->group(group);
  command
      .add_option(
          "--stride", series.stride,
          "Rows between the windows of training (default: a quarter of a "
          "window if each row has a target, else 1)")
      ->option_text("N")
      ->transform(AtLeastOne)
      ->group(group);
  command
      .add_option("--missing", series.missing,
                  "What becomes of cells without a value (empty, NA, NaN, ?): "
                  "error (the default), last (the value before) or linear "
                  "(between its neighbours); a window whose output is missing "
                  "is left out")
      ->option_text("error|last|linear")
      ->check(oneOf({"error", "last", "linear"}))
      ->group(group);
  command
      .add_option_function<std::string>(
          "--scale",
          [&series](const std::string &how) {
            series.standardise = how == "standard";
          },
          "standard (mean 0, deviation 1, as the training rows have them; the "
          "default) or none")
      ->option_text("standard|none")
      ->check(oneOf({"standard", "none"}))
      ->group(group);
}

void tool::addSplitOptions(CLI::App &command, DataOptions &options) {
  command
      .add_option("--split", options.split,
                  "Cut the data into training, validation and test parts: "
                  "80/10/10")
      ->option_text("A/B/C")
      ->group(dataGroup);
  command
      .add_option("--split-mod", options.splitModulus,
                  "Hold every N-th example out as the test part")
      ->option_text("N")
      ->transform(AtLeastOne)
      ->group(dataGroup);
}

void tool::addVocabularyOptions(CLI::App &command, DataOptions &options) {
  command
      .add_option("--unit,--tokens", options.read.tokens,
                  "Symbols of texts: chars, words, bytes, or bpe(N), up to N "
                  "pieces of words learned from the training part (default: "
                  "chars for language models, else words), of all or each: "
                  "spelling=chars,sound=words")
      ->option_text("chars|words|bytes|bpe(N)")
      ->group(dataGroup);
  command
      .add_flag("--lower", options.read.lower,
                "Make ASCII capitals small letters")
      ->group(dataGroup);
  auto count = [&](const char *name, int64_t &value, const char *text) {
    command.add_option(name, value, text)
        ->option_text("N")
        ->transform(AtLeastOne)
        ->group(dataGroup);
  };
  count("--min-count", options.read.minCount,
        "Symbols seen less often become <unk>");
  count("--max-vocab", options.read.maxVocabulary,
        "Size of the vocabulary; rarer symbols become <unk>");
  count("--max-length", options.read.maxLength, "Cut longer sequences");
}

void tool::addTrainedOptions(CLI::App &command, UseOptions &options) {
  command
      .add_option("--weights", options.weights,
                  "Other weights than the best of the training")
      ->option_text("FILE");
  command.add_option("--threads", options.threads, "Threads (default: 1)")
      ->option_text("N")
      ->transform(ThreadCount);
  addDeviceOption(command, options.device);
  addWeightTypeOption(command, options.weightType);
}

data::ReadOptions Trained::readOptions(const DataOptions &given) const {
  data::ReadOptions read = directory.read;
  if (!given.read.columns.empty())
    read.columns = given.read.columns;
  if (given.read.format != "auto")
    read.format = given.read.format;
  if (!given.read.encoding.empty())
    read.encoding = given.read.encoding;
  return read;
}

/// `mood=0,words=1` as a map; nothing where it is written in another way.
static std::optional<std::map<std::string, std::string>>
mapOf(std::string_view rest) {
  std::map<std::string, std::string> map;
  while (!rest.empty()) {
    size_t comma = std::min(rest.find(','), rest.size());
    std::string_view entry = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    size_t equals = entry.find('=');
    if (equals == std::string_view::npos || equals == 0 ||
        equals + 1 == entry.size())
      return std::nullopt;
    map[std::string(entry.substr(0, equals))] = entry.substr(equals + 1);
  }
  return map;
}

/// `chars`, or a unit for each field.
Status DataOptions::finishUnits() {
  std::string given = std::move(read.tokens);
  read.tokens.clear();
  if (given.empty() || data::parseUnit(given)) {
    read.tokens = given;
    return {};
  }
  auto units = mapOf(given);
  bool fits = units.has_value();
  if (units)
    for (const auto &[field, unit] : *units)
      fits = fits && data::parseUnit(unit);
  if (!fits)
    return usageError("rnnc: error: `--unit {}`: write chars, words, bytes "
                      "or, with the number of pieces, bpe(8000), for all or "
                      "for each as in spelling=chars,sound=words",
                      given);
  read.units = std::move(*units);
  return {};
}

Status DataOptions::finish() {
  auto map = mapOf(columns);
  if (!map)
    return usageError("rnnc: error: `--columns {}`: write it as "
                      "mood=0,words=1",
                      columns);
  for (const auto &[field, column] : *map)
    read.columns[field] = column;
  if (Status status = finishUnits(); !status)
    return status;
  if (!read.encoding.empty())
    return data::checkEncoding(read.encoding);
  return {};
}

Result<int> tool::findModule(const Library &library, const std::string &name) {
  const auto &modules = library.manifest().modules;
  int found = -1;
  std::string list;
  for (size_t m = 0; m < modules.size(); ++m) {
    if (modules[m].kind != "model")
      continue;
    list += (list.empty() ? "" : ", ") + modules[m].name;
    if (name.empty() ? found < 0 : modules[m].name == name)
      found = static_cast<int>(m);
  }
  if (found < 0 && list.empty())
    return usageError("{}: error: there is no model in it, only cells and "
                      "layers",
                      library.path());
  if (found < 0)
    return usageError("{}: error: there is no model `{}`; there is {}",
                      library.path(), name, list);
  return found;
}

/// A program that does not compile any more is bad data of the directory, no
/// mistake of whoever uses it.
static Error badProgram(const ModelDirectory &directory, Error error) {
  if (error.exitCode != ExitSourceError && error.exitCode != ExitUsage)
    return error;
  if (!error.message.empty())
    error.message += "\n";
  error.message +=
      fmt::format("{}: error: damaged: it does not fit {}",
                  directory.file("options.json"), directory.program);
  error.exitCode = ExitBadData;
  return error;
}

static ModelOptions programOptions(const ModelDirectory &directory,
                                   const UseOptions &use) {
  ModelOptions options;
  options.device = use.device;
  options.weightType = use.weightType;
  options.model = directory.file(directory.program);
  options.onlyErrors = true;
  options.lossTerms = true;
  if (!directory.program.ends_with(".rnn"))
    return options;
  const Json &compile = directory.compile;
  options.precision = compile.value("precision", "f32");
  options.optLevel = compile.value("opt", 3);
  options.fastMath = compile.value("fast_math", false);
  // Only a GPU rounds what it multiplies.
  if (!use.device.empty())
    options.productType = compile.value("product_type", "f32");
  if (compile.contains("dims") && compile["dims"].is_object())
    for (const auto &[name, size] : compile["dims"].items())
      if (size.is_number_integer())
        options.dims.push_back(fmt::format("{}={}", name, size.get<int64_t>()));
  return options;
}

Result<std::shared_ptr<Library>>
tool::openProgram(const ModelDirectory &directory, const UseOptions &options) {
  Result<std::shared_ptr<Library>> library =
      openModel(programOptions(directory, options));
  if (!library)
    return badProgram(directory, library.error());
  if (Result<int> module = findModule(**library, directory.model); !module)
    return badProgram(directory, module.error());
  return library;
}

Result<Trained> tool::openTrained(const std::string &path,
                                  const UseOptions &options) {
  Trained trained;
  trained.directory = ModelDirectory(path);
  if (Status status = trained.directory.load(); !status)
    return status.error();
  Result<std::shared_ptr<Library>> library =
      openProgram(trained.directory, options);
  if (!library)
    return library.error();
  Result<int> module = findModule(**library, trained.directory.model);
  if (!module)
    return module.error();
  Result<std::unique_ptr<ModelInstance>> instance =
      ModelInstance::create(*library, *module, options.threads, options.device);
  if (!instance)
    return instance.error();
  trained.instance = std::move(*instance);
  trained.schema = schemaOf(trained.instance->module());
  data::bindScales(trained.schema, trained.directory.read.series);
  Result<std::string> found = options.weights.empty()
                                  ? trained.directory.weightFile()
                                  : Result<std::string>(options.weights);
  if (!found)
    return found.error();
  const std::string &file = *found;
  Result<data::TensorFile> tensors = data::readTensorFile(file);
  if (!tensors)
    return tensors.error();
  if (Status status =
          checkVocabularies(*tensors, file, trained.directory.vocabularies);
      !status)
    return status.error();
  if (Status status = trained.instance->setParameters(*tensors, file); !status)
    return status.error();
  if (Status status = trained.instance->checkFinite(file); !status)
    return status.error();
  return trained;
}
