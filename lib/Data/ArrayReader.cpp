// ArrayReader.cpp: arrays by name into examples.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Formats.h"

#include <algorithm>
#include <set>

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

namespace {
/// The lengths that a file gives for the time axes of one field.
struct ArrayLengths {
  const FieldSchema &field;
  FieldLayout layout;
  const Tensor &array;
  /// By axis; nothing where all are full.
  std::vector<std::optional<Tensor>> given;
};
} // namespace

/// Of a time axis inside of others: one for each of their elements.
static Status checkLengths(const Tensor &tensor, const ArrayLengths &lengths,
                           size_t axis, const std::string &path) {
  std::vector<int64_t> wanted = {lengths.array.shape[0]};
  std::string elements;
  for (size_t a = 0; a < axis; ++a)
    if (lengths.layout.time(a) >= 0) {
      wanted.push_back(lengths.array.shape[a + 1]);
      elements += fmt::format("{}`{}`", elements.empty() ? "" : ", ",
                              lengths.field.axes[a].name);
    }
  if (tensor.shape == wanted)
    return {};
  return dataError("{}: error: the lengths `{}` are {}, but `{}` is {}: one "
                   "for each example and element of {}",
                   path, lengths.field.axes[axis].name, shapeText(tensor.shape),
                   lengths.field.name, shapeText(lengths.array.shape),
                   elements);
}

/// The lengths along one axis in an example, as many as the axes before have
/// elements: `extents` are theirs.
static Result<std::vector<int32_t>>
lengthsOf(const Schema &schema, const ArrayLengths &lengths, size_t axis,
          const ExampleExtents &extents, int64_t example,
          const std::string &path) {
  size_t time = static_cast<size_t>(lengths.layout.time(axis));
  int64_t room = lengths.array.shape[axis + 1];
  FieldLayout around = FieldLayout::ofLengths(schema, time);
  if (!lengths.layout.isNested(axis))
    around = FieldLayout(schema, FieldSchema());
  const std::optional<Tensor> &given = lengths.given[axis];
  if (!given)
    return std::vector<int32_t>(static_cast<size_t>(around.count(extents)),
                                static_cast<int32_t>(room));
  std::vector<int32_t> found;
  int64_t stride = given->count() / given->shape[0];
  around.eachRun(extents, std::span(given->shape).subspan(1),
                 [&](int64_t first, int64_t count) {
                   const int32_t *from =
                       given->as<int32_t>() + example * stride + first;
                   found.insert(found.end(), from, from + count);
                 });
  for (size_t i = 0; i < found.size(); ++i)
    if (found[i] < 0 || found[i] > room)
      return lengths.layout.isNested(axis)
                 ? dataError("{}:{}: error: the length {} of element {} is "
                             "not between 0 and {}",
                             path, example + 1, found[i], i, room)
                 : dataError("{}:{}: error: the length {} is not between 0 "
                             "and {}",
                             path, example + 1, found[i], room);
  return found;
}

