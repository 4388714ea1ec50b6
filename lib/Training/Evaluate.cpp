// Evaluate.cpp: loss, perplexity, accuracy, confusion.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Evaluate.h"

#include "EvaluateText.h"
#include "EvaluateWriting.h"
#include "Spans.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace rnnc;
using namespace rnnc::training;
using data::Batch;
using data::BatchPlan;
using data::Dataset;
using data::FieldSchema;
using data::Schema;
using data::Tensor;

static FieldSchema fieldOf(const PortInfo &port, const ModuleInfo &module) {
  FieldSchema field;
  field.name = port.name;
  field.output = port.output;
  switch (port.kind) {
  case PortInfo::Kind::Index:
    field.kind = FieldSchema::Kind::Index;
    break;
  case PortInfo::Kind::Bit:
    field.kind = FieldSchema::Kind::Bit;
    break;
  case PortInfo::Kind::Int:
    field.kind = FieldSchema::Kind::Int;
    break;
  case PortInfo::Kind::Real:
    field.kind = FieldSchema::Kind::Real;
    break;
  }
  field.axis = port.axis;
  bool isPlace =
      std::ranges::find(module.times, port.axis) != module.times.end();
  if (field.isIndex() && !isPlace)
    field.size = port.size;
  if (auto labels = module.labels.find(port.axis);
      labels != module.labels.end() && field.isIndex())
    field.labels = labels->second;
  for (const Dim &dim : port.shape)
    field.axes.push_back({dim.time, dim.kind == Dim::Kind::Time, dim.size});
  field.unfold = port.unfold;
  field.start = port.start;
  // The symbol that stands before the first, and the one for no label.
  if (port.distribution == "crf")
    field.reserved[0] = "<start>";
  if (port.distribution == "ctc" || port.distribution == "ctc_beam")
    field.reserved[0] = "<blank>";
  field.stop = port.stop;
  return field;
}

Schema training::schemaOf(const ModuleInfo &module) {
  Schema schema;
  schema.model = module.name;
  schema.times = module.times;
  for (const PortInfo &port : module.ports)
    schema.fields.push_back(fieldOf(port, module));
  if (module.train.contains("batch") &&
      module.train["batch"].is_number_integer())
    schema.batch = std::max<int64_t>(module.train["batch"].get<int64_t>(), 1);
  if (module.carry)
    schema.chunk = module.bpttSteps;
  return schema;
}

static Tensor rounded(const Tensor &wide) {
  Tensor narrow(data::DType::F32, wide.shape);
  for (int64_t i = 0, n = wide.count(); i < n; ++i)
    narrow.as<float>()[i] = static_cast<float>(wide.as<double>()[i]);
  return narrow;
}

Arrays training::argumentsOf(const FunctionInfo &function, const Batch &batch) {
  Arrays args;
  for (const auto &[name, tensor] : batch.arrays) {
    int at = function.find(name);
    if (at < 0 || function.args[static_cast<size_t>(at)].isOutput())
      continue;
    // Data is written in decimals: the nearest f32 is what is meant.
    bool narrow =
        tensor.type == data::DType::F64 &&
        function.args[static_cast<size_t>(at)].dtype == data::DType::F32;
    args[name] = narrow ? rounded(tensor) : tensor;
  }
  return args;
}

/// Calls a function on a batch; evaluation never changes the weights.
static Result<Arrays> callOn(ModelInstance &instance, int function,
                             const Batch &batch, bool useCarry = false) {
  ModelInstance::CallOptions call;
  call.usePrepared = true;
  call.useCarry = useCarry;
  return instance.call(
      function,
      argumentsOf(instance.module().functions[static_cast<size_t>(function)],
                  batch),
      call);
}

namespace {
/// A mean over the batches of one term of the loss.
struct Term {
  double sum = 0, weight = 0;

