// Phases over the same rows become one where rows are combined; in a ragged batch it leaves padding alone.
// RUN: rnn-opt %s --kernel-form-phases --kernel-fuse-rows --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-LABEL: func.func @softmax(
// CHECK-NOT: linalg.generic
// CHECK: %[[P:.*]] = kernel.phase ins(%{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<8xf32>)
// CHECK-SAME: outs(%{{.*}} : tensor<?x8xf32>) columns([])
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[B:.*]]: f32):
// CHECK: %[[Z:.*]] = arith.addf %[[X]], %[[B]]
// CHECK: %[[M:.*]] = kernel.reduce_row max %[[Z]]
// CHECK: %[[D:.*]] = arith.subf %[[Z]], %[[M]]
// CHECK: %[[E:.*]] = math.exp %[[D]]
// CHECK: %[[S:.*]] = kernel.reduce_row sum %[[E]]
// CHECK: arith.divf %{{.*}}, %[[S]]
// CHECK: return %[[P]]
func.func @softmax(%x: tensor<?x8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %w = scan.broadcast %b sizes(%n) dims = [1] : tensor<8xf32> -> tensor<?x8xf32>
  %z = arith.addf %x, %w : tensor<?x8xf32>
  %m = scan.reduce max %z dims = [1] : tensor<?x8xf32> -> tensor<?xf32>
  %mw = scan.broadcast %m sizes(%n) dims = [0] : tensor<?xf32> -> tensor<?x8xf32>
  %d = arith.subf %z, %mw : tensor<?x8xf32>
  %e = math.exp %d : tensor<?x8xf32>
  %s = scan.reduce sum %e dims = [1] : tensor<?x8xf32> -> tensor<?xf32>
  %sw = scan.broadcast %s sizes(%n) dims = [0] : tensor<?xf32> -> tensor<?x8xf32>
  %p = arith.divf %e, %sw : tensor<?x8xf32>
  return %p : tensor<?x8xf32>
}

// -----

// What depends on a member by way of something that is none stays apart.
// CHECK-LABEL: func.func @between(
// CHECK: kernel.phase
// CHECK: arith.subf
// CHECK: kernel.yield
// CHECK: scan.dot
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK: arith.mulf
// CHECK: return
func.func @between(%x: tensor<?x8xf32>, %W: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %m = scan.reduce max %x dims = [1] : tensor<?x8xf32> -> tensor<?xf32>
  %mw = scan.broadcast %m sizes(%n) dims = [0] : tensor<?xf32> -> tensor<?x8xf32>
  %p = arith.subf %x, %mw : tensor<?x8xf32>
  %q = scan.dot %p, %W batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %t = arith.mulf %q, %mw : tensor<?x8xf32>
  return %t : tensor<?x8xf32>
}

// -----

// Nobody sees what lies past an end: one value leaves by lengths, the other is masked and zero there. They are one.
// CHECK-LABEL: func.func @ragged(
// CHECK-SAME: %[[LEN:[^ ]*]]: tensor<?xi32>
// CHECK: kernel.phase ins(%{{[^ ]*}} : tensor<?x?x8xf32>)
// CHECK-SAME: lengths(%[[LEN]] : tensor<?xi32>) at(%c0{{.*}}) {{.*}} attributes {zeros = array<i64: 0>}
// CHECK-NOT: arith.select
// CHECK: } -> tensor<?x?x8xf32>{{$}}
func.func @ragged(%x: tensor<?x?x8xf32>, %len: tensor<?xi32>, %W: tensor<4x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %m = scan.reduce max %x dims = [2] : tensor<?x?x8xf32> -> tensor<?x?xf32>
  %mw = scan.broadcast %m sizes(%t, %n) dims = [0, 1] : tensor<?x?xf32> -> tensor<?x?x8xf32>
  %d = arith.subf %x, %mw : tensor<?x?x8xf32>
  %e = math.exp %d : tensor<?x?x8xf32>
  %k = scan.mask %e lengths(%len) {time_dim = 0 : i64, batch_dim = 1 : i64} : tensor<?x?x8xf32>
  %s = scan.dot %k, %W batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %y = scan.leave %e lengths(%len) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return %y, %s : tensor<?x?x8xf32>, tensor<?x?x4xf32>
}

// -----

