// ArrayReader.cpp: arrays by name into examples.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Formats.h"

using namespace rnnc;
using namespace rnnc::data;

/// Lengths of one time axis in a file of arrays, or empty: all are full.
static Result<std::vector<int64_t>> arrayLengths(const TensorFile &file,
                                                 const std::string &time,
                                                 const std::string &path) {
  std::vector<int64_t> lengths;
  const Tensor *tensor = file.find(time);
  if (!tensor)
    return lengths;
  Result<Tensor> exact = convertExact(*tensor, DType::I64, time);
  if (!exact)
    return dataError("{}: error: {}", path, exact.error().message);
  lengths.assign(exact->as<int64_t>(), exact->as<int64_t>() + exact->count());
  return lengths;
}

/// Lengths along an axis inside of another, [examples, outer], or empty: all
/// are full.
static Result<std::optional<Tensor>> innerLengths(const TensorFile &file,
                                                  const FieldSchema &field,
                                                  const std::string &time,
                                                  const std::string &path) {
  const Tensor *given = file.find(time);
  if (!given)
    return std::optional<Tensor>();
  const std::vector<int64_t> &shape = file.find(field.name)->shape;
  if (given->shape != std::vector<int64_t>{shape[0], shape[1]})
    return dataError("{}: error: the lengths `{}` are {}, but `{}` is {}: one "
                     "for each example and element of `{}`",
                     path, time, shapeText(given->shape), field.name,
                     shapeText(shape), field.axes[0].name);
  Result<Tensor> exact = convertExact(*given, DType::I32, time);
  if (!exact)
    return dataError("{}: error: {}", path, exact.error().message);
  return std::optional<Tensor>(std::move(*exact));
}

/// One example of a field with a time axis inside of another.
static Status addInner(DatasetBuilder &builder, size_t f, const Tensor &array,
                       const std::optional<Tensor> &given, int64_t e,
                       int64_t steps, const std::string &path) {
  int64_t outer = array.shape[1], room = array.shape[2];
  int64_t whole = array.count() / array.shape[0];
  int64_t inner = outer && room ? whole / outer / room : 0;
  std::vector<int32_t> lengths;
  std::vector<double> values;
  for (int64_t t = 0; t < steps; ++t) {
    int64_t length =
        given ? given->as<int32_t>()[e * outer + t] : array.shape[2];
    if (length < 0 || length > room)
      return dataError("{}:{}: error: the length {} of element {} is not "
                       "between 0 and {}",
                       path, e + 1, length, t, room);
    lengths.push_back(static_cast<int32_t>(length));
    for (int64_t i = 0; i < length * inner; ++i)
      values.push_back(array.number(e * whole + t * room * inner + i));
  }
  return builder.addNumbers(f, values, lengths);
}

/// Checks the shape of a field's array and returns its steps (1 without time).
static Result<int64_t> checkArray(const FieldSchema &field, const Tensor *array,
                                  int64_t examples, const std::string &path) {
  if (!array)
    return dataError("{}: error: there is no array `{}`", path, field.name);
  bool fits = array->shape.size() == field.axes.size() + 1 &&
              array->shape[0] == examples;
  int64_t steps = 1;
  for (size_t i = 0; fits && i < field.axes.size(); ++i) {
    if (field.axes[i].isTime)
      steps = array->shape[1];
    else if (field.axes[i].size >= 0)
      fits = array->shape[i + 1] == field.axes[i].size;
  }
  if (fits)
    return steps;
  std::string expected = std::to_string(examples);
  for (const SchemaAxis &axis : field.axes)
    expected += ", " + (axis.size >= 0 ? std::to_string(axis.size) : axis.name);
  return dataError("{}: error: `{}`: expected [{}], found {}", path, field.name,
                   expected, shapeText(array->shape));
}

