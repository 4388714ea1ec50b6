// Kernel.td: the kernel dialect, structured work on buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_TD
#define RNNC_DIALECT_KERNEL_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::rnnc::kernel";
  let summary = "Structured work on buffers: products, packing, gathers, row fix-ups";
  let description = [{
    The level between the scan dialect and loops. Every op reads and writes
    memrefs that the caller provides (destination style: `ins(...) outs(...)`),
    nothing is allocated. Pointwise code and reductions are `linalg.generic`
    at this level; the dialect holds what that op cannot say well: matrix
    products with packed operands, gathers, random numbers, and the treatment
    of rows past the end of their example. No op knows models or time: a time
    loop is an `scf.for` over row views.

    What upstream has was weighed. One-Shot Bufferize (MLIR 22) rejects a time
    loop that yields a state it has just made; where it is allowed to, it
    allocates in every step, or copies the state once; a tape whose next row
    is made of the last one it copies as well, for it does not see that two
    rows never meet. Here a carry alternates between two buffers or lies in
    the very rows that are kept, and nothing is allocated in a step. So ops
    that have a tensor form in `scan` have a form on memory here, where the
    caller says where the result goes: one op for both would carry a
    destination through gradients and folds, which know no memory.
    `linalg.matmul` with `linalg.pack` packs both operands and the result and
    wants tiles of known size: rows are known at run time, weights are packed
    once for many calls, and sums stay in registers up to the gates
    (`kernel.phase`). `linalg::vectorize` and LLVM's loop vectoriser decide
    by themselves how wide and in which order to add; the same bits on any
    number of threads need that decided here, so loops become `vector` ops of
    the target's width with a tail of their own.

    What is decided for speed stands in attributes: `#kernel.target` says what a
    machine has, `#kernel.schedule` what was decided for an op on it.
  }];
  let dependentDialects = ["::rnnc::interface::InterfaceDialect"];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

include "rnnc/Dialect/Kernel/KernelAttributes.td"

class Kernel_Op<string mnemonic, list<Trait> traits = []>
    : Op<Kernel_Dialect, mnemonic, traits>;

// Operands with their effects. A view may be strided; ops that need unit
// stride say so.
def In : Arg<AnyStridedMemRef, "read", [MemRead]>;
def OptionalIn : Arg<Optional<AnyStridedMemRef>, "read", [MemRead]>;
def Out : Arg<AnyStridedMemRef, "written", [MemWrite]>;
def InOut : Arg<AnyStridedMemRef, "read and written", [MemRead, MemWrite]>;
def Lengths : Arg<MemRefRankOf<[I32], [1]>, "length of each example", [MemRead]>;
def OptionalLengths : Arg<Optional<MemRefRankOf<[I32], [1]>>,
                          "length of each example", [MemRead]>;

// An operand of an op that works on tensors and on memrefs.
def AnyArray : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

include "rnnc/Dialect/Kernel/KernelPhase.td"

def Kernel_SegmentCountOp : Kernel_Op<"segment_count", [Pure]> {
  let summary = "in how many segments time is cut, so that the workspace fits";
  let description = [{
    The least number for which the workspace of the function is not above `bytes`;
    if there is none, the one for which it is smallest. All such ops of a
    function have the same result; none cuts `trip` steps into more segments than
    steps. `kernel-plan-memory`, which knows the workspace, makes code of it.

    ```mlir
    %n = kernel.segment_count of(%T) {bytes = 500000000 : i64}
    ```
  }];
  let arguments = (ins Index:$trip, I64Attr:$bytes);
  let results = (outs Index:$count);
  let assemblyFormat = "`of` `(` $trip `)` attr-dict";
}

