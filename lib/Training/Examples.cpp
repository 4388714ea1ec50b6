// Examples.cpp: records a few examples with truth and prediction.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Examples.h"

#include <algorithm>
#include <cmath>

using namespace rnnc;
using namespace rnnc::training;
using data::Batch;
using data::BatchPlan;
using data::Dataset;
using data::FieldSchema;
using data::Schema;
using data::Tensor;

/// Longer sequences, and steps of more numbers, are for programs to read.
static constexpr int64_t mostSteps = 400, mostNumbers = 8;

namespace {
/// Where the values of one example lie in an array.
struct ExampleSpan {
  int64_t first = 0, steps = 1, inner = 1;
  bool isSequence = false;
};

class ExampleRecorder {
public:
  ExampleRecorder(ModelInstance &instance, const Schema &schema,
                  const Dataset &data, const ExampleOptions &options)
      : instance(instance), schema(schema), data(data), options(options),
        predict(instance.module().find("predict")) {}

  Result<Json> run();

private:
  Result<Json> examples();
  Result<Json> forecast();
  Result<Json> samples();
  Result<Arrays> predictBatch(const Batch &batch);
  Status addAttention(const Batch &batch, Json &list);
  Json record(const Batch &batch, const Arrays &results, int32_t row);
  Json predicted(const FieldSchema &field, const Arrays &results,
                 const Batch &batch, int32_t row);
  Json drawn(const FieldSchema &field, const Arrays &results,
             const Batch &batch, int32_t row);
  Json probabilities(const FieldSchema &field, const Tensor &table,
                     int32_t row);
  ExampleSpan spanOf(const FieldSchema &field, const Tensor &array,
                     const Batch &batch, int32_t row) const;
  Json inOrder(const FieldSchema &field, const Tensor &array,
               const Batch &batch, int32_t row) const;
  Json values(const FieldSchema &field, const Tensor &array,
              const ExampleSpan &span) const;
  Json value(const FieldSchema &field, double number, int64_t entry) const;
  const data::Vocabulary *namesOf(const FieldSchema &field) const;
  const FunctionInfo &functionInfo(int number) const {
    return instance.module().functions[static_cast<size_t>(number)];
  }

  ModelInstance &instance;
  const Schema &schema;
  const Dataset &data;
  const ExampleOptions &options;
  int predict;
};
} // namespace

const data::Vocabulary *
ExampleRecorder::namesOf(const FieldSchema &field) const {
  if (!field.isIndex() || !options.vocabularies)
    return nullptr;
  auto found = options.vocabularies->find(data::vocabularyKey(field));
  return found == options.vocabularies->end() ? nullptr : &found->second;
}

ExampleSpan ExampleRecorder::spanOf(const FieldSchema &field,
                                    const Tensor &array, const Batch &batch,
                                    int32_t row) const {
  ExampleSpan span;
  int64_t all = batch.rows ? array.count() / batch.rows : 0;
  span.first = row * all;
  span.inner = std::max<int64_t>(field.inner(), 1);
  span.steps = 1;
  int time = field.time(schema.times);
  if (time < 0) {
    // A fixed axis is a sequence of numbers too.
    span.isSequence = all > 1;
    span.steps = span.isSequence ? all : 1;
    span.inner = 1;
    return span;
  }
  span.isSequence = true;
  auto lengths = batch.arrays.find(schema.times[static_cast<size_t>(time)]);
  span.steps = lengths == batch.arrays.end()
                   ? all / span.inner
                   : lengths->second.as<int32_t>()[row];
  return span;
}

/// A number as it stands in the data, or the symbol of an index.
Json ExampleRecorder::value(const FieldSchema &field, double number,
                            int64_t entry) const {
  if (const data::Vocabulary *names = namesOf(field))
    if (number >= 0 && number < static_cast<double>(names->size()))
      return names->symbol(static_cast<int32_t>(number));
  if (field.kind != FieldSchema::Kind::Real)
    return static_cast<int64_t>(number);
  data::Scale unit = field.scale(entry);
  double plainValue = number * unit.deviation + unit.mean;
  return jsonNumber(
      std::strtod(fmt::format("{:.6g}", plainValue).c_str(), nullptr));
}

