// RNNExpressions.td: ops of the rnn dialect that are pure functions of values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_RNN_EXPRESSIONS_TD
#define RNNC_DIALECT_RNN_EXPRESSIONS_TD

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

#endif // RNNC_DIALECT_RNN_EXPRESSIONS_TD
