// RUN: rnn-opt %s --scan-compensate-sums | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-LABEL: func.func @sum(
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<4xf32>
// CHECK: scan.loop {{.*}}slices(%[[X:.*]] = %arg0 {{.*}} carry(%[[SUM:.*]] = %arg1 : tensor<4xf32>, %[[LOST:.*]] = %[[ZERO]] : tensor<4xf32>)
// CHECK: %[[T:.*]] = arith.subf %[[X]], %[[LOST]]
// CHECK: %[[N:.*]] = arith.addf %[[SUM]], %[[T]]
// CHECK: %[[D:.*]] = arith.subf %[[N]], %[[SUM]]
// CHECK: %[[R:.*]] = arith.subf %[[D]], %[[T]]
// CHECK: scan.yield carry(%[[N]], %[[R]]
func.func @sum(%x: tensor<?x4xf32>, %s0: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x4xf32>
  %r = scan.loop trip(%T) slices(%a = %x : tensor<?x4xf32>) carry(%s = %s0 : tensor<4xf32>) step(%t) {
    %n = arith.addf %s, %a : tensor<4xf32>
    scan.yield carry(%n : tensor<4xf32>)
  } -> (tensor<4xf32>)
  return %r : tensor<4xf32>
}

// f64 has digits to spare, and a state that is read is no sum.
// CHECK-LABEL: func.func @others(
// CHECK-NOT: arith.subf
func.func @others(%x: tensor<?x4xf64>, %y: tensor<?x4xf32>, %a0: tensor<4xf64>, %b0: tensor<4xf32>) -> (tensor<4xf64>, tensor<4xf32>) {
  %i0 = arith.constant 0 : index
  %T = tensor.dim %x, %i0 : tensor<?x4xf64>
  %r:2 = scan.loop trip(%T) slices(%p = %x : tensor<?x4xf64>, %q = %y : tensor<?x4xf32>) carry(%a = %a0 : tensor<4xf64>, %b = %b0 : tensor<4xf32>) step(%t) {
    %n = arith.addf %a, %p : tensor<4xf64>
    %h = math.tanh %b : tensor<4xf32>
    %m = arith.addf %h, %q : tensor<4xf32>
    scan.yield carry(%n, %m : tensor<4xf64>, tensor<4xf32>)
  } -> (tensor<4xf64>, tensor<4xf32>)
  return %r#0, %r#1 : tensor<4xf64>, tensor<4xf32>
}
