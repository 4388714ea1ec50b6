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

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

def RNN_ConstantOp : RNN_Op<"constant", [Pure, ConstantLike]> {
  let summary = "One number in every place of a value";
  let description = [{
    The value of an index, an int or a bit is a whole number.

    ```mlir
    %h0 = rnn.constant 0.0 : !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins F64Attr:$value);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "ValueType":$type, "double":$value), [{
    build($_builder, $_state, type, $_builder.getF64FloatAttr(value));
  }]>];
}

def RNN_TableOp : RNN_Op<"table", [Pure]> {
  let summary = "Numbers written one by one: `[1, 2, 3]`, `[[1, 2], [3, 4]]`";
  let description = [{
    The numbers in row-major order.

    ```mlir
    %m = rnn.table [1.0, 2.0, 3.0, 4.0] : !rnn.value<["2" : 2, "2" : 2] real>
    ```
  }];
  let arguments = (ins DenseF64ArrayAttr:$values);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$values attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def RNN_ListOp : RNN_Op<"list", [Pure, SameTypeOperands]> {
  let summary = "Values one after the other along a new first axis: `[a, b]`";
  let description = [{
    The axis is a plain number.

    ```mlir
    %l = rnn.list %a, %b : !rnn.value<["H" : 8] real> -> !rnn.value<["2" : 2, "H" : 8] real>
    ```
  }];
  let arguments = (ins Variadic<RNN_ValueType>:$items);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$items attr-dict `:` type($items) `->` type($result)";
  let hasVerifier = 1;
}

def RNN_SliceOp : RNN_Op<"slice", [Pure]> {
  let summary = "`x[a..b]`: part of the first axis, a fixed one";
  let description = [{
    From entry `from` on, as many as the first axis of the result has. Other axes
    are cut inside of binders over those in front. `x[H..2*H]` of `x : [4*H]` is

    ```mlir
    %y = rnn.slice %x from 8 : !rnn.value<["4*H" : 32] real> -> !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value, I64Attr:$from);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$value `from` $from attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def RNN_UnaryOp : RNN_Expr<"unary"> {
  let summary = "An elementwise function of one real value";
  let description = [{
    `tanh(x)`, `-x` and their kin; the type stays.

    ```mlir
    %y = rnn.unary tanh %x : !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_UnaryKindAttr:$kind, RNN_ValueType:$value);
  let assemblyFormat = "$kind $value attr-dict `:` type($value)";
  let hasFolder = 1;
}

def RNN_ToRealOp : RNN_Expr<"to_real"> {
  let summary = "Bits (0, 1), ints or indices (their places) as real numbers";
  let description = [{
    `real(i)`; arithmetic on ints and on the index of a binder asks for it too.
    The index of a binder along time has no number here: `rnn.scan` counts its
    steps.

    ```mlir
    %n = rnn.to_real %bits : !rnn.value<["T"] bit>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def RNN_BinaryOp : RNN_Expr<"binary"> {
  let summary = "An elementwise function of two real values";
  let description = [{
    The axes of one value are the last axes of the other, which gives the
    result's: `x + b` with `x : [T, H]` and `b : [H]` is

    ```mlir
    %y = rnn.binary add %x, %b : !rnn.value<["T", "H" : 8] real>, !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_BinaryKindAttr:$kind, RNN_ValueType:$lhs, RNN_ValueType:$rhs);
  let assemblyFormat = "$kind $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
  let hasFolder = 1;
}

def RNN_CompareOp : RNN_Expr<"compare"> {
  let summary = "An elementwise comparison; gives bits";
  let description = [{
    `x < y`. The rule for axes is that of `rnn.binary`.

    ```mlir
    %c = rnn.compare lt %x, %y : !rnn.value<["H" : 8] real>, !rnn.value<[] real>
    ```
  }];
  let arguments = (ins RNN_CompareKindAttr:$kind, RNN_ValueType:$lhs, RNN_ValueType:$rhs);
  let assemblyFormat = "$kind $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
}

def RNN_LogicOp : RNN_Expr<"logic"> {
  let summary = "`c and d`, `c or d` of bits, elementwise";
  let description = [{
    The rule for axes is that of `rnn.binary`. `x > 0 and y > 0` is

    ```mlir
    %b = rnn.logic and %c, %d : !rnn.value<["H" : 8] bit>, !rnn.value<[] bit>
    ```
  }];
  let arguments = (ins RNN_LogicKindAttr:$kind, RNN_ValueType:$lhs, RNN_ValueType:$rhs);
  let assemblyFormat = "$kind $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
}

def RNN_NotOp : RNN_Expr<"not"> {
  let summary = "`not c` of bits, elementwise";
  let description = [{
    ```mlir
    %b = rnn.not %c : !rnn.value<["H" : 8] bit>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def RNN_SelectOp : RNN_Expr<"select"> {
  let summary = "`if c then a else b`, elementwise; no gradient through `c`";
  let description = [{
    The condition is a single bit or has the shape of the values.

    ```mlir
    %y = rnn.select %c, %a, %b : !rnn.value<["H" : 8] bit>, !rnn.value<["H" : 8] real>,
       !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$condition, RNN_ValueType:$lhs, RNN_ValueType:$rhs);
  let assemblyFormat = [{$condition `,` $lhs `,` $rhs attr-dict
    `:` type($condition) `,` type($lhs) `,` type($rhs)}];
}

def RNN_ClampOp : RNN_Expr<"clamp"> {
  let summary = "`min(max(x, low), high)`; derivative 1 inside, ends included";
  let description = [{
    `clamp(x, low, high)`.

    ```mlir
    %y = rnn.clamp %x, %low, %high : !rnn.value<["H" : 8] real>, !rnn.value<[] real>, !rnn.value<[] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value, RNN_ValueType:$low, RNN_ValueType:$high);
  let assemblyFormat = [{$value `,` $low `,` $high attr-dict
    `:` type($value) `,` type($low) `,` type($high)}];
}

def RNN_MatchOp : RNN_Expr<"match"> {
  let summary = "`a @ b`: products summed over the last axis of `a` and the first of `b`";
  let description = [{
    The joined axes are one and the same axis, and go away. `W @ x` is

    ```mlir
    %y = rnn.match %W, %x : !rnn.value<["H" : 8, "I" : 2] real>, !rnn.value<["I" : 2] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$lhs, RNN_ValueType:$rhs);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
}

def RNN_JoinOp : RNN_Op<"join", [Pure]> {
  let summary = "`a ++ b`: one after the other along the last axis";
  let description = [{
    The name of the joined axis is the normal form of the sum.

    ```mlir
    %j = rnn.join %f, %b : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>
       -> !rnn.value<["2*H" : 16] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$lhs, RNN_ValueType:$rhs);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
  let hasVerifier = 1;
}

def RNN_LookupOp : RNN_Expr<"lookup"> {
  let summary = "`e[i]`: elements of the first axis of `e`";
  let description = [{
    `e : [d, a...]` and `i : [b...] in d` give `[b..., a...]`. `Emb[words]` is

    ```mlir
    %e = rnn.lookup %Emb[%words] : !rnn.value<["V" : 96, "E" : 64] real>, !rnn.value<["T"] index "V" : 96>
    ```
  }];
  let arguments = (ins RNN_ValueType:$table, RNN_ValueType:$index);
  let assemblyFormat = "$table `[` $index `]` attr-dict `:` type($table) `,` type($index)";
}

def RNN_LabelOp : RNN_Expr<"label"> {
  let summary = "`e.l`: one entry of a labelled axis, which goes away";
  let description = [{
    `z.f`, where `f` is label 1 of the first axis, is

    ```mlir
    %f = rnn.label %z axis 0 label 1 : !rnn.value<["gate" : 4, "H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value, I64Attr:$position, I64Attr:$label);
  let assemblyFormat = "$value `axis` $position `label` $label attr-dict `:` type($value)";
}

def RNN_AsOp : RNN_Op<"as", [Pure]> {
  let summary = "The same numbers along axes of other names, or products of axes split and joined";
  let description = [{
    In order, each axis gets another name (`x as [F]`), is split into several
    whose sizes multiply to its own, or is joined with those behind it. Time axes
    stay.

    ```mlir
    %y = rnn.as %x : !rnn.value<["H" : 8] real> -> !rnn.value<["F" : 8] real>
    %z = rnn.as %x : !rnn.value<["H" : 8] real> -> !rnn.value<["A" : 2, "B" : 4] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value);
  let results = (outs RNN_ValueType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def RNN_ReduceLastOp : RNN_Expr<"reduce_last"> {
  let summary = "`softmax(x)`, `sum(x)` and their kin along the last axis";
  let description = [{
    `softmax` and `layer_norm` keep the axis, the others drop it. `eps` belongs
    to `layer_norm`.

    ```mlir
    %s = rnn.reduce_last softmax %x : !rnn.value<["T", "H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ReduceKindAttr:$kind, RNN_ValueType:$value,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$eps);
  let assemblyFormat = "$kind $value attr-dict `:` type($value)";
}

def RNN_SequenceOp : RNN_Expr<"sequence"> {
  let summary = "`last(x)`, `first(x)`, `reverse(x)`, `shift(y, k)`, `cumsum(x)` along the first axis";
  let description = [{
    Along a time axis they see the valid part. `shift` moves one step to the
    right and puts `fill` first. `cumsum` runs along a fixed axis here; along
    time it is a recurrence (`rnn.scan`) that adds up.

    ```mlir
    %l = rnn.sequence last %x : !rnn.value<["T", "H" : 8] real>
    %s = rnn.sequence shift %i fill %k : !rnn.value<[] index "V" : 5> : !rnn.value<["T"] index "V" : 5>
    ```
  }];
  let arguments = (ins RNN_SequenceKindAttr:$kind, RNN_ValueType:$value,
                       Optional<RNN_ValueType>:$fill);
  let assemblyFormat = "$kind $value (`fill` $fill^ `:` type($fill))? attr-dict `:` type($value)";
}

def RNN_ArgMaxOp : RNN_Expr<"argmax"> {
  let summary = "The place of the largest element of the last axis, the first at a tie";
  let description = [{
    The result is an index of the last axis, which goes away.

    ```mlir
    %i = rnn.argmax %x : !rnn.value<["T", "H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def RNN_OneHotOp : RNN_Expr<"onehot"> {
  let summary = "`onehot(i)`: 1 at the index, 0 elsewhere, along a new last axis";
  let description = [{
    ```mlir
    %x = rnn.onehot %i : !rnn.value<["T"] index "V" : 5>
    ```
  }];
  let arguments = (ins RNN_ValueType:$index);
  let assemblyFormat = "$index attr-dict `:` type($index)";
}

def RNN_DropoutOp : RNN_Expr<"dropout"> {
  let summary = "Zeroes entries with probability p and scales the others by 1 / (1 - p), in training";
  let description = [{
    `tied` is an axis along which one mask is kept: one of the value, or that of
    a recurrence or binder around; `site` numbers the random draws of the module
    in source order. The identity in functions that do not train. `dropout(x, 0.3, tied = T)` is

    ```mlir
    %y = rnn.dropout %x p 0.3 site 0 tied <"T"> : !rnn.value<["T", "E" : 64] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value, F64Attr:$p, I64Attr:$site,
                       OptionalAttr<RNN_AxisAttr>:$tied);
  let assemblyFormat = "$value `p` $p `site` $site (`tied` $tied^)? attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def RNN_NoiseOp : RNN_Expr<"noise"> {
  let summary = "Adds random numbers, in training";
  let description = [{
    Of a normal distribution with mean `a` and standard deviation `b`, or of a
    uniform one from `a` to `b`; these have the axes of the value or the last of
    them. `normal` takes two sites, this one and the next. `tied` is as that of
    `rnn.dropout`. The identity in functions that do not train.
    `noise(x, normal(0, s))` is

    ```mlir
    %y = rnn.noise %x normal %zero, %s site 0 : !rnn.value<["H" : 8] real>, !rnn.value<[] real>, !rnn.value<[] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value, RNN_NoiseKindAttr:$kind,
                       RNN_ValueType:$a, RNN_ValueType:$b, I64Attr:$site,
                       OptionalAttr<RNN_AxisAttr>:$tied);
  let assemblyFormat = [{$value $kind $a `,` $b `site` $site (`tied` $tied^)? attr-dict
    `:` type($value) `,` type($a) `,` type($b)}];
  let hasVerifier = 1;
}

def RNN_StopOp : RNN_Expr<"stop"> {
  let summary = "The value, without its gradient";
  let description = [{
    `stop(x)`.

    ```mlir
    %y = rnn.stop %x : !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def RNN_ClipGradOp : RNN_Expr<"clipgrad"> {
  let summary = "The value; its gradient is limited to plus and minus the limit";
  let description = [{
    `clipgrad(x, 10)`, entry by entry.

    ```mlir
    %y = rnn.clipgrad %x limit 10.0 : !rnn.value<["H" : 8] real>
    ```
  }];
  let arguments = (ins RNN_ValueType:$value, F64Attr:$limit);
  let assemblyFormat = "$value `limit` $limit attr-dict `:` type($value)";
}

#endif // RNNC_DIALECT_RNN_RNN_TD
