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
  %0 = grad.clip_global_norm %g {limit = 5.0 : f64} : tensor<64xf32>
  return %0 : tensor<64xf32>
}

// CHECK-LABEL: func @value
func.func @value(%g: tensor<64xf32>) -> tensor<64xf32> {
  // CHECK: arith.minimumf
  // CHECK: arith.maximumf
  %0 = grad.clip_value %g {limit = 5.0 : f64} : tensor<64xf32>
  return %0 : tensor<64xf32>
}

// CHECK-LABEL: func @each_norm
func.func @each_norm(%g: tensor<64xf32>) -> tensor<64xf32> {
  // CHECK: tensor.extract_slice %{{.*}}[0] [32] [1]
  // CHECK: scan.reduce sum %{{.*}} dims = [0] : tensor<32xf64>
  // CHECK: tensor.insert_slice
  // CHECK: tensor.extract_slice %{{.*}}[32] [16] [1]
  // CHECK: scan.reduce sum %{{.*}} dims = [0] : tensor<16xf64>
  // CHECK: tensor.insert_slice
  %0 = grad.clip_norm %g {limit = 1.0 : f64, offsets = array<i64: 0, 32>, sizes = array<i64: 32, 16>} : tensor<64xf32>
  return %0 : tensor<64xf32>
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
