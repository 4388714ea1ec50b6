// RUN: rnn-opt %s --scan-stagger --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The first layer works a chunk ahead: once before the loop, and in each trip
// on the chunk that the second layer reads in the next one.
// CHECK-LABEL: func @stack(
// CHECK-SAME: %[[X:.*]]: tensor<?x?x4xf32>, %[[LEN:.*]]: tensor<?xi32>, %[[H0:.*]]: tensor<?x4xf32>
// CHECK: %[[N:.*]], %[[K:.*]] = scan.chunks {{.*}} {bytes = 32 : i64, stages = 2 : i64, weights = 128 : i64}
// CHECK: %[[MORE:.*]] = arith.addi %[[N]], %{{.*}} : index
// CHECK: %[[S:.*]] = scan.split %[[X]] into(%[[MORE]], %[[K]])
// CHECK: %[[P0:.*]] = tensor.extract_slice %[[S]][0, 0, 0, 0] [1, {{.*}} : tensor<?x?x?x4xf32> to tensor<?x?x4xf32>
// CHECK: %[[ONE:.*]]:2 = scan.loop trip(%[[K]]) {{.*}} = %[[P0]] : {{.*}} carry({{.*}} = %[[H0]] :
// CHECK: %[[FROM1:.*]] = tensor.extract_slice %[[S]][1, 0, 0, 0] [%[[N]],
// CHECK: scan.loop trip(%[[N]]) slices(%[[P:.*]] = %[[FROM1]] : {{.*}}) carry(%[[A:.*]] = %[[ONE]]#1 : {{.*}}, %[[B:.*]] = %[[H0]] : {{.*}}, %[[Y:.*]] = %[[ONE]]#0 : {{.*}}) step(%[[T:.*]]) {
// CHECK: %[[BEGIN:.*]] = arith.muli %[[T]], %[[K]]
// CHECK: %[[L:.*]] = scan.part_lengths %[[LEN]] from(%[[BEGIN]]) steps(%[[K]])
// CHECK: %[[TWO:.*]]:2 = scan.loop trip(%[[K]]) lengths(%[[L]]) slices(%{{.*}} = %[[Y]] : {{.*}}) carry(%{{.*}} = %[[B]] :
// CHECK: %[[NEXT:.*]] = arith.addi %[[T]],
// CHECK: %[[LATER:.*]] = arith.muli %[[NEXT]], %[[K]]
// CHECK: %[[M:.*]] = scan.part_lengths %[[LEN]] from(%[[LATER]]) steps(%[[K]])
// CHECK: %[[AHEAD:.*]]:2 = scan.loop trip(%[[K]]) lengths(%[[M]]) slices(%{{.*}} = %[[P]] : {{.*}}) carry(%{{.*}} = %[[A]] :
// CHECK: scan.yield carry(%[[AHEAD]]#1, %[[TWO]]#1, %[[AHEAD]]#0 : {{.*}}) stack(%[[TWO]]#0 :
// CHECK: {recompute}
func.func @stack(%x: tensor<?x?x4xf32>, %len: tensor<?xi32>, %h0: tensor<?x4xf32>) -> tensor<?x?x4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %B = tensor.dim %len, %c0 : tensor<?xi32>
  %n, %k = scan.chunks %T rows(%B) {bytes = 32 : i64, weights = 128 : i64}
  %xs = scan.split %x into(%n, %k) : tensor<?x?x4xf32> -> tensor<?x?x?x4xf32>
  %r:3 = scan.loop trip(%n) slices(%s = %xs : tensor<?x?x?x4xf32>) carry(%a = %h0 : tensor<?x4xf32>, %b = %h0 : tensor<?x4xf32>) step(%t) {
    %begin = arith.muli %t, %k : index
    %l = scan.part_lengths %len from(%begin) steps(%k)
    %one:2 = scan.loop trip(%k) lengths(%l) slices(%i = %s : tensor<?x?x4xf32>) carry(%h = %a : tensor<?x4xf32>) step(%u) {
      %m = arith.addf %h, %i : tensor<?x4xf32>
      scan.yield carry(%m : tensor<?x4xf32>) stack(%m : tensor<?x4xf32>)
    } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
    %two:2 = scan.loop trip(%k) lengths(%l) slices(%i = %one#0 : tensor<?x?x4xf32>) carry(%h = %b : tensor<?x4xf32>) step(%u) {
      %m = arith.mulf %h, %i : tensor<?x4xf32>
      scan.yield carry(%m : tensor<?x4xf32>) stack(%m : tensor<?x4xf32>)
    } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
    scan.yield carry(%one#1, %two#1 : tensor<?x4xf32>, tensor<?x4xf32>) stack(%two#0 : tensor<?x?x4xf32>)
  } -> (tensor<?x?x?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {recompute}
  %y = scan.join %r#0 lengths(%len) size(%T) : tensor<?x?x?x4xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// The first layer's values are kept: it is left.
// CHECK-LABEL: func @kept(
// CHECK-NOT: stages
// CHECK: return
func.func @kept(%x: tensor<?x?x4xf32>, %len: tensor<?xi32>, %h0: tensor<?x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %B = tensor.dim %len, %c0 : tensor<?xi32>
  %n, %k = scan.chunks %T rows(%B) {bytes = 32 : i64, weights = 128 : i64}
  %xs = scan.split %x into(%n, %k) : tensor<?x?x4xf32> -> tensor<?x?x?x4xf32>
  %r:4 = scan.loop trip(%n) slices(%s = %xs : tensor<?x?x?x4xf32>) carry(%a = %h0 : tensor<?x4xf32>, %b = %h0 : tensor<?x4xf32>) step(%t) {
    %begin = arith.muli %t, %k : index
    %l = scan.part_lengths %len from(%begin) steps(%k)
    %one:2 = scan.loop trip(%k) lengths(%l) slices(%i = %s : tensor<?x?x4xf32>) carry(%h = %a : tensor<?x4xf32>) step(%u) {
      %m = arith.addf %h, %i : tensor<?x4xf32>
      scan.yield carry(%m : tensor<?x4xf32>) stack(%m : tensor<?x4xf32>)
    } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
    %two:2 = scan.loop trip(%k) lengths(%l) slices(%i = %one#0 : tensor<?x?x4xf32>) carry(%h = %b : tensor<?x4xf32>) step(%u) {
      %m = arith.mulf %h, %i : tensor<?x4xf32>
      scan.yield carry(%m : tensor<?x4xf32>) stack(%m : tensor<?x4xf32>)
    } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
    scan.yield carry(%one#1, %two#1 : tensor<?x4xf32>, tensor<?x4xf32>) stack(%one#0, %two#0 : tensor<?x?x4xf32>, tensor<?x?x4xf32>)
  } -> (tensor<?x?x?x4xf32>, tensor<?x?x?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {recompute}
  %y = scan.join %r#0 lengths(%len) size(%T) : tensor<?x?x?x4xf32> -> tensor<?x?x4xf32>
  %z = scan.join %r#1 lengths(%len) size(%T) : tensor<?x?x?x4xf32> -> tensor<?x?x4xf32>
  return %y, %z : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// -----

// One loop, and a loop over steps and not chunks: nothing to part.
// CHECK-LABEL: func @alone(
// CHECK-NOT: arith.addi
// CHECK: return
func.func @alone(%x: tensor<?x?x4xf32>, %len: tensor<?xi32>, %h0: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %r = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x4xf32>) carry(%a = %h0 : tensor<?x4xf32>) step(%t) {
    %m = arith.addf %a, %s : tensor<?x4xf32>
    scan.yield carry(%m : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>)
  return %r : tensor<?x4xf32>
}
