// EvaluateWriting.cpp: writes examples, and compares with what is right.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "EvaluateWriting.h"

#include "Spans.h"
#include "rnnc/Training/Drawing.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::training;
using data::Batch;
using data::BatchPlan;
using data::Column;
using data::Dataset;
using data::FieldSchema;
using data::Schema;
using data::Tensor;

using Symbols = std::vector<std::string>;

namespace {
class WritingEvaluator {
public:
  WritingEvaluator(ModelInstance &instance, const Schema &schema,
                   const Dataset &data, const EvaluateOptions &options)
      : instance(instance), schema(schema), data(data), options(options) {}

  Result<std::vector<Writing>> run();

private:
  void group();
  Status compare(const Batch &batch, const FunctionInfo &function,
                 const Arrays &results);
  void compareOne(const FieldSchema &field, Writing &writing, int32_t example,
                  const Symbols &written) const;
  std::string symbol(const FieldSchema &field, int64_t index) const;
  Symbols right(const FieldSchema &field, size_t example) const;
  Symbols written(const FieldSchema &field, const Arrays &results,
                  const Batch &batch, int32_t row) const;

  ModelInstance &instance;
  const Schema &schema;
  const Dataset &data;
  const EvaluateOptions &options;
  std::vector<Writing> writings;
  /// The examples whose outputs are right for each one; none where another
  /// example stands for it.
  std::vector<std::vector<int32_t>> answers;
};
} // namespace

/// The bytes of all inputs of an example.
static std::string inputsOf(const Dataset &data, const Schema &schema,
                            size_t example) {
  std::string key;
  auto append = [&](const auto &values, int64_t begin, int64_t end) {
    const auto *from = reinterpret_cast<const char *>(values.data() + begin);
    key.append(from, static_cast<size_t>(end - begin) * sizeof(values[0]));
  };
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    if (schema.fields[f].output)
      continue;
    const Column &column = data.columns[f];
    int64_t begin = column.begin[example], end = column.begin[example + 1];
    key += fmt::format("{}:", end - begin);
    if (schema.fields[f].kind == FieldSchema::Kind::Real)
      append(column.reals, begin, end);
    else
      append(column.ints, begin, end);
  }
  return key;
}

/// Examples with equal inputs are one that has several right answers, if that
/// is asked for.
void WritingEvaluator::group() {
  answers.resize(static_cast<size_t>(data.size()));
  std::map<std::string, size_t> first;
  for (size_t e = 0; e < answers.size(); ++e) {
    size_t owner = e;
    if (options.writes->manyRight)
      owner = first.emplace(inputsOf(data, schema, e), e).first->second;
    answers[owner].push_back(static_cast<int32_t>(e));
  }
}

std::string WritingEvaluator::symbol(const FieldSchema &field,
                                     int64_t index) const {
  if (options.vocabularies) {
    auto found = options.vocabularies->find(data::vocabularyKey(field));
    if (found != options.vocabularies->end() && index >= 0 &&
        index < found->second.size())
      return found->second.symbol(index);
  }
  return std::to_string(index);
}

/// What stood in the file, whether the model knows its symbols or not.
Symbols WritingEvaluator::right(const FieldSchema &field,
                                size_t example) const {
  size_t f = static_cast<size_t>(&field - schema.fields.data());
  const Column &column = data.columns[f];
  Symbols result;
  if (!column.writtenBegin.empty()) {
    for (int64_t i = column.writtenBegin[example];
         i < column.writtenBegin[example + 1]; ++i)
      result.push_back(data.symbols[static_cast<size_t>(
          column.written[static_cast<size_t>(i)])]);
    return result;
  }
  for (int64_t i = column.begin[example]; i < column.begin[example + 1]; ++i) {
    int32_t index = column.ints[static_cast<size_t>(i)];
    if (field.stop && index == *field.stop)
      break;
    result.push_back(symbol(field, index));
  }
  return result;
}

