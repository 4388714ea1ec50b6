// RUN: rnn-opt %s -grad-expand-clip -grad-expand-update | FileCheck %s

// The norm is one reduction in f64; its scale is one number.
// CHECK-LABEL: func @global_norm
func.func @global_norm(%g: tensor<64xf32>) -> tensor<64xf32> {
  // CHECK: %[[W:.*]] = arith.extf %[[G:.*]] : tensor<64xf32> to tensor<64xf64>
  // CHECK: %[[S:.*]] = arith.mulf %[[W]], %[[W]] : tensor<64xf64>
  // CHECK: %[[N:.*]] = scan.reduce sum %[[S]] dims = [0] : tensor<64xf64> -> tensor<f64>
  // CHECK: math.sqrt %[[N]]
  // CHECK: 9.99{{.*}}E-7
  // CHECK: arith.minimumf
  // CHECK: arith.truncf
  // CHECK: arith.mulf %[[G]], %{{.*}} : tensor<64xf32>
  %0 = grad.clip_norm %g {limit = 5.0 : f64} : tensor<64xf32>
  return %0 : tensor<64xf32>
}

// CHECK-LABEL: func @value
func.func @value(%g: tensor<64xf32>) -> tensor<64xf32> {
  // CHECK: arith.minimumf
  // CHECK: arith.maximumf
  %0 = grad.clip_value %g {limit = 5.0 : f64} : tensor<64xf32>
  return %0 : tensor<64xf32>
}

// Two tensors have one norm, and one scale.
// CHECK-LABEL: func @together
func.func @together(%g: tensor<32xf32>, %h: tensor<16xf32>) -> (tensor<32xf32>, tensor<16xf32>) {
  // CHECK: %[[A:.*]] = scan.reduce sum %{{.*}} dims = [0] : tensor<32xf64>
  // CHECK: %[[B:.*]] = scan.reduce sum %{{.*}} dims = [0] : tensor<16xf64>
  // CHECK: %[[S:.*]] = arith.addf %[[A]], %[[B]] : tensor<f64>
  // CHECK: math.sqrt %[[S]]
  // CHECK: arith.mulf %{{.*}}, %{{.*}} : tensor<32xf32>
  // CHECK: arith.mulf %{{.*}}, %{{.*}} : tensor<16xf32>
  %0:2 = grad.clip_norm %g, %h {limit = 1.0 : f64} : tensor<32xf32>, tensor<16xf32>
  return %0#0, %0#1 : tensor<32xf32>, tensor<16xf32>
}

// CHECK-LABEL: func @adaptive
func.func @adaptive(%g: tensor<32xf32>, %w: tensor<32xf32>) -> tensor<32xf32> {
  // CHECK: tensor.expand_shape %{{.*}} : tensor<32xf32> into tensor<4x8xf32>
  // CHECK: scan.reduce sum %{{.*}} dims = [1] : tensor<4x8xf64>
  %0 = grad.clip_adaptive %g, %w {limit = 0.01 : f64, row = 8 : i64} : tensor<32xf32>
  return %0 : tensor<32xf32>
}

// Moment estimates in the parameters' precision, corrections in f64.
// CHECK-LABEL: func @adam
func.func @adam(%p: tensor<64xf32>, %g: tensor<64xf32>, %m: tensor<64xf32>, %v: tensor<64xf32>, %r: tensor<f64>, %t: tensor<f64>)
    -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
  // CHECK: arith.subf %{{.*}}, %{{.*}} : tensor<64xf32>
  // CHECK: math.exp %{{.*}} : tensor<f64>
  // CHECK: math.exp %{{.*}} : tensor<f64>
  // CHECK: math.sqrt %{{.*}} : tensor<64xf32>
  %q, %m2, %v2 = grad.adam %p, %g slots(%m, %v) rate(%r) step(%t) : tensor<64xf32>
  return %q, %m2, %v2 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}

// CHECK-LABEL: func @momentum
func.func @momentum(%p: tensor<8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>, %r: tensor<f64>)
    -> (tensor<8xf32>, tensor<8xf32>) {
  // CHECK: %[[OLD:.*]] = arith.mulf %{{.*}}, %{{.*}} : tensor<8xf32>
  // CHECK: %[[NEW:.*]] = arith.addf %[[OLD]], %{{.*}} : tensor<8xf32>
  // CHECK: arith.truncf
  // CHECK: return %{{.*}}, %[[NEW]]
  %q, %c = grad.sgd %p, %g slots(%b) rate(%r) step(%r) {momentum = 0.9 : f64} : tensor<8xf32>
  return %q, %c : tensor<8xf32>, tensor<8xf32>
}