  void add(double mean, double count) {
    if (count == 0)
      return;
    sum += mean * count;
    weight += count;
  }
  double mean() const { return weight > 0 ? plain(sum / weight) : 0; }
};

/// Sums of one evaluation.
class PartEvaluator {
public:
  PartEvaluator(ModelInstance &instance, const Schema &schema,
                const Dataset &data, const EvaluateOptions &options)
      : instance(instance), schema(schema), data(data), options(options),
        loss(instance.module().find("loss")),
        predict(options.predict ? instance.module().find("predict") : -1) {}

  Result<Evaluation> run();

private:
  void prepareOutputs();
  const data::Vocabulary *vocabularyOf(const FieldSchema &field) const;
  Status addLoss(const Batch &batch);
  Status addPredictions(const Batch &batch);
  Status readExamples();
  Status readWholeText();
  void compareSymbols(const FieldSchema &field, const Batch &batch,
                      const Tensor &guess, Classification &result);
  std::vector<int64_t> sequence(const FieldSchema &field, const Batch &batch,
                                const Tensor &array, int32_t row);
  int32_t strangeLabel(const FieldSchema &field, int32_t example,
                       int64_t entry) const;
  void compareSpans(const FieldSchema &field, const Batch &batch,
                    const Tensor &guess, SpanCounts &result);
  void compareLabels(const FieldSchema &field, const Batch &batch,
                     const Tensor &guess, Transcription &result);
  void compareNumbers(const FieldSchema &field, const Batch &batch,
                      const Arrays &results, Regression &result);
  std::string distributionOf(const FieldSchema &field) const;
  void addSurprise();

  ModelInstance &instance;
  const Schema &schema;
  const Dataset &data;
  const EvaluateOptions &options;
  int loss, predict;
  Evaluation result;
  /// By the name of the result. Of several, each is a mean of another count.
  std::map<std::string, Term> terms;
};
} // namespace

const data::Vocabulary *
PartEvaluator::vocabularyOf(const FieldSchema &field) const {
  if (!options.vocabularies)
    return nullptr;
  auto found = options.vocabularies->find(data::vocabularyKey(field));
  return found == options.vocabularies->end() ? nullptr : &found->second;
}

bool training::isTranscribed(const ModuleInfo &module,
                             const FieldSchema &field) {
  int predict = module.find("predict");
  if (predict < 0 || field.axes.size() != 1 || !field.axes[0].isTime)
    return false;
  const FunctionInfo &function = module.functions[static_cast<size_t>(predict)];
  int at = function.find(field.name);
  if (at < 0)
    return false;
  const std::vector<Dim> &shape = function.args[static_cast<size_t>(at)].shape;
  return shape.size() == 2 && shape[1].time != field.axes[0].name;
}

/// Confusion tables beyond this many labels help nobody.
static constexpr int64_t largestConfusion = 200;

void PartEvaluator::prepareOutputs() {
  result.languageModel = schema.isLanguageModel();
  for (const FieldSchema &field : schema.fields) {
    if (!field.output || field.unfold || predict < 0)
      continue;
    if (field.kind == FieldSchema::Kind::Real) {
      result.regressions.push_back({field.name});
      continue;
    }
    if (isTranscribed(instance.module(), field)) {
      result.transcriptions.push_back({field.name});
      continue;
    }
    Classification entry;
    entry.output = field.name;
    int64_t size = field.isIndex() ? field.size : 2;
    const data::Vocabulary *names = vocabularyOf(field);
    bool isSequence = field.isIndex() && field.axes.size() == 1 &&
                      field.time(schema.times) >= 0;
    if (names && isSequence && !spanLabels(names->all()).empty())
      result.spans.push_back({field.name});
    for (int64_t i = 0; i < size && size <= largestConfusion; ++i)
      entry.labels.push_back(names && i < names->size() ? names->symbol(i)
                                                        : std::to_string(i));
    entry.confusion.assign(entry.labels.size(),
                           std::vector<int64_t>(entry.labels.size()));
    result.classifications.push_back(std::move(entry));
  }
}

