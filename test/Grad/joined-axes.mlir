// RUN: rnn-opt %s -grad-generate | FileCheck %s

// What two axes were joined to is one axis of rows, of which nothing tells which
// lie behind an end: their cotangents are masked before, by the lengths of what
// was put in place beside zeros.
func.func @loss(%w: tensor<3xf32>, %lengths: tensor<?xi32>, %x: tensor<?x?xf32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %steps = tensor.dim %x, %c0 : tensor<?x?xf32>
  %batch = tensor.dim %x, %c1 : tensor<?x?xf32>
  %rows = arith.muli %steps, %batch : index
  %all = scan.broadcast %w sizes(%rows) dims = [1] : tensor<3xf32> -> tensor<?x3xf32>
  %each = tensor.expand_shape %all [[0, 1], [2]] output_shape [%steps, %batch, 3] : tensor<?x3xf32> into tensor<?x?x3xf32>
  %one = tensor.extract_slice %each[0, 0, 1] [%steps, %batch, 1] [1, 1, 1] : tensor<?x?x3xf32> to tensor<?x?xf32>
  %y = arith.mulf %one, %x : tensor<?x?xf32>
  %valid = scan.mask %y lengths(%lengths) {time_dim = 0 : i64, batch_dim = 1 : i64} : tensor<?x?xf32>
  %loss = scan.reduce sum %valid dims = [0, 1] : tensor<?x?xf32> -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @grad
// CHECK: %[[WHOLE:.*]] = tensor.insert_slice
// CHECK: %[[VALID:.*]] = scan.mask %[[WHOLE]] lengths(%arg1) {batch_dim = 1 : i64, time_dim = 0 : i64} : tensor<?x?x3xf32>
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[VALID]] {{\[}}[0, 1], [2]]
// CHECK: scan.reduce sum %[[ROWS]] dims = [0] : tensor<?x3xf32> -> tensor<3xf32>
func.func @grad(%w: tensor<3xf32>, %lengths: tensor<?xi32>, %x: tensor<?x?xf32>) -> (tensor<f32>, tensor<3xf32>) {
  %one = arith.constant dense<1.0> : tensor<f32>
  %0:2 = grad.vjp @loss(%w, %lengths, %x) wrt = [0] cotangents(%one) of = [0]
    : (tensor<3xf32>, tensor<?xi32>, tensor<?x?xf32>), (tensor<f32>) -> (tensor<f32>, tensor<3xf32>)
  return %0#0, %0#1 : tensor<f32>, tensor<3xf32>
}

// The sizes of a cotangent, of which the function knows nothing, beside those of
// an argument.
func.func @second(%x: tensor<?x?x2xf32>, %lengths: tensor<?xi32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %steps = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %batch = tensor.dim %x, %c1 : tensor<?x?x2xf32>
  %one = tensor.extract_slice %x[0, 0, 1] [%steps, %batch, 1] [1, 1, 1] : tensor<?x?x2xf32> to tensor<?x?xf32>
  %valid = scan.mask %one lengths(%lengths) {time_dim = 0 : i64, batch_dim = 1 : i64} : tensor<?x?xf32>
  return %valid : tensor<?x?xf32>
}

// CHECK-LABEL: func.func @gradOfSecond
// CHECK: %[[COT:.*]] = scan.mask %arg2 lengths(%arg1)
// CHECK: tensor.insert_slice %[[COT]] into
func.func @gradOfSecond(%x: tensor<?x?x2xf32>, %lengths: tensor<?xi32>, %cot: tensor<?x?xf32>) -> tensor<?x?x2xf32> {
  %0:2 = grad.vjp @second(%x, %lengths) wrt = [0] cotangents(%cot) of = [0]
    : (tensor<?x?x2xf32>, tensor<?xi32>), (tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?x2xf32>)
  return %0#1 : tensor<?x?x2xf32>
}
