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
#include "mlir/IR/AffineMap.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "rnnc/Dialect/Kernel/KernelDialect.h.inc"

#define GET_OP_CLASSES
#include "rnnc/Dialect/Kernel/Kernel.h.inc"

namespace rnnc::kernel {

/// Elements that a tile may read behind a packed operand: its last panel has
/// no columns to spare. No lowering has wider panels.
constexpr int64_t kPanelSlack = 32;

/// Elements of the buffer that holds a packed [K, N] operand, whatever panel
/// width the lowering chooses: the buffer is planned before the instruction
/// set is known.
constexpr int64_t packedSize(int64_t k, int64_t n) {
  return k * n + kPanelSlack;
}

/// What a product packs for itself, it packs block by block in its scratch
/// memory. No lowering has larger blocks: scratch memory is planned before the
/// instruction set is known, too.
constexpr int64_t kMaxBlockSteps = 512;           ///< of K
constexpr int64_t kMaxLeftBytes = 128 << 10;      ///< a block of A
constexpr int64_t kMaxRightBytes = 256 << 10;     ///< a block of B
constexpr int64_t kMaxTileRows = 8;               ///< A is packed in such tiles
/// A product whose A has at least so many bytes between its rows, more than
/// kFewColumns columns and at least kFlatRows rows may pack A; with less it
/// reads A where it lies if elements of a row lie side by side.
constexpr int64_t kFarRowBytes = 2048;
constexpr int64_t kFewColumns = 16;
constexpr int64_t kFlatRows = 16;

/// About how many tasks work is cut into: how many depends on sizes alone, so
/// that the number of threads changes no bit. Each packs in a part of its own
/// of the scratch memory.
constexpr int64_t kTasks = 8;
/// Multiplications of a product that is worth tasks. A thread would take longer
/// to hear about fewer than to do them.
constexpr int64_t kWorthTasks = int64_t(1) << 22;

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_KERNEL_H
