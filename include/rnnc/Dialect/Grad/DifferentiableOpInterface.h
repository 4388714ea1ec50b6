// DifferentiableOpInterface.h: what an op must say to be differentiated.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_DIFFERENTIABLEOPINTERFACE_H
#define RNNC_DIALECT_GRAD_DIFFERENTIABLEOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace rnnc::grad {
class ReverseState;
class ForwardState;
} // namespace rnnc::grad

#include "rnnc/Dialect/Grad/DifferentiableOpInterface.h.inc"

#endif // RNNC_DIALECT_GRAD_DIFFERENTIABLEOPINTERFACE_H
