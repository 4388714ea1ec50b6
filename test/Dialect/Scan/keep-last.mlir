// RUN: rnn-opt %s --scan-keep-last --canonicalize | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Only the last step is read: it is carried, and begins as the zeros of a row
// without a step.
// CHECK-LABEL: func @last(
// CHECK-SAME: %[[LEN:arg[0-9]+]]: tensor<?xi32>
// CHECK: %[[Z:.*]] = scan.broadcast %{{.*}} : tensor<f32> -> tensor<?x4xf32>
// CHECK: %[[R:.*]]:2 = scan.loop {{.*}} lengths(%[[LEN]]) {{.*}} carry(%{{.*}} = %{{.*}} : tensor<?x4xf32>, %{{.*}} = %[[Z]] : tensor<?x4xf32>)
// CHECK: scan.yield carry(%[[N:.*]], %{{.*}} : tensor<?x4xf32>, tensor<?x4xf32>)
// CHECK-NOT: stack
// CHECK: return %[[R]]#1, %[[R]]#0
func.func @last(%xs: tensor<?x?x4xf32>, %h0: tensor<?x4xf32>, %len: tensor<?xi32>, %T: index) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %hs, %hT = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %x : tensor<?x4xf32>
    %o = math.tanh %n : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%o : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %l = scan.pick_step last %hs lengths(%len) : tensor<?x?x4xf32> -> tensor<?x4xf32>
  return %l, %hT : tensor<?x4xf32>, tensor<?x4xf32>
}

// Backwards the last step that runs is the first.
// CHECK-LABEL: func @backwards(
// CHECK: scan.loop {{.*}} reverse {{.*}} carry(
// CHECK-NOT: stack
// CHECK: return
func.func @backwards(%xs: tensor<?x?x4xf32>, %h0: tensor<?x4xf32>, %T: index) -> tensor<?x4xf32> {
  %hs, %hT = scan.loop trip(%T) reverse slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %x : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %l = scan.pick_step first %hs : tensor<?x?x4xf32> -> tensor<?x4xf32>
  return %l : tensor<?x4xf32>
}

// The other end, other lengths, or another reader: all steps are kept.
// CHECK-LABEL: func @kept(
// CHECK-COUNT-3: stack(
// CHECK: scan.pick_step first
// CHECK: scan.pick_step last
// CHECK: scan.pick_step last
func.func @kept(%xs: tensor<?x?x4xf32>, %h0: tensor<?x4xf32>, %len: tensor<?xi32>, %T: index) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?x4xf32>) {
  %a, %aT = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %x : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %b, %bT = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.mulf %h, %x : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %c, %cT = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.subf %h, %x : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %p = scan.pick_step first %a lengths(%len) : tensor<?x?x4xf32> -> tensor<?x4xf32>
  %q = scan.pick_step last %b lengths(%len) : tensor<?x?x4xf32> -> tensor<?x4xf32>
  %r = scan.pick_step last %c lengths(%len) : tensor<?x?x4xf32> -> tensor<?x4xf32>
  return %p, %q, %r, %c : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?x4xf32>
}
