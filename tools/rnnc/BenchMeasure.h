// BenchMeasure.h: how long one function of a library takes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_BENCHMEASURE_H
#define RNNC_TOOLS_RNNC_BENCHMEASURE_H

#include "BenchArguments.h"
#include "Model.h"

namespace rnnc::tool {

/// What `rnnc bench` was asked for.
struct BenchOptions {
  ModelOptions model;
  std::vector<std::string> functions, lengthTexts;
  std::vector<Lengths> lengths; ///< what the texts say
  std::vector<int> batches, threads{1};
  std::string in, weights, compare, tune;
  double minTime = 0.3, maxTime = 5, within = 1;
  uint64_t seed = 0;
  bool json = false, perf = false;
};

/// The times of one row of the table, in milliseconds.
struct Timing {
  size_t calls = 0;
  double best = 0, median = 0;
  /// 95 in 100 such intervals hold the true median.
  double low = 0, high = 0;
  bool settled = false;
  std::vector<std::pair<std::string, uint64_t>> counters;
};

/// What tells one row from another. A batch of 0 is that of the arguments
/// given.
struct BenchRow {
  std::string function, length;
  int batch = 0, threads = 0;

  bool operator==(const BenchRow &) const = default;
};

/// Calls the function of a row until its median is known well enough; says the
/// batch if it was 0.
Result<Timing> measureRow(std::shared_ptr<training::Library> library,
                          BenchRow &row, const BenchOptions &options);

/// All rows, in the order in which they are shown.
std::vector<BenchRow> rowsOf(const training::Library &library,
                             const BenchOptions &options);

/// Looks for decisions that make the rows faster and writes them to the file
/// `options.tune`.
Status tune(const BenchOptions &options);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_BENCHMEASURE_H
