// RUN: rnn-opt %s --convert-kernel-to-loops --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#v3 = #kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>
// expected-error @below {{has a schedule without element_block}}
module attributes {kernel.target = #v3, kernel.schedule = #kernel.schedule<"v3" tasks = 8, worth_tasks = 4>} {}

// -----

#v3 = #kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>
#all = #kernel.schedule<"v3" element_block = 4096, column_block = 512, row_block = 16, tasks = 8, worth_tasks = 4, function_ops = 20, call_ops = 200>
module attributes {kernel.target = #v3, kernel.schedule = #all} {
  func.func @f(%a: memref<?x8xf32>, %b: memref<8x4xf32>, %c: memref<?x4xf32>) {
    // expected-error @below {{'kernel.gemm' op has a schedule without tile_rows}}
    kernel.gemm ins(%a, %b : memref<?x8xf32>, memref<8x4xf32>) outs(%c : memref<?x4xf32>) {}
    return
  }
}
