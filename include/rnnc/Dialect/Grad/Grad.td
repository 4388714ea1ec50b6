// Grad.td: the grad dialect: requests for gradients, clipping, updates.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_GRAD_TD
#define RNNC_DIALECT_GRAD_GRAD_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def GradDialect : Dialect {
  let name = "grad";
  let cppNamespace = "::rnnc::grad";
  let summary = "Requests for gradients, clipping and updates of parameters";
  let description = [{
    A request names a function and what it is to be differentiated by; the
    pass `grad-generate` replaces it by code of the scan level. Clipping and
    updates work on arenas, one-dimensional tensors that hold all parameters
    (or their gradients, or an optimiser's memory) one behind the other; their
    formulas are PyTorch's. The passes `grad-expand-clip` and
    `grad-expand-update` turn them into arithmetic.
  }];
}

class Grad_Op<string mnemonic, list<Trait> traits = []>
    : Op<GradDialect, mnemonic, traits>;

def Grad_Arena : 1DTensorOf<[F32, F64]>;
def Grad_Scalar : Type<CPred<"::rnnc::grad::isScalarType($_self)">,
                       "tensor<f64>", "::mlir::RankedTensorType">,
    BuildableType<"::rnnc::grad::getScalarType($_builder.getContext())">;

//===-- Requests -----------------------------------------------------------===//

class Grad_Request<string mnemonic>
    : Grad_Op<mnemonic, [AttrSizedOperandSegments,
                         DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let results = (outs Variadic<AnyType>:$results);
}

