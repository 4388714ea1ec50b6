// Predict.cpp: `rnnc predict`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Predict.h"
#include "CommandLine.h"
#include "Commands.h"
#include "Model.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Training/Drawing.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace rnnc;
using namespace rnnc::tool;
using namespace rnnc::training;
using data::Batch;
using data::BatchPlan;
using data::Dataset;
using data::FieldSchema;
using data::Schema;
using data::Tensor;

/// Only what goes in: outputs are what is asked for.
static Schema inputsOf(const Schema &schema) {
  Schema result = schema;
  result.chunk.reset();
  if (schema.isLanguageModel())
    return result;
  for (const FieldSchema &field : schema.fields) {
    result.order.push_back(field.name);
    if (field.output)
      result.absent.push_back(field);
  }
  std::erase_if(result.fields,
                [](const FieldSchema &field) { return field.output; });
  return result;
}

static std::vector<std::string> linesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Texts from the command line or the lines of a text file; other files are
/// read as in training.
static Result<Dataset> readInputs(const PredictCommand &command,
                                  const Trained &trained,
                                  const Schema &inputs) {
  data::ReadOptions read = trained.readOptions(command.data);
  std::erase_if(read.columns, [&](const auto &entry) {
    return trained.schema.find(entry.first) && !inputs.find(entry.first);
  });
  if (command.in.empty())
    return data::datasetOfTexts(command.texts, "<text>", inputs, read);
  bool standardInput = command.in == "-";
  std::string path = standardInput ? "/dev/stdin" : command.in;
  std::string format = command.data.read.format;
  bool lines =
      format == "text" ||
      (format == "auto" && (standardInput || inputs.isLanguageModel() ||
                            (std::string_view(path).ends_with(".txt") &&
                             path.find('=') == std::string::npos)));
  if (!lines) {
    Result<Dataset> data = data::readDataset({path}, inputs, read);
    if (!data)
      return data;
    return data::cutWindows(std::move(*data), inputs,
                            data::WindowUse::Forecast);
  }
  Result<std::string> text = data::readText(path, read.encoding);
  if (!text)
    return text.error();
  return data::datasetOfTexts(linesOf(*text), command.in, inputs, read);
}

/// Null where there is nothing to predict.
static Json figure(const LineEvaluation &line, double value) {
  return line.elements ? jsonNumber(value) : Json();
}

static int perplexities(const PredictCommand &command, Trained &trained,
                        const Schema &schema, const Dataset &data) {
  Result<std::vector<LineEvaluation>> lines =
      evaluateLines(*trained.instance, schema, data);
  if (!lines)
    return report(lines.error());
  Json list = Json::array();
  for (const LineEvaluation &line : *lines) {
    // Nothing to predict: no perplexity.
    double perplexity = line.elements ? std::exp(line.loss) : NAN;
    list.push_back({{"perplexity", figure(line, perplexity)},
                    {"loss", figure(line, line.loss)},
                    {"tokens", line.elements}});
    if (!command.json && line.elements == 0)
      fmt::print("no symbols, no perplexity\n");
    else if (!command.json)
      fmt::print("perplexity {:.4f} ({} symbols, {:.4f} nats each)\n",
                 perplexity, line.elements, line.loss);
  }
  if (command.json)
    fmt::print("{}\n", Json{{"predictions", list}}.dump());
  return ExitOk;
}

namespace {
/// Turns the results of `predict` into JSON and text, row by row.
class PredictionPrinter {
public:
  PredictionPrinter(const Trained &trained, const Dataset &data)
      : trained(trained), data(data) {}
  Json row(const Arrays &results, const Batch &batch, int32_t row) const;
  static std::string text(const Json &prediction);

private:
  std::string label(const FieldSchema &field, int64_t index) const;
  Json field(const FieldSchema &field, const Arrays &results,
             const Batch &batch, int32_t row) const;
  Json drawn(const FieldSchema &field, const Arrays &results,
             const Batch &batch, int32_t row) const;
  Json elements(const FieldSchema &field, const Tensor &values, int64_t from,
                int64_t count) const;
  Json probabilities(const FieldSchema &field, const Tensor &table,
                     int32_t row) const;
  Json transcribed(const FieldSchema &field, const Tensor &mode, int64_t row,
                   int64_t stride) const;
  Json found(const FieldSchema &field, const Arrays &results,
             int32_t row) const;
  Json nested(const FieldSchema &field, const data::FieldLayout &layout,
              const Tensor &mode, const Batch &batch, int32_t row) const;
  /// Whether a field lies along the rows that are read, not those after them.
  bool isPast(const FieldSchema &field) const;
  const Trained &trained;
  const Dataset &data;
};
} // namespace

