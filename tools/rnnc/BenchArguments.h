// BenchArguments.h: made-up arguments of a function, for `rnnc bench`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_BENCHARGUMENTS_H
#define RNNC_TOOLS_RNNC_BENCHARGUMENTS_H

#include "rnnc/Training/Library.h"

namespace rnnc::tool {

/// Lengths of one time axis, or of all: `100`, or `10..200` for rows of
/// different lengths, the first of which is as long as can be.
struct Lengths {
  std::string axis; ///< empty: every axis that is not named
  int32_t low = 0, high = 0;

  /// `100`, `T=100`, `10..200`, `T=10..200`.
  static Result<Lengths> parse(const std::string &text);
};

/// What a function is called with.
struct BenchCall {
  training::Arrays args;
  std::map<std::string, int32_t> lengths; ///< padded length of each time axis
};

/// Numbers drawn from `seed` for all that `function` must be given: normal
/// numbers, indices of their axis, bits; `given` comes first. What may be left
/// out is, but for lengths.
Result<BenchCall> makeArguments(const training::FunctionInfo &function,
                                int32_t batch,
                                const std::vector<Lengths> &lengths,
                                const training::Arrays &given, uint64_t seed);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_BENCHARGUMENTS_H
