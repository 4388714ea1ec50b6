// EvaluateText.cpp: reads a running text with the states of its left context.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "EvaluateText.h"

#include "rnnc/Training/Evaluate.h"

#include <algorithm>
#include <cmath>

using namespace rnnc;
using namespace rnnc::training;
using data::Batch;
using data::BatchRow;
using data::Buffer;
using data::Tensor;

/// A row has at least this many symbols of its own, and reads this many before.
static constexpr int64_t ownSymbols = 4096, leadSymbols = 512;
static constexpr int64_t mostRows = 32;
/// How often rows are read again from better first states.
static constexpr int mostPasses = 3;
/// States are equal if they differ by this share of the largest one. What is
/// left of such a difference in the mean surprise is far below 1e-5 nats.
static constexpr double stateTolerance = 1e-4;

namespace {

/// Symbols [begin, end) of the text.
struct Span {
  int64_t begin, end;
};

class TextReader {
public:
  TextReader(ModelInstance &instance, const data::Schema &schema,
             const data::Dataset &data)
      : instance(instance), schema(schema), data(data),
        loss(instance.module().find("loss")) {}

  Result<double> run();

private:
  Result<double> read(const std::vector<Span> &spans);
  Result<double> readChunk(const std::vector<BatchRow> &rows);
  Result<std::optional<double>> readInRows(int64_t count);
  std::vector<Tensor> states(int64_t rows);
  void putStates(const std::vector<Tensor> &ends, int64_t rows);

  ModelInstance &instance;
  const data::Schema &schema;
  const data::Dataset &data;
  int loss;
};

} // namespace

/// The sum over all elements of a chunk.
Result<double> TextReader::readChunk(const std::vector<BatchRow> &rows) {
  Batch batch = data::makeBatch(data, schema, rows, /*chunks=*/true);
  ModelInstance::CallOptions call;
  call.usePrepared = true;
  call.useCarry = true;
  Result<Arrays> results = instance.call(
      loss,
      argumentsOf(instance.module().functions[static_cast<size_t>(loss)],
                  batch),
      call);
  if (!results)
    return results.error();
  int64_t share =
      instance.module().lossPerExample() ? batch.rows : batch.elements;
  return share ? (*results)["loss"].number(0) * static_cast<double>(share) : 0;
}

/// Reads every row's span, and leaves the carry behind it.
Result<double> TextReader::read(const std::vector<Span> &spans) {
  // Few rows read more steps at a time: equal work, equal memory.
  int64_t count = static_cast<int64_t>(spans.size());
  int64_t chunk = *schema.chunk * std::max<int64_t>(mostRows / count, 1);
  double sum = 0;
  for (int64_t done = 0;; done += chunk) {
    std::vector<BatchRow> rows;
    bool any = false;
    for (const Span &span : spans) {
      int64_t left =
          std::clamp<int64_t>(span.end - span.begin - done, 0, chunk);
      rows.push_back({0, span.begin + done, left, /*reset=*/false});
      any |= left > 0;
    }
    if (!any)
      return sum;
    Result<double> part = readChunk(rows);
    if (!part)
      return part;
    sum += *part;
  }
}

/// All states of the carry, [rows, numbers].
std::vector<Tensor> TextReader::states(int64_t rows) {
  std::vector<Tensor> result;
  const auto &infos = instance.module().states;
  for (size_t s = 0; s < infos.size(); ++s) {
    int64_t count = 1;
    for (int64_t size : infos[s].shape)
      count *= size;
    result.push_back(Tensor::copyOf(instance.library().manifest().real(),
                                    {rows, count},
                                    instance.carryState(static_cast<int>(s))));
  }
  return result;
}

/// Every row but the first begins where the one before it ended.
void TextReader::putStates(const std::vector<Tensor> &ends, int64_t rows) {
  for (size_t s = 0; s < ends.size(); ++s) {
    size_t row = ends[s].bytes.size() / static_cast<size_t>(rows);
    auto *to =
        static_cast<std::byte *>(instance.carryState(static_cast<int>(s)));
    std::memcpy(to + row, ends[s].bytes.data(),
                row * static_cast<size_t>(rows - 1));
  }
}

/// Whether every row began where the one before it ended.
static bool agree(const std::vector<Tensor> &begins,
                  const std::vector<Tensor> &ends) {
  for (size_t s = 0; s < ends.size(); ++s) {
    double largest = 0;
    for (int64_t i = 0; i < ends[s].count(); ++i)
      largest = std::max(largest, std::abs(ends[s].number(i)));
    int64_t row = ends[s].shape[1];
    for (int64_t i = row; i < ends[s].count(); ++i) {
      double off = std::abs(begins[s].number(i) - ends[s].number(i - row));
      if (!(off <= stateTolerance * largest))
        return false;
    }
  }
  return true;
}

/// Nothing if the rows' states do not come together.
Result<std::optional<double>> TextReader::readInRows(int64_t count) {
  int64_t n = data.lengths[0][0];
  std::vector<Span> own, lead;
  for (int64_t r = 0; r < count; ++r) {
    int64_t begin = n * r / count;
    own.push_back({begin, n * (r + 1) / count});
    lead.push_back({r ? begin - leadSymbols : 0, begin});
  }
  if (Status status = instance.initialiseCarry(static_cast<int32_t>(count));
      !status)
    return status.error();
  if (Result<double> sum = read(lead); !sum)
    return sum.error();
  Buffer begin = instance.carryBytes();
  std::vector<Tensor> begins = states(count);
  for (int pass = 0; pass < mostPasses; ++pass) {
    Result<double> sum = read(own);
    if (!sum)
      return sum.error();
    std::vector<Tensor> ends = states(count);
    if (agree(begins, ends))
      return std::optional<double>(*sum);
    instance.exchangeCarry(begin);
    putStates(ends, count);
    begins = states(count);
  }
  return std::optional<double>();
}

Result<double> TextReader::run() {
  int64_t n = data.size() ? data.lengths[0][0] : 0;
  int64_t rows = std::clamp<int64_t>(n / ownSymbols, 1, mostRows);
  bool seesStates = instance.module().states.empty();
  if (rows > 1 && !seesStates) {
    if (Status status = instance.initialiseCarry(1); !status)
      return status.error();
    seesStates = instance.carryState(0) != nullptr;
  }
  if (rows > 1 && seesStates) {
    Result<std::optional<double>> sum = readInRows(rows);
    if (!sum)
      return sum.error();
    if (*sum)
      return **sum;
  }
  if (Status status = instance.initialiseCarry(1); !status)
    return status.error();
  return read({{0, n}});
}

Result<double> training::readText(ModelInstance &instance,
                                  const data::Schema &schema,
                                  const data::Dataset &data) {
  return TextReader(instance, schema, data).run();
}
