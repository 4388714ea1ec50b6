// Sema.cpp - names and types of a parsed program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Sema.h"

#include "Analyser.h"

void rnnc::analyse(CheckedProgram &program, const SourceManager &sources,
                   const FrontendOptions &options, Diagnostics &diags) {
  Analyser(program, sources, options, diags).run();
}
