// CompileModel.h: a source that a verb compiles for itself.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_COMPILEMODEL_H
#define RNNC_TOOLS_RNNC_COMPILEMODEL_H

#include "Model.h"
#include "rnnc/Pipeline/Compile.h"

#include <cstdlib>
#include <filesystem>

namespace rnnc::tool {

/// A directory of our own that goes away with its content.
class TemporaryDirectory {
public:
  TemporaryDirectory() {
    std::error_code code;
    std::string pattern =
        (std::filesystem::temp_directory_path(code) / "rnnc-XXXXXX").string();
    if (mkdtemp(pattern.data()))
      path = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code code;
    if (!path.empty())
      std::filesystem::remove_all(path, code);
  }
  std::string path;
};

/// The request that compiles a source for this machine, with all functions; its
/// output is left open.
Result<CompileRequest> requestFor(const ModelOptions &options);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_COMPILEMODEL_H
