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

// -----

func.func @phase_columns(%h: tensor<?x8xf32>, %U: tensor<8x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{columns from 1 on are outside of the right operand}}
  %r = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<8x8xf32>) outs(%e : tensor<?x8xf32>)
      columns([array<i64: 1>]) maps([]) {
  ^bb0(%z: f32):
    kernel.yield %z : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @phase_region(%h: tensor<?x8xf32>, %U: tensor<8x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{the region takes the accumulators, then an element of each input}}
  %r = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<8x8xf32>) outs(%e : tensor<?x8xf32>)
      columns([array<i64: 0>]) maps([]) {
  ^bb0(%z: f32, %y: f32):
    kernel.yield %z : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @phase_yield(%h: tensor<?x8xf32>, %U: tensor<8x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{the region yields one value for each of outs}}
  %r = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<8x8xf32>) outs(%e : tensor<?x8xf32>)
      columns([array<i64: 0>]) maps([]) {
  ^bb0(%z: f32):
    kernel.yield %z, %z : f32, f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @phase_map(%h: tensor<?x8xf32>, %U: tensor<8x8xf32>, %x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{input 0 has no projected permutation of (row, unit)}}
  %r = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<8x8xf32>) ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
      columns([array<i64: 0>]) maps([affine_map<(d0, d1) -> (d0)>]) {
  ^bb0(%z: f32, %y: f32):
    kernel.yield %z : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @phase_room(%h: memref<?x8xf32>, %p: memref<64xf32>, %o: memref<?x8xf32>) {
  // expected-error @+1 {{a packed operand is flat, with room for K of the left operand and all columns}}
  kernel.phase products(%h : memref<?x8xf32>) with(%p : memref<64xf32>) outs(%o : memref<?x8xf32>)
      columns([array<i64: 0>]) maps([]) attributes {packed} {
  ^bb0(%z: f32):
    kernel.yield %z : f32
  }
  return
}

// -----

func.func @pack_columns(%m: memref<16x8xf32>, %p: memref<160xf32>) {
  // expected-error @+1 {{columns 9 to 17 are outside of the matrix}}
  kernel.pack ins(%m : memref<16x8xf32>) outs(%p : memref<160xf32>) {trans, columns = array<i64: 9>, units = 8 : i64}
  return
}

// -----

func.func @phase_valid(%h: tensor<?x8xf32>, %U: tensor<8x8xf32>, %e: tensor<?x8xf32>, %v: memref<?xi32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{has lengths on tensors, and valid rows on memrefs}}
  %r = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<8x8xf32>) outs(%e : tensor<?x8xf32>)
      valid(%v : memref<?xi32>) columns([array<i64: 0>]) maps([]) {
  ^bb0(%z: f32):
    kernel.yield %z : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @gemm_valid(%a: memref<?x8xf32>, %b: memref<8x4xf32>, %c: memref<?x4xf32>, %v: memref<?xi32>) {
  // expected-error @+1 {{as i64}}
  kernel.gemm ins(%a, %b : memref<?x8xf32>, memref<8x4xf32>) outs(%c : memref<?x4xf32>) valid(%v : memref<?xi32>)
  return
}

// -----

func.func @gemm_valid_rows(%a: memref<8x?xf32>, %b: memref<64xf32>, %c: memref<?x4xf32>, %v: memref<?xi64>) {
  // expected-error @+1 {{not transposed}}
  kernel.gemm ins(%a, %b : memref<8x?xf32>, memref<64xf32>) outs(%c : memref<?x4xf32>) valid(%v : memref<?xi64>) {trans_a, packed_b}
  return
}

// -----

func.func @phase_per_row(%x: tensor<?x8xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{what is yielded per row differs between units}}
  %r = kernel.phase ins(%x : tensor<?x8xf32>) outs(%e : tensor<?xf32>)
      columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) attributes {per_row = array<i64: 0>, units = 8 : i64} {
  ^bb0(%y: f32):
    kernel.yield %y : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @phase_units(%x: tensor<?x8xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{says the number of units where all outs are per row, and there alone}}
  %r = kernel.phase ins(%x : tensor<?x8xf32>) outs(%e : tensor<?xf32>)
      columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) attributes {per_row = array<i64: 0>} {
  ^bb0(%y: f32):
    %m = kernel.reduce_row max %y : f32
    kernel.yield %m : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @phase_outs(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>, %f: tensor<?x9xf32>) -> (tensor<?x8xf32>, tensor<?x9xf32>) {
  // expected-error @+1 {{outs are [rows, units], with units known, or [rows] where they are per row}}
  %r:2 = kernel.phase ins(%x : tensor<?x8xf32>) outs(%e, %f : tensor<?x8xf32>, tensor<?x9xf32>)
      columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) {
  ^bb0(%y: f32):
    kernel.yield %y, %y : f32, f32
  } -> tensor<?x8xf32>, tensor<?x9xf32>
  return %r#0, %r#1 : tensor<?x8xf32>, tensor<?x9xf32>
}

