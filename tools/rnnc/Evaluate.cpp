// Evaluate.cpp: `rnnc eval`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"
#include "Commands.h"
#include "Trained.h"
#include "rnnc/Training/Progress.h"

#include <cmath>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;
using data::Dataset;
using data::Schema;

namespace {
struct EvalCommand {
  std::string directory, part;
  std::vector<std::string> files;
  DataOptions data;
  UseOptions use;
  int32_t batch = 0;
  bool perLine = false, json = false, beam = false, manyRight = false;
  std::optional<int32_t> length;
};
} // namespace

namespace {
/// What is measured, and how much of it the model has been trained on.
struct Measured {
  Dataset data;
  std::string part = "all";    ///< train, valid, test or all
  std::string split;           ///< how it was cut, as options say it
  int64_t units = 0, seen = 0; ///< rows, or symbols of running text
};
} // namespace

/// `--split 80/10/10`, `--split-mod 5`; empty without one.
static std::string splitText(const std::string &shares, int64_t modulus) {
  if (!shares.empty())
    return "--split " + shares;
  return modulus ? fmt::format("--split-mod {}", modulus) : "";
}

/// Counts what was measured and seen by the training.
static void countSeen(Measured &measured, const Provenance &provenance,
                      const data::Split &split, const Schema &schema,
                      const ModelDirectory &directory, bool rowsOfTime) {
  Result<data::Split> trainedSplit =
      data::Split::parse(directory.split, directory.splitModulus);
  if (!trainedSplit)
    return;
  std::vector<bool> seen =
      provenance.seen(directory.trainedOn, schema, *trainedSplit, rowsOfTime);
  std::vector<data::Part> parts =
      data::partsOf(provenance.sizes(), schema, split, rowsOfTime);
  auto isMeasured = [&](data::Part part) {
    switch (part) {
    case data::Part::Train:
      return measured.part == "all" || measured.part == "train";
    case data::Part::Valid:
      return measured.part == "all" || measured.part == "valid";
    case data::Part::Test:
      return measured.part == "all" || measured.part == "test";
    }
    return false;
  };
  for (size_t u = 0; u < seen.size(); ++u)
    if (isMeasured(parts[u])) {
      ++measured.units;
      measured.seen += seen[u];
    }
}

/// The part of the data that is asked for; all of it without a split.
static Result<Measured> choosePart(Dataset all, const Schema &schema,
                                   const EvalCommand &command,
                                   const ModelDirectory &directory) {
  Measured measured;
  Provenance provenance = Provenance::of(all);
  bool rowsOfTime = all.areRows;
  std::string shares = command.data.split;
  int64_t modulus = command.data.splitModulus;
  data::Split split;
  if (command.part.empty() && shares.empty() && modulus == 0) {
    countSeen(measured, provenance, split, schema, directory, rowsOfTime);
    Result<Dataset> data =
        data::cutWindows(std::move(all), schema, data::WindowUse::Evaluate);
    if (!data)
      return data.error();
    measured.data = std::move(*data);
    return measured;
  }
  if (shares.empty() && modulus == 0) {
    shares = directory.split;
    modulus = directory.splitModulus;
  }
  Result<data::Split> parsed = data::Split::parse(shares, modulus);
  if (!parsed)
    return parsed.error();
  split = *parsed;
  if (split.empty())
    return usageError("rnnc: error: --part needs --split or --split-mod; the "
                      "model was trained without one");
  Result<data::Parts> parts = data::splitDataset(std::move(all), schema, split,
                                                 data::WindowUse::Evaluate);
  if (!parts)
    return parts.error();
  measured.part = command.part.empty() ? "test" : command.part;
  measured.split = splitText(shares, modulus);
  measured.data = measured.part == "train"   ? std::move(parts->train)
                  : measured.part == "valid" ? std::move(parts->valid)
                                             : std::move(parts->test);
  if (measured.data.size() == 0)
    return usageError("rnnc: error: the {} part is empty", measured.part);
  countSeen(measured, provenance, split, schema, directory, rowsOfTime);
  return measured;
}

