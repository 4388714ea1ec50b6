// Sample.cpp: `rnnc sample`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"
#include "Commands.h"
#include "Predict.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;
using data::DType;
using data::FieldSchema;
using data::Tensor;
using data::Vocabulary;

namespace {
struct SampleCommand {
  std::string directory, prompt, in;
  DataOptions data;
  std::optional<int32_t> length;
  uint64_t seed = 0;
  std::optional<double> temperature, topP;
  std::optional<int64_t> topK;
  UseOptions use;
  bool drawUnknown = false, json = false;
};

/// A prompt as the model reads it, and as it was written.
struct Prompt {
  std::vector<int32_t> indices;
  std::vector<std::string> symbols;
  std::vector<std::string> unknown; ///< that the model does not know, once each
};
} // namespace

static Tensor scalar(double value) {
  Tensor tensor(DType::F64, {});
  tensor.as<double>()[0] = value;
  return tensor;
}

static Result<Prompt> encodePrompt(const SampleCommand &command,
                                   const Trained &trained,
                                   const Vocabulary &symbols) {
  if (Status status = data::checkUtf8(command.prompt, "<prompt>"); !status)
    return status.error();
  std::string text = trained.directory.read.lower
                         ? data::lowerCase(command.prompt)
                         : command.prompt;
  Prompt prompt;
  for (const std::string &symbol : trained.directory.read.runningSymbols(
           text, trained.schema, trained.schema.fields[0])) {
    int32_t index = symbols.find(symbol);
    if (index < 0)
      return dataError("<prompt>:1: error: `{}` is not in the vocabulary",
                       data::shown(symbol));
    prompt.indices.push_back(index);
    prompt.symbols.emplace_back(symbol);
    bool isUnknown =
        index == symbols.unknown() && symbol != data::unknownSymbol;
    if (isUnknown && std::find(prompt.unknown.begin(), prompt.unknown.end(),
                               symbol) == prompt.unknown.end())
      prompt.unknown.emplace_back(symbol);
  }
  return prompt;
}

static void noteUnknown(const Prompt &prompt) {
  if (prompt.unknown.empty())
    return;
  std::vector<std::string> shown;
  for (const std::string &symbol : prompt.unknown)
    shown.push_back(fmt::format("`{}`", data::shown(symbol)));
  fmt::print(stderr,
             "<prompt>: note: the model does not know {} and reads {}\n",
             fmt::join(shown, ", "), data::unknownSymbol);
}

static Result<Arrays> callSample(const SampleCommand &command, Trained &trained,
                                 int function, const Prompt &prompt,
                                 const FunctionInfo &info,
                                 const std::string &text, int32_t unknown) {
  Arrays args;
  if (!prompt.indices.empty())
    args["prompt"] = Tensor::copyOf(
        DType::I32, {1, static_cast<int64_t>(prompt.indices.size())},
        prompt.indices.data());
  // <unk> stands for what the vocabulary left out: it is no word of a text.
  if (!command.drawUnknown && unknown >= 0) {
    if (info.findInput("never") < 0)
      return usageError("rnnc: error: the library is from an older rnnc, which "
                        "cannot leave {} out; give --draw-unknown",
                        data::unknownSymbol);
    args["never"] = scalar(unknown);
  }
  if (command.temperature)
    args["temperature"] = scalar(*command.temperature);
  if (command.topK)
    args["top_k"] = scalar(static_cast<double>(*command.topK));
  if (command.topP)
    args["top_p"] = scalar(*command.topP);
  ModelInstance::CallOptions call;
  call.usePrepared = true;
  call.seed = command.seed;
  call.hasSeed = true;
  call.batch = 1;
  // The time axis of what is drawn; its name is the model's own.
  const ArgInfo &drawn = info.args[static_cast<size_t>(info.find(text))];
  for (const Dim &dim : drawn.shape)
    if (dim.kind == Dim::Kind::Time)
      call.lengths[dim.time] = command.length.value_or(200);
  return trained.instance->call(function, args, call);
}

/// How many symbols were drawn: an integer output of one number a row.
static int64_t drawnCount(const Arrays &results, const FunctionInfo &info,
                          const Tensor &text) {
  for (const ArgInfo &arg : info.args)
    if (arg.isOutput() && arg.shape.size() == 1)
      return results.at(arg.name).as<int32_t>()[0];
  return text.count();
}

