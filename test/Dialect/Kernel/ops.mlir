// Every op of the dialect, in the forms that its description shows, is read back as it was printed.
// RUN: rnn-opt %s | rnn-opt | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-LABEL: func.func @products
func.func @products(%U: memref<512x128xf32>, %p: memref<65568xf32>, %h: memref<?x128xf32>,
                    %z: memref<?x512xf32>) {
  // CHECK: kernel.pack ins(%{{.*}} : memref<512x128xf32>) outs(%{{.*}} : memref<65568xf32>) {trans}
  kernel.pack ins(%U : memref<512x128xf32>) outs(%p : memref<65568xf32>) {trans}
  // CHECK: kernel.gemm ins({{.*}}) outs({{.*}}) {accumulate, packed_b}
  kernel.gemm ins(%h, %p : memref<?x128xf32>, memref<65568xf32>)
              outs(%z : memref<?x512xf32>) {accumulate, packed_b}
  return
}

// CHECK-LABEL: func.func @rows
func.func @rows(%emb: memref<96x64xf32>, %i: memref<?xi32>, %x: memref<?x64xf32>,
                %key: memref<2xi64>, %u: memref<?x?x64xf32>) {
  // CHECK: kernel.gather
  kernel.gather ins(%emb, %i : memref<96x64xf32>, memref<?xi32>) outs(%x : memref<?x64xf32>)
  // CHECK: kernel.scatter_add
  kernel.scatter_add ins(%x, %i : memref<?x64xf32>, memref<?xi32>) outs(%emb : memref<96x64xf32>)
  // CHECK: kernel.random {{.*}} {batch_dim = 1 : i64, site = 3 : i64, time_dim = 0 : i64}
  kernel.random ins(%key : memref<2xi64>) outs(%u : memref<?x?x64xf32>)
      {site = 3 : i64, time_dim = 0 : i64, batch_dim = 1 : i64}
  // CHECK: kernel.argmax
  kernel.argmax ins(%x : memref<?x64xf32>) outs(%i : memref<?xi32>) {dim = 1 : i64}
  return
}

// CHECK-LABEL: func.func @sequences
func.func @sequences(%x: memref<?x?x8xf32>, %y: memref<?x?x8xf32>, %v: memref<?x8xf32>,
                     %len: memref<?xi32>, %t: index) {
  // CHECK: kernel.enter {{.*}} lengths(
  kernel.enter ins(%x : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%y : memref<?x?x8xf32>)
      {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  // CHECK: kernel.leave {{.*}} lengths(
  kernel.leave ins(%y : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%x : memref<?x?x8xf32>)
      {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  // CHECK: kernel.mask_rows {{.*}} at(%{{.*}}) previous(
  kernel.mask_rows outs(%v : memref<?x8xf32>) lengths(%len : memref<?xi32>)
      at(%t) previous(%v : memref<?x8xf32>) {batch_dim = 0 : i64}
  // CHECK: kernel.reverse
  kernel.reverse ins(%x : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%y : memref<?x?x8xf32>)
  // CHECK: kernel.pick_step
  kernel.pick_step ins(%x : memref<?x?x8xf32>) lengths(%len : memref<?xi32>)
      outs(%v : memref<?x8xf32>) {last = true}
  // CHECK: kernel.place_step
  kernel.place_step ins(%v : memref<?x8xf32>) lengths(%len : memref<?xi32>)
      outs(%x : memref<?x?x8xf32>) {last = true}
  return
}

// CHECK-LABEL: func.func @phase_tensors
func.func @phase_tensors(%h: tensor<?x8xf32>, %U: tensor<2x8x8xf32>, %x: tensor<?x8xf32>, %b: tensor<8xf32>,
                         %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: kernel.phase products(%{{.*}} : tensor<?x8xf32>) with(%{{.*}} : tensor<2x8x8xf32>) ins(
  %r = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<2x8x8xf32>)
      ins(%x, %b : tensor<?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>)
      columns([array<i64: 0, 8>]) maps([affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>]) {
  ^bb0(%z: f32, %g: f32, %in: f32, %bias: f32):
    %0 = arith.addf %z, %in : f32
    %1 = arith.mulf %0, %g : f32
    %2 = arith.addf %1, %bias : f32
    kernel.yield %2 : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @phase_memory
func.func @phase_memory(%h: memref<?x8xf32>, %U: memref<2x8x8xf32>, %p: memref<160xf32>, %o: memref<?x8xf32>) {
  %m = memref.collapse_shape %U [[0, 1], [2]] : memref<2x8x8xf32> into memref<16x8xf32>
  // CHECK: kernel.pack {{.*}} {columns = array<i64: 0, 8>, trans, units = 8 : i64}
  kernel.pack ins(%m : memref<16x8xf32>) outs(%p : memref<160xf32>) {trans, columns = array<i64: 0, 8>, units = 8 : i64}
  // CHECK: kernel.phase products({{.*}} attributes {packed}
  kernel.phase products(%h : memref<?x8xf32>) with(%p : memref<160xf32>) outs(%o : memref<?x8xf32>)
      columns([array<i64: 0, 8>]) maps([]) attributes {packed} {
  ^bb0(%z: f32, %g: f32):
    %0 = arith.mulf %z, %g : f32
    kernel.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func.func @beside
func.func @beside(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %a: memref<?x8xf32>, %b: memref<?x8xf32>, %n: index) {
  // CHECK: kernel.beside terms(%{{.*}}) rows(%{{.*}}) {
  // CHECK: memref.copy
  // CHECK: }, {
  // CHECK: memref.copy
  kernel.beside terms(%n) rows(%n) {
    memref.copy %x, %a : memref<?x8xf32> to memref<?x8xf32>
  }, {
    memref.copy %y, %b : memref<?x8xf32> to memref<?x8xf32>
  }
  return
}

// CHECK-LABEL: func.func @places
func.func @places(%len: memref<?xi32>, %p: memref<?xi64>, %T: index) {
  // CHECK: kernel.valid_places ins(%{{.*}} : memref<?xi32>) outs(%{{.*}} : memref<?xi64>) steps(%{{.*}})
  kernel.valid_places ins(%len : memref<?xi32>) outs(%p : memref<?xi64>) steps(%T)
  return
}
