// What no kernel is made of: an error for each function, at its first such op.
// RUN: rnn-opt %s --convert-kernel-to-gpu --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#gpu = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040,
                      gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>
#all = #kernel.schedule<"sm_80" block_threads = 256>

module attributes {kernel.target = #gpu, kernel.schedule = #all} {
  func.func @loop(%x: memref<?x4xf32>) attributes {rnnc.function = #rnnc.function<"M" "predict", []>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %t = memref.dim %x, %c0 : memref<?x4xf32>
    // expected-error @below {{[E908] `predict` needs a loop over time, which --target=nvptx64 does not have yet}}
    // expected-note @below {{help: pointwise code, products, look-ups}}
    scf.for %i = %c0 to %t step %c1 {
    }
    return
  }
  func.func @lengths(%x: memref<?x?x4xf32>, %y: memref<?x?x4xf32>, %l: memref<?xi32>) attributes {rnnc.function = #rnnc.function<"" "lengths", []>} {
    // expected-error @below {{[E908] `lengths` needs lengths of examples}}
    // expected-note @below {{help}}
    kernel.enter ins(%x : memref<?x?x4xf32>) lengths(%l : memref<?xi32>) outs(%y : memref<?x?x4xf32>)
        {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
    return
  }
  func.func @sum(%x: memref<?x4xf32>, %y: memref<4xf32>) attributes {rnnc.function = #rnnc.function<"" "sum", []>} {
    // expected-error @below {{[E908] `sum` needs a sum over all rows}}
    // expected-note @below {{help}}
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
                    iterator_types = ["reduction", "parallel"]}
        ins(%x : memref<?x4xf32>) outs(%y : memref<4xf32>) {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %b : f32
      linalg.yield %c : f32
    }
    return
  }
  func.func @weights(%x: memref<?x4xf32>, %y: memref<?x3xf32>, %d: memref<4x3xf32>) attributes {rnnc.function = #rnnc.function<"" "weights", []>} {
    // expected-error @below {{[E908] `weights` needs a sum over all rows}}
    // expected-note @below {{help}}
    kernel.gemm ins(%x, %y : memref<?x4xf32>, memref<?x3xf32>) outs(%d : memref<4x3xf32>) {trans_a}
    return
  }
  func.func @table(%x: memref<?x4xf32>, %i: memref<?xi32>, %d: memref<9x4xf32>) attributes {rnnc.function = #rnnc.function<"" "table", []>} {
    // expected-error @below {{[E908] `table` needs sums of rows of a table}}
    // expected-note @below {{help}}
    kernel.scatter_add ins(%x, %i : memref<?x4xf32>, memref<?xi32>) outs(%d : memref<9x4xf32>)
    return
  }
  func.func @random(%x: memref<2xi64>, %u: memref<?x4xf32>) attributes {rnnc.function = #rnnc.function<"" "random", []>} {
    // expected-error @below {{[E908] `random` needs random numbers}}
    // expected-note @below {{help}}
    kernel.random ins(%x : memref<2xi64>) outs(%u : memref<?x4xf32>) {site = 0 : i64, batch_dim = 0 : i64}
    return
  }
  func.func @host(%x: memref<4xf32>) attributes {rnnc.function = #rnnc.function<"" "host", []>} {
    %c0 = arith.constant 0 : index
    // expected-error @below {{[E908] `host` needs a number that is computed between kernels}}
    // expected-note @below {{help}}
    %a = memref.load %x[%c0] : memref<4xf32>
    return
  }
  func.func @apart(%x: memref<?x4xf32, strided<[?, 1]>>) attributes {rnnc.function = #rnnc.function<"" "apart", []>} {
    %z = arith.constant 0.0 : f32
    // expected-error @below {{[E908] `apart` needs `linalg.fill` in this form}}
    // expected-note @below {{help}}
    linalg.fill ins(%z : f32) outs(%x : memref<?x4xf32, strided<[?, 1]>>)
    return
  }
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
  func.func @other(%x: memref<?x4xf32>) attributes {rnnc.function = #rnnc.function<"" "other", []>} {
    // expected-error @below {{[E908] `other` needs `func.call`}}
    // expected-note @below {{help}}
    func.call @other(%x) : (memref<?x4xf32>) -> ()
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
