// Files.h: whole files in, whole files out.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_FILES_H
#define RNNC_DATA_FILES_H

#include "rnnc/Data/Result.h"

#include <string>
#include <string_view>
#include <vector>

namespace rnnc::data {

Result<std::string> readFile(const std::string &path);

/// Writes a temporary file beside `path`, flushes it to the disc and renames
/// it, so that a reader (or a crash) never sees half of it.
Status writeFileAtomically(const std::string &path, std::string_view bytes);

/// Refuses an output that is one of the inputs, under another spelling or
/// through a link too. Inputs that are empty are none.
Status keepInputs(const std::string &output,
                  const std::vector<std::string> &inputs);

/// Makes a directory and its parents.
Status makeDirectory(const std::string &path);

/// Removes the temporary files in a directory whose writers were killed.
void removeLeftovers(const std::string &directory);

} // namespace rnnc::data

#endif // RNNC_DATA_FILES_H
