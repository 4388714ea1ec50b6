// RUN: rnn-opt %s --scan-expand-outer-products --split-input-file | FileCheck %s
// RUN: not rnn-opt %s --scan-expand-outer-products='least=2' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: no such option least

// In a loop or not: each number of the one with each of the other.
// CHECK-LABEL: func @outer(
// CHECK-SAME: %[[K:arg0]]: tensor<?x4xf32>, %[[V:arg1]]: tensor<?x8xf32>
// CHECK-NOT: scan.dot
// CHECK: %[[A:.*]] = scan.broadcast %[[K]] sizes(%{{.*}}) dims = [0, 1] : tensor<?x4xf32> -> tensor<?x4x8xf32>
// CHECK: %[[B:.*]] = scan.broadcast %[[V]] sizes(%{{.*}}) dims = [0, 2] : tensor<?x8xf32> -> tensor<?x4x8xf32>
// CHECK: arith.mulf %[[A]], %[[B]] : tensor<?x4x8xf32>
func.func @outer(%k: tensor<?x4xf32>, %v: tensor<?x8xf32>) -> tensor<?x4x8xf32> {
  %p = scan.dot %k, %v batch = [[0], [0]] contract = [[], []] : tensor<?x4xf32>, tensor<?x8xf32> -> tensor<?x4x8xf32>
  return %p : tensor<?x4x8xf32>
}

// -----

// Axes of the batch need not be the first, nor in the same order: what stands
// elsewhere is put in order first.
// CHECK-LABEL: func @order(
// CHECK-SAME: %[[K:arg0]]: tensor<4x?x3xf32>, %[[V:arg1]]: tensor<3x8x?xf32>
// CHECK: %[[T:.*]] = scan.transpose %[[K]] perm = [1, 2, 0]
// CHECK: scan.broadcast %[[T]] sizes(%{{.*}}) dims = [0, 1, 2] : tensor<?x3x4xf32> -> tensor<?x3x4x8xf32>
// CHECK: %[[U:.*]] = scan.transpose %[[V]] perm = [2, 0, 1]
// CHECK: scan.broadcast %[[U]] sizes(%{{.*}}) dims = [0, 1, 3] : tensor<?x3x8xf32> -> tensor<?x3x4x8xf32>
// CHECK: arith.mulf
func.func @order(%k: tensor<4x?x3xf32>, %v: tensor<3x8x?xf32>) -> tensor<?x3x4x8xf32> {
  %p = scan.dot %k, %v batch = [[1, 2], [2, 0]] contract = [[], []] : tensor<4x?x3xf32>, tensor<3x8x?xf32> -> tensor<?x3x4x8xf32>
  return %p : tensor<?x3x4x8xf32>
}

// -----

// What is repeated in another order is repeated in that order at once.
// CHECK-LABEL: func @turned(
// CHECK-SAME: %[[K:arg0]]: tensor<?x4xf32>, %[[V:arg1]]: tensor<?x8xf32>
// CHECK-NOT: scan.transpose
// CHECK-DAG: scan.broadcast %[[K]] sizes(%{{.*}}) dims = [0, 2] : tensor<?x4xf32> -> tensor<?x8x4xf32>
// CHECK-DAG: scan.broadcast %[[V]] sizes(%{{.*}}) dims = [0, 1] : tensor<?x8xf32> -> tensor<?x8x4xf32>
// CHECK-NOT: scan.transpose
// CHECK: return
func.func @turned(%k: tensor<?x4xf32>, %v: tensor<?x8xf32>) -> tensor<?x8x4xf32> {
  %p = scan.dot %k, %v batch = [[0], [0]] contract = [[], []] : tensor<?x4xf32>, tensor<?x8xf32> -> tensor<?x4x8xf32>
  %t = scan.transpose %p perm = [0, 2, 1] : tensor<?x4x8xf32> -> tensor<?x8x4xf32>
  return %t : tensor<?x8x4xf32>
}

// -----

// What sums over something stays, and so does the order of what others read in
// the first one.
// CHECK-LABEL: func @stays(
// CHECK: scan.dot
// CHECK-LABEL: func @shared(
// CHECK: arith.mulf
// CHECK: scan.transpose
func.func @stays(%s: tensor<?x8x4xf32>, %k: tensor<?x4xf32>) -> tensor<?x8xf32> {
  %p = scan.dot %s, %k batch = [[0], [0]] contract = [[2], [1]] : tensor<?x8x4xf32>, tensor<?x4xf32> -> tensor<?x8xf32>
  return %p : tensor<?x8xf32>
}
func.func @shared(%k: tensor<?x4xf32>, %v: tensor<?x8xf32>) -> (tensor<?x4x8xf32>, tensor<?x8x4xf32>) {
  %p = scan.dot %k, %v batch = [[0], [0]] contract = [[], []] : tensor<?x4xf32>, tensor<?x8xf32> -> tensor<?x4x8xf32>
  %t = scan.transpose %p perm = [0, 2, 1] : tensor<?x4x8xf32> -> tensor<?x8x4xf32>
  return %p, %t : tensor<?x4x8xf32>, tensor<?x8x4xf32>
}
