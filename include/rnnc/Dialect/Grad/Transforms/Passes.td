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
  }];
}

def GradExpandUpdate : Grad_ExpandPass<"grad-expand-update"> {
  let summary = "Turns updates into arithmetic on arenas";
  let description = [{
    The formulas and their order are torch.optim's. Numbers that are the same
    for all parameters are computed in f64.
  }];
}

#endif // RNNC_DIALECT_GRAD_TRANSFORMS_PASSES_TD