def Kernel_ValidRowsOp : Kernel_Op<"valid_rows"> {
  let summary = "the rows that have not ended before a step";
  let description = [{
    `out[0]` is the number of rows whose length is above `at`, `out[1]`,
    `out[2]` … are these rows, in order. `out` has one element more than there
    are rows; what follows the list is not said. Phases want i32, products i64.

    ```mlir
    kernel.valid_rows ins(%len : memref<?xi32>) outs(%rows : memref<?xi32>) at(%t)
    ```
  }];
  let arguments = (ins Lengths:$lengths,
                       Arg<MemRefRankOf<[I32, I64], [1]>, "written", [MemWrite]>:$out,
                       Index:$at);
  let assemblyFormat = [{
    `ins` `(` $lengths `:` type($lengths) `)`
    `outs` `(` $out `:` type($out) `)` `at` `(` $at `)` attr-dict
  }];
}

def Kernel_ValidPlacesOp : Kernel_Op<"valid_places"> {
  let summary = "the places of a sequence of examples that lie before an end";
  let description = [{
    A place is a step of an example: number `t * examples + e`. `out[0]` is how many
    there are with t below the length of e and below `steps`, `out[1]`, `out[2]` …
    are these places, in order. `out` has one element more than there are
    places; what follows the list is not said.

    ```mlir
    kernel.valid_places ins(%len : memref<?xi32>) outs(%places : memref<?xi64>) steps(%T)
    ```
  }];
  let arguments = (ins Lengths:$lengths,
                       Arg<MemRefRankOf<[I64], [1]>, "written", [MemWrite]>:$out,
                       Index:$steps);
  let assemblyFormat = [{
    `ins` `(` $lengths `:` type($lengths) `)`
    `outs` `(` $out `:` type($out) `)` `steps` `(` $steps `)` attr-dict
  }];
}

def Kernel_BesideOp : Kernel_Op<"beside", [
    NoTerminator, NoRegionArguments, RecursiveMemoryEffects]> {
  let summary = "parts that do not need each other";
  let description = [{
    The parts may run at the same time, or one after the other, in any order: none
    reads or writes what another one writes. `terms` says about how many
    multiplications all of them take. Where a team has few members (`beside` of the
    schedule), each part is the task of one, and its kernels are not cut; else the
    parts follow each other and share their kernels among all members. So they do
    where a step has many `rows` (`cut_rows`): then the members share those.

    ```mlir
    kernel.beside terms(%n) rows(%batch) {
      scf.for %t = %c0 to %T step %c1 {...}
    }, {
      scf.for %t = %c0 to %T step %c1 {...}
    }
    ```
  }];
  let arguments = (ins Index:$terms, Index:$rows);
  let regions = (region VariadicRegion<SizedRegion<1>>:$parts);
  let assemblyFormat = "`terms` `(` $terms `)` `rows` `(` $rows `)` attr-dict-with-keyword $parts";
}

def Kernel_StoredBits
    : ConfinedAttr<I64Attr, [AttrConstraint<
          CPred<"::llvm::cast<::mlir::IntegerAttr>($_self).getInt() == 8 || "
                "::llvm::cast<::mlir::IntegerAttr>($_self).getInt() == 16">,
          "which is 8 or 16">]>;