// Somebody does: all rows are computed.
// CHECK-LABEL: func.func @seen(
// CHECK: kernel.phase
// CHECK-NOT: lengths
// CHECK: return
func.func @seen(%x: tensor<?x?x8xf32>, %len: tensor<?xi32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %m = scan.reduce max %x dims = [2] : tensor<?x?x8xf32> -> tensor<?x?xf32>
  %mw = scan.broadcast %m sizes(%t, %n) dims = [0, 1] : tensor<?x?xf32> -> tensor<?x?x8xf32>
  %e = arith.subf %x, %mw : tensor<?x?x8xf32>
  return %e, %e : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// -----

// A function of what lies past an end is not worth computing, an addition is.
// CHECK-LABEL: func.func @points(
// CHECK: kernel.phase {{.*}} lengths(
// CHECK: math.tanh
// CHECK-LABEL: func.func @sums(
// CHECK-NOT: kernel.phase
func.func @points(%x: tensor<?x?x8xf32>, %len: tensor<?xi32>) -> tensor<?x?x8xf32> {
  %e = math.tanh %x : tensor<?x?x8xf32>
  %y = scan.leave %e lengths(%len) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}
func.func @sums(%x: tensor<?x?x8xf32>, %len: tensor<?xi32>) -> tensor<?x?x8xf32> {
  %e = arith.addf %x, %x : tensor<?x?x8xf32>
  %y = scan.leave %e lengths(%len) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// Cross-entropy and its gradient: the entry that is looked up is a sum of which one term counts, the
// row with one entry that is added is compared where it is read. No row is there but the scores and
// their gradient, and each is read in one phase.
// CHECK-LABEL: func.func @cross_entropy(
// CHECK-SAME: %[[X:arg0]]: tensor<?x?x8xf32>, %[[AT:.*]]: tensor<?x?xi32>
// CHECK-NOT: scan.gather
// CHECK-NOT: scan.scatter_add
// CHECK: %[[N:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<8xi32>)
// CHECK: linalg.index 0
// CHECK: kernel.phase ins(
// CHECK-SAME: outs(%{{.*}} : tensor<?x?xf32>, tensor<?x?x8xf32>)
// CHECK-SAME: per_row = array<i64: 0>
// CHECK-DAG: arith.cmpi eq
// CHECK-DAG: kernel.reduce_row max
// CHECK: arith.select
// CHECK: kernel.reduce_row sum
// CHECK: kernel.yield
// CHECK-NOT: kernel.phase
// CHECK: return
func.func @cross_entropy(%x: tensor<?x?x8xf32>, %at: tensor<?x?xi32>, %w: tensor<f32>) -> (tensor<?x?xf32>, tensor<?x?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %l = scan.reduce logsumexp %x dims = [2] : tensor<?x?x8xf32> -> tensor<?x?xf32>
  %g = scan.gather %x[%at] batch_dims = 2 : tensor<?x?x8xf32>, tensor<?x?xi32> -> tensor<?x?xf32>
  %loss = arith.subf %l, %g : tensor<?x?xf32>
  %u = scan.broadcast %w sizes(%t, %n) dims = [] : tensor<f32> -> tensor<?x?xf32>
  %one = scan.scatter_add %u[%at] batch_dims = 2 : tensor<?x?xf32>, tensor<?x?xi32> -> tensor<?x?x8xf32>
  %lw = scan.broadcast %l sizes(%t, %n) dims = [0, 1] : tensor<?x?xf32> -> tensor<?x?x8xf32>
  %d = arith.subf %x, %lw : tensor<?x?x8xf32>
  %p = math.exp %d : tensor<?x?x8xf32>
  %dx = arith.subf %p, %one : tensor<?x?x8xf32>
  return %loss, %dx : tensor<?x?xf32>, tensor<?x?x8xf32>
}

// -----

// A look-up in rows that nobody combines reads one number; a row that is read as it lies is made.
// CHECK-LABEL: func.func @lookup_alone(
// CHECK: scan.gather
// CHECK: scan.scatter_add
func.func @lookup_alone(%x: tensor<?x8xf32>, %at: tensor<?xi32>, %u: tensor<?xf32>, %W: tensor<4x8xf32>) -> (tensor<?xf32>, tensor<?x4xf32>) {
  %g = scan.gather %x[%at] batch_dims = 1 : tensor<?x8xf32>, tensor<?xi32> -> tensor<?xf32>
  %one = scan.scatter_add %u[%at] batch_dims = 1 : tensor<?xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %s = scan.dot %one, %W batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return %g, %s : tensor<?xf32>, tensor<?x4xf32>
}
