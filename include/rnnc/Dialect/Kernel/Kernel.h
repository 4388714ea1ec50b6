// Kernel.h: the kernel dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Structured work on buffers. See Kernel.td for the ops.

#ifndef RNNC_DIALECT_KERNEL_KERNEL_H
#define RNNC_DIALECT_KERNEL_KERNEL_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "rnnc/Dialect/Interface/Interface.h"
#include "rnnc/Dialect/Kernel/KernelDialect.h.inc"
#include "rnnc/Dialect/Kernel/Schedule.h"

#define GET_OP_CLASSES
#include "rnnc/Dialect/Kernel/Kernel.h.inc"

namespace rnnc::kernel {

/// Elements that a tile may read behind a packed operand: its last panel has
/// no columns to spare. No schedule has wider panels.
constexpr int64_t kPanelSlack = 32;

/// Elements of the buffer that holds a packed [K, N] operand, whatever panel
/// width the lowering chooses: the buffer is planned before the instruction
/// set is known.
/// `storedBits`: 16 where an f32 is stored as bf16, two steps of K in the room
/// of one; 0: as it is.
constexpr int64_t packedSize(int64_t k, int64_t n, unsigned storedBits = 0) {
  if (storedBits == 16)
    return (k + 1) / 2 * n + kPanelSlack;
  return k * n + kPanelSlack;
}

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_KERNEL_H
