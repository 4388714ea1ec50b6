// Schedule.h: the decisions that a schedule may hold, and where it is kept.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_SCHEDULE_H
#define RNNC_DIALECT_KERNEL_SCHEDULE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace rnnc::kernel {

/// All that is decided for speed. `infoOf` says what each one is.
enum class Decision : unsigned {
  TileRows,
  TileVectors,
  Unroll,
  Chains, // register tiles
  BlockSteps,
  BlockRows,
  BlockColumns, // of a product
  FarRowBytes,
  FewColumns,
  FlatRows,    // when A is packed
  InPlaceRows, // when B is not
  ElementBlock,
  ColumnBlock,
  RowBlock,
  DirectRows, // pointwise code, sums
  ChunkBytes,
  LeastChunks,
  ChunkRows, // loops over time
  CutRows,
  PanelTurns, // phases
  PanelFetch, // phases and products
  Beside,
  Tasks,
  WorthTasks, // threads of a CPU
  FunctionOps,
  CallOps,      // how work is estimated
  BlockThreads, // threads of a GPU
  LoopPlan,
  LoopRows,
  LoopBlocks, // loops over time on a GPU
};
constexpr unsigned kNumDecisions = unsigned(Decision::LoopBlocks) + 1;

/// What a time loop is on a GPU: a launch for each step, or one for all, in
/// which a block has some of the examples, or some of the units.
enum class LoopPlan : int64_t { Step = 1, Block = 2, Grid = 3 };

/// Rows of the left operand that a product lists at a time, where each begins:
/// 2 KB of the stack.
constexpr int64_t kMostBlockRows = 128;

struct DecisionInfo {
  llvm::StringRef name;
  int64_t least, most;
  llvm::StringRef summary;
};

const DecisionInfo &infoOf(Decision decision);
std::optional<Decision> decisionNamed(llvm::StringRef name);
/// What a schedule file says of a decision: a number, or the word for one.
std::optional<int64_t> decisionValue(Decision decision, llvm::StringRef text);

/// On an op or a module: one schedule for each target.
inline constexpr llvm::StringLiteral kSchedules = "kernel.schedules";
/// The same for the only target that is left.
inline constexpr llvm::StringLiteral kSchedule = "kernel.schedule";
/// On a module: its targets, or the one that is left.
inline constexpr llvm::StringLiteral kTargets = "kernel.targets";
inline constexpr llvm::StringLiteral kTarget = "kernel.target";
/// On time loops that run side by side: the number that they share. The first
/// has the schedules of all.
inline constexpr llvm::StringLiteral kBeside = "kernel.beside";
/// On an op: what a schedule file calls it.
inline constexpr llvm::StringLiteral kDecisionName = "kernel.name";

} // namespace rnnc::kernel

#include "mlir/IR/Attributes.h"
#include "mlir/IR/DialectImplementation.h"

#include "rnnc/Dialect/Kernel/KernelEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "rnnc/Dialect/Kernel/KernelAttrs.h.inc"

namespace rnnc::kernel {

/// The targets whose names rnnc knows: v2, v3 and v4 (x86-64 levels), neon
/// (AArch64), sm_80 and sm_90 (GPUs). Null for any other name.
TargetAttr targetNamed(mlir::MLIRContext *context, llvm::StringRef name);

/// Whether the module around `op` is for GPUs, and for no processor.
bool isForGPU(mlir::Operation *op);

/// What was decided for `op`, for the target of its module: its own, or else
/// the module's. Null where nothing was decided.
ScheduleAttr scheduleOf(mlir::Operation *op);

/// The schedules of `op`, one for each target; empty where it has none.
llvm::SmallVector<ScheduleAttr> schedulesOf(mlir::Operation *op);

/// Gives `to` the schedules of `from`.
void copySchedules(mlir::Operation *from, mlir::Operation *to);

/// The part of schedules that the layout of a packed operand depends on.
mlir::ArrayAttr layoutsOf(mlir::Operation *op);

} // namespace rnnc::kernel

#endif // RNNC_DIALECT_KERNEL_SCHEDULE_H
