// Passes.td: passes on the kernel level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
#define RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelSelectSchedule : Pass<"kernel-select-schedule", "mlir::ModuleOp"> {
  let summary = "decides how everything is computed, for each target";
  let description = [{
    The one pass that decides: the tiles of phases and products, how products
    are cut into blocks, when an operand is packed, and how large work is cut
    into tasks, or into blocks of threads. It only adds attributes. `kernel.schedules` has one
    `#kernel.schedule` for each target in the module's list `kernel.targets`, on
    every op with a product; what has none goes by that of the module. What
    is decided here follows from the constants in `CostModel.cpp`; the passes
    behind obey. How much work a loop is stays an estimate of the pass that cuts
    it into tasks.

    The option `targets` gives the targets where the module names none, by
    name: v2, v3, v4, neon, or for GPUs sm_80, sm_90. `schedule` names a file that decides otherwise, a
    line an op: `NAME: DECISION = NUMBER, …`, or `NAME@TARGET: …`. The names are
    those of `kernel.name` and of the remarks; `module` is the module. A line
    for nothing is an error.

    `product-type`, `tf32` or `bf16`, is noted on the module
    (`kernel.product_type`): what products of f32 that GPUs make in tiles round
    their factors to. Where there is no such product that is an error (E424).

    ```mlir
    %1 = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<32x8xf32>) ...
    // becomes, for the target v3
    %1 = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<32x8xf32>) ...
        {kernel.name = "lstm.predict/phase0",
         kernel.schedules = [#kernel.schedule<"v3" tile_rows = 3, tile_vectors = 1, unroll = 4, ...>]}
    ```
  }];
  let options = [
    ListOption<"targets", "targets", "std::string",
               "what code is made for, where the module does not say">,
    Option<"scheduleFile", "schedule", "std::string", "",
           "file of decisions that differ">,
    Option<"productType", "product-type", "std::string", "\"f32\"",
           "what tensor cores multiply of f32: tf32 or bf16; f32: nothing">
  ];
  let dependentDialects = ["::rnnc::kernel::KernelDialect"];
}