/// The sizes that the schema left open; every array has to show the same.
static Status takeAxisSizes(const FieldSchema &field, const Tensor &array,
                            std::map<std::string, int64_t> &sizes,
                            const std::string &path) {
  for (size_t i = 0; i < field.axes.size(); ++i) {
    const SchemaAxis &axis = field.axes[i];
    if (axis.isTime || axis.size >= 0)
      continue;
    int64_t size = array.shape[i + 1];
    int64_t known = sizes.emplace(axis.name, size).first->second;
    if (size == 0 || known != size)
      return dataError("{}: error: `{}` is {}: axis `{}` has size {}{}", path,
                       field.name, shapeText(array.shape), axis.name, size,
                       size ? fmt::format(", in another array {}", known) : "");
  }
  return {};
}

/// The first axis of every array. A shape such as [1099511627776, 0] takes no
/// bytes: as many examples of nothing would take all memory and time.
static Result<int64_t> countExamples(const TensorFile &file,
                                     const Schema &schema,
                                     const std::string &path) {
  const std::string &name = schema.fields[0].name;
  const Tensor *first = file.find(name);
  int64_t examples = first && !first->shape.empty() ? first->shape[0] : 0;
  bool empty = examples > 0;
  for (const FieldSchema &field : schema.fields)
    if (const Tensor *array = file.find(field.name))
      empty = empty && array->count() == 0;
  if (empty)
    return dataError("{}: error: `{}` is {}: there is nothing in the examples",
                     path, name, shapeText(first->shape));
  return examples;
}

Status data::readArrays(DatasetBuilder &builder, const Schema &schema,
                        const std::string &path) {
  Result<TensorFile> file = readTensorFile(path);
  if (!file)
    return file.error();
  builder.beginFile(path);
  Result<int64_t> counted = countExamples(*file, schema, path);
  if (!counted)
    return counted.error();
  int64_t examples = *counted;
  std::vector<int64_t> steps;
  for (const FieldSchema &field : schema.fields) {
    Result<int64_t> count =
        checkArray(field, file->find(field.name), examples, path);
    if (!count)
      return count.error();
    steps.push_back(*count);
    if (Status status = takeAxisSizes(field, *file->find(field.name),
                                      builder.data.axisSizes, path);
        !status)
      return status;
  }
  std::vector<std::vector<int64_t>> lengths;
  std::map<std::string, std::optional<Tensor>> inner;
  for (const FieldSchema &field : schema.fields) {
    int each = field.innerTime(schema.times);
    if (each < 0)
      continue;
    const std::string &time = schema.times[static_cast<size_t>(each)];
    Result<std::optional<Tensor>> list = innerLengths(*file, field, time, path);
    if (!list)
      return list.error();
    inner[time] = std::move(*list);
  }
  for (const std::string &time : schema.times) {
    if (inner.contains(time)) {
      lengths.emplace_back();
      continue;
    }
    Result<std::vector<int64_t>> list = arrayLengths(*file, time, path);
    if (!list)
      return list.error();
    if (!list->empty() && static_cast<int64_t>(list->size()) != examples)
      return dataError("{}: error: `{}` has {} lengths for {} examples", path,
                       time, list->size(), examples);
    lengths.push_back(std::move(*list));
  }
  for (int64_t e = 0; e < examples; ++e) {
    builder.begin(e + 1);
    for (size_t f = 0; f < schema.fields.size(); ++f) {
      const FieldSchema &field = schema.fields[f];
      const Tensor &array = *file->find(field.name);
      int time = field.time(schema.times);
      int64_t length = steps[f];
      if (time >= 0 && !lengths[static_cast<size_t>(time)].empty())
        length = lengths[static_cast<size_t>(time)][static_cast<size_t>(e)];
      if (length < 0 || length > steps[f])
        return dataError("{}:{}: error: the length {} is not between 0 and {}",
                         path, e + 1, length, steps[f]);
      if (int each = field.innerTime(schema.times); each >= 0) {
        if (Status status =
                addInner(builder, f, array,
                         inner[schema.times[static_cast<size_t>(each)]], e,
                         length, path);
            !status)
          return status;
        continue;
      }
      int64_t whole = array.count() / examples;
      int64_t used = steps[f] ? whole / steps[f] * length : 0;
      std::vector<double> values;
      for (int64_t i = 0; i < used; ++i)
        values.push_back(array.number(e * whole + i));
      if (Status status = builder.addNumbers(f, values, length); !status)
        return status;
    }
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
}
