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
  }];
  let options = [
    Option<"steps", "steps", "int64_t", "0",
           "length of a segment for loops without the attribute; 0: none">
  ];
}

def ScanHoist : Scan_Pass<"scan-hoist"> {
  let summary = "Moves what needs no carry out of time loops";
  let description = [{
    Products, lookups and transcendental functions of the loop's slices and of
    what is computed outside are computed for all steps at once before the
    loop. A product with a value from outside that is only stacked is computed
    after the loop if what it multiplies is stacked anyway. A product that
    stays without need of a carry is reported.
  }];
  let options = [
    Option<"functions", "functions", "bool", "true",
           "move transcendental functions too, not only products and lookups">
  ];
}

def ScanSumWeightGradients : Scan_Pass<"scan-sum-weight-gradients"> {
  let summary = "Sums over time outside of time loops";
  let description = [{
    A carry that only adds up one value a step is replaced by a sum over all
    steps after the loop: of a product, by one product that also sums over
    time; of a scatter, by one scatter; of anything else, by a reduction. What
    is needed for it is stacked by the loop. Sums that must stay are reported.
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
    one product with the concatenated matrices and slices of its result.
  }];
  let options = [
    Option<"least", "least", "int64_t", "2",
           "the least number of products worth merging">
  ];
}

def ScanUnroll : Scan_Pass<"scan-unroll"> {
  let summary = "Unrolls time loops fully, or marks them for it";
  let description = [{
    A loop over a known number of steps whose unrolled body stays within the
    budget of ops is written out. Any other loop gets the attribute
    `unroll = factor`, which lowering obeys with a remainder loop. A loop that
    was asked to be unrolled fully and is too large is reported.
  }];
  let options = [
    Option<"factor", "factor", "int64_t", "1",
           "factor for loops without the attribute; 0: fully, 1: not at all">,
    Option<"budget", "budget", "int64_t", "512",
           "most ops that full unrolling may make">
  ];
}

def ScanSimplify : Scan_Pass<"scan-simplify"> {
  let summary = "Removes what gradients leave behind";
  let description = [{
    Adding zero and multiplying by one, masks of what is zero past the end,
    sizes asked of values instead of arguments, and, with `forget-gradients`,
    `scan.stop` and `scan.clipgrad`, which mean nothing after `grad-generate`.
  }];
  let options = [
    Option<"forgetGradients", "forget-gradients", "bool", "false",
           "remove ops that only matter to gradients">
  ];
}

#endif // RNNC_DIALECT_SCAN_TRANSFORMS_PASSES_TD
