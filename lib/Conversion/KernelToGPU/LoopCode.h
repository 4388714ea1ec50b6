// LoopCode.h: a time loop as the code of one kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_KERNELTOGPU_LOOPCODE_H
#define RNNC_LIB_CONVERSION_KERNELTOGPU_LOOPCODE_H

#include "ThreadCode.h"

namespace rnnc {

/// Writes the loop again, in a kernel: what becomes a launch elsewhere is code
/// that threads share, and behind it they wait for each other.
class LoopCode {
public:
  LoopCode(mlir::OpBuilder &b, mlir::Location loc, mlir::IRMapping &inside,
           int64_t threads, llvm::function_ref<mlir::Value(mlir::Type)> shared)
      : b(b), loc(loc), inside(inside), t(b, loc, inside), threads(threads),
        shared(shared) {}
  virtual ~LoopCode() = default;

  void loop(mlir::scf::ForOp loop);
  /// All threads of a block are here.
  void waitForBlock();

protected:
  /// Who takes turns: the first index, and how far the next is.
  struct Turns {
    mlir::Value first;
    int64_t step;
  };

  /// Work of the device: on the buffers of `inside`.
  virtual void writeWork(mlir::Operation *op) = 0;

  /// Writes the code of an op of the kernel, which goes.
  void run(mlir::Operation *made);
  void take(Turns turns, mlir::Value to,
            llvm::function_ref<void(mlir::Value)> body);
  /// What the op uses, as it is.
  static mlir::IRMapping itself(mlir::Operation *made);
  /// A thread has so many rows of a column, at most.
  static void limitRows(mlir::Operation *made, int64_t rows);

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::IRMapping &inside;
  ThreadCode t;
  int64_t threads; ///< of a block
  llvm::function_ref<mlir::Value(mlir::Type)> shared;
  mlir::Value lane; ///< this thread's number in its block
  Turns ofThreads, ofBlocks;

private:
  void write(mlir::Block &block);
  void writeView(mlir::Operation &op);
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_KERNELTOGPU_LOOPCODE_H
