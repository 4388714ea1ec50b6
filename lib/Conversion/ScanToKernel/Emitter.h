// Emitter.h: writes one function on buffers from one on tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_SCANTOKERNEL_EMITTER_H
#define RNNC_LIB_CONVERSION_SCANTOKERNEL_EMITTER_H

#include "Plan.h"
#include "Sizes.h"
#include "Views.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "rnnc/Dialect/Kernel/Kernel.h"

#include <map>

namespace rnnc {

/// Element type in memory: a truth value takes a byte.
mlir::Type storedType(mlir::Type element);

/// Memory of a loop's carries and stacked values.
struct LoopMemory {
  struct Carry {
    Buffer storage; ///< [T + 1, ...] rows of a stack, or two buffers [2, ...]
    bool inStack = false;
    bool isSum = false;    ///< to `storage` itself, one buffer, steps add
    bool fromZero = false; ///< which the first step writes
  };
  llvm::SmallVector<Carry> carries;
  /// Stacked values; null where nobody reads one.
  llvm::SmallVector<Buffer> stacks;
  /// The carry whose storage a stacked value is part of, or -1.
  llvm::SmallVector<int> stackCarry;
  /// Whether that stacked value is the carry before the step, not after it.
  llvm::SmallVector<bool> stackBefore;
  /// First values that are copied (others are computed in place).
  llvm::SmallVector<std::pair<mlir::Value, Buffer>> initCopies;
};

/// The carry whose values before each step are what `op` makes of a stack of
/// its values after each step; -1 if it makes something else.
int carryBefore(scan::ShiftOp op);

/// Writes the body of `target` from that of `source`. The arguments of
/// `target` are those of `source` as memrefs, then one for each result.
class Emitter {
public:
  Emitter(mlir::func::FuncOp source, mlir::func::FuncOp target);
  mlir::LogicalResult run();
  llvm::ArrayRef<mlir::Attribute> getDimNames() const {
    return sizes.getDimNames();
  }

private:
  using Outputs = llvm::ArrayRef<std::pair<mlir::Value, Buffer>>;

  // EmitBlock.cpp
  void nameShapes();
  void emitBlock(mlir::Block &block, Outputs outputs);
  void assign(mlir::Block &block);
  void assignComposite(mlir::Value value);
  void place(mlir::Value value);
  bool assignReshape(mlir::Operation *op);
  void emitLevel(mlir::Block &block, int level);
  void emitBarrier(mlir::Operation *op);
  bool takesDestination(mlir::Value value);
  Buffer bufferFor(mlir::Value value);
  Buffer alloc(mlir::Location loc, mlir::Type element,
               llvm::ArrayRef<mlir::OpFoldResult> shape);
  Buffer allocLike(mlir::Value tensor);
  void copy(mlir::Location loc, const Buffer &from, const Buffer &to);
  /// Puts a value, with memory or without, to another place.
  void write(mlir::Location loc, mlir::Value value, const Buffer &to);
  /// Copies the first destination of `value` to its others.
  void copyToOthers(mlir::Value value);
  mlir::Value scalar(mlir::Value value);
  mlir::Value indexValue(mlir::Location loc, mlir::OpFoldResult size);

  // EmitPhase.cpp
  void pointwise(
      mlir::Location loc,
      llvm::ArrayRef<std::pair<Buffer, llvm::SmallVector<int64_t>>> inputs,
      const Buffer &out,
      llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)>
          body);
  void emitGeneric(mlir::linalg::GenericOp op);
  void emitFill(mlir::linalg::FillOp op);
  double numberOf(mlir::linalg::FillOp op);
  void emitScalars(mlir::linalg::GenericOp op,
                   llvm::ArrayRef<mlir::Value> inputs);
  llvm::SmallVector<Buffer> placesOf(mlir::Value value);
  void fillStarts(mlir::linalg::GenericOp op);
  void emitPhase(kernel::PhaseOp op);
  struct Operands {
    llvm::SmallVector<mlir::Value> lefts, rights;
    mlir::Value inPlace; ///< when `matrices` are read; null: never
    llvm::SmallVector<mlir::Value> matrices;
  };
  mlir::LogicalResult packOperands(kernel::PhaseOp op, Operands &operands);
  mlir::Value rowsThatCount(kernel::PhaseOp op);
  mlir::Value turnOf(kernel::PhaseOp op);
  void zeroPastEnd(kernel::PhaseOp op, const Buffer &place);
  void cloneBody(mlir::Block &from, mlir::ValueRange arguments,
                 llvm::SmallVectorImpl<mlir::Value> &yielded);
  void fill(mlir::Location loc, const Buffer &buffer, double number);

