// Passes.h: the conversion from the scan dialect to the kernel dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_SCANTOKERNEL_PASSES_H
#define RNNC_CONVERSION_SCANTOKERNEL_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "rnnc/Dialect/Kernel/Kernel.h"

namespace rnnc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "rnnc/Conversion/ScanToKernel/Passes.h.inc"

} // namespace rnnc

#endif // RNNC_CONVERSION_SCANTOKERNEL_PASSES_H
