// LaunchWriter.h: a kernel and its launch in the place of an op.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_LAUNCHWRITER_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_LAUNCHWRITER_H

#include "GridBody.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace rnnc {

/// What kernels have in common: what they are given, and shared memory.
class LaunchWriter {
public:
  LaunchWriter(mlir::Operation *op, unsigned threads)
      : op(op), threads(threads), host(op), loc(op->getLoc()) {}

protected:
  /// What the code of the op reads that is made outside of it.
  static llvm::SetVector<mlir::Value> usedBy(mlir::Operation *op);
  /// Gives a value to the kernel, a buffer with the sizes and strides that its
  /// type does not hold; constants are made anew there.
  void take(mlir::Value value);
  void give(mlir::Value value);
  /// The function with these parameters, not yet in a module.
  mlir::gpu::GPUFuncOp makeKernel();
  /// A product keeps many numbers in registers.
  void allowRegisters(mlir::gpu::GPUFuncOp kernel);
  /// Maps what was given to parameters.
  void mapGiven(mlir::gpu::GPUFuncOp kernel, mlir::OpBuilder &b,
                mlir::IRMapping &inside);
  /// Shared memory for a number of each thread.
  mlir::Value shared(mlir::gpu::GPUFuncOp kernel, mlir::Type element);
  mlir::Value addShared(mlir::gpu::GPUFuncOp kernel, int64_t count,
                        mlir::Type element);
  /// A part of the shared memory that a launch asks for, behind `bytes` of it,
  /// and what it has then.
  mlir::Value addAskedFor(mlir::OpBuilder &b, int64_t count, mlir::Type element,
                          int64_t bytes);
  static int64_t sharedBehind(int64_t bytes, int64_t count, mlir::Type element);
  /// `shared` bytes of shared memory are asked for.
  mlir::gpu::LaunchFuncOp launchBlocks(mlir::gpu::GPUFuncOp kernel,
                                       mlir::Value blocks, int64_t shared = 0);

  mlir::Operation *op;
  unsigned threads;
  mlir::OpBuilder host;
  mlir::Location loc;
  Values given, constants; ///< of what the op uses

private:
  llvm::SmallDenseMap<mlir::Type, mlir::Value> places; ///< in shared memory
};

/// A loop over time whose examples do not need each other: a block of threads
/// has some of them, and runs all steps (plan B).
class LoopLaunch : public LaunchWriter {
public:
  LoopLaunch(mlir::scf::ForOp loop, int64_t rows, unsigned threads)
      : LaunchWriter(loop, threads), loop(loop), rows(rows) {}

  /// Why the loop cannot run so, in words; empty: it can.
  std::string check();
  mlir::gpu::GPUFuncOp build();
  void launch(mlir::gpu::GPUFuncOp kernel);

private:
  mlir::scf::ForOp loop;
  int64_t rows;      ///< examples of a block
  mlir::Value batch; ///< examples in all
  mlir::Value list;  ///< of the rows that go on, or null
  Values weights;    ///< right operands that fit shared memory
};

/// A loop over time all of whose steps many blocks run together, with a part of
/// the columns of the weights each (plan G).
class GridLaunch : public LaunchWriter {
public:
  /// `perProcessor` blocks share a processor, where the device is the one that
  /// code is made for, and `most` bytes of shared memory.
  GridLaunch(mlir::scf::ForOp loop, int64_t rows, unsigned threads,
             int64_t blocks, int64_t perProcessor, int64_t most)
      : LaunchWriter(loop, threads), loop(loop), rows(rows), blocks(blocks),
        perProcessor(perProcessor), most(most) {}

  /// Why the loop cannot run so, in words; empty: it can.
  std::string check();
  mlir::gpu::GPUFuncOp build();
  /// The loop stays, where there is no room for so many blocks.
  void launch(mlir::gpu::GPUFuncOp kernel);

private:
  void chooseKept();

  mlir::scf::ForOp loop;
  int64_t rows; ///< of a column that a thread has, at most
  int64_t blocks, perProcessor, most;
  llvm::SmallVector<KeptColumns> kept;
  int64_t keptBytes = 0, askedFor = 0;
  mlir::func::CallOp room; ///< asks for it
};

/// Moves memory between kernels out of a loop.
void hoistMemory(mlir::scf::ForOp loop);

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_LAUNCHWRITER_H
