// Frontend.cpp - from source text to a checked program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Frontend/Frontend.h"

#include "Loader.h"
#include "Sema.h"

#include <fmt/format.h>

using namespace rnnc;

static std::optional<CheckedProgram> checkFile(SourceManager &sources,
                                               uint32_t id,
                                               const FrontendOptions &options,
                                               Diagnostics &diags) {
  size_t before = diags.errorCount();
  CheckedProgram program;
  program.files = loadFiles(sources, id, options, diags);
  // A tree with holes would give errors that are no mistakes of the author.
  if (diags.errorCount() == before)
    analyse(program, sources, options, diags);
  diags.sort();
  if (diags.errorCount() != before)
    return std::nullopt;
  return program;
}

std::optional<CheckedProgram> rnnc::check(SourceManager &sources,
                                          const std::string &path,
                                          const FrontendOptions &options,
                                          Diagnostics &diags) {
  uint32_t id = 0;
  std::string error;
  if (!sources.addFile(path, id, error)) {
    diags.error("E023", {},
                fmt::format("`{}` cannot be read: {}", path, error));
    return std::nullopt;
  }
  return checkFile(sources, id, options, diags);
}

std::optional<CheckedProgram> rnnc::checkText(SourceManager &sources,
                                              const std::string &name,
                                              std::string text,
                                              const FrontendOptions &options,
                                              Diagnostics &diags) {
  uint32_t id = sources.addText(name, std::move(text));
  return checkFile(sources, id, options, diags);
}
