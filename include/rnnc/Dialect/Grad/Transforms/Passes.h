// Passes.h: passes on the grad dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_TRANSFORMS_PASSES_H
#define RNNC_DIALECT_GRAD_TRANSFORMS_PASSES_H

#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace rnnc::grad {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "rnnc/Dialect/Grad/Transforms/Passes.h.inc"
} // namespace rnnc::grad

#endif // RNNC_DIALECT_GRAD_TRANSFORMS_PASSES_H
