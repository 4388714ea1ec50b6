// Bind.h: arrays by name become the arguments of a call.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TRAINING_BIND_H
#define RNNC_LIB_TRAINING_BIND_H

#include "rnnc/Training/Library.h"

namespace rnnc::training {

/// The arguments of one call, checked and converted.
struct BoundCall {
  int32_t batch = -1;
  std::vector<int32_t> times;                       ///< padded lengths
  std::vector<std::optional<data::Tensor>> tensors; ///< by position
  std::vector<void *> pointers;
};

/// Fits arrays to a function's arguments and makes room for its results. The
/// error lists all that is missing, unknown or of another shape or type.
Result<BoundCall> bindArguments(const std::string &module,
                                const FunctionInfo &function,
                                const Arrays &args,
                                const ModelInstance::CallOptions &options);

} // namespace rnnc::training

#endif // RNNC_LIB_TRAINING_BIND_H
