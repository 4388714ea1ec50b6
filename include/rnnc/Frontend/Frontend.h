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

/// What a `train` block says, with its numbers evaluated.
struct TrainSettings {
  std::string model;
  SourceRange range; ///< of `train NAME`
  /// A name with numbers, `adam(lr = 2e-3)`; positional ones have their names.
  struct Method {
    std::string name;
    std::map<std::string, double> args; ///< only what is written
  };
  Method optimize{"adam", {}};
  Method schedule{"constant", {}};
  struct Clip {
    std::string kind; ///< value, norm, global_norm, adaptive
    double limit = 0;
  };
  std::vector<Clip> clips; ///< in the order in which they apply
  int64_t bptt = 0;        ///< steps; 0: the whole sequence
  bool carry = false;
  std::string checkpoint = "none";    ///< none, sqrt, every, memory
  double checkpointAmount = 0;        ///< steps, or bytes
  double feedSampled = 0;             ///< 0: the truth
  std::optional<Method> feedSchedule; ///< of the share of draws
  bool perExample = false;            ///< else per element
  std::optional<int64_t> batch, epochs, seed;
  std::optional<int64_t> accumulate; ///< batches of an update
  bool mixed = false;    ///< batches of any lengths, else of similar ones
  std::string precision; ///< f32 or f64; empty: not given
  double decay = 0;
  double average = 0;
  struct Init {
    std::vector<std::string> path; ///< empty: the whole model
    Method method;
  };
  std::vector<Init> inits; ///< in order; a later one wins
  struct Rate {
    std::vector<std::string> path;
    double factor = 1;
  };
  std::vector<Rate> rates; ///< in order; a later one wins
};

/// What an `export` line asks for.
struct ExportRequest {
  const ast::ExportEntry *entry = nullptr;
  std::string module;
  SourceRange decl; ///< its name, where it is declared
  bool isModel = false;
  bool isCell = false;
  std::vector<double> given; ///< sizes and numbers in brackets, evaluated
  std::string modules; ///< layers and cells in brackets, as they are written
  std::string function;
  std::map<std::string, double> args;
  std::string alias; ///< may be empty
};

/// A program without errors.
struct CheckedProgram {
  /// All files, an imported one before its importer, the main one last.
  std::vector<std::unique_ptr<ast::File>> files;
  /// Values of the dims that the main file can name, its own ones and those of
  /// the files it imports; a dim without value is absent.
  std::map<std::string, int64_t> dims;
  /// Values of the dims that each file declares, by the file's id.
  std::map<uint32_t, std::map<std::string, int64_t>> dimsOf;
  /// Values of the sizes and numbers in a model's brackets; what has none is
  /// absent.
  std::map<const ast::ModelItem *, std::map<std::string, double>> sizesOf;
  /// The settings of each model that has a `train`.
  std::map<std::string, TrainSettings> train;
  /// The exports of the main file, in order.
  std::vector<ExportRequest> exports;

  const ast::File &main() const { return *files.back(); }
};

/// Parses and checks the file at `path`. Nothing is returned if there were
/// errors; diagnostics are sorted.
std::optional<CheckedProgram> check(SourceManager &sources,
                                    const std::string &path,
                                    const FrontendOptions &options,
                                    Diagnostics &diags);

/// The same for a text; imports other than `std` are looked for beside `name`.
std::optional<CheckedProgram>
checkText(SourceManager &sources, const std::string &name, std::string text,
          const FrontendOptions &options, Diagnostics &diags);

/// Reports with a code of the E9xx family what the text of the program alone
/// shows to be part of the language and not to be compiled yet; elaboration
/// finds the rest. Called only when code is generated.
void reportUnsupported(const CheckedProgram &program, Diagnostics &diags);

} // namespace rnnc

#endif // RNNC_FRONTEND_FRONTEND_H
