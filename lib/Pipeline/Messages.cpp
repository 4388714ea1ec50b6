// Messages.cpp: errors of passes in the form of the language's own.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Messages.h"

#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
using namespace rnnc::pipeline;

/// The first place that a location names.
static mlir::FileLineColLoc innermost(mlir::LocationAttr location) {
  mlir::FileLineColLoc place;
  location.walk([&](mlir::Location inner) {
    if (auto found = llvm::dyn_cast<mlir::FileLineColLoc>(inner);
        found && !place)
      place = found;
    return mlir::WalkResult::advance();
  });
  return place;
}

/// The word at a location of a source that was read.
static SourceRange placeOf(mlir::LocationAttr location,
                           const SourceManager &sources) {
  mlir::FileLineColLoc place = innermost(location);
  if (!place)
    return {};
  for (uint32_t file = 0; file < sources.size(); ++file) {
    if (sources.name(file) != place.getFilename().strref())
      continue;
    unsigned line = place.getLine();
    if (line == 0 || line > sources.lineCount(file))
      return {};
    std::string_view text = sources.lineText(file, line);
    uint32_t begin = place.getColumn() ? place.getColumn() - 1 : 0;
    uint32_t end = begin;
    while (end < text.size() && (llvm::isAlnum(text[end]) || text[end] == '_'))
      ++end;
    uint32_t base = sources.lineBegin(file, line);
    return {file, base + begin, base + std::max(end, begin + 1)};
  }
  return {};
}

Messages::Messages(mlir::MLIRContext &context, const SourceManager &sources)
    : sources(sources), aboutSource(sources), faults(sources),
      handler(&context, [this](mlir::Diagnostic &diagnostic) {
        take(diagnostic);
        return mlir::success();
      }) {}

std::string pipeline::describePlace(Diagnostic shown,
                                    mlir::LocationAttr location,
                                    const SourceManager &sources) {
  shown.primary.range = location ? placeOf(location, sources) : SourceRange();
  std::string text = Diagnostics(sources).render(shown);
  text.erase(0, text.find('\n') + 1); // the heading
  mlir::FileLineColLoc place =
      location ? innermost(location) : mlir::FileLineColLoc();
  if (shown.primary.range.valid() || !place)
    return text;
  return (" --> " + place.getFilename().strref() + ":" +
          llvm::Twine(place.getLine()) + ":" + llvm::Twine(place.getColumn()) +
          "\n" + text)
      .str();
}

void Messages::take(mlir::Diagnostic &diagnostic) {
  std::string text = diagnostic.str();
  llvm::StringRef rest = text;
  mlir::Location location = diagnostic.getLocation();
  SourceRange place = placeOf(location, sources);
  bool isError = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
  bool isRemark = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark;
  if ((isError || isRemark) && rest.consume_front("[")) {
    auto [code, message] = rest.split("] ");
    if (isError) {
      Diagnostic &error = aboutSource.error(code.str(), place, message.str());
      for (mlir::Diagnostic &note : diagnostic.getNotes())
        if (std::string said = note.str();
            llvm::StringRef(said).starts_with("help: "))
          error.help(said.substr(strlen("help: ")));
    } else
      aboutSource.remark(code.str(), place, message.str());
    return;
  }
  if (isError && place.valid()) {
    faults.error("", place, text);
    return;
  }
  // Warnings are for whoever looks at passes.
  std::string said = (isError ? "error: " : "") + text + "\n" +
                     describePlace(Diagnostic(), location, sources);
  // Each variant says it.
  if (!llvm::StringRef(other).contains(said))
    other += said;
}

std::string Messages::render(bool color) {
  aboutSource.sort();
  faults.sort();
  return aboutSource.render(color) + faults.render(color) + other;
}
