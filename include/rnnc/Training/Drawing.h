// Drawing.h: how long what a function writes may become.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_DRAWING_H
#define RNNC_TRAINING_DRAWING_H

#include "rnnc/Training/Manifest.h"

namespace rnnc::training {

/// How many elements `sample` draws where `--length` does not say it: the
/// `max` of the `unfold`.
Result<int32_t> drawnLength(const std::string &axis,
                            std::optional<int64_t> max);

/// Puts the lengths of what a function draws into `lengths`, where the source
/// or `asked` says them; what is drawn beside an input is as long as that.
Status addDrawnLengths(const ModuleInfo &module, const FunctionInfo &function,
                       std::optional<int32_t> asked,
                       std::map<std::string, int32_t> &lengths);

/// That a model has no such function, and how a source gets one.
Error noFunction(const ModuleInfo &module, const std::string &name);

} // namespace rnnc::training

#endif // RNNC_TRAINING_DRAWING_H
