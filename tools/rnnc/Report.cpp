// Report.cpp: `rnnc report`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Report/Report.h"
#include "CommandLine.h"
#include "Commands.h"
#include "Model.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Training/ModelDirectory.h"

#include <filesystem>

using namespace rnnc;
using namespace rnnc::tool;

namespace {
struct ReportCommand {
  std::vector<std::string> directories;
  std::string out;
  bool quiet = false;
};
} // namespace

/// No record of a training is written over.
static Status keepRecords(const ReportCommand &command) {
  std::string name = std::filesystem::path(command.out).filename().string();
  std::error_code code;
  for (const std::string &directory : command.directories)
    if (training::ModelDirectory::isOwnFile(name) &&
        std::filesystem::exists(command.out, code) &&
        std::filesystem::equivalent(std::filesystem::path(command.out),
                                    directory + "/" + name, code))
      return usageError("{}: error: this is a record of the training; give "
                        "another --out",
                        command.out);
  return {};
}

static int makeReport(ReportCommand command) {
  if (command.out.empty() && command.directories.size() > 1)
    return report(usageError("rnnc: error: say with --out where a page about "
                             "several trainings goes"));
  if (command.out.empty())
    command.out = command.directories.front() + "/report.html";
  if (Status status = keepRecords(command); !status)
    return report(status.error());
  Result<std::string> page = pages::makePage(command.directories);
  if (!page)
    return report(page.error());
  if (command.out == "-") {
    fmt::print("{}", *page);
    return ExitOk;
  }
  if (Status status = data::writeFileAtomically(command.out, *page); !status)
    return report(status.error());
  if (!command.quiet)
    fmt::print(stderr, "{}\n", command.out);
  return ExitOk;
}

void tool::addReportCommand(CLI::App &app, int &exitCode) {
  auto options = std::make_shared<ReportCommand>();
  CLI::App *command =
      addVerb(app, "report", "Show how trainings went, as a page of HTML");
  command
      ->add_option("DIR", options->directories,
                   "Directories of `train`; several are compared")
      ->required();
  command
      ->add_option("--out", options->out,
                   "Where the page goes (default: report.html in DIR); - is "
                   "standard output")
      ->option_text("FILE");
  command->add_flag("--quiet", options->quiet, "Do not say where it is");
  command->footer("Examples:\n"
                  "  rnnc report run\n"
                  "  rnnc report rnn lstm gru --out compared.html");
  command->callback([options, &exitCode] { exitCode = makeReport(*options); });
}
