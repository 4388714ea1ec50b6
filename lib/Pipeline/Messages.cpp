// Messages.cpp: errors of passes in the form of the language's own.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Messages.h"

#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
using namespace rnnc::pipeline;

Messages::Messages(mlir::MLIRContext &context, const SourceManager &sources)
    : sources(sources), aboutSource(sources),
      handler(&context, [this](mlir::Diagnostic &diagnostic) {
        take(diagnostic);
        return mlir::success();
      }) {}

/// The word at a location of a source that was read.
SourceRange Messages::placeOf(mlir::Location location) const {
  mlir::FileLineColLoc place;
  location->walk([&](mlir::Location inner) {
    if (auto found = llvm::dyn_cast<mlir::FileLineColLoc>(inner); found && !place)
      place = found;
    return mlir::WalkResult::advance();
  });
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

void Messages::take(mlir::Diagnostic &diagnostic) {
  std::string text = diagnostic.str();
  llvm::StringRef rest = text;
  SourceRange place = placeOf(diagnostic.getLocation());
  bool isError = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
  bool isRemark = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark;
  if ((isError || isRemark) && rest.consume_front("[")) {
    auto [code, message] = rest.split("] ");
    if (isError)
      aboutSource.error(code.str(), place, message.str());
    else
      aboutSource.remark(code.str(), place, message.str());
    return;
  }
  if (!isError) {
    // Warnings are for whoever looks at passes.
    llvm::raw_string_ostream(other)
        << diagnostic.getLocation() << ": " << text << "\n";
    return;
  }
  llvm::raw_string_ostream(other)
      << diagnostic.getLocation() << ": error: " << text << "\n";
}

std::string Messages::render(bool color) {
  aboutSource.sort();
  return aboutSource.render(color) + other;
}