/// How many entries, or examples, the loss of an output is a mean of; what is
/// of no output is a mean over examples.
static double countOf(const ModuleInfo &module, const Batch &batch,
                      const std::string &output) {
  auto observed = batch.observed.find(output);
  if (module.lossPerExample() || observed == batch.observed.end())
    return batch.rows;
  return static_cast<double>(observed->second);
}

Status PartEvaluator::addLoss(const Batch &batch) {
  const ModuleInfo &module = instance.module();
  Result<Arrays> results =
      callOn(instance, loss, batch, /*useCarry=*/schema.chunk.has_value());
  if (!results)
    return results.error();
  result.elements += batch.elements;
  constexpr std::string_view prefix = "loss.";
  bool several = false;
  for (const auto &[name, value] : *results) {
    if (!name.starts_with(prefix))
      continue;
    std::string output = name.substr(prefix.size());
    terms[output].add(value.number(0), countOf(module, batch, output));
    several = true;
  }
  std::string target = schema.target() ? schema.target()->name : "";
  if (!several)
    terms[target].add((*results)["loss"].number(0),
                      countOf(module, batch, target));
  if (result.languageModel)
    result.nats = terms[target].sum;
  return {};
}

/// Calls f(index in the padded array, entry of a step) for every observed
/// entry; steps in front that only give context are left out.
template <typename Function>
static void eachObserved(const Dataset &data, const Schema &schema,
                         const FieldSchema &field, const Batch &batch,
                         const Tensor &array, Function f) {
  int time = field.time(schema.times);
  int64_t stride = batch.rows ? array.count() / batch.rows : 0;
  data::FieldLayout layout(schema, field);
  for (int32_t r = 0; !layout.isSimple() && r < batch.rows; ++r) {
    int64_t entry = 0;
    layout.eachRun(data.extents(static_cast<size_t>(
                       batch.examples[static_cast<size_t>(r)])),
                   std::span(array.shape).subspan(1),
                   [&](int64_t first, int64_t count) {
                     for (int64_t i = 0; i < count; ++i)
                       f(r * stride + first + i, entry++);
                   });
  }
  for (int32_t r = 0; layout.isSimple() && r < batch.rows; ++r) {
    int64_t count = field.inner();
    if (time >= 0)
      count *= batch.arrays.at(schema.times[static_cast<size_t>(time)])
                   .as<int32_t>()[r];
    int32_t example = batch.examples[static_cast<size_t>(r)];
    int64_t warm = 0;
    if (time >= 0 && example >= 0 && !data.warm.empty() && !schema.chunk)
      warm = field.inner() * data.warm[static_cast<size_t>(example)];
    for (int64_t i = warm; i < count; ++i)
      f(r * stride + i, i);
  }
}

/// The label in the file where the model does not know it, else -1.
int32_t PartEvaluator::strangeLabel(const FieldSchema &field, int32_t example,
                                    int64_t entry) const {
  size_t f = static_cast<size_t>(&field - schema.fields.data());
  auto found = data.strange.find(f);
  if (found == data.strange.end() || example < 0)
    return -1;
  auto label = found->second.find(
      data.columns[f].begin[static_cast<size_t>(example)] + entry);
  return label == found->second.end() ? -1 : label->second;
}

void PartEvaluator::compareSymbols(const FieldSchema &field, const Batch &batch,
                                   const Tensor &guess, Classification &entry) {
  const Tensor &truth = batch.arrays.at(field.name);
  int64_t stride = batch.rows ? truth.count() / batch.rows : 1;
  eachObserved(data, schema, field, batch, truth, [&](int64_t i, int64_t at) {
    int32_t example = batch.examples[static_cast<size_t>(i / stride)];
    if (strangeLabel(field, example, at) >= 0) {
      ++entry.total;
      return;
    }
    auto right = static_cast<size_t>(truth.number(i));
    auto guessed = static_cast<size_t>(guess.number(i));
    entry.right += right == guessed;
    ++entry.total;
    if (right < entry.confusion.size() && guessed < entry.confusion.size())
      ++entry.confusion[right][guessed];
  });
}

