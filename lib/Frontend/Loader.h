// Loader.h - reads a file and all it imports.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_FRONTEND_LOADER_H
#define RNNC_LIB_FRONTEND_LOADER_H

#include "rnnc/Frontend/Frontend.h"

namespace rnnc {

/// The files that `main` needs, an imported one before its importer, `main`
/// last. What cannot be read or parsed is reported.
std::vector<std::unique_ptr<ast::File>>
loadFiles(SourceManager &sources, uint32_t main, const FrontendOptions &options,
          Diagnostics &diags);

} // namespace rnnc

#endif // RNNC_LIB_FRONTEND_LOADER_H
