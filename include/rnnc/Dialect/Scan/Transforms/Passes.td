// Passes.td: passes on time loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_SCAN_TRANSFORMS_PASSES_TD
#define RNNC_DIALECT_SCAN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

class Scan_Pass<string name> : Pass<name> {
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::tensor::TensorDialect", "rnnc::scan::ScanDialect"];
}

def ScanSegment : Scan_Pass<"scan-segment"> {
  let summary = "Cuts gradients at the borders of segments of time";
  let description = [{
    In a loop with the attribute `segment = k`, a carry that crosses from step
    k - 1 to k, from 2k - 1 to 2k and so on goes through `scan.stop`: values do
    not change, gradients end there. Steps are counted from each example's
    first, also in a loop that runs backwards. Runs before `grad-generate`. A
    loop too short for a border is left with a remark.

    ```mlir
    scan.loop ... carry(%c = %h0 : tensor<?x4xf32>) step(%t) {
      %n = arith.addf %x, %c : tensor<?x4xf32>
      ...
    } {segment = 35}
    // becomes
    scan.loop ... carry(%c = %h0 : tensor<?x4xf32>) step(%t) {
      %s = scan.stop %c at(%t) {period = 35 : i64} : tensor<?x4xf32>
      %n = arith.addf %x, %s : tensor<?x4xf32>
      ...
    }
    ```
  }];
  let options = [
    Option<"steps", "steps", "int64_t", "0",
           "length of a segment for loops without the attribute; 0: none">
  ];
}

def ScanCheckpoint : Scan_Pass<"scan-checkpoint"> {
  let summary = "Makes loops over segments of time, which gradients compute again";
  let description = [{
    Loops with the attribute `checkpoint` become one loop over segments of time
    around a loop over the steps of a segment. The outer loop is marked
    `recompute`: its gradient keeps the states between segments, and does the
    steps of a segment again when it comes to it. With T steps in segments of k,
    T/k states and k steps of everything else are kept.

    What is computed for each step outside of the loops goes with them: products
    with their inputs, a loop that reads what another gives, and what is made of
    it up to a sum over all steps. What needs a sequence as a whole (attention,
    a loop in the other direction) reads it between two loops. Look-ups in
    tables stay outside, as their gradient is one sparse sum.

    Runs before `grad-generate`. A loop over a fixed axis is left with a remark.

    ```mlir
    %z = scan.dot %x, %W ... -> tensor<?x?x4xf32>
    %h = scan.loop trip(%T) lengths(%len) slices(%s = %z : tensor<?x?x4xf32>)
        carry(%c = %h0 : tensor<?x4xf32>) step(%t) { ... } {checkpoint = #scan.checkpoint<sqrt>}
    // becomes
    %n, %k = scan.segments %T <sqrt>
    %xs = scan.split %x into(%n, %k) : tensor<?x?x2xf32> -> tensor<?x?x?x2xf32>
    %h = scan.loop trip(%n) slices(%xp = %xs : tensor<?x?x?x2xf32>)
        carry(%b = %h0 : tensor<?x4xf32>) step(%s) {
      %first = arith.muli %s, %k : index
      %l = scan.part_lengths %len from(%first) steps(%k)
      %z = scan.dot %xp, %W ... -> tensor<?x?x4xf32>
      %e = scan.loop trip(%k) lengths(%l) slices(%s = %z : tensor<?x?x4xf32>)
          carry(%c = %b : tensor<?x4xf32>) step(%t) { ... }
      scan.yield carry(%e : tensor<?x4xf32>)
    } {recompute}
    ```
  }];
}