/// The observed steps of one example of the batch.
std::vector<int64_t> PartEvaluator::sequence(const FieldSchema &field,
                                             const Batch &batch,
                                             const Tensor &array, int32_t row) {
  int time = field.time(schema.times);
  int64_t count = batch.arrays.at(schema.times[static_cast<size_t>(time)])
                      .as<int32_t>()[row];
  int64_t stride = array.count() / batch.rows;
  std::vector<int64_t> steps;
  for (int64_t i = 0; i < count; ++i)
    steps.push_back(static_cast<int64_t>(array.number(row * stride + i)));
  return steps;
}

void PartEvaluator::compareSpans(const FieldSchema &field, const Batch &batch,
                                 const Tensor &guess, SpanCounts &counts) {
  // Behind the labels that the model knows stand those of the file.
  std::vector<std::string> names = vocabularyOf(field)->all();
  const Tensor &truth = batch.arrays.at(field.name);
  std::vector<std::vector<int64_t>> rights;
  for (int32_t row = 0; row < batch.rows; ++row) {
    rights.push_back(sequence(field, batch, truth, row));
    for (size_t t = 0; t < rights.back().size(); ++t) {
      int32_t label =
          strangeLabel(field, batch.examples[static_cast<size_t>(row)],
                       static_cast<int64_t>(t));
      if (label < 0)
        continue;
      rights.back()[t] = static_cast<int64_t>(names.size());
      names.push_back(data.symbols[static_cast<size_t>(label)]);
    }
  }
  std::vector<SpanLabel> labels = spanLabels(names);
  if (labels.empty()) // what the file has is of another scheme: no spans
    labels = spanLabels(vocabularyOf(field)->all());
  for (int32_t row = 0; row < batch.rows; ++row) {
    const std::vector<int64_t> &right = rights[static_cast<size_t>(row)];
    std::vector<int64_t> guessed = sequence(field, batch, guess, row);
    std::vector<LabelSpan> wanted = spansOf(right, labels);
    std::vector<LabelSpan> found = spansOf(guessed, labels);
    counts.wanted += static_cast<int64_t>(wanted.size());
    counts.found += static_cast<int64_t>(found.size());
    counts.right += commonSpans(wanted, found);
  }
}

void PartEvaluator::compareLabels(const FieldSchema &field, const Batch &batch,
                                  const Tensor &guess, Transcription &counts) {
  const Tensor &truth = batch.arrays.at(field.name);
  int64_t stride = batch.rows ? guess.count() / batch.rows : 0;
  for (int32_t row = 0; row < batch.rows; ++row) {
    std::vector<int64_t> right = sequence(field, batch, truth, row), found;
    for (int64_t i = 0; i < stride; ++i) // 0 in the padding too
      if (double label = guess.number(row * stride + i); label != 0)
        found.push_back(static_cast<int64_t>(label));
    counts.labels += static_cast<int64_t>(right.size());
    counts.edits += editDistance(found, right);
  }
}

std::string PartEvaluator::distributionOf(const FieldSchema &field) const {
  for (const PortInfo &port : instance.module().ports)
    if (port.name == field.name)
      return port.distribution;
  return "";
}

/// One value against the distribution that was predicted for it.
static void addSpread(const std::string &distribution, double off,
                      double spread, Regression &entry) {
  constexpr double band = 1.6448536269514722; // deviations, of 90 %
  double z = off / spread;
  if (distribution == "normal") {
    entry.ranked += crpsOfNormal(off, 0, spread);
    entry.surprise +=
        0.5 * z * z + std::log(spread) + 0.5 * std::log(2 * std::numbers::pi);
    entry.inBand += std::abs(z) <= band;
    return;
  }
  entry.ranked += crpsOfLaplace(off, 0, spread);
  entry.surprise += std::abs(z) + std::log(2 * spread);
  entry.inBand += std::abs(z) <= std::log(10.);
}

