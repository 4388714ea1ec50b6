// RUN: rnn-opt %s -grad-generate -canonicalize -cse -split-input-file | FileCheck %s

// A matrix that a step makes of two vectors is made of them again: they are fewer
// numbers on the tape, which a step has beside the state before it.
// CHECK-LABEL: func.func @grad
// CHECK: scan.loop
// CHECK: %[[K:.*]] = math.exp %{{.*}} : tensor<?x4xf32>
// CHECK: %[[V:.*]] = math.exp %{{.*}} : tensor<?x8xf32>
// CHECK: scan.yield {{.*}} stack({{.*}} : tensor<?x4x8xf32>, tensor<?x{{[48]}}xf32>, tensor<?x{{[48]}}xf32>)
func.func @loss(%k: tensor<?x?x4xf32>, %v: tensor<?x?x8xf32>, %s0: tensor<?x4x8xf32>, %T: index) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %s0, %c0 : tensor<?x4x8xf32>
  %s = scan.loop trip(%T) slices(%a = %k : tensor<?x?x4xf32>, %b = %v : tensor<?x?x8xf32>) carry(%h = %s0 : tensor<?x4x8xf32>) step(%t) {
    %x = math.exp %a : tensor<?x4xf32>
    %y = math.exp %b : tensor<?x8xf32>
    %rows = scan.broadcast %x sizes(%n) dims = [0, 1] : tensor<?x4xf32> -> tensor<?x4x8xf32>
    %columns = scan.broadcast %y sizes(%n) dims = [0, 2] : tensor<?x8xf32> -> tensor<?x4x8xf32>
    %p = arith.mulf %rows, %columns : tensor<?x4x8xf32>
    %next = arith.mulf %p, %h : tensor<?x4x8xf32>
    scan.yield carry(%next : tensor<?x4x8xf32>)
  } -> tensor<?x4x8xf32>
  %loss = scan.reduce sum %s dims = [0, 1, 2] : tensor<?x4x8xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @grad(%k: tensor<?x?x4xf32>, %v: tensor<?x?x8xf32>, %s0: tensor<?x4x8xf32>, %T: index) -> tensor<?x?x4xf32> {
  %one = arith.constant dense<1.0> : tensor<f32>
  %0:2 = grad.vjp @loss(%k, %v, %s0, %T) wrt = [0] cotangents(%one) of = [0]
    : (tensor<?x?x4xf32>, tensor<?x?x8xf32>, tensor<?x4x8xf32>, index), (tensor<f32>) -> (tensor<f32>, tensor<?x?x4xf32>)
  return %0#1 : tensor<?x?x4xf32>
}

// -----

// A vector from outside that all columns of a state share: its gradient is added
// up along them in each step, and over time as a vector.
// CHECK-LABEL: func.func @grad
// CHECK: scan.loop {{.*}} reverse
// CHECK: %[[SUM:.*]] = scan.reduce sum %{{.*}} dims = [2] : tensor<?x4x8xf32> -> tensor<?x4xf32>
// CHECK: arith.addf %{{.*}}, %[[SUM]] : tensor<?x4xf32>
func.func @loss(%w: tensor<?x4xf32>, %s0: tensor<?x4x8xf32>, %T: index) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %s0, %c0 : tensor<?x4x8xf32>
  %all = scan.broadcast %w sizes(%n) dims = [0, 1] : tensor<?x4xf32> -> tensor<?x4x8xf32>
  %s = scan.loop trip(%T) carry(%h = %s0 : tensor<?x4x8xf32>) step(%t) {
    %p = arith.mulf %all, %h : tensor<?x4x8xf32>
    %next = math.tanh %p : tensor<?x4x8xf32>
    scan.yield carry(%next : tensor<?x4x8xf32>)
  } -> tensor<?x4x8xf32>
  %loss = scan.reduce sum %s dims = [0, 1, 2] : tensor<?x4x8xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @grad(%w: tensor<?x4xf32>, %s0: tensor<?x4x8xf32>, %T: index) -> tensor<?x4xf32> {
  %one = arith.constant dense<1.0> : tensor<f32>
  %0:2 = grad.vjp @loss(%w, %s0, %T) wrt = [0] cotangents(%one) of = [0]
    : (tensor<?x4xf32>, tensor<?x4x8xf32>, index), (tensor<f32>) -> (tensor<f32>, tensor<?x4xf32>)
  return %0#1 : tensor<?x4xf32>
}