def Kernel_QuantizeOp : Kernel_Op<"quantize"> {
  let summary = "rows of numbers as rows of bytes";
  let description = [{
    A row of `out` has, in words as large as an f32, the bytes q + 128 for the
    integers q = round(127 x / a) of the numbers x of the row of `source`, whose
    largest absolute value is a, and in its last word the f32 a / 127: x is about
    q times that. The word before is filled up with any bytes. A row with an
    infinity or with what is no number has NaN in its last word. It is the left
    operand of products whose right one was packed with `stored_bits = 8`.

    ```mlir
    kernel.quantize ins(%h : memref<?x126xf32>) outs(%q : memref<?x33xf32>)
    ```
  }];
  let arguments = (ins In:$source, Out:$out);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_PackOp : Kernel_Op<"pack"> {
  let summary = "packs the right operand of a product into panels";
  let description = [{
    Copies a matrix `source` (`[K, N]`, or `[N, K]` with `trans`) into the panel form that `kernel.gemm`
    with `packed_b` reads. The target is a flat buffer of
    `kernel::packedSize(K, N)` elements; its layout belongs to the lowering.

    With `columns` and `units` it is the form that `kernel.phase` reads: of each entry c of `columns`
    the columns c to c + units, so that those of one unit lie side by side.

    With `stored_bits = 16` two steps of K share a word of 32 bits: the lower half
    is the first one's number rounded to bf16, and the word, read as f32, is as
    near to the second one's as bf16 would be; for a target with `half_dots` the
    upper half is the second one's rounded. The buffer has elements of its own
    type all the same, half as many, and what reads it says `stored_bits` too.

    With `stored_bits = 8` the four steps of a word are integers of a byte each,
    round(127 w / a) for the numbers w of a column, a the largest absolute value of
    them; behind all words of a column there are two more: the sum of its
    integers times -128, and the f32 a / 127. What reads it has a left operand from
    `kernel.quantize`: sums are those of integers, and the same on all machines.

    ```mlir
    kernel.pack ins(%U : memref<512x128xf32>) outs(%p : memref<65568xf32>) {trans}
    ```
  }];
  let arguments = (ins In:$source, Out:$packed, UnitAttr:$trans,
                       OptionalAttr<DenseI64ArrayAttr>:$columns,
                       OptionalAttr<I64Attr>:$units,
                       OptionalAttr<Kernel_StoredBits>:$stored_bits);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    `outs` `(` $packed `:` type($packed) `)` attr-dict
  }];
  let extraClassDeclaration = [{
    /// K, and the columns of all accumulators.
    std::pair<int64_t, int64_t> sizes();
  }];
  let hasVerifier = 1;
}