/// What stands in several axes of time, one after the other.
Json ExampleRecorder::inOrder(const FieldSchema &field, const Tensor &array,
                              const Batch &batch, int32_t row) const {
  Json list = Json::array();
  int64_t stride = batch.rows ? array.count() / batch.rows : 0;
  size_t example =
      static_cast<size_t>(batch.examples[static_cast<size_t>(row)]);
  data::FieldLayout(schema, field)
      .eachRun(data.extents(example), std::span(array.shape).subspan(1),
               [&](int64_t first, int64_t count) {
                 for (int64_t i = 0; i < count; ++i)
                   if (list.size() < static_cast<size_t>(mostSteps))
                     list.push_back(value(
                         field, array.number(row * stride + first + i), i));
               });
  return list;
}

Json ExampleRecorder::values(const FieldSchema &field, const Tensor &array,
                             const ExampleSpan &span) const {
  if (!span.isSequence)
    return value(field, array.number(span.first), 0);
  Json list = Json::array();
  if (span.inner > mostNumbers)
    return list;
  for (int64_t t = 0; t < std::min(span.steps, mostSteps); ++t) {
    Json step = Json::array();
    for (int64_t i = 0; i < span.inner; ++i)
      step.push_back(
          value(field, array.number(span.first + t * span.inner + i), i));
    list.push_back(span.inner == 1 ? step[0] : step);
  }
  // What ends a sequence is no part of it.
  if (const data::Vocabulary *names = namesOf(field);
      names && field.stop && !list.empty() &&
      list.back() == names->symbol(static_cast<int32_t>(*field.stop)))
    list.erase(list.size() - 1);
  return list;
}

Json ExampleRecorder::probabilities(const FieldSchema &field,
                                    const Tensor &table, int32_t row) {
  int64_t size = table.shape.empty() ? 1 : table.shape.back();
  std::vector<std::pair<double, int64_t>> sorted;
  for (int64_t i = 0; i < size; ++i)
    sorted.emplace_back(-table.number(row * size + i), i);
  std::sort(sorted.begin(), sorted.end());
  Json result = Json::object();
  for (size_t i = 0; i < std::min<size_t>(sorted.size(), 5); ++i) {
    Json name = value(field, static_cast<double>(sorted[i].second), 0);
    result[name.is_string() ? name.get<std::string>() : name.dump()] =
        jsonNumber(std::round(-sorted[i].first * 1e4) / 1e4);
  }
  return result;
}

/// A sequence that was drawn element by element, as long as it says.
Json ExampleRecorder::drawn(const FieldSchema &field, const Arrays &results,
                            const Batch &batch, int32_t row) {
  const Tensor &array = results.at(field.name);
  ExampleSpan span = spanOf(field, array, batch, row);
  int time = field.time(schema.times);
  if (time >= 0) {
    const std::string &axis = schema.times[static_cast<size_t>(time)];
    int64_t all = batch.rows ? array.count() / batch.rows / span.inner : 0;
    auto counts = results.find(axis);
    span.steps = counts == results.end() ? std::min(all, span.steps)
                                         : counts->second.as<int32_t>()[row];
  }
  return values(field, array, span);
}

Json ExampleRecorder::predicted(const FieldSchema &field, const Arrays &results,
                                const Batch &batch, int32_t row) {
  if (field.unfold)
    return {{"predicted", drawn(field, results, batch, row)}};
  const Tensor &mode = results.at(field.name);
  ExampleSpan span = spanOf(field, mode, batch, row);
  if (isTranscribed(instance.module(), field)) {
    Json labels = Json::array();
    int64_t all = batch.rows ? mode.count() / batch.rows : 0;
    for (int64_t i = span.first; i < span.first + all; ++i)
      if (mode.number(i) != 0) // 0 stands where no label begins
        labels.push_back(value(field, mode.number(i), 0));
    return {{"predicted", labels}};
  }
  Json result = {{"predicted", values(field, mode, span)}};
  auto scores = results.find(field.name + ".p");
  if (scores == results.end())
    return result;
  if (field.kind == FieldSchema::Kind::Real) {
    FieldSchema width = field; // a width has no mean
    for (data::Scale &unit : width.scales)
      unit.mean = 0;
    result["scale"] = values(width, scores->second, span);
  } else if (field.isIndex() && !span.isSequence) {
    result["probabilities"] = probabilities(field, scores->second, row);
  }
  return result;
}

