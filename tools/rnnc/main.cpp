// main.cpp: the command line of rnnc.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"
#include "Commands.h"

#if RNNC_HAVE_PIPELINE
#include "CompileCommand.h"
#include "rnnc/Pipeline/CrashReport.h"
#include "llvm/Config/llvm-config.h"
#endif

#include "rnnc/Data/Result.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <sys/resource.h>
#include <system_error>

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

std::string rnnc::tool::versionText() {
  std::string text = "rnnc " RNNC_VERSION;
#if RNNC_HAVE_PIPELINE
  text += " (LLVM " LLVM_VERSION_STRING ")";
#endif
  return text;
}

/// Standard output could not be written: a full disc, say.
static int fail(const char *reason) {
  std::fprintf(stderr, "rnnc: error: standard output cannot be written: %s\n",
               reason);
  return rnnc::ExitToolFailure;
}

/// Programs as deep as the limits allow, and chains of thousands of
/// definitions, are walked by recursion. Linux keeps at least 128 MiB free for
/// the stack.
static void growStack() {
  constexpr rlim_t wanted = rlim_t(112) << 20;
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_STACK, &limit);
}

int main(int argc, char **argv) {
  growStack();
#if RNNC_HAVE_PIPELINE
  rnnc::installCrashReport("rnnc");
  if (rnnc::tool::isCompileCommand(argc, argv))
    return rnnc::tool::runCompileCommand(argc, argv);
#endif
  CLI::App app{"rnnc compiles recurrent models ahead of time, trains them and "
               "uses them."};
  app.require_subcommand(1);
  app.set_version_flag("--version", rnnc::tool::versionText());
  int exitCode = rnnc::ExitOk;
  rnnc::tool::addCheckCommand(app, exitCode);
  rnnc::tool::addExplainCommand(app, exitCode);
  rnnc::tool::addRunCommand(app, exitCode);
  rnnc::tool::addBenchCommand(app, exitCode);
  rnnc::tool::addInspectCommand(app, exitCode);
#if RNNC_HAVE_PIPELINE
  rnnc::tool::addGradCheckCommand(app, exitCode);
#endif
  rnnc::tool::addTrainCommand(app, exitCode);
  rnnc::tool::addEvalCommand(app, exitCode);
  rnnc::tool::addPredictCommand(app, exitCode);
  rnnc::tool::addSampleCommand(app, exitCode);
  rnnc::tool::addReportCommand(app, exitCode);
#if RNNC_HAVE_PIPELINE
  rnnc::tool::addGraphCommand(app, exitCode);
#endif
  app.footer("Examples:\n"
             "  rnnc model.rnn -o libmodel.so\n"
             "  rnnc train model.rnn --data text.txt --out run\n"
             "  rnnc sample run --length 300\n"
             "  rnnc help train");
  rnnc::tool::setHelpStyle(app);
  for (int i = 0; i < argc; ++i)
    typed += (i ? " " : "") + quoted(argv[i]);
  try {
    rnnc::tool::parseCommandLine(app, argc, argv, exitCode);
  } catch (const std::system_error &error) { // of fmt::print
    return fail(error.code().message().c_str());
  } catch (const std::bad_alloc &) {
    std::fputs("rnnc: error: out of memory\n", stderr);
    return rnnc::ExitToolFailure;
  } catch (const std::exception &error) {
    fmt::print(stderr, "rnnc: internal error: {}\n", error.what());
    return rnnc::ExitInternal;
  }
  // A result that could not be written is no success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return fail(std::strerror(errno));
  return exitCode;
}
