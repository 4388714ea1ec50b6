// SegmentLoop.h: a loop over segments of time around loops over their steps.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_DIALECT_SCAN_TRANSFORMS_SEGMENTLOOP_H
#define RNNC_LIB_DIALECT_SCAN_TRANSFORMS_SEGMENTLOOP_H

#include "LoopEdit.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"

namespace rnnc::scan {

/// Gathers loops that go over the same time axis in the same direction, and
/// sums of what is made of them; `build` makes one loop over segments of time
/// of them all. What they need of each other must be there segment by segment.
class SegmentLoop {
public:
  explicit SegmentLoop(LoopOp first);

  /// Goes over the axis of a loop that is not taken itself. Just `moved` is
  /// made segment by segment; `sums` are products and sums over time.
  SegmentLoop(LoopOp axis, llvm::ArrayRef<mlir::Value> moved,
              llvm::ArrayRef<mlir::Operation *> sums);

  /// Takes one more loop, or a sum over time, if that can be.
  bool take(LoopOp loop);
  bool take(ReduceOp sum);

  /// Somebody else reads all segments of what was moved.
  void keep(mlir::Value moved) { kept.push_back(moved); }

  /// Whether the loop reads, step by step, what is made here.
  bool isFed(LoopOp loop);

  /// Leaves whole what others read too and can be had before: nothing is
  /// computed twice for them.
  void leaveShared();

  /// The sequences that are made and used up segment by segment, and those
  /// that are made and read by others.
  llvm::SetVector<mlir::Value> passingSequences();
  llvm::SetVector<mlir::Value> keptSequences();

  /// Replaces what was taken by a loop over so many segments of so many steps.
  /// The block has to be sorted then.
  void build(mlir::Value count, mlir::Value steps);

private:
  enum class Part {
    Made,  ///< given by a loop that was taken
    Moved, ///< computed for a segment alone
    Whole, ///< a sequence from before
    None   ///< needs the whole of what is made here
  };

  bool isSequence(mlir::Value value);
  bool isFixed() const { return !fixed.empty(); }
  bool canMove(mlir::Operation *op);
  Part partOf(mlir::Value sequence);
  bool needsMade(mlir::Value value);
  bool readsMade(mlir::Value sequence);
  void noteNeeds();
  llvm::SetVector<mlir::Value> movedFor(LoopOp loop);
  llvm::SetVector<mlir::Value> allMoved();
  bool isReadElsewhere(mlir::Value value,
                       const llvm::SetVector<mlir::Value> &moved);

  void buildLoop(LoopOp loop);
  void buildSum(mlir::Operation *sum);
  void buildKept(mlir::Value value);
  LoopOp buildInner(LoopOp loop, mlir::ValueRange slices,
                    mlir::ValueRange firsts);
  mlir::Value segment(mlir::Value sequence);
  mlir::Value move(mlir::Operation *op);
  mlir::Value addCarry(mlir::Value first);
  void replace();

  /// A result of the loop over segments that stands for one of before.
  struct Result {
    mlir::Value before;
    unsigned number;
    bool isStack;
    bool isMasked = false;
  };

  LoopOp first; ///< says axis, direction and policy
  bool reverse; ///< whether segments come last to first
  llvm::SmallVector<mlir::Operation *> taken;
  llvm::SetVector<mlir::Value> fixed; ///< all that moves, if that is given
  llvm::SmallVector<mlir::Value> kept;
  mlir::DenseSet<mlir::Operation *> needing; ///< ops that need what is taken
  mlir::DenseMap<mlir::Value, Part> parts;

  mlir::OpBuilder b;
  std::optional<LoopEdit> edit;
  mlir::Value count, steps;   // of segments, of each one's steps
  mlir::Value begin, lengths; // in the body: its first step, its lengths
  mlir::DenseMap<mlir::Value, mlir::Value> segments;
  llvm::SmallVector<std::pair<unsigned, mlir::Value>> nexts; // by carry
  llvm::SmallVector<Result> results;
};

/// The operands of which an op needs a step for the same step of its result; it
/// may need others whole. Nothing for an op that needs several steps for one.
std::optional<llvm::SmallVector<unsigned>> operandsByStep(mlir::Operation *op,
                                                          mlir::Value lengths);

/// The lengths past which a tensor over time and examples is zero, or null.
mlir::Value zeroBehind(mlir::Value value);

/// Numbers of a step of one example, the first two dimensions being time and
/// examples, of known size both or neither; 0 where that is not known.
int64_t unitsOfStep(mlir::Value sequence);

/// Calls `body` for the functions under `top` that have code.
void forEachFunction(mlir::Operation *top,
                     llvm::function_ref<void(mlir::func::FuncOp)> body);

/// Sorts a block after `SegmentLoop::build`, and removes what only the loops
/// had needed.
void tidyAfterSegments(mlir::Block &block);

} // namespace rnnc::scan

#endif // RNNC_LIB_DIALECT_SCAN_TRANSFORMS_SEGMENTLOOP_H