void PartEvaluator::compareNumbers(const FieldSchema &field, const Batch &batch,
                                   const Arrays &results, Regression &entry) {
  const Tensor &truth = batch.arrays.at(field.name);
  const Tensor &guess = results.at(field.name);
  auto spread = results.find(field.name + ".p");
  std::string distribution = distributionOf(field);
  entry.hasSpread = spread != results.end() &&
                    spread->second.count() == guess.count() &&
                    (distribution == "normal" || distribution == "laplace");
  eachObserved(data, schema, field, batch, truth, [&](int64_t i, int64_t at) {
    // In the units of the data.
    double unit = field.scale(at % field.inner()).deviation;
    double difference = (truth.number(i) - guess.number(i)) * unit;
    if (entry.hasSpread)
      addSpread(distribution, difference, spread->second.number(i) * unit,
                entry);
    entry.squares += difference * difference;
    entry.absolutes += std::abs(difference);
    ++entry.count;
  });
}

Status PartEvaluator::addPredictions(const Batch &batch) {
  Result<Arrays> results = callOn(instance, predict, batch);
  if (!results)
    return results.error();
  for (Classification &entry : result.classifications)
    compareSymbols(*schema.find(entry.output), batch, (*results)[entry.output],
                   entry);
  for (SpanCounts &entry : result.spans)
    compareSpans(*schema.find(entry.output), batch, (*results)[entry.output],
                 entry);
  for (Transcription &entry : result.transcriptions)
    compareLabels(*schema.find(entry.output), batch, (*results)[entry.output],
                  entry);
  for (Regression &entry : result.regressions)
    compareNumbers(*schema.find(entry.output), batch, *results, entry);
  return {};
}

Status PartEvaluator::readExamples() {
  BatchPlan::Options plan;
  plan.batch = options.batch;
  plan.shuffle = false;
  plan.chunk = schema.chunk.value_or(0);
  if (schema.chunk)
    if (Status status = instance.initialiseCarry(options.batch); !status)
      return status;
  BatchPlan pieces(data, schema, plan);
  for (int64_t b = 0; b < pieces.count(); ++b)
    if (Status status = addLoss(pieces.make(b)); !status)
      return status;
  if (result.classifications.empty() && result.regressions.empty() &&
      result.transcriptions.empty())
    return {};
  // `predict` knows no carry: it sees examples as a whole.
  plan.chunk = 0;
  BatchPlan whole(data, schema, plan);
  for (int64_t b = 0; b < whole.count(); ++b)
    if (Status status = addPredictions(whole.make(b)); !status)
      return status;
  return {};
}

Status PartEvaluator::readWholeText() {
  Result<double> nats = readText(instance, schema, data);
  if (!nats)
    return nats.error();
  result.nats = *nats;
  result.elements = data.size() ? data.lengths[0][0] : 0;
  // An example of training is a chunk.
  auto count = static_cast<double>(result.elements);
  if (instance.module().lossPerExample())
    count /= static_cast<double>(*schema.chunk);
  terms[schema.target()->name] = {*nats, count};
  return {};
}

/// Of several entries in each step, such as the keys of a piano, the loss may
/// be a mean over them.
void PartEvaluator::addSurprise() {
  auto outputs =
      std::count_if(schema.fields.begin(), schema.fields.end(),
                    [](const FieldSchema &field) { return field.output; });
  const FieldSchema *field = schema.target();
  if (outputs != 1 || result.languageModel || field->isIndex() ||
      field->kind == FieldSchema::Kind::Real || field->time(schema.times) < 0 ||
      instance.module().lossPerExample())
    return;
  double entries = field->unfold ? 1 : static_cast<double>(field->inner());
  result.natsPerStep = result.loss * entries;
}