bool PredictionPrinter::isPast(const FieldSchema &field) const {
  for (const FieldSchema &other : trained.schema.fields)
    if (int time = other.time(trained.schema.times); time >= 0)
      return field.time(trained.schema.times) == time; // inputs stand first
  return false;
}

std::string PredictionPrinter::label(const FieldSchema &field,
                                     int64_t index) const {
  auto found = trained.directory.vocabularies.find(data::vocabularyKey(field));
  if (!field.isIndex() || found == trained.directory.vocabularies.end() ||
      index < 0 || index >= found->second.size())
    return std::to_string(index);
  return found->second.symbol(index);
}

Json PredictionPrinter::probabilities(const FieldSchema &field,
                                      const Tensor &table, int32_t row) const {
  int64_t size = table.shape.empty() ? 1 : table.shape.back();
  Json result = Json::object();
  for (int64_t i = 0; i < size; ++i)
    result[label(field, i)] = table.number(row * size + i);
  return result;
}

/// The labels alone: 0 stands where none begins.
Json PredictionPrinter::transcribed(const FieldSchema &field,
                                    const Tensor &mode, int64_t row,
                                    int64_t stride) const {
  Json labels = Json::array();
  for (int64_t i = row * stride; i < (row + 1) * stride; ++i)
    if (mode.number(i) != 0)
      labels.push_back(label(field, static_cast<int64_t>(mode.number(i))));
  return {{"label", labels}};
}

/// What the search of a distribution found for an example, the best first;
/// those that it did not find have no probability.
Json PredictionPrinter::found(const FieldSchema &field, const Arrays &results,
                              int32_t row) const {
  const Tensor &values = results.at(field.name),
               &scores = results.at(field.name + ".score");
  int64_t best = scores.shape.back();
  int64_t stride = values.count() / std::max<int64_t>(scores.count(), 1);
  Json list = Json::array(), points = Json::array();
  for (int64_t at = row * best; at < (row + 1) * best; ++at) {
    double score = scores.number(at);
    if (score == -std::numeric_limits<double>::infinity())
      continue;
    points.push_back(score);
    if (isTranscribed(trained.instance->module(), field)) {
      list.push_back(transcribed(field, values, at, stride)["label"]);
      continue;
    }
    Json one = Json::array();
    for (int64_t i = at * stride; i < (at + 1) * stride; ++i) {
      data::Scale unit = field.scale(i % std::max<int64_t>(field.inner(), 1));
      if (field.kind == FieldSchema::Kind::Real)
        one.push_back(values.number(i) * unit.deviation + unit.mean);
      else
        one.push_back(label(field, static_cast<int64_t>(values.number(i))));
    }
    list.push_back(field.axes.empty() ? one[0] : one);
  }
  return {{field.kind == FieldSchema::Kind::Real ? "value" : "label", list},
          {"score", points}};
}

