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

    ```mlir
    func.func @f(%x: memref<?x4xf32>, %y: memref<?x2xf32>) attributes {rnnc.dims = ["batch"]} {
      %a = memref.alloc() : memref<264xf32>
      %b = memref.alloc(%n) : memref<?x2xf32>
      ...
    // becomes
    func.func @f(%x: memref<?x4xf32>, %y: memref<?x2xf32>, %w: memref<?xi8> {rnnc.role = "workspace"}) {
      %a = memref.view %w[%c0][] : memref<?xi8> to memref<264xf32>
      %b = memref.view %w[%c1088][%n] : memref<?xi8> to memref<?x2xf32>
      ...
    func.func @f.workspace(%n: index) -> i64 {
      // 1088 + (8 * %n rounded up to 64)
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect"];
}

def KernelUnrollLoops : Pass<"kernel-unroll-loops"> {
  let summary = "unrolls the time loops that are marked for it";
  let description = [{
    A loop with the attribute `kernel.unroll = N`, which
    `convert-scan-to-kernel` takes over from `scan.loop`, becomes a main loop
    that does N steps at a time and a remainder loop for the steps that are
    left; either may run no times. Steps follow each other through memory, so
    the order of all arithmetic stays.

    ```mlir
    scf.for %t = %c0 to %T step %c1 { body(%t) } {kernel.unroll = 2 : i64}
    // becomes
    scf.for %t = %c0 to %even step %c2 { body(%t)  body(%t + 1) }
    scf.for %t = %even to %T step %c1 { body(%t) }
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::scf::SCFDialect"];
}

def KernelPrepareWeights : Pass<"kernel-prepare-weights", "mlir::ModuleOp"> {
  let summary = "packs weights once, in a function of its own";
  let description = [{
    A `kernel.pack` whose operand depends on parameters only (views of them,
    copies of several into one matrix) leaves the functions of its module. The
    new function `@MODULE.prepare` packs all such operands into one buffer, in
    which equal ones of several functions share a place; each function that
    uses them gets that buffer as an argument of the role `prepared`, before
    its results.

    ```mlir
    func.func @M.step(%U: memref<512x128xf32> {rnnc.role = "param", ...}, ...) {
      kernel.pack ins(%U : ...) outs(%p : memref<98304xf32>)
      kernel.gemm ins(%h, %p : ...) outs(%z : ...) {packed_b}
    ```

    becomes

    ```mlir
    func.func @M.prepare(%U: memref<512x128xf32> {rnnc.role = "param", ...},
                         %all: memref<98304xf32> {rnnc.role = "prepared", ...}) {
      %p = memref.subview %all[0] [98304] [1] : ...
      kernel.pack ins(%U : ...) outs(%p : ...)
    func.func @M.step(%U: ..., %all: memref<98304xf32> {rnnc.role = "prepared", ...}, ...) {
      %p = memref.subview %all[0] [98304] [1] : ...
      kernel.gemm ins(%h, %p : ...) outs(%z : ...) {packed_b}
    ```

    What depends on the data is packed where it was. What only functions with
    gradients use (`grad`, `vjp`: their operands are good for one update) is
    packed there too, unless `gradients` is set.
  }];
  let options = [
    Option<"gradients", "gradients", "bool", "false",
           "also prepare what only functions with gradients use">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect"];
}

#endif // RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