def ScanChunk : Scan_Pass<"scan-chunk"> {
  let summary = "Lets time loops and what they read go through time together";
  let description = [{
    A product for all steps at once writes a sequence that is too large for a
    cache when the loop comes to read it, and so does a loop that feeds another.
    Here they become one loop over chunks of time around both: a chunk of the
    sequence is made and used up, and only then the next. The sequence itself is
    never there, only its chunk.

    Takes loops with lengths at the top of a function, those that they feed, and
    what is computed step by step for them alone. What others read too is made
    before, once. Loops without such a product are left, those whose number of
    steps is fixed, and those that keep more of a step than passes by (for a
    gradient, mostly). How long a chunk is, a decision of the
    schedule says. Values do not change, but for the order of additions in a
    product of few rows.

    ```mlir
    %z = scan.dot %x, %W ... -> tensor<?x?x4xf32>
    %h = scan.loop trip(%T) lengths(%len) slices(%s = %z : tensor<?x?x4xf32>)
        carry(%c = %h0 : tensor<?x4xf32>) step(%t) { ... }
    // becomes
    %n, %k = scan.chunks %T rows(%batch) {bytes = 16 : i64, weights = 32 : i64}
    %xs = scan.split %x into(%n, %k) : tensor<?x?x2xf32> -> tensor<?x?x?x2xf32>
    %h = scan.loop trip(%n) slices(%xp = %xs : tensor<?x?x?x2xf32>)
        carry(%b = %h0 : tensor<?x4xf32>) step(%s) {
      %first = arith.muli %s, %k : index
      %l = scan.part_lengths %len from(%first) steps(%k)
      %z = scan.dot %xp, %W ... -> tensor<?x?x4xf32>
      %e = scan.loop trip(%k) lengths(%l) slices(%s = %z : tensor<?x?x4xf32>)
          carry(%c = %b : tensor<?x4xf32>) step(%t) { ... }
      scan.yield carry(%e : tensor<?x4xf32>)
    } {recompute}
    ```
  }];
  let options = [
    Option<"steps", "steps", "int64_t", "0",
           "steps of a chunk; 0: what the schedule says">
  ];
}

def ScanChunkRows : Scan_Pass<"scan-chunk-rows"> {
  let summary = "Lets the long rows that a product makes pass by, a chunk of time at once";
  let description = [{
    The scores of all words at all steps of all examples, and all that a soft
    maximum, its loss and its gradient make of them, take more memory than the
    rest of a model together. Nobody wants them whole: what is read of them is
    small for each step, or a sum over time. Here the product, what is made of its
    rows and those sums become a loop over chunks of time, which adds up the sums
    chunk by chunk. A row is long from `least` numbers on.

    A product is left where something else reads long rows of it: a time loop, a
    function's result. So is one with sums whose terms are not zero past the end
    of an example. Values do not change, but for the order of additions in sums
    over time.

    ```mlir
    %s = scan.dot %h, %W ... -> tensor<?x?x9000xf32>
    %g = ... // of each row of %s
    %d = scan.dot %g, %h ... contract = [[0, 1], [0, 1]] -> tensor<9000x4xf32>
    // becomes
    %n, %k = scan.chunks %T rows(%batch) {bytes = 36000 : i64, weights = 144000 : i64}
    %hs = scan.split %h into(%n, %k) : tensor<?x?x4xf32> -> tensor<?x?x?x4xf32>
    %d = scan.loop trip(%n) slices(%hp = %hs : tensor<?x?x?x4xf32>)
        carry(%c = %zero : tensor<9000x4xf32>) step(%t) {
      %s = scan.dot %hp, %W ... -> tensor<?x?x9000xf32>
      %g = ...
      %p = scan.dot %g, %hp ... contract = [[0, 1], [0, 1]] -> tensor<9000x4xf32>
      %e = arith.addf %c, %p : tensor<9000x4xf32>
      scan.yield carry(%e : tensor<9000x4xf32>)
    } {recompute}
    ```
  }];
  let options = [
    Option<"steps", "steps", "int64_t", "0",
           "steps of a chunk; 0: what the schedule says">,
    Option<"least", "least", "int64_t", "4096",
           "numbers of a long row, at least">
  ];
}