// -----

func.func @phase_turns(%x: tensor<?x8xf32>, %U: tensor<8x8xf32>, %e: tensor<?x8xf32>, %i: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{turns, but is no product of one step on memrefs}}
  %r = kernel.phase products(%x : tensor<?x8xf32>) with(%U : tensor<8x8xf32>) outs(%e : tensor<?x8xf32>)
      turn(%i) columns([array<i64: 0>]) maps([]) {
  ^bb0(%y: f32):
    kernel.yield %y : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @phase_zeros(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{has zeros past an end, but no lengths}}
  %r = kernel.phase ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
      columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) attributes {zeros = array<i64: 0>} {
  ^bb0(%y: f32):
    kernel.yield %y : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @phase_number(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>, %len: tensor<?xi32>, %t: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{has no number 1 of outs}}
  %r = kernel.phase ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) lengths(%len : tensor<?xi32>) at(%t)
      columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) attributes {zeros = array<i64: 1>} {
  ^bb0(%y: f32):
    kernel.yield %y : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @quantized_size(%a: memref<?x8xf32>, %q: memref<?x2xf32>) {
  // expected-error @+1 {{shape of the result should be [?, 3]}}
  kernel.quantize ins(%a : memref<?x8xf32>) outs(%q : memref<?x2xf32>)
  return
}

// -----

func.func @quantized_type(%a: memref<?x8xf64>, %q: memref<?x3xf64>) {
  // expected-error @+1 {{makes rows of f32 of such}}
  kernel.quantize ins(%a : memref<?x8xf64>) outs(%q : memref<?x3xf64>)
  return
}

// -----

func.func @quantized_long(%a: memref<?x200000xf32>, %q: memref<?x50001xf32>) {
  // expected-error @+1 {{has rows of at most 131072}}
  kernel.quantize ins(%a : memref<?x200000xf32>) outs(%q : memref<?x50001xf32>)
  return
}

// -----

// Of 8 bits the left operand has a word for each four steps, and one more.
func.func @integers(%a: memref<?x3xf32>, %p: memref<48xf32>, %c: memref<?x4xf32>) {
  kernel.gemm ins(%a, %p : memref<?x3xf32>, memref<48xf32>) outs(%c : memref<?x4xf32>) {packed_b, stored_bits = 8 : i64}
  // expected-error @+1 {{the packed operand does not fit K and N}}
  kernel.gemm ins(%a, %p : memref<?x3xf32>, memref<48xf32>) outs(%c : memref<?x4xf32>) {packed_b, stored_bits = 16 : i64, trans_a}
  return
}

// -----

func.func @bits(%a: memref<8x4xf32>, %p: memref<64xf32>) {
  // expected-error @+1 {{which is 8 or 16}}
  kernel.pack ins(%a : memref<8x4xf32>) outs(%p : memref<64xf32>) {stored_bits = 4 : i64}
  return
}

// -----

// expected-error @+1 {{dots are 4, of a processor, or none}}
module attributes {kernel.targets = [#kernel.target<"x", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576, dots = 2>]} {
}

// -----

// expected-error @+1 {{half_dots are 2, of a processor, or none}}
module attributes {kernel.targets = [#kernel.target<"x", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576, half_dots = 4>]} {
}

// -----

func.func @gemm_in_place(%a: memref<?x8xf32>, %b: memref<64xf32>, %c: memref<?x4xf32>) {
  // expected-error @+1 {{reads operands where they lie, rows of A and B not packed}}
  kernel.gemm ins(%a, %b : memref<?x8xf32>, memref<64xf32>) outs(%c : memref<?x4xf32>) {in_place, packed_b}
  return
}

// -----

func.func @phase_matrix(%h: memref<?x8xf32>, %p: memref<96xf32>, %U: memref<7x8xf32>, %out: memref<?x8xf32>, %few: i1) {
  // expected-error @+1 {{columns from 0 on are outside of the matrix}}
  kernel.phase products(%h : memref<?x8xf32>) with(%p : memref<96xf32>) outs(%out : memref<?x8xf32>)
      in_place(%few, %U : memref<7x8xf32>) columns([array<i64: 0>]) maps([]) attributes {packed} {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
  return
}

// -----

func.func @phase_matrices(%h: memref<?x8xf32>, %p: memref<96xf32>, %U: memref<8x9xf32>, %out: memref<?x8xf32>, %few: i1) {
  // expected-error @+1 {{a matrix is [N, K], with the K of the left operand side by side}}
  kernel.phase products(%h : memref<?x8xf32>) with(%p : memref<96xf32>) outs(%out : memref<?x8xf32>)
      in_place(%few, %U : memref<8x9xf32>) columns([array<i64: 0>]) maps([]) attributes {packed} {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
  return
}
