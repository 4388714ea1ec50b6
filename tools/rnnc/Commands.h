// Commands.h: the verbs of rnnc, one file each.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_COMMANDS_H
#define RNNC_TOOLS_RNNC_COMMANDS_H

#include <CLI/CLI.hpp>

namespace rnnc::tool {

/// Each adds its verb to `app`. The verb's callback stores the exit code.
void addCheckCommand(CLI::App &app, int &exitCode);
void addExplainCommand(CLI::App &app, int &exitCode);
void addRunCommand(CLI::App &app, int &exitCode);
void addBenchCommand(CLI::App &app, int &exitCode);
void addInspectCommand(CLI::App &app, int &exitCode);
void addGradCheckCommand(CLI::App &app, int &exitCode);
void addTrainCommand(CLI::App &app, int &exitCode);
void addEvalCommand(CLI::App &app, int &exitCode);
void addPredictCommand(CLI::App &app, int &exitCode);
void addSampleCommand(CLI::App &app, int &exitCode);
void addReportCommand(CLI::App &app, int &exitCode);
void addGraphCommand(CLI::App &app, int &exitCode);

/// What `rnnc --version` says.
std::string versionText();

/// The command line as typed, quoted for a shell.
const std::string &commandLine();

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_COMMANDS_H