/// Of several axes of time what is in each innermost sequence.
Json PredictionPrinter::nested(const FieldSchema &field,
                               const data::FieldLayout &layout,
                               const Tensor &mode, const Batch &batch,
                               int32_t row) const {
  Json list = Json::array();
  int64_t stride = batch.rows ? mode.count() / batch.rows : 0, entry = 0;
  size_t example =
      static_cast<size_t>(batch.examples[static_cast<size_t>(row)]);
  layout.eachRun(data.extents(example), std::span(mode.shape).subspan(1),
                 [&](int64_t first, int64_t count) {
                   Json &run = list.emplace_back(Json::array());
                   for (int64_t i = 0; i < count; ++i) {
                     double value = mode.number(row * stride + first + i);
                     data::Scale unit = field.scale(entry++);
                     if (field.kind == FieldSchema::Kind::Real)
                       run.push_back(value * unit.deviation + unit.mean);
                     else
                       run.push_back(label(field, static_cast<int64_t>(value)));
                   }
                 });
  return {{field.kind == FieldSchema::Kind::Real ? "value" : "label", list}};
}

/// A list for each step.
static Json inRows(const Json &values, size_t width) {
  Json rows = Json::array();
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % width == 0)
      rows.push_back(Json::array());
    rows.back().push_back(values[i]);
  }
  return rows;
}

Json PredictionPrinter::field(const FieldSchema &field, const Arrays &results,
                              const Batch &batch, int32_t row) const {
  const Tensor &mode = results.at(field.name);
  int64_t stride = batch.rows ? mode.count() / batch.rows : 0;
  if (isTranscribed(trained.instance->module(), field))
    return transcribed(field, mode, row, stride);
  data::FieldLayout layout(trained.schema, field);
  if (!layout.isSimple())
    return nested(field, layout, mode, batch, row);
  int time = field.time(trained.schema.times);
  int64_t count = field.inner();
  if (time >= 0)
    count *= batch.arrays.at(trained.schema.times[static_cast<size_t>(time)])
                 .as<int32_t>()[row];
  // Beside every row of a series stands a prediction: the last one is news.
  const data::SeriesOptions &series = trained.directory.read.series;
  bool forecast = series.isTime() && time >= 0 && isPast(field);
  int64_t first = forecast ? std::max<int64_t>(count - field.inner(), 0) : 0;
  Json values = Json::array(), scales = Json::array();
  auto scores = results.find(field.name + ".p");
  for (int64_t i = first; i < count; ++i) {
    double value = mode.number(row * stride + i);
    data::Scale unit = field.scale(i % field.inner());
    if (field.kind == FieldSchema::Kind::Real)
      values.push_back(value * unit.deviation + unit.mean);
    else if (field.kind == FieldSchema::Kind::Bit)
      values.push_back(static_cast<int64_t>(value));
    else
      values.push_back(label(field, static_cast<int64_t>(value)));
    if (scores != results.end() && field.kind == FieldSchema::Kind::Real)
      scales.push_back(scores->second.number(row * stride + i) *
                       unit.deviation);
  }
  bool single = field.axes.empty() || (series.isTime() && values.size() == 1);
  if (field.kind == FieldSchema::Kind::Bit && field.axes.size() > 1)
    values = inRows(values, static_cast<size_t>(field.inner()));
  Json result = {{field.kind == FieldSchema::Kind::Real ? "value" : "label",
                  single && !values.empty() ? values[0] : values}};
  if (series.isTime())
    if (auto ahead = series.ahead.find(field.name); ahead != series.ahead.end())
      result["rows_ahead"] = ahead->second;
  // Of a bit its probability, of a number the scale of its distribution.
  if (field.kind == FieldSchema::Kind::Real && !scales.empty() &&
      (single || series.isTime()))
    result["scale"] = single ? scales[0] : scales;
  else if (field.axes.empty() && field.isIndex() && scores != results.end())
    result["probabilities"] = probabilities(field, scores->second, row);
  else if (field.axes.empty() && scores != results.end())
    result["p"] = scores->second.number(row);
  return result;
}

