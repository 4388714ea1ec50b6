// Batches.cpp: plans epochs and pads batches.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Batches.h"
#include "rnnc/Data/Random.h"

#include <algorithm>
#include <numeric>

using namespace rnnc;
using namespace rnnc::data;

/// Examples of this many batches are sorted by length together: little padding
/// and still a different mixture in every epoch.
static constexpr size_t bucketBatches = 50;

BatchPlan::BatchPlan(const Dataset &data, const Schema &schema,
                     const Options &options)
    : data(data), schema(schema), options(options) {
  if (options.chunk > 0)
    planChunks();
  else
    planExamples();
}

std::vector<int32_t> BatchPlan::order() const {
  if (options.shuffle)
    return permutation(data.size(), options.seed, 2 * options.epoch);
  std::vector<int32_t> order(static_cast<size_t>(data.size()));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

int32_t BatchPlan::lengthOf(int32_t example) const {
  return data.lengths.empty() ? 0
                              : data.lengths[0][static_cast<size_t>(example)];
}

void BatchPlan::sortByLength(std::vector<int32_t> &examples) const {
  size_t bucket = static_cast<size_t>(options.batch) * bucketBatches;
  for (size_t begin = 0; begin < examples.size(); begin += bucket) {
    // Sorted with their place, so that equal lengths keep their order.
    std::vector<std::pair<int32_t, size_t>> sorted;
    for (size_t i = begin; i < std::min(begin + bucket, examples.size()); ++i)
      sorted.emplace_back(lengthOf(examples[i]), i);
    std::sort(sorted.begin(), sorted.end());
    std::vector<int32_t> moved;
    for (const auto &[steps, at] : sorted)
      moved.push_back(examples[at]);
    std::copy(moved.begin(), moved.end(),
              examples.begin() + static_cast<ptrdiff_t>(begin));
  }
}

void BatchPlan::planExamples() {
  std::vector<int32_t> examples = order();
  if (!options.mixed)
    sortByLength(examples);
  size_t batch = static_cast<size_t>(options.batch);
  std::vector<std::vector<BatchRow>> batches;
  for (size_t begin = 0; begin < examples.size(); begin += batch) {
    batches.emplace_back();
    for (size_t i = begin; i < std::min(begin + batch, examples.size()); ++i)
      batches.back().push_back({examples[i], 0, lengthOf(examples[i]), true});
  }
  if (!options.shuffle) {
    plan = std::move(batches);
    return;
  }
  for (int32_t i : permutation(static_cast<int32_t>(batches.size()),
                               options.seed, 2 * options.epoch + 1))
    plan.push_back(std::move(batches[static_cast<size_t>(i)]));
}

void BatchPlan::planChunks() {
  struct Piece {
    int32_t example;
    int64_t begin, end;
  };
  std::vector<Piece> pieces;
  size_t rows = static_cast<size_t>(options.batch);
  if (schema.isRunningText()) {
    // One text: every row reads its own contiguous share. What does not fill
    // all rows is left out of training, never out of an evaluation.
    int64_t n = data.size() ? data.lengths[0][0] : 0;
    int64_t count = static_cast<int64_t>(rows);
    for (int64_t r = 0; r < count; ++r) {
      int64_t even = n / count;
      int64_t begin = options.shuffle ? r * even : n * r / count;
      int64_t end = options.shuffle ? begin + even : n * (r + 1) / count;
      pieces.push_back({0, begin, end});
    }
  } else {
    for (int32_t example : order())
      pieces.push_back(
          {example, 0, data.lengths[0][static_cast<size_t>(example)]});
  }
  std::vector<Piece> current(rows, {-1, 0, 0});
  size_t next = 0;
  while (true) {
    std::vector<BatchRow> chunk(rows);
    bool any = false;
    for (size_t r = 0; r < rows; ++r) {
      Piece &piece = current[r];
      bool begins = false;
      while (piece.begin == piece.end && next < pieces.size()) {
        piece = pieces[next++];
        begins = true;
      }
      int64_t length = std::min(options.chunk, piece.end - piece.begin);
      chunk[r] = {piece.example, piece.begin, length, begins};
      piece.begin += length;
      any |= length > 0;
    }
    if (!any)
      return;
    plan.push_back(std::move(chunk));
  }
}

/// Copies one row of a field into a padded array.
static void fillRow(const Column &column, int64_t from, int64_t count,
                    int64_t to, bool real, Tensor &tensor) {
  for (int64_t i = 0; i < count; ++i) {
    if (real)
      tensor.as<double>()[to + i] = column.reals[static_cast<size_t>(from + i)];
    else
      tensor.as<int32_t>()[to + i] = column.ints[static_cast<size_t>(from + i)];
  }
}

/// Lengths of the elements of each row, along an axis inside of others.
static Tensor innerLengths(const Dataset &data, const Schema &schema,
                           const std::vector<BatchRow> &rows, size_t time,
                           const std::vector<int64_t> &longest) {
  FieldLayout around = FieldLayout::ofLengths(schema, time);
  std::vector<int64_t> shape = {static_cast<int64_t>(rows.size())};
  for (size_t a = 0; a < around.rank(); ++a)
    shape.push_back(longest[static_cast<size_t>(around.time(a))]);
  Tensor tensor(DType::I32, shape);
  int64_t stride = rows.empty() ? 0 : tensor.count() / shape[0];
  for (size_t r = 0; r < rows.size(); ++r) {
    size_t e = static_cast<size_t>(rows[r].example);
    int64_t from = data.inner[time].begin[e];
    around.eachRun(data.extents(e), std::span(shape).subspan(1),
                   [&](int64_t first, int64_t count) {
                     fillRow(data.inner[time], from, count,
                             static_cast<int64_t>(r) * stride + first, false,
                             tensor);
                     from += count;
                   });
  }
  return tensor;
}

Batch BatchPlan::make(int64_t index) const {
  return makeBatch(data, schema, plan[static_cast<size_t>(index)],
                   options.chunk > 0);
}

Batch data::makeBatch(const Dataset &data, const Schema &schema,
                      const std::vector<BatchRow> &rows, bool chunks) {
  Batch batch;
  batch.rows = static_cast<int32_t>(rows.size());
  for (const BatchRow &row : rows)
    batch.examples.push_back(row.length || !chunks ? row.example : -1);
  // Lengths of every row on every time axis. Chunks have one time axis.
  std::vector<std::vector<int32_t>> lengths(schema.times.size());
  std::vector<int64_t> longest(schema.times.size(), 0);
  for (size_t t = 0; t < schema.times.size(); ++t) {
    for (const BatchRow &row : rows) {
      int64_t length = chunks
                           ? row.length
                           : data.lengths[t][static_cast<size_t>(row.example)];
      lengths[t].push_back(static_cast<int32_t>(length));
      longest[t] = std::max(longest[t], length);
    }
    batch.arrays[schema.times[t]] =
        Tensor::copyOf(DType::I32, {batch.rows}, lengths[t].data());
  }
  for (const FieldSchema &field : schema.fields) {
    FieldLayout layout(schema, field);
    for (size_t a = 0; a < layout.rank(); ++a)
      if (layout.isNested(a)) {
        size_t t = static_cast<size_t>(layout.time(a));
        batch.arrays[schema.times[t]] =
            innerLengths(data, schema, rows, t, longest);
      }
  }
  batch.steps =
      schema.times.empty()
          ? batch.rows
          : std::accumulate(lengths[0].begin(), lengths[0].end(), int64_t(0));
  for (size_t f = 0; f < schema.fields.size(); ++f) {
    const FieldSchema &field = schema.fields[f];
    const Column &column = data.columns[f];
    FieldLayout layout(schema, field);
    std::vector<int64_t> shape = {batch.rows};
    for (size_t a = 0; a < field.axes.size(); ++a)
      shape.push_back(field.axes[a].isTime
                          ? longest[static_cast<size_t>(layout.time(a))]
                          : field.axes[a].size);
    bool real = field.kind == FieldSchema::Kind::Real;
    Tensor tensor(real ? DType::F64 : DType::I32, shape);
    int64_t stride = batch.rows ? tensor.count() / batch.rows : 0;
    int64_t inner = field.inner(), observed = 0;
    for (size_t r = 0; r < rows.size(); ++r) {
      if (rows[r].example < 0)
        continue;
      size_t e = static_cast<size_t>(rows[r].example);
      ExampleExtents extents = data.extents(e);
      for (size_t t = 0; chunks && t < lengths.size(); ++t)
        extents.longest[t] = lengths[t][r];
      int64_t from = column.begin[e] + rows[r].begin * inner;
      layout.eachRun(extents, std::span(shape).subspan(1),
                     [&](int64_t first, int64_t count) {
                       fillRow(column, from, count,
                               static_cast<int64_t>(r) * stride + first, real,
                               tensor);
                       from += count;
                       observed += count;
                     });
    }
    if (field.output) {
      batch.observed[field.name] = observed;
      if (batch.elements == 0)
        batch.elements = observed;
    }
    batch.arrays[field.name] = std::move(tensor);
  }
  if (chunks) {
    Tensor reset(DType::I32, {batch.rows});
    for (size_t r = 0; r < rows.size(); ++r)
      reset.as<int32_t>()[r] = rows[r].reset;
    batch.arrays["reset"] = std::move(reset);
  }
  return batch;
}
