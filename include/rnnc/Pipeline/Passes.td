// Passes.td: passes that only the pipeline as a whole needs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_PIPELINE_PASSES_TD
#define RNNC_PIPELINE_PASSES_TD

include "mlir/Pass/PassBase.td"

def CheckText : Pass<"rnnc-check-text", "::mlir::ModuleOp"> {
  let summary = "Refuses the text of a phase that was damaged where no op can see it";
  let description = [{
    Runs before all others where a phase is read back as text. Ops and
    attributes verify what is theirs; this looks at the dimensions that sizes
    are asked of.

    ```mlir
    %size = tensor.dim %x, %c7 : tensor<?x3xf32>
    // becomes an error: 'tensor.dim' op asks for dimension 7 of 'tensor<?x3xf32>'
    ```
  }];
}

def TestFault : Pass<"rnnc-test-fault", "::mlir::ModuleOp"> {
  let summary = "Fails on purpose, for tests of what is said then";
  let description = [{
    No phase runs it. At the first op that has a place in a source it ends by
    what `kind` names: `address` (a bad address), `abort`, `fatal` (LLVM gives
    up), `stack` (a full stack) or `error` (a pass refuses an op). The hidden
    option `--test-fault=PHASE:KIND` of `rnnc` runs it behind a phase.

    ```mlir
    scan.yield carry(%h : tensor<?x8xf32>)    // crashes here
    // becomes a report of the crash, and exit code 70
    ```
  }];
  let options = [
    Option<"kind", "kind", "std::string", "\"error\"", "How it fails">
  ];
}

#endif // RNNC_PIPELINE_PASSES_TD
