// Scan.td: the scan dialect, iteration over time on batched tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_SCAN_SCAN_TD
#define RNNC_DIALECT_SCAN_SCAN_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/LoopLikeInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ScanDialect : Dialect {
  let name = "scan";
  let cppNamespace = "::rnnc::scan";
  let summary = "Iteration over time on batched tensors";
  let description = [{
    Recurrences over time with declared carries, and the few tensor operations
    that recurrent models need beside `arith`, `math` and `tensor`. Values are
    ranked tensors laid out `[time axes..., batch, fixed axes...]`; batch and
    time are dynamic, all else is static. Values that depend on parameters
    alone have no batch dimension. Past an example's own end a value is zero
    or unspecified and is never read into a result.

    What upstream has was weighed. `scf.for` carries tensors, but a step would
    read and write its rows by `tensor.extract_slice` and `insert_slice`: what
    is sliced along time, what is stacked, what waits for whom and where an
    example ends is then for every pass to find again, and gradients, hoisting
    and the choice of what is kept live on it. `linalg.generic` has the
    pointwise code from the phases on; before them an elementwise `arith` or
    `math` op on tensors says the same in one line, folds, and has a derivative
    by its name. `linalg.contract` takes no part of the operands as it is for
    all (`scan.dot` with a batch that only one has), and `linalg` has no words
    for lengths, look-ups with a defined value out of bounds, and counted
    random numbers.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = [
    "::rnnc::interface::InterfaceDialect",
    "mlir::arith::ArithDialect", "mlir::math::MathDialect",
    "mlir::tensor::TensorDialect"
  ];
}

class Scan_Op<string mnemonic, list<Trait> traits = []>
    : Op<ScanDialect, mnemonic, traits>;

// An op whose result type follows from its operands and attributes.
class Scan_InferredOp<string mnemonic, list<Trait> traits = []>
    : Scan_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptor], traits)>;

// Lengths of one time axis, one per example; the type is never printed.
def Scan_Lengths : Type<
    CPred<"::rnnc::scan::isLengthsType($_self)">, "tensor<?xi32>",
    "::mlir::RankedTensorType">,
    BuildableType<"::rnnc::scan::getLengthsType($_builder.getContext())">;
// Seed and update number; the type is never printed.
def Scan_Key : Type<
    CPred<"::rnnc::scan::isKeyType($_self)">, "tensor<2xi64>",
    "::mlir::RankedTensorType">,
    BuildableType<"::rnnc::scan::getKeyType($_builder.getContext())">;
def Scan_FloatTensor : RankedTensorOf<[F32, F64]>;
def Scan_Tensor : RankedTensorOf<[F32, F64, I32, I1]>;
def Scan_IndexTensor : RankedTensorOf<[I32]>;

def Scan_ReduceKind : I32EnumAttr<"ReduceKind", "what a reduction computes", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"max", 1>,
    I32EnumAttrCase<"min", 2>, I32EnumAttrCase<"prod", 3>,
    I32EnumAttrCase<"logsumexp", 4>]> {
  let cppNamespace = "::rnnc::scan";
  let genSpecializedAttr = 0;
}
def Scan_ReduceKindAttr : EnumAttr<ScanDialect, Scan_ReduceKind, "reduce_kind">;

def Scan_StepKind : I32EnumAttr<"StepKind", "a step of a sequence", [
    I32EnumAttrCase<"first", 0>, I32EnumAttrCase<"last", 1>]> {
  let cppNamespace = "::rnnc::scan";
  let genSpecializedAttr = 0;
}
def Scan_StepKindAttr : EnumAttr<ScanDialect, Scan_StepKind, "step_kind">;

def Scan_CheckpointKind : I32EnumAttr<"CheckpointKind",
    "how long the segments are that a gradient computes again", [
    I32EnumAttrCase<"sqrt", 0>, I32EnumAttrCase<"every", 1>,
    I32EnumAttrCase<"memory", 2>]> {
  let cppNamespace = "::rnnc::scan";
  let genSpecializedAttr = 0;
}

