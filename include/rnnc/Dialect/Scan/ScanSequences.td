// ScanSequences.td: sequences with ends of their own, and segments of time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_SCAN_SEQUENCES_TD
#define RNNC_DIALECT_SCAN_SEQUENCES_TD

//===-- Sequences ----------------------------------------------------------===//

def Scan_MaskOp : Scan_Op<"mask", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "replaces what lies past an example's end";
  let description = [{
    Entries whose step is not below the example's length become `fill` (0 when
    not said), by selection: what stood there may be NaN. The step is the
    position along `time_dim`, or `at` inside a time loop.

    ```mlir
    %y = scan.mask %x lengths(%len) {time_dim = 0, batch_dim = 1} : tensor<?x?x8xf32>
    %z = scan.mask %v lengths(%len) at(%t) {batch_dim = 0} : tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, Scan_Lengths:$lengths,
                       Optional<Index>:$at, OptionalAttr<I64Attr>:$time_dim,
                       I64Attr:$batch_dim,
                       DefaultValuedAttr<F64Attr, "0.0">:$fill);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input `lengths` `(` $lengths `)` (`at` `(` $at^ `)`)? attr-dict
    `:` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

// A sequence op: time along time_dim, the valid part of each example when
// lengths are given.
class Scan_SequenceOp<string mnemonic, list<Trait> traits = []>
    : Scan_Op<mnemonic, !listconcat([Pure], traits)> {
  let hasVerifier = 1;
}

def Scan_ReverseOp
    : Scan_SequenceOp<"reverse", [AllTypesMatch<["input", "result"]>]> {
  let summary = "reverses the valid part of each sequence, zero behind it";
  let description = [{
    ```mlir
    %y = scan.reverse %x lengths(%len) {time_dim = 0, batch_dim = 1} : tensor<?x?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, Optional<Scan_Lengths>:$lengths,
                       DefaultValuedAttr<I64Attr, "0">:$time_dim,
                       DefaultValuedAttr<I64Attr, "1">:$batch_dim);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input (`lengths` `(` $lengths^ `)`)? attr-dict `:` type($result)
  }];
}

def Scan_ShiftOp
    : Scan_SequenceOp<"shift", [AttrSizedOperandSegments,
                                AllTypesMatch<["input", "result"]>]> {
  let summary = "moves a sequence by one step";
  let description = [{
    With `by = 1` step t of the result is step t - 1 of the operand and step 0
    is `fill`; with `by = -1` it is step t + 1 and the last valid step is
    `fill` (zero when not given; of the operand's shape without time). With
    lengths, what lies past the end is zero.

    ```mlir
    %y = scan.shift %x fill(%start : tensor<?x8xf32>) {by = 1} : tensor<?x?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, Optional<Scan_Tensor>:$fill,
                       Optional<Scan_Lengths>:$lengths, I64Attr:$by,
                       DefaultValuedAttr<I64Attr, "0">:$time_dim,
                       DefaultValuedAttr<I64Attr, "1">:$batch_dim);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input (`fill` `(` $fill^ `:` type($fill) `)`)?
    (`lengths` `(` $lengths^ `)`)? attr-dict `:` type($result)
  }];
}

def Scan_PickStepOp : Scan_InferredOp<"pick_step"> {
  let summary = "the first or last valid step of each sequence, zero where there is none";
  let description = [{
    ```mlir
    %y = scan.pick_step last %x lengths(%len) {time_dim = 0, batch_dim = 1}
       : tensor<?x?x8xf32> -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Scan_StepKindAttr:$which, Scan_Tensor:$input,
                       Optional<Scan_Lengths>:$lengths,
                       DefaultValuedAttr<I64Attr, "0">:$time_dim,
                       DefaultValuedAttr<I64Attr, "1">:$batch_dim);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $which $input (`lengths` `(` $lengths^ `)`)? attr-dict
    `:` type($input)
    `->` type($result)
  }];
}

def Scan_PlaceStepOp : Scan_SequenceOp<"place_step", [AttrSizedOperandSegments]> {
  let summary = "a sequence of zeros but for its first or last valid step";
  let description = [{
    The adjoint of `scan.pick_step`. `size` is the number of steps where it is
    dynamic.

    ```mlir
    %y = scan.place_step last %v lengths(%len) size(%T) {time_dim = 0, batch_dim = 1}
       : tensor<?x8xf32> -> tensor<?x?x8xf32>
    ```
  }];
  let arguments = (ins Scan_StepKindAttr:$which, Scan_Tensor:$input,
                       Optional<Scan_Lengths>:$lengths, Optional<Index>:$size,
                       DefaultValuedAttr<I64Attr, "0">:$time_dim,
                       DefaultValuedAttr<I64Attr, "1">:$batch_dim);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $which $input (`lengths` `(` $lengths^ `)`)? (`size` `(` $size^ `)`)?
    attr-dict `:` type($input)
    `->` type($result)
  }];
}