def ScanStagger : Scan_Pass<"scan-stagger"> {
  let summary = "Lets layers run a chunk of time apart";
  let description = [{
    In a loop over chunks of time, a layer reads what the layer before has made of
    the same chunk: the two cannot run at the same time. Here the loops of such a
    body are parted in two, about half of the work in each, and the first part
    works one chunk ahead: its first chunk comes before the loop, and what it has
    made is carried to the next trip. In one trip the parts do not need each
    other; `kernel-select-schedule` lets their loops run side by side, so that
    each thread keeps the weights of its own layers in its cache.

    The slices get one chunk more, which has no step: the last trip finds nothing
    to do there. Loops that go back are left, and those that keep what is made
    ahead. Values do not change.

    ```mlir
    %n, %k = scan.chunks %T rows(%B) {bytes = 32 : i64, weights = 128 : i64}
    %xs = scan.split %x into(%n, %k) : tensor<?x?x4xf32> -> tensor<?x?x?x4xf32>
    %r:2 = scan.loop trip(%n) slices(%s = %xs : tensor<?x?x?x4xf32>)
        carry(%a = %a0 : tensor<?x4xf32>, %b = %b0 : tensor<?x4xf32>) step(%t) {
      %one:2 = scan.loop ... slices(... = %s ...) carry(... = %a ...)
      %two:2 = scan.loop ... slices(... = %one#0 ...) carry(... = %b ...)
      scan.yield carry(%one#1, %two#1 ...) stack(%two#0 ...)
    }
    // becomes
    %n, %k = scan.chunks %T rows(%B) {bytes = 32 : i64, stages = 2 : i64, weights = 128 : i64}
    %more = arith.addi %n, %c1 : index
    %xs = scan.split %x into(%more, %k) : tensor<?x?x4xf32> -> tensor<?x?x?x4xf32>
    // the first layer, of the first chunk:
    %first:2 = scan.loop ... carry(... = %a0 ...)
    %r:3 = scan.loop trip(%n) slices(%s = %from1 : tensor<?x?x?x4xf32>)
        carry(%a = %first#1 ..., %b = %b0 ..., %y = %first#0 ...) step(%t) {
      %two:2 = scan.loop ... slices(... = %y ...) carry(... = %b ...)
      %one:2 = scan.loop ... slices(... = %s ...) carry(... = %a ...)
      scan.yield carry(%one#1, %two#1, %one#0 ...) stack(%two#0 ...)
    }
    ```
  }];
}

def ScanOrderSteps : Scan_Pass<"scan-order-steps"> {
  let summary = "Puts the ops of a step in an order of its own";
  let description = [{
    The body of a time loop, or of a function without one, gets an order that follows from what its results
    need, and not from the lines of the source: each op stands behind those it
    needs, in the order in which it reads them; results that are a short way
    from what the step reads come before those that are a long way. Lines of the
    source that do not need each other may stand in any order, and the code is
    the same.

    ```mlir
    scan.loop ... carry(%h = %h0 : tensor<?x4xf32>, %c = %c0 : tensor<?x4xf32>) step(%t) {
      %o = scan.sigmoid %h : tensor<?x4xf32>
      %d = arith.addf %c, %h : tensor<?x4xf32>
      %n = arith.mulf %o, %d : tensor<?x4xf32>
      scan.yield carry(%n, %d : tensor<?x4xf32>, tensor<?x4xf32>)
    }
    // becomes
    scan.loop ... carry(%h = %h0 : tensor<?x4xf32>, %c = %c0 : tensor<?x4xf32>) step(%t) {
      %d = arith.addf %c, %h : tensor<?x4xf32>
      %o = scan.sigmoid %h : tensor<?x4xf32>
      %n = arith.mulf %o, %d : tensor<?x4xf32>
      scan.yield carry(%n, %d : tensor<?x4xf32>, tensor<?x4xf32>)
    }
    ```
  }];
}

