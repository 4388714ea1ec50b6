// Programs.h - the sample programs, for tests.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_UNIT_FRONTEND_PROGRAMS_H
#define RNNC_TEST_UNIT_FRONTEND_PROGRAMS_H

#include "rnnc/Frontend/Frontend.h"
#include "rnnc/Std/Std.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

inline std::string readText(const std::filesystem::path &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Path and text of all .rnn files below a folder.
inline std::vector<std::pair<std::string, std::string>>
programsIn(const std::string &folder) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto &entry :
       std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".rnn")
      result.emplace_back(entry.path().string(), readText(entry.path()));
  std::sort(result.begin(), result.end());
  return result;
}

/// Everything that `check` says about a text.
inline std::string diagnose(const std::string &text,
                            const rnnc::FrontendOptions &options = {}) {
  rnnc::SourceManager sources;
  rnnc::Diagnostics diags(sources);
  auto program = rnnc::checkText(sources, "t.rnn", text, options, diags);
  if (program) {
    rnnc::reportUnsupported(*program, diags);
    diags.sort();
  }
  return diags.render();
}

#endif // RNNC_TEST_UNIT_FRONTEND_PROGRAMS_H
