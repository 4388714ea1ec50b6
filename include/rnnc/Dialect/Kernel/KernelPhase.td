// KernelPhase.td: products, rows combined, and what is computed of both.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_KERNEL_PHASE_TD
#define RNNC_DIALECT_KERNEL_PHASE_TD

def Kernel_PhaseOp : Kernel_Op<"phase", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<TilingInterface, [
        "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
        "getResultTilePosition", "generateResultTileValue",
        "getIterationDomainTileFromResultTile"]>,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "products and what is computed from them, row by row";
  let description = [{
    For every row and every unit of it the region computes the results from
    accumulators and from the elements of `inputs`. Nothing of a product lies in
    memory in between. Rows are numbered by one dimension or several: those of
    one step, or all of time and examples. So `outs` are `[rows..., units]`, or
    `[rows...]` where `per_row` names them: there the region yields what is the same for
    all units. The number of units is that of `outs`, or said by `units` where
    all are per row.

    Product number p multiplies a row of `lefts[p]`, `[rows..., K...]`, with columns
    of `rights[p]`, a matrix of K by N: `[N..., K...]`. It has one accumulator
    for each entry c of `columns[p]`, the dot product with column c + u: with
    gates that lie one after the other, the gates of unit u. The arguments of
    the region are all accumulators, product by product, then the elements of
    `inputs`, read through `maps`, one map from (rows..., unit) an input. What the region yields goes
    to `outs`, one value each. `kernel.reduce_row` combines what all units of a
    row have, and every unit may use it: soft maximum, norms and losses are one
    phase with the product before them.

    The op works on tensors, where it has a result for each of `outs`, and on
    memrefs, where it has none and `rights` are what `kernel.pack` made with the
    same `columns` and `units` (`packed`); then `lefts` are matrices.

    Rows that nobody reads are not computed, and nothing is said of what stands
    there, but that `outs` whose number is in `zeros` are zero: on tensors rows whose entry
    of `lengths`, one for each index of the last dimension of rows, is not above the
    step. The step is `at`, or with two dimensions of rows `at` and the index along
    the first. On memrefs they are those that `kernel.valid_rows` or
    `kernel.valid_places` left out of `valid`, and are left as they are.

    `in_place`, on memrefs, says that no panels were made: the right operands are
    read where they lie, `matrices`, `[N, K]`. So they are where a step has so
    few rows that packing does not pay.

    `turn`, on memrefs, is the number of the step. Where the schedule says
    `panel_turns = 2` odd steps take the units from the last to the first: each
    step begins with the weights that the one before it read last. Where it says
    `panel_fetch = 2` the tiles of a panel ask for the next one, each for its part.

    Tiles are some rows and, where no row is combined, some units.

    ```mlir
    %h1 = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<8x8xf32>)
        ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
        columns([array<i64: 0>]) maps([affine_map<(d0, d1) -> (d0, d1)>]) {
    ^bb0(%acc: f32, %in: f32):
      %s = arith.addf %in, %acc : f32
      %t = math.tanh %s : f32
      kernel.yield %t : f32
    } -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyArray>:$lefts, Variadic<AnyArray>:$rights,
                       Variadic<AnyArray>:$inputs, Variadic<AnyArray>:$outs,
                       Optional<TensorRankOf<[I32], [1]>>:$lengths,
                       Optional<Index>:$at,
                       Optional<MemRefRankOf<[I32, I64], [1]>>:$valid,
                       Optional<Index>:$turn,
                       Optional<I1>:$in_place, Variadic<AnyMemRef>:$matrices,
                       ArrayAttr:$columns, AffineMapArrayAttr:$maps,
                       OptionalAttr<DenseI64ArrayAttr>:$per_row,
                       OptionalAttr<DenseI64ArrayAttr>:$zeros,
                       OptionalAttr<I64Attr>:$units,
                       OptionalAttr<DenseI64ArrayAttr>:$stored_bits,
                       UnitAttr:$packed);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`products` `(` $lefts^ `:` type($lefts) `)`
    `with` `(` $rights `:` type($rights) `)`)?
    (`ins` `(` $inputs^ `:` type($inputs) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
    (`lengths` `(` $lengths^ `:` type($lengths) `)` `at` `(` $at `)`)?
    (`valid` `(` $valid^ `:` type($valid) `)`)?
    (`turn` `(` $turn^ `)`)?
    (`in_place` `(` $in_place^ `,` $matrices `:` type($matrices) `)`)?
    `columns` `(` $columns `)` `maps` `(` $maps `)` attr-dict-with-keyword
    $body (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
    /// The first columns of the accumulators of a product.
    ::llvm::ArrayRef<int64_t> columnsOf(unsigned product);
    /// Bits of a number of a packed right operand; 0: as it is elsewhere.
    unsigned storedBitsOf(unsigned product);
    /// Accumulators of all products.
    unsigned getNumAccumulators();
    /// Points of a row.
    int64_t getNumUnits();
    /// Dimensions that number the rows.
    unsigned getNumRowDims();
    bool isPerRow(unsigned out);
    bool isZeroPastEnd(unsigned out);
    /// Whether rows are combined.
    bool hasRowReductions();
    bool isOnMemory();
    /// Values of the region that differ from unit to unit.
    ::llvm::DenseSet<::mlir::Value> findUnitValues();
    ::mlir::AffineMap mapOf(unsigned input);
    ::mlir::AffineMap mapOfOut(unsigned out);
  }];
  let hasVerifier = 1;
}

def Kernel_RowKind : I32EnumAttr<"RowKind", "what the points of a row are combined to", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"max", 1>,
    I32EnumAttrCase<"min", 2>, I32EnumAttrCase<"prod", 3>]> {
  let cppNamespace = "::rnnc::kernel";
  let genSpecializedAttr = 0;
}
def Kernel_RowKindAttr : EnumAttr<Kernel_Dialect, Kernel_RowKind, "row_kind">;

def Kernel_ReduceRowOp : Kernel_Op<"reduce_row", [
    Pure, HasParent<"PhaseOp">, SameOperandsAndResultType]> {
  let summary = "what all units of a row have, combined";
  let description = [{
    In the region of `kernel.phase`: the sum, maximum, minimum or product of
    what `input` is at all units of the row, the same for each of them. It is
    added up in an order that follows from the number of units and the target alone.

    ```mlir
    %m = kernel.reduce_row max %x : f32
    %d = arith.subf %x, %m : f32
    %e = math.exp %d : f32
    %s = kernel.reduce_row sum %e : f32
    ```
  }];
  let arguments = (ins Kernel_RowKindAttr:$kind, AnyFloat:$input);
  let results = (outs AnyFloat:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($result)";
}

def Kernel_YieldOp : Kernel_Op<"yield", [Pure, ReturnLike, Terminator,
                                         HasParent<"PhaseOp">]> {
  let summary = "what a phase computes at one point";
  let description = [{
    Ends the region of `kernel.phase`: one value for each of its `outs`.

    ```mlir
    kernel.yield %h, %c : f32, f32
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

#endif // RNNC_DIALECT_KERNEL_PHASE_TD