/// Figures of what a model has learned by heart say little. Whoever asks for
/// the training part knows it.
static void warnSeen(const Measured &measured, const Schema &schema,
                     const ModelDirectory &directory) {
  if (measured.seen == 0 || measured.part == "train")
    return;
  std::string what =
      measured.part == "all"
          ? fmt::format("all of {}", fmt::join(measured.data.files, ", "))
          : fmt::format("the {} part of {} ({})", measured.part,
                        fmt::join(measured.data.files, ", "), measured.split);
  std::string cut = splitText(directory.split, directory.splitModulus);
  fmt::print(
      stderr,
      "warning: measured is {}; the model was trained on {} of these {} "
      "{} ({:.0f} %){}\n",
      what, measured.seen, measured.units,
      schema.isRunningText() ? "symbols" : "rows",
      100 * static_cast<double>(measured.seen) /
          static_cast<double>(measured.units),
      cut.empty() ? "" : fmt::format("; {} --part test measures others", cut));
}

static Result<Measured> readData(const EvalCommand &command,
                                 const Trained &trained, const Schema &schema) {
  data::ReadOptions read = trained.readOptions(command.data);
  Result<Dataset> all = data::readDataset(command.files, schema, read);
  if (!all)
    return all.error();
  for (const std::string &warning : all->warnings)
    fmt::print(stderr, "{}\n", warning);
  all->warnings.clear(); // what follows adds its own
  Result<Measured> measured =
      choosePart(std::move(*all), schema, command, trained.directory);
  if (!measured)
    return measured;
  measured->data.onlyMeasured = true;
  if (Status status = data::cutIntoPieces(measured->data, schema, read);
      !status)
    return status.error();
  if (Status status = data::applyVocabularies(measured->data, schema,
                                              trained.directory.vocabularies,
                                              trained.unit());
      !status)
    return status.error();
  for (const std::string &warning : measured->data.warnings)
    fmt::print(stderr, "{}\n", warning);
  warnSeen(*measured, schema, trained.directory);
  return measured;
}

static void printConfusion(const Classification &output) {
  if (output.confusion.empty() || output.confusion.size() > 12)
    return;
  size_t width = 8;
  for (const std::string &label : output.labels)
    width = std::max(width, label.size());
  fmt::print("\n{}: rows are true, columns predicted\n{:>{}}", output.output,
             "", width);
  for (const std::string &label : output.labels)
    fmt::print(" {:>{}}", label, width);
  fmt::print("\n");
  for (size_t r = 0; r < output.confusion.size(); ++r) {
    fmt::print("{:>{}}", output.labels[r], width);
    for (int64_t count : output.confusion[r])
      fmt::print(" {:>{}}", count, width);
    fmt::print("\n");
  }
}

static Json lineJson(const LineEvaluation &line, const std::string &file,
                     bool languageModel) {
  Json entry = {{"line", line.line},
                {"loss", jsonNumber(line.loss)},
                {"elements", line.elements}};
  if (languageModel) {
    entry["perplexity"] = jsonNumber(std::exp(line.loss));
    entry["characters"] = line.characters;
  }
  for (const LineEvaluation::Label &label : line.labels)
    entry["outputs"][label.output] = {{"label", label.truth},
                                      {"predicted", label.predicted}};
  entry["file"] = file;
  return entry;
}

/// `7  0.6931  perplexity 2.000`, or `7  0.6931  mood good, predicted bad`;
/// `a.tsv:7` if there are several files.
static void printLine(const LineEvaluation &line,
                      const std::vector<std::string> &files,
                      bool languageModel) {
  if (files.size() > 1)
    fmt::print("{}:", files[static_cast<size_t>(line.file)]);
  fmt::print("{}\t{}", line.line, lossText(plain(line.loss)));
  if (languageModel)
    fmt::print("\tperplexity {:.3f}", std::exp(line.loss));
  for (const LineEvaluation::Label &label : line.labels)
    fmt::print(
        "\t{} {}{}", label.output, label.truth,
        label.truth == label.predicted ? "" : ", predicted " + label.predicted);
  fmt::print("\n");
}

