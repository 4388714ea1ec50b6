// Passes.h: passes on time loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_SCAN_TRANSFORMS_PASSES_H
#define RNNC_DIALECT_SCAN_TRANSFORMS_PASSES_H

#include "rnnc/Dialect/Scan/Scan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace rnnc::scan {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "rnnc/Dialect/Scan/Transforms/Passes.h.inc"

/// Whether a function is one step: nothing in it runs over time.
bool isStep(mlir::func::FuncOp function);
} // namespace rnnc::scan

#endif // RNNC_DIALECT_SCAN_TRANSFORMS_PASSES_H
