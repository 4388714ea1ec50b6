// SourceSchema.h: what a model wants to be fed with, read from its source.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_SOURCESCHEMA_H
#define RNNC_TOOLS_RNNC_SOURCESCHEMA_H

#include "Model.h"
#include "rnnc/Data/Schema.h"

namespace rnnc::tool {

/// A checked source: its data schema (with unknown sizes where a `dim` has no
/// value yet) and all files it is made of.
struct SourceModel {
  data::Schema schema;
  std::string text; ///< of the main file
  /// Imported files: name with ending, text.
  std::vector<std::pair<std::string, std::string>> imports;
};

/// Checks the source and finds the model: the one named, else the one that has
/// a `train` block, else the last. Diagnostics go to standard error; the error
/// then has no message of its own.
Result<SourceModel> readSourceModel(const ModelOptions &options,
                                    const std::string &model);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_SOURCESCHEMA_H
