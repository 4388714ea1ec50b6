// Passes.td: elementary functions as arithmetic.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_EXPANDMATH_PASSES_TD
#define RNNC_CONVERSION_EXPANDMATH_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelExpandMath : Pass<"kernel-expand-math"> {
  let summary = "elementary functions as polynomials, no libm";
  let description = [{
    Replaces `exp tanh log log1p erf sin cos powf rsqrt` and `scan.sigmoid`,
    `scan.softplus` on f32 and f64, scalars and vectors alike, by arithmetic.
    The error is at most 4 ulp over the whole range, infinities, NaN and
    denormal numbers included; `sin` and `cos` keep that up to 2^20 and reduce
    the argument less exactly beyond. Where the target has no fused
    multiply-add (`kernel.target` of the module, or the option `fma` if it has
    none) only multiplications and additions are used. `fast-math` leaves out what serves denormal results of
    `exp`, and shortens the f32 polynomials of `exp`, `tanh` and the sigmoid
    (error below 1e-6 relative). Where two results of `tanh` or the sigmoid are
    multiplied, and nothing else needs them, one division makes the product.

    ```mlir
    %y = math.exp %x : vector<8xf32>
    // becomes
    %m = arith.mulf %x, %log2e : vector<8xf32>
    %n = arith.addf %m, %shift : vector<8xf32>         // the nearest power of two
    ...                                                // a polynomial of what is left
    %y = arith.mulf %p, %scale : vector<8xf32>
    ```
  }];
  let options = [
    Option<"fma", "fma", "bool", /*default=*/"true",
           "the target has fused multiply-add">,
    Option<"fastMath", "fast-math", "bool", /*default=*/"false",
           "faster forms with a larger error">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // RNNC_CONVERSION_EXPANDMATH_PASSES_TD
