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
/// of one; 8: as int8, four steps of K in a word, and two words a column behind
/// them; 0: as it is.
constexpr int64_t packedSize(int64_t k, int64_t n, unsigned storedBits = 0) {
  if (storedBits == 16)
    return (k + 1) / 2 * n + kPanelSlack;
  if (storedBits == 8)
    return ((k + 3) / 4 + 2) * n + kPanelSlack;
  return k * n + kPanelSlack;
}

/// Words of a row of K numbers that `kernel.quantize` makes.
constexpr int64_t quantizedSize(int64_t k) { return (k + 3) / 4 + 1; }

/// Steps of K that the left operand of a product has, whose right one is stored
/// so.
constexpr int64_t stepsOf(int64_t size, unsigned storedBits) {
  return storedBits == 8 ? 4 * (size - 1) : size;
}

/// The longest sums of products of numbers of 8 bits that fit in 32.
constexpr int64_t kMostQuantizedSteps = 1 << 17;

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_KERNEL_H
