// RNN.td - ops of the rnn dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DIALECT_RNN_RNN_TD
#define RNNC_DIALECT_RNN_RNN_TD

include "rnnc/Dialect/RNN/RNNBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class RNN_Op<string mnemonic, list<Trait> traits = []>
    : Op<RNN_Dialect, mnemonic, traits>;

/// An expression: pure, its type follows from its operands by a typing rule.
class RNN_Expr<string mnemonic, list<Trait> traits = []>
    : RNN_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptor], traits)> {
  let results = (outs RNN_ValueType:$result);
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def RNN_ModuleOp : RNN_Op<"module", [IsolatedFromAbove, Symbol, NoTerminator,
                                     SingleBlock, NoRegionArguments]> {
  let summary = "A model, or an exported layer or cell, with all instances inlined";
  let description = [{
    `kind` is `model`, `layer` or `cell`; `source` is what the program calls it
    (`lstm[64, 128]`). `train` holds the settings of its `train` block,
    `exports` one dictionary an export line (`function`, `as`, `defaults`) and
    `axes` the labels of labelled axes.

    ```mlir
    rnn.module @Sum attributes {kind = "model", source = "Sum", train = {}, exports = [], axes = {}} {
      %x = rnn.input "x" : !rnn.value<["T"] real>
      %s = rnn.reduce_last sum %x : !rnn.value<["T"] real>
      rnn.loss %s : !rnn.value<[] real>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$kind, StrAttr:$source,
                       DictionaryAttr:$train, ArrayAttr:$exports,
                       DictionaryAttr:$axes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def RNN_ParamOp : RNN_Op<"param", [Pure]> {
  let summary = "A weight, named by its instance path";
  let description = [{
    `init` says where the first values come from: `{kind = "glorot"}`,
    `{kind = "orthogonal"}`, `{kind = "identity"}`, `{kind = "normal", mean = 0.0, std = 0.1}`,
    `{kind = "uniform", low = -0.1, high = 0.1}`, `{kind = "constant", value = 0.0}`,
    `{kind = "labels", axis = 0, values = [0.0, 1.0]}` (one for each entry of an axis), `{kind = "table", values = [1.0, 2.0, 3.0, 4.0]}` (all of them).

    ```mlir
    %W = rnn.param "rnn.W" {init = {kind = "glorot"}} : !rnn.value<["gate" : 4, "H" : 8, "I" : 2] real>
    ```
  }];
  let arguments = (ins StrAttr:$name, DictionaryAttr:$init, UnitAttr:$frozen);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def RNN_InputOp : RNN_Op<"input", [Pure]> {
  let summary = "A value given by the caller, by its source name";
  let description = [{
    `input x : [T, I]` of a model, or an argument of an exported layer or cell.

    ```mlir
    %x = rnn.input "x" : !rnn.value<["T", "I" : 2] real>
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def RNN_OutputOp : RNN_Op<"output", [Pure]> {
  let summary = "The data of a value that the model predicts";
  let description = [{
    `output y : in C`. Only `rnn.observe` reads it, and whatever else the program
    makes of the data.

    ```mlir
    %y = rnn.output "y" : !rnn.value<[] index "C" : 2>
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def RNN_FirstStateOp : RNN_Op<"first_state", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "A first state that the caller may give; else the declared one";
  let description = [{
    Stands in an exported cell between the declared first state and the
    recurrence: the function made of it has an argument of this name, and takes
    the declared value if that is not given.

    ```mlir
    %z = rnn.constant 0.0 : !rnn.value<["H" : 8] real>
    %h0 = rnn.first_state "h" %z : !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins StrAttr:$name, RNN_ValueType:$value);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
}

def RNN_ObserveOp : RNN_Op<"observe"> {
  let summary = "`y ~ dist`: an output is predicted like this";
  let description = [{
    The one line from which the loss, the prediction and the sampler of an
    output follow. `mood ~ categorical(scores)` is

    ```mlir
    %p = rnn.dist categorical(%scores : !rnn.value<["C" : 2] real>)
       : <categorical, <[] index "C" : 2>>
    rnn.observe "mood" %mood, %p : !rnn.value<[] index "C" : 2>, <categorical, <[] index "C" : 2>>
    ```
  }];
  let arguments = (ins RNN_ValueType:$data, RNN_DistType:$dist, StrAttr:$name);
  let assemblyFormat = "$name $data `,` $dist attr-dict `:` type($data) `,` type($dist)";
  let hasVerifier = 1;
}

def RNN_LossOp : RNN_Op<"loss"> {
  let summary = "A term to minimise: its mean over the examples is added to the loss";
  let description = [{
    `loss e`; the value is a single number.

    ```mlir
    rnn.loss %e : !rnn.value<[] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def RNN_ResultOp : RNN_Op<"result"> {
  let summary = "An output of an exported layer or cell";
  let description = [{
    What `out` gives in an exported layer or cell; a function returns it.

    ```mlir
    rnn.result "out" %hs : !rnn.value<["T", "H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value, StrAttr:$name);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
}

def RNN_FinalStateOp : RNN_Op<"final_state"> {
  let summary = "A last state of an exported cell";
  let description = [{
    A function returns it as `state.NAME`.

    ```mlir
    rnn.final_state "h" %hT : !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value, StrAttr:$name);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
}

def RNN_YieldOp : RNN_Op<"yield", [Pure, Terminator, AttrSizedOperandSegments,
    ParentOneOf<["BindOp", "ScanOp", "UnfoldOp", "LawOp"]>]> {
  let summary = "Ends a body: next states of a step, and what the step or the binder gives";
  let description = [{
    Of a step: the next states, then what the step gives. Of a binder: the value
    for one index. Of a part of `rnn.law`: its value.

    ```mlir
    rnn.yield next(%h1 : !rnn.value<["H" : 8] real>) out(%h1 : !rnn.value<["H" : 8] real>)
    ```
  }];
  let arguments = (ins Variadic<RNN_ValueType>:$next,
                       Variadic<AnyTypeOf<[RNN_ValueType, RNN_DistType]>>:$out);
  let assemblyFormat = [{
    (`next` `(` $next^ `:` type($next) `)`)? (`out` `(` $out^ `:` type($out) `)`)? attr-dict
  }];
}

//===----------------------------------------------------------------------===//
// Binders and recurrences
//===----------------------------------------------------------------------===//

def RNN_BindOp : RNN_Op<"bind", [RecursiveMemoryEffects, SingleBlock]> {
  let summary = "`sum i in A: body` and its kin";
  let description = [{
    The body sees the index; for a time axis it runs over the valid part.
    `for` puts the axis in front of the body's axes, `softmax` (of a scalar body) gives the
    axis, `argmax` (of a scalar body) an index, the others reduce.

    ```mlir
    %s = rnn.bind sum <"S"> {
    ^bb0(%i: !rnn.value<[] index "S">):
      %e = rnn.lookup %x[%i] : !rnn.value<["S"] real>, !rnn.value<[] index "S">
      rnn.yield out(%e : !rnn.value<[] real>)
    } : !rnn.value<[] real>
    ```
  }];
  let arguments = (ins RNN_BindKindAttr:$kind, RNN_AxisAttr:$axis);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$kind $axis attr-dict-with-keyword $body `:` type($result)";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// What the body gives for one index.
    ::mlir::Value getYielded();
    ::mlir::BlockArgument getIndex() { return getBody().getArgument(0); }
    /// The type of a binder whose body has this type; null if there is none.
    static ValueType resultType(BindKind kind, AxisAttr axis, ValueType body);
  }];
}

def RNN_ScanOp : RNN_Op<"scan", [RecursiveMemoryEffects, SingleBlock,
    AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "A cell applied along an axis: `scan` and `fold`";
  let description = [{
    The body gets one element of each sequence and the states before the step;
    it yields the next states and what the step gives. Values from above are
    constants. Past the end of an example states keep their value and stacked
    outputs are zero. Results: outputs with the axis in front, then the last
    states. `reverse` starts at the last valid element.

    ```mlir
    %ys, %hT = rnn.scan <"T"> over(%x : !rnn.value<["T"] real>)
        init(%h0 : !rnn.value<[] real>) states = ["h"] {
    ^bb0(%e: !rnn.value<[] real>, %h: !rnn.value<[] real>):
      %n = rnn.binary add %e, %h : !rnn.value<[] real>, !rnn.value<[] real>
      rnn.yield next(%n : !rnn.value<[] real>) out(%n : !rnn.value<[] real>)
    } -> (!rnn.value<["T"] real>)
    ```
  }];
  let arguments = (ins RNN_AxisAttr:$axis, Variadic<RNN_ValueType>:$over,
                       Variadic<RNN_ValueType>:$init, StrArrayAttr:$states,
                       UnitAttr:$reverse);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<RNN_ValueType>:$outs,
                      Variadic<RNN_ValueType>:$finals);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block::BlockArgListType getElements() {
      return getBody().getArguments().take_front(getOver().size());
    }
    ::mlir::Block::BlockArgListType getStateArgs() {
      return getBody().getArguments().drop_front(getOver().size());
    }
    YieldOp getYield();
  }];
  let skipDefaultBuilders = 1;
  let builders = [
    /// An op with an empty body block that has its arguments; `outTypes` are
    /// those of one step.
    OpBuilder<(ins "AxisAttr":$axis, "::mlir::ValueRange":$over,
                   "::mlir::ValueRange":$init, "::mlir::ArrayAttr":$states,
                   "bool":$reverse, "::mlir::TypeRange":$outTypes)>];
}

def RNN_UnfoldOp : RNN_Op<"unfold", [RecursiveMemoryEffects, SingleBlock,
    AttrSizedOperandSegments]> {
  let summary = "A cell that reads what it drew before: a distribution over sequences";
  let description = [{
    The body gets the element before, the elements of the sequences after
    `over` and the states; it yields the next states and a distribution of one
    element. At the first step the element before is the symbol `start`, or the
    value `first`. A sequence ends with the element `stop`, or after `max`
    elements. The values of the states after the last true element are results
    too. `text ~ unfold lm start 0` is

    ```mlir
    %d = rnn.unfold init(%h0 : !rnn.value<["H" : 8] real>) states = ["h"] start = 0 {
    ^bb0(%prev: !rnn.value<[] index "V" : 5>, %h: !rnn.value<["H" : 8] real>):
      ...
      %p = rnn.dist categorical(%o : !rnn.value<["V" : 5] real>) : <categorical, <[] index "V" : 5>>
      rnn.yield next(%h1 : !rnn.value<["H" : 8] real>) out(%p : !rnn.dist<categorical, <[] index "V" : 5>>)
    } : <unfold, <["T"] index "V" : 5>>
    rnn.observe "text" %text, %d : ...
    ```
  }];
  let arguments = (ins Variadic<RNN_ValueType>:$over,
                       Variadic<RNN_ValueType>:$init,
                       Optional<RNN_ValueType>:$first, StrArrayAttr:$states,
                       OptionalAttr<I64Attr>:$start, OptionalAttr<I64Attr>:$stop,
                       OptionalAttr<I64Attr>:$max);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs RNN_DistType:$result, Variadic<RNN_ValueType>:$finals);
  let assemblyFormat = [{
    (`over` `(` $over^ `:` type($over) `)`)? (`init` `(` $init^ `:` type($init) `)`)?
    `states` `=` $states (`start` `=` $start^)? (`first` `(` $first^ `:` type($first) `)`)?
    (`stop` `=` $stop^)? (`max` `=` $max^)? attr-dict-with-keyword $body `:` type($result)
    (`finals` `(` type($finals)^ `)`)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getPrevious() { return getBody().getArgument(0); }
    ::mlir::Block::BlockArgListType getElements() {
      return getBody().getArguments().drop_front(1).take_front(getOver().size());
    }
    ::mlir::Block::BlockArgListType getStateArgs() {
      return getBody().getArguments().drop_front(1 + getOver().size());
    }
    YieldOp getYield();
    /// The axis along which the sequence is drawn, mostly a time axis.
    AxisAttr getAxis() { return getResult().getType().getValue().getAxes().front(); }
  }];
}

def RNN_DistOp : RNN_Op<"dist", [Pure]> {
  let summary = "A distribution: `categorical(scores)`, `bernoulli(scores)`, `normal(mean, deviation)`, `laplace(place, scale)`";
  let description = [{
    Leading axes are independent draws. `smooth` is the label smoothing of
    `categorical`; the scores of `bernoulli` are log odds.

    ```mlir
    %p = rnn.dist normal(%mean, %sd : !rnn.value<[] real>, !rnn.value<[] real>)
       : <normal, <[] real>>
    ```
  }];
  let arguments = (ins RNN_DistKindAttr:$kind, Variadic<RNN_ValueType>:$args,
                       DefaultValuedAttr<F64Attr, "0.0">:$smooth);
  let results = (outs RNN_DistType:$result);
  let assemblyFormat = "$kind `(` $args `:` type($args) `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def RNN_LawOp : RNN_Op<"law", [RecursiveMemoryEffects]> {
  let summary = "A distribution that is written in the language: `dist name(args) for y : type { ... }`";
  let description = [{
    `logp` gets the arguments and what is drawn, and gives the logarithm of its
    probability: a number for each draw, so along the leading axes alone. `mode`
    and `sample` get the arguments and give what is drawn; either may be empty.
    `dist laplace1(m: real) for y: real { logp = -abs(y - m) - log(2)  mode = m }` is

    ```mlir
    %p = rnn.law "laplace1"(%m : !rnn.value<[] real>) logp {
    ^bb0(%a: !rnn.value<[] real>, %y: !rnn.value<[] real>):
      %d = rnn.binary sub %y, %a : !rnn.value<[] real>, !rnn.value<[] real>
      ...
      rnn.yield out(%l : !rnn.value<[] real>)
    } mode {
    ^bb0(%a: !rnn.value<[] real>):
      rnn.yield out(%a : !rnn.value<[] real>)
    } sample {
    } : <law, <[] real>>
    ```
  }];
  let arguments = (ins StrAttr:$name, Variadic<RNN_ValueType>:$args);
  let regions = (region SizedRegion<1>:$logp, AnyRegion:$mode,
                        AnyRegion:$sample);
  let results = (outs RNN_DistType:$result);
  let assemblyFormat = [{
    $name `(` ($args^ `:` type($args))? `)` attr-dict-with-keyword
    `logp` $logp `mode` $mode `sample` $sample `:` type($result)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    bool hasMode() { return !getMode().empty(); }
    /// The type of the mode: of a sequence whose length only the data say, it
    /// may run along another time axis.
    ValueType getModeType();
    /// What a part gives.
    static ::mlir::Value yielded(::mlir::Region &part);
    /// How many leading axes count draws.
    int64_t getLead();
    /// Whether one draw is a whole sequence.
    bool drawsSequence();
  }];
}

include "rnnc/Dialect/RNN/RNNExpressions.td"

#endif // RNNC_DIALECT_RNN_RNN_TD