Result<Evaluation> PartEvaluator::run() {
  if (loss < 0)
    return usageError("{}: error: the library has no function `loss`",
                      instance.library().path());
  prepareOutputs();
  Status status = schema.isRunningText() ? readWholeText() : readExamples();
  if (!status)
    return status.error();
  for (const auto &[output, term] : terms)
    result.loss += term.mean();
  result.loss = plain(result.loss);
  result.nats = plain(result.nats);
  result.examples = data.size();
  for (int64_t characters : data.characters)
    result.characters += characters;
  addSurprise();
  if (options.writes && !result.languageModel) {
    Result<std::vector<Writing>> writings =
        evaluateWriting(instance, schema, data, options);
    if (!writings)
      return writings.error();
    result.writings = std::move(*writings);
  }
  return result;
}

Result<Evaluation> training::evaluate(ModelInstance &instance,
                                      const Schema &schema, const Dataset &data,
                                      const EvaluateOptions &options) {
  data::Buffer carry = instance.exchangeCarry({});
  Result<Evaluation> result =
      PartEvaluator(instance, schema, data, options).run();
  instance.exchangeCarry(std::move(carry));
  return result;
}

/// An index as its label, or as a number.
static std::string labelOf(const FieldSchema &field,
                           const data::Vocabularies *vocabularies,
                           int64_t index) {
  const data::Vocabulary *names = nullptr;
  if (vocabularies)
    if (auto found = vocabularies->find(data::vocabularyKey(field));
        found != vocabularies->end())
      names = &found->second;
  bool known = names && field.isIndex() && index >= 0 && index < names->size();
  return known ? names->symbol(static_cast<int32_t>(index))
               : std::to_string(index);
}

/// Adds the labels of a batch of one example.
static Status addLabels(ModelInstance &instance, const Schema &schema,
                        const Batch &batch,
                        const data::Vocabularies *vocabularies,
                        LineEvaluation &line) {
  int predict = instance.module().find("predict");
  auto isLabel = [](const FieldSchema &field) {
    return field.output && !field.unfold && field.axes.empty() &&
           field.kind != FieldSchema::Kind::Real;
  };
  if (predict < 0 ||
      std::none_of(schema.fields.begin(), schema.fields.end(), isLabel))
    return {};
  Result<Arrays> results = callOn(instance, predict, batch);
  if (!results)
    return results.error();
  for (const FieldSchema &field : schema.fields)
    if (isLabel(field)) {
      auto name = [&](const Tensor &tensor) {
        return labelOf(field, vocabularies,
                       static_cast<int64_t>(tensor.number(0)));
      };
      line.labels.push_back({field.name, name(batch.arrays.at(field.name)),
                             name(results->at(field.name))});
    }
  return {};
}

Result<std::vector<LineEvaluation>>
training::evaluateLines(ModelInstance &instance, const Schema &schema,
                        const Dataset &data,
                        const data::Vocabularies *vocabularies) {
  int loss = instance.module().find("loss");
  if (loss < 0)
    return usageError("{}: error: the library has no function `loss`",
                      instance.library().path());
  std::vector<LineEvaluation> lines;
  BatchPlan::Options plan;
  plan.batch = 1;
  plan.shuffle = false;
  BatchPlan batches(data, schema, plan);
  bool perExample = instance.module().lossPerExample();
  for (int64_t b = 0; b < batches.count(); ++b) {
    Batch batch = batches.make(b);
    Result<Arrays> results = callOn(instance, loss, batch);
    if (!results)
      return results.error();
    auto example = static_cast<size_t>(batch.examples[0]);
    LineEvaluation line;
    line.file = data.places[example].file;
    line.line = data.places[example].line;
    line.elements = batch.elements;
    line.characters = data.characters.empty() ? 0 : data.characters[example];
    line.loss = (*results)["loss"].number(0);
    if (perExample && batch.elements)
      line.loss /= static_cast<double>(batch.elements);
    if (Status status = addLabels(instance, schema, batch, vocabularies, line);
        !status)
      return status.error();
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end(), [](const auto &a, const auto &b) {
    return std::pair(a.file, a.line) < std::pair(b.file, b.line);
  });
  return lines;
}
