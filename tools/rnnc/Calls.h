// Calls.h: what a function of a library wants beside its arguments.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_CALLS_H
#define RNNC_TOOLS_RNNC_CALLS_H

#include "rnnc/Training/Library.h"

namespace rnnc::tool {

/// Whether it reads packed weights: whoever takes gradients or trains changes
/// the weights between calls, so that packing is part of the call.
bool readsPrepared(const training::FunctionInfo &function);

/// Whether it goes on from the states of a stream.
bool wantsStream(const training::ModuleInfo &module,
                 const training::FunctionInfo &function);

/// The batch that the arguments show; without one, `given`, or 1 if that is
/// below 0.
Result<int32_t> batchOf(const training::FunctionInfo &function,
                        const training::Arrays &args, int32_t given);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_CALLS_H
