// Kernel.h: the kernel dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Structured work on buffers. See Kernel.td for the ops.

#ifndef RNNC_DIALECT_KERNEL_KERNEL_H
#define RNNC_DIALECT_KERNEL_KERNEL_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "rnnc/Dialect/Kernel/KernelDialect.h.inc"

#define GET_OP_CLASSES
#include "rnnc/Dialect/Kernel/Kernel.h.inc"

namespace rnnc::kernel {

/// The widest panel a lowering may choose for packed operands, in columns.
constexpr int64_t kMaxPanel = 64;

/// Elements of the buffer that holds a packed [K, N] operand, whatever panel
/// width up to kMaxPanel the lowering chooses: the buffer is planned before
/// the instruction set is known.
constexpr int64_t packedSize(int64_t k, int64_t n) { return k * (n + kMaxPanel); }

/// Bytes of the scratch memory of a product whose right operand is not packed.
constexpr int64_t kScratchBytes = int64_t(1) << 20;

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_KERNEL_H
