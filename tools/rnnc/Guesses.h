// Guesses.h: options that a person would try, and where what they ask for
// lives. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_GUESSES_H
#define RNNC_TOOLS_RNNC_GUESSES_H

#include <string>
#include <string_view>

namespace rnnc::tool {

/// What to write instead of an option that there is not, with `-` or `--` in
/// front and without a value; empty if nothing is known of it. `verb` is empty
/// where a model is compiled.
std::string guessedOption(std::string_view option, std::string_view verb);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_GUESSES_H