/// One sequence: the words of a text, numbers in the units of the data.
Json PredictionPrinter::elements(const FieldSchema &field, const Tensor &values,
                                 int64_t from, int64_t count) const {
  auto stops = [&](int64_t i) {
    return field.stop && values.number(from + i) == double(*field.stop);
  };
  if (field.isIndex() && count > 0 && stops(count - 1))
    --count;
  bool isText = field.isIndex() && trained.directory.vocabularies.contains(
                                       data::vocabularyKey(field));
  std::vector<std::string> symbols;
  Json result = Json::array();
  for (int64_t i = 0; i < count; ++i) {
    double value = values.number(from + i);
    data::Scale unit = field.scale(i % std::max<int64_t>(field.inner(), 1));
    if (isText)
      symbols.push_back(label(field, static_cast<int64_t>(value)));
    else if (field.kind == FieldSchema::Kind::Real)
      result.push_back(value * unit.deviation + unit.mean);
    else
      result.push_back(static_cast<int64_t>(value));
  }
  if (isText)
    return data::joinSymbols(symbols, trained.unit(field));
  return field.kind == FieldSchema::Kind::Bit && field.axes.size() > 1
             ? inRows(result, static_cast<size_t>(field.inner()))
             : result;
}

/// What was drawn for an example: one sequence, or a list of several.
Json PredictionPrinter::drawn(const FieldSchema &field, const Arrays &results,
                              const Batch &batch, int32_t row) const {
  const Tensor &values = results.at(field.name);
  int time = field.time(trained.schema.times);
  std::string axis =
      time < 0 ? "" : trained.schema.times[static_cast<size_t>(time)];
  bool several = values.shape.size() > field.axes.size() + 1;
  int64_t paths = several ? values.shape[1] : 1;
  int64_t all = batch.rows ? values.count() / batch.rows / paths : 0;
  auto counts = results.find(axis), given = batch.arrays.find(axis);
  auto scores = results.find(field.name + ".score");
  Json list = Json::array(), points = Json::array();
  for (int64_t p = 0; p < paths; ++p) {
    int64_t count = all, at = row * paths + p;
    if (counts != results.end())
      count = counts->second.as<int32_t>()[at] * field.inner();
    else if (given != batch.arrays.end())
      count = given->second.as<int32_t>()[row] * field.inner();
    list.push_back(elements(field, values, at * all, count));
    if (scores != results.end())
      points.push_back(scores->second.number(at));
  }
  Json result = {{field.kind == FieldSchema::Kind::Real ? "value" : "label",
                  several ? list : list[0]}};
  if (scores != results.end())
    result["score"] = several ? points : points[0];
  return result;
}

Json PredictionPrinter::row(const Arrays &results, const Batch &batch,
                            int32_t row) const {
  Json result = Json::object();
  for (const FieldSchema &output : trained.schema.fields)
    if (output.output && results.contains(output.name))
      result[output.name] = output.unfold ? drawn(output, results, batch, row)
                            : results.contains(output.name + ".score")
                                ? found(output, results, row)
                                : field(output, results, batch, row);
  return result;
}

/// `positive  (positive 0.9312, negative 0.0688)`.
std::string PredictionPrinter::text(const Json &prediction) {
  std::string result;
  for (const auto &[name, output] : prediction.items()) {
    const Json &value =
        output.contains("label") ? output["label"] : output["value"];
    std::string shown =
        value.is_string() ? value.get<std::string>()
        : value.is_number_float() && output.contains("rows_ahead")
            ? fmt::format("{:.6g}", value.get<double>())
            : value.dump();
    result += (result.empty() ? "" : "  ") +
              (prediction.size() > 1 ? name + ": " : "") + shown;
    if (output.contains("probabilities")) {
      std::vector<std::pair<double, std::string>> sorted;
      for (const auto &[symbol, p] : output["probabilities"].items())
        sorted.emplace_back(-p.get<double>(), symbol);
      std::sort(sorted.begin(), sorted.end());
      std::vector<std::string> shares;
      for (size_t i = 0; i < std::min<size_t>(sorted.size(), 5); ++i)
        shares.push_back(
            fmt::format("{} {:.4f}", sorted[i].second, -sorted[i].first));
      result += fmt::format("  ({})", fmt::join(shares, ", "));
    } else if (output.contains("p")) {
      result += fmt::format("  ({:.4f})", output["p"].get<double>());
    } else if (output.contains("scale") && output["scale"].is_number()) {
      result += fmt::format("  (scale {:.4g})", output["scale"].get<double>());
    } else if (output.contains("score")) {
      std::vector<std::string> scores;
      for (const Json &score : output["score"].is_array()
                                   ? output["score"]
                                   : Json::array({output["score"]}))
        scores.push_back(fmt::format("{:.4f}", score.get<double>()));
      result += fmt::format("  (score {})", fmt::join(scores, ", "));
    }
    if (output.contains("rows_ahead") &&
        output["rows_ahead"].get<int64_t>() > 0)
      result += fmt::format("  {} row{} after the last",
                            output["rows_ahead"].get<int64_t>(),
                            output["rows_ahead"] == 1 ? "" : "s");
  }
  return result;
}