static int evaluateLineByLine(const EvalCommand &command, Trained &trained) {
  // Every line stands alone, also where training read running text.
  Schema schema = trained.schema;
  schema.chunk.reset();
  Result<Measured> measured = readData(command, trained, schema);
  if (!measured)
    return report(measured.error());
  const Dataset &data = measured->data;
  Result<std::vector<LineEvaluation>> lines = evaluateLines(
      *trained.instance, schema, data, &trained.directory.vocabularies);
  if (!lines)
    return report(lines.error());
  Json list = Json::array();
  for (const LineEvaluation &line : *lines) {
    if (command.json)
      list.push_back(lineJson(line, data.files[static_cast<size_t>(line.file)],
                              schema.isLanguageModel()));
    else
      printLine(line, data.files, schema.isLanguageModel());
  }
  if (command.json)
    fmt::print("{}\n", Json{{"lines", list}}.dump(
                           -1, ' ', false, Json::error_handler_t::replace));
  return ExitOk;
}

static int evaluateAll(const EvalCommand &command, Trained &trained) {
  Result<Measured> measured = readData(command, trained, trained.schema);
  if (!measured)
    return report(measured.error());
  bool writes =
      std::any_of(trained.schema.fields.begin(), trained.schema.fields.end(),
                  [](const data::FieldSchema &field) { return field.unfold; });
  const char *unused = command.beam        ? "--beam"
                       : command.manyRight ? "--many-right"
                       : command.length    ? "--length"
                                           : nullptr;
  if (unused && !writes)
    return report(usageError("rnnc: error: {} is for models that write "
                             "sequences (`unfold`): this one is measured by "
                             "its `predict`",
                             unused));
  EvaluateOptions options;
  options.batch = command.batch > 0
                      ? command.batch
                      : static_cast<int32_t>(trained.schema.batch);
  options.vocabularies = &trained.directory.vocabularies;
  options.writes.emplace();
  options.writes->manyRight = command.manyRight;
  options.writes->length = command.length;
  if (command.beam)
    options.writes->function = "beam";
  for (const data::FieldSchema &field : trained.schema.fields)
    options.writes->units[field.name] = trained.unit(field);
  Result<Evaluation> result =
      evaluate(*trained.instance, trained.schema, measured->data, options);
  if (!result)
    return report(result.error());
  if (command.json) {
    Json json = result->toJson();
    json["part"] = measured->part;
    json["trained_on"] = measured->seen;
    fmt::print("{}\n", json.dump());
    return ExitOk;
  }
  fmt::print("{}\n", result->summary());
  for (const Classification &output : result->classifications)
    printConfusion(output);
  return ExitOk;
}

static int evaluateCommand(const EvalCommand &command) {
  Result<Trained> trained = openTrained(command.directory, command.use);
  if (!trained)
    return report(trained.error());
  return command.perLine ? evaluateLineByLine(command, *trained)
                         : evaluateAll(command, *trained);
}

void tool::addEvalCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<EvalCommand>();
  CLI::App *command = addVerb(app, "eval", "Measure a trained model on data");
  command->add_option("DIR", options->directory, "The directory of `train`")
      ->required();
  command->add_option("--data", options->files, "Data to measure on")
      ->option_text("FILE...")
      ->required();
  command
      ->add_option("--part", options->part,
                   "Part of the split: train, valid or test (the default)")
      ->option_text("PART")
      ->check(oneOf({"train", "valid", "test"}));
  command->add_flag("--per-line", options->perLine,
                    "Loss and perplexity, or label, of every line");
  command
      ->add_option("--batch", options->batch,
                   "Rows of a batch; the figures do not depend on it")
      ->option_text("N")
      ->transform(AtLeastOne);
  command->add_flag("--beam", options->beam,
                    "Write with the model's function `beam`, if it is "
                    "exported, in the place of `predict`");
  command->add_flag("--many-right", options->manyRight,
                    "Rows with equal inputs are several right answers for one: "
                    "the nearest counts");
  command
      ->add_option("--length", options->length,
                   "Of what is written, at most (default: the `max` of "
                   "`unfold`)")
      ->option_text("N")
      ->transform(AtLeastOne);
  addTrainedOptions(*command, options->use);
  command->add_flag("--json", options->json, "One line of JSON");
  addDataOptions(*command, options->data);
  addSplitOptions(*command, options->data);
  command->footer("Examples:\n"
                  "  rnnc eval run --data test.tsv\n"
                  "  rnnc eval run --data all.csv --split 80/10/10 --part test "
                  "--json\n"
                  "  rnnc eval run --data sentences.txt --per-line");
  command->callback([options, &exitCode] {
    Status status = options->data.finish();
    exitCode = status ? evaluateCommand(*options) : report(status.error());
  });
}
