// Reference.h - `rnnc run --reference`: the interpreter in the library's place.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_REFERENCE_H
#define RNNC_TOOLS_RNNC_REFERENCE_H

#include "Model.h"

namespace rnnc::tool {

/// Runs `NAME.function` (or `function`, of the only module) in f64. `args`
/// holds the parameters too. Without a seed dropout does not act.
Result<data::TensorFile> runReference(const ModelOptions &options,
                                      const std::string &function,
                                      const training::Arrays &args,
                                      std::optional<uint64_t> seed);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_REFERENCE_H
