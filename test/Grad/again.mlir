// RUN: rnn-opt %s -grad-generate -canonicalize -cse | FileCheck %s

// A request may ask for a function that asks itself: the innermost comes first.
func.func private @f(%x: tensor<8xf64>) -> tensor<f64> {
  %0 = math.tanh %x : tensor<8xf64>
  %1 = scan.reduce sum %0 dims = [0] : tensor<8xf64> -> tensor<f64>
  return %1 : tensor<f64>
}

func.func private @gradient(%x: tensor<8xf64>) -> tensor<8xf64> {
  %one = arith.constant dense<1.0> : tensor<f64>
  %0:2 = grad.vjp @f(%x) wrt = [0] cotangents(%one) of = [0]
     : (tensor<8xf64>), (tensor<f64>) -> (tensor<f64>, tensor<8xf64>)
  return %0#1 : tensor<8xf64>
}

// The Hessian of a sum of tanh times v: -2 t (1 - t^2) v.
// CHECK-LABEL: func @hessian_reverse
// CHECK-NOT: grad.
// CHECK: %[[T:.*]] = math.tanh %{{.*}} : tensor<8xf64>
// CHECK-NOT: math.tanh
// CHECK-NOT: grad.
// CHECK: return
func.func @hessian_reverse(%x: tensor<8xf64>, %v: tensor<8xf64>) -> tensor<8xf64> {
  %0:2 = grad.vjp @gradient(%x) wrt = [0] cotangents(%v) of = [0]
     : (tensor<8xf64>), (tensor<8xf64>) -> (tensor<8xf64>, tensor<8xf64>)
  return %0#1 : tensor<8xf64>
}

// CHECK-LABEL: func @hessian_forward
// CHECK-NOT: grad.
// CHECK: math.tanh
// CHECK-NOT: math.tanh
// CHECK-NOT: grad.
// CHECK: return
func.func @hessian_forward(%x: tensor<8xf64>, %v: tensor<8xf64>) -> tensor<8xf64> {
  %0:2 = grad.jvp @gradient(%x) wrt = [0] tangents(%v) of = [0]
     : (tensor<8xf64>), (tensor<8xf64>) -> (tensor<8xf64>, tensor<8xf64>)
  return %0#1 : tensor<8xf64>
}
