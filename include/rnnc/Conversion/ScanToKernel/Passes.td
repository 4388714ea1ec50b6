// Passes.td: the conversion from tensors over time to kernels on buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_SCANTOKERNEL_PASSES_TD
#define RNNC_CONVERSION_SCANTOKERNEL_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertScanToKernel : Pass<"convert-scan-to-kernel", "mlir::ModuleOp"> {
  let summary = "from tensors over time to kernels on planned buffers";
  let description = [{
    Turns every function on tensors into one on memrefs whose results are
    destination arguments after its arguments. The body of the function and of each time
    loop is cut into phases: products, reductions and other structured ops, and
    between them as few pointwise `linalg.generic` as the dependences allow.
    Stacked outputs are written straight to their row, carries are kept in the
    stack or in two alternating buffers, rows past the end of their example
    are fixed up only in the steps that have some. All `memref.alloc` stand at
    the top of the function, sized by its arguments: `kernel-plan-memory`
    replaces them.

    The function gets the attribute `rnnc.dims`, the names of its dynamic
    dimensions in the order in which callers give them, and
    `rnnc.num_results`, the number of its last arguments that are destinations.

    ```mlir
    func.func @f(%a: tensor<?x4xf32>, %W: tensor<2x4xf32>) -> tensor<?x2xf32> {
      %p = scan.dot %a, %W batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x2xf32>
      %y = math.tanh %p : tensor<?x2xf32>
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
