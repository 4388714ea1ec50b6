// DrawKinds.h: draws from distributions that are a model's own.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_RUNTIME_DRAWKINDS_H
#define RNNC_RUNTIME_DRAWKINDS_H

#include "rnnc/Runtime/Descriptors.h"

namespace rnnc::rt {

/// Goes on from `DrawKind`: the step itself gives the draw, or the mode.
enum OwnDrawKind : int32_t {
  DrawOwnReal = 4, ///< real numbers
  DrawOwnIndex = 5 ///< indices, whole numbers and bits
};

} // namespace rnnc::rt

#endif // RNNC_RUNTIME_DRAWKINDS_H
