// Batches.h: examples into padded batches, the same in every run.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_BATCHES_H
#define RNNC_DATA_BATCHES_H

#include "rnnc/Data/Dataset.h"

namespace rnnc::data {

/// Arguments of a call, by name: fields, lengths, `reset`.
struct Batch {
  std::map<std::string, Tensor> arrays;
  std::vector<int32_t> examples; ///< of each row; -1: an empty row
  int32_t rows = 0;
  int64_t elements = 0; ///< observed entries of the first output
  std::map<std::string, int64_t> observed; ///< of each output
  int64_t steps = 0; ///< valid steps of the first time axis, or rows
};

/// One row of a batch: a piece of an example.
struct BatchRow {
  int32_t example = -1; ///< -1: none
  int64_t begin = 0, length = 0;
  bool reset = false;
};

/// A batch of these rows; `chunks`: their pieces, with `reset`, else whole
/// examples.
Batch makeBatch(const Dataset &data, const Schema &schema,
                const std::vector<BatchRow> &rows, bool chunks);

/// The batches of one pass over a data set: which examples, in which order, is
/// a function of the seed and the epoch alone.
class BatchPlan {
public:
  struct Options {
    int32_t batch = 32;
    uint64_t seed = 0, epoch = 0;
    bool shuffle = true; ///< else in order, as evaluation wants it
    bool mixed = false;  ///< any lengths together, else similar ones
    /// `bptt k carry`: steps of a chunk; 0: whole examples.
    int64_t chunk = 0;
  };
  BatchPlan(const Dataset &data, const Schema &schema, const Options &options);

  int64_t count() const { return static_cast<int64_t>(plan.size()); }
  Batch make(int64_t index) const;

private:
  void planExamples();
  void planChunks();
  std::vector<int32_t> order() const;
  int32_t lengthOf(int32_t example) const;
  void sortByLength(std::vector<int32_t> &examples) const;

  const Dataset &data;
  const Schema &schema;
  Options options;
  std::vector<std::vector<BatchRow>> plan;
};

} // namespace rnnc::data

#endif // RNNC_DATA_BATCHES_H
