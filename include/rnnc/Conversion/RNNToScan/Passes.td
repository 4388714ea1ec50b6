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
    fixed]` and the attribute `rnnc.slot`.

    Binders become dimensions, reductions over time axes see the valid part,
    recurrences become `scan.loop`. In a body, what does not change from step
    to step is computed before the loop, and so are products and look-ups that
    need no state, for all steps at once (`hoist`); products that the next
    states do not need come after it. States that others do not need get a
    loop of their own: a stack of layers runs layer by layer. `y ~ dist` becomes the
    log-likelihood of the data (an `unfold` reads the true elements of the step
    before), or the mode. Gradients are requests to the grad dialect.

    The attribute `rnnc.interface` of the module holds what is known of axes,
    parameters, inputs, outputs, states and settings; `rnnc.function` and
    `rnnc.slot` say what each function takes and gives.

    ```mlir
    rnn.module @M attributes {kind = "model", ...} {
      %W = rnn.param "W" {init = {kind = "glorot"}} : !rnn.value<["H" : 4, "I" : 2] real>
      %x = rnn.input "x" : !rnn.value<["T", "I" : 2] real>
      %y = rnn.scan <"T"> over(%x : ...) init(%h0 : ...) states = ["h"] {
        ^bb0(%e: !rnn.value<["I" : 2] real>, %h: !rnn.value<["H" : 4] real>):
          %p = rnn.match %W, %e : !rnn.value<["H" : 4, "I" : 2] real>, !rnn.value<["I" : 2] real>
          ...
    // becomes
    func.func @M.loss(%W: tensor<4x2xf32> {rnnc.slot = #rnnc.slot<param "W", [4, 2]>},
                      %T: tensor<?xi32> {rnnc.slot = #rnnc.slot<lengths "T", ["batch"]>},
                      %x: tensor<?x?x2xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", "T", 2]>}) ... {
      %xs = scan.enter %x lengths(%T) : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
      %ps = scan.dot %xs, %W batch = [[], []] contract = [[2], [1]] : ... -> tensor<?x?x4xf32>
      %hs = scan.loop trip(%steps) lengths(%T) slices(%p = %ps : ...) carry(%h = %h0 : ...) step(%t) {
        ...
    ```
  }];
  let options = [
    Option<"precision", "precision", "std::string", /*default=*/"\"f32\"",
           "type of real numbers: f32 or f64">,
    Option<"allFunctions", "all-functions", "bool", /*default=*/"true",
           "make all functions that are possible, whatever `export` names">,
    Option<"hoist", "hoist", "bool", /*default=*/"true",
           "do products and look-ups that need no state for all steps at once">,
    Option<"clipGradients", "clip-gradients", "bool", /*default=*/"true",
           "limit gradients where `clipgrad` says so; if false, its limit is "
           "infinite">,
    Option<"attention", "attention", "bool", /*default=*/"false",
           "make `attention` of every model that has any, whatever `export` "
           "names">,
    Option<"lossTerms", "loss-terms", "bool", /*default=*/"false",
           "let `loss` of a model that adds up several terms give each of "
           "them too">,
    Option<"stateGradients", "state-gradients", "bool", /*default=*/"false",
           "make `state_grad` of every model, whatever `export` names">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
    "::rnnc::grad::GradDialect", "::rnnc::scan::ScanDialect",
  ];
}

#endif // RNNC_CONVERSION_RNNTOSCAN_PASSES_TD