static int predictLabels(const PredictCommand &command, Trained &trained,
                         const Schema &inputs, const Dataset &data) {
  int function = trained.instance->module().find(command.function);
  if (function < 0)
    return report(noFunction(trained.instance->module(), command.function));
  const FunctionInfo &info =
      trained.instance->module().functions[static_cast<size_t>(function)];
  for (const auto &[name, value] : command.settings)
    if (info.findInput(name) < 0)
      return report(usageError("rnnc: error: `{}` of this model has no `{}`: "
                               "what it draws is not chosen by it",
                               command.function, name));
  Arrays settings = command.settings;
  for (const FieldSchema &field : trained.schema.fields)
    if (command.leavesUnknownOut && field.unfold &&
        info.findInput("never") >= 0)
      if (auto found =
              trained.directory.vocabularies.find(data::vocabularyKey(field));
          found != trained.directory.vocabularies.end()) {
        Tensor &never = settings.emplace("never", Tensor(data::DType::F64, {}))
                            .first->second;
        never.as<double>()[0] = found->second.unknown();
      }
  BatchPlan::Options plan;
  plan.batch = static_cast<int32_t>(trained.schema.batch);
  plan.shuffle = false;
  BatchPlan batches(data, inputs, plan);
  PredictionPrinter printer(trained, data);
  std::vector<Json> rows(static_cast<size_t>(data.size()));
  for (int64_t b = 0; b < batches.count(); ++b) {
    Batch batch = batches.make(b);
    ModelInstance::CallOptions call;
    call.usePrepared = true;
    call.hasSeed = command.seed.has_value();
    // Rows are counted in their batch: each has numbers of its own.
    call.seed = command.seed.value_or(0) + uint64_t(b) * 0x9e3779b9u;
    if (Status status = addDrawnLengths(trained.instance->module(), info,
                                        command.length, call.lengths);
        !status)
      return report(status.error());
    Arrays args = argumentsOf(info, batch);
    for (const auto &[name, value] : settings)
      args[name] = value;
    Result<Arrays> results = trained.instance->call(function, args, call);
    if (!results)
      return report(results.error());
    for (int32_t r = 0; r < batch.rows; ++r)
      rows[static_cast<size_t>(batch.examples[static_cast<size_t>(r)])] =
          printer.row(*results, batch, r);
  }
  if (command.json) {
    fmt::print("{}\n", Json{{"predictions", rows}}.dump(
                           -1, ' ', false, Json::error_handler_t::replace));
    return ExitOk;
  }
  for (const Json &row : rows)
    fmt::print("{}\n", PredictionPrinter::text(row));
  return ExitOk;
}

/// Whether a text has symbols, and the model knows none of them.
static bool isStrange(const Trained &trained, const Schema &inputs,
                      const Dataset &data, size_t example) {
  int64_t symbols = 0;
  for (size_t f = 0; f < inputs.fields.size(); ++f) {
    const data::Column &column = data.columns[f];
    auto found = trained.directory.vocabularies.find(
        data::vocabularyKey(inputs.fields[f]));
    if (!column.raw || found == trained.directory.vocabularies.end() ||
        found->second.unknown() < 0)
      continue;
    for (int64_t i = column.begin[example]; i < column.begin[example + 1];
         ++i) {
      const std::string &symbol = data.symbols[static_cast<size_t>(
          column.ints[static_cast<size_t>(i)])];
      // An empty text became one unknown symbol, which was said.
      if (symbol == data::unknownSymbol)
        return false;
      if (found->second.find(symbol) != found->second.unknown())
        return false;
      ++symbols;
    }
  }
  return symbols > 0;
}