// `#scan.checkpoint<sqrt>`, `#scan.checkpoint<every, 10>`: steps,
// `#scan.checkpoint<memory, 500000000>`: bytes.
def Scan_CheckpointAttr : AttrDef<ScanDialect, "Checkpoint"> {
  let mnemonic = "checkpoint";
  let summary = "how long the segments are that a gradient computes again";
  let parameters = (ins EnumParameter<Scan_CheckpointKind>:$kind,
                        DefaultValuedParameter<"int64_t", "0">:$amount);
  let assemblyFormat = "`<` $kind (`,` $amount^)? `>`";
  let genVerifyDecl = 1;
}

//===-- Elementwise --------------------------------------------------------===//

class Scan_Unary<string mnemonic>
    : Scan_Op<mnemonic, [Pure, SameOperandsAndResultType, Elementwise,
                         Scalarizable, Vectorizable, Tensorizable]> {
  let arguments = (ins FloatLike:$input);
  let results = (outs FloatLike:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Scan_SigmoidOp : Scan_Unary<"sigmoid"> {
  let summary = "the logistic function, on scalars, vectors and tensors";
  let description = [{
    `1 / (1 + exp(-x))` without overflow.

    ```mlir
    %y = scan.sigmoid %x : tensor<?x128xf32>
    ```
  }];
}

def Scan_SoftplusOp : Scan_Unary<"softplus"> {
  let summary = "log(1 + exp(x)) without overflow";
  let description = [{
    ```mlir
    %y = scan.softplus %x : tensor<?x128xf32>
    ```
  }];
}

def Scan_StopOp
    : Scan_Op<"stop", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "the identity, through which no gradient flows";
  let description = [{
    With `at` and `period`, the gradient is cut only where the step is a
    positive multiple of the period.

    ```mlir
    %y = scan.stop %x : tensor<?x128xf32>
    %h = scan.stop %g at(%t) {period = 35} : tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Scan_FloatTensor:$input, Optional<Index>:$at,
                       OptionalAttr<I64Attr>:$period);
  let results = (outs Scan_FloatTensor:$result);
  let assemblyFormat =
      "$input (`at` `(` $at^ `)`)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Scan_ClipGradOp
    : Scan_Op<"clipgrad", [Pure, SameOperandsAndResultType]> {
  let summary = "the identity, whose gradient is limited to ±limit";
  let description = [{
    ```mlir
    %y = scan.clipgrad %x {limit = 1.0 : f64} : tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Scan_FloatTensor:$input, F64Attr:$limit);
  let results = (outs Scan_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===-- Shape --------------------------------------------------------------===//

def Scan_BroadcastOp : Scan_Op<"broadcast", [Pure]> {
  let summary = "repeats a value along new dimensions";
  let description = [{
    Dimension `i` of the operand becomes dimension `dims[i]` of the result;
    `dims` is increasing. One operand in `sizes` for each dynamic dimension of
    the result, in order. A constant of dynamic shape is the broadcast of a
    scalar constant.

    ```mlir
    %b2 = scan.broadcast %b sizes(%batch) dims = [1] : tensor<128xf32> -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, Variadic<Index>:$sizes,
                       DenseI64ArrayAttr:$dims);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input (`sizes` `(` $sizes^ `)`)? `dims` `=` $dims attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Scan_TransposeOp : Scan_InferredOp<"transpose"> {
  let summary = "permutes dimensions";
  let description = [{
    Dimension `i` of the result is dimension `perm[i]` of the operand.

    ```mlir
    %y = scan.transpose %x perm = [1, 0, 2] : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, DenseI64ArrayAttr:$perm);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input `perm` `=` $perm attr-dict `:` type($input) `->` type($result)
  }];
  let hasFolder = 1;
}

//===-- Reductions and products --------------------------------------------===//

def Scan_ReduceOp : Scan_InferredOp<"reduce"> {
  let summary = "reduces dimensions away";
  let description = [{
    Over nothing `sum` is 0, `prod` 1, `max` and `logsumexp` minus infinity,
    `min` infinity.

    ```mlir
    %s = scan.reduce sum %x dims = [0, 1] : tensor<?x?x8xf32> -> tensor<8xf32>
    ```
  }];
  let arguments = (ins Scan_ReduceKindAttr:$kind, Scan_FloatTensor:$input,
                       DenseI64ArrayAttr:$dims);
  let results = (outs Scan_FloatTensor:$result);
  let assemblyFormat = [{
    $kind $input `dims` `=` $dims attr-dict `:` type($input) `->` type($result)
  }];
  let hasFolder = 1;
}

def Scan_ArgmaxOp : Scan_InferredOp<"argmax"> {
  let summary = "the index of the largest entry along one dimension, the first at a tie";
  let description = [{
    ```mlir
    %i = scan.argmax %x dim = 1 : tensor<?x8xf32> -> tensor<?xi32>
    ```
  }];
  let arguments = (ins Scan_FloatTensor:$input, I64Attr:$dim);
  let results = (outs Scan_IndexTensor:$result);
  let assemblyFormat = [{
    $input `dim` `=` $dim attr-dict `:` type($input) `->` type($result)
  }];
}

def Scan_DotOp : Scan_InferredOp<"dot"> {
  let summary = "the product of two tensors, summed over contracted dimensions";
  let description = [{
    The dimensions in `batch` (first list: of the left operand, second: of the
    right one) run side by side, those in `contract` are summed over. The
    result has the batch dimensions, then the other dimensions of the left
    operand, then those of the right one.

    With `lengths` the first two dimensions of the left operand are time and
    example, and what lies past an example's end does not count. Where both are
    contracted (with the first two of the right operand) those terms are left
    out; where neither is, those rows are not computed, and nothing is said of
    what stands there. In the body of a loop with these lengths the rows may be
    the examples of one step: those that have ended are not computed.

    ```mlir
    %y = scan.dot %x, %w batch = [[], []] contract = [[1], [1]]
       : tensor<?x64xf32>, tensor<128x64xf32> -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Scan_FloatTensor:$lhs, Scan_FloatTensor:$rhs,
                       DenseI64ArrayAttr:$lhs_batch,
                       DenseI64ArrayAttr:$rhs_batch,
                       DenseI64ArrayAttr:$lhs_contract,
                       DenseI64ArrayAttr:$rhs_contract,
                       Optional<Scan_Lengths>:$lengths);
  let results = (outs Scan_FloatTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`lengths` `(` $lengths^ `)`)? `batch` `=` `[` $lhs_batch `,` $rhs_batch `]`
    `contract` `=` `[` $lhs_contract `,` $rhs_contract `]` attr-dict
    `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let builders = [
    OpBuilder<(ins "mlir::Value":$lhs, "mlir::Value":$rhs,
                   "llvm::ArrayRef<int64_t>":$lhsBatch,
                   "llvm::ArrayRef<int64_t>":$rhsBatch,
                   "llvm::ArrayRef<int64_t>":$lhsContract,
                   "llvm::ArrayRef<int64_t>":$rhsContract), [{
      build($_builder, $_state, lhs, rhs, lhsBatch, rhsBatch, lhsContract,
            rhsContract, /*lengths=*/mlir::Value());
    }]>
  ];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Dimensions of the left operand that are neither batch nor contracted.
    llvm::SmallVector<int64_t> getLhsFree();
    /// Dimensions of the right operand that are neither batch nor contracted.
    llvm::SmallVector<int64_t> getRhsFree();
    /// Whether the sum goes over time and examples, the first two dimensions of
    /// both operands.
    bool sumsOverExamples();
    /// With lengths: how many dimensions of the left operand are time or
    /// example.
    unsigned getLeading();
    /// A product of matrices; others are reductions.
    bool isMatrixProduct() {
      return getLhsBatch().empty() && !getRhsFree().empty() &&
             !getRhsContract().empty();
    }
  }];
}

//===-- Lookup -------------------------------------------------------------===//

def Scan_GatherOp : Scan_InferredOp<"gather"> {
  let summary = "looks rows of a table up";
  let description = [{
    The table is `[b1..bn, d, rest...]`, the indices `[b1..bn, more...]`, the
    result `[b1..bn, more..., rest...]`, n being `batch_dims`.

    ```mlir
    %e = scan.gather %emb[%i] batch_dims = 0
       : tensor<96x64xf32>, tensor<?x?xi32> -> tensor<?x?x64xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$table, Scan_IndexTensor:$indices,
                       I64Attr:$batch_dims);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $table `[` $indices `]` `batch_dims` `=` $batch_dims attr-dict
    `:` type($table) `,` type($indices) `->` type($result)
  }];
}

def Scan_ScatterAddOp : Scan_Op<"scatter_add", [Pure]> {
  let summary = "sums rows into a table of zeros, the adjoint of scan.gather";
  let description = [{
    Updates are `[b1..bn, more..., rest...]`, the result is
    `[b1..bn, d, rest...]`. `into` gives d where it is dynamic.

    ```mlir
    %d = scan.scatter_add %u[%i] batch_dims = 0
       : tensor<?x?x64xf32>, tensor<?x?xi32> -> tensor<96x64xf32>
    ```
  }];
  let arguments = (ins Scan_FloatTensor:$updates, Scan_IndexTensor:$indices,
                       Optional<Index>:$size, I64Attr:$batch_dims);
  let results = (outs Scan_FloatTensor:$result);
  let assemblyFormat = [{
    $updates `[` $indices `]` (`into` `(` $size^ `)`)?
    `batch_dims` `=` $batch_dims attr-dict
    `:` type($updates) `,` type($indices) `->` type($result)
  }];
  let hasVerifier = 1;
}

include "rnnc/Dialect/Scan/ScanSequences.td"

//===-- Randomness ---------------------------------------------------------===//

def Scan_RandomOp : Scan_Op<"random", [Pure, AttrSizedOperandSegments]> {
  let summary = "uniform numbers in [0, 1), a pure function of key and place";
  let description = [{
    Philox4x32-10 with the key (seed, update number) and the counter (site,
    batch row, absolute step, element / 4), the element counted over the
    remaining dimensions. The step is the position along `time_dim`, or `at`
    inside a time loop, or their sum, or 0. Without `batch_dim` the row is 0. One operand in
    `sizes` for each dynamic dimension of the result.

    ```mlir
    %u = scan.random %key sizes(%T, %batch) {site = 3, time_dim = 0, batch_dim = 1}
       : tensor<?x?x8xf32>
    %v = scan.random %key sizes(%batch) at(%t) {site = 3, batch_dim = 0} : tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Key:$key, Variadic<Index>:$sizes,
                       Optional<Index>:$at, I64Attr:$site,
                       OptionalAttr<I64Attr>:$time_dim,
                       OptionalAttr<I64Attr>:$batch_dim);
  let results = (outs Scan_FloatTensor:$result);
  let assemblyFormat = [{
    $key (`sizes` `(` $sizes^ `)`)? (`at` `(` $at^ `)`)? attr-dict
    `:` type($result)
  }];
  let hasVerifier = 1;
}

//===-- The time loop ------------------------------------------------------===//

def Scan_LoopOp : Scan_Op<"loop", [
    AttrSizedOperandSegments, RecursiveMemoryEffects, RecursivelySpeculatable,
    SingleBlock, DeclareOpInterfaceMethods<LoopLikeOpInterface>]> {
  let summary = "a time loop with declared carries, sliced inputs and stacked outputs";
  let description = [{
    Runs its body for the steps t = 0 … trip - 1, or with `reverse` for
    t = trip - 1 … 0. The body gets t, step t of each operand in `slices`
    (along dimension 0), and the carries; it yields the next carries and what
    is stacked along a new dimension 0. Results are the stacked values, then
    the last carries. The body may use values from above.

    With `lengths`, a carry or stacked value whose first dimension is dynamic
    and the only dynamic one is batched: in rows whose length is not above t,
    the carry keeps its value and the stacked row is zero, whatever the body
    computes there. (With more, time axes stand before the batch; one that
    joins time and batch, as of sequences inside of a sequence, has other rows
    than `lengths` and is not masked, unless `lengths` has such rows.) Carries
    numbered in `unmasked_carries` and stacked values numbered in
    `unmasked_stacks` are never masked.

    `unroll` asks for unrolling by a factor (0: fully), `segment` for the
    gradient to be cut every so many steps, `checkpoint` for one that keeps the
    states between segments only. With `recompute` the gradient keeps nothing of
    a step but slices and carries: the reversed loop does the step again before it
    goes back through it. Nothing leaves such a loop to be computed for all steps
    at once.

    ```mlir
    %ys, %hT = scan.loop trip(%T) lengths(%len)
        slices(%x = %xs : tensor<?x?x64xf32>) carry(%h = %h0 : tensor<?x128xf32>) step(%t) {
      ...
      scan.yield carry(%h1 : tensor<?x128xf32>) stack(%y : tensor<?x8xf32>)
    } -> (tensor<?x?x8xf32>, tensor<?x128xf32>)
    ```
  }];
  let arguments = (ins Index:$trip, Optional<Scan_Lengths>:$lengths,
                       Variadic<Scan_Tensor>:$slices,
                       Variadic<Scan_Tensor>:$firsts, UnitAttr:$reverse,
                       OptionalAttr<I64Attr>:$unroll,
                       OptionalAttr<I64Attr>:$segment,
                       OptionalAttr<Scan_CheckpointAttr>:$checkpoint,
                       UnitAttr:$recompute,
                       OptionalAttr<DenseI64ArrayAttr>:$unmasked_carries,
                       OptionalAttr<DenseI64ArrayAttr>:$unmasked_stacks);
  let results = (outs Variadic<Scan_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    // The body is built by the callback, which must end it with scan.yield;
    // the types of the stacked results follow from what it yields.
    OpBuilder<(ins "mlir::Value":$trip, "mlir::Value":$lengths,
      "mlir::ValueRange":$slices, "mlir::ValueRange":$inits, "bool":$reverse,
      "llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, mlir::Value, mlir::ValueRange, mlir::ValueRange)>":$body)>
  ];
  let extraClassDeclaration = [{
    mlir::Block *getBodyBlock() { return &getBody().front(); }
    mlir::Value getStep() { return getBodyBlock()->getArgument(0); }
    mlir::MutableArrayRef<mlir::BlockArgument> getSliceArgs();
    mlir::MutableArrayRef<mlir::BlockArgument> getCarryArgs();
    YieldOp getYield();
    unsigned getNumSlices() { return getSlices().size(); }
    unsigned getNumCarries() { return getFirsts().size(); }
    unsigned getNumStacks() { return getNumResults() - getNumCarries(); }
    mlir::ResultRange getStackResults() {
      return getResults().take_front(getNumStacks());
    }
    mlir::ResultRange getFinalResults() {
      return getResults().take_back(getNumCarries());
    }
    /// Whether rows of the carry past their end keep their value.
    bool isMaskedCarry(unsigned number);
    /// Whether rows of the stacked value past their end are zero.
    bool isMaskedStack(unsigned number);
    /// The number of steps where it is known.
    std::optional<int64_t> getConstantTrip();
  }];
}

def Scan_YieldOp : Scan_Op<"yield", [
    Pure, Terminator, ReturnLike, AttrSizedOperandSegments,
    HasParent<"LoopOp">]> {
  let summary = "ends a step: the next carries and the values to stack";
  let description = [{
    ```mlir
    scan.yield carry(%h1 : tensor<?x8xf32>) stack(%y : tensor<?x8xf32>)
    ```
  }];
  let arguments = (ins Variadic<Scan_Tensor>:$carries,
                       Variadic<Scan_Tensor>:$stacks);
  let assemblyFormat = [{
    (`carry` `(` $carries^ `:` type($carries) `)`)?
    (`stack` `(` $stacks^ `:` type($stacks) `)`)? attr-dict
  }];
}

#endif // RNNC_DIALECT_SCAN_SCAN_TD