def Grad_VjpOp : Grad_Request<"vjp"> {
  let summary = "asks for a function's results and the gradients of some arguments";
  let description = [{
    Gives all results of the function, then for each argument numbered in
    `wrt` the product of the cotangents with the function's Jacobian.
    Cotangents are given for the results numbered in `of`; those of other
    results are zero.

    ```mlir
    %loss, %dw = grad.vjp @f(%w, %x) wrt = [0] cotangents(%one) of = [0]
       : (tensor<8xf32>, tensor<?x8xf32>), (tensor<f32>) -> (tensor<f32>, tensor<8xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$args,
                       Variadic<AnyType>:$cotangents, DenseI64ArrayAttr:$wrt,
                       DenseI64ArrayAttr:$of);
  let assemblyFormat = [{
    $callee `(` $args `)` `wrt` `=` $wrt `cotangents` `(` $cotangents `)`
    `of` `=` $of attr-dict `:` `(` type($args) `)` `,` `(` type($cotangents) `)`
    `->` `(` type($results) `)`
  }];
}

def Grad_JvpOp : Grad_Request<"jvp"> {
  let summary = "asks for a function's results and their tangents";
  let description = [{
    Gives all results of the function, then for each result numbered in `of`
    the Jacobian times the tangents, given for the arguments numbered in
    `wrt`; those of other arguments are zero.

    ```mlir
    %loss, %dloss = grad.jvp @f(%w, %x) wrt = [0] tangents(%v) of = [0]
       : (tensor<8xf32>, tensor<?x8xf32>), (tensor<8xf32>) -> (tensor<f32>, tensor<f32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$args,
                       Variadic<AnyType>:$tangents, DenseI64ArrayAttr:$wrt,
                       DenseI64ArrayAttr:$of);
  let assemblyFormat = [{
    $callee `(` $args `)` `wrt` `=` $wrt `tangents` `(` $tangents `)`
    `of` `=` $of attr-dict `:` `(` type($args) `)` `,` `(` type($tangents) `)`
    `->` `(` type($results) `)`
  }];
}

//===-- Clipping -----------------------------------------------------------===//

class Grad_Clip<string mnemonic, list<Trait> traits = []>
    : Grad_Op<mnemonic, !listconcat([Pure], traits)> {
  let hasVerifier = 1;
}

def Grad_NormOp : Grad_Op<"norm", [Pure]> {
  let summary = "the 2-norm of tensors together, accumulated in f64";
  let description = [{
    ```mlir
    %n = grad.norm %g, %h : tensor<1024xf32>, tensor<32xf32>
    ```
  }];
  let arguments = (ins Variadic<Grad_Arena>:$grads);
  let results = (outs Grad_Scalar:$result);
  let assemblyFormat = "$grads attr-dict `:` type($grads)";
}

def Grad_ClipValueOp : Grad_Clip<"clip_value", [SameOperandsAndResultType]> {
  let summary = "limits each entry to ±limit";
  let description = [{
    ```mlir
    %h = grad.clip_value %g {limit = 5.0 : f64} : tensor<1024xf32>
    ```
  }];
  let arguments = (ins Grad_Arena:$grads, F64Attr:$limit);
  let results = (outs Grad_Arena:$result);
  let assemblyFormat = "$grads attr-dict `:` type($result)";
}

def Grad_ClipNormOp : Grad_Clip<"clip_norm"> {
  let summary = "limits the norm of tensors together";
  let description = [{
    All are multiplied by `min(1, limit / (norm + 1e-6))`, where the norm is
    that of all entries of all of them. Given one parameter's gradient it limits
    that; given those of all it limits the global norm.

    ```mlir
    %a, %b = grad.clip_norm %g, %h {limit = 5.0 : f64} : tensor<1024xf32>, tensor<32xf32>
    ```
  }];
  let arguments = (ins Variadic<Grad_Arena>:$grads, F64Attr:$limit);
  let results = (outs Variadic<Grad_Arena>:$clipped);
  let assemblyFormat = [{
    $grads attr-dict `:` custom<SameTypes>(type($grads), type($clipped))
  }];
}

def Grad_ClipAdaptiveOp
    : Grad_Clip<"clip_adaptive", [SameOperandsAndResultType]> {
  let summary = "limits the norm of each row by the norm of the row's weights";
  let description = [{
    The tensor is cut into rows of `row` entries; a row's gradient norm is
    limited to `limit` times the larger of the row's weight norm and 1e-3
    (Brock et al. 2021).

    ```mlir
    %h = grad.clip_adaptive %g, %w {limit = 0.01 : f64, row = 32 : i64} : tensor<1024xf32>
    ```
  }];
  let arguments = (ins Grad_Arena:$grads, Grad_Arena:$params, F64Attr:$limit,
                       I64Attr:$row);
  let results = (outs Grad_Arena:$result);
  let assemblyFormat = "$grads `,` $params attr-dict `:` type($result)";
}

//===-- Updates ------------------------------------------------------------===//

// An update gives the new parameters, then the new memory of the optimiser.
class Grad_Update<string mnemonic, dag attributes>
    : Grad_Op<mnemonic, [Pure]> {
  let arguments = !con((ins Grad_Arena:$params, Grad_Arena:$grads,
                            Variadic<Grad_Arena>:$slots, Grad_Scalar:$rate,
                            Grad_Scalar:$step),
                       attributes);
  let results = (outs Grad_Arena:$new_params, Variadic<Grad_Arena>:$new_slots);
  let assemblyFormat = [{
    $params `,` $grads (`slots` `(` $slots^ `)`)? `rate` `(` $rate `)`
    `step` `(` $step `)` attr-dict `:`
    custom<ArenaTypes>(ref($slots), type($params), type($grads), type($slots),
                       type($new_params), type($new_slots))
  }];
  let hasVerifier = 1;
}

def Grad_SgdOp : Grad_Update<"sgd", (ins
    DefaultValuedAttr<F64Attr, "0.0">:$momentum, UnitAttr:$nesterov,
    DefaultValuedAttr<F64Attr, "0.0">:$weight_decay)> {
  let summary = "stochastic gradient descent, with momentum if there is a slot";
  let description = [{
    ```mlir
    %q, %c = grad.sgd %p, %g slots(%b) rate(%r) step(%t) {momentum = 0.9 : f64} : tensor<8xf32>
    ```
  }];
}

def Grad_AdamOp : Grad_Update<"adam", (ins
    DefaultValuedAttr<F64Attr, "0.9">:$beta1,
    DefaultValuedAttr<F64Attr, "0.999">:$beta2,
    DefaultValuedAttr<F64Attr, "1e-8">:$eps,
    DefaultValuedAttr<F64Attr, "0.0">:$weight_decay, UnitAttr:$decoupled)> {
  let summary = "Adam, or AdamW if the weight decay is decoupled";
  let description = [{
    Two slots: the averages of the gradient and of its square. `step` counts
    from 1.

    ```mlir
    %q, %m2, %v2 = grad.adam %p, %g slots(%m, %v) rate(%r) step(%t) : tensor<8xf32>
    ```
  }];
}

def Grad_RmspropOp : Grad_Update<"rmsprop", (ins
    DefaultValuedAttr<F64Attr, "0.99">:$alpha,
    DefaultValuedAttr<F64Attr, "1e-8">:$eps,
    DefaultValuedAttr<F64Attr, "0.0">:$momentum,
    DefaultValuedAttr<F64Attr, "0.0">:$weight_decay)> {
  let summary = "RMSprop, with momentum if there is a second slot";
  let description = [{
    ```mlir
    %q, %v2 = grad.rmsprop %p, %g slots(%v) rate(%r) step(%t) : tensor<8xf32>
    ```
  }];
}

def Grad_AdagradOp : Grad_Update<"adagrad", (ins
    DefaultValuedAttr<F64Attr, "0.0">:$lr_decay,
    DefaultValuedAttr<F64Attr, "1e-10">:$eps,
    DefaultValuedAttr<F64Attr, "0.0">:$weight_decay)> {
  let summary = "Adagrad; one slot, the sum of squares";
  let description = [{
    ```mlir
    %q, %s2 = grad.adagrad %p, %g slots(%s) rate(%r) step(%t) : tensor<8xf32>
    ```
  }];
}

#endif // RNNC_DIALECT_GRAD_GRAD_TD
