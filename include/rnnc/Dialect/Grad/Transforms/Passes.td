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

#endif // RNNC_DIALECT_GRAD_TRANSFORMS_PASSES_TD