  // EmitDot.cpp
  void emitDot(scan::DotOp op);
  void addProduct(scan::DotOp op,
                  llvm::function_ref<void(bool accumulate)> product);
  struct Matrix {
    Buffer buffer; ///< rank 2
    bool trans = false;
  };
  Matrix matrix(mlir::Location loc, mlir::Value tensor,
                llvm::ArrayRef<int64_t> rows, llvm::ArrayRef<int64_t> columns);
  /// Columns of a right operand that one packing takes; none: all.
  struct Columns {
    llvm::ArrayRef<int64_t> firsts;
    int64_t units = 0;
    mlir::ArrayAttr layouts; ///< one for each target
  };
  bool isScheduled(mlir::Operation *op);

  // EmitInPlace.cpp
  /// Whether the product of `op`, whose result has so many dimensions of rows,
  /// has fewer than the schedules say; null: that is not asked.
  mlir::Value hasFewRows(mlir::Operation *op, mlir::Value result,
                         unsigned numRows, kernel::Decision limit);
  /// Whether the memory of a value is one row after the other.
  bool liesInOrder(mlir::Value value);
  /// When a product reads its right operand where it lies; null: never.
  mlir::Value readsInPlace(scan::DotOp op, const Matrix &left,
                           llvm::ArrayRef<int64_t> rhsFree,
                           llvm::ArrayRef<int64_t> rhsContract);

  // EmitDot.cpp
  Buffer packed(mlir::Location loc, mlir::Value tensor, const Matrix &b,
                llvm::ArrayRef<int64_t> free, llvm::ArrayRef<int64_t> contract,
                Columns columns, mlir::Value unless);
  bool isLongSum(const Matrix &left, const Matrix &right, const Buffer &result);
  Buffer allocForLongSum(scan::DotOp op, const Buffer &result);
  void longProduct(scan::DotOp op, const Matrix &left, const Matrix &right,
                   const Buffer &result, mlir::Value valid);
  mlir::Value validPlaces(scan::DotOp op, bool canLeaveRows);
  mlir::Value listOfPlaces(mlir::Location loc, mlir::Value lengths,
                           mlir::OpFoldResult steps);
  void addKeepingLost(mlir::Location loc, const Buffer &term,
                      const Buffer &lost, const Buffer &sum);

  // EmitScratch.cpp
  void needScratch(kernel::GemmOp gemm, scan::DotOp op);
  void giveScratch();

  // EmitLoop.cpp
  void planLoop(scan::LoopOp loop);
  void planCarry(scan::LoopOp loop, unsigned number, LoopMemory &memory,
                 mlir::OpFoldResult trip);
  bool planSum(scan::LoopOp loop, unsigned number, LoopMemory &memory);
  void startCarry(mlir::Value init, const Buffer &start, LoopMemory &memory);
  /// Of a loop: its number of steps, and the shortest length if rows are
  /// masked.
  struct LoopStart {
    mlir::Value trip, shortest;
  };
  void emitLoops(llvm::ArrayRef<scan::LoopOp> all);
  LoopStart startLoop(scan::LoopOp loop);
  void emitFor(scan::LoopOp loop, LoopStart start);
  mlir::Value termsOf(scan::LoopOp loop);
  void emitLoopBody(scan::LoopOp loop, const LoopMemory &memory,
                    mlir::Value count, mlir::Value trip, mlir::Value shortest);
  void finishLoop(scan::LoopOp loop, LoopStart start);
  void zeroWithoutSteps(mlir::Location loc, const Buffer &sum,
                        mlir::Value trip);
  mlir::Value rowList(scan::LoopOp loop, mlir::Type integer);
  bool makeRowLists(scan::LoopOp loop);
  void listValidRows(scan::LoopOp loop, mlir::Value following,
                     mlir::Value shortest, mlir::Value step);
  mlir::Value shortestLength(mlir::Location loc, mlir::Value lengths);