/// One example of a field with several time axes, or one behind another axis.
static Status addInner(DatasetBuilder &builder, const Schema &schema, size_t f,
                       const ArrayLengths &lengths, int64_t example,
                       const std::string &path) {
  const FieldLayout &layout = lengths.layout;
  DatasetBuilder::Entries entries;
  entries.lengths.resize(layout.rank());
  ExampleExtents extents;
  extents.longest.resize(schema.times.size());
  extents.each.resize(schema.times.size());
  for (size_t a = 0; a < layout.rank(); ++a) {
    if (layout.time(a) < 0)
      continue;
    Result<std::vector<int32_t>> found =
        lengthsOf(schema, lengths, a, extents, example, path);
    if (!found)
      return found.error();
    entries.lengths[a] = std::move(*found);
    size_t time = static_cast<size_t>(layout.time(a));
    if (layout.isNested(a))
      extents.each[time] = entries.lengths[a];
    else
      extents.longest[time] = entries.lengths[a][0];
  }
  const Tensor &array = lengths.array;
  int64_t whole = array.count() / array.shape[0];
  layout.eachRun(extents, std::span(array.shape).subspan(1),
                 [&](int64_t first, int64_t count) {
                   for (int64_t i = 0; i < count; ++i)
                     entries.numbers.push_back(
                         array.number(example * whole + first + i));
                 });
  if (Status status = builder.checkFinite(f, entries.numbers); !status)
    return status;
  return builder.addEntries(f, std::move(entries));
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

/// Arrays that nothing reads are told: lengths under a wrong name would be
/// taken for full ones.
static void noteUnread(const TensorFile &file, const Schema &schema,
                       const std::string &path,
                       std::vector<std::string> &warnings) {
  std::vector<std::string> unread;
  for (const auto &[name, array] : file.tensors) {
    bool isField = std::any_of(schema.fields.begin(), schema.fields.end(),
                               [&](const auto &f) { return f.name == name; });
    bool isLengths = std::find(schema.times.begin(), schema.times.end(),
                               name) != schema.times.end();
    if (!isField && !isLengths && !schema.isAbsent(name))
      unread.push_back(fmt::format("`{}`", shown(name)));
  }
  if (unread.empty())
    return;
  std::string times;
  for (const std::string &time : schema.times)
    times += fmt::format("{}`{}`", times.empty() ? "" : ", ", time);
  warnings.push_back(fmt::format(
      "{}: warning: not read: {}{}", path, fmt::join(unread, ", "),
      times.empty()
          ? ""
          : fmt::format(" (lengths are called as their axes: {})", times)));
}

Status data::readArrays(DatasetBuilder &builder, const Schema &schema,
                        const std::string &path) {
  Result<TensorFile> file = readTensorFile(path);
  if (!file)
    return file.error();
  builder.beginFile(path);
  noteUnread(*file, schema, path, builder.data.warnings);
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
  std::set<std::string> inner;
  std::map<size_t, ArrayLengths> several;
  Schema sized = schema; // with the sizes that arrays show
  sized.bind(builder.data.axisSizes);
  for (size_t f = 0; f < sized.fields.size(); ++f) {
    const FieldSchema &field = sized.fields[f];
    ArrayLengths own{
        field, FieldLayout(sized, field), *file->find(field.name), {}};
    if (own.layout.isSimple())
      continue;
    own.given.resize(own.layout.rank());
    for (size_t a = 0; a < own.layout.rank(); ++a) {
      if (own.layout.time(a) < 0)
        continue;
      if (own.layout.isNested(a))
        inner.insert(field.axes[a].name);
      const Tensor *given = file->find(field.axes[a].name);
      if (!given)
        continue;
      Result<Tensor> exact =
          convertExact(*given, DType::I32, field.axes[a].name);
      if (!exact)
        return dataError("{}: error: {}", path, exact.error().message);
      if (own.layout.isNested(a))
        if (Status status = checkLengths(*exact, own, a, path); !status)
          return status;
      own.given[a] = std::move(*exact);
    }
    several.emplace(f, std::move(own));
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
      if (auto found = several.find(f); found != several.end()) {
        if (Status status = addInner(builder, sized, f, found->second, e, path);
            !status)
          return status;
        continue;
      }
      int time = field.time(schema.times);
      int64_t length = steps[f];
      if (time >= 0 && !lengths[static_cast<size_t>(time)].empty())
        length = lengths[static_cast<size_t>(time)][static_cast<size_t>(e)];
      if (length < 0 || length > steps[f])
        return dataError("{}:{}: error: the length {} is not between 0 and {}",
                         path, e + 1, length, steps[f]);
      int64_t whole = array.count() / examples;
      int64_t used = steps[f] ? whole / steps[f] * length : 0;
      std::vector<double> values;
      for (int64_t i = 0; i < used; ++i)
        values.push_back(array.number(e * whole + i));
      if (Status status = builder.checkFinite(f, values); !status)
        return status;
      if (Status status = builder.addNumbers(f, values, length); !status)
        return status;
    }
    if (Status status = builder.finish(); !status)
      return status;
  }
  return {};
}
