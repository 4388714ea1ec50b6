// CommandLine.h: help texts and messages of rnnc's command line.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_COMMANDLINE_H
#define RNNC_TOOLS_RNNC_COMMANDLINE_H

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rnnc::tool {

/// Checks of option values; each says what it wants. Every number that has
/// passed fits its variable. Those of whole numbers are for `transform`: of
/// `1e6` they make 1000000.
extern const CLI::Validator AtLeastOne;   ///< 1 to 2147483647
extern const CLI::Validator NotBelowZero; ///< 0 to 2147483647
extern const CLI::Validator ThreadCount;  ///< 1 to 1024
extern const CLI::Validator SeedNumber;   ///< 0 to 2^64 - 1
extern const CLI::Validator PositiveReal; ///< above 0
extern const CLI::Validator NotNegative;  ///< 0 or above
extern const CLI::Validator Share;        ///< in (0, 1]

/// A whole number in a range.
CLI::Validator wholeNumber(int64_t low, int64_t high);

/// A finite number as it is written in decimal; nothing else stands around it.
std::optional<double> finiteNumber(const std::string &text);

/// `A=B` cut at its first `=`; nothing if one side is empty.
std::optional<std::pair<std::string, std::string>>
assignment(const std::string &text);

/// `cpu`, `gpu` or `gpu:N`; `cpu` becomes the empty text.
extern const CLI::Validator DeviceName;

/// One of a few words.
CLI::Validator oneOf(const std::vector<std::string> &words);

/// A verb. Whoever makes a CLI::App compiles half of CLI11: no other file does.
CLI::App *addVerb(CLI::App &app, const std::string &name,
                  const std::string &description);

/// Makes help texts of `app`'s verbs short.
void setHelpStyle(CLI::App &app);

/// Parses, runs the verb's callback and prints what is wrong with the command
/// line. Returns whether a verb has run; `exitCode` is set if not.
bool parseCommandLine(CLI::App &app, int argc, char **argv, int &exitCode);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_COMMANDLINE_H
