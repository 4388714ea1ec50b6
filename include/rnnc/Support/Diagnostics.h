// Diagnostics.h - coded diagnostics with ranges, notes and helps.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_SUPPORT_DIAGNOSTICS_H
#define RNNC_SUPPORT_DIAGNOSTICS_H

#include "rnnc/Support/SourceManager.h"

#include <string>
#include <utility>
#include <vector>

namespace rnnc {

enum class Severity { Error, Warning, Remark };

/// A marked range and the words beside it.
struct Label {
  SourceRange range;
  std::string text;
};

/// One diagnostic. Built in place:
///   diags.error("E001", range, "there is no ...").label("not known here")
///       .help("...");
struct Diagnostic {
  Severity severity = Severity::Error;
  /// Empty for what the compiler says of itself.
  std::string code;
  std::string message;
  /// The place to change, underlined with `^`.
  Label primary;
  /// What it depends on, underlined with `-`.
  std::vector<Label> secondary;
  /// `= note: ...` and `= help: ...` lines, in order; the first is the kind.
  std::vector<std::pair<std::string, std::string>> footers;

  Diagnostic &label(std::string text) {
    primary.text = std::move(text);
    return *this;
  }
  Diagnostic &also(SourceRange range, std::string text) {
    if (range.valid())
      secondary.push_back({range, std::move(text)});
    return *this;
  }
  Diagnostic &note(std::string text) {
    footers.emplace_back("note", std::move(text));
    return *this;
  }
  Diagnostic &help(std::string text) {
    footers.emplace_back("help", std::move(text));
    return *this;
  }
};

/// Collects the diagnostics of one run.
class Diagnostics {
public:
  explicit Diagnostics(const SourceManager &sources) : sources(sources) {}

  /// Adds a diagnostic. The reference is good until the next one is added.
  Diagnostic &error(std::string code, SourceRange range, std::string message) {
    return add(Severity::Error, std::move(code), range, std::move(message));
  }
  Diagnostic &warning(std::string code, SourceRange range,
                      std::string message) {
    return add(Severity::Warning, std::move(code), range, std::move(message));
  }
  /// What a pass did or left; the code is the name of the pass.
  Diagnostic &remark(std::string code, SourceRange range, std::string message) {
    return add(Severity::Remark, std::move(code), range, std::move(message));
  }

  bool hasErrors() const { return errorCount() != 0; }
  size_t errorCount() const;
  const std::vector<Diagnostic> &all() const { return list; }

  /// Puts the diagnostics in the order of the files and of places in a file,
  /// and drops exact repetitions.
  void sort();

  /// All diagnostics (sorted before) as text, as described in the language
  /// reference.
  std::string render(bool color = false) const;
  std::string render(const Diagnostic &diagnostic, bool color = false) const;

  const SourceManager &sourceManager() const { return sources; }

private:
  Diagnostic &add(Severity severity, std::string code, SourceRange range,
                  std::string message);

  const SourceManager &sources;
  std::vector<Diagnostic> list;
};

} // namespace rnnc

#endif // RNNC_SUPPORT_DIAGNOSTICS_H
