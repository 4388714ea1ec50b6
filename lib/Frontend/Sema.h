// Sema.h - names and types of a parsed program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_SEMA_H
#define RNNC_LIB_FRONTEND_SEMA_H

#include "rnnc/Frontend/Frontend.h"

namespace rnnc {

/// Checks all files of the program and fills in what the program knows besides
/// its trees.
void analyse(CheckedProgram &program, const SourceManager &sources,
             const FrontendOptions &options, Diagnostics &diags);

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_SEMA_H
