// RUN: rnn-opt %s --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

func.func @gemm_sizes(%a: memref<?x8xf32>, %b: memref<9x4xf32>, %c: memref<?x4xf32>) {
  // expected-error @+1 {{A has 8 columns, B has 9 rows}}
  kernel.gemm ins(%a, %b : memref<?x8xf32>, memref<9x4xf32>) outs(%c : memref<?x4xf32>)
  return
}

// -----

func.func @gemm_packed(%a: memref<?x8xf32>, %b: memref<32xf32>, %c: memref<?x4xf32>) {
  // expected-error @+1 {{the packed operand does not fit K and N}}
  kernel.gemm ins(%a, %b : memref<?x8xf32>, memref<32xf32>) outs(%c : memref<?x4xf32>) {packed_b}
  return
}

// -----

func.func @pack(%a: memref<8x4xf32>, %p: memref<32xf32>) {
  // expected-error @+1 {{needs a buffer of 64 elements}}
  kernel.pack ins(%a : memref<8x4xf32>) outs(%p : memref<32xf32>)
  return
}

// -----

func.func @mask(%a: memref<?x?x4xf32>, %len: memref<?xi32>) {
  // expected-error @+1 {{needs one of `at` and `time_dim`}}
  kernel.mask_rows outs(%a : memref<?x?x4xf32>) lengths(%len : memref<?xi32>)
  return
}

// -----

func.func @enter(%a: memref<?x?x4xf32>, %len: memref<?xi32>, %b: memref<?x?x4xf32>) {
  // expected-error @+1 {{perm is no permutation of the source's dimensions}}
  kernel.enter ins(%a : memref<?x?x4xf32>) lengths(%len : memref<?xi32>) outs(%b : memref<?x?x4xf32>) {perm = array<i64: 1, 1, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  return
}

// -----

func.func @pick(%a: memref<?x?x4xf32>, %b: memref<?x5xf32>) {
  // expected-error @+1 {{shape of the result should be [?, 4]}}
  kernel.pick_step ins(%a : memref<?x?x4xf32>) outs(%b : memref<?x5xf32>) {last = true}
  return
}

// -----

func.func @gather(%e: memref<9x4xf32>, %i: memref<?xi64>, %o: memref<?x4xf32>) {
  // expected-error @+1 {{indices must be i32}}
  kernel.gather ins(%e, %i : memref<9x4xf32>, memref<?xi64>) outs(%o : memref<?x4xf32>)
  return
}

// -----

func.func @argmax(%a: memref<?x4xf32>, %o: memref<?xi32>) {
  // expected-error @+1 {{dim 2 is outside of rank 2}}
  kernel.argmax ins(%a : memref<?x4xf32>) outs(%o : memref<?xi32>) {dim = 2 : i64}
  return
}
