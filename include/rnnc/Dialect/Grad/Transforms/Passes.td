// Passes.td: passes on the grad dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_TRANSFORMS_PASSES_TD
#define RNNC_DIALECT_GRAD_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def GradGenerate : Pass<"grad-generate", "mlir::ModuleOp"> {
  let summary = "Replaces requests for gradients by code of the scan level";
  let description = [{
    Each `grad.vjp` and `grad.jvp` is replaced by the function's code with
    reverse or forward mode applied to it. The gradient of a time loop is a
    time loop in the other direction; what it needs of the forward computation
    is stacked by the forward loop. An op without a rule is an error at its
    place. What is made can be differentiated again. Private functions that no
    longer have a user are removed.

    ```mlir
    func.func private @f(%x: tensor<8xf32>) -> tensor<f32> {
      %y = math.exp %x : tensor<8xf32>
      %s = scan.reduce sum %y dims = [0] : tensor<8xf32> -> tensor<f32>
      return %s : tensor<f32>
    }
    %s, %dx = grad.vjp @f(%x) wrt = [0] cotangents(%one) of = [0] : ...
    // becomes
    %y = math.exp %x : tensor<8xf32>
    %s = scan.reduce sum %y dims = [0] : tensor<8xf32> -> tensor<f32>
    %b = scan.broadcast %one dims = [] : tensor<f32> -> tensor<8xf32>
    %dx = arith.mulf %b, %y : tensor<8xf32>
    ```
  }];
  let options = [
    Option<"breakRule", "break-rule", "std::string", "",
           "for tests: double what the rule of this op contributes">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::tensor::TensorDialect", "rnnc::scan::ScanDialect"];
}

class Grad_ExpandPass<string name> : Pass<name> {
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::tensor::TensorDialect", "rnnc::scan::ScanDialect"];
}

def GradExpandClip : Grad_ExpandPass<"grad-expand-clip"> {
  let summary = "Turns norms and clipping into arithmetic on arenas";
  let description = [{
    Norms are accumulated in f64. The scale that a clipping gives is one number
    (or one a row), so that multiplying by it becomes part of the update.

    ```mlir
    %h = grad.clip_global_norm %g {limit = 5.0 : f64} : tensor<8xf32>
    // becomes
    %w = arith.extf %g : tensor<8xf32> to tensor<8xf64>
    %q = arith.mulf %w, %w : tensor<8xf64>
    %s = scan.reduce sum %q dims = [0] : tensor<8xf64> -> tensor<f64>
    %n = math.sqrt %s : tensor<f64>
    %e = arith.addf %n, %c1e-6 : tensor<f64>
    %f = arith.divf %c5, %e : tensor<f64>
    %m = arith.minimumf %f, %c1 : tensor<f64>
    %t = arith.truncf %m : tensor<f64> to tensor<f32>
    %b = scan.broadcast %t dims = [] : tensor<f32> -> tensor<8xf32>
    %h = arith.mulf %g, %b : tensor<8xf32>
    ```
  }];
}

def GradExpandUpdate : Grad_ExpandPass<"grad-expand-update"> {
  let summary = "Turns updates into arithmetic on arenas";
  let description = [{
    The formulas and their order are torch.optim's. Numbers that are the same
    for all parameters are computed in f64.

    ```mlir
    %q = grad.sgd %p, %g rate(%r) step(%t) : tensor<8xf32>
    // becomes
    %f = arith.truncf %r : tensor<f64> to tensor<f32>
    %b = scan.broadcast %f dims = [] : tensor<f32> -> tensor<8xf32>
    %d = arith.mulf %b, %g : tensor<8xf32>
    %q = arith.subf %p, %d : tensor<8xf32>
    ```
  }];
}

#endif // RNNC_DIALECT_GRAD_TRANSFORMS_PASSES_TD