def Kernel_GemmOp : Kernel_Op<"gemm", [AttrSizedOperandSegments]> {
  let summary = "matrix product C = A B or C += A B";
  let description = [{
    `A` is `[M, K]` (`[K, M]` with `trans_a`), `B` is `[K, N]` (`[N, K]` with
    `trans_b`) or, with `packed_b`, what `kernel.pack` made of it; `C` is
    `[M, N]`. Views have unit stride in their last dimension; row strides are
    free. With `accumulate` the product is added to `C`. `C` overlaps no
    operand. What has to be packed for this product alone is packed in
    `scratch`, one part a task: B without `packed_b`; A if it is transposed or
    its rows may lie far apart. A product that needs it and has none is not
    lowered.

    With `in_place` nothing is packed: both are read where they lie, which is for
    results of few rows.

    `valid` numbers what counts: with `packed_b` or `in_place` the rows of A and
    C, others are neither read nor written; else terms, columns of A and rows of
    B, the others are left out of the sums.

    ```mlir
    kernel.gemm ins(%h, %p : memref<?x128xf32>, memref<65568xf32>)
                outs(%z : memref<?x512xf32>) {accumulate, packed_b}
    ```
  }];
  let arguments = (ins In:$a, In:$b, InOut:$c,
                       Arg<Optional<MemRefRankOf<[I8], [1]>>, "scratch",
                           [MemRead, MemWrite]>:$scratch,
                       Arg<Optional<AnyStridedMemRef>, "numbers", [MemRead]>:$valid,
                       UnitAttr:$trans_a, UnitAttr:$trans_b,
                       UnitAttr:$accumulate, UnitAttr:$packed_b,
                       UnitAttr:$in_place,
                       OptionalAttr<Kernel_StoredBits>:$stored_bits);
  let assemblyFormat = [{
    `ins` `(` $a `,` $b `:` type($a) `,` type($b) `)`
    `outs` `(` $c `:` type($c) `)`
    (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    (`valid` `(` $valid^ `:` type($valid) `)`)? attr-dict
  }];
  let extraClassDeclaration = [{
    /// Whether elements of a row of A lie side by side.
    bool hasRowsOfA();
    /// Whether A is read where it lies, whatever sizes are at run time, where
    /// rows less than so many bytes apart are.
    bool readsAInPlace(int64_t farRowBytes);
  }];
  let hasVerifier = 1;
}

def Kernel_GatherOp : Kernel_Op<"gather"> {
  let summary = "rows of a table by index";
  let description = [{
    `table : [b1..bn, d, rest]`, `indices : [b1..bn, more]` (i32), gives
    `[b1..bn, more, rest]` where n is `batch_dims`. An index outside of
    `[0, d)` reads index 0: calls check user data before.

    ```mlir
    kernel.gather ins(%emb, %i : memref<96x64xf32>, memref<?xi32>) outs(%x : memref<?x64xf32>)
    ```
  }];
  let arguments = (ins In:$table, In:$indices, Out:$out,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let assemblyFormat = [{
    `ins` `(` $table `,` $indices `:` type($table) `,` type($indices) `)`
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_ScatterAddOp : Kernel_Op<"scatter_add"> {
  let summary = "adds rows into a table by index, in a fixed order";
  let description = [{
    The adjoint of `kernel.gather`: for each index in row-major order
    `out[b1..bn, indices[b1..bn, more], rest] += updates[b1..bn, more, rest]`.

    ```mlir
    kernel.scatter_add ins(%dx, %i : memref<?x64xf32>, memref<?xi32>) outs(%demb : memref<96x64xf32>)
    ```
  }];
  let arguments = (ins In:$updates, In:$indices, InOut:$out,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let assemblyFormat = [{
    `ins` `(` $updates `,` $indices `:` type($updates) `,` type($indices) `)`
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_RandomOp : Kernel_Op<"random"> {
  let summary = "uniform numbers in [0, 1) by Philox4x32-10";
  let description = [{
    Fills `out` as `scan.random` says: key `(seed, update number)` from `key`
    (`memref<2xi64>`), counter (site, batch row, absolute step, element / 4).
    The element number counts row-major over the dimensions that are neither
    `time_dim` nor `batch_dim`; the step is the index along `time_dim`, or `at`,
    or their sum, or 0; the row is the index along `batch_dim`, or 0.

    ```mlir
    kernel.random ins(%key : memref<2xi64>) outs(%u : memref<?x?x64xf32>)
        {site = 3 : i64, time_dim = 0 : i64, batch_dim = 1 : i64}
    ```
  }];
  let arguments = (ins In:$key, Out:$out, Optional<Index>:$at, I64Attr:$site,
                       OptionalAttr<I64Attr>:$time_dim,
                       OptionalAttr<I64Attr>:$batch_dim);
  let assemblyFormat = [{
    `ins` `(` $key `:` type($key) `)` `outs` `(` $out `:` type($out) `)`
    (`at` `(` $at^ `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_EnterOp : Kernel_Op<"enter"> {
  let summary = "user layout to compiler layout, zeros in the padding";
  let description = [{
    Copies `source` with dimensions in the caller's order to `out` in the
    compiler's: `perm` says which dimension of `source` becomes dimension i of
    `out`. `lengths`, one operand per entry of `time_dims` (dimensions of `out`),
    name the examples' lengths along it; what lies past the end becomes 0 and
    is not read. `batch_dim` is the dimension of `out` that counts examples.

    ```mlir
    // [batch, time, 8] to [time, batch, 8]
    kernel.enter ins(%x : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%y : memref<?x?x8xf32>)
        {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
    ```
  }];
  let arguments = (ins In:$source, Variadic<MemRefRankOf<[I32], [1]>>:$lengths,
                       Out:$out, DenseI64ArrayAttr:$perm,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$time_dims,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dim);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_LeaveOp : Kernel_Op<"leave"> {
  let summary = "compiler layout to user layout, zeros in the padding";
  let description = [{
    The way back of `kernel.enter`: `perm` says which dimension of `source`
    becomes dimension i of `out`; `time_dims` and `batch_dim` are dimensions of
    `source`.

    ```mlir
    kernel.leave ins(%y : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%x : memref<?x?x8xf32>)
        {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
    ```
  }];
  let arguments = (ins In:$source, Variadic<MemRefRankOf<[I32], [1]>>:$lengths,
                       Out:$out, DenseI64ArrayAttr:$perm,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$time_dims,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dim);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_MaskRowsOp : Kernel_Op<"mask_rows", [AttrSizedOperandSegments]> {
  let summary = "fixes up what lies past the end of an example";
  let description = [{
    In place: an element of `out` whose step is at or past the length of its
    row (index along `batch_dim`) becomes the element of `previous`, or 0 where
    there is none. The step is `at`, or the index along `time_dim`. Exactly one
    of the two is given. `previous` has the shape of `out`.

    ```mlir
    kernel.mask_rows outs(%h : memref<?x128xf32>) lengths(%len : memref<?xi32>)
        at(%t) previous(%h0 : memref<?x128xf32>) {batch_dim = 0 : i64}
    ```
  }];
  let arguments = (ins InOut:$out, Lengths:$lengths, Optional<Index>:$at,
                       OptionalIn:$previous,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dim,
                       OptionalAttr<I64Attr>:$time_dim);
  let assemblyFormat = [{
    `outs` `(` $out `:` type($out) `)` `lengths` `(` $lengths `:` type($lengths) `)`
    (`at` `(` $at^ `)`)? (`previous` `(` $previous^ `:` type($previous) `)`)?
    attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_ReverseOp : Kernel_Op<"reverse"> {
  let summary = "reverses the valid part along a dimension";
  let description = [{
    `out[t] = source[len - 1 - t]` for `t < len`, 0 past the end. Without
    `lengths` the whole dimension is valid.

    ```mlir
    kernel.reverse ins(%x : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%y : memref<?x?x8xf32>)
    ```
  }];
  let arguments = (ins In:$source, OptionalLengths:$lengths, Out:$out,
                       DefaultValuedAttr<I64Attr, "0">:$time_dim,
                       DefaultValuedAttr<I64Attr, "1">:$batch_dim);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_PickStepOp : Kernel_Op<"pick_step"> {
  let summary = "the first or last valid step of each example";
  let description = [{
    `out[b, ..] = source[len[b] - 1, b, ..]` (`last`, without lengths the last
    step) or `source[0, b, ..]`; 0 where the length is 0. `out` has the
    dimensions of `source` without `time_dim`.

    ```mlir
    kernel.pick_step ins(%x : memref<?x?x8xf32>) lengths(%len : memref<?xi32>)
        outs(%y : memref<?x8xf32>) {last = true}
    ```
  }];
  let arguments = (ins In:$source, OptionalLengths:$lengths, Out:$out,
                       BoolAttr:$last,
                       DefaultValuedAttr<I64Attr, "0">:$time_dim,
                       DefaultValuedAttr<I64Attr, "1">:$batch_dim);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_PlaceStepOp : Kernel_Op<"place_step"> {
  let summary = "a value at the first or last valid step, zeros elsewhere";
  let description = [{
    The adjoint of `kernel.pick_step`: all of `out` is written.

    ```mlir
    kernel.place_step ins(%dy : memref<?x8xf32>) lengths(%len : memref<?xi32>)
        outs(%dx : memref<?x?x8xf32>) {last = true}
    ```
  }];
  let arguments = (ins In:$source, OptionalLengths:$lengths, Out:$out,
                       BoolAttr:$last,
                       DefaultValuedAttr<I64Attr, "0">:$time_dim,
                       DefaultValuedAttr<I64Attr, "1">:$batch_dim);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)?
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_ArgmaxOp : Kernel_Op<"argmax"> {
  let summary = "index of the first greatest element along a dimension";
  let description = [{
    `out` (i32) has the dimensions of `source` without `dim`. NaN counts as
    smaller than anything; an empty dimension gives 0.

    ```mlir
    kernel.argmax ins(%x : memref<?x8xf32>) outs(%i : memref<?xi32>) {dim = 1 : i64}
    ```
  }];
  let arguments = (ins In:$source, Out:$out, I64Attr:$dim);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let hasVerifier = 1;
}

#endif // RNNC_DIALECT_KERNEL_TD
