// Messages.h: errors of passes in the form of the language's own.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_PIPELINE_MESSAGES_H
#define RNNC_LIB_PIPELINE_MESSAGES_H

#include "rnnc/Support/Diagnostics.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"

#include <string>

namespace rnnc::pipeline {

/// What a diagnostic says below its heading, about a location: with the line if
/// that is one of these sources. The location may be null.
std::string describePlace(Diagnostic shown, mlir::LocationAttr location,
                          const SourceManager &sources);

/// Collects what passes report. An error that begins with a code, `[E404] …`,
/// is about the source; any other is a fault of the compiler.
class Messages {
public:
  Messages(mlir::MLIRContext &context, const SourceManager &sources);

  bool sourceErrors() const { return aboutSource.hasErrors(); }
  /// Everything collected, as text.
  std::string render(bool color);

private:
  void take(mlir::Diagnostic &diagnostic);

  const SourceManager &sources;
  Diagnostics aboutSource, faults;
  std::string other;
  mlir::ScopedDiagnosticHandler handler;
};

/// Lets passes say what they did and what they left: remarks, which `Messages`
/// collects.
void enableRemarks(mlir::MLIRContext &context);

} // namespace rnnc::pipeline

#endif // RNNC_LIB_PIPELINE_MESSAGES_H
