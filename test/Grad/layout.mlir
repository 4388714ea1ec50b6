// RUN: rnn-opt %s -grad-generate -canonicalize | FileCheck %s

// A value over two time axes of their own lengths, from the caller's layout and
// back: the gradient goes the other way, with both lengths.
func.func private @f(%x: tensor<?x?x?x3xf32>, %a: tensor<?xi32>, %b: tensor<?xi32>) -> tensor<?x?x?x3xf32> {
  %0 = scan.enter %x lengths(%a, %b) : tensor<?x?x?x3xf32> -> tensor<?x?x?x3xf32>
  %1 = arith.mulf %0, %0 : tensor<?x?x?x3xf32>
  %2 = scan.leave %1 lengths(%a, %b) : tensor<?x?x?x3xf32> -> tensor<?x?x?x3xf32>
  return %2 : tensor<?x?x?x3xf32>
}

// CHECK-LABEL: func.func @vjp(
// CHECK-SAME: %[[X:arg0]]: tensor<?x?x?x3xf32>, %[[A:arg1]]: tensor<?xi32>, %[[B:arg2]]: tensor<?xi32>, %[[G:arg3]]: tensor<?x?x?x3xf32>
// CHECK: %[[E:.*]] = scan.enter %[[G]] lengths(%[[A]], %[[B]])
// CHECK: %[[D:.*]] = arith.addf
// CHECK: scan.leave %[[D]] lengths(%[[A]], %[[B]])
func.func @vjp(%x: tensor<?x?x?x3xf32>, %a: tensor<?xi32>, %b: tensor<?xi32>, %g: tensor<?x?x?x3xf32>) -> tensor<?x?x?x3xf32> {
  %0:2 = grad.vjp @f(%x, %a, %b) wrt = [0] cotangents(%g) of = [0]
     : (tensor<?x?x?x3xf32>, tensor<?xi32>, tensor<?xi32>), (tensor<?x?x?x3xf32>) -> (tensor<?x?x?x3xf32>, tensor<?x?x?x3xf32>)
  return %0#1 : tensor<?x?x?x3xf32>
}