  // EmitOps.cpp
  void emitGather(scan::GatherOp op);

  // EmitSegments.cpp
  void assignSplit(scan::SplitOp op);
  void emitSplit(scan::SplitOp op);
  void emitJoin(scan::JoinOp op);
  void emitPartLengths(scan::PartLengthsOp op);
  Buffer stepsOfSegments(mlir::Location loc, const Buffer &segments,
                         mlir::OpFoldResult first, mlir::OpFoldResult count);

  // EmitScatter.cpp
  void emitScatterAdd(scan::ScatterAddOp op);
  void sortedScatter(mlir::Location loc, const Buffer &rows,
                     const Buffer &numbers, const Buffer &table,
                     llvm::ArrayRef<mlir::OpFoldResult> shape,
                     mlir::OpFoldResult size,
                     llvm::function_ref<void()> direct);
  mlir::OpFoldResult productOfSizes(mlir::Location loc, mlir::Value tensor,
                                    int64_t begin, int64_t end);
  void addRows(mlir::Location loc, const Buffer &rows, const Buffer &sum);

  // EmitOps.cpp
  void emitShift(scan::ShiftOp op);
  void moveSteps(scan::ShiftOp op, const Buffer &from, const Buffer &out);
  bool shiftIsStack(scan::ShiftOp op);
  void fillPastEnd(scan::ShiftOp op, Buffer out);
  void emitRandom(scan::RandomOp op);
  void emitConstant(mlir::arith::ConstantOp op);
  Buffer reshaped(mlir::Operation *op, const Buffer &buffer, bool back);
  void emitReshape(mlir::Operation *op);
  void copyReshaped(mlir::Operation *op, const Buffer &from, const Buffer &out);
  template <typename KernelOp, typename ScanOp>
  void emitLayout(ScanOp op, bool enters);
  void emitElements(mlir::tensor::FromElementsOp op);
  void emitOther(mlir::Operation *op);

  mlir::func::FuncOp source, target;
  Sizes sizes;
  mlir::OpBuilder b;
  BlockPlan *plan = nullptr;
  llvm::DenseMap<mlir::Value, Buffer> buffers;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Buffer>> dests;
  /// Memory that a loop writes again: only a value that is read nowhere else
  /// may live in it.
  llvm::DenseSet<mlir::Value> reused;
  llvm::DenseMap<mlir::Operation *, mlir::Value> steps;
  llvm::DenseMap<mlir::Operation *, LoopMemory> loops;
  /// Of a loop with phases, or products, that leave ended rows: the list of the
  /// others.
  llvm::DenseMap<mlir::Operation *, mlir::Value> validRows, productRows;
  /// Of lengths: the list of places before the ends.
  llvm::DenseMap<mlir::Value, mlir::Value> places;
  /// Products that are added where they are wanted, and the ops that say so.
  llvm::DenseSet<mlir::Operation *> added;
  /// Of a loop whose sums begin with the first product: whether that comes.
  llvm::DenseMap<mlir::Operation *, mlir::Value> isFirst;
  /// Changes of shape whose operand is written to the place of the result.
  llvm::DenseSet<mlir::Operation *> inPlace;
  /// Copies of pieces that are not written in place, by composite.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<std::pair<mlir::Value, Buffer>>>
      pieceCopies;
  /// What was packed, by value, what is summed over and what is not (matrices
  /// that lie neither way are copied, whatever their dimensions), direction,
  /// columns, units, layouts and when it is left out.
  std::map<
      std::tuple<const void *, std::vector<int64_t>, std::vector<int64_t>, bool,
                 std::vector<int64_t>, int64_t, const void *, const void *>,
      Buffer>
      packs;
  /// Conditions on numbers of rows, by those and the limit.
  std::map<std::pair<std::vector<const void *>, int64_t>, mlir::Value> fewRows;
  /// Products that pack, and the bytes that each needs for it.
  llvm::SmallVector<std::pair<kernel::GemmOp, mlir::Value>> scratchNeeds;
  /// Rows that the scatter being written adds one by one, at most.
  int64_t directRows = 1;
  /// The outermost loop being written, or several side by side, where packing
  /// may be put before.
  mlir::Operation *outermostLoop = nullptr;
  bool failed = false;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_SCANTOKERNEL_EMITTER_H
