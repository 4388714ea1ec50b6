// ExpandMath.h: elementary functions as arithmetic.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_EXPANDMATH_EXPANDMATH_H
#define RNNC_CONVERSION_EXPANDMATH_EXPANDMATH_H

#include "mlir/Pass/Pass.h"

namespace rnnc {

#define GEN_PASS_DECL
#include "rnnc/Conversion/ExpandMath/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "rnnc/Conversion/ExpandMath/Passes.h.inc"

} // namespace rnnc

#endif // RNNC_CONVERSION_EXPANDMATH_EXPANDMATH_H
