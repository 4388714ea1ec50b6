// RUN: rnn-opt %s | rnn-opt | FileCheck %s

func.func private @f(%w: tensor<8xf32>, %i: tensor<?xi32>) -> tensor<f32> {
  %0 = scan.reduce sum %w dims = [0] : tensor<8xf32> -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func @requests
func.func @requests(%w: tensor<8xf32>, %i: tensor<?xi32>, %one: tensor<f32>) -> (tensor<8xf32>, tensor<f32>) {
  // CHECK: grad.vjp @f(%{{.*}}, %{{.*}}) wrt = [0] cotangents(%{{.*}}) of = [0] : (tensor<8xf32>, tensor<?xi32>), (tensor<f32>) -> (tensor<f32>, tensor<8xf32>)
  %l, %dw = grad.vjp @f(%w, %i) wrt = [0] cotangents(%one) of = [0]
     : (tensor<8xf32>, tensor<?xi32>), (tensor<f32>) -> (tensor<f32>, tensor<8xf32>)
  // CHECK: grad.jvp @f(%{{.*}}, %{{.*}}) wrt = [0] tangents(%{{.*}}) of = [0]
  %k, %dk = grad.jvp @f(%w, %i) wrt = [0] tangents(%w) of = [0]
     : (tensor<8xf32>, tensor<?xi32>), (tensor<8xf32>) -> (tensor<f32>, tensor<f32>)
  return %dw, %dk : tensor<8xf32>, tensor<f32>
}

// CHECK-LABEL: func @arena
func.func @arena(%p: tensor<64xf32>, %g: tensor<64xf32>, %m: tensor<64xf32>, %v: tensor<64xf32>, %r: tensor<f64>, %t: tensor<f64>)
    -> (tensor<64xf32>, tensor<f64>) {
  // CHECK: grad.norm %{{.*}} : tensor<64xf32>
  %n = grad.norm %g : tensor<64xf32>
  // CHECK: grad.clip_value %{{.*}} {limit = 5.000000e+00 : f64} : tensor<64xf32>
  %0 = grad.clip_value %g {limit = 5.0 : f64} : tensor<64xf32>
  // CHECK: grad.clip_norm %{{.*}}, %{{.*}} {limit = 1.000000e+00 : f64} : tensor<64xf32>, tensor<64xf32>
  %1, %2 = grad.clip_norm %0, %g {limit = 1.0 : f64} : tensor<64xf32>, tensor<64xf32>
  // CHECK: grad.clip_adaptive %{{.*}}, %{{.*}} {limit = 1.000000e-02 : f64, row = 8 : i64} : tensor<64xf32>
  %3 = grad.clip_adaptive %2, %p {limit = 0.01 : f64, row = 8 : i64} : tensor<64xf32>
  // CHECK: grad.adam %{{.*}}, %{{.*}} slots(%{{.*}}, %{{.*}}) rate(%{{.*}}) step(%{{.*}}) {beta1 = 8.000000e-01 : f64} : tensor<64xf32>
  %q, %m2, %v2 = grad.adam %p, %3 slots(%m, %v) rate(%r) step(%t) {beta1 = 0.8 : f64} : tensor<64xf32>
  // CHECK: grad.sgd
  %q2 = grad.sgd %q, %3 rate(%r) step(%t) : tensor<64xf32>
  // CHECK: grad.rmsprop
  %q3, %v3 = grad.rmsprop %q2, %3 slots(%v2) rate(%r) step(%t) : tensor<64xf32>
  // CHECK: grad.adagrad
  %q4, %s = grad.adagrad %q3, %3 slots(%v3) rate(%r) step(%t) : tensor<64xf32>
  return %q4, %n : tensor<64xf32>, tensor<f64>
}