Json ExampleRecorder::record(const Batch &batch, const Arrays &results,
                             int32_t row) {
  Json inputs = Json::object(), outputs = Json::object();
  for (const FieldSchema &field : schema.fields) {
    auto given = batch.arrays.find(field.name);
    if (given == batch.arrays.end())
      continue;
    bool isSimple = data::FieldLayout(schema, field).isSimple();
    Json shown = isSimple ? values(field, given->second,
                                   spanOf(field, given->second, batch, row))
                          : inOrder(field, given->second, batch, row);
    if (!field.output) {
      inputs[field.name] = std::move(shown);
      continue;
    }
    if (!results.contains(field.name))
      continue;
    Json entry = {{"truth", std::move(shown)}};
    if (isSimple)
      entry.update(predicted(field, results, batch, row));
    else
      entry["predicted"] = inOrder(field, results.at(field.name), batch, row);
    outputs[field.name] = std::move(entry);
  }
  int32_t example = batch.examples[static_cast<size_t>(row)];
  return {{"place", example < 0 ? "" : data.place(example)},
          {"inputs", std::move(inputs)},
          {"outputs", std::move(outputs)}};
}

Result<Arrays> ExampleRecorder::predictBatch(const Batch &batch) {
  const FunctionInfo &info = functionInfo(predict);
  ModelInstance::CallOptions call;
  call.usePrepared = true;
  // What is drawn may be as long as the source says, or as the truth and some.
  for (const PortInfo &port : instance.module().ports) {
    if (!port.unfold || port.shape.empty() || port.shape[0].time.empty() ||
        info.findInput(port.shape[0].time) >= 0)
      continue;
    auto truth = batch.arrays.find(port.name);
    int64_t longest =
        truth == batch.arrays.end() || truth->second.shape.size() < 2
            ? 50
            : truth->second.shape[1] + 20;
    if (std::optional<int64_t> most = info.max ? info.max : port.max)
      longest = std::min(longest, *most);
    call.lengths[port.shape[0].time] = static_cast<int32_t>(longest);
  }
  return instance.call(predict, argumentsOf(info, batch), call);
}

/// The weights of each attention, where the library gives them.
Status ExampleRecorder::addAttention(const Batch &batch, Json &list) {
  int function = instance.module().find("attention");
  if (function < 0)
    return {};
  const FunctionInfo &info = functionInfo(function);
  ModelInstance::CallOptions call;
  call.usePrepared = true;
  Result<Arrays> results =
      instance.call(function, argumentsOf(info, batch), call);
  if (!results)
    return results.error();
  auto lengthOf = [&](const Dim &dim, int64_t padded, int32_t row) {
    auto found = batch.arrays.find(dim.time);
    return dim.time.empty() || found == batch.arrays.end()
               ? padded
               : int64_t(found->second.as<int32_t>()[row]);
  };
  for (const ArgInfo &arg : info.args) {
    bool isMap = arg.shape.size() == 3, isList = arg.shape.size() == 2;
    if (!arg.isOutput() || !(isMap || isList))
      continue;
    const Tensor &weights = (*results)[arg.name];
    int64_t columns = weights.shape.back();
    int64_t rows = isMap ? weights.shape[1] : 1;
    for (int32_t row = 0; row < batch.rows; ++row) {
      Json map = Json::array();
      int64_t ends = isMap ? lengthOf(arg.shape[1], rows, row) : 1;
      int64_t width = lengthOf(arg.shape.back(), columns, row);
      for (int64_t r = 0; r < std::min<int64_t>(ends, 80); ++r) {
        Json line = Json::array();
        for (int64_t c = 0; c < std::min<int64_t>(width, 80); ++c)
          line.push_back(
              std::round(weights.number((row * rows + r) * columns + c) * 1e4) /
              1e4);
        map.push_back(std::move(line));
      }
      list[static_cast<size_t>(row)]["attention"][arg.name] = {
          {"rows", isMap ? arg.shape[1].time : ""},
          {"columns", arg.shape.back().time},
          {"weights", std::move(map)}};
    }
  }
  return {};
}

