// main.cpp: the command line of rnnc.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"

#if RNNC_HAVE_PIPELINE
#include "CompileCommand.h"
#endif

#include "rnnc/Data/Result.h"

#include <algorithm>

static std::string typed;

const std::string &rnnc::tool::commandLine() { return typed; }

/// An argument as a shell would have to be given it.
static std::string quoted(const std::string &argument) {
  auto isPlain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-_./=:,+@%").find(c) != std::string_view::npos;
  };
  if (!argument.empty() &&
      std::all_of(argument.begin(), argument.end(), isPlain))
    return argument;
  std::string result = "'";
  for (char c : argument)
    result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

int main(int argc, char **argv) {
#if RNNC_HAVE_PIPELINE
  if (rnnc::tool::isCompileCommand(argc, argv))
    return rnnc::tool::runCompileCommand(argc, argv);
#endif
  CLI::App app{"rnnc compiles recurrent models ahead of time, trains them and "
               "uses them"};
  app.require_subcommand(1);
  int exitCode = rnnc::ExitOk;
  rnnc::tool::addCheckCommand(app, exitCode);
  rnnc::tool::addExplainCommand(app, exitCode);
  rnnc::tool::addRunCommand(app, exitCode);
  rnnc::tool::addInspectCommand(app, exitCode);
#if RNNC_HAVE_PIPELINE
  rnnc::tool::addGradCheckCommand(app, exitCode);
#endif
  rnnc::tool::addTrainCommand(app, exitCode);
  rnnc::tool::addEvalCommand(app, exitCode);
  rnnc::tool::addPredictCommand(app, exitCode);
  rnnc::tool::addSampleCommand(app, exitCode);
  for (int i = 0; i < argc; ++i)
    typed += (i ? " " : "") + quoted(argv[i]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? rnnc::ExitOk : rnnc::ExitUsage;
  }
  return exitCode;
}
