// ThreadCode.h: what one thread of a kernel does.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Work is cut into items: an element of a result, a column of several rows of a
// product, a row or a sum. `itemsOf` counts them on the host; `emitItem` writes
// what is done for item number `item`. Most items have a thread each. What
// combines many numbers has a block each (`itemHasBlock`): its threads take
// the numbers in turns and combine what they have in shared memory, in an order
// that follows from the sizes alone.

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_THREADCODE_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_THREADCODE_H

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace rnnc {

using Values = llvm::SmallVector<mlir::Value>;

/// Some columns of a packed right operand, in shared memory: `count` of each
/// group, from number `first` on.
struct OwnColumns {
  mlir::Value memref, first;
  int64_t count = 0;
};

/// Writes the code of a thread. `inside` maps what an op uses to what the
/// kernel has for it.
class ThreadCode {
public:
  ThreadCode(mlir::OpBuilder &b, mlir::Location loc, mlir::IRMapping &inside)
      : b(b), loc(loc), inside(inside) {}

  mlir::Value in(mlir::Value outside) { return inside.lookup(outside); }

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value times(mlir::Value x, mlir::Value y);
  mlir::Value over(mlir::Value x, mlir::Value y); ///< rounded down
  mlir::Value rest(mlir::Value x, mlir::Value y);
  mlir::Value least(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value zero(mlir::Type type);
  /// `x * y + z`, rounded once.
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  mlir::Value minus(mlir::Value x, mlir::Value y);
  mlir::Value most(mlir::Value x, mlir::Value y); ///< as signed numbers
  /// As signed numbers; of a length that may be 0, less 1.
  mlir::Value below(mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value x, mlir::Value y); ///< `x` may be null
  mlir::Value toIndex(mlir::Value number);
  mlir::Value fromIndex(mlir::Value index, mlir::Type type);

  mlir::Value size(mlir::Value memref, int64_t dim);
  Values sizes(mlir::Value memref);
  /// The product of sizes.
  mlir::Value product(llvm::ArrayRef<mlir::Value> sizes);
  /// The indices of element number `item`; the last runs fastest.
  Values split(mlir::Value item, llvm::ArrayRef<mlir::Value> sizes);

  mlir::Value load(mlir::Value memref, mlir::ValueRange at);
  void store(mlir::Value value, mlir::Value memref, mlir::ValueRange at);

  /// Runs `body` for each index below `to`; it gets and gives what is carried.
  mlir::scf::ForOp
  loop(mlir::Value to, mlir::ValueRange init,
       llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body);
  void when(mlir::Value condition, llvm::function_ref<void()> body);
  /// One of two values; only the code of that one runs.
  mlir::Value choose(mlir::Value condition, mlir::Type type,
                     llvm::function_ref<mlir::Value()> yes,
                     llvm::function_ref<mlir::Value()> no);

  // Of a block.
  /// Runs `body` for every index below `to` that is this thread's: the threads
  /// of the block take turns.
  mlir::scf::ForOp
  turns(mlir::Value to, mlir::ValueRange init,
        llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body);
  /// What the threads of the block have, combined; the same in each of them.
  mlir::Value
  combine(mlir::Value own,
          llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combiner);
  /// Runs `body` in the first thread of the block.
  void once(llvm::function_ref<void()> body);

  /// The results of a map at `dims`.
  Values apply(mlir::AffineMap map, mlir::ValueRange dims);
  /// What a region yields for these arguments. `at` is where linalg.index is.
  Values compute(mlir::Block &region, mlir::ValueRange arguments,
                 mlir::ValueRange at = {});
  /// Some values of a region; `known` is what need not be computed.
  Values compute(mlir::Block &region,
                 const llvm::DenseMap<mlir::Value, mlir::Value> &known,
                 mlir::ValueRange wanted);

  mlir::OpBuilder &b;
  mlir::Location loc;
  /// Where a block has an item: the thread's number in it, their number, a
  /// power of two, and shared memory for a number of each.
  mlir::Value lane;
  int64_t threads = 1;
  llvm::function_ref<mlir::Value(mlir::Type)> shared;
  /// Of a product whose columns the block has: by the number of the product.
  llvm::ArrayRef<OwnColumns> own;

private:
  mlir::IRMapping &inside;
};

/// The op that adds to output `number` of a reduction, where it is one whose
/// terms may be combined in any order; else null.
mlir::Operation *combinerOf(mlir::linalg::LinalgOp op, unsigned number);
/// The number that changes nothing when it is combined.
mlir::Value neutralOf(ThreadCode &t, mlir::Operation *combiner, mlir::Type);
mlir::Value combined(ThreadCode &t, mlir::Operation *combiner, mlir::Value x,
                     mlir::Value y);

/// Sums of f32 with so many terms, or with an unknown number of them, are added
/// up in f64 and by a block.
constexpr int64_t kManyTerms = 256;

/// What kernels are made of, beside an error for what is not (Supported.cpp).
bool isDeviceWork(mlir::Operation *op);
/// All of it in a function, in order, inside of loops and branches, too.
llvm::SmallVector<mlir::Operation *> deviceWorkOf(mlir::Operation *function);
/// Products whose rows are combined: the products go to memory first
/// (SplitRows.cpp).
void splitRowProducts(mlir::Operation *function);
/// Products in time loops compute all rows (RowLists.cpp).
void dropRowLists(mlir::Operation *function);
/// Refuses what cannot run: an error for each function, at the first such op.
mlir::LogicalResult checkSupported(mlir::ModuleOp module);

/// A word for what a kernel does, for its name.
llvm::StringRef kindOf(mlir::Operation *op);

/// What was decided for `op`; for what its own schedule does not say, the
/// module's is asked.
int64_t decided(mlir::Operation *op, kernel::Decision decision);

/// The list of which `valid` of a product is the part behind the number of its
/// entries; null where it is not made so.
mlir::Value listOf(mlir::Value valid);

/// The threads of a block where each item has one; 0 where it has a thread.
int64_t itemHasBlock(mlir::Operation *op);
/// The number of items of `op`; `host` writes in front of it.
mlir::Value itemsOf(mlir::Operation *op, ThreadCode &host);
void emitItem(mlir::Operation *op, ThreadCode &thread, mlir::Value item);

// linalg ops (GenericThread.cpp).
int64_t genericBlock(mlir::linalg::LinalgOp op); ///< see itemHasBlock
mlir::Value genericItems(mlir::linalg::LinalgOp op, ThreadCode &host);
void emitGeneric(mlir::linalg::LinalgOp op, ThreadCode &t, mlir::Value item);

// Products (ProductThread.cpp).
/// Terms whose sum is added to the total: what is lost of a long sum grows with
/// this, not with the number of terms.
constexpr int64_t kPartTerms = 256;
mlir::Value productItems(mlir::Operation *op, ThreadCode &host);
void emitPhase(kernel::PhaseOp op, ThreadCode &t, mlir::Value item);

// Phases without products (RowThread.cpp).
int64_t rowBlock(kernel::PhaseOp op); ///< see itemHasBlock
/// The indices of row number `row` of those that are computed.
Values rowAt(kernel::PhaseOp op, ThreadCode &t, mlir::Value row);
mlir::Value rowItems(kernel::PhaseOp op, ThreadCode &host);
/// The sizes of the dimensions that number the rows.
Values rowSizes(kernel::PhaseOp op, ThreadCode &t,
                llvm::function_ref<mlir::Value(mlir::Value)> get);
void emitRow(kernel::PhaseOp op, ThreadCode &t, mlir::Value item);
void emitGemm(kernel::GemmOp op, ThreadCode &t, mlir::Value item);
void emitPack(kernel::PackOp op, ThreadCode &t, mlir::Value item);

// Movement of data (DataThread.cpp).
void emitCopy(mlir::memref::CopyOp op, ThreadCode &t, mlir::Value item);
void emitGather(kernel::GatherOp op, ThreadCode &t, mlir::Value item);
void emitArgmax(kernel::ArgmaxOp op, ThreadCode &t, mlir::Value item);
void emitLayout(kernel::EnterOp op, ThreadCode &t, mlir::Value item);
void emitLayout(kernel::LeaveOp op, ThreadCode &t, mlir::Value item);
mlir::Value scatterItems(kernel::ScatterAddOp op, ThreadCode &host);
void emitScatter(kernel::ScatterAddOp op, ThreadCode &t, mlir::Value item);

// Steps and examples (StepThread.cpp).
void emitMask(kernel::MaskRowsOp op, ThreadCode &t, mlir::Value item);
void emitReverse(kernel::ReverseOp op, ThreadCode &t, mlir::Value item);
void emitPick(kernel::PickStepOp op, ThreadCode &t, mlir::Value item);
void emitPlace(kernel::PlaceStepOp op, ThreadCode &t, mlir::Value item);
mlir::Value validItems(mlir::Operation *op, ThreadCode &host);
void emitValid(kernel::ValidRowsOp op, ThreadCode &t, mlir::Value item);
void emitValid(kernel::ValidPlacesOp op, ThreadCode &t, mlir::Value item);

// Numbers (NumberThread.cpp).
void emitRandom(kernel::RandomOp op, ThreadCode &t, mlir::Value item);
/// What a store between kernels computes from what was stored before: the ops,
/// in order, whose operands are sizes or loads. Nothing where something in
/// between may write what they read.
std::optional<llvm::SmallVector<mlir::Operation *>>
numbersOf(mlir::memref::StoreOp op);
void emitStore(mlir::memref::StoreOp op, ThreadCode &t);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_THREADCODE_H