def ScanHoist : Scan_Pass<"scan-hoist"> {
  let summary = "Moves what needs no carry out of time loops";
  let description = [{
    Products, lookups and transcendental functions of the loop's slices and of
    what is computed outside are computed for all steps at once before the
    loop. A product with a value from outside that is only stacked is computed
    after the loop if what it multiplies is stacked anyway. A product that
    stays without need of a carry is reported.

    A product of two values of the step that are large, or make a large one,
    stays, and is reported: it would be no faster for all steps at once. So does
    a function whose values would take more memory for all steps than what they
    are computed from, unless they are small: in `exp(-dt * A)` with `dt` a
    vector and `A` a matrix, a matrix would be kept for each step.

    ```mlir
    scan.loop ... slices(%x = %xs : tensor<?x?x2xf32>) carry(%c = %h0 : tensor<?x4xf32>) step(%t) {
      %p = scan.dot %x, %W batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x4xf32>
      %n = arith.addf %p, %c : tensor<?x4xf32>
      ...
    // becomes
    %ps = scan.dot %xs, %W batch = [[], []] contract = [[2], [1]] : ... -> tensor<?x?x4xf32>
    scan.loop ... slices(%p = %ps : tensor<?x?x4xf32>) carry(%c = %h0 : tensor<?x4xf32>) step(%t) {
      %n = arith.addf %p, %c : tensor<?x4xf32>
      ...
    ```
  }];
  let options = [
    Option<"functions", "functions", "bool", "true",
           "move transcendental functions too, not only products and lookups">,
    Option<"maxBytes", "max-bytes", "int64_t", "1024",
           "most bytes, for a step and an example, of a function's values that "
           "leave the loop although they are larger than what they come from; "
           "a function of so many values fills vectors in the loop, too">
  ];
}

def ScanKeepLast : Scan_Pass<"scan-keep-last"> {
  let summary = "Keeps the last step of what nobody reads in full";
  let description = [{
    A loop stacks a value for all steps, and only its last valid step is read
    (of a loop that runs backwards: its first): the value is carried instead.
    With `h' = ...` stacked by a scan and `last(h)`, memory does not grow with
    the number of steps.

    ```mlir
    %hs, %c = scan.loop ... lengths(%len) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
      ...
      scan.yield carry(%n : tensor<?x4xf32>) stack(%o : tensor<?x4xf32>)
    }
    %last = scan.pick_step last %hs lengths(%len) : tensor<?x?x4xf32> -> tensor<?x4xf32>
    // becomes
    %c, %last = scan.loop ... lengths(%len)
        carry(%h = %h0 : tensor<?x4xf32>, %unread = %zeros : tensor<?x4xf32>) step(%t) {
      ...
      scan.yield carry(%n, %o : tensor<?x4xf32>, tensor<?x4xf32>)
    }
    ```
  }];
}

def ScanLeavePadding : Pass<"scan-leave-padding"> {
  let summary = "products outside of time loops leave padding alone";
  let description = [{
    A product over all steps and examples, or one that adds them up, gets the
    `lengths` of the examples where what lies past an example's end makes no
    difference. Terms are left out if one of the factors is zero there: the rows
    that a loop stacks, what enters, what is masked. Rows are not computed if
    whatever is made of them ends in a mask, in a loop that masks all that leaves
    it, in `scan.leave`, or in a sum without those terms. A sum over more than
    steps and examples has all terms: where one factor is zero in the padding the
    other one is masked, lest it is infinite there. Runs last on this level:
    nothing may read padding after it.

    ```mlir
    %z = scan.dot %x, %W batch = [[], []] contract = [[2], [1]] : ... -> tensor<?x?x8xf32>
    %h:2 = scan.loop trip(%T) lengths(%len) slices(%s = %z : tensor<?x?x8xf32>) ...
    // becomes
    %z = scan.dot %x, %W lengths(%len) batch = [[], []] contract = [[2], [1]] : ... -> tensor<?x?x8xf32>
    ```
  }];
  let dependentDialects = ["rnnc::scan::ScanDialect"];
}

