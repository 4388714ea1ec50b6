// CommandLine.h: help texts and messages of rnnc's command line.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_COMMANDLINE_H
#define RNNC_TOOLS_RNNC_COMMANDLINE_H

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace rnnc::tool {

/// Checks of option values; each says what it wants.
extern const CLI::Validator AtLeastOne;   ///< 1, 2, ...
extern const CLI::Validator WholeNumber;  ///< 0, 1, 2, ...
extern const CLI::Validator PositiveReal; ///< above 0
extern const CLI::Validator NotNegative;  ///< 0 or above
extern const CLI::Validator Share;        ///< in (0, 1]

/// One of a few words.
CLI::Validator oneOf(const std::vector<std::string> &words);

/// Makes help texts of `app`'s verbs short.
void setHelpStyle(CLI::App &app);

/// Parses, runs the verb's callback and prints what is wrong with the command
/// line. Returns whether a verb has run; `exitCode` is set if not.
bool parseCommandLine(CLI::App &app, int argc, char **argv, int &exitCode);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_COMMANDLINE_H
