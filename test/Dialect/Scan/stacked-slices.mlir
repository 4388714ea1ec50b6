// RUN: rnn-opt %s --canonicalize --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a loop stacks as it got it stands in the tensor it got it from: behind
// the ends there are no zeros, which a loop of pointwise ops does not see.

// CHECK-LABEL: func @pointwise
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x4xf32>
// CHECK: scan.yield {{.*}} stack(%{{[a-z0-9]+}} : tensor<?x4xf32>)
// CHECK: scan.loop trip(%{{.*}}) lengths(%{{.*}}) reverse slices(%{{.*}} = %{{.*}}#0 : tensor<?x?x4xf32>, %{{.*}} = %[[X]] : tensor<?x?x4xf32>)
func.func @pointwise(%x: tensor<?x?x4xf32>, %h0: tensor<?x4xf32>, %len: tensor<?xi32>, %T: index) -> tensor<?x4xf32> {
  %ys, %xs, %h = scan.loop trip(%T) lengths(%len) slices(%a = %x : tensor<?x?x4xf32>) carry(%b = %h0 : tensor<?x4xf32>) step(%t) {
    %0 = arith.addf %a, %b : tensor<?x4xf32>
    scan.yield carry(%0 : tensor<?x4xf32>) stack(%0, %a : tensor<?x4xf32>, tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>)
  %g = scan.loop trip(%T) lengths(%len) reverse slices(%c = %ys : tensor<?x?x4xf32>, %d = %xs : tensor<?x?x4xf32>) carry(%e = %h : tensor<?x4xf32>) step(%t) {
    %1 = arith.mulf %c, %d : tensor<?x4xf32>
    %2 = arith.addf %1, %e : tensor<?x4xf32>
    scan.yield carry(%2 : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>)
  return %g : tensor<?x4xf32>
}

// -----

// A product over the examples sees them, and so does whoever gets the result.

// CHECK-LABEL: func @sees
// CHECK: %[[ONE:.*]]:3 = scan.loop {{.*}} {
// CHECK: scan.yield carry(%{{.*}} : tensor<?x4xf32>) stack(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<?x4xf32>)
// CHECK: scan.loop {{.*}} reverse slices(%{{.*}} = %[[ONE]]#0 : tensor<?x?x4xf32>, %{{.*}} = %[[ONE]]#1 : tensor<?x?x4xf32>)
// CHECK: return %{{.*}}, %[[ONE]]#1
func.func @sees(%x: tensor<?x?x4xf32>, %h0: tensor<?x4xf32>, %w0: tensor<4x4xf32>, %len: tensor<?xi32>, %T: index) -> (tensor<4x4xf32>, tensor<?x?x4xf32>) {
  %ys, %xs, %h = scan.loop trip(%T) lengths(%len) slices(%a = %x : tensor<?x?x4xf32>) carry(%b = %h0 : tensor<?x4xf32>) step(%t) {
    %0 = arith.addf %a, %b : tensor<?x4xf32>
    scan.yield carry(%0 : tensor<?x4xf32>) stack(%0, %a : tensor<?x4xf32>, tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>)
  %g = scan.loop trip(%T) lengths(%len) reverse slices(%c = %ys : tensor<?x?x4xf32>, %d = %xs : tensor<?x?x4xf32>) carry(%e = %w0 : tensor<4x4xf32>) step(%t) {
    %1 = scan.dot %c, %d batch = [[], []] contract = [[0], [0]] : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<4x4xf32>
    %2 = arith.addf %1, %e : tensor<4x4xf32>
    scan.yield carry(%2 : tensor<4x4xf32>)
  } -> (tensor<4x4xf32>)
  return %g, %xs : tensor<4x4xf32>, tensor<?x?x4xf32>
}

// -----

// Without lengths there is nothing behind the ends.

// CHECK-LABEL: func @whole
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x4xf32>
// CHECK: return %{{.*}}, %[[X]]
func.func @whole(%x: tensor<?x?x4xf32>, %h0: tensor<?x4xf32>, %T: index) -> (tensor<?x4xf32>, tensor<?x?x4xf32>) {
  %xs, %h = scan.loop trip(%T) slices(%a = %x : tensor<?x?x4xf32>) carry(%b = %h0 : tensor<?x4xf32>) step(%t) {
    %0 = arith.addf %a, %b : tensor<?x4xf32>
    scan.yield carry(%0 : tensor<?x4xf32>) stack(%a : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  return %h, %xs : tensor<?x4xf32>, tensor<?x?x4xf32>
}
