// RUN: rnn-opt %s --kernel-form-phases --kernel-select-schedule=targets=v3 --convert-scan-to-kernel --cse --canonicalize | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Carries that change places: both old values stay until both are read.
// CHECK-LABEL: func.func @swap(
// CHECK: %[[P:.*]] = memref.alloc(%{{.*}}) : memref<2x?x4xf32>
// CHECK: %[[Q:.*]] = memref.alloc(%{{.*}}) : memref<2x?x4xf32>
// CHECK: scf.for
// CHECK: %[[P0:.*]] = memref.subview %[[P]]
// CHECK: %[[P1:.*]] = memref.subview %[[P]]
// CHECK: %[[Q0:.*]] = memref.subview %[[Q]]
// CHECK: %[[Q1:.*]] = memref.subview %[[Q]]
// CHECK: memref.copy %[[Q0]], %[[P1]]
// CHECK: memref.copy %[[P0]], %[[Q1]]
func.func @swap(%a: tensor<?x4xf32>, %b: tensor<?x4xf32>, %len: tensor<?xi32>, %xs: tensor<?x?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x4xf32>
  %r:2 = scan.loop trip(%T) lengths(%len) carry(%p = %a : tensor<?x4xf32>, %q = %b : tensor<?x4xf32>) step(%t) {
    scan.yield carry(%q, %p : tensor<?x4xf32>, tensor<?x4xf32>)
  } -> (tensor<?x4xf32>, tensor<?x4xf32>)
  return %r#0, %r#1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// A reverse loop whose carry is stacked: the first value is row T.
// CHECK-LABEL: func.func @reverse(
// CHECK: %[[S:.*]] = memref.alloc(%{{.*}}, %{{.*}}) : memref<?x?x4xf32>
// CHECK: %[[ALL:.*]] = memref.subview %[[S]][0, 0, 0]
// CHECK: %[[FIRST:.*]] = memref.subview %[[S]][%[[T:.*]], 0, 0]
// CHECK: memref.copy %arg0, %[[FIRST]]
// CHECK: scf.for %[[I:.*]] =
// CHECK: %[[I1:.*]] = arith.addi %[[I]]
// CHECK: %[[STEP:.*]] = arith.subi %[[T]], %[[I1]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[STEP]]
// CHECK: %[[H:.*]] = memref.subview %[[S]][%[[NEXT]], 0, 0]
// CHECK: %[[H1:.*]] = memref.subview %[[S]][%[[STEP]], 0, 0]
// CHECK: kernel.mask_rows outs(%[[H1]] {{.*}} at(%[[STEP]]) previous(%[[H]]
// CHECK: memref.copy {{.*}}, %arg4
// CHECK: kernel.mask_rows outs(%[[ALL]] {{.*}} time_dim = 0
func.func @reverse(%h0: tensor<?x4xf32>, %len: tensor<?xi32>, %xs: tensor<?x?x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x4xf32>
  %r:2 = scan.loop trip(%T) lengths(%len) reverse slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %0 = arith.addf %x, %h : tensor<?x4xf32>
    scan.yield carry(%0 : tensor<?x4xf32>) stack(%0 : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %y = arith.negf %r#0 : tensor<?x?x4xf32>
  return %y, %r#1 : tensor<?x?x4xf32>, tensor<?x4xf32>
}

// The state before each step, on tape: rows of the same memory.
// CHECK-LABEL: func.func @tape(
// CHECK: %[[S:.*]] = memref.alloc(%{{.*}}, %{{.*}}) : memref<?x?x4xf32>
// CHECK: %[[BEFORE:.*]] = memref.subview %[[S]][0, 0, 0]
// CHECK: scf.for
// CHECK-COUNT-1: linalg.generic
// CHECK: kernel.mask_rows
// CHECK-NOT: kernel.mask_rows
// CHECK: linalg.generic
// CHECK-SAME: ins(%arg4, %[[BEFORE]] :
func.func @tape(%h0: tensor<?x4xf32>, %len: tensor<?xi32>, %xs: tensor<?x?x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x4xf32>
  %r:3 = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %0 = arith.addf %x, %h : tensor<?x4xf32>
    %1 = math.tanh %0 : tensor<?x4xf32>
    scan.yield carry(%1 : tensor<?x4xf32>) stack(%1, %h : tensor<?x4xf32>, tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>) {unmasked_stacks = array<i64: 0, 1>}
  %y = arith.mulf %r#0, %r#1 : tensor<?x?x4xf32>
  return %y, %r#0 : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// A loop in a loop, over a fixed axis, its result a row of the outer one's.
// CHECK-LABEL: func.func @nested(
// CHECK: scf.for
// CHECK: %[[ROW:.*]] = memref.subview %arg3[%{{.*}}, 0, 0, 0]
// CHECK: scf.for %[[K:.*]] =
// CHECK-NOT: memref.alloc
// CHECK: memref.subview %[[ROW]][%[[K]], 0, 0]
// CHECK: memref.subview %arg1[%[[K]], 0, 0]
// CHECK: kernel.gemm
// CHECK: linalg.generic
func.func @nested(%xs: tensor<?x?x4xf32>, %W: tensor<3x4x4xf32>, %len: tensor<?xi32>) -> (tensor<?x3x?x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x4xf32>
  %B = tensor.dim %xs, %c1 : tensor<?x?x4xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %z = scan.broadcast %zero sizes(%B) dims = [] : tensor<f32> -> tensor<?x4xf32>
  %r:2 = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %z : tensor<?x4xf32>) step(%t) {
    %s = arith.addf %x, %h : tensor<?x4xf32>
    %i:2 = scan.loop trip(%c3) slices(%w = %W : tensor<3x4x4xf32>) carry(%g = %s : tensor<?x4xf32>) step(%k) {
      %0 = scan.dot %g, %w batch = [[], []] contract = [[1], [1]] : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
      %1 = math.tanh %0 : tensor<?x4xf32>
      %2 = arith.addf %1, %x : tensor<?x4xf32>
      scan.yield carry(%1 : tensor<?x4xf32>) stack(%2 : tensor<?x4xf32>)
    } -> (tensor<3x?x4xf32>, tensor<?x4xf32>)
    scan.yield carry(%i#1 : tensor<?x4xf32>) stack(%i#0 : tensor<3x?x4xf32>)
  } -> (tensor<?x3x?x4xf32>, tensor<?x4xf32>)
  return %r#0 : tensor<?x3x?x4xf32>
}

// Constants: as slices, as first values, as what is yielded.
// CHECK-LABEL: func.func @constants(
// CHECK: %[[C:.*]] = memref.alloc(%{{.*}}) : memref<2x?x4xf32>
// CHECK: %[[H0:.*]] = memref.alloc(%{{.*}}) : memref<?x4xf32>
// CHECK: %[[ROW0:.*]] = memref.subview %[[C]][0, 0, 0]
// CHECK-DAG: linalg.fill ins(%[[TWO:.*]] : f32) outs(%[[H0]] :
// CHECK-DAG: linalg.fill ins(%[[TWO]] : f32) outs(%[[ROW0]] :
// CHECK: scf.for
// CHECK: arith.mulf %{{.*}}, %[[TWO]]
// CHECK: memref.copy %[[H0]],
func.func @constants(%xs: tensor<?x?x4xf32>, %len: tensor<?xi32>) -> (tensor<?x?x4xf32>, tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x4xf32>
  %B = tensor.dim %xs, %c1 : tensor<?x?x4xf32>
  %two = arith.constant dense<2.0> : tensor<f32>
  %z = scan.broadcast %two sizes(%T, %B) dims = [] : tensor<f32> -> tensor<?x?x4xf32>
  %h0 = scan.broadcast %two sizes(%B) dims = [] : tensor<f32> -> tensor<?x4xf32>
  %r:2 = scan.loop trip(%T) lengths(%len) slices(%x = %z : tensor<?x?x4xf32>, %y = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %0 = arith.mulf %x, %y : tensor<?x4xf32>
    %1 = arith.mulf %0, %h : tensor<?x4xf32>
    scan.yield carry(%h0 : tensor<?x4xf32>) stack(%1 : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  return %r#0, %r#1 : tensor<?x?x4xf32>, tensor<?x4xf32>
}

// A sum that is carried, of masked rows, and one without batch.
// CHECK-LABEL: func.func @sums(
// CHECK: scf.for
// CHECK: linalg.fill
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["reduction", "parallel"]
// CHECK: arith.select
// CHECK-NOT: kernel.mask_rows
// CHECK: return
func.func @sums(%xs: tensor<?x?x4xf32>, %len: tensor<?xi32>) -> (tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x4xf32>
  %z = arith.constant dense<0.0> : tensor<4xf32>
  %r = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf32>) carry(%s = %z : tensor<4xf32>) step(%t) {
    %m = scan.mask %x lengths(%len) at(%t) {batch_dim = 0} : tensor<?x4xf32>
    %0 = scan.reduce sum %m dims = [0] : tensor<?x4xf32> -> tensor<4xf32>
    %1 = arith.addf %s, %0 : tensor<4xf32>
    scan.yield carry(%1 : tensor<4xf32>)
  } -> (tensor<4xf32>)
  return %r : tensor<4xf32>
}

// The states before each step are the stack's own rows, from its first value on.
// CHECK-LABEL: func.func @before(
// CHECK: %[[S:.*]] = memref.alloc(%{{.*}}, %{{.*}}) : memref<?x?x4xf32>
// CHECK: scf.for
// CHECK-NOT: memref.copy
// CHECK: %[[BEFORE:.*]] = memref.subview %[[S]][0, 0, 0]
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}}, %[[BEFORE]] :
func.func @before(%h0: tensor<?x4xf32>, %len: tensor<?xi32>, %xs: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x4xf32>
  %r:2 = scan.loop trip(%T) lengths(%len) slices(%x = %xs : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %0 = arith.addf %x, %h : tensor<?x4xf32>
    scan.yield carry(%0 : tensor<?x4xf32>) stack(%0 : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %p = scan.shift %r#0 fill(%h0 : tensor<?x4xf32>) {by = 1 : i64} : tensor<?x?x4xf32>
  %y = arith.mulf %r#0, %p : tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// Rows that have ended are not computed: the list changes where a row ends.
// CHECK-LABEL: func.func @ended(
// CHECK: %[[ROWS:.*]] = memref.alloc(%{{.*}}) : memref<?xi64>
// CHECK: kernel.valid_rows ins(%[[LEN:.*]] : memref<?xi32>) outs(%[[ROWS]] : memref<?xi64>) at(%c-1)
// CHECK: scf.for %[[T:.*]] =
// CHECK: scf.if
// CHECK: kernel.valid_rows ins(%[[LEN]] {{.*}} outs(%[[ROWS]] {{.*}} at(%[[T]])
// CHECK: %[[N:.*]] = memref.load %[[ROWS]][%c0]
// CHECK: %[[COUNT:.*]] = arith.index_cast %[[N]]
// CHECK: %[[LIST:.*]] = memref.subview %[[ROWS]][1] [%[[COUNT]]]
// CHECK: kernel.gemm {{.*}} valid(%[[LIST]]
func.func @ended(%U: tensor<8x8xf32>, %h0: tensor<?x8xf32>, %len: tensor<?xi32>, %xs: tensor<?x?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %xs, %c0 : tensor<?x?x8xf32>
  %h = scan.loop trip(%T) lengths(%len) carry(%a = %h0 : tensor<?x8xf32>) step(%t) {
    %n = scan.dot %a, %U lengths(%len) batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %h : tensor<?x8xf32>
}