def ScanCompensateSums : Pass<"scan-compensate-sums"> {
  let summary = "sums that stay in time loops keep the digits they would lose";
  let description = [{
    A carry of f32 that only adds up (the gradient of a parameter that multiplies
    a state element by element, say) loses digits with every step: a million
    equal terms come out wrong by a percent. It gets a second carry with what it
    lost so far (W. Kahan, Further remarks on reducing truncation errors, CACM
    8 (1965) 40): the error no longer grows with the number of steps. Only in loops whose length
    is not known. `scan-sum-weight-gradients`
    comes first: sums behind loops are added up in blocks.

    ```mlir
    %n = arith.addf %sum, %x : tensor<4xf32>
    scan.yield carry(%n : tensor<4xf32>)
    // becomes
    %0 = arith.subf %x, %lost : tensor<4xf32>
    %n = arith.addf %sum, %0 : tensor<4xf32>
    %1 = arith.subf %n, %sum : tensor<4xf32>
    %2 = arith.subf %1, %0 : tensor<4xf32>
    scan.yield carry(%n, %2 : tensor<4xf32>, tensor<4xf32>)
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect"];
}

def ScanSumWeightGradients : Scan_Pass<"scan-sum-weight-gradients"> {
  let summary = "Sums over time outside of time loops";
  let description = [{
    A carry that only adds up one value a step is replaced by a sum over all
    steps after the loop: of a product, by one product that also sums over
    time; of a scatter, by one scatter; of anything else, by a reduction. What
    is needed for it is stacked by the loop. Sums that must stay are reported.

    ```mlir
    %d = scan.loop ... slices(%a = %as : tensor<?x?x4xf32>, %b = %bs : tensor<?x?x2xf32>)
        carry(%s = %d0 : tensor<4x2xf32>) step(%t) {
      %p = scan.dot %a, %b batch = [[], []] contract = [[0], [0]] : ... -> tensor<4x2xf32>
      %n = arith.addf %s, %p : tensor<4x2xf32>
      scan.yield carry(%n : tensor<4x2xf32>)
    }
    // becomes
    %p = scan.dot %as, %bs batch = [[], []] contract = [[0, 1], [0, 1]] : ... -> tensor<4x2xf32>
    %d = arith.addf %d0, %p : tensor<4x2xf32>
    ```
  }];
  let options = [
    Option<"products", "products-only", "bool", "false",
           "leave sums alone that are no products">
  ];
}

def ScanMergeProducts : Scan_Pass<"scan-merge-products"> {
  let summary = "Makes one product of several that share an operand";
  let description = [{
    Products of one value with several matrices, `x W1ᵀ`, `x W2ᵀ`, …, become
    one product with the concatenated matrices and slices of its result. In a
    time loop, or a function without one, matrices from outside that have one size are laid beside each
    other along an axis in front, as the gates of a matrix with gates are
    (`tensor<4x8x8xf32>` of four `tensor<8x8xf32>`): a cell whose gates have
    matrices of their own is compiled as one that has them in one. Runs before
    `grad-generate` for the loops, so that the gradient has one product too, and
    after it.

    ```mlir
    %a = scan.dot %x, %W batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x4xf32>
    %b = scan.dot %x, %V batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x4xf32>
    // becomes
    %WV = tensor.concat dim(0) %W, %V : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
    %ab = scan.dot %x, %WV batch = [[], []] contract = [[1], [1]] : ... -> tensor<?x8xf32>
    %a = tensor.extract_slice %ab[0, 0] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
    %b = tensor.extract_slice %ab[0, 4] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
    ```
  }];
  let options = [
    Option<"least", "least", "int64_t", "2",
           "the least number of products worth merging">
  ];
}

def ScanExpandOuterProducts : Scan_Pass<"scan-expand-outer-products"> {
  let summary = "Writes products without a sum as products of numbers";
  let description = [{
    A product that sums over nothing (the gradient of a matrix of state, a key
    times a value) multiplies every number of one operand by every one of the
    other. As pointwise code it becomes a part of the phases that read it, and
    need not be in memory. Runs behind the passes that make one sum over time of
    such products.

    ```mlir
    %p = scan.dot %a, %b batch = [[0], [0]] contract = [[], []]
       : tensor<?x4xf32>, tensor<?x8xf32> -> tensor<?x4x8xf32>
    // becomes
    %x = scan.broadcast %a sizes(%n) dims = [0, 1] : tensor<?x4xf32> -> tensor<?x4x8xf32>
    %y = scan.broadcast %b sizes(%n) dims = [0, 2] : tensor<?x8xf32> -> tensor<?x4x8xf32>
    %p = arith.mulf %x, %y : tensor<?x4x8xf32>
    ```
  }];
}

def ScanUnroll : Scan_Pass<"scan-unroll"> {
  let summary = "Unrolls time loops fully, or asks for it by a factor";
  let description = [{
    With factor 0, a loop over a known number of steps is written out: each step
    is a copy of the body, a slice its constant step, a carry the value before.

    ```mlir
    %c2 = arith.constant 2 : index
    %h = scan.loop trip(%c2) slices(%x = %xs : tensor<2x?x8xf32>)
        carry(%a = %h0 : tensor<?x8xf32>) step(%t) {
      %s = arith.addf %a, %x : tensor<?x8xf32>
      scan.yield carry(%s : tensor<?x8xf32>)
    } -> (tensor<?x8xf32>)
    // becomes
    %x0 = tensor.extract_slice %xs[0, 0, 0] [1, %b, 8] [1, 1, 1] : ...
    %h1 = arith.addf %h0, %x0 : tensor<?x8xf32>
    %x1 = tensor.extract_slice %xs[1, 0, 0] [1, %b, 8] [1, 1, 1] : ...
    %h = arith.addf %h1, %x1 : tensor<?x8xf32>
    ```

    With another factor, innermost loops get the attribute `unroll = factor`;
    `convert-scan-to-kernel` hands it on, and `kernel-unroll-loops` makes the
    main loop and the remainder loop.

    The attribute on a loop goes before the option. A loop that is not
    unrolled, because of the budget or otherwise, is left with a remark.
  }];
  let options = [
    Option<"factor", "factor", "int64_t", "1",
           "factor for loops without the attribute; 0: fully, 1: not at all">,
    Option<"budget", "budget", "int64_t", "1024",
           "most ops that one unrolled loop may hold">
  ];
}

def ScanVerifySchedule : Scan_Pass<"scan-verify-schedule"> {
  let summary = "Checks that what can leave time loops has left them";
  let description = [{
    Every product of a value from outside in a time loop needs one of the loop's
    carries, or something that cannot be computed for all steps at once
    (`scan-hoist` has a remark for it). Anything else is a fault of the passes
    before.

    ```mlir
    scan.loop ... slices(%x = %xs : tensor<?x?x8xf32>) ... {
      %p = scan.dot %x, %w ...   // error: needs no carry
    ```
  }];
}

def ScanSimplify : Scan_Pass<"scan-simplify"> {
  let summary = "Removes what gradients leave behind";
  let description = [{
    Adding zero and multiplying by one, reading beside what was put into a
    tensor, masks of what is zero past the end, sizes asked of values instead of
    arguments, and, with `forget-gradients`, `scan.stop` and `scan.clipgrad`,
    which mean nothing after `grad-generate`.

    ```mlir
    %s = scan.stop %x : tensor<?x4xf32>
    %y = arith.addf %s, %zeros : tensor<?x4xf32>
    // becomes, with forget-gradients
    %x
    ```
  }];
  let options = [
    Option<"forgetGradients", "forget-gradients", "bool", "false",
           "remove ops that only matter to gradients">
  ];
}

#endif // RNNC_DIALECT_SCAN_TRANSFORMS_PASSES_TD