/// A prediction of nothing known looks like any other: it is said.
static void warnStrange(const Trained &trained, const Schema &inputs,
                        const Dataset &data) {
  constexpr int64_t most = 5;
  int64_t count = 0;
  for (int32_t e = 0; e < data.size(); ++e)
    if (isStrange(trained, inputs, data, static_cast<size_t>(e)) &&
        ++count <= most)
      fmt::print(stderr,
                 "{}: warning: the model knows none of these {}: what it "
                 "predicts does not depend on them\n",
                 data.place(e),
                 trained.unit() == data::Unit::Characters ? "characters"
                 : trained.unit() == data::Unit::Pieces   ? "pieces of words"
                                                          : "words");
  if (count > most)
    fmt::print(stderr, "warning: the same of {} more texts\n", count - most);
}

int tool::predict(const PredictCommand &command) {
  if (command.texts.empty() == command.in.empty())
    return report(usageError("rnnc: error: {} needs a text or --in FILE, "
                             "not both",
                             command.function));
  Result<Trained> trained = openTrained(command.directory, command.use);
  if (!trained)
    return report(trained.error());
  Schema inputs = inputsOf(trained->schema);
  if (inputs.isLanguageModel() && command.function != "predict")
    return report(usageError(
        "rnnc: error: a language model reads nothing that `{}` could start "
        "from; {}",
        command.function,
        command.function == "sample" ? "`rnnc sample DIR --prompt TEXT` draws "
                                       "how a text goes on"
                                     : "`rnnc run` calls it"));
  auto writes = [](const FieldSchema &field) { return field.unfold; };
  if (command.length && (inputs.isLanguageModel() ||
                         std::none_of(trained->schema.fields.begin(),
                                      trained->schema.fields.end(), writes)))
    return report(usageError("rnnc: error: --length is for models that write "
                             "sequences (`unfold`)"));
  Result<Dataset> data = readInputs(command, *trained, inputs);
  if (!data)
    return report(data.error());
  if (Status status =
          data::cutIntoPieces(*data, inputs, trained->directory.read);
      !status)
    return report(status.error());
  for (const std::string &warning : data->warnings)
    fmt::print(stderr, "{}\n", warning);
  warnStrange(*trained, inputs, *data);
  if (Status status = data::applyVocabularies(
          *data, inputs, trained->directory.vocabularies, trained->unit());
      !status)
    return report(status.error());
  if (inputs.isLanguageModel())
    return perplexities(command, *trained, inputs, *data);
  return predictLabels(command, *trained, inputs, *data);
}

void tool::addPredictCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<PredictCommand>();
  CLI::App *command =
      addVerb(app, "predict", "Predict labels, or the perplexity of a text");
  command->add_option("DIR", options->directory, "The directory of `train`")
      ->required();
  command->add_option("TEXT", options->texts, "Texts to judge");
  command
      ->add_option("--in", options->in,
                   "A file instead: the lines of .txt or - (standard input), "
                   "else data as in training")
      ->option_text("FILE");
  command
      ->add_option("--length", options->length,
                   "Of what is drawn, at most (default: the `max` of `unfold`)")
      ->option_text("N")
      ->transform(AtLeastOne);
  command->add_flag_callback(
      "--beam", [options] { options->function = "beam"; },
      "Search with the model's function `beam`, if it is exported");
  addTrainedOptions(*command, options->use);
  command->add_flag("--json", options->json, "One line of JSON");
  addDataOptions(*command, options->data);
  command->footer("Examples:\n"
                  "  rnnc predict run \"the plot is not boring\"\n"
                  "  rnnc predict run --in new.tsv --json");
  command->callback([options, &exitCode] {
    Status status = options->data.finish();
    exitCode = status ? predict(*options) : report(status.error());
  });
}
