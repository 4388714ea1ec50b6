// Passes.td: the conversion that gives a program its batch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_RNNTOSCAN_PASSES_TD
#define RNNC_CONVERSION_RNNTOSCAN_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertRNNToScan : Pass<"convert-rnn-to-scan", "::mlir::ModuleOp"> {
  let summary = "make the functions of every module, with batch and lengths";
  let description = [{
    Replaces every `rnn.module` by functions on tensors `[time, batch, fixed]`:
    of a model `objective` (private, with dropout), `loss`, `grad`, `predict`
    and `step`; of a layer or cell `objective`, `forward`, `vjp` and, of a cell,
    `step`. Arguments and results have the caller's layout `[batch, time,
    fixed]` and the attributes `rnnc.name`, `rnnc.role`, `rnnc.shape`.

    Binders become dimensions, reductions over time axes see the valid part,
    recurrences become `scan.loop`. In a body, what does not change from step
    to step is computed before the loop, and so are products and look-ups that
    need no state, for all steps at once (`hoist`); products that the next
    states do not need come after it. States that others do not need get a
    loop of their own: a stack of layers runs layer by layer. `y ~ dist` becomes the
    log-likelihood of the data (an `unfold` reads the true elements of the step
    before), or the mode. Gradients are requests to the grad dialect.

    The attribute `rnnc.manifest` of the module holds what is known of axes,
    parameters, inputs, outputs, states and settings, as JSON.
  }];
  let options = [
    Option<"precision", "precision", "std::string", /*default=*/"\"f32\"",
           "type of real numbers: f32 or f64">,
    Option<"allFunctions", "all-functions", "bool", /*default=*/"true",
           "make all functions that are possible, whatever `export` names">,
    Option<"hoist", "hoist", "bool", /*default=*/"true",
           "do products and look-ups that need no state for all steps at once">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
    "::rnnc::grad::GradDialect", "::rnnc::scan::ScanDialect",
  ];
}

#endif // RNNC_CONVERSION_RNNTOSCAN_PASSES_TD
