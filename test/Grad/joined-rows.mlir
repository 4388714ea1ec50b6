// RUN: rnn-opt %s -grad-generate | FileCheck %s

// What a step adds to a value from outside with rows of several axes is masked
// by the lengths of the loop, each for its example: the loop itself keeps
// still only what has its own rows.
func.func @loss(%w: tensor<f32>, %lengths: tensor<?xi32>, %first: tensor<?xf32>, %words: index) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %lengths, %c0 : tensor<?xi32>
  %rows = arith.muli %words, %batch : index
  %all = scan.broadcast %w sizes(%rows) dims = [] : tensor<f32> -> tensor<?xf32>
  %last = scan.loop trip(%words) lengths(%lengths) carry(%h = %first : tensor<?xf32>) step(%t) {
    %wide = scan.broadcast %h sizes(%words, %batch) dims = [1] : tensor<?xf32> -> tensor<?x?xf32>
    %flat = tensor.collapse_shape %wide [[0, 1]] : tensor<?x?xf32> into tensor<?xf32>
    %x = arith.mulf %flat, %all : tensor<?xf32>
    %y = math.tanh %x : tensor<?xf32>
    %each = tensor.expand_shape %y [[0, 1]] output_shape [%words, %batch] : tensor<?xf32> into tensor<?x?xf32>
    %next = scan.reduce sum %each dims = [0] : tensor<?x?xf32> -> tensor<?xf32>
    scan.yield carry(%next : tensor<?xf32>)
  } -> tensor<?xf32>
  %loss = scan.reduce sum %last dims = [0] : tensor<?xf32> -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @grad
// CHECK: scan.loop {{.*}} reverse
// CHECK: %[[EACH:.*]] = scan.broadcast %{{.*}} dims = [1] : tensor<?xi32> -> tensor<?x?xi32>
// CHECK: %[[LENGTHS:.*]] = tensor.collapse_shape %[[EACH]] {{\[}}[0, 1]] : tensor<?x?xi32> into tensor<?xi32>
// CHECK: %[[VALID:.*]] = scan.mask %{{.*}} lengths(%[[LENGTHS]]) at(%{{.*}}) {batch_dim = 0 : i64} : tensor<?xf32>
// CHECK: arith.addf %{{.*}}, %[[VALID]] : tensor<?xf32>
func.func @grad(%w: tensor<f32>, %lengths: tensor<?xi32>, %first: tensor<?xf32>, %words: index) -> (tensor<f32>, tensor<f32>) {
  %one = arith.constant dense<1.0> : tensor<f32>
  %0:2 = grad.vjp @loss(%w, %lengths, %first, %words) wrt = [0] cotangents(%one) of = [0]
    : (tensor<f32>, tensor<?xi32>, tensor<?xf32>, index), (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}
