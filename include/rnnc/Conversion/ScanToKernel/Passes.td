// Passes.td: the conversion from tensors over time to kernels on buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_SCANTOKERNEL_PASSES_TD
#define RNNC_CONVERSION_SCANTOKERNEL_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelFormPhases : Pass<"kernel-form-phases", "mlir::func::FuncOp"> {
  let summary = "pointwise code and reductions become few phases on tensors";
  let description = [{
    Cuts the body of a function and of each time loop into phases: as few
    `linalg.generic` as the dependences allow, one for all values of one shape
    that can be computed together, and one for each reduction, with what leads
    to it computed on the way. Broadcasts, transposes and slices become indexing
    maps; a value is a tensor of its own only where a later phase or another op
    reads it, or where computing it again costs more. What stays between the
    phases: products of matrices, gathers, loops and the other structured ops
    of the scan dialect, which read tensors as they lie. A look-up of one entry
    of each row, where the row is combined too (the score of the right word, in a
    cross-entropy), is no gather but a sum of which all terms but that entry are
    zero; its adjoint, where it is read element by element, is no table of zeros
    but a comparison.

    Tensors and SSA as before: nothing has memory yet, and nothing is said of a
    machine.

    ```mlir
    %p = scan.dot %a, %W batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x2xf32>
    %w = scan.broadcast %b sizes(%n) dims = [1] : tensor<2xf32> -> tensor<?x2xf32>
    %s = arith.addf %p, %w : tensor<?x2xf32>
    %y = math.tanh %s : tensor<?x2xf32>
    // becomes
    %p = scan.dot %a, %W batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x2xf32>
    %e = tensor.empty(%n) : tensor<?x2xf32>
    %y = linalg.generic {indexing_maps = [(i, j) -> (i, j), (i, j) -> (j), (i, j) -> (i, j)], ...}
        ins(%p, %b : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
    ^bb0(%in: f32, %in_0: f32, %out: f32):
      %s = arith.addf %in, %in_0 : f32
      %t = math.tanh %s : f32
      linalg.yield %t : f32
    } -> tensor<?x2xf32>
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::tensor::TensorDialect"
  ];
}

def KernelFuseProducts : Pass<"kernel-fuse-products", "mlir::ModuleOp"> {
  let summary = "a product and the phase that reads it become one";
  let description = [{
    A product of rows with a matrix of the function that is read by one pointwise
    phase alone, column by column of its units (the gates of unit u, say),
    becomes a part of that phase: `kernel.phase`. Its sums then stay in
    registers. Outside of time loops it does not if the matrix is a weight that
    another product reads as a whole: it would be packed in two ways. A phase
    takes in at most 12 sums a unit, which is what 16 vector registers hold
    beside what is being multiplied.

    ```mlir
    %z = scan.dot %h, %U batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x8xf32>
    %n = linalg.generic {...} ins(%x, %z : ...) outs(%e : tensor<?x8xf32>) {
    ^bb0(%in: f32, %sum: f32, %out: f32):
      ...
    } -> tensor<?x8xf32>
    // becomes
    %n = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<8x8xf32>)
        ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) columns([array<i64: 0>]) ... {
    ^bb0(%sum: f32, %in: f32):
      ...
    } -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = ["rnnc::kernel::KernelDialect"];
}

