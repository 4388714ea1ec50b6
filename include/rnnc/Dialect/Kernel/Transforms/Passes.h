// Passes.h: passes on the kernel level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_H
#define RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_H

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace rnnc::kernel {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "rnnc/Dialect/Kernel/Transforms/Passes.h.inc"

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_H
