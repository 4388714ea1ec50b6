// What no kernel is made of: an error for each function, at its first such op.
// RUN: rnn-opt %s --convert-kernel-to-gpu --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#gpu = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                      gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>
#all = #kernel.schedule<"sm_80" block_threads = 256>

module attributes {kernel.target = #gpu, kernel.schedule = #all} {
  func.func @maps(%x: memref<?xf32>, %y: memref<?xf32>) attributes {rnnc.function = #rnnc.function<"" "maps", []>} {
    // expected-error @below {{[E908] `maps` needs `linalg.generic` in this form}}
    // expected-note @below {{help}}
    linalg.generic {indexing_maps = [affine_map<(i) -> (i + 1)>, affine_map<(i) -> (i)>],
                    iterator_types = ["parallel"]}
        ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
    }
    return
  }
  func.func @meeting(%x: memref<?x4xf32>, %y: memref<?xf32>) attributes {rnnc.function = #rnnc.function<"" "meeting", []>} {
    // expected-error @below {{[E908] `meeting` needs `linalg.generic` in this form}}
    // expected-note @below {{help}}
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                    iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<?x4xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
    }
    return
  }
  func.func @unpacked(%x: memref<?x4xf32>, %w: memref<4x8xf32>, %y: memref<?x8xf32>) attributes {rnnc.function = #rnnc.function<"" "unpacked", []>} {
    // expected-error @below {{[E908] `unpacked` needs `kernel.gemm` in this form}}
    // expected-note @below {{help}}
    kernel.gemm ins(%x, %w : memref<?x4xf32>, memref<4x8xf32>) outs(%y : memref<?x8xf32>) {in_place}
    return
  }
  func.func @other(%x: memref<?x4xf32>) attributes {rnnc.function = #rnnc.function<"" "other", []>} {
    // expected-error @below {{[E908] `other` needs `memref.alloca`, which code for GPUs does not have yet}}
    // expected-note @below {{help: `export` says which functions are wanted}}
    %y = memref.alloca() : memref<4xf32>
    return
  }
}

// -----

#gpu = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                      gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>

module attributes {kernel.target = #gpu} {
  func.func @undecided(%x: memref<?x4xf32>) attributes {rnnc.function = #rnnc.function<"" "undecided", []>} {
    %z = arith.constant 0.0 : f32
    // expected-error @below {{has no decision about threads or rows: kernel-select-schedule makes them}}
    linalg.fill ins(%z : f32) outs(%x : memref<?x4xf32>)
    return
  }
}

// -----

// expected-error @below {{is not for a GPU: kernel-choose-target names one that has `gpu`}}
module attributes {
  kernel.target = #kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>} {
}
