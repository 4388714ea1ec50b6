// Passes.td: passes on the kernel level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
#define RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelPlanMemory : Pass<"kernel-plan-memory", "mlir::ModuleOp"> {
  let summary = "gives every buffer a place in one workspace";
  let description = [{
    Replaces the `memref.alloc` of each function by views of a last argument,
    the workspace (`memref<?xi8>`, aligned to 64 bytes). Buffers of equal size
    share a place when they are never needed at the same time; a loop counts as
    one time for what is used outside of it, and a buffer that is used inside
    of one loop only is taken to be written before it is read in each step.

    For each function `@f` it makes `@f.workspace(index...) -> i64`, the bytes
    needed, from the dimensions in the order of `rnnc.dims`: the very
    expressions that place the buffers.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect"];
}

#endif // RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