def KernelFuseRows : Pass<"kernel-fuse-rows", "mlir::func::FuncOp"> {
  let summary = "what works on the same rows becomes one phase";
  let description = [{
    Reductions along the units of rows, with the pointwise phases of the same rows
    before and behind them, become one `kernel.phase`, in whose region
    `kernel.reduce_row` stands for each reduction: a row of a soft maximum, a
    normalisation or a loss is read from memory once. What only the phase itself
    reads is not in memory at all. Number of units is known. A reduction of rows
    that the phase reads joins it, whatever is made of it.

    In a ragged batch the phase gets the lengths where nobody sees what it would
    compute past an end; a result that a mask makes zero there is named in
    `zeros`, and the mask goes. Phases over time and examples get them without a
    reduction, too, if they compute a function: memory costs more than little
    arithmetic on padding.

    ```mlir
    %m = linalg.generic {iterator_types = ["parallel", "reduction"], ...}
        ins(%x : tensor<?x8xf32>) outs(%least : tensor<?xf32>) {... arith.maximumf ...}
    %e = linalg.generic {iterator_types = ["parallel", "parallel"], ...}
        ins(%x, %m : tensor<?x8xf32>, tensor<?xf32>) outs(%e0 : tensor<?x8xf32>) {... math.exp ...}
    // becomes, where nobody else reads %m
    %e = kernel.phase ins(%x : tensor<?x8xf32>) outs(%e0 : tensor<?x8xf32>)
        columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) {
    ^bb0(%in: f32):
      %m = kernel.reduce_row max %in : f32
      %d = arith.subf %in, %m : f32
      %y = math.exp %d : f32
      kernel.yield %y : f32
    } -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "rnnc::kernel::KernelDialect"
  ];
}

def KernelMergeSums : Pass<"kernel-merge-sums", "mlir::func::FuncOp"> {
  let summary = "sums over the same space become one reduction";
  let description = [{
    Reductions outside of loops that go over the same elements, along the same
    dimensions, and read a tensor of all of them alike, become one with several
    results: gradients of a scale and of a bias read what they are made of once,
    and what both compute of it is computed once. At most four results; one that
    needs another stays apart.

    ```mlir
    %b = linalg.generic {iterator_types = ["reduction", "reduction", "parallel"], ...}
        ins(%dy : tensor<?x?x8xf32>) outs(%b0 : tensor<8xf32>) {... arith.addf ...}
    %w = linalg.generic {iterator_types = ["reduction", "reduction", "parallel"], ...}
        ins(%dy, %x : tensor<?x?x8xf32>, tensor<?x?x8xf32>) outs(%w0 : tensor<8xf32>) {... arith.addf ...}
    // becomes
    %bw:2 = linalg.generic {iterator_types = ["reduction", "reduction", "parallel"], ...}
        ins(%dy, %x : ...) outs(%b0, %w0 : tensor<8xf32>, tensor<8xf32>) {...}
    ```
  }];
}

def ConvertScanToKernel : Pass<"convert-scan-to-kernel", "mlir::ModuleOp"> {
  let summary = "from tensors over time to kernels on planned buffers";
  let description = [{
    Turns every function on tensors into one on memrefs whose results are
    destination arguments after its arguments. Pointwise code and reductions are
    in phases already (`kernel-form-phases`); they, products and the other
    structured ops work on memory now, each where its results are wanted.
    Stacked outputs are written straight to their row, carries are kept in the
    stack or in two alternating buffers, rows past the end of their example
    are fixed up only in the steps that have some. All `memref.alloc` stand at
    the top of the function, sized by its arguments: `kernel-plan-memory`
    replaces them.

    In `rnnc.function` stand the names of its dynamic dimensions, in the order
    in which callers give them, and the number of its last arguments that are
    destinations.

    ```mlir
    func.func @f(%a: tensor<?x4xf32>, %W: tensor<2x4xf32>) -> tensor<?x2xf32> {
      %p = scan.dot %a, %W batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x2xf32>
      %e = tensor.empty(%n) : tensor<?x2xf32>
      %y = linalg.generic {iterator_types = ["parallel", "parallel"], ...}
          ins(%p : tensor<?x2xf32>) outs(%e : tensor<?x2xf32>) {...} -> tensor<?x2xf32>
      return %y : tensor<?x2xf32>
    }
    // becomes
    func.func @f(%a: memref<?x4xf32>, %W: memref<2x4xf32>, %y: memref<?x2xf32>) {
      %p = memref.alloc(%n) : memref<?x2xf32>
      %w = memref.alloc() : memref<264xf32>
      kernel.pack ins(%W : memref<2x4xf32>) outs(%w : memref<264xf32>) {trans}
      kernel.gemm ins(%a, %w : memref<?x4xf32>, memref<264xf32>) outs(%p : memref<?x2xf32>) {packed_b}
      linalg.generic {iterator_types = ["parallel", "parallel"], ...}
          ins(%p : memref<?x2xf32>) outs(%y : memref<?x2xf32>) {
      ^bb0(%in: f32, %out: f32):
        %t = math.tanh %in : f32
        linalg.yield %t : f32
      }
      return
    }
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "rnnc::kernel::KernelDialect"
  ];
}

#endif // RNNC_CONVERSION_SCANTOKERNEL_PASSES_TD
