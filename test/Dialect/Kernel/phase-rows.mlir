// Rows that are combined, results that are one number a row, and rows past an end.
// RUN: rnn-opt %s | rnn-opt | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-LABEL: func.func @softmax
func.func @softmax(%x: tensor<?x?x8xf32>, %e: tensor<?x?x8xf32>, %r: tensor<?x?xf32>, %len: tensor<?xi32>)
    -> (tensor<?x?x8xf32>, tensor<?x?xf32>) {
  %c0 = arith.constant 0 : index
  // CHECK: kernel.phase ins(%{{.*}} : tensor<?x?x8xf32>) outs(%{{.*}}, %{{.*}} : tensor<?x?x8xf32>, tensor<?x?xf32>)
  // CHECK-SAME: lengths(%{{.*}} : tensor<?xi32>) at(%{{.*}}) columns([]) maps([#{{.*}}])
  // CHECK-SAME: attributes {per_row = array<i64: 1>, zeros = array<i64: 0>}
  %p:2 = kernel.phase ins(%x : tensor<?x?x8xf32>) outs(%e, %r : tensor<?x?x8xf32>, tensor<?x?xf32>)
      lengths(%len : tensor<?xi32>) at(%c0)
      columns([]) maps([affine_map<(d0, d1, d2) -> (d0, d1, d2)>])
      attributes {per_row = array<i64: 1>, zeros = array<i64: 0>} {
  ^bb0(%in: f32):
    // CHECK: kernel.reduce_row max %{{.*}} : f32
    %m = kernel.reduce_row max %in : f32
    %d = arith.subf %in, %m : f32
    %y = math.exp %d : f32
    // CHECK: kernel.reduce_row sum %{{.*}} : f32
    %s = kernel.reduce_row sum %y : f32
    %q = arith.divf %y, %s : f32
    kernel.yield %q, %s : f32, f32
  } -> tensor<?x?x8xf32>, tensor<?x?xf32>
  return %p#0, %p#1 : tensor<?x?x8xf32>, tensor<?x?xf32>
}

// Only numbers of rows: how many units there are is said.
// CHECK-LABEL: func.func @largest
func.func @largest(%h: tensor<?x4xf32>, %W: tensor<6x4xf32>, %r: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: attributes {per_row = array<i64: 0>, units = 6 : i64}
  %p = kernel.phase products(%h : tensor<?x4xf32>) with(%W : tensor<6x4xf32>) outs(%r : tensor<?xf32>)
      columns([array<i64: 0>]) maps([]) attributes {per_row = array<i64: 0>, units = 6 : i64} {
  ^bb0(%z: f32):
    %m = kernel.reduce_row max %z : f32
    kernel.yield %m : f32
  } -> tensor<?xf32>
  return %p : tensor<?xf32>
}
