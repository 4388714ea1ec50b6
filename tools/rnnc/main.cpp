// main.cpp: the command line of rnnc.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"

#if RNNC_HAVE_PIPELINE
#include "CompileCommand.h"
#endif

#include "rnnc/Data/Result.h"

int main(int argc, char **argv) {
#if RNNC_HAVE_PIPELINE
  if (rnnc::tool::isCompileCommand(argc, argv))
    return rnnc::tool::runCompileCommand(argc, argv);
#endif
  CLI::App app{"rnnc compiles recurrent models ahead of time, trains them and "
               "uses them"};
  app.require_subcommand(1);
  int exitCode = rnnc::ExitOk;
  rnnc::tool::addRunCommand(app, exitCode);
  rnnc::tool::addInspectCommand(app, exitCode);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? rnnc::ExitOk : rnnc::ExitUsage;
  }
  return exitCode;
}
