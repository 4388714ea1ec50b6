// Frontend.h - from source text to a checked program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_FRONTEND_FRONTEND_H
#define RNNC_FRONTEND_FRONTEND_H

#include "rnnc/Frontend/AST.h"
#include "rnnc/Support/Diagnostics.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rnnc {

struct FrontendOptions {
  /// `-D NAME=VALUE`: values of file-level dims of the main file.
  std::vector<std::pair<std::string, int64_t>> dims;
  /// Where imported files are looked for, after the importing file's folder.
  std::vector<std::string> importDirs;
};

/// A program without errors.
struct CheckedProgram {
  /// All files, an imported one before its importer, the main one last.
  std::vector<std::unique_ptr<ast::File>> files;
  /// Values of the file-level dims of all files, by name; a dim without value
  /// is absent.
  std::map<std::string, int64_t> dims;

  const ast::File &main() const { return *files.back(); }
};

/// Parses and checks the file at `path`. Nothing is returned if there were
/// errors; diagnostics are sorted.
std::optional<CheckedProgram> check(SourceManager &sources,
                                    const std::string &path,
                                    const FrontendOptions &options,
                                    Diagnostics &diags);

/// The same for a text; imports other than `std` are looked for beside `name`.
std::optional<CheckedProgram> checkText(SourceManager &sources,
                                        const std::string &name,
                                        std::string text,
                                        const FrontendOptions &options,
                                        Diagnostics &diags);

/// Reports with a code of the E9xx family everything in the program that is
/// part of the language and cannot be compiled yet. Called only when code is
/// generated.
void reportUnsupported(const CheckedProgram &program, Diagnostics &diags);

} // namespace rnnc

#endif // RNNC_FRONTEND_FRONTEND_H
