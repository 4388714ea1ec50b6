// Plan.h: which tensors get memory, and the phases of a block.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_PLAN_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_PLAN_H

#include "Sizes.h"
#include "Views.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "rnnc/Dialect/Scan/Scan.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <functional>

namespace rnnc {

/// How a tensor comes to be.
enum class Kind {
  Memory,    ///< an argument: it has memory
  Pointwise, ///< element by element from tensors of its shape
  View,      ///< other positions of one tensor: broadcast, transpose, slice
  Constant,  ///< one number everywhere
  Composite, ///< put together from pieces: insert_slice, concat
  Barrier    ///< made by a structured op that writes memory
};

Kind kindOf(mlir::Value value);

/// Pointwise, view or constant: can be computed where it is read.
bool isLazy(mlir::Value value);

/// The tensor a view reads.
mlir::Value viewSource(mlir::Value view);

/// One piece of a composite: a box of static offsets and sizes (dynamic
/// dimensions are full).
struct Piece {
  mlir::Value source;
  llvm::SmallVector<int64_t> offsets, sizes; ///< sizes are dynamic where full
  llvm::SmallVector<bool> dropped;
};

/// A composite taken apart: the pieces, first to last, over a base. Base is
/// null when the pieces cover everything.
struct Composite {
  llvm::SmallVector<Piece> pieces;
  mlir::Value base;
  /// Pieces do not overlap, and the base is null or a constant: each piece may
  /// be written to its place whenever it is ready.
  bool direct = false;
};

Composite takeApart(mlir::Value value);

/// The loops of a block that run side by side with one, itself among them, in
/// order.
llvm::SmallVector<scan::LoopOp> loopsBeside(scan::LoopOp loop);

/// Pointwise roots of one space that are computed together.
struct Group {
  int level;
  llvm::SmallVector<mlir::Value> roots;
};

/// The phases of a block. A barrier op or a group at level L reads memory that
/// is written at lower levels only, so within a level order does not matter.
class BlockPlan {
public:
  /// Phases are to be formed, or are there and get memory.
  enum class Purpose { Phases, Memory };

  /// `outerBuffers` says whether a value from outside of the block has memory.
  BlockPlan(mlir::Block &block, Sizes &sizes,
            std::function<bool(mlir::Value)> outerBuffers, Purpose purpose);

  /// The value is made in this block.
  bool contains(mlir::Value value) const { return inside(value); }
  /// The value has memory of its own or is a view of memory.
  bool hasBuffer(mlir::Value value);
  /// A view that needs no copy: a slice of memory.
  bool isAlias(mlir::Value value);
  bool isRoot(mlir::Value value) { return roots.contains(value); }
  /// First level at which the memory of `value` may be read.
  int ready(mlir::Value value);
  /// Level at which a lazy value is computed.
  int level(mlir::Value value);
  /// Level at which a barrier op, or the copies of a composite, run.
  int exec(mlir::Operation *op);

  int numLevels() const { return levels; }
  llvm::ArrayRef<Group> getGroups() const { return groups; }
  /// Composites that have memory, in program order.
  llvm::ArrayRef<mlir::Operation *> getComposites() const { return composites; }
  const Composite &getComposite(mlir::Value value);

private:
  bool inside(mlir::Value value) const;
  void findDemands();
  void demand(mlir::Value value);
  void addRoot(mlir::Value value);
  void demandCapture(mlir::Value value);
  bool addRepeated();
  void makeGroups();
  void count(mlir::Value value, const View &view, mlir::Value root);
  int dependence(mlir::Value value);
  int captureReady(mlir::Value value);
  int loopReady(scan::LoopOp loop);
  void forget();

  mlir::Block &block;
  Sizes &sizes;
  std::function<bool(mlir::Value)> outerBuffers;
  Purpose purpose;
  llvm::SetVector<mlir::Value> roots;
  llvm::DenseSet<mlir::Value> demandedComposites;
  llvm::SmallVector<mlir::Operation *> composites;
  llvm::DenseMap<mlir::Value, Composite> parts;
  llvm::DenseMap<mlir::Value, int> levelMemo, readyMemo;
  llvm::DenseMap<mlir::Operation *, int> execMemo;
  llvm::SmallVector<Group> groups;
  int levels = 0;

  // Work counted by `count`: how often each value's elements are computed.
  struct Work {
    double share = 0;
    unsigned places = 0;
  };
  llvm::MapVector<mlir::Value, Work> work;
  std::vector<std::pair<mlir::Value, View>> seen;
};

/// The view through which an op's operand is read when its result is read
/// through `view`: for views (`operand` is its source) and pointwise ops.
View viewOfSource(mlir::Value value, const View &view);

/// Costs much more than reading memory.
bool isExpensive(mlir::Operation *op);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_PLAN_H