def KernelChooseTarget : Pass<"kernel-choose-target", "mlir::ModuleOp"> {
  let summary = "keeps the schedules of one target";
  let description = [{
    From here on the module is for one target: `kernel.target` replaces
    `kernel.targets`, and each op has `kernel.schedule` instead of
    `kernel.schedules`. Without the option it is the last target. A module that
    is for one target already is left alone.

    ```mlir
    module attributes {kernel.targets = [#kernel.target<"v2", ...>, #kernel.target<"v3", ...>]} {
      kernel.gemm ... {kernel.schedules = [#kernel.schedule<"v2" ...>, #kernel.schedule<"v3" ...>]}
    // becomes
    module attributes {kernel.target = #kernel.target<"v3", ...>} {
      kernel.gemm ... {kernel.schedule = #kernel.schedule<"v3" ...>}
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "", "name of the target">
  ];
  let dependentDialects = ["::rnnc::kernel::KernelDialect"];
}

def KernelPlanMemory : Pass<"kernel-plan-memory", "mlir::ModuleOp"> {
  let summary = "gives every buffer a place in one workspace";
  let description = [{
    Replaces the `memref.alloc` of each function by views of a last argument,
    the workspace (`memref<?xi8>`, aligned to 64 bytes). Buffers of equal size
    share a place when they are never needed at the same time; a loop counts as
    one time for what is used outside of it, and a buffer that is used inside
    of one loop only is taken to be written before it is read in each step. What
    an op makes number by number of a buffer that nobody reads after it (a
    pointwise phase, one that combines rows and writes them at the end) lies in
    that buffer's place.

    For each function `@f` it makes `@f.workspace(index...) -> i64`, the bytes
    needed, from the dimensions in the order that `rnnc.function` names: the very
    expressions that place the buffers. Of `kernel.segment_count`, on which sizes
    depend, it makes a search for the number of segments, in both.

    ```mlir
    func.func @f(%x: memref<?x4xf32>, %y: memref<?x2xf32>) attributes {rnnc.function = #rnnc.function<"" "f", ["batch"] results = 1>} {
      %a = memref.alloc() : memref<264xf32>
      %b = memref.alloc(%n) : memref<?x2xf32>
      ...
    // becomes
    func.func @f(%x: memref<?x4xf32>, %y: memref<?x2xf32>, %w: memref<?xi8> {rnnc.slot = #rnnc.slot<workspace "">}) {
      %a = memref.view %w[%c0][] : memref<?xi8> to memref<264xf32>
      %b = memref.view %w[%c1088][%n] : memref<?xi8> to memref<?x2xf32>
      ...
    func.func @f.workspace(%n: index) -> i64 {
      // 1088 + (8 * %n rounded up to 64)
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect",
                           "mlir::scf::SCFDialect"];
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

def KernelLeaveInPlace : Pass<"kernel-leave-in-place", "mlir::ModuleOp"> {
  let summary = "writes outputs where the caller wants them";
  let description = [{
    A `kernel.leave` copies a buffer `[time, examples, ...]` to an output
    `[examples, time, ...]`. Where phases write that buffer, of valid rows only,
    and nobody reads it, they write the output instead: the buffer becomes a view
    of it with other strides. What lies in the padding is made zero once, behind
    all steps. What else stays a copy: states, outputs of one step, what a later
    product reads too. Code for GPUs keeps its copies.

    ```mlir
    %y = memref.alloc(%T, %n) : memref<?x?x8xf32>
    scf.for %t = ... {
      %h = memref.subview %y[%t, 0, 0] ... : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      kernel.phase ... outs(%h : ...) valid(%rows : memref<?xi32>) ...
    }
    kernel.leave ins(%y : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%out : memref<?x?x8xf32>) {...}
    // becomes
    %y = memref.reinterpret_cast %out to offset: [0], sizes: [%T, %n, 8], strides: [8, %step, 1] : ...
    scf.for %t = ... {
      %h = memref.subview %y[%t, 0, 0] ... : ... to memref<?x8xf32, strided<[?, 1], offset: ?>>
      kernel.phase ... outs(%h : ...) valid(%rows : memref<?xi32>) ...
    }
    kernel.mask_rows outs(%all : ...) lengths(%len : memref<?xi32>) {batch_dim = 1 : i64, time_dim = 0 : i64}
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect"];
}

def KernelUpdateInPlace
    : Pass<"kernel-update-in-place", "mlir::func::FuncOp"> {
  let summary = "finds updates that may write new values over old ones";
  let description = [{
    Marks an `update` function with `kernel.in_place` if the ops that write new
    parameters and what the optimiser keeps make each number of the one at its
    place, lie apart, and no op behind them reads an old one. The library may
    then call it with one place for both; otherwise it gives new values places
    of their own and copies them back.

    ```mlir
    func.func @M.update(%p: memref<8xf32> {rnnc.slot = #rnnc.slot<params "params", [8]>}, %g: ...,
                        %q: memref<8xf32> {rnnc.slot = #rnnc.slot<params "params", [8]>}) attributes {rnnc.function = ...} {
      linalg.generic ... ins(%p, %g : ...) outs(%q : ...)
    // becomes
    func.func @M.update(...) attributes {kernel.in_place, rnnc.function = ...}
    ```
  }];
}

def KernelSparseUpdate : Pass<"kernel-sparse-update", "mlir::ModuleOp"> {
  let summary = "updates those rows of tables that a batch reads";
  let description = [{
    Where the gradient of a parameter is zeros to which `kernel.scatter_add`
    adds rows, and the model's update keeps what has a gradient of zero there
    (`grad.keeps_still`: sgd without momentum and adagrad, both without decay;
    any optimiser of what `train` calls `lazy`), `@M.grad` and
    `@M.update` get marks, an argument of the role `marks`: one number for each
    row, not zero if the batch reads it, then zero, then the caller's choice.
    If that is not zero, rows without a mark are neither made zero nor updated;
    a norm goes over marked rows always. Values and norms are those of code
    that goes over all rows; only terms of a norm are added in another order.

    Tables of fewer than `least` numbers are left alone, and so is code for
    GPUs. Remarks tell of tables that are not, and why.

    ```mlir
    func.func @M.grad(%i: memref<?xi32> ..., %g: memref<9000x64xf32> ...) {
      linalg.fill ins(%zero : f32) outs(%g : memref<9000x64xf32>)
      kernel.scatter_add ins(%rows, %i : ...) outs(%g : memref<9000x64xf32>)
    // becomes
    func.func @M.grad(%i: memref<?xi32> ..., %marks: memref<9002xi32> ..., %g: memref<9000x64xf32> ...) {
      // %marks[9001] = 0: linalg.fill as before
      // all marks become 0
      // for each index without a mark: mark it, and if %marks[9001] is not 0, make that row zero
      kernel.scatter_add ins(%rows, %i : ...) outs(%g : memref<9000x64xf32>)
    ```
  }];
  let options = [
    Option<"least", "least", "int64_t", "1 << 16",
           "numbers of the smallest table that is worth it">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect",
                           "mlir::memref::MemRefDialect",
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
    func.func @M.step(%U: memref<512x128xf32> {rnnc.slot = #rnnc.slot<param ...>}, ...) {
      kernel.pack ins(%U : ...) outs(%p : memref<98304xf32>)
      kernel.gemm ins(%h, %p : ...) outs(%z : ...) {packed_b}
    ```

    becomes

    ```mlir
    func.func @M.prepare(%U: memref<512x128xf32> {rnnc.slot = #rnnc.slot<param ...>},
                         %all: memref<98304xf32> {rnnc.slot = #rnnc.slot<prepared ...>}) {
      %p = memref.subview %all[0] [98304] [1] : ...
      kernel.pack ins(%U : ...) outs(%p : ...)
    func.func @M.step(%U: ..., %all: memref<98304xf32> {rnnc.slot = #rnnc.slot<prepared ...>}, ...) {
      %p = memref.subview %all[0] [98304] [1] : ...
      kernel.gemm ins(%h, %p : ...) outs(%z : ...) {packed_b}
    ```

    What depends on the data is packed where it was. What only functions with
    gradients use (`grad`, `vjp`: their operands are good for one update) is
    packed there too, unless `gradients` is set. With `stored-bits=16` numbers
    are rounded to bf16 as they are packed, and functions with gradients pack
    all of theirs, which stay f32; a target with `half_dots` rounds what they are
    multiplied with as well, as it reads it. With `stored-bits=8` they become integers, and
    what they are multiplied with does so before each product
    (`kernel.quantize`). Where that cannot be a remark says why, and numbers stay
    as they are.
  }];
  let options = [
    Option<"gradients", "gradients", "bool", "false",
           "also prepare what only functions with gradients use">,
    Option<"storedBits", "stored-bits", "unsigned", "0",
           "16: f32 is stored as bf16; 8: as int8; 0: as it is">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect"];
}

#endif // RNNC_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