def Scan_EnterOp : Scan_InferredOp<"enter"> {
  let summary = "from the caller's layout, with zeros past the end";
  let description = [{
    The operand is `[batch, t1..tn, fixed...]`, the result
    `[t1..tn, batch, fixed...]`, n being the number of `lengths`. What lies
    past an example's end is not read and becomes zero.

    ```mlir
    %y = scan.enter %x lengths(%len) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, Variadic<Scan_Lengths>:$lengths);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input (`lengths` `(` $lengths^ `)`)? attr-dict `:` type($input) `->` type($result)
  }];
}

def Scan_LeaveOp : Scan_InferredOp<"leave"> {
  let summary = "to the caller's layout, with zeros past the end";
  let description = [{
    The inverse of `scan.enter`.

    ```mlir
    %y = scan.leave %x lengths(%len) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, Variadic<Scan_Lengths>:$lengths);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input (`lengths` `(` $lengths^ `)`)? attr-dict `:` type($input) `->` type($result)
  }];
}

//===-- Segments of time ---------------------------------------------------===//

def Scan_SegmentsOp : Scan_Op<"segments", [Pure]> {
  let summary = "how many segments a time axis has, and of how many steps";
  let description = [{
    All have the same number of steps, but for the last, which may be shorter.
    `sqrt`: about the square root of three times the number of steps, of equal
    length; `every`: as long as said; `memory`: as few as the workspace of the
    function allows, in which all segments of the function are cut into the same
    number. There is no segment where there is no step; a segment has a step at
    least.

    ```mlir
    %n, %k = scan.segments %T <every, 10>
    ```
  }];
  let arguments = (ins Index:$trip, Scan_CheckpointAttr:$policy);
  let results = (outs Index:$count, Index:$steps);
  let assemblyFormat = "$trip $policy attr-dict";
}

def Scan_ChunksOp : Scan_Op<"chunks", [Pure]> {
  let summary = "how many chunks a time axis is cut into for the caches' sake";
  let description = [{
    Like `scan.segments`, but how long a chunk is follows from a decision of the
    schedule, `chunk_bytes`: the largest sequence that a chunk makes and uses up,
    of `bytes` for a step of one of `rows` examples, takes about so much. For
    each chunk, a product reads `weights` bytes of its right operand at most. All
    chunks have the same number of steps, but for the last; with `most`, no more
    than that, whatever is decided. With `stages`, so many parts of the loop work
    a chunk apart, and the axis is cut into more chunks if need be. With `sums`,
    each chunk adds to sums over time, which are as large as weights are.

    ```mlir
    %n, %k = scan.chunks %T rows(%batch) {bytes = 4096, weights = 1048576}
    ```
  }];
  let arguments = (ins Index:$trip, Index:$rows,
                       ConfinedAttr<I64Attr, [IntPositive]>:$bytes,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$weights,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$most,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$stages,
                       UnitAttr:$sums);
  let results = (outs Index:$count, Index:$steps);
  let assemblyFormat = "$trip `rows` `(` $rows `)` attr-dict";
}

def Scan_SplitOp : Scan_Op<"split", [Pure]> {
  let summary = "a sequence as segments of equal length, zero behind its end";
  let description = [{
    Step t is step t mod k of segment t / k, k being `steps`. What the last
    segment has too much is zero.

    ```mlir
    %s = scan.split %x into(%n, %k) : tensor<?x?x8xf32> -> tensor<?x?x?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, Index:$count, Index:$steps);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input `into` `(` $count `,` $steps `)` attr-dict `:` type($input) `->`
    type($result)
  }];
  let builders = [OpBuilder<(ins "mlir::Value":$input, "mlir::Value":$count,
                                 "mlir::Value":$steps)>];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Scan_JoinOp : Scan_Op<"join", [Pure]> {
  let summary = "a sequence from its segments";
  let description = [{
    The inverse of `scan.split`: the first `size` steps. `lengths` says that
    what lies past an example's end is zero.

    ```mlir
    %y = scan.join %s lengths(%len) size(%T) : tensor<?x?x?x8xf32> -> tensor<?x?x8xf32>
    ```
  }];
  let arguments = (ins Scan_Tensor:$input, Optional<Scan_Lengths>:$lengths,
                       Index:$size);
  let results = (outs Scan_Tensor:$result);
  let assemblyFormat = [{
    $input (`lengths` `(` $lengths^ `)`)? `size` `(` $size `)` attr-dict `:`
    type($input) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "mlir::Value":$input, "mlir::Value":$lengths,
                                 "mlir::Value":$size)>];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Scan_PartLengthsOp : Scan_Op<"part_lengths", [Pure]> {
  let summary = "how many steps of one segment each example has";
  let description = [{
    The length of an example less the number of the segment's first step, `from`,
    but not below 0 and not above `steps`.

    ```mlir
    %l = scan.part_lengths %len from(%first) steps(%k)
    ```
  }];
  let arguments = (ins Scan_Lengths:$lengths, Index:$from, Index:$steps);
  let results = (outs Scan_Lengths:$result);
  let assemblyFormat = "$lengths `from` `(` $from `)` `steps` `(` $steps `)` attr-dict";
}

#endif // RNNC_DIALECT_SCAN_SEQUENCES_TD
