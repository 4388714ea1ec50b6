// Check.cpp: the verbs `check` and `explain`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"
#include "Commands.h"

#if RNNC_HAVE_PIPELINE
#include "Elaborated.h"
#endif
#include "Model.h"
#include "rnnc/Frontend/Check.h"

#include <cctype>
#include <fmt/format.h>

using namespace rnnc;

namespace {

struct CheckArguments {
  std::string path;
  std::vector<std::string> dims;
  CheckOptions options;
};

int check(CheckArguments &arguments) {
  auto dims = tool::parseDims(arguments.dims);
  if (!dims)
    return tool::report(dims.error());
  arguments.options.frontend.dims = std::move(*dims);
#if RNNC_HAVE_PIPELINE
  if (arguments.options.complete) {
    tool::ModelOptions options;
    options.model = arguments.path;
    options.dims = arguments.dims;
    options.importDirs = arguments.options.frontend.importDirs;
    auto elaborated = tool::elaborate(options);
    return elaborated ? ExitOk : tool::report(elaborated.error());
  }
#endif
  return runCheck(arguments.path, arguments.options);
}

int printPage(std::string code) {
  for (char &c : code)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (std::optional<std::string> page = explain(code)) {
    fmt::print("{}", *page);
    return ExitOk;
  }
  std::string codes;
  for (const std::string &known : explainedCodes())
    codes += (codes.empty() ? "" : " ") + known;
  fmt::print(stderr, "rnnc explain: there is no code `{}`; known are {}\n",
             code, codes);
  return ExitUsage;
}

} // namespace

void rnnc::tool::addCheckCommand(CLI::App &app, int &exitCode) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App *verb = addVerb(app, "check", "Look for mistakes in a source");
  verb->add_option("FILE", arguments->path,
                   "The source, a .rnn file; - is standard input")
      ->required();
  verb->add_option("-D", arguments->dims, "Set a dim of the source")
      ->option_text("AXIS=N")
      ->allow_extra_args(false);
  verb->add_option("-I", arguments->options.frontend.importDirs,
                   "Look for imports in DIR too")
      ->option_text("DIR")
      ->allow_extra_args(false);
  verb->add_flag("--complete", arguments->options.complete,
                 "Also report what stands in the way of generating code");
  verb->add_flag_function(
      "--color,!--no-color", [](int64_t count) { chooseColor(count > 0); },
      "Colour the messages, or do not, wherever they go");
  verb->footer("Example:\n  rnnc check model.rnn");
  verb->callback([arguments, &exitCode] { exitCode = check(*arguments); });
}

void rnnc::tool::addExplainCommand(CLI::App &app, int &exitCode) {
  auto code = std::make_shared<std::string>();
  CLI::App *verb = addVerb(app, "explain", "Tell what an error code means");
  verb->add_option("CODE", *code, "Such as E101")->required();
  verb->footer("Example:\n  rnnc explain E101");
  verb->callback([code, &exitCode] { exitCode = printPage(*code); });
}