Result<Json> ExampleRecorder::examples() {
  Json list = Json::array();
  if (predict < 0 || data.size() == 0 || schema.isLanguageModel())
    return list;
  // From all over the part.
  std::vector<int32_t> chosen;
  int32_t count = std::min(options.count, data.size());
  for (int32_t i = 0; i < count; ++i)
    chosen.push_back(static_cast<int32_t>(int64_t(i) * data.size() / count));
  std::vector<data::BatchRow> rows;
  for (int32_t example : chosen)
    rows.push_back({example, 0, 0, false});
  Batch batch = data::makeBatch(data, schema, rows, /*chunks=*/false);
  Result<Arrays> results = predictBatch(batch);
  if (!results)
    return results.error();
  for (int32_t row = 0; row < batch.rows; ++row)
    list.push_back(record(batch, *results, row));
  if (Status status = addAttention(batch, list); !status)
    return status.error();
  return list;
}

/// One prediction for each row of a series, in order.
Result<Json> ExampleRecorder::forecast() {
  Json result = Json::object();
  if (predict < 0 || !data.series || data.size() == 0)
    return result;
  BatchPlan::Options plan;
  plan.batch = 1;
  plan.shuffle = false;
  BatchPlan windows(data, schema, plan);
  int64_t rows = 0;
  for (int64_t b = 0; b < windows.count() && rows < options.forecast; ++b) {
    Batch batch = windows.make(b);
    Result<Arrays> results = predictBatch(batch);
    if (!results)
      return results.error();
    Json entry = record(batch, *results, 0)["outputs"];
    int64_t warm = data.warm.empty() || batch.examples[0] < 0
                       ? 0
                       : data.warm[static_cast<size_t>(batch.examples[0])];
    for (auto &[name, output] : entry.items()) {
      const FieldSchema &field = *schema.find(name);
      if (field.kind != FieldSchema::Kind::Real || field.inner() != 1)
        continue;
      for (const char *key : {"truth", "predicted", "scale"}) {
        if (!output.contains(key))
          continue;
        Json &list = result[name][key], &values = output[key];
        if (!values.is_array()) {
          list.push_back(values);
          continue;
        }
        for (size_t i = static_cast<size_t>(warm); i < values.size(); ++i)
          list.push_back(values[i]);
      }
      rows = static_cast<int64_t>(result[name]["truth"].size());
    }
    if (result.empty())
      break;
  }
  return result;
}

/// Texts that the model draws without a beginning.
Result<Json> ExampleRecorder::samples() {
  Json list = Json::array();
  int function = instance.module().find("sample");
  if (function < 0 || !schema.isLanguageModel())
    return list;
  const FunctionInfo &info = functionInfo(function);
  const FieldSchema &field = schema.fields[0];
  const data::Vocabulary *names = namesOf(field);
  int at = info.find(field.name);
  if (at < 0 || !names)
    return list;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    ModelInstance::CallOptions call;
    call.usePrepared = call.hasSeed = true;
    call.seed = seed;
    call.batch = 1;
    for (const Dim &dim : info.args[static_cast<size_t>(at)].shape)
      if (dim.kind == Dim::Kind::Time)
        call.lengths[dim.time] = static_cast<int32_t>(options.symbols);
    Arrays args;
    if (names->unknown() >= 0 && info.findInput("never") >= 0) {
      Tensor never(data::DType::F64, {});
      never.as<double>()[0] = names->unknown();
      args["never"] = never;
    }
    Result<Arrays> results = instance.call(function, args, call);
    if (!results)
      return results.error();
    const Tensor &text = (*results)[field.name];
    std::vector<std::string> symbols;
    for (int64_t i = 0; i < text.count(); ++i) {
      auto index = static_cast<int64_t>(text.number(i));
      if ((field.stop && index == *field.stop) || index >= names->size())
        break;
      symbols.push_back(names->symbol(static_cast<int32_t>(index)));
    }
    list.push_back(
        {{"seed", seed}, {"text", data::joinSymbols(symbols, options.unit)}});
  }
  return list;
}

Result<Json> ExampleRecorder::run() {
  Json json = Json::object();
  for (auto [name, part] : {std::pair{"examples", &ExampleRecorder::examples},
                            {"forecast", &ExampleRecorder::forecast},
                            {"samples", &ExampleRecorder::samples}}) {
    Result<Json> made = (this->*part)();
    if (!made)
      return made.error();
    json[name] = std::move(*made);
  }
  return json;
}

Result<Json> training::recordExamples(ModelInstance &instance,
                                      const Schema &schema, const Dataset &data,
                                      const ExampleOptions &options) {
  return ExampleRecorder(instance, schema, data, options).run();
}