/// The first of several sequences: `beam` gives the best one first.
Symbols WritingEvaluator::written(const FieldSchema &field,
                                  const Arrays &results, const Batch &batch,
                                  int32_t row) const {
  const Tensor &values = results.at(field.name);
  int time = field.time(schema.times);
  std::string axis = time < 0 ? "" : schema.times[static_cast<size_t>(time)];
  bool several = values.shape.size() > field.axes.size() + 1;
  int64_t paths = several ? values.shape[1] : 1;
  int64_t count = batch.rows ? values.count() / batch.rows / paths : 0;
  int64_t from = row * paths * count;
  if (auto counts = results.find(axis); counts != results.end())
    count = std::min<int64_t>(counts->second.as<int32_t>()[row * paths], count);
  else if (auto given = batch.arrays.find(axis); given != batch.arrays.end())
    count = std::min<int64_t>(given->second.as<int32_t>()[row], count);
  Symbols result;
  for (int64_t i = 0; i < count; ++i) {
    auto index = static_cast<int64_t>(values.number(from + i));
    if (field.stop && index == *field.stop)
      break;
    result.push_back(symbol(field, index));
  }
  return result;
}

/// Edits of symbols, which are compared as texts.
static int64_t edits(const Symbols &a, const Symbols &b) {
  std::map<std::string_view, int64_t> numbers;
  auto numbered = [&](const Symbols &symbols) {
    std::vector<int64_t> result;
    for (const std::string &symbol : symbols)
      result.push_back(
          numbers.emplace(symbol, static_cast<int64_t>(numbers.size()))
              .first->second);
    return result;
  };
  std::vector<int64_t> from = numbered(a), to = numbered(b);
  return editDistance(from, to);
}

void WritingEvaluator::compareOne(const FieldSchema &field, Writing &writing,
                                  int32_t example,
                                  const Symbols &written) const {
  std::vector<std::string> texts;
  std::pair<int64_t, int64_t> best{INT64_MAX, 0}; // edits, symbols
  auto unit = options.writes->units.find(field.name);
  data::Unit join =
      unit == options.writes->units.end() ? data::Unit::Words : unit->second;
  for (int32_t answer : answers[static_cast<size_t>(example)]) {
    Symbols wanted = right(field, static_cast<size_t>(answer));
    best = std::min(
        best, {edits(written, wanted), static_cast<int64_t>(wanted.size())});
    texts.push_back(data::joinSymbols(wanted, join));
  }
  std::string text = data::joinSymbols(written, join);
  ++writing.sequences;
  writing.exact += best.first == 0;
  writing.edits += best.first;
  writing.symbols += best.second;
  writing.bleu.add(text, texts);
  writing.chrF.add(text, texts);
}

Status WritingEvaluator::compare(const Batch &batch,
                                 const FunctionInfo &function,
                                 const Arrays &results) {
  for (Writing &writing : writings) {
    const FieldSchema &field = *schema.find(writing.output);
    if (!results.contains(field.name))
      return usageError("rnnc: error: `{}` does not give `{}`", function.name,
                        field.name);
    for (int32_t row = 0; row < batch.rows; ++row) {
      int32_t example = batch.examples[static_cast<size_t>(row)];
      if (example >= 0 && !answers[static_cast<size_t>(example)].empty())
        compareOne(field, writing, example,
                   written(field, results, batch, row));
    }
  }
  return {};
}

Result<std::vector<Writing>> WritingEvaluator::run() {
  for (const FieldSchema &field : schema.fields)
    if (field.output && field.unfold && field.isIndex() && field.inner() == 1 &&
        field.time(schema.times) >= 0)
      writings.push_back({field.name});
  if (writings.empty())
    return writings;
  const ModuleInfo &module = instance.module();
  int at = module.find(options.writes->function);
  if (at < 0)
    return noFunction(module, options.writes->function);
  const FunctionInfo &function = module.functions[static_cast<size_t>(at)];
  group();
  BatchPlan::Options plan;
  plan.batch = options.batch;
  plan.shuffle = false;
  BatchPlan batches(data, schema, plan);
  for (int64_t b = 0; b < batches.count(); ++b) {
    Batch batch = batches.make(b);
    ModelInstance::CallOptions call;
    call.usePrepared = true;
    if (Status status = addDrawnLengths(module, function,
                                        options.writes->length, call.lengths);
        !status)
      return status.error();
    Result<Arrays> results =
        instance.call(at, argumentsOf(function, batch), call);
    if (!results)
      return results.error();
    if (Status status = compare(batch, function, *results); !status)
      return status.error();
  }
  return std::move(writings);
}

Result<std::vector<Writing>>
training::evaluateWriting(ModelInstance &instance, const Schema &schema,
                          const Dataset &data, const EvaluateOptions &options) {
  return WritingEvaluator(instance, schema, data, options).run();
}
