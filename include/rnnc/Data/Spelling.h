// Spelling.h: what a mistyped name was meant to be.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_SPELLING_H
#define RNNC_DATA_SPELLING_H

#include <optional>
#include <string>
#include <vector>

namespace rnnc::data {

/// The known name that `typed` was probably meant to be.
std::optional<std::string> closest(const std::string &typed,
                                   const std::vector<std::string> &known);

/// "; did you mean `X`?", or nothing.
std::string didYouMean(const std::string &typed,
                       const std::vector<std::string> &known);

} // namespace rnnc::data

#endif // RNNC_DATA_SPELLING_H
