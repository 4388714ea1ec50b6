// ThreadCode.h: what one thread of a kernel does.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Work is cut into items, one for each thread: an element of a result, or a
// column of several rows of a product. `itemsOf` counts them on the host;
// `emitItem` writes what the thread of item number `item` does.

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

private:
  mlir::IRMapping &inside;
};

/// What kernels are made of, beside an error for what is not (Supported.cpp).
bool isDeviceWork(mlir::Operation *op);
/// Refuses what cannot run: an error for each function, at the first such op.
mlir::LogicalResult checkSupported(mlir::ModuleOp module);

/// A word for what a kernel does, for its name.
llvm::StringRef kindOf(mlir::Operation *op);

/// What was decided for `op`; for what its own schedule does not say, the
/// module's is asked.
int64_t decided(mlir::Operation *op, kernel::Decision decision);

/// The number of threads that `op` needs; `host` writes in front of it.
mlir::Value itemsOf(mlir::Operation *op, ThreadCode &host);
void emitItem(mlir::Operation *op, ThreadCode &thread, mlir::Value item);

// linalg ops (GenericThread.cpp).
mlir::Value genericItems(mlir::linalg::LinalgOp op, ThreadCode &host);
void emitGeneric(mlir::linalg::LinalgOp op, ThreadCode &t, mlir::Value item);

// Products (ProductThread.cpp).
mlir::Value productItems(mlir::Operation *op, ThreadCode &host);
void emitPhase(kernel::PhaseOp op, ThreadCode &t, mlir::Value item);

// Phases without products (RowThread.cpp).
mlir::Value rowItems(kernel::PhaseOp op, ThreadCode &host);
void emitRow(kernel::PhaseOp op, ThreadCode &t, mlir::Value item);
void emitGemm(kernel::GemmOp op, ThreadCode &t, mlir::Value item);
void emitPack(kernel::PackOp op, ThreadCode &t, mlir::Value item);

// Movement of data (DataThread.cpp).
void emitCopy(mlir::memref::CopyOp op, ThreadCode &t, mlir::Value item);
void emitGather(kernel::GatherOp op, ThreadCode &t, mlir::Value item);
void emitArgmax(kernel::ArgmaxOp op, ThreadCode &t, mlir::Value item);
void emitLayout(mlir::Value source, mlir::Value out,
                llvm::ArrayRef<int64_t> perm, ThreadCode &t, mlir::Value item);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_THREADCODE_H
