// Upstream's tiling of kernel.phase, in rows and in units.
// RUN: rnn-opt %s --transform-interpreter -canonicalize -cse --split-input-file --verify-diagnostics 2>&1 | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Two sums a unit: columns that lie apart become products of their own, each with a part of the matrix.
// CHECK-LABEL: func.func @gates(
// CHECK-SAME: %[[H:[^ ]*]]: tensor<?x3xf32>, %[[U:[^ ]*]]: tensor<2x8x3xf32>
// CHECK: scf.forall {{.*}} in (%{{.*}}, 2) shared_outs(%[[OUT:.*]] = %{{.*}})
// CHECK: %[[R:.*]] = affine.apply
// CHECK: %[[C:.*]] = affine.apply
// CHECK: %[[ROWS:.*]] = affine.min
// CHECK: %[[LEFT:.*]] = tensor.extract_slice %[[H]][%[[R]], 0] [%[[ROWS]], 3] [1, 1]
// CHECK: %[[FIRST:.*]] = tensor.extract_slice %{{.*}}[%[[C]], 0] [4, 3] [1, 1] : tensor<16x3xf32>
// CHECK: %[[AT:.*]] = affine.apply #{{.*}}
// CHECK: %[[SECOND:.*]] = tensor.extract_slice %{{.*}}[%[[AT]], 0] [4, 3] [1, 1] : tensor<16x3xf32>
// CHECK: %[[X:.*]] = tensor.extract_slice %{{.*}}[%[[R]], %[[C]]] [%[[ROWS]], 4]
// CHECK: %[[B:.*]] = tensor.extract_slice %{{.*}}[%[[C]]] [4] [1]
// CHECK: %[[TILE:.*]] = kernel.phase products(%[[LEFT]], %[[LEFT]] : tensor<?x3xf32>, tensor<?x3xf32>)
// CHECK-SAME: with(%[[FIRST]], %[[SECOND]] : tensor<4x3xf32>, tensor<4x3xf32>)
// CHECK-SAME: columns([array<i64: 0>, array<i64: 0>])
// CHECK: tensor.parallel_insert_slice %[[TILE]] into %[[OUT]][%[[R]], %[[C]]] [%[[ROWS]], 4] [1, 1]
func.func @gates(%h: tensor<?x3xf32>, %U: tensor<2x8x3xf32>, %x: tensor<?x8xf32>, %b: tensor<8xf32>,
                 %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = kernel.phase products(%h : tensor<?x3xf32>) with(%U : tensor<2x8x3xf32>)
      ins(%x, %b : tensor<?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>)
      columns([array<i64: 0, 8>]) maps([affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>]) {
  ^bb0(%z: f32, %y: f32, %in: f32, %bias: f32):
    %0 = arith.addf %z, %in : f32
    %1 = arith.mulf %0, %y : f32
    %2 = arith.addf %1, %bias : f32
    kernel.yield %2 : f32
  } -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %phase = transform.structured.match ops{["kernel.phase"]} in %root : (!transform.any_op) -> !transform.any_op
    %tile, %loop = transform.structured.tile_using_forall %phase tile_sizes [16, 4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A row that is combined stays whole. Lengths are those of the tile's examples, its step is that of its first row.
// CHECK-LABEL: func.func @ragged(
// CHECK: scf.for %[[T:.*]] = %c0 to
// CHECK: scf.for %[[B:.*]] = %c0 to
// CHECK: tensor.extract_slice %{{.*}}[%[[T]], %[[B]], 0] [%[[STEPS:.*]], %[[ROWS:.*]], 8] [1, 1, 1]
// CHECK: tensor.extract_slice %{{.*}}[%[[T]], %[[B]]] [%[[STEPS]], %[[ROWS]]] [1, 1]
// CHECK: %[[LEN:.*]] = tensor.extract_slice %{{.*}}[%[[B]]] [%[[ROWS]]] [1] : tensor<?xi32>
// CHECK: kernel.phase {{.*}} lengths(%[[LEN]] : tensor<?xi32>) at(%[[T]]) {{.*}} attributes {per_row = array<i64: 0>, units = 8 : i64, zeros = array<i64: 0>}
func.func @ragged(%x: tensor<?x?x8xf32>, %r: tensor<?x?xf32>, %len: tensor<?xi32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %p = kernel.phase ins(%x : tensor<?x?x8xf32>) outs(%r : tensor<?x?xf32>)
      lengths(%len : tensor<?xi32>) at(%c0) columns([]) maps([affine_map<(d0, d1, d2) -> (d0, d1, d2)>])
      attributes {per_row = array<i64: 0>, units = 8 : i64, zeros = array<i64: 0>} {
  ^bb0(%in: f32):
    %m = kernel.reduce_row max %in : f32
    kernel.yield %m : f32
  } -> tensor<?x?xf32>
  return %p : tensor<?x?xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %phase = transform.structured.match ops{["kernel.phase"]} in %root : (!transform.any_op) -> !transform.any_op
    %tile, %loops:2 = transform.structured.tile_using_for %phase tile_sizes [4, 32]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The phase that a tile of another one reads is computed in tiles with it.
// CHECK-LABEL: func.func @fused(
// CHECK: scf.forall
// CHECK: %[[PROBS:.*]] = kernel.phase ins(%{{.*}} : tensor<?x8xf32>)
// CHECK: reduce_row sum
// CHECK: kernel.phase ins(%[[PROBS]] : tensor<?x8xf32>)
func.func @fused(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %p = kernel.phase ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
      columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) {
  ^bb0(%in: f32):
    %s = kernel.reduce_row sum %in : f32
    %0 = arith.divf %in, %s : f32
    kernel.yield %0 : f32
  } -> tensor<?x8xf32>
  %q = kernel.phase ins(%p : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
      columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) {
  ^bb0(%in: f32):
    %m = kernel.reduce_row max %in : f32
    %0 = arith.subf %in, %m : f32
    kernel.yield %0 : f32
  } -> tensor<?x8xf32>
  return %q : tensor<?x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %phases = transform.structured.match ops{["kernel.phase"]} in %root : (!transform.any_op) -> !transform.any_op
    %first, %second = transform.split_handle %phases : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %tile, %loop = transform.structured.tile_using_forall %second tile_sizes [16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fused, %with = transform.structured.fuse_into_containing_op %first into %loop
        : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A number of units that depends on the tile is refused.
func.func @uneven(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+3 {{is cut into tiles whose number of units is not known: it has 8}}
  // expected-error @+2 {{to tile operation}}
  // expected-error @+1 {{failed to generate tiling loops}}
  %p = kernel.phase ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
      columns([]) maps([affine_map<(d0, d1) -> (d0, d1)>]) {
  ^bb0(%in: f32):
    kernel.yield %in : f32
  } -> tensor<?x8xf32>
  return %p : tensor<?x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %phase = transform.structured.match ops{["kernel.phase"]} in %root : (!transform.any_op) -> !transform.any_op
    %tile, %loops:2 = transform.structured.tile_using_for %phase tile_sizes [4, 3]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