/// Of a model that draws from inputs.
static int sampleFrom(const SampleCommand &command) {
  PredictCommand request;
  request.function = "sample";
  request.directory = command.directory;
  request.in = command.in;
  request.data = command.data;
  request.use = command.use;
  request.json = command.json;
  request.seed = command.seed;
  request.length = command.length;
  request.leavesUnknownOut = !command.drawUnknown;
  if (command.temperature)
    request.settings["temperature"] = scalar(*command.temperature);
  if (command.topK)
    request.settings["top_k"] = scalar(static_cast<double>(*command.topK));
  if (command.topP)
    request.settings["top_p"] = scalar(*command.topP);
  return predict(request);
}

static int sample(const SampleCommand &command) {
  if (!command.in.empty())
    return sampleFrom(command);
  Result<Trained> trained = openTrained(command.directory, command.use);
  if (!trained)
    return report(trained.error());
  int function = trained->instance->module().find("sample");
  if (function < 0)
    return report(noFunction(trained->instance->module(), "sample"));
  if (!trained->schema.isLanguageModel())
    return report(usageError("rnnc: error: the model reads inputs: give --in"));
  const FunctionInfo &info =
      trained->instance->module().functions[static_cast<size_t>(function)];
  const FieldSchema &field = trained->schema.fields[0];
  auto found = trained->directory.vocabularies.find(data::vocabularyKey(field));
  if (found == trained->directory.vocabularies.end())
    return report(
        dataError("{}: error: the model has no vocabulary", command.directory));
  const Vocabulary &symbols = found->second;
  if (info.find(field.name) < 0)
    return report(toolError("rnnc: error: `sample` gives no `{}`", field.name));
  Result<Prompt> prompt = encodePrompt(command, *trained, symbols);
  if (!prompt)
    return report(prompt.error());
  noteUnknown(*prompt);
  Result<Arrays> results = callSample(command, *trained, function, *prompt,
                                      info, field.name, symbols.unknown());
  if (!results)
    return report(results.error());
  const Tensor &drawn = results->at(field.name);
  std::vector<std::string> text = prompt->symbols;
  size_t promptSize = text.size();
  for (int64_t i = 0, n = drawnCount(*results, info, drawn); i < n; ++i) {
    int64_t index = drawn.as<int32_t>()[i];
    if (field.stop && index == *field.stop)
      break;
    text.push_back(index < symbols.size() ? symbols.symbol(index)
                                          : std::to_string(index));
  }
  std::string whole = data::joinSymbols(text, trained->unit());
  if (command.json)
    fmt::print("{}\n",
               Json{{"text", whole},
                    {"symbols", text.size() - promptSize},
                    {"seed", command.seed}}
                   .dump(-1, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("{}\n", whole);
  return ExitOk;
}

/// Texts of many millions of symbols would fill the memory.
constexpr int64_t mostSymbols = 9999999;

void tool::addSampleCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<SampleCommand>();
  CLI::App *command = addVerb(app, "sample", "Draw text from a trained model");
  command->add_option("DIR", options->directory, "The directory of `train`")
      ->required();
  command->add_option("--prompt", options->prompt, "How the text begins")
      ->option_text("TEXT");
  command
      ->add_option("--in", options->in,
                   "Data of a model that reads inputs: a draw for each example")
      ->option_text("FILE");
  command
      ->add_option("--length", options->length,
                   "Symbols to draw (default: 200; with --in the `max` of "
                   "`unfold`)")
      ->option_text("N")
      ->transform(wholeNumber(1, mostSymbols));
  command->add_option("--seed", options->seed, "Equal seeds give equal texts")
      ->option_text("N")
      ->transform(SeedNumber);
  command
      ->add_option("--temperature", options->temperature,
                   "Below 1: likelier symbols more often; 0: always the "
                   "likeliest")
      ->option_text("X")
      ->check(NotNegative);
  command->add_option("--top-k", options->topK, "Only the N likeliest symbols")
      ->option_text("N")
      ->transform(AtLeastOne);
  command
      ->add_option("--top-p", options->topP,
                   "Only the likeliest symbols that hold a share of X together")
      ->option_text("X")
      ->check(Share);
  command->add_flag("--draw-unknown", options->drawUnknown,
                    "May draw <unk>, what stands for unknown symbols");
  addTrainedOptions(*command, options->use);
  command->add_flag("--json", options->json, "One line of JSON");
  addDataOptions(*command, options->data);
  command->footer("Examples:\n"
                  "  rnnc sample run --prompt \"The \" --length 300 --seed 1\n"
                  "  rnnc sample run --temperature 0.7 --top-k 20");
  command->callback([options, &exitCode] {
    Status status = options->data.finish();
    exitCode = status ? sample(*options) : report(status.error());
  });
}
