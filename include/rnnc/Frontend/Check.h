// Check.h - the logic of `rnnc check` and `rnnc explain`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_FRONTEND_CHECK_H
#define RNNC_FRONTEND_CHECK_H

#include "rnnc/Frontend/Frontend.h"

#include <cstdio>

namespace rnnc {

struct CheckOptions {
  FrontendOptions frontend;
  /// Also reports what `reportUnsupported` says.
  bool complete = false;
};

/// What `--color` says, for all diagnostics of this run.
void chooseColor(bool color);

/// Whether diagnostics written to the stream should be coloured: as chosen,
/// else on a terminal, unless NO_COLOR is set.
bool wantsColor(std::FILE *stream);

/// Checks a file and prints what there is to say to standard error. Returns the
/// exit code: 0, or 1 if there were errors.
int runCheck(const std::string &path, const CheckOptions &options);

/// Reads `NAME=VALUE` of a `-D` option.
std::optional<std::pair<std::string, int64_t>>
splitDim(const std::string &text);

/// The page about a code, such as "E101"; nothing if there is no such code.
std::optional<std::string> explain(const std::string &code);

/// All codes that have a page, in order.
std::vector<std::string> explainedCodes();

} // namespace rnnc

#endif // RNNC_FRONTEND_CHECK_H
