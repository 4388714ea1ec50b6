// Evaluate.cpp: `rnnc eval`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"
#include "Commands.h"
#include "Trained.h"

#include <cmath>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;
using data::Dataset;
using data::Schema;

namespace {
struct EvalCommand {
  std::string directory, weights, part;
  std::vector<std::string> files;
  DataOptions data;
  int threads = 1;
  int32_t batch = 0;
  bool perLine = false, json = false;
};
} // namespace

/// The part of the data that is asked for; `all` without a split.
static Result<Dataset> choosePart(Dataset all, const Schema &schema,
                                  const EvalCommand &command,
                                  const ModelDirectory &directory) {
  std::string shares = command.data.split;
  int64_t modulus = command.data.splitModulus;
  if (command.part.empty() && shares.empty() && modulus == 0)
    return data::cutWindows(std::move(all), schema, data::WindowUse::Evaluate);
  if (shares.empty() && modulus == 0) {
    shares = directory.split;
    modulus = directory.splitModulus;
  }
  Result<data::Split> split = data::Split::parse(shares, modulus);
  if (!split)
    return split.error();
  if (split->empty())
    return usageError("rnnc: error: --part needs --split or --split-mod; the "
                      "model was trained without one");
  Result<data::Parts> parts =
      data::splitDataset(std::move(all), schema, *split,
                         data::WindowUse::Evaluate);
  if (!parts)
    return parts.error();
  Dataset part = command.part == "train"   ? std::move(parts->train)
                 : command.part == "valid" ? std::move(parts->valid)
                                           : std::move(parts->test);
  if (part.size() == 0)
    return usageError("rnnc: error: the {} part is empty",
                      command.part.empty() ? "test" : command.part);
  return part;
}

static Result<Dataset> readData(const EvalCommand &command,
                                const Trained &trained, const Schema &schema) {
  data::ReadOptions read = trained.readOptions(command.data);
  Result<Dataset> all = data::readDataset(command.files, schema, read);
  if (!all)
    return all;
  for (const std::string &warning : all->warnings)
    fmt::print(stderr, "{}\n", warning);
  all->warnings.clear(); // what follows adds its own
  Result<Dataset> part =
      choosePart(std::move(*all), schema, command, trained.directory);
  if (!part)
    return part;
  if (Status status = data::applyVocabularies(
          *part, schema, trained.directory.vocabularies, trained.unit());
      !status)
    return status.error();
  for (const std::string &warning : part->warnings)
    fmt::print(stderr, "{}\n", warning);
  return part;
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

static Json lineJson(const LineEvaluation &line, bool languageModel) {
  Json entry = {{"line", line.line},
                {"loss", line.loss},
                {"elements", line.elements}};
  if (languageModel) {
    entry["perplexity"] = std::exp(line.loss);
    entry["characters"] = line.characters;
  }
  for (const LineEvaluation::Label &label : line.labels)
    entry["outputs"][label.output] = {{"label", label.truth},
                                      {"predicted", label.predicted}};
  return entry;
}

/// `7  0.6931  perplexity 2.000`, or `7  0.6931  mood good, predicted bad`.
static void printLine(const LineEvaluation &line, bool languageModel) {
  fmt::print("{}\t{:.4f}", line.line, line.loss);
  if (languageModel)
    fmt::print("\tperplexity {:.3f}", std::exp(line.loss));
  for (const LineEvaluation::Label &label : line.labels)
    fmt::print("\t{} {}{}", label.output, label.truth,
               label.truth == label.predicted
                   ? ""
                   : ", predicted " + label.predicted);
  fmt::print("\n");
}

static int evaluateLineByLine(const EvalCommand &command, Trained &trained) {
  // Every line stands alone, also where training read running text.
  Schema schema = trained.schema;
  schema.chunk.reset();
  Result<Dataset> data = readData(command, trained, schema);
  if (!data)
    return report(data.error());
  Result<std::vector<LineEvaluation>> lines =
      evaluateLines(*trained.instance, schema, *data,
                    &trained.directory.vocabularies);
  if (!lines)
    return report(lines.error());
  Json list = Json::array();
  for (const LineEvaluation &line : *lines) {
    if (command.json)
      list.push_back(lineJson(line, schema.isLanguageModel()));
    else
      printLine(line, schema.isLanguageModel());
  }
  if (command.json)
    fmt::print("{}\n", Json{{"lines", list}}.dump(
                           -1, ' ', false, Json::error_handler_t::replace));
  return ExitOk;
}

static int evaluateAll(const EvalCommand &command, Trained &trained) {
  Result<Dataset> data = readData(command, trained, trained.schema);
  if (!data)
    return report(data.error());
  EvaluateOptions options;
  options.batch = command.batch > 0
                      ? command.batch
                      : static_cast<int32_t>(trained.schema.batch);
  options.vocabularies = &trained.directory.vocabularies;
  Result<Evaluation> result =
      evaluate(*trained.instance, trained.schema, *data, options);
  if (!result)
    return report(result.error());
  if (command.json) {
    fmt::print("{}\n", result->toJson().dump());
    return ExitOk;
  }
  fmt::print("{}\n", result->summary());
  for (const Classification &output : result->classifications)
    printConfusion(output);
  return ExitOk;
}

static int evaluateCommand(const EvalCommand &command) {
  Result<Trained> trained =
      openTrained(command.directory, command.threads, command.weights);
  if (!trained)
    return report(trained.error());
  return command.perLine ? evaluateLineByLine(command, *trained)
                         : evaluateAll(command, *trained);
}

void tool::addEvalCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<EvalCommand>();
  CLI::App *command =
      app.add_subcommand("eval", "Measure a trained model on data");
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
  command->add_option("--batch", options->batch, "Rows of a batch")
      ->option_text("N")
      ->check(AtLeastOne);
  addTrainedOptions(*command, options->weights, options->threads);
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
