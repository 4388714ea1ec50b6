// RUN: rnn-opt %s --kernel-form-phases --kernel-fuse-products --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The gates of a unit are accumulators of one phase; the product is gone.
// CHECK-LABEL: func.func @gates(
// CHECK-NOT: scan.dot
// CHECK: kernel.phase products(%arg0 : tensor<?x3xf32>) with(%arg1 : tensor<2x4x3xf32>)
// CHECK-SAME: columns([array<i64: 0, 4>]) maps([])
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK: math.tanh %[[A]]
// CHECK: scan.sigmoid %[[B]]
func.func @gates(%h: tensor<?x3xf32>, %U: tensor<2x4x3xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %h, %c0 : tensor<?x3xf32>
  %z = scan.dot %h, %U batch = [[], []] contract = [[1], [2]] : tensor<?x3xf32>, tensor<2x4x3xf32> -> tensor<?x2x4xf32>
  %a = tensor.extract_slice %z[0, 0, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x2x4xf32> to tensor<?x4xf32>
  %b = tensor.extract_slice %z[0, 1, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x2x4xf32> to tensor<?x4xf32>
  %t = math.tanh %a : tensor<?x4xf32>
  %s = scan.sigmoid %b : tensor<?x4xf32>
  %m = arith.mulf %t, %s : tensor<?x4xf32>
  return %m : tensor<?x4xf32>
}

// -----

// Gates that lie in one row are columns further on.
// CHECK-LABEL: func.func @columns(
// CHECK: kernel.phase {{.*}}columns([array<i64: 0, 4>])
func.func @columns(%h: tensor<?x3xf32>, %U: tensor<8x3xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %h, %c0 : tensor<?x3xf32>
  %z = scan.dot %h, %U batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<8x3xf32> -> tensor<?x8xf32>
  %a = tensor.extract_slice %z[0, 4] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %b = tensor.extract_slice %z[0, 0] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %t = math.tanh %a : tensor<?x4xf32>
  %m = arith.mulf %t, %b : tensor<?x4xf32>
  return %m : tensor<?x4xf32>
}

// -----

// Two phases read the product: it stays in memory.
// CHECK-LABEL: func.func @shared(
// CHECK: scan.dot
// CHECK-NOT: kernel.phase
func.func @shared(%h: tensor<?x3xf32>, %U: tensor<4x3xf32>) -> (tensor<?x4xf32>, tensor<?xf32>) {
  %z = scan.dot %h, %U batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<4x3xf32> -> tensor<?x4xf32>
  %t = math.tanh %z : tensor<?x4xf32>
  %s = scan.reduce sum %z dims = [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %t, %s : tensor<?x4xf32>, tensor<?xf32>
}

// -----

// The matrix is made in the loop: nothing can be packed before it.
// CHECK-LABEL: func.func @made(
// CHECK: scan.dot
// CHECK-NOT: kernel.phase
func.func @made(%x: tensor<?x?x3xf32>, %h0: tensor<?x3xf32>, %U: tensor<3x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x3xf32>
  %h:2 = scan.loop trip(%T) slices(%s = %x : tensor<?x?x3xf32>) carry(%a = %h0 : tensor<?x3xf32>, %w = %U : tensor<3x3xf32>) step(%t) {
    %v = math.tanh %w : tensor<3x3xf32>
    %z = scan.dot %a, %v batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<3x3xf32> -> tensor<?x3xf32>
    %n = arith.addf %z, %s : tensor<?x3xf32>
    scan.yield carry(%n, %v : tensor<?x3xf32>, tensor<3x3xf32>)
  } -> (tensor<?x3xf32>, tensor<3x3xf32>)
  return %h#0 : tensor<?x3xf32>
}

// -----

// Thirteen sums a unit are more than registers hold.
// CHECK-LABEL: func.func @many(
// CHECK: scan.dot
// CHECK-NOT: kernel.phase
func.func @many(%h: tensor<?x3xf32>, %U: tensor<13x4x3xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %h, %c0 : tensor<?x3xf32>
  %z = scan.dot %h, %U batch = [[], []] contract = [[1], [2]] : tensor<?x3xf32>, tensor<13x4x3xf32> -> tensor<?x13x4xf32>
  %p0 = tensor.extract_slice %z[0, 0, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p1 = tensor.extract_slice %z[0, 1, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p2 = tensor.extract_slice %z[0, 2, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p3 = tensor.extract_slice %z[0, 3, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p4 = tensor.extract_slice %z[0, 4, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p5 = tensor.extract_slice %z[0, 5, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p6 = tensor.extract_slice %z[0, 6, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p7 = tensor.extract_slice %z[0, 7, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p8 = tensor.extract_slice %z[0, 8, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p9 = tensor.extract_slice %z[0, 9, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p10 = tensor.extract_slice %z[0, 10, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p11 = tensor.extract_slice %z[0, 11, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %p12 = tensor.extract_slice %z[0, 12, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x13x4xf32> to tensor<?x4xf32>
  %s1 = arith.addf %p0, %p1 : tensor<?x4xf32>
  %s2 = arith.addf %s1, %p2 : tensor<?x4xf32>
  %s3 = arith.addf %s2, %p3 : tensor<?x4xf32>
  %s4 = arith.addf %s3, %p4 : tensor<?x4xf32>
  %s5 = arith.addf %s4, %p5 : tensor<?x4xf32>
  %s6 = arith.addf %s5, %p6 : tensor<?x4xf32>
  %s7 = arith.addf %s6, %p7 : tensor<?x4xf32>
  %s8 = arith.addf %s7, %p8 : tensor<?x4xf32>
  %s9 = arith.addf %s8, %p9 : tensor<?x4xf32>
  %s10 = arith.addf %s9, %p10 : tensor<?x4xf32>
  %s11 = arith.addf %s10, %p11 : tensor<?x4xf32>
  %s12 = arith.addf %s11, %p12 : tensor<?x4xf32>
  return %s12 : tensor<?x4xf32>
}

// -----

// In a ragged batch the rows that have ended are not computed: the loop keeps
// the carry and zeroes what is stacked there. The generic between works row by
// row too.
// CHECK-LABEL: func.func @ragged(
// CHECK-SAME: %[[LEN:[a-z0-9]+]]: tensor<?xi32>
// CHECK: scan.loop {{.*}} step(%[[T:[a-z0-9]+]])
// CHECK: kernel.phase {{.*}} lengths(%[[LEN]] : tensor<?xi32>) at(%[[T]])
func.func @ragged(%U: tensor<3x3xf32>, %x: tensor<?x?x3xf32>, %h0: tensor<?x3xf32>, %len: tensor<?xi32>) -> (tensor<?x?x3xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x3xf32>
  %ys:2 = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x3xf32>) carry(%a = %h0 : tensor<?x3xf32>) step(%t) {
    %z = scan.dot %a, %U batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<3x3xf32> -> tensor<?x3xf32>
    %n = arith.addf %z, %s : tensor<?x3xf32>
    %y = scan.dot %n, %U batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<3x3xf32> -> tensor<?x3xf32>
    %e = math.exp %y : tensor<?x3xf32>
    scan.yield carry(%n : tensor<?x3xf32>) stack(%e : tensor<?x3xf32>)
  } -> (tensor<?x?x3xf32>, tensor<?x3xf32>)
  return %ys#0, %ys#1 : tensor<?x?x3xf32>, tensor<?x3xf32>
}

// -----

// So does a product by itself, where it goes to a carry that the loop keeps.
// CHECK-LABEL: func.func @ragged_product(
// CHECK-SAME: %[[LEN:[a-z0-9]+]]: tensor<?xi32>
// CHECK: scan.loop
// CHECK: scan.dot %{{.*}}, %{{.*}} lengths(%[[LEN]])
func.func @ragged_product(%U: tensor<3x3xf32>, %h0: tensor<?x3xf32>, %len: tensor<?xi32>, %T: index) -> tensor<?x3xf32> {
  %h = scan.loop trip(%T) lengths(%len) carry(%a = %h0 : tensor<?x3xf32>) step(%t) {
    %n = scan.dot %a, %U batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<3x3xf32> -> tensor<?x3xf32>
    scan.yield carry(%n : tensor<?x3xf32>)
  } -> (tensor<?x3xf32>)
  return %h : tensor<?x3xf32>
}

// -----

// Here a sum over the batch reads all rows.
// CHECK-LABEL: func.func @summed_product(
// CHECK: scan.loop
// CHECK: scan.dot
// CHECK-NOT: lengths
func.func @summed_product(%U: tensor<3x3xf32>, %h0: tensor<?x3xf32>, %len: tensor<?xi32>, %T: index) -> tensor<3xf32> {
  %zero = arith.constant dense<0.0> : tensor<3xf32>
  %h:2 = scan.loop trip(%T) lengths(%len) carry(%a = %h0 : tensor<?x3xf32>, %b = %zero : tensor<3xf32>) step(%t) {
    %n = scan.dot %a, %U batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<3x3xf32> -> tensor<?x3xf32>
    %r = scan.reduce sum %n dims = [0] : tensor<?x3xf32> -> tensor<3xf32>
    %m = arith.addf %b, %r : tensor<3xf32>
    scan.yield carry(%n, %m : tensor<?x3xf32>, tensor<3xf32>)
  } -> (tensor<?x3xf32>, tensor<3xf32>)
  return %h#1 : tensor<3xf32>
}

// -----

// What is stacked without a mask shows the rows that have ended, and a sum over
// the batch reads them: all rows are computed.
// CHECK-LABEL: func.func @shown(
// CHECK: kernel.phase
// CHECK-NOT: lengths(%{{.*}} at(
func.func @shown(%U: tensor<3x3xf32>, %x: tensor<?x?x3xf32>, %h0: tensor<?x3xf32>, %len: tensor<?xi32>) -> tensor<?x?x3xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x3xf32>
  %ys:2 = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x3xf32>) carry(%a = %h0 : tensor<?x3xf32>) step(%t) {
    %z = scan.dot %a, %U batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<3x3xf32> -> tensor<?x3xf32>
    %n = arith.addf %z, %s : tensor<?x3xf32>
    scan.yield carry(%n : tensor<?x3xf32>) stack(%n : tensor<?x3xf32>)
  } -> (tensor<?x?x3xf32>, tensor<?x3xf32>) {unmasked_stacks = array<i64: 0>}
  return %ys#0 : tensor<?x?x3xf32>
}

// -----

// CHECK-LABEL: func.func @summed(
// CHECK: kernel.phase
// CHECK-NOT: lengths(%{{.*}} at(
func.func @summed(%U: tensor<3x3xf32>, %x: tensor<?x?x3xf32>, %h0: tensor<?x3xf32>, %len: tensor<?xi32>) -> tensor<3xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x3xf32>
  %zero = arith.constant dense<0.0> : tensor<3xf32>
  %h:2 = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x3xf32>) carry(%a = %h0 : tensor<?x3xf32>, %b = %zero : tensor<3xf32>) step(%t) {
    %z = scan.dot %a, %U batch = [[], []] contract = [[1], [1]] : tensor<?x3xf32>, tensor<3x3xf32> -> tensor<?x3xf32>
    %n = arith.addf %z, %s : tensor<?x3xf32>
    %r = scan.reduce sum %n dims = [0] : tensor<?x3xf32> -> tensor<3xf32>
    %m = arith.addf %b, %r : tensor<3xf32>
    scan.yield carry(%n, %m : tensor<?x3xf32>, tensor<3xf32>)
  } -> (tensor<?x3xf32>, tensor<3xf32>)
  return %h#1 : tensor<3xf32>
}
